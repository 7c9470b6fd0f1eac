"""The exercises: a folder a chapter, a file an exercise, each ending in `EXERCISE = Spec(...)`."""
