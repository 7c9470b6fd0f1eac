"""Modules behave as torch's: the same programs, line by line, print and raise the same.

And what no program can compare: first values' distributions are in test_init.py, the layers' values in
test_module_inputs.py.
"""

import ast
import copy
import gc
import inspect
import textwrap
import warnings
import weakref

import numpy as np
import pytest

import engine

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

# What every program begins with. `fill` gives a module's parameters the same numbers under both libraries.
PRELUDE = """
def fill(module):
    numbers = np.random.default_rng(0)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(numbers.standard_normal(tuple(p.shape)), dtype=p.dtype))
    return module
def full(*shape):
    return torch.tensor(np.random.default_rng(1).standard_normal(shape), requires_grad=True)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.register_buffer("b", torch.zeros(2))
        self.register_buffer("nothing", None)
        self.register_buffer("kept_back", torch.ones(1), persistent=False)
    def forward(self, x, y=None):
        return self.a(x) if y is None else (self.a(x), y)
class Early(nn.Module):
    def __init__(self, value):
        self.a = value
m = fill(Model())
"""

PROGRAMS = {
    "registering": """
    Early(nn.Parameter(torch.zeros(1)))
    Early(nn.ReLU())
    Early(nn.Buffer(torch.zeros(1)))
    m.b = 3
    m.a = 3
    m.a.weight = torch.zeros(3, 2)
    m.a.weight = 3
    m.a.weight = None
    m.a.register_parameter("x.y", None)
    m.a.register_parameter("", None)
    m.a.register_parameter(3, None)
    m.a.register_parameter("forward", None)
    m.a.register_parameter("q", torch.zeros(1))
    m.a.register_parameter("q", nn.Parameter(torch.zeros(1)) * 2)
    m.a.register_buffer("x.y", None)
    m.a.register_buffer("", None)
    m.a.register_buffer(3, None)
    m.a.register_buffer("bias", None)
    m.a.register_buffer("q", 3)
    m.add_module("x.y", None)
    m.add_module("", None)
    m.add_module(3, None)
    m.add_module("forward", None)
    m.add_module("q", 3)
    m.add_module("none", None)
    m
    m.b = None
    m.b = torch.ones(3)
    m.plain = torch.ones(2)
    sorted(m.state_dict())
    m.b = nn.Buffer(torch.ones(1), persistent=False)
    m.plain = nn.Parameter(torch.ones(2))
    sorted(m.state_dict())
    "plain" in m.__dict__
    m.plain = nn.ReLU()
    [name for name, _ in m.named_parameters()]
    m.a = None
    list(m.children())
    m.zz
    del m.zz
    del m.b
    m.b
    del m.a
    sorted(set(dir(m)) & {"a", "b", "plain", "kept_back", "training", "forward", "_parameters"})
    nn.Parameter(torch.zeros(1, dtype=torch.int64))
    nn.Parameter()
    nn.Parameter(torch.zeros(2) * 2, False)
    nn.Parameter(full(2) * 2)
    nn.Parameter([1])
    nn.Buffer(torch.zeros(2))
    isinstance(torch.zeros(1), nn.Parameter)
    isinstance(nn.Parameter(torch.zeros(1)), torch.Tensor)
    nn.Module(3)
    nn.Module()(3)
    """,
    "finding": """
    m.block = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), m.a), m.a)
    [name for name, _ in m.named_modules()]
    [name for name, _ in m.named_modules(prefix="p", remove_duplicate=False)]
    [name for name, _ in m.named_parameters()]
    [name for name, _ in m.named_parameters("p", remove_duplicate=False)]
    [name for name, _ in m.named_parameters(recurse=False)]
    [name for name, _ in m.named_buffers("p")]
    m.again = m.a
    [name for name, _ in m.named_children()]
    del m.again
    len(list(m.modules())), len(list(m.children())), len(list(m.parameters())), len(list(m.buffers()))
    m.get_submodule("block.1.0")
    m.get_submodule("") is m
    m.get_submodule("a.x")
    m.get_submodule("zz")
    m.get_submodule("b")
    m.get_parameter("block.0.weight").shape
    m.get_parameter("a.x")
    m.get_parameter("b")
    m.get_parameter("z.b")
    m.get_buffer("b")
    m.get_buffer("a.weight")
    m.get_buffer("z")
    m.set_submodule("block.0", nn.Tanh())
    m.set_submodule("block.5", nn.Tanh(), strict=True)
    m.set_submodule("", nn.Tanh())
    m.set_submodule("q.z", nn.Tanh())
    m.set_submodule("a.weight", nn.Tanh())
    m
    """,
    "changing all": """
    names = []
    m.apply(lambda each: names.append(type(each).__name__)) is m
    names
    m.eval().training, m.a.training
    m.train().a.training
    m.train(3)
    m.requires_grad_(False).a.weight.requires_grad
    m.requires_grad_().a.weight.requires_grad
    w = m.a.weight
    m.a(torch.ones(1, 2)).sum().backward()
    w.grad
    m.double().a.weight is w
    m.a.weight.dtype, m.a.weight.grad.dtype, m.b.dtype
    m.to(torch.float16).b.dtype
    m.register_buffer("count", torch.zeros(1, dtype=torch.int64))
    m.to(torch.zeros(1, dtype=torch.float64)).count.dtype, m.b.dtype
    m.to("cpu", torch.float32).b.dtype
    m.to(torch.int64)
    m.to(dtype=torch.float64, device="cpu").a.bias.dtype
    m.float().b.dtype, m.count.dtype
    m.half().b.dtype
    m.type(torch.float64).count.dtype
    m.cpu() is m
    m.zero_grad(set_to_none=False)
    w.grad
    m.zero_grad()
    w.grad
    w.data = torch.zeros(3)
    w
    w.data = 3
    """,
    "state": """
    m.state_dict()
    m.state_dict()._metadata
    m.state_dict(prefix="p.", keep_vars=True)["p.a.bias"] is m.a.bias
    m.state_dict()["a.bias"].requires_grad, m.state_dict()["a.bias"].is_leaf
    s = m.state_dict()
    s["b"].fill_(7)
    m.b
    n = Model()
    n.load_state_dict(s)
    n.a.weight is m.a.weight, bool((n.a.weight == m.a.weight).all())
    s["a.weight"] = torch.zeros(2, 2)
    s["zz"] = 1
    s["a.qq"] = 2
    s["a.weight.deep"] = 2
    del s["a.bias"]
    n.load_state_dict(s)
    n.load_state_dict(s, strict=False)
    s["b"] = 3
    n.load_state_dict(s, strict=False)
    del s["a.weight"], s["b"]
    n.load_state_dict(s, strict=False)
    n.load_state_dict([1])
    n.load_state_dict(dict(m.state_dict()))
    n.load_state_dict(m.double().state_dict())
    n.a.weight.dtype
    n.load_state_dict(m.state_dict(), assign=True)
    n.a.weight.dtype, n.a.weight.requires_grad, type(n.a.weight).__name__
    n.requires_grad_(False).load_state_dict(m.state_dict(), assign=True)
    n.a.weight.requires_grad
    nn.Linear(2, 2).load_state_dict(nn.Linear(3, 3).state_dict())
    nn.BatchNorm1d(2).load_state_dict({"weight": torch.ones(2)}, strict=False)
    old = nn.BatchNorm1d(2).state_dict()
    del old["num_batches_tracked"]
    nn.BatchNorm1d(2).load_state_dict(old)
    nn.BatchNorm1d(2).load_state_dict(dict(old))
    old["num_batches_tracked"] = torch.tensor([3])
    nn.BatchNorm1d(2).load_state_dict(old)
    class Extra(nn.Linear):
        def get_extra_state(self): return {"n": 3}
        def set_extra_state(self, state): self.extra = state
    e = Extra(1, 1)
    list(e.state_dict())
    e.load_state_dict(e.state_dict())
    e.extra
    e.load_state_dict(nn.Linear(1, 1).state_dict())
    nn.Linear(1, 1).load_state_dict(e.state_dict())
    nn.Sequential(e).load_state_dict(nn.Sequential(e).state_dict())
    """,
    "hooks of the state": """
    log = []
    h1 = m.a.register_state_dict_pre_hook(lambda module, prefix, keep: log.append(("pre", prefix, keep)))
    h2 = m.a.register_state_dict_post_hook(lambda module, state, prefix, meta: log.append(("post", list(state), meta)))
    h3 = m.a.register_load_state_dict_pre_hook(lambda module, state, *rest: log.append((list(state), rest)))
    h4 = m.register_load_state_dict_post_hook(lambda module, keys: log.append(keys))
    s = m.state_dict()
    m.load_state_dict(s)
    log
    log.clear()
    h6 = m._register_state_dict_hook(lambda module, state, prefix, meta: {"other": state["b"]})
    m.state_dict()
    h6.remove()
    h5 = m.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    m.load_state_dict({})
    for h in (h1, h2, h3, h4, h5): h.remove()
    m.load_state_dict(m.state_dict())
    log
    h = m.register_state_dict_post_hook(lambda *a: 3)
    m.state_dict()
    h.remove()
    h = m.register_load_state_dict_post_hook(lambda *a: 3)
    m.load_state_dict(m.state_dict())
    """,
    "hooks of calls": """
    log = []
    x = full(4, 2)
    m.double()(x).sum().item()
    a = m.register_forward_pre_hook(lambda module, args: log.append(("pre", len(args))))
    b = m.register_forward_pre_hook(lambda module, args: args[0] + 1, prepend=True)
    c = m.register_forward_pre_hook(lambda module, args, kwargs: log.append(("kw", sorted(kwargs))), with_kwargs=True)
    d = m.register_forward_hook(lambda module, args, out: out * 2)
    e = m.register_forward_hook(lambda module, args, kwargs, out: log.append(("out", sorted(kwargs))), with_kwargs=True)
    f = m.register_forward_hook(lambda module, args, out: log.append("first"), prepend=True)
    m(x).sum().item()
    d.remove()
    m(x, y=3)[0].sum().item()
    log
    b.remove()
    g = m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"y": 5}), with_kwargs=True)
    m(x)[1]
    with m.register_forward_hook(lambda module, args, out: 7): print(m(x))
    m(x)[1]
    g.remove()
    g = m.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    m(x)
    m.forward(x).shape
    """,
    "hooks of the backward pass": """
    log = []
    x = full(4, 2)
    m = m.double()
    a = m.register_full_backward_hook(lambda module, gi, go: log.append(("full", gi, go)))
    b = m.register_full_backward_pre_hook(lambda module, go: log.append(("pre", go)))
    (m(x) ** 2).sum().backward()
    log
    x.grad
    log.clear()
    c = m.register_full_backward_hook(lambda module, gi, go: (gi[0] * 2,), prepend=True)
    d = m.register_full_backward_pre_hook(lambda module, go: (go[0] * 3,))
    (m(x) ** 2).sum().backward()
    log
    x.grad
    m.a.weight.grad
    log.clear()
    d.remove()
    m(x.detach()).sum().backward()
    log
    log.clear()
    m(x, full(2))[0].sum().backward()
    [(name, [None if g is None else tuple(g.shape) for g in gi]) for name, gi, *_ in log]
    [each.requires_grad for each in m(x, torch.ones(2))], [each.requires_grad for each in m(x.detach(), torch.ones(2))]
    c.remove()
    c = m.register_full_backward_hook(lambda module, gi, go: (gi[0], gi[0]))
    m(x).sum().backward()
    a.remove(), b.remove(), c.remove()
    log.clear()
    m(x).sum().backward()
    log
    with torch.no_grad(): m(x)
    """,
    "containers": """
    s = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    s
    s[2]
    s[-1]
    s[0:1]
    s[1:]
    s["0"]
    s + s
    s + 3
    s * 2
    s * 0
    s * 1.5
    2 * s
    s.pop(0)
    s.append(nn.ReLU())
    s.insert(0, nn.Tanh())
    s.insert(9, nn.Tanh())
    s.extend([nn.ReLU()])
    s.insert(0, 3)
    s.append(3)
    s.extend(3)
    del s[0]
    s
    s[0] = nn.GELU()
    s[9] = nn.GELU()
    s[0:2] = nn.GELU()
    del s[0:2]
    s
    s += nn.Sequential(nn.Tanh())
    s
    s *= 2
    s, len(s), [type(each).__name__ for each in s]
    nn.Sequential(3)
    nn.Sequential({"a": nn.ReLU()})
    nn.Sequential()(3), nn.Sequential()
    nn.Sequential(nn.ReLU())(1, 2)
    nn.Sequential(collections.OrderedDict(first=nn.ReLU(), second=nn.Linear(2, 2)))
    nn.Sequential(collections.OrderedDict(first=nn.ReLU(), second=nn.Linear(2, 2))).second[1:]
    nn.Sequential(collections.OrderedDict(first=nn.ReLU(), second=nn.Linear(2, 2)))[1:]
    l = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    l
    l.append(nn.ReLU())
    l[1:], l[-1]
    l[4]
    l + [nn.Tanh()]
    l.extend(3)
    l.insert(1, nn.Tanh())
    l
    l.pop(1), len(l)
    l(3)
    nn.ModuleList([3])
    nn.ModuleList(3)
    nn.ModuleList()
    del l[0:2]
    l[-1] = nn.GELU()
    l
    l += [nn.Tanh()]
    [type(each).__name__ for each in l], nn.Linear in l, l[0] in l
    nn.ModuleList([nn.Sequential(nn.ReLU(), nn.Linear(1, i)) for i in (1, 1, 2, 1)])
    d = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    d
    d["z"]
    d.update([("q", nn.ReLU())])
    list(d), list(d.keys()), d.values(), d.items(), len(d), "b" in d
    d.pop("a"), d.pop("zz")
    d["c"] = nn.ModuleDict(d)
    d
    del d["c"]
    d.update(3)
    d.update([3])
    d.update([(1, 2, 3)])
    d.update([("x", 3)])
    d.clear()
    d
    nn.ModuleDict({3: nn.ReLU()})
    nn.ModuleDict([["x", nn.ReLU()]])
    """,
    "containers of parameters": """
    p = nn.ParameterList([torch.zeros(2), nn.Parameter(torch.ones(1, 3)), 3])
    p
    p[0], p[-1]
    p[5]
    p[0:2]
    p.append(torch.zeros(1)), p.extend([torch.zeros(1)])
    p.extend(torch.zeros(1))
    p.extend(3)
    len(p), list(p.state_dict())
    p(3)
    nn.ParameterList(torch.zeros(2))
    nn.ParameterList()
    nn.ParameterList([torch.zeros(1, dtype=torch.int64)])
    p[0] = torch.ones(3)
    p[9] = torch.ones(3)
    p += [torch.zeros(())]
    p
    p + [torch.zeros(1)]
    [name for name, _ in p.named_parameters()]
    p.pop()
    d = nn.ParameterDict({"a": torch.zeros(2), "b": 3})
    d
    d["z"]
    d.setdefault("c", torch.ones(1))
    d.setdefault("e"), d.popitem()
    d.get("a"), d.get("zz", 4), d.get("zz")
    d.fromkeys(["x", "y"], 3)
    d.copy()
    d | {"k": torch.zeros(1)}
    {"k": torch.zeros(1)} | d
    list(d), list(reversed(d)), list(d.keys()), "a" in d, len(d), [k for k, _ in d.items()], len(list(d.values()))
    d.pop("a")
    d.pop("a")
    d.update({"b": torch.zeros(3)})
    d |= {"q": torch.zeros(2, 2)}
    d
    del d["q"]
    list(d.state_dict())
    d.update(3)
    d(3)
    nn.ParameterDict({3: torch.zeros(1)})
    d.clear()
    d
    """,
    "layers at work": """
    up = fill(nn.ConvTranspose2d(2, 1, 3, 2, bias=False).double())
    up(full(1, 2, 4, 3), [10, 8])
    up(full(1, 2, 4, 3), [1, 1, 9, 8]).shape
    up(full(2, 4, 3), output_size=[10, 7]).shape
    up(full(1, 2, 4, 3), [9, 11])
    up(full(1, 2, 4, 3), [11, 8])
    up(full(1, 2, 4, 3), [10])
    fill(nn.Conv2d(2, 1, (2, 4), padding="same", padding_mode="circular").double())(full(1, 2, 3, 4))
    fill(nn.Conv2d(2, 1, (2, 4), padding=(0, 1), padding_mode="circular").double())(full(1, 2, 3, 4))
    fill(nn.Conv2d(2, 1, (2, 4), padding="valid", padding_mode="reflect").double())(full(1, 2, 3, 4)).shape
    n = nn.BatchNorm1d(2, momentum=None).double()
    n(full(3, 2)), n(full(4, 2)), n(full(5, 2)).shape
    n.state_dict()
    n.reset_running_stats()
    n.state_dict()
    nn.BatchNorm1d(3)(torch.zeros(3))
    nn.BatchNorm2d(3)(torch.zeros(3, 3))
    nn.BatchNorm1d(3)(torch.zeros(1, 3))
    nn.BatchNorm1d(3)(torch.zeros(2, 4))
    nn.InstanceNorm2d(3)(torch.zeros(2, 3))
    nn.InstanceNorm2d(3)(torch.zeros(2, 4, 3, 3)).shape
    nn.InstanceNorm2d(3, affine=True)(torch.zeros(2, 4, 3, 3))
    nn.Softmax2d()(torch.zeros(2, 3))
    nn.Linear(2, 3)(torch.zeros(2, 4))
    nn.Linear(2, 3)(torch.zeros(4, 2), 1)
    e = fill(nn.Embedding(4, 3, padding_idx=1, max_norm=0.5).double())
    e(torch.tensor([[0, 1], [1, 2]]))
    e(torch.tensor([0, 0, 1, 2])).sum().backward()
    e.weight, e.weight.grad
    e(torch.tensor([4]))
    x = torch.ones(3)
    nn.ReLU(inplace=True)(x - 2), nn.Dropout(0.5).eval()(x) is x, nn.Identity()(x) is x
    y = x - 2
    nn.ReLU(inplace=True)(y) is y, y
    d = nn.Dropout(0.5)
    d.p = 0.0
    d(x)
    """,
    "copies": """
    d = copy.deepcopy(m)
    d.a.weight is m.a.weight, bool((d.a.weight == m.a.weight).all()), d.a.weight.requires_grad
    d.b.fill_(3), m.b
    m.shared = m.a
    d = copy.deepcopy(m)
    d.shared is d.a, d.a is m.a
    m.a(torch.ones(1, 2)).sum().backward()
    copy.deepcopy(m).a.weight.grad
    copy.deepcopy(m.a.weight)
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    copy.deepcopy(x), copy.deepcopy(x).grad
    copy.deepcopy(x * 2)
    y = torch.ones(2)
    pair = copy.deepcopy([y, y])
    pair[0] is pair[1], pair[0] is y
    """,
    "utilities": """
    params = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))]
    params[0].grad, params[1].grad = torch.full((2, 2), 2.0), torch.tensor([3.0, -4, 5])
    nn.utils.clip_grad_norm_(params, 10)
    nn.utils.clip_grad_norm_(params, 100), params[1].grad
    nn.utils.clip_grad_norm_(params, 1.0, 1)
    nn.utils.clip_grad_norm_(params, 0.5, float("inf"))
    nn.utils.clip_grad_norm_(params, 0.25, norm_type=3)
    nn.utils.clip_grad_norm_(iter(params), 0.1, 0.5), params[0].grad, params[1].grad
    nn.utils.clip_grad_norm_(params[1], 0.01), params[1].grad
    params[0].grad[0] = float("nan")
    nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    nn.utils.clip_grad_norm_(params, 1.0)
    params[1].grad
    nn.utils.clip_grad_norm_([], 1.0)
    nn.utils.clip_grad_norm_(params, "a")
    params[1].grad = torch.tensor([3.0, -4, 0.5])
    nn.utils.clip_grad_value_(params[1], 1)
    params[1].grad
    v = nn.utils.parameters_to_vector(params)
    v
    nn.utils.vector_to_parameters(torch.arange(7.0), params)
    params, params[0].is_leaf
    nn.utils.vector_to_parameters([1], params)
    nn.utils.vector_to_parameters(torch.arange(3.0), params)
    nn.utils.parameters_to_vector([])
    """,
    "parametrizations": """
    P = nn.utils.parametrize
    x = full(4, 3)
    w = nn.utils.parametrizations.weight_norm(fill(nn.Linear(3, 2).double()))
    w
    list(w.state_dict()), type(w).__name__, isinstance(w, nn.Linear)
    w.state_dict()
    w(x)
    w(x).pow(2).sum().backward()
    {name: p.grad for name, p in w.named_parameters()}
    w.weight = torch.ones(2, 3, dtype=torch.float64)
    w.weight.detach(), w.state_dict()
    bool((copy.deepcopy(w).weight == w.weight).all())
    P.remove_parametrizations(w, "weight", leave_parametrized=False)
    P.remove_parametrizations(w, "weight")
    w.state_dict(), P.is_parametrized(w)
    {k: v.shape for k, v in nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2), dim=1).state_dict().items()}
    {k: v.shape for k, v in nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2), dim=None).state_dict().items()}
    {k: v.shape for k, v in nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2), dim=-1).state_dict().items()}
    s = nn.utils.parametrizations.spectral_norm(fill(nn.Linear(3, 2).double()), n_power_iterations=5)
    s
    {k: v.shape for k, v in s.state_dict().items()}
    with torch.no_grad(): s.parametrizations.weight[0]._u.copy_(torch.tensor([0.6, 0.8]))
    with torch.no_grad(): s.parametrizations.weight[0]._v.copy_(torch.tensor([0, 0.6, 0.8]))
    s.eval().weight.detach()
    s.eval().weight.detach()
    s.train().weight.detach()
    s.weight.detach()
    s.state_dict()
    (s.train().weight * full(2, 3)).sum().backward()
    s.parametrizations.weight.original.grad
    nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), "zz")
    nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), n_power_iterations=0)
    nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3), dim=5)
    nn.utils.parametrizations.weight_norm(nn.Linear(2, 3), "q")
    {k: v.shape for k, v in nn.utils.parametrizations.spectral_norm(nn.ConvTranspose2d(2, 3, 2)).state_dict().items()}
    nn.utils.parametrizations.spectral_norm(fill(nn.Linear(3, 2)), "bias").bias.detach()
    class Symmetric(nn.Module):
        def forward(self, X): return X.triu() + X.triu(1).transpose(-1, -2)
    class Twice(nn.Module):
        def forward(self, X): return 2 * X
        def right_inverse(self, X): return X / 2
    class First(nn.Module):
        def forward(self, X): return X[0]
    m = fill(nn.Linear(2, 2))
    P.register_parametrization(m, "weight", Symmetric()).weight.detach()
    P.register_parametrization(m, "weight", Twice())
    m.weight.detach(), m.state_dict()
    with P.cached(): print(m.weight is m.weight)
    m.weight is m.weight
    P.register_parametrization(m, "bias", Twice()).bias.detach()
    m
    P.remove_parametrizations(m, "weight", leave_parametrized=False)
    m.weight, P.is_parametrized(m, "weight"), P.is_parametrized(m), P.is_parametrized(m, "bias")
    P.remove_parametrizations(m, "weight")
    P.register_parametrization(m, "zz", Symmetric())
    P.register_parametrization(m, "weight", First())
    P.register_parametrization(m, "weight", First(), unsafe=True).weight.shape
    P.remove_parametrizations(m, "bias").bias
    l = nn.Linear(2, 2)
    before = l.weight
    P.register_parametrization(l, "weight", Symmetric()).parametrizations.weight.original is before
    P.remove_parametrizations(l, "weight").weight is before
    """,
}

# Every layer's text, state and complaints; `nn.` is added to each.
CONSTRUCTED = """
Identity(3, x=4) | Linear(2, 3) | Linear(2, 3, bias=False) | Bilinear(2, 3, 4) | Bilinear(2, 3, 4, bias=False)
Embedding(5, 2) | Embedding(5, 2, padding_idx=-1) | Embedding(5, 2, 1, 1.0, 1.0) | Embedding(5, 2, padding_idx=7)
Embedding.from_pretrained(torch.ones(3, 2)) | Embedding.from_pretrained(torch.ones(3, 2), False, 1).weight.requires_grad
Embedding.from_pretrained(torch.ones(3, 2)).weight.requires_grad | Embedding(5, 2, _freeze=True).weight.requires_grad
Embedding.from_pretrained(torch.ones(3)) | Embedding(5, 2, _weight=torch.ones(2, 2))
Embedding(5, 2, padding_idx=2).weight[2] | Flatten() | Flatten(0, 1) | Unflatten(1, (2, 3)) | Unflatten(1, [2, 3])
Unflatten(1, 3) | Unflatten(1, (2, "a")) | Threshold(0.1, 20) | Threshold(0.1, 20, inplace=True) | ReLU()
ReLU(inplace=True) | Hardtanh() | Hardtanh(-2, 2, True) | Hardtanh(2, 1) | Hardtanh(min_value=-3) | ReLU6()
ReLU6(True) | Sigmoid() | Hardsigmoid() | Hardsigmoid(True) | Tanh() | SiLU() | SiLU(True) | Mish() | Mish(True)
Hardswish() | Hardswish(True) | ELU() | ELU(2, True) | CELU() | CELU(2.0, True) | SELU() | SELU(True) | GLU() | GLU(1)
GELU() | GELU("tanh") | LeakyReLU() | LeakyReLU(0.3, True) | LogSigmoid() | Softplus() | Softplus(2, 10) | PReLU()
PReLU(3, 0.1) | PReLU(3, 0.1).weight | Softsign() | Softmin() | Softmin(1) | Softmax() | Softmax(1) | LogSoftmax(1)
Softmax2d() | Tanhshrink() | Conv1d(2, 3, 3) | Conv1d(4, 6, 3, 2, 1, 2, 2, False, "circular") | Conv2d(3, 8, 3)
Conv2d(3, 8, (3, 5), (2, 1), padding="same") | Conv2d(3, 8, (3, 5), padding="same", dilation=2, padding_mode="reflect")
Conv2d(3, 8, 3, padding="valid") | Conv2d(3, 8, 3, padding=1, padding_mode="replicate") | Conv2d(4, 6, 3, groups=0)
Conv2d(5, 6, 3, groups=2) | Conv2d(4, 5, 3, groups=2) | Conv2d(2, 2, 3, padding="x") | Conv2d(2, 2, 3, padding_mode="x")
Conv2d(1, 1, (2, 2, 2)) | Conv2d(0, 2, 3) | ConvTranspose1d(2, 3, 3) | ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, False, 1)
ConvTranspose2d(4, 6, (3, 2), output_padding=(0, 1), stride=2) | ConvTranspose2d(2, 2, 3, padding_mode="reflect")
ConvTranspose2d(3, 4, 3, groups=2) | MaxPool1d(2) | MaxPool1d(3, 2, 1, 2, True, True) | MaxPool2d(2)
MaxPool2d((2, 3), stride=(2, 1), padding=(0, 1), ceil_mode=True) | AvgPool1d(2) | AvgPool1d(3, 2, 1, True, False)
AvgPool2d(2) | AvgPool2d((2, 3), (2, 1), (0, 1), True, False, 3) | AdaptiveAvgPool1d(3) | AdaptiveAvgPool2d((None, 3))
AdaptiveMaxPool1d(3) | AdaptiveMaxPool2d((2, 3), True) | PairwiseDistance() | BatchNorm1d(3)
BatchNorm1d(3, affine=False, track_running_stats=False) | BatchNorm2d(3, eps=0.1, momentum=None)
BatchNorm2d(3, bias=False) | LayerNorm(3) | LayerNorm((2, 3), elementwise_affine=False) | LayerNorm((2, 3), bias=False)
GroupNorm(2, 4) | GroupNorm(2, 4, affine=False) | GroupNorm(3, 4) | GroupNorm(0, 4) | GroupNorm(2, 4, bias=False)
InstanceNorm1d(3) | InstanceNorm1d(3, affine=True, track_running_stats=True) | InstanceNorm2d(3) | RMSNorm(3)
RMSNorm((2, 3), eps=1e-3, elementwise_affine=False) | BatchNorm2d(-1) | Dropout() | Dropout(0.3, True) | Dropout1d()
Dropout2d(0.1) | Dropout(1.5) | Dropout("x") | Dropout(None) | L1Loss() | MSELoss(reduction="sum")
SmoothL1Loss(beta=2.0) | HuberLoss(delta=2.0) | CrossEntropyLoss()
CrossEntropyLoss(torch.ones(3), ignore_index=2, label_smoothing=0.1) | NLLLoss() | BCELoss() | BCEWithLogitsLoss()
BCEWithLogitsLoss(torch.ones(3), pos_weight=torch.ones(3)) | KLDivLoss(log_target=True) | CosineSimilarity()
MSELoss(size_average=False).reduction | MSELoss(reduce=False).reduction | L1Loss(True, True, "sum").reduction
Upsample(3) | Upsample(scale_factor=2, mode="bilinear", align_corners=True) | Upsample((3, 4)) | PixelShuffle(2)
Upsample(scale_factor=(2, 3), recompute_scale_factor=True) | PixelUnshuffle(2) | ZeroPad1d(1) | ZeroPad2d(1)
ZeroPad2d((1, 2, 3, 4)) | ReflectionPad1d(1) | ReflectionPad2d(1) | ReplicationPad1d(1) | ReplicationPad2d((1, 2, 0, 0))
ConstantPad1d(1, 2) | ConstantPad2d((1, 2, 3, 4), 3.5) | CircularPad1d(2) | CircularPad2d(1) | Unfold(3)
Unfold((2, 3), dilation=2, padding=1, stride=2) | Fold((4, 5), 2) | Bilinear(0, 2, 3) | Linear("a", 2) | Linear(2.5, 2)
Linear(-1, 2) | Linear(2, 0) | Linear(0, 2) | Linear(2, 3, dtype=torch.float64).weight.dtype
Linear(2, 3, dtype=torch.int64) | Linear(2, 3, device="cpu", dtype=torch.float16).bias.dtype
Linear(2, 3, True, "cpu").bias.shape | Linear(1) | Linear(1, 2, 3, 4, 5, 6)
"""

# Messages that ours words otherwise; the kind of error is compared all the same.
OTHER_WORDS = (
    "has no attribute 'detach'", "can require gradients", "module should be of type", "<class 'torch",
    "torch.nn.modules", "iterable of key", "update sequence element", "cannot be used as a key", "deepcopy protocol",
    "unparametrized shape", "torch.cat(): ", "failed to unpack", "'<' not supported", "padding_mode must be",
    "Invalid padding string", "out of range for tensor",
)  # fmt: skip


def outcomes(program, library):
    """(line, what came of it) for each statement: the text of its value, or the kind and text of what it raised."""
    import collections

    printed = []
    names = {"torch": library, "nn": library.nn, "np": np, "copy": copy, "collections": collections}
    names["print"] = printed.append
    exec(PRELUDE, names)
    found = []
    for statement in ast.parse(textwrap.dedent(program)).body:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if isinstance(statement, ast.Expr):
                    value = written(eval(compile(ast.Expression(statement.value), "", "eval"), names), library)
                else:
                    exec(compile(ast.Module([statement], []), "", "exec"), names)
                    value = str(printed)
        except Exception as error:
            value = error
        found.append((ast.unparse(statement), value))
    return found


def written(value, library):
    """A text that is the same for the same value in both libraries: without grad_fns' names, numbers to six digits."""
    if isinstance(value, library.Tensor):
        kind = type(value).__name__.replace("Buffer", "Tensor")
        numbers = " ".join(f"{number:.6g}" for number in value.detach().numpy().reshape(-1).tolist())
        return f"{kind} {tuple(value.shape)} {value.dtype} {value.requires_grad} [{numbers}]"
    if isinstance(value, dict):
        meta = getattr(value, "_metadata", None)
        return f"{type(value).__name__} { {key: written(each, library) for key, each in value.items()} } {meta}"
    if isinstance(value, (list, tuple)) and not isinstance(value, library.Size) and not hasattr(value, "_fields"):
        return f"{type(value).__name__}({', '.join(written(each, library) for each in value)})"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def differences(program):
    """The statements that come out otherwise under the two libraries."""
    found = []
    for (line, ours), (_, theirs) in zip(outcomes(program, engine), outcomes(program, torch), strict=True):
        if isinstance(ours, Exception) and isinstance(theirs, Exception):
            related = isinstance(ours, type(theirs)) or isinstance(theirs, type(ours))
            reworded = any(words in str(theirs) for words in OTHER_WORDS)
            same = related and (reworded or str(ours) == str(theirs))
        else:
            same = ours == theirs
        if not same:
            found.append(f"{line}\n  engine: {type(ours).__name__} {ours}\n  torch:  {type(theirs).__name__} {theirs}")
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_come_out_as_torch_s(name):
    """Values, texts, kinds of error and, but for OTHER_WORDS, their messages."""
    found = differences(PROGRAMS[name])
    assert not found, f"{len(found)} lines differ:\n" + "\n".join(found)


def constructions():
    return [each.strip() for line in CONSTRUCTED.strip().splitlines() for each in line.split(" | ")]


def test_layers_print_and_keep_what_torch_s_do():
    """The text, the state dict's keys, shapes and types, and what is refused."""
    calls = constructions()
    shapes = "isinstance(m, nn.Module) and {k: (v.shape, v.dtype) for k, v in m.state_dict().items()}"
    lines = []
    for call in calls:
        lines += [f"m = nn.{call}", f"nn.{call}", shapes]
    found = differences("\n".join(lines))
    assert not found, f"{len(found)} lines differ:\n" + "\n".join(found)


def layers():
    """name -> class, of every module class that the engine has."""
    return {
        name: value
        for name, value in vars(engine.nn).items()
        if isinstance(value, type) and issubclass(value, engine.nn.Module) and not name.startswith("_")
    }


def parameters(function):
    found = inspect.signature(function).parameters.values()
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [(kinds.get(each.kind, each.name), getattr(each.default, "__name__", each.default)) for each in found]


# Constructors whose parameters torch does not show, with the reason.
HIDDEN_SIGNATURES = dict.fromkeys(("GRU", "LSTM", "RNN"), "torch's takes *args and **kwargs and hands them on")


def test_constructors_take_torch_s_arguments():
    """Names, order and defaults; a class of ours exists in torch."""
    different = {}
    for name, layer in layers().items():
        theirs = [pair for pair in parameters(getattr(torch.nn, name)) if pair[0] not in ("*", "**")]
        ours = [pair for pair in parameters(layer) if pair[0] not in ("*", "**")]
        if ours != theirs:
            different[name] = (ours, theirs)
    assert {name: pair for name, pair in different.items() if name not in HIDDEN_SIGNATURES} == {}
    assert set(HIDDEN_SIGNATURES) <= set(different), "these are shown now"


def test_no_layer_takes_options_that_it_does_not_know():
    """But Identity, which is made with any."""
    signatures = {name: inspect.signature(layer).parameters.values() for name, layer in layers().items()}
    takes_any = {name for name, each in signatures.items() if any(one.kind is one.VAR_KEYWORD for one in each)}
    assert takes_any == {"Identity"}


def test_methods_take_torch_s_arguments():
    """Every public method of every class is torch's, with its arguments' names in their order."""
    different = {}
    for name, layer in layers().items():
        for method, function in inspect.getmembers(layer, inspect.isfunction):
            if method.startswith("_"):
                continue
            theirs = getattr(getattr(torch.nn, name), method, None)
            if theirs is None:
                different[f"{name}.{method}"] = "torch has no such method"
                continue
            ours, theirs = ([each for each, _ in parameters(f) if each not in ("*", "**")] for f in (function, theirs))
            if method == "forward" or method in ("to", "state_dict"):  # *args in torch
                continue
            if ours != theirs:
                different[f"{name}.{method}"] = (ours, theirs)
    assert different == {}


@pytest.mark.parametrize("module", ["nn.init", "nn.utils", "nn.utils.parametrize", "nn.utils.parametrizations"])
def test_functions_take_torch_s_arguments(module):
    """Names, order and defaults of every public function."""
    ours, theirs = engine, torch
    for part in module.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    names = [name for name in ours.__all__ if inspect.isfunction(getattr(ours, name))]
    assert names
    for name in names:
        assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name)), name


def test_a_module_is_no_cycle():
    """A model that nobody holds any more is gone at once, with its parameters, before any search for cycles."""
    model = engine.nn.Sequential(engine.nn.Linear(2, 3), engine.nn.ReLU())
    model.register_full_backward_hook(lambda *arguments: None)
    model(engine.ones(1, 2)).sum().backward()
    gone = [weakref.ref(model), weakref.ref(model[0].weight)]
    gc.disable()
    try:
        del model
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()
