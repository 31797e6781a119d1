# SPDX-License-Identifier: GPL-3.0-or-later
"""How long customers stay, what they will still buy, what they are worth."""

from __future__ import annotations

from array import array
from ctypes import addressof, byref, c_double, sizeof

from ._errors import Error, one_of
from ._inputs import Call
from ._library import (
    BgNbdOptions, Column, ContributionOptions, ErrorStruct, GammaGammaOptions,
    LifetimeValueOptions, SbgOptions, check, lib,
)
from ._names import checked_level
from ._report import Report, read_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_PAYMENTS = ("now", "renewal", "next")


def columns_of(data: Any, given: dict[str, Any], keys: tuple[str, ...] = ()) -> list[Any]:
    """The columns of an analysis, in order; None where an optional one was not given."""
    call = Call(data, None, ())
    found: list[Any] = []
    for name, value in given.items():
        column = None
        if value is not None:
            column = call.column(value, name, key=name in keys)
            column.name = column.name or name.encode()
            call.add(name.encode(), column)
        found.append(column)
    call._check_indexes()
    return found


def need(analysis: str, **given: Any) -> None:
    """Columns that may not be left out."""
    for name, value in given.items():
        if value is None:
            raise Error(f"{analysis} needs {name}=", column=name)


def _options(kind: Any, **values: Any) -> Any:
    options = kind()
    options.size = sizeof(kind)
    for name, value in values.items():
        setattr(options, name, value)
    return options


def _freq(column: Column | None) -> int | None:
    return None if column is None else addressof(column)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Error(f"{name} must be a number, not {value!r}", column=name) from None


def _at_least_one(name: str, value: Any) -> int:
    """C reads 0 as "not given", and ctypes cuts off what does not fit into 32 bits."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != value or not 1 <= whole < 2**31:
        raise Error(f"{name} must be a whole number, 1 to {2**31 - 1}, not {value!r}", column=name,
                    value=str(value))
    return whole


def _numbers(name: str, values: Any) -> Any:
    try:
        found = [float(v) for v in values]
    except (TypeError, ValueError):
        raise Error(f"{name} must be numbers, not {values!r}", column=name) from None
    return (c_double * len(found))(*found)


def _doubles(size: int) -> array[float]:
    return array("d", bytes(8 * size))


def _address(store: array[float]) -> Any:
    return (c_double * max(len(store), 1)).from_buffer(store) if store else (c_double * 1)()


class Model(Report):
    """A fitted model: a report whose first rows are the parameters. ``parameters`` are their
    values in the order that the predictions take them."""

    __slots__ = ()

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> value of the parameters of the model."""
        names = _PARAMETERS[self._names(lib.cxm_report_metric)[0]]
        return {name: self[name].value for name in names}


_PARAMETERS = {
    "shifted_beta_geometric": ("a", "b"),
    "bg_nbd": ("r", "alpha", "a", "b"),
    "gamma_gamma": ("p", "q", "gamma"),
}


def _model(call: Callable[..., int]) -> Model:
    report = read_report(call)
    return Model(report._store)


def _given(model: Any, n: int, name: str) -> Any:
    """The parameters of a fitted model, or numbers."""
    values = list(model.parameters.values()) if isinstance(model, Model) else model
    found = _numbers(name, values)
    if len(found) != n:
        raise Error(f"{name}: {n} parameters are needed, not {len(found)}", column=name)
    return found


def shifted_beta_geometric(
    duration: Any = None, event: Any = None, *, active: Any = None, data: Any = None,
    freq: Any = None, horizon: int | None = None, discount: float = 0, renewals: int = 1,
    level: float = 0.95,
) -> Model:
    """Retention projected from who left when (Fader & Hardie 2007): everyone has an own chance of
    leaving each period, Beta(a, b) distributed among customers.

    ``P(T = t) = B(a + 1, b + t - 1) / B(a, b)``, ``S(t) = B(a, b + t) / B(a, b)``

    Give one of

    ``duration, event``  a customer a row: the whole period of leaving (event 1), or the number of
                         periods a customer who is still there was seen through (event 0)
    ``active``           customers active at the start, after one period, two …; or a list of such
                         cohorts, younger ones shorter

    Rows: ``a``, ``b``, ``log_likelihood``; ``survival`` and ``retention`` by axis ``time`` up to
    ``horizon`` (default: the periods seen and 5 more); ``tenure``; with ``discount`` per period
    ``del`` and ``derl`` (expected lifetime, and residual lifetime before renewal ``renewals``).
    Nobody lost, or one period only: an error (``"ENOCONV"``), never a number.

    >>> cxm.shifted_beta_geometric(active=[1000, 869, 743, 653, 593]).parameters
    ... # doctest: +SKIP
    """
    level = checked_level(level)
    if (active is None) == (duration is None and event is None):
        raise Error("give duration= and event=, or active=", column="duration")
    options = _options(
        SbgOptions, level=level, discount=_number("discount", discount),
        horizon=0 if horizon is None else _at_least_one("horizon", horizon),
        renewals=_at_least_one("renewals", renewals))
    if active is not None:
        cohorts = _cohorts(active, data)
        block = (Column * len(cohorts))(*cohorts)
        return _model(lambda out, error: lib.cxm_shifted_beta_geometric_active(
            block, len(cohorts), byref(options), out, error))
    need("shifted_beta_geometric", duration=duration, event=event)
    d, e, f = columns_of(data, {"duration": duration, "event": event, "freq": freq})
    options.freq = _freq(f)
    return _model(lambda out, error: lib.cxm_shifted_beta_geometric(
        byref(d), byref(e), byref(options), out, error))


def _cohorts(active: Any, data: Any) -> list[Column]:
    several = isinstance(active, (list, tuple)) and active and not isinstance(active, str) and (
        hasattr(active[0], "__len__"))
    given = list(active) if several else [active]
    found = [columns_of(data, {"active": cohort})[0] for cohort in given]
    for i, column in enumerate(found if several else []):
        if column.name == b"active":
            column.name = f"active[{i}]".encode()
    return found


def bg_nbd(
    frequency: Any = None, recency: Any = None, age: Any = None, *, customer: Any = None,
    time: Any = None, as_of: Any = None, unit: Any = "7d", days: bool = True, utc_offset: Any = 0,
    freq: Any = None, times: Sequence[float] = (), data: Any = None, level: float = 0.95,
) -> Model:
    """Orders to come of customers without a contract (BG/NBD; Fader, Hardie & Lee 2005).

    Give one of

    ``frequency, recency, age``   a customer a row: repeat orders, last - first order, end of
                                  observation - first order; with ``freq`` customers per row
    ``customer, time, as_of``     an order a row, in any order; the orders of a day are one
                                  (``days=False``: of an instant), ages in ``unit`` (a week)

    Rows: ``r, alpha, a, b`` with standard errors, ``log_likelihood``, and ``expected``, the orders
    of a new customer within each of ``times``. ``cxm.bg_nbd_predict(model, …)`` says for every
    customer whether it is alive, and what it will still order.
    No repeat order, or no maximum: an error (``"ENOCONV"``).
    """
    level = checked_level(level)
    if customer is not None or time is not None:
        if frequency is not None or recency is not None or age is not None or freq is not None:
            raise Error("give frequency=, recency=, age=, or customer=, time=, as_of=",
                        column="frequency")
        from ._customers import histories

        found = histories(customer, time, as_of=as_of, unit=unit, days=days,
                          utc_offset=utc_offset, data=data)
        frequency, recency, age = found.frequency, found.recency, found.age
        data = None
    need("bg_nbd", frequency=frequency, recency=recency, age=age)
    x, r, a, f = columns_of(
        data, {"frequency": frequency, "recency": recency, "age": age, "freq": freq})
    horizons = _numbers("times", times)
    options = _options(BgNbdOptions, level=level, freq=_freq(f), n_times=len(horizons))
    options.times = horizons
    return _model(lambda out, error: lib.cxm_bg_nbd(
        byref(x), byref(r), byref(a), byref(options), out, error))


def bg_nbd_predict(
    model: Any, frequency: Any, recency: Any, age: Any, *, horizon: float, data: Any = None,
) -> tuple[array[float], array[float]]:
    """For every customer P(alive), and the orders expected in the next ``horizon``, as two arrays
    of doubles; NaN for rows that are missing or contradict themselves. ``model`` is a result of
    :func:`bg_nbd`, or r, alpha, a, b."""
    parameters = _given(model, 4, "model")
    x, r, a = columns_of(data, {"frequency": frequency, "recency": recency, "age": age})
    alive, expected = _doubles(x.n), _doubles(x.n)
    error = ErrorStruct()
    check(lib.cxm_bg_nbd_predict(
        parameters, byref(x), byref(r), byref(a), _number("horizon", horizon), _address(alive),
        _address(expected), byref(error)), error)
    return alive, expected


def gamma_gamma(
    frequency: Any, value: Any, *, freq: Any = None, data: Any = None, level: float = 0.95,
) -> Model:
    """What an order is worth (Gamma-Gamma; Fader, Hardie & Lee 2005): order values are
    Gamma(p, v), v is Gamma(q, gamma) among customers.

    ``frequency`` repeat orders, ``value`` their mean value; customers without a repeat order are
    excluded. Rows: ``p, q, gamma``, ``log_likelihood``, ``mean_value`` (infinite for q <= 1),
    ``correlation`` of frequency and value, which the model takes to be 0.
    """
    level = checked_level(level)
    x, m, f = columns_of(data, {"frequency": frequency, "value": value, "freq": freq})
    options = _options(GammaGammaOptions, level=level, freq=_freq(f))
    return _model(lambda out, error: lib.cxm_gamma_gamma(
        byref(x), byref(m), byref(options), out, error))


def gamma_gamma_predict(
    model: Any, frequency: Any, value: Any, *, data: Any = None
) -> array[float]:
    """The expected value of an order of every customer; the mean over all for frequency 0."""
    parameters = _given(model, 3, "model")
    x, m = columns_of(data, {"frequency": frequency, "value": value})
    expected, error = _doubles(x.n), ErrorStruct()
    check(lib.cxm_gamma_gamma_predict(
        parameters, byref(x), byref(m), _address(expected), byref(error)), error)
    return expected


def customer_lifetime_value(
    orders: Any, spending: Any, frequency: Any, recency: Any, age: Any, value: Any, *,
    periods: int, period: float, discount: float, data: Any = None,
) -> array[float]:
    """What every customer is worth over the next ``periods`` of length ``period`` (in the unit of
    the ages), discounted per period: BG/NBD (``orders``) times Gamma-Gamma (``spending``).

    ``sum_i (E[Y(i w)] - E[Y((i - 1) w)]) / (1 + discount)^i  E[Z]``
    """
    first, second = _given(orders, 4, "orders"), _given(spending, 3, "spending")
    x, r, a, m = columns_of(
        data, {"frequency": frequency, "recency": recency, "age": age, "value": value})
    worth, error = _doubles(x.n), ErrorStruct()
    check(lib.cxm_customer_lifetime_value(
        first, second, byref(x), byref(r), byref(a), byref(m),
        _at_least_one("periods", periods), _number("period", period),
        _number("discount", discount), _address(worth), byref(error)), error)
    return worth


def lifetime_value(
    margin: float, *, retention: float, discount: float = 0, payment: str,
    periods: int | None = None, acquisition_cost: float = 0,
) -> Report:
    """Lifetime value of a constant margin m per period with retention r and discount d.

    ``payment`` says when the first payment is made; there is no default:

    ``"now"``      m (1 + d) / (1 + d - r)
    ``"renewal"``  after the first renewal: m r / (1 + d - r)
    ``"next"``     certain, one period away: m / (1 + d - r)

    ``periods`` payments only, where given (1 or more). Rows: ``lifetime_value``, ``mean_lifetime``
    1 / (1 - r), ``completed_periods`` r / (1 - r); with ``acquisition_cost`` also ``ltv_cac``,
    ``payback`` and ``payback_churn`` (periods; NaN: never).

    >>> round(cxm.lifetime_value(100, retention=0.8, discount=0.1, payment="now").value, 4)
    366.6667
    """
    if payment not in _PAYMENTS:
        raise one_of("payment", payment, _PAYMENTS)
    options = _options(
        LifetimeValueOptions, margin=_number("margin", margin),
        retention=_number("retention", retention), discount=_number("discount", discount),
        payment=_PAYMENTS.index(payment) + 1,
        periods=0 if periods is None else _at_least_one("periods", periods),
        acquisition_cost=_number("acquisition_cost", acquisition_cost))
    return read_report(lambda out, error: lib.cxm_lifetime_value(byref(options), out, error))


def contribution(
    value: Any, *, top: Sequence[float] = (0.01, 0.05, 0.1, 0.2, 0.5), freq: Any = None,
    data: Any = None,
) -> Report:
    """How unevenly value is spread among customers (客户贡献度, 80/20).

    ``value`` profit or sales of each customer. Rows: ``total``, ``mean``, ``gini`` (divisor n),
    ``gini_unbiased``, and ``top_share[q]`` for each q of ``top``: what the best q of the customers
    bring, above 1 where others lose money. A negative value leaves gini undefined.

    >>> cxm.contribution([500, 300, 120, 60, 20])["gini"].value
    0.48
    """
    v, f = columns_of(data, {"value": value, "freq": freq})
    shares = _numbers("top", top)
    options = _options(ContributionOptions, freq=_freq(f), n_top=len(shares))
    options.top = shares
    return read_report(lambda out, error: lib.cxm_contribution(
        byref(v), byref(options), out, error))

