# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy, one thread: bincount over dense keys in pieces that a cache holds (``plain``: over whole
arrays), sorting of keys packed into 64 bits."""
import numpy as np

from engines import Base, answers

PIECE = 1 << 18


class Engine(Base):
    name = "numpy"
    version = np.__version__
    one_thread, copies = True, 2  # its own columns are those of all; what it computes on the way

    def __init__(self, threads):
        self.months = answers.months_of_days()

    def load(self, workload, columns):
        self.d = columns
        self.groups = int(columns["g"].max()) + 1 if "g" in columns else 1

    def in_pieces(self, counted):
        """The sum of what is counted in each piece."""
        rows = len(next(iter(self.d.values())))
        total = 0
        for i in range(0, rows, PIECE):
            total = total + counted({name: x[i:i + PIECE] for name, x in self.d.items()})
        return total

    def whole(self, counted):
        return counted(self.d)

    @staticmethod
    def scores(d):
        return np.array([[np.count_nonzero(d["score"] == k) for k in range(11)]])

    def w1(self):
        return answers.of_bins(self.in_pieces(self.scores))

    def w1_plain(self):
        return answers.of_bins(self.whole(self.scores))

    def cells(self, d):
        cell = d["g"].astype(np.int64) * 16 + np.minimum(d["score"], 11)
        return np.bincount(cell, minlength=16 * self.groups)

    def w2(self):
        return answers.of_bins(self.in_pieces(self.cells).reshape(self.groups, 16))

    def w2_plain(self):
        return answers.of_bins(self.whole(self.cells).reshape(self.groups, 16))

    w2m = w2_plain

    def weights(self, d):
        cell, w = d["g"].astype(np.int64) * 8 + d["rating"], d["weight"]
        return np.stack([np.bincount(cell, x, 8 * self.groups) for x in (w, w * w)])

    def w3(self):
        return answers.weighted(*self.in_pieces(self.weights).reshape(2, -1, 8)[..., :6])

    def w3_plain(self):
        return answers.weighted(*self.whole(self.weights).reshape(2, -1, 8)[..., :6])

    def gaps(self, d):
        by, n = d["g"].astype(np.int64), self.groups
        gaps = [d[f"p{k}"].astype(np.float64) - d[f"e{k}"] for k in range(5)]
        return np.stack([np.bincount(by, minlength=n)] + [np.bincount(by, x, n) for g in gaps
                                                           for x in (g, g * g)])

    def w4(self):
        sums = self.in_pieces(self.gaps)
        return answers.gaps(sums[0], sums[1::2], sums[2::2])

    def w4_plain(self):
        sums = self.whole(self.gaps)
        return answers.gaps(sums[0], sums[1::2], sums[2::2])

    w4u, w4u_plain = w4, w4_plain

    def w5(self):
        key = self.d["customer"].astype(np.int64) << 30
        key |= self.d["category"].astype(np.int64) << 27
        key += self.d["opened"] - answers.FIRST
        key.sort()
        repeats = (np.diff(key) <= answers.WINDOW) & (key[1:] >> 27 == key[:-1] >> 27)
        return 1 - np.array([np.count_nonzero(repeats) / len(key)])

    def w6(self):
        seen = np.zeros((int(self.d["customer"].max()) + 1, 32), dtype=bool)

        def mark(d):
            month = self.months[(d["time"] - answers.FIRST) // answers.DAY]
            seen.ravel()[d["customer"].astype(np.int64) * 32 + month] = True
            return 0

        self.in_pieces(mark)
        bits = np.packbits(seen, axis=1, bitorder="little").view(np.uint32).ravel()
        return answers.cohorts(bits[bits != 0])

    def lives(self, d):
        cell = (d["g"].astype(np.int32) * 2 + d["lost"]) * 2048 + d["days"]
        return np.bincount(cell, minlength=self.groups * 4096)

    def w7(self):
        count = self.in_pieces(self.lives)
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
