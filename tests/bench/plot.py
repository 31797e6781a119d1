#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of results, as SVG: of peers.py --json rows a second of every engine, of bench --scale
--json the time a row by the number of rows, with a table of how far that is from a straight line.

    python3 tests/bench/plot.py result.json result.svg
"""
import json
import math
import sys

COLOURS = {"C": "#0b3d63", "cxm": "#1b6ca8", "duckdb": "#e0a800", "polars": "#7a5cc4",
           "numpy": "#3a9d5d", "pandas": "#888888", "R": "#c0504d"}
LINES = ("#1b6ca8", "#e0a800", "#7a5cc4", "#3a9d5d", "#888888", "#c0504d", "#0b3d63", "#b06fb0",
         "#5f9ea0", "#a0522d", "#d87093")


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="10">' + "\n".join(parts) + "</svg>\n")


def text(x, y, what, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{what}</text>'


# ---- peers: bars -----------------------------------------------------------------------------


def bars(run, machine):
    left, right, bar, gap = 60, 610, 12, 16
    rates = {w: {e: v["rows_per_second"] for e, v in row["engines"].items()}
             for w, row in run["workloads"].items()}
    values = [rate for engines in rates.values() for rate in engines.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def at(rate):
        return left + (math.log10(rate) - low) / max(high - low, 1) * (right - left)

    parts, y = [text(8, 12, f'Rows a second, {run["threads"]} thread(s), {machine["cpu"]}')], 40
    for workload, engines in rates.items():
        parts.append(text(8, y + bar, workload.upper(), 'font-weight="bold"'))
        for engine, rate in engines.items():
            colour = COLOURS.get(engine.split()[0], "#444444")
            parts.append(f'<rect x="{left}" y="{y}" width="{at(rate) - left:.1f}" '
                         f'height="{bar - 2}" fill="{colour}"/>')
            parts.append(text(at(rate) + 4, y + bar - 3, f"{engine} {rate / 1e6:,.1f} M/s"))
            y += bar
        y += gap
    for power in range(low, high + 1):
        x = at(10.0 ** power)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{y}" stroke="#dddddd"/>')
        parts.append(text(x - 8, 24, f"1e{power}"))
    return parts, y + 10


def draw_peers(result):
    parts, height = [], 0
    for run in result["runs"]:
        more, taken = bars(run, result["machine"])
        parts.append(f'<g transform="translate(0 {height})">' + "\n".join(more) + "</g>")
        height += taken + 20
    return svg(740, height, parts)


# ---- scale: lines ----------------------------------------------------------------------------


def lines_of(result):
    """Workload -> [(rows, nanoseconds a row)]."""
    lines = {}
    for p in result["points"]:
        lines.setdefault(p["workload"], []).append((p["rows"], p["computed"] / p["rows"] * 1e9))
    return lines


def draw_scale(result):
    lines = lines_of(result)
    width, height, left, top, right, bottom = 640, 440, 50, 30, 560, 400
    all_seconds = [rows * ns * 1e-9 for line in lines.values() for rows, ns in line]
    all_rows = [rows for line in lines.values() for rows, _ in line]
    x0, x1 = math.log10(min(all_rows)), math.log10(max(all_rows))
    y0, y1 = math.floor(math.log10(min(all_seconds))), math.ceil(math.log10(max(all_seconds)))

    def at(rows, seconds):
        return (left + (math.log10(rows) - x0) / (x1 - x0) * (right - left),
                bottom - (math.log10(seconds) - y0) / (y1 - y0) * (bottom - top))

    parts = [text(8, 14, f'Processor seconds by rows, one thread, {result["machine"]["cpu"]}')]
    for power in range(math.ceil(x0), math.floor(x1) + 1):
        x = at(10.0 ** power, 10.0 ** y0)[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#dddddd"/>')
        parts.append(text(x - 8, bottom + 14, f"1e{power}"))
    for power in range(y0, y1 + 1):
        y = at(10.0 ** x0, 10.0 ** power)[1]
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(text(8, y + 3, f"1e{power} s"))
    for number, (workload, line) in enumerate(lines.items()):
        points = [at(rows, rows * ns * 1e-9) for rows, ns in line]
        colour = LINES[number % len(LINES)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(text(points[-1][0] + 4, points[-1][1] + 3, workload, f'fill="{colour}"'))
    return svg(width, height, parts)


def table(result):
    """Nanoseconds a row by decade, and the most that a row's time grows from fewer rows to more."""
    lines = lines_of(result)
    decades = sorted({rows for line in lines.values() for rows, _ in line
                      if math.log10(rows).is_integer()})
    head = ["", *(f"1e{round(math.log10(d))}" for d in decades), "most rows", "at most", "grows"]
    rows = [head]
    for workload, line in lines.items():
        cells = dict(line)
        least, worst = math.inf, 1.0
        for _, ns in line:
            worst, least = max(worst, ns / least), min(least, ns)
        most, ns = line[-1]
        rows.append([workload, *(f"{cells[d]:.2f}" if d in cells else "" for d in decades),
                     f"{most:.2g}", f"{ns:.2f}", f"{worst:.2f} x"])
    for row in rows:
        print("| " + " | ".join(row) + " |")
        if row is head:
            print("|" + "---|" * len(head))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    if result["mode"] == "scale":
        table(result)
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            file.write(draw_scale(result) if result["mode"] == "scale" else draw_peers(result))


if __name__ == "__main__":
    main()
