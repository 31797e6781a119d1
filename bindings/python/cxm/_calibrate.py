# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated survey weights: post-stratification, raking and linear
calibration. The arithmetic is the library's."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from ctypes import POINTER, byref, c_double, cast, sizeof

from ._columns import column_of
from ._errors import Error
from ._inputs import Call, keys_of
from ._instants import whole_number
from ._library import (
    CalibrateOptions, CalibrationStruct, Column, ErrorStruct, Margin, check, lib,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


_METHODS = ("raking", "linear")  # enum cxm_calibration_method


class Calibration(Sequence[float]):
    """Weights that add up to known totals: a sequence and a buffer of doubles, one a row.

    Pass it as ``weight=``: standard errors then heed the calibration (each row's influence is its
    residual from a regression on the margins), which plain calibrated weights cannot.

    weights     the calibrated weights, an ``array.array("d")``
    factors     what each category's weights were multiplied by: ``{"age": {"18-34": 1.2, …}}``;
                linear: 1 + the sum of those of a row's categories is what its weight was
                multiplied by
    iterations  sweeps over all margins; 1 for a single margin, and linear
    error       the largest relative error of a total that is left
    """

    __slots__ = ("weights", "factors", "iterations", "error", "_source")

    weights: array[float]
    factors: dict[str, dict[Any, float]]
    iterations: int
    error: float
    _source: Source

    def __init__(
        self, weights: array[float], factors: dict[str, dict[Any, float]], iterations: int,
        error: float, source: Source,
    ) -> None:
        self.weights = weights
        self.factors = factors
        self.iterations = iterations
        self.error = error
        self._source = source

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, i: Any) -> Any:
        return self.weights[i]

    def __iter__(self) -> Iterator[float]:
        return iter(self.weights)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {
            "shape": (len(self.weights),), "typestr": "=f8",
            "data": (self.weights.buffer_info()[0], True), "version": 3,
        }

    def __copy__(self) -> Calibration:
        factors = {name: dict(known) for name, known in self.factors.items()}
        return Calibration(self.weights[:], factors, self.iterations, self.error, self._source)

    def __deepcopy__(self, memo: Any) -> Calibration:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        raise Error(
            "calibrated weights point into the columns that they were made from, and cannot be "
            "pickled; pickle list(w), or those columns and the totals"
        )

    def __repr__(self) -> str:
        names = ", ".join(self.factors)
        return f"<cxm.Calibration of {len(self)} weights to {names}>"


class Source:
    """What a calibration was made of: the base weights, and per margin its columns, the columns
    of its categories and their totals."""

    __slots__ = ("weight", "margins", "method", "tolerance", "max_iterations", "keep")

    def __init__(self) -> None:
        self.weight: Column | None = None
        self.margins: list[tuple[list[Column], Any, Any]] = []
        self.method, self.tolerance, self.max_iterations = 0, 0.0, 0
        self.keep: list[Any] = []

    def structs(self, names: list[str]) -> Any:
        """The margins for C."""
        margins = (Margin * len(self.margins))()
        for margin, name, (columns, categories, totals) in zip(margins, names, self.margins):
            if columns:
                by = (Column * len(columns))(*columns)
                self.keep.append(by)
                margin.by = cast(by, POINTER(Column))
            margin.name = name.encode()
            margin.n_by = len(categories)
            margin.categories = cast(categories, POINTER(Column))
            margin.totals = cast(totals, POINTER(c_double))
        return margins


def totals_of(weight: Calibration) -> list[tuple[str, int, list[tuple[Any, float]]]]:
    """The margins of calibrated weights without their rows: name, number of columns, totals. That is
    what an estimate needs, and what can be pickled."""
    return [
        (name, len(categories), list(zip(known, totals)))
        for (name, known), (_, categories, totals) in zip(
            weight.factors.items(), weight._source.margins
        )
    ]


def margins_from(totals: list[tuple[str, int, list[tuple[Any, float]]]]) -> Any:
    """The array of struct cxm_margin for an estimate."""
    source = Source()
    for name, n_by, pairs in totals:
        source.margins.append(([], *_known(name, pairs, n_by)))
    return source.structs([name for name, _, _ in totals])


def poststratify(
    weight: Any, *, by: Any, totals: Mapping[Any, float], data: Any = None
) -> Calibration:
    """Weights that add up to the known total of each category:
    w N_k / (sum of the weights in category k).

    ``weight``  base weights; None: 1 each       ``by``  the category of each row, or a list of
    several columns that are crossed       ``totals``  category -> how many there are in the
    population; categories of crossed columns are tuples

    A row whose category is missing or has no total is an error that names it, a category with a
    total but without rows too (``"EEMPTYCELL"``). ``data`` as in :func:`cxm.nps`.

    >>> cxm.poststratify([1, 1, 1], by=["a", "a", "b"], totals={"a": 30, "b": 70}).weights
    array('d', [15.0, 15.0, 70.0])
    """
    _need_mapping(totals)
    call = Call(data, None, ())
    columns = [value for _, value in keys_of(by, call.frame)]
    name = by if isinstance(by, str) else "by"
    return _calibrate(call, weight, {name: columns}, {name: totals}, 1e-10, 1, 0)


def rake(
    weight: Any, margins: Any, totals: Mapping[str, Mapping[Any, float]], *, data: Any = None,
    tolerance: float = 1e-10, max_iterations: int = 200, method: str = "raking",
) -> Calibration:
    """Weights that add up to the known totals of several margins at once (iterative
    proportional fitting, Deming and Stephan 1940; or linear).

    ``weight``   base weights; None: 1 each
    ``margins``  name -> the category of each row, ``{"age": ages, "sex": sexes}``; with ``data=``
                 a list of names is enough
    ``totals``   name -> category -> how many there are in the population

    ``tolerance`` is the largest relative error of a total, ``max_iterations`` counts sweeps over
    all margins. ``method``: ``"raking"`` keeps ``sum w* log(w* / w)`` smallest, ``"linear"``
    ``sum (w* - w)² / w``, the generalised regression estimator (GREG; Deville and Särndal 1992),
    w* = w (1 + x'λ) with (sum w x x') λ = T - sum w x for the categories x; weights that would
    not stay above 0 are an error (``"EINCONSISTENT"``). Errors: as :func:`cxm.poststratify`;
    margins that add up to different totals (``"EINCONSISTENT"``); not converged (``"ENOCONV"``).

    >>> w = cxm.rake(None, {"age": [1, 1, 2, 2], "sex": ["f", "m", "f", "m"]},
    ...              {"age": {1: 60, 2: 40}, "sex": {"f": 50, "m": 50}})
    >>> [round(x, 6) for x in w]
    [30.0, 30.0, 20.0, 20.0]
    """
    _need_mapping(totals)
    for known in totals.values():
        _need_mapping(known)
    call = Call(data, None, ())
    if not hasattr(margins, "items"):
        names = [margins] if isinstance(margins, str) else list(margins)
        margins = {name: name for name in names}
    columns = {str(name): [value] for name, value in margins.items()}
    if set(columns) != {str(name) for name in totals}:
        raise Error(
            f"margins and totals name different things: {', '.join(columns)} and "
            f"{', '.join(map(str, totals))}",
            column="totals",
        )
    if method not in _METHODS:
        raise Error(f'method must be "raking" or "linear", not {method!r}', column="method")
    return _calibrate(
        call, weight, columns, totals, tolerance, max_iterations, _METHODS.index(method)
    )


def _need_mapping(totals: Any) -> None:
    if not hasattr(totals, "items"):
        raise Error(
            "totals says how many there are in the population of each category, such as "
            '{"18-34": 600, "35+": 400}; of several margins by the name of each',
            column="totals",
        )


def _calibrate(
    call: Call, weight: Any, margins: dict[str, list[Any]], totals: Mapping[str, Any],
    tolerance: float, max_iterations: int, method: int,
) -> Calibration:
    source, known = Source(), {}
    source.method = method
    if weight is not None:
        source.weight = call.column(weight, "weight")
        call.add(b"weight", source.weight)
    for name, values in margins.items():
        columns = [call.column(value, name, key=True) for value in values]
        for column in columns:
            call.add(b"by", column)
        known[name] = list(totals[name].items())
        source.margins.append((columns, *_known(name, known[name], len(columns))))
    call.inputs()  # pandas pairs by index: checked there
    n = int(source.margins[0][0][0].n)
    weights = array("d", bytes(8 * max(n, 1)))
    factors = (c_double * sum(map(len, known.values())))()
    structs, info, error = source.structs(list(margins)), CalibrationStruct(), ErrorStruct()
    options = CalibrateOptions()
    options.size = sizeof(CalibrateOptions)
    options.tolerance = _positive("tolerance", tolerance)
    sweeps = whole_number(max_iterations)
    if sweeps is None or sweeps < 1:
        raise Error(f"max_iterations must be above 0 and whole, not {max_iterations!r}",
                    column="max_iterations", value=str(max_iterations))
    options.max_iterations = sweeps
    options.method = method
    source.tolerance, source.max_iterations = options.tolerance, sweeps
    out = cast(weights.buffer_info()[0], POINTER(c_double))
    base = byref(source.weight) if source.weight is not None else None
    check(lib.cxm_rake(base, structs, len(structs), byref(options), out, factors, byref(info),
                       byref(error)), error)
    del weights[n:]
    at, by_name = iter(factors), {}
    for name, pairs in known.items():
        by_name[name] = {category: next(at) for category, _ in pairs}
    return Calibration(weights, by_name, int(info.iterations), float(info.error), source)


def _positive(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not number > 0:
        raise Error(f"{name} must be above 0, not {value!r}", column=name, value=str(value))
    return number


def _known(name: str, pairs: list[tuple[Any, float]], n_by: int) -> tuple[Any, Any]:
    """The categories as columns, and their totals."""
    if not pairs:
        raise Error(f"{name}: there are no totals", column=name)
    keys = [key if isinstance(key, tuple) else (key,) for key, _ in pairs]
    wrong = next((key for key in keys if len(key) != n_by), None)
    if wrong is not None:
        raise Error(f"{name}: category {wrong!r} is to have {n_by} parts", column=name)
    columns = [column_of(list(part), name, None, True) for part in zip(*keys)]
    try:
        totals = (c_double * len(pairs))(*(float(total) for _, total in pairs))
    except (TypeError, ValueError):
        raise Error(f"{name}: totals are numbers", column=name) from None
    categories = (Column * n_by)(*columns)
    categories.keep = columns  # type: ignore[attr-defined]
    return categories, totals
