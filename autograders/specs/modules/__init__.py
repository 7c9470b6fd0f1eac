"""Modules: layers that own their parameters, and what a training loop does with them."""
