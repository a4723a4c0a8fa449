"""How many threads do what."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mocap.avatar.threads import one_thread, tile_threads


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_tiles_have_the_threads_that_pytorch_had(three_threads):
    assert tile_threads() == 3
    with one_thread():
        assert (torch.get_num_threads(), tile_threads()) == (1, 3)
        with one_thread():
            assert (torch.get_num_threads(), tile_threads()) == (1, 3)
        assert (torch.get_num_threads(), tile_threads()) == (1, 3)
    assert (torch.get_num_threads(), tile_threads()) == (3, 3)


def test_after_an_error_all_is_as_it_was(three_threads):
    with pytest.raises(KeyboardInterrupt), one_thread():
        raise KeyboardInterrupt
    assert (torch.get_num_threads(), tile_threads()) == (3, 3)


def started(function: Callable[[], object]) -> object:
    """What a function returns in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_threads_that_are_started_within_draw_one_tile_each(three_threads):
    with one_thread():
        assert started(tile_threads) == 1
    assert started(tile_threads) == 3


def test_two_at_once_give_back_what_was_there_before_either(three_threads):
    entered, left = threading.Event(), threading.Event()

    def first() -> tuple[int, int]:
        with one_thread():
            second = pool.submit(second_of_them)
            assert entered.wait(60)
        left.set()
        within, after = second.result()
        assert within == (1, 3)
        return torch.get_num_threads(), after

    def second_of_them() -> tuple[tuple[int, int], int]:
        with one_thread():
            entered.set()
            assert left.wait(60)
            within = torch.get_num_threads(), tile_threads()
        return within, torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        assert pool.submit(first).result() == (3, 3)
    assert started(torch.get_num_threads) == 3
