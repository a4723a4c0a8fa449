"""What a refiner is shown when it is measured."""

import numpy as np
import pytest
import torch
from made_pairs import make_pairs

from mocap.depth import DepthNetwork, DepthRefiner, NetworkConfig
from mocap.training.depth import measure_refiner


class Probe(DepthRefiner):
    """A refiner that remembers the elevations it is told."""

    told: list[np.ndarray]
    sigma: float

    def refine(self, xy, xyz, confidence, times=None, *, elevation=None, elevation_sigma=0.0):
        self.told.append(np.asarray(elevation))
        self.sigma = float(elevation_sigma)
        return super().refine(
            xy, xyz, confidence, times, elevation=elevation, elevation_sigma=elevation_sigma
        )


@pytest.fixture
def probe() -> Probe:
    torch.manual_seed(0)
    config = NetworkConfig(width=16, layers=1, pose_width=16, frames=4, elevation=True)
    made = Probe(DepthNetwork(config))
    made.told = []
    return made


def test_elevations_are_told_when_asked_off_by_the_same_in_a_sequence(probe: Probe) -> None:
    pairs = make_pairs(12, tuple(range(-180, 180, 6)), (20.0,), splits=("test",))
    untold = measure_refiner(probe, pairs)
    assert all(np.isnan(one).all() for one in probe.told)
    probe.told = []
    told = measure_refiner(probe, pairs, elevation_sigma=0.1)
    assert probe.sigma == 0.1
    errors = [one - pairs.elevation[run] for one, run in zip(probe.told, pairs.runs(), strict=True)]
    assert max(np.ptp(one) for one in errors) < 1e-5
    assert np.std([one[0] for one in errors]) == pytest.approx(0.1, rel=0.25)
    assert told.overall.raw.mpjpe_mm == untold.overall.raw.mpjpe_mm
    assert told.overall.refined != untold.overall.refined
