"""Everyone's keypoints to SMPL-X motion in one gravity-aligned, metric world."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from mocap.errors import FitError
from mocap.fitting.config import FitConfig
from mocap.fitting.fingers import finger_poses
from mocap.fitting.flesh import Flesh
from mocap.fitting.ground import stand
from mocap.fitting.lens import refined
from mocap.fitting.person import Fitted, fit_alone
from mocap.fitting.result import body_motion, contacts_record
from mocap.fitting.rig import Rig
from mocap.fitting.together import settle
from mocap.fitting.uncertainty import joint_sigma
from mocap.progress import Progress, silent
from mocap.take import Person, StageRecord, Take

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

logger = logging.getLogger(__name__)

STAGE = "fitting"
VERSION = "3"


def fit(take: Take, body: Body, config: FitConfig, progress: Progress = silent) -> Take:
    """Fit the body to everyone in a take.

    Args:
        take: with 2D and 3D keypoints.
        body: the model to fit; results carry its hash.
        config: how.
        progress: called as ``progress("fitting", frames done, frames)``, over all people.

    Returns:
        The take with ``body`` and ``contacts`` for everyone who could be fitted and ``world`` set.
        People who could not be are kept without, and the reason is logged and recorded.

    Raises:
        FitError: when nobody could be fitted.
    """
    started = time.perf_counter()
    rig = Rig.of(body, config.shapes)
    flesh = Flesh.of(body, rig)
    steps = _Steps(progress, take, 1 + config.rounds)
    take = refined(take, rig, config)
    alone: list[Fitted] = []
    refused: dict[str, str] = {}
    for person in take.people.values():
        try:
            alone.append(fit_alone(take, person, body, rig, config))
        except FitError as error:
            refused[person.id] = str(error)
            logger.warning("%s", error)
        steps.passed(person)
    if not alone:
        reasons = "; ".join(refused.values()) or "nobody was found in the clip"
        raise FitError(f"no body could be fitted: {reasons}")
    standing, camera, world = stand(take, body, rig, flesh, alone, config)
    settled, contacts = settle(rig, flesh, standing, config, steps.passed)
    # A body of an earlier fit stands in an earlier world.
    people = {
        name: replace(person, body=None, contacts=None) for name, person in take.people.items()
    }
    for one, resting in zip(settled, contacts, strict=True):
        fingers = finger_poses(one.person, body, one.seen)
        sigma = joint_sigma(rig, one, config.weights)
        people[one.person.id] = replace(
            one.person,
            body=body_motion(one, fingers, sigma, body),
            contacts=contacts_record(resting, one.level),
        )
    steps.end()
    record = StageRecord(
        STAGE,
        VERSION,
        {**asdict(config), "refused": refused},
        round(time.perf_counter() - started, 3),
        {"body": body.sha256},
    )
    return take.with_stage(record, people=people, camera=camera, world=world)


class _Steps:
    """Tells progress in frames, each of which is gone over several times."""

    def __init__(self, progress: Progress, take: Take, passes: int) -> None:
        self.progress, self.passes, self.done = progress, passes, 0
        self.total = sum(len(person.frames) for person in take.people.values())
        progress(STAGE, 0, self.total)

    def passed(self, person: Person) -> None:
        """Say that a person was gone over."""
        self.done += len(person.frames)
        # What is finished is told at the end.
        self.progress(STAGE, min(self.done // self.passes, self.total - 1), self.total)

    def end(self) -> None:
        """Say that all is done."""
        self.progress(STAGE, self.total, self.total)
