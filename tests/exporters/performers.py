"""People to write: of takes made up, of tumbling, of acrobats; with and without a surface."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap.datasets.motions import read_deepmimic, read_poselib
from mocap.exporters import Performer, SkeletalMotion, Skin
from mocap.exporters.taken import motion_from_take

#: Acrobatics below the folder of test data: through every gimbal lock there is.
ACROBATICS = (
    "deepmimic/humanoid3d_backflip.txt",
    "deepmimic/humanoid3d_cartwheel.txt",
    "cmu_isaacgym_amp/amp_humanoid_backflip.npy",
    "cmu_isaacgym_amp/amp_humanoid_cartwheel.npy",
)


def performer(
    *, frames: int = 40, fps: float = 30.0, person: int = 1, skin: bool = True
) -> Performer:
    """Somebody with SMPL-X's joints who waves everything, 0.5 s after the clip's beginning."""
    take = make_take(people=person, frames=frames, fps=fps)
    motion = motion_from_take(take, f"person-{person}")
    return Performer(f"person-{person}", motion, rods(motion) if skin else None, 0.5)


def stretching() -> Performer:
    """The same without a surface, whose right knee, spine and left ankle leave their places."""
    one = performer(skin=False)
    local = np.tile(one.motion.rest_offsets, (len(one.motion), 1, 1))
    local[:, 5:8] += np.random.default_rng(0).normal(0, 0.05, (len(local), 3, 3))
    return replace(one, motion=replace(one.motion, local_positions=local))


def rods(motion: SkeletalMotion) -> Skin:
    """A surface: a small tetrahedron about every joint, which moves with it and its parent."""
    corners = 0.03 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    places = motion.rest_positions()
    count = len(places)
    weights = np.zeros((count, 4, count))
    for i, parent in enumerate(motion.parents):
        weights[i, :, i] = 1.0
        if parent >= 0:
            weights[i, 0, i], weights[i, 0, parent] = 0.75, 0.25
    faces = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
    return Skin(
        (places[:, None] + corners).reshape(-1, 3),
        (np.arange(count)[:, None, None] * 4 + faces).reshape(-1, 3),
        weights.reshape(-1, count),
    )


def posed(performer: Performer) -> np.ndarray:
    """(F, V, 3) the surface by linear blend skinning, as in the textbook."""
    motion, skin = performer.motion, performer.skin
    assert skin is not None
    world, joints = motion.world_rotations(), motion.joints()
    shift = joints - (world @ motion.rest_positions()[..., None])[..., 0]
    turns = np.einsum("vj,fjk->fvk", skin.weights, world.reshape(*world.shape[:2], 9))
    turned = turns.reshape(*turns.shape[:2], 3, 3) @ skin.vertices[..., None]
    return turned[..., 0] + np.einsum("vj,fja->fva", skin.weights, shift)


def tumbler(frames: int = 60) -> Performer:
    """A chain whose joints turn through whole turns about every axis, and through gimbal lock."""
    lots = np.random.default_rng(3)
    joints = 6
    axes = lots.normal(size=(joints, 3))
    axes[:3] = np.eye(3)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = np.linspace(0, 4 * np.pi, frames)[:, None, None]
    rotations = Rotation.from_rotvec((angles * axes).reshape(-1, 3)).as_matrix()
    motion = SkeletalMotion(
        names=tuple(f"link{i}" for i in range(joints)),
        parents=tuple(range(-1, joints - 1)),
        rest_offsets=lots.uniform(0.1, 0.4, (joints, 3)),
        rotations=rotations.reshape(frames, joints, 3, 3),
        root_position=np.cumsum(lots.normal(0, 0.02, (frames, 3)), axis=0),
        fps=24.0,
    )
    return Performer("tumbler", motion)


def acrobat(folder: Path, name: str) -> Performer:
    """A motion of the folder of test data, in its own axes."""
    path = folder / "motions" / name
    read = read_deepmimic if path.suffix == ".txt" else read_poselib
    return Performer(path.stem, read(path))
