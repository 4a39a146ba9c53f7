#!/usr/bin/env python3
"""make bench: how fast isoflop trains, against what a user would pick instead and against what the machine can do.

    tests/bench/bench.py [--full] [--rounds N] [--only TABLE,...] [--out FOLDER]

Run from the folder of the build, with ISOFLOP_PLUGIN_PATH set, as `make bench` does. Every table interleaves what it
compares, A B C A B C ..., and gives medians over rounds; ratios are medians of the ratios round by round. W1, W2 and W3
are 784-925-10, 784-64-10 and 784-512-512-10, W4 is 32 runs of W2; relu, softmax and cross-entropy, batches of 50, plain
descent at rate 0.01, seconds an epoch of 60,000 examples with shuffle and gather, start-up not. `cpu` is user and
system time, by which trials of one thread are compared: it leaves out what other programs on the machine take. Sweeps
are compared by the clock. Writes bench.csv and figures into FOLDER.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from measure import (BATCH, EXAMPLES, NETWORKS, Isoflop, Reference, Table, find_python, flops_per_example,  # noqa: E402
                     has_module, median, paired, products, sizes_of)

HERE = os.path.dirname(os.path.abspath(__file__))
OWN_PART = 2  # of isoflop's epochs on W1 and W3, halves in the quick form


class Bench:
    def __init__(self, arguments):
        self.full, self.rounds, self.out = arguments.full, arguments.rounds, arguments.out
        self.data = find_mnist()
        self.isoflop = Isoflop("./isoflop", self.data)
        self.backends = built_backends()
        self.peak = 0
        self.python = find_python()
        self.kinds = []
        if self.python:
            self.kinds = ["numpy64", "numpy32"] + ["torch"] * has_module(self.python, "torch")
        if not self.kinds:
            print("without the references: no Python with NumPy was found (Debian: python3-numpy, python3-torch)")
        elif "torch" not in self.kinds:
            print("without PyTorch, which is not installed (Debian: python3-torch)")

    def references(self, kinds):
        """Fresh ones for each network, as one would train it: PyTorch's second network in a process is up to 1.6 times
        as fast as its first, by what the C library's allocator has learnt."""
        return [Reference(os.path.join(HERE, "reference.py"), kind, self.data, self.python) for kind in kinds]

    def close(self):
        self.isoflop.close()

    # ---- The machine ----

    def machine(self):
        table = Table("machine", ["what", "value"], "What it is, and what one core can do, measured now.")
        table.row("processor", cpu_model())
        table.row("cores", str(os.cpu_count()))
        table.row("system", platform.platform())
        table.row("isoflop", subprocess.run(["./isoflop", "--version"], stdout=subprocess.PIPE,
                                            text=True).stdout.strip().split("\n")[0])
        for variable in ("OPENBLAS_CORETYPE", "ONEDNN_MAX_CPU_ISA"):
            if os.environ.get(variable):
                table.row(variable, os.environ[variable])
        table.row("data", "MNIST" if self.data else "drawn by isoflop's digits; random images for the references")
        for reference in self.references(self.kinds):
            table.row(reference.kind, reference.name)
            reference.close()
        for line in subprocess.run(["tests/bench/peak"], check=True, stdout=subprocess.PIPE,
                                   text=True).stdout.splitlines()[1:]:
            what, value, unit = line.split(",")
            table.row("%s, %s" % (what, unit), float(value))
            if what == "peak":
                self.peak = float(value)

    # ---- One trial, one thread ----

    def trainers(self):
        """Seconds of every trainer: {name: [(wall, cpu) a round]} and kernels, for one network."""
        for name, hidden in NETWORKS.items():
            self.one_network(name, hidden, BATCH)
        if self.full:
            self.one_network("W1", NETWORKS["W1"], 512)

    def one_network(self, name, hidden, batch):
        label = name if batch == BATCH else "%s, batch %d" % (name, batch)
        # In the quick form, parts of an epoch: of the references, whose start-up is not in their times, less.
        epoch, whole = EXAMPLES // batch, self.full or name == "W2"
        own, others = epoch // (1 if whole else OWN_PART), epoch // (1 if whole else 4)
        variants = self.variants()
        references = self.references(self.kinds)
        times = {key: [] for key in self.kinds + list(variants) + [b + " products" for b in self.backends]}
        kernels = {}
        for _ in range(self.rounds):
            for reference in references:
                seconds, cpu = reference.train(batch, others, sizes_of(name))
                times[reference.kind].append((seconds * epoch / others, cpu * epoch / others))
            for key, backend in variants.items():
                seconds, cpu = self.isoflop.train(hidden, backend, own, batch)
                times[key].append((seconds * epoch / own, cpu * epoch / own))
            for backend in self.backends:
                seconds, cpu, kernels[backend] = products(PRODUCTS, backend, sizes_of(name), own, batch)
                times[backend + " products"].append((seconds * epoch / own, cpu * epoch / own))
        for reference in references:
            reference.close()
        flops = flops_per_example(sizes_of(name)) * EXAMPLES
        table = Table("one trial, %s %s" % (label, "-".join(map(str, sizes_of(name)))),
                      ["trainer", "s/epoch", "cpu s", "GFLOP/s", "of peak", "/ numpy64", "/ torch", "/ products"],
                      "One thread; ratios of CPU time. GFLOP/s of the nominal products; peak: a core's, widest vectors.")
        for key, values in times.items():
            cpu = median([cpu for _, cpu in values])
            rate = flops / cpu / 1e9
            base = key.split(" ")[0] + " products"
            table.row(key if key not in kernels else "%s (%s)" % (key, kernels[key]),
                      median([wall for wall, _ in values]), cpu, rate, rate / self.peak,
                      self.ratio(times, key, "numpy64"), self.ratio(times, key, "torch"),
                      self.ratio(times, key, base) if base in times and key != base else None)

    def variants(self):
        """What a backend is called in a table, and in a recipe."""
        found = {}
        for backend in self.backends:
            if "skip_zeros" in self.backends[backend]:
                found[backend + " dense"] = {backend: {"skip_zeros": False}}
            found[backend] = backend
        return found

    @staticmethod
    def ratio(times, key, other, clock=1):
        """Of CPU seconds, or with clock 0 of wall seconds."""
        if other not in times or key == other:
            return None
        return paired([v[clock] for v in times[key]], [v[clock] for v in times[other]])

    # ---- A sweep ----

    def sweep(self):
        rounds, runs = self.rounds if self.full else 2, 32
        variants = self.variants()
        alone = list(variants) if self.full else list(variants)[-1:]  # also with one job
        pairs = [self.references([kind] * 2) for kind in self.kinds if kind != "numpy32"]
        times = {"%s, 2 processes" % first.kind: [] for first, _ in pairs}
        cases = [(key, jobs) for key in variants for jobs in (1, 2) if jobs == 2 or key in alone]
        times.update({jobs_name(key, jobs): [] for key, jobs in cases})
        shared = {key: ("%s, one order, 2 jobs" % key, "%s, trials together, 2 jobs" % key) for key in alone}
        times.update({name: [] for names in shared.values() for name in names})
        steps = EXAMPLES // BATCH
        for _ in range(rounds):
            for first, second in pairs:
                times["%s, 2 processes" % first.kind].append(two(first, second, runs, steps))
            for key, jobs in cases:
                recipe = self.isoflop.recipe(NETWORKS["W2"], variants[key], steps, seeds=list(range(runs)))
                times[jobs_name(key, jobs)].append(self.isoflop.run(recipe, "--jobs", str(jobs))[:2])
            for key, names in shared.items():
                for together, name in enumerate(names):
                    recipe = self.isoflop.recipe(NETWORKS["W2"], variants[key], steps, seeds={"init": runs},
                                                 train={"steps": steps, "batch": BATCH, "share_batches": bool(together)})
                    times[name].append(self.isoflop.run(recipe, "--jobs", "2")[:2])
        for pair in pairs:
            for reference in pair:
                reference.close()
        table = Table("a sweep, W4", ["trainer", "s", "cpu s", "/ numpy64", "/ torch", "1 job / 2", "cpu / alone"],
                      "32 runs of W2, an epoch each, on two cores. isoflop: the whole command. Trials together "
                      "(share_batches) see\nthe same order, and gather each minibatch once; their CPU time over that of "
                      "the same trials alone.")
        alone_of = {together: one for one, together in shared.values()}
        for key, values in times.items():
            one = key.replace("2 jobs", "1 job")
            table.row(key, median([wall for wall, _ in values]), median([cpu for _, cpu in values]),
                      self.ratio(times, key, "numpy64, 2 processes", 0), self.ratio(times, key, "torch, 2 processes", 0),
                      self.ratio(times, one, key, 0) if one in times else None,
                      self.ratio(times, key, alone_of[key]) if key in alone_of else None)

    # ---- Parts of a step ----

    def compare(self, name, caption, base, cases, backend):
        """Seconds of W1 with each case's changes, against those of `base`."""
        part = 1 if self.full else OWN_PART
        steps = EXAMPLES // BATCH // part
        times = {key: [] for key in cases}
        for _ in range(self.rounds):
            for key, changes in cases.items():
                seconds, cpu = self.isoflop.train(NETWORKS["W1"], backend, steps, **changes)
                times[key].append((seconds * part, cpu * part))
        table = Table("%s, %s" % (name, backend), ["what", "s/epoch", "cpu s", "/ " + base], caption)
        for key, values in times.items():
            table.row(key, median([wall for wall, _ in values]), median([cpu for _, cpu in values]),
                      self.ratio(times, key, base))

    def optimizers(self):
        for backend in self.fast_backends():
            self.compare("optimizers", "W1.", "sgd", {key: {"optimizer": key} for key in
                         ("sgd", "momentum", "adam", "adamw")}, backend)

    def activations(self):
        for backend in self.fast_backends():
            self.compare("activations", "W1.", "relu", {key: {"model": {"hidden": NETWORKS["W1"], "initializer": "he",
                         "activation": key}} for key in ("relu", "gelu", "silu", "tanh", "sigmoid")}, backend)

    def fast_backends(self):
        return [backend for backend in ("openblas", "native") if backend in self.backends]

    def elementwise(self):
        if os.path.exists("tests/bench/elementwise"):
            print("\nelementwise functions against a copy of the same arrays", flush=True)
            subprocess.run(["tests/bench/elementwise"], check=False)

    # ---- Around the steps ----

    def digits(self):
        """Fresh examples, against a table of the same."""
        steps, times = 600, {"fresh": [], "table": []}
        for _ in range(self.rounds):
            for key, dataset in (("fresh", {"digits": {"test_size": 1}}),
                                 ("table", {"digits": {"test_size": 1, "train_size": EXAMPLES}})):
                times[key].append(self.isoflop.train([16], "openblas", steps, dataset=dataset))
        times["drawing"] = [(a[0] - b[0], a[1] - b[1]) for a, b in zip(times["fresh"], times["table"])]
        table = Table("fresh digits", ["what", "µs/example", "cpu µs/example"],
                      "784-16-10: on a table of them, on examples drawn for each step, and the difference.")
        for key, values in times.items():
            table.row(key, *(1e6 * median([v[k] for v in values]) / steps / BATCH for k in (0, 1)))

    def start(self):
        table = Table("start and memory", ["what", "wall s", "cpu s", "MB, 1 job", "MB, 2 jobs", "MB a further"],
                      "W1. A run of one step, from the command to its end; proportional set size of all processes.")
        for backend in self.backends:
            one_step = self.isoflop.recipe(NETWORKS["W1"], backend, 1)
            self.isoflop.run(one_step, "--jobs", "1")  # the data are in the cache then
            runs = [self.isoflop.run(one_step, "--jobs", "1") for _ in range(2 * self.rounds)]
            memory = [self.isoflop.memory(self.isoflop.recipe(NETWORKS["W1"], backend, 300, seeds=list(range(jobs))),
                                          jobs) for jobs in (1, 2)]
            table.row(backend, median([run[0] for run in runs]), median([run[1] for run in runs]), *memory,
                      memory[1] - memory[0] if memory[0] and memory[1] else None)

    def overhead(self):
        """Tiny trials, and commands over a store of many."""
        trials = 10000 if self.full else 1000
        recipe = self.isoflop.recipe([1], "openblas", 10, seeds=list(range(trials)),
                                     dataset={"digits": {"train_size": 100, "test_size": 1, "classes": [0, 1]}},
                                     train={"steps": 10, "batch": 10}, measure={"every": {"steps": 1}, "splits": []})
        begin = time.perf_counter()
        out, process = self.isoflop.start(recipe)
        words = process.stderr.read()
        process.wait()
        if process.returncode:
            raise RuntimeError(words)
        wall = time.perf_counter() - begin
        table = Table("overhead", ["what", "value"], "%d trials of 10 steps, 11 points each." % trials)
        table.row("ms a trial", 1000 * wall / trials)
        for words in (["status"], ["table"], ["export", "--table", "trials", "--format", "csv"],
                      ["export", "--table", "points", "--format", "csv"]):
            begin = time.perf_counter()
            subprocess.run(["./isoflop", words[0], out] + words[1:], check=True, stdout=subprocess.DEVNULL)
            table.row(" ".join(words[:3]) + ", s", time.perf_counter() - begin)

    # ---- How cost grows ----

    def growth(self):
        """CPU seconds and memory against one size at a time."""
        cases = [("width", width, [width], BATCH) for width in (16, 64, 256, 1024)]
        if self.full:
            cases += [("width", width, [width], BATCH) for width in (2048, 4096, 8192)]
            cases += [("depth", depth, [256] * depth, BATCH) for depth in (1, 2, 4, 8, 16)]
            cases += [("batch", batch, [256], batch) for batch in (1, 4, 16, 64, 256, 1024, 4096)]
        table = Table("growth", ["backend", "of", "size", "cpu us/example", "GFLOP/s", "MB"],
                      "A trial of one network while one size grows; the others: width 256, depth 1, batch 50.")
        path = os.path.join(self.out, "growth.csv")
        with open(path, "w") as file:
            file.write("backend,of,size,us_per_example,gflops_per_second,megabytes\n")
            for backend in self.backends:
                for of, size, hidden, batch in cases:
                    flops = flops_per_example([784] + hidden + [10])
                    steps = max(10, min(3000, int(2e10 / flops / batch)))
                    values = [self.isoflop.train(hidden, backend, steps, batch)[1] for _ in range(self.rounds)]
                    memory = self.isoflop.memory(self.isoflop.recipe(hidden, backend, steps, batch), 1)
                    each = max(median(values), 1e-6) / steps / batch
                    table.show([backend, of, str(size), 1e6 * each, flops / each / 1e9, memory])
                    file.write("%s,%s,%d,%.6g,%.6g,%s\n" % (backend, of, size, 1e6 * each, flops / each / 1e9,
                                                            "" if memory is None else "%.6g" % memory))
        for of in sorted({case[0] for case in cases}):
            self.draw(path, of)
        if self.full:
            self.data_growth()

    def data_growth(self):
        """From 1,000 to a million examples of 100 inputs: reading them, an epoch over them, evaluating, exporting."""
        table = Table("growth of data", ["examples", "epoch us/example", "eval us/example", "run s", "MB"],
                      "power_law data, 100-64-100, an epoch; what an evaluation of all examples takes; the whole command.")
        for examples in (1000, 10000, 100000, 1000000):
            dataset = {"power_law": {"modes": 100, "train_size": examples, "test_size": 1}}
            changes = {"dataset": dataset, "loss": "mse", "model": {"hidden": [64]}, "train": {"epochs": 1}}
            wall, _, rows = self.isoflop.run(self.isoflop.recipe([64], "openblas", 1, **changes), "--jobs", "1")
            changes["measure"] = {"every": "epoch", "splits": [], "train_eval": True}
            longer, _, _ = self.isoflop.run(self.isoflop.recipe([64], "openblas", 1, **changes), "--jobs", "1")
            memory = self.isoflop.memory(self.isoflop.recipe([64], "openblas", 1, **changes), 1)
            # Evaluated twice, before the first step and after the last; of few examples it is lost in the start-up.
            evaluation = 1e6 * (longer - wall) / 2 / examples if examples >= 100000 else None
            table.row(str(examples), 1e6 * float(rows[0]["seconds"]) / examples, evaluation, wall, memory)

    def draw(self, path, of):
        part = os.path.join(self.out, "growth-%s.csv" % of)
        with open(path) as lines, open(part, "w") as file:
            header = next(lines)
            file.write(header)
            file.writelines(line for line in lines if line.split(",")[1] == of)
        for column in ("us_per_example", "gflops_per_second"):
            out = os.path.join(self.out, "growth-%s-%s.svg" % (of, column))
            subprocess.run(["./isoflop", "plot", part, "--x", "size", "--y", column, "--group", "backend", "--loglog",
                            "--out", out], check=True, stdout=subprocess.DEVNULL)
            print("  " + out)


def two(first, second, runs, steps):
    """A half of the runs in each of two processes at a time: wall seconds of all, CPU seconds of both."""
    begin = time.perf_counter()
    cpu = 0
    for run in range(runs // 2):
        for reference in (first, second):
            reference.tell("train %d %d %d %s" % (BATCH, steps, run, " ".join(map(str, sizes_of("W2")))))
        cpu += sum(float(reference.answer().split(",")[1]) for reference in (first, second))
    return time.perf_counter() - begin, cpu


def jobs_name(key, jobs):
    return "%s, %d job%s" % (key, jobs, "s" * (jobs > 1))


def cpu_model():
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        return "%s (family %s, model %s)" % (fields["model name"], fields["cpu family"], fields["model"])
    except (OSError, KeyError):
        return platform.processor() or "unknown"


def find_mnist():
    for folder in os.environ.get("ISOFLOP_DATA", "").split(":") + [os.path.expanduser("~/.local/share/isoflop")]:
        path = os.path.join(folder, "mnist")
        if folder and os.path.isdir(path):
            return path
    return None


def built_backends():
    """Every backend but the reference of the tests, the widely used first, and its parameters."""
    listed = json.loads(subprocess.run(["./isoflop", "plugins", "backend", "--format", "json"], check=True,
                                       stdout=subprocess.PIPE, text=True).stdout)
    parameters = {entry["name"]: [parameter["name"] for parameter in entry["parameters"]] for entry in listed}
    found = {name: parameters[name] for name in ("openblas", "onednn", "native") if name in parameters}
    if not found:
        sys.exit("bench.py: no backend was found; run make bench, or set ISOFLOP_PLUGIN_PATH")
    return found


PRODUCTS = "tests/bench/products"
TABLES = ["machine", "trainers", "sweep", "optimizers", "activations", "elementwise", "digits", "start", "overhead",
          "growth"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="whole epochs, 10,000 trials, and all of the growth tables")
    parser.add_argument("--rounds", type=int, help="of each comparison (default 3; 5 with --full)")
    parser.add_argument("--only", help="some of " + ", ".join(TABLES))
    parser.add_argument("--out", default="bench-results")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (5 if arguments.full else 3)
    wanted = arguments.only.split(",") if arguments.only else TABLES
    for name in wanted:
        if name not in TABLES:
            parser.error("there is no table %r; there are %s" % (name, ", ".join(TABLES)))
    os.makedirs(arguments.out, exist_ok=True)
    begin = time.perf_counter()
    bench = Bench(arguments)
    try:
        for name in ["machine"] + [name for name in wanted if name != "machine"]:
            getattr(bench, name)()
    finally:
        bench.close()
    path = os.path.join(arguments.out, "bench.csv")
    Table.write(path)
    print("\n%s; %.0f s in all" % (path, time.perf_counter() - begin))


if __name__ == "__main__":
    main()
