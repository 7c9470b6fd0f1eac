"""Character transformer, width 128, 4 heads, 4 layers, context 64, batch 16, AdamW."""

from benchmarks.workloads import given

CHARACTERS, HEADS = 65, 4


def step(torch, batch=16, length=64, width=128, depth=4, device="cpu"):
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

        def attention(self, x):
            batch, length, width = x.shape
            parts = self.qkv(x).split(width, dim=2)
            q, k, v = [each.view(batch, length, HEADS, width // HEADS).transpose(1, 2) for each in parts]
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(mixed.transpose(1, 2).reshape(batch, length, width))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.characters, self.positions = nn.Embedding(CHARACTERS, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CHARACTERS)

        def forward(self, text):
            positions = torch.arange(text.shape[1], device=text.device)
            x = self.characters(text) + self.positions(positions)
            return self.head(self.norm(self.blocks(x)))

    model = given.start(torch, Transformer()).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0003)
    text = torch.from_numpy(given.classes(CHARACTERS, batch, length + 1)).to(device)
    x, y = text[:, :-1], text[:, 1:]

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).reshape(-1, CHARACTERS), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return train
