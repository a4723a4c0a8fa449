"""Where a segmenter is shown people."""

from dataclasses import replace

import numpy as np
from takes import make_take

from mocap.masks.prompts import choose_prompts
from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Keypoints2D, Take

FRAMES = 30


def standing(lefts: list[np.ndarray]) -> Take:
    """People whose boxes, 200 by 600 pixels, have their left edges there, (F,) each."""
    take = make_take(people=len(lefts), frames=FRAMES, fps=10.0)
    people = {}
    for left, (name, person) in zip(lefts, take.people.items(), strict=True):
        top = np.full(FRAMES, 50.0)
        box = np.stack([left, top, left + 200, top + 600], 1)
        xy = np.zeros((FRAMES, 33, 2)) + box[:, None, :2] + [100.0, 300.0]
        confidence = np.full((FRAMES, 33), 0.8)
        points = Keypoints2D(xy, confidence, MEDIAPIPE_33.name, "made")
        people[name] = replace(person, box=box, keypoints2d=points)
    return replace(take, people=people)


def test_once_in_so_many_seconds_everybody():
    prompts = choose_prompts(standing([np.full(FRAMES, 100.0), np.full(FRAMES, 800.0)]), 0, 29)
    assert set(prompts) == {"person-1", "person-2"}
    assert [[p.frame // 10 for p in shown] for shown in prompts.values()] == [[0, 1, 2]] * 2
    shown = prompts["person-2"][0]
    assert shown.box.tolist() == [784.0, 2.0, 1016.0, 698.0]
    assert shown.points.tolist() == [[900.0, 350.0]] * 6
    assert shown.positive.all()


def test_where_people_are_apart():
    """They meet in the middle of every second but are apart at its ends."""
    beat = np.abs(np.arange(FRAMES) % 10 - 5) / 5
    prompts = choose_prompts(standing([np.full(FRAMES, 100.0), 150.0 + 400 * beat]), 0, 29)
    assert [p.frame for p in prompts["person-1"]] == [0, 10, 20]


def test_others_are_pointed_out_where_they_are_within_the_box():
    prompts = choose_prompts(standing([np.full(FRAMES, 100.0), np.full(FRAMES, 210.0)]), 0, 9)
    (shown,) = prompts["person-1"]
    assert shown.positive.tolist() == [True] * 6 + [False] * 6
    assert shown.points[6:].tolist() == [[310.0, 350.0]] * 6


def test_who_is_not_surely_seen_is_not_shown():
    take = standing([np.full(FRAMES, 100.0), np.full(FRAMES, 800.0)])
    person = take.people["person-1"]
    observed = np.arange(FRAMES) >= 20
    doubtful = replace(take.people["person-2"].keypoints2d, confidence=np.full((FRAMES, 33), 0.3))
    take = replace(
        take,
        people={
            "person-1": replace(person, observed=observed),
            "person-2": replace(take.people["person-2"], keypoints2d=doubtful),
        },
    )
    prompts = choose_prompts(take, 0, 29)
    assert set(prompts) == {"person-1"}
    assert [p.frame for p in prompts["person-1"]] == [20]
    assert choose_prompts(take, 0, 9) == {}
