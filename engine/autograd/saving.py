"""Watching what is recorded, and saved_tensors_hooks: something else kept in place of what is saved for backward."""

import threading

from engine.autograd.graph import as_tensor, watchers

__all__ = ["saved_tensors_hooks"]


class Watcher:
    """Context manager: inside, `recorded(node, inputs, result)` is called for each operation of this thread."""

    def __enter__(self):
        self.thread = threading.get_ident()
        watchers.append(self)
        return self

    def __exit__(self, *exception):
        watchers.remove(self)


class saved_tensors_hooks(Watcher):
    """Context manager: inside, pack_hook(tensor) is kept in place of each tensor that an operation saves for backward,
    and unpack_hook of that gives the tensor back."""

    def __init__(self, pack_hook, unpack_hook):
        self.pack, self.unpack = pack_hook, unpack_hook

    def recorded(self, node, inputs, result):
        if type(node.saved) is tuple:  # or else hooks further inside have it
            node.saved = _Packed(node.saved, self)


class _Packed:
    """A node's saved values, with what the hook made of the arrays among them."""

    __slots__ = ("values", "is_packed", "unpack")

    def __init__(self, values, hooks):
        self.unpack = hooks.unpack
        self.is_packed = [hasattr(value, "strides") for value in values]
        pairs = zip(values, self.is_packed)
        self.values = [hooks.pack(as_tensor(value)) if is_array else value for value, is_array in pairs]

    def unpacked(self):
        pairs = zip(self.values, self.is_packed)
        return tuple([self.unpack(value).array if is_packed else value for value, is_packed in pairs])
