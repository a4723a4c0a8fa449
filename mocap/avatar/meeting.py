"""The body meets a person's points: it is bent, shaped and moved until they are near to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from mocap.body import Body, BodyPose
from mocap.skeletons import SMPLX_55

#: Joints that may be bent to meet the splat.
_BENT = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "collar", "shoulder", "elbow", "wrist")
)
#: Metres beyond which a pair of points is none, at first and at last.
_PAIRED = (0.25, 0.12)
#: The farthest twentieth, that is hair or a skirt, may be farther off than half of the points by
#: so much: the share of it that counts.
_TAIL = 0.25


@dataclass(frozen=True)
class Stance:
    """How the body stands in points.

    Attributes:
        turn: (3, 3) from the points' axes to ours.
        pose: one frame, of the turned points.
        betas: (B,) the shape.
        off: metres, how far both surfaces are apart: the median, the worse way round.
    """

    turn: np.ndarray
    pose: BodyPose
    betas: Tensor
    off: float


def met(points: np.ndarray, stance: Stance, body: Body, steps: int) -> Stance:
    """The body bent, shaped and moved to meet points, pair by pair (iterative closest points)."""
    placed, pose = points @ stance.turn.T, stance.pose
    like = body.template
    tree, target = cKDTree(placed), torch.from_numpy(placed).to(like)
    joints = joints_called(_BENT)
    assert pose.body_pose is not None
    assert pose.global_orient is not None
    assert pose.transl is not None
    start = pose.body_pose.reshape(21, 3)
    bend = torch.zeros(len(joints), 3).to(like).requires_grad_()
    place = pose.transl.clone().requires_grad_()
    lean = pose.global_orient.clone().requires_grad_()
    shape = stance.betas.clone().requires_grad_()
    optimiser = torch.optim.Adam(
        [
            {"params": [bend, lean], "lr": 0.02},
            {"params": [place], "lr": 0.01},
            {"params": [shape], "lr": 0.05},
        ]
    )

    def stood() -> BodyPose:
        turns = start.index_add(0, torch.tensor(joints, device=like.device), bend)
        return BodyPose(global_orient=lean, body_pose=turns.reshape(1, 63), transl=place)

    for paired in np.geomspace(*_PAIRED, steps):
        posed = body.forward(replace(stood(), betas=shape[None]), return_vertices=True)
        assert posed.vertices is not None
        surface = posed.vertices[0]
        seen = surface.detach().double().cpu().numpy()
        there_gap, there = cKDTree(seen).query(placed)
        back_gap, back = tree.query(seen)
        forth = (surface[there] - target).norm(dim=1)[torch.from_numpy(there_gap < paired)]
        home = (surface - target[back]).norm(dim=1)[torch.from_numpy(back_gap < paired)]
        loss = forth.mean() + home.mean() + 0.002 * (shape**2).mean() + 0.02 * (bend**2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    pose = BodyPose(**{k: None if v is None else v.detach() for k, v in vars(stood()).items()})
    shape = shape.detach()
    return Stance(stance.turn, pose, shape, off_by(tree, surface_of(body, pose, shape)))


def reverse(stance: Stance, body: Body) -> Stance:
    """Who may be there if it is not this one: upright, with their back where this one's front is.

    From the front and from behind, people look much alike; arms and legs are out as far.
    """
    pose = stance.pose
    assert pose.body_pose is not None
    assert pose.global_orient is not None
    out = torch.zeros_like(pose.body_pose).reshape(21, 3)
    for joint in ("hip", "shoulder"):
        left, right = joints_called([f"left_{joint}", f"right_{joint}"])
        out[[left, right], 2] = -pose.body_pose.reshape(21, 3)[[right, left], 2]
    lean = Rotation.from_rotvec(pose.global_orient[0].double().cpu().numpy()).as_matrix()
    about = np.diag([-1.0, 1.0, -1.0]) @ lean.T
    turned = BodyPose(
        global_orient=torch.zeros_like(pose.global_orient), body_pose=out.reshape(1, 63)
    )
    middle, there = (surface_of(body, one, stance.betas).mean(0) for one in (turned, pose))
    shift = torch.from_numpy(about @ there - middle)[None].to(pose.body_pose)
    return Stance(about @ stance.turn, replace(turned, transl=shift), stance.betas, np.inf)


def surface_of(body: Body, pose: BodyPose, betas: Tensor) -> Float[np.ndarray, "vertices 3"]:
    """A body's vertices in one frame, metres."""
    with torch.no_grad():
        posed = body.forward(replace(pose, betas=betas[None]), return_vertices=True)
    assert posed.vertices is not None
    return posed.vertices[0].double().cpu().numpy()


def off_by(points: cKDTree, surface: np.ndarray) -> float:
    """How far apart two sets of points are, metres: half of them, and some of the farthest."""
    gaps = cKDTree(surface).query(points.data)[0], points.query(surface)[0]
    return float(max(max(np.median(one), _TAIL * np.quantile(one, 0.95)) for one in gaps))


def joints_called(names: Sequence[str]) -> list[int]:
    """Which of a pose's 21 joints are called so."""
    return [SMPLX_55.index(name) - 1 for name in names]
