"""A convolutional network names coloured shapes: convolution, batch normalization, pooling.

Shapes32 has ten shapes, turned and scaled, on busy backgrounds, in CIFAR-10's layout. It reaches about 90 % of the test
pictures after six epochs, where guessing reaches 10 % and a linear classifier of the same pixels not 20 %.
"""

import engine as torch
from engine import nn, optim
from engine.utils.data import DataLoader, TensorDataset
from engine.vision import datasets


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),  # 16 x 16
            nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),  # 8 x 8
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),  # 4 x 4
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(64, 10))

    def forward(self, x):
        return self.layers(x)


def shapes(train, size):
    data = datasets.Shapes32(train=train)
    images = torch.from_numpy(data.data[:size]).permute(0, 3, 1, 2).float() / 127.5 - 1  # N, 3, 32, 32
    return TensorDataset(images, torch.tensor(data.targets[:size]))


def accuracy(model, loader, device):
    with torch.no_grad():
        right = sum((model(inputs.to(device)).cpu().argmax(1) == labels).sum().item() for inputs, labels in loader)
    return right / len(loader.dataset)


def main(epochs=6, size=5000, seed=0):
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = DataLoader(shapes(True, size), batch_size=32, shuffle=True), DataLoader(shapes(False, size), batch_size=200)
    model, criterion = CNN().to(device), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters())
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * len(train))
    for epoch in range(epochs):
        model.train()
        for inputs, labels in train:
            optimizer.zero_grad()
            criterion(model(inputs.to(device)), labels.to(device)).backward()
            optimizer.step()
            schedule.step()
        reached = accuracy(model.eval(), test, device)
        print(f"epoch {epoch + 1}: {reached:.1%} of the test pictures")
    return {"accuracy": reached}


if __name__ == "__main__":
    main()
