"""The named point sets against their public definitions, and the maps between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.errors import MocapError
from mocap.skeletons import (
    BODY_25,
    COCO_17,
    H36M_17,
    HAND_21,
    MEDIAPIPE_33,
    PANOPTIC_19,
    SKELETONS,
    SMPL_24,
    SMPLX_55,
    Skeleton,
    point_map,
)

EVERY = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)

# Positions as the publishers number them, one at least in every part of each list.
PUBLISHED = {
    MEDIAPIPE_33: {
        "nose": 0,
        "left_eye_outer": 3,
        "right_ear": 8,
        "mouth_left": 9,
        "left_shoulder": 11,
        "right_wrist": 16,
        "left_pinky": 17,
        "right_index": 20,
        "left_thumb": 21,
        "left_hip": 23,
        "right_ankle": 28,
        "left_heel": 29,
        "right_foot_index": 32,
    },
    COCO_17: {
        "nose": 0,
        "left_eye": 1,
        "right_ear": 4,
        "left_shoulder": 5,
        "right_elbow": 8,
        "left_wrist": 9,
        "left_hip": 11,
        "right_knee": 14,
        "right_ankle": 16,
    },
    PANOPTIC_19: {
        "neck": 0,
        "nose": 1,
        "body_center": 2,
        "left_shoulder": 3,
        "left_hip": 6,
        "right_shoulder": 9,
        "right_ankle": 14,
        "left_eye": 15,
        "right_ear": 18,
    },
    BODY_25: {
        "nose": 0,
        "neck": 1,
        "right_shoulder": 2,
        "left_wrist": 7,
        "mid_hip": 8,
        "right_hip": 9,
        "left_ankle": 14,
        "right_eye": 15,
        "left_big_toe": 19,
        "left_heel": 21,
        "right_heel": 24,
    },
    H36M_17: {
        "pelvis": 0,
        "right_hip": 1,
        "right_ankle": 3,
        "left_hip": 4,
        "spine": 7,
        "thorax": 8,
        "neck_nose": 9,
        "head_center": 10,
        "left_shoulder": 11,
        "right_wrist": 16,
    },
    SMPL_24: {
        "pelvis": 0,
        "left_hip": 1,
        "right_hip": 2,
        "spine1": 3,
        "spine3": 9,
        "left_foot": 10,
        "neck": 12,
        "right_collar": 14,
        "head": 15,
        "left_shoulder": 16,
        "right_wrist": 21,
        "left_hand": 22,
        "right_hand": 23,
    },
    SMPLX_55: {
        "pelvis": 0,
        "head": 15,
        "right_wrist": 21,
        "jaw": 22,
        "left_eye_smplhf": 23,
        "right_eye_smplhf": 24,
        "left_index1": 25,
        "left_middle1": 28,
        "left_pinky1": 31,
        "left_ring1": 34,
        "left_thumb1": 37,
        "left_thumb3": 39,
        "right_index1": 40,
        "right_thumb3": 54,
    },
    HAND_21: {
        "wrist": 0,
        "thumb_cmc": 1,
        "thumb_tip": 4,
        "index_mcp": 5,
        "middle_tip": 12,
        "ring_pip": 14,
        "pinky_mcp": 17,
        "pinky_tip": 20,
    },
}

# The kintree of the published model files.
SMPL_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
SMPLX_HAND_PARENTS = [20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38]


@pytest.mark.parametrize("skeleton", PUBLISHED, ids=lambda s: s.name)
def test_points_are_where_their_publishers_have_them(skeleton):
    found = {name: skeleton.index(name) for name in PUBLISHED[skeleton]}
    assert found == PUBLISHED[skeleton]


def test_every_skeleton_is_checked_against_its_definition():
    assert set(PUBLISHED) == set(SKELETONS.values())


@EVERY
def test_name_tells_the_number_of_points(skeleton):
    assert skeleton.name.endswith(str(len(skeleton)))
    assert len(set(skeleton.names)) == len(skeleton)
    assert SKELETONS[skeleton.name] is skeleton


def test_parents_are_those_of_the_published_models():
    assert list(SMPL_24.parents) == SMPL_PARENTS
    assert list(SMPLX_55.parents[:22]) == SMPL_PARENTS[:22]
    assert list(SMPLX_55.parents[22:25]) == [15, 15, 15]
    assert list(SMPLX_55.parents[25:40]) == SMPLX_HAND_PARENTS
    assert SMPLX_55.parents[40] == SMPLX_55.index("right_wrist")
    assert SMPLX_55.parents[52:] == (21, 52, 53)


@EVERY
def test_hierarchies_are_trees_with_parents_first(skeleton):
    for i, parent in enumerate(skeleton.parents):
        assert parent < i
        assert (parent < 0) == (i == 0)
    if skeleton.parents:
        expected = [(p, i) for i, p in enumerate(skeleton.parents) if p >= 0]
        assert list(skeleton.edges) == expected


@EVERY
def test_edges_join_different_points_once_and_are_symmetric(skeleton):
    pairs = {frozenset(edge) for edge in skeleton.edges}
    assert len(pairs) == len(skeleton.edges)
    assert all(len(pair) == 2 for pair in pairs)
    assert {frozenset(skeleton.mirror[i] for i in pair) for pair in pairs} == pairs


@EVERY
def test_edges_leave_no_point_alone(skeleton):
    drawn = {i for edge in skeleton.edges for i in edge}
    assert drawn == set(range(len(skeleton)))


@EVERY
def test_mirror_is_an_involution_that_changes_sides(skeleton):
    mirror = skeleton.mirror
    assert [mirror[i] for i in mirror] == list(range(len(skeleton)))
    for name, other in zip(skeleton.names, mirror, strict=True):
        sided = "left" in name or "right" in name
        assert (skeleton.names[other] != name) == sided
        assert ("left" in name) == ("right" in skeleton.names[other])


def test_mirror_of_known_points():
    assert MEDIAPIPE_33.mirror[0] == 0
    assert MEDIAPIPE_33.mirror[9] == 10
    assert MEDIAPIPE_33.mirror[11:13] == (12, 11)
    assert SMPLX_55.mirror[25] == 40
    assert SMPLX_55.mirror[22:25] == (22, 24, 23)


def test_indices_keep_the_order_asked_for():
    assert COCO_17.indices("right_hip", "nose", "left_hip") == [12, 0, 11]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hip", "has no point named 'hip'; did you mean left_hip, right_hip"),
        ("left_sholder", "did you mean left_shoulder"),
        ("tail", "it has nose, left_eye"),
    ],
)
def test_unknown_point_is_refused_with_what_would_have_worked(name, message):
    with pytest.raises(MocapError, match=message):
        COCO_17.index(name)


def points_of(skeleton: Skeleton, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(*shape, len(skeleton), 3))


@EVERY
def test_map_to_itself_changes_nothing(skeleton):
    points = points_of(skeleton, 4)
    assert np.array_equal(point_map(skeleton, skeleton)(points), points)


def test_shared_points_keep_their_value_and_means_are_means():
    points = points_of(MEDIAPIPE_33, 5)
    mapped = point_map(MEDIAPIPE_33, PANOPTIC_19)(points)
    assert np.array_equal(mapped[:, PANOPTIC_19.index("left_knee")], points[:, 25])
    np.testing.assert_allclose(mapped[:, 0], (points[:, 11] + points[:, 12]) / 2, rtol=1e-14)
    np.testing.assert_allclose(mapped[:, 2], (points[:, 23] + points[:, 24]) / 2, rtol=1e-14)


def test_points_under_another_name():
    points = points_of(MEDIAPIPE_33)
    mapped = point_map(MEDIAPIPE_33, BODY_25)(points)
    assert np.array_equal(mapped[BODY_25.index("left_big_toe")], points[31])
    body = points_of(SMPLX_55)
    assert np.array_equal(point_map(SMPLX_55, COCO_17)(body)[1:3], body[23:25])


def test_what_the_source_cannot_tell_is_nan():
    mapping = point_map(MEDIAPIPE_33, BODY_25)
    undefined = [BODY_25.names[i] for i in np.flatnonzero(~mapping.defined)]
    assert undefined == ["left_small_toe", "right_small_toe"]
    mapped = mapping(points_of(MEDIAPIPE_33, 3))
    assert np.isnan(mapped[:, ~mapping.defined]).all()
    assert np.isfinite(mapped[:, mapping.defined]).all()
    nothing = point_map(HAND_21, COCO_17)
    assert not nothing.defined.any()
    assert np.isnan(nothing(points_of(HAND_21))).all()


def test_missing_point_makes_only_what_depends_on_it_missing():
    points = points_of(MEDIAPIPE_33, 2)
    points[1, MEDIAPIPE_33.index("left_hip")] = np.nan
    mapped = point_map(MEDIAPIPE_33, PANOPTIC_19)(points)
    missing = [PANOPTIC_19.names[i] for i in np.flatnonzero(np.isnan(mapped[1]).any(-1))]
    assert missing == ["body_center", "left_hip"]
    assert np.isfinite(mapped[0]).all()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_any_leading_axes_and_dimensions(dimensions):
    points = np.random.default_rng(1).normal(size=(2, 3, 33, dimensions))
    mapping = point_map(MEDIAPIPE_33, COCO_17)
    mapped = mapping(points)
    assert mapped.shape == (2, 3, 17, dimensions)
    assert np.array_equal(mapped[1, 2], mapping(points[1, 2]))


@given(st.sampled_from(list(SKELETONS.values())), st.sampled_from(list(SKELETONS.values())))
def test_weights_are_means_and_respect_the_mirror(source, target):
    mapping = point_map(source, target)
    sums = mapping.weights.sum(axis=1)
    np.testing.assert_allclose(sums, mapping.defined.astype(float))
    swapped = mapping.weights[list(target.mirror)][:, list(source.mirror)]
    assert np.array_equal(swapped, mapping.weights)
