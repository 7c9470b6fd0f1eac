"""A layer for each activation function; inplace: the result takes the input's place in memory."""

from engine import creation
from engine.nn import functional, init
from engine.nn.layer import FunctionLayer
from engine.nn.module import Module
from engine.nn.parameter import Parameter

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "LogSoftmax",
    "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus",
    "Softsign", "Tanh", "Tanhshrink", "Threshold"]


class _WithoutOptions(FunctionLayer):
    def __init__(self):
        super().__init__()


class _InPlace(FunctionLayer):
    def __init__(self, inplace=False):
        super().__init__(inplace=inplace)


class _Along(FunctionLayer):
    def __init__(self, dim=None):
        super().__init__(dim=dim)


class Threshold(FunctionLayer):
    """input where it is greater than `threshold`, else `value`."""

    _function = "threshold"

    def __init__(self, threshold, value, inplace=False):
        super().__init__(threshold=threshold, value=value, inplace=inplace)


class ReLU(_InPlace):
    """max(input, 0)."""

    _function = "relu"


class Hardtanh(FunctionLayer):
    """input, no less than min_val and no more than max_val. min_value, max_value: older names of these."""

    _function = "hardtanh"

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        min_val = min_val if min_value is None else min_value
        max_val = max_val if max_value is None else max_value
        if max_val <= min_val:
            raise AssertionError(f"max_val ({max_val}) must be greater than min_val ({min_val})")
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)


class ReLU6(Hardtanh):
    """min(max(input, 0), 6)."""

    _shown = ("inplace",)

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)


class LeakyReLU(FunctionLayer):
    """input where it is positive, else negative_slope · input."""

    _function = "leaky_relu"

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__(negative_slope=negative_slope, inplace=inplace)


class PReLU(Module):
    """As LeakyReLU with a learned slope: one, or one for each channel (dimension 1). weight: (num_parameters)."""

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(creation.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Set the slopes to their first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input):
        """input: any shape, or (N, num_parameters, ...)."""
        return functional.prelu(input, self.weight)

    def extra_repr(self):
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(FunctionLayer):
    """input where it is positive, else alpha · (exp(input) − 1) (Clevert et al., 2015)."""

    _function = "elu"

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(alpha=alpha, inplace=inplace)


class CELU(FunctionLayer):
    """max(input, 0) + min(alpha · (exp(input / alpha) − 1), 0), ELU with a continuous slope (Barron, 2017)."""

    _function = "celu"

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(alpha=alpha, inplace=inplace)


class SELU(_InPlace):
    """ELU with the scale and alpha that keep mean 0 and variance 1 (Klambauer et al., 2017)."""

    _function = "selu"


class GELU(FunctionLayer):
    """input · Φ(input), Φ of the standard normal distribution (Hendrycks and Gimpel, 2016).

    approximate: "none", or "tanh" for a formula with tanh.
    """

    _function = "gelu"

    def __init__(self, approximate="none"):
        super().__init__(approximate=approximate)

    def extra_repr(self):
        """How Φ is computed."""
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """input · sigmoid(input), also called swish."""

    _function = "silu"


class Mish(_InPlace):
    """input · tanh(softplus(input)) (Misra, 2019)."""

    _function = "mish"


class Hardswish(_InPlace):
    """input · relu6(input + 3) / 6 (Howard et al., 2019)."""

    _function, _shown = "hardswish", ()


class Hardsigmoid(_InPlace):
    """relu6(input + 3) / 6."""

    _function, _shown = "hardsigmoid", ()


class Softplus(FunctionLayer):
    """log(1 + exp(beta · input)) / beta; the input itself where beta · input exceeds `threshold`."""

    _function = "softplus"

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__(beta=beta, threshold=threshold)


class GLU(FunctionLayer):
    """a · sigmoid(b), where a and b are the halves of the input along `dim` (Dauphin et al., 2016)."""

    _function = "glu"

    def __init__(self, dim=-1):
        super().__init__(dim=dim)


class Softmax(_Along):
    """exp(input), divided by its sum along `dim`."""

    _function = "softmax"


class LogSoftmax(_Along):
    """The logarithm of softmax along `dim`."""

    _function = "log_softmax"


class Softmin(_Along):
    """softmax of −input along `dim`."""

    _function = "softmin"


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input):
        """input: (N, C, H, W) or (C, H, W)."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return functional.softmax(input, -3)


class Sigmoid(_WithoutOptions):
    """1 / (1 + exp(−input))."""

    _function = "sigmoid"


class Tanh(_WithoutOptions):
    """The hyperbolic tangent."""

    _function = "tanh"


class LogSigmoid(_WithoutOptions):
    """log(sigmoid(input))."""

    _function = "logsigmoid"


class Softsign(_WithoutOptions):
    """input / (1 + |input|)."""

    _function = "softsign"


class Tanhshrink(Module):
    """input − tanh(input)."""

    def forward(self, input):
        """input: any shape."""
        return input - functional.tanh(input)
