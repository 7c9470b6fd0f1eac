"""Optimizers and schedulers go where PyTorch's go: parameters, states and rates over many steps, in PyTorch's own
configurations; and a state that was saved there or here goes on here."""

import copy
import inspect
import re
import warnings

import numpy as np
import pytest

import engine

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

STEPS = 50
OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "LBFGS"]
SHAPES = [(4, 3), (3,), (), (3, 2), (2,)]
INPUTS = np.random.default_rng(1).standard_normal((6, 4))


def configurations(name):
    """(in words, keywords) of each configuration that PyTorch tests this optimizer with on a CPU, and a few more."""
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    from torch.testing._internal.common_optimizers import optim_db

    (info,) = [each for each in optim_db if each.optim_cls.__name__ == name]
    for each in info.optim_inputs_func(device="cpu"):
        if each.params is None:
            yield each.desc, each.kwargs
    yield from MORE.get(name, [])


MORE = {
    "SGD": [("Nesterov with decay", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01})],
    "LBFGS": [
        ("strong Wolfe", {"line_search_fn": "strong_wolfe"}),
        ("strong Wolfe, short memory", {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 5, "lr": 0.5}),
        ("short memory", {"history_size": 2, "max_iter": 4, "lr": 0.2}),
    ],
    "RMSprop": [("centered with momentum", {"centered": True, "momentum": 0.9, "lr": 0.01})],
    "Adam": [("amsgrad decoupled", {"amsgrad": True, "decoupled_weight_decay": True, "weight_decay": 0.1})],
}


def parameters(library, dtype="float64"):
    random = np.random.default_rng(0)
    return [library.tensor(random.standard_normal(shape), dtype=getattr(library, dtype), requires_grad=True) for shape in SHAPES]


def loss_of(library, given):
    """A small network with a scale, on fixed inputs; not convex."""
    W, b, scale, V, c = given
    x = library.tensor(INPUTS, dtype=W.dtype)
    hidden = (x @ W + b).tanh() * (scale + 2)
    return ((hidden @ V + c).sin() ** 2).mean() + 0.01 * (V**2).sum()


def trained(library, optimizer, given, steps=STEPS, schedulers=()):
    """The losses of these steps."""
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(library, given)
        loss.backward()
        return loss

    for _ in range(steps):
        losses.append(float(optimizer.step(closure)))
        for scheduler in schedulers:
            scheduler.step()
    return losses


def ours_of(keywords):
    """Keywords with torch's tensors as the engine's."""
    def converted(value):
        if isinstance(value, torch.Tensor):
            return engine.tensor(value.numpy())
        return tuple(map(converted, value)) if isinstance(value, tuple) else value

    return {name: converted(value) for name, value in keywords.items()}


def assert_same_state(ours, theirs, path="state"):
    """Dicts, lists, numbers and tensors alike; numbers to 1e-9."""
    if isinstance(theirs, dict):
        theirs = {key: each for key, each in theirs.items() if key != "al"}  # LBFGS's scratch memory
        assert set(ours) == set(theirs), (path, set(ours) ^ set(theirs))
        for key in theirs:
            assert_same_state(ours[key], theirs[key], f"{path}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), path
        for number, pair in enumerate(zip(ours, theirs)):
            assert_same_state(*pair, f"{path}[{number}]")
    elif isinstance(theirs, torch.Tensor) and isinstance(ours, float):  # LBFGS's scalars
        assert ours == pytest.approx(theirs.item(), rel=1e-6), path
    elif isinstance(theirs, torch.Tensor):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-7, atol=1e-9, err_msg=path)
        assert str(ours.dtype) == str(theirs.dtype), path
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-7, abs=1e-9), path
    else:
        assert ours == theirs, path


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_way_is_torch_s(name):
    """Losses, parameters and state after every one of 50 steps' worth, in each configuration."""
    count = 0
    for description, keywords in configurations(name):
        if any(keywords.get(each) for each in ("capturable", "differentiable")):
            with pytest.raises(NotImplementedError, match="not supported"):
                getattr(engine.optim, name)(parameters(engine), **ours_of(keywords))
            continue
        mine, theirs = parameters(engine), parameters(torch)
        ours, their = getattr(engine.optim, name)(mine, **ours_of(keywords)), getattr(torch.optim, name)(theirs, **keywords)
        steps = 2 if name == "LBFGS" else STEPS  # 40 iterations; near the minimum its directions are rounding errors
        np.testing.assert_allclose(trained(engine, ours, mine, steps), trained(torch, their, theirs, steps), rtol=1e-8,
                                   err_msg=description)
        assert_same_state(ours.state_dict()["state"], their.state_dict()["state"], description)
        assert set(ours.param_groups[0]) == set(their.param_groups[0])
        if not any(isinstance(each, torch.Tensor) for each in keywords.values()):
            assert repr(ours) == repr(their)
        count += 1
    assert count >= 4


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_on_the_stand_in(name, strict_cupy):
    """cupy in numpy's place goes the same way."""
    losses = []
    for device in ("cpu", "cuda"):
        given = [each.detach().to(device).requires_grad_() for each in parameters(engine)]
        x = engine.tensor(INPUTS).to(device)
        optimizer = getattr(engine.optim, name)(given)

        def closure():
            optimizer.zero_grad()
            loss = ((x @ given[0] + given[1]) ** 2).mean()
            loss.backward()
            return loss

        losses.append([float(optimizer.step(closure)) for _ in range(5)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_other_types_of_parameters(name, dtype):
    """The step keeps the parameters' type, and is torch's as nearly as the type allows."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="numpy has no bfloat16: pip install ml_dtypes")
    results = []
    for library in (engine, torch):
        given = [library.tensor([1.5, -2.0, 0.25], dtype=getattr(library, dtype), requires_grad=True)]
        optimizer = getattr(library.optim, name)(given)

        def closure():
            given[0].grad = library.tensor([0.5, -1.0, 2.0], dtype=getattr(library, dtype))
            return library.tensor(1.0)

        for _ in range(3):
            optimizer.step(closure)
        assert str(given[0].dtype).endswith(dtype)
        results.append(given[0].detach().to(library.float64).numpy())
    tolerance = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
    np.testing.assert_allclose(*results, rtol=tolerance, atol=tolerance)


# ---- groups, saving -----------------------------------------------------------------------------------


def test_groups_have_settings_of_their_own():
    """Also when added later, and with names."""
    results = []
    for library in (engine, torch):
        given = parameters(library)
        optimizer = library.optim.SGD([{"params": given[:2]}, {"params": given[2], "lr": 0.5}], lr=0.1, momentum=0.9)
        optimizer.add_param_group({"params": given[3:], "weight_decay": 0.1})
        results.append((trained(library, optimizer, given), repr(optimizer)))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-8)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_going_on_after_loading_is_not_having_stopped(name):
    """Through a state_dict of our own, and through one of torch's."""
    with torch.no_grad():
        theirs = parameters(torch)
    their = getattr(torch.optim, name)(theirs)
    trained(torch, their, theirs, 5)
    for source in ("ours", "torch's"):
        mine = parameters(engine)
        first = getattr(engine.optim, name)(mine)
        trained(engine, first, mine, 5)
        state = first.state_dict() if source == "ours" else as_engine_s(their.state_dict())
        second = getattr(engine.optim, name)(mine, lr=123.0)
        second.load_state_dict(copy.deepcopy(state))
        assert second.param_groups[0]["lr"] == first.param_groups[0]["lr"]
        expected = trained(torch, copied(their, theirs, name)[0], copied.parameters, 5)
        np.testing.assert_allclose(trained(engine, second, mine, 5), expected, rtol=1e-8, err_msg=source)


def copied(optimizer, given, name):
    """Another optimizer of copies of these parameters, in the same state; torch's."""
    copied.parameters = [each.detach().clone().requires_grad_() for each in given]
    other = getattr(torch.optim, name)(copied.parameters)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return other, copied.parameters


def as_engine_s(value):
    """torch's tensors anywhere in it as the engine's."""
    if isinstance(value, torch.Tensor):
        return engine.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: as_engine_s(each) for key, each in value.items()}
    return type(value)(map(as_engine_s, value)) if isinstance(value, (list, tuple)) else value


MISTAKES = {
    "a tensor alone": lambda library, p: library.optim.SGD(p[0], lr=0.1),
    "nothing": lambda library, p: library.optim.SGD([], lr=0.1),
    "no tensor": lambda library, p: library.optim.SGD([3.0], lr=0.1),
    "a result": lambda library, p: library.optim.SGD([p[0] * 2], lr=0.1),
    "negative lr": lambda library, p: library.optim.SGD(p, lr=-1),
    "negative momentum": lambda library, p: library.optim.SGD(p, momentum=-1),
    "negative decay": lambda library, p: library.optim.Adam(p, weight_decay=-1),
    "betas": lambda library, p: library.optim.Adam(p, betas=(1.0, 0.9)),
    "second beta": lambda library, p: library.optim.NAdam(p, betas=(0.9, -0.1)),
    "momentum decay": lambda library, p: library.optim.NAdam(p, momentum_decay=-1),
    "eps": lambda library, p: library.optim.RMSprop(p, eps=-1),
    "alpha": lambda library, p: library.optim.RMSprop(p, alpha=-1),
    "rho": lambda library, p: library.optim.Adadelta(p, rho=1.5),
    "lr decay": lambda library, p: library.optim.Adagrad(p, lr_decay=-1),
    "Nesterov without momentum": lambda library, p: library.optim.SGD(p, nesterov=True),
    "an unknown setting": lambda library, p: library.optim.SGD(p, speed=1),
    "twice": lambda library, p: library.optim.SGD([{"params": p}, {"params": p[:1]}]),
    "a set": lambda library, p: library.optim.SGD([{"params": set(p)}]),
    "groups for LBFGS": lambda library, p: library.optim.LBFGS([{"params": p[:1]}, {"params": p[1:]}]),
    "another number of groups": lambda library, p: library.optim.SGD(p).load_state_dict(
        library.optim.SGD([{"params": p[:1]}, {"params": p[1:]}]).state_dict()),
    "another size of a group": lambda library, p: library.optim.SGD(p).load_state_dict(
        library.optim.SGD(p[:2]).state_dict()),
    "a group that is no dict": lambda library, p: library.optim.SGD(p).add_param_group(3),
    "no optimizer": lambda library, p: library.optim.lr_scheduler.StepLR(3, 1),
    "no milestones": lambda library, p: library.optim.lr_scheduler.SequentialLR(
        o := library.optim.SGD(p), [library.optim.lr_scheduler.StepLR(o, 1)] * 2, []),
    "T_0": lambda library, p: library.optim.lr_scheduler.CosineAnnealingWarmRestarts(library.optim.SGD(p), 0),
    "start_factor": lambda library, p: library.optim.lr_scheduler.LinearLR(library.optim.SGD(p), start_factor=0),
    "pct_start": lambda library, p: library.optim.lr_scheduler.OneCycleLR(library.optim.SGD(p), 0.1, 10, pct_start=2),
    "no steps": lambda library, p: library.optim.lr_scheduler.OneCycleLR(library.optim.SGD(p), 0.1),
    "no momentum to cycle": lambda library, p: library.optim.lr_scheduler.OneCycleLR(library.optim.Adagrad(p), 0.1, 10),
    "plateau's factor": lambda library, p: library.optim.lr_scheduler.ReduceLROnPlateau(library.optim.SGD(p), factor=1.0),
    "plateau's mode": lambda library, p: library.optim.lr_scheduler.ReduceLROnPlateau(library.optim.SGD(p), "low"),
    "resuming": lambda library, p: library.optim.lr_scheduler.StepLR(library.optim.SGD(p), 1, last_epoch=3),
    "lambdas": lambda library, p: library.optim.lr_scheduler.LambdaLR(library.optim.SGD(p), [abs, abs]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_torch_s_kind_of_error(mistake):
    with pytest.raises(Exception) as theirs:
        MISTAKES[mistake](torch, parameters(torch))
    with pytest.raises(type(theirs.value)) as ours:
        MISTAKES[mistake](engine, parameters(engine))
    assert str(ours.value) and not re.search(r"numpy|ndarray", str(ours.value))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_torch_s_own_mistakes_are_answered_in_its_words(name):
    """PyTorch's error inputs for each optimizer: the same kind of error, or of warning, with the same words in it."""
    pytest.importorskip("expecttest", reason="PyTorch's test inputs need it: pip install 'chainrule[parity]'")
    from torch.testing._internal.common_optimizers import optim_db

    (info,) = [each for each in optim_db if each.optim_cls.__name__ == name]
    entries = info.optim_error_inputs_func("cpu", torch.float32)
    for entry in entries:
        given = entry.optimizer_error_input
        keywords = ours_of(given.kwargs)
        if any(keywords.get(each) for each in ("capturable", "differentiable", "foreach", "fused")):
            continue  # which of torch's implementations; here there is one
        expected = pytest.warns if issubclass(entry.error_type, Warning) else pytest.raises
        with expected(entry.error_type, match=entry.error_regex):
            getattr(engine.optim, name)(deeply_ours(given.params), **keywords)
    assert len(entries) >= 4


def deeply_ours(value):
    """Parameters and groups of them, the same tensor as the same."""
    made = {}

    def converted(value):
        if isinstance(value, torch.Tensor):
            return made.setdefault(id(value), engine.tensor(value.detach().numpy()).requires_grad_(value.requires_grad))
        if isinstance(value, dict):
            return {key: converted(each) for key, each in value.items()}
        return type(value)(map(converted, value)) if isinstance(value, (list, tuple)) else value

    return converted(value)


def test_duplicates_in_a_group_are_warned_of():
    given = parameters(engine)
    with pytest.warns(UserWarning, match="duplicate"):
        engine.optim.SGD([given[0], given[0]])


@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_hooks_are_called_around_the_step_until_removed(name):
    """Also where an optimizer has a step of its own."""
    called = []
    optimizer = getattr(engine.optim, name)(parameters(engine))
    before = optimizer.register_step_pre_hook(lambda *given: called.append(("before", given[0] is optimizer)))
    optimizer.register_step_post_hook(lambda *given: called.append(("after", given[0] is optimizer)))
    optimizer.step(lambda: engine.tensor(1.0))
    before.remove()
    optimizer.step(lambda: engine.tensor(1.0))
    assert called == [("before", True), ("after", True), ("after", True)]


def test_a_step_counts_as_a_change_in_place():
    """A graph that saved the old parameters refuses to go back."""
    W = engine.ones(2, 2, requires_grad=True)
    loss = (W * W).sum()
    loss.backward(retain_graph=True)
    engine.optim.SGD([W], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---- schedulers ---------------------------------------------------------------------------------------

SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 7, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [5, 20, 20, 40], 0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.4, 9),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 20),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 30, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 13, 0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.001),
    "CosineAnnealingWarmRestarts alike": lambda s, o: s.CosineAnnealingWarmRestarts(o, 7),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
    "LambdaLR for each group": lambda s, o: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.5]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.97),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.8, total_steps=61),
    "OneCycleLR linear, three phases": lambda s, o: s.OneCycleLR(
        o, [0.8, 0.2], epochs=7, steps_per_epoch=9, anneal_strategy="linear", three_phase=True, pct_start=0.25),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 7, 4),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 5, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 6, mode="exp_range", gamma=0.95),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=5), s.ExponentialLR(o, 0.9), s.StepLR(o, 4)], [6, 25]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.2, 8), s.ExponentialLR(o, 0.95)]),
}


def optimizer_of_two_groups(library):
    given = parameters(library)
    return library.optim.SGD([{"params": given[:2]}, {"params": given[2:], "lr": 0.2}], lr=0.5, momentum=0.9)


def rates(library, make, epochs=60):
    optimizer = optimizer_of_two_groups(library)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's SequentialLR warns of its own doings
        scheduler = make(library.optim.lr_scheduler, optimizer)
        found = []
        for _ in range(epochs):
            optimizer.step()
            found.append([*scheduler.get_last_lr(), *[group["lr"] for group in optimizer.param_groups],
                          *[group["momentum"] for group in optimizer.param_groups]])
            scheduler.step()
    return found, scheduler


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rates_are_torch_s(name):
    """Over 60 epochs, momentum too; and those of a scheduler that went on from a saved state."""
    expected, _ = rates(torch, SCHEDULES[name])
    found, scheduler = rates(engine, SCHEDULES[name])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)
    _, half_way = rates(engine, SCHEDULES[name], 30)
    optimizer = optimizer_of_two_groups(engine)
    optimizer.load_state_dict(half_way.optimizer.state_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = SCHEDULES[name](engine.optim.lr_scheduler, optimizer_of_two_groups(engine))
    again.load_state_dict(copy.deepcopy(half_way.state_dict()))
    for scheduler in [again, *getattr(again, "_schedulers", [])]:
        scheduler.optimizer = optimizer
    optimizer.step()
    for epoch in range(30, 60):
        np.testing.assert_allclose([group["lr"] for group in optimizer.param_groups], expected[epoch][2:4], rtol=1e-10, atol=1e-15)
        again.step()


# Schedulers of which some epoch's rate can be asked for, in any order.
CLOSED = [name for name in SCHEDULES if name.split()[0] in (
    "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR", "LambdaLR",
    "CyclicLR", "CosineAnnealingWarmRestarts")]


@pytest.mark.parametrize("name", CLOSED)
def test_the_rates_of_any_epoch_are_torch_s(name):
    """step(epoch), the old use, on and back; SequentialLR begins a scheduler anew in this way."""
    found = []
    for library in (engine, torch):
        optimizer = optimizer_of_two_groups(library)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of the argument
            scheduler = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
            optimizer.step()
            seen = []
            for epoch in (3, 4, 9, 5, 20, 31, 45, 0, 1, 13):
                scheduler.step(epoch)
                seen.append(scheduler.get_last_lr())
        found.append(seen)
    np.testing.assert_allclose(*found, rtol=1e-10, atol=1e-15)


VALLEYS = {
    "Rosenbrock's": lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
    "steep and flat": lambda x: (x[0] ** 4 + 1e-3 * x[1] ** 2).sqrt() + x[0].abs() * x[1].abs(),
    "many hollows": lambda x: (3 * x[0]).sin() * (2 * x[1]).cos() + 0.1 * (x * x).sum(),
    "a wall": lambda x: (x[0] * 20).exp() + (x[1] - 1) ** 2 + x[0] ** 2,
}


@pytest.mark.parametrize("lr", [1.0, 10.0, 0.01])
@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.3, -2.0)], ids=str)
@pytest.mark.parametrize("valley", VALLEYS)
def test_searching_along_a_line_is_torch_s(valley, start, lr):
    """Where first steps go too far or not far enough, so that the search brackets, narrows and gives up as torch's."""
    ways = []
    for library in (engine, torch):
        x = library.tensor(start, dtype=library.float64, requires_grad=True)
        optimizer, way = library.optim.LBFGS([x], lr=lr, max_iter=6, line_search_fn="strong_wolfe"), []

        def closure():
            optimizer.zero_grad()
            loss = VALLEYS[valley](x)
            loss.backward()
            way.append([loss.item(), *x.detach().tolist()])
            return loss

        for _ in range(4):
            optimizer.step(closure)
        ways.append(np.array(way))
    ours, theirs = ways
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_another_search_is_refused():
    """By both, at the step."""
    for library in (engine, torch):
        given = parameters(library)
        optimizer = library.optim.LBFGS(given, line_search_fn="golden section")
        with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
            trained(library, optimizer, given, 1)


def test_a_hook_before_the_step_may_change_its_arguments():
    """As torch's: it sees the optimizer first among them, and returns (args, kwargs); no other thing but None."""
    for library in (engine, torch):
        optimizer, seen = library.optim.SGD(parameters(library), lr=0.1), []
        handle = optimizer.register_step_pre_hook(lambda self, args, kwargs: ((args[0], lambda: args[1]() + 4), kwargs))
        optimizer.register_step_post_hook(lambda self, args, kwargs: seen.append((args[0] is self, args[1](), kwargs)))
        assert optimizer.step(lambda: 3.0) == 7.0 and seen == [(True, 7.0, {})]
        handle.remove()
        optimizer.register_step_pre_hook(lambda self, args, kwargs: [args, kwargs])
        with pytest.raises(RuntimeError, match="must return None or a tuple of"):
            optimizer.step(lambda: 3.0)


def test_named_parameters():
    """(name, tensor) pairs: the names are kept in the groups, and in what is saved."""
    for library in (engine, torch):
        layer = library.nn.Linear(2, 3)
        optimizer = library.optim.Adam(layer.named_parameters(), lr=0.1)
        assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
        assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
        layer(library.ones(1, 2)).sum().backward()
        before = layer.bias.detach().clone()
        optimizer.step()
        assert not library.equal(before, layer.bias.detach())


@pytest.mark.parametrize("settings", [
    {}, {"patience": 2, "factor": 0.5}, {"mode": "max", "patience": 1}, {"threshold_mode": "abs", "threshold": 0.05, "patience": 1},
    {"cooldown": 3, "patience": 1}, {"min_lr": [0.05, 0.1], "patience": 0}], ids=str)
def test_plateaus_are_seen_as_torch_sees_them(settings):
    metrics = np.abs(np.sin(np.arange(60))) + 1 / np.arange(1, 61)
    found = []
    for library in (engine, torch):
        optimizer = optimizer_of_two_groups(library)
        scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        seen = []
        for metric in metrics:
            scheduler.step(metric)
            seen.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs])
        found.append(seen)
    np.testing.assert_allclose(*found, rtol=1e-10)


def test_stepping_the_scheduler_first_is_warned_of():
    optimizer = optimizer_of_two_groups(engine)
    scheduler = engine.optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_warm_restarts_take_fractions_of_epochs():
    found = []
    for library in (engine, torch):
        optimizer = optimizer_of_two_groups(library)
        scheduler = library.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, 2)
        optimizer.step()
        found.append([scheduler.step(epoch) or scheduler.get_last_lr()[0] for epoch in (0.25, 2.9, 3.1, 8.5, 9.0, 20.25)])
    np.testing.assert_allclose(*found, rtol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_another_implementation_is_refused_where_it_would_matter(name):
    """capturable and differentiable change what can be done with a step; foreach and fused are hints."""
    optimizer, refused = getattr(engine.optim, name), 0
    for choice in ("capturable", "differentiable", "foreach", "fused"):
        if choice not in inspect.signature(optimizer).parameters:
            continue
        if choice in ("foreach", "fused"):
            optimizer(parameters(engine), **{choice: True})
            continue
        with pytest.raises(NotImplementedError, match=f"{name}: {choice}=True"):
            optimizer(parameters(engine), **{choice: True})
        refused += 1
    assert refused or name == "LBFGS"


def test_every_optimizer_of_the_engine_is_here():
    """A new one is compared too."""
    its_own = {name for name in engine.optim.__all__ if name not in ("Optimizer", "lr_scheduler")}
    assert its_own == set(OPTIMIZERS)
    missing = set(engine.optim.lr_scheduler.__all__) - {each.split()[0] for each in SCHEDULES}
    assert missing == {"LRScheduler", "ReduceLROnPlateau"}


def test_a_subclass_says_its_step_in_a_line():
    """What a learner of chapter 6 writes."""

    class Descent(engine.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def _update(self, value, grad, state, group):
            value -= group["lr"] * grad

    given = parameters(engine)
    losses = trained(engine, Descent(given, lr=0.1), given)
    expected = trained(engine, engine.optim.SGD(theirs := parameters(engine), lr=0.1), theirs)
    np.testing.assert_allclose(losses, expected)
