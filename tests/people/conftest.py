"""The demo clip, followed once by what extracts people from any video."""

import pytest

from mocap.pipeline import ExtractConfig, detect


@pytest.fixture(scope="session")
def demo_take(demo_clip):
    """Everybody in the demo clip, without hands."""
    return detect(demo_clip, ExtractConfig(hands=False))
