"""A take measured: on its own, and against the truth where there is one."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.evaluate.accuracy import PersonAccuracy, compare_person, compared
from mocap.evaluate.identities import IdentityReport
from mocap.evaluate.quality import PersonQuality, measure_person
from mocap.evaluate.together import GroupAccuracy, compare_group, follow_people, match_people
from mocap.evaluate.truth import OWN_CAMERA, Truth, TruthError
from mocap.take import Person, Take

if TYPE_CHECKING:
    from mocap.body import Body


@dataclass(frozen=True)
class TruthComparison:
    """A take against the truth.

    Attributes:
        truth: the file.
        camera: which of the truth's cameras the video is of; None if that is not known.
        up_source: where the truth's up came from.
        joints: which joints are compared.
        tilt_error_degrees: angle between the take's up and the truth's, in the camera's axes.
        people: everybody who is in both.
        missed: ids of truth people who match nobody.
        identities: how people match over time.
        group: everybody under one alignment, if there are several.
    """

    truth: str
    camera: str | None
    up_source: str
    joints: tuple[str, ...]
    tilt_error_degrees: float
    people: tuple[PersonAccuracy, ...]
    missed: tuple[str, ...]
    identities: IdentityReport | None
    group: GroupAccuracy | None


@dataclass(frozen=True)
class Report:
    """Everything measured of a take."""

    video: str
    fps: float
    frames: int
    people: tuple[PersonQuality, ...]
    comparison: TruthComparison | None

    def as_json(self) -> dict[str, Any]:
        """Plain data; units are in the names, what is not known is None."""
        return plain(asdict(self))


def evaluate(
    take: Take,
    truth: Truth | None = None,
    *,
    camera: str | None = None,
    person: str | None = None,
    window: float = 5.0,
    body: Body | None = None,
) -> Report:
    """Measure a take.

    Args:
        take: with or without fitted motion.
        truth: what to compare it with.
        camera: which of the truth's cameras the video is of; found by the video's name if None.
        person: measure only this one of the take's people.
        window: seconds of the windows for W- and WA-MPJPE, besides those of 100 frames.
        body: the model the motion belongs to; without it feet are not measured, and a truth that
            is points is compared with the body's joints rather than with its keypoints.

    Raises:
        TruthError: the truth and the take have nobody in common, or there is no such camera.
    """
    people = {name: one for name, one in take.people.items() if person in (None, name)}
    if not people:
        raise TruthError(
            f"the take has nobody named {person}; there are {', '.join(take.people) or 'none'}"
        )
    return Report(
        video=take.video.path,
        fps=take.video.fps,
        frames=len(take.video.timestamps),
        people=tuple(measure_person(take, one, body) for one in people.values()),
        comparison=None if truth is None else _compare(take, people, truth, camera, window, body),
    )


def _compare(
    take: Take,
    people: dict[str, Person],
    truth: Truth,
    camera: str | None,
    window: float,
    body: Body | None,
) -> TruthComparison:
    camera = choose_camera(take, truth, camera)
    who = match_people(take, people, truth, camera)
    if not who:
        raise TruthError(
            f"{truth.path}: nobody in it is anybody of the take; is it of the same performance"
            + ("" if camera is None else f", and is the video camera {camera}'s (--camera)")
            + "?"
        )
    return TruthComparison(
        truth=truth.path,
        camera=camera,
        up_source=truth.up_source,
        joints=tuple(compared(truth)),
        tilt_error_degrees=tilt_error(take, truth, camera),
        people=tuple(
            compare_person(take, people[to], truth, name, camera, window, body)
            for name, to in who.items()
        ),
        missed=tuple(name for name in truth.people if name not in who),
        identities=follow_people(take, people, truth, camera, who),
        group=compare_group(take, truth, who),
    )


def choose_camera(take: Take, truth: Truth, named: str | None) -> str | None:
    """Which of the truth's cameras the video is of, None if nothing tells.

    Raises:
        TruthError: the truth has no camera of the name asked for.
    """
    if named is not None:
        found = [name for name in truth.cameras if _same(name, named)]
        if not found:
            raise TruthError(
                f"{truth.path}: has no camera {named}; "
                f"it has {', '.join(truth.cameras) or 'none at all'}"
            )
        return found[0]
    if OWN_CAMERA in truth.cameras and truth.video_sha256:
        return OWN_CAMERA if truth.video_sha256 == take.video.sha256 else None
    stem = re.split(r"[/\\]", take.video.path)[-1].rsplit(".", 1)[0]
    return next((name for name in truth.cameras if _same(name, stem)), None)


def _same(one: str, other: str) -> bool:
    """``cam_01`` and ``cam01`` are one camera."""
    return re.sub(r"[\W_]", "", one).casefold() == re.sub(r"[\W_]", "", other).casefold()


def tilt_error(take: Take, truth: Truth, camera: str | None) -> float:
    """The angle (degrees) between what both take for up, in the camera's axes; mean over time."""
    if camera is None or truth.up is None or take.world is None:
        return float("nan")
    frames = np.arange(len(take.video.timestamps))
    ours = take.camera.at(frames)[1] @ np.array([0.0, 1.0, 0.0])
    true = truth.cameras[camera].camera.at(frames)[1] @ truth.up
    sine = np.linalg.norm(np.cross(ours, true), axis=-1)
    return float(np.rad2deg(np.arctan2(sine, np.sum(ours * true, -1))).mean())


def plain(value: Any) -> Any:
    """Data as JSON can hold it: numbers that are none become None."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
