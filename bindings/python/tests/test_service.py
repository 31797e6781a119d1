# SPDX-License-Identifier: GPL-3.0-or-later
"""Service operations: the example of the definitions (sections 1.2, 2.1, 2.4 and 2.6), to the digits that
they print, and the ticket log against plain Python."""

from __future__ import annotations

import math
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from conftest import REAL_DATA
from helpers import close, refused
from test_fcr import tickets

import cxm

#: Section 2.4, in minutes: opened, first reply, resolved, reopens, escalated, channel.
LOG: list[tuple[int, int | None, int | None, int, int, str]] = [
    (0, 10, 60, 0, 0, "phone"), (15, 45, 200, 1, 0, "email"), (30, 32, 35, 0, 0, "chat"),
    (60, 180, 400, 0, 1, "email"), (90, 91, 95, 0, 0, "chat"), (120, None, None, 0, 0, "email"),
    (200, 230, 470, 2, 1, "phone"), (240, 245, 300, 0, 0, "phone"),
    (300, 330, None, 0, 1, "email"), (400, 404, 420, 0, 0, "chat"),
    (450, None, None, 0, 0, "email"), (460, 462, 479, 0, 0, "chat"),
]
TABLE: dict[str, list[Any]] = {
    "opened": [60 * row[0] for row in LOG],
    "resolved": [None if row[2] is None else 60 * row[2] for row in LOG],
    "reopens": [row[3] for row in LOG],
    "escalated": [row[4] for row in LOG],
    "channel": [row[5] for row in LOG],
    "done": [row[2] is not None for row in LOG],
}
END = 480 * 60


def test_ratios_of_the_example() -> None:
    resolution = cxm.resolution("opened", "resolved", as_of=END, data=TABLE)
    assert close(resolution.value, 9 / 12) and resolution.interval == "wilson"
    reopen = cxm.reopen("reopens", "done", data=TABLE)
    assert close(reopen.value, 2 / 9) and reopen.excluded == 3
    assert close(reopen["reopens_per_ticket"].value, 3 / 9)
    assert close(cxm.escalation("escalated", data=TABLE).value, 3 / 12)
    shares = cxm.escalation("escalated", by="channel", data=TABLE)
    assert [(g, shares.group(g).n) for g in shares.groups] == [
        ("chat", 4), ("email", 5), ("phone", 3)]


def test_resolution_of_a_period() -> None:
    """Of the tickets opened in [60, 300) minutes 4, 5, 7, 8 are resolved, 6 is not."""
    r = cxm.resolution("opened", "resolved", as_of=END, period=(3600, 18000), data=TABLE)
    assert (r.value, r.n, r.excluded_by) == (0.8, 5, {"not_in_denominator": 7})
    # resolved in [60, 300): 1 (at 60), 2, 5
    assert (r["clearance"].value, r["opened"].value, r["resolved"].value) == (0.6, 5, 3)
    assert r.n + r.missing + r.invalid + r.excluded == 12
    # within 30 minutes: 3, 5, 10, 12 of those opened by 450; 11 is due exactly, 12 is not
    w = cxm.resolution("opened", "resolved", as_of=END, within="30min", data=TABLE)
    assert (w.n, w.value, w.excluded_by) == (11, 3 / 11, {"pending": 1})
    assert w.definition == "resolution/opened-cohort/within=1800s"


def test_resolution_replays() -> None:
    """As of an earlier instant later rows are unseen and later resolutions unknown."""
    for minute in (0, 59, 60, 100, 300, 450):
        cut = [row for row in LOG if row[0] <= minute]
        want = [row[2] is not None and row[2] <= minute for row in cut]
        r = cxm.resolution("opened", "resolved", as_of=60 * minute, data=TABLE)
        assert (r.n, r.value) == (len(cut), sum(want) / len(cut))
    early = cxm.resolution("opened", "resolved", as_of=-1, data=TABLE)
    assert math.isnan(early.value) and "ALL_AFTER_AS_OF" in early.flags
    bad = cxm.resolution([5, None, 7], [4, 9, 8], as_of=99)
    assert (bad.n, bad.missing, bad.excluded_by) == (1, 1, {"bad": 1})


def test_resolution_of_chunks_and_groups() -> None:
    whole = cxm.resolution("opened", "resolved", as_of=END, by="channel", data=TABLE)
    parts = [
        cxm.resolution("opened", "resolved", as_of=END, by="channel",
                       data={name: values[part] for name, values in TABLE.items()}).tally
        for part in (slice(0, 5), slice(5, 6), slice(6, 12))
    ]
    assert cxm.merge(parts) == whole.tally
    assert close(whole.group("email").value, 2 / 5)


def test_complaints() -> None:
    r = cxm.complaints(complaints=17, customers=8450)
    assert close(r.value, 2.0118343, 5e-8)
    assert close(r.lower, 1.1719676, 5e-8) and close(r.upper, 3.2211416, 5e-8)
    assert r.interval == "garwood" and "1000" in r.unit
    none = cxm.complaints(complaints=0, customers=1000)
    assert (none.value, none.lower) == (0, 0) and close(none.upper, 3.6888795, 5e-8)
    assert close(cxm.complaints(complaints=0, customers=1000, level=0.9).upper, 2.9957323, 5e-8)
    each = cxm.complaints([0, 2, 0, 1, None])
    assert (each.value, each.n, each.missing) == (750, 4, 1)
    assert each["complainers"].value == 0.5 and each["complainers"].interval == "wilson"
    assert math.isnan(r["complainers"].value)
    assert math.isnan(cxm.complaints([], []).value)


def test_contact_rate() -> None:
    contacts = [0, 0, 3, 1, 2, 0, 6]
    r = cxm.contact_rate(contacts)
    mean = Fraction(sum(contacts), len(contacts))
    variance = sum((x - mean) ** 2 for x in contacts) / (len(contacts) - 1)
    assert close(r.value, float(mean))
    assert close(r.std_error, math.sqrt(variance / len(contacts)))
    assert r.interval == "t" and r["contacting"].value == 4 / 7
    poisson = cxm.contact_rate(contacts=12, customers=7, interval="garwood")
    assert close(poisson.value, r.value)
    assert close(poisson.std_error, math.sqrt(12) / 7)


def test_backlog() -> None:
    r = cxm.backlog("opened", "resolved", at=[60 * t for t in (0, 60, 120, 240, 360, 480)],
                    period=(0, END), data=TABLE)
    values = [row.value for row in r if row.measure == "backlog"]
    assert values == [1, 2, 3, 4, 4, 3]
    totals = {row.measure: row.value for row in r if row.measure != "backlog"}
    assert close(totals["backlog_average"], 3.1958333, 2e-8)
    assert values[-1] == values[0] + totals["opened"] - totals["resolved"]
    assert len(r) == 9 and r.to_dict()["time"][1] == datetime(1970, 1, 1, 1)


def test_backlog_by_channel_adds_up() -> None:
    at = [60 * t for t in range(0, 480, 30)]
    whole = [row.value for row in cxm.backlog("opened", "resolved", at=at, data=TABLE)]
    by = cxm.backlog("opened", "resolved", at=at, by="channel", data=TABLE)
    table = by.to_dict()
    assert sorted(set(table["channel"])) == ["chat", "email", "phone"]
    sums = [sum(table["value"][k * len(at) + i] for k in range(3)) for i in range(len(at))]
    assert sums == whole
    known = cxm.backlog("opened", "resolved", at=[0, 3600], as_of=7200, data=TABLE)
    assert [row.value for row in known] == [1, 2]
    with pytest.raises(cxm.Error, match="as_of is before the last instant"):
        cxm.backlog("opened", "resolved", at=[7201], as_of=7200, data=TABLE)
    with pytest.raises(cxm.Error, match="instants or a period"):
        cxm.backlog("opened", "resolved", data=TABLE)


def test_standardise() -> None:
    r = cxm.escalation("escalated", by="channel", data=TABLE)
    shares = {"chat": 0.5, "email": 0.3, "phone": 0.2}
    s = cxm.standardise(r, shares)
    rates = {"chat": 0, "email": 2 / 5, "phone": 1 / 3}
    assert close(s.value, sum(shares[k] * rates[k] for k in shares))
    variance = sum(shares[k] ** 2 * r.group(k).std_error ** 2 for k in shares)
    assert close(s.std_error, math.sqrt(variance))
    table = s.to_dict()
    assert table["measure"] == ["standardised"] + ["escalation"] * 3
    assert table["channel"] == [None, "chat", "email", "phone"]
    assert table["share"][1:] == pytest.approx([4 / 12, 5 / 12, 3 / 12])
    own = {k: r.group(k).n / 12 for k in r.groups}
    assert close(cxm.standardise(r, own).value, r.total.value)
    with pytest.raises(cxm.Error, match="the shares sum to 0.8999"):
        cxm.standardise(r, {**shares, "chat": 0.4})
    with pytest.raises(cxm.Error, match="'fax' is no group"):
        cxm.standardise(r, {**shares, "fax": 0})
    with pytest.raises(cxm.Error, match="'phone' has no share"):
        cxm.standardise(r, {"chat": 0.5, "email": 0.5})
    wrong: Any = {**shares, "chat": "half"}
    with pytest.raises(cxm.Error, match="the share of 'chat' must be a number, not 'half'"):
        cxm.standardise(r, wrong)
    wrong = [0.5, 0.3, 0.2]
    with pytest.raises(cxm.Error, match="shares maps each group to its reference share"):
        cxm.standardise(r, wrong)


def test_one_touch_as_products_count_it() -> None:
    """Section 1.2: solved 13, replies <= 1: 11, and not reopened 10, exactly one reply 9."""
    replies = [1, 1, 2, 0, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    reopens = [0, 0, 0, 0, 1] + [0] * 10
    solved = [i not in (7, 12) for i in range(15)]
    some: dict[str, Any] = {"solved": solved, "replies": replies}
    assert cxm.one_touch(**some)["successes"].value == 11
    assert cxm.one_touch(**some, reopens=reopens)["successes"].value == 10
    exact = cxm.one_touch(**some, reopens=reopens, min_replies=1)
    assert (exact["successes"].value, exact.n) == (9, 13)
    held = [i == 0 for i in range(15)]
    messaging = cxm.one_touch(**some, reopens=reopens, on_hold=held, min_replies=1,
                              max_replies=1000000)
    assert messaging["successes"].value == 10  # 13, without no. 4 (no reply), 5 and 1
    assert messaging.definition == "one_touch/replies=1+/reopens=0-0/never-on-hold/of-solved"
    messages = [0, 1, 0, None] + [0] * 11
    fresh = cxm.one_touch(**some, customer_messages=messages, max_replies=1000000)
    assert (fresh["successes"].value, fresh.n, fresh.missing) == (11, 12, 1)
    assert fresh.definition == "one_touch/replies=0+/customer-messages=0/of-solved"


@pytest.mark.real
def test_ticket_log() -> None:
    table = tickets()
    pairs = list(zip(table["opened_at"], table["resolved_at"]))
    as_of = datetime(2016, 4, 1)
    r = cxm.resolution("opened_at", "resolved_at", as_of=as_of, data=table)
    seen = [(o, d) for o, d in pairs if o <= as_of]
    bad = sum(d is not None and d <= as_of and d < o for o, d in seen)
    done = sum(d is not None and o <= d <= as_of for o, d in seen)
    assert (r.n, r.value) == (len(seen) - bad, done / (len(seen) - bad))
    assert r.excluded_by["bad"] == bad
    days = [datetime(2016, 3, day) for day in range(1, 31, 7)]
    b = cxm.backlog("opened_at", "resolved_at", at=days, data=table)
    good = [(o, d) for o, d in pairs if d is None or d >= o]
    assert [row.value for row in b] == [
        sum(o <= t and (d is None or d > t) for o, d in good) for t in days]


@pytest.mark.real
def test_breakdown_against_sql() -> None:
    duckdb = pytest.importorskip("duckdb")
    path = REAL_DATA / "tickets_a" / "incidents_a.csv"
    found = duckdb.sql(
        "with t as (select date_trunc('month', opened_at)::date as m, category as c, count(*) as n "
        f"from read_csv('{path}', all_varchar=false) group by all) "
        "select m, c, n, n / sum(n) over (partition by m) from t "
        "order by m, n desc, c nulls last").fetchall()
    table = duckdb.sql(f"select opened_at, category from read_csv('{path}')").df()
    r = cxm.breakdown("category", within=cxm.month("opened_at", utc_offset=0), data=table)
    got = [(row.group[0], row.count, row.value) for row in r]
    assert got == [(m, n, pytest.approx(share)) for m, _, n, share in found]
    plain = cxm.breakdown("category", data=table)
    assert {row.n for row in plain} == {sum(row.count for row in plain)} == {len(table)}
    assert [row.rank for row in plain][0] == 1 and plain["share"].to_dict()["cumulative"][-1] == 1


def test_breakdown_of_groups_and_copies() -> None:
    g = cxm.share([1, 0, 1, None], by=["a", "b", "b", "b"])
    assert [(row.group, row.count) for row in cxm.breakdown(g)] == [("b", 3), ("a", 1)]
    copies = cxm.breakdown(["a", "b"], freq=[2, 6], order="key")
    assert [(row.group, row.value, row.rank) for row in copies] == [("a", .25, 2), ("b", .75, 1)]
    with pytest.raises(cxm.Error, match="order"):
        cxm.breakdown(["a"], order="size")


@pytest.mark.real
def test_contact_rate_of_a_log_against_sql() -> None:
    """Tickets of April 2016 per caller of March, those without a ticket included."""
    duckdb = pytest.importorskip("duckdb")
    path = REAL_DATA / "tickets_a" / "incidents_a.csv"
    duckdb.sql(f"create or replace temp table t as select * from read_csv('{path}')")
    active = duckdb.sql("select distinct caller_id from t where caller_id is not null and "
                        "opened_at < '2016-04-01' order by 1").df()["caller_id"]
    log = duckdb.sql("select caller_id from t where opened_at >= '2016-04-01'").df()["caller_id"]
    n, mean, sd, some, linked, all_ = duckdb.sql(
        "with a as (select distinct caller_id as c from t where caller_id is not null and "
        "opened_at < '2016-04-01'), k as (select a.c, count(t.caller_id) as k from a left join t "
        "on t.caller_id = a.c and t.opened_at >= '2016-04-01' group by 1) "
        "select count(*), avg(k), stddev_samp(k), avg((k > 0)::int), sum(k), "
        "(select count(*) from t where opened_at >= '2016-04-01') from k").fetchall()[0]
    r = cxm.contact_rate(customer=log, active=active)
    assert (r.n, r.value) == (n, pytest.approx(mean))
    assert r.std_error == pytest.approx(sd / math.sqrt(n))
    assert r["contacting"].value == pytest.approx(some)
    assert (r["number"].value, r.unlinked) == (linked, all_ - linked)
    team = ["x" if i % 3 else "y" for i in range(len(active))]
    g = cxm.contact_rate(customer=log, active=active, by={"team": team})
    assert g.groups == ["x", "y"] and g.total.value == r.value
    listed = cxm.contact_rate(customer=["b", None, "b"], active="id", data={"id": ["a", "b", None]})
    assert (listed.value, listed.n, listed.missing, listed.unlinked) == (1, 2, 1, 1)
    with pytest.raises(cxm.Error, match="listed before"):
        cxm.contact_rate(customer=["a"], active=["a", "a"])
    with pytest.raises(cxm.Error, match="active= too"):
        cxm.contact_rate(customer=["a"])
    with pytest.raises(cxm.Error, match="or customer= and active="):
        cxm.contact_rate([1], customer=["a"], active=["a"])
    with pytest.raises(cxm.Error, match="contact_rate needs contacts="):
        cxm.contact_rate()


def test_breakdown_of_nearly_all() -> None:
    """p (1 - p) / n of all but 3 of 10^12 is 3 (10^12 - 3) / 10^36."""
    n = 10**12
    tally = cxm.share([1, 1], by={"channel": ["chat", "mail"]}, freq=[n - 3, 3]).tally
    for row in cxm.breakdown(tally):
        want = math.sqrt(3 * (n - 3)) / n / math.sqrt(n)
        assert row.std_error == pytest.approx(want, rel=1e-14, abs=0)


def test_the_backlog_at_one_instant_of_any_kind() -> None:
    for at in (86400, date(1970, 1, 2), "1970-01-02", "1970-01-02 00:00"):
        for times in (at, [at]):
            assert [row.value for row in cxm.backlog([0, 10], [15, None], at=times)] == [1]
    refused("at: 'now' is no instant; pass a datetime, a date, a text such as \"2024-03-31\", or seconds "
            "since 1970 UTC", cxm.backlog, [0], [1], at="now")
