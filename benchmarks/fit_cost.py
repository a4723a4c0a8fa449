"""What the fit costs as clips get longer and people more.

Three dancers' motion, played forwards and backwards for as long as it takes, each person with a
shape of their own, seen by a made-up detector (no hands). Every size is measured in a process of
its own, after a short fit that loads what must be loaded; times are the least of some runs.

    python benchmarks/fit_cost.py [--plot FILE.png] [--repeats 3] [--threads 1]

The dancers' files are looked for in $MOCAP_DATA/motions/perfume, or --dancers.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mocap.body import Body, load_body
from mocap.datasets.motions import BodyClip, read_bvh_clip, to_bodies
from mocap.datasets.scenes import film
from mocap.fitting import FitConfig, fit
from mocap.take import Take

DANCERS = ("A_test.bvh", "B_test.bvh", "C_test.bvh")
FRAMES = (75, 150, 300, 600, 1200, 2500, 5000)
PEOPLE, THEIR_FRAMES = (1, 2, 4, 8), 300
#: How far behind each other rows of three dancers are, metres, and how much later, seconds.
ROW, LATER = 2.0, 8.0
WARM_FRAMES = 40


@dataclass(frozen=True)
class Cost:
    """Of one fit: seconds of all processors, of the wall clock, and MiB more at the peak."""

    people: int
    frames: int
    processor: float
    wall: float
    memory: float

    @property
    def person_frames(self) -> int:
        """How many poses were fitted."""
        return self.people * self.frames


def troupe(dancers: list[BodyClip], people: int, frames: int) -> list[BodyClip]:
    """As many people as wanted, for as long as wanted, no two the same."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(people):
        dancer, row = dancers[number % len(dancers)], number // len(dancers)
        turn = 2 * (len(dancer) - 1)
        at = (np.arange(frames) + round(row * LATER * dancer.fps)) % turn
        at = np.where(at < len(dancer), at, turn - at)
        pose = replace(
            dancer.pose,
            transl=dancer.pose.transl[at] - [0.0, 0.0, row * ROW],
            root=dancer.pose.root[at],
            coordinates=dancer.pose.coordinates[at],
        )
        betas = dancer.betas + rng.normal(0, 0.7, dancer.betas.shape)
        found.append(replace(dancer, betas=betas, pose=pose))
    return found


def measure(path: Path, repeats: int) -> tuple[float, float, float]:
    """Least processor and wall seconds of some fits of a take, and MiB that they take."""
    body, take = load_body(), Take.load(path)
    people = {
        name: replace(
            person,
            frames=person.frames[:WARM_FRAMES],
            observed=person.observed[:WARM_FRAMES],
            box=person.box[:WARM_FRAMES],
            keypoints2d=replace(
                person.keypoints2d,
                xy=person.keypoints2d.xy[:WARM_FRAMES],
                confidence=person.keypoints2d.confidence[:WARM_FRAMES],
            ),
            keypoints3d=replace(person.keypoints3d, xyz=person.keypoints3d.xyz[:WARM_FRAMES]),
        )
        for name, person in list(take.people.items())[:1]
        if person.keypoints2d is not None and person.keypoints3d is not None
    }
    fit(replace(take, people=people), body, FitConfig())
    before = resident(afresh=True)
    spent = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        fit(take, body, FitConfig())
        spent.append((time.process_time() - processor, time.perf_counter() - wall))
    processor, wall = np.min(spent, axis=0)
    return float(processor), float(wall), resident() - before


def resident(*, afresh: bool = False) -> float:
    """The most memory, MiB, that this process has had since it was asked for afresh; Linux only.

    What `resource` tells begins with the parent's, and cannot be begun afresh.
    """
    if not Path("/proc/self/clear_refs").exists():
        return float("nan")
    if afresh:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return float(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) / 1024


def cost(
    dancers: list[BodyClip], body: Body, people: int, frames: int, repeats: int, threads: int
) -> Cost:
    """Make up a take of some size, and measure it in another process."""
    detected, _ = film(troupe(dancers, people, frames), body)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "take.h5")
        detected.save(path)
        command = [sys.executable, __file__, "--measure", str(path), "--repeats", str(repeats)]
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        run = subprocess.run(
            command, env={**os.environ, **limits}, capture_output=True, text=True, check=True
        )
    return Cost(people, frames, *json.loads(run.stdout.splitlines()[-1]))


def slope(sizes: list[int], values: list[float]) -> float:
    """The exponent with which values grow: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0])


def table(costs: list[Cost]) -> str:
    """As Markdown."""
    lines = [
        "| people | frames | processor s | wall s | processor ms a person-frame | wall ms "
        "| MiB at the peak |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in costs:
        each = 1000 / one.person_frames
        lines.append(
            f"| {one.people} | {one.frames} | {one.processor:.2f} | {one.wall:.2f} | "
            f"{one.processor * each:.2f} | {one.wall * each:.2f} | {one.memory:.0f} |"
        )
    return "\n".join(lines)


def slopes(costs: list[Cost], over: str) -> str:
    """How processor time and memory grow, in words: over all sizes, and over the upper ones."""
    sizes = [getattr(one, over) for one in costs]
    half = len(costs) // 2 if len(costs) > 3 else 0
    parts = []
    for name in ("processor", "memory"):
        values = [getattr(one, name) for one in costs]
        parts.append(
            f"{name} {slope(sizes, values):.2f} (from {sizes[half]} on "
            f"{slope(sizes[half:], values[half:]):.2f})"
        )
    return f"log-log slope over {over}: {', '.join(parts)}"


def plot(path: Path, series: dict[str, list[Cost]]) -> None:
    """Processor time against size, both on logarithmic axes, one panel a series."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(series), figsize=(5.5 * len(series), 4.2), squeeze=False)
    for panel, (over, costs) in zip(panels[0], series.items(), strict=True):
        sizes = np.array([getattr(one, over) for one in costs], float)
        spent = np.array([one.processor for one in costs])
        panel.loglog(sizes, spent, "o-", label="processor time")
        panel.loglog(sizes, spent[-1] * sizes / sizes[-1], "--", color="grey", label="linear")
        panel.set_xlabel(over)
        panel.set_ylabel("seconds")
        panel.set_xticks(sizes, [f"{size:g}" for size in sizes])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print the tables, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("MOCAP_DATA")
    parser.add_argument(
        "--dancers", type=Path, default=Path(data, "motions", "perfume") if data else None
    )
    parser.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    parser.add_argument("--people", type=int, nargs="+", default=PEOPLE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.repeats)))
        return
    if options.dancers is None:
        parser.error("name the dancers' folder with --dancers, or set MOCAP_DATA")
    body = load_body()
    clips = [
        read_bvh_clip(options.dancers / name, units=0.01, performer="perfume", skip=1)
        for name in DANCERS
    ]
    print("bringing the dance onto the body ...", file=sys.stderr)
    dancers = to_bodies(clips, body)
    series: dict[str, list[Cost]] = {"frames": [], "people": []}
    sizes = [("frames", 1, frames) for frames in options.frames]
    sizes += [("people", people, THEIR_FRAMES) for people in options.people]
    for over, people, frames in sizes:
        print(f"{people} people, {frames} frames ...", file=sys.stderr)
        found = cost(dancers, body, people, frames, options.repeats, options.threads)
        series[over].append(found)
    print(f"least of {options.repeats} runs, {options.threads} thread(s), {os.cpu_count()} cores")
    for over, costs in series.items():
        print(f"\n{table(costs)}\n")
        if len(costs) > 1:
            print(slopes(costs, over))
    if options.plot is not None:
        plot(options.plot, series)
    if options.json is not None:
        rows = [one.__dict__ for costs in series.values() for one in costs]
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
