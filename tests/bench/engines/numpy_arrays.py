# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy, one thread: bincount over dense keys, sorting of keys packed into 64 bits."""
import numpy as np

from engines import Base, answers


class Engine(Base):
    name = "numpy"
    version = np.__version__
    one_thread, copies = True, 2  # its own columns are those of all; what it computes on the way

    def __init__(self, threads):
        self.months = answers.months_of_days()

    def load(self, workload, columns):
        self.d = columns

    def w1(self):
        return answers.of_bins(np.bincount(self.d["score"], minlength=256)[None])

    def w2(self):
        groups = int(self.d["g"].max()) + 1
        cell = self.d["g"].astype(np.int64) * 16 + np.minimum(self.d["score"], 11)
        return answers.of_bins(np.bincount(cell, minlength=16 * groups).reshape(groups, 16))

    w2m = w2

    def w3(self):
        groups = int(self.d["g"].max()) + 1
        cell, w = self.d["g"].astype(np.int64) * 8 + self.d["rating"], self.d["weight"]
        sums = [np.bincount(cell, x, 8 * groups).reshape(groups, 8)[:, :6] for x in (w, w * w)]
        return answers.weighted(*sums)

    def w4(self):
        by = self.d["g"].astype(np.int64)
        gaps = [self.d[f"p{k}"].astype(np.float64) - self.d[f"e{k}"] for k in range(5)]
        return answers.gaps(np.bincount(by), np.array([np.bincount(by, g) for g in gaps]),
                            np.array([np.bincount(by, g * g) for g in gaps]))

    w4u = w4

    def w5(self):
        key = self.d["customer"].astype(np.int64) << 30
        key |= self.d["category"].astype(np.int64) << 27
        key += self.d["opened"] - answers.FIRST
        key.sort()
        repeats = (np.diff(key) <= answers.WINDOW) & (key[1:] >> 27 == key[:-1] >> 27)
        return 1 - np.array([np.count_nonzero(repeats) / len(key)])

    def w6(self):
        month = self.months[(self.d["time"] - answers.FIRST) // answers.DAY]
        seen = np.zeros((int(self.d["customer"].max()) + 1, 32), dtype=bool)
        seen.ravel()[self.d["customer"].astype(np.int64) * 32 + month] = True
        bits = np.packbits(seen, axis=1, bitorder="little").view(np.uint32).ravel()
        return answers.cohorts(bits[bits != 0])

    def w7(self):
        cell = (self.d["g"].astype(np.int32) * 2 + self.d["lost"]) * 2048 + self.d["days"]
        count = np.bincount(cell)
        at = np.flatnonzero(count)
        return answers.survival(at >> 12, at & 2047, at >> 11 & 1, count[at])

    def w8(self):
        bins = np.bincount(self.d["score"], minlength=256)
        counts = np.array([bins[:7].sum(), bins[7:9].sum(), bins[9:11].sum()])
        n = counts.sum()
        draws = np.random.default_rng(1).multinomial(n, counts / n, size=10_000)
        return 100 * np.quantile((draws[:, 2] - draws[:, 0]) / n, [0.025, 0.975])

    def w9(self):
        by, value = self.d["g"], self.d["value"]
        order = np.argsort(by, kind="stable")
        parts = np.split(value[order], np.cumsum(np.bincount(by))[:-1])
        return np.array([np.quantile(x, answers.PROBS) for x in parts]).ravel()

    def answer(self, workload, result):
        return result
