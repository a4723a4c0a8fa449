"""Edits of motion before it is written: a part of it, its mirror image, a loop."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.easing import smoothstep
from mocap.errors import ExportError
from mocap.exporters.performer import Performer
from mocap.skeletons import SMPLX_55

#: Left to right.
_REFLECT = np.diag([-1.0, 1.0, 1.0])


def part(performer: Performer, start: float | None, stop: float | None) -> Performer | None:
    """What a person does between two times of the clip, inclusive; None if nothing.

    Args:
        performer: the person.
        start: seconds of the clip; the motion's own start if None.
        stop: seconds of the clip; the motion's own end if None.
    """
    motion = performer.motion
    times = performer.start + np.arange(len(motion)) / motion.fps
    # Frames are found by their time to within a thousandth of their spacing.
    slack = 1e-3 / motion.fps
    chosen = np.flatnonzero(
        (times >= (-np.inf if start is None else start) - slack)
        & (times <= (np.inf if stop is None else stop) + slack)
    )
    if not len(chosen):
        return None
    frames = slice(chosen[0], chosen[-1] + 1)
    cut = 0.0 if start is None else start
    begin = max(float(times[chosen[0]] - cut), 0.0)
    return replace(_frames(performer, frames), start=begin, cut=performer.cut + cut)


def mirrored(performer: Performer) -> Performer:
    """The mirror image: left and right exchanged, the world's x turned round.

    The performer's joints are SMPL-X's.
    """
    motion = performer.motion
    other = list(SMPLX_55.mirror)
    tips, local, skin = motion.end_sites, motion.local_positions, performer.skin
    found = replace(
        motion,
        rest_offsets=motion.rest_offsets[other] @ _REFLECT,
        rotations=_REFLECT @ motion.rotations[:, other] @ _REFLECT,
        root_position=motion.root_position @ _REFLECT,
        end_sites=None if tips is None else tips[other] @ _REFLECT,
        local_positions=None if local is None else local[:, other] @ _REFLECT,
    )
    if skin is not None:
        skin = replace(
            skin,
            vertices=skin.vertices @ _REFLECT,
            # What was counter-clockwise from outside no longer is.
            faces=skin.faces[:, ::-1],
            weights=skin.weights[:, other],
        )
    rests = performer.rests
    if rests is not None:
        rests = replace(rests, probability=rests.probability[:, [2, 3, 0, 1]])
    return replace(performer, motion=found, skin=skin, rests=rests)


def looped(performer: Performer, blend: float = 0.4) -> Performer:
    """A motion that goes on with its first frame after its last, on the spot.

    The end fades into the beginning over ``blend`` seconds, by which the loop is shorter, and the
    way travelled over the ground is taken out evenly. For motions that begin and end alike: gaits,
    dances, idling.

    Raises:
        ExportError: the motion is shorter than two blends.
    """
    motion = performer.motion
    count = max(round(blend * motion.fps), 1)
    if len(motion) < 2 * count + 1:
        raise ExportError(
            f"{performer.name}: {len(motion) / motion.fps:.2f} s are too short to loop, which "
            f"takes {(2 * count + 1) / motion.fps:.2f} s"
        )
    length = len(motion) - count
    level = np.array([1.0, 0.0, 1.0])
    first, last = slice(0, count), slice(length, len(motion))
    travelled = (motion.root_position[last] - motion.root_position[first]).mean(0) * level
    placed = motion.root_position - np.arange(len(motion))[:, None] / length * travelled
    share = smoothstep((np.arange(count) + 1.0) / (count + 1.0))
    turn = np.swapaxes(motion.rotations[last], -1, -2) @ motion.rotations[first]
    vectors = Rotation.from_matrix(turn.reshape(-1, 3, 3)).as_rotvec()
    vectors *= np.repeat(share, len(motion.names))[:, None]
    faded = motion.rotations.copy()
    faded[last] = motion.rotations[last] @ Rotation.from_rotvec(vectors).as_matrix().reshape(
        turn.shape
    )
    placed[last] += share[:, None] * (placed[first] - placed[last])
    found = replace(motion, rotations=faded, root_position=placed)
    rests = performer.rests
    if rests is not None:
        likely = rests.probability.copy()
        likely[last] += share[:, None] * (likely[first] - likely[last])
        rests = replace(rests, probability=likely)
    return _frames(replace(performer, motion=found, rests=rests), slice(count, None))


def _frames(performer: Performer, frames: slice) -> Performer:
    motion, rests = performer.motion, performer.rests
    local = motion.local_positions
    motion = replace(
        motion,
        rotations=motion.rotations[frames],
        root_position=motion.root_position[frames],
        local_positions=None if local is None else local[frames],
    )
    if rests is not None:
        rests = replace(rests, probability=rests.probability[frames])
    return replace(performer, motion=motion, rests=rests)
