"""What each part of the fit is good for: the fit with one part removed, again and again.

On a real clip of four cameras, each alone (`mocap benchmark --out DIR` makes the takes; it is run
if they are missing), and on three dancers whose motion is known, seen by a made-up detector.

    python benchmarks/fit_ablation.py --takes DIR [--truth ground_truth.json] [--json FILE]

The dancers' files are looked for in $MOCAP_DATA/motions/perfume, or --dancers.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from fit_cases import Case, dances, four_cameras

from mocap.body import Body, load_body
from mocap.errors import FitError
from mocap.evaluate import Report, evaluate, mean, plain
from mocap.evaluate.feet import foot_slide, sole_points
from mocap.fitting import FitConfig, fit
from mocap.fitting.terms import Weights
from mocap.take import Take

INFINITE = float("inf")
#: Soles rest, in truth, this near the floor (metres) and this slow (metres a second).
NEAR, SLOW = 0.04, 0.15
#: Errors that differ by less, in millimetres, do not differ.
SAME = 0.5


@dataclass(frozen=True)
class Variant:
    """The fit, changed.

    Attributes:
        name: what is changed.
        config: of the fit.
        prepared: what is done to a case first; None where the change is none to it.
        patched: what no setting changes: values by their dotted names.
    """

    name: str
    config: FitConfig = field(default_factory=FitConfig)
    prepared: Callable[[Case], Take | None] = lambda case: case.detected
    patched: dict[str, object] = field(default_factory=dict)


def without(name: str, *weights: str) -> Variant:
    """The fit that believes nothing of a kind: its deviations are infinite."""
    infinite = dict.fromkeys(weights or (name,), INFINITE)
    return Variant(f"no {name}", FitConfig(weights=Weights(**infinite)))


def _no_lines(case: Case) -> Take | None:
    return replace(case.detected, scene=None) if case.detected.scene else None


def _assumed(case: Case) -> Take | None:
    return case.detected if case.detected.camera.source == "estimated" else None


VARIANTS = (
    Variant("everything"),
    without("reprojection"),
    without("metric depth", "depth"),
    without("metric lateral", "lateral"),
    without("3D points", "depth", "lateral"),
    without("pose prior", "prior"),
    without("joint limits", "limit"),
    without("smoothness", "acceleration", "root_acceleration", "translation_acceleration"),
    without("robustness", "outlier"),
    without("rest"),
    without("balance"),
    without("floor"),
    without("apart"),
    Variant("no rounds (all of the ground)", FitConfig(rounds=0)),
    Variant("no lens refinement", FitConfig(refine_lens=False), _assumed),
    Variant("no up from lines", prepared=_no_lines),
    Variant(
        "no up from standing people",
        patched={"mocap.fitting.ground.mean_lean": lambda ankles, necks: None},
    ),
    Variant("no agreement on sizes", patched={"mocap.fitting.reconcile._STATURE": 1e-6}),
    Variant("no cure of swapped sides", prepared=lambda case: case.uncured),
    Variant(
        "true camera given", prepared=lambda case: replace(case.detected, camera=case.true_camera)
    ),
)

#: Titles and digits of the figures; where nobody knows one, its column is left out.
COLUMNS = {
    "mpjpe_mm": ("MPJPE", 1),
    "upright_mpjpe_mm": ("MPJPE upright", 1),
    "pa_mpjpe_mm": ("PA", 1),
    "w_mpjpe_mm": ("W", 1),
    "wa_mpjpe_mm": ("WA", 1),
    "tilt_degrees": ("tilt °", 1),
    "jitter_10m_per_s3": ("jitter", 2),
    "reprojection_percent": ("reproj. %", 2),
    "slide_mm_per_frame": ("slide", 2),
    "contact_height_mm": ("contact height", 1),
    "sunk_mm": ("sunk", 2),
    "sunk_deepest_mm": ("deepest", 1),
    "shared_w_mpjpe_mm": ("shared W", 1),
    "shared_wa_mpjpe_mm": ("shared WA", 1),
    "root_distance_mm": ("root distance", 1),
    "switches": ("switches", 1),
    "true_rest_slide_mm_per_frame": ("slide at true rest", 2),
    "true_rest_height_mm": ("height at true rest", 1),
    "ms": ("ms", 1),
}


def run(case: Case, variant: Variant, body: Body, window: float) -> dict[str, float] | None:
    """Figures of one fit; None where the variant changes nothing of the case."""
    take = variant.prepared(case)
    if take is None:
        return None
    with ExitStack() as stack:
        for name, value in variant.patched.items():
            stack.enter_context(patch(name, value))
        started = time.process_time()
        fitted = fit(take, body, variant.config)
        spent = time.process_time() - started
    frames = sum(len(person.frames) for person in take.people.values())
    report = evaluate(fitted, case.truth, camera=case.camera, window=window, body=body)
    return {
        **figures(report),
        **at_true_rest(case, fitted, report, body),
        "ms": 1000 * spent / frames,
    }


def figures(report: Report) -> dict[str, float]:
    """What there is to say of a fit, as the mean of its people who are in the truth."""
    found = report.comparison
    assert found is not None
    measured = {one.person: one for one in report.people}
    people = [(one, measured[one.person]) for one in found.people]

    def over(read: Callable[[Any, Any], float]) -> float:
        values = []
        for accuracy, quality in people:
            # Whoever has no motion, or none that is plausible, has no figures.
            try:
                values.append(float(read(accuracy, quality)))
            except (AttributeError, IndexError):
                values.append(float("nan"))
        return mean(np.array(values))

    group = found.group
    return {
        "mpjpe_mm": over(lambda a, q: a.fit.mpjpe_camera_axes_mm),
        "upright_mpjpe_mm": over(lambda a, q: a.fit.mpjpe_world_up_to_heading_mm),
        "pa_mpjpe_mm": over(lambda a, q: a.fit.pa_mpjpe_mm),
        "w_mpjpe_mm": over(lambda a, q: a.world[-1].w_mpjpe_mm),
        "wa_mpjpe_mm": over(lambda a, q: a.world[-1].wa_mpjpe_mm),
        "tilt_degrees": found.tilt_error_degrees,
        "jitter_10m_per_s3": over(lambda a, q: q.world_jitter_10m_per_s3),
        "reprojection_percent": over(lambda a, q: 100 * q.reprojection.mean_share_of_height),
        "slide_mm_per_frame": over(lambda a, q: q.feet.foot_slide_mm_per_frame),
        "contact_height_mm": over(lambda a, q: q.feet.contact_height_mean_mm),
        "sunk_mm": over(lambda a, q: q.feet.penetration_mean_mm),
        "sunk_deepest_mm": over(lambda a, q: q.feet.penetration_deepest_mm),
        "shared_w_mpjpe_mm": group.shared_w_mpjpe_mm if group else float("nan"),
        "shared_wa_mpjpe_mm": group.shared_wa_mpjpe_mm if group else float("nan"),
        "root_distance_mm": group.root_distance_error_mm if group else float("nan"),
        "switches": float(found.identities.switches) if found.identities else float("nan"),
        "implausible": float(sum(not quality.plausible for _, quality in people)),
        "missed": float(len(found.missed)),
    }


def at_true_rest(case: Case, fitted: Take, report: Report, body: Body) -> dict[str, float]:
    """What feet do where they truly rest, whatever the fit says of its contacts."""
    slides, heights = [], []
    assert report.comparison is not None
    for one in report.comparison.people:
        true, person = case.soles.get(one.truth), fitted.people[one.person]
        points = sole_points(person, body)
        if true is None or points is None:
            continue
        true = true[person.frames]
        speed = np.linalg.norm(np.gradient(true, axis=0), axis=-1) * fitted.video.fps
        rests = (np.abs(true[..., 1]) < NEAR) & (speed < SLOW)
        slides.append(foot_slide(points, rests))
        heights.append(mean(np.abs(points[..., 1] - true[..., 1])[rests]))
    return {
        "true_rest_slide_mm_per_frame": mean(np.array(slides), times=1000),
        "true_rest_height_mm": mean(np.array(heights), times=1000),
    }


def ablate(
    cases: Sequence[Case], variants: Iterable[Variant], body: Body, window: float
) -> dict[str, dict[str, dict[str, float] | None]]:
    """Figures by variant and case; what cannot be fitted at all has none but its reason."""
    found: dict[str, dict[str, dict[str, float] | None]] = {}
    for variant in variants:
        found[variant.name] = {}
        for case in cases:
            print(f"\r\033[K{variant.name}: {case.name}", end="", file=sys.stderr, flush=True)
            try:
                found[variant.name][case.name] = run(case, variant, body, window)
            except (FitError, np.linalg.LinAlgError, ValueError) as error:
                print(f"\r\033[K{variant.name}, {case.name}: {error}", file=sys.stderr)
                found[variant.name][case.name] = {}
    print("\r\033[K", end="", file=sys.stderr)
    return found


def table(found: dict[str, dict[str, dict[str, float] | None]]) -> str:
    """Means of the cases as Markdown; the last column counts cases."""
    means = {
        variant: {
            name: mean(np.array([one.get(name, float("nan")) for one in cases.values() if one]))
            for name in (*COLUMNS, "implausible", "missed")
        }
        for variant, cases in found.items()
        if any(one is not None for one in cases.values())
    }
    shown = [name for name in COLUMNS if any(np.isfinite(row[name]) for row in means.values())]
    lines = [
        "| | " + " | ".join(COLUMNS[name][0] for name in shown) + " | MPJPE worse, better |",
        "|---" * (len(shown) + 2) + "|",
    ]
    for variant, row in means.items():
        cells = [
            f"{row[name]:.{COLUMNS[name][1]}f}" if np.isfinite(row[name]) else "–" for name in shown
        ]
        marks = "".join(
            f" ({word} {row[name] * len(found[variant]):.0f})"
            for name, word in (("implausible", "implausible"), ("missed", "missed"))
            if row[name] > 0
        )
        failed = sum(one == {} for one in found[variant].values())
        marks += f" (failed {failed})" if failed else ""
        lines.append(f"| {variant}{marks} | {' | '.join(cells)} | {_counted(found, variant)} |")
    return "\n".join(lines)


def _counted(found: dict[str, dict[str, dict[str, float] | None]], variant: str) -> str:
    """In how many cases the variant is worse and better than the whole fit."""
    whole = next(iter(found.values()))
    gaps = np.array(
        [
            one["mpjpe_mm"] - (whole[case] or {}).get("mpjpe_mm", float("nan"))
            for case, one in found[variant].items()
            if one
        ]
    )
    return f"{np.sum(gaps > SAME)}, {np.sum(gaps < -SAME)} of {len(gaps)}"


def main() -> None:
    """Run, print the tables, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takes", type=Path, help="folder of `mocap benchmark`; skipped if absent")
    parser.add_argument("--truth", type=Path, help="of the four cameras, instead of their own")
    data = os.environ.get("MOCAP_DATA")
    parser.add_argument(
        "--dancers", type=Path, default=Path(data, "motions", "perfume") if data else None
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each dance")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="variants with these words")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.takes is None and options.dancers is None:
        parser.error("there is nothing to fit: give --takes, or --dancers, or set MOCAP_DATA")
    body, started = load_body(), time.monotonic()
    chosen = [
        one
        for one in VARIANTS
        if one is VARIANTS[0]
        or not options.only
        or any(word.lower() in one.name.lower() for word in options.only)
    ]
    told: dict[str, Any] = {}
    if options.takes is not None:
        cases = four_cameras(options.takes, options.truth)
        told["four cameras"] = found = ablate(cases, chosen, body, window=5.0)
        print(f"Four cameras, each alone, against {cases[0].truth.path} (mm; the clip is one")
        print(f"window of {len(cases[0].detected.video.timestamps)} frames):\n\n{table(found)}\n")
    if options.dancers is not None:
        cases = list(dances(options.dancers, body, options.seconds))
        told["dances"] = found = ablate(cases, chosen, body, window=5.0)
        names = "; ".join(case.name for case in cases)
        print(f"Three dancers, {options.seconds:g} s each, start and direction: {names}")
        print(f"(mm; W and WA over 5 s):\n\n{table(found)}\n")
    print(f"{time.monotonic() - started:.0f} s in all")
    if options.json is not None:
        options.json.write_text(json.dumps(plain(told), indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
