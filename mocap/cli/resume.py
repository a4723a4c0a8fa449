"""What of an earlier run can be kept: the decisions behind skipping a stage."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mocap.depth import REFINEMENT, holds_refinement, shipped_refiner
from mocap.fitting import FitConfig
from mocap.fitting.fit import STAGE as FITTING
from mocap.fitting.fit import VERSION as FITTING_VERSION
from mocap.geometry import Camera
from mocap.pipeline import (
    CAMERA,
    CAMERA_VERSION,
    DETECTION,
    DETECTION_VERSION,
    ExtractConfig,
    camera_config,
    camera_parameters,
    detection_parameters,
    with_camera,
)
from mocap.take import StageRecord, Take

if TYPE_CHECKING:
    from mocap.body import Body


def holds_detection(take: Take, sha256: str, config: ExtractConfig) -> bool:
    """Whether a take holds what detection would find in that video with those parameters."""
    wanted = detection_parameters(config)
    return (
        bool(sha256)
        and take.video.sha256 == sha256
        and _ran(take, DETECTION, DETECTION_VERSION, wanted)
    )


def holds_camera(take: Take, config: ExtractConfig) -> bool:
    """Whether a take is seen through the camera that would be chosen with those parameters."""
    return _ran(take, CAMERA, CAMERA_VERSION, camera_parameters(config))


def holds_depth(take: Take, config: ExtractConfig) -> bool:
    """Whether a take's depths are what refining would give, or as detected if that is asked for."""
    if not config.refine_depth:
        return stage_of(take, REFINEMENT) is None
    checkpoint = shipped_refiner()
    return checkpoint is None or holds_refinement(as_detected(take), checkpoint)


def holds_fit(take: Take, config: FitConfig, body: "Body") -> bool:
    """Whether a take's motion is what the fit would give with that body and those parameters."""
    stage = stage_of(take, FITTING)
    return (
        stage is not None
        and stage.inputs.get("body") == body.sha256
        and _ran(take, FITTING, FITTING_VERSION, asdict(config))
    )


def as_detected(take: Take) -> Take:
    """The take as it was before the fit, which must not build on an earlier one's world.

    Refined depths stay.
    """
    people = {
        name: replace(person, body=None, contacts=None) for name, person in take.people.items()
    }
    stages = tuple(stage for stage in take.provenance if stage.name != FITTING)
    before = replace(take, people=people, world=None, provenance=stages)
    chosen = stage_of(take, CAMERA)
    if chosen is not None:
        again = with_camera(before, camera_config(chosen))
        # In its old place, before the depths that were refined since.
        order = [again.provenance[-1] if stage is chosen else stage for stage in stages]
        return replace(again, provenance=tuple(order))
    camera = take.camera
    if camera.source != "given":
        level = Camera.assumed(take.video.width, take.video.height)
        camera = replace(camera, R=level.R, t=level.t)
    return replace(before, camera=camera)


def stage_of(take: Take, name: str) -> StageRecord | None:
    """The record of a stage, None if it has not been run."""
    return next((stage for stage in take.provenance if stage.name == name), None)


def _ran(take: Take, name: str, version: str, wanted: dict[str, Any]) -> bool:
    stage = stage_of(take, name)
    if stage is None or stage.version != version:
        return False
    # The record has been through JSON, which knows no tuples.
    wanted = json.loads(json.dumps(wanted))
    # A stage's record holds findings as well as parameters.
    return all(key in stage.parameters and stage.parameters[key] == wanted[key] for key in wanted)
