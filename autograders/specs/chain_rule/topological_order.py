"""topological_order(output): every node once, each after all that it was computed from."""

import sys
from collections import Counter, deque

import numpy as np

from autograders.probes import graph_order
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.chain_rule.programs import DEEP, TWO_WAYS, USED_TWICE, random_program


def topological_order(output):
    """The order in which one can compute: inputs first, with a stack of its own."""
    order, seen, stack = [], set(), [(output, False)]
    while stack:
        node, inputs_are_in = stack.pop()
        if inputs_are_in:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((source, False) for source in node.inputs)
    return order


def topological_order_cases(rng):
    """Programs; the graph is that of `y`."""
    for program, group in [
        ("y = a + b", "no node is used twice"),
        ("y = a.tanh()", "no node is used twice"),
        ("b = a.tanh(); y = b.tanh()", "no node is used twice"),
        ("e = a * b; f = e.tanh(); y = f + c", "no node is used twice"),
        ("y = a + a", "a node that is used twice"),
        (USED_TWICE, "a node that is used twice"),
        *((program, "a short way and a long way to the same node") for program in TWO_WAYS),
    ]:
        yield Case((program,), group)
    for operations in (4, 8, 12):
        yield Case((random_program(rng, operations),), "drawn by chance")
    for program, group in [
        ("y = a", "a leaf by itself, a result that nobody used"),
        ("e = a + b; y = a * c", "a leaf by itself, a result that nobody used"),
        ("y = a\nfor step in range(12): y = y + y", "thousands of ways to the same node"),
        (f"y = a\nfor step in range({DEEP}): y = y + b", "a graph that is very deep"),
    ]:
        yield Case((program,), group, EDGE)


def measure_order(case, order):
    """(how often each node occurs, with the number of foreign entries at the end; for each use: is the input first?)"""
    numbers = graph_order.numbered(graph_order.graph(*case.arguments))
    order = np.asarray(order, dtype=np.float64).ravel()
    is_node = np.isin(order, np.arange(len(numbers)))
    known = order[is_node].astype(np.int64)
    occurrences = np.append(np.bincount(known, minlength=len(numbers)), np.count_nonzero(~is_node))
    first = np.full(len(numbers), np.inf)
    np.minimum.at(first, known, np.arange(known.size))
    uses = [(numbers[source], number) for node, number in numbers.items() for source in node.inputs]
    sources, users = np.array(uses, dtype=np.int64).reshape(-1, 2).T
    return occurrences.astype(np.float64), (first[sources] < first[users]).astype(np.float64)


def order_rounding(program):
    """None: what was counted is exact."""
    return tuple(np.zeros_like(each) for each in measure_order(Case((program,), ""), np.zeros(0)))


def _visits_again(output):
    return [node for source in output.inputs for node in _visits_again(source)] + [output]


def _output_first(output):
    return topological_order(output)[::-1]


def before_its_inputs(output):
    order, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node not in order:
            order[node] = True
            stack.extend(reversed(node.inputs))
    return list(order)


def _before_its_inputs_then_reversed(output):
    return before_its_inputs(output)[::-1]


def by_distance(output):
    order, waiting = {}, deque([output])
    while waiting:
        node = waiting.popleft()
        if node not in order:
            order[node] = True
            waiting.extend(node.inputs)
    return list(order)[::-1]


def _forgets_the_leaves(output):
    return [node for node in topological_order(output) if node.inputs]


def _forgets_the_output(output):
    return topological_order(output)[:-1]


def _on_arrival_from_the_last_input(output):
    order, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node not in order:
            order[node] = True
            stack.extend(node.inputs)
    return list(order)


def _on_arrival_from_the_last_input_then_reversed(output):
    return _on_arrival_from_the_last_input(output)[::-1]


def calls_itself(output):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for source in node.inputs:
                visit(source)
            order.append(node)

    visit(output)
    return order


def order_by_counting_uses(output):
    """From the output: a node comes once all its users have come; reversed at the end."""
    uses, waiting = Counter(), [output]
    seen = {output}
    while waiting:
        for source in waiting.pop().inputs:
            uses[source] += 1
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    order, ready = [], deque([output])
    while ready:
        order.append(ready.popleft())
        for source in order[-1].inputs:
            uses[source] -= 1
            if not uses[source]:
                ready.append(source)
    order.reverse()
    return order


def order_by_counting_inputs(output):
    """From the leaves: a node comes once all its inputs have come. A tuple."""
    users, missing, waiting = {}, {output: len(output.inputs)}, [output]
    while waiting:
        node = waiting.pop()
        for source in node.inputs:
            users.setdefault(source, []).append(node)
            if source not in missing:
                missing[source] = len(source.inputs)
                waiting.append(source)
    ready, order = [node for node, count in missing.items() if count == 0], []
    while ready:
        node = ready.pop()
        order.append(node)
        for user in users.get(node, ()):
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    return tuple(order)


def order_with_iterators(output):
    """The recursive walk, with the iterators of half-visited nodes on a stack; node by node, as a generator."""
    seen, path = {id(output)}, [(output, iter(output.inputs))]
    while path:
        node, sources = path[-1]
        source = next(sources, None)
        if source is None:
            path.pop()
            yield node
        elif id(source) not in seen:
            seen.add(id(source))
            path.append((source, iter(source.inputs)))


def order_by_depth(output):
    """Sorted by the longest way down to a leaf, which grows along every edge. Speaks on stderr."""
    depth = {}
    stack = [output]
    while stack:
        node = stack[-1]
        open_inputs = [source for source in node.inputs if source not in depth]
        if open_inputs:
            stack.extend(open_inputs)
        else:
            depth[stack.pop()] = 1 + max((depth[source] for source in node.inputs), default=0)
    print("deepest:", depth[output], file=sys.stderr)
    return sorted(depth, key=depth.get)


def order_with_a_higher_limit(output):
    """The recursive walk, after Python was told that it may go deeper."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * DEEP)
    try:
        return calls_itself(output)
    finally:
        sys.setrecursionlimit(before)


def order_of_a_dictionary(output):
    """What is finished is a dictionary's keys, which keep the order in which they came."""
    finished, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node in finished:
            continue
        waiting = [source for source in node.inputs if source not in finished]
        if waiting:
            stack += [node, *waiting]
        else:
            finished[node] = True
    return list(finished)


EXERCISE = Spec(
    name="chain_rule/topological_order",
    function="topological_order",
    parameters=("output",),
    inputs=("program",),
    returns=("order",),
    use=Use(probe="graph_order"),
    measure=measure_order,
    measured=("how often each node occurs", "whether each input comes before its user"),
    title="In which order to walk",
    why="A node may pass its gradient on only when all of it has arrived; the right order is what makes that true.",
    minutes=15,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=topological_order,
    rounding=order_rounding,
    cases=topological_order_cases,
    shortcuts=(
        "from autograders.specs.chain_rule.topological_order import topological_order",
        "import networkx\ndef topological_order(output):\n    return networkx.topological_sort(output)\n",
    ),
    misconceptions=(
        Misconception(
            "visits again",
            "The order is right, but a node that is used twice stands in your list twice, with all that is behind it. "
            "Remember in a set what you have visited, and do not visit it again.",
            _visits_again,
        ),
        Misconception(
            "output first",
            "Every node once, but the wrong way round: the output comes first. Inputs come before what is computed "
            "from them; reverse the list at the end.",
            _output_first,
        ),
        Misconception(
            "before its inputs",
            "Every node once, but each is put in the list when you arrive at it. Put it there when you leave: after "
            "all its inputs are in.",
            before_its_inputs,
        ),
        Misconception(
            "before its inputs, then reversed",
            "To put a node in the list when you arrive, and to reverse at the end, works for chains. Where a short way "
            "and a long way lead to the same node, it comes too early: put a node in the list after all its inputs.",
            _before_its_inputs_then_reversed,
        ),
        Misconception(
            "by distance",
            "You walk level by level and reverse. Where a short way and a long way lead to the same node, it is met on "
            "the short one, too early: put a node in the list after all its inputs are in.",
            by_distance,
        ),
        Misconception(
            "forgets the leaves",
            "The order is right, but the leaves are missing. They have no inputs, but they get gradients too: for "
            "their sake all this is done.",
            _forgets_the_leaves,
        ),
        Misconception(
            "forgets the output",
            "The order is right, but the output itself is missing: it is the last one.",
            _forgets_the_output,
        ),
        Misconception(
            "calls itself",
            "Right, as long as the graph is shallow. Python allows a function about a thousand calls of itself, and "
            "graphs grow deeper: keep a stack of your own, a list to which you append and from which you pop.",
            calls_itself,
        ),
        Misconception(
            "before its inputs, from the last one",
            "Every node once, but each is put in the list when you arrive at it. Put it there when you leave: after "
            "all its inputs are in.",
            _on_arrival_from_the_last_input,
        ),
        Misconception(
            "before its inputs, from the last one, then reversed",
            "To put a node in the list when you arrive, and to reverse at the end, works for chains. Where a short way "
            "and a long way lead to the same node, it comes too early: put a node in the list after all its inputs.",
            _on_arrival_from_the_last_input_then_reversed,
        ),
    ),
    half_right=(_visits_again, _output_first),
    honest=(
        topological_order,
        order_by_counting_uses,
        order_by_counting_inputs,
        order_with_iterators,
        order_by_depth,
        order_with_a_higher_limit,
        order_of_a_dictionary,
    ),
    hints=(
        "Visit a node: first visit all its inputs, then append the node itself. A set of what was visited keeps it "
        "from being done twice. That passes nearly everything; very deep graphs need the next hint.",
        "Instead of calling itself the function keeps a list of what is still to do. Each entry says one of two "
        "things: visit this node, or: its inputs are done, append it.",
        "`stack = [(output, False)]`. Pop `(node, done)`. If done, append the node to the order. Else, if it is new: "
        "push `(node, True)`, and above it `(source, False)` for each of its inputs.",
    ),
)
