"""USD files as OpenUSD's own skeletal code and validators see them."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.errors import ExportError
from mocap.exporters.usd import write_usd

from .performers import ACROBATICS, acrobat, performer, posed, stretching, tumbler

pytest.importorskip("pxr")
from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation, Vt


def skeleton_of(stage, name):
    root = UsdSkel.Root(stage.GetPrimAtPath(f"/scene/{name}"))
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    return cache.GetSkelQuery(
        UsdSkel.Skeleton(stage.GetPrimAtPath(f"/scene/{name}/skeleton"))
    ), cache


def joints_of(path, one, name):
    stage = Usd.Stage.Open(str(path))
    query, _ = skeleton_of(stage, name)
    codes = query.GetAnimQuery().GetJointTransformTimeSamples()
    times = np.array(codes) / stage.GetTimeCodesPerSecond()
    wanted = one.start + np.arange(len(one.motion)) / one.motion.fps
    np.testing.assert_allclose(times, wanted, atol=1e-9)
    placed = [np.array(query.ComputeJointSkelTransforms(code))[:, 3, :3] for code in codes]
    return np.array(placed)


@pytest.mark.parametrize("ending", ["usd", "usda", "usdc"])
@pytest.mark.parametrize("axes", ["world", "y", "x"])
def test_joints_come_back(tmp_path, ending, axes):
    one = performer(fps=29.97)
    path = write_usd([one], tmp_path / f"a.{ending}", axes=axes)
    assert np.abs(joints_of(path, one, "person_1") - one.motion.joints()).max() < 5e-6


def test_the_surface_is_skinned(tmp_path):
    one = performer()
    stage = Usd.Stage.Open(str(write_usd([one], tmp_path / "a.usd")))
    query, cache = skeleton_of(stage, "person_1")
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/scene/person_1/body"))
    skinning = cache.GetSkinningQuery(mesh.GetPrim())
    expected = posed(one)
    for frame, code in list(enumerate(query.GetAnimQuery().GetJointTransformTimeSamples()))[::13]:
        points = Vt.Vec3fArray(mesh.GetPointsAttr().Get())
        moves = query.ComputeSkinningTransforms(code)
        assert skinning.ComputeSkinnedPoints(moves, points, code)
        assert np.abs(np.array(points) - expected[frame]).max() < 5e-6


@pytest.mark.parametrize("name", ACROBATICS)
def test_acrobatics_come_back(tmp_path, data_dir, name):
    one = replace(acrobat(data_dir, name), name="acrobat")
    path = write_usd([one], tmp_path / "a.usd")
    assert np.abs(joints_of(path, one, "acrobat") - one.motion.joints()).max() < 2e-5


def test_the_stage_says_what_it_is(tmp_path):
    people = [performer(person=1), replace(performer(person=2, fps=30.0), start=0.0)]
    stage = Usd.Stage.Open(str(write_usd(people, tmp_path / "a.usd", up="z")))
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetDefaultPrim().GetPath() == "/scene"
    assert stage.GetTimeCodesPerSecond() == 30.0
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0.0, 54.0)
    assert [str(prim.GetName()) for prim in stage.GetDefaultPrim().GetChildren()] == [
        "person_1",
        "person_2",
    ]


def test_openusd_finds_no_fault(tmp_path):
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 10
    context = UsdValidation.ValidationContext(validators)
    one = performer()
    for number, people in enumerate(([one], [one, performer(person=2)], [tumbler()])):
        path = write_usd(people, tmp_path / f"{number}.usd")
        assert not [error.GetMessage() for error in context.Validate(Usd.Stage.Open(str(path)))]


def test_joints_that_leave_their_places_come_back(tmp_path):
    one = stretching()
    path = write_usd([one], tmp_path / "a.usd")
    assert np.abs(joints_of(path, one, "person_1") - one.motion.joints()).max() < 5e-6


def test_rest_and_bind_pose_are_one(tmp_path):
    one = performer()
    stage = Usd.Stage.Open(str(write_usd([one], tmp_path / "a.usd")))
    query, _ = skeleton_of(stage, "person_1")
    bound = np.array([np.array(Gf.Matrix4d(m)) for m in query.GetJointWorldBindTransforms()])
    rest = np.array(query.ComputeJointSkelTransforms(Usd.TimeCode.Default(), True))
    np.testing.assert_allclose(bound, rest, atol=1e-9)
    np.testing.assert_allclose(bound[:, 3, :3], one.motion.rest_positions(), atol=1e-9)


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"must end in \.usd"):
        write_usd([tumbler(3)], tmp_path / "a.usdz")
    with pytest.raises(ExportError, match="nobody"):
        write_usd([], tmp_path / "a.usd")
    assert not list(tmp_path.iterdir())
