"""Indices out of range: refused at once on the CPU; on a GPU when a value comes to the host, and never later."""

import io

import pytest

import engine as torch
from engine import bounds

F = torch.nn.functional


@pytest.fixture(autouse=True)
def late(strict_cupy, monkeypatch):
    """The stand-in tells of mistakes as late as a real GPU."""
    monkeypatch.delenv("CUDA_LAUNCH_BLOCKING")
    yield
    bounds.waiting.clear()


def rows_of(indices, device):
    weight = torch.ones(4, 2, device=device)
    return F.embedding(torch.tensor(indices, device=device), weight)


LOOKS = {
    "item": lambda found: found.sum().item(),
    "tolist": lambda found: found.tolist(),
    "float": lambda found: float(found.sum()),
    "bool": lambda found: bool(found.sum() > 0),
    "int": lambda found: int(found.sum()),
    "cpu": lambda found: found.cpu(),
    "repr": repr,
    "save": lambda found: torch.save(found, io.BytesIO()),
    "synchronize": lambda found: torch.cuda.synchronize(),
}


@pytest.mark.parametrize("look", LOOKS)
def test_nobody_sees_what_came_of_a_wrong_index(look, strict_cupy):
    """The error names the index and the line that used it, and is told once."""
    found = rows_of([0, 4], "cuda")
    words = r"index 4 is out of bounds for dimension 0 with size 4 \(asked for at .*test_bounds.py:\d+"
    with pytest.raises(IndexError, match=words):
        LOOKS[look](found)
    assert found.shape == (2, 2) and not bounds.waiting


@pytest.mark.parametrize("wrong", [
    lambda device: rows_of([-1], device),
    lambda device: torch.ones(3, device=device)[torch.tensor([3], device=device)],
    lambda device: torch.ones(3, device=device).index_select(0, torch.tensor([3], device=device)),
    lambda device: F.cross_entropy(torch.ones(2, 3, device=device), torch.tensor([0, 3], device=device)),
    lambda device: F.nll_loss(torch.ones(2, 3, device=device), torch.tensor([0, -1], device=device)),
], ids=["embedding", "getitem", "index_select", "cross_entropy", "nll_loss"])
def test_what_is_wrong_is_told(wrong, strict_cupy, monkeypatch):
    """Late on the GPU; at once on the CPU, and on the GPU with CUDA_LAUNCH_BLOCKING=1."""
    result = wrong("cuda")
    with pytest.raises(IndexError, match="out of bounds"):
        result.tolist()
    with pytest.raises(IndexError, match="out of bounds"):
        wrong("cpu")
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    with pytest.raises(IndexError, match="out of bounds"):
        wrong("cuda")


def test_right_indices_leave_nothing_behind(strict_cupy):
    """A check is forgotten once it was looked at; and without anyone looking, no more than MOST_OPEN are kept."""
    assert rows_of([0, 3], "cuda").sum().item() == 4
    assert not bounds.waiting
    for _ in range(bounds.MOST_OPEN + 5):
        rows_of([1], "cuda")
    assert 0 < len(bounds.waiting) <= bounds.MOST_OPEN


def test_a_class_that_is_ignored_may_be_any_number(strict_cupy):
    logits = torch.zeros(3, 2, device="cuda")
    loss = F.cross_entropy(logits, torch.tensor([0, -100, 1], device="cuda"))
    assert loss.item() == pytest.approx(0.6931472)
