# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of tickets from Python: business hours, service levels, waits, quantiles."""

import math
from datetime import date, datetime, time, timedelta, timezone

import numpy
import pandas
import polars
import pytest

import cxm

OFFICE = cxm.Schedule({"mon-fri": "09:00-17:30"}, holidays=["2024-05-01"], utc_offset="+08:00")


def test_business_seconds_of_the_definitions():
    start = [datetime(2024, 4, 26, 8), datetime(2024, 4, 30, 9), datetime(2024, 4, 27),
             datetime(2024, 4, 29, 1), datetime(2024, 3, 31, 16)]
    end = [datetime(2024, 4, 29, 2, 30), datetime(2024, 5, 2, 1, 15), datetime(2024, 4, 28, 12),
           datetime(2024, 4, 29, 9, 30), datetime(2024, 5, 30, 16)]
    got = cxm.business_seconds(start, end, schedule=OFFICE)
    assert list(got) == [10800, 2700, 0, 30600, 1315800]
    frame = pandas.DataFrame({"from": start, "to": end})
    assert list(cxm.business_seconds("from", "to", schedule=OFFICE, data=frame)) == list(got)


def test_schedules():
    split = cxm.Schedule({"mon": ["09:00-12:00", "13:00-15:00"], "sat": (time(10), time(11))},
                         holidays={date(1970, 1, 5): "10:00-10:30"})
    monday = datetime(1970, 1, 12)
    got = cxm.business_seconds([monday, datetime(1970, 1, 5)],
                               [monday + timedelta(days=1), datetime(1970, 1, 6)], schedule=split)
    assert list(got) == [5 * 3600, 1800]
    assert "3 intervals, 1 holidays" in repr(split)
    assert "5 intervals" in repr(cxm.Schedule(pandas.Series({"mon-fri": "09:00-17:30"})))
    summer = cxm.Schedule({"mon-fri": "09:00-17:30"}, zone_table=[
        (0, "+01:00"), (1_711_846_800, "+02:00")])  # 2024-03-31 01:00 UTC
    assert cxm.business_seconds([datetime(2024, 3, 29, 16)], [datetime(2024, 4, 1, 7, 30)],
                                schedule=summer)[0] == 3600


@pytest.mark.parametrize("week, holidays, text", [
    ({"mon-fri": "9-five"}, (), "no hours"),
    ({"montag-xyz": "09:00-10:00"}, (), "no day"),
    ({"fri-mon": "09:00-10:00"}, (), "backwards"),
    ({"mon": "09:00-25:00"}, (), "no hours"),
    ({"mon": "22:00-06:00"}, (), "end before they start"),
    ({"mon": (time(22), time(0))}, (), "end before they start"),
    ({"monkey": "09:00-17:00"}, (), "is no day"),
    ([], (), "the week is"),
    ({}, (), "the week is"),
    ({"mon": "09:00-10:00"}, ["May 1"], "no day"),
    ({"mon": "09:00-10:00"}, ["2024-05-01", "2024-12-25", date(2024, 5, 1)], "2024-05-01 is there twice"),
])
def test_bad_schedules(week, holidays, text):
    with pytest.raises(cxm.Error, match=text):
        cxm.Schedule(week, holidays=holidays)


def test_overlapping_hours_are_refused():
    twice = cxm.Schedule({"mon": ["09:00-12:00", "11:00-15:00"]})
    with pytest.raises(cxm.Error, match="ascend"):
        cxm.business_seconds([0], [1], schedule=twice)
    with pytest.raises(cxm.Error, match="Schedule"):
        cxm.business_seconds([0], [1], schedule="office")


MINUTES = polars.DataFrame({
    "opened": [0, 15, 30, 60, 90, 120, 200, 240, 300, 400, 450, 460],
    "reply": [10, 45, 32, 180, 91, None, 230, 245, 330, 404, None, 462],
    "channel": ["phone", "email", "chat", "email", "chat", "email", "phone", "phone", "email",
                "chat", "email", "chat"],
}).with_columns(polars.col("opened") * 60, polars.col("reply") * 60)


def test_sla_of_the_definitions():
    r = cxm.sla("opened", "reply", target="30min", as_of=480 * 60, data=MINUTES)
    assert r.value == pytest.approx(8 / 11)
    assert r["closed"].value == pytest.approx(9 / 10)
    assert r["known"].value == pytest.approx(9 / 12)
    assert r.excluded_by == {"pending": 1}
    assert r.definition == "sla/within=1800s"
    g = cxm.sla("opened", "reply", target=1800, as_of=480 * 60, data=MINUTES, by="channel")
    assert g.groups == ["chat", "email", "phone"]
    assert g.group("chat").value == 1
    assert g.total.value == r.value
    late = cxm.sla([1_711_902_600_000], [1_711_902_600_001], target=5, as_of=1_711_902_600)
    assert "ALL_AFTER_AS_OF" in late.flags  # milliseconds for seconds
    with pytest.raises(cxm.Error, match="target"):
        cxm.sla("opened", "reply", target=None, as_of=0, data=MINUTES)


def test_sla_with_those_who_wait():
    options = {"target": "30min", "as_of": 480 * 60, "data": MINUTES}
    r = cxm.sla("opened", "reply", variant="km", **options)
    assert (r.value, r.n) == (pytest.approx(0.75), 12)
    assert r.std_error == pytest.approx(0.125)
    waits = cxm.ticket_times("opened", "reply", as_of=480 * 60, data=MINUTES, times="30min")
    at = waits["survival"]
    assert r.value == pytest.approx(1 - at.value)
    assert r.ci == pytest.approx((1 - at.upper, 1 - at.lower))
    assert r.definition == "sla/within=1800s/km" and r.metric == "sla"
    g = cxm.sla("opened", "reply", variant="km", by="channel", **options)
    assert g.groups == ["chat", "email", "phone"]
    assert g.group("email").value == pytest.approx(0.4)
    for variant, value in (("due", 8 / 11), ("closed", 9 / 10), ("known", 9 / 12)):
        assert cxm.sla("opened", "reply", variant=variant, **options).value == pytest.approx(value)
    office = cxm.Schedule({"mon-sun": "00:00-24:00"}, utc_offset=0)
    business = cxm.sla("opened", "reply", variant="km", schedule=office, **options)
    assert business.value == r.value and business.definition.endswith("/km/business-hours")
    with pytest.raises(cxm.Error, match="variant"):
        cxm.sla("opened", "reply", variant="all", **options)
    with pytest.raises(cxm.Error, match="two ways"):
        cxm.sla("opened", "reply", variant="known", measures="all", **options)
    with pytest.raises(cxm.Error, match="schedule"):
        cxm.sla("opened", "reply", variant="km", schedule="office", **options)


def test_fractions_of_seconds_are_flagged():
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    times = [start + timedelta(milliseconds=ms) for ms in (1500, 2250)]
    later = start + timedelta(days=1)
    for r in (cxm.sla(times, times, target=5, as_of=later),
              cxm.sla(times, times, target=5, as_of=later, variant="km"),
              cxm.stages(["a", "b"], times, as_of=later)["active"]):
        assert "SUBSECOND" in r.flags
        assert r.n == 2
    whole = cxm.sla([0, 1], [1, 2], target=5, as_of=9)
    assert "SUBSECOND" not in whole.flags
    assert "SUBSECOND" not in cxm.stages(["a"], [0], as_of=9)["active"].flags


def test_waits_of_the_definitions():
    waits = cxm.ticket_times("opened", "reply", as_of=480 * 60, data=MINUTES, quantiles=[0.25],
                             times="30min")
    assert waits.median == 20 * 60  # exactly one half: the middle of the step
    answered = MINUTES.drop_nulls().with_columns(frt=(polars.col("reply") - polars.col("opened")) / 60)
    assert cxm.mean("frt", data=answered).value == pytest.approx(23.4)
    assert cxm.quantiles("frt", [0.5], data=answered).value == 7.5  # those who wait are left out
    typical = cxm.quantiles("frt", [0.5], data=answered, by="channel").to_dict()
    assert dict(zip(typical["channel"], typical["value"])) == {"phone": 10, "email": 30, "chat": 2}
    still = waits["survival"]
    assert still.value == pytest.approx(0.25)
    assert still.std_error == pytest.approx(0.125)
    by_channel = cxm.ticket_times("opened", "reply", as_of=480 * 60, data=MINUTES, by="channel")
    assert by_channel.group("chat")["median"].value == 2 * 60


NINE = [5, 5, 19, 20, 60, 60, 185, 270, 340]


def test_quantiles_of_the_definitions():
    r = cxm.quantiles(NINE, [0.5, 0.9, 0.95])
    assert [row.value for row in r] == pytest.approx([60, 284, 312])
    assert (r["quantile[0.5]"].lower, r["quantile[0.5]"].upper) == (5, 270)
    assert r["quantile[0.5]"].coverage == pytest.approx(0.9609375)
    assert [row.value for row in cxm.quantiles(NINE, [0.5, 0.9, 0.95], type=1)] == [60, 340, 340]
    sketch = cxm.quantiles(NINE, [0.5, 0.9, 1], accuracy=0.01)
    assert [row.value for row in sketch] == pytest.approx([59.7450498, 267.7721258, 340.4078108])


@pytest.mark.parametrize("p, by_type", [
    (.5, (60, 60, 20, 40, 60, 60, 60, 60, 60)),
    (.9, (340, 340, 270, 277, 312, 340, 284, 964 / 3, 319)),
    (.95, (340, 340, 340, 308.5, 340, 340, 312, 340, 340)),
])
def test_quantiles_of_all_nine_types(p, by_type):
    for kind, want in enumerate(by_type, 1):
        found = cxm.quantiles([5, 5, 19, 20, 60, 60, 185, 270, 340], [p], type=kind)
        assert found.value == pytest.approx(want, rel=1e-15)


def test_quantiles_of_durations_are_seconds():
    r = cxm.quantiles(numpy.array([1, 2, 3], "m8[m]"), 0.5)
    assert (r.value, r.unit) == (120.0, "seconds")
    assert ", seconds, " in str(r)
    assert cxm.quantiles([60, 120, 180], 0.5).unit == "scale"


def test_quantiles_equal_numpy():
    random = numpy.random.default_rng(3)
    values = numpy.exp(random.normal(4, 2, 50_000))
    group = random.integers(0, 40, 50_000)
    values[::100] = numpy.nan
    probs = [0, 0.01, 0.5, 0.9, 0.999, 1]
    r = cxm.quantiles(values, probs, by=group, total=True, threads=2)
    for g in range(40):
        mine = [row.value for row in r.group(g)]
        assert mine == pytest.approx(numpy.nanquantile(values[group == g], probs), rel=1e-13)
    assert r.total["quantile[0.5]"].value == pytest.approx(numpy.nanquantile(values, 0.5), rel=1e-13)
    assert r.total["quantile[0.5]"].missing == 500


def test_tallies_of_values_and_sketches():
    values = numpy.round(numpy.exp(numpy.random.default_rng(4).normal(5, 1, 3000)))
    for metric, params in (("quantiles", {}), ("sketch", {"accuracy": 0.01})):
        parts = [cxm.Tally(metric, **params).add(value=values[i::3]) or None for i in range(3)]
        tallies = []
        for i in range(3):
            tally = cxm.Tally(metric, **params)
            tally.add(value=values[i::3])
            tallies.append(tally)
        del parts
        merged = cxm.merge(t.save() for t in tallies)
        whole = cxm.Tally(metric, **params)
        whole.add(value=values)
        assert merged.save() == whole.save()
        got = [row.value for row in cxm.quantiles(merged, [0.5, 0.99])]
        want = numpy.quantile(values, [0.5, 0.99])
        assert got == pytest.approx(want, rel=0.02 if params else 1e-13)
        assert merged.estimate().value == got[0]


def test_quantiles_refuse():
    with pytest.raises(cxm.Error, match="did you mean 0.9"):
        cxm.quantiles(NINE, [90])
    with pytest.raises(cxm.Error, match="type"):
        cxm.quantiles(NINE, type=12)
    with pytest.raises(cxm.Error, match="row 1") as error:
        cxm.quantiles([1.0, math.inf])
    assert error.value.row == 1
    with pytest.raises(cxm.Error, match="by: 3 rows, value has 9"):
        cxm.quantiles(NINE, by=[1, 2, 3])
    assert math.isnan(cxm.quantiles([])["quantile[0.5]"].value)
