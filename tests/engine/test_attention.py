"""Attention, MultiheadAttention and the Transformer family: as torch's in every option and mask."""

import itertools
import math

import numpy as np
import pytest
from twins import check_mistake, check_same, check_twins, copied, learning_curve, twins

import engine
from engine import nn
from engine.nn import functional, simple

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched", "ignore:enable_nested")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")


def leaf(torch, *shape, dtype="float64"):
    return torch.randn(*shape, dtype=getattr(torch, dtype), requires_grad=True)


# ---- scaled_dot_product_attention -------------------------------------------------------------------------


def masks(torch, *shape):
    """name -> mask of that shape: none, bools, a row that may look nowhere, floats, floats with -inf."""
    flags = torch.rand(*shape) < 0.6
    flags[..., 0] = True
    blocked = flags.clone()
    blocked[..., 0, :] = False
    added = torch.randn(*shape, dtype=torch.float64)
    return {"none": None, "bools": flags, "blocked row": blocked, "floats": added,
            "floats with -inf": added.masked_fill(~blocked, -math.inf)}


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [
    [(5, 4), (6, 4), (6, 3)], [(2, 5, 4), (2, 6, 4), (2, 6, 3)], [(2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)],
    [(2, 1, 5, 4), (1, 3, 6, 4), (1, 3, 6, 4)], [(2, 5, 4), (2, 0, 4), (2, 0, 3)],
    [(2, 0, 4), (2, 6, 4), (2, 6, 4)]], ids=str)
def test_attention_is_torch_s_under_every_mask(shapes, torch, device):
    """Values and gradients; rows that may look nowhere give zeros and no gradient."""
    torch.manual_seed(0)
    theirs, ours = torch.nn.functional.scaled_dot_product_attention, functional.scaled_dot_product_attention
    inputs = [leaf(torch, *shape) for shape in shapes]
    length, keys = shapes[0][-2], shapes[1][-2]
    options = [{"scale": 0.3}, {"is_causal": True}]
    if length and keys:
        batch = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
        for form in ((length, keys), (*batch, length, keys)):
            options += [{"attn_mask": each} for each in masks(torch, *form).values()]
    for each in options:
        compare(theirs, ours, inputs, device, **each)


def compare(theirs, ours, inputs, device, **keywords):
    """As check_twins, for functions."""
    class Function:
        def __init__(self, function):
            self.function = function

        def __call__(self, *arguments, **options):
            return self.function(*arguments, **options)

        def parameters(self):
            return []

    check_twins(Function(theirs), Function(ours), inputs, device, **keywords)


@pytest.mark.slow
def test_heads_that_share_keys_and_values(torch, device):
    """enable_gqa with 6 heads to 2 and to 1, and to as many."""
    theirs, ours = torch.nn.functional.scaled_dot_product_attention, functional.scaled_dot_product_attention
    for heads in (1, 2, 6):
        inputs = [leaf(torch, 2, 6, 5, 4), leaf(torch, 2, heads, 7, 4), leaf(torch, 2, heads, 7, 3)]
        compare(theirs, ours, inputs, device, enable_gqa=True)


@pytest.mark.slow
def test_types_of_attention_and_of_its_mask(torch, device):
    """float32 and float16, with a float32 mask beside any type."""
    for dtype, tolerance in (("float32", 1e-5), ("float16", 2e-3), ("float64", 1e-6)):
        inputs = [leaf(torch, 2, 5, 4, dtype=dtype).detach() for _ in range(3)]
        mask = torch.randn(5, 5)
        expected = torch.nn.functional.scaled_dot_product_attention(*inputs, mask)
        found = functional.scaled_dot_product_attention(*copied(inputs, device), copied(mask, device))
        check_same(expected, found, tolerance)


def test_attention_equals_the_simple_one(device):
    """With and without a mask, values and gradients."""
    engine.manual_seed(0)
    mask = engine.full((5, 6), -math.inf, dtype=engine.float64, device=device).triu(1)
    for each in (None, mask):
        found = []
        for function in (functional.scaled_dot_product_attention, simple.attention_simple):
            engine.manual_seed(1)
            how = {"dtype": engine.float64, "device": device, "requires_grad": True}
            inputs = [engine.randn(2, length, 4, **how) for length in (5, 6, 6)]
            result = function(*inputs, each)
            (result ** 2).sum().backward()
            found.append([result.detach(), *[one.grad for one in inputs]])
        for one, other in zip(*found):
            np.testing.assert_allclose(one.cpu().numpy(), other.cpu().numpy(), rtol=1e-10, atol=1e-12)


def test_attention_can_be_differentiated_twice(device):
    """gradgradcheck of queries, keys and values under a causal mask."""
    engine.manual_seed(0)
    inputs = [engine.randn(1, 3, 2, dtype=engine.float64, device=device).requires_grad_() for _ in range(3)]
    attend = functional.scaled_dot_product_attention
    assert engine.autograd.gradgradcheck(lambda *each: attend(*each, is_causal=True), inputs)


def test_dropout_of_the_weights(device):
    """With p = 0.25 a quarter of the weights is 0, the others are divided by 0.75; the values show it."""
    engine.manual_seed(0)
    query = engine.zeros(40, 50, 8, device=device)
    value = engine.eye(50, device=device).expand(40, 50, 50)
    found = functional.scaled_dot_product_attention(query, query, value, dropout_p=0.25)
    assert abs(float((found == 0).float().mean()) - 0.25) < 0.01
    np.testing.assert_allclose(found[found != 0].cpu().numpy(), 1 / 50 / 0.75, rtol=1e-5)


# ---- MultiheadAttention -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    {}, {"bias": False}, {"kdim": 5, "vdim": 3}, {"kdim": 5, "bias": False}, {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "vdim": 3}, {"dropout": 1.0}], ids=str)
def test_multihead_attention_is_torch_s_under_every_mask(options, torch, device):
    """batch_first or not, need_weights or not, both masks of both kinds: outputs, weights, gradients, text."""
    torch.manual_seed(0)
    for first, (name, mask), padding, need, average in itertools.product(
            [False, True], masks(torch, 4, 6).items(), [None, "bools", "floats"], [False, True], [False, True]):
        if name == "blocked row" or (name == "none" and padding) or (average and (not need or name != "floats")):
            continue
        theirs, ours = twins(torch, "MultiheadAttention", 8, 2, device=device, batch_first=first, **options)
        assert repr(ours) == repr(theirs)
        sizes = (8, options.get("kdim", 8), options.get("vdim", 8))
        inputs = [leaf(torch, *((3, time) if first else (time, 3)), size) for time, size in zip((4, 6, 6), sizes)]
        if mask is not None and mask.dtype is torch.bool:
            mask = ~mask
        keys = None if padding is None else torch.rand(3, 6) < 0.3
        if keys is not None:
            keys[:, 0] = False
            keys = keys if padding == "bools" else torch.randn(3, 6, dtype=torch.float64)
        with np.errstate(all="ignore"):
            check_twins(theirs, ours, inputs, device, attn_mask=mask, key_padding_mask=keys, need_weights=need,
                        average_attn_weights=average)


@pytest.mark.slow
def test_multihead_attention_on_one_sequence_with_masks_for_each_head(torch, device):
    """Unbatched input, 3-D masks, self-attention, is_causal as a hint, evaluation."""
    torch.manual_seed(0)
    theirs, ours = twins(torch, "MultiheadAttention", 8, 2, device=device)
    x, y = leaf(torch, 4, 8), leaf(torch, 4, 3, 8)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(4).double()
    heads = masks(torch, 6, 4, 4)
    for need in (False, True):
        check_twins(theirs, ours, [x, x, x], device, need_weights=need, attn_mask=causal, is_causal=True)
        check_twins(theirs, ours, [x, x, x], device, need_weights=need, attn_mask=heads["floats"][:2],
                    key_padding_mask=torch.tensor([False, True, False, True]))
        check_twins(theirs, ours, [y, y, y], device, need_weights=need, attn_mask=~heads["bools"])
        check_twins(theirs, ours, [y, y, y], device, need_weights=need, attn_mask=causal, is_causal=True)
        check_twins(theirs, ours, [y, y, y], device, need_weights=need, attn_mask=~heads["blocked row"])
    theirs.eval(), ours.eval()
    check_twins(theirs, ours, [y, y, y], device)


# ---- Transformer ------------------------------------------------------------------------------------------


LAYER = [
    {}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False}, {"batch_first": True, "layer_norm_eps": 1e-2}]


@pytest.mark.slow
@pytest.mark.parametrize("options", LAYER, ids=str)
@pytest.mark.parametrize("kind", ["TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_transformer_layers_are_torch_s(kind, options, torch, device):
    """Training without dropout and evaluation; masks of both kinds; one sequence alone."""
    torch.manual_seed(0)
    theirs, ours = twins(torch, kind, 8, 2, 16, device=device, **{"dropout": 0.0} | options)
    assert repr(ours) == repr(theirs)
    name = "src" if kind == "TransformerEncoderLayer" else "tgt"
    causal = torch.nn.Transformer.generate_square_subsequent_mask(4).double()
    padding = torch.tensor([[False, False, False, True], [False, False, True, True], [False] * 4])
    for is_batch in (True, False):
        shape = ((3, 4, 8) if options.get("batch_first") else (4, 3, 8)) if is_batch else (4, 8)
        inputs = [leaf(torch, *shape) for _ in range(1 if name == "src" else 2)]
        keywords = {f"{name}_mask": causal, f"{name}_key_padding_mask": padding if is_batch else padding[0]}
        check_twins(theirs, ours, inputs, device)
        check_twins(theirs, ours, inputs, device, **keywords)
        causal_hint = "is_causal" if name == "src" else "tgt_is_causal"
        check_twins(theirs, ours, inputs, device, **{f"{name}_mask": causal, causal_hint: True})
        if name == "tgt":
            memory = {"memory_mask": causal.flip(0), "memory_key_padding_mask": padding if is_batch else padding[0]}
            check_twins(theirs, ours, inputs, device, **keywords | memory)
        theirs.eval(), ours.eval()
        check_twins(theirs, ours, inputs, device, **keywords)
        theirs.train(), ours.train()


@pytest.mark.slow
@pytest.mark.parametrize("options", LAYER, ids=str)
def test_transformers_are_torch_s(options, torch, device):
    """Encoder and decoder together, with every mask; names of parameters and text."""
    torch.manual_seed(0)
    theirs, ours = twins(torch, "Transformer", 8, 2, 2, 1, 16, device=device, **{"dropout": 0.0} | options)
    assert repr(ours) == repr(theirs)
    first = options.get("batch_first")
    inputs = [leaf(torch, *((3, time) if first else (time, 3)), 8) for time in (5, 4)]
    causal = torch.nn.Transformer.generate_square_subsequent_mask(4).double()
    padding = torch.tensor([[False] * 4 + [True], [False] * 3 + [True] * 2, [False] * 5])
    check_twins(theirs, ours, inputs, device)
    check_twins(theirs, ours, inputs, device, tgt_mask=causal, src_key_padding_mask=padding,
                memory_key_padding_mask=padding, tgt_key_padding_mask=padding[:, 1:])
    check_twins(theirs, ours, inputs, device, src_mask=torch.randn(5, 5).double(), tgt_mask=causal, tgt_is_causal=True,
                memory_mask=torch.randn(4, 5).double())
    check_twins(theirs, ours, [leaf(torch, 5, 8), leaf(torch, 4, 8)], device)


@pytest.mark.slow
def test_stacks_with_a_norm_at_the_end_and_evaluation_without_gradients(torch, device):
    """An encoder made of a layer with an activation of the user's own and of a norm; each copy learns on its own."""
    found = {}
    for library in (torch, engine):
        options = {"dropout": 0.0, "activation": lambda x: x.tanh(), "batch_first": True}
        layer = library.nn.TransformerEncoderLayer(8, 2, 16, **options)
        found[library] = library.nn.TransformerEncoder(layer, 3, library.nn.LayerNorm(8)).double()
    theirs, ours = found.values()
    ours.load_state_dict({key: copied(value, "cpu") for key, value in theirs.state_dict().items()})
    ours.to(device)
    x = leaf(torch, 3, 4, 8)
    check_twins(theirs, ours, [x], device)
    check_twins(theirs, ours, [x], device, mask=torch.ones(4, 4).triu(1).bool())
    with torch.no_grad(), engine.no_grad():
        check_same(theirs.eval()(x), ours.eval()(copied(x, device)))
    assert len({id(each) for each in ours.parameters()}) == 12 * 3 + 2


@pytest.mark.slow
def test_first_weights_have_torch_s_distribution(torch):
    """In a lone attention, in a stack and in a Transformer, which draws anew; on the CPU, as all draws."""
    torch.manual_seed(0), engine.manual_seed(0)
    for make in (
            lambda nn: nn.MultiheadAttention(64, 2, add_bias_kv=True), lambda nn: nn.MultiheadAttention(64, 2, kdim=32),
            lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 2, 128), 1),
            lambda nn: nn.Transformer(64, 2, 1, 1, 128)):
        ours = dict(make(nn).named_parameters())
        for name, other in make(torch.nn).named_parameters():
            one, other = ours[name].detach().numpy(), other.detach().numpy()
            assert one.shape == other.shape
            assert abs(one.std() - other.std()) <= (0.03 if one.size > 1000 else 0.35) * other.std(), name
            assert abs(one.mean() - other.mean()) <= 0.5 * other.std(), name
            if name in ("bias_k", "bias_v"):  # normal, not uniform
                assert abs(one).max() > 2 * one.std() and abs(other).max() > 2 * other.std()


def test_the_mask_of_what_comes_later_is_torch_s(torch, device):
    """0 up to a query's own place, -inf after it, in the type asked for."""
    for size, dtype in ((1, None), (4, None), (3, "float64")):
        kinds = [None if dtype is None else getattr(library, dtype) for library in (engine, torch)]
        ours = nn.Transformer.generate_square_subsequent_mask(size, device, kinds[0])
        theirs = torch.nn.Transformer.generate_square_subsequent_mask(size, dtype=kinds[1])
        assert str(ours.dtype) == str(theirs.dtype) and ours.tolist() == theirs.tolist()
        assert ours.device.type == device


def test_dropout_in_training_alone(device):
    """In training each pass differs, in evaluation none does; the seed decides."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, device=device)
    x = engine.randn(4, 3, 8, device=device)
    engine.manual_seed(0)
    first, second = layer(x), layer(x)
    engine.manual_seed(0)
    assert engine.equal(layer(x), first) and not engine.equal(first, second)
    layer.eval()
    assert engine.equal(layer(x), layer(x))
    attention = nn.MultiheadAttention(8, 2, dropout=0.5, device=device)
    weights = attention(x, x, x, average_attn_weights=False)[1]
    assert 0.2 < float((weights == 0).float().mean()) < 0.8
    assert float((attention.eval()(x, x, x)[1].sum(-1) - 1).abs().max()) < 1e-5


@pytest.mark.slow
def test_learning_curves_are_torch_s(torch, device):
    """50 steps of gradient descent of an encoder of two layers under a causal mask."""
    torch.manual_seed(0)
    found = {}
    for library in (torch, engine):
        layer = library.nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, activation="gelu", batch_first=True)
        found[library] = library.nn.TransformerEncoder(layer, 2)
    theirs, ours = found.values()
    ours.load_state_dict({key: copied(value, "cpu") for key, value in theirs.state_dict().items()})
    ours.to(device)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(6)
    x, target = torch.randn(4, 6, 16), torch.randn(4, 6, 16)
    expected = learning_curve(torch, theirs, [x, mask], target)
    curve = learning_curve(engine, ours, [copied(x, device), copied(mask, device)], copied(target, device))
    assert expected[-1] < 0.8 * expected[0]
    np.testing.assert_allclose(curve, expected, rtol=1e-5)


# ---- mistakes ---------------------------------------------------------------------------------------------

S, M = "nn.functional.scaled_dot_product_attention", "nn.MultiheadAttention"
SELF = "(lambda x: nn.MultiheadAttention(8, 2)(x, x, x, %s))(R(3, 2, 8))"
MISTAKES = [
    f"{S}(R(3), R(2, 5, 4), R(2, 5, 6))", f"{S}(R(2, 3, 4), R(2, 5, 3), R(2, 5, 6))",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 6, 6))",
    f"{S}(R(2, 3, 4), R(3, 5, 4), R(3, 5, 6))",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), torch.zeros(3, 5), is_causal=True)",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), torch.zeros(3, 4))",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), torch.zeros(3, 5).long())",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), torch.zeros(3, 5).double())",
    f"{S}(R(2, 3, 4), R(2, 5, 4).double(), R(2, 5, 6))",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), torch.zeros(4, 2, 3, 5))",
    f"{S}(R(2, 4, 3, 4), R(2, 2, 5, 4), R(2, 2, 5, 6))",
    f"{S}(R(2, 4, 3, 4), R(2, 3, 5, 4), R(2, 3, 5, 6), enable_gqa=True)",
    f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), dropout_p=2.0)", f"{S}(R(2, 3, 4), R(2, 5, 4), R(2, 5, 6), 0.0)",
    f"{S}(R(2, 3, 4).long(), R(2, 5, 4).long(), R(2, 5, 6).long())", f"{S}(1, R(2, 5, 4), R(2, 5, 6))",
    f"{M}(8, 3)", f"{M}(0, 2)", f"{M}(8, 2)(R(3, 2, 7), R(4, 2, 7), R(4, 2, 7))",
    f"{M}(8, 2)(R(8), R(4, 2, 8), R(4, 2, 8))",
    f"{M}(8, 2)(R(3, 8), R(4, 2, 8), R(4, 2, 8))", f"{M}(8, 2)(R(3, 2, 8), R(4, 2, 8), R(5, 2, 8))",
    f"{M}(8, 2)(R(3, 2, 8), R(4, 3, 8), R(4, 3, 8))",
    *[SELF % keywords for keywords in (
        "attn_mask=torch.zeros(3, 4)", "attn_mask=torch.zeros(3, 3, 3)", "attn_mask=torch.zeros(1, 1, 3, 3)",
        "attn_mask=torch.zeros(3, 3).long()", "attn_mask=torch.zeros(3, 3).double()",
        "key_padding_mask=torch.zeros(3, 2)",
        "key_padding_mask=torch.zeros(2, 3).long()", "key_padding_mask=torch.zeros(3)", "is_causal=True",
        "is_causal=True, need_weights=False")],
    "(lambda x: nn.MultiheadAttention(8, 2)(x, x, x, key_padding_mask=torch.zeros(1, 3)))(R(3, 8))",
    "nn.Transformer(8, 2, 1, 1, 16)(R(3, 2, 8), R(3, 3, 8))", "nn.Transformer(8, 2, 1, 1, 16)(R(3, 2, 7), R(3, 2, 7))",
    "nn.Transformer(8, 2, 1, 1, 16)(R(3, 2, 8), R(3, 2, 7))", "nn.TransformerEncoderLayer(8, 2, activation='tanh')",
    "nn.TransformerEncoderLayer(8, 2, 16)(R(3, 2, 8), is_causal=True)",
]


@pytest.mark.slow
@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_raise_torch_s_kind_of_error(line, torch):
    check_mistake(line, torch)
