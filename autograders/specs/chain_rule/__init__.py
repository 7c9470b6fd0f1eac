"""Autograd by hand: slopes by nudging, two rules of the chain, the order of the walk back, a scalar engine."""
