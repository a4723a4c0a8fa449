import numpy as np

from mocap.people import MirrorConfig, Sighting, Tracklet
from mocap.people.reflection import is_due

from .bodies import misnamed, pictured, standing

SURE, UNSURE = pictured(standing(0.0)), pictured(misnamed(standing(0.0), 0.1))
NOW_AND_THEN = MirrorConfig(always=False)
LOOK = np.full((2, 4), 0.25)


def looks(bodies, frames=None, config=None):
    tracklet, due = Tracklet(), []
    for frame, body in zip(range(len(bodies)) if frames is None else frames, bodies, strict=True):
        if is_due(tracklet, frame, body, config or NOW_AND_THEN):
            tracklet.reflected.append(frame)
            due.append(frame)
        tracklet.add(frame, Sighting(body, {"left": None, "right": None}), LOOK)
    return due


def test_now_and_then_where_there_is_no_doubt():
    assert looks([SURE] * 45) == [0, 10, 20, 30, 40]


def test_more_often_where_there_is_up_to_the_budget():
    found = looks([UNSURE] * 200)
    assert found[:2] == [0, 2]
    assert 30 <= len(found) <= 2 + 0.15 * 200
    assert min(np.diff(found)) >= 2
    # What was saved in sure frames is there for doubtful ones.
    late = looks([SURE] * 100 + [UNSURE] * 15)
    assert sum(frame >= 100 for frame in late) >= 6


def test_backwards_as_well():
    assert looks([SURE] * 25, range(50, 25, -1)) == [50, 40, 30]


def test_always():
    assert looks([SURE] * 20, config=MirrorConfig()) == list(range(20))


def test_never():
    assert looks([UNSURE] * 50, config=MirrorConfig(share=0.0, allowance=0.0, always=False)) == []
