# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample sizes, margins of error, power: the worked rows, units, hints."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from helpers import close, counts, refused

import cxm


@pytest.mark.parametrize(
    "options, exact, n",
    [
        ({"margin": 5, "method": "wald"}, 1536.583528277649, 1537),
        ({"margin": 5}, 1533.583528277649, 1534),
        ({"margin": 5, "variance": 0.58984375, "method": "wald"}, 906.344190507520, 907),
        ({"margin": 5, "expected": (15, 25, 40)}, 903.344190507520, 904),
        ({"margin": 5, "population": 2000, "method": "wald"}, 869.210706514515, 870),
        ({"difference": 10}, 2 * 1569.775946869817, 3140),
        ({"difference": 16.75, "variance": (0.58984375, 0.4896)}, 2 * 301.979921541360, 604),
    ],
)
def test_nps_rows(options: dict[str, Any], exact: float, n: int) -> None:
    plan = cxm.sample_size("nps", **options)
    assert close(plan.n_exact, exact, 1e-12) and plan.n == n == int(plan)


def test_shares_and_means() -> None:
    assert close(cxm.sample_size("csat", 0.05, expected=0.8).n_exact, 245.853364524424)
    assert close(cxm.sample_size("fcr", 0.05).n_exact, 384.145882069412)
    z = statistics.NormalDist().inv_cdf(0.975)
    assert close(cxm.sample_size("mean", 0.1, sd=1.2).n_exact, (z * 1.2 / 0.1) ** 2, 1e-12)
    assert cxm.sample_size("mean", 0.1, sd=1.2, method="t").n == 556
    plan = cxm.sample_size("retention", 0.05, response_rate=0.2)
    assert (plan.n, plan.invitations, plan.unit) == (385, 1925, "share")


def test_an_earlier_result_says_what_to_expect() -> None:
    scores = counts(2, 0, 1, 1, 2, 4, 5, 10, 15, 20, 20)
    plan = cxm.sample_size("nps", 5, expected=cxm.nps(scores))
    assert close(plan.n_exact, 903.344190507520, 1e-12)
    csat = cxm.csat(counts(3, 5, 12, 30, 50, first=1))
    assert close(cxm.sample_size("csat", 0.05, expected=csat).n_exact, 245.853364524424)


def test_nothing_expected_is_not_the_worst_case() -> None:
    z = statistics.NormalDist().inv_cdf(0.975) + statistics.NormalDist().inv_cdf(0.80)
    plan = cxm.sample_size("csat", difference=0.1, expected=0)
    assert close(plan.n_a_exact, z * z * 0.1 * 0.9 / 0.1**2, 1e-12)
    assert plan.n_a == 71
    assert cxm.sample_size("csat", margin=0.05, expected=0, method="wilson").n == \
        cxm.sample_size("csat", margin=0.05, expected=1, method="wilson").n == 35
    plan = cxm.sample_size("nps", difference=10, expected=0)
    assert close(plan.n_a_exact, z * z * (1 + 0.99) / 0.1**2, 1e-12)


def test_power() -> None:
    v = (0.58984375, 0.4896)
    plan = cxm.power("nps", difference=16.75, n_a=80, n_b=100, variance=v)
    assert close(plan.power, 0.327420116138, 1e-11)
    needed = cxm.sample_size("share", difference=0.05, expected=0.8, power=0.9)
    found = cxm.power("share", difference=0.05, n_a=needed.n_a, expected=0.8)
    assert 0.9 <= found.power < 0.901
    assert cxm.detectable_difference("nps", n_a=1570, power=0.8).difference < 10


def test_margin_of_error() -> None:
    plan = cxm.sample_size("share", 0.04, expected=0.3, population=900, design_effect=1.3)
    back = cxm.margin_of_error(
        "share", plan.n_exact, expected=0.3, population=900, design_effect=1.3
    )
    assert close(back.margin, 0.04)
    assert math.isnan(back.power) and math.isnan(back.difference)


def test_text() -> None:
    assert str(cxm.sample_size("nps", 5)) == "nps: 1534 answers, margin 5 points at 0.95"
    assert str(cxm.sample_size("fcr", difference=0.1, response_rate=0.5)) == (
        "fcr: 786 answers (393 + 393), 1572 invitations, difference 0.1 share at 0.95, power 0.8"
    )


@pytest.mark.parametrize("name", ["variance", "sd"])
def test_no_spread_is_refused(name: str) -> None:
    for value in (0, (0, 0), (1, 0)):
        refused(f"{name} must be above 0", cxm.sample_size, "mean", margin=1, **{name: value})


def test_refused() -> None:
    refused("expected has no answers: all three shares are 0",
            cxm.sample_size, "nps", margin=5, expected=[0, 0, 0])
    refused("give one of variance, sd, expected and shares",
            cxm.sample_size, "mean", margin=5, sd=1, expected=0)
    refused("margin of a share must be below 1, not 5; did you mean 0.05?",
            cxm.sample_size, "csat", 5)
    refused("expected must be a share from 0 to 1, not 80; did you mean 0.8?",
            cxm.sample_size, "csat", 0.05, expected=80)
    refused("give margin or difference, one of them", cxm.sample_size, "nps")
    refused("give margin or difference, one of them", cxm.sample_size, "nps", 5, difference=5)
    refused("level must be between 0 and 1; did you mean 0.95?",
            cxm.sample_size, "nps", 5, level=95)
    refused("power must be between 0 and 1, such as 0.8, not 80",
            cxm.sample_size, "nps", difference=5, power=80)
    refused("sample sizes are for rates, net scores and means, not for total",
            cxm.sample_size, "total", 5)
    refused("population must be above 0", cxm.sample_size, "nps", 5, population=0)
    refused("margin must be a number, not 'five'", cxm.sample_size, "nps", "five")
    with pytest.raises(cxm.Error, match="variance must be above 0"):
        cxm.sample_size("mean", 0.1)
    with pytest.raises(cxm.Error, match="there is no metric 'npss'"):
        cxm.sample_size("npss", 5)
    with pytest.raises(cxm.Error, match="three shares"):
        cxm.sample_size("nps", 5, expected=(1, 2))
