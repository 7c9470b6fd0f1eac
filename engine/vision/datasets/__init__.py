"""torchvision.datasets: pictures with labels."""

from engine.vision.datasets.cifar import *  # noqa: F403
from engine.vision.datasets.digits import *  # noqa: F403
from engine.vision.datasets.folder import *  # noqa: F403
from engine.vision.datasets.mnist import *  # noqa: F403
from engine.vision.datasets.shapes import *  # noqa: F403
from engine.vision.datasets.vision import *  # noqa: F403
