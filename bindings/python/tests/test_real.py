# SPDX-License-Identifier: GPL-3.0-or-later
"""Public data that nobody here made, dirty as it is; the oracle is a plain count in Python.

Left out where the data are not at hand: see conftest.py."""

from __future__ import annotations

import csv
import math
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from conftest import REAL_DATA

import cxm

pytestmark = pytest.mark.real


def read(path: str) -> list[dict[str, str]]:
    with open(REAL_DATA / path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def readers(path: str) -> dict[str, Any]:
    """The same file by three libraries."""
    full = str(REAL_DATA / path)
    return {
        "pandas": pd.read_csv(full, low_memory=False),
        "polars": pl.read_csv(full, infer_schema_length=None),
        "duckdb": duckdb.read_csv(full),
    }


SFO = "sfo2017_survey/sfo_2017.csv"


def test_airport_nps() -> None:
    """11 and the empty field are no answers."""
    rows = read(SFO)
    answers = [int(float(r["NETPRO"])) for r in rows if r["NETPRO"].strip()]
    answers = [a for a in answers if a != 11]
    promoters, detractors = sum(a >= 9 for a in answers), sum(a <= 6 for a in answers)
    want = 100 * (promoters - detractors) / len(answers)
    for name, frame in readers(SFO).items():
        r = cxm.nps("NETPRO", data=frame, missing_codes=[11])
        assert (r.n, r.missing) == (len(answers), len(rows) - len(answers)), name
        assert math.isclose(r.value, want, rel_tol=1e-14)
    with pytest.raises(cxm.Error, match="NETPRO: row .* is 11, outside 0–10. If 11 means"):
        cxm.nps("NETPRO", data=readers(SFO)["pandas"])


def test_airport_weighted_by_area() -> None:
    frame = readers(SFO)["polars"]
    g = cxm.nps("NETPRO", by="BAREA", weight="WEIGHT", data=frame, missing_codes=[11])
    sums: dict[Any, list[float]] = {}
    for row in read(SFO):
        if row["NETPRO"] not in ("", "11"):
            score, weight = int(row["NETPRO"]), float(row["WEIGHT"])
            cell = sums.setdefault(row["BAREA"] or None, [0.0, 0.0])
            cell[0] += weight * ((score >= 9) - (score <= 6))
            cell[1] += weight
    values = {None if k is None else str(k): g.group(k).value for k in g.groups}
    assert values == {
        k: pytest.approx(100 * a / b, rel=1e-12) for k, (a, b) in sums.items()
    }


def test_airport_satisfaction_has_words_in_it() -> None:
    """Q7ALL: 5 … 1, 6 never used, 0 and the word Blank: no answer."""
    rows = read(SFO)
    answers = [r["Q7ALL"] for r in rows]
    labels = {str(k): float(k) for k in range(1, 6)}
    none = {code: None for code in set(answers) - set(labels) if code}
    want = [int(a) for a in answers if a in labels]
    texts = [a or None for a in answers]
    r = cxm.csat(texts, labels={**labels, **none})
    assert r.n == len(want) and r.n + r.missing == len(rows)
    assert math.isclose(r.value, sum(a >= 4 for a in want) / len(want))
    by_code = cxm.csat(texts, labels=labels, missing_codes=list(none))
    assert by_code.tally == r.tally


AIRLINE = "airline_gap_a/airline_gap_a.csv"


def test_airline_gaps() -> None:
    rows = read(AIRLINE)
    items = range(1, 24)
    for name, frame in readers(AIRLINE).items():
        if name == "duckdb":
            frame = frame.pl()
        g = cxm.gap([f"s{i}" for i in items], [f"e{i}" for i in items], data=frame,
                    scale=(1, 100))
        for i in (1, 3, 23):
            pairs = [(float(r[f"s{i}"]), float(r[f"e{i}"])) for r in rows
                     if r[f"s{i}"] and r[f"e{i}"]]
            mean = math.fsum(s - e for s, e in pairs) / len(pairs)
            row = g[f"gap[s{i}]"]
            assert row.n == len(pairs) and math.isclose(row.value, mean, rel_tol=1e-12)
        complete = [r for r in rows if all(r[f"s{i}"] and r[f"e{i}"] for i in items)]
        assert g.n == len(complete) and g.n + g.missing == len(rows)


def test_airline_nps_is_coded_from_1() -> None:
    frame = readers(AIRLINE)["pandas"]
    r = cxm.nps("nps", data=frame, scale=(1, 11), promoter=10, detractor=7)
    assert r.definition == "nps/1-11/7-10"
    shifted = cxm.nps(frame["nps"] - 1)
    assert (r.value, r.std_error) == (shifted.value, shifted.std_error)


def test_tickets() -> None:
    """There is no count of replies: reopened, and solved without being handed on."""
    path = "tickets_a/incidents_a.csv"
    rows = read(path)
    frame = readers(path)["pandas"]
    reopened = cxm.share((frame["reopen_count"] > 0), by=frame["category"])
    assert reopened.total.n == len(rows)
    assert reopened.total["successes"].value == sum(int(r["reopen_count"]) > 0 for r in rows)
    solved = frame["resolved_at"].notna()
    direct = cxm.share(frame["reassignment_count"] == 0, denominator=solved)
    want = [r for r in rows if r["resolved_at"]]
    assert direct.n == len(want)
    assert direct["successes"].value == sum(int(r["reassignment_count"]) == 0 for r in want)
    months = cxm.share(
        frame["reopen_count"] > 0, by=cxm.month(pd.to_datetime(frame["opened_at"]))
    )
    opened = sorted({r["opened_at"][:7] for r in rows})
    assert [d.strftime("%Y-%m") for d in months.groups] == opened


def test_telecom_churn() -> None:
    frame = readers("iran_churn/iran_churn.csv")["polars"]
    stayed = 1 - frame["churn"]
    r = cxm.churn(active_before=[1] * len(frame), active_after=stayed)
    assert (r.n, r["successes"].value) == (3150, 495)
    assert math.isclose(r.value, 495 / 3150)
    g = cxm.churn([True] * len(frame), stayed, by=frame["tariff_plan"])
    assert g.groups == [1, 2]
    assert sum(row.value for row in g["successes"]) == 495
