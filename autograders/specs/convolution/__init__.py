"""Convolution: windows as columns, the layer forward and backward, pooling's way back, BatchNorm."""
