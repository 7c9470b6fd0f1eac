"""The tests see mistakes: each derivative, forward and promise of the graph is broken in turn, and a test fails."""

import functools
import importlib
import inspect
import pathlib
import sys
import textwrap

import numpy as np
import opinfo
import opinfo_known
import pytest
import test_autograd
import test_fused
import test_graph
import test_inplace
import test_table
import test_tensor

import engine
from engine import autograd, backend, inplace
from engine.autograd import graph, hooks, short
from engine.ops import TABLE, table

pytestmark = pytest.mark.slow

# ---- derivatives ------------------------------------------------------------------------------------

DERIVATIVES = [
    (name, position)
    for name, op in TABLE.items()
    if op.example
    for position, vjp in enumerate(op.vjps)
    if vjp is not None
]
WRONG = {
    "one percent too large": lambda gradient: gradient * 1.01,
    "the other sign": lambda gradient: -gradient,
    "shifted": lambda gradient: gradient + 0.01,
    "each element by a factor of its own": lambda gradient: gradient * _factors(gradient),
}
# Where the derivative is zero a multiple of it is right as well.
ZERO = {"ceil", "det_sign", "div_rounded", "floor", "frac", "round", "sign", "trunc"}
# The check itself ends in a sum: two wrong signs are a right one.
CANCELLED = {("sum", "the other sign")}


def _factors(gradient):
    """1.1, 1.2, 1.3, ... in the gradient's shape."""
    shape = tuple(gradient.shape)
    factors = 1.1 + 0.1 * np.arange(int(np.prod(shape))).reshape(shape)
    return engine.tensor(factors, device=gradient.device) if isinstance(gradient, engine.Tensor) else factors


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name, position", DERIVATIVES)
def test_a_wrong_derivative_is_seen(name, position, wrong, monkeypatch):
    op = TABLE[name]
    vjps = list(op.vjps)
    vjps[position] = spoilt(vjps[position], WRONG[wrong])
    monkeypatch.setattr(op, "vjps", vjps)
    monkeypatch.setattr(op, "plans", {})
    monkeypatch.setattr(short, "AT_ONCE", {})  # the shorter ways, which test_fused holds equal to these
    if name in ZERO and wrong != "shifted" or (name, wrong) in CANCELLED:
        test_table.test_gradients_agree_with_finite_differences(name, "cpu")
    elif name == "imag":  # zero for the real numbers of the table's example
        fails(test_the_gradient_of_an_imaginary_part)
    else:
        fails(lambda: test_table.test_gradients_agree_with_finite_differences(name, "cpu"))


def test_the_gradient_of_an_imaginary_part():
    """Im(x (1 + 2i)) is 2x: the derivative that finite differences of real numbers do not show."""
    x = test_autograd.leaf(3.0, 4.0)
    ((x * (1 + 2j)).imag * engine.tensor([5.0, 6.0])).sum().backward()
    assert x.grad.tolist() == [10.0, 12.0]


def spoilt(function, change):
    """The function with a changed result; wraps() keeps the parameters' names, by which the table calls it."""

    @functools.wraps(function)
    def wrong(*arguments, **keywords):
        return change(function(*arguments, **keywords))

    return wrong


def fails(check):
    with pytest.raises((Exception, pytest.fail.Exception)):
        check()


# ---- values -----------------------------------------------------------------------------------------

# Helpers of derivatives that no function of torch's calls: only their gradients can be compared.
INNER = {"index_put_add", "scatter_add_zeros"}


def changed(result):
    """Another value of the same type and shape, whatever the type."""
    if isinstance(result, tuple):
        return tuple(changed(each) for each in result)
    result = np.asarray(result)
    return (
        ~result if result.dtype == bool else (result + (1 if result.dtype.kind in "iu" else 0.01)).astype(result.dtype)
    )


@functools.cache
def lines():
    """(test function, line) for every line of the parity tests."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    found = []
    for path in sorted(pathlib.Path(__file__).parent.glob("test_parity*.py")):
        module = importlib.import_module(path.stem)
        for test in vars(module).values():
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "parametrize" and mark.args[0] == "line":
                    found += [(test, line) for line in mark.args[1]]
    return found


@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if op.example and name not in INNER])
def test_a_wrong_value_is_seen(name, monkeypatch, strict_cupy):
    """Some line of the parity tests fails (those that name the operation are tried first), or a sample of PyTorch's."""
    tried = sorted(lines(), key=lambda each: name.split("_")[0] not in each[1])
    op = TABLE[name]
    monkeypatch.setattr(op, "forward", spoilt(op.forward, changed))
    for test, line in tried:
        try:
            test(line)
        except (Exception, pytest.fail.Exception):  # the line has noticed: an assertion, or an error further on
            return
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    if opinfo_known.unknown(opinfo.compare(name)):
        return
    pytest.fail(f"no line of the parity tests notices that {name} computes something else")


# ---- the graph --------------------------------------------------------------------------------------

# (what is broken, the function, its text, the text in its place, the test that sees it)
PROMISES = [
    (
        "a second gradient overwrites the first",
        (short, "_pass_on_by_vjps"),
        "arriving[source] + its_gradient if source in arriving else its_gradient",
        "its_gradient",
        lambda: test_autograd.test_a_value_used_twice_receives_both_gradients("cpu"),
    ),
    (
        "a second gradient, of a part, overwrites the first",
        (short, "_pass_on"),
        "arriving[source] + its_gradient if source in arriving else its_gradient",
        "its_gradient",
        lambda: test_fused.test_a_gradient_that_somebody_else_holds_is_not_added_to(),
    ),
    (
        "a second gradient of an operation on one input overwrites the first",
        (short, "backward"),
        "gradient = arriving.pop(source) + gradient\n",
        "pass\n",
        lambda: test_autograd.test_a_value_read_by_two_operations_receives_both_gradients("cpu"),
    ),
    (
        "a second gradient overwrites the first, with create_graph",
        (graph, "backward"),
        "arriving[source] + its_gradient if source in arriving else its_gradient",
        "its_gradient",
        lambda: test_autograd.test_a_value_read_by_two_operations_receives_both_gradients("cpu"),
    ),
    (
        "a node does not wait for all that used it",
        (graph, "count_uses"),
        "uses[source] += 1",
        "pass",
        lambda: test_graph.test_a_value_waits_for_users_at_different_depths("cpu"),
    ),
    (
        "dimensions of size 1 are not summed over",
        (graph, "unbroadcast"),
        "axis < added or (shape[axis - added] == 1 and gradient.shape[axis] != 1)",
        "axis < added",
        test_autograd.test_unbroadcast_sums_over_the_stretched_axes,
    ),
    (
        "dimensions in front are not summed over",
        (graph, "unbroadcast"),
        "axis < added or (",
        "axis >= added and (",
        test_autograd.test_unbroadcast_sums_over_the_stretched_axes,
    ),
    (
        "stretched dimensions are averaged",
        (graph, "unbroadcast"),
        "gradient.sum(",
        "gradient.mean(",
        test_autograd.test_unbroadcast_sums_over_the_stretched_axes,
    ),
    (
        "versions are not looked at",
        (graph.Node, "saved_values"),
        "storage.version != version",
        "False",
        lambda: test_autograd.test_a_saved_value_changed_in_place_is_noticed(lambda x: x.add_(1), "cpu"),
    ),
    (
        "the version of a saved result is not remembered",
        (table.Plan, "collect"),
        "versions += storage, storage.version",
        "pass",
        lambda: test_autograd.test_a_saved_result_changed_in_place_is_noticed("softmax", "cpu"),
    ),
    (
        "nor is it where an operation is recorded the short way",
        (short, "_collected"),
        "return (result,), (storage, storage.version)",
        "return (result,), ()",
        lambda: test_autograd.test_a_saved_result_changed_in_place_is_noticed("exp", "cpu"),
    ),
    (
        "views count writes of their own",
        (graph, "record"),
        "inputs[0].storage if is_view else Storage()",
        "Storage()",
        lambda: test_tensor.test_views_share_memory_and_version("cpu"),
    ),
    (
        "saved arrays are kept after backward",
        (graph.Node, "release"),
        "self.saved = None",
        "pass",
        test_autograd.test_saved_arrays_are_freed_by_backward,
    ),
    (
        "a second backward is not refused",
        (graph.Node, "release"),
        "self.saved = None",
        "pass",
        lambda: test_autograd.test_second_backward_raises_unless_retained("cpu"),
    ),
    (
        "the first gradient is not copied",
        (graph, "accumulate"),
        "setting.tensor_class(gradient if is_kept else order.copied(gradient, like=leaf.array))",
        "setting.tensor_class(gradient)",
        lambda: test_autograd.test_grad_has_memory_of_its_own("cpu"),
    ),
    (
        "backward overwrites .grad",
        (graph, "accumulate"),
        "leaf._grad.array += gradient",
        "leaf._grad.array[...] = gradient",
        lambda: test_autograd.test_backward_adds_to_grad("cpu"),
    ),
    (
        "gradients are left in another type",
        (graph, "fitted"),
        "as_dtype(gradient, source.numpy_dtype)",
        "gradient",
        lambda: test_table.test_float32_gradients_keep_their_type("to", "cpu"),
    ),
    (
        "a leaf and its node are a cycle",
        (graph, "edge_of"),
        "weakref.ref(node)",
        "(lambda node=node: node)",
        test_graph.test_a_leaf_goes_with_its_last_name,
    ),
    (
        "no_grad does nothing",
        (graph.set_recording, "__enter__"),
        "setting.record = self.mode and not setting.inference",
        "pass",
        test_autograd.test_no_grad_and_enable_grad_as_context_and_decorator,
    ),
    (
        "no_grad never ends",
        (graph.set_recording, "__exit__"),
        "setting.record = self.before",
        "pass",
        test_autograd.test_no_grad_and_enable_grad_as_context_and_decorator,
    ),
    (
        "constants are recorded too",
        (graph, "edge_of"),
        "if not (tensor.requires_grad_flag or tensor.requires_grad):",
        "if False:",
        test_autograd.test_only_what_is_needed_is_recorded,
    ),
    (
        "what a constant alone would need is saved, the short way",
        (short, "record_two"),
        "if edge_b is not None:",
        "if True:",
        test_autograd.test_only_what_is_needed_is_recorded,
    ),
    (
        "what hooks return is ignored",
        (hooks, "_replaced"),
        "if new is None:",
        "if True:",
        lambda: test_autograd.test_hooks_see_the_complete_gradient_and_may_replace_it("cpu"),
    ),
    (
        "a view keeps the history that it was taken with",
        (graph.TensorBase, "catch_up"),
        "self._grad_fn = look_through(view.steps, view.base)._grad_fn",
        "pass",
        lambda: test_inplace.test_a_change_of_the_base_is_part_of_the_view_s_history("cpu"),
    ),
    (
        "a change through a view is unknown to its base",
        (inplace, "_rewrite_history"),
        "if tensor.view_of is not None:",
        "if False:",
        lambda: test_inplace.test_a_change_through_a_view_is_part_of_the_base_s_history("cpu"),
    ),
    (
        "what is saved is overwritten by the change itself",
        (inplace, "_as_it_was"),
        "tensor.array.copy()",
        "tensor.array",
        lambda: test_inplace.test_what_the_operation_saved_of_the_old_value_is_kept("cpu"),
    ),
    (
        "a change in place is not counted",
        (inplace, "change"),
        "tensor.storage.written()",
        "pass",
        lambda: test_autograd.test_a_saved_value_changed_in_place_is_noticed(lambda x: x.add_(1), "cpu"),
    ),
    (
        "an assignment to an element is not counted",
        (inplace, "assign"),
        "tensor.storage.written()",
        "pass",
        lambda: test_autograd.test_a_saved_value_changed_in_place_is_noticed(lambda x: x.__setitem__(0, 5.0), "cpu"),
    ),
    (
        "unused inputs go unnoticed",
        (autograd, "grad"),
        "elif gradient is None and not allow_unused:",
        "elif False:",
        lambda: test_autograd.test_grad_returns_what_it_is_asked_for_and_leaves_grad_alone("cpu"),
    ),
    (
        "an element picked twice receives once",
        (backend, "add_at"),
        "np.add.at(",
        "(lambda target, index, values: target.__setitem__(index, values))(",
        lambda: test_table.test_gradients_agree_with_finite_differences("index", "cpu"),
    ),
]


@pytest.mark.parametrize("what, where, right, wrong, test", PROMISES, ids=[each[0] for each in PROMISES])
def test_a_broken_promise_is_seen(what, where, right, wrong, test, monkeypatch):
    """The function is rewritten with one text in place of another; the named test, which passes as it is, fails."""
    owner, name = where
    test()
    original = getattr(owner, name)
    replacement = rewritten(original, right, wrong)
    monkeypatch.setattr(owner, name, replacement)
    for module in [module for path, module in sys.modules.items() if path.startswith("engine")]:
        if getattr(module, name, None) is original:
            monkeypatch.setattr(module, name, replacement)
    for op in TABLE.values():
        monkeypatch.setattr(op, "plans", {})
    before = graph.setting.record
    try:
        fails(test)
    finally:
        graph.setting.record = before


def rewritten(function, right, wrong):
    """The function from its own source with `wrong` in place of `right`."""
    source = textwrap.dedent(inspect.getsource(function))
    assert right in source, f"{function.__qualname__} does not say {right!r} any more: adapt this mutation"
    made = {}
    exec(compile(source.replace(right, wrong), inspect.getsourcefile(function), "exec"), function.__globals__, made)
    return made[function.__name__]
