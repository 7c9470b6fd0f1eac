"""Transfer: what was learned of many digits helps with others, of which there are few.

A body is trained on the digits 0 to 4, then frozen, and a new head learns 5 to 9 from four pictures of each. It reads about
90 % of the rest; the same network with first values, taught by the same 20 pictures, does less well.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU())
        self.head = nn.Linear(64, 5)

    def forward(self, x):
        return self.head(self.body(x))


def train(model, x, y, epochs):
    optimizer = optim.Adam([parameter for parameter in model.parameters() if parameter.requires_grad], lr=0.003)
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main(epochs=8, size=900, seed=0):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(digits.target)
    small, order = y < 5, torch.randperm(int((y >= 5).sum()))
    new_x, new_y = x[~small][order], y[~small][order] - 5
    few = torch.cat([(new_y == digit).nonzero()[:4, 0] for digit in range(5)])
    rest = torch.arange(len(new_y))[torch.ones(len(new_y)).scatter(0, few, 0.0).bool()]

    pretrained, scratch = Net(), Net()
    train(pretrained, x[small][:size], y[small][:size], epochs)
    pretrained.body.requires_grad_(False)
    pretrained.body.eval()  # the running statistics stay, too
    pretrained.head = nn.Linear(64, 5)
    figures = {}
    for name, model in {"transferred": pretrained, "from scratch": scratch}.items():
        train(model, new_x[few], new_y[few], 5 * epochs)
        figures[name] = accuracy(model, new_x[rest], new_y[rest])
        learned = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        print(f"{name:12} {learned:5} numbers learned from {len(few)} pictures: {figures[name]:.1%} right")
    return figures


if __name__ == "__main__":
    main()
