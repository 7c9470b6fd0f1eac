"""The exercises, a file or a folder for each room, which ends in a tuple `EXERCISES`."""
