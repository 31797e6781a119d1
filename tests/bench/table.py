#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in Markdown from the JSON files of bench and peers.py, so that no figure is typed by hand.

    python3 tests/bench/table.py FILE.json... [--write tests/bench/README.md]

Of several files with the same figure the last one counts. With --write they replace what stands
between the two marks in that file, otherwise they are printed.
"""
import json
import math
import sys

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

# What is wanted: at least so many times the time of an engine (the least that is accepted, the
# aim), and at most so many times reading the bytes once.
WANTED = [("w1", "duckdb", 20, 40), ("w1", "numpy", 4, 7), ("w2", "duckdb", 8, 12),
          ("w2", "duckdb plain", None, 18), ("w2", "numpy plain", None, 12), ("w2", "numpy", None, None),
          ("w2m", "duckdb", 5, 7), ("w2m", "numpy", 2, 2.5), ("w3", "duckdb", 2.5, 3.5),
          ("w4", "duckdb", 4, 6), ("w4u", "duckdb", 12, 22), ("w5", "duckdb plain", 5, 9),
          ("w5", "polars plain", None, 13), ("w6", "duckdb", 8, 15), ("w6", "numpy", 4, 6),
          ("w7", "R survfit", 400, 1500), ("w7", "duckdb", 4, 6), ("w8", "numpy", 2, 3),
          ("w9", "duckdb", 5, 10), ("w9", "R data.table", 4, 6)]
READING = {"W1": 2.5, "W2": 2.6, "W2m": 24, "W3": 5, "W4": 2.2, "W4u": 4, "W6": 10, "W7": 4.5, "W9": 15}
THREADS = {"W1": 1.65, "W2": 1.45, "W2m": 1.65, "W3": 1.65, "W4": 1.65, "W4u": 1.65, "W5": 1.65,
           "W6": 1.65, "W9": 1.65}


def read(paths):
    """Mode -> what all files of it say together."""
    out = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            new = json.load(file)
        old = out.setdefault(new["mode"], {})
        old["machine"] = new["machine"]
        for key, name in (("workloads", ("workload",)), ("small", ("what",)),
                          ("points", ("workload", "rows", "groups")),
                          ("memory", ("workload", "threads"))):
            for item in new.get(key, []):
                old.setdefault(key, {})[tuple(item.get(n) for n in name)] = item
        for run in new.get("runs", []):
            known = old.setdefault("runs", {}).setdefault(run["threads"], {**run, "workloads": {}})
            known["workloads"].update(run["workloads"])
            known["versions"].update(run["versions"])
            known["small"] = run.get("small", known.get("small"))
    return out


def number(value, digits=3):
    """So many significant digits, thousands apart."""
    if value is None or not math.isfinite(value):
        return ""
    if value == int(value) and abs(value) < 10**digits:
        return str(int(value))
    places = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    return f"{value:,.{places}f}".replace(",", " ")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def machine(result, versions):
    m = result["machine"]
    return (f"{m['cores']} cores of {m['cpu']}, {m['date'][:10]}, "
            + ", ".join(v for v in [m.get("compiler"), m.get("python") and "Python " + m["python"]]
                        + versions if v) + ".")


# ---- one table each --------------------------------------------------------------------------


def of_workloads(result):
    rows = []
    for w in result["workloads"].values():
        rate = [w["rows"] / s / 1e6 for s in w["seconds"]]
        beside = [f"{number(w['x_beside'])} x {w['beside']}" if w["x_beside"] else "",
                  f"{number(w['x_loop'])} x loop" if w["x_loop"] else ""]
        wanted = [number(x[w["workload"]]) if w["workload"] in x else "" for x in (READING, THREADS)]
        rows.append([f"{w['workload']} {w['what']}", number(w["rows"] / 1e6), number(rate[0], 4),
                     number(rate[1], 4), number(w["x_threads"]), wanted[1], number(w["x_reading"]),
                     wanted[0], ", ".join(b for b in beside if b)])
    return markdown(["workload", "M rows", "M rows/s", "two threads", "x with 2", "wanted",
                     "x reading", "wanted", "beside"], rows)


def wanted(runs):
    """Each aim, and the ratio at each number of threads."""
    rows = []
    for workload, engine, least, aim in WANTED:
        cells = []
        for run in runs.values():
            found = run["workloads"].get(workload, {"engines": {}})["engines"].get(engine)
            cells.append(number(found["ratio"]) if found else "")
        if any(cells):
            rows.append([workload.upper(), engine, number(least), number(aim), *cells])
    return markdown(["workload", "times the time of C", "floor", "aim",
                     *(f"{n} thread{'s' * (n > 1)}" for n in runs)], rows)


def of_engines(run):
    names = list(dict.fromkeys(e for w in run["workloads"].values() for e in w["engines"]))
    rows = []
    for name in names:
        cells = [w["engines"].get(name) for w in run["workloads"].values()]
        rows.append([name, *(number(c["rows_per_second"] / 1e6) + ("*" if c["rounds"] == 1 else "")
                             if c else "" for c in cells)])
    head = [f"{w.upper()}, {number(row['rows'] / 1e6)} M rows" for w, row in run["workloads"].items()]
    return markdown(["M rows/s", *head], rows)


def of_small(result):
    return markdown(["small calls", "", "", "wanted"],
                    [[s["what"], number(s["value"]), s["unit"], number(s["target"])]
                     for s in result["small"].values()])


def lines(result, by):
    """Workload -> {rows or groups: nanoseconds a row}."""
    out = {}
    for p in result["points"].values():
        out.setdefault(p["workload"], {})[p[by]] = p["computed"] / p["rows"] * 1e9
    return out


def of_scale(result):
    """Nanoseconds a row by decade, and the most that a row's time grows from fewer rows to more."""
    found = lines(result, "rows")
    decades = sorted({n for line in found.values() for n in line if math.log10(n).is_integer()})
    rows = []
    for workload, line in found.items():
        worst = {since: 1.0 for since in (0, 10**6)}
        for since in worst:
            least = math.inf
            for n, ns in sorted(line.items()):
                if n >= since:
                    worst[since], least = max(worst[since], ns / least), min(least, ns)
        most = max(line)
        rows.append([workload, *(number(line.get(d), 2) for d in decades), number(most / 1e6),
                     number(line[most], 2), *(number(w, 2) + " x" for w in worst.values())])
    return markdown(["ns a row", *(f"1e{round(math.log10(d))}" for d in decades), "most, M rows",
                     "there", "grows by", "from 1e6 on"], rows)


def of_groups(result):
    found = lines(result, "groups")
    steps = sorted({n for line in found.values() for n in line})
    any_point = next(iter(result["points"].values()))
    return markdown([f"ns a row, {number(any_point['rows'] / 1e6)} M rows",
                     *(f"{n:,}".replace(",", " ") for n in steps)],
                    [[w, *(number(line.get(n)) for n in steps)] for w, line in found.items()])


def of_memory(result):
    rows = {}
    for m in result["memory"].values():
        row = rows.setdefault(m["workload"], [m["workload"], number(m["rows"] / 1e6), str(m["groups"])])
        row += [number(m[k] / 2**20) for k in ("peak", "stated")]
    return markdown(["MiB beside the input", "M rows", "groups", "1 thread", "stated", "2 threads",
                     "stated"], rows.values())


def tables(results):
    parts = []
    if "table" in results:
        parts += [machine(results["table"], []), of_workloads(results["table"])]
    if "peers" in results:
        runs = results["peers"]["runs"]
        versions = next(iter(runs.values()))["versions"]
        parts += ["Beside peers, paired within rounds. " + machine(
            results["peers"], [v if v.startswith("R ") else f"{k} {v}" for k, v in versions.items()]),
            wanted(runs)]
        for n, run in runs.items():
            parts += [f"All engines, {n} thread{'s' * (n > 1)} (* one round: slow):", of_engines(run)]
        small = next((run["small"] for run in runs.values() if run.get("small")), {})
        if small:
            parts.append("From Python: " + ", ".join(f"{what} {number(seconds * 1e6)} µs"
                                                     for what, seconds in small.items()) + ".")
    for mode in ("table", "small"):
        if results.get(mode, {}).get("small"):
            parts.append(of_small(results[mode]))
            break
    for mode, make in (("scale", of_scale), ("groups", of_groups), ("memory", of_memory)):
        if mode in results:
            parts.append(make(results[mode]))
    return "\n\n".join(parts)


def write(path, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{new}\n\n{END}{after}")


def main():
    arguments = sys.argv[1:]
    into = arguments[arguments.index("--write") + 1] if "--write" in arguments else None
    new = tables(read([a for a in arguments if a.endswith(".json")]))
    if into:
        write(into, new)
    else:
        print(new)


if __name__ == "__main__":
    main()
