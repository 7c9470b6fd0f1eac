"""torch.optim: optimizers, each a few lines in `_update`, and the schedules of their learning rates."""

from engine.optim import lr_scheduler
from engine.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from engine.optim.adaptive import Adadelta, Adagrad, RMSprop
from engine.optim.lbfgs import LBFGS
from engine.optim.optimizer import Optimizer
from engine.optim.sgd import SGD

__all__ = [
    "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "NAdam", "Optimizer", "RAdam", "RMSprop", "SGD",
    "lr_scheduler"]
