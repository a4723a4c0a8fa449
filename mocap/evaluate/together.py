"""Several people against the truth at once: who is who, and where they are to each other."""

from dataclasses import dataclass

import numpy as np

from mocap.evaluate.alignment import fit_similarity
from mocap.evaluate.averages import mean, row_means
from mocap.evaluate.identities import (
    IdentityReport,
    Sightings,
    assign,
    follow,
    track_costs,
)
from mocap.evaluate.joints import (
    LIMBS,
    ROOT,
    detected_pixels,
    fitted_points,
    longer_side,
    pick,
)
from mocap.evaluate.positions import WINDOW_FRAMES, root_distance_errors, window_errors
from mocap.evaluate.truth import Truth
from mocap.take import Person, Take

#: How far somebody may be to be the same person: in person's heights in the picture, in metres.
_FAR_IN_PICTURE, _FAR = 0.3, 0.5


@dataclass(frozen=True)
class GroupAccuracy:
    """Everybody under one alignment, so that places relative to each other count.

    Attributes:
        people: how many are compared.
        window_frames: length of a window.
        shared_w_mpjpe_mm: as W-MPJPE, one alignment for everybody.
        shared_wa_mpjpe_mm: as WA-MPJPE, one alignment for everybody.
        root_distance_error_mm: how far off the distances between people are, mean of pairs.
    """

    people: int
    window_frames: int
    shared_w_mpjpe_mm: float
    shared_wa_mpjpe_mm: float
    root_distance_error_mm: float


def match_people(
    take: Take, people: dict[str, Person], truth: Truth, camera: str | None
) -> dict[str, str]:
    """Who of the take is who of the truth: truth's ids to the take's, of least mean distance.

    With a camera of the truth, by where people are in its picture; without, by how well their
    whole motions can be laid over each other.
    """
    if camera is not None:
        costs = track_costs(_in_picture(take, people, truth, camera), _FAR_IN_PICTURE)
        # The limit is the cost of never being near.
        found = assign(costs, _FAR_IN_PICTURE * 0.999)
    else:
        frames = np.arange(len(take.video.timestamps))
        true = _true_points(take, truth)
        costs = np.array(
            [
                [_lay_over(one, _everywhere(fitted_points(p), p, len(frames))) for p in
                 people.values()]
                for one in true
            ]
        )  # fmt: skip
        found = assign(costs, _FAR)
    names, ids = list(truth.people), list(people)
    return {names[row]: ids[column] for row, column in found.items()}


def follow_people(
    take: Take, people: dict[str, Person], truth: Truth, camera: str | None, who: dict[str, str]
) -> IdentityReport | None:
    """Identity switches of all people; None where there is nothing to follow them by."""
    if camera is not None:
        return follow(_in_picture(take, people, truth, camera), _FAR_IN_PICTURE)
    sightings = _in_world(take, people, truth, who)
    return None if sightings is None else follow(sightings, _FAR)


def compare_group(take: Take, truth: Truth, who: dict[str, str]) -> GroupAccuracy | None:
    """Everybody who is matched and has a body; None for fewer than two."""
    pairs = [(name, take.people[to]) for name, to in who.items() if take.people[to].body]
    if len(pairs) < 2:
        return None
    count = len(take.video.timestamps)
    names = list(truth.people)
    true = _true_points(take, truth)[[names.index(name) for name, _ in pairs]]
    fit = np.stack([_everywhere(fitted_points(person), person, count) for _, person in pairs])
    beside, true_beside = (np.concatenate(list(part), axis=1) for part in (fit, true))
    w, wa = (
        mean(window_errors(beside, true_beside, whole=whole), times=1000) for whole in (False, True)
    )
    roots = [part[:, :, list(ROOT)].mean(2) for part in (fit, true)]
    apart = mean(root_distance_errors(*roots), times=1000)
    return GroupAccuracy(len(pairs), WINDOW_FRAMES, w, wa, apart)


def _true_points(take: Take, truth: Truth) -> np.ndarray:
    """(T, F, 12, 3) everybody's true limb joints in all video frames."""
    times = np.asarray(take.video.timestamps, float)
    frames = np.arange(len(times))
    return np.stack(
        [pick(truth.points_at(name, frames, times), truth.names, LIMBS) for name in truth.people]
    )


def _everywhere(points: np.ndarray | None, person: Person, count: int) -> np.ndarray:
    """A person's points in all video frames, NaN where the person is not there."""
    width = 3 if points is None else points.shape[-1]
    spread = np.full((count, len(LIMBS), width), np.nan)
    if points is not None:
        spread[person.frames] = points
    return spread


def _lay_over(true: np.ndarray, found: np.ndarray) -> float:
    """Mean distance (metres) after one similarity for the whole clip; NaN if they never meet."""
    lay = fit_similarity(found.reshape(-1, 3), true.reshape(-1, 3))
    gaps = np.linalg.norm(lay(found) - true, axis=-1)
    together = np.isfinite(gaps).any(1)
    there = np.isfinite(true).all(-1).any(1)
    if not together.any():
        return float("nan")
    # Frames in which nobody was found cost what would be far.
    share = together.sum() / max(there.sum(), 1)
    return share * min(mean(gaps), _FAR) + (1 - share) * _FAR


def _in_picture(take: Take, people: dict[str, Person], truth: Truth, camera: str) -> Sightings:
    """Distances in the truth's picture, in heights of the true person there."""
    count = len(take.video.timestamps)
    true = _true_points(take, truth)
    frames = np.arange(count)
    shown = np.stack([truth.cameras[camera].camera.project(one, frames) for one in true])
    heights = np.array([longer_side(one) for one in shown])
    found = [_everywhere(_pixels(take, person), person, count) for person in people.values()]
    gaps = [
        [row_means(np.linalg.norm(a - b, axis=-1)) / height for b in found]
        for a, height in zip(shown, heights, strict=True)
    ]
    return Sightings(
        np.array(gaps).reshape(len(true), len(found), count).transpose(2, 0, 1),
        np.isfinite(shown).all(-1).any(-1).T,
        np.array([np.isfinite(b).all(-1).any(-1) for b in found]).reshape(len(found), count).T,
    )


def _pixels(take: Take, person: Person) -> np.ndarray | None:
    told = detected_pixels(person)
    if told is not None:
        return told[0]
    joints = fitted_points(person)
    return None if joints is None else take.camera.project(joints, person.frames)


def _in_world(
    take: Take, people: dict[str, Person], truth: Truth, who: dict[str, str]
) -> Sightings | None:
    """Distances in metres after one alignment of everybody who is matched."""
    count = len(take.video.timestamps)
    true = _true_points(take, truth)
    names, ids = list(truth.people), list(people)
    found = np.stack([_everywhere(fitted_points(p), p, count) for p in people.values()])
    rows = [names.index(name) for name in who]
    columns = [ids.index(to) for to in who.values()]
    lay = fit_similarity(found[columns].reshape(-1, 3), true[rows].reshape(-1, 3))
    if not np.isfinite(lay.scale):
        return None
    laid = lay(found.reshape(1, -1, 3)[0]).reshape(found.shape)
    gaps = np.linalg.norm(laid[None] - true[:, None], axis=-1)
    distances = np.array([[row_means(gap) for gap in row] for row in gaps])
    return Sightings(
        distances.transpose(2, 0, 1),
        np.isfinite(true).all(-1).any(-1).T,
        np.isfinite(found).all(-1).any(-1).T,
    )
