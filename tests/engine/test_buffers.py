"""Memory that is used again: never while somebody looks at it, and never more of it than is allowed."""

import threading

import numpy as np

from engine import buffers


def big(device_array, rows=300):
    return buffers.empty((rows, 300), device_array)


def like(device):
    import engine

    return engine.zeros(1, device=device).array


def test_arrays_are_what_was_asked_for(device):
    """Shape, type and device; small ones too."""
    for shape in ((300, 300), (2, 3), (), (0, 5)):
        found = buffers.empty(shape, like(device))
        assert found.shape == shape and found.dtype == np.float32 and type(found) is type(like(device))
        assert found.flags.c_contiguous


def test_memory_is_kept_while_a_view_is_there():
    """The view's elements stay as they are, whatever is made meanwhile; afterwards the memory serves again."""
    buffers._waiting.clear()
    first = big(np.zeros(1, np.float32))
    first[...] = 3
    view, place = first.T[5:], first.ctypes.data
    del first
    others = [big(np.zeros(1, np.float32)) for _ in range(3)]
    for each in others:
        each[...] = 7
    assert (view == 3).all() and not buffers._waiting
    del view
    assert big(np.zeros(1, np.float32)).ctypes.data == place


def test_what_waits_is_bounded(monkeypatch):
    """Beyond MOST bytes all is let go."""
    monkeypatch.setattr(buffers, "MOST", 1 << 20)
    buffers._waiting.clear()
    for rows in range(300, 1200, 10):
        big(np.zeros(1, np.float32), rows)
        assert sum(size * len(blocks) for size, blocks in buffers._waiting.items()) <= max(1 << 20, rows * 1500)
    buffers._waiting.clear()


def test_threads_share_it_without_sharing_memory():
    """Each thread finds in its arrays what it wrote there."""
    wrong = []

    def work(number):
        for _ in range(200):
            mine = big(np.zeros(1, np.float32))
            mine[...] = number
            if not (mine == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
