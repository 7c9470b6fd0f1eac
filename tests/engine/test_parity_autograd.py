"""The same programs of torch.autograd under torch and under the engine: what they see on the way, and where they end.

Each program takes the library and returns what it saw: tensors, numbers, texts, names. An error is something seen too:
`tried` gives its kind, and the words of it that must agree.
"""

import warnings

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

PROGRAMS = {"functions": [], "hooks": [], "switches": [], "gradients": [], "derivatives": [], "checkpoints": []}


def program(family):
    def add(function):
        PROGRAMS[family].append(function)
        return function

    return add


def leaf(torch, *values, dtype=None):
    return torch.tensor(list(values), dtype=dtype or torch.float64, requires_grad=True)


def tried(action, *words):
    """What the action gives; or the kind of its error and which of these words it says."""
    try:
        return action()
    except Exception as error:
        kind = type(error).__mro__
        kind = next(each for each in kind if each.__module__ == "builtins")
        return kind.__name__, [word for word in words if word in str(error)]


def described(value):
    if hasattr(value, "requires_grad") and hasattr(value, "detach"):
        facts = str(value.dtype), tuple(value.shape), value.requires_grad, value.is_leaf
        return facts, np.round(value.detach().resolve_conj().numpy() if hasattr(value, "resolve_conj")
                               else value.detach().numpy(), 9).tolist()
    if isinstance(value, (tuple, list)):
        return [described(each) for each in value]
    if isinstance(value, dict):
        return {key: described(each) for key, each in value.items()}
    return value


def seen(function, library):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = described(function(library))
    once = "create_graph=True"  # torch says that only the first time
    return found, [each.category.__name__ for each in warned if once not in str(each.message)]


def names(family):
    return pytest.mark.parametrize("run", PROGRAMS[family], ids=[each.__name__ for each in PROGRAMS[family]])


def check(run):
    ours, our_warnings = seen(run, engine)
    theirs, their_warnings = seen(run, torch)
    assert ours == theirs
    assert our_warnings == their_warnings


# ---- operations of the user's own --------------------------------------------------------------------------


def product(torch):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, gradient):
            a, b = ctx.saved_tensors
            first, second = ctx.needs_input_grad
            return (gradient * b if first else None), (gradient * a if second else None)

    return Product


@program("functions")
def needs_input_grad(torch):
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    log = []
    for first, second in [(a, b), (a, b.detach()), (a.detach(), b), (a.detach(), b.detach()), (a, a)]:
        result = product(torch).apply(first, second)
        log.append(result)
        if result.requires_grad:
            log.append(torch.autograd.grad(result.sum(), [each for each in (a, b) if each is first or each is second]))
    return log


@program("functions")
def second_order(torch):
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    first = torch.autograd.grad((product(torch).apply(a, b) ** 2).sum(), (a, b), create_graph=True)
    return first, torch.autograd.grad(first[0].sum() + (first[1] * a).sum(), (a, b))


@program("functions")
def name_of_the_node(torch):
    result = product(torch).apply(leaf(torch, 1.0), leaf(torch, 2.0))
    edges = [each[0].name() for each in result.grad_fn.next_functions]
    return result.grad_fn.name(), [each.rpartition("::")[2] for each in edges]


class Log(list):
    """What a Function's backward received."""


def two_results(torch, log, materialize=True, marked=None):
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            results = x * 2, x * 3, x.exp()
            if marked is not None:
                ctx.mark_non_differentiable(results[marked])
            return results

        @staticmethod
        def backward(ctx, *gradients):
            log.append([None if each is None else each.clone() for each in gradients])
            return sum(each for each in gradients if each is not None)

    return Two


@program("functions")
def results_without_a_gradient_are_zeros(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    first, second, third = two_results(torch, log).apply(x)
    second.sum().backward()
    return log, x.grad, first, third


@program("functions")
def results_without_a_gradient_are_none(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    first, second, third = two_results(torch, log, materialize=False).apply(x)
    (first.sum() * 2 + third.sum()).backward()
    return log, x.grad


@program("functions")
def marked_non_differentiable(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    results = two_results(torch, log, marked=1).apply(x)
    (results[0] * 5 + results[1]).sum().backward()
    return [(each.requires_grad, each.is_leaf) for each in results], log, x.grad


@program("functions")
def integers_among_the_results(torch):
    class Sorted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values, order = x.sort()
            ctx.mark_non_differentiable(order)
            ctx.save_for_backward(order)
            return values, order

        @staticmethod
        def backward(ctx, gradient, nothing):
            (order,) = ctx.saved_tensors
            return torch.zeros_like(gradient).index_add_(0, order, gradient), nothing is None

    x = leaf(torch, 3.0, 1.0, 2.0)
    values, order = Sorted.apply(x)
    log = [values, order]
    log.append(tried(lambda: (values * torch.tensor([1.0, 2.0, 3.0])).sum().backward(), "incorrect number of gradients"))
    return log


@program("functions")
def marked_dirty(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    a = leaf(torch, 1.0, 2.0)
    b = a * 3
    row = b[:1]
    version = b._version
    result = Double.apply(b)
    (b * a).sum().backward()
    return result is b, b, b.grad_fn is None, row, b._version - version, a.grad, tried(lambda: Double.apply(a), "leaf")


@program("functions")
def changed_without_being_marked(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    return tried(lambda: Wrong.apply(leaf(torch, 1.0) * 2), "mark", "dirty")


@program("functions")
def an_argument_returned(torch):
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x, y

        @staticmethod
        def backward(ctx, first, second):
            return first * 10, second

    a, b = leaf(torch, 1.0), torch.tensor([2.0], dtype=torch.float64)
    first, second = Same.apply(a, b)
    (first + second).sum().backward()
    return first is a, second is b, first, second, a.grad


@program("functions")
def gradients_that_do_not_fit(torch):
    def returning(*gradients):
        class Returning(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, number):
                return x * number

            @staticmethod
            def backward(ctx, gradient):
                return gradients

        return lambda: Returning.apply(leaf(torch, 1.0, 2.0), 2).sum().backward()

    right = torch.ones(2, dtype=torch.float64)
    return [
        tried(returning(right), "incorrect number of gradients"), tried(returning(right, None)),
        tried(returning(right, None, None)), tried(returning(right, right), "Variable"), tried(returning(3.0, None)),
        tried(returning(torch.ones(3, dtype=torch.float64), None), "invalid gradient"), tried(returning(None, None)),
        tried(returning(torch.ones(4, 2, dtype=torch.float64), None)), tried(returning(right.float(), None)),
        tried(returning(right * 1j, None))]


@program("functions")
def once_differentiable(torch):
    from importlib import import_module

    once = import_module(torch.autograd.__name__ + ".function").once_differentiable

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @once
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * x**2 * 3, torch.is_grad_enabled()

    Cube.backward = staticmethod(once(lambda ctx, gradient: gradient * ctx.saved_tensors[0] ** 2 * 3))
    x = leaf(torch, 2.0)
    (slope,) = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    return slope.requires_grad, slope.tolist(), tried(lambda: slope.sum().backward(), "once_differentiable")


@program("functions")
def setup_context(torch):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.factor = inputs
            ctx.save_for_backward(x, output)

        @staticmethod
        def backward(ctx, gradient):
            x, output = ctx.saved_tensors
            return gradient * ctx.factor + (output - x * ctx.factor), None

    x = leaf(torch, 1.0, 2.0)
    Scaled.apply(x, 3).sum().backward()
    return x.grad


@program("functions")
def saved_values_are_guarded(torch):
    a, b = leaf(torch, 1.0) * 1, leaf(torch, 2.0)
    result = product(torch).apply(a, b)
    with torch.no_grad():
        a.add_(1)
    log = [tried(lambda: result.sum().backward(), "modified by an inplace operation")]
    again = product(torch).apply(b, b).sum()
    again.backward()
    log.append(tried(again.backward, "second time"))
    return log


@program("functions")
def save_only_tensors(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, 3)
            return x * 1

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    return tried(lambda: Wrong.apply(leaf(torch, 1.0)), "save_for_backward", "int"), tried(lambda: type(Wrong()).__name__)


@program("functions")
def no_backward_given(torch):
    class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

    return tried(lambda: Half.apply(leaf(torch, 1.0)).sum().backward(), "backward"), tried(
        lambda: torch.autograd.Function.apply(leaf(torch, 1.0)), "forward")


@program("functions")
def complex_numbers(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, gradient):
            log.append(gradient.clone())
            (x,) = ctx.saved_tensors
            return gradient * 2 * x.conj()

    log, x = Log(), leaf(torch, 1 + 2j, 3 - 1j, dtype=torch.complex128)
    result = Square.apply(x * 2j) * (1 + 1j)
    (slope,) = torch.autograd.grad((result * result.conj()).real.sum(), x, create_graph=True)
    return log, slope.detach(), torch.autograd.grad((slope * slope.conj()).real.sum(), x)


@program("functions")
def recording_inside(torch):
    class Inside(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            log.append((torch.is_grad_enabled(), (x * 2).requires_grad, x.requires_grad))
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            log.append((torch.is_grad_enabled(), gradient.requires_grad))
            return gradient

    log, x = Log(), leaf(torch, 1.0)
    Inside.apply(x).sum().backward()
    torch.autograd.grad(Inside.apply(x).sum(), x, create_graph=True)
    with torch.no_grad():
        log.append(Inside.apply(x))
    return log


# ---- hooks ---------------------------------------------------------------------------------------------------


@program("hooks")
def order(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    y = x * 3
    y.register_hook(lambda g: log.append(("first", g.tolist())))
    y.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: log.append(("second", g.tolist())))
    y.grad_fn.register_prehook(lambda out: log.append(("node before", [g.tolist() for g in out])))
    y.grad_fn.register_hook(lambda into, out: log.append(("node after", into[0].tolist(), out[0].tolist())))
    y.retain_grad()
    y.register_hook(lambda g: log.append(("third", g.tolist())))
    x.register_hook(lambda g: log.append(("leaf", g.tolist())))
    x.register_post_accumulate_grad_hook(lambda t: log.append(("accumulated", t.grad.tolist())))
    (y * y).sum().backward()
    return log, y.grad, x.grad


@program("hooks")
def removal(torch):
    log, x = Log(), leaf(torch, 1.0)
    y = x * 3
    handles = [y.register_hook(lambda g, name=name: log.append(name)) for name in "abc"]
    handles[1].remove()
    handles[1].remove()
    y.sum().backward(retain_graph=True)
    with handles[0]:
        y.sum().backward(retain_graph=True)
    y.sum().backward()
    return log


@program("hooks")
def changing_gradients(torch):
    x = leaf(torch, 1.0, 2.0)
    y = x * 3
    y.register_hook(lambda g: g + 1)
    y.grad_fn.register_prehook(lambda out: (out[0] * 10,))
    y.grad_fn.register_hook(lambda into, out: (into[0] + 0.5,) + tuple(into[1:]))
    handle = x.register_hook(lambda g: g * 100)
    y.sum().backward()
    handle.remove()
    return x.grad, torch.autograd.grad((x * x).sum(), x)


@program("hooks")
def hooks_and_grad(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    y = x.exp()
    y.register_hook(lambda g: log.append(g.tolist()) or g * 2)
    x.register_hook(lambda g: g * 3)
    x.register_post_accumulate_grad_hook(lambda t: log.append("accumulated"))
    return [each.detach() for each in torch.autograd.grad((y * y).sum(), (x, y), retain_graph=True)], log, x.grad


@program("hooks")
def what_hooks_may_return(torch):
    def returning(value):
        x = leaf(torch, 1.0, 2.0)
        y = x * 2
        y.register_hook(lambda g: value)
        return lambda: y.sum().backward()

    x = leaf(torch, 1.0)
    x.register_post_accumulate_grad_hook(lambda t: t)
    return [
        tried(returning(3.0), "hook"), tried(returning(torch.ones(3, dtype=torch.float64)), "size"),
        tried(returning(torch.ones(2)), "type"), tried(returning("text"), "hook"),
        tried(lambda: (x * 2).sum().backward(), "None"), tried(lambda: x.detach().register_hook(print), "gradient"),
        tried(lambda: (x * 2).register_post_accumulate_grad_hook(print), "leaf")]


@program("hooks")
def recorded_hooks(torch):
    x = leaf(torch, 1.0, 2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (slope,) = torch.autograd.grad((y * 3).sum(), x, create_graph=True)
    return slope.detach(), torch.autograd.grad(slope.sum(), x)


@program("hooks")
def hooks_on_the_leaf_outlive_the_graph(torch):
    log, x = Log(), leaf(torch, 1.0)
    x.register_hook(lambda g: log.append(g.tolist()))
    for _ in range(2):
        (x * 2).sum().backward()
    return log, x.grad


@program("hooks")
def hooks_after_a_change_in_place(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: log.append(("before", g.tolist())))
    y.mul_(5)
    y.register_hook(lambda g: log.append(("after", g.tolist())))
    y.sum().backward()
    return log, x.grad


@program("hooks")
def retained(torch):
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    before = y.retains_grad
    y.retain_grad()
    y.retain_grad()
    y.mul_(3)
    z = y.detach()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    x.retain_grad()
    log = [before, y.retains_grad, x.retains_grad, y.grad, x.grad, z.requires_grad, z.is_leaf, z.grad_fn]
    return log, tried(z.retain_grad, "requires_grad=False")


@program("hooks")
def saved_tensors_hooks(torch):
    log, x = Log(), leaf(torch, 1.0, 2.0)

    def pack(tensor):
        log.append(("pack", tensor.tolist()))
        return tensor * 1

    def unpack(tensor):
        log.append(("unpack", tensor.tolist()))
        return tensor * 2

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x.exp()
    y.sum().backward()
    return log, x.grad


# ---- switches ------------------------------------------------------------------------------------------------


@program("switches")
def as_context_managers(torch):
    x, log = leaf(torch, 1.0), []
    for outer in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        for inner in (torch.no_grad, torch.enable_grad, torch.inference_mode):
            with outer():
                with inner():
                    y = x * 2
                    log.append((torch.is_inference_mode_enabled(), y.requires_grad, y.is_inference()))
                    if inner is torch.no_grad or outer is not torch.inference_mode:  # torch: yes in enable_grad there
                        log.append(torch.is_grad_enabled())
                log.append(torch.is_grad_enabled())
    return log, torch.is_grad_enabled()


@program("switches")
def as_decorators(torch):
    x, log = leaf(torch, 1.0), []
    for switch in (torch.no_grad, torch.enable_grad, torch.inference_mode, torch.no_grad(), torch.enable_grad(),
                   torch.inference_mode(), torch.inference_mode(False), torch.set_grad_enabled(False)):
        @switch
        def double(t):
            """Doubles."""
            return (t * 2).requires_grad, torch.is_grad_enabled(), torch.is_inference_mode_enabled()

        log.append((double(x), double.__name__, double.__doc__, torch.is_grad_enabled()))
        with torch.no_grad():
            log.append(double(x))
    return log


@program("switches")
def as_decorators_of_generators(torch):
    log = []
    for switch in (torch.enable_grad(), torch.inference_mode(), torch.set_grad_enabled(False)):
        @switch
        def steps():
            yield torch.is_grad_enabled(), torch.is_inference_mode_enabled()
            yield torch.is_grad_enabled(), torch.is_inference_mode_enabled()

        with torch.no_grad():
            for step in steps():
                log += [step, torch.is_grad_enabled()]
        log.append(torch.is_grad_enabled())

    @torch.no_grad()
    def numbers():
        try:
            while True:
                log.append(("inside", torch.is_grad_enabled()))
                got = yield torch.is_grad_enabled()
                log.append(("got", got, torch.is_grad_enabled()))
        except ValueError as error:
            log.append((str(error), torch.is_grad_enabled()))
            yield "caught"
        finally:
            log.append(("closed", torch.is_grad_enabled()))
        return "end"

    generator = numbers()
    log += [next(generator), torch.is_grad_enabled(), generator.send(5), generator.throw(ValueError("oh")),
            torch.is_grad_enabled()]
    try:
        next(generator)
    except StopIteration as end:
        log.append(end.value)
    other = numbers()
    next(other)
    other.close()
    return log


@program("switches")
def set_grad_enabled(torch):
    log = []
    switch = torch.set_grad_enabled(False)
    log.append(torch.is_grad_enabled())
    torch.set_grad_enabled(True)
    log.append(torch.is_grad_enabled())
    with torch.set_grad_enabled(False):
        log.append(torch.is_grad_enabled())
    log.append(torch.is_grad_enabled())
    with switch:
        log.append(torch.is_grad_enabled())
    log.append(torch.is_grad_enabled())
    return log


@program("switches")
def after_an_error(torch):
    def fails():
        with torch.no_grad():
            raise KeyError("x")

    return tried(fails), torch.is_grad_enabled()


@program("switches")
def inference_tensors(torch):
    x = leaf(torch, 1.0, 2.0)
    with torch.inference_mode():
        y = x * 2
        inside = tried(lambda: y.mul_(2).tolist())
        view = y[:1]
    return (
        inside, view.is_inference(), tried(lambda: (y * x), "Inference tensors cannot be saved for backward"),
        tried(lambda: (y + x).requires_grad), tried(lambda: y.add_(1), "Inplace update to inference tensor"),
        tried(lambda: y.requires_grad_(), "inference"), tried(lambda: y._version, "version"),
        tried(lambda: (y.clone() * x).requires_grad), tried(lambda: x.is_inference()))


@program("switches")
def detached(torch):
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    z = y.detach()
    z.mul_(5)
    return y, z, y._version, z._version, tried(lambda: (y * y).sum().backward()), x.grad, tried(
        lambda: y.requires_grad_(False), "leaf")


# ---- anomalies -----------------------------------------------------------------------------------------------


def root_of_negative(torch):
    x = leaf(torch, -1.0)
    y = torch.sqrt(x)  # the line to be named
    return (y * 0 * 1).sum()


@pytest.mark.parametrize("library", [engine, torch], ids=["engine", "torch"])
def test_detect_anomaly_names_the_forward_line(library):
    """torch warns with the traceback of the forward call; ours says it in the error and in the warning."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with library.autograd.detect_anomaly():
            assert library.is_anomaly_enabled() and library.is_anomaly_check_nan_enabled()
            with pytest.raises(RuntimeError, match="SqrtBackward0.*nan"):
                root_of_negative(library).backward()
    texts = "\n".join(str(each.message) for each in warned)
    assert "y = torch.sqrt(x)" in texts and "test_parity_autograd.py" in texts
    assert not library.is_anomaly_enabled()


@program("switches")
def anomalies(torch):
    log = []
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        log.append((torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
        root_of_negative(torch).backward()
    torch.autograd.set_detect_anomaly(True)
    log.append(torch.is_anomaly_enabled())
    torch.autograd.set_detect_anomaly(False)
    return log, torch.is_anomaly_enabled()


# ---- backward and grad ---------------------------------------------------------------------------------------


@program("gradients")
def unused_inputs(torch):
    x, y, z = leaf(torch, 1.0), leaf(torch, 2.0), torch.ones(2, dtype=torch.float64)
    out = (x * x).sum()
    return [
        tried(lambda: torch.autograd.grad((x * x).sum(), (x, y)), "allow_unused"),
        torch.autograd.grad(out, (x, y), allow_unused=True, retain_graph=True),
        torch.autograd.grad(out, (x, y), materialize_grads=True, retain_graph=True),
        tried(lambda: torch.autograd.grad(out, (x, y), allow_unused=False, materialize_grads=True), "materialize_grads"),
        tried(lambda: torch.autograd.grad(out, z), "require grad"), tried(lambda: torch.autograd.grad(z.sum(), x), "grad"),
        tried(lambda: torch.autograd.grad(out, ()), "grad"), tried(lambda: torch.autograd.grad((), x), "grad")]


@program("gradients")
def several_outputs(torch):
    x, y = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    outputs = x * y, (x.exp()).sum()
    ones = torch.ones(2, dtype=torch.float64)
    return [
        torch.autograd.grad(outputs, (x, y), (ones, None), retain_graph=True),
        torch.autograd.grad(outputs, {"x": x, "y": y}, (ones * 2, torch.tensor(3.0, dtype=torch.float64)), retain_graph=True),
        tried(lambda: torch.autograd.grad(outputs, x), "scalar outputs"),
        tried(lambda: torch.autograd.grad(outputs, x, ones), "gradients"),
        tried(lambda: torch.autograd.grad(outputs, x, (torch.ones(3, dtype=torch.float64), None)), "Mismatch in shape"),
        tried(lambda: torch.autograd.grad(outputs[0], x, 1.0))]


@program("gradients")
def the_same_twice(torch):
    x = leaf(torch, 2.0)
    y = x * x
    return torch.autograd.grad([y, y], [x, x, y], [torch.ones_like(y), torch.ones_like(y)])


@program("gradients")
def of_an_output_itself(torch):
    x = leaf(torch, 2.0)
    return torch.autograd.grad(x, x, torch.ones_like(x)), torch.autograd.grad((x * 2).sum(), x, create_graph=True)


@program("gradients")
def a_second_backward(torch):
    x = leaf(torch, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    sums = (x + 1).sum()
    sums.backward()
    return x.grad, tried(y.backward, "second time"), tried(sums.backward, "second time"), x.grad


@program("gradients")
def backward_to_inputs(torch):
    x, y = leaf(torch, 2.0), leaf(torch, 3.0)
    z = x * y
    w = z * x
    w.sum().backward(inputs=[x], retain_graph=True)
    w.sum().backward(inputs=z, retain_graph=True)
    log = [x.grad, y.grad, tried(lambda: z.grad)]
    return log + [tried(lambda: w.sum().backward(inputs=[]), "empty")]


@program("gradients")
def create_graph_fills_grad(torch):
    x = leaf(torch, 2.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    return first.detach(), first.requires_grad, x.grad


@program("gradients")
def grad_accumulates_in_place(torch):
    x = leaf(torch, 2.0)
    (x * 2).sum().backward()
    held = x.grad
    (x * 3).sum().backward()
    return held is x.grad, held


@program("gradients")
def assigning_grad(torch):
    x = leaf(torch, 2.0, 3.0)
    x.grad = torch.ones(2, dtype=torch.float64)
    (x * 2).sum().backward()

    def assign(value):
        x.grad = value

    return x.grad, [
        tried(lambda: assign(torch.ones(3, dtype=torch.float64))), tried(lambda: assign(torch.ones(2))),
        tried(lambda: assign(3.0)), tried(lambda: assign(None))]


@program("gradients")
def types_of_gradients(torch):
    x = leaf(torch, 1.0, 2.0, dtype=torch.float32)
    (x.double() * 2 + x.half().double()).sum().backward()
    return x.grad


@program("gradients")
def grad_of_a_non_leaf(torch):
    y = leaf(torch, 1.0) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return y.grad


# ---- derivatives of functions -------------------------------------------------------------------------------


def both(a, b):
    return a * b.sum(), (a**2).sum() + b


@program("derivatives")
def jacobians(torch):
    functional, a, b = torch.autograd.functional, leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0, 5.0)
    return [
        functional.jacobian(lambda x: x.exp(), a), functional.jacobian(both, (a, b)),
        functional.jacobian(lambda x: x.sum(), a), functional.jacobian(lambda x: (x * 2,), (a,)),
        functional.jacobian(lambda x: x.exp(), a, create_graph=True), functional.jacobian(lambda x: a * 2, b),
        tried(lambda: functional.jacobian(lambda x: a * 2, b, strict=True), "independent"),
        tried(lambda: functional.jacobian(lambda x: a.detach() * 2, b, strict=True), "require"),
        tried(lambda: functional.jacobian(lambda x: 3.0, b), "given"), tried(lambda: functional.jacobian(both, [a, b]))]


@program("derivatives")
def hessians(torch):
    functional, a, b = torch.autograd.functional, leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0, 5.0)
    return [
        functional.hessian(lambda x: (x**3).sum(), a),
        functional.hessian(lambda x, y: (x**2).sum() * y.prod(), (a, b)),
        functional.hessian(lambda x: (x**3).sum(), a, create_graph=True), functional.hessian(lambda x: x.sum() * 2, a),
        tried(lambda: functional.hessian(lambda x: x.sum() * 2, a, strict=True), "independent"),
        tried(lambda: functional.hessian(lambda x: x * 2, a), "single element"),
        tried(lambda: functional.hessian(lambda x: (x.sum(), x.sum()), a), "single")]


@program("derivatives")
def products(torch):
    functional, a, b = torch.autograd.functional, leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0, 5.0)
    v, w = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64)
    return [
        functional.vjp(lambda x: x.exp(), a, v), functional.vjp(both, (a, b), (v, w)), functional.vjp(lambda x: x.sum(), a),
        functional.jvp(lambda x: x.exp(), a, v), functional.jvp(both, (a, b), (v, w)),
        functional.vhp(lambda x: (x**3).sum(), a, v), functional.hvp(lambda x: (x**3).sum(), a, v),
        functional.vjp(lambda x: x.exp(), a, v, create_graph=True),
        functional.jvp(lambda x: x.exp(), a, v, create_graph=True),
        tried(lambda: functional.vjp(lambda x: x.exp(), a), "can only be None"),
        tried(lambda: functional.jvp(lambda x: x.exp(), a), "can only be None"),
        tried(lambda: functional.vjp(lambda x: x.exp(), a, w), "invalid size"),
        tried(lambda: functional.vjp(lambda x: x.exp(), a, (v, v)), "invalid length"),
        tried(lambda: functional.vjp(lambda x: b * 2, a, w, strict=True), "independent"),
        tried(lambda: functional.jvp(lambda x: b * 2, a, v, strict=True), "independent"),
        functional.vjp(lambda x: b * 2, a, w), functional.jvp(lambda x: b * 2, a, v)]


def test_what_functional_cannot_do_is_refused():
    """vectorize and forward mode, which torch has."""
    a = leaf(engine, 1.0, 2.0)
    for derivative in (engine.autograd.functional.jacobian, engine.autograd.functional.hessian):
        with pytest.raises(NotImplementedError, match="vectorize"):
            derivative(lambda x: x.sum(), a, vectorize=True)
    with pytest.raises(NotImplementedError, match="forward-mode"):
        engine.autograd.functional.jacobian(lambda x: x, a, strategy="forward-mode")
    with pytest.raises(NotImplementedError, match="is_grads_batched"):
        engine.autograd.grad(a.sum(), a, is_grads_batched=True)


# ---- checkpoint ----------------------------------------------------------------------------------------------


def checkpoint_of(torch):
    from importlib import import_module

    return import_module(torch.__name__ + ".utils.checkpoint").checkpoint


def each_way(body):
    """The program for use_reentrant False and True."""

    def both_ways(torch):
        return [body(torch, use_reentrant) for use_reentrant in (False, True)]

    both_ways.__name__ = body.__name__
    return program("checkpoints")(both_ways)


@each_way
def runs_twice(torch, use_reentrant):
    x, w, calls = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0), []

    def block(t, factor):
        calls.append(torch.is_grad_enabled())
        return (t * w).exp() * factor, t.detach() * 2

    first, second = checkpoint_of(torch)(block, x, 0.5, use_reentrant=use_reentrant)
    seen_before = list(calls)
    first.sum().backward()
    return seen_before, calls, first, second.requires_grad, x.grad, w.grad


@each_way
def nested_and_retained(torch, use_reentrant):
    x, checkpoint = leaf(torch, 1.0, 2.0), checkpoint_of(torch)

    def inner(t):
        return t.exp() * t

    def outer(t):
        return checkpoint(inner, t.sin(), use_reentrant=use_reentrant) * t

    result = checkpoint(outer, x, use_reentrant=use_reentrant)
    result.sum().backward(retain_graph=True)
    result.sum().backward()
    return x.grad


@each_way
def random_draws_are_repeated(torch, use_reentrant):
    draws, x = [], leaf(torch, *([1.0] * 4))

    def block(t):
        draws.append(torch.rand(4, dtype=torch.float64))
        return t * draws[-1]

    for preserve in (True, False):
        torch.manual_seed(3)
        result = checkpoint_of(torch)(block, x, use_reentrant=use_reentrant, preserve_rng_state=preserve)
        torch.rand(2)
        result.sum().backward()
    return [bool((draws[0] == draws[1]).all()), bool((draws[2] == draws[3]).all())]


@each_way
def keywords(torch, use_reentrant):
    x = leaf(torch, 1.0)

    def block(t, *, factor):
        return t * factor

    return tried(lambda: checkpoint_of(torch)(block, x, factor=3, use_reentrant=use_reentrant), "keyword")


@each_way
def with_grad_instead_of_backward(torch, use_reentrant):
    x = leaf(torch, 1.0)
    result = checkpoint_of(torch)(lambda t: t.exp(), x, use_reentrant=use_reentrant)
    return tried(lambda: torch.autograd.grad(result.sum(), x), ".grad()")


@each_way
def nothing_to_differentiate(torch, use_reentrant):
    x, w = torch.ones(1, dtype=torch.float64), leaf(torch, 2.0)
    result = checkpoint_of(torch)(lambda t: t * w, x, use_reentrant=use_reentrant)
    return result.requires_grad, checkpoint_of(torch)(lambda t: t * 2, x, use_reentrant=use_reentrant)


@each_way
def within_no_grad(torch, use_reentrant):
    x = leaf(torch, 1.0)
    with torch.no_grad():
        return checkpoint_of(torch)(lambda t: t.exp(), x, use_reentrant=use_reentrant)


# ---- what torch refuses to change in place -------------------------------------------------------------------

# A change of b = a * 2 (2, 3), or of something else; words of the error: the name of the operation, if torch gives it.
REFUSED = [
    ("a.add_(1)", "a leaf Variable that requires grad"),
    ("a[0].mul_(2)", "a view of a leaf Variable that requires grad"),
    ("a.t_()", "a leaf Variable that requires grad"),
    ("b.unbind()[0].mul_(2)", "Output 0 of Unbind"),
    ("b.split(1)[1].add_(1)", "Output 1 of Split"),
    ("b.chunk(2)[1].copy_(c[:1])", "Output 1 of Split"),
    ("b.split([1, 1])[0].zero_()", "Output 0 of SplitWithSizes"),
    ("list(b)[1].mul_(2)", "Output 1 of Unbind"),
    ("torch.unbind(b, 1)[2].clamp_(0)", "Output 2 of Unbind"),
    ("b.unbind()[0].__setitem__(0, 1.0)", "is a view and is being modified inplace"),
    ("silent(b).mul_(2)", "A view was created in no_grad mode"),
    ("c.expand(2, 2, 3).add_(1)", "single memory location"),
    ("b.add_(torch.ones(2, 2, 3))", "doesn't match the broadcast shape"),
    ("torch.ones(2, dtype=torch.int64).mul_(0.5)", "can't be cast"),
    ("torch.ones(2, dtype=torch.bool).add_(1)", "can't be cast"),
    ("inference.add_(1)", "Inplace update to inference tensor"),
    ("(b.exp(), b.mul_(2))[0].sum().backward()", None),
    ("used(b.exp(), lambda y: y.mul_(2))", "ExpBackward0"),
    ("used(b * b, lambda y: b.add_(1))", "MulBackward0"),
    ("used(b @ b.T, lambda y: b.zero_())", "modified by an inplace operation"),
    ("used(b.sigmoid(), lambda y: y.neg_())", "SigmoidBackward0"),
    ("used(b.max(1).values, lambda y: b.mul_(2))", None),
    ("used(b.sum(), lambda y: b.mul_(2))", None),
    ("used(b + 1, lambda y: b.mul_(2))", None),
    ("used(b.relu(), lambda y: y.add_(1))", "ReluBackward0"),
]


def attempt(library, line):
    a = library.tensor([[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]], dtype=library.float64, requires_grad=True)
    with library.inference_mode():
        inference = library.ones(2)

    def silent(tensor):
        with library.no_grad():
            return tensor[0]

    def used(result, change):
        change(result)
        result.sum().backward()

    scope = {"torch": library, "a": a, "b": a * 2, "c": a.detach().clone(), "silent": silent, "used": used}
    with library.autograd.set_detect_anomaly(False):
        eval(line, scope | {"inference": inference})
    return a.grad if a.grad is None else a.grad.tolist()


@pytest.mark.parametrize("line, words", REFUSED, ids=[line for line, _ in REFUSED])
def test_what_torch_refuses_to_change_in_place(line, words):
    """Both raise RuntimeError with the same words, or (None) neither does and the gradients agree.

    Of a saved value torch names the node of its present owner; ours names the node that saved it.
    """
    if words is None:
        assert attempt(engine, line) == attempt(torch, line)
        return
    with pytest.raises(RuntimeError, match=words if words.endswith("Backward0") is False else "inplace operation"):
        attempt(torch, line)
    with pytest.raises(RuntimeError, match=words):
        attempt(engine, line)


# ---- the comparison ------------------------------------------------------------------------------------------


@names("functions")
def test_operations_of_the_user_s_own(run):
    """Function: contexts, saved tensors, marks, None gradients, errors."""
    check(run)


@names("hooks")
def test_hooks(run):
    """On tensors and nodes: order, replacement, removal; retain_grad."""
    check(run)


@names("switches")
def test_switches(run):
    """no_grad, enable_grad, set_grad_enabled, inference_mode, anomaly detection, detach."""
    check(run)


@names("gradients")
def test_backward_and_grad(run):
    """Which gradients come, where they go, what is refused."""
    check(run)


@names("derivatives")
def test_derivatives_of_functions(run):
    """torch.autograd.functional."""
    check(run)


@names("checkpoints")
def test_checkpoint(run):
    """Both ways, random draws, keywords, errors."""
    check(run)
