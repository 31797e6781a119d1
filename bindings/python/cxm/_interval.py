# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals from numbers that are known already: counts, a mean and its standard error."""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass
from typing import Any

from ._errors import Error
from ._library import ErrorStruct, IntervalLimits, check, lib
from ._names import checked_level, flag_names, interval_name, interval_number


@dataclass(frozen=True)
class Interval:
    """A number with its limits, in the unit of its function. Undefined numbers are NaN."""

    value: float
    std_error: float
    lower: float  #: inside the range of the scale
    upper: float
    lower_raw: float  #: before it was clipped
    upper_raw: float
    level: float
    df: float  #: degrees of freedom; infinite for normal and exact limits
    interval: str
    flags: tuple[str, ...]

    @property
    def ci(self) -> tuple[float, float]:
        """Lower and upper limit."""
        return self.lower, self.upper


def share_interval(
    successes: float, n: float, *, level: float = 0.95, interval: str = "wilson",
    population: float | None = None,
) -> Interval:
    """The interval of a share, ``successes`` of ``n``; shares in [0, 1].

    ``interval``    "wilson" (default), "wilson-cc", "agresti-coull", "clopper-pearson" (exact),
                    "mid-p", "jeffreys", "logit", "wald"
    ``population``  the answers are a simple random sample from a list of that many, and the list is
                    what is described: the same methods on n / (1 - n / N), "clopper-pearson" the
                    exact hypergeometric limits; everybody answered: no width

    Errors: successes above n, n above the population, an interval of another kind of number.

    >>> cxm.share_interval(120, 200, population=1000, interval="clopper-pearson").ci
    (0.536, 0.661)
    """
    level, method = checked_level(level), interval_number(interval)
    x, of = _number("successes", successes), _number("n", n)
    if population is None:
        return _ask(lambda *out: lib.cxm_share_interval(x, of, level, method, *out))
    size = _number("population", population)
    return _ask(lambda *out: lib.cxm_share_interval_finite(x, of, size, level, method, *out))


def nps_interval(
    detractors: float, passives: float, promoters: float, *, level: float = 0.95,
    interval: str = "adjusted-wald", population: float | None = None,
) -> Interval:
    """The interval of a Net Promoter Score, or of any share minus share, from counts; points.

    ``interval``    "adjusted-wald" (default), "adjusted-wald-u", "-tz", "-uz", "score", "wald",
                    "wald-t", "contrast", "goodman", "bootstrap", "bca"
    ``population``  as in :func:`share_interval`

    >>> round(cxm.nps_interval(15, 25, 40).lower, 6)
    13.595746
    """
    level, method = checked_level(level), interval_number(interval)
    d, p, r = (_number("detractors", detractors), _number("passives", passives),
               _number("promoters", promoters))
    if population is None:
        return _ask(lambda *out: lib.cxm_nps_interval(d, p, r, level, method, None, *out))
    size = _number("population", population)
    return _ask(
        lambda *out: lib.cxm_nps_interval_finite(d, p, r, size, level, method, None, *out)
    )


def mean_interval(
    value: float, std_error: float, *, df: float | None = None, n: float | None = None,
    level: float = 0.95, population: float | None = None,
) -> Interval:
    """The interval of a mean from its standard error: value ± t(df) std_error.

    ``df``          degrees of freedom; infinite: the normal distribution
    ``population``  with ``n`` answers of it: std_error times sqrt(1 - n / N), n - 1 degrees

    >>> round(cxm.mean_interval(4.19, 0.103176812053, df=99).upper, 6)
    4.394725
    """
    level = checked_level(level)
    mean, error = _number("value", value), _number("std_error", std_error)
    if population is not None:
        if n is None or df is not None:
            raise Error("with a population give n, and no df", column="n")
        of, size = _number("n", n), _number("population", population)
        return _ask(lambda *out: lib.cxm_mean_interval_finite(mean, error, of, size, level, *out))
    if df is None or n is not None:
        raise Error("give df; n goes with a population", column="df")
    degrees = _number("df", df)
    return _ask(lambda *out: lib.cxm_mean_interval(mean, error, degrees, level, *out))


def rate_interval(count: float, exposure: float, *, level: float = 0.95) -> Interval:
    """The interval of a rate of independent events, ``count / exposure``: exact Poisson limits
    (Garwood 1936).

    >>> [round(x, 4) for x in cxm.rate_interval(4, 0.2).ci]
    [5.4493, 51.2079]
    """
    level = checked_level(level)
    events, over = _number("count", count), _number("exposure", exposure)
    return _ask(lambda *out: lib.cxm_rate_interval(events, over, level, *out))


def _ask(call: Any) -> Interval:
    out, error = IntervalLimits(), ErrorStruct()
    check(call(byref(out), byref(error)), error)
    return Interval(
        out.value, out.std_error, out.lower, out.upper, out.lower_raw, out.upper_raw, out.level,
        out.df, interval_name(out.interval), flag_names(out.flags),
    )


def _number(name: str, value: Any) -> float:
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    raise Error(f"{name} must be a number, not {value!r}", column=name, value=str(value))
