"""Overfitting, seen and cured: L1, L2, dropout, early stopping, more data.

A network with 256 hidden units learns from 200 pictures of digits, a fifth of them with a wrong label. It learns all 200 by
heart, wrong ones too, and so reads only about 75 % of new digits; each cure below brings at least 5 % more.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


def digits(size, wrong=0.2):
    """Training pictures with some labels wrong, and clean ones for choosing and for testing, as pairs (x, y)."""
    data = load_digits()
    order = torch.randperm(len(data.target))
    x, y = (torch.tensor(data.data, dtype=torch.float32) / 16)[order], torch.tensor(data.target)[order]
    noisy = torch.where(torch.rand(size) < wrong, torch.randint(0, 10, (size,)), y[:size])
    return (x[:size], noisy), (x[1200:1400], y[1200:1400]), (x[1400:], y[1400:])


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def fitted(train, valid, epochs, l1=0.0, l2=0.0, dropout=0.0, patience=None):
    """A model; with patience, stopped when the validation's accuracy has not risen for so many epochs."""
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.003, weight_decay=l2)
    best, best_state, waited = 0.0, None, 0
    for epoch in range(epochs):
        model.train()
        for batch in torch.randperm(len(train[0])).split(50):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(train[0][batch]), train[1][batch])
            loss = loss + l1 * sum(parameter.abs().sum() for parameter in model.parameters())
            loss.backward()
            optimizer.step()
        if patience is not None:
            reached, waited = accuracy(model, *valid), waited + 1
            if reached > best:
                best, best_state, waited = reached, {k: v.clone() for k, v in model.state_dict().items()}, 0
            if waited == patience:
                model.load_state_dict(best_state)
                break
    return model


def main(epochs=150, size=200, seed=0):
    cures = {"nothing": {}, "L1": {"l1": 0.001}, "L2": {"l2": 0.01}, "dropout": {"dropout": 0.8},
             "early stopping": {"patience": 8}, "more data": {}}  # fmt: skip
    figures = {}
    for name, options in cures.items():
        torch.manual_seed(seed)
        train, valid, test = digits(6 * size if name == "more data" else size)
        model = fitted(train, valid, epochs if name != "more data" else epochs // 6, **options)
        figures[name] = {"train": accuracy(model, *train), "test": accuracy(model, *test)}
        print(f"{name:14}  {figures[name]['train']:4.0%} of the training labels, {figures[name]['test']:4.0%} of new digits")
    return figures


if __name__ == "__main__":
    main()
