#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test_real_data.py TEST_METRIC_CASES SOURCE_ROOT [DATA]: metrics on public real data.

The files are not shipped; they are looked for in ../shared/data beside the source tree, and a
note says so where they are not. Figures are worked out here in exact fractions, row by row, or
come from R's survey package (reference/weights.R); test_metric_cases compares (its format is
described there)."""
import csv
import math
import pathlib
import subprocess
import sys
import tempfile
from fractions import Fraction as Q

TOLERANCE = "1e-10"

# Printed by tests/reference/weights.R: survey 4.1.1 of R 4.2.2, weights only.
FROM_R = [
    ("apistrat mean api00", "662.287363159321", "9.58542887637313"),
    ("apistrat total enroll", "3687177.53243828", "117624.755264105"),
    ("apistrat ratio api00 api99", "1.05226054621825", "0.00379243018781383"),
    ("apistrat share awards", "0.638936064050578", "0.0360031053567647"),
    ("apiclus1 mean api00", "644.169398907104", "7.8171811596296"),
    ("apiclus1 total enroll", "3404940.13452911", "169118.675577013"),
    ("apiclus1 ratio api00 api99", "1.0612728107529", "0.00400706739293309"),
    ("apiclus1 share awards", "0.710382513661202", "0.0336219445235879"),
]
AIRPORT_FROM_R = [
    ("nps", "40.3984355117074", "1.445724976927"),
    ("promoters", "0.524067058617478", "0.0104902999466271"),
    ("detractors", "0.120082703500404", "0.00672298743853905"),
    ("mean", "8.36278519561983", "0.0359652528777913"),
]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def root(x):
    """The square root of a fraction, rounded once."""
    scale = 10 ** 60
    return repr(float(Q(math.isqrt(x.numerator * scale ** 2 // x.denominator), scale)))


class Cases:
    def __init__(self):
        self.lines = []

    def start(self, name, metric):
        self.lines.append(f"case {name} {metric}")

    def add(self, *words):
        self.lines.append(" ".join(str(w) for w in words))

    def want(self, measure, group, base, value, error="?"):
        text = value if isinstance(value, str) else repr(float(value))
        self.add("want", measure, group, *base, text, error, "?", "?", TOLERANCE)

    def end(self):
        self.lines.append("end")


def weighted(values, weights):
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values)) / total
    n = len(values)
    variance = Q(n, n - 1) * sum((w * (v - mean) / total) ** 2 for w, v in zip(weights, values))
    return mean, variance


def airport(cases, data):
    rows = read(data / "sfo2017_survey/sfo_2017.csv")
    cell = lambda text: text if text.lstrip("-").isdigit() else "-"
    answers = [(int(r["NETPRO"]), Q(float(r["WEIGHT"])), r["STRATA"]) for r in rows
               if r["NETPRO"] not in ("", "11")]
    code = lambda score: (score >= 9) - (score <= 6)
    # every answer once
    cases.start("airport-nps", "nps")
    cases.add("column score u8", *[cell(r["NETPRO"]) for r in rows])
    cases.add("missing score 11")
    n = len(answers)
    missing = len(rows) - n
    assert (n, missing) == (2746, 85)
    net = sum(code(s) for s, _, _ in answers)
    strong = sum(code(s) != 0 for s, _, _ in answers)
    base = (n, missing, 0, 0)
    cases.want("nps", "total", base, Q(100 * net, n), root(
        Q(100) ** 2 * (Q(strong, n) - Q(net, n) ** 2) / n))
    for name, share in (("promoters", 1), ("passives", 0), ("detractors", -1)):
        cases.want(name, "total", base, Q(sum(code(s) == share for s, _, _ in answers), n))
    for k in range(11):
        cases.want(f"share[{k}]", "total", base, Q(sum(s == k for s, _, _ in answers), n))
    cases.end()
    # weighted, by time of day
    cases.start("airport-weighted", "nps")
    cases.add("column score i16", *[cell(r["NETPRO"]) for r in rows])
    cases.add("missing score 11")
    cases.add("column weight f64", *[r["WEIGHT"] for r in rows])
    cases.add("column by i8", *[r["STRATA"] for r in rows])
    mean, variance = weighted([100 * code(s) for s, _, _ in answers], [w for _, w, _ in answers])
    cases.want("nps", "total", base, mean, root(variance))
    for name, value, error in AIRPORT_FROM_R:
        cases.want(name, "total", base, value, error)
    for group, stratum in enumerate("123"):
        part = [(s, w) for s, w, t in answers if t == stratum]
        mean, variance = weighted([100 * code(s) for s, _ in part], [w for _, w in part])
        left = sum(r["STRATA"] == stratum for r in rows) - len(part)
        cases.want("nps", group, (len(part), left, 0, 0), mean, root(variance))
    cases.end()
    # the airport as a whole, 1 to 5; the word Blank is no answer
    scores = [int(r["Q7ALL"]) for r in rows if r["Q7ALL"] in "12345" and r["Q7ALL"]]
    n, base = len(scores), (len(scores), len(rows) - len(scores), 0, 0)
    assert base[:2] == (2688, 143)
    cases.start("airport-csat", "csat")
    cases.add("column score u8", *[cell(r["Q7ALL"]) for r in rows])
    cases.add("missing score 0 6")
    p = Q(sum(s >= 4 for s in scores), n)
    cases.want("csat", "total", base, p, root(p * (1 - p) / n))
    mean, variance = weighted([Q(s) for s in scores], [Q(1)] * n)
    cases.want("mean", "total", base, mean, root(variance))
    cases.want("index", "total", base, 25 * (mean - 1), root(625 * variance))
    cases.end()


def airline(cases, data):
    rows = read(data / "airline_gap_a/airline_gap_a.csv")
    items = range(1, 24)
    cases.start("airline-gap", "gap")
    cases.add("texts items", *[f"q{i}" for i in items])
    cases.add("numbers scale 1 100")
    for role, letter in (("perceived", "s"), ("expected", "e")):
        for i in items:
            cases.add("column", role, "i16", *[r[f"{letter}{i}"] or "-" for r in rows])
    complete = []
    for i in items:
        pairs = [(Q(r[f"s{i}"]), Q(r[f"e{i}"])) for r in rows if r[f"s{i}"] and r[f"e{i}"]]
        gaps = [s - e for s, e in pairs]
        base = (len(gaps), len(rows) - len(gaps), 0, 0)
        mean, variance = weighted(gaps, [Q(1)] * len(gaps))
        cases.want(f"gap[q{i}]", "total", base, mean, root(variance))
        cases.want(f"perceived[q{i}]", "total", base, sum(s for s, _ in pairs) / len(pairs))
        cases.want(f"expected[q{i}]", "total", base, sum(e for _, e in pairs) / len(pairs))
        for name, holds in (("exceeded", 1), ("met", 0), ("short", -1)):
            cases.want(f"{name}[q{i}]", "total", base,
                       Q(sum((g > 0) - (g < 0) == holds for g in gaps), len(gaps)))
    for r in rows:
        if all(r[f"s{i}"] and r[f"e{i}"] for i in items):
            complete.append(sum(Q(r[f"s{i}"]) - Q(r[f"e{i}"]) for i in items) / 23)
    mean, variance = weighted(complete, [Q(1)] * len(complete))
    cases.want("gap", "total", (len(complete), len(rows) - len(complete), 0, 0), mean,
               root(variance))
    cases.end()


def telecom(cases, data):
    rows = read(data / "iran_churn/iran_churn.csv")
    cases.start("telecom-churn", "churn")
    cases.add("column active_before u8", *["1"] * len(rows))
    cases.add("column active_after u8", *[1 - int(r["churn"]) for r in rows])
    cases.add("column by i32", *[r["age_group"] for r in rows])
    lost = sum(r["churn"] == "1" for r in rows)
    assert (lost, len(rows)) == (495, 3150)
    p = Q(lost, len(rows))
    cases.want("churn", "total", (len(rows), 0, 0, 0), p, root(p * (1 - p) / len(rows)))
    for group, age in enumerate(sorted({int(r["age_group"]) for r in rows})):
        part = [r for r in rows if int(r["age_group"]) == age]
        p = Q(sum(r["churn"] == "1" for r in part), len(part))
        cases.want("churn", group, (len(part), 0, 0, 0), p)
    cases.end()


def schools(cases, data):
    for name, value, error in FROM_R:
        file, metric, *columns = name.split()
        rows = read(data / f"api_weighted/{file}.csv")
        cases.start(name.replace(" ", "-"), metric)
        roles = {"ratio": ("numerator", "denominator"), "share": ("numerator",)}
        for role, column in zip(roles.get(metric, ("value",)), columns):
            values = [{"Yes": 1, "No": 0}.get(r[column], r[column]) for r in rows]
            cases.add("column", role, "u8" if metric == "share" else "f64", *values)
        cases.add("column weight f64", *[r["pw"] for r in rows])
        cases.want(metric, "total", (len(rows), 0, 0, 0), value, error)
        cases.end()


def figures():
    """Lines of data/designs_from_r.txt: name, domain, value, standard error."""
    path = pathlib.Path(__file__).with_name("data") / "designs_from_r.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


def designs(cases, data):
    """Strata, clusters and finite populations, groups within them, against R's survey."""
    for number, (name, domain, value, error) in enumerate(figures()):
        words = name.split()
        if words[0] == "sfo" or "post=" in name or "rake=" in name or "linear=" in name:
            continue
        file, design, metric, *columns = words
        rows = read(data / f"api_weighted/{file}.csv")
        cases.start(f"{number}-{'-'.join(words)}-{domain.replace(' ', '-')}", metric)
        for part in design.split(","):
            role, column = part.split("=")
            texts = column == "stype"
            cases.add("column", role, "strings" if texts else "i32",
                      *[r[column] for r in rows])
        roles = {"ratio": ("numerator", "denominator"), "share": ("numerator",)}
        for role, column in zip(roles.get(metric, ("value",)), columns):
            values = [{"Yes": 1, "No": 0}.get(r[column], r[column]) for r in rows]
            cases.add("column", role, "u8" if metric == "share" else "f64", *values)
        cases.add("column weight f64", *[r["pw"] for r in rows])
        group, used = "total", rows
        if domain:
            by, level = domain.split()
            cases.add("column by strings", *[r[by] for r in rows])
            group = sorted({r[by] for r in rows}).index(level)
            used = [r for r in rows if r[by] == level]
        cases.want(metric, group, (len(used), 0, 0, 0), value, error)
        cases.end()


def airport_strata(cases, data):
    rows = read(data / "sfo2017_survey/sfo_2017.csv")
    want = {name.split()[1]: (value, error) for name, _, value, error in figures()
            if name.startswith("sfo ")}
    scores = [r["NETPRO"] if r["NETPRO"] not in ("", "11") else "-" for r in rows]
    missing = scores.count("-")
    cases.start("airport-strata", "nps")
    cases.add("column score i16", *scores)
    cases.add("column strata i16", *[r["STRATA"] for r in rows])
    cases.add("column weight f64", *[r["WEIGHT"] for r in rows])
    for measure, (value, error) in want.items():
        cases.want(measure, "total", (len(rows) - missing, missing, 0, 0), value, error)
    cases.end()


def main():
    program, source = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    data = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else source.parent / "shared/data"
    if not (data / "sfo2017_survey/sfo_2017.csv").is_file():
        print("SKIPPED: the public data sets are not in ../shared/data beside the source tree")
        return 77
    cases = Cases()
    for part in (airport, airline, telecom, schools, designs, airport_strata):
        part(cases, data)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "cases.txt"
        path.write_text("\n".join(cases.lines) + "\n", encoding="utf-8")
        wants = sum(line.startswith("want") for line in cases.lines)
        print(f"{wants} figures of real data")
        return subprocess.run([program, str(path)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
