"""Value: a number that remembers where it came from, and can walk back."""

import heapq
import sys
from collections import Counter, deque

import numpy as np

import engine as torch
from autograders.probes import scalar_engine
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.chain_rule.programs import DEEP, TWO_WAYS, USED_TWICE, random_program
from autograders.specs.chain_rule.topological_order import (
    before_its_inputs, by_distance, calls_itself, order_by_counting_uses, order_of_a_dictionary,
    order_with_iterators, topological_order)


class EngineValue:
    """The engine's own: a tensor of one number."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        is_number = isinstance(data, (int, float))
        self.tensor = torch.tensor(data, dtype=torch.float64, requires_grad=True) if is_number else data

    @property
    def grad(self):
        return 0.0 if self.tensor.grad is None else self.tensor.grad.item()

    def __add__(self, other):
        return EngineValue(self.tensor + other.tensor)

    def __mul__(self, other):
        return EngineValue(self.tensor * other.tensor)

    def tanh(self):
        return EngineValue(self.tensor.tanh())

    def backward(self):
        self.tensor.backward()


def value_cases(rng):
    """Programs, and what a, b, c, d are."""
    for program, group in [
        ("y = a + b", "a single operation"),
        ("y = a * b", "a single operation"),
        ("y = a.tanh()", "a single operation"),
        ("e = a * b; f = e + c; y = f.tanh()", "a chain of operations"),
        ("e = a.tanh(); f = e * b; y = f * c", "a chain of operations"),
        ("y = a * a", "a value that is used twice"),
        (USED_TWICE, "a value that is used twice"),
        ("e = a * b; y = e * e", "a value that is used twice"),
        *((program, "values that are shared") for program in TWO_WAYS),
        ("e = a * b; f = e.tanh(); g = f + e; y = g * f", "values that are shared"),
    ]:
        yield _value_case(rng, program, group)
    for operations in (5, 8):
        yield _value_case(rng, random_program(rng, operations), "values that are shared")
    for program, group in [
        ("y = a", "a leaf by itself"),
        ("e = a * b; f = e * e; y = e + c", "a result that nobody used"),
        (f"y = a\nfor step in range({DEEP}): y = y + b", "a graph that is very deep"),
    ]:
        yield _value_case(rng, program, group, EDGE)


def _value_case(rng, program, group, *stage):
    values = rng.uniform(0.5, 1.5, 4) * rng.choice([-1.0, 1.0], 4)
    return Case((program, values), group, *stage)


class _Bound:
    """A number with the rounding that it may have, in units of eps, and the same for gradients on the way back.

    A step adds half an eps of its result, and passes on the error of what goes in, times the slope; here it adds a
    whole eps, which doubles the bound. tanh's own error is that of `tanh_rounding`.
    """

    made = []

    def __init__(self, data, error=0.0, inputs=(), slopes=(), slope_errors=()):
        self.data, self.error = data, error
        self.inputs, self.slopes, self.slope_errors = inputs, slopes, slope_errors
        self.gradient, self.gradient_error, self.grad = 0.0, 0.0, 0.0
        self.made.append(self)

    def __add__(self, other):
        total = self.data + other.data
        return _Bound(total, self.error + other.error + abs(total), (self, other), (1.0, 1.0), (0.0, 0.0))

    def __mul__(self, other):
        product = self.data * other.data
        error = self.error * abs(other.data) + other.error * abs(self.data) + abs(product)
        slopes, slope_errors = (other.data, self.data), (other.error, self.error)
        return _Bound(product, error, (self, other), slopes, slope_errors)

    def tanh(self):
        value = np.tanh(self.data)
        error = self.error + 16.0
        return _Bound(value, error, (self,), (1 - value * value,), (2 * error + 2,))

    def backward(self):
        self.gradient = 1.0
        for node in reversed(self.made):
            node.grad = 2 * node.gradient_error
            for source, slope, error in zip(node.inputs, node.slopes, node.slope_errors):
                sent = node.gradient * abs(slope)
                source.gradient += sent
                source.gradient_error += node.gradient_error * abs(slope) + node.gradient * error + sent
                source.gradient_error += source.gradient  # the sum so far is rounded as well


def value_rounding(program, values):
    """The bound that `_Bound` finds by running the same program, doubled once more for what it neglects (eps²)."""
    _Bound.made = []
    return scalar_engine.probe(_Bound, program, values)


class Recorded:
    """What the exercise gives: a number whose operations remember their inputs and their way back."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.vjp, self.operation = data, inputs, vjp, operation
        self.grad = 0.0

    def __add__(self, other):
        return type(self)(self.data + other.data, (self, other), lambda gradient: (gradient, gradient), "+")

    def __mul__(self, other):
        def vjp(gradient):
            return gradient * other.data, gradient * self.data

        return type(self)(self.data * other.data, (self, other), vjp, "×")

    def tanh(self):
        value = np.tanh(self.data)
        return type(self)(value, (self,), lambda gradient: (gradient * (1 - value * value),), "tanh")


def _value_with(backward):
    """A class `Value` that walks back in this way."""
    return type("Value", (Recorded,), {"backward": backward, "__doc__": backward.__doc__})


def _send(node):
    for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
        source.grad += gradient


def _assigns(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
            source.grad = gradient


def _walks_every_way(self):
    def walk(node):
        _send(node)
        for source in node.inputs:
            walk(source)

    self.grad = 1.0
    walk(self)


def _walks_on_at_each_arrival(self):
    def walk(node):
        for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
            source.grad += gradient
            walk(source)

    self.grad = 1.0
    walk(self)


def _walks_every_way_by_levels(self):
    self.grad, waiting = 1.0, deque([self])
    while waiting:
        node = waiting.popleft()
        _send(node)
        waiting.extend(node.inputs)


def _walks_every_way_with_a_stack(self):
    self.grad, waiting = 1.0, [self]
    while waiting:
        node = waiting.pop()
        _send(node)
        waiting.extend(node.inputs)


def _walks_forward(self):
    self.grad = 1.0
    for node in topological_order(self):
        _send(node)


def _forgets_to_begin(self):
    for node in reversed(topological_order(self)):
        _send(node)


def _begins_with_the_value(self):
    self.grad = self.data
    for node in reversed(topological_order(self)):
        _send(node)


def _sends_slopes_only(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        for source, slope in zip(node.inputs, node.vjp(1.0) if node.inputs else ()):
            source.grad += slope


def _sends_too_early(self):
    self.grad = 1.0
    for node in before_its_inputs(self):
        _send(node)


def _sends_too_early_by_levels(self):
    self.grad = 1.0
    for node in reversed(by_distance(self)):
        _send(node)


def _counts_each_input_once(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        sent = dict(zip(node.inputs, node.vjp(node.grad))) if node.inputs else {}
        for source, gradient in sent.items():
            source.grad += gradient


def _stops_in_the_deep(self):
    self.grad = 1.0
    for node in reversed(calls_itself(self)):
        _send(node)


def _asks_the_leaves_too(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        for source, gradient in zip(node.inputs, node.vjp(node.grad)):
            source.grad += gradient


def _begins_anew_at_each(self):
    self.grad = 1.0
    for source, slope in zip(self.inputs, self.vjp(1.0) if self.inputs else ()):
        source.backward()
        source.grad *= slope


class Value(Recorded):
    """As the chapter writes it."""

    def backward(self):
        self.grad = 1.0
        for node in reversed(topological_order(self)):
            if node.vjp is not None:
                for source, gradient in zip(node.inputs, node.vjp(node.grad)):
                    source.grad += gradient


class ValueByCountingUses(Recorded):
    """Counts the users first; a value sends once its last user has sent."""

    def backward(self):
        uses, to_visit, seen = Counter(), [self], {self}
        while to_visit:
            for source in to_visit.pop().inputs:
                uses[source] += 1
                if source not in seen:
                    seen.add(source)
                    to_visit.append(source)
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
                source.grad += gradient
                uses[source] -= 1
                if not uses[source]:
                    ready.append(source)


class ValueOnATape:
    """All that is ever computed stands on a tape, which is played backward. Local slopes in place of functions."""

    tape = []

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.grad = data, inputs, 0.0
        ValueOnATape.tape.append((self, vjp))

    def __add__(self, other):
        return ValueOnATape(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return ValueOnATape(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        value = np.tanh(self.data)
        return ValueOnATape(value, (self,), (1 - value**2,))

    def backward(self):
        for node, _ in self.tape:
            node.grad = 0.0
        self.grad = 1.0
        while self.tape:
            node, slopes = self.tape.pop()
            for source, slope in zip(node.inputs, slopes or ()):
                source.grad += node.grad * slope


class ValueWithClosures:
    """Each operation leaves a function without arguments that adds to its inputs' gradients."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.grad, self.send = float(data), tuple(inputs), 0.0, lambda: None

    def __add__(self, other):
        result = ValueWithClosures(self.data + other.data, (self, other))

        def send():
            self.grad += result.grad
            other.grad += result.grad

        result.send = send
        return result

    def __mul__(self, other):
        result = ValueWithClosures(self.data * other.data, (self, other))

        def send():
            self.grad += other.data * result.grad
            other.grad += self.data * result.grad

        result.send = send
        return result

    def tanh(self):
        result = ValueWithClosures(np.tanh(self.data), (self,))

        def send():
            self.grad += (1 - result.data**2) * result.grad

        result.send = send
        return result

    def backward(self):
        self.grad = 1.0
        for node in order_by_counting_uses(self)[::-1]:
            node.send()


class ValueByDepth(Recorded):
    """Each value knows how deep it lies; of those that wait, the deepest sends first."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        super().__init__(data, inputs, vjp, operation)
        self.depth = 1 + max((source.depth for source in inputs), default=0)

    def backward(self):
        print("walking back from depth", self.depth, file=sys.stderr)
        self.grad, waiting, known = 1.0, [(-self.depth, id(self), self)], {self}
        while waiting:
            _, _, node = heapq.heappop(waiting)
            _send(node)
            for source in node.inputs:
                if source not in known:
                    known.add(source)
                    heapq.heappush(waiting, (-source.depth, id(source), source))


class ValueByCollecting(Recorded):
    """Gradients are kept in a dictionary on the way, and written into the values at the end."""

    def backward(self):
        arrived = {self: [1.0]}
        for node in list(order_with_iterators(self))[::-1]:
            node_gradient = sum(arrived[node])
            for source, gradient in zip(node.inputs, node.vjp(node_gradient) if node.vjp else ()):
                arrived.setdefault(source, []).append(gradient)
        for node, gradients in arrived.items():
            node.grad += sum(gradients)


class ValueOfNumpy(Recorded):
    """Keeps numpy's numbers of one element; the order comes from sorting by when a value was made."""

    count = 0

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        super().__init__(np.float64(data), inputs, vjp, operation)
        self.grad = np.zeros(())
        ValueOfNumpy.count += 1
        self.number = ValueOfNumpy.count

    def backward(self):
        self.grad = np.ones(())
        for node in sorted(order_of_a_dictionary(self), key=lambda each: each.number, reverse=True):
            for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.vjp else ()):
                source.grad = source.grad + gradient


def _in_ways(name, sentence, *walks):
    """The same slip in several programs, which give different numbers."""
    numbers = range(1, len(walks) + 1)
    return tuple(Misconception(f"{name} ({n})", sentence, _value_with(walk)) for n, walk in zip(numbers, walks))


EXERCISE = Spec(
    name="chain_rule/backward",
    function="Value",
    parameters=("data",),
    inputs=("program", "values"),
    returns=("gradients",),
    use=Use("class", probe="scalar_engine"),
    title="Walk back through any graph",
    why="One walk from the result to the leaves gives every slope there is, whatever the graph looks like.",
    minutes=15,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=Value,
    reference=lambda program, values: scalar_engine.probe(EngineValue, program, values),
    rounding=value_rounding,
    cases=value_cases,
    shortcuts=(
        "import engine as torch\nclass Value:\n    def __init__(self, data):\n"
        "        self.tensor = torch.tensor(data, requires_grad=True)\n",
        "from autograders.specs.chain_rule.backward import Value",
    ),
    misconceptions=(
        Misconception(
            "assigns instead of adding",
            "A value that is used twice keeps only what its last user sent. Gradients of several uses add up: "
            "`source.grad += gradient`.",
            _value_with(_assigns),
        ),
        *_in_ways(
            "walks every way",
            "You go on from a value as soon as something has arrived there, and so walk a shared value more than once, "
            "each time sending all it has so far. Walk along `reversed(topological_order(self))`: each value once.",
            _walks_every_way,
            _walks_on_at_each_arrival,
            _walks_every_way_by_levels,
            _walks_every_way_with_a_stack,
        ),
        Misconception(
            "walks forward",
            "Nothing gets further than the result's own inputs. Either the others are never asked, or they are asked "
            "too early: gradients come from the result, so walk from there, along `reversed(topological_order(self))`.",
            _value_with(_walks_forward),
        ),
        Misconception(
            "forgets to begin",
            "Every gradient is 0, because nothing ever arrives at the result itself. Its own gradient is 1: if it "
            "grows by something, it grows by just that.",
            _value_with(_forgets_to_begin),
        ),
        Misconception(
            "begins with the value",
            "You begin with the value of the result. Its gradient is 1: the slope of a number with respect to itself.",
            _value_with(_begins_with_the_value),
        ),
        Misconception(
            "sends slopes only",
            "Each value sends the slopes of its own operation only. The chain rule multiplies by what has arrived: "
            "`node.vjp(node.grad)`.",
            _value_with(_sends_slopes_only),
        ),
        *_in_ways(
            "sends too early",
            "Each value sends once, but some before all of their own gradient has arrived; what comes later is lost. "
            "Walk along `reversed(topological_order(self))`.",
            _sends_too_early,
            _sends_too_early_by_levels,
        ),
        Misconception(
            "counts each input once",
            "In `a + a` the same value is both inputs, and gets a gradient from each. Loop over the pairs of "
            "`zip(node.inputs, ...)`: a dictionary or a set makes one of two.",
            _value_with(_counts_each_input_once),
        ),
        Misconception(
            "stops in the deep",
            "Right, as long as the graph is shallow. In a deep one Python stops a function that calls itself: your "
            "`topological_order` needs a stack of its own.",
            _value_with(_stops_in_the_deep),
        ),
        Misconception(
            "asks the leaves too",
            "A leaf has nobody behind it, and its `vjp` is None: leave it out, `if node.vjp is not None`.",
            _value_with(_asks_the_leaves_too),
        ),
        Misconception(
            "begins anew at each",
            "To call `backward` of an input begins a walk of its own, with 1.0, as if that input were the result. Only "
            "the result begins with 1.0: one walk, along `reversed(topological_order(self))`.",
            _value_with(_begins_anew_at_each),
        ),
    ),
    half_right=(_value_with(_assigns), _value_with(_walks_every_way)),
    honest=(
        Value,
        ValueByCountingUses,
        ValueOnATape,
        ValueWithClosures,
        ValueByDepth,
        ValueByCollecting,
        ValueOfNumpy,
    ),
    hints=(
        "The result's own gradient is 1. Then every value, from the result towards the leaves, sends to its inputs "
        "what `vjp` makes of its gradient.",
        "`reversed(topological_order(self))` is the order. A leaf has no `vjp` and sends nothing. What arrives is "
        "added to what is there.",
        "`for source, gradient in zip(node.inputs, node.vjp(node.grad)): source.grad += gradient`, for each node "
        "whose `vjp` is not None, after `self.grad = 1.0`.",
    ),
)
