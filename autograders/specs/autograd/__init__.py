"""Autograd on tensors: undo a broadcast, differentiate a matrix product, differentiate softmax cross-entropy."""
