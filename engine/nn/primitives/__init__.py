"""Entries of the op table that layers and losses need beside those of `engine.ops`, a file a family."""
