"""Up and floor, from bodies that are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.fitting.world import find_floor, find_up

#: Right, up and forward of a level camera in a world whose Y is up.
LEVEL = np.array([[-1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])


def people(direction: np.ndarray, count: int = 1, frames: int = 50, noise: float = 0.02):
    rng = np.random.default_rng(0)
    out = []
    for person in range(count):
        ankles = rng.normal(0, noise, (frames, 3)) + [person, 0, 3]
        out.append((ankles, ankles + 1.4 * direction + rng.normal(0, noise, (frames, 3))))
    return out


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.rad2deg(np.arccos(np.clip(a @ b, -1, 1))))


def test_nobody_means_a_level_camera():
    for bodies in ([], people(np.array([1.0, 0, 0]))):
        found = find_up(bodies, LEVEL)
        np.testing.assert_array_equal(found.up, LEVEL[1])
        assert "camera" in found.source


def test_upright_people_and_a_level_camera_agree():
    found = find_up(people(LEVEL[1]), LEVEL)
    assert degrees(found.up, LEVEL[1]) < 0.5
    assert "people" in found.source


@pytest.mark.parametrize("pitch", [-20, 10, 25])
def test_a_pitched_camera_is_found_out(pitch):
    lean = Rotation.from_euler("x", pitch, degrees=True).apply(LEVEL[1])
    found = find_up(people(lean, 2), LEVEL)
    assert degrees(found.up, lean) < 0.2 * abs(pitch)
    assert np.linalg.norm(found.up) == pytest.approx(1.0)


def test_cameras_are_rolled_less_than_pitched():
    missed = []
    for axis in "xz":
        lean = Rotation.from_euler(axis, 8, degrees=True).apply(LEVEL[1])
        missed.append(degrees(find_up(people(lean), LEVEL).up, lean))
    assert missed[0] < missed[1] < 8


def test_more_people_are_believed_more():
    lean = Rotation.from_euler("z", 8, degrees=True).apply(LEVEL[1])
    one, two = (degrees(find_up(people(lean, count), LEVEL).up, lean) for count in (1, 2))
    assert two < one


def test_it_does_not_matter_which_way_the_camera_looks():
    lean = Rotation.from_euler("xz", [15, 5], degrees=True).apply(LEVEL[1])
    here = find_up(people(lean), LEVEL).up
    turn = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    bodies = [(a @ turn.T, n @ turn.T) for a, n in people(lean)]
    np.testing.assert_allclose(find_up(bodies, LEVEL @ turn.T).up, turn @ here, atol=2e-3)


def test_those_who_bow_or_lie_do_not_count():
    bowing = Rotation.from_euler("x", 60, degrees=True).apply(LEVEL[1])
    (ankles, necks), (low, bent) = people(LEVEL[1], 1)[0], people(bowing, 1)[0]
    mixed = [(np.concatenate([ankles, low]), np.concatenate([necks, bent]))]
    assert degrees(find_up(mixed, LEVEL).up, LEVEL[1]) < 1.0


def steps(frames: int = 90, floor: float = -0.8) -> np.ndarray:
    """Heights (F, 4) of somebody who walks on a floor, lifting a foot at a time."""
    phase = np.sin(2 * np.pi * np.arange(frames) / 30.0)
    left, right = np.clip(phase, 0, None) * 0.2, np.clip(-phase, 0, None) * 0.2
    return floor + np.stack([left, right, left + 0.02, right + 0.02], 1)


def test_the_floor_is_under_the_feet_that_rest():
    assert find_floor([steps()], 30.0) == pytest.approx(-0.8, abs=0.02)


def test_a_jump_and_a_glitch_do_not_move_the_floor():
    heights = steps()
    heights[40:55] += 0.4
    heights[70] -= 0.5
    assert find_floor([heights], 30.0) == pytest.approx(-0.8, abs=0.03)


def test_frames_without_sight_do_not_count():
    heights = steps()
    heights[20:60] = np.nan
    assert find_floor([heights], 30.0) == pytest.approx(-0.8, abs=0.02)


@pytest.mark.parametrize("feet", [[], [np.full((5, 4), np.nan)], [np.full((2, 4), np.nan)]])
def test_no_feet_no_floor(feet):
    assert find_floor(feet, 30.0) is None


def test_a_person_of_whom_nothing_is_known_does_not_hide_the_other():
    assert find_floor([np.full((90, 4), np.nan), steps()], 30.0) == pytest.approx(-0.8, abs=0.02)
