#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing of peers.py --json: rows a second of every engine on a logarithmic scale, as SVG.

    python3 tests/bench/plot.py result.json > result.svg
"""
import json
import math
import sys

COLOURS = {"cxm": "#1b6ca8", "duckdb": "#e0a800", "polars": "#7a5cc4", "numpy": "#3a9d5d",
           "pandas": "#888888"}
LEFT, WIDTH, BAR, GAP = 60, 700, 12, 16


def draw(result):
    rows = result["rows"]
    rates = {w: {e: rows / v["seconds"] for e, v in engines.items()}
             for w, engines in result["workloads"].items()}
    values = [rate for engines in rates.values() for rate in engines.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def at(rate):
        return LEFT + (math.log10(rate) - low) / (high - low) * (WIDTH - LEFT - 90)

    parts, y = [], 40
    for workload, engines in rates.items():
        parts.append(f'<text x="8" y="{y + BAR}" font-weight="bold">{workload.upper()}</text>')
        for engine, rate in engines.items():
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{at(rate) - LEFT:.1f}" height="{BAR - 2}" '
                         f'fill="{COLOURS.get(engine, "#444444")}"/>')
            parts.append(f'<text x="{at(rate) + 4:.1f}" y="{y + BAR - 3}">{engine} '
                         f'{rate / 1e6:,.0f} M/s</text>')
            y += BAR
        y += GAP
    for power in range(low, high + 1):
        x = at(10.0 ** power)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{y}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="24">1e{power}</text>')
    title = f'Rows a second, {rows:,} rows, {result["threads"]} thread(s), {result["machine"]}'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
            f'font-family="sans-serif" font-size="10"><text x="8" y="12">{title}</text>'
            + "".join(parts) + "</svg>")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print(draw(json.load(file)))
