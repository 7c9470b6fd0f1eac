"""GRU on the adding problem, width 64, length 100, batch 64, Adam.

Each time brings a number and a mark; the answer is the sum of the two numbers that are marked (Hochreiter & Schmidhuber
1997).
"""

import numpy as np

from benchmarks.workloads import given


def step(torch, batch=64, length=100, width=64, device="cpu"):
    nn, F = torch.nn, torch.nn.functional

    class Adder(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(2, width, batch_first=True)
            self.head = nn.Linear(width, 1)

        def forward(self, x):
            outputs, _ = self.gru(x)
            return self.head(outputs[:, -1]).squeeze(1)

    model = given.start(torch, Adder()).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    x, y = [torch.from_numpy(each).to(device) for each in adding_problem(batch, length)]

    def train():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    return train


def adding_problem(batch, length):
    """Numbers and marks, (batch, length, 2), and the sums of the marked ones, (batch,)."""
    numbers, marks = given.uniform(batch, length), np.zeros((batch, length), np.float32)
    rows, half = np.arange(batch), length // 2
    marks[rows, given.classes(half, batch)] = 1
    marks[rows, half + given.classes(length - half, batch, seed=3)] = 1
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(1)
