"""What is saved comes back as it was, and no file, however it came about, does anything but load or raise one clear error."""

import collections
import io
import json
import math
import pathlib
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import nn

# ---- round trips --------------------------------------------------------------------------------------


def through(obj, **how):
    """obj, saved and loaded again."""
    file = io.BytesIO()
    engine.save(obj, file)
    file.seek(0)
    return engine.load(file, **how)


def same(a, b):
    """Whether both are alike: in type, in what they hold, and in the order of dicts."""
    if type(a) is not type(b):
        return False
    if isinstance(a, engine.Tensor):
        return a.dtype is b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad and a.tolist() == b.tolist()
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=8),
    st.complex_numbers(allow_nan=False),
    st.sampled_from([engine.float16, engine.bool, engine.device("cpu"), engine.device("cuda:1"), engine.Size([2, 0])]))
keys = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.tuples(st.integers(), st.text(max_size=3)))
tensors = st.builds(
    lambda shape, dtype, grad: engine.tensor(np.arange(math.prod(shape)).reshape(shape), dtype=getattr(engine, dtype)).requires_grad_(
        grad and dtype.startswith(("float", "complex"))),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from("float16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 complex128".split()), st.booleans())
nests = st.recursive(
    st.one_of(scalars, tensors),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3).map(collections.OrderedDict)),
    max_leaves=12)


@settings(deadline=None, max_examples=150)
@given(nests)
def test_everything_comes_back_as_it_was(obj):
    """Types, the order of dicts, infinities and NaN included."""
    assert same(through(obj), obj)


def test_a_model_and_its_optimizer_go_on_where_they_stopped(tmp_path, device):
    """The usual checkpoint, written to a path."""
    engine.manual_seed(0)
    x = engine.randn(8, 3).to(device)

    def made():
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1)).to(device)
        return model, engine.optim.Adam(model.parameters(), lr=0.1)

    def step(model, optimizer):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    model, optimizer = made()
    step(model, optimizer)
    engine.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1}, tmp_path / "checkpoint.pt")
    other, other_optimizer = made()
    loaded = engine.load(tmp_path / "checkpoint.pt")
    other.load_state_dict(loaded["model"])
    other_optimizer.load_state_dict(loaded["optimizer"])
    assert loaded["epoch"] == 1
    assert [step(model, optimizer) for _ in range(3)] == [step(other, other_optimizer) for _ in range(3)]
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_the_same_memory_is_the_same_memory_again():
    """Tied weights stay tied."""
    weight = nn.Parameter(engine.ones(2, 2))
    loaded = through({"embedding": weight, "output": weight, "copy": weight.detach().clone()})
    assert isinstance(loaded["embedding"], nn.Parameter) and loaded["embedding"].requires_grad
    with engine.no_grad():
        loaded["embedding"][0, 0] = 5
    assert loaded["output"][0, 0] == 5 and loaded["copy"][0, 0] == 1


def test_views_are_saved_as_what_they_show():
    """Transposed and strided ones, without the memory around them."""
    whole = engine.arange(1000.0)
    file = io.BytesIO()
    engine.save([whole[::100], whole.reshape(10, 100).T[:2, :2]], file)
    assert len(file.getvalue()) < 2000
    assert same(through([whole[::100], whole.reshape(10, 100).T[:2, :2]]), [whole[::100].clone(), whole.reshape(10, 100).T[:2, :2].clone()])


def test_bfloat16_is_kept_to_the_bit():
    pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16: pip install ml_dtypes")
    x = engine.tensor([1.0, 3.140625, float("inf")], dtype=engine.bfloat16)
    assert same(through(x), x)


def test_map_location_says_where_tensors_go(strict_cupy):
    x = {"w": engine.ones(2, device="cuda")}
    assert through(x)["w"].device == engine.device("cuda:0")
    for location in ("cpu", engine.device("cpu"), {"cuda:0": "cpu"}, lambda tensor, saved_on: tensor.cpu()):
        assert through(x, map_location=location)["w"].device == engine.device("cpu")
    assert through(engine.ones(2), map_location="cuda:0").is_cuda
    assert through(x, map_location=lambda tensor, saved_on: None)["w"].device == engine.device("cpu")


def test_what_was_on_a_gpu_says_what_to_do_without_one(request, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        import strict_cupy as stand_in

        for name, each in {"cupy": stand_in.as_module(), **stand_in.as_cupyx()}.items():
            patch.setitem(__import__("sys").modules, name, each)
        engine.save(engine.ones(2, device="cuda"), tmp_path / "w.pt")
    with pytest.raises(RuntimeError, match="saved on cuda:0.*map_location='cpu'"):
        engine.load(tmp_path / "w.pt")
    assert engine.load(tmp_path / "w.pt", map_location="cpu").tolist() == [1, 1]


# ---- what cannot be saved -----------------------------------------------------------------------------


@pytest.mark.parametrize("obj, where, what", [
    ({"layers": [1, {"hook": print}]}, r"obj\['layers'\]\[1\]\['hook'\]", "builtin_function"),
    ([{1, 2}], r"obj\[0\]", "set"),
    ({"model": nn.Linear(2, 2)}, r"obj\['model'\]", "Linear"),
    ({b"key": 1}, "obj", "bytes"),
    (np.ones(3), "obj", "ndarray")])
def test_what_cannot_be_saved_is_named(obj, where, what, tmp_path):
    """With its place; and nothing is written."""
    with pytest.raises(TypeError, match=f"{where} (is|has).*{what}"):
        engine.save(obj, tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


def test_a_tensor_with_a_history_is_refused():
    with pytest.raises(RuntimeError, match=r"obj\['y'\].*detach"):
        engine.save({"y": engine.ones(2, requires_grad=True) * 2}, io.BytesIO())


def test_what_contains_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        engine.save(loop, io.BytesIO())


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_a_full_disk_leaves_the_old_file(name, tmp_path, monkeypatch):
    engine.save({"w": engine.ones(2)}, tmp_path / name)
    before = (tmp_path / name).read_bytes()

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        engine.save({"w": engine.zeros(200)}, tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]


# ---- files that are not what save wrote -----------------------------------------------------------------


def saved_bytes():
    file = io.BytesIO()
    engine.save({"w": engine.arange(6.0).reshape(2, 3), "names": ["a", "b"], "n": 3}, file)
    return file.getvalue()


def refused(content, match=None):
    with pytest.raises(RuntimeError, match=match) as found:
        engine.load(io.BytesIO(content))
    assert str(found.value).startswith("load(): the file ")


def test_a_file_cut_off_anywhere_is_refused():
    whole = saved_bytes()
    for length in range(len(whole)):
        refused(whole[:length])


def test_a_byte_changed_anywhere_is_refused_or_changes_nothing():
    """There are checksums over the contents; the zip's own notes (dates, say) may change unseen."""
    whole = saved_bytes()
    expected = engine.load(io.BytesIO(whole))
    changed = 0
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 0x5A
        try:
            assert same(engine.load(io.BytesIO(bytes(content))), expected), position
        except RuntimeError as error:
            assert str(error).startswith("load(): the file ")
            changed += 1
    assert changed > len(whole) / 2


def archive(entries, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in entries:
            made.writestr(name, content)
    return file.getvalue()


def tensor_entry(header, numbers=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + numbers


def claim(contents):
    return json.dumps({"version": 1, "contents": contents})


TENSOR = ["tensor", {"array": 0, "dtype": "float32", "device": "cpu", "class": "Tensor", "requires_grad": False}]
HOSTILE = {
    "nothing": b"",
    "no contents": archive([("other.txt", "x")]),
    "contents that are no JSON": archive([("contents.json", "{")]),
    "an unknown kind": archive([("contents.json", claim(["system", "rm -rf /"]))]),
    "another version": archive([("contents.json", json.dumps({"version": 99, "contents": 1}))]),
    "an object": archive([("contents.json", claim({"a": 1}))]),
    "a bomb": archive([("contents.json", " " * 10**6)], zipfile.ZIP_DEFLATED),
    "twice the same name": archive([("contents.json", claim(1))]) and None,
    "nested without end": archive([("contents.json", '{"version": 1, "contents": ' + '["list", [' * 5000 + "]]" * 5000 + "}")]),
    "a tensor that is not there": archive([("contents.json", claim(TENSOR))]),
    "an array of objects": archive([
        ("contents.json", claim(TENSOR)),
        ("tensors/0.npy", tensor_entry("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04N."))]),
    "a huge array of nothing": archive([
        ("contents.json", claim(TENSOR)),
        ("tensors/0.npy", tensor_entry("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"))]),
    "a negative size": archive([
        ("contents.json", claim(TENSOR)),
        ("tensors/0.npy", tensor_entry("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"))]),
    "a header that is code": archive([
        ("contents.json", claim(TENSOR)), ("tensors/0.npy", tensor_entry("__import__('os').system('true')"))]),
    "another type": archive([
        ("contents.json", claim(TENSOR)),
        ("tensors/0.npy", tensor_entry("{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", b"1234"))]),
    "a path as a number": archive([("contents.json", claim(["tensor", {**TENSOR[1], "array": "../../etc/passwd"}]))]),
    "an unknown class": archive([
        ("contents.json", claim(["tensor", {**TENSOR[1], "class": "Module"}])),
        ("tensors/0.npy", tensor_entry("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", b"1234"))]),
    "a dict with a dict for a key": archive([("contents.json", claim(["dict", [[["dict", []], 1]]]))]),
    "a pickle": b"\x80\x02}q\x00.",
    "torch's file": archive([("archive/data.pkl", b"\x80\x02}q\x00.")]),
    "safetensors, header too long": (10**12).to_bytes(8, "little") + b"{}",
    "safetensors, no JSON": (4).to_bytes(8, "little") + b"{{{{",
    "safetensors, numbers missing": (80).to_bytes(8, "little") + b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'.ljust(80),
    "safetensors, overlapping": (160).to_bytes(8, "little") + (
        b'{"w": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, '
        b'"v": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}').ljust(160) + b"123",
    "safetensors, a hole": (80).to_bytes(8, "little") + b'{"w": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}'.ljust(80) + b"123",
    "safetensors, more than said": (80).to_bytes(8, "little") + b'{"w": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}'.ljust(80) + b"123",
    "safetensors, unknown type": (80).to_bytes(8, "little") + b'{"w": {"dtype": "F2", "shape": [2], "data_offsets": [0, 2]}}'.ljust(80) + b"12",
}
HOSTILE["twice the same name"] = saved_bytes().replace(b"tensors/0.npy", b"contents.json")


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_raise_one_clear_error(what):
    refused(HOSTILE[what])


@pytest.mark.parametrize("what", ["a pickle", "torch's file"])
def test_files_of_torch_say_what_to_do(what):
    refused(HOSTILE[what], "torch.save.*safetensors")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path / "no.pt")


def test_unsupported_ways_to_load_are_refused(tmp_path):
    with pytest.raises(NotImplementedError, match="mmap"):
        engine.load(io.BytesIO(saved_bytes()), mmap=True)
    with pytest.raises(TypeError, match="weights_only"):
        engine.load(io.BytesIO(saved_bytes()), weights_only="yes")


@pytest.mark.parametrize("nonsense", [None, 3.7, [], engine.ones(2)])
def test_what_is_no_file_is_refused_by_name(nonsense):
    """Not by what it lacks; and a wrong map_location does not make a good file a damaged one."""
    with pytest.raises(TypeError, match="load.*'f'"):
        engine.load(nonsense)
    with pytest.raises(TypeError, match="save.*'f'"):
        engine.save(engine.ones(2), nonsense)
    with pytest.raises(TypeError, match="'map_location'.*int"):
        engine.load(io.BytesIO(saved_bytes()), map_location=3)


# ---- safetensors ----------------------------------------------------------------------------------------


def example_tensors(library):
    made = {f"weights.{name}": library.arange(6).reshape(2, 3).to(getattr(library, name))
            for name in "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()}
    return {**made, "transposed": library.arange(6.0).reshape(2, 3).T, "scalar": library.tensor(2.5), "empty": library.zeros(0, 3)}


def test_safetensors_come_back(tmp_path):
    pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16: pip install ml_dtypes")
    tensors = example_tensors(engine)
    engine.save(tensors, tmp_path / "x.safetensors")
    loaded = engine.load(tmp_path / "x.safetensors")
    assert list(loaded) == list(tensors) and all(same(loaded[name], tensors[name].clone()) for name in tensors)


@pytest.mark.parametrize("obj", [[1], {"a": 1}, {"a": {"b": engine.ones(2)}}, {1: engine.ones(2)}, {"a": engine.ones(2, dtype=engine.complex128)}])
def test_safetensors_hold_tensors_by_name_alone(obj, tmp_path):
    with pytest.raises(TypeError, match="safetensors"):
        engine.save(obj, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_torch_reads_our_files_and_we_read_torch_s(tmp_path):
    """Through the safetensors package; a layer with this state gives the same outputs on both sides."""
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    package = pytest.importorskip("safetensors.torch", reason="its reader is the oracle: pip install 'chainrule[parity]'")
    engine.save(example_tensors(engine), tmp_path / "ours.safetensors")
    theirs = package.load_file(tmp_path / "ours.safetensors")
    expected = example_tensors(torch)
    assert set(theirs) == set(expected)
    assert all(theirs[name].dtype == expected[name].dtype and torch.equal(theirs[name], expected[name]) for name in expected)
    package.save_file({name: each.contiguous() for name, each in expected.items()}, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    loaded = engine.load(tmp_path / "theirs.safetensors")
    assert all(loaded[name].tolist() == expected[name].tolist() for name in expected)
    layer, its = torch.nn.LSTM(3, 4, 2), nn.LSTM(3, 4, 2)
    package.save_file(layer.state_dict(), tmp_path / "lstm.safetensors")
    its.load_state_dict(engine.load(tmp_path / "lstm.safetensors"))
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype("f")
    np.testing.assert_allclose(its(engine.tensor(x))[0].detach().numpy(), layer(torch.tensor(x))[0].detach().numpy(), atol=1e-6)


# Every layer that keeps a state: how a library makes it, the shapes of its inputs.
LAYERS = {
    "Linear": (lambda nn: nn.Linear(3, 4), [(5, 3)]),
    "Bilinear": (lambda nn: nn.Bilinear(3, 4, 2), [(5, 3), (5, 4)]),
    "Embedding": (lambda nn: nn.Embedding(7, 3, padding_idx=0), ["indices"]),
    "PReLU": (lambda nn: nn.PReLU(3), [(2, 3, 4)]),
    "Conv1d": (lambda nn: nn.Conv1d(4, 6, 3, groups=2), [(2, 4, 7)]),
    "Conv2d": (lambda nn: nn.Conv2d(3, 4, 3, padding=1), [(2, 3, 6, 5)]),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(3, 4, 3, 2), [(2, 3, 5)]),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(3, 4, 3, bias=False), [(2, 3, 4, 4)]),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(3), [(4, 3)]),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(3), [(4, 3, 2, 2)]),
    "InstanceNorm1d": (lambda nn: nn.InstanceNorm1d(3, affine=True, track_running_stats=True), [(2, 3, 5)]),
    "InstanceNorm2d": (lambda nn: nn.InstanceNorm2d(3, affine=True), [(2, 3, 4, 4)]),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 4), [(2, 4, 3)]),
    "LayerNorm": (lambda nn: nn.LayerNorm((3, 4)), [(2, 3, 4)]),
    "RMSNorm": (lambda nn: nn.RMSNorm(4), [(2, 4)]),
    "RNNCell": (lambda nn: nn.RNNCell(3, 4), [(2, 3)]),
    "LSTMCell": (lambda nn: nn.LSTMCell(3, 4), [(2, 3)]),
    "GRUCell": (lambda nn: nn.GRUCell(3, 4), [(2, 3)]),
    "RNN": (lambda nn: nn.RNN(3, 4, 2), [(5, 2, 3)]),
    "LSTM": (lambda nn: nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2), [(5, 2, 3)]),
    "GRU": (lambda nn: nn.GRU(3, 4, batch_first=True), [(2, 5, 3)]),
    "MultiheadAttention": (
        lambda nn: nn.MultiheadAttention(4, 2, kdim=3, add_bias_kv=True), [(5, 2, 4), (6, 2, 3), (6, 2, 4)]),
    "TransformerEncoderLayer": (lambda nn: nn.TransformerEncoderLayer(4, 2, 8), [(5, 2, 4)]),
    "TransformerEncoder": (
        lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2), [(2, 5, 4)]),
    "TransformerDecoderLayer": (lambda nn: nn.TransformerDecoderLayer(4, 2, 8), [(5, 2, 4), (6, 2, 4)]),
    "TransformerDecoder": (
        lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2), [(5, 2, 4), (6, 2, 4)]),
    "Transformer": (lambda nn: nn.Transformer(4, 2, 1, 1, 8), [(5, 2, 4), (6, 2, 4)]),
    "Sequential": (lambda nn: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)), [(5, 3)]),
    "weight_norm": (lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), [(5, 3)]),
    "spectral_norm": (lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4)), [(5, 3)]),
}


def first_output(layer, library, inputs):
    """Of the layer in evaluation mode, as an array."""
    with library.no_grad():
        output = layer.eval()(*[library.tensor(each) for each in inputs])
    return (output[0] if isinstance(output, tuple) else output).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_s_file_goes_both_ways(name, tmp_path):
    """Keys and shapes are torch's: what is saved here loads there strictly, and back, and both compute the same."""
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    package = pytest.importorskip("safetensors.torch", reason="its reader is the oracle: pip install 'chainrule[parity]'")
    make, shapes = LAYERS[name]
    engine.manual_seed(0)
    torch.manual_seed(0)
    source = np.random.default_rng(0)
    indices = source.integers(0, 7, (2, 3))
    inputs = [indices if each == "indices" else source.standard_normal(each, "f") for each in shapes]
    ours, theirs = make(nn), make(torch.nn)
    for parameter in ours.parameters():
        nn.init.normal_(parameter, 0.5)  # such as no two layers start with
    engine.save(dict(ours.state_dict()), tmp_path / "ours.safetensors")
    assert list(theirs.load_state_dict(package.load_file(tmp_path / "ours.safetensors"))) == [[], []]
    np.testing.assert_allclose(
        first_output(ours, engine, inputs), first_output(theirs, torch, inputs), rtol=1e-4, atol=1e-5)
    others = make(torch.nn)
    state = {key: each.contiguous() for key, each in others.state_dict().items()}
    package.save_file(state, tmp_path / "theirs.safetensors")
    assert list(ours.load_state_dict(engine.load(tmp_path / "theirs.safetensors"))) == [[], []]
    np.testing.assert_allclose(
        first_output(ours, engine, inputs), first_output(others, torch, inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_every_layer_with_a_state_is_here():
    """A new one has to be put into the table; bases and containers, whose states are those of others, need not."""
    bases = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase"}
    layers = {name: each for name, each in vars(nn).items() if isinstance(each, type) and issubclass(each, nn.Module)}
    draws = {name for name, each in layers.items() if {"reset_parameters", "_reset_parameters"} & {*dir(each)}}
    with_state = draws | {name for name in layers if name.startswith("Transformer")}
    assert with_state - bases <= set(LAYERS) and len(with_state) > 20


def test_nothing_here_knows_pickle():
    """Neither the module nor what it calls numpy with could unpickle."""
    for name in ("serialization.py", "safetensors.py"):
        text = (pathlib.Path(engine.__file__).parent / name).read_text("utf-8")
        assert "import pickle" not in text and "allow_pickle=True" not in text and "np.load(" not in text
