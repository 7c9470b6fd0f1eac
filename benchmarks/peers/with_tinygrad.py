"""tinygrad on the CPU: a training step recorded once by TinyJit and run again as compiled kernels. It needs clang."""

from tinygrad import Context, Tensor, TinyJit, nn

from benchmarks.workloads import dcgan as dcgan_workload
from benchmarks.workloads import given
from benchmarks.workloads import gru as gru_workload

CANNOT = {"chain": "it compiles it as one kernel: 22 s for 800 operations, and each doubling takes three times as long"}


def mlp(batch=64, width=128):
    model = [nn.Linear(784, width), Tensor.relu, nn.Linear(width, 10)]
    optimizer = nn.optim.SGD(start(model), lr=0.01, momentum=0.9)
    return classifying(model, optimizer, given.normal(batch, 784), given.classes(10, batch))


def tiny_mlp(batch=16, width=32):
    model = [nn.Linear(64, width), Tensor.relu, nn.Linear(width, 10)]
    return classifying(model, nn.optim.Adam(start(model)), given.normal(batch, 64), given.classes(10, batch))


def cnn(batch=64, width=32):
    model = [
        nn.Conv2d(3, width, 3, padding=1), Tensor.relu, Tensor.max_pool2d,
        nn.Conv2d(width, 2 * width, 3, padding=1), Tensor.relu, Tensor.max_pool2d,
        lambda x: x.flatten(1), nn.Linear(128 * width, 128), Tensor.relu, nn.Linear(128, 10)]
    optimizer = nn.optim.SGD(start(model), lr=0.001, momentum=0.9)
    return classifying(model, optimizer, given.normal(batch, 3, 32, 32), given.classes(10, batch))


def lstm(batch=32, length=28, width=128):
    class Cell:  # tinygrad's own LSTMCell did not finish compiling within a minute, even for a length of 2
        def __init__(self, inputs):
            self.weight_ih, self.weight_hh = Tensor.zeros(4 * width, inputs), Tensor.zeros(4 * width, width)
            self.bias_ih, self.bias_hh = Tensor.zeros(4 * width), Tensor.zeros(4 * width)

        def __call__(self, x, h, c):
            gates = x.linear(self.weight_ih.T, self.bias_ih) + h.linear(self.weight_hh.T, self.bias_hh)
            i, f, g, o = gates.contiguous().chunk(4, dim=1)
            c = (f.sigmoid() * c + i.sigmoid() * g.tanh()).contiguous()
            return (o.sigmoid() * c.tanh()).contiguous(), c

    class Classifier:
        def __init__(self):
            self.cell1, self.cell2, self.head = Cell(1), Cell(width), nn.Linear(width, 10)

        def __call__(self, x):
            one = two = (Tensor.zeros(batch, width).contiguous(),) * 2
            for time in range(length):
                one = self.cell1(x[:, time], *one)
                two = self.cell2(one[0], *two)
            return self.head(two[0])

    model = Classifier()
    optimizer, x, y = nn.optim.Adam(start(model)), given.normal(batch, length, 1), given.classes(10, batch)
    return training(optimizer, lambda x, y: model(x).sparse_categorical_crossentropy(y), x, y)


def gru(batch=64, length=100, width=64):
    class Adder:
        def __init__(self):
            self.weight_ih, self.weight_hh = Tensor.zeros(3 * width, 2), Tensor.zeros(3 * width, width)
            self.bias_ih, self.bias_hh = Tensor.zeros(3 * width), Tensor.zeros(3 * width)
            self.head = nn.Linear(width, 1)

        def __call__(self, x):
            h = Tensor.zeros(batch, width)
            for time in range(length):
                r, z, n = x[:, time].linear(self.weight_ih.T, self.bias_ih).chunk(3, dim=1)
                r_h, z_h, n_h = h.linear(self.weight_hh.T, self.bias_hh).chunk(3, dim=1)
                r, z = (r + r_h).sigmoid(), (z + z_h).sigmoid()
                n = (n + r * n_h).tanh()
                h = ((1 - z) * n + z * h).contiguous()
            return self.head(h).squeeze(1)

    model = Adder()
    optimizer = nn.optim.Adam(start(model))
    x, y = gru_workload.adding_problem(batch, length)
    return training(optimizer, lambda x, y: (model(x) - y).square().mean(), x, y, clip=1.0)


def dcgan(batch=64, width=64):
    generator = [
        nn.Linear(dcgan_workload.NOISE, 2 * width * 49), Tensor.relu, lambda x: x.reshape(batch, 2 * width, 7, 7),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.BatchNorm(width), Tensor.relu,
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1), Tensor.tanh]
    discriminator = [
        nn.Conv2d(1, width, 4, stride=2, padding=1), lambda x: x.leaky_relu(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.BatchNorm(2 * width), lambda x: x.leaky_relu(0.2),
        lambda x: x.flatten(1), nn.Linear(2 * width * 49, 1)]
    optimizer_g = nn.optim.Adam(start(generator), lr=0.0002, b1=0.5)
    optimizer_d = nn.optim.Adam(start(discriminator), lr=0.0002, b1=0.5)
    real, noise = Tensor(given.normal(batch, 1, 28, 28)), Tensor(given.normal(batch, dcgan_workload.NOISE, seed=3))

    @TinyJit
    @Context(TRAINING=1)
    def train():
        drawn = noise.sequential(generator)
        optimizer_d.zero_grad()
        loss_d = criterion(real.sequential(discriminator), 1) + criterion(drawn.detach().sequential(discriminator), 0)
        loss_d.backward()
        loss_d.realize(*optimizer_d.schedule_step())  # before the step changes the weights that it is computed from

        optimizer_g.zero_grad()
        loss_g = criterion(drawn.sequential(discriminator), 1)
        loss_g.backward()
        loss_g.realize(*optimizer_g.schedule_step())
        return (loss_d.detach() + loss_g.detach()).realize()

    def criterion(logits, target):
        return logits.binary_crossentropy_logits(Tensor.full((batch, 1), float(target)))

    return train


def transformer(batch=16, length=64, width=128, depth=4, heads=4, characters=65):
    class Block:
        def __init__(self):
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def __call__(self, x):
            parts = self.qkv(self.norm1(x)).chunk(3, dim=2)
            q, k, v = [each.reshape(batch, length, heads, -1).transpose(1, 2) for each in parts]
            mixed = q.scaled_dot_product_attention(k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
            hidden = self.up(self.norm2(x))
            return x + self.down(hidden * (1 + (hidden / 2**0.5).erf()) / 2)

    class Transformer:
        def __init__(self):
            self.characters, self.positions = nn.Embedding(characters, width), nn.Embedding(length, width)
            self.blocks = [Block() for _ in range(depth)]
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

        def __call__(self, text):
            x = self.characters(text) + self.positions(Tensor.arange(length))
            return self.head(self.norm(x.sequential(self.blocks)))

    model = Transformer()
    optimizer = nn.optim.AdamW(start(model), lr=0.0003)
    text = given.classes(characters, batch, length + 1)
    return training(optimizer, lambda x, y: model(x).sparse_categorical_crossentropy(y), text[:, :-1], text[:, 1:])


def autoencoder(batch=64, width=16):
    model = [
        nn.Conv2d(1, width, 3, stride=2, padding=1), Tensor.relu,
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), Tensor.relu,
        nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1), Tensor.relu,
        nn.ConvTranspose2d(width, 1, 3, stride=2, padding=1, output_padding=1), Tensor.sigmoid]
    x = given.uniform(batch, 1, 28, 28)
    return training(nn.optim.Adam(start(model)), lambda x, y: (x.sequential(model) - y).square().mean(), x, x)


def resnet(batch=32, width=16, depth=3):
    class Block:
        def __init__(self, inputs, outputs, stride):
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm(outputs)
            self.shortcut = []
            if stride != 1 or inputs != outputs:
                self.shortcut = [nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm(outputs)]

        def __call__(self, x):
            out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            return (out + x.sequential(self.shortcut)).relu()

    model, inputs = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm(width), Tensor.relu], width
    for outputs, first in ((width, 1), (2 * width, 2), (4 * width, 2)):
        for stride in (first, *[1] * (depth - 1)):
            model.append(Block(inputs, outputs, stride))
            inputs = outputs
    model += [lambda x: x.mean((2, 3)), nn.Linear(inputs, 10)]
    optimizer = nn.optim.SGD(start(model), lr=0.1, momentum=0.9, weight_decay=0.0001)
    return classifying(model, optimizer, given.normal(batch, 3, 32, 32), given.classes(10, batch))


def classifying(model, optimizer, x, y):
    return training(optimizer, lambda x, y: x.sequential(model).sparse_categorical_crossentropy(y), x, y)


def training(optimizer, loss_of, x, y, clip=None):
    x, y = Tensor(x).realize(), Tensor(y).realize()

    @TinyJit
    @Context(TRAINING=1)
    def train():
        optimizer.zero_grad()
        loss = loss_of(x, y).backward()
        if clip:
            norm = sum(each.grad.square().sum() for each in optimizer.params).sqrt()
            for each in optimizer.params:
                each.grad = each.grad * (clip / (norm + 1e-6)).minimum(1)
        return loss.realize(*optimizer.schedule_step())

    return train


def start(model):
    """Give `model` the weights of the workloads; returns all its tensors."""
    state = nn.state.get_state_dict(model)
    chosen = [tensor for name, tensor in state.items() if tensor.ndim > 1 or "bias" in name]
    for tensor, array in zip(chosen, given.weights([tensor.shape for tensor in chosen])):
        tensor.replace(Tensor(array)).realize()
    return list(state.values())
