"""DCGAN on 28 x 28, a step of each network, batch 64, Adam.

After Radford, Metz & Chintala (2016). The noise stays the same in each step, so that the losses can be compared.
"""

from benchmarks.workloads import given

NOISE = 64


def step(torch, batch=64, width=64, device="cpu"):
    nn = torch.nn
    generator = nn.Sequential(
        nn.Linear(NOISE, 2 * width * 7 * 7), nn.ReLU(), nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),  # 14 x 14
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), nn.Tanh())  # 28 x 28
    discriminator = nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(2 * width * 7 * 7, 1))
    generator, discriminator = [given.start(torch, each).to(device) for each in (generator, discriminator)]
    criterion = nn.BCEWithLogitsLoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    real = torch.from_numpy(given.normal(batch, 1, 28, 28)).to(device)
    noise = torch.from_numpy(given.normal(batch, NOISE, seed=3)).to(device)
    ones, zeros = torch.ones(batch, 1, device=device), torch.zeros(batch, 1, device=device)

    def train():
        drawn = generator(noise)

        optimizer_d.zero_grad()
        loss_d = criterion(discriminator(real), ones) + criterion(discriminator(drawn.detach()), zeros)
        loss_d.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        loss_g = criterion(discriminator(drawn), ones)
        loss_g.backward()
        optimizer_g.step()
        return loss_d.detach() + loss_g.detach()

    return train
