import numpy as np
import pytest

from .scripted import BLUE, GREEN, RED, Scout, centre, film


@pytest.mark.parametrize("where", [(300.0, 150.0), (301.3, 152.8), (60.0, 100.0)])
def test_the_scout_finds_an_actor_in_any_crop(where):
    (frame,) = film(1, (RED, [where]))
    for image, offset in (
        (frame.image, (0, 0)),
        (frame.image[40:, 20:], (20, 40)),
        (frame.image[: round(where[1]) + 40], (0, 0)),
    ):
        (found,) = Scout(RED).detect(image)
        np.testing.assert_allclose(centre(found) + offset, where, atol=2.5)


def test_the_scout_sees_who_is_in_front():
    (frame,) = film(1, (BLUE, [(300.0, 150.0)]), (GREEN, [(310.0, 150.0)]))
    (found,) = Scout(BLUE, GREEN).detect(frame.image)
    np.testing.assert_allclose(centre(found), (310, 150), atol=2.5)
    assert Scout(BLUE).detect(frame.image) == []
    assert len(Scout(BLUE, GREEN, share=0.05).detect(frame.image)) == 2
