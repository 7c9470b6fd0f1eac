"""Transfer: what a network learned for one question helps with another, for which there are few examples.

A body learns from 1,000 pictures which digit they show. Then it is frozen, and a new head learns from ten other pictures, one
of each digit, which digits are odd: about 90 % right on the rest. The same network with first values, taught by the same ten,
reaches about 80 %.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.body(x))


def train(model, x, y, epochs):
    optimizer = optim.Adam([parameter for parameter in model.parameters() if parameter.requires_grad], lr=0.003)
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()


def main(epochs=12, size=1000, seed=0):
    torch.manual_seed(seed)
    digits, order = load_digits(), torch.randperm(1797)
    x, digit = (torch.tensor(digits.data, dtype=torch.float32) / 16)[order], torch.tensor(digits.target)[order]
    odd, rest = digit % 2, slice(1000, None)
    few = [1000 + (digit[1000:] == each).nonzero()[0].item() for each in range(10)]

    pretrained, scratch = Net(10), Net(2)
    train(pretrained, x[:size], digit[:size], epochs)
    pretrained.body.requires_grad_(False)
    pretrained.body.eval()  # its running statistics stay as well
    pretrained.head = nn.Linear(64, 2)
    figures = {}
    for name, model in {"transferred": pretrained, "from scratch": scratch}.items():
        train(model, x[few], odd[few], 5 * epochs)
        model.eval()
        with torch.no_grad():
            figures[name] = (model(x[rest]).argmax(1) == odd[rest]).float().mean().item()
        learned = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        print(f"{name:12} {learned:5} numbers learned from ten pictures: {figures[name]:.1%} right")
    return figures


if __name__ == "__main__":
    main()
