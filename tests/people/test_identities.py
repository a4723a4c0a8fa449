import numpy as np
import pytest
from keypoints.figures import figure

from mocap.people import IdentityConfig, Sighting, Tracklet, settle

CONFIG = IdentityConfig()
RED = np.tile([0.97, 0.01, 0.01, 0.01], (2, 1))
BLUE = np.tile([0.01, 0.01, 0.01, 0.97], (2, 1))
SIZE = 0.955 * 200


def seen(frames, place=(300.0, 200.0), look=RED, *, height=200.0, score=0.9, step=(0.0, 0.0)):
    tracklet = Tracklet()
    for i, frame in enumerate(frames):
        body = figure(np.add(place, np.multiply(step, i)), height, score=score)
        tracklet.add(frame, Sighting(body, {"left": None, "right": None}), look)
    return tracklet


def spans(people):
    return [(p.first, p.last, len(p.sightings)) for p in people]


def test_nobody():
    assert settle([], 30.0, 100, CONFIG) == ([], [])


def test_one_person_stays_as_they_are():
    alone = seen(range(10, 60))
    (person,), dropped = settle([alone], 30.0, 100, CONFIG)
    assert person is alone
    assert dropped == []


@pytest.mark.parametrize("turned", [False, True])
def test_two_sights_of_one_person_are_joined(turned):
    early, late = seen(range(0, 30)), seen(range(50, 90), (340.0, 200.0))
    pair = [late, early] if turned else [early, late]
    (person,), dropped = settle(pair, 30.0, 100, CONFIG)
    assert spans([person]) == [(0, 89, 70)]
    assert dropped == []
    assert person.sightings[10] is early.sightings[10]
    assert person.sightings[60] is late.sightings[60]
    # What was told is not changed.
    assert spans([early, late]) == [(0, 29, 30), (50, 89, 40)]


def test_three_sights_are_joined_in_a_chain():
    parts = [seen(range(60, 90)), seen(range(0, 20)), seen(range(30, 50))]
    assert spans(settle(parts, 30.0, 100, CONFIG)[0]) == [(0, 89, 70)]


def test_the_look_of_the_whole_is_weighted_by_sightings():
    (person,), _ = settle(
        [seen(range(30)), seen(range(40, 50), look=0.5 * (RED + BLUE))], 30.0, 60, CONFIG
    )
    np.testing.assert_allclose(person.appearance, 0.75 * RED + 0.25 * (RED + BLUE) / 2)


# How far somebody may move out of sight: half a size, and 4 sizes a second; here over 15 frames.
@pytest.mark.parametrize(("sizes", "people"), [(2.45, 1), (2.55, 2)])
def test_nobody_jumps_impossibly_far(sizes, people):
    there = (300.0 + sizes * SIZE, 200.0)
    parts = [seen(range(0, 30)), seen(range(44, 80), there)]
    assert len(settle(parts, 30.0, 100, CONFIG)[0]) == people


def test_somebody_crouched_moves_as_fast_as_at_full_size():
    crouched = [seen(range(0, 30)), seen(range(44, 80), (300.0 + 2.4 * SIZE, 200.0))]
    for part, frame in zip(crouched, (29, 44), strict=True):
        whole = part.sightings[frame].body
        part.sightings[frame] = seen([0], whole.xy[0], height=80.0).sightings[0]
    assert len(settle(crouched, 30.0, 100, CONFIG)[0]) == 1
    always = [
        seen(range(0, 30), height=80.0),
        seen(range(44, 80), (300.0 + 2.4 * SIZE, 200.0), height=80.0),
    ]
    assert len(settle(always, 30.0, 100, CONFIG)[0]) == 2


# A newcomer who was followed back meets the person's own last sightings.
@pytest.mark.parametrize(("overlap", "people"), [(1, 1), (10, 1), (12, 2), (30, 2)])
def test_ends_that_overlap_a_little_are_joined(overlap, people):
    beside = (340.0, 200.0)
    parts = [seen(range(0, 40), score=0.6), seen(range(40 - overlap, 90), beside, score=0.9)]
    kept, _ = settle(parts, 30.0, 90, CONFIG)
    assert len(kept) == people
    if people == 1:
        (whole,) = kept
        assert spans(kept) == [(0, 89, 90)]
        # Where there are two sightings, the surer is taken, whichever it is.
        assert {f for f in range(90) if whole.sightings[f].body.score == 0.9} == set(
            range(40 - overlap, 90)
        )
        parts = [seen(range(0, 40), score=0.9), seen(range(40 - overlap, 90), beside, score=0.6)]
        ((whole,), _) = settle(parts, 30.0, 90, CONFIG)
        assert [f for f in range(90) if whole.sightings[f].body.score == 0.6] == [*range(40, 90)]


def test_nobody_is_joined_to_somebody_who_was_there_all_along():
    within = [seen(range(0, 40)), seen(range(25, 35), (340.0, 200.0))]
    assert len(settle(within, 30.0, 40, IdentityConfig(shortest=0.0))[0]) == 2


def test_a_sighting_or_two_link_nobody():
    # Cheaper by place than the late one, and too brief to be anybody.
    parts = [
        seen(range(0, 30)),
        seen(range(32, 34)),
        seen(range(40, 90), (340.0, 200.0)),
    ]
    kept, dropped = settle(parts, 30.0, 90, CONFIG)
    assert spans(kept) == [(0, 89, 80)]
    assert [(d.first_frame, d.last_frame) for d in dropped] == [(32, 33)]


@pytest.mark.parametrize(("gap", "people"), [(90, 1), (91, 2)])
def test_nobody_is_waited_for_too_long(gap, people):
    parts = [seen(range(0, 100)), seen(range(99 + gap, 300))]
    assert len(settle(parts, 30.0, 300, CONFIG)[0]) == people
    # Seconds, not frames.
    assert len(settle(parts, 25.0, 300, CONFIG)[0]) == 2


def test_somebody_who_looks_otherwise_is_somebody_else():
    parts = [seen(range(0, 30)), seen(range(40, 70), look=BLUE)]
    assert spans(settle(parts, 30.0, 70, CONFIG)[0]) == [(0, 29, 30), (40, 69, 30)]


@pytest.mark.parametrize(("factor", "people"), [(2.0, 1), (0.5, 1), (3.2, 2), (0.3, 2)])
def test_somebody_much_larger_is_somebody_else(factor, people):
    parts = [seen(range(0, 30)), seen(range(40, 70), height=200.0 * factor)]
    assert len(settle(parts, 30.0, 70, CONFIG)[0]) == people


def test_people_seen_at_the_same_time_are_two():
    assert len(settle([seen(range(0, 60)), seen(range(40, 120))], 30.0, 120, CONFIG)[0]) == 2


def test_two_people_who_swap_places_out_of_sight_are_told_by_their_looks():
    here, there = (300.0, 200.0), (400.0, 200.0)
    parts = [
        seen(range(0, 30), here, RED),
        seen(range(0, 30), there, BLUE),
        seen(range(40, 75), here, BLUE),
        seen(range(40, 75), there, RED),
    ]
    people, _ = settle(parts, 30.0, 80, CONFIG)
    assert spans(people) == [(0, 74, 65), (0, 74, 65)]
    for person, look in zip(people, (RED, BLUE), strict=True):
        np.testing.assert_allclose(person.appearance, look)


def test_the_cheapest_pairing_over_all_is_taken():
    # The nearest end of the first is the second's only possible one.
    parts = [
        seen(range(0, 30), (300.0, 200.0)),
        seen(range(0, 30), (300.0 + 1.2 * SIZE, 200.0)),
        seen(range(40, 70), (300.0 + 0.3 * SIZE, 200.0)),
        seen(range(40, 70), (300.0 - 0.5 * SIZE, 200.0)),
    ]
    people, _ = settle(parts, 30.0, 70, CONFIG)
    assert spans(people) == [(0, 69, 60), (0, 69, 60)]
    ends = {p.sightings[0].body.xy[0, 0]: p.sightings[69].body.xy[0, 0] for p in people}
    assert ends[300.0] == pytest.approx(300 - 0.5 * SIZE)


def test_people_come_by_how_long_they_were_seen():
    far = (1500.0, 200.0)
    people, _ = settle([seen(range(5, 30)), seen(range(0, 90), far, BLUE)], 30.0, 90, CONFIG)
    assert spans(people) == [(0, 89, 90), (5, 29, 25)]


@pytest.mark.parametrize(("frames", "people"), [(11, 0), (12, 1)])
def test_somebody_seen_too_briefly_is_dropped(frames, people):
    kept, dropped = settle([seen(range(20, 20 + frames))], 30.0, 300, CONFIG)
    assert len(kept) == people
    if not people:
        (one,) = dropped
        assert (one.first_frame, one.last_frame, one.sightings) == (20, 30, 11)
        assert one.reason == "seen for 0.37 s only (less than 0.40 s)"


def test_in_a_short_clip_half_of_it_is_enough():
    assert len(settle([seen(range(0, 3))], 30.0, 5, CONFIG)[0]) == 1
    assert len(settle([seen(range(0, 2))], 30.0, 5, CONFIG)[0]) == 0
    assert len(settle([seen([0])], 30.0, 1, CONFIG)[0]) == 1


def test_somebody_doubtful_is_dropped():
    kept, (dropped,) = settle([seen(range(0, 60, 2), score=0.8)], 30.0, 60, CONFIG)
    assert kept == []
    assert "seen in 51% of the frames" in dropped.reason
    assert "mean confidence 0.80" in dropped.reason
    assert len(settle([seen(range(0, 60, 2), score=0.95)], 30.0, 60, CONFIG)[0]) == 1


def test_somebody_behind_a_wall_for_long_is_kept():
    kept, _ = settle([seen(range(0, 20)), seen(range(105, 125))], 30.0, 125, CONFIG)
    assert spans(kept) == [(0, 124, 40)]


def test_a_limb_that_was_followed_is_dropped():
    body = seen(range(0, 90))
    legs = seen(range(20, 50), (300.0, 250.0), height=80.0, score=0.6)
    kept, (dropped,) = settle([legs, body], 30.0, 90, CONFIG)
    assert kept == [body]
    assert (dropped.first_frame, dropped.last_frame) == (20, 49)
    assert "inside another person's outline" in dropped.reason


def test_somebody_in_front_of_another_is_kept():
    behind = seen(range(0, 90))
    surer = seen(range(20, 50), (300.0, 250.0), height=80.0, score=0.95)
    as_long = seen(range(0, 60), (300.0, 250.0), height=80.0, score=0.6)
    beside = seen(range(20, 50), (300.0, 250.0), height=80.0, score=0.6, step=(10.0, 0.0))
    for other in (surer, as_long, beside):
        assert len(settle([behind, other], 30.0, 90, CONFIG)[0]) == 2
