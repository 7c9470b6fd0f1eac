"""Switches: whether operations are recorded (no_grad, enable_grad, set_grad_enabled) and inference_mode.

Each is a context manager and a decorator of functions; a generator function runs inside the switch whenever it runs.
"""

import functools
import inspect
import warnings

from engine.autograd.graph import set_recording, setting

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "set_grad_enabled"]


class _Switch:
    """What the switches have in common: as a decorator, each call (or step of a generator) enters a fresh one."""

    def __new__(cls, function=None):
        switch = super().__new__(cls)
        return switch if function is None else switch(function)  # @no_grad without parentheses

    def fresh(self):
        return type(self)()

    def __call__(self, function):
        if inspect.isclass(function):
            warnings.warn(
                "Decorating classes is deprecated: decorate methods. Here, only making an object is inside the switch.",
                FutureWarning, stacklevel=2)
        elif inspect.isgeneratorfunction(function):
            return self._around_generator(function)

        @functools.wraps(function, updated=() if inspect.isclass(function) else ("__dict__",))
        def wrapped(*arguments, **keywords):
            with self.fresh():
                return function(*arguments, **keywords)

        return wrapped

    def _around_generator(self, function):
        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            generator = function(*arguments, **keywords)
            step, sent = generator.send, (None,)
            try:
                while True:
                    try:
                        with self.fresh():
                            value = step(*sent)
                    except StopIteration as end:
                        return end.value
                    try:
                        step, sent = generator.send, ((yield value),)
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        step, sent = generator.throw, (error,)
            finally:
                with self.fresh():
                    generator.close()

        return wrapped


class no_grad(_Switch, set_recording):
    """Operations inside are not recorded."""

    def __init__(self):
        super().__init__(False)


class enable_grad(_Switch, set_recording):
    """Operations inside are recorded, also within no_grad."""

    def __init__(self):
        super().__init__(True)


class set_grad_enabled(_Switch, set_recording):
    """Recording on or off: at once, and as a context manager until its end."""

    def __new__(cls, mode):
        return object.__new__(cls)

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'mode' must be bool, not {type(mode).__name__}")
        super().__init__(mode)
        super().__enter__()

    def __enter__(self):
        setting.record = self.mode and not setting.inference

    def fresh(self):
        return set_recording(self.mode)

    def __call__(self, function):
        self.__exit__()
        return super().__call__(function)


class inference_mode(_Switch):
    """Operations inside are not recorded, and the tensors made inside never can be: that saves their bookkeeping.

    mode: False is normal mode, also inside of another inference_mode.
    """

    mode = True

    def __new__(cls, mode=True):
        return object.__new__(cls) if isinstance(mode, bool) else super().__new__(cls, mode)

    def __init__(self, mode=True):
        self.mode = mode

    def __enter__(self):
        self.before = setting.record, setting.inference
        setting.record, setting.inference = not self.mode, self.mode

    def __exit__(self, *exception):
        setting.record, setting.inference = self.before

    def fresh(self):
        return inference_mode(self.mode)


def is_grad_enabled():
    """Whether operations are being recorded now."""
    return setting.record


def is_inference_mode_enabled():
    """Whether tensors made now are inference tensors."""
    return setting.inference
