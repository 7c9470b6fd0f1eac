"""Chain of 10,000 operations on single numbers, forward and backward.

Euler's method for y' = tanh(w - y) from y(0) = x; four operations a step in time. The loss says how far y is from 1 at
the end.
"""


def step(torch, length=10_000, device="cpu"):
    x = torch.tensor(-1.0, requires_grad=True, device=device)
    w = torch.tensor(2.0, requires_grad=True, device=device)
    steps = length // 4
    dt = 1 / steps

    def train():
        x.grad = w.grad = None
        y = x
        for _ in range(steps):
            y = y + (w - y).tanh() * dt
        loss = (y - 1) ** 2
        loss.backward()
        return loss

    return train
