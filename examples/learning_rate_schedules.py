"""Learning rates that change on the way: the same network under five schedules.

With a rate of 0.5 the steps of SGD stay so long that they jump about the minimum. A schedule begins as boldly and ends with short
steps, and so each of the four comes lower than the constant rate within the same number of steps.
"""

import engine as torch
from engine import nn, optim
from engine.optim import lr_scheduler
from sklearn.datasets import load_digits

SCHEDULES = {
    "constant": lambda optimizer, steps: lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
    "step": lambda optimizer, steps: lr_scheduler.StepLR(optimizer, step_size=steps // 3 + 1, gamma=0.2),
    "cosine": lambda optimizer, steps: lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps),
    "one cycle": lambda optimizer, steps: lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=steps + 1),
    "warm-up, then decay": lambda optimizer, steps: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=steps // 10),
                    lr_scheduler.PolynomialLR(optimizer, total_iters=steps - steps // 10)], [steps // 10])}  # fmt: skip


def main(epochs=12, size=1400, seed=0):
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    losses, steps = {}, epochs * -(-size // 16)
    for name, schedule_of in SCHEDULES.items():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
        optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        schedule, rates = schedule_of(optimizer, steps), []
        for epoch in range(epochs):
            for batch in torch.randperm(size).split(16):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
                schedule.step()
                rates.append(schedule.get_last_lr()[0])
        with torch.no_grad():
            losses[name] = nn.functional.cross_entropy(model(x[:size]), y[:size]).item()
        print(f"{name:20} rate {max(rates):.2f} to {rates[-1]:.4f}: loss {losses[name]:.5f}")
    return losses


if __name__ == "__main__":
    main()
