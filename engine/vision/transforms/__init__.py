"""torchvision.transforms: what is done to a picture before a network sees it."""

from engine.vision.transforms import functional  # noqa: F401
from engine.vision.transforms.transforms import *  # noqa: F403
