"""A generative adversarial network draws digits (Goodfellow et al. 2014).

The generator makes pictures of noise, the discriminator says which are real, each learns from the other. Measured by how far
a drawn picture is from the real one nearest to it (mean squared difference of a pixel): noise of the same brightness is 0.11
off, drawn digits about 0.05, and their neighbours are of at least eight of the ten classes.
"""

import engine as torch
from engine import nn, optim
from sklearn.datasets import load_digits

NOISE = 16


def networks():
    generator = nn.Sequential(nn.Linear(NOISE, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid())
    discriminator = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(128, 1))
    return generator, discriminator


def nearest(drawn, real):
    """How far each drawn picture is from the nearest real one, and which one that is."""
    return (drawn[:, None] - real[None]).square().mean(2).min(1)


def main(epochs=60, size=1797, seed=0):
    torch.manual_seed(seed)
    digits = load_digits()
    real, labels = torch.tensor(digits.data[:size], dtype=torch.float32) / 16, torch.tensor(digits.target[:size])
    generator, discriminator = networks()
    criterion = nn.BCEWithLogitsLoss()
    generator_optimizer = optim.Adam(generator.parameters(), lr=0.001, betas=(0.5, 0.999))
    discriminator_optimizer = optim.Adam(discriminator.parameters(), lr=0.001, betas=(0.5, 0.999))
    for epoch in range(epochs):
        for pictures in real[torch.randperm(len(real))].split(64):
            ones, zeros = torch.ones(len(pictures), 1), torch.zeros(len(pictures), 1)
            drawn = generator(torch.randn(len(pictures), NOISE))

            discriminator_optimizer.zero_grad()  # drawn.detach(): this step shall not teach the generator
            loss = criterion(discriminator(pictures), ones) + criterion(discriminator(drawn.detach()), zeros)
            loss.backward()
            discriminator_optimizer.step()

            generator_optimizer.zero_grad()  # it wants its pictures to be taken for real
            criterion(discriminator(drawn), ones).backward()
            generator_optimizer.step()
    generator.eval()
    with torch.no_grad():
        distance, index = nearest(generator(torch.randn(200, NOISE)), real)
        grey, _ = nearest(torch.rand(200, 64) * real.mean() * 2, real)
    kinds = len(set(labels[index].tolist()))
    figures = {"distance": distance.mean().item(), "noise": grey.mean().item(), "kinds": kinds}
    print("drawn digits are {distance:.3f} off real ones, noise {noise:.3f}; they are of {kinds} kinds".format(**figures))
    return figures


if __name__ == "__main__":
    main()
