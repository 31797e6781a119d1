#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints tests/reference/METRICS.md: every metric, measure and analysis of the registries.

    metrics_page.py > tests/reference/METRICS.md    (needs the Python package)

Everything comes from the library itself; a test compares the page with this output."""

import sys

import cxm

WORDS = {
    "share": "in [0, 1], never percent", "points": "NPS -100 … 100, indexes 0 … 100",
    "scale": "of the answers or of the column", "ratio": "one amount over another",
    "seconds": "durations", "count": "rows, or sums of weights", "per customer": "events or money",
    "per 1000": "events for 1000 units at risk", "money": "whole minor units",
}


def cell(value):
    return str(value).replace("|", "\\|")


def table(heads, rows):
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(map(cell, row)) + " |"
    yield ""


def default_text(param):
    if param.required:
        return "required"
    if param.default is None or param.default != param.default:
        return ""
    if isinstance(param.default, tuple):
        return ", ".join(f"{x:g}" for x in param.default)
    if isinstance(param.default, bool):
        return "yes" if param.default else "no"
    return f"{param.default:g}" if isinstance(param.default, float) else str(param.default)


def definition(metric):
    """The definition id with all defaults, where nothing is needed to know it."""
    try:
        return cxm.Tally(metric.name).definition
    except cxm.Error:
        return ""


def metric_part(metric):
    yield f"## `{metric.name}`: {metric.summary} · {metric.summary_zh}"
    yield ""
    notes = [f"n counts {metric.base}"]
    if definition(metric):
        notes.append(f"by default `{definition(metric)}`")
    if metric.intervals:
        notes.append("intervals " + ", ".join(f"`{i}`" for i in metric.intervals))
    yield "; ".join(notes) + "."
    yield ""
    yield from table(("column", "holds", "read as"), (
        (f"`{i.name}`" + (", optional" if i.optional else "") + (", one an item" if i.many else ""),
         i.summary, i.role) for i in metric.inputs))
    if metric.params:
        yield from table(("parameter", "meaning", "kind", "default"), (
            (f"`{p.name}`", p.summary, " / ".join(p.choices) or p.kind, default_text(p))
            for p in metric.params))
    yield from table(("measure", "is", "中文", "unit"), (
        (f"**`{m.name}`**" if m.default else f"`{m.name}`", m.summary, m.summary_zh, m.unit)
        for m in metric.measures))


def page():
    metrics, analyses = cxm.metrics(), cxm.analyses()
    yield "# Metrics, measures and analyses"
    yield ""
    yield "<!-- made by tests/reference/metrics_page.py; do not edit -->"
    yield ""
    yield ("What the library measures, read from its own registry: `cxm.metrics()` and "
           "`cxm.analyses()` give the same")
    yield ("in Python, `cxm/metric.h` and `cxm/analysis.h` in C. Measures in bold come by default; "
           "every other one is")
    yield "`r[\"name\"]` or `measures=[…]`. Missing values are counted, never guessed:"
    yield "rows given = n + missing + invalid + excluded. Coverage of the intervals: README.md here."
    yield ""
    yield from table(("metric", "is", "中文"), (
        (f"[`{m.name}`](#{anchor(m)})", m.summary, m.summary_zh) for m in metrics))
    yield "## Analyses"
    yield ""
    yield from table(("analysis", "gives", "中文", "source"), (
        (f"`{a.name}`", a.summary, a.summary_zh, a.source) for a in analyses))
    units = sorted({m.unit for metric in metrics for m in metric.measures})
    yield "## Units"
    yield ""
    yield from table(("unit", "is"), ((u, WORDS.get(u, "")) for u in units))
    for metric in metrics:
        yield from metric_part(metric)


def anchor(metric):
    """How the usual renderers name a heading."""
    heading = f"{metric.name}: {metric.summary} · {metric.summary_zh}".lower()
    kept = "".join(c for c in heading if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def text():
    return "\n".join(page()).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text())
