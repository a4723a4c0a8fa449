"""Pixels dealt out: to whoever claims them most, and to one only."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mocap.masks.dealing import Claim, deal_out, score


def square(x0: int, x1: int, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[10:30, x0:x1] = True
    return mask


@given(st.integers(0, 2**32 - 1))
def test_no_pixel_is_shared_and_the_highest_has_it(seed):
    rng = np.random.default_rng(seed)
    claims, whole = {}, {}
    for name in ("a", "b", "c"):
        x, y, wide, tall = rng.integers(0, 10, 4)
        claims[name] = Claim(int(x), int(y), rng.normal(size=(tall, wide)))
        whole[name] = np.zeros((20, 20))
        whole[name][y : y + tall, x : x + wide] = claims[name].score
    dealt = deal_out(claims, 20, 20)
    assert np.sum(list(dealt.values()), axis=0).max() <= 1
    best = np.max(list(whole.values()), axis=0)
    for name, mask in dealt.items():
        assert np.array_equal(mask, (whole[name] == best) & (best > 0))


def test_crumbs_are_nobodys():
    claimed = np.where(square(5, 35), 3.0, -3.0)
    claimed[2, 2] = 3.0
    dealt = deal_out({"a": Claim(0, 0, claimed)}, 40, 40)
    assert np.array_equal(dealt["a"], square(5, 35))


def test_a_body_alone_is_its_silhouette():
    seen = square(10, 30)
    assert np.array_equal(score(None, seen, 100.0) > 0, seen)


def test_a_segmenter_is_heard_near_the_body_only():
    sure = np.full((40, 40), 1.0)
    claimed = score(sure, square(18, 22), 50.0) > 0
    # 0.15 m are 7.5 pixels.
    assert claimed[20, 18 - 7 : 22 + 7].all()
    assert not claimed[20, :10].any()
    assert not claimed[20, 30:].any()
    doubted = score(sure, square(18, 22), 50.0, believed=False) > 0
    assert doubted[20].all()


def test_a_tree_before_somebody_is_not_the_person():
    seen, sure = square(5, 35), square(5, 20).astype(float)
    claimed = score(sure, seen, 100.0) > 0
    assert claimed[20, 6:19].all()
    assert not claimed[20, 21:].any()


def test_who_is_seen_has_what_a_segmenter_gives_to_both():
    """Of two who touch a segmenter may make one; the bodies tell them apart."""
    one, other = square(5, 20), square(20, 35)
    both = (one | other).astype(float)
    claims = {
        "one": Claim(0, 0, score(both, one, 100.0)),
        "other": Claim(0, 0, score(both, other, 100.0)),
    }
    dealt = deal_out(claims, 40, 40)
    assert np.array_equal(dealt["one"], one)
    assert np.array_equal(dealt["other"], other)


def test_nothing_seen_is_nothing_claimed():
    assert not (score(np.ones((40, 40)), np.zeros((40, 40), bool), 100.0) > 0).any()
