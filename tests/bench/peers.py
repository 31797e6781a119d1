#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libcxm beside DuckDB, Polars, NumPy, pandas and R: same columns in memory, same answers, in turn.

    python3 tests/bench/peers.py [--only w2,w3] [--rows N] [--repeat N] [--threads 1,2]
                                 [--bench build-release/tests/bench] [--json FILE]

Every round runs each engine once on a workload, so that what disturbs the machine disturbs all; a
figure is the median over rounds, a ratio the median of ratios within a round. What the engines
answer is compared to 1e-9 before it is timed. Engines that are not installed are left out. An
engine that is slow is run less often. With --bench the C program takes the same workload, on data
of the same kind, within the same rounds, and ratios are to it; without, they are to Python.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
MILLION = 1_000_000
ROWS = {"w1": 100, "w2": 100, "w2m": 100, "w3": 50, "w4": 50, "w4u": 50, "w5": 20, "w6": 50, "w7": 10,
        "w8": 1, "w9": 50}  # millions, of a full run
SLOW = 5.0  # seconds: after that an engine takes part in one more round only


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(ROWS))
    parser.add_argument("--rows", type=float, help="at most so many (default 10 million)",
                        default=10e6)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--bench", help="the C program")
    parser.add_argument("--json")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- one number of threads, in a process of its own (Polars fixes it when it is imported) ----


class CProgram:
    """The same workload in C: one round of ``bench``, which warms up by itself."""

    name, version = "C", "the same library"

    def __init__(self, path, threads):
        self.path, self.threads = path, threads

    def time(self, workload, rows):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            name = workload.upper().replace("M", "m").replace("U", "u")
            subprocess.run([self.path, "--only", name, "--rows", str(rows), "--repeat", "1",
                            "--threads", str(self.threads), "--json", file.name],
                           check=True, stdout=subprocess.DEVNULL)
            return json.load(file)["workloads"][0]["seconds"][1]


def time_one(engine, workload):
    start = time.perf_counter()
    result = getattr(engine, workload)()
    seconds = time.perf_counter() - start
    return (result if hasattr(engine, "timed") else seconds), result


def check(workload, name, got, want):
    """Engines must say the same before they are compared; resampling within its own noise."""
    import numpy as np
    np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(want, dtype=float),
                               rtol=3e-2 if workload == "w8" else 1e-9, atol=1e-9,
                               err_msg=f"{workload}: {name}")


def compare(engines, workload):
    """First runs: all answers against ours. Returns who takes part, with the seconds it took."""
    want, first = None, {}
    for engine in engines:
        for form in ("", "_plain"):
            if not hasattr(engine, workload + form):
                continue
            seconds, result = time_one(engine, workload + form)
            answer = engine.answer(workload, result)
            want = answer if want is None else want
            name = engine.name + form.replace("_", " ")
            check(workload, name, answer, want)
            first[name] = (engine, workload + form, seconds)
    return first


def run_rounds(first, workload, rows, repeat, program):
    times = {"C": []} if program is not None else {}
    times.update({name: [] for name in first})
    for turn in range(repeat):
        if program is not None:
            times["C"].append(program.time(workload, rows))
        for name, (engine, method, seconds) in first.items():
            if turn == 0 or seconds < SLOW:
                times[name].append(time_one(engine, method)[0])
    return times


def summary(times, rows):
    base = times.get("C", times["cxm"])
    return {name: {"seconds": statistics.median(taken), "rows_per_second": rows
                   / statistics.median(taken), "rounds": len(taken), "ratio": statistics.median(
                       t / b for t, b in zip(taken, base))}
            for name, taken in times.items()}


def survfit(engines, limit):
    """R's survfit sorts and takes minutes for ten million rows: one run of a million."""
    import peer_data
    ours, r = (next((e for e in engines if e.name == name), None) for name in ("cxm", "R"))
    if r is None:
        return None
    rows = min(limit, MILLION)
    columns = peer_data.make("w7", rows)
    ours.load("w7", columns)
    r.load("w7", columns)
    seconds, result = time_one(r, "survfit")
    check("w7", "survfit", r.answer("survfit", result), ours.answer("w7", ours.w7()))
    return {"rows": rows, "seconds": seconds}


def show(workload, rows, row, threads):
    print(f"{workload.upper():4} {rows / 1e6:6g} M rows, {threads} thread{'s' * (threads > 1)}")
    for name, r in row.items():
        print(f"     {name:13} {r['rows_per_second'] / 1e6:9.1f} M rows/s {r['ratio']:9.2f} x the time"
              f"   {r['rounds']} rounds", flush=True)


def child(args):
    import peer_data
    from engines import available
    threads = args.child
    engines, absent = available(threads)
    for name, why in absent.items():
        print(f"left out: {name}: {why}")
    program = CProgram(args.bench, threads) if args.bench else None
    out = {"threads": threads, "versions": {e.name: e.version for e in engines}, "absent": absent,
           "workloads": {}}
    for workload in args.only.split(","):
        rows = int(min(args.rows, ROWS[workload] * MILLION))
        columns = peer_data.make(workload, rows)
        for engine in engines:
            engine.load(workload, columns)
        times = run_rounds(compare(engines, workload), workload, rows, args.repeat, program)
        row = summary(times, rows)
        if workload == "w7" and (fit := survfit(engines, int(args.rows))):
            rate = fit["rows"] / fit["seconds"]
            row["survfit"] = {"seconds": fit["seconds"], "rows_per_second": rate, "rounds": 1,
                              "ratio": next(iter(row.values()))["rows_per_second"] / rate}
        out["workloads"][workload] = {"rows": rows, "engines": row}
        show(workload, rows, row, threads)
    if threads == 1:
        out["small"] = peer_data.small_calls()
    for engine in engines:
        getattr(engine, "close", lambda: None)()
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump(out, file)


# ---- all of them -----------------------------------------------------------------------------


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    args = parse()
    if args.child:
        return child(args)
    out = {"mode": "peers", "machine": {"cpu": cpu(), "cores": os.cpu_count(), "python":
                                        platform.python_version(), "date": time.strftime(
                                            "%Y-%m-%dT%H:%M:%SZ", time.gmtime())}, "runs": []}
    for threads in args.threads.split(","):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            command = [sys.executable, __file__, "--child", threads, "--only", args.only, "--rows",
                       str(args.rows), "--repeat", str(args.repeat), "--json", file.name]
            subprocess.run(command + (["--bench", args.bench] if args.bench else []), check=True,
                           env={**os.environ, "POLARS_MAX_THREADS": threads})
            out["runs"].append(json.load(file))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(out, file, indent=1)
    return None


if __name__ == "__main__":
    main()
