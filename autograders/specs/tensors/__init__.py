"""Tensors: shapes that meet, views of one memory, distances without loops, one-hot, gather, einsum."""
