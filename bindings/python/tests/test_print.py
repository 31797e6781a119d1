# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result looks like: golden texts, few rows of many, ASCII, HTML."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from helpers import counts, mini

import cxm


def grouped() -> cxm.Result:
    score = counts(60, 0, 0, 0, 0, 0, 100, 150, 190, 300, 350) + [None] * 50
    region = [["EMEA", "APAC"][i % 2] for i in range(len(score))]
    score += [3, 10, 9, 7, None]
    region += [None] * 5  # type: ignore[list-item]
    return cxm.nps("score", by="region", data={"score": score, "region": region})


GROUPED = """\
NPS by region (nps/0-10/6-9, points, 95 % adjusted Wald)     \
1205 rows = 1154 used + 51 missing + 0 invalid + 0 excluded
region       NPS   95 % interval       n   missing   flags                 \
-100 ---------+--------- +100
APAC        42.6   [36.5, 48.3]      575        25                         \
                 |o
EMEA        42.6   [36.5, 48.3]      575        25                         \
                 |o
(missing)   25.0   [-44.2, 72.7]       4         1   SMALL_N MISSING_KEY   \
          |-----o----|
Total       42.5   [38.3, 46.6]    1 154        51"""

PLAIN = """\
CSAT (csat/1-5/top-2, share, 95 % Wilson)     3 rows = 3 used + 0 missing + 0 invalid + 0 excluded
 CSAT   95 % interval    n   missing   flags     0 ------------------- 1
0.667   [0.208, 0.939]   3         0   SMALL_N         |-------o----|"""

GAP = """\
Gap (gap/perceived-expected/items=5/fixed-weights/listwise, scale, 95 % t)     \
12 rows = 12 used + 0 missing + 0 invalid + 0 excluded
measure               value   95 % interval     n   missing   flags     -1.9 -------------+----- +0.7
gap                   -0.68   [-1.06, -0.31]   12         0   SMALL_N              |-o--|
gap[tangibles]        -1.00   [-1.86, -0.14]   12         0   SMALL_N        |-----o-----|
gap[reliability]      -0.83   [-1.54, -0.13]   12         0   SMALL_N          |----o----|
gap[responsiveness]   -1.25   [-1.80, -0.70]   12         0   SMALL_N         |---o--|
gap[assurance]         0.08   [-0.49, 0.66]    12         0   SMALL_N                  |---o---|
gap[empathy]          -0.42   [-1.29, 0.46]    12         0   SMALL_N            |-----o-----|"""

EMPTY = """\
NPS (nps/0-10/6-9, points, 95 % adjusted Wald)     1 rows = 0 used + 1 missing + 0 invalid + 0 excluded
NPS   95 % interval   n   missing   flags
NaN                   0         1   NO_DATA SMALL_N"""


def test_golden() -> None:
    assert str(grouped()) == repr(grouped()) == GROUPED
    assert str(cxm.csat([5, 4, 1])) == PLAIN
    assert str(cxm.gap(mini("P"), mini("E"))) == GAP


def test_one_measure_one_group_total() -> None:
    g = grouped()
    assert str(g["promoters"]).startswith("NPS promoters by region (nps/0-10/6-9, share, ")
    one = str(g.group("EMEA")).splitlines()
    assert one[0].endswith("600 rows = 575 used + 25 missing + 0 invalid + 0 excluded")
    assert len(one) == 3 and one[2].startswith("EMEA")
    total = str(g.total).splitlines()
    assert total[0].startswith("NPS (nps") and len(total) == 3


def test_counts_appear_where_there_are_any() -> None:
    text = str(cxm.nps([10, 99, None], invalid="count"))
    assert "invalid" in text.splitlines()[1] and "excluded" not in text.splitlines()[1]
    text = str(cxm.share([1, 0], denominator=[1, 0]))
    assert "excluded" in text.splitlines()[1]


def test_nothing_to_show() -> None:
    assert str(cxm.nps([None])) == EMPTY
    assert str(cxm.nps([], by=[])).splitlines()[-1].startswith("Total")


def test_many_rows_are_cut() -> None:
    g = cxm.nps([9] * 50_000, by=list(range(50_000)))
    lines = str(g).splitlines()
    assert len(lines) == 2 + 20 + 2
    assert lines[2].startswith("0 ") and lines[21].startswith("19 ")
    assert lines[22] == "… 49 980 more"
    assert lines[23].startswith("Total")
    wide = str(cxm.nps([9] * 3, by=[1, 2, 3], measures="all")).splitlines()
    assert wide[2 + 20] == "… 28 more" and sum(line.startswith("Total") for line in wide) == 16
    long = str(cxm.nps([9], measures="all", scale=(0, 40), promoter=9, detractor=6)).splitlines()
    assert long[-1] == "… 26 more"


def test_keys_on_one_line() -> None:
    g = cxm.nps([9] * 4, by=["a\nb", "", "x" * 60, "\x1b[31mred"])
    text = str(g)
    assert "'a\\nb'" in text and "''" in text and "\\x1b[31mred" in text and "\x1b" not in text
    assert "x" * 39 + "…" in text and "x" * 40 not in text
    assert len(text.splitlines()) == 2 + 4 + 1


def test_wide_characters_take_two_columns() -> None:
    lines = str(cxm.nps([9, 9], by=["東京", "ab"])).splitlines()
    assert lines[2].startswith("ab      100.0")
    assert lines[3].startswith("東京    100.0")


class Terminal(io.StringIO):
    encoding = "latin-1"


def test_ascii_where_the_output_is_not_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    g = cxm.nps([9] * 21, by=[f"é{i:02}" for i in range(21)])
    assert "é00" in str(g) and "… 1 more" in str(g)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert str(g).isascii()
    assert "\\xe900" in str(g) and "... 1 more" in str(g)
    monkeypatch.setattr(sys, "stdout", None)
    assert "é00" in str(g)


def test_no_colour() -> None:
    assert "\x1b" not in str(grouped())


def test_html_is_escaped() -> None:
    html = cxm.nps([9, 1], by={"<b>": ["<script>", "a & b"]})._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "<th>&lt;b&gt;</th>" in html and "a &amp; b" in html
    assert html.count("<tr>") == 4 and "2 rows = 2 used" in html
    assert "49 980 more" in cxm.nps([9] * 50_000, by=list(range(50_000)))._repr_html_()


@pytest.mark.parametrize(("result", "start"), [
    (lambda: cxm.one_touch([1], [1]), "One touch (one_touch/"),
    (lambda: cxm.retention(n_start=2, n_lost=1), "Retention (retention/"),
    (lambda: cxm.total([123456.5]), "Total (total"),
    (lambda: cxm.ces([5, 6]), "CES (ces/"),
])
def test_titles(result: Any, start: str) -> None:
    assert str(result()).startswith(start)


def test_numbers() -> None:
    assert "-0.0" not in str(cxm.mean([-1e-9, 1e-9]))
    assert "123456.50" in str(cxm.total([123456.5]))
    assert "1e+20" in str(cxm.total([1e20, 1.0]))


def test_whole_numbers_in_floats_are_whole() -> None:
    keys = [line.split()[0] for line in str(cxm.nps([9, 9, 9], by=[2.0, 2.5, None])).splitlines()]
    assert keys[2:5] == ["2", "2.5", "(missing)"]
    times = [12345.0, 12345.5, 123456789.0, 2.0]
    shown = str(cxm.kaplan_meier(times, [1] * 4)).splitlines()
    start = shown[1].index("time") + 4 - len("123 456 789")
    assert [line[start:][:11].strip() for line in shown[2:6]] == [
        "2", "12 345", "12 345.5", "123 456 789"]


@pytest.mark.parametrize(("answers", "said"), [
    ([1, 3, 5], "every answer is 1 to 5; if the scale ends at 5, pass scale=(1, 5), promoter=5, detractor=3"),
    ([2, 6], "every answer is 2 to 6; if the scale ends at 7, pass scale=(1, 7), promoter=7, detractor=4"),
    ([0, 5], ""),
    ([1, 8], ""),
])
def test_answers_of_a_shorter_scale(answers: list[int], said: str) -> None:
    many = answers * 20
    for result in (cxm.nps(many), cxm.nps(many, by=["a", "b"] * (len(many) // 2))):
        assert ("note: " in str(result)) == bool(said) and said in str(result)
        assert said in result._repr_html_()
    assert "note: " not in str(cxm.nps(answers * 5))
    assert "note: " not in str(cxm.nps([3] * 50, scale=(1, 5), promoter=5, detractor=3))
    assert "note: " not in str(cxm.nps([None] * 50))
