"""DeZero (Saito 2020), the engine of a book: layers and optimizers of its own on numpy."""

import numpy as np

if not hasattr(np, "int"):
    np.int = int  # DeZero 0.0.13 is older than numpy 1.24, which took this name away

import dezero.functions as F  # noqa: E402
import dezero.layers as L  # noqa: E402
from dezero import Model, Parameter, Variable  # noqa: E402
from dezero.models import MLP  # noqa: E402
from dezero.optimizers import Adam, ClipGrad, MomentumSGD, WeightDecay  # noqa: E402

from benchmarks.workloads import dcgan as dcgan_workload  # noqa: E402
from benchmarks.workloads import given  # noqa: E402
from benchmarks.workloads import gru as gru_workload  # noqa: E402

CANNOT = {"transformer": "its matmul takes matrices alone, no batches of them"}


def mlp(batch=64, width=128):
    model = perceptron(784, width)
    x, y = given.normal(batch, 784), given.classes(10, batch)
    return training(model, F.softmax_cross_entropy, MomentumSGD(0.01), x, y)


def tiny_mlp(batch=16, width=32):
    model = perceptron(64, width)
    return training(model, F.softmax_cross_entropy, Adam(), given.normal(batch, 64), given.classes(10, batch))


def perceptron(inputs, width):
    model = MLP((width, 10), activation=F.relu)
    set_weights(model.layers, [(width, inputs), (width,), (10, width), (10,)])
    return model


def cnn(batch=64, width=32):
    class CNN(Model):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = L.Conv2d(width, 3, pad=1), L.Conv2d(2 * width, 3, pad=1)
            self.fc1, self.fc2 = L.Linear(128), L.Linear(10)

        def forward(self, x):
            x = F.pooling(F.relu(self.conv1(x)), 2, 2)
            x = F.pooling(F.relu(self.conv2(x)), 2, 2)
            x = F.reshape(x, (len(x), -1))
            return self.fc2(F.relu(self.fc1(x)))

    model = CNN()
    shapes = [(width, 3, 3, 3), (width,), (2 * width, width, 3, 3), (2 * width,)]
    shapes += [(128, 128 * width), (128,), (10, 128), (10,)]
    set_weights([model.conv1, model.conv2, model.fc1, model.fc2], shapes)
    x, y = given.normal(batch, 3, 32, 32), given.classes(10, batch)
    return training(model, F.softmax_cross_entropy, MomentumSGD(0.001), x, y)


def lstm(batch=32, length=28, width=128):
    class Classifier(Model):
        def __init__(self):
            super().__init__()
            self.lstm1, self.lstm2, self.head = L.LSTM(width), L.LSTM(width), L.Linear(10)

        def forward(self, x):
            self.lstm1.reset_state()
            self.lstm2.reset_state()
            for time in range(length):
                h = self.lstm2(self.lstm1(x[:, time]))
            return self.head(h)

    model, shapes = Classifier(), []
    for inputs in (1, width):
        shapes += [(4 * width, inputs), (4 * width, width), (4 * width,), (4 * width,)]
    *drawn, head, _ = given.weights([*shapes, (10, width), (10,)])
    for layer, (from_x, from_h) in zip((model.lstm1, model.lstm2), (drawn[:2], drawn[4:6])):
        for gate, w_x, w_h in zip("ifuo", np.split(from_x, 4), np.split(from_h, 4)):
            getattr(layer, f"x2{gate}").W.data, getattr(layer, f"h2{gate}").W.data = w_x.T.copy(), w_h.T.copy()
    model.head.W.data = head.T.copy()
    return training(model, F.softmax_cross_entropy, Adam(), given.normal(batch, length, 1), given.classes(10, batch))


def gru(batch=64, length=100, width=64):
    class Adder(Model):
        def __init__(self):
            super().__init__()
            self.x2r, self.x2z, self.x2n = L.Linear(width), L.Linear(width), L.Linear(width)
            self.h2r, self.h2z, self.h2n = L.Linear(width), L.Linear(width), L.Linear(width)
            self.head = L.Linear(1)

        def forward(self, x):
            h = Variable(np.zeros((batch, width), np.float32))
            for time in range(length):
                now = x[:, time]
                r = F.sigmoid(self.x2r(now) + self.h2r(h))
                z = F.sigmoid(self.x2z(now) + self.h2z(h))
                n = F.tanh(self.x2n(now) + r * self.h2n(h))
                h = n + z * (h - n)
            return self.head(h)

    model = Adder()
    from_x, from_h, _, _, head, _ = given.weights(
        [(3 * width, 2), (3 * width, width), (3 * width,), (3 * width,), (1, width), (1,)])
    for gate, w_x, w_h in zip("rzn", np.split(from_x, 3), np.split(from_h, 3)):
        getattr(model, f"x2{gate}").W.data, getattr(model, f"h2{gate}").W.data = w_x.T.copy(), w_h.T.copy()
    model.head.W.data = head.T.copy()
    x, y = gru_workload.adding_problem(batch, length)
    return training(model, F.mean_squared_error, Adam(), x, y[:, None], ClipGrad(1.0))


def dcgan(batch=64, width=64):
    class Generator(Model):
        def __init__(self):
            super().__init__()
            self.fc, self.norm = L.Linear(2 * width * 49), L.BatchNorm()
            self.conv1, self.conv2 = L.Deconv2d(width, 4, 2, 1), L.Deconv2d(1, 4, 2, 1)

        def forward(self, x):
            x = F.reshape(F.relu(self.fc(x)), (batch, 2 * width, 7, 7))
            return F.tanh(self.conv2(F.relu(self.norm(self.conv1(x)))))

    class Discriminator(Model):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = L.Conv2d(width, 4, 2, 1), L.Conv2d(2 * width, 4, 2, 1)
            self.norm, self.fc = L.BatchNorm(), L.Linear(1)

        def forward(self, x):
            x = F.leaky_relu(self.conv1(x))
            x = F.leaky_relu(self.norm(self.conv2(x)))
            return self.fc(F.reshape(x, (batch, -1)))

    generator, discriminator = Generator(), Discriminator()
    noise_width = dcgan_workload.NOISE
    features, up, down = 2 * width * 49, (2 * width, width, 4, 4), (2 * width, width, 4, 4)
    shapes = [(features, noise_width), (features,), up, (width,), (width,), (width, 1, 4, 4), (1,)]
    set_weights([generator.fc, generator.conv1, None, generator.conv2], shapes)
    shapes = [(width, 1, 4, 4), (width,), down, (2 * width,), (2 * width,), (1, features), (1,)]
    set_weights([discriminator.conv1, discriminator.conv2, None, discriminator.fc], shapes)
    optimizer_g = Adam(0.0002, 0.5).setup(generator)
    optimizer_d = Adam(0.0002, 0.5).setup(discriminator)
    real, noise = given.normal(batch, 1, 28, 28), given.normal(batch, noise_width, seed=3)
    ones, zeros = np.ones((batch, 1), np.int64), np.zeros((batch, 1), np.int64)

    def train():
        drawn = generator(noise)
        loss_d = F.sigmoid_cross_entropy(discriminator(real), ones)
        loss_d = loss_d + F.sigmoid_cross_entropy(discriminator(Variable(drawn.data)), zeros)
        discriminator.cleargrads()
        loss_d.backward()
        optimizer_d.update()

        loss_g = F.sigmoid_cross_entropy(discriminator(drawn), ones)
        generator.cleargrads()
        loss_g.backward()
        optimizer_g.update()
        return loss_d.data + loss_g.data

    return train


def autoencoder(batch=64, width=16):
    class Autoencoder(Model):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = L.Conv2d(width, 3, 2, 1), L.Conv2d(2 * width, 3, 2, 1)
            self.W1, self.b1 = Parameter(None), Parameter(np.zeros(width, np.float32))
            self.W2, self.b2 = Parameter(None), Parameter(np.zeros(1, np.float32))

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = F.relu(F.deconv2d(x, self.W1, self.b1, 2, 1, outsize=(14, 14)))  # its layer has no outsize
            return F.sigmoid(F.deconv2d(x, self.W2, self.b2, 2, 1, outsize=(28, 28)))

    model = Autoencoder()
    narrow, wide = (width, 1, 3, 3), (2 * width, width, 3, 3)
    drawn = given.weights([narrow, (width,), wide, (2 * width,), wide, (width,), narrow, (1,)])
    model.conv1.W.data, model.conv2.W.data, model.W1.data, model.W2.data = drawn[::2]
    x = given.uniform(batch, 1, 28, 28)
    return training(model, mean_of_squares, Adam(), x, x)


def resnet(batch=32, width=16, depth=3):
    drawn = []  # convolutions and norms, in the order in which their weights are drawn

    def conv(outputs, size, stride=1):
        drawn.append(L.Conv2d(outputs, size, stride, size // 2, nobias=True))
        return drawn[-1]

    def norm():
        drawn.append(L.BatchNorm())
        return drawn[-1]

    class Block(L.Layer):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1, self.bn1, self.conv2, self.bn2 = conv(outputs, 3, stride), norm(), conv(outputs, 3), norm()
            self.projects = stride != 1 or inputs != outputs
            if self.projects:
                self.conv3, self.bn3 = conv(outputs, 1, stride), norm()

        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(out + (self.bn3(self.conv3(x)) if self.projects else x))

    class ResNet(Model):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = conv(width, 3), norm()
            self.blocks, inputs = [], width
            for outputs, first in ((width, 1), (2 * width, 2), (4 * width, 2)):
                for stride in (first, *[1] * (depth - 1)):
                    self.blocks.append(Block(inputs, outputs, stride))
                    setattr(self, f"block{len(self.blocks)}", self.blocks[-1])
                    inputs = outputs
            self.head = L.Linear(10)

        def forward(self, x):
            x = F.relu(self.bn(self.conv(x)))
            for block in self.blocks:
                x = block(x)
            return self.head(F.reshape(F.average_pooling(x, x.shape[2:]), (batch, -1)))

    model, shapes, inputs, outputs = ResNet(), [], 3, None
    for layer in drawn:
        if isinstance(layer, L.BatchNorm):
            shapes.append((outputs,))
        else:
            outputs, size = layer.out_channels, layer.kernel_size
            shapes.append((outputs, outputs // 2 if size == 1 else inputs, size, size))
            inputs = outputs
    set_weights([*drawn, model.head], [*shapes, (10, inputs), (10,)])
    x, y = given.normal(batch, 3, 32, 32), given.classes(10, batch)
    return training(model, F.softmax_cross_entropy, MomentumSGD(0.1), x, y, WeightDecay(0.0001))


def chain(length=10_000):
    x, w = Variable(np.array(-1.0)), Variable(np.array(2.0))
    steps = length // 4
    dt = 1 / steps

    def train():
        x.cleargrad()
        w.cleargrad()
        y = x
        for _ in range(steps):
            y = y + F.tanh(w - y) * dt
        loss = (y - 1) ** 2
        loss.backward()
        return loss.data

    return train


def training(model, criterion, optimizer, x, y, *hooks):
    optimizer.setup(model)
    for hook in hooks:
        optimizer.add_hook(hook)

    def train():
        loss = criterion(model(x), y)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss.data

    return train


def mean_of_squares(y, x):
    """DeZero's mean_squared_error divides by the batch alone."""
    return F.mean_squared_error(y, x) * (len(x) / x.size)


def set_weights(layers, shapes):
    """Draw arrays of `shapes` and give each layer its W; a bias, or a BatchNorm (also None), starts as it is."""
    arrays = iter(given.weights(shapes))
    for layer in layers:
        array = next(arrays)
        if layer is None or isinstance(layer, L.BatchNorm):
            continue
        layer.W.data = array.T.copy() if isinstance(layer, L.Linear) else array
        if layer.b is not None:
            next(arrays)
