"""Optimizers: the steps of momentum, RMSprop and AdamW, a schedule for the learning rate, clipped gradients."""

from autograders.specs.optimizers.adamw import ADAMW
from autograders.specs.optimizers.clipping import CLIP_GRADIENTS
from autograders.specs.optimizers.momentum import MOMENTUM
from autograders.specs.optimizers.rmsprop import RMSPROP
from autograders.specs.optimizers.schedule import COSINE_WITH_WARMUP

EXERCISES = (MOMENTUM, RMSPROP, ADAMW, COSINE_WITH_WARMUP, CLIP_GRADIENTS)
