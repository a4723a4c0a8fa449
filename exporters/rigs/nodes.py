"""Skeletons in scenes of nodes, as FBX and glTF have them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Holder


@dataclass(frozen=True, eq=False)
class SceneNode:
    """A node of a scene.

    Attributes:
        name: of the node.
        parent: the number of the node above, -1 for none.
        world: (4, 4) its axes to the world's, metres, column vectors.
        is_bone: whether the file says that it is a joint.
    """

    name: str
    parent: int
    world: Float[np.ndarray, "4 4"]
    is_bone: bool


def skeleton_of(
    nodes: Sequence[SceneNode], top: int
) -> tuple[SkeletalMotion, Float[np.ndarray, "joints 3 3"], Holder] | None:
    """The skeleton below a node, the joints' axes, and what holds it; None if there is no bone.

    Nodes above bones come along, for joints' transforms are told from them.
    """
    children: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(i)
    order, waiting = [], [top]
    while waiting:
        i = waiting.pop()
        order.append(i)
        waiting += reversed(children[i])
    carries = {i: nodes[i].is_bone for i in order}
    for i in reversed(order):
        carries[i] |= any(carries[child] for child in children[i])
    order = [i for i in order if carries[i]]
    if not order:
        return None
    row = {i: place for place, i in enumerate(order)}
    parents = tuple(-1 if i == top else row[nodes[i].parent] for i in order)
    places = np.stack([nodes[i].world[:3, 3] for i in order])
    above = places[[max(parent, 0) for parent in parents]]
    above[0] = 0.0
    skeleton = SkeletalMotion(
        names=tuple(nodes[i].name for i in order),
        parents=parents,
        rest_offsets=places - above,
        rotations=np.tile(np.eye(3), (1, len(order), 1, 1)),
        root_position=places[:1],
        fps=30.0,
    )
    count = next(place for place, i in enumerate(order) if nodes[i].is_bone)
    scale = np.cbrt(abs(np.linalg.det(nodes[order[count - 1]].world[:3, :3]))) if count else 1.0
    axes = np.stack([_rotation(nodes[i].world[:3, :3]) for i in order])
    return skeleton, axes, Holder(count, float(scale))


def _rotation(axes: np.ndarray) -> np.ndarray:
    """The rotation nearest to axes that may be scaled or mirrored; none if they are nothing."""
    if not (np.isfinite(axes).all() and axes.any()):
        return np.eye(3)
    left, _, right = np.linalg.svd(axes / np.abs(axes).max())
    left[:, -1] *= np.sign(np.linalg.det(left @ right))
    return left @ right
