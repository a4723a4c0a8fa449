"""How the body stands in a person's points: by what is nearest, among poses people are captured in.

Points say nothing of joints. They are upright or lie along another axis, in T-pose or A-pose, with
legs together or apart; the body takes on their place, pose and shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from mocap.avatar.surface import surface_avatar
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.skeletons import SMPLX_55

#: Statures of people, metres: what is not as tall is in other units, or not a person.
_SHORTEST, _TALLEST = 1.1, 2.4
#: Ways up that splats come with: ours, upside down as cameras see, lying as +Z is up. They may face
#: anywhere.
_UPS = (
    np.eye(3),
    np.diag([1.0, -1.0, -1.0]),
    Rotation.from_euler("x", -90, degrees=True).as_matrix(),
)
_FACINGS = Rotation.from_euler("y", [[30.0 * turn] for turn in range(12)], degrees=True).as_matrix()
#: Degrees by which arms hang, and by which each leg is out to its side, in the poses that are tried
#: first. Legs far apart are how people are kept: 20 degrees or a radian by LHM (aigc3d/LHM,
#: ``LHM/models/rendering/smpl_x_voxel_dense_sampling.py``; its splats, ``GaussianModel.save_ply``
#: of ``gs_renderer.py`` beside it, are in T-pose), 25 degrees by lizhe00/AnimatableGaussians
#: (``config.py``), a radian by ExAvatar (``avatar/common/utils/smpl_x.py``).
_STANCES = (
    *combinations((0.0, 30.0, 55.0, 75.0), (0.0, 10.0)),
    *combinations((0.0, 30.0), (25.0, 57.0)),
)
#: Joints that may be bent to meet the splat.
_BENT = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "collar", "shoulder", "elbow", "wrist")
)
#: Those that are nearly straight in T- and A-pose, and how far they are bent at most, radians: the
#: body may be near to somebody who sits, with the wrong parts of it. Legs apart are no bend.
_STRAIGHT, _BENT_MOST = ("left_hip", "left_knee", "right_hip", "right_knee"), 0.7
#: Points compared, of the splat and of the body; metres beyond which a pair is none, at first and
#: at last.
_POINTS, _PAIRED = 4000, (0.25, 0.12)
#: One in so many points is enough for a first look. So many stances are then looked at closely, in
#: so many steps, and so many of these in more.
_ROUGHLY, _CLOSELY, _FEW_STEPS, _AGAIN, _STEPS = 5, 5, 20, 2, 40
#: How far from the skin splats of people are, metres: half of their points, and half of the body;
#: as a share of how far a twentieth may be, that is hair or a skirt.
_NEAR, _TAIL = 0.035, 0.25


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


def stance_in(points: np.ndarray, body: Body, source: str) -> Stance:
    """The pose, among those that people are captured in, in which the body fits points best.

    Args:
        points: (N, 3) of a person, metres, and of what floats about them.
        body: the model, in single precision.
        source: what to call the points in messages.

    Raises:
        AvatarError: they are no person's, or in no pose that is recognised.
    """
    points = _thinned(points)
    # A body of about as many points, evenly spread.
    body = surface_avatar(body, body.template.new_zeros(1), _POINTS).binding.carrier(body)
    scanned = [_scanned(body, *degrees) for degrees in _STANCES]
    tried: list[Stance] = []
    for up in _UPS:
        low, high = np.quantile(points @ up[1], [0.002, 0.998])
        if _SHORTEST <= high - low <= _TALLEST:
            tried += _first_looks(points, up, float(high - low), scanned, body)
    if not tried:
        tall = np.ptp(points, axis=0)
        likely = " (it may be in centimetres)" if 80 < tall.max() < 300 else ""
        raise AvatarError(
            f"{source}: measures {tall[0]:.3g} x {tall[1]:.3g} x {tall[2]:.3g}; a person in metres "
            f"is 1.1 to 2.4 tall{likely}: scale it, or cut away what is not the person"
        )
    tried = sorted(tried, key=_how_far)[:_CLOSELY]
    closer = [_met(points, stance, body, _FEW_STEPS) for stance in tried]
    closer.sort(key=_how_far)
    fault = _fault(closer[0])
    for stance in closer[:_AGAIN]:
        # What is that far off after some steps is so after more.
        if stance.off < 2 * _NEAR:
            found = _met(points, stance, body, _STEPS)
            fault = _fault(found)
            if not fault:
                return found
    raise AvatarError(
        f"{source}: is in a pose that is not recognised ({fault}): it has to be one person alone, "
        "in T- or A-pose"
    )


def _first_looks(
    points: np.ndarray, up: np.ndarray, tall: float, scanned: list[BodyPose], body: Body
) -> list[Stance]:
    """For each way that a person who is so tall may face, the pose that is nearest."""
    shapes = [_as_tall(body, pose, tall) for pose in scanned]
    surfaces = [_surface(body, *one) for one in zip(scanned, shapes, strict=True)]
    found = []
    for turn in _FACINGS @ up:
        placed = points @ turn.T
        tree = cKDTree(placed[::_ROUGHLY])
        ways = []
        for pose, betas, posed in zip(scanned, shapes, surfaces, strict=True):
            shift = 0.5 * (placed.min(0) + placed.max(0) - posed.min(0) - posed.max(0))
            off = _off(tree, posed[::_ROUGHLY] + shift)
            there = torch.from_numpy(shift)[None].to(body.template)
            ways.append(Stance(turn, replace(pose, transl=there), betas, off))
        # One each: somebody's back is about as near to a body as their front.
        found.append(min(ways, key=_how_far))
    return found


def _as_tall(body: Body, pose: BodyPose, tall: float) -> Tensor:
    """The shape that measures so much from top to bottom in a pose, in which legs may be apart."""
    average = body.template.new_zeros(1)
    standing = float(body.height(average[None])[0])
    share = float(np.ptp(_surface(body, pose, average)[:, 1])) / standing
    return body.betas_for_height(float(np.clip(tall / share, 1.4, 2.1)))


def _thinned(points: np.ndarray) -> np.ndarray:
    """Some of the points, without what floats far off."""
    middle = np.median(points, 0)
    spread = np.quantile(np.abs(points - middle), 0.9, axis=0)
    near = (np.abs(points - middle) < 3 * spread + 0.1).all(1)
    chance = np.random.default_rng(0)
    kept = points[near]
    return kept[chance.permutation(len(kept))[:_POINTS]]


def _how_far(stance: Stance) -> float:
    return stance.off


def _fault(found: Stance) -> str:
    """Why a stance is not that of the splat; empty if it may be."""
    if found.off > _NEAR:
        return f"the body is {100 * found.off:.0f} cm off at best"
    assert found.pose.body_pose is not None
    turns = found.pose.body_pose.reshape(21, 3)[_joints(_STRAIGHT)].clone()
    turns[::2, 2] = 0
    bent = turns.norm(dim=1).max()
    return "" if bent < _BENT_MOST else f"a leg is bent by {np.rad2deg(float(bent)):.0f} degrees"


def _joints(names: Sequence[str]) -> list[int]:
    """Which of a pose's 21 joints are called so."""
    return [SMPLX_55.index(name) - 1 for name in names]


def _scanned(body: Body, arms: float, legs: float) -> BodyPose:
    """A pose with hanging arms and legs apart, degrees."""
    turns = torch.zeros(21, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turns[SMPLX_55.index(f"{side}_shoulder") - 1, 2] = -sign * np.deg2rad(arms)
        turns[SMPLX_55.index(f"{side}_hip") - 1, 2] = sign * np.deg2rad(legs)
    turns = turns.reshape(1, 63).to(body.template)
    return BodyPose(global_orient=torch.zeros_like(turns[:, :3]), body_pose=turns)


def _surface(body: Body, pose: BodyPose, betas: Tensor) -> Float[np.ndarray, "vertices 3"]:
    with torch.no_grad():
        posed = body.forward(replace(pose, betas=betas[None]), return_vertices=True)
    assert posed.vertices is not None
    return posed.vertices[0].double().cpu().numpy()


def _off(points: cKDTree, surface: np.ndarray) -> float:
    """How far apart two sets of points are, metres: half of them, and some of the farthest."""
    gaps = cKDTree(surface).query(points.data)[0], points.query(surface)[0]
    return float(max(max(np.median(one), _TAIL * np.quantile(one, 0.95)) for one in gaps))


def _met(points: np.ndarray, stance: Stance, body: Body, steps: int) -> Stance:
    """The body bent, shaped and moved to meet points, pair by pair (iterative closest points)."""
    placed, pose = points @ stance.turn.T, stance.pose
    like = body.template
    tree, target = cKDTree(placed), torch.from_numpy(placed).to(like)
    joints = _joints(_BENT)
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
    return Stance(stance.turn, pose, shape, _off(tree, _surface(body, pose, shape)))
