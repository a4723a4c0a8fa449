"""Splats of people from elsewhere: the body is put into them, and they are brought to rest.

A splat of a person says nothing of joints. It is upright or lies along another axis, in T-pose or
A-pose, in clothes of its own; the body takes on its place, pose and shape by what is nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import bind
from mocap.avatar.file import binding_file, bound_by_file
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import turned
from mocap.avatar.ply import read_splat
from mocap.avatar.rotations import product, quaternions
from mocap.avatar.surface import surface_avatar
from mocap.avatar.threads import one_thread
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
#: Degrees by which arms hang and legs stand apart in the poses that are tried first.
_ARMS, _LEGS = (0.0, 30.0, 55.0, 75.0), (0.0, 10.0)
#: Joints that may be bent to meet the splat.
_BENT = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "collar", "shoulder", "elbow", "wrist")
)
#: Those that are nearly straight in T- and A-pose, and how far they are bent at most, radians: the
#: body may be near to somebody who sits, with the wrong parts of it.
_STRAIGHT, _BENT_MOST = ("left_hip", "left_knee", "right_hip", "right_knee"), 0.7
#: Points compared, of the splat and of the body; metres beyond which a pair is none, at first and
#: at last.
_POINTS, _PAIRED = 4000, (0.25, 0.12)
#: One in so many points is enough for a first look. So many stances are then looked at closely, in
#: so many steps, and so many of these in more.
_ROUGHLY, _CLOSELY, _FEW_STEPS, _AGAIN, _STEPS = 5, 5, 20, 2, 40
#: Gaussians that the body can carry within an ordinary computer's memory.
_MOST = 500_000
#: Opacity from which on a Gaussian is part of what is seen.
_SOLID = 0.2
#: How far from the skin splats of people are, metres: half of their points, and half of the body;
#: as a share of how far a twentieth may be, that is hair or a skirt.
_NEAR, _TAIL = 0.035, 0.25


@dataclass(frozen=True)
class _Stance:
    """How the body stands in a splat.

    Attributes:
        turn: (3, 3) from the splat's axes to ours.
        pose: one frame, of the turned splat.
        betas: (B,) the shape.
        off: metres, the median distance between both surfaces, the worse way round.
    """

    turn: np.ndarray
    pose: BodyPose
    betas: Tensor
    off: float


def load_avatar(path: str | Path, body: Body) -> Avatar:
    """An avatar from a splat: with the binding beside it, or else bound to the body now.

    Args:
        path: of the splat.
        body: the model, in single precision.

    Raises:
        AvatarError: it is no splat, or of no person, or in no pose that is recognised, or the
            binding is damaged or of another body.
    """
    path = Path(path)
    gaussians, beside = read_splat(path), binding_file(path)
    if beside.exists():
        return bound_by_file(gaussians, beside, body)
    return adopt(gaussians, body, path.stem, str(path))


@one_thread()
def adopt(gaussians: Gaussians, body: Body, name: str = "", source: str = "the splat") -> Avatar:
    """Bind a person's Gaussians, in T- or A-pose, to the body, and bring them to rest.

    Args:
        gaussians: metres; upright or not, facing anywhere.
        body: the model, in single precision.
        name: of the person.
        source: what to call the splat in messages.

    Raises:
        AvatarError: it is no person's, or in no pose that is recognised.
    """
    if len(gaussians) > _MOST:
        raise AvatarError(
            f"{source}: has {len(gaussians)} Gaussians; a person is moved with {_MOST} at most: "
            "cut away what is not the person, or thin it in an editor of splats (SuperSplat)"
        )
    solid = gaussians.means[gaussians.opacities > _SOLID].detach().double().cpu().numpy()
    if len(solid) < 200:
        raise AvatarError(f"{source}: has {len(solid)} Gaussians one can see; a person takes more")
    evenly = surface_avatar(body, body.template.new_zeros(1), _POINTS).binding
    stance = _stance(_thinned(solid), evenly.carrier(body), source)
    turn = torch.from_numpy(stance.turn)
    upright = _turned(gaussians, turn)
    with torch.no_grad():
        posed = body.forward(replace(stance.pose, betas=stance.betas[None]), return_vertices=True)
        assert posed.vertices is not None
        binding, _ = bind(upright.means, posed.vertices[0], body)
        rest = body.rest_vertices(stance.betas[None])[0]
        before = replace(upright, means=binding.between(rest, body.faces))
        carriage = Avatar(before, binding, stance.betas, body, name).carriage(stance.pose)
        away = torch.linalg.solve(carriage.linear, (upright.means - carriage.after)[..., None])
        back = carriage.turns * carriage.turns.new_tensor([1.0, -1, -1, -1])
        resting = replace(
            upright,
            means=before.means + away[..., 0],
            rotations=product(back, upright.rotations),
            harmonics=turned(upright.harmonics, back),
        )
    return Avatar(resting, binding, stance.betas, body, name)


def _thinned(points: np.ndarray) -> np.ndarray:
    """Some of the points, without what floats far off."""
    middle = np.median(points, 0)
    spread = np.quantile(np.abs(points - middle), 0.9, axis=0)
    near = (np.abs(points - middle) < 3 * spread + 0.1).all(1)
    chance = np.random.default_rng(0)
    kept = points[near]
    return kept[chance.permutation(len(kept))[:_POINTS]]


def _turned(gaussians: Gaussians, turn: Tensor) -> Gaussians:
    like = gaussians.means
    q = quaternions(turn[None]).to(like).expand(len(gaussians), 4)
    return replace(
        gaussians,
        means=like @ turn.to(like).T,
        rotations=product(q, gaussians.rotations),
        harmonics=turned(gaussians.harmonics, q),
    )


def _stance(points: np.ndarray, body: Body, source: str) -> _Stance:
    """The pose, among those that people are scanned in, in which the body fits best."""
    tried: list[_Stance] = []
    for up in _UPS:
        low, high = np.quantile(points @ up[1], [0.002, 0.998])
        if not _SHORTEST <= high - low <= _TALLEST:
            continue
        betas = body.betas_for_height(float(np.clip(high - low, 1.4, 2.1)))
        scanned = [_scanned(body, *degrees) for degrees in combinations(_ARMS, _LEGS)]
        surfaces = [_surface(body, pose, betas) for pose in scanned]
        for turn in _FACINGS @ up:
            placed = points @ turn.T
            tree = cKDTree(placed[::_ROUGHLY])
            ways = []
            for pose, posed in zip(scanned, surfaces, strict=True):
                shift = 0.5 * (placed.min(0) + placed.max(0) - posed.min(0) - posed.max(0))
                off = _off(tree, posed[::_ROUGHLY] + shift)
                there = torch.from_numpy(shift)[None].to(body.template)
                ways.append(_Stance(turn, replace(pose, transl=there), betas, off))
            # One each: somebody's back is about as near to a body as their front.
            tried.append(min(ways, key=_how_far))
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


def _how_far(stance: _Stance) -> float:
    return stance.off


def _fault(found: _Stance) -> str:
    """Why a stance is not that of the splat; empty if it may be."""
    if found.off > _NEAR:
        return f"the body is {100 * found.off:.0f} cm off at best"
    assert found.pose.body_pose is not None
    bent = found.pose.body_pose.reshape(21, 3)[_joints(_STRAIGHT)].norm(dim=1).max()
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


def _met(points: np.ndarray, stance: _Stance, body: Body, steps: int) -> _Stance:
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
        turns = start.index_add(0, torch.tensor(joints), bend)
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
    return _Stance(stance.turn, pose, shape, _off(tree, _surface(body, pose, shape)))
