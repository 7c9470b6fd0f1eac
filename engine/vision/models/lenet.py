"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998), with today's ReLU and max pooling."""

from engine import nn

__all__ = ["LeNet", "lenet"]


class LeNet(nn.Module):
    """Two convolutions, three linear layers: (N, 1, 28, 28) -> (N, num_classes). 61,706 parameters."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def lenet(num_classes=10):
    """LeNet-5 for pictures of 28 x 28 with one channel."""
    return LeNet(num_classes)
