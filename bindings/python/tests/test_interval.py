# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals of plain numbers."""

from __future__ import annotations

import math

from helpers import close, refused

import cxm


def test_rows() -> None:
    share = cxm.share_interval(80, 100)
    assert close(share.lower, 0.711170834407) and close(share.upper, 0.866633066669)
    assert share.interval == "wilson" and share.flags == () and share.level == 0.95
    assert close(cxm.share_interval(9, 10, interval="clopper-pearson").lower, 0.554983882972)
    nps = cxm.nps_interval(0, 0, 5)
    assert nps.upper == 100 and close(nps.upper_raw, 107.508546965831)
    assert nps.flags == ("CLIPPED", "DEGENERATE")
    assert close(cxm.nps_interval(15, 25, 40, interval="score").ci[1], 46.85772423223, 1e-11)
    mean = cxm.mean_interval(79.75, 2.579420301329, df=99)
    assert close(mean.lower, 74.631870512837, 1e-11) and mean.interval == "t"
    assert cxm.mean_interval(1, 1, df=math.inf).interval == "wald"
    assert close(cxm.rate_interval(17, 8.450).upper, 3.2211416, 1e-7)


def test_a_list_of_known_length() -> None:
    share = cxm.share_interval(120, 200, population=1000)
    assert close(share.std_error, 0.031061618126) and close(share.lower, 0.538201663237)
    assert cxm.share_interval(3, 7, population=7).ci == (3 / 7, 3 / 7)
    nps = cxm.nps_interval(15, 25, 40, population=160)
    assert nps.lower > cxm.nps_interval(15, 25, 40).lower
    mean = cxm.mean_interval(4.19, 0.103176812053, n=100, population=200)
    assert close(mean.std_error, 0.103176812053 / math.sqrt(2)) and mean.df == 99


def test_refused() -> None:
    refused("10 answers cannot come from a population of 9", cxm.share_interval, 3, 10,
            population=9)
    refused("successes must not exceed n", cxm.share_interval, 3, 2)
    refused("level must be between 0 and 1; did you mean 0.95?", cxm.share_interval, 1, 2, level=95)
    refused("a share has no interval score", cxm.share_interval, 1, 2, interval="score")
    refused("n must be a number, not 'two'", cxm.share_interval, 1, "two")
    refused("give df; n goes with a population", cxm.mean_interval, 1, 1)
    refused("with a population give n, and no df", cxm.mean_interval, 1, 1, df=3, population=9)
