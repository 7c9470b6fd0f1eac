"""MLP 64-32-10, batch 16, Adam."""

from benchmarks.workloads import given


def step(torch, batch=16, width=32, depth=1, device="cpu"):
    nn, F = torch.nn, torch.nn.functional
    layers = [nn.Linear(64, width), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = given.start(torch, nn.Sequential(*layers, nn.Linear(width, 10))).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.from_numpy(given.normal(batch, 64)).to(device)
    y = torch.from_numpy(given.classes(10, batch)).to(device)

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return train
