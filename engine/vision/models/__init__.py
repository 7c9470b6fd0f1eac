"""torchvision.models: networks for pictures, without their weights."""

from engine.vision.models.lenet import *  # noqa: F403
from engine.vision.models.resnet import *  # noqa: F403
