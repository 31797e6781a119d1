# SPDX-License-Identifier: GPL-3.0-or-later
"""The revenue ledger: amounts become whole minor units per customer, then rows of a tally."""

from __future__ import annotations

from ctypes import POINTER, addressof, byref, c_int64, c_uint8, cast, sizeof

from ._add import filled, refuse_design
from ._errors import Error
from ._inputs import Call
from ._library import Column, ErrorStruct, RevenueInput, RevenueOutput, check, lib
from ._memory import I64, SENTINEL, U8, plain
from ._names import checked_level
from ._registry import known
from ._result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    Names = Union[str, Iterable[str], None]

_MISSING = -(1 << 63)


def revenue(
    previous: Any,
    current: Any,
    ever: Any = None,
    *,
    data: Any = None,
    by: Any = None,
    customer: Any = None,
    currency_digits: int | None = None,
    labels: Any = None,
    missing_codes: Any = (),
    weight: Any = None,
    freq: Any = None,
    strata: Any = None,
    cluster: Any = None,
    fpc: Any = None,
    level: float = 0.95,
    interval: str | None = None,
    invalid: str = "error",
    measures: Names = None,
    missing_key: str = "keep",
    threads: int | None = None,
) -> Result:
    """Revenue retention and the movements behind it, from what each customer paid before
    (``previous``) and pays now (``current``).

    nrr          sum of current over those who paid before / sum of previous; without new and
                 reactivated customers
    grr          sum of min(previous, current) / sum of previous = 1 - gross_churn
    the ledger   start + new + expansion + reactivation - contraction - churn = end, to the cent
    quick_ratio  (new + expansion + reactivation) / (contraction + churn); inf when nothing was
                 lost; ``quick_ratio_new`` leaves reactivation out
    net_churn    1 - nrr; ``net_churn_reactivation`` lets money that came back offset it
    logo_churn   customers lost / customers who paid at the start (Wilson)

    ``ever``             yes or no: has paid at any time before; tells reactivation from new
    ``customer``         rows are subscriptions: they are summed per customer (and group) first,
                         so that cancelling one of two is contraction. None: a row is a customer
    ``currency_digits``  decimals of the currency, for floats: 2 means cents. Integers always are
                         minor units; decimals are exact and say their scale themselves
    ``by``               the period, to have several at once. Periods of other lengths give other
                         ledgers: 100 -> 150 -> 120 is a contraction of 30 in the second month and
                         an expansion of 20 over both

    std_error  linearised over customers, divisor n - 1; interval t
    measures   nrr, grr, gross_churn, net_churn, quick_ratio, logo_churn, start, new, expansion,
               reactivation, contraction, churn, end (minor units); net_churn_reactivation,
               quick_ratio_new and the numbers of customers_new, customers_churned …

    Amounts below 0 are excluded (``bad``), customers with 0 at both ends too
    (``not_in_denominator``). For the other arguments see :func:`cxm.nps`; weight and freq belong
    to customers, not to subscriptions.

    >>> cxm.revenue([100, 50, 0], [120, 0, 30])["nrr"].value
    0.8
    """
    refuse_design(strata, cluster, fpc)
    level = checked_level(level)
    if customer is not None and (weight is not None or freq is not None):
        name = "freq" if weight is None else "weight"
        raise Error(f"{name}= belongs to customers; rows of one customer are summed", column=name)
    metric = known("revenue")
    call = Call(data, labels, missing_codes)
    rows = Call(None, None, ())
    try:
        source = _source(call, previous, current, ever, customer, by, currency_digits, invalid)
        _add_amounts(rows, call, source, ever is not None, customer is not None)
        if weight is not None:
            rows.add(b"weight", call.column(weight, "weight"))
        if freq is not None:
            rows.add(b"freq", call.column(freq, "freq"))
        handle = filled(metric, {}, rows, [], invalid, missing_key, threads)
    finally:
        call.columns.clear()
        rows.columns.clear()
    return Result(handle, level, interval, measures)


class _Source:
    """struct cxm_revenue_input and the columns that it points to."""

    __slots__ = ("by", "columns", "keep", "struct")

    by: list[Column]
    columns: dict[str, Column]
    keep: Any
    struct: Any


def _source(
    call: Call, previous: Any, current: Any, ever: Any, customer: Any, by: Any, digits: Any,
    invalid: str,
) -> _Source:
    for name, value in (("previous", previous), ("current", current)):
        if value is None:
            raise Error(f"revenue needs {name}=", column=name)
    given = {"previous": previous, "current": current, "ever": ever, "customer": customer}
    metric = known("revenue")
    source = _Source()
    source.struct = RevenueInput()
    source.struct.size = sizeof(RevenueInput)
    source.columns = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in metric.inputs:
            call.add_input(metric, name, value)
        else:
            call.add(b"customer", call.column(value, name, key=True))
        column = call.columns[-1]
        column.name = column.name or name.encode()
        source.columns[name] = column
        setattr(source.struct, name, addressof(column))
    n_inputs = len(call.columns)
    if by is not None:
        call.add_by(by)
    call.inputs()  # refuses columns of different indexes
    source.by = call.columns[n_inputs:]
    array = (Column * max(len(source.by), 1))(*source.by)
    source.keep = array
    source.struct.by = addressof(array) if source.by else None
    source.struct.n_by = len(source.by)
    source.struct.count_invalid = int(invalid == "count")
    if digits is not None:
        if isinstance(digits, bool) or not isinstance(digits, int):
            raise Error(f"currency_digits must be a whole number, not {digits!r}",
                        column="currency_digits")
        source.struct.has_digits, source.struct.currency_digits = 1, digits
    return source


def _add_amounts(rows: Call, call: Call, source: _Source, ever: bool, customer: bool) -> None:
    """Lets the library sum the customers, and adds what comes out as columns."""
    n = int(source.columns["previous"].n)
    amounts = [(c_int64 * max(n, 1))() for _ in range(2)]
    flags = [(c_uint8 * max(n, 1))() for _ in range(2)]
    output = RevenueOutput(
        cast(amounts[0], POINTER(c_int64)), cast(amounts[1], POINTER(c_int64)),
        cast(flags[0], POINTER(c_uint8)), cast(flags[1], POINTER(c_uint8)),
    )
    error = ErrorStruct()
    check(lib.cxm_revenue_rows(byref(source.struct), byref(output), None, byref(error)), error)
    metric = known("revenue")
    for name, store in zip(("previous", "current"), amounts):
        column = plain(I64, addressof(store), n, 8, store)
        column.sentinel, column.flags = _MISSING, SENTINEL
        column.name = source.columns[name].name
        rows.add(metric.inputs[name][3], column)
    if ever:
        column = plain(U8, addressof(flags[0]), n, 1, flags[0])
        column.sentinel, column.flags = 2, SENTINEL
        column.name = source.columns["ever"].name
        rows.add(metric.inputs["ever"][3], column)
    for column in source.by:
        rows.add(b"by", column)
    if customer:
        rows.add(b"freq", plain(U8, addressof(flags[1]), n, 1, flags[1]))
