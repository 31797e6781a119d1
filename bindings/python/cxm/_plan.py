# SPDX-License-Identifier: GPL-3.0-or-later
"""How many answers to ask for, and what a given number of answers can show."""

from __future__ import annotations

import math
from ctypes import byref, sizeof
from dataclasses import dataclass
from typing import Any

from ._errors import Error
from ._library import ErrorStruct, PlanOptions, PlanStruct, check, lib
from ._names import checked_level, interval_name, interval_number, unit_name
from ._registry import known

_KINDS = {"adjusted-wald": 0, "wilson": 1, "t": 2}  # the default interval tells the kind
_SUMS = ("ratio", "total")  # t intervals too, of what no single answer has a variance of


@dataclass(frozen=True)
class Plan:
    """The answer of :func:`sample_size`, :func:`power`, :func:`margin_of_error` and
    :func:`detectable_difference`. What does not belong to the question is NaN or 0."""

    metric: str
    n: int  #: answers in all, rounded up, at least 1 (a group)
    n_a: int  #: answers of group a; 0 for one group
    n_b: int
    n_exact: float  #: before rounding
    n_a_exact: float
    n_b_exact: float
    invitations: int  #: n over the response rate
    margin: float  #: half width of the interval
    difference: float  #: a - b that is looked for
    power: float
    level: float
    variance_a: float  #: of one answer; NPS on the codes -1, 0, 1
    variance_b: float
    method: str  #: the interval that is planned
    unit: str  #: of margin and difference

    def __int__(self) -> int:
        return self.n

    def __str__(self) -> str:
        shown = [f"{self.metric}: {self.n} answers"]
        if self.n_a:
            shown[0] += f" ({self.n_a} + {self.n_b})"
        if self.invitations != self.n:
            shown.append(f"{self.invitations} invitations")
        unit = "" if self.unit == "scale" else f" {self.unit}"
        if self.margin == self.margin:
            shown.append(f"margin {self.margin:.6g}{unit} at {self.level:.10g}")
        if self.difference == self.difference:
            shown.append(f"difference {self.difference:.6g}{unit} at {self.level:.10g}")
            shown.append(f"power {self.power:.4g}")
        return ", ".join(shown)


def sample_size(
    metric: str = "nps",
    margin: float | None = None,
    *,
    difference: float | None = None,
    variance: float | tuple[float, float] | None = None,
    sd: float | tuple[float, float] | None = None,
    expected: Any = None,
    level: float = 0.95,
    power: float | None = None,
    population: float | None = None,
    design_effect: float = 1,
    ratio: float = 1,
    response_rate: float = 1,
    method: str | None = None,
) -> Plan:
    """Answers needed for a margin of error, or to find a difference between two groups.

    Give one of:

    ``margin``      half width of the interval: points for NPS and other net scores, a share such
                    as 0.05 for rates, the scale's unit for means.
                    ``n = z² v / margin²``; for NPS 3 less, which adjusted Wald brings along
    ``difference``  a - b to be found with ``power`` (default 0.80) by a two-sided test:
                    ``n_a = (z + z_power)² (v_a + v_b / ratio) / difference²``, ``n_b = ratio n_a``

    How much the answers vary (default: the worst case, a mean has none):

    ``expected``    the expected share; the expected NPS (its largest variance is taken), the
                    three shares or counts of detractors, passives and promoters, or an earlier
                    result
    ``variance``    of one answer, or a pair for both groups; of NPS on the codes -1, 0, 1
    ``sd``          its square root, for means

    ``population``  customers in the list that is to be described: n / (1 + (n - 1) / N)
    ``design_effect``  variance over that of simple random sampling, multiplies n
    ``response_rate``  share of those invited who answer: ``invitations``
    ``method``      interval to plan for: "wald" (default for shares and means), "adjusted-wald"
                    (default for NPS), "t" for means, any other of the metric ("wilson",
                    "clopper-pearson", "score" …): solved for the n of that width

    ``metric`` is the name of any metric with a rate, a net score or a mean as its headline.
    Errors: a margin of 5 for a share, both or none of margin and difference, …

    >>> cxm.sample_size("nps", margin=5, method="wald").n
    1537
    """
    if (margin is None) == (difference is None):
        raise Error("give margin or difference, one of them", column="margin")
    options = _options(metric, variance, sd, expected, level, power, population, design_effect,
                       ratio, response_rate, method)
    if margin is not None:
        return _ask(metric, lib.cxm_sample_size, options, _number("margin", margin))
    return _ask(
        metric, lib.cxm_sample_size_difference, options, _number("difference", difference)
    )


def margin_of_error(
    metric: str = "nps",
    n: float | None = None,
    *,
    variance: float | None = None,
    sd: float | None = None,
    expected: Any = None,
    level: float = 0.95,
    population: float | None = None,
    design_effect: float = 1,
    method: str | None = None,
) -> Plan:
    """The margin of error that n answers reach: :func:`sample_size` read backwards. The
    arguments are the same.

    >>> round(cxm.margin_of_error("nps", 1537, method="wald").margin, 3)
    4.999
    """
    options = _options(metric, variance, sd, expected, level, None, population, design_effect,
                       1, 1, method)
    return _ask(metric, lib.cxm_margin_of_error, options, _number("n", n))


def power(
    metric: str = "nps",
    *,
    difference: float,
    n_a: float,
    n_b: float | None = None,
    variance: float | tuple[float, float] | None = None,
    sd: float | tuple[float, float] | None = None,
    expected: Any = None,
    level: float = 0.95,
    design_effect: float = 1,
    ratio: float = 1,
    method: str | None = None,
) -> Plan:
    """The chance that a two-sided z test at 1 - level finds the difference a - b with n_a and
    n_b answers (n_b: ``ratio`` times n_a):

        power = Φ(|d| / se - z) + Φ(-|d| / se - z),  se² = design_effect (v_a / n_a + v_b / n_b)

    The other arguments are those of :func:`sample_size`.

    >>> v = (0.58984375, 0.4896)
    >>> round(cxm.power("nps", difference=16.75, n_a=80, n_b=100, variance=v).power, 6)
    0.32742
    """
    options = _options(metric, variance, sd, expected, level, None, None, design_effect, ratio, 1,
                       method)
    return _ask(
        metric, lib.cxm_power, options, _number("difference", difference), _number("n_a", n_a),
        0.0 if n_b is None else _number("n_b", n_b),
    )


def detectable_difference(
    metric: str = "nps",
    *,
    n_a: float,
    n_b: float | None = None,
    variance: float | tuple[float, float] | None = None,
    sd: float | tuple[float, float] | None = None,
    expected: Any = None,
    level: float = 0.95,
    power: float | None = None,
    design_effect: float = 1,
    ratio: float = 1,
    method: str | None = None,
) -> Plan:
    """The smallest difference that n_a and n_b answers find with ``power`` (default 0.80):
    (z + z_power) se. The other arguments are those of :func:`power`.

    >>> round(cxm.detectable_difference("nps", n_a=1570).difference, 2)
    10.0
    """
    options = _options(metric, variance, sd, expected, level, power, None, design_effect, ratio,
                       1, method)
    return _ask(
        metric, lib.cxm_detectable_difference, options, _number("n_a", n_a),
        0.0 if n_b is None else _number("n_b", n_b),
    )


# ---- what they share ---------------------------------------------------------------------------


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(
            f"{name} must be a number, not {value!r}", column=name, value=str(value)
        ) from None


def _above_zero(name: str, value: Any) -> float:
    """A number that is not 0, which means the default in C."""
    number = _number(name, value)
    if number == 0:
        raise Error(f"{name} must be above 0", column=name, value="0")
    return number


def _options(
    metric: str, variance: Any, sd: Any, expected: Any, level: float, power: float | None,
    population: float | None, design_effect: float, ratio: float, response_rate: float,
    method: str | None,
) -> Any:
    """struct cxm_plan_options."""
    options = PlanOptions()
    options.size = sizeof(PlanOptions)
    options.level = checked_level(level)
    given = {
        "power": power, "population": population, "design_effect": design_effect,
        "ratio": ratio, "response_rate": response_rate,
    }
    for name, value in given.items():
        if value is not None:
            setattr(options, name, _above_zero(name, value))
    for name, value in (("variance", variance), ("sd", sd)):
        if isinstance(value, (tuple, list)) and len(value) == 2:
            setattr(options, name, _above_zero(name, value[0]))
            setattr(options, name + "_b", _above_zero(name, value[1]))
        elif value is not None:
            setattr(options, name, _above_zero(name, value))
    if expected is not None:
        _put_expected(options, metric, expected)
    if method is not None:
        options.method = interval_number(method)
    return options


def _put_expected(options: Any, metric: str, expected: Any) -> None:
    """A share, a score, three shares, or a result."""
    if hasattr(expected, "measures") and hasattr(expected, "value"):
        result = expected
        if _kind(metric) == 0 and result.metric == "nps":
            expected = [result[m].value for m in ("detractors", "passives", "promoters")]
        else:
            expected = result.value
    if isinstance(expected, (tuple, list)):
        if len(expected) != 3:
            raise Error(
                "expected is a number, or three shares: detractors, passives, promoters",
                column="expected", value=str(expected),
            )
        for i, share in enumerate(expected):
            options.shares[i] = _number("expected", share)
        if not any(options.shares):
            raise Error("expected has no answers: all three shares are 0", column="expected",
                        value=str(expected))
    else:
        # 0 means the default in C; no digit of a plan tells the smallest number from it.
        options.expected = _number("expected", expected) or math.ulp(0.0)


def _kind(metric: str) -> int:
    """enum cxm_plan_kind of a metric."""
    info = known(metric).info
    kind = _KINDS.get(interval_name(info.intervals[0])) if info.n_intervals else None
    if kind is None or metric in _SUMS:
        raise Error(
            f"sample sizes are for rates, net scores and means, not for {metric}",
            column="metric", value=str(metric),
        )
    return kind


def _ask(metric: str, function: Any, options: Any, *numbers: float) -> Plan:
    plan, error = PlanStruct(), ErrorStruct()
    check(function(_kind(metric), *numbers, byref(options), byref(plan), byref(error)), error)
    return Plan(
        metric=metric, n=plan.n, n_a=plan.n_a, n_b=plan.n_b, n_exact=plan.n_exact,
        n_a_exact=plan.n_a_exact, n_b_exact=plan.n_b_exact, invitations=plan.invitations,
        margin=plan.margin, difference=plan.difference, power=plan.power, level=plan.level,
        variance_a=plan.variance_a, variance_b=plan.variance_b,
        method=interval_name(plan.method), unit=unit_name(plan.unit),
    )
