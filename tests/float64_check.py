#!/usr/bin/env python3
"""Trains the same networks as isoflop, from the same initial weights, in float64 with NumPy, and compares final weights.

    tests/float64_check.py [--program ./isoflop] [--data FOLDER] [--seeds N]

784-64-32-10 on MNIST without shuffling, batch 50, rate times 0.9 each epoch. sigmoid and tanh, with both losses and both
reductions, must agree after two epochs within 1e-5 (norm of the difference over norm, each layer); relu and leaky_relu,
whose kinks amplify rounding, after 100 steps in the median of five seeds. Without NumPy, or without MNIST in FOLDER (or
ISOFLOP_DATA), it says so and ends with status 77, which `make check` counts as skipped.
"""
import argparse
import glob
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: there is no NumPy (Debian: apt-get install python3-numpy)")
    sys.exit(77)

sys.dont_write_bytecode = True
from idx import read_idx  # noqa: E402  it needs NumPy

HIDDEN = [64, 32]
BATCH = 50
LEAKY_SLOPE = 0.01
TOLERANCE = 1e-5


def read_mnist(folders):
    for folder in folders:
        for name in ("mnist", "MNIST"):
            images = read_idx(os.path.join(folder, name), "train-images-idx3-ubyte")
            labels = read_idx(os.path.join(folder, name), "train-labels-idx1-ubyte")
            if images is not None and labels is not None:
                return images.reshape(len(images), -1) / 255.0, labels.astype(np.int64)
    return None


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32"
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).astype(np.float64)
    return tensors


def activation(name, z):
    if name == "sigmoid":
        y = 1 / (1 + np.exp(-z))
        return y, y * (1 - y)
    if name == "tanh":
        y = np.tanh(z)
        return y, 1 - y * y
    slope = {"relu": 0.0, "leaky_relu": LEAKY_SLOPE}[name]
    return np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, slope)


def loss_gradient(name, raw, labels):
    """With respect to the raw outputs, for each example: cross-entropy of softmax, mean squared error of softmax with its
    true gradient, or with the report's, 2 (p - y)."""
    p = np.exp(raw - raw.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    residual = p.copy()
    residual[np.arange(len(labels)), labels] -= 1
    if name == "cross_entropy":
        return residual
    if "jacobian: false" in name:
        return 2 * residual
    d = 2 * residual / raw.shape[1]
    return p * (d - (d * p).sum(axis=1, keepdims=True))


def train(tensors, x, labels, kind, loss, reduction, rate, decay, epochs, steps=None):
    count = len(tensors) // 2
    weights = [tensors["layers.%d.weight" % l].copy() for l in range(count)]
    biases = [tensors["layers.%d.bias" % l].copy() for l in range(count)]
    step = 0
    for epoch in range(epochs):
        for first in range(0, len(x), BATCH):
            if step == steps:
                return weights, biases
            rows, targets = x[first:first + BATCH], labels[first:first + BATCH]
            inputs, slopes, h = [], [], rows
            for l in range(count):
                inputs.append(h)
                z = h @ weights[l].T + biases[l]
                if l + 1 < count:
                    h, slope = activation(kind, z)
                    slopes.append(slope)
            delta = loss_gradient(loss, z, targets)
            if reduction == "mean":
                delta /= len(rows)
            for l in reversed(range(count)):
                below = delta @ weights[l] * slopes[l - 1] if l else None
                weights[l] -= rate * decay ** epoch * (delta.T @ inputs[l])
                biases[l] -= rate * decay ** epoch * delta.sum(axis=0)
                delta = below
            step += 1
    return weights, biases


def differences(final, weights, biases):
    """Of each layer: weights, then biases."""
    out = []
    for l, (weight, bias) in enumerate(zip(weights, biases)):
        for name, value in (("weight", weight), ("bias", bias)):
            got = final["layers.%d.%s" % (l, name)]
            out.append(float(np.linalg.norm(got - value) / np.linalg.norm(value)))
    return out


def run(program, folder, kind, loss, reduction, rate, seed, steps):
    recipe = os.path.join(folder, "recipe.yaml")
    out = tempfile.mkdtemp(dir=folder)
    with open(recipe, "w") as file:
        file.write("""
name: float64-check
dataset: mnist
model:
  hidden: %s
  activation: %s
  initializer: %s
loss: %s
optimizer: sgd
schedule: {exponential: {rate: %g, decay: 0.9}}
train: {%s, batch: %d, shuffle: false, reduction: %s}
seeds: [%d]
checkpoint: [init, final]
""" % (HIDDEN, kind, "he" if "relu" in kind else "xavier", loss, rate, "steps: %d" % steps if steps else "epochs: 2",
            BATCH, reduction, seed))
    done = subprocess.run([program, "run", recipe, "--out", out, "--jobs", "1"], capture_output=True, text=True)
    if done.returncode:
        sys.exit("isoflop run failed:\n" + done.stderr)
    found = glob.glob(os.path.join(out, "checkpoints", "*", "init.safetensors"))
    assert len(found) == 1, "one trial, one initial checkpoint"
    return read_safetensors(found[0]), read_safetensors(found[0].replace("init.safetensors", "final.safetensors"))


def check(runner, x, labels, seeds):
    """Worst of the layers in each case; the number of cases beyond the tolerance."""
    bad = 0
    for kind in ("sigmoid", "tanh", "relu", "leaky_relu"):
        kinked = "relu" in kind
        for loss in ("cross_entropy", "mse", "{mse: {jacobian: false}}"):
            for reduction in ("sum", "mean"):
                rate = {"sum": 0.0004, "mean": 0.02}[reduction] if kinked else {"sum": 0.002, "mean": 0.1}[reduction]
                steps = 100 if kinked else None
                each = []
                for seed in range(5 if kinked else seeds):
                    init, final = runner(kind, loss, reduction, rate, seed, steps)
                    each.append(differences(final, *train(init, x, labels, kind, loss, reduction, rate, 0.9, 2, steps)))
                layers = [statistics.median(layer) for layer in zip(*each)] if kinked else [max(l) for l in zip(*each)]
                worst = max(layers[0::2])
                bad += worst > TOLERANCE
                print("%-10s %-24s %-4s  weights %s  biases %s  %s" % (
                    kind, loss, reduction, " ".join("%.1e" % v for v in layers[0::2]),
                    " ".join("%.1e" % v for v in layers[1::2]), "ok" if worst <= TOLERANCE else "TOO FAR"), flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description="compares training with NumPy in float64")
    parser.add_argument("--program", default="./isoflop")
    parser.add_argument("--data", default=os.environ.get("ISOFLOP_DATA", ""))
    parser.add_argument("--seeds", type=int, default=1, help="of sigmoid and tanh; the worst counts")
    arguments = parser.parse_args()
    mnist = read_mnist(arguments.data.split(":"))
    if mnist is None:
        print("skipped: there is no MNIST in --data or ISOFLOP_DATA")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        bad = check(lambda *case: run(os.path.abspath(arguments.program), folder, *case), *mnist, arguments.seeds)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
