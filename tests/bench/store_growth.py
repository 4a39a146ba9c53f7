#!/usr/bin/python3
"""How a store grows: disk, and the time of status, table, export and merge, for 10^3 ... 10^6 trials.

usage: store_growth.py [--most TRIALS] [--points N] [--folder DIR]

Trains one small sweep for its rows, then writes stores of many copies of them, with keys, places and swept values of
their own. Prints a table. ISOFLOP names the program (default: ./isoflop)."""
import argparse, os, resource, shutil, sqlite3, subprocess, tempfile

RECIPE = """name: growth
dataset: {digits: {train_size: 100, validation_size: 50, test_size: 50}}
model: {hidden: {width: 8, depth: 1}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1, batch: 50}
seeds: 1
sweep: {model.hidden.width: [8, 9], schedule.constant.rate: [0.1]}
"""

def columns(store, table):
    return [row[1] for row in store.execute(f"PRAGMA table_info({table})")]

def grow(folder, trials, points):
    """Leaves trials 1 ... trials with `points` points each: five seeds a point of the sweep, 100 rates a width."""
    store = sqlite3.connect(os.path.join(folder, "results.db"))
    store.execute("PRAGMA synchronous = OFF")
    store.execute("CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)"
                  " SELECT i FROM c", (trials,))
    template = store.execute("SELECT min(id) FROM trials WHERE status = 'done'").fetchone()[0]
    for table in ("trials", "points"):
        store.execute(f"CREATE TEMP TABLE one_{table} AS SELECT * FROM {table} WHERE "
                      + ("id" if table == "trials" else "trial") + " = ?", (template,))
    store.execute("DELETE FROM points"), store.execute("DELETE FROM places"), store.execute("DELETE FROM trials")
    made = {"id": "i", "key": "lower(printf('%064x', i * 2654435761))",
            "validation_loss": "2 + (i * 7919 % 1000) / 1000.0", "best_validation_loss": "2 + (i * 7919 % 1000) / 1000.0"}
    store.execute("INSERT INTO trials SELECT " + ", ".join(made.get(c, f"o.{c}") for c in columns(store, "trials"))
                  + " FROM n, one_trials o")
    made = {"trial": "n.i", "number": "p.i - 1", "step": "p.i - 1"}
    store.execute("INSERT INTO points SELECT " + ", ".join(made.get(c, f"o.{c}") for c in columns(store, "points"))
                  + " FROM n, n p, (SELECT * FROM one_points LIMIT 1) o WHERE p.i <= ?", (points,))
    store.execute("INSERT INTO places SELECT (SELECT max(id) FROM experiments), i, i, (i - 1) % 5, '[' || (8 + (i - 1) /"
                  " 500) || ',' || (((i - 1) / 5 % 100 + 1) / 100.0) || ']' FROM n")
    store.execute("UPDATE experiments SET trials = ?", (trials,))
    store.commit()
    store.close()

def timed(*command):
    """Processor seconds, which other programs on the machine don't lengthen."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([ISOFLOP, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--most", type=int, default=100000)
parser.add_argument("--points", type=int, default=10)
parser.add_argument("--folder", default=None)
given = parser.parse_args()
ISOFLOP = os.path.abspath(os.environ.get("ISOFLOP", "./isoflop"))
work = tempfile.mkdtemp(dir=given.folder)
try:
    with open(f"{work}/recipe.yaml", "w") as file:
        file.write(RECIPE)
    subprocess.run([ISOFLOP, "run", f"{work}/recipe.yaml", "--out", f"{work}/seed", "--no-figures", "--jobs", "1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print("  trials    points      MB  B/trial   status    table   export    merge  (processor seconds)")
    trials = 1000
    while trials <= given.most:
        folder = f"{work}/{trials}"
        shutil.copytree(f"{work}/seed", folder)
        grow(folder, trials, given.points)
        size = os.path.getsize(f"{folder}/results.db")
        times = [timed("status", folder), timed("table", folder), timed("export", folder),
                 timed("merge", f"{work}/out", folder)]
        print(f"{trials:8d} {trials * given.points:9d} {size / 1e6:7.1f} {size / trials:8.0f} "
              + " ".join(f"{seconds:8.3f}" for seconds in times), flush=True)
        shutil.rmtree(folder), shutil.rmtree(f"{work}/out")
        trials *= 10
finally:
    shutil.rmtree(work, ignore_errors=True)
