# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifetime models and customers from Python: figures of the papers, inputs of all kinds, errors."""

import math
from datetime import datetime, timedelta

import numpy
import pandas
import polars
import pytest

import cxm

HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def test_sbg_of_the_paper():
    fit = cxm.shifted_beta_geometric(active=HIGH_END, horizon=12, discount=0.1)
    assert fit.parameters == pytest.approx({"a": 0.66808835110644622, "b": 3.8060949640582669})
    survival = {row.time: row.value for row in fit["survival"]}
    assert survival[0] == 1
    assert survival[12] == pytest.approx(0.37799907159740885)
    assert fit["tenure"].value == math.inf
    assert fit.n == 1000
    assert fit["a"].lower < fit["a"].value < fit["a"].upper


@pytest.mark.parametrize("active, errors, log_likelihood, percent", [
    (HIGH_END, (.1037349, .7855317), -1611.158147, "85.068 74.686 66.979 60.992 56.183 52.222 48.891 "
     "46.044 43.578 41.417 39.506 37.800"),
    (REGULAR, (.06560, .152476), -1680.265188, "62.671 47.382 38.797 33.207 29.235 26.246 23.902 "
     "22.008 20.441 19.119 17.986 17.004"),
])
def test_sbg_curves_of_the_definitions(active, errors, log_likelihood, percent):
    """The first two errors from the second derivatives in 40 digits (mpmath); the definitions
    print .78548 for the second, which is five units off in its last digit."""
    fit = cxm.shifted_beta_geometric(active=active, horizon=12)
    assert (fit["a"].std_error, fit["b"].std_error) == pytest.approx(errors, abs=6e-6)
    assert fit["log_likelihood"].value == pytest.approx(log_likelihood, abs=6e-7)
    assert [100 * row.value for row in fit["survival"]][1:] == pytest.approx(
        [float(x) for x in percent.split()], abs=1e-3)  # two are cut off there, not rounded


def test_sbg_of_several_cohorts():
    both = cxm.shifted_beta_geometric(active=[HIGH_END, REGULAR[:5]])
    records = cxm.shifted_beta_geometric(
        [1, 2, 3, 4, 5, 6, 7, 7, 1, 2, 3, 4, 4], [1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0],
        freq=[131, 126, 90, 60, 42, 34, 26, 491, 369, 163, 86, 56, 326])
    assert both.parameters == records.parameters
    assert both.n == 2000


def test_sbg_does_not_pretend():
    with pytest.raises(cxm.Error, match="nobody was lost") as error:
        cxm.shifted_beta_geometric(active=[10, 10, 10])
    assert error.value.status == "ENOCONV"
    with pytest.raises(cxm.Error, match="more customers"):
        cxm.shifted_beta_geometric(active=[[10, 9, 8], [10, 11]])
    with pytest.raises(cxm.Error, match="give duration"):
        cxm.shifted_beta_geometric()
    with pytest.raises(cxm.Error, match="event"):
        cxm.shifted_beta_geometric([1, 2])
    with pytest.raises(cxm.Error, match="did you mean 0.95"):
        cxm.shifted_beta_geometric(active=HIGH_END, level=95)


PUBLISHED = (0.243, 4.414, 0.793, 2.426)


def test_predictions_of_the_paper():
    frame = polars.DataFrame({"x": [2, 0, 1], "t": [30.43, 0.0, 1.71], "T": [38.86] * 3})
    alive, expected = cxm.bg_nbd_predict(PUBLISHED, "x", "t", "T", horizon=39, data=frame)
    assert list(alive) == pytest.approx([0.72657857008067291, 1, 0.21210098537737908])
    assert list(expected) == pytest.approx(
        [1.2260281747671444, 0.19509805201126264, 0.20318698707975406])
    value = cxm.gamma_gamma_predict((6.25, 3.74, 15.44), [2, 0], [22.35, None])
    assert list(value) == pytest.approx([24.6637, 35.2190], abs=5e-5)
    worth = cxm.customer_lifetime_value(
        PUBLISHED, (6.25, 3.74, 15.44), [2], [30.43], [38.86], [22.35], periods=12, period=4.345,
        discount=0.01)
    assert worth[0] == pytest.approx(36.289211, abs=5e-7)
    with pytest.raises(cxm.Error, match="4 parameters"):
        cxm.bg_nbd_predict((1, 2), "x", "t", "T", horizon=39, data=frame)


def test_expectations_of_the_definitions():
    """At the parameters that fit CDNOW's 2 357 customers; a new one has no order yet."""
    fitted = (.242593, 4.413532, .792886, 2.425753)
    alive, expected = cxm.bg_nbd_predict(fitted, [2], [30.43], [38.86], horizon=39)
    assert (alive[0], expected[0]) == pytest.approx((.726609, 1.225910), abs=6e-7)
    for horizon, want in ((.1429, .0078), (1, .0532), (3, .1506), (31.8571, 1.0405),
                          (32, 1.0437), (78, 1.8580)):
        new = cxm.bg_nbd_predict(fitted, [0], [0], [0], horizon=horizon)[1]
        assert new[0] == pytest.approx(want, abs=5e-5)
    new = cxm.bg_nbd_predict(PUBLISHED, [0], [0], [0], horizon=30)[1]
    assert new[0] == pytest.approx(.9991679012, abs=5e-11)
    assert cxm.gamma_gamma_predict((6.25, 3.74, 15.44), [1], [11.77])[0] == pytest.approx(
        18.9169, abs=5e-5)


def test_gamma_gamma_of_the_fixture():
    fit = cxm.gamma_gamma(
        [1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8], [8, 15, 30, 60, 12, 25, 50, 15, 30, 70, 28, 45],
        freq=[60, 120, 90, 40, 50, 80, 40, 25, 45, 20, 15, 12])
    assert fit["log_likelihood"].value == pytest.approx(-2393.717286, abs=5e-7)
    assert fit.parameters == pytest.approx({"p": 4.6242, "q": 5.6181, "gamma": 27.904}, rel=2e-5)


def test_lifetime_value():
    r = cxm.lifetime_value(100, retention=0.8, discount=0.1, payment="now")
    assert r.value == pytest.approx(110 / 0.3)
    assert cxm.lifetime_value(100, retention=0.8, discount=0.1, payment="renewal").value == (
        pytest.approx(80 / 0.3))
    assert cxm.lifetime_value(
        100, retention=0.8, discount=0.1, payment="now", periods=5).value == (
        pytest.approx(292.0633836, abs=5e-8))
    with pytest.raises(cxm.Error, match="payment"):
        cxm.lifetime_value(100, retention=0.8, payment="later")
    with pytest.raises(cxm.Error, match="percent"):
        cxm.lifetime_value(100, retention=80, payment="now")


def test_numbers_of_periods_are_not_cut_off():
    """0 would be "without end" to C, and 2^32 + 5 would be 5."""
    for periods in (0, -1, 2.5, 2**32 + 5, math.nan, "5"):
        with pytest.raises(cxm.Error, match="periods must be a whole number"):
            cxm.lifetime_value(100, retention=0.8, payment="now", periods=periods)
    assert cxm.lifetime_value(100, retention=0.8, payment="now", periods=1).value == 100
    for name in ("horizon", "renewals"):
        for value in (0, 2**32 + 1):
            with pytest.raises(cxm.Error, match=f"{name} must be a whole number"):
                cxm.shifted_beta_geometric(active=[1000, 869, 743], **{name: value})
    with pytest.raises(cxm.Error, match="periods must be a whole number"):
        cxm.customer_lifetime_value(PUBLISHED, (6.25, 3.74, 15.44), [2], [30.43], [38.86], [22.35],
                                    periods=2**32 + 12, period=4.345, discount=0.01)
    with pytest.raises(cxm.Error, match="n_start must be a whole number"):
        cxm.retention(n_start=2**64 + 5, n_lost=1)


def test_contribution():
    r = cxm.contribution(numpy.array([500.0, 300, 120, 60, 20, numpy.nan]), top=[0.3])
    assert r["gini"].value == pytest.approx(0.48)
    assert r["gini_unbiased"].value == pytest.approx(0.60)
    assert r["top_share[0.3]"].value == pytest.approx(0.65)
    assert r["total"].missing == 1
    assert math.isnan(cxm.contribution([5, -1])["gini"].value)


DAY = timedelta(days=1)
START = datetime(2024, 1, 1)
WHO = ["a", "a", "b", "b", "c", "c", "d", "e", "e", "f", "f", "g", "h", None]
WHEN = [START + d * DAY for d in (395, 395, 10, 390, 100, 330, 50, 20, 100, 370, 398, 0, 401, 5)]


def test_stages_of_the_definitions():
    data = pandas.DataFrame({"who": WHO, "when": WHEN, "shop": ["x"] * 7 + ["y"] * 7})
    r = cxm.stages("who", "when", as_of=START + 400 * DAY, data=data)
    assert [row.value for row in r] == pytest.approx([1 / 7, 2 / 7, 1 / 7, 3 / 7])
    assert dict(r.excluded_by) == {"not_in_denominator": 5, "unseen": 1, "unlinked": 1}
    g = cxm.stages("who", "when", as_of=START + 400 * DAY, data=data, by="shop")
    assert g.groups == ["x", "y"]
    assert g.group("y")["lost"].value == pytest.approx(2 / 3)
    assert g.total["lost"].value == pytest.approx(3 / 7)
    merged = cxm.merge([g.group("x").tally, g.group("y").tally])
    assert merged.estimate()["lost"].value == pytest.approx(3 / 7)
    early = cxm.stages("who", "when", as_of=START - DAY, data=data)
    assert "ALL_AFTER_AS_OF" in early.flags
    with pytest.raises(cxm.Error, match="as_of"):
        cxm.stages("who", "when", as_of=None, data=data)


def test_histories_take_any_order():
    order = numpy.random.default_rng(7).permutation(14)
    one = cxm.histories(WHO, WHEN, as_of=START + 400 * DAY, unit="1d")
    other = cxm.histories([WHO[i] for i in order], [WHEN[i] for i in order],
                          as_of=START + 400 * DAY, unit="1d")
    assert sorted(zip(one.first, one.last, one.age)) == sorted(
        zip(other.first, other.last, other.age))
    assert (one.rows, one.used, one.unlinked, one.unseen) == (14, 12, 1, 1)
    assert len(one.to_pandas()) == 7
    assert "7 customers" in repr(one)


def test_rfm_of_the_definitions():
    scores = cxm.rfm([5, 10, 10, 40, 90, 120, 200, 365, 30, 3], [1, 1, 1, 2, 2, 3, 8, 1, 1, 5],
                     [20, 35, 35, 80, 60, 150, 900, 15, 20, 400])
    assert list(scores.recency) == [5, 4, 4, 3, 2, 2, 1, 1, 3, 5]
    assert list(scores.frequency) == [1, 1, 1, 3, 3, 4, 5, 1, 1, 5]
    assert list(scores.monetary) == [1, 2, 2, 4, 3, 4, 5, 1, 1, 5]
    assert sum(scores.to_dict()["customers"]) == 10
    with pytest.raises(cxm.Error, match="rfm needs money"):
        cxm.rfm([1], [1])
