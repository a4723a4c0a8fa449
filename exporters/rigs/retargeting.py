"""Motion of SMPL-X's joints put on a character's skeleton.

Joints turn as the source's do, told from rest poses laid on each other (:mod:`.laying`). The
hips go where the source's went, larger or smaller as the legs are longer or shorter: over the
ground from the world's origin, and in height from what the person stands on. Feet stand where the
source's stand, on the rig's own soles, and rest where they rest: knees bend for it, and hips sink a
little where a leg is too short. Hands that meet do so on the rig.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from mocap.easing import smoothstep
from mocap.exporters.heading import calm_heading
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Performer
from mocap.exporters.rigs.figure import Figure
from mocap.exporters.rigs.footholds import kept_in_place
from mocap.exporters.rigs.laying import drive_of
from mocap.exporters.rigs.rig import Rig
from mocap.exporters.rigs.soles import Foot, feet_of_body, feet_of_rig, resting
from mocap.geometry import local_rotations
from mocap.skeletons import SMPLX_55

#: How straight a leg is made at most to reach the ground, of its whole length.
_STRAIGHT = 0.995
#: How far hips sink for feet at most, of a leg; seconds that it takes.
_SINKING, _SINKS_IN = 0.15, 0.1
#: Distances of wrists over that of the shoulders at which hands meet, and at which they do not.
_MEETING = (0.5, 1.0)
#: A bone that is none, metres.
_NOTHING = 1e-4
_SIDES = ("left", "right")


def retargeted(performer: Performer, rig: Rig, *, root_motion: bool = False) -> Performer:
    """A person's motion on a rig, in the axes of the rig's file.

    Args:
        performer: SMPL-X's joints, T-pose, +Y up.
        rig: whose skeleton the motion is put on.
        root_motion: whether the bone above the hips travels over the ground below them, and turns
            with them.

    Raises:
        ExportError: root motion is wanted of a rig without such a bone.
    """
    motion = performer.motion
    rest, world, placed = motion.rest_positions(), motion.world_rotations(), motion.joints()
    drive = drive_of(rig, rest)
    body = feet_of_body(rest)
    feet = feet_of_rig(rig, body)
    ratio = _ratio(rig, rest, body, feet)
    told = performer.rests
    level = 0.0 if told is None else told.level
    ground = np.array([0.0, level, 0.0])
    figure = Figure(rig, drive, drive.turns(world), np.empty((len(motion), 3)))
    figure.hips[:] = _hips(figure, ratio * (placed - ground) + ground)
    if feet:
        soles = {
            side: foot.placed(placed[:, foot.joints[2]], world[:, foot.joints[2]])
            for side, foot in body.items()
        }
        points = np.concatenate([soles[side] for side in _SIDES], axis=1)
        rests = resting(points, None if told is None else told.probability, motion.fps)
        _stand(figure, feet, soles, rests, ratio, ground, motion.fps)
    _join_hands(figure, rest, placed)
    if root_motion:
        figure.travel(calm_heading(motion))
    moved = _motion(figure, motion.fps)
    return replace(performer, motion=moved, skin=None, holder=rig.holder)


def _ratio(rig: Rig, rest: np.ndarray, body: Mapping[str, Foot], feet: Mapping[str, Foot]) -> float:
    """How much larger the rig is: by the height of its hips over its soles, or by its trunk."""
    if feet:
        sizes = [[foot.leg + foot.height for foot in of.values()] for of in (feet, body)]
        return float(np.mean(sizes[0]) / np.mean(sizes[1]))
    places = rig.places()
    top = next(name for name in ("neck", "head", "spine3") if name in rig.joints)
    theirs = np.linalg.norm(places[rig.joints[top]] - places[rig.joints["pelvis"]])
    return float(theirs / np.linalg.norm(rest[SMPLX_55.index(top)] - rest[0]))


def _hips(figure: Figure, placed: np.ndarray) -> Float[np.ndarray, "frames 3"]:
    """Where the hips go so that the middle of the legs' tops is where the source's is."""
    joints, places = figure.rig.joints, figure.rig.places()
    tops = [f"{side}_hip" for side in _SIDES]
    if not joints.keys() >= set(tops):
        return placed[:, 0]
    root = joints["pelvis"]
    middle = places[[joints[name] for name in tops]].mean(0) - places[root]
    return placed[:, SMPLX_55.indices(*tops)].mean(1) - figure.turns[:, root] @ middle


def _stand(
    figure: Figure,
    feet: Mapping[str, Foot],
    soles: Mapping[str, np.ndarray],
    rests: np.ndarray,
    ratio: float,
    ground: np.ndarray,
    fps: float,
) -> None:
    """Bring the feet to where the source's are, and keep what rests in place."""
    goals, held = {}, {}
    for side, foot in feet.items():
        column = 2 * _SIDES.index(side)
        turn = figure.turns[:, foot.joints[2]]
        wanted = ratio * (soles[side] - ground) + ground
        # Feet are not as much longer as legs are: their middle goes where the source's does, and
        # what is lowest of them is as high.
        free = foot.placed(np.zeros((len(turn), 3)), turn)
        ankle = wanted.mean(1) - free.mean(1)
        lift = soles[side][..., 1].min(1) - ground[1]
        # What is in the ground gets no deeper.
        lift *= np.where(lift > 0, ratio, min(ratio, 1.0))
        ankle[:, 1] = ground[1] + lift - free[..., 1].min(1)
        shift, held[side] = kept_in_place(
            free + ankle[:, None], rests[:, column : column + 2], ground[1], fps
        )
        goals[side] = ankle + shift
    _sink(figure, feet, goals, held, fps)
    for side, foot in feet.items():
        hip, knee, ankle_ = foot.joints
        placed = figure.joints()
        # Knees bend about the left of who stands.
        hinge = (figure.turns[:, hip] @ figure.drive.laid[hip].T)[..., 0]
        limit = _longest(placed, foot)
        bone = goals[side] - placed[:, hip]
        far = np.linalg.norm(bone, axis=1)
        goal = placed[:, hip] + bone * np.minimum(1.0, limit / np.maximum(far, 1e-9))[:, None]
        figure.reach((hip, knee, ankle_), goal, hinge)


def _longest(placed: np.ndarray, foot: Foot) -> Float[np.ndarray, " frames"]:
    """How far legs reach without becoming straighter than they are, or than is calm to look at."""
    own = np.linalg.norm(placed[:, foot.joints[2]] - placed[:, foot.joints[0]], axis=1)
    return np.maximum(own, _STRAIGHT * foot.leg)


def _sink(
    figure: Figure,
    feet: Mapping[str, Foot],
    goals: Mapping[str, np.ndarray],
    held: Mapping[str, np.ndarray],
    fps: float,
) -> None:
    """Lower the hips where resting feet are out of reach."""
    placed = figure.joints()
    wanted = np.zeros(len(placed))
    for side, foot in feet.items():
        bone = placed[:, foot.joints[0]] - goals[side]
        room = _longest(placed, foot) ** 2 - bone[:, 0] ** 2 - bone[:, 2] ** 2
        drop = bone[:, 1] - np.sqrt(np.maximum(room, 0.0))
        wanted = np.maximum(wanted, held[side] * np.clip(drop, 0.0, _SINKING * foot.leg))
    span = 2 * round(_SINKS_IN * fps) + 1
    sunk = maximum_filter1d(wanted, span, mode="nearest")
    figure.hips[:, 1] -= gaussian_filter1d(sunk, max(_SINKS_IN * fps / 2, 0.3), mode="nearest")


def _join_hands(figure: Figure, rest: np.ndarray, placed: np.ndarray) -> None:
    """Bring wrists as near to each other as the source's where those are near."""
    joints = figure.rig.joints
    chain = ("shoulder", "elbow", "wrist")
    limbs = [[f"{side}_{joint}" for joint in chain] for side in _SIDES]
    if not all(joints.keys() >= set(limb) for limb in limbs):
        return
    ours = [SMPLX_55.indices(*limb) for limb in limbs]
    theirs = [[joints[name] for name in limb] for limb in limbs]
    places = figure.rig.places()
    bones = [places[limb[1:]] - places[limb[:-1]] for limb in theirs]
    if np.linalg.norm(bones, axis=-1).min() < _NOTHING:
        return
    arms = [
        np.linalg.norm(np.diff(of[limb], axis=0), axis=1).sum()
        for of, chains in ((places, theirs), (rest, ours))
        for limb in chains
    ]
    size = (arms[0] + arms[1]) / (arms[2] + arms[3])
    apart = placed[:, ours[0][2]] - placed[:, ours[1][2]]
    width = np.linalg.norm(rest[ours[0][0]] - rest[ours[1][0]])
    near, far = _MEETING
    share = np.clip((far - np.linalg.norm(apart, axis=1) / width) / (far - near), 0.0, 1.0)
    share = smoothstep(share)[:, None]
    if not share.any():
        return
    wrists = [figure.joints()[:, limb[2]] for limb in theirs]
    change = share * (size * apart - (wrists[0] - wrists[1])) / 2
    for limb, wrist, sign in zip(theirs, wrists, (1.0, -1.0), strict=True):
        shoulder = limb[0]
        # Elbows bend forward: the left about -Y where arms are level, the right about +Y.
        axis = (figure.turns[:, shoulder] @ figure.drive.laid[shoulder].T)[..., 1]
        figure.reach((limb[0], limb[1], limb[2]), wrist + sign * change, -sign * axis)


def _motion(figure: Figure, fps: float) -> SkeletalMotion:
    """A figure as a motion of its rig, in the axes of the rig's file."""
    rig, frames = figure.rig, len(figure.hips)
    skeleton, upright = rig.skeleton, rig.upright
    # From the rest pose: what stands may be another.
    world = upright @ figure.turns @ upright.T @ skeleton.world_rotations()
    placed = figure.joints() @ upright.T
    hips, moving = rig.joints["pelvis"], rig.root
    local = None
    own = [
        joint
        for joint, parent in enumerate(skeleton.parents)
        if parent >= 0 and (joint in (hips, moving) or rig.carriers[joint] != parent)
    ]
    if own:
        above = [skeleton.parents[joint] for joint in own]
        local = np.tile(skeleton.rest_offsets, (frames, 1, 1))
        bones = (placed[:, own] - placed[:, above])[..., None]
        local[:, own] = (np.swapaxes(world[:, above], 2, 3) @ bones)[..., 0]
    return replace(
        skeleton,
        rotations=local_rotations(world, skeleton.parents),
        root_position=placed[:, 0],
        fps=fps,
        local_positions=local,
    )
