"""GradScaler: multiplies the loss, so that small gradients do not vanish in float16, and divides before the step."""

import warnings

from engine import backend, creation, dtypes
from engine.autograd.graph import TensorBase, set_recording

__all__ = ["GradScaler"]

_READY, _UNSCALED, _STEPPED = range(3)  # how far an optimizer is since the last update


class GradScaler:
    """scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update(), in each iteration.

    device: "cuda" or "cpu". init_scale: what the loss is multiplied with at first. growth_factor: what `update`
    multiplies the scale with after growth_interval iterations without inf and NaN; backoff_factor: after one with them,
    whose step is left out. enabled: False leaves losses and gradients alone. (Micikevicius et al., 2018)
    """

    def __init__(
            self, device="cuda", init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000,
            enabled=True):
        self._device, self._enabled = device, enabled
        if enabled and device == "cuda" and not backend.has_cuda():
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError(f"The growth factor must be > 1.0, got {growth_factor}.")
            if backoff_factor >= 1.0:
                raise AssertionError(f"The backoff factor must be < 1.0, got {backoff_factor}.")
        self._first_scale, self._scale = init_scale, None  # a 0-d tensor, made where the first loss is
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._good_steps = growth_interval, 0
        self._optimizers = {}  # id -> [stage, whether a gradient was inf or NaN (None: not looked yet)]

    def scale(self, outputs):
        """The tensor, or each of a list, tuple or other iterable of them, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, TensorBase):
            if self._scale is None:
                self._scale = creation.full((), self._first_scale, dtype=dtypes.float32, device=outputs.device)
            return outputs * self._scale.to(outputs.device)
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(each) for each in outputs])
        if hasattr(outputs, "__iter__"):
            return map(self.scale, outputs)
        raise ValueError(f"outputs must be a Tensor or an iterable of Tensors, got {type(outputs).__name__}")

    def unscale_(self, optimizer):
        """Divide the gradients of the optimizer's parameters by the scale, e.g. in order to clip them before `step`."""
        if not self._enabled:
            return
        self._check_scale("unscale_")
        state = self._state_of(optimizer)
        if state[0] == _UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state[0] == _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        parameters = [each for group in optimizer.param_groups for each in group["params"] if each.grad is not None]
        if any(each.grad.dtype is dtypes.float16 for each in parameters):
            raise ValueError("Attempting to unscale FP16 gradients.")
        with set_recording(False):
            inverse = (1 / self._scale.double()).float()
            found = [_unscale(each.grad, inverse) for each in parameters]
        state[:] = _UNSCALED, any(bool(each) for each in found) if found else None

    def step(self, optimizer, *args, **kwargs):
        """optimizer.step(*args, **kwargs), and what it returns; left out if a gradient is inf or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale("step")
        state = self._state_of(optimizer)
        if state[0] == _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state[0] == _READY:
            self.unscale_(optimizer)
        if state[1] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state[1] else optimizer.step(*args, **kwargs)
        state[0] = _STEPPED
        return result

    def update(self, new_scale=None):
        """Let the scale grow or shrink, at the end of an iteration; or set it to `new_scale`, a number."""
        if not self._enabled:
            return
        self._check_scale("update")
        if new_scale is None:
            found = [found_inf for _, found_inf in self._optimizers.values() if found_inf is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._grow_or_shrink(any(found))
        elif isinstance(new_scale, float):
            self._scale.fill_(new_scale)
        else:
            if not isinstance(new_scale, TensorBase):
                raise TypeError(f"new_scale should be a float or a tensor, not {type(new_scale).__name__}")
            if new_scale.device.type != self._device or new_scale.numel() != 1 or new_scale.requires_grad:
                raise AssertionError(
                    f"new_scale should be a float or a 1-element tensor on {self._device} with requires_grad=False, "
                    f"got {new_scale.numel()} elements on {new_scale.device}, requires_grad={new_scale.requires_grad}.")
            self._scale.copy_(new_scale.reshape(()))
        self._optimizers = {}

    def _grow_or_shrink(self, found_inf):
        if found_inf:
            self._scale *= self._backoff_factor
            self._good_steps = 0
            return
        self._good_steps += 1
        if self._good_steps == self._growth_interval:
            grown = self._scale * self._growth_factor
            if bool(grown.isfinite()):
                self._scale.copy_(grown)
            self._good_steps = 0

    def _check_scale(self, name):
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration.")

    def _state_of(self, optimizer):
        return self._optimizers.setdefault(id(optimizer), [_READY, None])

    def is_enabled(self):
        """Whether it scales."""
        return self._enabled

    def get_scale(self):
        """The scale, a float; 1.0 if it is not enabled."""
        if not self._enabled:
            return 1.0
        return self._first_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self):
        """What the scale is multiplied with to grow."""
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        """Change what the scale is multiplied with to grow."""
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        """What the scale is multiplied with to shrink."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        """Change what the scale is multiplied with to shrink."""
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        """After how many good iterations the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        """Change after how many good iterations the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self):
        """scale, growth_factor, backoff_factor, growth_interval and _growth_tracker, the number of good iterations of
        late; empty if it is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._good_steps}

    def load_state_dict(self, state_dict):
        """Go on from what `state_dict` returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.")
        self._first_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(self._first_scale)
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval, self._good_steps = state_dict["growth_interval"], state_dict["_growth_tracker"]


def _unscale(gradient, inverse):
    """Multiply in place; a 0-d bool tensor that says whether some element was inf or NaN."""
    found = ~gradient.isfinite().all()
    gradient *= inverse.to(gradient.device)
    return found
