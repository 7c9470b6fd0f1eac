"""Training is interrupted, saved, loaded in new objects, and goes on as if nothing had happened.

A checkpoint is a dict of state dicts: the model's, the optimizer's, the schedule's, the random numbers', and how far we came.
Both ways end with exactly the same weights. The model's own file, in the safetensors format, is what others need to use it.
"""

import tempfile
from pathlib import Path

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


def fresh():
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    return model, optimizer, optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)


def train(model, optimizer, schedule, x, y, epochs):
    model.train()
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        schedule.step()


def main(epochs=6, size=1400, seed=0):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    half, (model, optimizer, schedule) = epochs // 2, fresh()
    train(model, optimizer, schedule, x[:size], y[:size], half)
    with tempfile.TemporaryDirectory() as folder:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
                    "random": torch.get_rng_state(), "epoch": half}, Path(folder) / "checkpoint.pt")  # fmt: skip
        train(model, optimizer, schedule, x[:size], y[:size], epochs - half)

        checkpoint, again = torch.load(Path(folder) / "checkpoint.pt"), fresh()
        for part, name in zip(again, ("model", "optimizer", "schedule")):
            part.load_state_dict(checkpoint[name])
        torch.set_rng_state(checkpoint["random"])
        train(*again, x[:size], y[:size], epochs - checkpoint["epoch"])

        torch.save(again[0].state_dict(), Path(folder) / "digits.safetensors")
        user, *_ = fresh()
        print(user.load_state_dict(torch.load(Path(folder) / "digits.safetensors")))
    same = all(torch.equal(ours, user.state_dict()[name]) for name, ours in model.state_dict().items())
    accuracy = (user.eval()(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"the same weights with and without an interruption: {same}; {accuracy:.1%} right")
    return {"same": same, "accuracy": accuracy}


if __name__ == "__main__":
    main()
