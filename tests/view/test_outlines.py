"""Outlines of people: where their masks end, in their colours."""

from dataclasses import replace

import numpy as np
from takes import make_take

from mocap.take import Masks, Take, run_lengths
from mocap.view.drawing import person_colour
from mocap.view.outlines import draw_outlines

HEIGHT, WIDTH = 720, 1280


def masked() -> Take:
    take = make_take(people=2, frames=2)
    people = {}
    for number, (name, person) in enumerate(take.people.items()):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[200:600, 200 + 500 * number : 400 + 500 * number] = True
        masks = Masks.of([run_lengths(mask), None], WIDTH, HEIGHT, "test")
        people[name] = replace(person, masks=masks)
    return replace(take, people=people)


def drawn(frame: int) -> np.ndarray:
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    draw_outlines(picture, masked(), frame)
    return picture


def test_outlines_run_along_the_masks():
    picture = drawn(0)
    for number in (0, 1):
        left = 200 + 500 * number
        for y, x in ((400, left), (400, left + 199), (599, left + 100)):
            # The line is anti-aliased: some of its halo shines through.
            assert np.abs(picture[y, x] - np.array(person_colour(number))).max() < 50
        tint = np.rint(0.75 * 128 + 0.25 * np.array(person_colour(number)))
        assert picture[400, left + 100].tolist() == tint.tolist()
    assert (picture[400, [150, 450, 650, 950]] == 128).all()


def test_nothing_is_drawn_where_nothing_is_known():
    assert (drawn(1) == 128).all()
    assert (drawn(2) == 128).all()
