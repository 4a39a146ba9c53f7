#!/usr/bin/env python3
"""The report's training in float64 with NumPy, apart from isoflop, and a comparison of the two.

    tests/paper_reference.py [--rows R1,R13] [--seeds N] [--program ./isoflop [--jobs N]] [--keep FILE]
    tests/paper_reference.py --rows R10 --replay [--set hidden=64] [--set gradient=1] [--set he=text] ...

Each row of recipes/paper/README.md that is compared is a list of cases below. A case is trained with seeds 0 to N - 1
and the fraction of test images that are right is printed. With --program the row's recipe is run, too (seeds 0 to
N - 1; its random numbers are others), and the two are compared: the means may differ by 0.3 points or four standard
errors of the difference, whichever is more. Where a run ends below 50 % the share of such runs (four standard errors,
pooled) and the median of the others (as above, with the standard error of a median) are compared in place of means.

--replay trains with the seed that the report prints, on NumPy's own stream as the report draws from it: seed, weights
layer by layer, one permutation an epoch. --set makes a variant of every case: hidden (64, or 32,32), activation,
gradient (1: p - y; 2: 2 (p - y)), he (code: deviation sqrt(2/n); text: 2/n), slope (of leaky ReLU, forward), decay,
epochs, rate. --keep FILE appends each result as a line of CSV and takes from it what is there already.

Without NumPy, or without the data, it says so and ends with status 77. Status 1: something differs too much.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: there is no NumPy (Debian: apt-get install python3-numpy)")
    sys.exit(77)

from idx import read_idx  # noqa: E402  it needs NumPy

BATCH = 50
LEAKY_BACKWARD = 0.005
BASE = {"dataset": "mnist", "hidden": "64", "activation": "relu", "initializer": "he", "he": "code", "gradient": 2,
        "rate": 0.01, "decay": 1.0, "epochs": 10, "slope": 0.0, "clip": 500.0}


def case(match, **settings):
    """match: the columns of isoflop's table of trials, and their values, that say which trials belong to the case."""
    return {**BASE, **settings}, match


def activation_cases(hidden, columns):
    return [case({"model.hidden": columns, "case": name},
                 hidden=hidden, activation=kind, initializer="normal")
            for kind, name in (("sigmoid", "sigmoid"), ("relu", "relu"), ("leaky", "leaky_relu"))]


# Row: recipe, its settings, the report's seed (none printed: none), cases.
ROWS = {
    "R1": ("activation", ["sweep.model.hidden=[[64]]"], None, activation_cases("64", "[64]")),
    "R2": ("activation", ["sweep.model.hidden=[[32, 32]]"], None, activation_cases("32,32", "[32,32]")),
    "R3": ("activation", ["sweep.model.hidden=[[600]]"], None, activation_cases("600", "[600]")),
    "R10": ("loss", [], 100, [
        case({"case": name, "train.epochs": str(epochs)}, hidden="400", gradient=gradient, epochs=epochs)
        for name, gradient in (("the report's mean", 2), ("cross-entropy", 1)) for epochs in (2, 6, 10)]),
    "R13": ("simple_mean", [], 100, [case({}, epochs=2, decay=0.9)]),
    "R13c": ("simple", [], 100, [case({}, epochs=2, decay=0.9, gradient=1)]),
    "R14": ("best_mnist", ["sweep.cases={784-128-10: {model.hidden: [128], train.epochs: 10}}"], 100,
            [case({}, hidden="128", gradient=1, decay=0.9, clip=9e9)]),
    "R14w": ("best_mnist", ["sweep.cases={784-925-10: {model.hidden: [925], train.epochs: 15}}"], 100,
             [case({}, hidden="925", gradient=1, decay=0.9, epochs=15, clip=9e9)]),
    "R15": ("best_fashion_mnist", ["sweep.model.hidden=[[128]]"], 104,
            [case({}, dataset="fashion_mnist", hidden="128", decay=0.9, epochs=30)]),
}
FOLDERS = {"mnist": ("mnist", "MNIST"), "fashion_mnist": ("fashion_mnist", "fashion-mnist", "FashionMNIST")}


# ---- Data ----
def read_data(folders, dataset):
    """Training images and labels, test images and labels; pixels / 255 in float64."""
    for folder in (os.path.join(place, name) for place in folders for name in FOLDERS[dataset]):
        found = [read_idx(folder, "%s-%s-ubyte" % (split, kind))
                 for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
        if all(part is not None for part in found):
            return [part.reshape(len(part), -1) / 255.0 if part.ndim == 3 else part.astype(np.int64) for part in found]
    print("skipped: there is no %s in --data or ISOFLOP_DATA" % dataset)
    sys.exit(77)


# ---- Training ----
def deviation(settings, fan_in):
    if settings["initializer"] == "normal":
        return 1.0
    return math.sqrt(2 / fan_in) if settings["he"] == "code" else 2 / fan_in


def forward(settings, weights, biases, x):
    """What enters each layer, and the probabilities: sums are clipped before they are activated."""
    inputs, clip = [x], settings["clip"]
    for layer, (weight, bias) in enumerate(zip(weights, biases)):
        z = np.clip(inputs[-1] @ weight + bias, -clip, clip)
        if layer + 1 == len(weights):
            z = np.exp(z)
            return inputs, z / z.sum(axis=1, keepdims=True)
        if settings["activation"] == "sigmoid":
            inputs.append(1 / (1 + np.exp(-z)))
        else:
            inputs.append(np.where(z > 0, z, (settings["slope"] if settings["activation"] == "leaky" else 0) * z))


def derivative(settings, y):
    if settings["activation"] == "sigmoid":
        return y * (1 - y)
    return np.where(y > 0, 1.0, LEAKY_BACKWARD if settings["activation"] == "leaky" else 0.0)


def accuracy(settings, weights, biases, x, labels):
    right = 0
    for first in range(0, len(x), 1000):
        _, shown = forward(settings, weights, biases, x[first:first + 1000])
        right += np.count_nonzero(np.argmax(shown, axis=1) == labels[first:first + 1000])
    return right / len(x)


def train(settings, data, seed, after):
    """Accuracy on the test images after each number of epochs in `after`."""
    x, labels, test_x, test_labels = data
    random = np.random.RandomState(seed)
    sizes = [x.shape[1]] + [int(width) for width in str(settings["hidden"]).split(",")] + [10]
    weights = [random.randn(n, m) * deviation(settings, n) for n, m in zip(sizes, sizes[1:])]
    biases = [np.zeros((1, m)) for m in sizes[1:]]
    rate, results = settings["rate"], {}
    for epoch in range(1, max(after) + 1):
        order = random.permutation(len(x))
        for first in range(0, len(x), BATCH):
            rows = order[first:first + BATCH]
            inputs, delta = forward(settings, weights, biases, x[rows])
            delta[np.arange(len(rows)), labels[rows]] -= 1
            delta *= settings["gradient"]
            for layer in reversed(range(len(weights))):
                below = delta @ weights[layer].T * derivative(settings, inputs[layer]) if layer else None
                weights[layer] -= rate * (inputs[layer].T @ delta)
                biases[layer] -= rate * delta.sum(axis=0, keepdims=True)
                delta = below
        rate *= settings["decay"]
        if epoch in after:
            results[epoch] = accuracy(settings, weights, biases, test_x, test_labels)
    return results


class Trainer:
    """Trains what is not known yet; remembers, also in a file."""

    def __init__(self, folders, path):
        self.folders, self.path, self.data, self.known = folders, path, {}, {}
        if path and os.path.exists(path):
            with open(path, newline="") as file:
                self.known = {row[0]: float(row[1]) for row in csv.reader(file)}

    def key(self, settings, seed):
        return json.dumps([seed, {name: str(settings[name]) for name in sorted(settings)}])

    def images(self, dataset):
        if dataset not in self.data:
            self.data[dataset] = read_data(self.folders, dataset)
        return self.data[dataset]

    def run(self, settings, seed, after):
        wanted = {epochs: self.key({**settings, "epochs": epochs}, seed) for epochs in after}
        if not all(key in self.known for key in wanted.values()):
            with np.errstate(all="ignore"):   # overflow is part of what the report does
                results = train(settings, self.images(settings["dataset"]), seed, after)
            for epochs, key in wanted.items():
                self.known[key] = results[epochs]
                if self.path:
                    with open(self.path, "a", newline="") as file:
                        csv.writer(file).writerow([key, results[epochs]])
        return self.known[wanted[settings["epochs"]]]


# ---- isoflop ----
def run_isoflop(program, row, seeds, jobs, folder):
    recipe, settings, _, _ = ROWS[row]
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recipes", "paper", recipe + ".yaml")
    out = os.path.join(folder, row)
    command = [program, "run", source, "--out", out, "--jobs", str(jobs), "--no-figures", "--set", "seeds=%d" % seeds]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("isoflop run failed:\n" + done.stderr)
    table = subprocess.run([program, "export", out, "--table", "trials", "--format", "csv"],
                           capture_output=True, text=True, check=True)
    return list(csv.DictReader(table.stdout.splitlines()))


def spread(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0


def verdict(ours, reference):
    """Both in percent. Returns a text that ends in `agree` or `DIFFER`."""
    stood = [[value for value in values if value >= 50] for values in (ours, reference)]
    text, good = "", True
    if min(ours + reference) < 50:
        shares = [1 - len(some) / len(values) for some, values in zip(stood, (ours, reference))]
        pooled = (shares[0] * len(ours) + shares[1] * len(reference)) / (len(ours) + len(reference))
        error = math.sqrt(pooled * (1 - pooled) * (1 / len(ours) + 1 / len(reference)))
        good = abs(shares[0] - shares[1]) <= 4 * error
        text = "collapsed %.0f %% and %.0f %%" % (100 * shares[0], 100 * shares[1])
        middle, widening, name = statistics.median, math.sqrt(math.pi / 2), "medians of the others"
    else:
        middle, widening, name = statistics.mean, 1.0, "means"
    if all(stood):
        error = widening * math.hypot(*(spread(values) / math.sqrt(len(values)) for values in stood))
        difference = middle(stood[0]) - middle(stood[1])
        good = good and abs(difference) <= max(0.3, 4 * error)
        text += "%s%s differ by %+.2f (error %.2f)" % ("; " if text else "", name, difference, error)
    return text + (": agree" if good else ": DIFFER")


# ---- The command ----
def show(values):
    low = sum(value < 50 for value in values)
    return "%.2f +- %.2f (%d)%s" % (statistics.mean(values), spread(values), len(values),
                                    " %d below 50" % low if low else "")


def main():
    parser = argparse.ArgumentParser(description="the report's training in float64, and isoflop beside it")
    parser.add_argument("--rows", default="R1,R2,R3,R10,R13,R13c,R14,R14w,R15")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--replay", action="store_true", help="the report's printed seed instead")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--program", help="isoflop, to compare with")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", help="a CSV file of results")
    parser.add_argument("--data", default=os.environ.get("ISOFLOP_DATA", ""))
    arguments = parser.parse_args()
    variant = {}
    for setting in arguments.set:
        name, _, value = setting.partition("=")
        if name not in BASE or not value:
            parser.error("--set takes NAME=VALUE of %s" % ", ".join(BASE))
        variant[name] = type(BASE[name])(value)
    rows = arguments.rows.split(",")
    for row in rows:
        if row not in ROWS or (arguments.replay and ROWS[row][2] is None):
            parser.error("row %s is none of %s" % (row, ", ".join(
                name for name in ROWS if not arguments.replay or ROWS[name][2] is not None)))
    if arguments.program and (variant or arguments.replay):
        parser.error("--program compares the rows as they are: without --set and --replay")
    trainer = Trainer(arguments.data.split(":"), arguments.keep)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            seeds = [ROWS[row][2]] if arguments.replay else range(arguments.seeds)
            cases = [({**settings, **variant}, match) for settings, match in ROWS[row][3]]
            trials = None
            if arguments.program:
                trainer.images(cases[0][0]["dataset"])   # without them this skips, before isoflop fails
                trials = run_isoflop(os.path.abspath(arguments.program), row, arguments.seeds, arguments.jobs, folder)
            for settings, match in cases:
                # Cases that differ in epochs alone are one run, looked at several times.
                alike = {**settings, "epochs": 0}
                after = {other["epochs"] for other, _ in cases if {**other, "epochs": 0} == alike}
                reference = [100 * trainer.run(settings, seed, after) for seed in seeds]
                name = "%-5s %-6s %-8s gradient %d, %2d epochs:" % (
                    row, settings["hidden"], settings["activation"], settings["gradient"], settings["epochs"])
                if trials is None:
                    print(name, show(reference), flush=True)
                    continue
                # A loss that is not finite at the end leaves the accuracy empty: such a run counts as collapsed.
                ours = [100 * float(trial["test.accuracy"] or 0)
                        for trial in trials if all(trial[name] == value for name, value in match.items())]
                if len(ours) != len(reference):
                    sys.exit("%s: %d trials of isoflop, not %d" % (name, len(ours), len(reference)))
                told = verdict(ours, reference)
                bad += told.endswith("DIFFER")
                print(name, "isoflop", show(ours), "reference", show(reference), told, flush=True)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
