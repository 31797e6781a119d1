# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons: rows of R 4.2.2 and hand formulas, groups, views, names, errors."""

import math
import random
from fractions import Fraction
from itertools import combinations

import pytest

import cxm

NOW = cxm.nps([2, 8, 10], freq=[12, 28, 60])
BEFORE = cxm.nps([2, 8, 10], freq=[15, 25, 40])

#: method -> centre, std_error, statistic, p, lower, upper (R and exact fractions)
NETS = {
    "wald": (16.75, 11.076572969561, 1.512200573772, .130482845121, -4.959684092469, 38.459684092469),
    "adjusted": (16.481459819862, 10.921542837389, 1.509077981495, .131278855679, -4.924370797033,
                 37.887290436757),
    "adjusted-half": (16.615793768322, 10.998597581718, 1.510719311700, .130859980018,
                      -4.941061372294, 38.172648908938),
    "pooled": (16.75, 11.033723558054, 1.518073197309, .128995947090, math.nan, math.nan),
    "welch": (16.75, None, 1.503477324178, .134666549104, -5.250297448772, 38.750297448772),
    "permutation": (16.75, None, 1.513850454227, .130063772677, math.nan, math.nan),
    "exact": (16.75, None, 1.513850454227, .154333004937, math.nan, math.nan),
}


def close(got, want):
    return want is None or got == pytest.approx(want, rel=1e-10, abs=5.1e-13, nan_ok=True)


@pytest.mark.parametrize("method", NETS)
def test_two_waves(method):
    c = cxm.compare(NOW, BEFORE, method=method)
    want = NETS[method]
    got = (c.centre, c.std_error, c.statistic, c.p_value, c.lower, c.upper)
    assert all(map(close, got, want))
    assert c.value == 16.75 and c.measure == "difference" and c.unit == "points"
    assert (c.value_a, c.value_b, c.n_a, c.n_b, c.n) == (48, 31.25, 100, 80, 180)
    assert c.definition == f"nps/0-10/6-9/compare={method}"
    back = cxm.compare(BEFORE, NOW, method=method)
    assert (back.value, back.p_greater, back.p_less) == (-c.value, c.p_less, c.p_greater)


def test_defaults():
    assert cxm.compare(NOW, BEFORE).definition.endswith("compare=adjusted")
    a, b = cxm.share([1, 0], freq=[80, 20]), cxm.share([1, 0], freq=[96, 54])
    assert cxm.compare(a, b).interval == "newcombe"
    assert cxm.compare(cxm.mean([1, 2, 4]), cxm.mean([2, 5])).interval == "welch"
    weighted = cxm.compare(cxm.nps([1, 9], weight=[1, 2]), cxm.nps([1, 7, 9], weight=[1, 2, 1]))
    assert weighted.definition.endswith("compare=linearised") and weighted.interval == "t"


def test_chi_square_of_three_shares():
    c = cxm.compare(NOW, BEFORE)["chi2"]
    assert close(c.value, 2.309433962264) and c.df == 2 and close(c.p, .315146716750)


def test_two_shares():
    a, b = cxm.share([1, 0], freq=[80, 20]), cxm.share([1, 0], freq=[96, 54])
    c = cxm.compare(a, b)
    assert close(c.statistic, 2.714959920700) and close(c.p, .006628379172)
    assert close(c.lower, .045381810864) and close(c.upper, .263674630383)
    assert close(c["yates"].value, 6.623189240377) and close(c["yates"].p, .010065942608)
    assert close(c["fisher"].p, .007243503857)
    assert close(c["odds_ratio"].value, 2.25)
    assert all(map(close, c["odds_ratio"].ci, (1.243924595445, 4.069780450148)))
    assert all(map(close, c["risk_ratio"].ci, (1.070573828712, 1.459497661997)))
    assert close(c["cohen_h"].value, .359706999585)
    wald = cxm.compare(a, b, method="wald")
    assert close(wald.statistic, 2.857142857143) and close(wald.p, .004274733960)
    caffo = cxm.compare(a, b, method="agresti-caffo")
    assert all(map(close, caffo.ci, (.046446147902, .265473356742)))
    exact = cxm.compare(a, b, method="exact")
    assert close(exact.p, .007243503857)
    tail = sum(Fraction(math.comb(100, k) * math.comb(150, 176 - k), math.comb(250, 176))
               for k in range(80, 101))
    assert exact.p_greater == pytest.approx(float(tail), rel=1e-12)


def test_two_means():
    a, b = [7, 9, 10, 6, 8, 9, 10, 5, 7, 8], [9, 8, 10, 10, 7, 9, 10, 9]
    for one, two, measures in (
        (cxm.mean(a), cxm.mean(b), None), (cxm.nps(a), cxm.nps(b), "mean"),
    ):
        c = cxm.compare(one, two, measures=measures)
        assert close(c.statistic, -1.698299877660) and close(c.df, 15.411052003403)
        assert close(c.p, .109545495340)
        assert all(map(close, c.ci, (-2.477353632655, .277353632655)))
        pooled = cxm.compare(one, two, measures=measures, method="pooled-t")
        assert close(pooled.statistic, -1.617199016165) and close(pooled.p, .125377722529)
        tail = "" if measures is None else "[mean]"
        assert close(c["cohen_d" + tail].value, -.767104848130)
        assert close(c["hedges_g" + tail].value, -.730576045838)
    rank = c["mann_whitney[mean]"]
    assert rank.value == 24 and close(rank.p, .157760547881)


def test_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    random.seed(7)
    for _ in range(20):
        a = [random.randint(0, 10) for _ in range(random.randint(3, 60))]
        b = [random.randint(0, 10) for _ in range(random.randint(3, 60))]
        c = cxm.compare(cxm.nps(a), cxm.nps(b), measures="mean")
        want = stats.ttest_ind(a, b, equal_var=False)
        assert c.statistic == pytest.approx(want.statistic, rel=1e-10)
        assert c.p == pytest.approx(want.pvalue, rel=1e-9)
        greater = stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue
        assert c.p_greater == pytest.approx(greater, rel=1e-9)
        rank = stats.mannwhitneyu(a, b, method="asymptotic")
        assert c["mann_whitney[mean]"].value == rank.statistic
        assert c["mann_whitney[mean]"].p == pytest.approx(rank.pvalue, rel=1e-10)
        x, y = sum(v > 8 for v in a), sum(v > 8 for v in b)
        table = [[x, len(a) - x], [y, len(b) - y]]
        p = cxm.compare(cxm.nps(a)["promoters"], cxm.nps(b)["promoters"], method="exact")
        assert p.p == pytest.approx(stats.fisher_exact(table)[1], rel=1e-9)
        assert p.p_less == pytest.approx(stats.fisher_exact(table, "less")[1], rel=1e-9)


def test_permutation_is_the_enumeration():
    random.seed(3)
    for _ in range(10):
        scores = [random.choice((0, 7, 10)) for _ in range(9)]
        codes = [(s >= 9) - (s <= 6) for s in scores]
        seen = sum(codes[:4])
        draws = [sum(d) for d in combinations(codes, 4)]
        far = abs(9 * seen - 4 * sum(codes))
        c = cxm.compare(cxm.nps(scores[:4]), cxm.nps(scores[4:]), method="exact")
        assert c.p == pytest.approx(
            sum(abs(9 * d - 4 * sum(codes)) >= far for d in draws) / len(draws), rel=1e-12)
        assert c.p_greater == pytest.approx(sum(d >= seen for d in draws) / len(draws), rel=1e-12)


GROUPED_NOW = cxm.nps([2, 10, 8, 10, 10], by={"shop": [1, 1, 2, 2, 3]}, freq=[10, 30, 10, 10, 20])
GROUPED_BEFORE = cxm.nps([2, 8, 10, 2, 10], by={"shop": [4, 2, 2, 1, 1]}, freq=[50, 5, 5, 20, 20])


def test_groups():
    c = cxm.compare(GROUPED_NOW, GROUPED_BEFORE)
    assert c.groups == [1, 2, 3, 4] and c.measures == ["difference", "within", "mix"]
    within = {row.group: row.value for row in c["within"]}
    mix = {row.group: row.value for row in c["mix"]}
    assert within == {1: 22.5, 2: 0, 3: 0, 4: 0, None: 22.5}
    assert mix == {1: 1.625, 2: 6.1875, 3: 22.8125, 4: 54.375, None: 85}
    alone = c.group(4)["difference"]
    assert math.isnan(alone.value) and alone.value_b == -100 and "NO_DATA" in alone.flags
    assert c.total["difference"].value == 107.5
    assert cxm.compare(GROUPED_NOW, GROUPED_BEFORE, within_mix=False).measures == ["difference"]


def test_parts_sum_to_the_change():
    random.seed(11)
    for weighted in (False, True):
        sides = []
        for _ in range(2):
            n = 400
            sides.append(cxm.csat(
                [random.randint(1, 5) for _ in range(n)],
                by=[random.choice("abcdefg") for _ in range(n)],
                weight=[random.uniform(.3, 3) for _ in range(n)] if weighted else None,
                measures=["csat", "mean", "index", "net"],
            ))
        c = cxm.compare(*sides)
        for name in ("", "[mean]", "[index]", "[net]"):
            rows = [r for part in ("within", "mix") for r in c[part + name] if r.group is not None]
            exact = sum(Fraction(r.value) for r in rows)
            change = Fraction(c.total["difference" + name].value)
            bound = sum(Fraction(math.ulp(r.value)) / 2 for r in rows)
            values = (c.total["difference" + name].value_a, c.total["difference" + name].value_b)
            assert abs(exact - change) <= bound + sum(Fraction(math.ulp(v)) for v in values) * 2


def test_views_and_tallies():
    c = cxm.compare(GROUPED_NOW.group(1), GROUPED_BEFORE.group(1))
    assert c.value == 50 and len(c) == 1
    assert cxm.compare(GROUPED_NOW.total, GROUPED_BEFORE.total).value == 107.5
    c = cxm.compare(NOW["promoters"], BEFORE["promoters"])
    assert c.measures == ["difference[promoters]"] and c.value == pytest.approx(.1)
    one = cxm.Tally.load(NOW.tally.save())
    assert cxm.compare(one, BEFORE.tally).value == 16.75
    assert cxm.compare(NOW, NOW).value == 0 and cxm.compare(NOW, NOW).statistic == 0


def test_measures():
    c = cxm.compare(NOW, BEFORE, measures="all")
    assert c.measures[:3] == ["difference", "cohen_d", "hedges_g"]
    assert "difference[share[10]]" in c.measures and "fisher[promoters]" in c.measures
    c = cxm.compare(NOW, BEFORE, measures=["nps", "share"])
    assert len(c) == 12
    c = cxm.compare(NOW, BEFORE, measures=["nps", "promoters", "odds_ratio[promoters]"])
    assert c.measures == ["difference", "difference[promoters]", "odds_ratio[promoters]"]


@pytest.mark.parametrize("other, part", [
    (cxm.nps([3], scale=(1, 5), promoter=5, detractor=3), "nps/0-10/6-9 against nps/1-5/3-5: "),
    (cxm.csat([3]), "different metrics"),
    (cxm.nps([3], by=["a"]), "keys"),
    (cxm.nps([3], weight=[1]), "weights"),
])
def test_what_does_not_compare(other, part):
    with pytest.raises(cxm.Error, match=part) as caught:
        cxm.compare(NOW, other)
    assert caught.value.status == "EMISMATCH"


@pytest.mark.parametrize("options, part", [
    ({"method": "score"}, "there is no method 'score'; there are adjusted"),
    ({"method": "newcombe"}, "does not fit"),
    ({"measures": "promoter"}, "no measure"),
    ({"level": 95}, "did you mean 0.95"),
])
def test_bad_options(options, part):
    with pytest.raises(cxm.Error, match=part):
        cxm.compare(NOW, BEFORE, **options)


def test_bad_sides():
    with pytest.raises(cxm.Error, match="b: a result or a tally is needed, not int"):
        cxm.compare(NOW, 3)
    with pytest.raises(cxm.Error, match="no measure 'nonsense'"):
        cxm.compare(NOW, BEFORE)["nonsense"]


def test_adjust():
    p = [.010, .013, .014, .190, .350, .500, .630, .670, .750, .810]
    assert cxm.adjust(p)[:3] == pytest.approx([.1, .117, .117])
    assert cxm.adjust(p, "hochberg")[:4] == pytest.approx([.1, .112, .112, .81])
    assert cxm.adjust(p, "bh")[:5] == pytest.approx([.046666666667] * 3 + [.475, .7])
    assert cxm.adjust(p, "by")[:3] == pytest.approx([.136685185185] * 3)
    assert cxm.adjust(p, method="bonferroni")[:3] == pytest.approx([.1, .13, .14])
    assert cxm.adjust(p, "none") == p and cxm.adjust([]) == []
    got = cxm.adjust((v for v in (.04, .001, .04, .03, None, .2)))
    assert got == pytest.approx([.12, .005, .12, .12, math.nan, .2], nan_ok=True)
    with pytest.raises(cxm.Error, match="there is no adjustment 'sidak'"):
        cxm.adjust(p, "sidak")
    with pytest.raises(cxm.Error, match="row 1 is 2, outside 0 to 1"):
        cxm.adjust([.1, 2.0])
    with pytest.raises(cxm.Error, match="a list of numbers"):
        cxm.adjust(["x"])


# ---- many groups ---------------------------------------------------------------------------

THREE = cxm.nps([2, 8, 10] * 3, freq=[15, 25, 40, 12, 28, 60, 10, 20, 70], by=list("aaabbbccc"))


def test_compare_groups():
    c = cxm.compare_groups(THREE)
    assert close(c["homogeneity"].value, 8.069277174031) and c["homogeneity"].df == 4
    assert close(c["homogeneity"].p, .089073193928)
    assert close(c["g2"].value, 8.031909217213) and close(c["g2"].p, .090416287655)
    assert close(c["cramer_v"].value, .120039258266)
    got = [r.value for r in c["residual"].group("a")]
    assert all(map(close, got, (1.729962585817, 1.248332883392, -2.321717969856)))
    rest = cxm.compare(THREE.group("a"), cxm.nps([2, 8, 10], freq=[22, 48, 130]))
    one = c["difference"].group("a")
    assert (one.value, one.p, one.against) == (rest.value, rest.p, "rest")
    assert [r.p_adjusted for r in c["difference"]] == cxm.adjust(r.p_value for r in c["difference"])


def test_compare_groups_with_one_and_with_each():
    c = cxm.compare_groups(THREE, against="a", adjust="bonferroni")["difference"]
    assert c.groups == ["b", "c"] and c.group("b").value == 16.75
    assert c.group("b").p_adjusted == 2 * c.group("b").p
    pairs = cxm.compare_groups(THREE, "promoters", against="pairs")["difference"]
    assert [(r.group, r.against) for r in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert "difference" not in cxm.compare_groups(THREE, against="none").measures
    assert cxm.compare_groups(THREE["promoters"])["residual"].measures == ["residual[promoters]"]
    with pytest.raises(cxm.Error, match="there is no group 'd'"):
        cxm.compare_groups(THREE, against="d")
    with pytest.raises(cxm.Error, match="no groups"):
        cxm.compare_groups(NOW)


def test_trend():
    g = cxm.share([1, 0] * 4, freq=[60, 40, 66, 34, 75, 35, 84, 21],
                  by={"wave": [1, 1, 2, 2, 3, 3, 4, 4]})
    t = cxm.trend(g)
    assert close(t["cochran_armitage"].value, 9.223213696962)
    assert close(t["slope"].statistic, 3.036974431397) and close(t["slope"].p, .002389657249)
    assert close(t["homogeneity"].value, 10.103271991167)
    assert close(t["departure"].value, .880058294205) and close(t["departure"].p, .644017649561)
    assert close(cxm.trend(g, [0, 1, 3, 6])["cochran_armitage"].value, 9.663177755327)
    assert cxm.trend(g, {1: 0, 2: 1, 4: 3})["homogeneity"].df == 2
    with pytest.raises(cxm.Error, match="2 scores for 4 groups"):
        cxm.trend(g, [1, 2])
    with pytest.raises(cxm.Error, match="no group 5"):
        cxm.trend(g, {5: 1})
    with pytest.raises(cxm.Error, match="text, which has no order"):
        cxm.trend(THREE)


def test_trend_of_estimates():
    m, se = (25, 31, 30, 38), (4.1, 3.9, 4.3, 4.0)
    g = cxm.mean([v + s * e for v, e in zip(m, se) for s in (1, -1)], by=[1, 1, 2, 2, 3, 3, 4, 4])
    t = cxm.trend(g)
    assert close(t["pooled"].value, 31.109529990664)
    assert close(t["pooled"].std_error, 2.033554286211)
    assert close(t["slope"].value, 3.826069443515)
    assert close(t["slope"].std_error, 1.812426732419)
    assert close(t["slope"].p, .034770575627)
    assert close(t["homogeneity"].value, 5.255264634064)
    assert close(t["departure"].value, .798858348420)
    assert t["mann_kendall"].value == 4 and close(t["mann_kendall"].p, 1 / 3)


def test_league():
    g = cxm.share([1, 0] * 4, freq=[500, 500, 100, 900, 900, 100, 490, 510], by=list("aabbccdd"))
    table = [(r.group, r.rank, r.rank_lower, r.rank_upper) for r in cxm.league(g)]
    assert table == [("c", 1, 1, 1), ("a", 2, 2, 3), ("d", 3, 2, 3), ("b", 4, 4, 4)]
    first = next(iter(cxm.league(g)))
    assert first.value == .9 and first.measure == "share" and first.n == 1000
    assert first.difference == pytest.approx(.9 - 1090 / 3000)
    base = {r.group: r for r in cxm.league(g, against="d", min_n=2000)}
    assert base["a"].difference == pytest.approx(.01) and math.isnan(base["d"].difference)
    assert "SMALL_N" in base["a"].flags


def test_two_groups_of_one_design():
    """R's survey 4.1.1: svyby and svycontrast."""
    g = cxm.nps(
        [10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2], by=[1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2],
        weight=[10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30],
        strata=[1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2], cluster=[1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2],
    )
    c = cxm.compare(g.group(2), g.group(1))
    assert close(c.value, 2.222222222222) and close(c.std_error, 49.718546353921) and c.df == 3
    assert cxm.compare(g.group(1), g.group(2)).value == -c.value
    base = cxm.compare_groups(g, against=1)["difference"]
    assert base.group(2).std_error == c.std_error
    share = cxm.compare(g.group(2)["promoters"], g.group(1)["promoters"])
    assert share.measure == "difference[promoters]"
    with pytest.raises(cxm.Error, match="under a sampling design groups compare with a group"):
        cxm.league(g)
    assert [row.group for row in cxm.league(g, against=1)] == [2, 1]


def test_sides_with_designs_have_the_degrees_of_freedom_of_their_clusters() -> None:
    """Ten answers of three clusters tell 2 degrees, whatever limits the measure itself has."""
    now = {"cluster": [1, 1, 1, 1, 2, 2, 2, 3, 3, 3]}
    before = {"cluster": [1, 1, 2, 2, 3, 3, 4, 4]}
    a, b = [10, 9, 9, 10, 3, 8, 5, 9, 10, 2], [1, 10, 9, 3, 8, 8, 10, 9]
    x, y = cxm.nps(a, **now), cxm.nps(b, **before)
    for measure in ("nps", "promoters", "mean"):
        row = cxm.compare(x, y, measures=measure)
        va, vb = x[measure].std_error ** 2, y[measure].std_error ** 2
        df = (va + vb) ** 2 / (va ** 2 / 2 + vb ** 2 / 3)
        assert math.isclose(row.df, df, rel_tol=1e-12)
        limits = cxm.mean_interval(x[measure].value - y[measure].value, math.sqrt(va + vb), df=df)
        assert math.isclose(row.statistic, limits.value / limits.std_error, rel_tol=1e-12)
        furthest = {"nps": 200, "promoters": 1}.get(measure, math.inf)
        assert math.isclose(row.lower, max(-furthest, limits.lower), rel_tol=1e-9)
    # by groups, and where one side is a census, which has no variance and no degrees
    shop = cxm.nps([10, 7], cluster=[1, 1], fpc=1)
    assert math.isclose(cxm.compare(cxm.nps(a, fpc=9, **now), shop).df, 2, rel_tol=1e-15)
    g = cxm.compare(cxm.nps(a, by=[0] * 7 + [1] * 3, **now), cxm.nps(b, by=[0] * 6 + [1] * 2, **before))
    by_group = {row.group: row for row in g if row.measure == "difference"}
    assert by_group[0].df == 1  # of two clusters; the three others answer alike
    assert by_group[1].df == 0 and math.isnan(by_group[1].p_value)  # of one and one


@pytest.mark.parametrize("n", [10**10, 10**12, 10**15])
def test_small_gaps_of_many_answers(n: int) -> None:
    """Half of 10^12 against a thousand more: z is -1000 / n over sqrt(p (1 - p) 2 / n), not its first
    seven digits. So with net scores, of 20 points."""
    x, y = n // 2, n // 2 + 1000
    share = cxm.compare(cxm.share([1, 0], freq=[x, n - x]), cxm.share([1, 0], freq=[y, n - y]))
    p = Fraction(x + y, 2 * n)
    z = -1000 / n / math.sqrt(p * (1 - p) * 2 / n)
    assert share.statistic == pytest.approx(z, rel=1e-12, abs=0)
    x, y = n * 3 // 5, n * 3 // 5 + 1000
    v = [1 - Fraction(2 * k - n, n) ** 2 for k in (x, y)]
    a, b = (cxm.nps([0, 10], freq=[n - k, k]) for k in (x, y))
    for method, divisor in (("wald", n), ("welch", n - 1)):
        want = -2000 / n / math.sqrt(sum(v) / divisor)
        assert cxm.compare(a, b, method=method).statistic == pytest.approx(want, rel=1e-12, abs=0)
        assert cxm.compare(b, a, method=method).statistic == pytest.approx(-want, rel=1e-12, abs=0)


@pytest.mark.parametrize("scores", [[1, 2, 3, None], [2, None, None, None], [None] * 4])
def test_ranks_of_fewer_than_two_groups_are_undefined(scores: list[int]) -> None:
    g = cxm.csat(scores, by=[1, 1, 1, 2])
    row = list(cxm.compare_groups(g, "mean")["kruskal_wallis[mean]"])[0]
    assert math.isnan(row.value) and math.isnan(row.p_value) and "NO_DATA" in row.flags
    assert row.axes["df"] == 0
