"""Residual networks (He, Zhang, Ren & Sun 2015): resnet18 for photographs, resnet20 for pictures of 32 x 32."""

from engine import nn

__all__ = ["BasicBlock", "CIFARResNet", "ResNet", "resnet18", "resnet20"]


class BasicBlock(nn.Module):
    """x + f(x) with two 3x3 convolutions in f: (N, inplanes, H, W) -> (N, planes, H/stride, W/stride).

    downsample: what brings x to the shape of f(x); None where it has it.
    """

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


def _stage(block, inplanes, planes, blocks, stride, norm_layer):
    """`blocks` blocks, of which the first changes channels and size."""
    downsample = None
    if stride != 1 or inplanes != planes:
        downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), norm_layer(planes))
    rest = [block(planes, planes, norm_layer=norm_layer) for _ in range(blocks - 1)]
    return nn.Sequential(block(inplanes, planes, stride, downsample, norm_layer), *rest)


def _initialise(model, zero_init_residual=False):
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, BasicBlock) and zero_init_residual:
            nn.init.zeros_(module.bn2.weight)


class ResNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes): a 7x7 convolution, four stages of `layers` blocks, the mean, a linear layer.

    zero_init_residual: whether each block begins as the identity. norm_layer: what to make the normalization of,
    BatchNorm2d by default. Names of parameters and first values are torchvision's.
    """

    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(block, 64, 64, layers[0], 1, norm_layer)
        self.layer2 = _stage(block, 64, 128, layers[1], 2, norm_layer)
        self.layer3 = _stage(block, 128, 256, layers[2], 2, norm_layer)
        self.layer4 = _stage(block, 256, 512, layers[3], 2, norm_layer)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, num_classes)
        _initialise(self, zero_init_residual)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


class CIFARResNet(nn.Module):
    """(N, 3, 32, 32) -> (N, num_classes): a 3x3 convolution, three stages of `layers` blocks, 16 to 64 channels wide.

    Section 4.2 of the paper; where the shape changes, a 1x1 convolution stands in the shortcut.
    """

    def __init__(self, block, layers, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(block, 16, 16, layers[0], 1, nn.BatchNorm2d)
        self.layer2 = _stage(block, 16, 32, layers[1], 2, nn.BatchNorm2d)
        self.layer3 = _stage(block, 32, 64, layers[2], 2, nn.BatchNorm2d)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, num_classes)
        _initialise(self)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(*, weights=None, progress=True, **kwargs):
    """ResNet-18: 11,689,512 parameters. kwargs: ResNet's. weights: None; others are a NotImplementedError."""
    if weights is not None:
        raise NotImplementedError(f"resnet18: weights={weights!r} is not supported; load a state_dict with engine.load")
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


def resnet20(num_classes=10):
    """ResNet-20 for pictures of 32 x 32: 272,474 parameters."""
    return CIFARResNet(BasicBlock, [3, 3, 3], num_classes)
