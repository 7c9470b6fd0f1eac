"""Attention looks up in one step what a recurrent network has to carry along.

A sequence tells 12 pairs, each of a key and a value, in random order; then a key is asked for, and the answer is its value.
MultiheadAttention puts the question to all pairs at once and is right above 95 % of the time; a GRU with the same training
must keep all pairs in its state and stays far behind (8 values: guessing is right 12.5 % of the time).
"""

import engine as torch
from engine import nn, optim

KEYS, VALUES, WIDTH = 12, 8, 32


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.value, self.head = nn.Embedding(KEYS, WIDTH), nn.Embedding(VALUES, WIDTH), nn.Linear(WIDTH, VALUES)
        self.attention = nn.MultiheadAttention(WIDTH, num_heads=2, batch_first=True)

    def forward(self, keys, values, asked):
        found, weights = self.attention(self.key(asked).unsqueeze(1), self.key(keys), self.value(values))
        return self.head(found.squeeze(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.value, self.head = nn.Embedding(KEYS, WIDTH), nn.Embedding(VALUES, WIDTH), nn.Linear(WIDTH, VALUES)
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, keys, values, asked):
        steps = torch.cat([self.key(keys) + self.value(values), self.key(asked).unsqueeze(1)], dim=1)
        return self.head(self.gru(steps)[0][:, -1])


def questions(count):
    keys, values = torch.rand(count, KEYS).argsort(1), torch.randint(0, VALUES, (count, KEYS))
    asked = torch.arange(count), torch.randint(0, KEYS, (count,))
    return (keys, values, keys[asked]), values[asked]


def main(epochs=500, size=64, seed=0):
    figures, criterion = {}, nn.CrossEntropyLoss()
    for model_class in (Attending, Recurrent):
        torch.manual_seed(seed)
        optimizer = optim.Adam((model := model_class()).parameters(), lr=0.01)
        for epoch in range(epochs):
            asked, answers = questions(size)
            optimizer.zero_grad()
            criterion(model(*asked), answers).backward()
            optimizer.step()
        asked, answers = questions(1000)
        figures[model_class.__name__] = (model(*asked).argmax(1) == answers).float().mean().item()
    print({name: f"{right:.1%} right" for name, right in figures.items()})
    return figures


if __name__ == "__main__":
    main()
