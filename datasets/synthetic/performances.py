"""New performances of recorded motions.

A performance is a stretch of a motion, as it is or changed in ways that leave it a human motion:
mirrored, slower or faster; for training also reversed, with the upper body or single limbs of
others, leaning or lying as a whole, with joints off by a constant bit.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions import between
from mocap.datasets.synthetic.library import JOINTS, RATE, Motion
from mocap.skeletons import SMPLX_55

_MIRROR = SMPLX_55.mirror[:22]
_LEG, _ARM = ("hip", "knee", "ankle", "foot"), ("shoulder", "elbow", "wrist")
#: The joints an upper body consists of; the pelvis and the legs are the lower one.
_UPPER = [i for i, name in enumerate(JOINTS) if not name.endswith(_LEG) and name != "pelvis"]
_LIMBS = [
    [i for i, name in enumerate(JOINTS) if name.startswith(side) and name.endswith(parts)]
    for side in ("left", "right")
    for parts in (_LEG, _ARM)
]
#: Shares of training performances in which the upper body, or single limbs, do as in another
#: motion, and in which the whole body leans.
_TWO_HALVES, _OTHER_LIMBS, _LEANING = 0.25, 0.35, 0.3
#: How far it leans, radians: standard deviation, but in a fifth of those cases any way at all.
_LEAN, _ANY_WAY = 0.35, 0.2
#: Standard deviation, radians, of a constant error of each joint: limbs more than the trunk.
_LOOSE = np.array(
    [0.0 if n == "pelvis" else 0.22 if n.endswith(("hip", "shoulder", "knee", "elbow")) else 0.08
     for n in JOINTS]
)  # fmt: skip


def perform(motions: Sequence[Motion], frames: int, fps: float, rng: np.random.Generator) -> Motion:
    """A new performance of motions of one split.

    Validation and test perform what was recorded, at its pace or a little off it, mirrored or not;
    training varies it.

    Args:
        motions: to draw from; longer ones more often, but not in proportion.
        frames: wanted; fewer where the motion is over before.
        fps: frames a second.
        rng: what happens.
    """
    motion = _stretch(_drawn(motions, rng), frames, fps, rng)
    if motion.split == "train":
        motion = _varied(motion, motions, frames, fps, rng)
    return mirrored(motion) if rng.random() < 0.5 else motion


def _varied(
    motion: Motion,
    motions: Sequence[Motion],
    frames: int,
    fps: float,
    rng: np.random.Generator,
) -> Motion:
    """A performance that nobody recorded: few performers have to stand for all people's poses."""
    mixing = rng.random()
    if mixing < _TWO_HALVES:
        motion = _mixed(motion, _stretch(_drawn(motions, rng), frames, fps, rng), _UPPER)
    elif mixing < _TWO_HALVES + _OTHER_LIMBS:
        for limb in _LIMBS:
            if rng.random() < 0.5:
                motion = _mixed(motion, _stretch(_drawn(motions, rng), frames, fps, rng), limb)
    if rng.random() < 0.2:
        motion = replace(
            motion,
            rotations=np.flip(motion.rotations, 0).copy(),
            transl=np.flip(motion.transl, 0).copy(),
        )
    if rng.random() < _LEANING:
        motion = _leaning(motion, rng)
    return _loosened(motion, rng) if rng.random() < 0.5 else motion


def mirrored(motion: Motion) -> Motion:
    """The motion in a mirror at x = 0: left and right change places."""
    rotations = motion.rotations[:, list(_MIRROR)] * np.array([1.0, -1.0, -1.0])
    transl = motion.transl * np.array([-1.0, 1.0, 1.0])
    return replace(motion, rotations=rotations, transl=transl)


def _drawn(motions: Sequence[Motion], rng: np.random.Generator) -> Motion:
    weight = np.sqrt([len(motion) for motion in motions])
    return motions[rng.choice(len(motions), p=weight / weight.sum())]


def _stretch(motion: Motion, frames: int, fps: float, rng: np.random.Generator) -> Motion:
    """A stretch of the motion from anywhere in it, at its own pace or a little off it."""
    step = RATE / fps * np.exp(rng.normal(0, 0.15))
    count = max(1, min(frames, int((len(motion) - 1) / step) + 1))
    start = rng.uniform(0, max(len(motion) - 1 - (count - 1) * step, 0))
    rotations, transl = between(
        np.arange(len(motion), dtype=float),
        motion.rotations,
        motion.transl,
        start + step * np.arange(count),
    )
    return replace(motion, rotations=rotations, transl=transl)


def _mixed(motion: Motion, other: Motion, joints: list[int]) -> Motion:
    """The motion with these joints as in another one, for as long as both last."""
    count = min(len(motion), len(other))
    rotations = motion.rotations[:count].copy()
    rotations[:, joints] = other.rotations[:count, joints]
    name = f"{motion.name}+{other.name}"
    return replace(motion, name=name, rotations=rotations, transl=motion.transl[:count])


def _leaning(motion: Motion, rng: np.random.Generator) -> Motion:
    """Body and path turned, the same in all frames: leaning, lying, upside down."""
    if rng.random() < _ANY_WAY:
        turn = Rotation.random(random_state=rng)
    else:
        turn = Rotation.from_rotvec(rng.normal(0, _LEAN, 3) * [1.0, 0.0, 1.0])
    rotations = motion.rotations.copy()
    rotations[:, 0] = (turn * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
    return replace(motion, rotations=rotations, transl=turn.apply(motion.transl))


def _loosened(motion: Motion, rng: np.random.Generator) -> Motion:
    """Every joint off by an angle that stays the same: poses nobody recorded."""
    off = Rotation.from_rotvec(rng.normal(0, 1, (len(JOINTS), 3)) * _LOOSE[:, None])
    turned = [
        (Rotation.from_rotvec(motion.rotations[:, j]) * off[j]).as_rotvec()
        for j in range(len(JOINTS))
    ]
    return replace(motion, rotations=np.stack(turned, 1).astype(np.float32))
