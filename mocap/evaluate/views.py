"""Takes of several synchronised cameras into one truth: our own 2D, seen from all sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float

from mocap.evaluate.bundle import refine_extrinsics
from mocap.evaluate.joints import LIMBS, detected_pixels
from mocap.evaluate.rigs import RigCamera
from mocap.evaluate.triangulation import triangulate
from mocap.evaluate.truth import Truth, TruthError, TruthPerson, infer_up
from mocap.take import Person, Take

#: Feet and the nose serve the cameras and the eye; limbs are what is compared.
POINTS: tuple[str, ...] = (
    *LIMBS,
    "nose",
    *(f"{side}_{part}" for side in ("left", "right") for part in ("heel", "foot_index")),
)
#: A detector this unsure guesses.
_LEAST_CONFIDENCE = 0.3
#: Frames at which it is tried who in one view is who in another, and how many tries are sensible.
_LOOKS, _MOST_TRIES = 20, 2000
#: Share of a person's points that views must agree on, and how well (pixels), to be one person.
_LEAST_AGREED, _TOLERANCE = 0.5, 30.0


@dataclass(frozen=True)
class RigResult:
    """What triangulating gave.

    Attributes:
        truth: everybody whom at least two views agree on.
        who: for each person of the truth the id in each view, None where it is not seen.
        residual_px: for each person the median distance between views and points, pixels.
    """

    truth: Truth
    who: dict[str, tuple[str | None, ...]]
    residual_px: dict[str, float]


@dataclass(frozen=True)
class _Views:
    """People's pixels and their confidences in every view, over all frames."""

    cameras: list[RigCamera]
    people: list[dict[str, tuple[np.ndarray, np.ndarray]]]
    frames: int

    def stacked(self, who: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """(V, F, J, 2) pixels and (V, F, J) weights of one person of each view."""
        nobody = (
            np.full((self.frames, len(POINTS), 2), np.nan),
            np.zeros((self.frames, len(POINTS))),
        )
        found = [
            nobody if name is None else people[name]
            for name, people in zip(who, self.people, strict=True)
        ]
        return np.stack([one[0] for one in found]), np.stack([one[1] for one in found])


def triangulate_takes(
    takes: Mapping[str, Take],
    rig: Mapping[str, RigCamera],
    *,
    refine: bool = True,
    path: str = "triangulated",
) -> RigResult:
    """Truth from the 2D of synchronised views.

    The 2D is the detector's, so the truth shares what its 2D is biased by, and none of its depth.

    Args:
        takes: one a camera, with 2D keypoints; frame i of all is the same moment.
        rig: the cameras by the same names.
        refine: whether to find the cameras' places anew from what they see.
        path: what the truth is called.

    Raises:
        TruthError: a camera is not in the rig, pictures do not fit it, or no two views agree.
    """
    if len(takes) < 2:
        raise TruthError("triangulating takes two cameras or more; name more with --cameras")
    views = _views(takes, rig)
    groups = _associate(views)
    if not groups:
        raise TruthError(
            f"no person is the same in two of the views {', '.join(takes)}; are they of one "
            "scene, synchronised, and calibrated by this rig?"
        )
    if refine:
        pixels, weights = (np.concatenate(part, 2) for part in _all(views, groups))
        views = _Views(
            refine_extrinsics(views.cameras, pixels, weights), views.people, views.frames
        )
    people, residuals, who = {}, {}, {}
    for number, group in enumerate(groups, start=1):
        found = triangulate(views.cameras, *views.stacked(group), tolerance=_TOLERANCE)
        name = str(number)
        people[name], who[name] = TruthPerson(found.points), tuple(group)
        residuals[name] = float(np.nanmedian(found.residual_px))
    times = max((take.video.timestamps for take in takes.values()), key=len)
    up = infer_up(people, POINTS)
    truth = Truth(
        path=path,
        names=POINTS,
        people=people,
        times=np.asarray(times[: views.frames], float),
        up=up,
        up_source="unknown" if up is None else "how people stand",
        cameras=dict(zip(takes, views.cameras, strict=True)),
    )
    return RigResult(truth, who, residuals)


def _views(takes: Mapping[str, Take], rig: Mapping[str, RigCamera]) -> _Views:
    if lacking := [name for name in takes if name not in rig]:
        raise TruthError(
            f"the calibration has no camera {', '.join(lacking)}; it has {', '.join(rig)}"
        )
    frames = max(len(take.video.timestamps) for take in takes.values())
    for name, take in takes.items():
        one = rig[name]
        # Encoders crop a few columns away; a picture scaled or turned fits no calibration.
        if abs(take.video.width - one.width) > 16 or abs(take.video.height - one.height) > 16:
            raise TruthError(
                f"{name}: the video is {take.video.width}×{take.video.height} pixels, its "
                f"calibration is for {one.width}×{one.height}; use the video it was made for"
            )
    return _Views(
        [rig[name] for name in takes],
        [
            {
                person.id: spread
                for person in take.people.values()
                if (spread := _over_all_frames(person, frames)) is not None
            }
            for take in takes.values()
        ],
        frames,
    )


def _over_all_frames(person: Person, frames: int) -> tuple[np.ndarray, np.ndarray] | None:
    told = detected_pixels(person, POINTS)
    if told is None:
        return None
    pixels = np.full((frames, len(POINTS), 2), np.nan)
    weights = np.zeros((frames, len(POINTS)))
    pixels[person.frames] = told[0]
    weights[person.frames] = np.where(told[1] >= _LEAST_CONFIDENCE, told[1], 0.0)
    return pixels, weights


def _associate(views: _Views) -> list[tuple[str | None, ...]]:
    """Who is who: groups of one person a view, those that agree best first."""
    free = [list(people) for people in views.people]
    groups: list[tuple[str | None, ...]] = []
    looks = np.linspace(0, views.frames - 1, min(views.frames, _LOOKS)).astype(int)
    while sum(bool(names) for names in free) >= 2:
        tries = list(product(*([*names, None] for names in free)))
        # Somebody missing in a view they could be in is the exception: try it last.
        tries.sort(key=lambda who: who.count(None))
        scored = [
            (_agreement(views, who, looks), who)
            for who in tries[:_MOST_TRIES]
            if sum(name is not None for name in who) >= 2
        ]
        score, best = max(scored, key=lambda pair: pair[0])
        if score <= 0:
            break
        groups.append(best)
        for names, name in zip(free, best, strict=True):
            if name is not None:
                names.remove(name)
    return groups


def _agreement(views: _Views, who: Sequence[str | None], looks: np.ndarray) -> float:
    """How many views agree on how many points, less where they agree badly; 0 if too few."""
    pixels, weights = views.stacked(who)
    found = triangulate(views.cameras, pixels[:, looks], weights[:, looks], tolerance=_TOLERANCE)
    known = np.isfinite(found.residual_px)
    here = sum(name is not None for name in who)
    agreed = found.used.sum() / (here * known.size)
    if agreed < _LEAST_AGREED:
        return 0.0
    return float(agreed * here - np.nanmedian(found.residual_px) / _TOLERANCE)


def _all(
    views: _Views, groups: Sequence[Sequence[str | None]]
) -> tuple[list[Float[np.ndarray, "views frames joints 2"]], list[np.ndarray]]:
    stacks = [views.stacked(group) for group in groups]
    return [stack[0] for stack in stacks], [stack[1] for stack in stacks]
