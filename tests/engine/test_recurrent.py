"""RNN, LSTM, GRU and their cells: as torch's in every option, and as the simple ones of nn.simple."""

import gc
import itertools
import weakref

import numpy as np
import pytest
from twins import backward, check_mistake, check_same, check_twins, copied, learning_curve, twins

import engine
from engine import nn
from engine.nn import simple
from engine.nn.primitives import recurrent

KINDS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {})]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")


def sequence(torch, kind, options, is_batch, begins, dtype="float64", time=5):
    """(input, and a state to begin with where `begins`) for a layer of 3 inputs and 4 hidden units."""
    def leaf(*shape):
        return torch.randn(*shape, dtype=getattr(torch, dtype), requires_grad=True)

    shape = ((2, time) if options.get("batch_first") else (time, 2)) if is_batch else (time,)
    inputs = [leaf(*shape, 3)]
    if begins:
        count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        states = [leaf(count, *[2] * is_batch, size) for size in (options.get("proj_size", 0) or 4, 4)]
        inputs.append(tuple(states) if kind == "LSTM" else states[1])
    return inputs


# ---- as torch's -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind, own", KINDS, ids=str)
def test_layers_are_torch_s_in_every_combination_of_options(kind, own, torch, device):
    """Outputs, states, gradients, text and names of parameters."""
    torch.manual_seed(0)
    for layers, ways, first, bias, is_batch, begins in itertools.product([1, 2], *[[False, True]] * 5):
        options = own | {"num_layers": layers, "bidirectional": ways, "batch_first": first, "bias": bias}
        theirs, ours = twins(torch, kind, 3, 4, device=device, **options)
        assert repr(ours) == repr(theirs)
        check_twins(theirs, ours, sequence(torch, kind, options, is_batch, begins), device)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind, own", KINDS, ids=str)
def test_layers_in_single_precision_over_many_steps(kind, own, torch, device):
    """float32, 60 steps, three layers: rounding does not add up."""
    torch.manual_seed(0)
    options = own | {"num_layers": 3}
    theirs, ours = twins(torch, kind, 3, 4, device=device, dtype="float32", **options)
    check_twins(theirs, ours, sequence(torch, kind, options, True, True, "float32", 60), device, 2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name, options", [
    ("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {}), ("GRUCell", {}),
    ("GRUCell", {"bias": False}), ("LSTMCell", {"bias": False})], ids=str)
def test_cells_are_torch_s(name, options, torch, device):
    """With and without a batch, with and without a state before."""
    torch.manual_seed(0)
    theirs, ours = twins(torch, name, 3, 4, device=device, **options)
    assert repr(ours) == repr(theirs)
    for batch in ((2,), ()):
        x, *states = [torch.randn(*batch, size, dtype=torch.float64, requires_grad=True) for size in (3, 4, 4)]
        check_twins(theirs, ours, [x], device)
        check_twins(theirs, ours, [x, tuple(states) if name == "LSTMCell" else states[0]], device)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_training_and_evaluation(kind, torch, device):
    """With dropout 1 nothing of the first layer reaches the second in training; in evaluation everything does."""
    theirs, ours = twins(torch, kind, 3, 4, device=device, num_layers=2, dropout=1.0)
    inputs = sequence(torch, kind, {}, True, False)
    check_twins(theirs, ours, inputs, device)
    in_training = theirs(*inputs)[0]
    theirs.eval(), ours.eval()
    check_twins(theirs, ours, inputs, device)
    assert not torch.equal(in_training, theirs(*inputs)[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_learning_curves_are_torch_s(kind, torch, device):
    """50 steps of gradient descent from the same weights."""
    torch.manual_seed(0)
    theirs, ours = twins(torch, kind, 3, 8, device=device, dtype="float32", num_layers=2, batch_first=True)
    x, target = torch.randn(6, 7, 3), torch.randn(6, 8) * 0.5
    expected = learning_curve(torch, theirs, [x], target, of=lambda result: result[0][:, -1])
    mine = [copied(x, device)], copied(target, device)
    found = learning_curve(engine, ours, *mine, of=lambda result: result[0][:, -1])
    assert expected[-1] < 0.8 * expected[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_first_weights_have_torch_s_distribution(name, torch, device):
    """Uniform within ±1/√hidden_size, biases too."""
    engine.manual_seed(0), torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(50, 100, device=device), getattr(torch.nn, name)(50, 100)
    for one, other in zip(ours.parameters(), theirs.parameters()):
        values, bound = one.detach().cpu().numpy(), other.abs().max().item()
        assert abs(np.abs(values).max() - bound) < 0.02 * bound and abs(values.mean()) < 0.2 * bound
        assert abs(values.std() - other.std().item()) < 0.1 * bound


MISTAKES = [
    "nn.LSTM(3, 4)(R(5, 2, 2))", "nn.LSTM(3, 4)(R(5))", "nn.GRU(3, 4)(R(5, 2, 3, 1))", "nn.LSTM(3, 4)(R(0, 2, 3))",
    "nn.LSTM(3, 4)(R(5, 2, 3), (R(1, 3, 4), R(1, 2, 4)))", "nn.LSTM(3, 4)(R(5, 2, 3), (R(1, 2, 4), R(1, 3, 4)))",
    "nn.LSTM(3, 4)(R(5, 2, 3), (R(2, 4), R(2, 4)))", "nn.LSTM(3, 4)(R(5, 3), (R(1, 2, 4), R(1, 2, 4)))",
    "nn.GRU(3, 4)(R(5, 2, 3), R(2, 4))", "nn.GRU(3, 4)(R(5, 3), R(1, 2, 4))", "nn.GRU(3, 4)(R(5, 2, 3), R(2, 2, 4))",
    "nn.RNN(3, 4)(R(5, 2, 3).double())", "nn.RNN(3, 4)(torch.zeros(5, 2, 3, dtype=torch.int64))",
    "nn.LSTM(3, 4)(R(5, 2, 3), (R(1, 2, 4).double(), R(1, 2, 4)))",
    "nn.LSTM(3, 4, proj_size=2)(R(5, 2, 3), (R(1, 2, 4),) * 2)",
    "nn.LSTM(0, 4)", "nn.LSTM(3, 0)", "nn.LSTM(3, 4, 0)", "nn.LSTM(3, 4, dropout=2)", "nn.LSTM(3, 4, dropout=True)",
    "nn.LSTM(3, 4, proj_size=4)", "nn.LSTM(3, 4, proj_size=-1)", "nn.LSTM(3, 4.0)", "nn.RNN(3, 4, nonlinearity='gelu')",
    "nn.RNN(3)", "nn.RNN(3, 4, depth=2)", "nn.GRU(3, 4, bias=1)", "nn.GRU(3, 4, batch_first='no')",
    "nn.RNNBase('ELMAN', 3, 4)",
    "nn.LSTMCell(3, 4)(R(2, 2))", "nn.LSTMCell(3, 4)(R(1, 2, 3))", "nn.LSTMCell(3, 4)(R(2, 3), (R(3, 4), R(2, 4)))",
    "nn.LSTMCell(3, 4)(R(2, 3), (R(2, 5), R(2, 4)))", "nn.LSTMCell(3, 4)(R(3), (R(1, 4), R(4)))",
    "nn.LSTMCell(3, 4)(R(2, 3), R(2, 4))", "nn.GRUCell(3, 4)(R(2, 2))", "nn.GRUCell(3, 4)(R(2, 3), R(4))",
    "nn.GRUCell(3, 4)(R(2, 3), R(3, 4))", "nn.GRUCell(3, 4)(R(2, 3), R(1, 2, 4))",
    "nn.RNNCell(3, 4, nonlinearity='gelu')(R(2, 3))",
]


@pytest.mark.slow
@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_raise_torch_s_kind_of_error(line, torch):
    check_mistake(line, torch)


# ---- as the simple ones -----------------------------------------------------------------------------------


def parts(device, gates, states=1, steps=4):
    """Leaves for an entry of the table: input, states, weights."""
    engine.manual_seed(1)
    shapes = [(steps, 2, 3), *[(2, 4)] * states, (gates * 4, 3), (gates * 4, 4), (gates * 4,), (gates * 4,)]
    return [engine.randn(*shape, dtype=engine.float64, device=device).requires_grad_() for shape in shapes]


def run_simple(kind, input, *rest):
    """The sequence step by step with the simple cell."""
    outputs, cell = [], None
    hidden, *weights = rest
    if kind == "lstm":
        cell, *weights = weights
    for x in input:
        if kind == "lstm":
            hidden, cell = simple.lstm_cell_simple(x, (hidden, cell), *weights)
        elif kind == "gru":
            hidden = simple.gru_cell_simple(x, hidden, *weights)
        else:
            hidden = simple.rnn_cell_simple(x, hidden, *weights)
        outputs.append(hidden)
    return engine.stack(outputs if cell is None else [*outputs, cell])


ENTRIES = [("rnn", 1, 1, {"nonlinearity": "tanh"}), ("lstm", 4, 2, {}), ("gru", 3, 1, {})]


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_the_quick_way_equals_the_simple_one(kind, gates, states, options, device):
    """Values and gradients of the entry and of the cell taken step by step."""
    quick, slow = parts(device, gates, states), parts(device, gates, states)
    found, expected = getattr(recurrent, kind)(*quick, **options), run_simple(kind, *slow)
    check_close(found, expected)
    backward(found), backward(expected)
    for one, other in zip(quick, slow):
        check_close(one.grad, other.grad)


def check_close(one, other):
    np.testing.assert_allclose(one.detach().cpu().numpy(), other.detach().cpu().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_gradients_to_be_differentiated_again_are_the_same(kind, gates, states, options, device):
    """Also where one input was computed from another: each gradient is that of its own use."""
    entry, found = getattr(recurrent, kind), []
    for create_graph in (False, True):
        input, hidden, *rest = leaves = parts(device, gates, states)
        first = entry(input, hidden * rest[-4][:4].sum(), *rest, **options)
        loss = (entry(input, first[-1], *rest, **options) ** 2).sum()
        found.append(engine.autograd.grad(loss, leaves, create_graph=create_graph))
    for plain, recorded in zip(*found):
        assert recorded.requires_grad and not plain.requires_grad
        check_close(plain, recorded)


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_backward_again_and_again(kind, gates, states, options, device):
    """retain_graph: another gradient each time. Without it, and after a change of a weight, it raises."""
    leaves = parts(device, gates, states)
    result = getattr(recurrent, kind)(*leaves, **options)
    once = engine.autograd.grad(result.sum(), leaves, retain_graph=True)
    twice = engine.autograd.grad((result * 2).sum(), leaves, retain_graph=True)
    for one, other in zip(once, twice):
        check_close(one * 2, other)
    result.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        result.sum().backward()
    result = getattr(recurrent, kind)(*leaves, **options)
    with engine.no_grad():
        leaves[-3].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.sum().backward()


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_halves_are_computed_in_float32(kind, gates, states, options, device):
    """float16 in, float16 out, as near to the exact result as its precision allows; gradients too."""
    exact = parts(device, gates, states, steps=20)
    half = [each.detach().half().requires_grad_() for each in exact]
    exact = [each.detach().double().requires_grad_() for each in half]
    found, expected = (getattr(recurrent, kind)(*each, **options) for each in (half, exact))
    assert found.dtype is engine.float16
    np.testing.assert_allclose(found.detach().cpu().numpy(), expected.detach().cpu().numpy(), atol=1e-3)
    found.sum().backward(), expected.sum().backward()
    for one, other in zip(half, exact):
        assert one.grad.dtype is engine.float16
        scale = float(other.grad.abs().max())
        np.testing.assert_allclose(one.grad.cpu().numpy(), other.grad.cpu().numpy(), atol=2e-3 * scale)


# ---- on their own -----------------------------------------------------------------------------------------


def test_dropout_between_layers(device):
    """Seen through a second layer that copies: with p = 0.25 a quarter is 0, the rest is divided by 0.75."""
    engine.manual_seed(0)
    net = nn.RNN(3, 40, num_layers=2, nonlinearity="relu", dropout=0.25, device=device)
    with engine.no_grad():
        net.weight_ih_l1.copy_(engine.eye(40))
        for parameter in (net.weight_hh_l1, net.bias_ih_l1, net.bias_hh_l1):
            parameter.zero_()
    x = engine.randn(50, 20, 3, device=device)
    first, again = net(x)[0], net(x)[0]
    whole = net.eval()(x)[0]
    assert not engine.equal(first, again) and engine.equal(whole, net(x)[0])
    alive = whole > 0
    share = float((first[alive] == 0).float().mean())
    assert abs(share - 0.25) < 0.02
    kept = alive & (first != 0)
    np.testing.assert_allclose(first[kept].detach().cpu().numpy() * 0.75, whole[kept].detach().cpu().numpy(), rtol=1e-5)


def test_dropout_of_a_single_layer_warns(device):
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(3, 4, dropout=0.5, device=device)


def test_empty_batches_and_single_steps(device):
    """No sequences give outputs of none; a sequence of one step is the cell's step."""
    net = nn.LSTM(3, 4, device=device)
    output, (hidden, cell) = net(engine.zeros(5, 0, 3, device=device))
    assert output.shape == (5, 0, 4) and hidden.shape == cell.shape == (1, 0, 4)
    output.sum().backward()
    assert float(net.weight_ih_l0.grad.abs().sum()) == 0
    one = nn.LSTMCell(3, 4, device=device)
    one.load_state_dict({name.removesuffix("_l0"): value for name, value in net.state_dict().items()})
    x = engine.randn(2, 3, device=device)
    for mine, its in zip(one(x), net(x[None])[1]):
        check_close(mine, its[0])


def test_the_output_lies_as_torch_s_does(device):
    """Contiguous, so that view() works; with batch_first it is a transposed view."""
    x = engine.randn(5, 2, 3, device=device)
    assert nn.LSTM(3, 4, device=device)(x)[0].is_contiguous() and nn.GRU(3, 4, device=device)(x)[0].is_contiguous()
    output = nn.GRU(3, 4, batch_first=True, device=device)(x)[0]
    assert output.stride() == (4, 20, 1)


def test_parameters_can_be_replaced_and_packed_sequences_are_refused(device):
    """Weights are looked up at each call; what is no tensor says so."""
    net = nn.GRU(3, 4, device=device)
    x = engine.randn(5, 2, 3, device=device)
    before = net(x)[0]
    net.weight_ih_l0 = nn.Parameter(engine.zeros(12, 3, device=device))
    assert not engine.equal(before, net(x)[0])
    assert [len(each) for each in net.all_weights] == [4] and net.all_weights[0][0] is net.weight_ih_l0
    with pytest.raises(TypeError, match="packed sequences are not supported"):
        net((x, None))


# ---- sequences of different lengths -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"batch_first": True}, {"padding_value": -1.5}, {"padding_side": "left"}], ids=str)
def test_padding_is_torch_s(options, torch, device):
    """Values, gradients and the way back, for sequences of vectors and of numbers."""
    for shape in ((3,), ()):
        sequences = [torch.randn(length, *shape, requires_grad=True) for length in (4, 1, 6)]
        mine = copied(sequences, device)
        expected = torch.nn.utils.rnn.pad_sequence(sequences, **options)
        found = nn.utils.rnn.pad_sequence(mine, **options)
        check_same(expected, found)
        backward(expected), backward(found)
        check_same([each.grad for each in sequences], [each.grad for each in mine])
        first = options.get("batch_first", False)
        lengths = torch.tensor([4, 1, 6])
        check_same(torch.nn.utils.rnn.unpad_sequence(expected, lengths, first),
                   nn.utils.rnn.unpad_sequence(found, copied(lengths, device), first))


@pytest.mark.slow
@pytest.mark.parametrize("line", [
    "nn.utils.rnn.pad_sequence([R(3, 2), R(4, 3)])", "nn.utils.rnn.pad_sequence([])",
    "nn.utils.rnn.pad_sequence([R(3)], padding_side='up')"])
def test_mistakes_in_padding(line, torch):
    check_mistake(line, torch)


def test_packing_is_refused_plainly(device):
    """The error says what to do instead."""
    with pytest.raises(AttributeError, match="packed sequences are not supported"):
        nn.utils.rnn.pack_padded_sequence(engine.zeros(3, 2, device=device), [3, 2])


# ---- the walk back is made once in each backward pass, and for that pass alone --------------------------------


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_a_gradient_changed_between_two_passes_counts(kind, gates, states, options, device):
    """What one pass has found is not used for the next, though the gradient is the same array."""
    leaves = parts(device, gates, states)
    result = getattr(recurrent, kind)(*leaves, **options)
    gradient = engine.ones_like(result)
    once = engine.autograd.grad(result, leaves[:1], gradient, retain_graph=True)
    gradient.mul_(2)
    for one, other in zip(once, engine.autograd.grad(result, leaves, gradient)):
        check_close(one * 2, other)


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_the_walk_back_is_made_once_for_all_inputs(kind, gates, states, options, device, monkeypatch):
    """Seven gradients, one loop over the steps."""
    entry, calls = getattr(recurrent, kind), []
    walk_back = entry.walk_back
    monkeypatch.setattr(entry, "walk_back", lambda *arguments: calls.append(1) or walk_back(*arguments))
    entry(*parts(device, gates, states), **options).sum().backward()
    assert len(calls) == 1


@pytest.mark.parametrize("kind, gates, states, options", ENTRIES)
def test_no_cyclic_garbage(kind, gates, states, options, device):
    """References alone free everything, also when backward was recorded."""
    gc.collect()
    gc.disable()
    try:
        leaves = parts(device, gates, states)
        result = getattr(recurrent, kind)(*leaves, **options)
        (result ** 2).sum().backward(retain_graph=True)
        slopes = engine.autograd.grad((result ** 2).sum(), leaves[:2], create_graph=True)
        assert all(slope.requires_grad for slope in slopes)
        node = weakref.ref(result.grad_fn)
        del result, slopes, leaves
        assert node() is None
    finally:
        gc.enable()
