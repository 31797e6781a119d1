#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libcxm beside DuckDB, Polars, pandas and NumPy: same columns in memory, same answers, in turn.

    python3 tests/bench/peers.py [--rows N] [--repeat N] [--json FILE]

Every round runs each engine once on a workload, so that what disturbs the machine disturbs all; a
figure is the median over rounds, a ratio the median of ratios within a round. Each engine gives
its best form (DuckDB groups by group and answer first; Polars gets an expression; NumPy bincount),
and what they return is compared before it is timed. Engines that are not installed are left out.
"""
import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time

threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
os.environ["POLARS_MAX_THREADS"] = threads  # read when Polars is imported

import numpy as np  # noqa: E402

import cxm  # noqa: E402

engines = {}
for module in ("duckdb", "polars", "pandas"):
    try:
        engines[module] = importlib.import_module(module)
    except ImportError:
        pass

LIKELY = np.array([0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9,
                   10, 10, 10, 10, 10, 10], dtype=np.uint8)


def make_data(rows):
    random = np.random.default_rng(42)
    data = {"score": LIKELY[random.integers(0, 32, rows)],
            "segment": random.integers(0, 1000, rows, dtype=np.uint32),
            "many": random.integers(0, 1_000_000, rows, dtype=np.uint32),
            "tenth": random.integers(0, 100, rows, dtype=np.uint32),
            "rating": random.integers(1, 6, rows, dtype=np.uint8),
            "weight": 0.2 + 2 * random.random(rows)}
    data["score"][random.random(rows) < 0.03] = 255
    for k in range(5):
        data[f"p{k}"] = random.integers(1, 8, rows).astype(np.float32)
        data[f"e{k}"] = random.integers(1, 8, rows).astype(np.float32)
    return data


def values_of(result):
    """The column of values, without a Python object for each row."""
    return np.asarray(result.to_polars()["value"] if "polars" in engines
                      else result.to_dict()["value"])


def of_numpy(bins):
    return 100 * (bins[..., 9:11].sum(-1) - bins[..., :7].sum(-1)) / bins[..., :11].sum(-1)


class Bench:
    def __init__(self, data, threads):
        self.data, self.threads = data, threads
        if "duckdb" in engines:
            self.duck = engines["duckdb"].connect()
            self.duck.execute(f"SET threads = {threads}")
            self.duck.register("given", self.arrow())
            self.duck.execute("CREATE TABLE t AS SELECT * FROM given")
        if "polars" in engines:
            self.polars = engines["polars"].DataFrame(
                {k: v for k, v in data.items()})
        if "pandas" in engines:
            self.pandas = engines["pandas"].DataFrame(data)

    def arrow(self):
        import pyarrow
        return pyarrow.table(self.data)

    # ---- each workload: engine -> function that returns what is compared ------------------

    def w1(self):
        d = self.data
        runs = {"cxm": lambda: cxm.nps(d["score"], missing_codes=[255], threads=self.threads).value,
                "numpy": lambda: of_numpy(np.bincount(d["score"], minlength=256))}
        if "duckdb" in engines:
            sql = """SELECT 100.0 * (sum(n) FILTER (score >= 9) - sum(n) FILTER (score <= 6)) / sum(n)
                     FROM (SELECT score, count(*) n FROM t WHERE score <= 10 GROUP BY score)"""
            runs["duckdb"] = lambda: self.duck.execute(sql).fetchone()[0]
        if "polars" in engines:
            runs["polars"] = lambda: self.of_polars(None)
        if "pandas" in engines:
            def pandas():
                n = self.pandas["score"].value_counts()
                n = n[n.index <= 10]
                return 100 * (n[n.index >= 9].sum() - n[n.index <= 6].sum()) / n.sum()
            runs["pandas"] = pandas
        return runs

    def of_polars(self, by):
        c = engines["polars"].col("score")
        keys = ["score"] if by is None else [by, "score"]
        n = self.polars.filter(c <= 10).group_by(keys).len()
        net = (engines["polars"].col("len").filter(c >= 9).sum().cast(engines["polars"].Int64)
               - engines["polars"].col("len").filter(c <= 6).sum().cast(engines["polars"].Int64))
        share = 100 * net / engines["polars"].col("len").sum()
        if by is None:
            return n.select(share).item()
        return n.group_by(by).agg(share.alias("nps")).sort(by)["nps"].to_numpy()

    def grouped(self, by):
        d = self.data
        groups = int(d[by].max()) + 1
        runs = {"cxm": lambda: values_of(cxm.nps(
                    d["score"], by=d[by], missing_codes=[255], threads=self.threads)),
                "numpy": lambda: of_numpy(np.bincount(
                    d[by].astype(np.int64) * 16 + np.minimum(d["score"], 11),
                    minlength=16 * groups).reshape(groups, 16))}
        if "duckdb" in engines:
            sql = f"""SELECT {by}, 100.0 * (coalesce(sum(n) FILTER (score >= 9), 0)
                      - coalesce(sum(n) FILTER (score <= 6), 0)) / sum(n) v
                      FROM (SELECT {by}, score, count(*) n FROM t WHERE score <= 10
                            GROUP BY ALL) GROUP BY {by} ORDER BY {by}"""
            runs["duckdb"] = lambda: self.duck.execute(sql).fetchnumpy()["v"]
        if "polars" in engines:
            runs["polars"] = lambda: self.of_polars(by)
        if "pandas" in engines:
            def pandas():
                n = self.pandas.groupby([by, "score"]).size().unstack(fill_value=0)
                return of_numpy(n.to_numpy()[:, :11])
            runs["pandas"] = pandas
        return runs

    def w2(self):
        return self.grouped("segment")

    def w3(self):
        d = self.data
        columns = dict(by=d["segment"], weight=d["weight"], scale=(1, 5), threads=self.threads)
        runs = {"cxm": lambda: values_of(cxm.csat(d["rating"], **columns))}

        def numpy():
            w, top = d["weight"], d["rating"] >= 4
            return (np.bincount(d["segment"], w * top) / np.bincount(d["segment"], w))
        runs["numpy"] = numpy
        if "duckdb" in engines:
            sql = """SELECT segment, sum(weight) FILTER (rating >= 4) / sum(weight) v,
                     sum(weight * rating) / sum(weight), sum(weight) ^ 2 / sum(weight * weight)
                     FROM t GROUP BY segment ORDER BY segment"""
            runs["duckdb"] = lambda: self.duck.execute(sql).fetchnumpy()["v"]
        if "polars" in engines:
            c = engines["polars"].col
            runs["polars"] = lambda: self.polars.group_by("segment").agg(
                (c("weight").filter(c("rating") >= 4).sum() / c("weight").sum()).alias("v"),
                ((c("weight") * c("rating")).sum() / c("weight").sum()).alias("m"),
                (c("weight").sum() ** 2 / (c("weight") ** 2).sum()).alias("n"),
            ).sort("segment")["v"].to_numpy()
        return runs

    def w4(self):
        d = self.data
        items = [f"d{k}" for k in range(5)]
        runs = {}

        def ours():
            return values_of(cxm.gap({k: d[f"p{k[1]}"] for k in items},
                                     {k: d[f"e{k[1]}"] for k in items},
                                     by=d["tenth"], threads=self.threads))
        runs["cxm"] = ours
        if "duckdb" in engines:
            parts = ", ".join(f"avg(p{k} - e{k}) m{k}, var_samp(p{k} - e{k}) v{k}" for k in range(5))
            sql = f"SELECT tenth, {parts} FROM t GROUP BY tenth ORDER BY tenth"
            runs["duckdb"] = lambda: self.duck.execute(sql).fetchnumpy()
        if "polars" in engines:
            c = engines["polars"].col
            gaps = [(c(f"p{k}") - c(f"e{k}")) for k in range(5)]
            runs["polars"] = lambda: self.polars.group_by("tenth").agg(
                *[g.mean().alias(f"m{k}") for k, g in enumerate(gaps)],
                *[g.var().alias(f"v{k}") for k, g in enumerate(gaps)]).sort("tenth")
        return runs

    def w8(self):
        scores = self.data["score"][:1_000_000]

        def numpy():
            counts = np.bincount(scores, minlength=256)[:11]
            random = np.random.default_rng(1)
            p = [counts[:7].sum(), counts[7:9].sum(), counts[9:].sum()]
            n = sum(p)
            draws = random.multinomial(n, np.array(p) / n, size=10_000)
            return np.quantile((draws[:, 2] - draws[:, 0]) / n, [0.025, 0.975])
        return {"cxm": lambda: cxm.nps(scores, missing_codes=[255], interval="bootstrap").lower,
                "numpy": numpy}


def agree(workload, results):
    """Engines must say the same before they are compared for speed."""
    ours = results["cxm"]
    if workload in ("w4", "w8"):
        return
    for engine, theirs in results.items():
        np.testing.assert_allclose(np.asarray(theirs, dtype=float), np.asarray(ours, dtype=float),
                                   rtol=1e-9, err_msg=f"{workload}: {engine}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json")
    args = parser.parse_args()
    bench = Bench(make_data(args.rows), args.threads)
    out = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
           "rows": args.rows, "threads": args.threads, "python": platform.python_version(),
           "versions": {"cxm": cxm.__version__, "numpy": np.__version__,
                        **{k: v.__version__ for k, v in engines.items()}},
           "workloads": {}}
    for name in ("w1", "w2", "w3", "w4", "w8"):
        runs = getattr(bench, name)()
        agree(name, {k: f() for k, f in runs.items()})
        times = {k: [] for k in runs}
        for _ in range(args.repeat):
            for engine, f in runs.items():
                start = time.perf_counter()
                f()
                times[engine].append(time.perf_counter() - start)
        row = {k: {"seconds": statistics.median(v),
                   "ratio": statistics.median(t / o for t, o in zip(v, times["cxm"]))}
               for k, v in times.items()}
        out["workloads"][name] = row
        print(name.upper().ljust(4), "  ".join(
            f"{k} {v['seconds'] * 1e3:.2f} ms" + ("" if k == "cxm" else f" ({v['ratio']:.1f} x)")
            for k, v in row.items()), flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(out, file, indent=1)


if __name__ == "__main__":
    main()
