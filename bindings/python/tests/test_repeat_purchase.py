# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeat purchase from Python: the worked orders, brute force, CDNOW against SQL."""

from __future__ import annotations

import random
from datetime import date

import cxm
import pytest
from conftest import REAL_DATA

DAY = 86400
CDNOW = REAL_DATA / "cdnow" / "cdnow_master.csv"


def test_worked_orders() -> None:
    who = list("aabcccdeef")
    at = [d * DAY for d in (1, 5, 2, 3, 3, 40, 33, 10, 45, 50)]
    assert cxm.repeat_purchase(who, at, start=0, end=31 * DAY).value == 0.5
    r = cxm.repeat_purchase(who, at, start=31 * DAY, end=62 * DAY)
    assert (r["returning_share"].value, r["repurchase"].value) == (0.5, 0.5)
    merged = cxm.repeat_purchase(who, at, start=0, end=31 * DAY, days=True)
    assert merged.value == 0.25
    assert merged["repeat_purchase"].definition == "repeat_purchase/orders=days"


def test_brute_force() -> None:
    rng = random.Random(5)
    for _ in range(400):
        rows = [(rng.randrange(9), rng.randrange(60 * DAY), rng.randrange(12))
                for _ in range(rng.randrange(1, 40))]
        s, e = sorted(rng.sample(range(60 * DAY), 2))
        how = rng.choice(("rows", "ids", "days"))
        now: dict[int, set[int]] = {}
        earlier: dict[int, set[int]] = {}
        for i, (c, t, o) in enumerate(rows):
            order = {"rows": i, "ids": o, "days": t // DAY}[how]
            if s <= t < e:
                now.setdefault(c, set()).add(order)
            elif t < s:
                earlier.setdefault(c, set()).add(order)
        c_, t_, o_ = zip(*rows)
        r = cxm.repeat_purchase(c_, t_, start=s, end=e, order=o_ if how == "ids" else None,
                                days=how == "days")
        both = len(set(now) & set(earlier))
        want = (
            (sum(len(x) > 1 for x in now.values()), len(now)), (both, len(now)),
            (both, len(earlier)),
        )
        for name, (k, n) in zip(("repeat_purchase", "returning_share", "repurchase"), want):
            assert r[name].n == n
            assert r[name].value == k / n if n else r[name].value != r[name].value


@pytest.mark.real
def test_cdnow_against_sql() -> None:
    duckdb = pytest.importorskip("duckdb")
    con = duckdb.connect()
    con.execute(f"create table o as select customer_id c, cast(date as date) d "
                f"from read_csv('{CDNOW}', header=true)")
    table = con.sql("select c, d from o").to_arrow_table()
    r = cxm.repeat_purchase("c", "d", start=date(1997, 1, 1), end=date(1998, 7, 1), days=True,
                            data=table)
    k, n = con.execute("select count(*) filter (n > 1), count(*) from "
                       "(select c, count(distinct d) n from o group by c)").fetchone()
    assert (r.n, r["successes"].value) == (n, k) == (23570, k)
    quarter = cxm.repeat_purchase("c", "d", start=date(1998, 1, 1), end=date(1998, 4, 1),
                                  data=table)
    both, then = con.execute(
        "select count(*) filter (b and a), count(*) filter (b) from (select c, "
        "bool_or(d < '1998-01-01') b, bool_or(d >= '1998-01-01' and d < '1998-04-01') a "
        "from o group by c)").fetchone()
    assert (quarter["repurchase"].n, quarter["repurchase"].value) == (then, both / then)


def test_churn_of_exposure_and_lifetime() -> None:
    """Definitions, section 4.1: 500 customers, 80 new, 25 + 5 lost, 550 at the end."""
    period = {"n_start": 500, "n_end": 550, "n_new": 75, "n_lost": 25, "n_lost_new": 5}
    start, average = cxm.churn(**period), cxm.churn(**period, denominator="average")
    assert (start.value, start["lost_new"].value) == (0.05, 5)
    assert average.value == pytest.approx(30 / 525, rel=1e-15)
    r = cxm.exposure_churn(30, 15350, 30)
    assert r.value == pytest.approx(0.0569462, abs=5e-8)
    assert r.lower < r.value < r.upper and r.flags == ()
    assert cxm.mean_lifetime(0.03) == pytest.approx(33.33, abs=0.005)
    assert cxm.mean_lifetime(0.03, completed=True) == pytest.approx(32.33, abs=0.005)
    assert cxm.mean_lifetime(0) == float("inf")
    with pytest.raises(cxm.Error, match="exposure"):
        cxm.exposure_churn(1, -1, 30)


IRAN = REAL_DATA / "iran_churn" / "iran_churn.csv"


@pytest.mark.real
def test_churn_of_real_customers() -> None:
    import csv

    with IRAN.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    gone = [int(r["churn"]) for r in rows]
    r = cxm.churn([1] * len(rows), [1 - g for g in gone], by=[r["tariff_plan"] for r in rows])
    assert (r.total.n, r.total.value) == (3150, 495 / 3150)
    for plan in ("1", "2"):
        mine = [g for g, row in zip(gone, rows) if row["tariff_plan"] == plan]
        assert r.group(plan).value == sum(mine) / len(mine)
