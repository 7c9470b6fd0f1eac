"""Attention: the scaled dot product, the causal mask, heads, LayerNorm, and a cache of keys and values."""
