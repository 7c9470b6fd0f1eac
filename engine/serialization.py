"""save and load: nested dicts, lists and tensors in a file that holds data only, so that loading runs nothing.

The file is a zip, not compressed: `contents.json` says what stands where, `tensors/0.npy` and so on hold the numbers,
in numpy's own format. There is no pickle: what JSON and arrays cannot say is refused by name. A path that ends in
`.safetensors` is written in that format instead (safetensors.py), which PyTorch's users read.
"""

import base64
import collections
import io
import json
import math
import os
import pathlib

import numpy as np

from engine import dtypes, safetensors
from engine.backend import to_numpy
from engine.devices import device
from engine.files import write_atomically
from engine.nn.parameter import Buffer, Parameter
from engine.size import Size
from engine.tensor import Tensor

__all__ = ["load", "save"]

VERSION = 1
CONTENTS = "contents.json"
KINDS = "biufc"  # of the numbers in an array: bool, integers, floats, complex
CLASSES = {"Tensor": Tensor, "Parameter": Parameter, "Buffer": Buffer}


# ---- saving -------------------------------------------------------------------------------------------


def save(obj, f):
    """Write `obj` to `f`, a path or a file open for writing bytes.

    obj: tensors, numbers, strings, bytes, None, dtypes, devices and sizes, in dicts, lists and tuples nested at will; a
    state_dict, for one. Tensors come back with their type, requires_grad and, unless load says otherwise, device;
    those with the same memory come back so. A path is written as a whole or not at all, and a path that ends in
    .safetensors must be given a flat dict of tensors. TypeError names what cannot be saved, and where in obj it is.
    """
    import zipfile  # not at the top: it takes longer to load than most of the engine

    _check_file("save", f, "write")
    if _is_path(f) and str(f).endswith(".safetensors"):
        write_atomically(f, safetensors.encoded(obj))
        return
    writer = _Writer()
    try:
        contents = writer.encoded(obj, "obj")
    except RecursionError:
        raise ValueError("save(): obj is nested too deeply, or contains itself") from None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(CONTENTS, json.dumps({"version": VERSION, "contents": contents}))
        for number, array in enumerate(writer.arrays):
            with archive.open(f"tensors/{number}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    if _is_path(f):
        write_atomically(f, buffer.getbuffer())
    else:
        f.write(buffer.getbuffer())


def _is_path(f):
    return isinstance(f, (str, os.PathLike))


def _check_file(function, f, method):
    if not _is_path(f) and not callable(getattr(f, method, None)):
        raise TypeError(
            f"{function}(): argument 'f' must be a path or a file with a method {method}(), not {type(f).__name__}")


class _Writer:
    """Says values in JSON: strings, whole and finite numbers, True, False and None as they are, others as pairs."""

    def __init__(self):
        self.arrays = []
        self.places = {}  # where in memory, and how, an array lies -> its number
        self.held = []  # so that no memory is given away and its address used again meanwhile

    def encoded(self, value, path):
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else ["float", str(value)]
        if isinstance(value, Tensor):
            return ["tensor", self.tensor(value, path)]
        for kind, (its_type, encode, _) in PLAIN.items():
            if type(value) is its_type:
                return [kind, encode(value)]
        if type(value) in (dict, collections.OrderedDict):
            pairs = [[self.key(key, path), self.encoded(each, f"{path}[{key!r}]")] for key, each in value.items()]
            return ["dict" if type(value) is dict else "OrderedDict", pairs]
        if type(value) in (list, tuple):
            return [type(value).__name__, [self.encoded(each, f"{path}[{place}]") for place, each in enumerate(value)]]
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            return self.encoded(value.item(), path)
        raise TypeError(
            f"save(): {path} is of type {type(value).__name__}, which cannot be saved. Tensors, numbers, strings, "
            "bytes, None, dtypes, devices, and dicts, lists and tuples of these can; of a module or an optimizer save "
            "its state_dict().")

    def key(self, key, path):
        if isinstance(key, tuple):
            return ["tuple", [self.key(each, path) for each in key]]
        if key is None or type(key) in (bool, int, float, str):
            return self.encoded(key, path)
        kind = type(key).__name__
        raise TypeError(f"save(): {path} has a key of type {kind}; keys must be strings, numbers, None or tuples")

    def tensor(self, tensor, path):
        if tensor.grad_fn is not None:
            raise RuntimeError(f"save(): {path} has a history, which cannot be saved; save {path}.detach()")
        array = tensor.settle().array
        interface = getattr(array, "__array_interface__", None) or array.__cuda_array_interface__
        place = (interface["data"][0], array.shape, array.strides, array.dtype, array.size > 0 or id(tensor))
        if place not in self.places:
            self.places[place] = len(self.arrays)
            self.held.append(array)
            array = to_numpy(array)
            self.arrays.append(array.view(np.uint16) if tensor.dtype.name == "bfloat16" else array)
        name = next((name for name, each in CLASSES.items() if type(tensor) is each), "Tensor")
        return {"array": self.places[place], "dtype": tensor.dtype.name, "device": str(tensor.device), "class": name,
                "requires_grad": tensor.requires_grad}


# kind -> (type, how it is said in JSON, how it is made again)
PLAIN = {
    "bytes": (
        bytes, lambda value: base64.b64encode(value).decode("ascii"),
        lambda text: base64.b64decode(text, validate=True)),
    "complex": (complex, lambda value: [repr(value.real), repr(value.imag)], lambda parts: complex(*map(float, parts))),
    "dtype": (dtypes.dtype, lambda value: value.name, safetensors.dtype_named),
    "device": (device, str, device),
    "Size": (Size, list, lambda sizes: Size(int(size) for size in sizes)),
    "float": (None, None, lambda text: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[text])}


# ---- loading ------------------------------------------------------------------------------------------


def load(f, map_location=None, *, weights_only=True, mmap=None):
    """What `save` wrote to `f`, a path or a file open for reading bytes; also from a file in safetensors' format.

    map_location: the device for all tensors ("cpu", for one), a dict {saved device: device}, or a function
    (tensor, saved device) -> tensor or None; None: where they were. weights_only makes no difference: nothing in such
    a file can be run. RuntimeError for a file that is cut off, damaged or not such a file; FileNotFoundError.
    """
    import zipfile

    if mmap:
        raise NotImplementedError("load(): mmap=True is not supported")
    if not isinstance(weights_only, bool):
        raise TypeError(f"load(): argument 'weights_only' must be bool, not {type(weights_only).__name__}")
    if not (isinstance(map_location, (str, dict, device, type(None))) or callable(map_location)):
        raise TypeError(
            "load(): argument 'map_location' must be a device, a str, a dict, a function or None, not "
            f"{type(map_location).__name__}")
    _check_file("load", f, "read")
    content = pathlib.Path(f).read_bytes() if _is_path(f) else f.read()
    name = str(f) if _is_path(f) else "the file"
    try:
        if content[:4] != b"PK\x03\x04":
            _refuse_pickle(content[:2] == b"\x80\x02")
            tensors = safetensors.decoded(content)
            return {key: _on_its_device(Tensor(array), "cpu", map_location) for key, array in tensors.items()}
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _Reader(archive, map_location).contents()
    except _NotLoadable as error:
        raise RuntimeError(f"load(): {name} {error}") from None
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
            NotImplementedError, RecursionError) as error:
        raise RuntimeError(f"load(): {name} is damaged or is no file that save() wrote: {error}") from error


class _NotLoadable(Exception):
    """Why a file cannot be loaded, as the rest of a sentence that begins with its name."""


def _refuse_pickle(is_pickle):
    if is_pickle:
        raise _NotLoadable(
            "was written by torch.save (it holds a pickle, which could run anything when it is loaded). In PyTorch, "
            "write it with safetensors.torch.save_file(state_dict, 'name.safetensors'), and load that here.")


class _Reader:
    """Checks what the archive claims before anything is made of it."""

    def __init__(self, archive, map_location):
        self.archive, self.map_location = archive, map_location
        names = archive.namelist()
        _refuse_pickle(any(name.endswith("data.pkl") for name in names))
        if len(set(names)) < len(names):
            raise _NotLoadable("has two entries of one name")
        if any(each.compress_type for each in archive.infolist()):
            raise _NotLoadable("has compressed entries, which save() never writes")
        self.arrays = {}

    def contents(self):
        said = json.loads(self.archive.read(CONTENTS))
        if said["version"] != VERSION:
            raise _NotLoadable(f"is of version {said['version']!r}; this engine reads version {VERSION}")
        return self.made(said["contents"])

    def made(self, said):
        if not isinstance(said, list):
            if isinstance(said, dict):
                raise ValueError("an object where none can be")
            return said
        kind, value = said
        if kind == "tensor":
            return self.tensor(value)
        if kind in ("list", "tuple"):
            return {"list": list, "tuple": tuple}[kind](self.made(each) for each in value)
        if kind in ("dict", "OrderedDict"):
            pairs = ((self.made(key), self.made(each)) for key, each in value)
            return dict(pairs) if kind == "dict" else collections.OrderedDict(pairs)
        return PLAIN[kind][2](value)

    def tensor(self, said):
        number, dtype, saved_on = said["array"], safetensors.dtype_named(said["dtype"]), said["device"]
        key = number, dtype
        if key not in self.arrays:
            array = self.array(number)
            expected = np.dtype(np.uint16) if dtype.name == "bfloat16" else dtype.numpy
            if array.dtype != expected:
                raise ValueError(f"tensor {number} is said to be {dtype}, but holds {array.dtype}")
            self.arrays[key] = _on_its_device(Tensor(array.view(dtype.numpy)), saved_on, self.map_location)
        plain = self.arrays[key]
        tensor = CLASSES[said["class"]](plain.detach()) if said["class"] != "Tensor" else plain.detach()
        return tensor.requires_grad_(True) if said["requires_grad"] is True else tensor.requires_grad_(False)

    def array(self, number):
        """The array, made only when its header agrees with the bytes that are there."""
        if type(number) is not int:
            raise ValueError(f"{number!r} is no tensor's number")
        content = self.archive.read(f"tensors/{number}.npy")  # a CRC is checked here
        file = io.BytesIO(content)
        major, _ = np.lib.format.read_magic(file)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[major]
        shape, is_fortran, dtype = read_header(file, max_header_size=10_000)
        if dtype.kind not in KINDS or any(size < 0 for size in shape):
            raise ValueError(f"tensor {number} is of type {dtype} and shape {shape}")
        if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
            raise ValueError(f"tensor {number} has not the {math.prod(shape)} elements that it claims")
        flat = np.frombuffer(content, dtype, offset=file.tell()).astype(dtype.newbyteorder("="))
        return flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)


def _on_its_device(tensor, saved_on, map_location):
    """The tensor moved to where map_location says, or where it was."""
    if callable(map_location):
        moved = map_location(tensor, saved_on)
        return tensor if moved is None else moved
    target = map_location.get(saved_on, saved_on) if isinstance(map_location, dict) else map_location or saved_on
    try:
        return tensor.to(device(target) if isinstance(target, str) else target)
    except (RuntimeError, AssertionError) as error:
        raise _NotLoadable(
            f"has tensors that were saved on {saved_on}, which is not here ({error}). Use load(f, map_location='cpu')."
        ) from error
