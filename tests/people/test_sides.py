from dataclasses import replace

import numpy as np
import pytest
from keypoints.figures import TEMPLATE, points

from mocap.keypoints import Detection
from mocap.people import SideConfig, Sighting, Tracklet, person_record, undo_swaps
from mocap.people.sides import best_labels
from mocap.skeletons import COCO_17, MEDIAPIPE_33

from . import bodies as bodies_in_3d

SIZE = 200.0
MIRROR = list(MEDIAPIPE_33.mirror)
LEG, ARM = points("hip", "knee", "ankle", "heel", "foot"), points("shoulder", "elbow", "wrist")
ARM |= points("pinky", "thumb") | (points("index") & ~LEG)
EVERYTHING = np.ones(33, bool)
#: A depth by which to know each point again, too small to say which way the body faces.
DEPTH = 1e-3 * np.arange(33)
LOOK = np.full((2, 4), 0.25)
KEPT, ALL, LEGS, ARMS = range(4)


def walk(count, seed=0, noise=0.005, width=1.0):
    """Somebody who walks across the picture at 30 frames a second, (N, 33, 2) in pixels.

    Args:
        count: of frames.
        seed: of the noise.
        noise: of every point, in sizes.
        width: 1 seen from the front, 0 from the side, -1 from behind.
    """
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(count)[:, None] / 30
    left, right = points("left"), points("right")
    xy = np.tile(TEMPLATE, (count, 1, 1))
    xy[..., 0] *= width
    swing = np.where(left, 1.0, 0.0) - np.where(right, 1.0, 0.0)
    reach = 0.10 * points("ankle", "heel", "foot") + 0.05 * points("knee")
    reach = reach - 0.08 * points("wrist", "pinky", "thumb") - 0.08 * (points("index") & ~LEG)
    xy[..., 0] += np.sin(phase) * swing * reach * (1 - 0.7 * abs(width))
    xy[..., 1] -= np.abs(np.cos(phase)) * swing.clip(0) * reach.clip(0) * 0.5
    xy[..., 0] += 0.01 * np.arange(count)[:, None]
    return SIZE * (xy + rng.normal(0, noise, xy.shape)) + 300


def exchange(xy, frames, which=EVERYTHING):
    """The points with left and right mistaken in some frames."""
    order = np.where(which, MIRROR, np.arange(33))
    swapped = xy.copy()
    swapped[frames] = xy[frames][:, order]
    return swapped


def labels_of(xy, confidence=None):
    confidence = np.full(xy.shape[:2], 0.9) if confidence is None else confidence
    return best_labels(xy, confidence, SIZE, SideConfig())


def expected(count, frames, label):
    told = np.zeros(count, int)
    told[frames] = label
    return told


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [1.0, 0.6, -1.0, 0.2])
def test_nothing_is_changed_where_nothing_was_swapped(seed, width):
    assert not labels_of(walk(90, seed, noise=0.01, width=width)).any()


@pytest.mark.parametrize("width", [1.0, 0.6, -0.8])
@pytest.mark.parametrize("frames", [[10], [10, 30, 31, 60], list(range(20, 50)), [0], [89]])
def test_swaps_of_the_whole_body(frames, width):
    xy = walk(90, width=width)
    np.testing.assert_array_equal(labels_of(exchange(xy, frames)), expected(90, frames, ALL))


@pytest.mark.parametrize(("which", "label"), [(LEG, LEGS), (ARM, ARMS)])
@pytest.mark.parametrize("frames", [[10], [30, 31, 60], list(range(20, 35))])
def test_swaps_of_legs_or_arms_alone(which, label, frames):
    xy = walk(90)
    found = labels_of(exchange(xy, frames, which))
    np.testing.assert_array_equal(found, expected(90, frames, label))


def test_legs_and_arms_at_different_times():
    xy = exchange(exchange(walk(90), [20, 21], LEG), [50, 51, 52], ARM)
    told = expected(90, [20, 21], LEGS) + expected(90, [50, 51, 52], ARMS)
    np.testing.assert_array_equal(labels_of(xy), told)


def test_a_swap_from_the_first_frame_or_to_the_last():
    for frames in (list(range(25)), list(range(65, 90))):
        found = labels_of(exchange(walk(90), frames))
        np.testing.assert_array_equal(found, expected(90, frames, ALL))


@pytest.mark.parametrize("junk", [[29], [29, 50], [29, 30]])
def test_frames_of_junk_do_not_cut_the_thread(junk):
    frames = list(range(30, 51))
    xy = exchange(walk(90), frames)
    rng = np.random.default_rng(3)
    xy[junk] = xy[junk].mean((1, 2), keepdims=True) + rng.normal(0, 60, (len(junk), 33, 2))
    told = expected(90, frames, ALL)
    sane = np.setdiff1d(np.arange(90), junk)
    np.testing.assert_array_equal(labels_of(xy)[sane], told[sane])


def test_points_without_confidence_have_no_say():
    xy, confidence = walk(90), np.full((90, 33), 0.9)
    confidence[:, LEG] = 0.0
    found = labels_of(exchange(xy, [40, 41], LEG), confidence)
    np.testing.assert_array_equal(found, 0)
    found = labels_of(exchange(xy, [40, 41]), confidence)
    assert set(found[[40, 41]]) <= {ALL, ARMS}
    assert (found[[40, 41]] > 0).all()


def jumping_jack(count):
    """Arms go up and down and feet apart and together, twice a second."""
    xy = np.tile(TEMPLATE, (count, 1, 1))
    lift = 0.5 - 0.5 * np.cos(2 * np.pi * 2 * np.arange(count) / 30)[:, None]
    side = np.sign(TEMPLATE[:, 0])
    angle = lift * np.where(ARM & ~points("shoulder"), 2.4, 0.0) * side
    pivot = np.where(ARM[:, None], TEMPLATE[points("shoulder")][(side > 0).astype(int) ^ 1], 0)
    turned = xy - pivot
    c, s = np.cos(angle), np.sin(angle)
    turned = np.stack(
        [c * turned[..., 0] + s * turned[..., 1], c * turned[..., 1] - s * turned[..., 0]], -1
    )
    xy = np.where((ARM & ~points("shoulder"))[:, None], turned + pivot, xy)
    xy[..., 0] += lift * side * 0.15 * points("ankle", "heel", "foot")
    return SIZE * xy + 300


def cartwheel(count, seconds=0.8):
    angle = 2 * np.pi * np.arange(count)[:, None] / (30 * seconds)
    x, y = TEMPLATE[:, 0], TEMPLATE[:, 1] - 0.2
    c, s = np.cos(angle), np.sin(angle)
    return SIZE * np.stack([c * x - s * y, s * x + c * y], -1) + 300


@pytest.mark.parametrize("motion", [jumping_jack(60), cartwheel(60), cartwheel(60, 0.5)])
def test_fast_motion_is_no_swap(motion):
    noise = np.random.default_rng(0).normal(0, 1.0, motion.shape)
    assert not labels_of(motion + noise).any()


def test_swaps_in_a_cartwheel():
    frames = [13, 14, 40]
    found = labels_of(exchange(cartwheel(60), frames))
    np.testing.assert_array_equal(found, expected(60, frames, ALL))


def turning(count, seconds):
    """Somebody who turns about the vertical: sides really change places in the picture."""
    angle = 2 * np.pi * np.arange(count)[:, None] / (30 * seconds)
    depth = 0.06 * points("nose", "eye", "mouth", "foot", "thumb")
    x = TEMPLATE[:, 0] * np.cos(angle) + depth * np.sin(angle)
    noise = np.random.default_rng(0).normal(0, 0.004, (count, 33, 2))
    return SIZE * (np.stack([x, np.broadcast_to(TEMPLATE[:, 1], x.shape)], -1) + noise) + 300


@pytest.mark.parametrize("seconds", [0.5, 0.6, 0.7, 1.0, 1.5, 2.0, 4.0])
def test_somebody_who_turns_is_not_swapped(seconds):
    assert not labels_of(turning(120, seconds)).any()


def person_of(xy, frames=None, hands=False):
    tracklet = Tracklet()
    for row, frame in enumerate(range(len(xy)) if frames is None else frames):
        confidence = np.linspace(0.5, 0.9, 33).astype(np.float32)
        xyz = np.concatenate([xy[row], DEPTH[:, None]], 1).astype(np.float32)
        body = Detection(xy[row].astype(np.float32), confidence, xyz, 0.9)
        both = {"left": None, "right": None}
        if hands:
            for value, side in enumerate(both, start=1):
                told = np.full((21, 2), 10.0 * frame + value, np.float32)
                both[side] = Detection(told, np.full(21, 0.1 * value), told[:, [0, 0, 0]], 0.9)
        tracklet.add(frame, Sighting(body, both), LOOK)
    return person_record(tracklet, "a", MEDIAPIPE_33, "pose", "palms" if hands else None)


def test_undoing_gives_back_what_was_swapped():
    xy = walk(60)
    frames = [10, 11, 40]
    told, count = undo_swaps(person_of(exchange(xy, frames)))
    assert count == 3
    np.testing.assert_allclose(told.keypoints2d.xy, xy, rtol=1e-5)
    # Every value of a point moves with it, its depth as well.
    for frame in range(60):
        row = np.array(MIRROR) if frame in frames else np.arange(33)
        np.testing.assert_array_equal(told.keypoints3d.xyz[frame, :, 2], np.float32(DEPTH[row]))
        np.testing.assert_allclose(
            told.keypoints2d.confidence[frame], np.linspace(0.5, 0.9, 33)[row], rtol=1e-6
        )


def test_undoing_twice_changes_nothing_more():
    once, first = undo_swaps(person_of(exchange(walk(60), range(20, 30))))
    twice, again = undo_swaps(once)
    assert (first, again) == (10, 0)
    np.testing.assert_array_equal(twice.keypoints2d.xy, once.keypoints2d.xy)


@pytest.mark.parametrize(("which", "move"), [(EVERYTHING, True), (ARM, True), (LEG, False)])
def test_hands_move_with_the_arms_they_hang_on(which, move):
    frames = [10, 11, 40]
    person = person_of(exchange(walk(60), frames, which), hands=True)
    told, count = undo_swaps(person)
    assert count == 3
    for frame in range(60):
        left, right = (2, 1) if move and frame in frames else (1, 2)
        for value, side in ((left, "left"), (right, "right")):
            flat, metric = getattr(told.hands2d, side), getattr(told.hands3d, side)
            np.testing.assert_array_equal(flat.xy[frame], 10.0 * frame + value)
            np.testing.assert_allclose(flat.confidence[frame], 0.1 * value)
            np.testing.assert_array_equal(metric.xyz[frame], 10.0 * frame + value)


def test_frames_without_a_sighting_stay_empty():
    xy = exchange(walk(60), [20, 21])
    seen = [f for f in range(60) if f not in (30, 31, 32)]
    told, count = undo_swaps(person_of(xy[seen], seen))
    assert count == 2
    np.testing.assert_array_equal(told.observed, ~np.isin(np.arange(60), [30, 31, 32]))
    assert np.isnan(told.keypoints2d.xy[30:33]).all()
    np.testing.assert_allclose(told.keypoints2d.xy[seen], walk(60)[seen], rtol=1e-5)


@pytest.mark.parametrize("later", [20, 60, 100])
@pytest.mark.parametrize("away", [9, 60])
def test_somebody_who_comes_back_the_other_way_round_is_not_swapped(away, later):
    # Facing the camera, out of sight, and then in the same place with the back to it.
    before, after = walk(60), walk(later, width=-1.0)
    after += before[-1, 0] - after[0, 0]
    frames = [*range(60), *range(60 + away, 60 + away + later)]
    _, count = undo_swaps(person_of(np.concatenate([before, after]), frames))
    assert count == 0


def test_a_swap_that_lasts_over_a_few_frames_out_of_sight_is_undone():
    seen = [f for f in range(90) if not 40 <= f < 48]
    told, count = undo_swaps(person_of(exchange(walk(90), range(30, 60))[seen], seen))
    assert count == 22
    np.testing.assert_allclose(told.keypoints2d.xy[seen], walk(90)[seen], rtol=1e-5)


def test_other_skeletons_and_people_without_points_are_left_alone():
    person = person_of(exchange(walk(20), [10]))
    for other in (
        replace(person, keypoints2d=None),
        replace(person, keypoints3d=None),
        replace(person, keypoints2d=replace(person.keypoints2d, skeleton=COCO_17.name)),
    ):
        told, count = undo_swaps(other)
        assert told is other
        assert count == 0
    assert undo_swaps(person_of(walk(1)))[1] == 0


def test_a_turn_and_swaps_in_the_same_clip():
    xy, frames = turning(120, 1.0), [12, 47, 48, 49, 90]
    np.testing.assert_array_equal(labels_of(exchange(xy, frames)), expected(120, frames, ALL))


def test_what_speaks_for_a_labeling_decides_between_two_that_are_as_continuous():
    xy = exchange(walk(90), np.arange(20, 90))
    evidence = np.zeros((90, 4))
    best = best_labels(xy, np.full((90, 33), 0.9), SIZE, SideConfig(), evidence=evidence)
    np.testing.assert_array_equal(best, expected(90, range(20), ALL))
    # A tenth of the frames know better.
    evidence[::10, ALL] = np.where(np.arange(90)[::10] >= 20, 1.0, 0.0)
    best = best_labels(xy, np.full((90, 33), 0.9), SIZE, SideConfig(), evidence=evidence)
    np.testing.assert_array_equal(best, expected(90, range(20, 90), ALL))


def test_a_frame_that_knows_worse_does_not_break_continuity():
    xy, evidence = walk(90), np.zeros((90, 4))
    evidence[40:44, ALL] = 1.0
    best = best_labels(xy, np.full((90, 33), 0.9), SIZE, SideConfig(), evidence=evidence)
    assert not best.any()


def mostly_swapped(count, share, seed, turn, sureness):
    """A body in 3D whose sides are swapped in runs of frames, and where."""
    rng = np.random.default_rng(seed)
    wrong, state = np.zeros(count, bool), True
    for frame in range(count):
        leave = 1 / 12 if state else share / (1 - share) / 12
        state = state ^ (rng.random() < leave)
        wrong[frame] = state
    bodies = bodies_in_3d.walking(count, turn)
    # A detector that swaps sides bends the body some of the way to what it believes.
    doubt = np.clip(rng.normal(sureness, 0.25, count), -1, 1)
    for frame in np.flatnonzero(wrong):
        bodies[frame] = bodies_in_3d.misnamed(bodies[frame], doubt[frame])
    return bodies, wrong


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("turn", np.radians([0, 25, 155, 180]))
@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_most_frames_wrong_and_right_in_the_end(share, turn, seed):
    bodies, wrong = mostly_swapped(150, share, seed, turn, sureness=0.1)
    person = bodies_in_3d.person_of(bodies)
    told, _ = undo_swaps(person)
    true = bodies_in_3d.person_of(bodies_in_3d.walking(150, turn)).keypoints2d.xy
    right = np.abs(told.keypoints2d.xy - true).max((1, 2)) < 1.0
    assert wrong.mean() > 0.4
    assert right.mean() >= 0.95


def test_a_mirror_tells_where_the_body_believes_its_wrong_names():
    bodies, wrong = mostly_swapped(120, 0.9, 0, 0.2, sureness=-0.2)
    assert wrong.mean() > 0.8
    true = bodies_in_3d.walking(120, 0.2)
    person = bodies_in_3d.person_of(bodies)
    alone, _ = undo_swaps(person)
    seen = {frame: bodies_in_3d.pictured(true[frame]) for frame in range(0, 120, 8)}
    told, _ = undo_swaps(person, mirrored=seen)
    xy = bodies_in_3d.person_of(true).keypoints2d.xy
    right = [np.abs(one.keypoints2d.xy - xy).max((1, 2)) < 1.0 for one in (alone, told)]
    assert right[0].mean() < 0.5
    assert right[1].mean() >= 0.95


def test_where_every_frame_is_wrong_and_nothing_speaks_against_it_nothing_is_done():
    bodies = bodies_in_3d.misnamed(bodies_in_3d.walking(60, 0.2), -1.0)
    assert undo_swaps(bodies_in_3d.person_of(bodies))[1] == 0
