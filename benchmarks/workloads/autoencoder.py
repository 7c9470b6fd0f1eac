"""Convolutional autoencoder on 28 x 28, transposed convolutions, batch 64, Adam."""

from benchmarks.workloads import given


def step(torch, batch=64, width=16, device="cpu"):
    nn, F = torch.nn, torch.nn.functional
    encoder = nn.Sequential(
        nn.Conv2d(1, width, 3, stride=2, padding=1), nn.ReLU(),  # 14 x 14
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU())  # 7 x 7
    decoder = nn.Sequential(
        nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid())
    model = given.start(torch, nn.Sequential(encoder, decoder)).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.from_numpy(given.uniform(batch, 1, 28, 28)).to(device)

    def train():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), x)
        loss.backward()
        optimizer.step()
        return loss

    return train
