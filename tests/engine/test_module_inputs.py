"""PyTorch's own module inputs give the same here: text, state, outputs, gradients, buffers, kinds of error."""

import modinfo
import numpy as np
import pytest

import engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database():
    """PyTorch's database, loaded when a test of this file is really run."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    return modinfo.database()


# Base classes and containers, which test_modules.py puts through programs.
CONTAINERS = "Module ModuleDict ModuleList ParameterDict ParameterList RNNBase RNNCellBase Sequential".split()


def test_every_module_is_compared(database):
    """With PyTorch's samples where it keeps some, else with our own."""
    names = set(modinfo.public_names())
    assert names - set(database) - set(modinfo.OWN) == set(CONTAINERS)
    assert set(modinfo.OWN) <= names - set(database)


@pytest.mark.parametrize("name", [name for name in modinfo.public_names() if name not in CONTAINERS])
def test_modules_agree(name, database, strict_cupy):
    """Every sample, in training and evaluation mode; but for the differences in modinfo.KNOWN."""
    report = modinfo.compare(name)
    assert report.calls
    left = modinfo.unknown(report)
    assert not left, f"{len(left)} of {report.calls} calls differ from torch:\n" + "\n".join(left[:20])
    idle = modinfo.unnecessary(report)
    assert not idle, f"no difference needs these entries any more: {idle}"


def test_every_known_difference_is_of_a_module_that_exists():
    """Otherwise nothing would ever tell that an entry has become unnecessary."""
    assert {name for known in modinfo.KNOWN for name in known.names.split()} <= set(modinfo.public_names())


class _Spoilt(engine.nn.Linear):
    """A Linear that does one thing wrong."""

    how = ""

    def forward(self, input):
        weight = self.weight.detach() + 0 * self.weight if self.how == "gradient" else self.weight
        result = input @ weight.T + (0 if self.bias is None else self.bias)
        return {"values": result * 1.001, "shape": result[None], "dtype": result.half()}.get(self.how, result)

    def state_dict(self, *arguments, **keywords):
        state = super().state_dict(*arguments, **keywords)
        if self.how == "state dict":
            state["extra"] = self.weight
        return state

    def __repr__(self):
        return "Line()" if self.how == "text" else super().__repr__().replace("_Spoilt", "Linear")


@pytest.mark.parametrize("what", ["values", "shape", "dtype", "gradient", "state dict", "text", ""])
def test_the_comparison_sees_what_is_wrong(what, database, strict_cupy, monkeypatch):
    """Each kind of difference is noticed when our module is spoilt, and none when it is not."""
    monkeypatch.setattr(engine.nn, "Linear", _Spoilt)
    monkeypatch.setattr(_Spoilt, "how", what)
    found = modinfo.compare("Linear").differences
    assert all(what in each for each in found) and bool(found) == bool(what)


# ---- what is drawn ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, shape", [("Dropout", (300, 200)), ("Dropout1d", (300, 200, 4)), ("Dropout2d", (300, 200, 2, 2))]
)
def test_dropout_zeroes_and_scales(name, shape, strict_cupy):
    """In training mode the part p of all elements (or whole channels) is 0 and the rest 1 / (1 - p); else none is."""
    engine.manual_seed(0)
    layer = getattr(engine.nn, name)(0.3)
    for device in modinfo.DEVICES:
        ones = engine.ones(*shape, device=device)
        channels = layer(ones).cpu().numpy().reshape(300, 200, -1)
        assert (channels == channels[:, :, :1]).all()
        np.testing.assert_allclose(np.unique(channels), [0, 1 / 0.7], rtol=1e-6)
        assert abs((channels == 0).mean() - 0.3) < 4 * (0.21 / 60000) ** 0.5
        layer.eval()
        assert engine.equal(layer(ones), ones)
        layer.train()
