"""MLP 784-128-10, batch 64, SGD with momentum."""

from benchmarks.workloads import given


def step(torch, batch=64, width=128, depth=1, device="cpu"):
    nn, F = torch.nn, torch.nn.functional
    layers = [nn.Linear(784, width), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = given.start(torch, nn.Sequential(*layers, nn.Linear(width, 10))).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = torch.from_numpy(given.normal(batch, 784)).to(device)
    y = torch.from_numpy(given.classes(10, batch)).to(device)

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return train
