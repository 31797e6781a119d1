# SPDX-License-Identifier: GPL-3.0-or-later
"""Polars expressions; its number of threads is fixed when it is imported (POLARS_MAX_THREADS)."""
import numpy as np
import polars as pl

from engines import Base, answers

C = pl.col


class Engine(Base):
    name = "polars"
    version = pl.__version__

    def __init__(self, threads):
        if pl.thread_pool_size() != threads:
            raise ImportError(f"Polars has {pl.thread_pool_size()} threads, not {threads}")

    def load(self, workload, columns):
        self.t = pl.DataFrame(dict(columns))

    def w1(self):
        return self.t.group_by("score").len()

    def w2(self):
        return self.t.group_by("g", "score").len()

    def w2m(self):
        s = C("score")
        return self.t.group_by("g").agg(s.is_between(9, 10).sum().alias("p"),
                                         (s <= 6).sum().alias("d"),
                                         (s <= 10).sum().alias("n")).sort("g")

    def w3(self):
        return self.t.group_by("g", "rating").agg(C("weight").sum().alias("w"),
                                                   (C("weight") ** 2).sum().alias("w2"))

    def w4(self):
        gaps = [C(f"p{k}") - C(f"e{k}") for k in range(5)]
        return self.t.group_by("g").agg(*[g.cast(pl.Float64).mean().alias(f"m{k}")
                                           for k, g in enumerate(gaps)],
                                         *[g.cast(pl.Float64).var().alias(f"v{k}")
                                           for k, g in enumerate(gaps)]).sort("g")

    def w4u(self):
        gaps = [C(f"p{k}").cast(pl.Int32) - C(f"e{k}").cast(pl.Int32) for k in range(5)]
        return self.t.group_by("g").agg(pl.len().alias("n"),
                                         *[g.sum().alias(f"s{k}") for k, g in enumerate(gaps)],
                                         *[(g * g).sum().alias(f"q{k}")
                                           for k, g in enumerate(gaps)]).sort("g")

    def w5(self):
        key = ((C("customer").cast(pl.Int64) * 8 + C("category")) * 2**27
               + (C("opened") - answers.FIRST))
        repeats = (C("key").diff() <= answers.WINDOW) & (C("key") // 2**27
                                                         == C("key").shift(1) // 2**27)
        return self.t.select(key.sort().alias("key")).select(repeats.sum().alias("r"),
                                                             pl.len().alias("n"))

    def w5_plain(self):
        same = (C("customer") == C("customer").shift(-1)) & (C("category") == C("category").shift(-1))
        soon = C("opened").shift(-1) - C("opened") <= answers.WINDOW
        return self.t.sort("customer", "category", "opened").select((same & soon).sum().alias("r"),
                                                                    pl.len().alias("n"))

    def w6(self):
        day = ((C("time") - answers.FIRST) // answers.DAY).cast(pl.Int32)
        bits = pl.lit((1 << answers.months_of_days().astype(np.int64)))
        return self.t.select("customer", bits.gather(day).alias("bits")).group_by("customer").agg(
            C("bits").bitwise_or())

    def w7(self):
        return self.t.group_by("g", "days", "lost").len()

    def w9(self):
        return self.t.group_by("g").agg(*[C("value").quantile(p, "linear").alias(str(p))
                                           for p in answers.PROBS]).sort("g")

    def answer(self, workload, r):
        r = {name: r[name].to_numpy() for name in r.columns}
        if workload in ("w1", "w2"):
            bins = np.zeros((int(r["g"].max()) + 1 if "g" in r else 1, 256))
            bins[r.get("g", 0), r["score"]] = r["len"]
            return answers.of_bins(bins)
        if workload == "w2m":
            return answers.net_promoters(r["p"], r["d"], r["n"])
        if workload == "w3":
            w, w2 = np.zeros((2, r["g"].max() + 1, 6))
            w[r["g"], r["rating"]], w2[r["g"], r["rating"]] = r["w"], r["w2"]
            return answers.weighted(w, w2)
        if workload == "w4":
            return np.concatenate([r[f"m{k}"] for k in range(5)] + [r[f"v{k}"] for k in range(5)])
        if workload == "w4u":
            s, q = (np.array([r[f"{x}{k}"] for k in range(5)], dtype=float) for x in "sq")
            return answers.gaps(r["n"], s, q)
        if workload == "w5":
            return 1 - r["r"] / r["n"]
        if workload == "w6":
            return answers.cohorts(r["bits"])
        if workload == "w7":
            return answers.survival(r["g"], r["days"], r["lost"], r["len"])
        return np.stack([r[str(p)] for p in answers.PROBS], axis=1).ravel()
