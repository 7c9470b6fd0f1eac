"""autocast casts what PyTorch's casts: on its own inputs for the CPU; for GPUs as its imaginary tensors say. Learning in
bfloat16 takes the same course, and GradScaler the same decisions."""

import contextlib
import warnings

import numpy as np
import opinfo
import pytest

import engine
from engine.amp.policies import POLICIES

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16 without it: pip install ml_dtypes")


def types(result):
    if hasattr(result, "dtype"):
        return str(result.dtype)
    return [types(each) for each in result] if isinstance(result, (tuple, list)) else type(result).__name__


def outcome(library, function, arguments, keywords, on=True):
    """The types of the results under autocast on the CPU; None where it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            with library.autocast("cpu", enabled=on):
                return types(function(*arguments, **keywords))
        except Exception:  # which one is compared in test_opinfo.py
            return None


def calls(name):
    """(way, PyTorch's arguments, keywords, ours, ours) of each call on floats that both libraries know."""
    for info in opinfo.database().get(name, ()):
        for dtype in (torch.float32, torch.bfloat16):
            if dtype not in info.supported_dtypes("cpu"):
                continue
            for sample in opinfo.drawn(lambda: info.sample_inputs("cpu", dtype), 4):  # noqa: B023 (called at once)
                theirs = [sample.input, *sample.args]
                with contextlib.suppress(opinfo.CannotConvert):
                    ours, keywords = opinfo.converted(theirs), opinfo.converted(sample.kwargs)
                    for way in opinfo.ways(name, info):
                        if way.label == "function" or (way.label == "method" and isinstance(sample.input, torch.Tensor)):
                            yield way, opinfo.written(name, info, sample), (theirs, sample.kwargs), (ours, keywords)


NOT_FUNCTIONS = {"bfloat16", "bool", "double", "float", "half", "int", "long"}  # types here as there
WITHOUT_A_NAME_HERE = "mode='area'"  # of volumes: adaptive_avg_pool3d, which PyTorch lists and the engine has not


@pytest.mark.parametrize("name", [name for name in opinfo.public_names() if name not in NOT_FUNCTIONS])
def test_results_have_torch_s_types(name):
    """On the CPU, for each function that PyTorch keeps inputs for, listed or not."""
    for way, written, theirs, ours in calls(name):
        if WITHOUT_A_NAME_HERE in written:
            continue
        expected = outcome(torch, way.theirs, *theirs)
        found = outcome(engine, way.ours, *ours)
        if expected is not None and (found is not None or outcome(engine, way.ours, *ours, on=False) is not None):
            assert found == expected, f"[{way.label}] {written}"


# Lines for GPUs: x is float32, h float16, both (3, 3). Some products PyTorch cannot imagine without a GPU.
LINES = """
x @ h | t.mm(x, x) | t.addmm(x, x, x)
t.einsum('ij->ji', x) | t.einsum('ij,jk', x, x) | t.linalg.multi_dot([x, x, x]) | t.inner(x, x) | t.kron(x, h)
F.linear(x, x) | F.scaled_dot_product_attention(x, x, x) | t.linalg.vecdot(x, x)
h.exp() | h.expm1() | h.log() | h.log2() | h.log10() | h.log1p() | h.acos() | h.asin() | h.cosh() | h.sinh() | h.tan() | h.sin() | h.tanh()
h.reciprocal() | h.rsqrt() | h.sqrt() | h ** 2 | 2 ** h | h ** h | h.square() | h.sigmoid() | F.gelu(h) | F.softplus(h) | F.logsigmoid(h) | h.relu()
h.sum() | h.sum(0) | h.sum(dtype=t.float16) | h.prod() | h.cumsum(0) | h.cumprod(0) | h.mean() | h.std() | h.var() | h.amax() | h.logsumexp(0)
t.softmax(h, 0) | t.softmax(h, 0, dtype=t.float16) | t.log_softmax(h, 0) | F.softmin(h, 0) | F.softmax(h, 0) | F.log_softmax(h, 0)
t.norm(h) | h.norm() | t.linalg.vector_norm(h) | t.linalg.norm(h) | F.normalize(h) | F.cosine_similarity(h, h) | F.pairwise_distance(h, h)
F.layer_norm(h, (3,)) | F.group_norm(h, 1) | F.rms_norm(h, (3,)) | F.batch_norm(h, None, None, training=True)
F.mse_loss(h, h) | F.l1_loss(h, h) | F.smooth_l1_loss(h, h) | F.huber_loss(h, h) | F.kl_div(h, h) | F.binary_cross_entropy_with_logits(h, h)
t.addcmul(x, h, h) | t.addcdiv(h, h, h) | t.atan2(x, h) | t.tensordot(x, h, 1) | t.cat([x, h]) | t.cat([h, h]) | t.stack([h, h]) | x + h | h * h
x.double() @ x.double() | x.double().exp() | h.double().sum() | (x > 0).sum() | t.where(x > 0, x, h)
"""  # noqa: E501


def test_on_gpus_results_have_torch_s_types(strict_cupy):
    """PyTorch says the types for imaginary tensors on a GPU, which there need not be."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    lines = [line for row in LINES.split("\n") for line in row.split(" | ") if line]
    before = torch.is_autocast_enabled("cuda")
    torch.set_autocast_enabled("cuda", True)
    try:
        with FakeTensorMode():
            expected = {line: results_of(line, torch) for line in lines}
    finally:
        torch.set_autocast_enabled("cuda", before)
    with engine.autocast("cuda"):
        found = {line: results_of(line, engine) for line in lines}
    assert found == expected


def results_of(line, library):
    x = library.ones(3, 3, device="cuda")
    names = {"t": library, "F": library.nn.functional, "x": x, "h": x.half()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(eval(line, names).dtype)  # noqa: S307 (the lines above)


# Listed under another name here, or a part of a function that is listed.
OTHER_NAMES = {"cross_entropy_loss": "cross_entropy", "linalg_svdvals": "svdvals", "norm": "norm"}


@pytest.mark.parametrize("device", POLICIES)
def test_no_function_is_missing_from_the_lists(device):
    """Every name for which PyTorch registers an autocast kernel and that the engine has is on ours."""
    key = {"cpu": "AutocastCPU", "cuda": "AutocastCUDA"}[device]
    registered = {
        name.removeprefix("aten::").split(".")[0] for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("aten::") and torch._C._dispatch_has_kernel_for_dispatch_key(name, key)}
    names = {OTHER_NAMES.get(each, each.removeprefix("linalg_")) for each in registered}
    public = {name.split(".")[-1] for name in opinfo.public_names()}
    assert len(names & public) > 30
    assert names & public <= set(POLICIES[device])


# ---- learning -----------------------------------------------------------------------------------------


def test_gradients_and_curves_in_bfloat16():
    """The same layers under autocast: float32 gradients, and losses equal to within bfloat16's 8 bits."""
    source = np.random.default_rng(0)
    data, target = source.standard_normal((32, 8)).astype("f"), source.integers(0, 4, 32)
    first, curves = None, {}
    torch.manual_seed(0)
    for library in (torch, engine):
        nn = library.nn
        net = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 4))
        first = first or {name: each.numpy().copy() for name, each in net.state_dict().items()}
        net.load_state_dict({name: library.tensor(each) for name, each in first.items()})
        optimizer, losses = library.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), []
        for _ in range(30):
            optimizer.zero_grad()
            with library.autocast("cpu", dtype=library.bfloat16):
                logits = net(library.tensor(data))
                loss = nn.functional.cross_entropy(logits, library.tensor(target))
            assert logits.dtype is library.bfloat16 and loss.dtype is library.float32
            loss.backward()
            assert all(each.grad.dtype is library.float32 for each in net.parameters())
            optimizer.step()
            losses.append(loss.item())
        curves[library] = np.array(losses)
    np.testing.assert_allclose(curves[engine], curves[torch], rtol=2**-8 * 4, atol=2**-8)
    assert curves[torch][-1] < curves[torch][0] / 4


def has_bfloat16_lstm():
    """Whether PyTorch's own LSTM runs under autocast on this processor: oneDNN has none in bfloat16 for older ones."""
    try:
        with torch.autocast("cpu"):
            torch.nn.LSTM(4, 3)(torch.ones(5, 2, 4))
    except RuntimeError as error:
        if "primitive descriptor" not in str(error):
            raise
        return False
    return True


@pytest.mark.skipif(not has_bfloat16_lstm(), reason="PyTorch itself has no LSTM in bfloat16 for this processor")
def test_recurrent_layers_and_attention():
    """What comes out of them has PyTorch's type, also for inputs that are lower already."""
    for library, seen in ((torch, theirs := []), (engine, ours := [])):
        nn, x = library.nn, library.ones(5, 2, 4)
        with library.autocast("cpu"):
            for layer in (nn.RNN(4, 3), nn.LSTM(4, 3), nn.GRU(4, 3), nn.LSTM(4, 3, proj_size=2), nn.MultiheadAttention(4, 2)):
                for each in (x, x.bfloat16()):
                    seen.append(types(layer(*[each] * (3 if isinstance(layer, nn.MultiheadAttention) else 1))))
            for cell in (nn.RNNCell(4, 3), nn.LSTMCell(4, 3), nn.GRUCell(4, 3)):
                seen += [types(cell(each)) for each in (x[0], x[0].bfloat16())]
            seen += [types(nn.TransformerEncoderLayer(4, 2, 8)(x)), types(nn.TransformerDecoderLayer(4, 2, 8)(x, x))]
    assert ours == theirs


# ---- GradScaler ---------------------------------------------------------------------------------------

OPTIONS = {"init_scale": 64.0, "growth_factor": 4.0, "backoff_factor": 0.25, "growth_interval": 3}


def scaled_run(library, seed):
    """Everything that can be seen of 40 steps of two optimizers, some with gradients that are not finite."""
    source, log = np.random.default_rng(seed), []
    parameters = [library.tensor([1.0, -2.0], requires_grad=True), library.tensor([3.0], requires_grad=True)]
    optimizers = [library.optim.SGD([each], lr=0.1) for each in parameters]
    scaler = library.amp.GradScaler("cpu", **OPTIONS)
    for step in range(40):
        factors = source.choice([1.0, 0.5, 1.0, 2.0, np.inf, np.nan], 2, p=[0.3, 0.2, 0.2, 0.2, 0.05, 0.05]).tolist()
        losses = [(each * each).sum() * factor for each, factor in zip(parameters, factors)]
        for each in parameters:
            each.grad = None
        for loss in scaler.scale(losses):
            loss.backward()
        if source.random() < 0.5:
            scaler.unscale_(optimizers[0])
            log.append(parameters[0].grad.tolist())
        log += [scaler.step(each) for each in optimizers]
        scaler.update(*([float(source.integers(1, 100))] if source.random() < 0.1 else []))
        log.append((scaler.get_scale(), *[each.tolist() for each in parameters]))
        if step == 20:
            state = scaler.state_dict()
            scaler = library.amp.GradScaler("cpu")
            scaler.load_state_dict(state)
            log.append(state)
    return log


@pytest.mark.parametrize("seed", range(5))
def test_the_scaler_decides_as_torch_s(seed):
    ours, theirs = scaled_run(engine, seed), scaled_run(torch, seed)
    assert [type(each) for each in ours] == [type(each) for each in theirs]
    assert [each[0] for each in ours if isinstance(each, tuple)] == [each[0] for each in theirs if isinstance(each, tuple)]
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-4)
    assert "nan" in str(theirs) or "inf" in str(theirs)


def numbers(log):
    if isinstance(log, (list, tuple, dict)):
        return [each for part in (log.values() if isinstance(log, dict) else log) for each in numbers(part)]
    return [-1.0 if log is None else log]


MISTAKES = {
    "growth factor": lambda t: t.amp.GradScaler("cpu", growth_factor=1.0),
    "backoff factor": lambda t: t.amp.GradScaler("cpu", backoff_factor=1.5),
    "halves": lambda t: scaled_once(t, t.ones(2, dtype=t.float16, requires_grad=True)),
    "no gradients": lambda t: scaled_once(t, t.ones(2, requires_grad=True), with_loss=t.ones(1)),
    "no losses": lambda t: t.amp.GradScaler("cpu").scale(3),
    "an empty state": lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
    "update before step": lambda t: (scaler := t.amp.GradScaler("cpu"), scaler.scale(t.ones(1)), scaler.update()),
    "two scales": lambda t: (scaler := t.amp.GradScaler("cpu"), scaler.scale(t.ones(1)), scaler.update(t.ones(2))),
    "no device": lambda t: t.autocast(None),
    "a number": lambda t: t.autocast("cpu")(3),
}


def scaled_once(library, parameter, with_loss=None):
    scaler, optimizer = library.amp.GradScaler("cpu"), library.optim.SGD([parameter], lr=0.1)
    if with_loss is None:
        scaler.scale(parameter.float().sum()).backward()
    else:
        scaler.scale(with_loss)
    scaler.step(optimizer)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_the_same(mistake):
    for library, seen in ((torch, theirs := []), (engine, ours := [])):
        try:
            seen.append(MISTAKES[mistake](library))
        except Exception as error:
            seen.append((type(error), str(error)[:28]))
    assert ours == theirs
