# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports, whatever analysis they come from: rows, attributes, tables, printing."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import io
import math
import pickle
import sys
from typing import Any

import pytest
from helpers import refused

import cxm
from cxm._shared import SCHEMA

FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def chart() -> cxm.Report:
    return cxm.chart("xmr", FLOW)


def grouped() -> cxm.Report:
    """Two regions, three months, and rows without a region."""
    cells = [("EMEA", 1, 9), ("EMEA", 2, 5), ("EMEA", 3, 5), ("APAC", 1, 15), ("APAC", 2, 10),
             ("APAC", 3, 20), (None, 1, 3), (None, 2, 4), (None, 3, 5)]
    rows = [(r, datetime.date(2024, m, 1), int(i < k)) for r, m, k in cells for i in range(30)]
    data = {
        "region": [r[0] for r in rows], "day": [r[1] for r in rows], "solved": [r[2] for r in rows]
    }
    return cxm.chart("p", cxm.share("solved", by=["region", cxm.month("day")], data=data))


def one() -> cxm.Report:
    return cxm.change_point([1, 1, 1, 5, 5, 5], method="pettitt")


# ---- rows and attributes -----------------------------------------------------------------------


def test_rows() -> None:
    r = chart()
    assert len(r) == 19 and bool(r)
    row = next(iter(r))
    assert [f.name for f in dataclasses.fields(row)] == ["group", *SCHEMA, "keys", "axes"]
    assert (row.metric, row.measure, row.interval, row.unit) == ("chart", "x", "control", "scale")
    assert (row.period, row.signal, row.reason) == (1, False, None)
    assert row.axes["centre"] == row.centre == pytest.approx(50.81)
    assert row.keys == {} and row.group is None
    with pytest.raises(AttributeError):
        row.nothing
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.value = 1  # type: ignore[misc]


def test_parts() -> None:
    r = chart()
    assert r.measures == ["x", "mr"] and r.groups == [] and r.key_names == []
    assert r.axes == ["period", "centre", "sigma", "signal", "reason"]
    assert len(r["x"]) == 10 and len(r["mr"]) == 9 and len(r.total) == 19
    assert r["mr"].to_dict()["period"] == list(range(2, 11))
    refused("this report has no measure 'y'; there are x, mr", r.__getitem__, "y")
    refused("this report has no measure 'mrr'; did you mean 'mr'?", r.__getitem__, "mrr")
    refused(
        "this report has no measure 'sigma'; it is an axis: r.sigma, r.to_dict()['sigma'] or "
        "row.sigma", r.__getitem__, "sigma",
    )
    refused("there is no group 'x'; there are no groups", r.group, "x")


def test_groups() -> None:
    g = grouped()
    assert g.groups == ["APAC", "EMEA", None] and g.key_names == ["region"]
    assert g.group("EMEA").to_dict()["n"] == [30, 30, 30]
    assert [row.value for row in g.group(None)] == [3 / 30, 4 / 30, 5 / 30]
    assert g.to_dict()["region"] == ["APAC"] * 3 + ["EMEA"] * 3 + [None] * 3
    assert len(g.total) == 0
    refused("there is no group 'x'; there are 'APAC', 'EMEA', None", g.group, "x")
    refused("there is no group [1]; there are 'APAC', 'EMEA', None", g.group, [1])
    refused(
        "this report has 3 groups; use r.group('APAC'), or iterate", lambda: g.value
    )


def test_one_row_is_its_attributes() -> None:
    r = one()
    assert len(r) == 1
    assert (r.value, r.n, r.metric, r.measure) == (4.0, 6, "change_point", "change")
    assert (r.period, r.statistic, r.verdict) == (3, 9.0, "no change")
    assert r.p == r.p_value == 2 * math.exp(-6 * 81 / (6**3 + 6**2))
    assert math.isnan(r.std_error) and math.isnan(r.ci[0]) and r.df == math.inf
    assert r.unit == "scale" and r.base == "responses" and r.flags == ()
    assert r.definition == "change_point/pettitt/level=0.95"
    assert math.isnan(r.level) and r.interval == "none"
    assert "p_value" in dir(r) and "value" in dir(r)
    with pytest.raises(AttributeError, match="its axes are period, statistic"):
        r.nothing
    assert not hasattr(r, "__array__") and not hasattr(r, "_anything")


def test_several_rows_say_what_to_do() -> None:
    r = chart()
    message = (
        "this report has 10 rows of x; use r['mr'], r.to_dict(), r.to_pandas() or r.matrix(…), or "
        "iterate"
    )
    for name in ("value", "n", "flags", "unit", "sigma", "signal", "metric", "df"):
        refused(message, getattr, r, name)
    assert r.definition == "chart/xmr/limits=3"  # the same in all rows
    assert r.group  # methods are not rows


# ---- tables ------------------------------------------------------------------------------------


def test_to_dict() -> None:
    table = grouped().to_dict()
    axes = ["period", "centre", "sigma", "signal", "reason", "sigma_z"]
    assert list(table) == ["region", "group", *SCHEMA, *axes]
    assert table["period"][0] == datetime.date(2024, 1, 1)
    assert table["signal"][:3] == [False, False, False]
    assert table["flags"][0] == () and table["reason"][0] is None
    empty = cxm.chart("p", [1, 2, 0, 1], [10, 10, 0, 10]).to_dict()
    assert math.isnan(empty["value"][2]) and empty["signal"][2] is None
    assert math.isnan(empty["centre"][2])


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = grouped().to_pandas()
    assert frame["period"].dtype.kind == "M"
    assert frame["flags"].tolist() == [""] * 3 + ["CLIPPED"] * 3 + ["CLIPPED|MISSING_KEY"] * 3
    assert frame["signal"].tolist() == [False] * 9
    frame = cxm.chart("p", [1, 2, 0, 1], [10, 10, 0, 10]).to_pandas()
    assert str(frame["signal"].dtype) == "boolean" and frame["signal"].isna().tolist()[2]
    assert isinstance(frame, pandas.DataFrame)


def test_polars_and_arrow() -> None:
    polars = pytest.importorskip("polars")
    r = grouped()
    frame = r.to_polars()
    assert frame.height == 9 and frame["period"].dtype == polars.Date
    assert frame["signal"].to_list() == r.to_dict()["signal"]
    assert r.group("EMEA").to_polars().rows() == frame.filter(region="EMEA").rows()
    assert chart()["mr"].to_polars()["value"].to_list() == chart().to_dict()["value"][10:]
    pyarrow = pytest.importorskip("pyarrow")
    table = r.to_arrow()
    assert isinstance(table, pyarrow.Table)
    assert table.column_names == [n for n in r.to_dict() if n != "group"]
    empty = cxm.chart("p", [1, 2, 0, 1], [10, 10, 0, 10]).to_arrow()
    assert empty["value"].to_pylist()[2] is None and empty["signal"].to_pylist()[2] is None


def test_duckdb_reads_it() -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    rows = grouped().to_arrow()  # noqa: F841
    found = duckdb.sql("SELECT count(*) FROM rows WHERE region IS NULL")
    assert found.limit(1).fetchall() == [(3,)]


def test_a_key_named_like_an_axis() -> None:
    g = cxm.share(
        [1, 0, 1, 1] * 3, by={"signal": ["a", "b"] * 6, "t": [i // 4 for i in range(12)]}
    )
    r = cxm.chart("p", g)
    assert r.to_dict()["signal_key"] == ["a"] * 3 + ["b"] * 3
    pytest.importorskip("pyarrow")
    assert r.to_arrow().column_names[0] == "signal_key"


def test_matrix() -> None:
    r = grouped()
    cells = r.matrix("value", index="region", columns="period")
    assert list(cells) == ["APAC", "EMEA", None]
    assert cells["EMEA"][datetime.date(2024, 2, 1)] == 5 / 30
    refused(
        "matrix: there are several rows for metric 'chart' and period 2; choose one measure "
        "first, such as r['nps']",
        lambda: chart().matrix("value", index="metric", columns="period"),
    )


def test_no_rows() -> None:
    r = chart()["x"]
    empty = cxm.Report(r._store, [])
    assert len(empty) == 0 and bool(empty) and list(empty) == [] and empty.groups == []
    assert empty.to_dict()["value"] == [] and "0 rows" in str(empty)
    refused("this report has no rows", lambda: empty.value)


# ---- printing ----------------------------------------------------------------------------------

GROUPED = """\
Share p by region (chart/p/limits=3/of=share/denominator=answered, share, control limits)     9 rows
region          period       p   control limits    n   centre   sigma   signal   sigma_z   flags   \
              0 ------------------- 0.78
APAC        2024-01-01   0.500   [0.226, 0.774]   30    0.500   0.091   no         2.428           \
                     |------o-----|
APAC        2024-02-01   0.333   [0.226, 0.774]   30    0.500   0.091   no         2.428           \
                     |--o---------|
APAC        2024-03-01   0.667   [0.226, 0.774]   30    0.500   0.091   no         2.428           \
                     |---------o--|
EMEA        2024-01-01   0.300   [0.000, 0.435]   30    0.211   0.075   no        0.7932   CLIPPED \
                |------o--|
EMEA        2024-02-01   0.167   [0.000, 0.435]   30    0.211   0.075   no        0.7932   CLIPPED \
                |---o-----|
EMEA        2024-03-01   0.167   [0.000, 0.435]   30    0.211   0.075   no        0.7932   CLIPPED \
                |---o-----|
(missing)   2024-01-01   0.100   [0.000, 0.320]   30    0.133   0.062   no        0.4761   CLIPPED \
MISSING_KEY     |-o----|
(missing)   2024-02-01   0.133   [0.000, 0.320]   30    0.133   0.062   no        0.4761   CLIPPED \
MISSING_KEY     |--o---|
(missing)   2024-03-01   0.167   [0.000, 0.320]   30    0.133   0.062   no        0.4761   CLIPPED \
MISSING_KEY     |---o--|"""

ONE = """\
Change point change (change_point/pettitt/level=0.95, scale)     1 row
period   change   n   statistic   p_value   value_a   value_b   n_a   n_b   verdict
     3     4.00   6           9    0.2907      1.00      5.00     3     3   no change"""


def test_golden() -> None:
    assert str(one()) == repr(one()) == ONE
    assert str(grouped()) == GROUPED


def test_many_rows_are_cut() -> None:
    lines = str(cxm.chart("xmr", [i % 7 for i in range(50_000)])).splitlines()
    assert len(lines) == 23 and lines[-1] == "… 99 979 more"
    assert lines[0].endswith("99 999 rows")


def test_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    text = str(cxm.chart("xmr", [i % 7 for i in range(50)], period=[f"→{i}" for i in range(50)]))
    assert text.isascii() and text.endswith("... 79 more")


def test_html() -> None:
    g = cxm.share([1, 0, 1, 1] * 3, by=[["<b>", "&"] * 6, [i // 4 for i in range(12)]])
    html = cxm.chart("p", g)._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html and html.count("<tr>") == 7


# ---- lifetime ----------------------------------------------------------------------------------


def test_copies_and_pickles() -> None:
    r = chart()
    assert copy.copy(r) is r and copy.deepcopy(r) is r
    assert repr(pickle.loads(pickle.dumps(r)).to_dict()) == repr(r.to_dict())


def _reports() -> dict[str, Any]:
    """Reports of all kinds of keys and axes, and those that can be asked for more."""
    day = 86400
    score, region = [10, 9, 3, 8, 7, 10] * 9, ["a", "b\0c", None, "\u4e2d", "a", ""] * 9
    when = [datetime.datetime(2024, 1 + i % 3, 5) for i in range(54)]
    keys = {"region": region, "month": cxm.month(when), "x": [i % 2 / 4 for i in range(54)]}
    g = cxm.nps(score, by=keys)
    return {
        "chart": chart(), "grouped": grouped(), "league": cxm.league(g),
        "compare": cxm.compare(cxm.nps(score[:30]), cxm.nps(score[20:])),
        "target": cxm.target(g, 20), "trend": cxm.trend(cxm.nps(score, by=[i % 3 for i in range(54)])),
        "cohorts": cxm.cohorts([1, 1, 2], [0, 31 * day, day], as_of=59 * day),
        "curves": cxm.kaplan_meier([5, 8, 8, 12], [1, 1, 1, 0], by=["a", "a", "b", "b"]),
        "rfm": cxm.rfm(customer=["a", "b"], time=[1, 2], amount=[1.0, 2.0], as_of=10),
        "model": cxm.shifted_beta_geometric([1, 2, 3, 5], [1, 1, 1, 0]),
    }


@pytest.mark.parametrize("name", list(_reports()))
def test_pickles_are_the_same_report(name: str) -> None:
    r = _reports()[name]
    parts = [r, r[r.measures[-1]]] + ([r.group(r.groups[0])] if r.groups else [])
    for part in parts:
        again = pickle.loads(pickle.dumps(part))
        assert type(again) is type(part)
        assert repr(again.to_dict()) == repr(part.to_dict()) and repr(again) == repr(part)
        assert again.to_arrow().equals(part.to_arrow()) or pa.Table.to_pydict(
            again.to_arrow()) == pa.Table.to_pydict(part.to_arrow())
        assert again.groups == part.groups and again.axes == part.axes
        assert pickle.dumps(again) == pickle.dumps(part)


def test_pickles_without_rows() -> None:
    empty = cxm.nps([], by={"region": []})
    none_left = cxm.Report(chart()._store, [])
    for r in (cxm.target(empty, 20), cxm.league(empty), none_left):
        again = pickle.loads(pickle.dumps(r))
        assert len(again) == len(r) == 0 and again.groups == [] and again.axes == r.axes
        assert again.to_dict() == r.to_dict() and str(again) == str(r)
        assert again.to_arrow().schema.equals(r.to_arrow().schema)
        assert pickle.dumps(again) == pickle.dumps(r)


def test_pickled_reports_can_be_asked_for_more() -> None:
    curves = pickle.loads(pickle.dumps(_reports()["curves"]))
    # S of a is 1/2 from 5 to 8: the middle.
    assert curves.group("a").median == 6.5 and curves.total.median == 8 and curves.tally.n_rows == 4
    shares = pickle.loads(pickle.dumps(cxm.compare(cxm.share([1, 0, 1]), cxm.share([1, 0, 0]))))
    assert shares["odds_ratio"].value == 4
    made = _reports()
    assert pickle.loads(pickle.dumps(made["cohorts"])).tally == made["cohorts"].tally
    assert pickle.loads(pickle.dumps(made["rfm"])).recency == made["rfm"].recency


def test_effects_of_a_comparison_are_of_the_rows_compared() -> None:
    a, b = cxm.Tally("share").add(numerator=[1, 0, 1]), cxm.Tally("share").add(numerator=[1, 0, 0])
    c = cxm.compare(a, b)
    a.add(numerator=[0] * 9)
    assert c["odds_ratio"].value == 4 and c.value == pytest.approx(1 / 3)


def test_a_report_outlives_its_tally() -> None:
    import gc

    r = grouped()
    gc.collect()
    assert r.to_dict()["value"] == grouped().to_dict()["value"]
    rows: list[Any] = list(r)
    del r
    gc.collect()
    assert rows[0].period == datetime.date(2024, 1, 1)
