"""Mixed precision: layers compute in half the bits, weights stay in float32.

autocast runs matrix products in bfloat16 (or float16 on a GPU), and training reaches what it reaches in float32: about 92 %.
float16 cannot hold numbers below 6e-8, so small gradients vanish; GradScaler multiplies the loss, divides the gradients, and
leaves out a step whose gradients overflow.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits


def main(epochs=10, size=1400, seed=0):
    digits = load_digits()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = torch.float16 if device == "cuda" else torch.bfloat16
    x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
    y = torch.tensor(digits.target, device=device)
    figures = {}
    for name, enabled in {"float32": False, "mixed": True}.items():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(device)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scaler = torch.amp.GradScaler(device, init_scale=1024.0, enabled=enabled)
        for epoch in range(epochs):
            for batch in torch.randperm(size).to(device).split(32):
                optimizer.zero_grad()
                with torch.autocast(device, dtype=half, enabled=enabled):
                    logits = model(x[batch])
                    loss = nn.functional.cross_entropy(logits, y[batch])
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        with torch.no_grad():
            figures[name] = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
        print(f"{name}: computes in {logits.dtype}, {figures[name]:.1%} right")

    weight = torch.ones(1, requires_grad=True, dtype=torch.float16)
    (weight * 1e-4 * 1e-4).sum().backward()
    vanished, weight.grad = weight.grad.item(), None
    (weight * 1e-4 * 1e-4 * 1024).sum().backward()
    figures |= {"vanished": vanished, "scaled": weight.grad.item()}
    print(f"a gradient of 1e-8 in float16: {vanished:.1e}; scaled by 1024 and back: {weight.grad.float().item() / 1024:.1e}")
    return figures


if __name__ == "__main__":
    main()
