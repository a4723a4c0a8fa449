"""Bodies as the camera sees them: where they are, and who is in front."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
import trimesh
from avatar.surfaces import gaussians_on, sphere
from takes import embodied, make_take

from mocap.avatar import View, render
from mocap.body import Body
from mocap.calibration import Calibration
from mocap.errors import MaskError
from mocap.geometry import Camera
from mocap.masks.silhouettes import SilhouetteDrawer
from mocap.take import Take


def at(take: Take, name: str, x: float, z: float, y: float = 0.0) -> Take:
    """Somebody moved, metres."""
    person = take.people[name]
    moved = person.body.transl + [x, y, z]
    joints = person.body.joints + np.array([x, y, z])
    motion = replace(person.body, transl=moved, joints=joints)
    return replace(take, people={**take.people, name: replace(person, body=motion)})


@pytest.fixture(scope="module")
def pair(body) -> Take:
    """Two people who stand side by side, 4 m before the camera, which is as high as their hips."""
    take = embodied(make_take(people=2, frames=3, still=True), body)
    return at(at(take, "person-1", -0.75, 1.0, -0.9), "person-2", -0.75, 1.0, -0.9)


def test_joints_lie_on_the_silhouette(pair, body):
    drawn = SilhouetteDrawer(pair, body).draw(1)
    for name, person in pair.people.items():
        joints = np.rint(pair.camera.project(person.body.joints[1:2], np.array([1]))[0]).astype(int)
        inside = (joints >= 0).all(1) & (joints < [1280, 720]).all(1)
        x, y = joints[inside & (np.arange(55) < 22)].T
        assert drawn.whole[name][y, x].mean() > 0.95


def test_size_is_that_of_the_body(pair, body):
    drawn = SilhouetteDrawer(pair, body).draw(0)
    rows = np.flatnonzero(drawn.whole["person-1"].any(1))
    betas = pair.people["person-1"].body.betas
    tall = float(body.height(body.template.new_tensor(betas))[0])
    assert len(rows) == pytest.approx(tall * drawn.scale["person-1"], rel=0.03)


def test_who_is_nearer_hides_who_is_farther_away(pair, body):
    crossing = at(pair, "person-2", -1.55, 0.6)
    drawn = SilhouetteDrawer(crossing, body).draw(0)
    front, back = drawn.whole["person-1"], drawn.whole["person-2"]
    assert (front & back).sum() > 0.3 * back.sum()
    assert np.array_equal(drawn.seen["person-1"], front)
    assert np.array_equal(drawn.seen["person-2"], back & ~front)
    swapped = SilhouetteDrawer(at(pair, "person-2", -1.55, -0.6), body).draw(0)
    assert np.array_equal(swapped.seen["person-2"], swapped.whole["person-2"])
    assert not (swapped.seen["person-1"] & swapped.whole["person-2"]).any()


def test_behind_the_camera_there_is_nobody(pair, body):
    drawn = SilhouetteDrawer(at(pair, "person-1", 0.0, -9.0), body).draw(0)
    assert not drawn.whole["person-1"].any()
    assert drawn.whole["person-2"].any()


def test_who_is_not_there_is_not_drawn(body):
    take = embodied(make_take(frames=3, first_frame=5, still=True), body)
    drawer = SilhouetteDrawer(take, body)
    assert not drawer.draw(4).whole
    assert set(drawer.draw(5).whole) == {"person-1"}


def test_another_body_is_refused(pair, body):
    with pytest.raises(MaskError, match=r"not with other.*--body"):
        SilhouetteDrawer(pair, replace(body, name="other", sha256="1" * 64))


def test_nobody_fitted_is_refused(pair, body):
    people = {name: replace(person, body=None) for name, person in pair.people.items()}
    with pytest.raises(MaskError, match="mocap fit"):
        SilhouetteDrawer(replace(pair, people=people), body)


SIZE = (320, 240)
CALIBRATED = Calibration("rig.toml", "", ((420.0, 0, 150.3), (0, 410.0, 131.8), (0, 0, 1)), SIZE)


def egg_of(body: Body, egg: trimesh.Trimesh) -> Body:
    """A body whose surface is an egg, whatever its pose."""
    vertices, faces = egg.vertices, egg.faces
    weights = torch.zeros(len(vertices), 55)
    weights[:, 0] = 1
    return replace(
        body,
        template=torch.from_numpy(np.asarray(vertices)).float(),
        directions=torch.zeros(len(vertices), 3, body.directions.shape[-1]),
        pose_directions=torch.zeros(len(body.pose_entries), len(vertices), 3),
        weights=weights,
        faces=torch.from_numpy(np.asarray(faces)),
    )


def middle(covered: np.ndarray) -> np.ndarray:
    """Of what is covered, counting pixels from 0."""
    y, x = np.indices(covered.shape)
    return np.array([(covered * x).sum(), (covered * y).sum()]) / covered.sum()


@pytest.mark.parametrize("source", ["assumed", "calibrated"])
def test_silhouettes_and_renderings_lie_on_each_other(body, source):
    """And where OpenCV says that they are, which counts a calibrated camera's pixels."""
    camera = Camera.assumed(*SIZE) if source == "assumed" else CALIBRATED.camera()
    egg = sphere(0.45)
    egg.apply_scale([1.0, 0.7, 1.0])
    egg.apply_translation([0.0, 0.0, 2.5])
    take = embodied(make_take(frames=2, still=True), body)
    person = take.people["person-1"]
    motion = replace(person.body, transl=np.zeros((2, 3)))
    take = replace(
        take,
        camera=camera,
        video=replace(take.video, width=SIZE[0], height=SIZE[1]),
        people={"person-1": replace(person, body=motion)},
    )
    seen = SilhouetteDrawer(take, egg_of(body, egg)).draw(0).whole["person-1"]
    gaussians = gaussians_on(egg, 20_000)
    view = View.pinhole(camera, 0, gaussians.means)
    shown = render(gaussians, view, SIZE, antialiased=True).alpha.numpy()
    assert seen.sum() == pytest.approx(shown.sum(), rel=0.05)
    np.testing.assert_allclose(middle(seen), middle(shown), atol=0.05)
    if source == "calibrated":
        outline, _ = cv2.projectPoints(
            egg.vertices, cv2.Rodrigues(camera.R[0])[0], camera.t[0], np.array(CALIBRATED.matrix),
            None,
        )  # fmt: skip
        ends = outline[:, 0].min(0), outline[:, 0].max(0)
        np.testing.assert_allclose(middle(seen), np.mean(ends, 0), atol=0.05)
