"""How many threads do what."""

import threading

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


def test_others_are_not_told(three_threads):
    found = []
    with one_thread():
        other = threading.Thread(target=lambda: found.append(tile_threads()))
        other.start()
        other.join()
    assert found[0] in (1, 3)
