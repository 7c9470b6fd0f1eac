"""ResNet-20 on 32 x 32, batch 32, SGD with momentum and weight decay.

He et al. (2016), section 4.2, with a 1 x 1 convolution where a shortcut changes its shape.
"""

from benchmarks.workloads import given


def step(torch, batch=32, width=16, depth=3, device="cpu"):
    """`depth` is the number of blocks in each of the three stages: 6 x depth + 2 layers."""
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Identity()
            if stride != 1 or inputs != outputs:
                project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
                self.shortcut = nn.Sequential(project, nn.BatchNorm2d(outputs))

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    layers, inputs = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
    for outputs, first in ((width, 1), (2 * width, 2), (4 * width, 2)):
        for stride in (first, *[1] * (depth - 1)):
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
    model = given.start(torch, nn.Sequential(*layers)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0001)
    x = torch.from_numpy(given.normal(batch, 3, 32, 32)).to(device)
    y = torch.from_numpy(given.classes(10, batch)).to(device)

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return train
