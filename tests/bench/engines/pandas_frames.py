# SPDX-License-Identifier: GPL-3.0-or-later
"""pandas, one thread."""
import numpy as np
import pandas as pd

from engines import Base, answers


class Engine(Base):
    name = "pandas"
    version = pd.__version__
    one_thread = True

    def __init__(self, threads):
        self.months = answers.months_of_days()

    def load(self, workload, columns):
        self.t = pd.DataFrame(columns)

    def w1(self):
        return self.t["score"].value_counts()

    def w2(self):
        return self.t.groupby(["g", "score"], sort=False).size()

    w2m = w2

    def w3(self):
        t = self.t.assign(w2=self.t["weight"] ** 2)
        return t.groupby(["g", "rating"], sort=False)[["weight", "w2"]].sum()

    def w4(self):
        gaps = pd.DataFrame({k: self.t[f"p{k}"].astype(float) - self.t[f"e{k}"] for k in range(5)})
        return gaps.groupby(self.t["g"]).agg(["mean", "var"])

    w4u = w4

    def w5(self):
        t = self.t.sort_values(["customer", "category", "opened"])
        later = t.groupby(["customer", "category"], sort=False)["opened"].shift(-1)
        return np.array([1 - (later - t["opened"] <= answers.WINDOW).mean()])

    def w6(self):
        month = self.months[(self.t["time"].to_numpy() - answers.FIRST) // answers.DAY]
        seen = pd.unique(self.t["customer"].to_numpy() * np.int64(32) + month)
        return pd.Series(1 << (seen & 31)).groupby(seen >> 5, sort=False).sum()

    def w7(self):
        return self.t.groupby(["g", "days", "lost"], sort=False).size()

    def w9(self):
        return self.t.groupby("g")["value"].quantile(list(answers.PROBS))

    def answer(self, workload, r):
        if workload in ("w1", "w2", "w2m"):
            by = r.index.get_level_values("g") if workload != "w1" else np.zeros(len(r), dtype=int)
            bins = np.zeros((by.max() + 1, 256))
            bins[by, r.index.get_level_values("score")] = r
            return answers.of_bins(bins)
        if workload == "w3":
            by, rating = (r.index.get_level_values(x) for x in ("g", "rating"))
            w, w2 = np.zeros((2, by.max() + 1, 6))
            w[by, rating], w2[by, rating] = r["weight"], r["w2"]
            return answers.weighted(w, w2)
        if workload in ("w4", "w4u"):
            return np.concatenate([r[k][x] for x in ("mean", "var") for k in range(5)])
        if workload == "w6":
            return answers.cohorts(r)
        if workload == "w7":
            return answers.survival(*(r.index.get_level_values(x) for x in ("g", "days", "lost")), r)
        return np.asarray(r)
