# SPDX-License-Identifier: GPL-3.0-or-later
"""Churn from exposure, and what a constant churn means for the length of a relation."""

from __future__ import annotations

from ctypes import byref
from typing import NamedTuple

from ._library import ErrorStruct, IntervalLimits, check, lib
from ._names import checked_level, flag_names


class Rate(NamedTuple):
    """A rate with its interval."""

    value: float
    std_error: float
    lower: float
    upper: float
    level: float
    flags: tuple[str, ...]


def exposure_churn(
    lost: float, exposure: float, length: float, level: float = 0.95
) -> Rate:
    """Churn of a period of ``length`` from all that were lost over all customer-days: 1 - exp(-h
    length), h = lost / exposure. Customers who came late or left early count for the time that they
    were there. Limits: exact Poisson (Garwood 1936), carried over.

    >>> round(cxm.exposure_churn(30, 15350, 30).value, 7)
    0.0569462
    """
    out, error = IntervalLimits(), ErrorStruct()
    check(lib.cxm_exposure_churn(lost, exposure, length, checked_level(level), byref(out),
                                 byref(error)), error)
    return Rate(out.value, out.std_error, out.lower, out.upper, out.level,
                flag_names(out.flags))


def mean_lifetime(churn: float, completed: bool = False) -> float:
    """Periods that a customer stays at a constant churn: 1 / churn, the last started period
    counted, or (1 - churn) / churn completed ones. Churn 0: inf.

    >>> round(cxm.mean_lifetime(0.03), 2), round(cxm.mean_lifetime(0.03, completed=True), 2)
    (33.33, 32.33)
    """
    return float(lib.cxm_mean_lifetime(churn, int(bool(completed))))
