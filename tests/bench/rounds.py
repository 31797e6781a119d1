# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of engines on one workload, and how many rows they can have in a given time."""
import statistics
import subprocess
import time

import numpy as np

import peer_data

SLOW = 5.0  # seconds: an engine that needs more takes part in one round
QUICK = 0.05  # seconds: what takes less is run five times within a round, its median counts
FORMS = {"": "", "_plain": " plain", "_table": " data.table", "_survfit": " survfit"}
MEMORY = 0.85  # of what is free


class Program:
    """The C program, which makes the same kind of data once and runs when it is told."""

    name = "C"

    def __init__(self, path, workload, rows, threads):
        name = workload.upper().replace("M", "m").replace("U", "u")
        self.threads = threads
        self.process = subprocess.Popen([path, "--serve", "--only", name, "--rows", str(rows)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", workload

    def run(self):
        print("run", self.threads, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def time_once(engine, method):
    start = time.perf_counter()
    result = getattr(engine, method)()
    seconds = time.perf_counter() - start
    return (result if hasattr(engine, "timed") else seconds), result


def time_round(run):
    """Seconds of one run, or the median of five where one is over soon."""
    first = run()
    return first if first > QUICK else statistics.median([first] + [run() for _ in range(4)])


def check(workload, name, got, want):
    """Engines must say the same before they are compared; resampling within its own noise."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    noise = 0.06 * (want[-1] - want[0]) if workload == "w8" else 1e-9
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=noise, err_msg=f"{workload}: {name}")


def load(engines, workload, rows):
    for engine in engines:
        engine.unload()
    columns = peer_data.make(workload, rows)
    for engine in engines:
        engine.load(workload, columns)
    return sum(c.nbytes for c in columns.values())


def compare(engines, workload):
    """First runs: all answers against ours. Returns name -> (engine, method, seconds it took)."""
    want, first = None, {}
    for engine in engines:
        for form, called in FORMS.items():
            if not hasattr(engine, workload + form):
                continue
            seconds, result = time_once(engine, workload + form)
            answer = engine.answer(workload, result)
            want = answer if want is None else want
            name = engine.name + called
            check(workload, name, answer, want)
            first[name] = (engine, workload + form, seconds)
    return first


def pilot(engines, workload, rows):
    """Seconds and bytes a row, from few rows."""
    start = time.perf_counter()
    size = load(engines, workload, rows)
    setup = time.perf_counter() - start
    taken = {name: seconds / rows for name, (_, _, seconds) in compare(engines, workload).items()}
    return {"setup": setup / rows, "runs": taken, "bytes": size / rows,
            "copies": 4 + sum(e.copies for e in engines)}  # C's own, and what a run needs besides


def seconds_of(p, rows, repeats):
    runs = [s * rows for s in p["runs"].values()]
    return rows * p["setup"] + sum(s * (1 + repeats if s <= SLOW else 1) for s in runs)


def free_bytes():
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(1024 * int(line.split()[1]) for line in file if "MemAvailable" in line)
    except OSError:
        return float("inf")


def plan(pilots, wanted, repeats, budget):
    """Workload -> rows and seconds: fewer rows where memory is short, then for what takes longest."""
    room = MEMORY * free_bytes()
    rows = {w: min(n, int(room / (pilots[w]["bytes"] * pilots[w]["copies"])))
            for w, n in wanted.items()}
    cost = {w: seconds_of(pilots[w], n, repeats) for w, n in rows.items()}
    while sum(cost.values()) > budget and max(rows.values()) > 1000:
        longest = max(cost, key=cost.get)
        rows[longest] = max(1000, int(rows[longest] * 0.8))
        cost[longest] = seconds_of(pilots[longest], rows[longest], repeats)
        if rows[longest] == 1000:
            break
    return {w: {"rows": rows[w], "seconds": cost[w]} for w in rows}


def run(engines, workload, rows, repeats, threads, path):
    """Times of each engine: of a slow one that of the first run, with ours of the same round."""
    load(engines, workload, rows)
    program = Program(path, workload, rows, threads) if path else None
    runs = {"C": program.run} if program else {}
    if program:
        program.run()
    times = {"C": [time_round(program.run)]} if program else {}
    first = compare(engines, workload)
    for name, (engine, method, seconds) in first.items():
        if seconds > SLOW:
            times[name] = [seconds]
        else:
            times[name] = []
            runs[name] = lambda e=engine, m=method: time_once(e, m)[0]
    for _ in range(repeats):
        for name, timed in runs.items():
            times[name].append(time_round(timed))
    if program:
        program.close()
    return times


def summary(times, rows):
    """Medians; the first time of C is that of the round of slow engines."""
    base = times["C" if "C" in times else "cxm"]
    slow = base[0]
    rounds = base[1:] if "C" in times else base
    out = {}
    for name, taken in times.items():
        taken = rounds if name == "C" else taken
        pairs = zip(taken, rounds) if len(taken) == len(rounds) else zip(taken, [slow])
        out[name] = {"seconds": statistics.median(taken), "rows_per_second":
                     rows / statistics.median(taken), "rounds": len(taken),
                     "ratio": statistics.median(t / b for t, b in pairs), "all": taken}
    return out
