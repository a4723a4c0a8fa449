"""What trajectories are held to, and what is told of them beside."""

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.retarget import correspondence_of, read_robot, retarget, robot_report
from mocap.retarget.checks import CHECKS, failures_of
from retarget.made_up import marching, written


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    return read_robot(written(tmp_path_factory.mktemp("robot")))


def reported(robot, motion):
    [trajectory] = retarget([motion], robot)
    return trajectory, robot_report(trajectory, motion, robot, correspondence_of(robot))


def test_every_check_is_of_a_figure_that_is_measured(robot):
    _, report = reported(robot, marching(60))
    for check in CHECKS:
        # Nobody limits accelerations here.
        assert (check.value(report.figures) is None) == (check.name.startswith("joints.acc"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_beyond_its_limit_every_check_fails_and_says_so_in_words(check):
    group, figure = check.name.split(".")

    def told(value):
        figures = {group: {one.name.split(".")[1]: None for one in CHECKS}}
        figures[group][figure] = value
        return [failure.words for failure in failures_of(figures)]

    beyond = check.limit - 0.25 if check.is_least else check.limit + 3.25
    [words] = told(beyond)
    assert words.startswith(f"{check.words}: {beyond:.5g}")
    assert words.endswith(check.bound())
    assert len(told(np.nan)) == 1
    assert told(check.limit) == told(None) == []


def test_rests_are_counted_and_how_high_they_are_is_told(robot):
    march = marching()
    _, report = reported(robot, march)
    feet = report.figures["feet"]
    rests = march.contacts.reshape(-1, 2, 2).any(2).sum(0)
    assert list(feet["resting_frames"].values()) == rests.tolist()
    assert feet["resting_share"]["left"] == pytest.approx(rests[0] / len(march))
    assert abs(feet["rest_height_mm"]["most"]) < 5
    assert "0.00 to 0.00 m over the ground" in report.stance
    # Who marches on a roof passes, and is told to be there.
    trajectory, report = reported(robot, march.lifted(1.5))
    up = 1500 * trajectory.scale
    assert report.figures["feet"]["rest_height_mm"]["median"] == pytest.approx(up, abs=5)
    assert f"{up / 1000:.2f} m over the ground" in report.stance


def test_who_never_rests_has_no_height(robot):
    march = marching()
    march.contacts[:] = False
    _, report = reported(robot, march)
    assert report.figures["feet"]["rest_height_mm"] is None
    assert report.stance.endswith("right foot rests in 0 frames (0%)")
