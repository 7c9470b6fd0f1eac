"""torchvision's names: datasets, transforms, utils, models. Loaded when they are first wanted (`engine.vision`)."""

from engine.vision import datasets, models, transforms, utils  # noqa: F401
