"""Autoencoders: squeezing and drawing, clouds in place of points, and one body with two heads."""
