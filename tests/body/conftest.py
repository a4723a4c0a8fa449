import numpy as np
import pytest
import torch

from mocap.body import BodyPose


@pytest.fixture
def random_pose():
    """A function that makes random poses of any size, seed and strength."""

    def make(batch: int, seed: int = 0, spread: float = 0.4, **fixed) -> BodyPose:
        generator = np.random.default_rng(seed)

        def normal(width: int) -> torch.Tensor:
            return torch.from_numpy(generator.normal(0, spread, (batch, width)))

        values = {
            "betas": torch.from_numpy(generator.normal(0, 1, (batch, 32))),
            "expression": torch.from_numpy(generator.uniform(0, 0.5, (batch, 51))),
            "global_orient": normal(3) * 3,
            "body_pose": normal(63),
            "left_hand_pose": normal(45),
            "right_hand_pose": normal(45),
            "jaw_pose": normal(3) * 0.3,
            "leye_pose": normal(3) * 0.3,
            "reye_pose": normal(3) * 0.3,
            "transl": normal(3) * 5,
        }
        return BodyPose(**(values | fixed))

    return make
