# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeat contacts: the worked example, nightly replays, and the ticket log against plain SQL."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from conftest import REAL_DATA
from helpers import close

import cxm

DAY = 86400
TICKETS = REAL_DATA / "tickets_a" / "incidents_a.csv"
CALLS = REAL_DATA / "repeat_calls_a" / "market_1.csv"

#: Section 1.2 of the definitions: customer, category, opened and resolved in days.
EXAMPLE: list[tuple[str, str, float, float | None]] = [
    ("A", "b", 0, 0.5), ("A", "b", 5, 5.2), ("A", "t", 6, 8), ("B", "b", 2, 2), ("B", "b", 9, 9.5),
    ("C", "t", 1, 4), ("C", "t", 3, 3.5), ("D", "t", 10, None), ("D", "t", 20, 21),
    ("E", "b", 26, 26.5), ("F", "t", 25, 25.1), ("F", "t", 27, 27.2), ("G", "b", 12, 11),
    ("H", "b", 15, 15.5), ("H", "b", 15, 16),
]


def example() -> dict[str, list[Any]]:
    return {
        "customer": [row[0] for row in EXAMPLE],
        "category": [row[1] for row in EXAMPLE],
        "opened": [round(row[2] * DAY) for row in EXAMPLE],
        "resolved": [None if row[3] is None else round(row[3] * DAY) for row in EXAMPLE],
    }


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, 7 / 10),
        ({"denominator": "keep_early_repeats"}, 7 / 11),
        ({"denominator": "pending_as_success"}, 9 / 13),
        ({"anchor": "opened"}, 8 / 11),
        ({"right": "open"}, 8 / 10),
        ({"window": timedelta(days=7), "as_of": datetime(1970, 1, 31)}, 7 / 10),
        ({"window": 604800, "as_of": datetime(1970, 1, 31, 2, tzinfo=timezone(timedelta(hours=2)))},
         7 / 10),
    ],
)
def test_worked_example(options: dict[str, Any], value: float) -> None:
    r = cxm.fcr_window("customer", "opened", "resolved", "category", data=example(),
                       **{"as_of": 30 * DAY, **options})
    assert close(r.value, value)
    assert r.n + r.missing + r.invalid + r.excluded == 15


def test_everything_about_the_default() -> None:
    r = cxm.fcr_window("customer", "opened", "resolved", "category", as_of=30 * DAY, states=True,
                       data=example())
    assert r.definition == "fcr/window=7d/key=customer+category/from=resolution"
    assert [s[0] for s in r.states] == list("rffrfrfofpepbff")
    assert r.states[7:9] == ["open", "fcr"] and r.states[-1] == "fcr" and len(r.states) == 15
    assert r.states.counts() == {
        "fcr": 7, "repeat": 3, "pending": 2, "early_repeat": 1, "open": 1, "bad": 1, "unseen": 0,
        "unlinked": 0, "missing": 0, "invalid": 0,
    }
    assert close(r.std_error, 0.0987420883, 1e-9)
    assert close(r["issue_fcr"].value, 0.4) and r["issue_fcr"].base == "issues"
    assert r.excluded_by == {"pending": 2, "early_repeat": 1, "open": 1, "bad": 1}
    naive = cxm.fcr_window("customer", "opened", "resolved", "category", as_of=30 * DAY,
                           interval="wilson", data=example())
    assert close(naive.std_error, 0.1449137675, 1e-9)
    assert close(naive.lower, 0.39677815, 1e-7)


def test_survival_version() -> None:
    r = cxm.fcr_km("customer", "opened", "resolved", "category", as_of=30 * DAY, data=example())
    assert close(r.value, 0.6581196581, 1e-9) and close(r.std_error, 0.1407392325, 1e-9)
    by = cxm.fcr_km("customer", "opened", "resolved", "category", as_of=30 * DAY, by="category",
                    data=example()).to_dict()
    assert by["category"] == ["b", "t"] and by["n"] == [7, 6] and by["events"] == [2, 2]
    both = cxm.fcr_km(**example(), as_of=30 * DAY, by=example()["category"], total=True)
    assert len(both) == 3 and both.total.n == 13 and close(both.total.value, 0.6581196581, 1e-9)
    # opened on the days 5 to 9: 2, 3 and 5, none of them repeated, all watched for a week
    some = cxm.fcr_km(**example(), as_of=30 * DAY, period=(5 * DAY, 10 * DAY))
    assert (some.n, some.excluded, some.value) == (3, 12, 1.0)
    young = cxm.fcr_km(["a", "b"], [0, 0], [0, 0], as_of=DAY)
    assert young.value != young.value and "CENSORED" in young.flags


def test_first_contacts_only() -> None:
    """2, 5, 7 and 12 came within a week of another contact of their key; exactly 7 days count."""
    r = cxm.fcr_window(**example(), as_of=30 * DAY, lookback="7d", states=True)
    assert (r.value, r.n) == (4 / 7, 7)
    assert r.definition == "fcr/window=7d/key=customer+category/from=resolution/first-since=7d"
    assert r.excluded_by["not_in_denominator"] == 4
    assert list(r.states) == list(cxm.fcr_window(**example(), as_of=30 * DAY, states=True).states)
    km = cxm.fcr_km(**example(), as_of=30 * DAY, lookback="7d")
    assert km.value == pytest.approx(8 / 9 * 7 / 8 * 5 / 6 * 4 / 5)
    assert cxm.Tally.load(r.tally.save()) == r.tally
    with pytest.raises(cxm.Error, match="lookback"):
        cxm.fcr_window(**example(), as_of=30 * DAY, lookback=-1)


def test_groups_and_merging_by_customer() -> None:
    table = example()
    whole = cxm.fcr_window("customer", "opened", "resolved", as_of=30 * DAY, by="category",
                           data=table)
    parts = []
    for customers in ("ABCD", "EFGH"):
        rows = [i for i in range(15) if table["customer"][i] in customers]
        part = {name: [column[i] for i in rows] for name, column in table.items()}
        parts.append(cxm.fcr_window("customer", "opened", "resolved", as_of=30 * DAY,
                                    by="category", data=part).tally)
    assert cxm.merge(parts) == whole.tally
    assert whole.groups == ["b", "t"]
    assert whole.group("b").n + whole.group("t").n == whole.total.n == 10


def test_chunks_are_refused_with_the_reason() -> None:
    tally = cxm.Tally("fcr_window", window=7 * DAY)
    with pytest.raises(cxm.Error, match="a history must be whole"):
        tally.add(customer=["a"], opened=[1], resolved=[2])


def test_arguments_that_are_wrong() -> None:
    good: dict[str, Any] = {"customer": ["a"], "opened": [0], "resolved": [5], "as_of": 99}
    with pytest.raises(cxm.Error, match="fcr_window needs resolved"):
        cxm.fcr_window(**{**good, "resolved": None})
    with pytest.raises(cxm.Error, match='window: \'soon\' is no duration'):
        cxm.fcr_window(**good, window="soon")
    with pytest.raises(cxm.Error, match="as_of"):
        cxm.fcr_window(**{**good, "as_of": None})
    with pytest.raises(cxm.Error, match="anchor"):
        cxm.fcr_window(**good, anchor="closed")
    with pytest.raises(cxm.Error, match="opened: the column is text"):
        cxm.fcr_window(**{**good, "opened": ["1970-01-01"]})
    with pytest.raises(cxm.Error, match="pass states=True"):
        assert cxm.fcr_window(**good).states
    with pytest.raises(cxm.Error, match="period is a pair"):
        cxm.fcr_window(**good, period=5)


def test_milliseconds_taken_for_seconds() -> None:
    now = 1_700_000_000
    r = cxm.fcr_window(["a", "b"], [1000 * now, 1000 * now + 1], [1000 * now + 9, None],
                       as_of=now + DAY)
    assert r.flags[:1] == ("NO_DATA",) and "ALL_AFTER_AS_OF" in r.flags
    assert r["unseen"].value == 2


def log_of_days() -> list[dict[str, Any]]:
    """Contacts of 40 days, in some order that is not that of time."""
    rows = []
    for i in range(900):
        opened = (i * 7919 * 131) % (40 * DAY)
        rows.append({"customer": (i * i + 3 * i) % 60, "opened": opened})
    return rows


def test_nightly_replay() -> None:
    """Each night replays a window and a day; the days before are kept as they were."""
    log, kept = log_of_days(), {}
    for night in range(8, 41):
        as_of = night * DAY - 1
        start = as_of + 1 - 8 * DAY
        recent = [row for row in log if start <= row["opened"] <= as_of]
        table = {name: [row[name] for row in recent] for name in ("customer", "opened")}
        r = cxm.fcr_window("customer", "opened", anchor="opened", window="7d", as_of=as_of,
                           period=(start, as_of + 1), data=table,
                           by={"day": cxm.day("opened", utc_offset=0)})
        rows = r.tally.rows()
        kept.update(zip(rows["day"], rows["tally"]))
    table = {name: [row[name] for row in log] for name in ("customer", "opened")}
    whole = cxm.fcr_window("customer", "opened", anchor="opened", window="7d", as_of=40 * DAY - 1,
                           by={"day": cxm.day("opened", utc_offset=0)}, data=table)
    merged = cxm.merge(kept.values()).estimate()
    assert merged.groups == whole.groups
    got, want = merged["fcr"].to_dict(), whole["fcr"].to_dict()
    for name in ("value", "n", "excluded", "std_error"):
        assert got[name] == pytest.approx(want[name], nan_ok=True, rel=1e-12), name


# ---- the ticket log against SQL ------------------------------------------------------------------


def tickets() -> dict[str, Any]:
    with TICKETS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = {
        name: [None if not row[name] else datetime.fromisoformat(row[name]) for row in rows]
        for name in ("opened_at", "resolved_at")
    }
    texts = {name: [row[name] or None for row in rows]
             for name in ("caller_id", "category", "contact_type", "assignment_group")}
    return {**times, **texts}


SQL = """
with t as (select row_number() over () - 1 as i, * from tickets), seen as (
  select *, epoch(opened_at)::bigint as o,
    case when resolved_at <= $as_of then epoch(resolved_at)::bigint end as r
  from t where opened_at <= $as_of and caller_id is not null and category is not null),
next as (
  select a.i, a.o, a.r, min(b.o) as n from seen a left join seen b
  on a.caller_id = b.caller_id and a.category = b.category and b.o > a.o
  group by a.i, a.o, a.r)
select i, case
  when r < o then 'bad' when r is null then 'open'
  when r + $w <= epoch($as_of::timestamp) then case when n <= r + $w then 'repeat' else 'fcr' end
  else case when n <= r + $w then 'early_repeat' else 'pending' end end as state
from next
"""


@pytest.mark.real
@pytest.mark.parametrize("days", [1, 7, 30])
@pytest.mark.parametrize("as_of", [datetime(2016, 4, 10, 12), datetime(2017, 1, 1)])
def test_ticket_log_against_sql(days: int, as_of: datetime) -> None:
    duckdb = pytest.importorskip("duckdb")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(tickets())
    database = duckdb.connect()
    database.execute("set threads to 1")
    database.register("tickets", table)
    found = database.execute(SQL, {"as_of": as_of, "w": days * DAY}).fetchall()
    want = ["unlinked"] * len(table)
    for i in range(len(table)):
        if table["opened_at"][i] > as_of:
            want[i] = "unseen"
    for i, state in found:
        want[i] = state
    r = cxm.fcr_window("caller_id", "opened_at", "resolved_at", "category", as_of=as_of,
                       window=timedelta(days=days), states=True, data=table)
    assert list(r.states) == want
    fcr, repeat = want.count("fcr"), want.count("repeat")
    assert (r.n, r.value) == (fcr + repeat, fcr / (fcr + repeat))
    by = cxm.fcr_window("caller_id", "opened_at", "resolved_at", "category", as_of=as_of,
                        window=timedelta(days=days), data=table, by="assignment_group")
    assert by.total.n == r.n and by.total.value == r.value


EASEMOB = """
with t as (select row_number() over () as i, caller_id as c, epoch(opened_at)::bigint as o
           from tickets where caller_id is not null),
first as (select a.* from t a where not exists
  (select 1 from t b where b.c = a.c and b.o < a.o and a.o - b.o <= $before)),
judged as (select a.*, exists (select 1 from t b where b.c = a.c and b.o > a.o
  and b.o - a.o <= $after) as again from first a where a.o + $after <= $as_of)
select count(*) filter (not again), count(*) from judged
"""


@pytest.mark.real
@pytest.mark.parametrize(("before", "after"), [(1, 1), (7, 1), (3, 30)])
def test_two_windows_against_sql(before: int, after: int) -> None:
    """First calls as Easemob counts them, in the ticket log."""
    duckdb = pytest.importorskip("duckdb")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(tickets())
    database = duckdb.connect()
    database.register("tickets", table)
    as_of = int(datetime(2016, 4, 10, tzinfo=timezone.utc).timestamp())
    cut = table[table["opened_at"] <= datetime(2016, 4, 10)]
    database.register("tickets", cut)
    solved, n = database.execute(
        EASEMOB, {"before": before * DAY, "after": after * DAY, "as_of": as_of}).fetchone()
    preset = next(p for p in cxm.presets("fcr_window") if p.name == "easemob_first_call")
    assert preset.params["lookback"] == preset.params["window"] == DAY
    r = cxm.fcr_window("caller_id", "opened_at", as_of=as_of, anchor="opened",
                       window=timedelta(days=after), lookback=timedelta(days=before), data=table)
    assert (r.n, r.value) == (n, solved / n)
    if before == after == 1:
        assert preset.run("caller_id", "opened_at", as_of=as_of, data=table).value == r.value


@pytest.mark.real
def test_calls_that_came_counted_already() -> None:
    """Repeat calls within a day … seven days of the first call, as a ratio of totals, by type and
    in all, and the same by SQL."""
    with CALLS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["contacts_n"] not in ("", "null")]
    first = [int(row["contacts_n"]) for row in rows]
    repeats = [
        sum(int(row[f"contacts_n_{k}"]) for k in range(1, 8)
            if row[f"contacts_n_{k}"] not in ("", "null")) for row in rows
    ]
    r = cxm.ratio(repeats, first)
    assert close(1 - r.value, 1 - sum(repeats) / sum(first))
    duckdb = pytest.importorskip("duckdb")
    repeated = " + ".join(f"coalesce(contacts_n_{k}, 0)" for k in range(1, 8))
    found = duckdb.sql(
        f"select new_type, 1 - sum({repeated}) / sum(contacts_n), count(*) from "
        f"read_csv('{CALLS}', nullstr=['null', '']) where contacts_n is not null "
        "group by 1 order by 1").fetchall()
    by = cxm.ratio(repeats, first, by={"type": [row["new_type"] for row in rows]})
    assert [(row.group, row.n) for row in by] == [(kind, n) for kind, _, n in found]
    for row, (_, fcr, _) in zip(by, found):
        assert close(1 - row.value, fcr)


def test_no_keys_are_no_groups() -> None:
    """by={} handed over a pointer to nothing, and the library read a column there."""
    columns: list[Any] = [["a", "a", "b"], [0, 3 * DAY, 0], [60, 3 * DAY + 60, 60]]
    for call in (cxm.fcr_window, cxm.fcr_km):
        for _ in range(50):
            bare = call(*columns, as_of=30 * DAY, by={})
            assert bare.to_dict() == call(*columns, as_of=30 * DAY).to_dict()
    from cxm._fcr import keys_of
    from cxm._inputs import Call

    assert keys_of(Call(None, None, ()), {}) is None
