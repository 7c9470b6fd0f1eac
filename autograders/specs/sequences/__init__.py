"""Sequences: recurrent cells, a step forward and a sequence back, and drawing the next character."""
