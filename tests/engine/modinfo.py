"""PyTorch's own module inputs as questions to the engine: each module built, fed and differentiated in both libraries.

PyTorch keeps, for every module, a generator of constructor arguments and inputs that it tests itself with (its
"ModuleInfo" database). For each name that the engine has too, `compare` builds both modules, loads torch's state into
ours, and compares text, state dict, outputs, gradients of inputs and parameters, buffers afterwards, kinds of error, in
training and evaluation mode, on the CPU and on the stand-in for cupy. KNOWN lists the differences that we know.
"""

import dataclasses
import functools
import types
import warnings

import numpy as np
import opinfo
import opinfo_known

import engine

SAMPLES = {"float64": 60, "float32": 12}  # how many of each dtype, spread evenly over all that PyTorch offers
DEVICES = ("cpu", "cuda")  # "cuda" is the stand-in


KNOWN = []  # of opinfo_known.Known; none at present


# Samples of our own for modules that PyTorch keeps none for: constructor arguments (or a function of the library that
# makes them) and shapes of the inputs.
OWN = {
    "CosineSimilarity": [((), [(4, 3), (4, 3)]), ((0, 1e-6), [(4, 3), (1, 3)]), ((-1,), [(2, 4, 3), (4, 3)])],
    "Dropout": [((0.3,), [(4, 3)]), ((0.3, True), [(4, 3)])],
    "Dropout1d": [((0.3,), [(2, 4, 3)])],
    "Dropout2d": [((0.3,), [(2, 4, 3, 3)])],
    "Flatten": [((), [(2, 3, 4)]), ((0, 1), [(2, 3, 4)]), ((), [(3,)]), ((2, 1), [(2, 3, 4)])],
    "Fold": [(((4, 5), 2), [(2, 12, 12)]), (((4, 5), (2, 3), 1, 1, 2), [(12, 6)]), (((4, 5), 2), [(2, 12, 11)])],
    "Hardsigmoid": [((), [(3, 4)]), ((), [()])],
    "Identity": [((3,), [(3, 4)])],
    "PairwiseDistance": [((), [(4, 3), (4, 3)]), ((1.0, 1e-3, True), [(2, 4, 3), (3,)]), ((3,), [(3,), (3,)])],
    "PixelShuffle": [((2,), [(2, 8, 3, 4)]), ((3,), [(9, 2, 2)]), ((2,), [(1, 3, 2, 2)]), ((2,), [(4, 2)])],
    "PixelUnshuffle": [((2,), [(2, 3, 4, 6)]), ((3,), [(1, 3, 6)]), ((2,), [(1, 3, 3, 2)])],
    "TransformerDecoder": [
        (lambda torch: (torch.nn.TransformerDecoderLayer(8, 2, 12, 0.0), 2), [(3, 2, 8), (4, 2, 8)]),
        (lambda torch: (_decoder_layer(torch), 2, torch.nn.LayerNorm(8)), [(2, 3, 8), (2, 4, 8)]),
    ],
    "Unflatten": [((1, (2, 3)), [(4, 6)]), ((-1, (-1, 3)), [(4, 6)]), ((1, (2, 2)), [(4, 6)])],
    "Unfold": [
        ((2,), [(2, 3, 4, 5)]), (((2, 3), 2, 1, 2), [(2, 3, 6, 7)]), ((2,), [(3, 4, 5)]), ((9,), [(2, 3, 4, 5)]),
    ],
    "Upsample": [
        ((None, 2), [(2, 3, 4)]), (((5, 7),), [(2, 3, 4, 5)]), ((None, 2.0, "bilinear", True), [(2, 3, 4, 5)]),
        ((None, (2, 1.5), "bilinear"), [(2, 3, 4, 6)]), ((6, None, "linear"), [(2, 3, 4)]),
        ((6, None, "x"), [(2, 3, 4)]),
    ],
}  # fmt: skip


def _decoder_layer(library):
    return library.nn.TransformerDecoderLayer(8, 2, 12, 0.0, "gelu", 1e-3, batch_first=True, norm_first=True)


@dataclasses.dataclass
class Report(opinfo.Report):
    """What came out for one module."""


@functools.cache
def database():
    """name -> PyTorch's ModuleInfos of that class."""
    from torch.testing._internal.common_modules import module_db

    found = {}
    for info in module_db:
        found.setdefault(info.module_cls.__name__, []).append(info)
    return found


def public_names():
    """The engine's module classes, sorted."""
    return sorted(
        name
        for name, value in vars(engine.nn).items()
        if isinstance(value, type) and issubclass(value, engine.nn.Module) and not name.startswith("_")
    )


# ---- arguments across the border --------------------------------------------------------------------


def converted(value, device="cpu", leaves=None):
    """As opinfo.converted; also functions of torch.nn.functional, and modules."""
    import torch

    if isinstance(value, torch.nn.Module):
        return converted_module(value)
    if callable(value) and not isinstance(value, (torch.Tensor, torch.dtype)):
        ours = getattr(engine.nn.functional, getattr(value, "__name__", ""), None) or getattr(
            engine, getattr(value, "__name__", ""), None
        )
        if ours is None:
            raise opinfo.CannotConvert(f"the function {value}")
        return ours
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return type(value)(converted(each, device, leaves) for each in value)
    if isinstance(value, torch.Tensor) and not value.requires_grad:
        value = value.clone()  # opinfo shares the memory, and a module may write to its input
    return opinfo.converted(value, device, leaves)


def converted_module(module):
    """A module that is an argument: TransformerEncoderLayer and its like, or LayerNorm, from its attributes."""
    name = type(module).__name__
    if name == "LayerNorm":
        return engine.nn.LayerNorm(module.normalized_shape, module.eps)
    if not name.startswith("Transformer") or not hasattr(engine.nn, name):
        raise opinfo.CannotConvert(f"an argument of class {name}")
    attention = module.self_attn
    ours = getattr(engine.nn, name)(
        attention.embed_dim, attention.num_heads, module.linear1.out_features, module.dropout.p,
        converted(module.activation), module.norm1.eps, attention.batch_first, module.norm_first,
        bias=attention.in_proj_bias is not None, dtype=converted(attention.out_proj.weight.dtype),
    )  # fmt: skip
    return ours


def without_dropout(module):
    """What is drawn at random cannot be compared: all probabilities 0."""
    for each in module.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(each, name, None), float) and "Dropout" in type(each).__name__ + name.capitalize():
                setattr(each, name, 0.0)
    return module


# ---- one sample -------------------------------------------------------------------------------------


def answer(function, *arguments, **keywords):
    """(the result, None) or (None, the exception)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*arguments, **keywords), None
    except Exception as error:  # whatever it raises is the answer: its kind is compared
        return None, error


def built(name, info, sample, dtype):
    """Both modules, or what differs in building them: (ours, theirs, difference)."""
    import torch

    arguments, keywords = sample.constructor_input.args, sample.constructor_input.kwargs
    ours, our_error = answer(
        lambda: getattr(engine.nn, name)(
            *[converted(each) for each in arguments], **{key: converted(each) for key, each in keywords.items()}
        )
    )
    if isinstance(our_error, opinfo.CannotConvert):
        raise our_error
    theirs, their_error = answer(info.module_cls, *arguments, **keywords)
    if our_error is not None or their_error is not None:
        problem = opinfo.different_errors(our_error, their_error)
        return None, None, problem and f"building it: {problem}"
    kind = getattr(torch, dtype)
    return without_dropout(ours.to(converted(kind))), without_dropout(theirs.to(kind)), None


def different_states(ours, theirs):
    """Keys, their order, shapes, dtypes and values of the two state dicts."""
    ours, theirs = ours.state_dict(), theirs.state_dict()
    if list(ours) != list(theirs):
        return f"state dict has {list(ours)}, torch's {list(theirs)}"
    for name in theirs:
        problem = opinfo.different(ours[name].detach(), theirs[name].detach())
        if problem:
            return f"{name} of the state dict: {problem}"
    return None


def difference(name, info, sample, dtype, training, device, report):
    """What differs between the libraries on this sample; None if nothing does."""
    ours, theirs, problem = built(name, info, sample, dtype)
    if problem or ours is None:
        return problem
    if repr(ours) != repr(theirs):
        return f"text {ours!r}, torch's {theirs!r}"
    ours.load_state_dict({key: opinfo.converted(each) for key, each in theirs.state_dict().items()})
    ours.to(device).train(training), theirs.train(training)
    leaves, given = [], sample.forward_input
    once = {id(each): each for each in given.args}  # what is given twice must be one tensor here too
    ours_of = {key: converted(each, device, leaves) for key, each in once.items()}
    arguments = [ours_of[id(each)] for each in given.args]
    keywords = {key: converted(each, device, leaves) for key, each in given.kwargs.items()}
    our_result, our_error = answer(ours, *arguments, **keywords)
    their_result, their_error = answer(theirs, *given.args, **given.kwargs)
    report.calls += 1
    if our_error is not None or their_error is not None:
        return opinfo.different_errors(our_error, their_error)
    problem = opinfo.different(our_result, their_result)
    if problem is None:
        pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
        leaves = [*leaves, *(pair for pair in pairs if pair[1].requires_grad)]
        problem = opinfo.different_gradients(our_result, their_result, leaves, report)
    return problem or different_states(ours, theirs)


# ---- all samples of a module ------------------------------------------------------------------------


def own_info(name):
    """OWN's samples in the form of PyTorch's."""
    import torch

    def samples(info, device, dtype, requires_grad, training):
        made = functools.partial(torch.randn, device=device, dtype=dtype, requires_grad=requires_grad)
        for arguments, shapes in OWN[name]:
            fed = types.SimpleNamespace(args=tuple(made(shape) for shape in shapes), kwargs={})
            arguments = arguments(torch) if callable(arguments) else arguments
            built_with = types.SimpleNamespace(args=arguments, kwargs={})
            yield types.SimpleNamespace(constructor_input=built_with, forward_input=fed)

    return types.SimpleNamespace(
        module_cls=getattr(torch.nn, name), module_inputs_func=samples, module_error_inputs_func=None
    )


def compare(name):
    """Ask both libraries everything there is to ask about this module. "cupy" must be the stand-in meanwhile."""
    report = Report(name)
    if name in OWN:
        _compare_all(report, own_info(name))
    for info in database().get(name, ()):
        _compare_all(report, info)
    return report


def _compare_all(report, info):
    for dtype in SAMPLES:
        for training in (True, False):
            _compare_samples(report, info, dtype, training)
    _compare_mistakes(report, info)


def _compare_samples(report, info, dtype, training):
    import torch

    how = {"device": "cpu", "dtype": getattr(torch, dtype), "requires_grad": dtype == "float64", "training": training}
    for device in DEVICES:
        samples = opinfo.drawn(lambda: info.module_inputs_func(info, **how), SAMPLES[dtype])
        for sample in samples:
            report.samples += device == "cpu"
            mode = "training" if training else "evaluation"
            _ask(report, f"{device}, {dtype}, {mode}", sample, difference, info, sample, dtype, training, device)


def _compare_mistakes(report, info):
    import torch

    if info.module_error_inputs_func is None:
        return
    how = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": True}
    for mistake in opinfo.drawn(lambda: info.module_error_inputs_func(info, **how), opinfo.MISTAKES):
        report.mistakes += 1
        sample = mistake.module_error_input
        _ask(report, "mistake", sample, difference, info, sample, "float64", True, "cpu")


def _ask(report, label, sample, compare_one, info, *rest):
    try:
        with np.errstate(all="ignore"):
            problem = compare_one(report.name, info, *rest, report)
    except opinfo.CannotConvert as reason:
        report.left_out[str(reason)] = report.left_out.get(str(reason), 0) + 1
        return
    if problem:
        report.differences.append(f"[{label}] {written(report.name, sample)}: {problem}")


def written(name, sample):
    """The module and its input as a reader would write them."""
    given = types.SimpleNamespace(variant_test_name="")
    made, fed = sample.constructor_input, sample.forward_input
    parts = []
    for function, each in ((name, made), ("", fed)):
        if each is None:
            continue
        first, *others = each.args or ("",)
        shown = types.SimpleNamespace(input=first, args=others, kwargs=each.kwargs)
        parts.append(opinfo.written(function, given, shown) if each.args else f"{function}({each.kwargs or ''})")
    return "".join(parts)


def unknown(report):
    """The differences that no entry of KNOWN covers."""
    return opinfo_known.unknown(report, KNOWN)


def unnecessary(report):
    """The entries of KNOWN for this module that cover none of its differences."""
    return opinfo_known.unnecessary(report, KNOWN)
