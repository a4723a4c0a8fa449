"""What each part of the depth refiner is worth: short runs without it, measured on held-out pairs.

    python benchmarks/depth_ablation.py --data pairs/ --out ablation --epochs 20

Runs that are finished are not repeated; one that was stopped goes on.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.cli.train import configuration
from mocap.datasets.pairs import Pairs, read_pairs, write_npz
from mocap.depth import MIRRORED, DepthRefiner
from mocap.evaluate import DepthAccuracy
from mocap.training.depth import FittedNoise, TrainConfig, measure_refiner, train

#: Titles and figures of the table.
COLUMNS = {
    "MPJPE": "mpjpe_mm",
    "PA": "pa_mpjpe_mm",
    "depth": "depth_mm",
    "arms": "wrong_arms",
    "thighs": "wrong_thighs",
    "shanks": "wrong_shanks",
    "bones": "bone_variation",
    "camera": "camera_median_degrees",
    "cam. 90 %": "camera_p90_degrees",
}
#: How far off elevations are that are told, degrees.
TOLD = 3.0


def variants(full: TrainConfig, noise: str) -> Iterator[tuple[str, TrainConfig]]:
    """The full recipe, and recipes that lack one thing each."""
    network = full.network
    yield "full", full
    yield (
        "no view conditioning",
        replace(full, network=replace(network, view_conditioning=False)),
    )
    yield "no 15 features", replace(full, network=replace(network, viewpoint_features=False))
    if network.frames > 1:
        yield "single frame", replace(full, network=replace(network, frames=1))
    yield "noise, not real errors", replace(full, data=(noise,))


def noisy(data: list[Path], path: Path) -> Path:
    """The training pairs, seen with errors drawn by lot; those for validation stay as they are."""
    if not path.exists():
        pairs = [read_pairs(one, splits=("train", "val")) for one in data]
        together = Pairs.concatenate(pairs)
        train, val = together.of_split("train"), together.of_split("val")
        fitted = FittedNoise.fit(train)
        print(f"noise: errors keep {fitted.persistence:.2f} of themselves from frame to frame")
        write_npz(Pairs.concatenate([fitted.on(train), val]), path)
    return path


def row(title: str, found: list[DepthAccuracy]) -> str:
    """A line of the table: means over the seeds, and their spread if there are several."""
    cells = []
    for name in COLUMNS.values():
        values = np.array([getattr(one, name) for one in found])
        if not name.endswith(("mm", "degrees")):
            values = 100 * values
        spread = f"±{values.std(ddof=1):.1f}" if len(values) > 1 else ""
        cells.append(f"{values.mean():.1f}{spread}".rjust(10))
    return f"{title:<24}" + "".join(cells)


def main() -> None:
    """Train every variant for every seed, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recipe", type=Path, default=None)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--split", default="test")
    given = parser.parse_args()

    test = Pairs.concatenate(read_pairs(one, splits=(given.split,)) for one in given.data)
    start = configuration(given.recipe, {"epochs": given.epochs}, given.frames)
    # Noise tells no landmarks to put right: all learn from what was detected alone, and as many.
    start = replace(start, data=tuple(map(str, given.data)), device=given.device, extracted=False)
    noise = noisy(given.data, given.out / "noise.npz")
    raw: list[DepthAccuracy] = []
    table: dict[str, list[DepthAccuracy]] = {}
    for title, config in variants(start, str(noise)):
        for seed in range(given.seeds):
            out = given.out / f"{title.replace(' ', '-').replace(',', '')}-{seed}"
            model = train(replace(config, out=str(out), seed=seed), resume=out.exists())
            refiner = DepthRefiner.load(model, mirrored=MIRRORED)
            report = measure_refiner(refiner, test)
            assert report.overall.refined is not None
            raw = [report.overall.raw]
            table.setdefault(title, []).append(report.overall.refined)
            if title == "full" and config.network.elevation:
                told = measure_refiner(refiner, test, elevation_sigma=np.deg2rad(TOLD)).overall
                assert told.refined is not None
                table.setdefault(f"full, told to {TOLD:g}°", []).append(told.refined)
            print(row(f"{title} #{seed}", [report.overall.refined]), flush=True)
            content = json.dumps(report.as_json(), indent=1)
            (out / "test.json").write_text(content, encoding="utf-8")
    print(f"\n{len(test)} poses; mm, % of limbs with the wrong sign of depth, %, degrees")
    print(" " * 24 + "".join(title.rjust(10) for title in COLUMNS))
    for title, found in {"raw": raw, **table}.items():
        print(row(title, found))


if __name__ == "__main__":
    main()
