"""Where balance wants the centre of mass: over the feet that rest, but for inertia."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.fitting.balance import balance_of, joint_rig, mass_shares
from mocap.fitting.contacts import Feet, Footing
from mocap.fitting.freedom import SIZE
from mocap.fitting.kinematics import point_jacobian, pose_rig
from mocap.fitting.rig import NAMES

from .problems import small

FPS = 30.0
FRAMES = 30
#: Heels and toes of somebody who stands two metres away and looks at the camera, which looks
#: along +Z.
STANCE = np.array([[0.1, 0, 2.08], [0.1, 0, 1.86], [-0.1, 0, 2.08], [-0.1, 0, 1.86]])


def feet(sight=(0.0, 0.0, 1.0), frames: int = FRAMES) -> Feet:
    return Feet(
        np.tile(STANCE, (frames, 1, 1)),
        np.zeros(frames),
        np.tile(np.asarray(sight) / np.linalg.norm(sight), (frames, 1)),
        np.full(frames, 2.0),
        np.ones((frames, 4)),
        FPS,
    )


def footing(probability=(1.0, 1.0, 1.0, 1.0), frames: int = FRAMES) -> Footing:
    return Footing(np.tile(STANCE, (frames, 1, 1)), np.tile(probability, (frames, 1)))


def masses(along: np.ndarray) -> np.ndarray:
    """Joints (F, 22, 3) all in one place a metre up, at (F,) metres along +Z."""
    place = np.stack([0 * along, np.ones_like(along), along], -1)
    return np.repeat(place[:, None], 22, axis=1)


STILL = masses(np.full(FRAMES, 2.0))


def test_masses_are_those_of_a_body(rig):
    """A standing person's centre of mass is at 0.55 to 0.58 of the stature, in the middle."""
    shares = mass_shares()
    assert shares.sum() == pytest.approx(1.0)
    centre = shares @ rig.joints
    floor = rig.joints[NAMES.index("left_foot"), 1] - 0.03
    top = rig.joints[NAMES.index("head"), 1] + 0.2
    # Arms are out in the rest pose, which lifts it a little.
    assert 0.55 < (centre[1] - floor) / (top - floor) < 0.63
    assert centre[0] == pytest.approx(0.0, abs=0.003)


def test_a_rig_of_joints_has_the_joints_for_points(body64, rig):
    _, pose = small(body64, rig, frames=3)
    posed = pose_rig(joint_rig(rig), np.ones(10), pose)
    np.testing.assert_array_equal(posed.points, posed.joints)


def test_the_derivative_of_the_centre_of_mass(body64, rig):
    """As the energy's equations have it."""
    _, pose = small(body64, rig, frames=4)
    joints, shares, betas = joint_rig(rig), mass_shares(), np.zeros(10)
    jacobian = point_jacobian(joints, pose, pose_rig(joints, betas, pose))
    found = np.tensordot(jacobian, shares, ((1,), (0,)))
    for unknown in range(SIZE):
        step = np.zeros((4, SIZE))
        step[:, unknown] = 1e-6
        ahead, behind = (pose_rig(rig, betas, pose.moved(s)).joints for s in (step, -step))
        wanted = np.einsum("fjk,j->fk", ahead - behind, shares) / 2e-6
        np.testing.assert_allclose(found[..., unknown], wanted, atol=1e-6)


def test_over_the_feet_of_somebody_who_stands_still():
    found = balance_of(STILL, feet(), footing())
    np.testing.assert_allclose(found.direction, np.tile([0.0, 0, 1], (FRAMES, 1)))
    np.testing.assert_allclose(found.target, 1.97)
    np.testing.assert_allclose(found.reach, 0.11 + 0.03)
    np.testing.assert_allclose(found.trust, 1.0)


@pytest.mark.parametrize(
    ("probability", "target", "reach", "trust"),
    [
        ((1.0, 1.0, 0.0, 0.0), 1.97, 0.14, 1.0),
        ((0.0, 0.8, 0.0, 0.8), 1.86, 0.03, 0.8),
        ((0.6, 0.0, 0.0, 0.0), 2.08, 0.03, 0.3),
        ((0.0, 0.0, 0.0, 0.0), 0.0, 0.03, 0.0),
    ],
    ids=["one foot", "toes", "a heel", "nothing"],
)
def test_over_what_of_them_rests(probability, target, reach, trust):
    found = balance_of(STILL, feet(), footing(probability))
    np.testing.assert_allclose(found.target, target)
    np.testing.assert_allclose(found.reach, reach)
    np.testing.assert_allclose(found.trust, trust)


def test_along_the_ground_wherever_the_camera_looks():
    found = balance_of(STILL, feet((3.0, -2.0, 4.0)), footing())
    np.testing.assert_allclose(found.direction[0], [0.6, 0.0, 0.8])
    along = STANCE @ [0.6, 0.0, 0.8]
    np.testing.assert_allclose(found.target, 0.5 * (along.min() + along.max()))
    assert (found.trust == 1.0).all()
    above = balance_of(STILL, feet((0.0, -1.0, 0.1)), footing())
    assert (above.trust == 0.0).all()
    assert np.isfinite(above.direction).all()


@pytest.mark.parametrize("pull", [-2.0, 0.0, 1.5])
def test_whoever_speeds_up_leans_into_it(pull):
    """The zero-moment point is behind the centre of mass by height times pull over gravity."""
    times = np.arange(60) / FPS
    joints = masses(2.0 + 0.5 * pull * times**2)
    found = balance_of(joints, feet(frames=60), footing(frames=60))
    # Where the clip ends, what was before and comes after is not known.
    np.testing.assert_allclose(found.target[15:-15], 1.97 + pull / 9.81, atol=0.003)


def test_steady_motion_asks_for_no_lean():
    joints = masses(2.0 + np.arange(60) / FPS)
    found = balance_of(joints, feet(frames=60), footing(frames=60))
    np.testing.assert_allclose(found.target[15:-15], 1.97, atol=1e-6)


def test_inertia_is_not_believed_without_bounds():
    times = np.arange(60) / FPS
    found = balance_of(masses(2.0 + 20.0 * times**2), feet(frames=60), footing(frames=60))
    np.testing.assert_allclose(found.target[15:-15], 1.97 + 0.3)


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_few_frames_have_no_inertia(frames):
    found = balance_of(STILL[:frames], feet(frames=frames), footing(frames=frames))
    np.testing.assert_allclose(found.target, 1.97)


def test_part_of_it_is_of_those_frames():
    found = balance_of(STILL, feet(), footing())
    found = replace(found, trust=np.arange(FRAMES, dtype=float))
    part = found[4:7]
    np.testing.assert_array_equal(part.trust, [4.0, 5.0, 6.0])
    assert part.direction.shape == (3, 3)
