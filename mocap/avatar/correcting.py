"""A take's motion corrected by its own clip, person by person and stretch by stretch."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look, each_look, expect_fitted_with, pose_at
from mocap.avatar.picture_energy import BODY, Evidence, RefineConfig
from mocap.avatar.proportions import Proportions, proportions
from mocap.avatar.refining import refine, spacing
from mocap.avatar.verdict import Verdict
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.progress import Progress, silent
from mocap.skeletons import SKELETONS, SMPLX_55
from mocap.take import BodyMotion, Person, StageRecord, Take

#: The stage; its version changes when its results do.
STAGE, VERSION = "picture", "3"
#: Frames of one stretch, and how many of them it shares with the next.
_STRETCH, _SHARED = 240, 24
#: Gaussians that are enough for pictures as small as these.
_GAUSSIANS = 4000
#: Pictures that proportions are found by and judged by, and what of the work that is.
_PICTURES, _FIRST = 48, 0.3
#: Numbers of a pose that are corrected.
_PARTS = ("global_orient", "body_pose", "transl")


@dataclass(frozen=True)
class Correction:
    """What became of one person's motion.

    Attributes:
        stretches: of the motion, each judged on its own.
        better: how many of them were corrected, for pictures left out got more alike.
        before: the mean difference from pictures left out, of colours from 0 to 1.
        after: the same of the motion that was kept.
        shape: what other pictures say of the person's proportions that were found.
    """

    stretches: int
    better: int
    before: float
    after: float
    shape: Verdict


def corrected(
    take: Take,
    video: Path,
    avatars: Mapping[str, Avatar],
    body: Body,
    config: RefineConfig | None = None,
    *,
    progress: Progress = silent,
) -> tuple[Take, dict[str, Correction]]:
    """Correct people's motion where it then explains the clip better.

    Args:
        take: of that video, fitted and with masks.
        video: the file or folder of images.
        avatars: of those whose motion is to be corrected, by their ids in the take.
        body: the model that people were fitted with, in single precision.
        config: how far and how surely.
        progress: called as ``progress("picture", frames done, frames)``.

    Raises:
        AvatarError: there is nobody, or somebody without motion or masks, or fitted with another
            body.
        VideoError: the video cannot be read.
    """
    started = time.perf_counter()
    config = config or RefineConfig()
    if not avatars:
        raise AvatarError("nobody's motion is to be corrected: there is no avatar of anybody")
    for name in avatars:
        _check(name, take.people.get(name), body)
    total, done = sum(len(take.people[name].frames) for name in avatars), 0
    people, told = dict(take.people), {}
    progress(STAGE, 0, total)
    for name, avatar in avatars.items():
        count = len(take.people[name].frames)

        def on_share(share: float, before: int = done, count: int = count) -> None:
            progress(STAGE, before + int(share * count), total)

        sitting = _Sitting(take, video, name, body, config)
        people[name], told[name] = _corrected_person(sitting, avatar.thinned(_GAUSSIANS), on_share)
        done += count
    parameters: dict[str, Any] = {
        "config": asdict(config),
        "better": {name: f"{one.better} of {one.stretches}" for name, one in told.items()},
        "shape": {name: one.shape.better for name, one in told.items()},
    }
    seconds = round(time.perf_counter() - started, 3)
    record = StageRecord(STAGE, VERSION, parameters, seconds, {"body": body.sha256})
    return take.with_stage(record, people=people), told


def _check(name: str, person: Person | None, body: Body) -> None:
    if person is None or person.body is None or person.masks is None:
        lacking = "motion" if person is None or person.body is None else "masks"
        raise AvatarError(f"{name} has no {lacking} in the take; its motion cannot be corrected")
    expect_fitted_with(person.body, body)


@dataclass(frozen=True)
class _Sitting:
    """One person before the camera.

    Attributes:
        take: that they are in, with motion and masks.
        video: its clip.
        name: theirs, in the take.
        body: that they were fitted with.
        config: of the corrections.
    """

    take: Take
    video: Path
    name: str
    body: Body
    config: RefineConfig

    @property
    def person(self) -> Person:
        return self.take.people[self.name]

    @property
    def motion(self) -> BodyMotion:
        assert self.person.body is not None
        return self.person.body

    @cached_property
    def pose(self) -> BodyPose:
        return pose_at(self.motion, slice(None), self.body.template)

    @cached_property
    def evidence(self) -> Evidence:
        return _evidence(self.person)

    @cached_property
    def masked(self) -> Int[np.ndarray, " rows"]:
        """Rows of those frames in which the person is seen."""
        assert self.person.masks is not None
        return np.flatnonzero(self.person.masks.runs > 1)

    def looks(self, rows: Sequence[int]) -> Iterator[Look]:
        """Pictures of some frames, one after another."""
        largest = max(stage.size for stage in self.config.stages + self.config.sizing)
        wanted = {self.name: rows}
        found = each_look(self.take, self.video, wanted, self.body, largest=largest)
        return (look for _, look in found)


def _corrected_person(
    sitting: _Sitting, avatar: Avatar, on_share: Callable[[float], None]
) -> tuple[Person, Correction]:
    motion = sitting.motion
    fitted = avatar.shaped(torch.as_tensor(motion.betas).to(sitting.body.template))
    shape = _proportions(sitting, fitted, lambda share: on_share(_FIRST * share))
    changes = {"betas": (shape.betas - fitted.betas).double().cpu().numpy()}
    moves, verdicts = _moves(
        sitting,
        fitted.shaped(shape.betas),
        lambda share: on_share(_FIRST + (1 - _FIRST) * share),
    )
    # Where nobody was seen, nothing is better or worse.
    judged = [one for one in verdicts if np.isfinite(one.doubt)] or [Verdict()]
    told = Correction(
        len(judged),
        sum(one.better for one in judged),
        float(np.mean([one.before for one in judged])),
        float(np.mean([one.kept for one in judged])),
        shape.verdict,
    )
    moved = _moved(motion, changes | moves, sitting.body)
    return replace(sitting.person, body=moved), told


def _proportions(
    sitting: _Sitting, avatar: Avatar, on_share: Callable[[float], None]
) -> Proportions:
    rows = sitting.masked
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _PICTURES)).round().astype(int)]
    return proportions(
        avatar,
        sitting.pose,
        [*sitting.looks(some.tolist())],
        sitting.evidence,
        sitting.config,
        on_step=lambda step, steps: on_share(step / max(steps, 1)),
    )


def _moves(
    sitting: _Sitting, avatar: Avatar, on_share: Callable[[float], None]
) -> tuple[dict[str, Float[np.ndarray, "frames numbers"]], list[Verdict]]:
    """What is added to a motion, one stretch after another, and what was thought of each."""
    fps, pose, motion = sitting.take.video.fps, sitting.pose, sitting.motion
    count, apart = len(sitting.person.frames), spacing(fps, sitting.config)
    stretches = _stretches(count, apart)
    sums = {part: np.zeros(getattr(motion, part).shape) for part in _PARTS}
    weights, verdicts = np.zeros(count), []
    # Pictures of a whole clip may not fit into memory.
    rows = sitting.masked
    coming = sitting.looks(rows[np.isin(rows % apart, (0, apart // 2))].tolist())
    held: list[Look] = []
    for number, (first, last) in enumerate(stretches):
        held = [look for look in held if look.row >= first]
        while not held or held[-1].row < last:
            look = next(coming, None)
            if look is None:
                break
            held.append(look)

        def on_step(step: int, steps: int, number: int = number) -> None:
            on_share((number + step / max(steps, 1)) / len(stretches))

        part = BodyPose.of(pose, sitting.body.template, slice(first, last))
        found = refine(
            avatar,
            part,
            [replace(look, row=look.row - first) for look in held if look.row < last],
            sitting.evidence[first:last],
            sitting.config,
            fps=fps,
            on_step=on_step,
        )
        verdicts.append(found.verdict)
        share = _fade(first, last, count)
        weights[first:last] += share
        for name in _PARTS:
            change = (getattr(found.pose, name) - getattr(part, name)).double().cpu().numpy()
            sums[name][first:last] += share[:, None] * change
    return {name: values / weights[:, None] for name, values in sums.items()}, verdicts


def _evidence(person: Person) -> Evidence:
    """How surely feet rest, and joints were detected, in every frame."""
    resting = None if person.contacts is None else person.contacts.stacked()
    points = person.keypoints2d
    if points is None:
        return Evidence(resting)
    names = SKELETONS[points.skeleton].names
    detected = np.zeros((len(person.frames), BODY))
    for joint, name in enumerate(SMPLX_55.names[:BODY]):
        # What SMPL-X calls a hip is not where detectors see one, but what turns about it is.
        if name in names:
            detected[:, joint] = np.nan_to_num(points.confidence[:, names.index(name)])
    return Evidence(resting, detected.clip(0, 1))


def _stretches(count: int, spacing: int) -> list[tuple[int, int]]:
    """First and last (exclusive) frames of stretches that share some frames with the next."""
    step = (_STRETCH - _SHARED) // spacing * spacing
    number = max(1, -(-max(count - _SHARED, 1) // step))
    return [
        (at * step, min(count, at * step + _STRETCH) if at < number - 1 else count)
        for at in range(number)
    ]


def _fade(first: int, last: int, count: int) -> Float[np.ndarray, " frames"]:
    """How much a stretch says in each of its frames: less where another does too."""
    places = np.arange(last - first) + 1.0
    rising = np.ones(last - first) if first == 0 else np.minimum(1, places / _SHARED)
    falling = np.ones(last - first) if last == count else np.minimum(1, places[::-1] / _SHARED)
    return rising * falling


def _moved(motion: BodyMotion, changes: Mapping[str, np.ndarray], body: Body) -> BodyMotion:
    if not any(change.any() for change in changes.values()):
        return motion
    parts = {
        name: (getattr(motion, name) + change).astype(getattr(motion, name).dtype)
        for name, change in changes.items()
    }
    moved = replace(motion, **parts)
    with torch.no_grad():
        joints = body.forward(moved).joints
    return replace(moved, joints=joints.cpu().numpy().astype(motion.joints.dtype))
