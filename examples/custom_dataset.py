"""A dataset of one's own: cleaned, split, augmented, loaded by worker processes.

A Dataset says how many examples there are and what number i is; DataLoader makes batches of them, here in two processes.
Some pictures are broken and left out; those for training are shifted by up to a pixel, differently each time, so that there is
more to learn from: about 95 % of the others are read right.
"""

import engine as torch
from engine import nn, optim
from engine.utils.data import DataLoader, Dataset, Subset
from sklearn.datasets import load_digits


class Pictures(Dataset):
    def __init__(self, images, labels, transform=None):
        whole = images.flatten(1).isfinite().all(1)  # cleaning: a picture with a broken pixel is of no use
        self.images, self.labels, self.transform = images[whole], labels[whole], transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image if self.transform is None else self.transform(image), self.labels[index]


def random_shift(image):
    """A picture (1, 8, 8), moved by at most a pixel in each direction."""
    down, right = torch.randint(0, 3, (2,)).tolist()
    return nn.functional.pad(image, (1, 1, 1, 1))[:, down : down + 8, right : right + 8]


def main(epochs=10, size=1400, seed=0, workers=2):
    torch.manual_seed(seed)
    digits = load_digits()
    images, labels = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(digits.target)
    images[::50, :, 3, 3] = float("nan")  # some are broken
    plain, shifted = Pictures(images, labels), Pictures(images, labels, transform=random_shift)
    order = torch.randperm(len(plain)).tolist()
    train = DataLoader(Subset(shifted, order[:size]), batch_size=32, shuffle=True, num_workers=workers, drop_last=True)
    test = DataLoader(Subset(plain, order[1400:]), batch_size=100)
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 64), nn.ReLU(), nn.Linear(64, 10))
    criterion, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.003)
    for epoch in range(epochs):
        for images, labels in train:
            optimizer.zero_grad()
            criterion(model(images), labels).backward()
            optimizer.step()
    with torch.no_grad():
        accuracy = sum((model(images).argmax(1) == labels).sum().item() for images, labels in test) / len(test.dataset)
    print(f"{1797 - len(plain)} broken pictures left out, {accuracy:.1%} of {len(test.dataset)} others read right")
    return {"accuracy": accuracy, "left_out": 1797 - len(plain)}


if __name__ == "__main__":
    main()
