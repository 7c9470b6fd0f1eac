"""One body, three heads: multi-task learning.

From the same hidden layer a ModuleList of heads says which digit a picture shows, whether it has a closed loop (0, 6, 8, 9), and
how much ink it took. The losses are added, so all three teach the body: about 97 % right each, and the ink's squared
error below a tenth of its variance.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(64, 10), nn.Linear(64, 1), nn.Linear(64, 1)])

    def forward(self, x):
        hidden = self.body(x)
        digit, loop, ink = [head(hidden) for head in self.heads]
        return digit, loop.squeeze(1), ink.squeeze(1)


def tasks():
    """Pictures and for each its digit, whether it has a loop, and its ink (mean 0, variance 1), in random order."""
    digits = load_digits()
    x, digit = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    loop = torch.tensor([1.0, 0, 0, 0, 0, 0, 1, 0, 1, 1])[digit]
    ink = x.sum(1)
    order = torch.randperm(len(x))
    return [each[order] for each in (x, digit, loop, (ink - ink.mean()) / ink.std())]


def main(epochs=20, size=1400, seed=0):
    torch.manual_seed(seed)
    data = tasks()
    model = MultiTask()
    criteria = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss(), nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    for epoch in range(epochs):
        for batch in torch.randperm(size).split(32):
            x, *targets = [each[batch] for each in data]
            optimizer.zero_grad()
            sum(criterion(answer, target) for criterion, answer, target in zip(criteria, model(x), targets)).backward()
            optimizer.step()
    with torch.no_grad():
        x, *targets = [each[1400:] for each in data]
        digit, loop, ink = model(x)
    digit_right = (digit.argmax(1) == targets[0]).float().mean().item()
    loop_right = ((loop > 0).float() == targets[1]).float().mean().item()
    ink_error = criteria[2](ink, targets[2]).item()
    print(f"digits {digit_right:.1%}, loops {loop_right:.1%} right; squared error of the ink {ink_error:.4f}")
    return {"digit": digit_right, "loop": loop_right, "ink": ink_error}


if __name__ == "__main__":
    main()
