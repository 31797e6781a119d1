# SPDX-License-Identifier: GPL-3.0-or-later
"""The checklist of edge cases for tickets and customers over time, item by item: what has no data,
no spread, one record only, or lies exactly on a boundary. The worked tables are tested elsewhere."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from helpers import close

import cxm

DAY = 86400
NAN = math.nan
Call = Callable[[list[Any]], Any]

#: One column of nothing in every place: all functions of tickets and customers that give rates.
EVERYTHING: dict[str, Call] = {
    "fcr_window": lambda c: cxm.fcr_window(c, c, c, as_of=0),
    "fcr_km": lambda c: cxm.fcr_km(c, c, c, as_of=0),
    "fcr": lambda c: cxm.fcr(c),
    "one_touch": lambda c: cxm.one_touch(c, c, c),
    "resolution": lambda c: cxm.resolution(c, c, as_of=0),
    "reopen": lambda c: cxm.reopen(c),
    "escalation": lambda c: cxm.escalation(c),
    "complaints": lambda c: cxm.complaints(c, c),
    "contact_rate": lambda c: cxm.contact_rate(c),
    "ticket_times": lambda c: cxm.ticket_times(c, c, as_of=0),
    "sla_km": lambda c: cxm.sla(c, c, target=10, as_of=0, variant="km"),
    "quantiles": lambda c: cxm.quantiles(c, [0.5]),
    "sketch": lambda c: cxm.quantiles(c, [0.5], accuracy=0.01),
    "sla": lambda c: cxm.sla(c, c, target=10, as_of=0),
    "retention": lambda c: cxm.retention(c, c),
    "churn": lambda c: cxm.churn(c, c),
    "repeat_purchase": lambda c: cxm.repeat_purchase(c, c, start=0, end=10),
    "revenue": lambda c: cxm.revenue(c, c, c),
    "kaplan_meier": lambda c: cxm.kaplan_meier(c, c),
    "logrank": lambda c: cxm.logrank(c, c, by=["a"] * len(c)),
    "stages": lambda c: cxm.stages(c, c, as_of=0),
    "contribution": lambda c: cxm.contribution(c),
    "shifted_beta_geometric": lambda c: cxm.shifted_beta_geometric(c, c),
    "bg_nbd": lambda c: cxm.bg_nbd(c, c, c),
    "gamma_gamma": lambda c: cxm.gamma_gamma(c, c),
}


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_01_no_rows_and_only_missing_rows(name: str, rows: int) -> None:
    r = EVERYTHING[name]([None] * rows)
    row = r[r.measures[0]] if hasattr(r, "measures") else r
    first = row[0] if isinstance(row, list) else row
    assert math.isnan(first.value)
    assert math.isnan(first.lower) and math.isnan(first.upper)
    assert first.n == 0 and first.missing == rows
    assert "NO_DATA" in first.flags and "CENSORED" not in first.flags


ONE_ROW: dict[str, tuple[Callable[[], Any], float]] = {
    "fcr_window": (lambda: cxm.fcr_window(["a"], [0], [1], as_of=99 * DAY), 1),
    "fcr_km": (lambda: cxm.fcr_km(["a"], [0], [1], as_of=99 * DAY), 1),
    "one_touch": (lambda: cxm.one_touch([1], [1], [0]), 1),
    "resolution": (lambda: cxm.resolution([0], [None], as_of=1), 0),
    "reopen": (lambda: cxm.reopen([2]), 1),
    "escalation": (lambda: cxm.escalation([0]), 0),
    "complaints": (lambda: cxm.complaints([1], [8]), 125),
    "contact_rate": (lambda: cxm.contact_rate([3]), 3),
    "quantiles": (lambda: cxm.quantiles([7.5], [0.5]), 7.5),
    "sla": (lambda: cxm.sla([0], [5], target=10, as_of=20), 1),
    "retention": (lambda: cxm.retention([1], [0]), 0),
    "churn": (lambda: cxm.churn([1], [0]), 1),
    "repeat_purchase": (lambda: cxm.repeat_purchase(["a"], [5], start=0, end=10), 0),
    "revenue": (lambda: cxm.revenue([100], [150], [1]), 1.5),
    "kaplan_meier": (lambda: cxm.kaplan_meier([5], [1], times=[4]), 1),
    "stages": (lambda: cxm.stages(["a"], [0], as_of=DAY), 0),
    "contribution": (lambda: cxm.contribution([5]), 5),
}


@pytest.mark.parametrize("name", ONE_ROW)
def test_01_one_row(name: str) -> None:
    call, value = ONE_ROW[name]
    r = call()
    first = next(iter(r))
    assert close(first.value, value) and first.n == 1
    assert "NO_DATA" not in first.flags and "SMALL_N" in first.flags


def _shuffled(columns: list[list[Any]], rng: random.Random) -> list[list[Any]]:
    order = list(range(len(columns[0])))
    rng.shuffle(order)
    return [[c[i] for i in order] for c in columns]


def test_02_order_of_rows_and_names_of_customers_change_no_bit() -> None:
    rng = random.Random(1202)
    n = 400
    customer = [rng.randrange(60) for _ in range(n)]
    opened = [rng.randrange(90 * DAY) for _ in range(n)]
    resolved = [None if rng.random() < 0.1 else t + rng.randrange(5 * DAY) for t in opened]
    amount = [rng.random() * 1e3 for _ in range(n)]

    def figures(c: list[Any], o: list[Any], r: list[Any], a: list[Any]) -> str:
        as_of = 80 * DAY
        return repr([
            cxm.fcr_window(c, o, r, as_of=as_of).to_dict(),
            cxm.fcr_km(c, o, r, as_of=as_of).to_dict(),
            cxm.resolution(o, r, as_of=as_of).to_dict(),
            cxm.sla(o, r, target=DAY, as_of=as_of).to_dict(),
            cxm.ticket_times(o, r, as_of=as_of).to_dict(),
            cxm.cohorts(c, o, as_of=as_of, unit="7d", mode="rolling").to_dict(),
            cxm.repeat_purchase(c, o, start=0, end=as_of).to_dict(),
            cxm.stages(c, o, as_of=as_of).to_dict(), cxm.quantiles(a, [0.1, 0.5]).to_dict(),
            cxm.contribution(a).to_dict(), cxm.mean(a).to_dict(),
            cxm.rfm(customer=c, time=o, amount=a, as_of=as_of).to_dict(),
            cxm.backlog(o, r, at=[10 * DAY, 40 * DAY], as_of=as_of).to_dict(),
        ])

    first = figures(customer, opened, resolved, amount)
    for _ in range(3):
        assert figures(*_shuffled([customer, opened, resolved, amount], rng)) == first
    names = rng.sample(range(10**9), 60)
    renamed = [names[c] for c in customer]
    assert figures(renamed, opened, resolved, amount) == first
    assert figures([f"c{c}" for c in renamed], opened, resolved, amount) == first


def test_03_window_of_zero_is_contacts_while_open() -> None:
    # Opened 0 and resolved 10, 5 and 5, 10 and 12; then two that are not strictly later.
    r = cxm.fcr_window(["a"] * 3, [0, 5, 10], [10, 5, 12], window=0, as_of=100, states=True)
    assert list(r.states) == ["repeat", "fcr", "fcr"]
    r = cxm.fcr_window(["a"] * 2, [7, 7], [7, 7], window=0, as_of=100, states=True)
    assert list(r.states) == ["fcr", "fcr"]


def test_03_before_the_first_row_all_are_unseen() -> None:
    r = cxm.fcr_window(["a", "b"], [10, 20], [11, None], as_of=9, states=True)
    assert list(r.states) == ["unseen", "unseen"]
    assert math.isnan(r.value) and r.excluded == 2 and r.excluded_by["unseen"] == 2


def test_03_an_endless_window_is_never_over() -> None:
    late = 2**62
    r = cxm.fcr_window(["a", "a", "b"], [late, late + 5, late], [late + 1, late + 6, late + 1],
                       window=2**53, as_of=2**63 - 1, states=True)
    assert list(r.states) == ["repeat", "fcr", "fcr"]
    far = 2**63 - 10
    r = cxm.fcr_window(["a", "a", "b"], [far, far + 5, far], [far + 1, far + 6, far + 1],
                       window=2**53, as_of=2**63 - 1, states=True)
    # anchor + window is past the end of time: it saturates there, where as_of is.
    assert set(r.states) <= {"pending", "early_repeat", "repeat", "fcr"}
    assert r.states[0] in ("repeat", "early_repeat")


def test_04_exactly_at_the_end_of_the_window_is_a_repeat() -> None:
    def states(second: int) -> list[str]:
        r = cxm.fcr_window(["a", "a"], [0, second], [0, second], window=7 * DAY, as_of=99 * DAY,
                           states=True)
        return list(r.states)

    assert states(7 * DAY) == ["repeat", "fcr"]
    assert states(7 * DAY + 1) == ["fcr", "fcr"]


def test_05_categories_split_a_customer() -> None:
    columns: dict[str, Any] = dict(customer=["a", "a"], opened=[0, DAY], resolved=[1, DAY],
                                   as_of=99 * DAY)
    assert cxm.fcr_window(**columns).value == 0.5
    assert cxm.fcr_window(**columns, category=["x", "y"]).value == 1
    unlinked = cxm.fcr_window(**columns, category=[None, None])
    assert math.isnan(unlinked.value) and unlinked.excluded == 2
    assert cxm.fcr_window(**columns, category=[None, None], missing_category="own").value == 0.5


def test_06_a_report_of_the_past_is_replayed() -> None:
    """Later rows present, as known at an instant, is the same as rows cut there."""
    rng = random.Random(1206)
    for _ in range(40):
        n = rng.randrange(1, 40)
        customer = [rng.randrange(6) for _ in range(n)]
        opened = [rng.randrange(40 * DAY) for _ in range(n)]
        resolved = [None if rng.random() < 0.2 else t + rng.randrange(3 * DAY) for t in opened]
        as_of = rng.randrange(40 * DAY)
        kept = [i for i in range(n) if opened[i] <= as_of]
        c, o = [customer[i] for i in kept], [opened[i] for i in kept]
        r = [None if (end := resolved[i]) is None or end > as_of else end for i in kept]

        def values(result: Any) -> list[str]:
            # Matrices have a row more for each reason of exclusion, such as "unseen".
            return [repr((x.value, x.lower, x.upper, x.std_error, x.n)) for x in result
                    if not getattr(x, "axes", {}).get("reason")]

        pairs: list[Callable[..., Any]] = [
            lambda c, o, r: cxm.fcr_window(c, o, r, as_of=as_of, window="2d"),
            lambda c, o, r: cxm.fcr_km(c, o, r, as_of=as_of, window="2d"),
            lambda c, o, r: cxm.sla(o, r, target=DAY, as_of=as_of),
            lambda c, o, r: cxm.resolution(o, r, as_of=as_of),
            lambda c, o, r: cxm.ticket_times(o, r, as_of=as_of),
            lambda c, o, r: cxm.cohorts(c, o, as_of=as_of, unit="7d", mode="rolling", n_periods=6),
            lambda c, o, r: _km(cxm.durations(o, r, as_of=as_of)),
            lambda c, o, r: cxm.stages(c, o, as_of=as_of),
            lambda c, o, r: cxm.backlog(o, r, at=[as_of // 2, as_of], as_of=as_of),
        ]
        for call in pairs:
            assert values(call(customer, opened, resolved)) == values(call(c, o, r))


def _km(known: Any) -> Any:
    return cxm.kaplan_meier(known.duration, known.event)


OFFICE = cxm.Schedule({"mon-fri": "09:00-17:30"}, holidays=["2024-05-01", "2024-05-04"])
HOLIDAY = 1714521600  # 2024-05-01T00:00Z, a Wednesday


def _elapsed(a: int, b: int, schedule: cxm.Schedule = OFFICE) -> int:
    return int(list(cxm.business_seconds([a], [b], schedule=schedule))[0])


def test_07_business_hours() -> None:
    first = HOLIDAY
    assert _elapsed(first, first + DAY) == 0  # wholly inside a closure
    assert _elapsed(first + 10 * 3600, first + 12 * 3600) == 0
    without = cxm.Schedule({"mon-fri": "09:00-17:30"}, holidays=["2024-05-01"])
    week = (first, first + 7 * DAY)  # the second holiday is a Saturday
    assert _elapsed(*week) == _elapsed(*week, without) == 4 * 30600
    always = cxm.Schedule({"mon-sun": "00:00-24:00"})
    rng = random.Random(1207)
    for _ in range(200):
        a, b, c = sorted(rng.randrange(-3 * 10**9, 3 * 10**9) for _ in range(3))
        assert _elapsed(a, b) + _elapsed(b, c) == _elapsed(a, c)
        assert _elapsed(a, c, always) == c - a
    # Before 1970: Monday 1969-12-29 is 3 days before Thursday, the first of January.
    assert _elapsed(-3 * DAY, -2 * DAY) == 30600
    assert _elapsed(-3 * DAY + 9 * 3600 - 1, -3 * DAY + 9 * 3600 + 1) == 1


def test_08_service_level_at_the_boundaries() -> None:
    # Unanswered, and due exactly now: breached. Answered exactly at the target: met.
    assert cxm.sla([0], [None], target=30, as_of=30).value == 0
    assert cxm.sla([0], [30], target=30, as_of=30).value == 1
    assert cxm.sla([0], [31], target=30, as_of=99).value == 0
    undue = cxm.sla([0], [None], target=30, as_of=29)
    assert math.isnan(undue.value) and undue.excluded == 1
    assert cxm.sla([0, 0], [0, 1], target=0, as_of=30).value == 0.5


def test_09_quantiles() -> None:
    assert [row.value for row in cxm.quantiles([7.5], [0, 0.5, 1])] == [7.5] * 3
    assert [row.value for row in cxm.quantiles([4.0] * 9, [0, 0.3, 1])] == [4.0] * 3
    ends = cxm.quantiles([3.0, 1.0, 2.0], [0, 1])
    assert [row.value for row in ends] == [1, 3]
    for p in (-0.1, 1.5, NAN):
        with pytest.raises(cxm.Error):
            cxm.quantiles([1.0, 2.0], [p])
    # A missing value is counted, not sorted to an end; an infinite one is an error.
    assert cxm.quantiles([1.0, None, 3.0], [1])["quantile[1]"].missing == 1
    with pytest.raises(cxm.Error, match="row 1 is inf"):
        cxm.quantiles([1.0, math.inf], [0.5])


def test_09_sketches() -> None:
    def sketch(values: list[float], accuracy: float = 0.01) -> cxm.Tally:
        tally = cxm.Tally("sketch", accuracy=accuracy)
        tally.add(value=values)
        return tally

    empty, some = sketch([]), sketch([0.0, 0.0, 1e-300, 5.0, 340.0])
    assert cxm.merge([some, empty]).save() == some.save() == cxm.merge([empty, some]).save()
    with pytest.raises(cxm.Error):
        cxm.merge([some, sketch([1.0], 0.02)])
    assert cxm.quantiles([0.0, 0.0, 9.0], [0.25], accuracy=0.01)["quantile[0.25]"].value == 0


def _cells(r: Any) -> dict[tuple[Any, int], tuple[float, int]]:
    return {(row.axes["cohort"], row.axes["period"]): (row.value, row.axes["at_risk"])
            for row in r if row.measure == "retention"}


def test_10_cohorts_at_the_boundaries() -> None:
    week: dict[str, Any] = dict(unit="7d", mode="rolling")
    twice = _cells(cxm.cohorts(["a", "a"], [5, 5], as_of=30 * DAY, **week))
    assert [v for v, _ in twice.values()][:3] == [1, 0, 0]
    before = cxm.cohorts(["a", "a"], [0, 10 * DAY], as_of=40 * DAY, start=[5 * DAY, 5 * DAY],
                         **week)
    assert before["events"].value == 1
    # 14.20 d - 7.20 d is one week to the second: column 1.
    exact = _cells(cxm.cohorts(["e", "e"], [round(7.2 * DAY), round(14.2 * DAY)],
                               as_of=60 * DAY, **week))
    assert [v for v, _ in exact.values()][:3] == [1, 1, 0]
    # as_of inside the week after that of birth: not yet observable, never 0.
    part = list(_cells(cxm.cohorts(["a"], [0], as_of=18 * DAY, **week)).values())
    assert part[0][0] == 1 and all(math.isnan(v) for v, _ in part[1:])
    negative = _cells(cxm.cohorts(["a", "a"], [-10 * DAY, -2 * DAY], as_of=60 * DAY, **week))
    assert [v for v, _ in negative.values()][:3] == [1, 1, 0]


def _utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=timezone.utc).timestamp())


def test_10_months_and_days_of_the_calendar() -> None:
    leap = _cells(cxm.cohorts(
        ["a", "a", "a"], [_utc(2024, 1, 31), _utc(2024, 2, 29), _utc(2024, 3, 1)],
        as_of=_utc(2024, 6, 1), unit="month"))
    assert [v for v, _ in leap.values()][:4] == [1, 1, 1, 0]
    # Berlin, 31 March 2024 has 23 hours: 22:30 UTC on the 30th is 23:30 of the day before.
    zone = [(-(2**40), 3600), (_utc(2024, 3, 31, 1), 7200)]
    days = _cells(cxm.cohorts(["a", "a"], [_utc(2024, 3, 30, 22, 30), _utc(2024, 3, 31, 21, 30)],
                              as_of=_utc(2024, 4, 5), unit="day", zone_table=zone))
    assert [v for v, _ in days.values()][:3] == [1, 1, 0]


def test_11_fewer_at_the_end_than_new() -> None:
    with pytest.raises(cxm.Error) as caught:
        cxm.retention(n_start=10, n_end=3, n_new=5)
    assert caught.value.status == "EINCONSISTENT"
    assert math.isnan(cxm.retention(n_start=0, n_end=3, n_new=3).value)
    assert close(cxm.retention(n_start=200, n_end=212, n_new=32).value, 0.9)


def test_12_revenue() -> None:
    nothing = cxm.revenue([0, 0], [0, 500], [1, 0])
    assert math.isnan(nothing["nrr"].value) and nothing["quick_ratio"].value == math.inf
    assert math.isnan(cxm.revenue([0], [0], [1])["quick_ratio"].value)
    for big in (2**62, 2**53 + 1):
        with pytest.raises(cxm.Error, match="row 0.*2.53"):
            cxm.revenue([big], [0], [1])
    rng = random.Random(1212)
    for _ in range(50):
        n = rng.randrange(1, 30)
        p, q = ([rng.choice([0, rng.randrange(10**6)]) for _ in range(n)] for _ in range(2))
        r = cxm.revenue(p, q, [rng.randrange(2) for _ in range(n)])
        m = {name: int(r[name].value) for name in (
            "start", "new", "expansion", "reactivation", "contraction", "churn", "end")}
        assert m["start"] == sum(p) and m["end"] == sum(q)
        assert (m["start"] + m["new"] + m["expansion"] + m["reactivation"] - m["contraction"]
                - m["churn"] == m["end"])


def test_13_survival() -> None:
    alive = cxm.kaplan_meier([1, 2, 3], [0, 0, 0], times=[3], tau=3)
    assert alive["survival"].value == 1 and math.isnan(alive["median"].value)
    assert alive["rmst"].value == 3 and alive["rmst"].std_error == 0
    at_once = cxm.kaplan_meier([4, 4, 4], [1, 1, 1], times=[4])
    assert at_once["survival"].value == 0
    tied = cxm.kaplan_meier([2, 2, 3], [1, 0, 0], times=[2, 3])  # the event first: 3 at risk
    assert [close(r.value, 2 / 3) for r in tied if r.measure == "survival"] == [True, True]
    assert close(cxm.kaplan_meier([0, 0, 3], [1, 0, 1], times=[0])["survival"].value, 2 / 3)
    late = cxm.kaplan_meier([1, 2], [1, 1], entry=[1, 0], times=[2])
    assert late["survival"].excluded == 1 and late["survival"].n == 1


def test_13_tables_of_parts_are_the_table_of_the_whole() -> None:
    rng = random.Random(1213)
    times = [rng.randrange(20) for _ in range(300)]
    events = [rng.randrange(2) for _ in times]

    def table(rows: list[int]) -> cxm.Tally:
        tally = cxm.Tally("survival")
        tally.add(duration=[times[i] for i in rows], event=[events[i] for i in rows])
        return tally

    whole = table(list(range(300))).save()
    for _ in range(5):
        part = [rng.randrange(4) for _ in times]
        tallies = [table([i for i in range(300) if part[i] == k]) for k in range(4)]
        assert cxm.merge(tallies).save() == whole


def test_14_competing_risks() -> None:
    rng = random.Random(1214)
    times = [rng.randrange(1, 12) for _ in range(80)]
    cause = [rng.randrange(5) for _ in times]
    one = [min(c, 1) for c in cause]
    at = list(range(1, 12))
    survival = [r.value for r in cxm.kaplan_meier(times, one, times=at) if r.measure == "survival"]
    of_one = [r.value for r in cxm.competing_risks(times, one, times=at)
              if r.measure == "incidence[1]"]
    assert all(close(f, 1 - s) for f, s in zip(of_one, survival, strict=True))
    many = cxm.competing_risks(times, cause, times=at)
    for t in at:
        rows = [r.value for r in many if r.axes["time"] == t]
        assert len(rows) == 5 and math.isclose(sum(rows), 1, abs_tol=80e-15)
    with pytest.raises(cxm.Error, match="row 1 is 5"):
        cxm.competing_risks([1, 2, 3], [1, 5, 0], causes=["x", "y"])


def _bg_nbd_customer(rng: random.Random) -> tuple[int, float, float]:
    """Repeat purchases, the time of the last, and the time seen, of one customer of the model."""
    rate, leave = rng.gammavariate(1.2, 1 / 5.0), rng.betavariate(1.5, 3.0)
    seen, at, orders = rng.uniform(20, 60), 0.0, 0
    while True:
        following = at + rng.expovariate(rate)
        if following > seen:
            return orders, at, seen
        at, orders = following, orders + 1
        if rng.random() < leave:
            return orders, at, seen


def test_15_models_that_the_data_do_not_determine() -> None:
    for duration, event in (([3, 3], [0, 0]), ([1, 1], [1, 1]), ([1, 1], [1, 0])):
        with pytest.raises(cxm.Error) as caught:
            cxm.shifted_beta_geometric(duration, event)
        assert caught.value.status == "ENOCONV"
    for x, t_x, age in ((0, 1, 10), (1, 11, 10)):  # no repeat but a time of it; later than now
        assert cxm.bg_nbd([x], [t_x], [age])["r"].excluded == 1
    rng = random.Random(1215)
    rows = [_bg_nbd_customer(rng) for _ in range(600)]
    plain = cxm.bg_nbd(*zip(*rows))
    more = cxm.bg_nbd(*zip(*rows, (0, 0, 0), (0, 0, 0)))  # seen for no time: no information
    for name in ("log_likelihood", "r", "alpha", "a", "b"):
        assert close(more[name].value, plain[name].value, 1e-7)
    assert cxm.gamma_gamma([1, 0], [0.0, 5.0])["p"].excluded == 2
    # q <= 1: a population without a mean is said, not printed as a number.
    rng = random.Random(1215)
    orders = [rng.randrange(1, 6) for _ in range(400)]
    rates = [rng.gammavariate(0.7, 1 / 15) for _ in orders]
    fit = cxm.gamma_gamma(orders, [rng.gammavariate(6.0 * x, 1 / v) / x
                                   for x, v in zip(orders, rates)])
    assert fit["q"].value <= 1
    assert fit["mean_value"].value == math.inf


def test_16_scores_and_shares_of_customers() -> None:
    ties = cxm.rfm([1, 1, 1], [2, 2, 2], [5, 5, 5])
    assert ties.groups == [(1, 1, 1)]
    assert cxm.rfm([9], [1], [1]).groups == [(1, 1, 1)]
    assert cxm.contribution([5, 5, 5, 5])["gini"].value == 0
    assert close(cxm.contribution([0, 0, 0, 7])["gini"].value, 3 / 4)
    assert math.isnan(cxm.contribution([0, 0])["gini"].value)


def test_17_charts() -> None:
    with pytest.raises(cxm.Error):
        cxm.chart("xmr", [5.0])
    for k in (0, 5):  # limits without width: nothing is a signal
        assert [(r.lower, r.upper, r.axes["signal"]) for r in cxm.chart("p", [k] * 3, [5] * 3)] == [
            (k / 5, k / 5, False)] * 3
    empty = list(cxm.chart("p", [1, 0, 2], [5, 0, 5]))
    assert math.isnan(empty[1].value) and "NO_DATA" in empty[1].flags and len(empty) == 3
    nobody = list(cxm.chart("u", cxm.complaints([1, 0, 3], [10, 0, 30], by=[1, 2, 3])))
    assert math.isnan(nobody[1].value) and "NO_DATA" in nobody[1].flags and len(nobody) == 3
    with pytest.raises(cxm.Error, match="events without anybody who could have them at 2"):
        cxm.chart("u", cxm.complaints([1, 2, 3], [10, 0, 30], by=[1, 2, 3]))
    still = [r for r in cxm.chart("xmr", [5.0] * 4) if r.measure == "x"]
    assert [(r.lower, r.upper) for r in still] == [(5, 5)] * 4
    x = [1.0, 2.5, -3.0, 4.0]
    raw = cxm.chart("ewma", x, lambda_=1, target=0, sigma=1)
    assert [r.value for r in raw] == x
    high = [r.value for r in cxm.chart("cusum", x, k=0, h=99, target=0)
            if r.measure == "cusum_high"]
    assert high == [1, 3.5, 0.5, 4.5]
    ones = cxm.chart("laney", [1, 0, 1, 1], [1, 1, 1, 1])
    # |z| steps of 1/0.433, 1/0.433 and 0 in units of the binomial error, over 1.128
    assert all(close(r.axes["sigma_z"], (2 / math.sqrt(0.1875)) / 3 / 1.128, 1e-9) for r in ones)


def test_18_targets_and_change_points() -> None:
    for successes, goal, verdict in ((0, 0.5, "not met"), (10, 0.5, "met"), (10, 0.0, "met"),
                                     (10, 1.0, "inconclusive"), (9, 1.0, "not met")):
        assert cxm.target(successes=successes, n=10, target=goal).verdict == verdict
    for alpha in (0, 0.5, 0.7, -0.1, NAN):
        with pytest.raises(cxm.Error):
            cxm.target(successes=5, n=10, target=0.5, alpha=alpha)
    with pytest.raises(cxm.Error, match="at least 4 points"):
        cxm.change_point([1.0, 2.0, 3.0])
    still = next(iter(cxm.change_point([2.0] * 6)))
    assert still.axes["statistic"] == 0 and still.axes["verdict"] == "no change"
