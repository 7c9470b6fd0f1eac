"""Overfitting, seen and cured: L1, L2, dropout, early stopping, more data.

A network with 256 hidden units learns from 200 pictures of digits, a fifth of them with a wrong label. It learns all 200 by
heart, wrong ones too, and so reads less than 80 % of new digits; each cure below brings 5 % or more.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits

CURES = {"nothing": {}, "L1": {"l1": 0.001}, "L2": {"l2": 0.01}, "dropout": {"dropout": 0.8}, "early stopping": {"patience": 8},
         "more data": {"size": 1200, "epochs": 25}}  # fmt: skip


def digits(size, seed, wrong=0.2):
    """Pictures and labels for training, some labels wrong; for choosing; for testing."""
    data, order = load_digits(), torch.randperm(1797, generator=torch.manual_seed(seed))
    x, y = (torch.tensor(data.data, dtype=torch.float32) / 16)[order], torch.tensor(data.target)[order]
    noisy = torch.where(torch.rand(size) < wrong, torch.randint(0, 10, (size,)), y[:size])
    return (x[:size], noisy), (x[1200:1400], y[1200:1400]), (x[1400:], y[1400:])


def accuracy(model, x, y):
    return (model.eval()(x).argmax(1) == y).float().mean().item()


def fitted(x, y, valid, epochs, l1=0.0, l2=0.0, dropout=0.0, patience=None, size=None):
    """A model; with patience, the best one before the accuracy on `valid` has not risen for so many epochs."""
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.003, weight_decay=l2)
    best, waited = -1.0, 0
    for epoch in range(epochs):
        model.train()
        for batch in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            size_of_weights = sum(parameter.abs().sum() for parameter in model.parameters())
            (nn.functional.cross_entropy(model(x[batch]), y[batch]) + l1 * size_of_weights).backward()
            optimizer.step()
        reached, waited = accuracy(model, *valid), waited + 1
        if reached > best:
            best, best_state, waited = reached, {name: value.clone() for name, value in model.state_dict().items()}, 0
        if waited == patience:
            model.load_state_dict(best_state)
            break
    return model


def main(epochs=150, size=200, seed=0):
    figures = {}
    for name, options in CURES.items():
        train, valid, test = digits(options.get("size", size), seed)
        model = fitted(*train, valid, **{"epochs": epochs} | options)
        figures[name] = {"train": accuracy(model, *train), "test": accuracy(model, *test)}
        print(f"{name:14}", {part: f"{right:.0%} right" for part, right in figures[name].items()})
    return figures


if __name__ == "__main__":
    main()
