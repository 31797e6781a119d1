#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the first inputs of fuzz_load into tests/fuzz/corpus/load: small saved tallies of every
kind of key, weight and shape, and reports with every kind of axis. Run with the package cxm at hand, when a metric or a
section is new; inputs that broke something are added beside them by hand."""

import datetime
from pathlib import Path

import cxm

OUT = Path(__file__).parent / "corpus" / "load"
ITEMS = {"speed": [5, 3, None, 1], "care": [4, 4, 2, 1]}
DAY = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc)
TIMES = [DAY + datetime.timedelta(days=40 * i) for i in range(4)]


def tally(metric, *, params=None, **columns):
    made = cxm.Tally(metric, **(params or {}))
    if columns:
        made.add(**columns)
    return made


SCORES = [10, 7, 0, None]
TALLIES = {
    "nps-empty": tally("nps"),
    "nps": tally("nps", score=SCORES),
    "nps-freq": tally("nps", score=SCORES, freq=[3, 0, 2**40, 1]),
    "nps-weight": tally("nps", score=SCORES, weight=[0.1, 1e-90, 3.0, 0.0]),
    "nps-text": tally("nps", score=SCORES, by=["EMEA", "EMEA", None, "APAC"]),
    "nps-ints": tally("nps", score=SCORES, by=[3, -1, None, 2**40]),
    "nps-two-keys": tally("nps", score=SCORES, by=[["a", "b", "a", ""], [1.5, -0.0, None, 2]]),
    "nps-month": tally("nps", score=SCORES, by=cxm.month(TIMES, utc_offset=0)),
    "nps-weight-text": tally("nps", score=SCORES, by=["a", "b", "a", "b"], weight=[1, 2, 3, 4.5]),
    "csat-7": tally("csat", params={"scale": (1, 7), "satisfied": 6}, score=[7, 6, 1, None]),
    "ces": tally("ces", score=[7, 6, 1, None]),
    "csi": tally("csi", items=ITEMS),
    "gap": tally("gap", perceived=ITEMS, expected={"speed": [5, 5, 5, 5], "care": [3, 4, 5, None]}),
    "survival": tally("survival", duration=[3, 5.5, 5.5, None], event=[1, 0, 1, 1],
                      by=["a", "b", "a", "b"]),
    "survival-entry": tally("survival", params={"causes": ["price", "moved"]},
                            duration=[3, 5, 5, 9], event=[1, 2, 0, 2], entry=[0, 3, 4, 9]),
    "mean": tally("mean", value=[0.1, 1e17, -1e17, None]),
    "ratio": tally("ratio", numerator=[1.0, 2.0, 3.0], denominator=[2.0, 4.0, 0.5]),
    "total": tally("total", value=[1, 2, 3]),
    "paired": tally("paired", before=[3, 8, 10, None], after=[10, 8, 2, 9]),
    "fcr": tally("fcr", resolved_first=[True, False, None]),
    "share": tally("share", numerator=[True, False, True], denominator=[True, True, False]),
    "retention": tally("retention", active_before=[1, 1, 0], active_after=[1, 0, 1]),
    "churn-reason": tally("churn", active_before=[1, 1, 1], active_after=[1, 0, 0],
                          reason=["", "price", "moved"]),
}

REPORTS = {
    "report-compare": cxm.compare(cxm.nps([10, 9, 3]), cxm.nps([2, 9, 10, 10])),
    "report-league": cxm.league(cxm.nps(SCORES * 3, by=["EMEA", None, "a", ""] * 3)),
    "report-cohorts": cxm.cohorts([1, 1, 2], TIMES[:3], as_of=TIMES[3], utc_offset=0),
    "report-curves": cxm.kaplan_meier([3, 5, 5, 9], [1, 1, 0, 1], by=[0.5, 0.5, -1, -1]),
}

OUT.mkdir(parents=True, exist_ok=True)
for name, made in TALLIES.items():
    (OUT / name).write_bytes(made.save())
for name, report in REPORTS.items():
    (OUT / name).write_bytes(report._store.save())
print(f"{len(TALLIES) + len(REPORTS)} inputs in {OUT}")
