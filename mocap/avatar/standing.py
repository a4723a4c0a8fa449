"""How the body stands in a person's points: by what is nearest, among poses people are captured in.

Points say nothing of joints. They are upright along an axis, or askew, in T-pose or A-pose, with
legs together or apart; the body takes on their place, pose and shape.
"""

from dataclasses import replace
from itertools import product as combinations

import numpy as np
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from mocap.avatar.meeting import Stance, joints_called, met, off_by, reverse, surface_of
from mocap.avatar.surface import surface_avatar
from mocap.avatar.turning import FACINGS, turned_to, ways_up
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.skeletons import SMPLX_55

#: Statures of people, metres: what is not as tall is in other units, or not a person.
_SHORTEST, _TALLEST = 1.1, 2.4
#: Ways up that most splats come with, tried before all others: ours, upside down as cameras see,
#: lying as +Z is up. They may face anywhere.
_UPS = (
    np.eye(3),
    np.diag([1.0, -1.0, -1.0]),
    Rotation.from_euler("x", -90, degrees=True).as_matrix(),
)
#: Degrees by which arms hang, and by which each leg is out to its side, in the poses that are tried
#: first. Legs far apart are how people are kept: 20 degrees or a radian by LHM (aigc3d/LHM,
#: ``LHM/models/rendering/smpl_x_voxel_dense_sampling.py``; its splats, ``GaussianModel.save_ply``
#: of ``gs_renderer.py`` beside it, are in T-pose), 25 degrees by lizhe00/AnimatableGaussians
#: (``config.py``), a radian by ExAvatar (``avatar/common/utils/smpl_x.py``).
_STANCES = (
    *combinations((0.0, 30.0, 55.0, 75.0), (0.0, 10.0)),
    *combinations((0.0, 30.0), (25.0, 57.0)),
)
#: Those that are nearly straight in T- and A-pose, and how far they are bent at most, radians: the
#: body may be near to somebody who sits, with the wrong parts of it. Legs apart are no bend.
_STRAIGHT, _BENT_MOST = ("left_hip", "left_knee", "right_hip", "right_knee"), 0.7
#: Degrees by which somebody who stands leans at most. What leans more has been laid into points
#: that are askew, and may be the wrong way round.
_LEANS = 12
#: Points compared, of the splat and of the body.
_POINTS = 4000
#: One in so many points is enough for a first look. So many stances are then looked at closely, in
#: so many steps, and so many of these in more.
_ROUGHLY, _CLOSELY, _FEW_STEPS, _AGAIN, _STEPS = 5, 5, 20, 2, 40
#: How far off the body is at most from splats of people, metres.
_NEAR = 0.035
#: The length of betas beyond which nobody is shaped so: arms have been taken for legs. People are
#: at 2 to 5, those a quarter too small or a third too tall at 6.5.
_SHAPED = 7.5


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
    nearest = None
    for ways, placed in (([FACINGS @ up for up in _UPS], _as_it_is), (ways_up(points), _turned)):
        tried: list[Stance] = []
        for turns in ways:
            low, high = np.quantile(points @ turns[0, 1], [0.002, 0.998])
            if _SHORTEST <= high - low <= _TALLEST:
                looks = _first_looks(points, turns, float(high - low), scanned, body)
                tried += [placed(points, look, body) for look in looks]
        if tried:
            found = _best(points, tried, body)
            if not _fault(found):
                return found
            nearest = min(nearest or found, found, key=_how_far)
    if nearest is None:
        raise AvatarError(f"{source}: {_measured(points)}")
    raise AvatarError(
        f"{source}: is in a pose that is not recognised ({_fault(nearest)}): it has to be one "
        "person alone, in T- or A-pose; if it is neither upright nor upside down, turn it upright "
        "first"
    )


def _best(points: np.ndarray, tried: list[Stance], body: Body) -> Stance:
    """Of some first looks, what is nearest once the body meets the points, best without a fault."""
    tried = sorted(tried, key=_how_far)[:_CLOSELY]
    closer = sorted((met(points, one, body, _FEW_STEPS) for one in tried), key=_how_far)
    best = closer[0]
    for stance in closer[:_AGAIN]:
        # What is that far off after some steps is so after more.
        if stance.off < 2 * _NEAR:
            best = met(points, stance, body, _STEPS)
            if not _fault(best):
                behind = met(points, reverse(best, body), body, _FEW_STEPS)
                if behind.off < best.off:
                    best = met(points, behind, body, _STEPS)
                break
    return best


def _as_it_is(points: np.ndarray, stance: Stance, body: Body) -> Stance:
    return stance


def _turned(points: np.ndarray, stance: Stance, body: Body) -> Stance:
    """A first look whose points are turned to the body as a whole."""
    surface = surface_of(body, stance.pose, stance.betas)[::_ROUGHLY]
    placed = points[::_ROUGHLY] @ stance.turn.T
    turn, shift = turned_to(placed, surface)
    off = off_by(cKDTree(placed @ turn.T + shift), surface)
    assert stance.pose.transl is not None
    there = stance.pose.transl - torch.from_numpy(shift).to(stance.pose.transl)
    return Stance(turn @ stance.turn, replace(stance.pose, transl=there), stance.betas, off)


def _measured(points: np.ndarray) -> str:
    """What is wrong with points that are not as tall as a person."""
    tall = np.ptp(points, axis=0)
    size = tall.max()
    unit = "centimetres" if 80 < size < 300 else "millimetres" if 800 < size < 3000 else ""
    likely = f" (it may be in {unit})" if unit else ""
    return (
        f"measures {tall[0]:.3g} x {tall[1]:.3g} x {tall[2]:.3g}; a person in metres "
        f"is 1.1 to 2.4 tall{likely}: scale it, or cut away what is not the person"
    )


def _first_looks(
    points: np.ndarray, turns: np.ndarray, tall: float, scanned: list[BodyPose], body: Body
) -> list[Stance]:
    """For each way that a person who is so tall may face, the pose that is nearest."""
    shapes = [_as_tall(body, pose, tall) for pose in scanned]
    surfaces = [surface_of(body, *one) for one in zip(scanned, shapes, strict=True)]
    found = []
    for turn in turns:
        placed = points @ turn.T
        tree = cKDTree(placed[::_ROUGHLY])
        ways = []
        for pose, betas, posed in zip(scanned, shapes, surfaces, strict=True):
            shift = 0.5 * (placed.min(0) + placed.max(0) - posed.min(0) - posed.max(0))
            off = off_by(tree, posed[::_ROUGHLY] + shift)
            there = torch.from_numpy(shift)[None].to(body.template)
            ways.append(Stance(turn, replace(pose, transl=there), betas, off))
        # One each: somebody's back is about as near to a body as their front.
        found.append(min(ways, key=_how_far))
    return found


def _as_tall(body: Body, pose: BodyPose, tall: float) -> Tensor:
    """The shape that measures so much from top to bottom in a pose, in which legs may be apart."""
    average = body.template.new_zeros(1)
    standing = float(body.height(average[None])[0])
    share = float(np.ptp(surface_of(body, pose, average)[:, 1])) / standing
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
    if float(found.betas.norm()) > _SHAPED:
        return "the body would have to be shaped as nobody is"
    assert found.pose.body_pose is not None
    assert found.pose.global_orient is not None
    lean = Rotation.from_rotvec(found.pose.global_orient[0].double().cpu().numpy())
    tilt = np.rad2deg(np.arccos(np.clip(lean.as_matrix()[1, 1], -1, 1)))
    if tilt > _LEANS:
        return f"it is askew by {tilt:.0f} degrees"
    turns = found.pose.body_pose.reshape(21, 3)[joints_called(_STRAIGHT)].clone()
    turns[::2, 2] = 0
    bent = turns.norm(dim=1).max()
    return "" if bent < _BENT_MOST else f"a leg is bent by {np.rad2deg(float(bent)):.0f} degrees"


def _scanned(body: Body, arms: float, legs: float) -> BodyPose:
    """A pose with hanging arms and legs apart, degrees."""
    turns = torch.zeros(21, 3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turns[SMPLX_55.index(f"{side}_shoulder") - 1, 2] = -sign * np.deg2rad(arms)
        turns[SMPLX_55.index(f"{side}_hip") - 1, 2] = sign * np.deg2rad(legs)
    turns = turns.reshape(1, 63).to(body.template)
    return BodyPose(global_orient=torch.zeros_like(turns[:, :3]), body_pose=turns)
