"""LSTM of 2 layers, width 128, length 28, batch 32, Adam."""

from benchmarks.workloads import given


def step(torch, batch=32, length=28, width=128, depth=2, device="cpu"):
    nn, F = torch.nn, torch.nn.functional

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(1, width, num_layers=depth, batch_first=True)
            self.head = nn.Linear(width, 10)

        def forward(self, x):
            outputs, _ = self.lstm(x)
            return self.head(outputs[:, -1])

    model = given.start(torch, Classifier()).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.from_numpy(given.normal(batch, length, 1)).to(device)
    y = torch.from_numpy(given.classes(10, batch)).to(device)

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return train
