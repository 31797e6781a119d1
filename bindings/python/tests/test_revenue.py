# SPDX-License-Identifier: GPL-3.0-or-later
"""The revenue ledger from Python: the worked example, amounts of every kind, and random
subscriptions against the definitions taken customer by customer in fractions."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import cxm
import pytest

IDS = "abcdefghij"
BEFORE = [10000, 10000, 20000, 5000, 0, 0, 30000, 0, 15000, 10000]
AFTER = [10000, 15000, 12000, 0, 8000, 6000, 33000, 0, 0, 9999]
EVER = [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]


def test_worked_example() -> None:
    r = cxm.revenue(BEFORE, AFTER, EVER)
    got = {row.measure: row.value for row in r}
    assert [got[k] for k in ("start", "end", "new", "expansion", "contraction", "churn",
                             "reactivation")] == [100000, 93999, 8000, 8000, 8001, 20000, 6000]
    assert got["nrr"] == 0.79999 and got["grr"] == 0.71999 and got["logo_churn"] == 2 / 7
    assert got["gross_churn"] == 0.28001 and got["net_churn"] == 0.20001
    assert r["net_churn_reactivation"].value == 0.14001
    assert got["quick_ratio"] == pytest.approx(0.7856862255, abs=5e-11)
    assert r["quick_ratio_new"].value == pytest.approx(0.5714081640, abs=5e-11)
    assert r["nrr"].std_error == pytest.approx(0.1913978, abs=5e-8)
    assert (r["nrr"].n, r["nrr"].excluded, r["start"].unit) == (7, 3, "money")


def ledger(rows: list[tuple[Any, int, int, int]]) -> dict[str, Any]:
    """The definitions, one customer at a time."""
    p: dict[Any, int] = defaultdict(int)
    q: dict[Any, int] = defaultdict(int)
    ever: dict[Any, bool] = defaultdict(bool)
    for customer, a, b, e in rows:
        p[customer] += a
        q[customer] += b
        ever[customer] |= bool(e)
    out: dict[str, Any] = defaultdict(int)
    nrr_top = 0
    for c in p:
        if p[c] < 0 or q[c] < 0:
            continue
        out["start"] += p[c]
        out["end"] += q[c]
        if p[c] > 0:
            nrr_top += q[c]
        if p[c] == 0 < q[c]:
            out["reactivation" if ever[c] else "new"] += q[c]
        elif q[c] == 0 < p[c]:
            out["churn"] += p[c]
        elif q[c] > p[c]:
            out["expansion"] += q[c] - p[c]
        else:
            out["contraction"] += p[c] - q[c]
    gains, losses = out["new"] + out["expansion"] + out["reactivation"], out["contraction"] + \
        out["churn"]
    assert out["start"] + gains - losses == out["end"]
    out["nrr"] = Fraction(nrr_top, out["start"]) if out["start"] else None
    out["grr"] = 1 - Fraction(losses, out["start"]) if out["start"] else None
    out["quick_ratio"] = Fraction(gains, losses) if losses else (float("inf") if gains else None)
    return out


def test_random_subscriptions() -> None:
    rng = random.Random(42)
    for _ in range(400):
        rows = [
            (rng.choice(IDS), rng.choice((0, 0, 7, 100, -3)), rng.choice((0, 0, 9, 100, 55)),
             rng.randrange(2)) for _ in range(rng.randrange(1, 30))
        ]
        want = ledger(rows)
        order = rows[:]
        rng.shuffle(order)
        names = dict(zip(IDS, rng.sample(range(-50, 50), len(IDS))))
        results = []
        for used, rename in ((rows, lambda c: c), (order, lambda c: c),
                             (order, lambda c: names[c])):
            c, p, q, e = zip(*used)
            results.append(cxm.revenue(p, q, e, customer=[rename(x) for x in c]))
        assert results[0].tally == results[1].tally == results[2].tally
        for name in ("start", "end", "new", "reactivation", "expansion", "contraction", "churn",
                     "nrr", "grr", "quick_ratio"):
            got, expected = results[0][name].value, want[name]
            if expected is None:
                assert got != got
            else:
                assert got == pytest.approx(float(expected), rel=1e-14)


def test_periods_and_partitions() -> None:
    """Several periods at once; parts by customer merge to the whole, bit for bit."""
    rng = random.Random(7)
    rows = [(rng.randrange(40), rng.choice("xyz"), rng.randrange(0, 900), rng.randrange(0, 900))
            for _ in range(500)]
    data = {k: list(v) for k, v in zip(("customer", "month", "p", "q"), zip(*rows))}
    whole = cxm.revenue("p", "q", customer="customer", by="month", data=data)
    parts = []
    for part in range(3):
        mine = [r for r in rows if r[0] % 3 == part]
        c, m, p, q = zip(*mine)
        parts.append(cxm.revenue(p, q, customer=c, by={"month": m}).tally)
    merged = cxm.merge(parts)
    assert merged == whole.tally and merged.save() == whole.tally.save()
    for month in "xyz":
        alone = [r for r in rows if r[1] == month]
        c, _, p, q = zip(*alone)
        one = cxm.revenue(p, q, customer=c)
        assert whole.group(month)["nrr"].value == one["nrr"].value
        assert whole.group(month)["nrr"].std_error == one["nrr"].std_error


def test_granularity() -> None:
    monthly = cxm.revenue([100, 150], [150, 120], by=[1, 2])
    months = [monthly.group(m) for m in (1, 2)]
    assert [m["expansion"].value for m in months] == [50, 0]
    assert [m["contraction"].value for m in months] == [0, 30]
    assert months[0]["grr"].value * months[1]["grr"].value == pytest.approx(0.8)
    quarter = cxm.revenue([100], [120])
    assert (quarter["expansion"].value, quarter["grr"].value) == (20, 1)
    assert quarter["nrr"].value == pytest.approx(months[0]["nrr"].value * months[1]["nrr"].value)


def test_amounts() -> None:
    with pytest.raises(cxm.Error, match="floats are no money"):
        cxm.revenue([1.0], [2.0])
    assert cxm.revenue([19.99], [0.1 + 0.2], currency_digits=2)["start"].value == 1999
    with pytest.raises(cxm.Error, match="currency_digits must be a whole number"):
        cxm.revenue([1.0], [2.0], currency_digits=2.5)  # type: ignore[arg-type]
    with pytest.raises(cxm.Error, match="currency_digits is between 0 and 9"):
        cxm.revenue([1.0], [2.0], currency_digits=12)
    with pytest.raises(cxm.Error, match="revenue needs current="):
        cxm.revenue([1], None)
    with pytest.raises(cxm.Error, match="weight= belongs to customers"):
        cxm.revenue([1], [2], customer=[1], weight=[1])
    with pytest.raises(cxm.Error, match="current: 2 rows, previous has 1"):
        cxm.revenue([1], [2, 3])
    r = cxm.revenue([None, 5], [1, 5])
    assert (r["nrr"].n, r["nrr"].missing) == (1, 1)
    assert cxm.revenue([], [])["nrr"].flags == ("NO_DATA", "SMALL_N")


def test_decimals_of_arrow() -> None:
    pa = pytest.importorskip("pyarrow")
    p = pa.array([Decimal("12.34"), Decimal("0.10"), None])
    q = pa.array([Decimal("12.34"), Decimal("0.20"), Decimal("1.00")])
    r = cxm.revenue(p, q)
    assert (r["start"].value, r["end"].value, r["start"].missing) == (1244, 1254, 1)


def test_frames() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"c": list(IDS), "p": BEFORE, "q": AFTER, "e": EVER})
    want = cxm.revenue(BEFORE, AFTER, EVER).tally
    assert cxm.revenue("p", "q", "e", customer="c", data=frame).tally == want
    with pytest.raises(cxm.Error, match="index"):
        cxm.revenue(frame.p, frame.q.set_axis(range(1, 11)))


def test_duckdb_agrees() -> None:
    duckdb = pytest.importorskip("duckdb")
    rng = random.Random(1)
    rows = [(rng.randrange(300), rng.randrange(0, 4) * 100, rng.randrange(0, 4) * 100)
            for _ in range(2000)]
    con = duckdb.connect()
    con.execute("create table s(c int, p bigint, q bigint)")
    con.executemany("insert into s values (?, ?, ?)", rows)
    want = con.execute("""
        with t as (select c, sum(p) p, sum(q) q from s group by c)
        select sum(p), sum(q), coalesce(sum(q) filter (p = 0), 0), sum(q - p) filter (p > 0 and q > p),
               sum(p - q) filter (q > 0 and q < p), coalesce(sum(p) filter (q = 0), 0) from t
    """).fetchone()
    c, p, q = zip(*rows)
    r = cxm.revenue(p, q, customer=c)
    assert tuple(r[k].value for k in
                 ("start", "end", "new", "expansion", "contraction", "churn")) == want
