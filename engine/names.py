"""What to say when a name is missing: the nearest one that exists."""


class MissingName(AttributeError):
    """`owner` has no attribute `name`. The nearest of `existing()` is looked for when somebody reads the message:
    `hasattr`, which asks often, never does."""

    def __init__(self, owner, name, existing):
        super().__init__(name=name)
        self.owner, self.existing = owner, existing

    def __str__(self):
        import difflib

        names = [each for each in self.existing() if not each.startswith("_")]
        near = difflib.get_close_matches(self.name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{self.owner!r} has no attribute {self.name!r}{hint}"
