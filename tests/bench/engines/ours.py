# SPDX-License-Identifier: GPL-3.0-or-later
"""libcxm from Python, all checks on; results as a table of Polars or of Arrow."""
import importlib.util

import numpy as np

import cxm
from engines import Base, answers

TABLE = "to_polars" if importlib.util.find_spec("polars") else "to_arrow"


def table(result):
    return getattr(result, TABLE)()


class Engine(Base):
    name = "cxm"
    version = cxm.__version__

    def __init__(self, threads):
        self.threads = threads

    def load(self, workload, columns):
        self.d = columns

    def w1(self):
        return table(cxm.nps(self.d["score"], missing_codes=[255], threads=self.threads))

    def w2(self):
        return table(cxm.nps(self.d["score"], by=self.d["g"], missing_codes=[255],
                       threads=self.threads))

    w2m = w2

    def w3(self):
        return table(cxm.csat(self.d["rating"], by=self.d["g"], weight=self.d["weight"],
                        measures=["csat", "mean"], threads=self.threads))

    def w4(self):
        sides = [{str(k): self.d[f"{side}{k}"] for k in range(5)} for side in "pe"]
        return table(cxm.gap(*sides, by=self.d["g"], threads=self.threads))

    w4u = w4

    def w5(self):
        return table(cxm.fcr_window(self.d["customer"], self.d["opened"], None, self.d["category"],
                              as_of=answers.LATEST + answers.WINDOW, window=answers.WINDOW,
                              anchor="opened", threads=self.threads))

    def w6(self):
        return table(cxm.cohorts(self.d["customer"], self.d["time"], as_of=answers.LATEST,
                           n_periods=answers.MONTHS, threads=self.threads))

    def w7(self):
        return table(cxm.kaplan_meier(self.d["days"], self.d["lost"], by=self.d["g"],
                                threads=self.threads))

    def w8(self):
        return table(cxm.nps(self.d["score"], missing_codes=[255], interval="bootstrap",
                       threads=self.threads))

    def w9(self):
        return table(cxm.quantiles(self.d["value"], answers.PROBS, by=self.d["g"],
                             threads=self.threads))

    def answer(self, workload, rows):
        column = {name: rows[name].to_numpy() for name in
                  ("value", "std_error", "lower", "upper", "n", "n_eff")}
        measure = np.asarray(rows["measure"].to_numpy()) if len(rows) < 100_000 else None
        value, error = column["value"], column["std_error"]
        if workload in ("w1", "w2", "w2m"):
            seen = column["n"] > 0
            return np.concatenate([value[seen], error[seen]])
        if workload == "w3":
            top, mean = measure == "csat", measure == "mean"
            return np.concatenate([value[top], value[mean], column["n_eff"][top]])
        if workload in ("w4", "w4u"):
            each = [measure == f"gap[{k}]" for k in range(5)]
            return np.concatenate([value[m] for m in each]
                                  + [error[m] ** 2 * column["n"][m] for m in each])
        if workload == "w5":
            return value[measure == "fcr"]
        if workload == "w6":
            return value[(measure == "retention") & ~np.isnan(value)]
        if workload == "w7":
            curve = (measure == "survival") & (rows["events"].to_numpy() > 0)
            return np.concatenate([value[curve], np.nan_to_num(error[curve])])
        if workload == "w8":
            return np.array([column["lower"][0], column["upper"][0]])
        return value
