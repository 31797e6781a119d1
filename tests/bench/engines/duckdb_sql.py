# SPDX-License-Identifier: GPL-3.0-or-later
"""DuckDB on a table of its own in memory. Grouping by group and answer first is its best form."""
import duckdb
import numpy as np

from engines import Base, answers

NET = "sum(n) FILTER (s >= 9) p, sum(n) FILTER (s <= 6) d, sum(n) n"


class Engine(Base):
    name = "duckdb"
    version = duckdb.__version__

    def __init__(self, threads):
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}")

    def unload(self):
        self.connection.execute("DROP TABLE IF EXISTS t")

    def load(self, workload, columns):
        self.connection.register("given", dict(columns))
        self.connection.execute("CREATE OR REPLACE TABLE t AS SELECT * FROM given")
        self.connection.unregister("given")

    def fetch(self, sql):
        return self.connection.execute(sql).fetchnumpy()

    def w1(self):
        return self.fetch(f"""SELECT {NET} FROM (SELECT score s, count(*) n FROM t GROUP BY score)
                              WHERE s <= 10""")

    def w1_plain(self):
        return self.fetch("""SELECT count(*) FILTER (score >= 9 AND score <= 10) p,
                             count(*) FILTER (score <= 6) d, count(*) FILTER (score <= 10) n
                             FROM t""")

    def w2(self):
        return self.fetch(f"""SELECT g, {NET} FROM (SELECT g, score s, count(*) n FROM t
                              GROUP BY g, score) WHERE s <= 10 GROUP BY g ORDER BY g""")

    def w2_plain(self):
        return self.fetch("""SELECT g, count(*) FILTER (score >= 9 AND score <= 10) p,
                             count(*) FILTER (score <= 6) d, count(*) FILTER (score <= 10) n
                             FROM t GROUP BY g ORDER BY g""")

    w2m = w2_plain

    def w3_plain(self):
        return self.fetch("""SELECT g, sum(weight) FILTER (rating >= 4) top, sum(weight * rating) m,
                             sum(weight) w, sum(weight * weight) w2 FROM t GROUP BY g ORDER BY g""")

    def w3(self):
        return self.fetch("""SELECT g, rating, sum(weight) w, sum(weight * weight) w2 FROM t
                             GROUP BY g, rating""")

    def w4(self):
        parts = ", ".join(f"avg(p{k} - e{k}) m{k}, var_samp(p{k} - e{k}) v{k}" for k in range(5))
        return self.fetch(f"SELECT g, {parts} FROM t GROUP BY g ORDER BY g")

    def w4u(self):
        gaps = [f"(p{k}::INT - e{k}::INT)" for k in range(5)]
        parts = ", ".join(f"sum({g}) s{k}, sum({g} * {g}) q{k}" for k, g in enumerate(gaps))
        return self.fetch(f"SELECT g, count(*) n, {parts} FROM t GROUP BY g ORDER BY g")

    def w5(self):
        return self.fetch(f"""SELECT count(*) FILTER (later - key <= {answers.WINDOW}
                              AND later >> 27 = key >> 27) r, count(*) n FROM (SELECT key,
                              lead(key) OVER (ORDER BY key) later FROM (SELECT
                              (customer::BIGINT << 30) + (category::BIGINT << 27)
                              + (opened - {answers.FIRST}) AS key FROM t))""")

    def w5_plain(self):
        return self.fetch(f"""SELECT count(*) FILTER (later - opened <= {answers.WINDOW}) r,
                              count(*) n FROM (SELECT opened, lead(opened) OVER (PARTITION BY
                              customer, category ORDER BY opened) later FROM t)""")

    def w6(self):
        month = answers.MONTH_OF_DAY.format("(day % 365)")
        return self.fetch(f"""SELECT bit_or(1::BIGINT << (12 * (day // 365) + {month})) bits
                              FROM (SELECT customer, ((time - {answers.FIRST}) // {answers.DAY})::INT
                              AS day FROM t) GROUP BY customer""")

    def w7(self):
        return self.fetch("SELECT g, days, lost, count(*) n FROM t GROUP BY g, days, lost")

    def w9(self):
        return self.fetch(f"""SELECT g, quantile_cont(value, {list(answers.PROBS)}) q FROM t
                              GROUP BY g ORDER BY g""")

    def answer(self, workload, r):
        r = {k: np.ma.filled(v, 0) if np.ma.isMaskedArray(v) else v for k, v in r.items()}
        if workload in ("w1", "w2", "w2m"):
            return answers.net_promoters(r["p"], r["d"], r["n"])
        if workload == "w3" and "top" in r:
            return np.concatenate([r["top"] / r["w"], r["m"] / r["w"], r["w"] ** 2 / r["w2"]])
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
            return answers.survival(r["g"], r["days"], r["lost"], r["n"])
        return np.array([list(q) for q in r["q"]]).ravel()
