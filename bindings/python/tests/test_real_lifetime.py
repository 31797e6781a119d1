# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifetime models on all orders of the CDNOW customers. Figures: tests/reference/cdnow_lifetime.py
(pandas and SciPy, sharing no code with the library)."""

import duckdb
import pandas as pd
import pytest
from conftest import REAL_DATA

import cxm

pytestmark = pytest.mark.real
PATH = REAL_DATA / "cdnow" / "cdnow_master.csv"
END = pd.Timestamp("1997-09-30")


@pytest.fixture(scope="module")
def orders():
    return pd.read_csv(PATH, parse_dates=["date"])


@pytest.fixture(scope="module")
def histories(orders):
    return cxm.histories("customer_id", "date", as_of=END, amount="dollar_value", data=orders)


def test_histories_equal_sql(orders, histories):
    want = duckdb.sql(f"""
        with days as (select customer_id, date, sum(dollar_value) as paid
                      from read_csv('{PATH}', types={{'customer_id': 'INTEGER'}}) where date <= '1997-09-30' group by all)
        select customer_id, count(*) - 1, max(date) - min(date), date '1997-09-30' - min(date),
               sum(paid) from days group by all""").fetchall()
    ids = orders.customer_id.to_numpy()
    got = {int(ids[row]): i for i, row in enumerate(histories.row)}
    assert len(got) == len(want) == 23_570
    for customer, repeat, recency, age, paid in want:
        i = got[customer]
        assert histories.frequency[i] == repeat
        assert histories.recency[i] == recency / 7
        assert histories.age[i] == age / 7
        assert histories.amount[i] == pytest.approx(paid, rel=1e-12)


def test_bg_nbd(orders):
    fit = cxm.bg_nbd(customer="customer_id", time="date", as_of=END, data=orders)
    want = {"r": 0.2516240, "alpha": 4.7889430, "a": 0.7234337, "b": 2.1610888}
    assert fit.n == 23_570
    for name, value in want.items():
        assert fit.parameters[name] == pytest.approx(value, rel=2e-6)
    assert fit["log_likelihood"].value == pytest.approx(-95368.443933, rel=1e-11)


def test_gamma_gamma(histories):
    fit = cxm.gamma_gamma(histories.frequency, histories.value)
    assert (fit.n, fit.excluded) == (9450, 14120)
    for name, value in {"p": 6.275360, "q": 3.624450, "gamma": 14.983682}.items():
        assert fit.parameters[name] == pytest.approx(value, rel=2e-6)
    assert fit["log_likelihood"].value == pytest.approx(-40763.476261, rel=1e-11)
    assert fit["correlation"].value == pytest.approx(0.0801535877, rel=1e-8)


def test_expected_orders_add_up(orders, histories):
    """What is expected of the next 39 weeks, beside what came: the published model is 2 % off."""
    fit = cxm.bg_nbd(histories.frequency, histories.recency, histories.age)
    alive, expected = cxm.bg_nbd_predict(
        fit, histories.frequency, histories.recency, histories.age, horizon=39)
    later = orders[orders.date > END].drop_duplicates(["customer_id", "date"])
    assert sum(expected) == pytest.approx(len(later), rel=0.15)
    assert all(0 < p <= 1 for p in alive)


def test_stages_equal_sql(orders):
    want = duckdb.sql(f"""
        with c as (select date '1998-06-30' - min(date) as age, date '1998-06-30' - max(date) as idle
                   from read_csv('{PATH}', types={{'customer_id': 'INTEGER'}}) group by customer_id)
        select sum(idle <= 60 and age > 30), sum(age <= 30),
               sum(idle > 60 and idle <= 180), sum(idle > 180) from c""").fetchall()[0]
    r = cxm.stages("customer_id", "date", as_of=pd.Timestamp("1998-06-30"), data=orders)
    assert [row.value for row in r] == [v / 23_570 for v in want]
    assert r.excluded == 69_659 - 23_570


def test_rfm_equals_sql(orders):
    scores = cxm.rfm(customer="customer_id", time="date", amount="dollar_value",
                     as_of=pd.Timestamp("1998-06-30"), data=orders)
    want = duckdb.sql(f"""
        with c as (select count(distinct date) as orders, date '1998-06-30' - max(date) as idle
                   from read_csv('{PATH}', types={{'customer_id': 'INTEGER'}}) group by customer_id),
        s as (select 1 + 5 * (rank() over (order by idle desc) - 1) // count(*) over () as r,
                     1 + 5 * (rank() over (order by orders) - 1) // count(*) over () as f from c)
        select r, f, count(*) from s group by all""").fetchall()
    got = {}
    for r, f in zip(scores.recency, scores.frequency):
        got[r, f] = got.get((r, f), 0) + 1
    assert got == {(int(r), int(f)): n for r, f, n in want}
    assert sum(row.customers for row in scores) == 23_570
