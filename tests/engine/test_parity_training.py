"""Lines about training, one at a time under torch and under the engine: settings, schedules, scales, loaders, corners of
layers. The same value, or the same kind of error."""

import re

import pytest

import engine

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

# Each sees the library as `torch`, a new Parameter P() and an optimizer OPT() of one, with momentum.
LINES = """
repr(torch.Size([2,3]).numel())
repr(torch.Size([2,3]) * 2)
repr((1,) + torch.Size([2]))
repr(torch.Size([1]) + (2,))
torch.Size([1.5])
repr(torch.finfo(torch.float32))
repr(torch.finfo(torch.float16).tiny)
repr(torch.iinfo(torch.int16))
torch.iinfo(torch.float32)
repr(torch.nn.Parameter(torch.ones(2))).split()
str(torch.nn.Linear(1,1).bfloat16().weight.dtype)
torch.nn.Module().get_extra_state()
torch.nn.Module().register_module('a', torch.nn.Linear(1,1))
torch.nn.utils.parameters_to_vector([torch.ones(2), torch.ones(1)]).tolist()
torch.optim.SGD([torch.ones(1,requires_grad=True)], lr=torch.tensor([1.,2.]))
torch.optim.lr_scheduler.ConstantLR(OPT(), factor=2)
torch.optim.lr_scheduler.LinearLR(OPT(), end_factor=2)
torch.optim.lr_scheduler.LinearLR(OPT(), start_factor=2)
torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(OPT(), 5, 0)
torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(OPT(), 5).step(-1)
torch.optim.lr_scheduler.OneCycleLR(3, 0.1, total_steps=4)
torch.optim.lr_scheduler.OneCycleLR(OPT(), 0.1, total_steps=4, anneal_strategy='x')
torch.optim.lr_scheduler.OneCycleLR(OPT(), 0.1, total_steps=0)
torch.optim.lr_scheduler.OneCycleLR(OPT(), 0.1, epochs=0, steps_per_epoch=3)
torch.optim.lr_scheduler.OneCycleLR(OPT(), 0.1)
[torch.optim.lr_scheduler.OneCycleLR(OPT(), 0.1, total_steps=1).step() for _ in range(4)]
torch.optim.lr_scheduler.CyclicLR(OPT(), .1, .2, mode='x')
torch.optim.lr_scheduler.CyclicLR(torch.optim.SGD([P()],lr=.1), .1, .2) and 1
torch.optim.lr_scheduler.CyclicLR(torch.optim.Adagrad([P()],lr=.1), .1, .2)
torch.optim.lr_scheduler.CyclicLR(OPT(), .1, .2, 3, scale_fn=lambda x: 0.5 * x, cycle_momentum=False).get_last_lr()
torch.optim.lr_scheduler.SequentialLR(OPT(), [], [])
torch.optim.lr_scheduler.ChainedScheduler([])
torch.optim.lr_scheduler.ReduceLROnPlateau(3)
torch.optim.lr_scheduler.ReduceLROnPlateau(OPT(), threshold_mode='x')
torch.optim.lr_scheduler.ReduceLROnPlateau(OPT(), factor=1.0)
torch.optim.lr_scheduler.LambdaLR(OPT(), [lambda e: 1, lambda e: 1])
torch.optim.lr_scheduler.LRScheduler(OPT())
torch.amp.GradScaler('cpu').get_growth_factor()
torch.amp.GradScaler('cpu').get_backoff_factor()
torch.amp.GradScaler('cpu').get_growth_interval()
torch.amp.GradScaler('cpu', enabled=False).get_scale()
torch.amp.GradScaler('cpu', enabled=False).state_dict()
torch.amp.GradScaler('cpu').state_dict()
torch.amp.GradScaler('cpu', enabled=False).scale(3)
list(torch.amp.GradScaler('cpu').scale(x for x in [torch.ones(1)]))[0].item()
torch.amp.GradScaler('cpu').load_state_dict({})
torch.amp.GradScaler('cpu', growth_factor=1.0)
torch.amp.GradScaler('cpu').update()
torch.amp.GradScaler('cpu').update(2)
torch.amp.GradScaler('cpu').scale(3)
torch.utils.data.random_split(range(10), [0.5,0.4])
torch.utils.data.random_split(range(10), [5,4])
[len(x) for x in torch.utils.data.random_split(range(10), [0.55,0.45])]
torch.utils.data.DataLoader(range(3), batch_size=0)
torch.utils.data.DataLoader(range(3), num_workers=-1)
torch.utils.data.DataLoader(range(3), shuffle=True, sampler=range(3))
torch.utils.data.DataLoader(range(3), prefetch_factor=2)
torch.utils.data.BatchSampler(range(3), 0, False)
torch.utils.data.WeightedRandomSampler([1,2], 0)
torch.utils.data.ConcatDataset([])
torch.utils.data.ConcatDataset([[1],[2]])[-3]
torch.utils.data.ConcatDataset([[1],[2]])[2]
torch.utils.data.TensorDataset(torch.ones(2), torch.ones(3))
torch.utils.data.default_collate([{'a':1},{'a':2}])
torch.utils.data.default_collate([[1,2],[3]])
torch.utils.data.default_collate([object()])
torch.nn.functional.interpolate(torch.ones(1,1,2,2), size=3, scale_factor=2)
torch.nn.functional.interpolate(torch.ones(1,1,2,2), size=3, recompute_scale_factor=True)
torch.nn.functional.interpolate(torch.ones(1,1,2,2), size=3, mode='bilinear').tolist()
torch.nn.functional.cross_entropy(torch.tensor(1.), torch.tensor(1))
torch.nn.functional.binary_cross_entropy_with_logits(torch.ones(2), torch.ones(2,dtype=torch.int64))
torch.nn.Module().zero_grad()
torch.nn.Sequential(torch.nn.Linear(1,1))[3]
torch.nn.ModuleDict({'a': torch.nn.ReLU()}).pop('b')
len(torch.nn.ParameterDict({'a': P()}).copy())
torch.set_num_threads(0)
torch.cuda.device_count()
torch.cuda.is_available()
torch.cuda.memory_allocated()
torch.nn.init.kaiming_uniform_(torch.ones(3))
torch.nn.init.calculate_gain('x')
torch.nn.utils.clip_grad_norm_([P()], 1.0).item()
torch.nn.TransformerEncoderLayer(4,2,activation='x')
torch.nn.Transformer(4,2)(torch.ones(2,3,4), torch.ones(2,2,4))
torch.nn.functional.pad(torch.ones(1,2), (1,1), mode='x')
torch.nn.functional.one_hot(torch.tensor([0,3]), 3)
torch.nn.functional.embedding(torch.tensor([5]), torch.ones(3,2))
torch.nn.BatchNorm1d(3)(torch.ones(1,3))
torch.nn.Conv2d(3,4,3,padding='x')
torch.nn.Conv2d(3,4,3)(torch.ones(1,2,5,5))
torch.nn.Linear(3,4)(torch.ones(2,2))
torch.nn.Dropout(2)
torch.nn.MSELoss(reduction='x')(torch.ones(2),torch.ones(2))
""".strip().split("\n")


def outcome(library, line):
    """("value", its text) or (the kind of error, None)."""
    names = {
        "torch": library, "P": lambda: library.nn.Parameter(library.ones(1)),
        "OPT": lambda: library.optim.SGD([library.nn.Parameter(library.ones(1))], lr=0.1, momentum=0.9)}
    try:
        value = eval(line, names)
    except Exception as error:
        assert str(error) or library is torch, "an error that says nothing"
        return type(error).__name__.strip("_"), None
    return "value", re.sub(r"0x[0-9a-f]+|\"device='cuda:0',\", ", "", repr(value)).replace("engine.", "torch.")


@pytest.mark.parametrize("line", LINES)
def test_a_line_comes_out_as_torch_s(line):
    """Its value in words, or the kind of its error, which says something."""
    assert outcome(engine, line) == outcome(torch, line)
