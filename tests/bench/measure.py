"""What bench.py measures with: programs run and timed, medians and pairs, tables printed and kept as CSV."""
import csv
import glob
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BATCH = 50
NETWORKS = {"W1": [925], "W2": [64], "W3": [512, 512]}  # hidden sizes; 784 inputs, 10 outputs
EXAMPLES = 60000


def sizes_of(name):
    return [784] + NETWORKS[name] + [10]


def flops_per_example(sizes):
    """Of the products: forward and weight gradients of each layer, input gradients of each but the first."""
    weights = [i * o for i, o in zip(sizes, sizes[1:])]
    return 4 * sum(weights) + 2 * sum(weights[1:])


class Table:
    """Rows of numbers that are printed as they come, and kept for the CSV."""
    kept = []

    def __init__(self, name, columns, caption):
        self.name, self.columns = name, columns
        print("\n%s\n%s" % (name, caption))
        self.show(columns)

    def show(self, cells):
        texts = [cell if isinstance(cell, str) else "" if cell is None else "%.4g" % cell for cell in cells]
        print("  " + "".join(text.ljust(26) if k == 0 else text.rjust(15) for k, text in enumerate(texts)), flush=True)

    def row(self, *cells):
        self.show(cells)
        for column, cell in zip(self.columns[1:], cells[1:]):
            if cell is not None:
                Table.kept.append((self.name, cells[0], column, cell))

    @staticmethod
    def write(path):
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["table", "what", "quantity", "value"])
            writer.writerows(Table.kept)


def median(values):
    return statistics.median(values) if values else None


def paired(values, others):
    """Median of the ratios round by round: the machine's speed drifts, neighbours in time share it."""
    return median([a / b for a, b in zip(values, others)])


class Reference:
    """A reference trainer, kept running between its turns so that start-up and reading are not timed."""

    def __init__(self, script, kind, data, python):
        self.kind = kind
        command = [python, script, kind] + (["--data", data] if data else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.name = self.ask("info")

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError("the reference %s ended" % self.kind)
        return line

    def ask(self, command):
        self.tell(command)
        return self.answer()

    def train(self, batch, steps, sizes, seed=1):
        words = ["train", batch, steps, seed] + sizes
        wall, cpu, _ = self.ask(" ".join(map(str, words))).split(",")
        return float(wall), float(cpu)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Isoflop:
    """The program under test, in a folder of its own."""

    def __init__(self, program, data):
        self.program, self.data = program, data
        self.folder = tempfile.mkdtemp(prefix="isoflop-bench-")
        self.count = 0

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def dataset(self, **options):
        """MNIST, or as many examples of the same shape that the program draws; options every data set takes."""
        if self.data:
            return {"mnist": options}
        return {"digits": dict({"train_size": EXAMPLES}, **options)}

    def recipe(self, hidden, backend, steps, batch=BATCH, **more):
        """One trial that measures as little as it may."""
        recipe = {"name": "bench", "dataset": self.dataset(test_size=1), "model": {"hidden": hidden, "activation":
                  "relu", "initializer": "he"}, "loss": "cross_entropy", "optimizer": "sgd",
                  "schedule": {"constant": {"rate": 0.01}}, "backend": backend,
                  "train": {"steps": steps, "batch": batch}, "seeds": [1],
                  "measure": {"every": "epoch", "splits": []}}
        for path, value in more.items():
            if value is None:
                recipe.pop(path, None)
            else:
                recipe[path] = value
        return recipe

    def start(self, recipe, *options):
        self.count += 1
        out = os.path.join(self.folder, "run%d" % self.count)
        path = out + ".yaml"
        with open(path, "w") as file:
            json.dump(recipe, file)  # JSON is YAML
        command = [self.program, "run", path, "--out", out, "--threads", "1"] + list(options)
        return out, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def run(self, recipe, *options):
        """Wall and CPU seconds of the whole command, and the rows of its trials."""
        begin = time.perf_counter()
        out, process = self.start(recipe, *options)
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError("%s run failed: %s" % (self.program, words.strip()))
        rows = self.rows(out)
        shutil.rmtree(out, ignore_errors=True)
        return wall, usage.ru_utime + usage.ru_stime, rows

    def rows(self, out):
        text = subprocess.run([self.program, "export", out, "--table", "trials", "--format", "csv"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        return list(csv.DictReader(io.StringIO(text)))

    def train(self, hidden, backend, steps, batch=BATCH, **more):
        """Wall and CPU seconds of training: of the processors, what a run of one step takes is left out. It is measured
        anew each time, just before: what it takes drifts with the machine."""
        one_step = dict(more, train=dict(more.get("train", {"batch": batch}), steps=1))
        start = self.run(self.recipe(hidden, backend, 1, batch, **one_step), "--jobs", "1")[1]
        _, cpu, rows = self.run(self.recipe(hidden, backend, steps, batch, **more), "--jobs", "1")
        return float(rows[0]["seconds"]), cpu - start

    def memory(self, recipe, jobs):
        """Largest proportional set size of the program and its workers, in MB; None where the kernel has none."""
        out, process = self.start(recipe, "--jobs", str(jobs))
        largest = [0]
        done = threading.Event()

        def total():
            return sum(pss(pid) for pid in {process.pid} | children(process.pid))

        def sample():
            while not done.wait(0.02):
                # Twice: pages that another worker begins to share between two readings are counted too often.
                largest[0] = max(largest[0], min(total(), total()))

        watcher = threading.Thread(target=sample)
        watcher.start()
        words = process.stderr.read()
        process.wait()
        done.set()
        watcher.join()
        if process.returncode:
            raise RuntimeError("run failed: %s" % words.strip())
        shutil.rmtree(out, ignore_errors=True)
        return largest[0] / 1e6 or None


def children(pid):
    found = set()
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        try:
            with open(path) as file:
                for child in map(int, file.read().split()):
                    found |= {child} | children(child)
        except OSError:
            pass
    return found


def pss(pid):
    """Bytes: private pages, and shared ones divided by how many share them."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            return sum(1024 * int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def products(program, backend, sizes, steps, batch=BATCH, gradients=False):
    """The bare products of so many steps: wall and CPU seconds, and the kernel."""
    command = [program] + (["--gradients"] if gradients else []) + [backend, str(batch), str(steps)]
    alone = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # as isoflop's workers are started
    text = subprocess.run(command + [str(size) for size in sizes], check=True, stdout=subprocess.PIPE, text=True,
                          env=alone).stdout
    row = next(csv.DictReader(io.StringIO(text)))
    return float(row["seconds"]), float(row["cpu"]), row["kernel"]


def find_python():
    """A Python with NumPy, for the references: Debian's own where the one that runs this has none."""
    for python in (sys.executable, "/usr/bin/python3"):
        if python and subprocess.run([python, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def has_module(python, module):
    return subprocess.run([python, "-c", "import " + module], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0
