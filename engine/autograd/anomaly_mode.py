"""Finding where a backward pass goes wrong: while it is on, each node remembers the line that recorded it."""

import linecache
import os
import sys
import warnings
import weakref

import numpy as np

from engine.autograd import graph
from engine.autograd.graph import TensorBase

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


detector = None  # the _Detector in use, None while detection is off


def calling_frame(frame):
    """The innermost frame, from `frame` on outwards, that is not the engine's own."""
    while frame.f_back is not None and frame.f_code.co_filename.startswith(ENGINE):
        frame = frame.f_back
    return frame


class _Detector:
    """Watches what is recorded, on all threads, and looks at what backward passes on."""

    thread = None

    def __init__(self, check_nan):
        self.check_nan = check_nan
        self.places = weakref.WeakKeyDictionary()  # node -> (file, line number, function)

    def recorded(self, node, inputs, result):
        frame = calling_frame(sys._getframe(1))
        self.places[node] = frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name

    def passed(self, node, gradient, passed_on):
        """RuntimeError if the node passes NaN on."""
        for position, gradient in enumerate(passed_on if self.check_nan else ()):
            array = gradient.array if isinstance(gradient, TensorBase) else gradient
            if hasattr(array, "dtype") and array.dtype.kind in "fc" and bool(np.isnan(array).any()):
                raise RuntimeError(
                    f"Function '{node.name()}' returned nan values in its {position}th output.{self.origin(node)}")

    def failed(self, node, error):
        """Say which line recorded the node in which `error` was raised: in a warning, and in a note on the error."""
        origin = self.origin(node)
        message = f"Error detected in {node.name()}.{origin}"
        warnings.warn(message, UserWarning, stacklevel=4)
        if origin and origin not in str(error):
            error.add_note(message)

    def origin(self, node):
        """The line of the user's code that recorded the node, in words; "" if it was recorded before detection."""
        if node not in self.places:
            return ""
        file, number, function = self.places[node]
        source = linecache.getline(file, number).strip()
        return f' It was recorded by\n  File "{file}", line {number}, in {function}\n    {source}'


class set_detect_anomaly:
    """Detection on or off: at once, and as a context manager until its end.

    While it is on, an exception in a backward pass, or (with check_nan) a NaN that a node passes on, names the forward
    line that recorded the node. It costs time; off, it costs nothing.
    """

    def __init__(self, mode, check_nan=True):
        self.before = detector
        _install(_Detector(check_nan) if mode else None)

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        _install(self.before)


class detect_anomaly(set_detect_anomaly):
    """Context manager: set_detect_anomaly(True, check_nan) inside."""

    def __init__(self, check_nan=True):
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.", stacklevel=2)
        self.check_nan = check_nan

    def __enter__(self):
        super().__init__(True, self.check_nan)


def _install(new):
    global detector
    if detector is not None:
        graph.watchers.remove(detector)
        graph.observers.remove(detector)
    detector = new
    if detector is not None:
        graph.watchers.insert(0, detector)
        graph.observers.insert(0, detector)


def is_anomaly_enabled():
    """Whether anomalies are looked for now."""
    return detector is not None


def is_anomaly_check_nan_enabled():
    """Whether NaN counts as an anomaly (True unless set_detect_anomaly said otherwise)."""
    return detector is None or detector.check_nan
