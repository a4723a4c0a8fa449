"""A take's motion corrected by its own clip, person by person and stretch by stretch."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look, looks, pose_at
from mocap.avatar.picture_energy import BODY, Evidence, RefineConfig
from mocap.avatar.proportions import proportions
from mocap.avatar.refining import Refined, refine
from mocap.avatar.verdict import Verdict
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.progress import Progress, silent
from mocap.skeletons import SKELETONS, SMPLX_55
from mocap.take import BodyMotion, Person, StageRecord, Take

#: The stage; its version changes when its results do.
STAGE, VERSION = "picture", "2"
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
        AvatarError: somebody has no motion, masks or avatar of their own.
        VideoError: the video cannot be read.
    """
    started = time.perf_counter()
    config = config or RefineConfig()
    for name in avatars:
        person = take.people.get(name)
        if person is None or person.body is None or person.masks is None:
            raise AvatarError(
                f"{name} has no {'motion' if person is None or person.body is None else 'masks'} "
                "in the take; its motion cannot be corrected"
            )
    largest = max(stage.size for stage in config.stages + config.sizing)
    total, done = sum(len(take.people[name].frames) for name in avatars), 0
    people, told = dict(take.people), {}
    progress(STAGE, 0, total)
    for name, avatar in avatars.items():
        person = take.people[name]
        count = len(person.frames)

        def on_share(share: float, before: int = done, count: int = count) -> None:
            progress(STAGE, before + int(share * count), total)

        # Of one stretch at a time: pictures of a whole clip may not fit into memory.
        def cut(rows: Sequence[int], name: str = name) -> list[Look]:
            return looks(take, video, {name: rows}, body, largest=largest)[name]

        people[name], told[name] = _corrected_person(
            person, avatar.thinned(_GAUSSIANS), cut, body, config, take.video.fps, on_share
        )
        done += count
    parameters: dict[str, Any] = {
        "config": asdict(config),
        "better": {name: f"{one.better} of {one.stretches}" for name, one in told.items()},
        "shape": {name: one.shape.better for name, one in told.items()},
    }
    seconds = round(time.perf_counter() - started, 3)
    record = StageRecord(STAGE, VERSION, parameters, seconds, {"body": body.sha256})
    return take.with_stage(record, people=people), told


def _corrected_person(
    person: Person,
    avatar: Avatar,
    cut: Callable[[Sequence[int]], list[Look]],
    body: Body,
    config: RefineConfig,
    fps: float,
    on_share: Callable[[float], None],
) -> tuple[Person, Correction]:
    motion = person.body
    assert motion is not None
    assert person.masks is not None
    avatar = avatar.shaped(torch.as_tensor(motion.betas).to(body.template))
    rows = np.flatnonzero(person.masks.runs > 1)
    pose = pose_at(motion, slice(None), body.template)
    evidence = _evidence(person)

    def on_shape(step: int, steps: int) -> None:
        on_share(_FIRST * step / max(steps, 1))

    some = np.linspace(0, len(rows) - 1, min(len(rows), _PICTURES)).round().astype(int)
    shape = proportions(avatar, pose, cut(rows[some].tolist()), evidence, config, on_step=on_shape)
    changes = {"betas": (shape.betas - avatar.betas).double().cpu().numpy()}
    avatar = avatar.shaped(shape.betas)
    count = len(person.frames)
    sums = {part: np.zeros(getattr(motion, part).shape) for part in _PARTS}
    weights, results = np.zeros(count), list[Refined]()
    stretches = _stretches(count)
    for number, (first, last) in enumerate(stretches):
        part = BodyPose.of(pose, body.template, slice(first, last))
        inside = cut(rows[(first <= rows) & (rows < last)].tolist())
        inside = [replace(look, row=look.row - first) for look in inside]

        def on_step(step: int, steps: int, number: int = number) -> None:
            done = (number + step / max(steps, 1)) / len(stretches)
            on_share(_FIRST + (1 - _FIRST) * done)

        found = refine(
            avatar,
            part,
            inside,
            evidence[first:last],
            config,
            fps=fps,
            on_step=on_step,
        )
        results.append(found)
        share = _fade(first, last, count)
        weights[first:last] += share
        for name in _PARTS:
            change = (getattr(found.pose, name) - getattr(part, name)).double().cpu().numpy()
            sums[name][first:last] += share[:, None] * change
    changes |= {name: values / weights[:, None] for name, values in sums.items()}
    moved = _moved(motion, changes, body)
    told = Correction(
        len(results),
        sum(one.verdict.better for one in results),
        float(np.mean([one.verdict.before for one in results])),
        float(np.mean([one.verdict.kept for one in results])),
        shape.verdict,
    )
    return replace(person, body=moved), told


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


def _stretches(count: int) -> list[tuple[int, int]]:
    """First and last (exclusive) frames of stretches that share some frames with the next."""
    step = _STRETCH - _SHARED
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
