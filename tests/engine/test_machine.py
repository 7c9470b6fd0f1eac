"""What the engine says of the machine: GPUs and threads."""

import sys

import pytest
import strict_cupy

import engine as torch
from engine.cuda import memory


def test_without_a_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0 and torch.cuda.memory_allocated() == 0
    for ask in (torch.cuda.synchronize, torch.cuda.get_device_name, torch.cuda.current_device):
        with pytest.raises(RuntimeError, match="no CUDA"):
            ask()
    with pytest.raises(AttributeError, match="did you mean 'current_device'"):
        torch.cuda.current_devise()
    cuda = torch.cuda
    assert cuda.memory_reserved() == cuda.max_memory_allocated() == 0 and not cuda.is_initialized()
    cuda.empty_cache(), cuda.reset_peak_memory_stats()
    for ask in (cuda.mem_get_info, cuda.get_device_properties, cuda.get_device_capability, lambda: cuda.set_device(0)):
        with pytest.raises(RuntimeError, match="no CUDA"):
            ask()
    with pytest.raises(RuntimeError, match="no CUDA"), cuda.device(0):
        pass
    cuda.set_device(-1)
    with cuda.device(-1), cuda.device(None):
        pass


def test_seeding_gpus_that_are_not_there_changes_nothing(monkeypatch):
    """Programs seed everything; on the CPU the draws must stay those of manual_seed."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    torch.manual_seed(0)
    expected = torch.rand(3).tolist()
    torch.manual_seed(0)
    torch.cuda.manual_seed(5)
    torch.cuda.manual_seed_all(5)
    assert torch.rand(3).tolist() == expected
    with pytest.raises(ValueError):
        torch.cuda.manual_seed("five")


def test_where_cupy_finds_no_gpu(monkeypatch):
    """cupy may be installed on a machine without one."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy.as_module(device_count=0))
    assert not torch.cuda.is_available()
    with pytest.raises(RuntimeError, match="no CUDA"):
        torch.zeros(1, device="cuda")


def test_with_a_gpu(strict_cupy):
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1 and torch.cuda.current_device() == 0
    assert torch.cuda.get_device_name() == torch.cuda.get_device_name("cuda:0") == "Stand-in"
    assert torch.cuda.memory_allocated(0) == 4096
    torch.cuda.synchronize()
    with pytest.raises(RuntimeError, match="invalid device ordinal: got cuda:3"):
        torch.cuda.get_device_name(3)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.synchronize("cpu")
    assert torch.cuda.get_device_capability() == (9, 0) and torch.cuda.memory_reserved() == 8192
    assert torch.cuda.get_device_properties(0).total_memory == 2**30
    assert torch.cuda.mem_get_info() == (2**29, 2**30)
    torch.cuda.manual_seed(5)
    first = torch.rand(3, device="cuda").tolist()
    torch.cuda.manual_seed_all(5)
    assert torch.rand(3, device="cuda").tolist() == first


def test_which_of_two_gpus(monkeypatch):
    """"cuda" is the one in use; a number says which."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy.as_module(device_count=2))
    assert torch.zeros(1, device="cuda").device == torch.device("cuda:0")
    with torch.cuda.device(1):
        assert torch.cuda.current_device() == 1
        made = [torch.zeros(1, device="cuda"), torch.tensor([1.0]).cuda(), torch.tensor([1.0], device="cuda")]
        assert [each.device.index for each in made] == [1, 1, 1]
        assert torch.zeros(1, device="cuda:0").device.index == 0
    assert torch.cuda.current_device() == 0
    torch.cuda.set_device("cuda:1")
    assert torch.cuda.current_device() == 1
    torch.cuda.set_device(torch.device("cuda", 0))
    assert torch.cuda.current_device() == 0
    with pytest.raises(RuntimeError, match="invalid device ordinal"), torch.cuda.device(2):
        pass
    with pytest.raises(ValueError, match="Expected a cuda device"):
        torch.cuda.device("cpu")


def test_the_most_memory_in_use(strict_cupy):
    """Counted from reset_peak_memory_stats on; before, the answer would be a guess."""
    cuda, hooks = torch.cuda, strict_cupy.cuda.MemoryHook.entered
    with pytest.raises(RuntimeError, match="reset_peak_memory_stats"):
        cuda.max_memory_allocated()
    cuda.reset_peak_memory_stats()
    try:
        assert cuda.max_memory_allocated() == cuda.memory_allocated() == 4096
        for name, size in (("malloc", 1024), ("malloc", 512), ("free", 1024), ("malloc", 512)):
            for hook in hooks:
                getattr(hook, f"{name}_postprocess")(device_id=0, size=1, mem_size=size, mem_ptr=0, pmem_id=0)
        assert cuda.max_memory_allocated() == 4096 + 1536
        cuda.reset_peak_memory_stats()
        assert cuda.max_memory_allocated() == 4096 and len(hooks) == 1
    finally:
        memory.most.clear()
        del memory._watching.hook
        hooks.clear()


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
