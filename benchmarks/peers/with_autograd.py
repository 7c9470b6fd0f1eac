"""HIPS/autograd (Maclaurin et al. 2015): numpy functions of a list of weights, differentiated by `value_and_grad`."""

import math

import autograd.numpy as np
from autograd import value_and_grad
from autograd.scipy.signal import convolve
from autograd.scipy.special import erf, logsumexp

from benchmarks.workloads import given, gru as gru_workload

CANNOT = {
    "dcgan": "it has no transposed convolution, and its convolution no stride",
    "autoencoder": "it has no transposed convolution, and its convolution no stride",
    "resnet": "its convolution has no stride",
}


def mlp(batch=64, width=128):
    weights = given.weights([(width, 784), (width,), (10, width), (10,)])
    return training(perceptron, weights, given.normal(batch, 784), given.classes(10, batch), momentum(0.01))


def tiny_mlp(batch=16, width=32):
    weights = given.weights([(width, 64), (width,), (10, width), (10,)])
    return training(perceptron, weights, given.normal(batch, 64), given.classes(10, batch), adam())


def cnn(batch=64, width=32):
    shapes = [(width, 3, 3, 3), (width,), (2 * width, width, 3, 3), (2 * width,)]
    shapes += [(128, 2 * width * 64), (128,), (10, 128), (10,)]

    def loss(weights, x, y):
        w1, b1, w2, b2, *rest = weights
        x = pool(np.maximum(conv(x, w1, b1), 0))
        x = pool(np.maximum(conv(x, w2, b2), 0))
        return perceptron(rest, x.reshape(len(x), -1), y)

    x, y = given.normal(batch, 3, 32, 32), given.classes(10, batch)
    return training(loss, given.weights(shapes), x, y, momentum(0.001))


def lstm(batch=32, length=28, width=128):
    shapes = []
    for inputs in (1, width):
        shapes += [(4 * width, inputs), (4 * width, width), (4 * width,), (4 * width,)]
    shapes += [(10, width), (10,)]

    def loss(weights, x, y):
        xs = [x[:, time] for time in range(length)]
        for layer in range(2):
            w_ih, w_hh, b_ih, b_hh = weights[4 * layer : 4 * layer + 4]
            h = c = np.zeros((batch, width), np.float32)
            hs = []
            for x in xs:
                i, f, g, o = np.split(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                hs.append(h)
            xs = hs
        return cross_entropy(xs[-1] @ weights[-2].T + weights[-1], y)

    return training(loss, given.weights(shapes), given.normal(batch, length, 1), given.classes(10, batch), adam())


def gru(batch=64, length=100, width=64):
    shapes = [(3 * width, 2), (3 * width, width), (3 * width,), (3 * width,), (1, width), (1,)]

    def loss(weights, x, y):
        w_ih, w_hh, b_ih, b_hh, w, b = weights
        h = np.zeros((batch, width), np.float32)
        for time in range(length):
            r, z, n = np.split(x[:, time] @ w_ih.T + b_ih, 3, axis=1)
            r_h, z_h, n_h = np.split(h @ w_hh.T + b_hh, 3, axis=1)
            r, z = sigmoid(r + r_h), sigmoid(z + z_h)
            n = np.tanh(n + r * n_h)
            h = (1 - z) * n + z * h
        return np.mean(((h @ w.T + b)[:, 0] - y) ** 2)

    return training(loss, given.weights(shapes), *gru_workload.adding_problem(batch, length), adam(), clip=1.0)


def transformer(batch=16, length=64, width=128, depth=4, heads=4, characters=65):
    block = [(width,), (width,), (3 * width, width), (3 * width,), (width, width), (width,)]  # with both norms' biases
    block += [(4 * width, width), (4 * width,), (width, 4 * width), (width,)]
    ends = [(characters, width), (length, width)], [(width,), (characters, width), (characters,)]
    drawn = given.weights([*ends[0], *block * depth, *ends[1]])
    scales = [np.ones(width, np.float32) for _ in range(2 * depth + 1)]
    mask = np.where(np.tri(length, dtype=bool), 0, -np.inf).astype(np.float32)

    def loss(weights, x, y):
        scales = weights[: 2 * depth + 1]
        embedding, positions, *layers, bias, head, head_bias = weights[2 * depth + 1 :]
        x = embedding[x] + positions
        for number in range(depth):
            norm1, norm2, qkv, qkv_b, out, out_b, up, up_b, down, down_b = layers[10 * number : 10 * number + 10]
            normed = layer_norm(x, scales[2 * number], norm1)
            parts = np.transpose((normed @ qkv.T + qkv_b).reshape(batch, length, 3, heads, -1), (2, 0, 3, 1, 4))
            scores = parts[0] @ np.swapaxes(parts[1], 2, 3) * (heads / width) ** 0.5 + mask
            mixed = np.exp(scores - logsumexp(scores, axis=3, keepdims=True)) @ parts[2]
            x = x + np.swapaxes(mixed, 1, 2).reshape(batch, length, width) @ out.T + out_b
            hidden = layer_norm(x, scales[2 * number + 1], norm2) @ up.T + up_b
            x = x + (hidden * (1 + erf(hidden / math.sqrt(2))) / 2) @ down.T + down_b
        x = layer_norm(x, scales[-1], bias)
        return cross_entropy((x @ head.T + head_bias).reshape(-1, characters), y.reshape(-1))

    text = given.classes(characters, batch, length + 1)
    return training(loss, [*scales, *drawn], text[:, :-1], text[:, 1:], adam(0.0003, decay=0.01))


def chain(length=10_000):
    steps = length // 4
    dt = 1 / steps

    def loss(start):
        y, w = start
        for _ in range(steps):
            y = y + np.tanh(w - y) * dt
        return (y - 1) ** 2

    gradients = value_and_grad(loss)
    return lambda: gradients((-1.0, 2.0))[0]


def training(loss, weights, x, y, update, clip=None):
    """A step: the loss and its gradients, which `update` turns into new weights."""
    gradients_of = value_and_grad(loss)

    def train():
        value, gradients = gradients_of(weights, x, y)
        if clip:
            norm = math.sqrt(sum(float(np.sum(each**2)) for each in gradients))
            gradients = [each * min(1, clip / (norm + 1e-6)) for each in gradients]
        update(weights, gradients)
        return value

    return train


def momentum(lr, mass=0.9):
    velocities = []

    def update(weights, gradients):
        velocities[:] = [mass * v + g for v, g in zip(velocities, gradients)] or gradients
        weights[:] = [w - lr * v for w, v in zip(weights, velocities)]

    return update


def adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, decay=0):
    first, second, taken = [], [], 0

    def update(weights, gradients):
        nonlocal taken
        taken += 1
        for index, (w, g) in enumerate(zip(weights, gradients)):
            if taken == 1:
                first.append(0)
                second.append(0)
            first[index] = beta1 * first[index] + (1 - beta1) * g
            second[index] = beta2 * second[index] + (1 - beta2) * g**2
            step = first[index] / (1 - beta1**taken) / (np.sqrt(second[index] / (1 - beta2**taken)) + eps)
            weights[index] = w - lr * decay * w - lr * step

    return update


def perceptron(weights, x, y):
    w1, b1, w2, b2 = weights
    return cross_entropy(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2, y)


def cross_entropy(logits, labels):
    chosen = logits[np.arange(len(labels)), labels]
    return np.mean(logsumexp(logits, axis=1) - chosen)


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2) + 1)


def layer_norm(x, scale, bias):
    centered = x - np.mean(x, axis=-1, keepdims=True)
    return centered / np.sqrt(np.mean(centered**2, axis=-1, keepdims=True) + 1e-5) * scale + bias


def conv(x, weight, bias):
    """3 x 3, padded by 1. `convolve` turns its kernel round, as signal processing does."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    out = convolve(x, weight[:, :, ::-1, ::-1], axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
    return out + bias[:, None, None]


def pool(x):
    n, c, h, w = x.shape
    return np.max(np.max(x.reshape(n, c, h // 2, 2, w // 2, 2), axis=5), axis=3)
