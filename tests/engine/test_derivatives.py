"""gradcheck, functional derivatives, anomaly detection, Function and checkpoint, on every device and without torch."""

import gc
import weakref

import numpy as np
import pytest

import engine as torch
from engine.autograd import Function, functional, gradcheck, gradgradcheck
from engine.autograd.gradcheck import GradcheckError
from engine.utils.checkpoint import checkpoint


def leaf(*values, device="cpu"):
    return torch.tensor(list(values), dtype=torch.float64, device=device, requires_grad=True)


class Cube(Function):
    """x³, written with both outputs and inputs saved."""

    @staticmethod
    def forward(ctx, x):
        square = x * x
        ctx.save_for_backward(x, square)
        return square * x, square

    @staticmethod
    def backward(ctx, g_cube, g_square):
        x, square = ctx.saved_tensors
        return 3 * g_cube * square + 2 * g_square * x


class Wrong(Function):
    """Twice its argument, with a derivative of 3 at its last element."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        wrong = g * 2
        wrong[-1] = g[-1] * 3
        return wrong


# ---- gradcheck ----------------------------------------------------------------------------------------------


def test_gradcheck_accepts_what_is_right(device):
    x, y = leaf(0.5, -1.0, device=device), leaf(2.0, device=device)
    assert gradcheck(lambda x, y, k: (x.exp() * y, x.sum() * k), (x, y, 3))
    assert gradgradcheck(lambda x, y: (x.exp() * y).sin(), (x, y))
    assert gradcheck(Cube.apply, x) and gradgradcheck(Cube.apply, x)


def test_gradcheck_says_which_derivative_is_wrong(device):
    """The argument, the indices, and both values are in the message."""
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x, y: (x, Wrong.apply(y)), (leaf(1.0, device=device), leaf(1.0, 2.0, device=device)))
    for part in ("output 1", "input 1", "(1,) of the output", "(1,) of the input", "backward gives 3", "quotient is 2"):
        assert part in str(caught.value)
    assert gradcheck(Wrong.apply, leaf(1.0, device=device), raise_exception=False) is False


def test_gradcheck_of_complex_numbers(device):
    """The derivative by x + iy is ∂/∂x + i ∂/∂y; a backward that forgets to conjugate is found out."""

    class Forgetful(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    z = torch.tensor([1 + 2j, 2 - 1j], dtype=torch.complex128, device=device, requires_grad=True)
    x = leaf(0.5, 2.0, device=device)
    for function in (lambda z, x: z * z * x, lambda z, x: (z.abs(), z.conj() * x), lambda z, x: z.real * x * 1j):
        assert gradcheck(function, (z, x)) and gradgradcheck(function, (z, x))
    with pytest.raises(GradcheckError, match="imaginary part of|element") as caught:
        gradcheck(Forgetful.apply, z)
    assert "backward gives 2+4j, the difference quotient is 2-4j" in str(caught.value)


def test_gradcheck_notices_a_wrong_second_derivative():
    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.x.detach()

    assert gradcheck(Half.apply, leaf(1.0, 2.0))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(Half.apply, leaf(1.0, 2.0))


def test_gradcheck_notices_a_backward_that_changes_its_mind():
    class Fickle(Function):
        calls = 0

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            Fickle.calls += 1
            return g * (2 + 1e-7 * Fickle.calls)

    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(Fickle.apply, leaf(1.0))
    assert gradcheck(Fickle.apply, leaf(1.0), nondet_tol=1e-3)


def test_gradcheck_moves_an_argument_given_twice_everywhere():
    x = leaf(1.0, 2.0)
    assert gradcheck(lambda a, b: a * b, (x, x))


def test_what_gradcheck_cannot_do_raises():
    for how in ("fast_mode", "check_forward_ad", "check_batched_grad", "masked"):
        with pytest.raises(NotImplementedError, match=how):
            gradcheck(lambda x: x, leaf(1.0), **{how: True})
    with pytest.raises(NotImplementedError, match="vectorize"):
        functional.jacobian(lambda x: x, leaf(1.0), vectorize=True)
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        torch.autograd.grad(leaf(1.0) * 2, leaf(1.0), is_grads_batched=True)


# ---- functional --------------------------------------------------------------------------------------------------


def test_functional_derivatives_agree_with_each_other(device):
    """jvp, vjp and hvp are products with what jacobian and hessian hold."""
    x, v = leaf(0.5, -1.0, 2.0, device=device), torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64, device=device)

    def function(x):
        return x.exp() * x.sum()

    jacobian = functional.jacobian(function, x)
    assert torch.allclose(functional.jvp(function, x, v)[1], jacobian @ v)
    assert torch.allclose(functional.vjp(function, x, v)[1], v @ jacobian)
    hessian = functional.hessian(lambda x: function(x).sum(), x)
    assert torch.allclose(functional.hvp(lambda x: function(x).sum(), x, v)[1], hessian @ v)
    assert torch.allclose(functional.vhp(lambda x: function(x).sum(), x, v)[1], v @ hessian)
    assert not jacobian.requires_grad and x.grad is None


def test_jacobian_of_nothing():
    assert functional.jacobian(lambda x: x[:0], leaf(1.0, 2.0)).shape == (0, 2)


# ---- anomaly detection ---------------------------------------------------------------------------------------------


def test_detect_anomaly_names_the_forward_line_of_a_nan(device):
    """File, number and source of the line that recorded the node, though the error is raised in backward."""
    x = leaf(0.0, device=device)
    with pytest.warns(UserWarning) as warned, torch.autograd.detect_anomaly():
        y = x.sqrt() * 0  # the guilty line
        with pytest.raises(RuntimeError, match="SqrtBackward0.*returned nan values in its 0th output") as caught:
            y.sum().backward()
    for text in (str(caught.value), str(warned[-1].message)):
        assert __file__ in text and "y = x.sqrt() * 0  # the guilty line" in text
    assert not torch.is_anomaly_enabled()
    (x.sqrt() * 0).sum().backward()
    assert np.isnan(x.grad.item())


def test_detect_anomaly_names_the_forward_line_of_an_exception():
    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise KeyError("broken")

    with pytest.warns(UserWarning, match="Error detected in BrokenBackward"), torch.autograd.detect_anomaly():
        y = Broken.apply(leaf(1.0))  # recorded here
        with pytest.raises(KeyError) as caught:
            y.backward()
    assert "y = Broken.apply(leaf(1.0))  # recorded here" in caught.value.__notes__[0]


def test_detect_anomaly_names_the_line_of_a_node_that_backward_recorded():
    x = leaf(0.0)
    with pytest.warns(UserWarning), torch.autograd.detect_anomaly():
        (slope,) = torch.autograd.grad((x * x.abs()).sum(), x, create_graph=True)  # records the second graph
        y = (slope * slope).sqrt()
        with pytest.raises(RuntimeError, match="nan values"):
            y.backward()


def test_nothing_is_remembered_when_detection_is_off():
    with torch.autograd.set_detect_anomaly(True):
        detector = torch.autograd.anomaly_mode.detector
        y = leaf(1.0) * 2
        assert len(detector.places) == 1
    z = leaf(1.0) * 2
    assert len(detector.places) == 1 and torch.autograd.graph.watchers == []
    del y, z
    assert len(detector.places) == 0, "a node must not be kept alive by its line"


# ---- Function --------------------------------------------------------------------------------------------------------


def test_a_function_on_every_device(device):
    x = leaf(2.0, device=device)
    cube, square = Cube.apply(x)
    (cube + square).backward(create_graph=True)
    assert x.grad.tolist() == [16.0] and cube.grad_fn.label == "Cube"
    x.grad, first = None, x.grad
    first.backward()
    assert x.grad.tolist() == [14.0]


def test_a_function_s_node_holds_neither_itself_nor_what_was_freed():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        cube, square = Cube.apply(x)
        node, saved = weakref.ref(cube.grad_fn), weakref.ref(square.array)
        (cube + square).sum().backward()
        del square
        assert saved() is None, "saved outputs go with backward"
        del cube
        assert node() is None and gc.collect() == 0
    finally:
        gc.enable()


def test_tensors_passed_in_containers_are_not_arguments():
    """As in torch, only tensors that are arguments themselves are differentiated; the rest arrives as it is."""

    class Scale(Function):
        @staticmethod
        def forward(ctx, x, options):
            ctx.factor = options["factor"]
            return x * ctx.factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = leaf(2.0)
    Scale.apply(x, {"factor": 3}).backward()
    assert x.grad.tolist() == [3.0]


def test_no_gradient_for_an_argument_calls_no_hooks_behind_it():
    class Constant(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 0

        @staticmethod
        def backward(ctx, g):
            return None

    x = leaf(2.0)
    y = x.exp()
    for register in (y.register_hook, x.register_hook, y.grad_fn.register_prehook):
        register(lambda g: 1 / 0)
    y.grad_fn.register_hook(lambda into, out: 1 / 0)
    Constant.apply(y).backward()
    assert x.grad is None and torch.autograd.grad(Constant.apply(y), x, allow_unused=True) == (None,)


# ---- checkpoint ------------------------------------------------------------------------------------------


def test_checkpoint_keeps_no_intermediate_array(device):
    kept = []

    def part(x):
        middle = x.exp()
        kept.append(weakref.ref(middle.array))
        return middle.sin()

    x = leaf(0.5, device=device)
    y = checkpoint(part, x, use_reentrant=False)
    assert kept[0]() is None
    y.backward()
    assert len(kept) == 2 and kept[1]() is None
    plain = leaf(0.5, device=device)
    part(plain).backward()
    assert x.grad.tolist() == plain.grad.tolist()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_checkpoint_repeats_random_draws():
    def part(x):
        return (x * torch.randn(3).double()).exp()

    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    y = checkpoint(part, x, use_reentrant=False)
    torch.randn(1)
    before = torch.randn(2)
    torch.manual_seed(3)
    factors = torch.randn(3).double()
    torch.randn(1), torch.randn(2)
    y.sum().backward()
    assert torch.allclose(x.grad, factors)
    after = torch.randn(2)
    torch.manual_seed(3)
    torch.randn(3), torch.randn(1)
    assert torch.randn(2).tolist() == before.tolist()
    assert torch.randn(2).tolist() == after.tolist(), "running again must leave the generator as it was"


def test_checkpoint_with_a_retained_graph_and_a_function_inside(device):
    x = leaf(2.0, device=device)
    y = checkpoint(lambda x: Cube.apply(x)[0].exp(), x, use_reentrant=False).log()
    y.backward(retain_graph=True)
    y.backward()
    assert torch.allclose(x.grad, torch.tensor([24.0], dtype=torch.float64, device=device))


def test_what_checkpoint_cannot_do_raises():
    for how in ({"debug": True}, {"determinism_check": "none"}, {"context_fn": print}):
        with pytest.raises(ValueError, match=next(iter(how))):
            checkpoint(lambda x: x, leaf(1.0), use_reentrant=False, **how)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: factor"):
        checkpoint(lambda x, factor: x, leaf(1.0), use_reentrant=True, factor=2)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed"):
        checkpoint(lambda x: x * 2, leaf(1.0))


def test_a_failing_function_leaves_no_watcher_behind():
    def fail(x):
        raise KeyError

    with pytest.raises(KeyError):
        checkpoint(fail, leaf(1.0), use_reentrant=False)
    assert torch.autograd.graph.watchers == []
