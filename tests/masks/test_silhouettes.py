"""Bodies as the camera sees them: where they are, and who is in front."""

from dataclasses import replace

import numpy as np
import pytest
from takes import embodied, make_take

from mocap.errors import MaskError
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
