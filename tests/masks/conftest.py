"""A second of the demo clip with two people in it, and the take of it."""

from pathlib import Path

import pytest

from mocap.take import Take


@pytest.fixture(scope="session")
def clip(pair_clip: Path) -> Path:
    return pair_clip


@pytest.fixture(scope="session")
def take(pair_take: Take) -> Take:
    return pair_take
