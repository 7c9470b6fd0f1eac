"""What the engine says of the machine: GPUs and threads."""

import sys

import pytest

import engine as torch


def test_without_a_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0 and torch.cuda.memory_allocated() == 0
    for ask in (torch.cuda.synchronize, torch.cuda.get_device_name, torch.cuda.current_device):
        with pytest.raises(RuntimeError, match="no CUDA"):
            ask()
    with pytest.raises(AttributeError, match="did you mean 'current_device'"):
        torch.cuda.current_devise()


def test_with_a_gpu(strict_cupy):
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1 and torch.cuda.current_device() == 0
    assert torch.cuda.get_device_name() == torch.cuda.get_device_name("cuda:0") == "Stand-in"
    assert torch.cuda.memory_allocated(0) == 4096
    torch.cuda.synchronize()
    with pytest.raises(RuntimeError, match="invalid device ordinal: got cuda:3"):
        torch.cuda.get_device_name(3)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.synchronize("cpu")


def test_tensors_of_one_value_are_made_where_they_are_asked_for(strict_cupy, monkeypatch):
    """No detour through main memory."""
    monkeypatch.delattr(strict_cupy, "asarray")
    assert torch.zeros(2, device="cuda").tolist() == [0, 0]
    assert torch.full_like(torch.ones(2, device="cuda"), 3).tolist() == [3, 3]


def test_threads():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="comes with scikit-learn")
    with threadpoolctl.threadpool_limits():  # puts the numbers back afterwards
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
    for number in (0, 1.5):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            torch.set_num_threads(number)


def test_threads_without_threadpoolctl(monkeypatch):
    monkeypatch.setattr(sys.modules["engine.threads"], "_kept", [])
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(RuntimeError, match="pip install threadpoolctl"):
        torch.get_num_threads()
