"""The exercises, one file a room, each ending in a tuple `EXERCISES`."""
