# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns that peers.py hands to every engine, from fixed seeds, and small calls of Python."""
import time

import numpy as np

from engines import answers

MILLION = 1_000_000
LIKELY = np.array([0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9,
                   10, 10, 10, 10, 10, 10], dtype=np.uint8)


def scores(random, rows):
    """0 … 10 with 3 % missing (255)."""
    score = LIKELY[random.integers(0, 32, rows, dtype=np.uint8)]
    score[random.integers(0, 100, rows, dtype=np.uint8) < 3] = 255
    return score


def make(workload, rows):
    random = np.random.default_rng(42)

    def whole(low, high, kind, n=rows):
        return random.integers(low, high, n, dtype=kind)

    if workload in ("w1", "w8"):
        return {"score": scores(random, rows)}
    if workload in ("w2", "w2m"):
        return {"score": scores(random, rows),
                "g": whole(0, 1000 if workload == "w2" else MILLION, np.uint32)}
    if workload == "w3":
        return {"rating": whole(1, 6, np.uint8), "weight": 0.2 + 2 * random.random(rows),
                "g": whole(0, 1000, np.uint32)}
    if workload in ("w4", "w4u"):
        kind = np.uint8 if workload == "w4u" else np.float32
        sides = {f"{side}{k}": whole(1, 8, np.uint8).astype(kind) for side in "pe" for k in range(5)}
        return {"g": whole(0, 100, np.uint8), **sides}
    instants = answers.FIRST + whole(0, 730 * answers.DAY, np.int64)
    if workload == "w5":
        return {"customer": whole(0, rows // 4 + 1, np.uint64), "category": whole(0, 8, np.uint8),
                "opened": instants}
    if workload == "w6":
        return {"customer": whole(0, min(rows // 25 + 1, 2 * MILLION), np.uint32), "time": instants}
    if workload == "w7":
        return {"days": whole(0, 2001, np.int32), "lost": (whole(0, 4, np.uint8) != 0).astype(np.uint8),
                "g": whole(0, 10, np.uint8)}
    return {"value": random.exponential(3600, rows), "g": whole(0, 100, np.uint8)}


def least(run, calls, rounds=7):
    """Seconds of a call: the least of some rounds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        taken.append((time.perf_counter() - start) / calls)
    return min(taken)


def small_calls():
    """Few rows from Python, and a hundred thousand beside NumPy."""
    import cxm
    from engines.ours import table as ours_table
    random = np.random.default_rng(7)
    score, by = random.integers(0, 11, 100_000, dtype=np.uint8), random.integers(0, 1000, 100_000)
    by = by.astype(np.uint32)
    few, one = (score[:1000], by[:1000] % 16), score[:100]

    def numpy():
        cell = by.astype(np.int64) * 16 + score
        return answers.of_bins(np.bincount(cell, minlength=16000).reshape(1000, 16))

    def numpy_narrow():  # quicker on Zen 3
        cell = by * np.uint32(16)
        cell += score
        return answers.of_bins(np.bincount(cell, minlength=16000).reshape(1000, 16))

    calls = {"nps of 100 scores": (least(lambda: cxm.nps(one).value, 1000), 50e-6),
             "nps of 1 000 scores by 16": (least(lambda: cxm.nps(few[0], by=few[1]), 1000), 50e-6),
             "… and its table": (least(lambda: cxm.nps(few[0], by=few[1]).to_dict(), 300), None)}
    ours = least(lambda: cxm.nps(score, by=by), 100)
    theirs = min(least(numpy, 100), least(numpy_narrow, 100))
    table = least(lambda: ours_table(cxm.nps(score, by=by)), 100)
    for name, (seconds, most) in calls.items():
        print(f"{name:30} {seconds * 1e6:8.1f} us" + (f"   wanted {most * 1e6:.0f}" if most else ""))
    print(f"{'nps of 100 000 by 1 000':30} {ours * 1e6:8.1f} us   NumPy {theirs / ours:.1f} x the time,"
          f" wanted 4; with a table of all estimates {table * 1e6:.1f} us")
    return {**{name: seconds for name, (seconds, _) in calls.items()},
            "nps of 100 000 by 1 000": ours, "… and its table of columns": table, "NumPy 100 000 by 1 000": theirs}
