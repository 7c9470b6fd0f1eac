"""Optimizers: momentum, RMSprop and AdamW, a schedule for the learning rate, clipped gradients."""
