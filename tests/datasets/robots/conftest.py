"""Robots, and motion made up for each of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from retarget.made_up import written

from mocap.errors import RetargetError
from mocap.retarget import Robot, Trajectory, read_robot

from .made_up import swinging

#: By the names that tests have for them: made up, bundled with example-robot-data, or files.
ROBOTS = ("made_up", "g1", "unitree_g1/g1.xml", "unitree_h1/h1.xml", "booster_t1/t1.xml")


@pytest.fixture(scope="session")
def robot_named(tmp_path_factory, request) -> Callable[[str], Robot]:
    """A robot, once read; tests of one that is not there are skipped."""
    known: dict[str, Robot] = {}

    def find(name: str) -> Robot:
        if name not in known:
            known[name] = read_robot(place(name))
        return known[name]

    def place(name: str) -> str | Path:
        if name == "made_up":
            return written(tmp_path_factory.mktemp("robot"))
        if "/" not in name:
            try:
                read_robot(name)
            except RetargetError as absent:
                if "not installed" not in str(absent):
                    raise
                pytest.skip(str(absent))
            return name
        path = request.getfixturevalue("data_dir").parent / "robots" / name
        if not path.is_file():
            pytest.skip(f"{path} is not there")
        return path

    return find


@pytest.fixture(params=ROBOTS)
def robot(request, robot_named) -> Robot:
    return robot_named(request.param)


@pytest.fixture
def trajectory(robot) -> Trajectory:
    return swinging(robot)
