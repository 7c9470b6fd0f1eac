"""What to say when a name is missing: the nearest one that exists."""


def missing(owner, name, existing):
    """An AttributeError for `owner.name` that names the nearest of the existing names."""
    import difflib

    near = difflib.get_close_matches(name, [each for each in existing if not each.startswith("_")], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return AttributeError(f"{owner!r} has no attribute {name!r}{hint}", name=name)
