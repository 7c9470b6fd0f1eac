"""The engine: tensors and automatic differentiation with PyTorch's names, on numpy or cupy."""
