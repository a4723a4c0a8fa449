"""The fifteen features, by a figure simple enough for mental arithmetic."""

import math

import pytest
import torch

from mocap.depth import VIEWPOINT_FEATURES, viewpoint_features
from mocap.skeletons import COCO_17

NAMES = list(VIEWPOINT_FEATURES)

# Seen from the front: left is at larger x; y is down.
FIGURE = {
    "nose": (0.05, -0.7),
    "left_shoulder": (0.2, -0.5),
    "right_shoulder": (-0.2, -0.4),
    "left_elbow": (0.2, -0.2),
    "right_elbow": (-0.2, -0.2),
    "left_wrist": (0.5, 0.2),
    "right_wrist": (-0.2, -0.1),
    "left_hip": (0.1, 0.0),
    "right_hip": (-0.1, 0.0),
    "left_knee": (0.1, 0.4),
    "right_knee": (-0.1, 0.3),
    "left_ankle": (0.1, 0.8),
    "right_ankle": (-0.1, 0.6),
}


def figure() -> tuple[torch.Tensor, torch.Tensor]:
    xy, confidence = torch.zeros(17, 2), torch.zeros(17)
    for name, place in FIGURE.items():
        xy[COCO_17.index(name)] = torch.tensor(place)
        confidence[COCO_17.index(name)] = 1.0
    return xy, confidence


def measured(xy: torch.Tensor, confidence: torch.Tensor) -> dict[str, float]:
    return dict(zip(NAMES, viewpoint_features(xy, confidence).tolist(), strict=True))


def test_there_are_fifteen():
    assert len(VIEWPOINT_FEATURES) == 15
    assert viewpoint_features(torch.zeros(2, 3, 17, 2), torch.ones(2, 3, 17)).shape == (2, 3, 15)


def test_by_hand():
    shoulders, height = math.hypot(0.4, 0.1), 0.45
    width = (shoulders + 0.2) / 2
    expected = {
        "shoulder_height_difference": -0.1,
        "hip_height_difference": 0.0,
        "shoulder_width": 0.4,
        "hip_width": 0.2,
        "left_arm_length": 0.3 + 0.5,
        "right_arm_length": 0.2 + 0.1,
        "left_leg_length": 0.8,
        "right_leg_length": 0.6,
        "torso_height": height,
        "torso_width": width,
        "arm_length_ratio": math.log(0.82 / 0.32),
        "leg_length_ratio": math.log(0.82 / 0.62),
        "torso_aspect": math.log((height + 0.02) / (width + 0.02)),
        "nose_offset": 0.05,
        "body_centre": sum(y for _, y in FIGURE.values()) / len(FIGURE),
    }
    assert measured(*figure()) == pytest.approx(expected, abs=1e-5)


def test_from_behind_widths_change_their_sign():
    xy, confidence = figure()
    front, back = measured(xy, confidence), measured(xy * torch.tensor([-1.0, 1.0]), confidence)
    for name in ("shoulder_width", "hip_width", "nose_offset"):
        assert back[name] == pytest.approx(-front[name])
    for name in set(NAMES) - {"shoulder_width", "hip_width", "nose_offset"}:
        assert back[name] == pytest.approx(front[name])


def test_in_the_mirror_sides_change_places():
    xy, confidence = figure()
    there = list(COCO_17.mirror)
    ours, theirs = (
        measured(xy, confidence),
        measured((xy * torch.tensor([-1.0, 1.0]))[there], confidence[there]),
    )
    for name, value in ours.items():
        if "ratio" in name or name.endswith("difference") or name == "nose_offset":
            value = -value
        other = name.replace("left", "*").replace("right", "left").replace("*", "right")
        assert theirs[other] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize(
    ("missing", "unknown"),
    [
        ("nose", {"nose_offset"}),
        ("left_wrist", {"left_arm_length", "arm_length_ratio"}),
        ("right_knee", {"right_leg_length", "leg_length_ratio"}),
        (
            "left_shoulder",
            {
                "shoulder_height_difference",
                "shoulder_width",
                "left_arm_length",
                "arm_length_ratio",
                "torso_height",
                "torso_width",
                "torso_aspect",
                "nose_offset",
            },
        ),
    ],
)
def test_features_of_missing_points_are_zero_and_others_stay(missing, unknown):
    xy, confidence = figure()
    whole = measured(xy, confidence)
    xy[COCO_17.index(missing)], confidence[COCO_17.index(missing)] = 0.0, 0.0
    partly = measured(xy, confidence)
    assert {name for name, value in partly.items() if value == 0} == unknown | {
        "hip_height_difference"
    }
    for name in set(NAMES) - unknown - {"body_centre"}:
        assert partly[name] == pytest.approx(whole[name])


def test_nothing_is_nothing_and_gradients_are_finite():
    xy = torch.zeros(1, 17, 2, requires_grad=True)
    for confidence in (torch.zeros(1, 17), torch.ones(1, 17)):
        features = viewpoint_features(xy, confidence)
        assert features.abs().sum() == 0
        features.sum().backward()
        assert xy.grad is not None
        assert xy.grad.isfinite().all()
