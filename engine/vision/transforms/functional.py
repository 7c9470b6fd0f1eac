"""torchvision.transforms.functional: what the transforms do, as functions of the image and all that they would draw."""

from engine.vision.transforms.color import *  # noqa: F403
from engine.vision.transforms.conversion import *  # noqa: F403
from engine.vision.transforms.geometry import *  # noqa: F403
from engine.vision.transforms.images import *  # noqa: F403
