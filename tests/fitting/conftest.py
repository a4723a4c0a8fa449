import numpy as np
import pytest

from mocap.body import Body
from mocap.fitting.flesh import Flesh
from mocap.fitting.rig import Rig
from mocap.geometry import Camera


@pytest.fixture(scope="session")
def rig(body: Body) -> Rig:
    return Rig.of(body, 10)


@pytest.fixture(scope="session")
def flesh(body: Body, rig: Rig) -> Flesh:
    return Flesh.of(body, rig)


@pytest.fixture(scope="session")
def camera() -> Camera:
    return Camera.assumed(1280, 720)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
