# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of products by name, alone and side by side."""

from __future__ import annotations

import csv
import dataclasses
from datetime import datetime

import pyarrow as pa
import pytest
from conftest import REAL_DATA
from helpers import refused

import cxm

TICKETS = REAL_DATA / "tickets_a" / "incidents_a.csv"

# The tickets of the worked example of repeat contacts.
SOLVED = [1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]
REPLIES = [1, 1, 2, 0, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1]
REOPENS = [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_list() -> None:
    names = [p.name for p in cxm.presets()]
    assert len(names) == len(set(names))
    assert {p.metric for p in cxm.presets("churn")} == {"churn"}
    stripe = next(p for p in cxm.presets() if p.name == "stripe_churn")
    assert stripe.params == {"denominator": "joined"} and stripe.verified
    satisfaction = cxm.presets("csat")[0]
    assert satisfaction.params == {"scale": (0, 1), "satisfied": 1} and not satisfaction.verified
    with pytest.raises(dataclasses.FrozenInstanceError):
        stripe.name = "x"  # type: ignore[misc]
    refused(
        "there are no presets of 'nps'; there are some of "
        + ", ".join(dict.fromkeys(p.metric for p in cxm.presets())),
        cxm.presets, "nps",
    )


def test_every_preset_is_a_call() -> None:
    """The parameters are keywords of the function, and the measure is one of its measures."""
    import inspect

    for preset in cxm.presets():
        function = getattr(cxm, preset.metric, None)
        if function is None:  # a metric that has no function of its own
            continue
        assert set(preset.params) <= set(inspect.signature(function).parameters), preset.name


def test_one() -> None:
    answers = ["good", "bad", "offered", "good"]
    r = cxm.presets("csat")[0].run(answers, labels={"good": 1, "bad": 0, "offered": None})
    assert (r.value, r.n, r.missing) == (2 / 3, 3, 1)
    touch = {p.name: p.run(SOLVED, REPLIES, REOPENS).value for p in cxm.presets("one_touch")}
    assert touch["zendesk_one_touch"] == 11 / 13
    assert touch["zendesk_one_touch_2"] == touch["fivetran_dbt_zendesk_one_touch"] == 10 / 13
    refused("satisfied is what the preset says", cxm.presets("csat")[0].run, answers, satisfied=1)


def test_side_by_side() -> None:
    r = cxm.preset_report("churn", n_start=1000, n_end=1120, n_new=180, n_lost_new=20)
    value = {row.preset: row.value for row in r}
    assert list(value)[0] == "default"
    assert value["default"] == value["profitwell_churn"] == value["chartmogul_churn"] == 0.06
    assert value["stripe_churn"] == pytest.approx(80 / 1200)
    assert value["baremetrics_churn"] == pytest.approx(0.08)
    assert value["profitable_churn"] == pytest.approx(80 / 940)
    assert value["chartmogul_shopify_churn"] == pytest.approx(0.0755, abs=5e-4)
    assert all(row.reason for row in r if row.preset != "default")
    assert {row.definition for row in r} >= {"churn/start-cohort", "churn/all-lost/survivors"}
    text = str(r)
    assert "all customers lost, over those 30 days ago" in text and "support.stripe" not in text


def test_groups_and_choices() -> None:
    team = ["a", "b"] * 7 + ["a"]
    r = cxm.preset_report("one_touch", SOLVED, REPLIES, REOPENS, by={"team": team})
    assert r.groups == ["a", "b"]
    assert "freshservice_fcr" not in {row.preset for row in r}  # it needs other replies
    only = cxm.preset_report("one_touch", SOLVED, REPLIES, only="freshservice_fcr", level=0.9)
    assert [row.preset for row in only] == ["default", "freshservice_fcr"]
    assert {row.level for row in only} == {0.9}
    assert only.to_dict()["value"][1] == 1 / 13
    refused(
        "one_touch has no preset 'x'; there are "
        + ", ".join(p.name for p in cxm.presets("one_touch")),
        cxm.preset_report, "one_touch", SOLVED, REPLIES, only=["x"],
    )
    refused(
        "measures does not belong to a preset", cxm.preset_report, "one_touch", SOLVED, REPLIES,
        measures="all",
    )


@pytest.mark.real
def test_the_ticket_log_under_all_rules() -> None:
    """Tickets by their callers and by how many groups handled them, each rule counted by hand;
    handovers stand in for replies, which the log does not have."""
    with TICKETS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    opened = [int(datetime.fromisoformat(row["opened_at"] + "+00:00").timestamp()) for row in rows]
    caller = [row["caller_id"] or None for row in rows]
    as_of = max(opened) + 40 * 86400
    r = cxm.preset_report("fcr_window", caller, opened, opened, as_of=as_of)
    calls: dict[str, list[int]] = {}
    for who, when in sorted((c, t) for c, t in zip(caller, opened) if c):
        calls.setdefault(who, []).append(when)

    def rate(window: int, before: int = 0) -> float:
        yes = all_ = 0
        for times in calls.values():
            for i, t in enumerate(times):
                if any(0 < t - u <= before for u in times):
                    continue
                all_ += 1
                yes += not any(0 < u - t <= window for u in times)
        return yes / all_

    day = 86400
    value = {row.preset: row.value for row in r}
    assert value == {
        "default": rate(7 * day), "call_centre_helper_fcr": rate(7 * day),
        "easemob_first_call": rate(day, day), "thirty_day_fcr": rate(30 * day),
    }
    assert "none in 24 h before" in str(r) and "a month without" in str(r)
    touch = [int(row["reassignment_count"]) for row in rows]
    reopens = [int(row["reopen_count"]) for row in rows]
    solved = [row["resolved_at"] != "" for row in rows]
    r = cxm.preset_report("one_touch", solved, touch, reopens)
    cases = [(t, o) for t, o, s in zip(touch, reopens, solved) if s]
    count = {
        "default": sum(t <= 1 and o == 0 for t, o in cases),
        "zendesk_one_touch": sum(t < 2 for t, _ in cases),
        "zendesk_one_touch_2": sum(t == 1 for t, _ in cases),
        "fivetran_dbt_zendesk_one_touch": sum(t == 1 for t, _ in cases),
    }
    assert {row.preset: row.value for row in r} == {k: n / len(cases) for k, n in count.items()}
    zammad = next(p for p in cxm.presets("sla") if p.name == "zammad_first_solution")
    resolved = [row["resolved_at"] for row in rows]
    ends = [int(datetime.fromisoformat(t + "+00:00").timestamp()) if t else None for t in resolved]
    first = zammad.run(opened, ends, as_of=max(end for end in ends if end))
    good = sum(e is not None and e - o <= 900 for o, e in zip(opened, ends))
    assert (first.value, first.n) == (good / len(cases), len(cases))


# Customers and days of the worked cohort matrix; the first day is a Monday.
EVENTS = {
    "a": [0.10, 1.05, 8, 15], "b": [2.5, 9.49, 23], "c": [3], "d": [6.9, 7.1, 13.9, 20.9],
    "e": [7.2, 14.19, 14.2], "f": [9, 27.5], "g": [13, 20], "h": [14, 21, 28], "i": [18.3],
    "j": [22, 22], "k": [21, 27.99],
}


def test_retention_rules() -> None:
    monday = 1704067200  # 2024-01-01
    pairs = [(c, monday + round(d * 86400)) for c, days in EVENTS.items() for d in days]
    r = cxm.preset_report(
        "cohorts", [c for c, _ in pairs], [t for _, t in pairs], as_of=monday + 28 * 86400,
        unit="week", utc_offset=0,
    )
    first = {
        (row.preset, row.keys["period"]): row.value for row in r
        if row.keys["cohort"].isoformat() == "2024-01-01" and row.keys["period"] < 3
    }
    on = {1: 0.5, 2: 0.75}
    after = {1: 0.75, 2: 0.75}
    for period in (1, 2):
        assert first["mixpanel_on_or_after", period] == after[period]
        assert first["default", period] == {1: 0.75, 2: 0.5}[period]  # calendar weeks
    assert first["amplitude_return_on", 2] == on[2]
    for period in (1, 2):
        assert first["mixpanel_on", period] == on[period]
        assert first["amplitude_return_on_calendar", period] == first["default", period]
        assert first["amplitude_return_on_or_after_calendar", period] == 0.75
    preset = next(p for p in cxm.presets("cohorts") if p.name == "mixpanel_on_or_after")
    assert preset.params == {"mode": "rolling", "criterion": "on_or_after"}


def test_measures_that_are_no_headline() -> None:
    """The ledger of the definitions, in cents."""
    before = [10000, 10000, 20000, 5000, 0, 0, 30000, 0, 15000, 10000]
    after = [10000, 15000, 12000, 0, 8000, 6000, 33000, 0, 0, 9999]
    ever = [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    r = cxm.preset_report("revenue", before, after, ever=ever)
    value = {row.preset: (row.measure, row.value) for row in r}
    assert value["chartmogul_gross_mrr_churn"] == ("gross_churn", pytest.approx(0.28001))
    net = value["chartmogul_net_mrr_churn"]
    assert net == ("net_churn_reactivation", pytest.approx(0.14001))


def test_denominators_of_churn() -> None:
    base = {"start": 1000, "average": 1060, "joined": 1200, "opening": 1000, "survivors": 940}
    for name, want in base.items():
        r = cxm.churn(n_start=1000, n_end=1120, n_new=180, n_lost_new=20, denominator=name)
        assert r["denominator"].value == want, name
        lost = 60 if name == "start" else 80
        assert (r["successes"].value, r.value) == (lost, pytest.approx(lost / want))
    lost = cxm.churn(active_before=[1, 1, 0], active_after=[1, 0, 1], reason=["", "price", ""],
                     denominator="joined")
    assert lost["churn[price]"].value == lost.value == pytest.approx(1 / 3)
    empty = cxm.churn(n_start=0, n_end=0, n_new=0, denominator="daily")
    assert empty.value != empty.value and "NO_DATA" in empty.flags


def test_what_can_be_read_once_is_read_for_all() -> None:
    """Every preset but the first saw no rows."""
    table = pa.table({"solved": [1, 1, 0, 1], "replies": [1, 2, 1, 3], "reopens": [0, 0, 1, 0]})
    names = {name: name for name in table.column_names}
    want = cxm.preset_report("one_touch", **names, data=table).to_dict()
    assert len(want["n"]) > 1 and set(want["n"]) == {3}
    assert repr(cxm.preset_report("one_touch", **names, data=table.to_reader()).to_dict()) == repr(want)
    once = [iter(column.to_pylist()) for column in table.columns]
    assert repr(cxm.preset_report("one_touch", *once).to_dict()) == repr(want)
