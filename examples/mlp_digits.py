"""A multilayer perceptron with one hidden layer of 128 reads handwritten digits.

On MNIST, if `root` has its 10,000 test pictures (MNIST/raw/t10k-...), of which 8,000 train the 784-128-10 network and 2,000
test it: about 94 % right after five epochs. Otherwise on scikit-learn's 1,797 digits of 8 x 8 with 64-128-10: about 95 %.
"""

import engine as torch
from engine import nn, optim
from engine.utils.data import DataLoader, TensorDataset, random_split
from engine.vision import datasets


class Net(nn.Module):
    def __init__(self, pixels):
        super().__init__()
        self.fc1 = nn.Linear(pixels, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(torch.flatten(x, 1))))


def digits(root):
    """Pictures, float between 0 and 1, and labels, as one TensorDataset."""
    try:
        parts = [datasets.MNIST(root, train=False)]
    except RuntimeError:  # MNIST is not there
        parts = [datasets.Digits(train=True), datasets.Digits(train=False)]
    images = torch.cat([torch.from_numpy(part.data.numpy()) for part in parts])
    labels = torch.cat([torch.from_numpy(part.targets.numpy()) for part in parts])
    return TensorDataset(images.float() / 255, labels)


def main(epochs=5, size=8000, seed=0, root="data"):
    torch.manual_seed(seed)
    data = digits(root)
    train, test = random_split(data, [0.8, 0.2])
    train = torch.utils.data.Subset(train, range(min(size, len(train))))
    net, criterion = Net(data.tensors[0][0].numel()), nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    for epoch in range(epochs):
        running_loss, loader = 0.0, DataLoader(train, batch_size=32, shuffle=True)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"epoch {epoch + 1}: loss {running_loss / len(loader):.4f}")
    net.eval()
    with torch.no_grad():
        right = sum((net(inputs).argmax(1) == labels).sum().item() for inputs, labels in DataLoader(test, batch_size=500))
    print(f"{net.fc1.in_features}-128-10 reads {right / len(test):.1%} of {len(test)} new digits")
    return {"accuracy": right / len(test)}


if __name__ == "__main__":
    main()
