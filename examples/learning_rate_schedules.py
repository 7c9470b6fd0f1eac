"""Learning rates that change on the way: the same regression under five schedules.

Small batches give noisy gradients. With a constant rate the steps of SGD stay long and jump about the minimum; the four
schedules end with short steps, and so come at least twice as near to the least loss there is, in the same number of steps.
"""

import engine as torch
from engine import nn, optim
from engine.optim import lr_scheduler
from sklearn.datasets import load_diabetes

RATE = 0.03
SCHEDULES = {
    "constant": lambda optimizer, steps: lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
    "step": lambda optimizer, steps: lr_scheduler.StepLR(optimizer, step_size=steps // 3 + 1, gamma=0.2),
    "cosine": lambda optimizer, steps: lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps),
    "one cycle": lambda optimizer, steps: lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps + 1),
    "warm-up, then decay": lambda optimizer, steps: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=steps // 10),
                    lr_scheduler.PolynomialLR(optimizer, total_iters=steps - steps // 10)], [steps // 10])}  # fmt: skip


def patients(size):
    """Measurements and the course of diabetes a year later, mean 0 and variance 1 (Efron et al. 2004)."""
    x, y = [torch.tensor(each[:size], dtype=torch.float32) for each in load_diabetes(return_X_y=True)]
    return (x - x.mean(0)) / x.std(0), ((y - y.mean()) / y.std()).unsqueeze(1)


def main(epochs=40, size=442, seed=0):
    x, y = patients(size)
    least = ((x @ torch.linalg.solve(x.T @ x, x.T @ y) - y) ** 2).mean().item()
    above, steps = {}, epochs * -(-size // 8)
    for name, schedule_of in SCHEDULES.items():
        torch.manual_seed(seed)
        model, criterion = nn.Linear(10, 1), nn.MSELoss()
        optimizer = optim.SGD(model.parameters(), lr=RATE)
        schedule, rates = schedule_of(optimizer, steps), []
        for epoch in range(epochs):
            for batch in torch.randperm(size).split(8):
                optimizer.zero_grad()
                criterion(model(x[batch]), y[batch]).backward()
                optimizer.step()
                schedule.step()
                rates.append(schedule.get_last_lr()[0])
        above[name] = criterion(model(x), y).item() - least
        print(f"{name:20} rate {max(rates):.2f} to {rates[-1]:.4f}: {above[name]:.5f} above the least loss, {least:.4f}")
    return above


if __name__ == "__main__":
    main()
