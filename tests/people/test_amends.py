import numpy as np

from mocap.people import (
    Amends,
    DepthConfig,
    GlitchConfig,
    SideConfig,
    Sighting,
    Tracklet,
    amends_told,
    put_right,
)

from .bodies import LEG, MIRROR, misnamed, person_of, pictured, walking

ALL_OF_IT = {"sides": SideConfig(), "depths": DepthConfig(), "glitches": GlitchConfig()}


def spoilt(turn):
    """Somebody who walks, with swaps, exchanged depths and a glitch, and how they really went."""
    true = walking(90, turn)
    told = true.copy()
    told[10:14] = misnamed(true[10:14])
    told[40:42, :, 2] = np.where(LEG, true[40:42][:, MIRROR, 2], true[40:42, :, 2])
    told[70] += 0.7
    return told, true


def test_everything_is_put_right_in_its_turn():
    told, true = spoilt(0.9)
    person, amends = put_right(person_of(told), 30.0, **ALL_OF_IT, mirrored={3: pictured(true[3])})
    assert amends == Amends(swapped=4, flipped=2, doubted=1, mirrored=1)
    sane = np.delete(np.arange(90), 70)
    np.testing.assert_allclose(person.keypoints3d.xyz[sane], true[sane], atol=1e-5)
    xy = person_of(true).keypoints2d.xy
    np.testing.assert_allclose(person.keypoints2d.xy[sane], xy[sane], atol=1e-3)
    # Frames swapped back are no glitches.
    assert person.keypoints2d.confidence[sane].min() > 0.85
    assert person.keypoints2d.confidence[70].max() < 0.1


def test_what_is_not_wanted_is_left():
    person = person_of(spoilt(0.9)[0])
    only, amends = put_right(person, 30.0, sides=SideConfig(), depths=None, glitches=None)
    assert amends == Amends(swapped=4)
    np.testing.assert_allclose(np.unique(only.keypoints2d.confidence), np.float32(0.9))


def test_nothing_to_do():
    person, amends = put_right(person_of(walking(60, 0.3)), 30.0, **ALL_OF_IT)
    assert amends == Amends()
    np.testing.assert_array_equal(person.keypoints2d.xy, person_of(walking(60, 0.3)).keypoints2d.xy)


def test_what_was_done_is_told_by_person():
    told = amends_told({"a": Amends(swapped=3), "b": Amends(doubted=1, mirrored=9)})
    assert told == {
        "frames_with_sides_swapped_back": {"a": 3, "b": 0},
        "frames_with_depths_put_right": {"a": 0, "b": 0},
        "frames_doubted": {"a": 0, "b": 1},
        "frames_seen_in_the_mirror": {"a": 0, "b": 9},
        "frames_averaged_with_the_mirror": {"a": 0, "b": 0},
    }


def test_a_tracklet_tells_what_was_seen_in_the_mirror():
    tracklet, look = Tracklet(), np.full((2, 4), 0.25)
    body = pictured(walking(1, 0.0)[0])
    tracklet.add(4, Sighting(body, {}, body), look)
    tracklet.add(5, Sighting(body, {}), look)
    assert list(tracklet.mirrored) == [4]
