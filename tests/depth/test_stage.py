"""The stage: everybody's depth into the take, and known again."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap import depth
from mocap.depth import (
    MIRRORED,
    REFINEMENT,
    DepthRefiner,
    holds_refinement,
    refine_take,
    without_refinement,
    write_checkpoint,
)
from mocap.depth.uprightness import Uprightness
from mocap.scene import Gravity
from mocap.skeletons import COCO_OF_MEDIAPIPE
from mocap.take import Keypoints2D, Keypoints3D, StageRecord, Take

from .conftest import somebody


@pytest.fixture
def checkpoint(make_network, tmp_path):
    return write_checkpoint(make_network(frames=9), tmp_path / "r.safetensors")


@pytest.fixture
def detected() -> Take:
    """Two people: one with MediaPipe's points and a gap, one with none."""
    take = make_take(people=2, frames=24, first_frame=3)
    seen = somebody(24, fps=30.0)
    order = COCO_OF_MEDIAPIPE
    xy, xyz = np.full((24, 33, 2), np.nan), np.full((24, 33, 3), np.nan)
    confidence = np.zeros((24, 33))
    xy[:, order], xyz[:, order], confidence[:, order] = seen.xy, seen.xyz, seen.confidence
    for part in (xy, xyz):
        part[10:12] = np.nan
    confidence[10:12] = 0
    one = replace(
        take.people["person-1"],
        keypoints2d=Keypoints2D(xy, confidence, "mediapipe33", "test detector"),
        keypoints3d=Keypoints3D(xyz, "mediapipe33", "test detector"),
    )
    found = StageRecord("detection", "2", {}, 1.0)
    return replace(take, people={**take.people, "person-1": one}, provenance=(found,))


def test_everybody_with_points_is_refined(detected, checkpoint, tmp_path):
    refiner, steps = DepthRefiner.load(checkpoint), []
    take = refine_take(detected, refiner, lambda *step: steps.append(step))
    take = Take.load(take.save(tmp_path / "take.h5"))
    refined = take.people["person-1"].refined3d
    assert refined is not None
    assert refined.xyz.shape == (24, 17, 3)
    assert (refined.skeleton, refined.xyz.dtype) == ("coco17", np.float32)
    assert "test detector" in refined.source
    seen = somebody(24, fps=30.0)
    parts = [part.copy() for part in (seen.xy, seen.xyz, seen.confidence)]
    for part in parts:
        part[10:12] = np.nan
    expected = refiner.refine_track(*parts, take.times(take.people["person-1"]))
    for name in ("xyz", "sigma", "azimuth", "elevation", "camera_relative"):
        np.testing.assert_allclose(getattr(refined, name), getattr(expected, name), atol=1e-5)
    assert np.isnan(refined.azimuth[10:12]).all()
    assert take.people["person-2"].refined3d is None
    assert steps == [(REFINEMENT, 0, 48), (REFINEMENT, 24, 48), (REFINEMENT, 48, 48)]
    assert [stage.name for stage in take.provenance] == ["detection", REFINEMENT]
    assert take.provenance[-1].inputs == {"refiner": refiner.sha256}


def test_a_refined_take_is_known_again(detected, checkpoint, make_network, tmp_path):
    assert not holds_refinement(detected, checkpoint)
    take = refine_take(detected, DepthRefiner.load(checkpoint, mirrored=MIRRORED))
    assert holds_refinement(take, checkpoint)
    other = write_checkpoint(make_network(), tmp_path / "other.safetensors")
    assert not holds_refinement(take, other)
    assert not holds_refinement(
        refine_take(detected, DepthRefiner.load(checkpoint, mirrored=not MIRRORED)), checkpoint
    )
    older = tuple(replace(stage, version="0") for stage in take.provenance)
    assert not holds_refinement(replace(take, provenance=older), checkpoint)
    person = replace(take.people["person-1"], refined3d=None)
    assert not holds_refinement(
        replace(take, people={**take.people, "person-1": person}), checkpoint
    )


def test_a_tilted_camera_is_told(detected, make_network):
    """A level camera, and one that looks down by 20 degrees, at hips in the picture's middle."""
    refiner = DepthRefiner(make_network(frames=9, elevation=True))
    person = detected.people["person-1"]
    camera = detected.camera
    middle = person.keypoints2d.xy - person.keypoints2d.xy[:, 23:25].mean(1, keepdims=True)
    middle = middle + camera.K[0, :2, 2]
    flat = replace(person.keypoints2d, xy=middle)
    person = replace(person, keypoints2d=flat)
    down = Rotation.from_euler("x", 20, degrees=True).as_matrix()
    for turn, elevation in ((np.eye(3), 0.0), (down, np.deg2rad(20))):
        given = replace(camera, R=turn @ camera.R[:1], t=camera.t[:1], gravity_given=True)
        take = refine_take(replace(detected, camera=given, people={"one": person}), refiner)
        refined = take.people["one"].refined3d
        assert refined is not None
        coco = list(COCO_OF_MEDIAPIPE)
        expected = refiner.refine_track(
            middle[:, coco],
            person.keypoints3d.xyz[:, coco],
            flat.confidence[:, coco],
            take.times(person),
            elevation=elevation,
            elevation_sigma=0.0,
        )
        np.testing.assert_allclose(refined.xyz, expected.xyz, atol=1e-4)
        assert refined.xyz.dtype == np.float32
        assert take.provenance[-1].parameters["gravity"]["source"] == "given with the camera"


def test_a_rolled_camera_sees_the_same_pose(detected, make_network):
    """Turned about its axis by 40 degrees, the picture and what is refined in it turn alike."""
    refiner = DepthRefiner(make_network(frames=9, elevation=True))
    person, camera = detected.people["person-1"], detected.camera
    turn = Rotation.from_euler("z", 40, degrees=True).as_matrix()
    centre = camera.K[0, :2, 2]
    found = {}
    for name, R in (("level", np.eye(3)), ("rolled", turn)):
        xy = (person.keypoints2d.xy - centre) @ R[:2, :2].T + centre
        own = replace(
            person,
            keypoints2d=replace(person.keypoints2d, xy=xy),
            keypoints3d=replace(person.keypoints3d, xyz=person.keypoints3d.xyz @ R.T),
        )
        given = replace(camera, R=R @ camera.R[:1], t=camera.t[:1], gravity_given=True)
        take = refine_take(replace(detected, camera=given, people={"one": own}), refiner)
        found[name] = take.people["one"].refined3d
    expected = found["level"].xyz @ turn.T
    np.testing.assert_allclose(found["rolled"].xyz, expected, atol=2e-3)
    np.testing.assert_allclose(found["rolled"].elevation, found["level"].elevation, atol=2e-3)


def test_who_does_not_know_up_leaves_the_picture_alone(detected):
    person, camera = detected.people["person-1"], detected.camera
    hips = person.keypoints2d.xy[:, 23:25].mean(1)
    assert np.isnan(hips).any()
    askew = Rotation.from_euler("z", 40, degrees=True).apply([0.0, -1.0, 0.0])
    down = Rotation.from_euler("x", -89.9, degrees=True).apply([0.0, -1.0, 0.0])
    for up, sigma, roll in ((askew, 0.01, 40), (askew, 0.5, 32), (down, 0.1, 0), (-down, 0.1, 0)):
        seen = Uprightness.of(hips, person.frames, camera, Gravity(up, sigma, "a guess"))
        # One for all frames, whether hips are seen in them or not, and wherever they are.
        np.testing.assert_allclose(np.degrees(seen.roll), roll, atol=0.1)
        assert (np.isnan(seen.elevation) == np.isnan(hips[:, 0])).all()
        points = person.keypoints3d.xyz
        np.testing.assert_allclose(seen.as_seen(seen.upright_metres(points)), points, atol=1e-6)


def test_another_camera_is_another_refinement_for_who_is_told_it(detected, make_network, tmp_path):
    camera = replace(detected.camera, gravity_given=True)
    for able in (False, True):
        network = make_network(frames=9, elevation=able)
        checkpoint = write_checkpoint(network, tmp_path / f"{able}.safetensors")
        take = refine_take(
            replace(detected, camera=camera), DepthRefiner.load(checkpoint, mirrored=MIRRORED)
        )
        assert holds_refinement(take, checkpoint)
        assert holds_refinement(replace(take, camera=detected.camera), checkpoint) != able
        longer = replace(camera, K=camera.K * [[[1.2], [1.2], [1.0]]])
        assert holds_refinement(replace(take, camera=longer), checkpoint) != able


def test_it_can_be_taken_back(detected, checkpoint):
    take = without_refinement(refine_take(detected, DepthRefiner.load(checkpoint)))
    assert take.people["person-1"].refined3d is None
    assert take.provenance == detected.provenance


def test_points_of_another_skeleton(detected, checkpoint):
    person = detected.people["person-1"]
    seen = somebody(24, fps=30.0)
    coco = replace(
        person,
        keypoints2d=Keypoints2D(seen.xy, seen.confidence, "coco17", "other"),
        keypoints3d=Keypoints3D(seen.xyz, "coco17", "other"),
    )
    refiner = DepthRefiner.load(checkpoint)
    take = refine_take(replace(detected, people={"person-1": coco}), refiner)
    refined = take.people["person-1"].refined3d
    assert refined is not None
    expected = refiner.refine_track(seen.xy, seen.xyz, seen.confidence, take.times(coco))
    np.testing.assert_allclose(refined.xyz, expected.xyz, atol=1e-5)


def test_asking_what_the_stage_is_called_imports_no_pytorch():
    code = (
        "import sys, mocap.depth as depth\n"
        "depth.REFINEMENT, depth.shipped_refiner(), depth.refine_take\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_face_shows_what_it_names():
    assert all(getattr(depth, name) is not None for name in depth.__all__)
    assert set(depth.__all__) == {name for names in depth._PLACES.values() for name in names}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = depth.nothing
