"""The stage between detection and fit: everybody's depth put right, and kept in the take."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.depth.uprightness import Uprightness
from mocap.geometry import Camera
from mocap.progress import Progress, silent
from mocap.scene import Gravity, camera_gravity
from mocap.skeletons import COCO_17, SKELETONS, point_map
from mocap.take import IMPORTED, Person, Refined3D, StageRecord, Take

# PyTorch takes seconds to import: only what refines pays for it.
if TYPE_CHECKING:
    from mocap.depth.refiner import DepthRefiner

REFINEMENT, REFINEMENT_VERSION = "depth", "3"
#: Whether takes are refined from both images of a person, their own and the mirror's.
MIRRORED = True

#: Metres from the hips beyond which a point is none of a person's.
_FARTHEST = 5.0
_HIPS = COCO_17.indices("left_hip", "right_hip")
_SHIPPED = Path(__file__).parent / "data"


def shipped_refiner(*, single_frame: bool = False) -> Path | None:
    """The checkpoint that comes with the program; None if none does.

    Args:
        single_frame: whether the one is meant that sees every pose alone.
    """
    path = _SHIPPED / (
        "refiner-single-frame.safetensors" if single_frame else "refiner.safetensors"
    )
    return path if path.is_file() else None


def refine_take(take: Take, refiner: DepthRefiner, progress: Progress = silent) -> Take:
    """Refine the depth of everybody in a take.

    Args:
        take: with 2D and 3D keypoints, and a camera that no fit has turned yet.
        refiner: what refines; the take remembers the hash of its checkpoint.
        progress: called as ``progress("depth", frames done, frames)``, over all people.

    Returns:
        The take with ``refined3d`` for everybody who has keypoints of both kinds.
    """
    started = time.perf_counter()
    gravity = _gravity(take) if refiner.network.config.elevation else None
    people, done = {}, 0
    total = sum(len(person.frames) for person in take.people.values())
    progress(REFINEMENT, 0, total)
    for name, person in take.people.items():
        refined = _refined(person, take.times(person), take.camera, gravity, refiner)
        people[name] = replace(person, refined3d=refined)
        done += len(person.frames)
        progress(REFINEMENT, done, total)
    record = StageRecord(
        REFINEMENT,
        REFINEMENT_VERSION,
        _parameters(take.camera, gravity, mirrored=refiner.mirrored),
        round(time.perf_counter() - started, 3),
        {"refiner": refiner.sha256},
    )
    return take.with_stage(record, people=people)


def holds_refinement(take: Take, checkpoint: Path) -> bool:
    """Whether a take is refined by that checkpoint, and nobody in it lacks it.

    Args:
        take: with a camera that no fit has turned yet.
        checkpoint: the refiner's file.
    """
    record = next((stage for stage in take.provenance if stage.name == REFINEMENT), None)
    return (
        record is not None
        and record.version == REFINEMENT_VERSION
        and record.inputs.get("refiner") == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        and all(p.refined3d is not None for p in take.people.values() if _has_keypoints(p))
        and record.parameters
        == _parameters(take.camera, _gravity_as(record, take), mirrored=MIRRORED)
    )


def without_refinement(take: Take) -> Take:
    """The take as if it had never been refined."""
    people = {name: replace(person, refined3d=None) for name, person in take.people.items()}
    stages = tuple(stage for stage in take.provenance if stage.name != REFINEMENT)
    return replace(take, people=people, provenance=stages)


def _gravity(take: Take) -> Gravity:
    """Up as far as the picture tells it; how people stand is what is yet to be put right."""
    return camera_gravity(take.camera, None if take.scene is None else take.scene.segments)


def _gravity_as(record: StageRecord, take: Take) -> Gravity | None:
    """Up, if the refiner that left the record could be told."""
    return _gravity(take) if "gravity" in record.parameters else None


def _parameters(camera: Camera, gravity: Gravity | None, *, mirrored: bool) -> dict[str, Any]:
    """What a refinement depends on beside keypoints and the refiner.

    Who is told up is told along which rays hips are seen as well.
    """
    if gravity is None:
        return {"mirrored": mirrored}
    up = {
        "up": np.round(gravity.up, 4).tolist(),
        "sigma_degrees": round(float(np.rad2deg(gravity.sigma)), 2),
        "source": gravity.source,
    }
    lens = {
        "K": np.round(camera.K[0], 1).tolist(),
        "distortion": None
        if camera.distortion is None
        else np.round(camera.distortion, 5).tolist(),
    }
    return {"mirrored": mirrored, "gravity": up, "camera": lens}


def _has_keypoints(person: Person) -> bool:
    """Whether a detector found both kinds: another system's errors are not what was learned."""
    return (
        person.keypoints2d is not None
        and person.keypoints3d is not None
        and not person.keypoints3d.source.startswith(IMPORTED)
    )


def _refined(
    person: Person,
    times: np.ndarray,
    camera: Camera,
    gravity: Gravity | None,
    refiner: DepthRefiner,
) -> Refined3D | None:
    flat, deep = person.keypoints2d, person.keypoints3d
    if not _has_keypoints(person) or flat is None or deep is None:
        return None
    in_picture = point_map(SKELETONS[flat.skeleton], COCO_17)
    xyz = point_map(SKELETONS[deep.skeleton], COCO_17)(deep.xyz)
    # A point farther from the hips than any limb reaches was not found.
    xyz[abs(xyz).max(-1) > _FARTHEST] = float("nan")
    xy = in_picture(flat.xy)
    told: dict[str, Any] = {}
    uprightness = None
    if gravity is not None:
        uprightness = Uprightness.of(xy[:, _HIPS].mean(1), person.frames, camera, gravity)
        xy, xyz = uprightness.upright(xy), uprightness.upright_metres(xyz)
        # The error of the whole direction; that of the elevation alone is no larger.
        told = {"elevation": uprightness.elevation, "elevation_sigma": gravity.sigma}
    refined = refiner.refine_track(
        xy,
        xyz,
        in_picture(flat.confidence[..., None])[..., 0],
        times,
        **told,
    )
    return Refined3D(
        xyz=refined.xyz if uprightness is None else uprightness.as_seen(refined.xyz),
        sigma=refined.sigma,
        azimuth=refined.azimuth,
        elevation=refined.elevation,
        camera_relative=refined.camera_relative,
        skeleton=COCO_17.name,
        source=f"{deep.source}, depth refiner {refiner.sha256[:12]}",
    )
