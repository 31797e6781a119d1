# SPDX-License-Identifier: GPL-3.0-or-later
"""The same customers in two waves: rows of R 4.2.2 and fractions, and a slow oracle."""

import math
import random
from fractions import Fraction

import pytest

import cxm

TABLE = [10, 5, 3, 4, 20, 11, 2, 9, 36]
KINDS = ("detractor", "passive", "promoter")
BEFORE = [score for score in (2, 7, 9) for _ in range(3)]
AFTER = [6, 8, 10] * 3


def close(got, want):
    return got == pytest.approx(want, rel=1e-10, abs=5.1e-13, nan_ok=True)


def test_rows():
    r = cxm.paired(BEFORE, AFTER, freq=TABLE)
    assert r.value == 5 and close(r.std_error, 6.982120021884)
    assert all(map(close, r.ci, (-8.923835004109, 18.923835004109))) and r.interval == "wald-t"
    wald = cxm.paired(BEFORE, AFTER, freq=TABLE, interval="wald")
    assert all(map(close, wald.ci, (-8.684703778630, 18.684703778630)))
    assert close(r["before"].value, 29) and close(r["after"].value, 34)
    for name, value, p in (
        ("t", .712525303194, .477815518502), ("stuart_maxwell", .510769230769, .774618510463),
        ("bhapkar", .513391476464, .773603555946), ("score", .510204081633, .475050524054),
        ("bowker", .511111111111, .916443655396), ("mcnemar", .36, .548506235500),
        ("mcnemar_corrected", .16, .689156516779),
    ):
        assert close(r[name].value, value) and close(r[f"p[{name}]"].value, p)
    assert close(r["p[mcnemar_exact]"].value, .690037965775)
    mid = sum(Fraction(math.comb(25, k), 2**25) for k in range(11)) * 2
    mid += Fraction(math.comb(25, 11), 2**25)
    assert r["p[mcnemar_mid_p]"].value == pytest.approx(float(mid), rel=1e-12)
    assert (r.n, r.base, r.definition) == (100, "customers", "paired/0-10/6-9")


def test_transitions():
    r = cxm.paired(BEFORE, AFTER, freq=TABLE, measures="transition[before,after]")
    rows = [sum(TABLE[3 * i : 3 * i + 3]) for i in range(3)]
    for i, row in enumerate(r):
        want = Fraction(TABLE[i], rows[i // 3])
        assert row.measure == f"transition[{KINDS[i // 3]},{KINDS[i % 3]}]"
        assert row.value == pytest.approx(float(want), rel=1e-15) and row.interval == "wilson"
        assert (row.n, row.excluded) == (rows[i // 3], 100 - rows[i // 3])
    empty = cxm.paired([1, 9], [9, 9])["transition[passive,promoter]"]
    assert math.isnan(empty.value) and "NO_DATA" in empty.flags


def test_missing():
    r = cxm.paired([1, None, 9, 10], [9, 9, None, 10])
    assert (r.n, r.missing, r.value) == (2, 2, 100)


@pytest.mark.parametrize("scale, cuts", [((0, 10), (9, 6)), ((1, 5), (5, 3)), ((0, 40), (30, 10))])
def test_against_counting(scale, cuts):
    random.seed(5)
    answers = [[random.randint(*scale) for _ in range(300)] for _ in range(2)]
    groups = [random.choice("ab") for _ in range(300)]
    r = cxm.paired(*answers, by=groups, scale=scale, promoter=cuts[0], detractor=cuts[1])
    for g in "ab":
        pairs = [
            [(v >= cuts[0]) - (v <= cuts[1]) for v in pair]
            for pair, key in zip(zip(*answers), groups) if key == g
        ]
        d = [after - before for before, after in pairs]
        mean = Fraction(sum(d), len(d))
        variance = sum((x - mean) ** 2 for x in d) / len(d)
        one = r.group(g)
        assert one.value == pytest.approx(float(100 * mean), rel=1e-14)
        assert one.std_error == pytest.approx(100 * math.sqrt(variance / len(d)), rel=1e-13)
        assert one["after"].value == pytest.approx(100 * sum(a for _, a in pairs) / len(pairs))
        up, down = sum(a == 1 != b for b, a in pairs), sum(b == 1 != a for b, a in pairs)
        assert one["mcnemar"].value == pytest.approx((up - down) ** 2 / (up + down))


def test_tallies_merge_and_compare():
    halves = [cxm.paired(BEFORE[i::2], AFTER[i::2], freq=TABLE[i::2]).tally for i in (0, 1)]
    whole = cxm.paired(BEFORE, AFTER, freq=TABLE)
    assert cxm.merge(t.save() for t in halves) == whole.tally
    c = cxm.compare(whole, cxm.paired([1, 9, 9], [9, 9, 9]))
    assert c.measure == "difference" and c.interval == "welch" and c.unit == "points"
    assert c.value == 5 - whole.value + 5 - cxm.paired([1, 9, 9], [9, 9, 9]).value


def test_errors():
    with pytest.raises(cxm.Error, match="after: row 1 is 11, outside 0–10"):
        cxm.paired([1, 2], [3, 11])
    with pytest.raises(cxm.Error, match="do not fit the scale"):
        cxm.paired([1], [2], scale=(1, 5))
    with pytest.raises(cxm.Error, match="interval"):
        cxm.paired([1], [2], interval="score")
