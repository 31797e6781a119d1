# SPDX-License-Identifier: GPL-3.0-or-later
"""Cohort matrices from Python: the worked example, thousands of small random cases against the
definitions taken customer by customer and cell by cell, real orders against plain SQL."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import cxm
import numpy as np
import pytest
from conftest import REAL_DATA

DAY = 86400
EXAMPLE = ("a:.10,1.05,8,15 b:2.5,9.49,23 c:3 d:6.9,7.1,13.9,20.9 e:7.2,14.19,14.2 f:9,27.5 "
           "g:13,20 h:14,21,28 i:18.3 j:22,22 k:21,27.99")
EVENTS = [
    (part.split(":")[0], round(float(days) * DAY))
    for part in EXAMPLE.split() for days in part.split(":")[1].split(",")
]


def matrix(r: Any, value: str = "value") -> dict[Any, dict[int, Any]]:
    found: dict[Any, dict[int, Any]] = r.matrix(value, index="cohort", columns="period")
    return found


@pytest.mark.parametrize("offset", ["-06:00", "+08:00", "+05:30", "-12:00", "Z"])
def test_dates_are_days_by_any_clock(offset: str) -> None:
    """1970-01-31 and 02-01 are January and February; as_of is midnight of 03-01 by that clock."""
    for zone in ({"utc_offset": offset}, {"zone_table": [(0, offset), (10**9, offset)]}):
        days = [date(1970, 1, 31), date(1970, 2, 1), date(1970, 1, 1)]
        for as_of in (date(1970, 3, 1), "1970-03-01"):
            r = cxm.cohorts([1, 1, 2], days, as_of=as_of, **zone)
            january = matrix(r)[date(1970, 1, 1)]
            assert (january[0], january[1]) == (1, 0.5)


@pytest.mark.parametrize("as_of", [np.datetime64("1970-03-01"), np.datetime64("1970-03"),
                                   np.datetime64("1970-03-01T06:00"), 59 * DAY + 6 * 3600])
def test_days_of_numpy_are_days_in_every_unit(as_of: Any) -> None:
    """Also months: 1970-03-01 begins at 06:00 UTC where the clock is six hours behind."""
    days = np.array(["1970-01", "1970-02"], "M8[M]")
    for first in (days, days.astype("M8[D]")):
        r = cxm.cohorts([1, 1], first, as_of=as_of, utc_offset="-06:00")
        assert matrix(r["retention"])[date(1970, 1, 1)][1] == 1
        assert cxm.histories([1, 1], first, as_of=as_of, unit="1d", utc_offset="-06:00").idle[0] == 28


def test_dates_beside_instants() -> None:
    """Started on 1970-02-01 where the clock is six hours behind UTC: 06:00 UTC."""
    six = 31 * DAY + 6 * 3600
    r = cxm.cohorts([1, 1, 1], [six - 1, six, six + 28 * DAY], start=[date(1970, 2, 1)] * 3,
                    as_of=date(1970, 5, 1), utc_offset="-06:00")
    assert matrix(r["retention"], "events")[date(1970, 2, 1)] == {0: 1, 1: 1, 2: 0, 3: 0}
    h = cxm.histories([1, 1], [date(1970, 2, 1), date(1970, 2, 3)], as_of=date(1970, 2, 3),
                      unit="1d", utc_offset="-06:00")
    assert (h.first[0], h.last[0], h.unseen) == (six, six + 2 * DAY, 0)
    assert (h.recency[0], h.idle[0]) == (2, 0)
    p = cxm.repeat_purchase([1, 1, 1], [date(1970, 1, 31), date(1970, 2, 1), date(1970, 2, 28)],
                            start=date(1970, 2, 1), end=date(1970, 3, 1), utc_offset="-06:00")
    assert (p["successes"].value, p["returning_share"].value) == (1, 1)


def test_worked_example() -> None:
    c, t = zip(*EVENTS)
    r = cxm.cohorts(c, t, as_of=28 * DAY, unit="7d", mode="rolling", n_periods=4)
    rows = [[round(v, 4) for v in row.values() if v == v] for row in matrix(r).values()]
    assert rows == [[1, 0.5, 0.75], [1, 0.6667], [1], []]
    counts = [list(row.values()) for row in matrix(r["retention"], "events").values()]
    assert counts == [[4, 2, 3, 0], [3, 2, 1, 0], [2, 1, 1, 0], [2, 0, 0, 0]]
    assert [round(row.value, 4) for row in r["pooled"]][:3] == [1, 0.5714, 0.75]
    assert r["retention"].definition == "cohorts/rolling/unit=604800s/on"


# ---- brute force -------------------------------------------------------------------------------


def month_index(d: date) -> int:
    return 12 * d.year + d.month - 1


def period_of(t: int, unit: str, offset: int) -> int:
    local = datetime(1970, 1, 1) + timedelta(seconds=t + offset)
    day = (local.date() - date(1970, 1, 1)).days
    return {"day": day, "week": (day + 3) // 7, "month": month_index(local.date()),
            "quarter": month_index(local.date()) // 3, "year": local.year}[unit]


def first_day(index: int, unit: str) -> date:
    if unit in ("day", "week"):
        return date(1970, 1, 1) + timedelta(days=index if unit == "day" else 7 * index - 3)
    months = index * {"month": 1, "quarter": 3, "year": 12}[unit]
    return date(months // 12, months % 12 + 1, 1)


def begin(index: int, unit: str, offset: int) -> int:
    return (first_day(index, unit) - date(1970, 1, 1)).days * DAY - offset


LENGTH = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "quarter": 90 * DAY, "year": 365 * DAY}


def brute(
    events: list[tuple[Any, int]], as_of: int, unit: str, mode: str, criterion: str,
    denominator: str, offset: int, n: int, rows: str, edges: list[int] | None,
) -> dict[tuple[date, int], tuple[int, int, int]]:
    """(first day of the cohort, column) -> retained and known, known, size; nothing clever."""
    customers = defaultdict(list)
    for c, t in events:
        if t <= as_of:
            customers[c].append(t)
    cohorts = defaultdict(list)
    for times in customers.values():
        cohorts[period_of(min(times), rows, offset)].append(times)
    cells = {}
    bounds = list(zip(edges, edges[1:])) if edges else [(k, k + 1) for k in range(n)]
    for q, members in cohorts.items():
        end = begin(q + 1, rows, offset)
        for low, high in bounds:
            retained = known = 0
            for times in members:
                birth = min(times)
                if mode == "rolling":
                    over = (birth if denominator == "customer" else end) + high * LENGTH[unit]
                    units = [(t - birth) // LENGTH[unit] for t in times]
                else:
                    last = birth if denominator == "customer" else end - 1
                    over = begin(period_of(last, unit, offset) + high, unit, offset)
                    units = [period_of(t, unit, offset) - period_of(birth, unit, offset)
                             for t in times]
                hit = any(low <= u and (u < high or criterion == "on_or_after") for u in units)
                known += over <= as_of
                retained += over <= as_of and hit
            cells[first_day(q, rows), low] = (retained, known, len(members))
    return cells


def test_random_cases_cell_by_cell() -> None:
    rng = random.Random(20261122)
    for case in range(1500):
        days = rng.choice((3, 20, 120, 800))
        people = rng.randrange(1, 12)
        events = [(rng.randrange(people), rng.randrange(-20 * DAY, days * DAY))
                  for _ in range(rng.randrange(1, 40))]
        unit = rng.choice(("day", "week", "month", "quarter", "year"))
        mode = rng.choice(("rolling", "calendar"))
        criterion = rng.choice(("on", "on_or_after"))
        denominator = rng.choice(("cohort", "customer"))
        offset = rng.choice((0, 28800, -18000))
        as_of = rng.randrange(-DAY, days * DAY * 3)
        rows = unit if rng.random() < 0.7 else rng.choice(("week", "month", "year"))
        edges = sorted(rng.sample(range(9), 4)) if rng.random() < 0.2 else None
        n = rng.randrange(1, 8)
        want = brute(events, as_of, unit, mode, criterion, denominator, offset, n, rows, edges)
        names = [i * 7919 if case % 2 else i for i in range(people)]
        r = cxm.cohorts(
            [names[c] for c, _ in events], [t for _, t in events], as_of=as_of, unit=unit,
            mode=mode, criterion=criterion, denominator=denominator, utc_offset=offset,
            n_periods=None if edges else n, rows=rows, brackets=edges,
        )
        if not want:
            continue
        seen = set()
        for row in r["retention"]:
            key = row.cohort, row.period
            if key not in want:
                assert row.at_risk == 0 and row.n == 0 and row.value != row.value
                continue
            seen.add(key)
            retained, known, size = want[key]
            assert (row.n, row.at_risk, row.n + row.excluded) == (known, size, size), (case, key)
            if known:
                assert row.value == retained / known, (case, key)
            else:
                assert row.value != row.value and "PROVISIONAL" in row.flags
        assert seen == set(want), case
        for row in r["pooled"]:
            known = sum(w[1] for k, w in want.items() if k[1] == row.period)
            retained = sum(w[0] for k, w in want.items() if k[1] == row.period)
            rates = [Fraction(w[0], w[1]) for k, w in want.items()
                     if k[1] == row.period and w[1]]
            simple = [x.value for x in r["simple_mean"] if x.period == row.period]
            assert row.n == known
            if known:
                assert row.value == retained / known
                assert simple[0] == pytest.approx(float(sum(rates) / len(rates)), rel=1e-12)
            else:
                assert row.value != row.value


# ---- use ---------------------------------------------------------------------------------------


def test_merging_parts_of_the_customers() -> None:
    rng = random.Random(3)
    events = [(rng.randrange(80), rng.randrange(400 * DAY)) for _ in range(900)]
    whole = cxm.cohorts(*zip(*events), as_of=390 * DAY)
    parts = [cxm.cohorts(*zip(*[e for e in events if e[0] % 3 == p]), as_of=390 * DAY).tally
             for p in range(3)]
    merged = cxm.cohorts(cxm.merge(parts))
    assert merged.tally.save() == whole.tally.save()
    assert str(matrix(merged)) == str(matrix(whole))  # NaN too
    with pytest.raises(cxm.Error):
        cxm.merge([parts[0], cxm.cohorts([1], [0], as_of=391 * DAY).tally])


def test_groups_starts_and_names() -> None:
    data = {
        "who": ["a", "a", "b", "b", "c"], "at": [0, 40 * DAY, 0, 1, 2 * DAY],
        "plan": ["x", "x", "y", "y", None], "signup": [True, False, True, False, False],
    }
    r = cxm.cohorts("who", "at", by="plan", data=data, as_of=date(1970, 4, 1))
    got = {(row.plan, row.period): row.value for row in r["retention"]}
    assert got["x", 1] == 1 and got["y", 1] == 0 and got[None, 0] == 1
    s = cxm.cohorts("who", "at", start="signup", data=data, as_of=datetime(1970, 4, 1))
    cells = {row.period: row for row in s["retention"]}
    assert (cells[0].value, cells[1].value, cells[0].n) == (0.5, 0.5, 2)
    assert s["customers"].excluded == 1
    assert [(row.reason, row.value) for row in s["excluded"]] == [("unlinked", 1)]


def test_errors() -> None:
    with pytest.raises(cxm.Error, match="cohorts needs as_of="):
        cxm.cohorts([1], [0])
    with pytest.raises(cxm.Error, match="mode"):
        cxm.cohorts([1], [0], as_of=1, mode="weekly")
    with pytest.raises(cxm.Error, match="time: |customer: "):
        cxm.cohorts([1, 2], [0], as_of=1)
    with pytest.raises(cxm.Error, match="n_periods"):
        cxm.cohorts([1], [0], as_of=1, n_periods=0)
    with pytest.raises(cxm.Error, match="brackets"):
        cxm.cohorts([1], [0], as_of=1, brackets=[3, 2])
    two = [datetime(2024, 1, 1), datetime(2024, 2, 1)]
    with pytest.raises(cxm.Error, match="new: numbers beside a column of times.*as bool") as caught:
        cxm.cohorts([1, 1], two, start="new", data={"new": [1, 0]}, as_of=datetime(2024, 3, 1))
    assert caught.value.column == "new"
    pd = pytest.importorskip("pandas")
    at = pd.Series([datetime(2024, 1, 31, 23, tzinfo=timezone.utc)]).dt.tz_convert("Asia/Shanghai")
    with pytest.raises(cxm.Error, match="utc_offset"):
        cxm.cohorts([1], at, as_of="x" and datetime(2024, 5, 1))
    r = cxm.cohorts([1], at, as_of=datetime(2024, 5, 1), utc_offset="+08:00")
    assert list(matrix(r)) == [date(2024, 2, 1)]


def test_all_after_as_of() -> None:
    r = cxm.cohorts([1], [1_700_000_000_000], as_of=1_710_000_000)
    assert "milliseconds?" in r["excluded"].to_dict()["reason"][0]
    assert "ALL_AFTER_AS_OF" in r["events"].flags


CDNOW = REAL_DATA / "cdnow" / "cdnow_master.csv"


@pytest.mark.real
def test_cdnow_against_sql() -> None:
    duckdb = pytest.importorskip("duckdb")
    con = duckdb.connect()
    con.execute(f"create table o as select customer_id c, cast(date as date) d "
                f"from read_csv('{CDNOW}', header=true)")
    table = con.sql("select c, d from o").to_arrow_table()
    r = cxm.cohorts("c", "d", data=table, as_of=date(1998, 7, 1))
    want = con.execute("""
        with b as (select c, min(d) as first from o group by c),
        m as (select distinct o.c, date_trunc('month', b.first)::date as cohort,
                     datediff('month', date_trunc('month', b.first), date_trunc('month', o.d)) as k
              from o join b on o.c = b.c)
        select cohort, k, count(*), any_value(s.n) from m
        join (select date_trunc('month', first)::date as cohort2, count(*) n from b group by 1) s
          on s.cohort2 = m.cohort group by all
    """).fetchall()
    rows = {(row.cohort, row.period): row for row in r["retention"]}
    assert len(want) == 18 + 17 + 16 and {w[0] for w in want} == {
        date(1997, 1, 1), date(1997, 2, 1), date(1997, 3, 1)}
    for cohort, k, retained, size in want:
        row = rows[cohort, k]
        assert (row.events, row.at_risk, row.n) == (retained, size, size)
        assert row.value == retained / size
    assert r["customers"].value == 23570 and r["events"].n == 69659
    beyond = rows[date(1997, 3, 1), 16]
    assert beyond.value != beyond.value and "PROVISIONAL" in beyond.flags
