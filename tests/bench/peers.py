#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libcxm beside DuckDB, Polars, NumPy, pandas and R: same columns in memory, same answers, in turn.

    python3 tests/bench/peers.py --bench build-release/tests/bench [--json FILE] [--budget MINUTES]
                                 [--only W1,W2m] [--engines numpy,duckdb] [--rows N] [--repeat N]
                                 [--slow SECONDS] [--threads 1,2] [--plan]

Every round runs each engine once on a workload, so that what disturbs the machine disturbs all; a
figure is the median over rounds, a ratio the median of ratios within a round, to the C program (in
a process of its own, on data of the same kind) or without --bench to Python. What the engines
answer is compared before it is timed. Engines that are not installed are left out, those that have
one thread only take part in the run with one; one that is slow takes part in one round.

A first run on a twentieth (W2m: a fifth) of the rows says how long each workload will take. Where that is more
than the budget or the memory allows, all engines get fewer rows: the table says how many. With
--engines only those take part, beside ours: what the slowest would not let them have, full rows.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
MILLION = 1_000_000
ROWS = {"w1": 100, "w2": 100, "w2m": 100, "w3": 50, "w4": 50, "w4u": 50, "w5": 20, "w6": 50, "w7": 10,
        "w8": 1, "w9": 50}  # millions, of a full run
PILOT = {"w2m": 5}  # a million groups take most of the time of a twentieth


def listed(text):
    return [name.strip().lower() for name in text.split(",") if name.strip()]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", type=listed, default=list(ROWS))
    parser.add_argument("--engines", type=listed, default=[])
    parser.add_argument("--slow", type=float, default=5, help="seconds of a run that is not repeated")
    parser.add_argument("--rows", type=float, help="at most so many", default=1e9)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--budget", type=float, default=22, help="minutes of the whole run")
    parser.add_argument("--bench", help="the C program")
    parser.add_argument("--json")
    parser.add_argument("--plan", action="store_true", help="only say how long each part will take")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = [name for name in args.only if name not in ROWS]
    if unknown or not args.only:
        parser.error(f"--only: {', '.join(unknown) or 'nothing'} is none of {', '.join(ROWS)}")
    if args.repeat < 1 or args.rows < 1:
        parser.error("--repeat and --rows are at least 1")
    return args


# ---- one number of threads, in a process of its own (Polars fixes it when it is imported) ----


def show(workload, row, threads):
    print(f"{workload.upper():4} {row['rows'] / 1e6:6g} M rows, {threads} thread{'s' * (threads > 1)}, "
          f"took {row['took']:.0f} s, estimated {row['estimated']:.0f} s")
    for name, r in row["engines"].items():
        print(f"     {name:14} {r['rows_per_second'] / 1e6:9.1f} M rows/s {r['ratio']:9.2f} x the time"
              f"   {r['rounds']} round{'s' * (r['rounds'] > 1)}", flush=True)


def child(args):
    import peer_data
    import rounds
    from engines import available
    threads, start = args.child, time.monotonic()
    rounds.SLOW = args.slow
    engines, absent = available(threads, args.engines)
    for name, why in absent.items():
        print(f"left out: {name}: {why}")
    if "ours" in absent and not args.bench:
        sys.exit("neither our package nor --bench: nothing to compare with")
    wanted = {w: int(min(args.rows, ROWS[w] * MILLION)) for w in args.only}
    pilots = {w: rounds.pilot(engines, w, max(1000, n // PILOT.get(w, 20))) for w, n in wanted.items()}
    plan = rounds.plan(pilots, wanted, args.repeat, args.budget * 60 - (time.monotonic() - start))
    print(f"{threads} thread{'s' * (threads > 1)}: first runs took {time.monotonic() - start:.0f} s, "
          f"the rest is estimated at {sum(p['seconds'] for p in plan.values()):.0f} s", flush=True)
    if args.plan:
        for w, p in plan.items():
            print(f"{w.upper():4} {p['rows'] / 1e6:6g} M rows {p['seconds']:6.0f} s")
        plan = {}
    out = {"threads": threads, "versions": {e.name: e.version for e in engines}, "absent": absent,
           "workloads": {}}
    for workload, p in plan.items():
        began = time.monotonic()
        times = rounds.run(engines, workload, p["rows"], args.repeat, threads, args.bench)
        out["workloads"][workload] = {"rows": p["rows"], "wanted": wanted[workload],
                                      "estimated": p["seconds"], "took": time.monotonic() - began,
                                      "engines": rounds.summary(times, p["rows"])}
        show(workload, out["workloads"][workload], threads)
    if threads == 1 and plan and not args.engines:
        out["small"] = peer_data.small_calls()
    for engine in engines:
        getattr(engine, "close", lambda: None)()
    if args.json:
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
    start, all_threads = time.monotonic(), args.threads.split(",")
    passed = ["--bench", args.bench] if args.bench else []
    passed += ["--plan"] if args.plan else []
    passed += ["--engines", ",".join(args.engines)] if args.engines else []
    passed += ["--only", ",".join(args.only), "--rows", str(args.rows), "--repeat", str(args.repeat),
               "--slow", str(args.slow)]
    for i, threads in enumerate(all_threads):
        # More engines take part in the run with one thread, and each needs longer.
        left = args.budget - (time.monotonic() - start) / 60
        share = left if i + 1 == len(all_threads) else left * (0.7 if threads == "1" else 0.5)
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            command = [sys.executable, __file__, "--child", threads, "--budget", str(share),
                       "--json", file.name]
            subprocess.run(command + passed, check=True,
                           env={**os.environ, "POLARS_MAX_THREADS": threads})
            out["runs"].append(json.load(file))
        if args.json:  # after each, so that a run that is stopped leaves something
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump(out, file, indent=1)
    print(f"all took {(time.monotonic() - start) / 60:.1f} minutes")
    return None


if __name__ == "__main__":
    main()
