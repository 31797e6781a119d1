#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings of results, as SVG: of peers.py --json rows a second of every engine; of bench --scale
and --groups --json the time by the number of rows, and the time of a row by that of groups.

    python3 tests/bench/plot.py FILE.json... result.svg
"""
import math
import sys

from table import lines, read

COLOURS = {"C": "#0b3d63", "cxm": "#1b6ca8", "duckdb": "#e0a800", "polars": "#7a5cc4",
           "numpy": "#3a9d5d", "pandas": "#888888", "R": "#c0504d"}
LINES = {"W1": "#1b6ca8", "W2": "#e0a800", "W2m": "#7a5cc4", "W3": "#3a9d5d", "W4": "#888888",
         "W4u": "#c0504d", "W5": "#0b3d63", "W6": "#b06fb0", "W7": "#5f9ea0", "W9": "#a0522d",
         "M": "#d87093"}


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="10">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts)
            + "\n</svg>\n")


def text(x, y, what, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{" " + more if more else ""}>{what}</text>'


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
    for run in result["runs"].values():
        more, taken = bars(run, result["machine"])
        parts.append(f'<g transform="translate(0 {height})">' + "\n".join(more) + "</g>")
        height += taken + 20
    return svg(740, height, parts)


# ---- lines with two logarithmic axes ---------------------------------------------------------


def spread(ends, least=10):
    """Heights of labels, moved down where they would cover each other."""
    out, last = {}, -math.inf
    for name, y in sorted(ends.items(), key=lambda item: item[1]):
        last = out[name] = max(y, last + least)
    return out


def panel(title, found, unit):
    """Of name -> {x: y}, in a field of 620 by 430."""
    left, top, right, bottom = 60, 30, 570, 390
    xs = [math.log10(x) for line in found.values() for x in line]
    ys = [math.log10(y) for line in found.values() for y in line.values()]
    x0, x1, y0, y1 = min(xs), max(max(xs), min(xs) + 1), math.floor(min(ys)), math.ceil(max(ys))

    def at(x, y):
        return (left + (math.log10(x) - x0) / (x1 - x0) * (right - left),
                bottom - (math.log10(y) - y0) / max(y1 - y0, 1) * (bottom - top))

    parts = [text(8, 14, title)]
    for power in range(math.ceil(x0), math.floor(x1) + 1):
        x = at(10.0 ** power, 10.0 ** y0)[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#dddddd"/>')
        parts.append(text(x - 8, bottom + 14, f"1e{power}"))
    for power in range(y0, y1 + 1):
        y = at(10.0 ** x0, 10.0 ** power)[1]
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(text(8, y + 3, f"1e{power} {unit}"))
    points = {name: [at(x, y) for x, y in sorted(line.items())] for name, line in found.items()}
    labels = spread({name: line[-1][1] for name, line in points.items()})
    for name, line in points.items():
        colour = LINES.get(name, "#444444")
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in line]
        parts.append(text(right + 8, labels[name] + 3, name, f'fill="{colour}"'))
    return parts


def draw_lines(results):
    parts, height = [], 0
    for mode in ("scale", "groups"):
        if mode not in results:
            continue
        cpu = results[mode]["machine"]["cpu"]
        if mode == "scale":
            found = {w: {n: ns * n * 1e-9 for n, ns in line.items()}
                     for w, line in lines(results[mode], "rows").items()}
            more = panel(f"Processor seconds by rows, one thread, {cpu}", found, "s")
        else:
            rows = next(iter(results[mode]["points"].values()))["rows"]
            more = panel(f"Nanoseconds a row by groups, {rows / 1e6:g} M rows, one thread",
                         lines(results[mode], "groups"), "ns")
        parts.append(f'<g transform="translate(0 {height})">' + "\n".join(more) + "</g>")
        height += 430
    return svg(620, height, parts)


def main():
    results = read(sys.argv[1:-1])
    with open(sys.argv[-1], "w", encoding="utf-8") as file:
        file.write(draw_peers(results["peers"]) if "peers" in results else draw_lines(results))


if __name__ == "__main__":
    main()
