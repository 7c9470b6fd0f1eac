"""Activations: functions of each element, and softmax along a dimension."""

from engine.functions import log_softmax, relu, sigmoid, softmax, tanh

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "tanh"]
