#!/usr/bin/env python3
"""The same training as isoflop's, as one would write it with NumPy or PyTorch: what isoflop is timed against.

    reference.py numpy64 | numpy32 | torch   [--data FOLDER]

Reads commands from standard input, one a line, and answers each with a line of CSV, until the input ends:

    info                                    version and BLAS, in words
    train BATCH STEPS SEED INPUTS SIZE...   trains STEPS steps from new weights; answers wall,cpu seconds,last loss

Everything is done as well as its library's users would do it who do not write their own products: examples gathered by
an index list, forward and backward with whole-batch products, one thread. `numpy64` is the way of the program that
isoflop replaces: float64, gradients summed, plain descent. `torch` is eager PyTorch: nn.Linear, ReLU, CrossEntropyLoss,
SGD. relu, softmax and cross-entropy everywhere. The order's shuffle is timed, reading and building are not. Data: MNIST
in FOLDER, else random images with as many zeros as MNIST has.
"""
import argparse
import os
import sys
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  after the number of threads was set

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from idx import read_idx  # noqa: E402  it lies with the tests

EXAMPLES, PIXELS, CLASSES, RATE = 60000, 784, 10, 0.01


def examples(folder):
    images = labels = None
    if folder:
        images = read_idx(folder, "train-images-idx3-ubyte")
        labels = read_idx(folder, "train-labels-idx1-ubyte")
    if images is None or labels is None:
        generator = np.random.default_rng(1)
        images = generator.integers(1, 256, (EXAMPLES, PIXELS), dtype=np.uint8)
        images *= generator.random((EXAMPLES, PIXELS), dtype=np.float32) < 0.19
        labels = generator.integers(0, CLASSES, EXAMPLES)
    return images.reshape(len(images), -1), labels.astype(np.int64)


class Numpy:
    """Rows are examples: z = x W + b, h = max(z, 0)."""

    def __init__(self, images, labels, dtype):
        self.x = images.astype(dtype) / dtype(255)
        self.labels, self.dtype = labels, dtype

    def info(self):
        return "NumPy %s, %s" % (np.__version__, np.dtype(self.dtype).name)

    def build(self, sizes, seed):
        generator = np.random.default_rng(seed)
        self.weights = [(generator.standard_normal((i, o)) * (2 / i) ** 0.5).astype(self.dtype)
                        for i, o in zip(sizes, sizes[1:])]
        self.biases = [np.zeros(o, self.dtype) for o in sizes[1:]]

    def step(self, index):
        x, labels = self.x[index], self.labels[index]
        outputs = [x]
        for layer, (weights, bias) in enumerate(zip(self.weights, self.biases)):
            z = np.matmul(outputs[-1], weights)
            z += bias
            if layer + 1 < len(self.weights):
                np.maximum(z, 0, out=z)
            outputs.append(z)
        delta = outputs[-1]
        delta -= delta.max(axis=1, keepdims=True)
        np.exp(delta, out=delta)
        delta /= delta.sum(axis=1, keepdims=True)
        rows = np.arange(len(index))
        loss = -np.log(delta[rows, labels]).sum()
        delta[rows, labels] -= 1
        for layer in reversed(range(len(self.weights))):
            h, weights = outputs[layer], self.weights[layer]
            before = np.matmul(delta, weights.T) if layer else None
            gradient = np.matmul(h.T, delta)
            gradient *= RATE / len(index) if self.dtype is np.float32 else RATE
            weights -= gradient
            self.biases[layer] -= (RATE / len(index) if self.dtype is np.float32 else RATE) * delta.sum(axis=0)
            if layer:
                before *= h > 0
                delta = before
        return loss / len(index)

    @staticmethod
    def permutation(generator, n):
        return generator.permutation(n)


class Torch:
    def __init__(self, images, labels):
        import torch
        self.torch = torch
        torch.set_num_threads(1)
        self.x = torch.from_numpy(images.astype(np.float32)) / 255
        self.labels = torch.from_numpy(labels)

    def info(self):
        return "PyTorch %s, eager, %d thread" % (self.torch.__version__, self.torch.get_num_threads())

    def build(self, sizes, seed):
        nn = self.torch.nn
        self.torch.manual_seed(seed)
        layers = []
        for i, o in zip(sizes, sizes[1:]):
            layers += [nn.Linear(i, o), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = self.torch.optim.SGD(self.model.parameters(), lr=RATE)

    def step(self, index):
        loss = self.loss(self.model(self.x[index]), self.labels[index])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def permutation(self, generator, n):
        return self.torch.from_numpy(generator.permutation(n))


def train(trainer, batch, steps, seed, sizes):
    trainer.build(sizes, seed)
    generator = np.random.default_rng(seed)
    n = len(trainer.labels)
    start, cpu = time.perf_counter(), time.process_time()
    order, first = trainer.permutation(generator, n), 0
    for _ in range(steps):
        if first >= n:
            order, first = trainer.permutation(generator, n), 0
        loss = trainer.step(order[first:first + batch])
        first += batch
    loss = float(loss)
    return time.perf_counter() - start, time.process_time() - cpu, loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["numpy64", "numpy32", "torch"])
    parser.add_argument("--data")
    arguments = parser.parse_args()
    images, labels = examples(arguments.data)
    if arguments.kind == "torch":
        trainer = Torch(images, labels)
    else:
        trainer = Numpy(images, labels, np.float64 if arguments.kind == "numpy64" else np.float32)
    for line in sys.stdin:
        words = line.split()
        if words == ["info"]:
            print(trainer.info(), flush=True)
        elif words and words[0] == "train":
            numbers = [int(word) for word in words[1:]]
            print("%.6f,%.6f,%.6f" % train(trainer, numbers[0], numbers[1], numbers[2], numbers[3:]), flush=True)
        else:
            sys.exit("reference.py: %r is no command" % line)


if __name__ == "__main__":
    main()
