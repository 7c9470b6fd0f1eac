"""torch.utils.data: datasets, the order of their samples, and batches of them."""

from engine.utils.data.collate import *  # noqa: F403
from engine.utils.data.dataloader import *  # noqa: F403
from engine.utils.data.dataset import *  # noqa: F403
from engine.utils.data.sampler import *  # noqa: F403
from engine.utils.data.worker_info import *  # noqa: F403
