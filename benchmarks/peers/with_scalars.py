"""Numbers as micrograd has them (Karpathy 2020): each one a Python object that knows how its gradient goes back."""

import math

from benchmarks.workloads import given

CANNOT = dict.fromkeys(
    ("mlp", "cnn", "lstm", "dcgan", "transformer", "autoencoder", "resnet", "gru"),
    "one Python object a number: millions of them a step",
)


class Value:
    def __init__(self, data, parents=(), backward=lambda: None):
        self.data, self.grad, self.parents, self.pull = data, 0.0, parents, backward

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def pull():
            self.grad += out.grad
            other.grad += out.grad

        out.pull = pull
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def pull():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.pull = pull
        return out

    def function(self, result, slope):
        """A function of one number, given its result and its slope."""
        out = Value(result, (self,))

        def pull():
            self.grad += slope * out.grad

        out.pull = pull
        return out

    def tanh(self):
        t = math.tanh(self.data)
        return self.function(t, 1 - t * t)

    def relu(self):
        return self.function(max(self.data, 0.0), float(self.data > 0))

    def exp(self):
        e = math.exp(self.data)
        return self.function(e, e)

    def log(self):
        return self.function(math.log(self.data), 1 / self.data)

    def __sub__(self, other):
        return self + other * -1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        """Each value after all that were made of it; without recursion, which a long chain would exhaust."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, ready = stack.pop()
            if ready:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack += [(parent, False) for parent in value.parents]
        self.grad = 1.0
        for value in reversed(order):
            value.pull()


def chain(length=10_000):
    x, w = Value(-1.0), Value(2.0)
    steps = length // 4
    dt = 1 / steps

    def train():
        x.grad = w.grad = 0.0
        y = x
        for _ in range(steps):
            y = y + (w - y).tanh() * dt
        off = y - 1
        loss = off * off
        loss.backward()
        return loss.data

    return train


def tiny_mlp(batch=16, width=32):
    shapes = [(width, 64), (width,), (10, width), (10,)]
    w1, b1, w2, b2 = layers = [numbers(array) for array in given.weights(shapes)]
    parameters = [each for layer in layers for row in layer for each in (row if isinstance(row, list) else [row])]
    moments = [(0.0, 0.0)] * len(parameters)
    inputs, labels = given.normal(batch, 64).tolist(), given.classes(10, batch).tolist()
    taken = 0

    def train():
        nonlocal taken, moments
        taken += 1
        for each in parameters:
            each.grad = 0.0
        hidden = [[each.relu() for each in linear(w1, b1, x)] for x in inputs]
        losses = [cross_entropy(linear(w2, b2, h), y) for h, y in zip(hidden, labels)]
        loss = sum(losses, Value(0.0)) * (1 / batch)
        loss.backward()
        moments = [adam(each, *moment, taken) for each, moment in zip(parameters, moments)]
        return loss.data

    return train


def numbers(array):
    """A list of Values, or of lists of them."""
    rows = array.tolist()
    return [[Value(number) for number in row] if array.ndim == 2 else Value(row) for row in rows]


def linear(weights, biases, x):
    return [sum((w * each for w, each in zip(row, x)), bias) for row, bias in zip(weights, biases)]


def cross_entropy(logits, label):
    most = max(each.data for each in logits)
    return sum(((each - most).exp() for each in logits), Value(0.0)).log() + most - logits[label]


def adam(parameter, first, second, taken, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    first = beta1 * first + (1 - beta1) * parameter.grad
    second = beta2 * second + (1 - beta2) * parameter.grad**2
    parameter.data -= lr * first / (1 - beta1**taken) / (math.sqrt(second / (1 - beta2**taken)) + eps)
    return first, second
