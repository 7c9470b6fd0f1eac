"""Uses a class `Autoencoder`: sets its weights, sends images through it and back, and lets its decoder draw."""

import engine as torch

from . import Unusable
from .modules import array_or_none
from .tensors import checked

HALVES = "encoder", "decoder"


def probe(answer, images, codes, weights, gradient):
    """What the network makes of images and of codes.

    images: (N, pixels); codes: (M, code); gradient: from above for the images that are drawn again, (N, pixels).
    weights: one vector, cut into the encoder's weight and bias, twice, and the decoder's, in this order; the hidden size
    follows from its length.
    Returns the encoder's codes (N, code), the images drawn again (N, pixels), what the decoder draws from `codes`
    (M, pixels), and the gradient of `images`.
    """
    pixels, code = images.shape[1], codes.shape[1]
    model = _with_weights(answer, pixels, hidden_of(weights, pixels, code), code, weights)
    given = torch.from_numpy(images).requires_grad_()
    encoded, drawn = checked(model.encoder(given), "what the encoder returns"), model(given)
    again = checked(drawn, "what `forward` returns")
    if again.requires_grad and tuple(again.shape) == gradient.shape:
        again.backward(torch.tensor(gradient))
    decoded = checked(model.decoder(torch.from_numpy(codes)), "what the decoder returns")
    arrays = (each.detach().numpy() for each in (encoded, again, decoded))
    return *arrays, array_or_none(given.grad)


def hidden_of(weights, pixels, code):
    """How many hidden units a network with so many weights has: 2 (pixels + code + 1) each, and the biases besides."""
    return (len(weights) - pixels - code) // (2 * (pixels + code + 1))


def shapes_of(pixels, hidden, code):
    """The shapes of all parameters: weight and bias of each layer, the encoder's two layers first."""
    sizes = (pixels, hidden), (hidden, code), (code, hidden), (hidden, pixels)
    return [shape for inputs, outputs in sizes for shape in ((outputs, inputs), (outputs,))]


def _with_weights(answer, pixels, hidden, code, weights):
    """A network of the learner's with these weights. Unusable if it has not the parts that the exercise names."""
    model = answer(pixels, hidden, code)
    if not isinstance(model, torch.nn.Module):
        raise Unusable("`Autoencoder` should be a module: `class Autoencoder(nn.Module)`, and `super().__init__()`.")
    for name in HALVES:
        half = getattr(model, name, None)
        if half is None:
            raise Unusable(f"There is no `self.{name}` after `__init__`; the halves are used apart, by these names.")
        if isinstance(half, torch.nn.ModuleList):
            raise Unusable(
                f"`self.{name}` is a ModuleList, which keeps modules and calls none; `nn.Sequential` calls them in "
                "a row.")
        if not isinstance(half, torch.nn.Module):
            raise Unusable(
                f"`self.{name}` should be a module, such as an `nn.Sequential`, so that its weights are found and "
                f"trained; yours is of type `{type(half).__name__}`.")
    parameters = [each for name in HALVES for each in getattr(model, name).parameters()]
    expected, found = shapes_of(pixels, hidden, code), [tuple(each.shape) for each in parameters]
    if found != expected:
        raise Unusable(
            f"With {pixels} pixels, {hidden} hidden units and a code of {code}, the weights and biases of encoder and "
            f"decoder should have the shapes {expected}; yours have {found}.")
    model.to(torch.from_numpy(weights).dtype)
    begin = 0
    with torch.no_grad():
        for parameter in parameters:
            part = weights[begin : begin + parameter.numel()]
            parameter.copy_(torch.tensor(part).reshape(parameter.shape))
            begin += parameter.numel()
    return model
