"""Learning curves are torch's: the same model, data and first weights give the same losses, step by step, and end in
the same state, for every kind of model and with every optimizer."""

import warnings

import numpy as np
import pytest

import engine

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

STEPS = 50
TOLERANCE = {"float64": 1e-8, "float32": 1e-5}  # of each loss, relative, and absolute where it is less than 1


# ---- models: functions of the library, so that both build and run the same ----------------------------


def classifier(library, *layers):
    """A step of learning classes with these layers."""
    net = library.nn.Sequential(*layers)
    loss = library.nn.CrossEntropyLoss(label_smoothing=0.1)
    return {"net": net}, {"net": lambda inputs, targets: loss(net(inputs), targets)}


def mlp(library):
    nn = library.nn
    return classifier(
        library, nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.0),
        nn.Linear(16, 4),
    )  # fmt: skip


def cnn(library):
    nn = library.nn
    return classifier(
        library, nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1, bias=False), nn.GroupNorm(2, 8), nn.LeakyReLU(),
        nn.AvgPool2d(2), nn.Dropout2d(0.0), nn.Flatten(), nn.Linear(32, 4),
    )  # fmt: skip


def autoencoder(library):
    nn = library.nn
    net = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, 2, 1), nn.InstanceNorm2d(4, affine=True), nn.SiLU(),
        nn.ConvTranspose2d(4, 2, 3, 2, 1, 1), nn.ELU(), nn.Upsample(scale_factor=2), nn.AvgPool2d(2),
        nn.Conv2d(2, 1, 1), nn.Sigmoid(), nn.Flatten(),
    )  # fmt: skip
    loss = nn.MSELoss()
    return {"net": net}, {"net": lambda inputs, targets: loss(net(inputs), inputs.sigmoid())}


def bag_of_words(library):
    nn = library.nn
    table, head, loss = nn.Embedding(4, 8, padding_idx=0), nn.Linear(8, 4), nn.NLLLoss()

    def step(inputs, targets):
        words = table((inputs.abs() * 2).long().clamp(0, 3)).mean(1)
        return loss(nn.functional.log_softmax(head(words), -1), targets)

    return {"net": nn.ModuleDict({"table": table, "head": head})}, {"net": step}


def gan(library):
    """The discriminator learns to tell real from made, then the generator to deceive it."""
    nn = library.nn
    generator = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    loss = nn.BCEWithLogitsLoss()

    def judge(inputs, targets):
        real, made = discriminator(inputs), discriminator(generator(inputs.flip(0)).detach())
        return loss(real, library.ones_like(real)) + loss(made, library.zeros_like(made))

    def deceive(inputs, targets):
        judged = discriminator(generator(inputs.flip(0)))
        return loss(judged, library.ones_like(judged))

    nets = {"discriminator": discriminator, "generator": generator}
    return nets, {"discriminator": judge, "generator": deceive}


def recurrent(kind):
    """A sequence of eight steps through two layers; the last output is classified."""

    def model(library):
        nn = library.nn
        core, head = getattr(nn, kind)(8, 6, num_layers=2, batch_first=True), nn.Linear(6, 4)
        loss = nn.CrossEntropyLoss()

        def step(inputs, targets):
            return loss(head(core(inputs.unflatten(1, (8, 8)))[0][:, -1]), targets)

        return {"net": nn.ModuleDict({"core": core, "head": head})}, {"net": step}

    return model


def transformer(library):
    nn = library.nn
    # without biases: that of the keys has no gradient but rounding, which Adam would make into steps
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, bias=False)
    core, head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(8, 4)
    loss = nn.CrossEntropyLoss()

    def step(inputs, targets):
        return loss(head(core(inputs.unflatten(1, (8, 8))).mean(1)), targets)

    return {"net": nn.ModuleDict({"core": core, "head": head})}, {"net": step}


# name -> (the model, features of its inputs)
MODELS = {
    "mlp": (mlp, 8), "cnn": (cnn, 64), "autoencoder": (autoencoder, 64), "words": (bag_of_words, 8), "gan": (gan, 8),
    "transformer": (transformer, 64), **{kind: (recurrent(kind), 64) for kind in ("RNN", "LSTM", "GRU")},
}  # fmt: skip


# ---- optimizers -------------------------------------------------------------------------------------


class PlainDescent:
    """w -= 0.1 · gradient, in a line that both libraries run."""

    def __init__(self, library, parameters):
        self.library, self.parameters = library, list(parameters)

    def step(self, closure):
        loss = closure()
        with self.library.no_grad():
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad
        return loss

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None


# Options other than the defaults; several sets for one optimizer.
OPTIONS = {
    "SGD": [{"lr": 0.1}, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}],
    "Adam": [{"lr": 0.01}, {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1}],
    "RMSprop": [{"lr": 0.01}, {"lr": 0.01, "centered": True, "momentum": 0.5, "eps": 1e-4}],
    "LBFGS": [{"lr": 0.1, "max_iter": 3}],
}


# Where rounding grows until nothing is left of it: so many losses are compared, and not the state, with the reason.
CHAOTIC = {("LBFGS", "gan"): (20, "steps by curvature in a game, which has no minimum: losses swing a hundredfold")}


def optimizers():
    """(name, options) of each optimizer that the engine has."""
    classes = vars(engine.optim).items()
    names = [name for name, each in classes if isinstance(each, type) and hasattr(each, "step") and name != "Optimizer"]
    return [(name, options) for name in sorted(names) for options in OPTIONS.get(name, [{}])]


def made(library, name, options, parameters):
    if name == "plain":
        return PlainDescent(library, parameters)
    return getattr(library.optim, name)(parameters, **options)


# ---- schedulers -----------------------------------------------------------------------------------

# name -> (the schedule that a library makes for an optimizer, the optimizer, a model)
SCHEDULERS = {
    "StepLR": (lambda s, o: s.StepLR(o, 10, 0.5), "SGD", "mlp"),
    "MultiStepLR": (lambda s, o: s.MultiStepLR(o, [5, 30], 0.3), "Adam", "cnn"),
    "ExponentialLR": (lambda s, o: s.ExponentialLR(o, 0.95), "RMSprop", "LSTM"),
    "CosineAnnealingLR": (lambda s, o: s.CosineAnnealingLR(o, 20, 0.001), "AdamW", "transformer"),
    "CosineAnnealingWarmRestarts": (lambda s, o: s.CosineAnnealingWarmRestarts(o, 7, 2), "NAdam", "GRU"),
    "LambdaLR": (lambda s, o: s.LambdaLR(o, lambda step: 1 / (1 + step)), "Adagrad", "gan"),
    "MultiplicativeLR": (lambda s, o: s.MultiplicativeLR(o, lambda step: 0.9), "Adamax", "RNN"),
    "LinearLR": (lambda s, o: s.LinearLR(o, 0.1, 1.0, 12), "RAdam", "transformer"),
    "ConstantLR": (lambda s, o: s.ConstantLR(o, 0.2, 9), "Adadelta", "cnn"),
    "PolynomialLR": (lambda s, o: s.PolynomialLR(o, 40, 2.0), "SGD", "autoencoder"),
    "OneCycleLR": (lambda s, o: s.OneCycleLR(o, 0.02, total_steps=STEPS), "AdamW", "LSTM"),
    "CyclicLR": (lambda s, o: s.CyclicLR(o, 0.001, 0.02, 8, cycle_momentum=False), "Adam", "gan"),
    "ReduceLROnPlateau": (lambda s, o: s.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.05), "SGD", "GRU"),
    "SequentialLR": (
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 10), s.CosineAnnealingLR(o, 40)], [10]), "Adam", "mlp"),
    "ChainedScheduler": (
        lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 5), s.ExponentialLR(o, 0.97)]), "LBFGS", "words"),
}


# ---- learning ---------------------------------------------------------------------------------------


def data(library, features, dtype):
    source = np.random.default_rng(0)
    inputs, targets = source.standard_normal((32, features)), source.integers(0, 4, 32)
    return library.tensor(inputs, dtype=getattr(library, dtype)), library.tensor(targets)


def curve(library, model, optimizer, dtype, first, schedule=None):
    """(the losses of STEPS steps, the state after them). first: the state of each net before, which torch fills in."""
    make, features = MODELS[model]
    nets, losses = make(library)
    for name, net in nets.items():
        net.to(getattr(library, dtype))
        if library is torch:
            first[name] = {key: each.numpy().copy() for key, each in net.state_dict().items()}
        net.load_state_dict({key: library.tensor(each) for key, each in first[name].items()})
    updates = {name: made(library, *optimizer, net.parameters()) for name, net in nets.items()}
    schedules = {name: schedule(library.optim.lr_scheduler, each) for name, each in updates.items()} if schedule else {}
    batch, seen = data(library, features, dtype), []
    for _ in range(STEPS):
        for name, update in updates.items():

            def closure():
                for net in nets.values():
                    net.zero_grad()
                loss = losses[name](*batch)  # noqa: B023 (called at once)
                loss.backward()
                return loss

            seen.append(update.step(closure).item())
            if schedule:
                is_watching = type(schedules[name]).__name__ == "ReduceLROnPlateau"
                schedules[name].step(*[seen[-1]] * is_watching)
    states = {f"{name}.{key}": each.numpy() for name, net in nets.items() for key, each in net.state_dict().items()}
    return np.array(seen), states


def check(model, optimizer, dtype="float64", schedule=None):
    torch.manual_seed(0)
    first = {}
    theirs, their_state = curve(torch, model, optimizer, dtype, first, schedule)
    ours, our_state = curve(engine, model, optimizer, dtype, first, schedule)
    assert np.isfinite(theirs).all() and theirs.std() > 0
    if (optimizer[0], model) in CHAOTIC:
        count, _ = CHAOTIC[optimizer[0], model]
        ours, theirs, their_state = ours[:count], theirs[:count], our_state
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert our_state.keys() == their_state.keys()
    for name, state in their_state.items():
        assert our_state[name].dtype == state.dtype
        tolerance = 1e3 * TOLERANCE[dtype]
        np.testing.assert_allclose(our_state[name], state, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("model", MODELS)
def test_models_learn_as_torch_s(model, dtype):
    """By plain gradient descent; in single precision, where rounding differs, to 1e-5."""
    check(model, ("plain", {}), dtype)


def test_a_slightly_wrong_gradient_is_seen(monkeypatch):
    """A derivative that is off by a thousandth bends the curve."""
    linear = engine.nn.functional.linear
    monkeypatch.setattr(
        engine.nn.functional, "linear", lambda input, *rest: linear(input * 1.001 - input.detach() * 0.001, *rest)
    )
    with pytest.raises(AssertionError):
        check("mlp", ("plain", {}))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("optimizer", optimizers(), ids=lambda each: f"{each[0]}-{'-'.join(each[1])}")
def test_optimizers_learn_as_torch_s(optimizer, model):
    check(model, optimizer)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_learning_under_a_schedule(name):
    """Each scheduler bends the rates, and so the curves, as torch's."""
    schedule, optimizer, model = SCHEDULERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The epoch parameter", UserWarning)  # torch's own, within SequentialLR
        check(model, (optimizer, OPTIONS.get(optimizer, [{}])[0]), schedule=schedule)


def test_every_scheduler_and_every_optimizer_occurs():
    """A new one has to be put into the table."""
    assert {*SCHEDULERS} == {*engine.optim.lr_scheduler.__all__} - {"LRScheduler"}
    assert {name for name, _ in optimizers()} == {name for _, name, _ in SCHEDULERS.values()}
    assert {model for _, _, model in SCHEDULERS.values()} == {*MODELS}
