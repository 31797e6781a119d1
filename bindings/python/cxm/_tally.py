# SPDX-License-Identifier: GPL-3.0-or-later
"""Tallies: the exact, mergeable counts behind a metric."""

from __future__ import annotations

from _thread import allocate_lock
from ctypes import byref

from ._add import (
    CUSTOMERS, PERIOD, add_call, add_period, customer_call, filled, item_params, prepare,
)
from ._errors import Error
from ._handle import (
    Handle, byte_pointer, key_columns, load_handle, new_handle, saved_bytes,
)
from ._library import ErrorStruct, TallyInfo, check, lib, text
from ._registry import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._calibrate import Calibration
    from ._inputs import Call
    from ._result import Result


class Tally:
    """The exact counts of one metric, to which rows and other tallies can be added.

    The same rows give the same tally and the same saved bytes in any order, in any chunks and
    after any merges; so each night, machine or region makes its own, and merging gives what one
    pass over everything would have given.

    >>> t = cxm.Tally("nps", scale=(0, 10))
    >>> t.add(score=[10, 9, 3], by={"shop": ["a", "b", "a"]})
    <cxm.Tally nps/0-10/6-9: 3 rows, 2 groups by shop>
    >>> t.estimate().group("a").value
    0.0

    Parameters are those of the metric (``cxm.metrics()``). Metrics with items learn the names of
    their items from the first ``add`` unless they are given here.
    """

    __slots__ = ("_handle", "_metric", "_params", "_shared", "_lock")
    __hash__ = None  # type: ignore[assignment]

    _handle: Handle | None
    _metric: Known
    _params: dict[str, Any]
    _shared: bool
    _lock: Any  # held while counts change, or are lent to a result or a copy

    def __init__(self, metric: str, **params: Any) -> None:
        self._metric = known(metric)
        self._params = {name: value for name, value in params.items() if value is not None}
        self._shared = False
        self._lock = allocate_lock()
        if self._metric.has_many and "items" not in self._params:
            self._handle = None
        else:
            items = self._params.get("items")
            self._handle = new_handle(
                self._metric, item_params(self._metric, self._params, list(items or ()))
            )

    @classmethod
    def _of(cls, handle: Handle, shared: bool) -> Tally:
        tally = cls.__new__(cls)
        tally._handle = handle
        tally._metric = handle.metric
        tally._params = {}
        tally._shared = shared
        tally._lock = allocate_lock()
        return tally

    # ---- what it is

    def _ready(self) -> Handle:
        if self._handle is None:
            raise Error(
                f"this {self._metric.name} tally does not know its items yet; add rows first or "
                "pass items=[names]",
                column="items",
            )
        return self._handle

    def _lend(self) -> Handle:
        """The counts for somebody who keeps them: whoever changes this tally takes a copy first."""
        with self._lock:
            handle = self._ready()
            self._shared = True
        return handle

    def _writable(self) -> Handle:
        """Results keep reading the counts that they were made from: they get the old copy. Called
        with the lock."""
        handle = self._ready()
        if self._shared:
            handle = self._handle = handle.copy()
            self._shared = False
        return handle

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self._metric.name

    @property
    def definition(self) -> str:
        """The definition id, such as ``nps/0-10/6-9``: every choice that changes the number."""
        return self._ready().definition()

    @property
    def n_rows(self) -> int:
        """Rows given so far (copies, with freq)."""
        return 0 if self._handle is None else int(self._handle.info().rows)

    @property
    def groups(self) -> list[Any]:
        """The keys in sorted order, missing last; tuples for several keys; [] without keys."""
        handle = self._ready()
        if not handle.key_infos():
            return []
        return [k[0] if len(k) == 1 else k for k in handle.keys(range(handle.groups()))]

    def __repr__(self) -> str:
        if self._handle is None:
            return f"<cxm.Tally {self._metric.name}: no rows>"
        info = self._handle.info()
        rows = f"{info.rows} row{'' if info.rows == 1 else 's'}"
        if info.n_keys:
            rows += f", {info.groups} group{'' if info.groups == 1 else 's'}"
        names = [name for name, _ in self._handle.key_infos() if name]
        by = f" by {', '.join(names)}" if names else ""
        return f"<cxm.Tally {self._handle.definition()}: {rows}{by}>"

    def __eq__(self, other: object) -> bool:
        """Same metric, parameters, keys and counts, and so the same saved bytes."""
        if not isinstance(other, Tally):
            return NotImplemented
        mine, theirs = self._handle, other._handle
        if mine is theirs:
            same = self._metric is other._metric and self._params == other._params
            return mine is not None or same
        if mine is None or theirs is None:
            return False
        with _both(mine, theirs):
            return bool(lib.cxm_tally_equal(mine.pointer, theirs.pointer))

    # ---- adding

    def add(
        self,
        *,
        data: Any = None,
        by: Any = None,
        labels: dict[str, float | None] | None = None,
        missing_codes: Iterable[Any] = (),
        weight: Any = None,
        freq: Any = None,
        strata: Any = None,
        cluster: Any = None,
        fpc: Any = None,
        invalid: str = "error",
        missing_key: str = "keep",
        threads: int | None = None,
        **columns: Any,
    ) -> Tally:
        """Adds rows and returns the tally: ``t.add(score=…, by=…)``.

        ``columns`` are the inputs of the metric by name; the other arguments are those of the
        metric's function. The first add fixes the keys and whether there are weights. Retention
        and churn also take ``customers_before=, customers_after=`` and the counts of a period.
        On failure (:class:`Error`) the tally is as it was.
        """
        design = (strata, cluster, fpc)
        self._check_columns(columns)
        if any(columns.get(name) is not None for name in PERIOD):
            if any(v is not None for v in (data, by, weight, freq, *design)):
                raise Error("counts of a period take no data=, by=, weight= or freq=",
                            column="n_start")
            with self._lock:
                add_period(self._writable(), columns)
            return self
        call, items = self._prepare(
            columns, data, labels, missing_codes, by, weight, freq, design
        )
        with self._lock:
            if self._handle is None:
                self._handle = filled(
                    self._metric, self._params, call, items, invalid, missing_key, threads
                )
            else:
                add_call(self._writable(), call, invalid, missing_key, threads)
        return self

    def _prepare(
        self, columns: dict[str, Any], data: Any, labels: Any, missing_codes: Any, by: Any,
        weight: Any, freq: Any, design: tuple[Any, Any, Any],
    ) -> tuple[Call, list[str]]:
        if all(columns.get(name) is None for name in CUSTOMERS):
            return prepare(
                self._metric, columns, data, labels, missing_codes, by, weight, freq, design
            )
        if any(part is not None for part in design):
            raise Error("lists of ids have no rows for a sampling design", column="strata")
        return customer_call(self._metric, columns, data, by, weight, freq), []

    def _check_columns(self, columns: dict[str, Any]) -> None:
        allowed = list(self._metric.inputs)
        if "active_before" in self._metric.inputs:
            allowed += [*CUSTOMERS, *PERIOD]
        if self._metric.name == "fcr_window" and "customer" in columns:
            raise Error(
                "contacts cannot be added in chunks: whether one is repeated depends on all "
                "contacts of its customer, so a history must be whole. Use cxm.fcr_window(…) on "
                "whole customers, and merge the tallies of its results",
                column="customer",
            )
        for name in columns:
            if name not in allowed:
                raise Error(
                    f"{self._metric.name} has no input {name!r}; it has {', '.join(allowed)}",
                    column=name,
                )

    def merge(self, other: Tally | bytes) -> Tally:
        """Adds the rows of another tally (or of saved bytes) and returns this one.

        Groups are matched by key. Metric, parameters, kinds of keys and the use of weights must
        be the same: otherwise an :class:`Error` with status ``"EMISMATCH"`` says what differs,
        and this tally is as it was.
        """
        return self._combine(other, lib.cxm_tally_merge)

    def subtract(self, other: Tally | bytes) -> Tally:
        """Takes the rows of another tally out again, exactly, and returns this one.

        Rows that are not in this tally cannot be taken out: status ``"EINCONSISTENT"``.
        """
        return self._combine(other, lib.cxm_tally_subtract)

    def _combine(self, other: Any, function: Any) -> Tally:
        theirs = other._handle if isinstance(other, Tally) else load_handle(other)
        if theirs is None:
            if other._metric is not self._metric:
                raise self._other_metric(other.metric)
            return self
        with self._lock:
            mine = self._with_items_of(theirs) if self._handle is None else self._writable()
            if mine is theirs:
                theirs = theirs.copy()
            error = ErrorStruct()
            with _both(mine, theirs):
                check(function(mine.pointer, theirs.pointer, byref(error)), error)
            self._handle = mine
        return self

    def _with_items_of(self, theirs: Handle) -> Handle:
        """An empty tally with the parameters of this one, which does not know its items yet."""
        if theirs.metric is not self._metric:
            raise self._other_metric(theirs.metric.name)
        params = item_params(self._metric, self._params, theirs.items())
        return new_handle(self._metric, params)

    def _other_metric(self, name: str) -> Error:
        return Error(
            f"a tally of {name} cannot be combined with one of {self.metric}", status="EMISMATCH"
        )

    # ---- copies and bytes

    def copy(self) -> Tally:
        """An independent copy."""
        if self._handle is None:
            return Tally(self._metric.name, **self._params)
        tally = Tally._of(self._lend(), True)
        tally._params = dict(self._params)
        return tally

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Tally:
        return self.copy()

    def save(self) -> bytes:
        """The tally as bytes: canonical (equal tallies give equal bytes), checksummed, the same
        on every machine, readable by all later versions and in SQL."""
        return self._ready().save()

    @classmethod
    def load(cls, data: bytes) -> Tally:
        """Reads saved bytes. They may come from anywhere: everything is checked; damaged or
        forged ones raise :class:`Error` with status ``"ECORRUPT"``."""
        return cls._of(load_handle(data), False)

    @staticmethod
    def info(data: bytes | Tally) -> TallyInformation:
        """What saved bytes hold, without loading them; also for metrics that this version does
        not know."""
        if isinstance(data, Tally):
            return TallyInformation(data._ready().info())
        store, out, error = saved_bytes(data), TallyInfo(), ErrorStruct()
        status = lib.cxm_tally_info(byte_pointer(store), len(store), byref(out), byref(error))
        check(status, error)
        return TallyInformation(out)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._handle is None:
            return _empty, (self._metric.name, self._params)
        return Tally.load, (self.save(),)

    # ---- rows, for tables of tallies

    def rows(self) -> dict[str, list[Any]]:
        """The groups as a table: the key columns, and ``tally`` with the bytes of each group. For engines
        that want a row a group, partition by partition. They are lists: where all keys of a partition
        are missing, or it has no rows and so no keys, only a schema gives the columns their types;
        who needs no keys beside the bytes sends ``save()``.

        >>> pandas.DataFrame(t.rows())            # doctest: +SKIP
        """
        handle = self._ready()
        infos, n = handle.key_infos(), handle.groups()
        keys = handle.keys(range(n)) if infos else []
        table: dict[str, list[Any]] = {
            name: [key[i] for key in keys]
            for i, name in enumerate(key_columns([name for name, _ in infos], ("tally",)))
        }
        table["tally"] = [handle.group(g, True).save() for g in range(n)]
        return table

    @classmethod
    def from_rows(cls, rows: Any) -> Tally:
        """Merges a table of :meth:`rows`: a dict or frame with a column ``tally``, or an
        iterable of bytes, None for no tally. The keys come from the bytes. Of rows of a
        database or of Spark pass their bytes, ``[row.tally for row in rows]``."""
        return merge(_tally_column(rows))

    # ---- estimates

    def estimate(
        self,
        level: float = 0.95,
        *,
        interval: str | None = None,
        measures: str | Iterable[str] | None = None,
        lonely: str = "error",
        calibration: Calibration | None = None,
    ) -> Result:
        """The numbers of the rows added so far. Rows added later do not change the result.

        ``lonely`` speaks of strata with one unit, see :func:`cxm.nps`. Rows added with the weights
        of :func:`cxm.rake` keep their base weights and categories: ``calibration`` (the same or
        another one with these margins) brings the totals to which all rows are raked."""
        from ._result import Result

        return Result(self._lend(), level, interval, measures, lonely, False, calibration)


class TallyInformation:
    """What a saved tally holds: ``metric`` ("" when this version does not know it),
    ``definition``, ``rows``, ``groups``, ``n_keys``, ``weighted``, ``configuration`` (hash of
    everything that must agree for a merge) and ``format`` (major, minor)."""

    __slots__ = (
        "metric", "definition", "rows", "groups", "n_keys", "weighted", "configuration", "kind",
        "format",
    )

    def __init__(self, info: Any) -> None:
        self.metric: str = text(info.metric)
        self.definition: str = text(info.definition)
        self.rows: int = info.rows
        self.groups: int = info.groups
        self.n_keys: int = info.n_keys
        self.weighted: bool = bool(info.weighted)
        self.configuration: int = info.configuration
        self.kind: int = info.kind
        self.format: tuple[int, int] = (info.format_major, info.format_minor)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"TallyInformation({inside})"


def _empty(metric: str, params: dict[str, Any]) -> Tally:
    return Tally(metric, **params)


class _both:
    """Both locks, always in the same order."""

    __slots__ = ("locks",)

    def __init__(self, a: Handle, b: Handle) -> None:
        self.locks = [h.lock for h in sorted((a, b), key=id)]

    def __enter__(self) -> None:
        for lock in self.locks:
            lock.acquire()

    def __exit__(self, *error: object) -> None:
        for lock in self.locks:
            lock.release()


def merge(tallies: Iterable[Tally | bytes]) -> Tally:
    """All tallies (or saved bytes) as one, which is new. The order does not matter.

    >>> monday, tuesday = (cxm.Tally("nps").add(score=s) for s in ([10, 9], [3]))
    >>> cxm.merge([monday, tuesday.save()])
    <cxm.Tally nps/0-10/6-9: 3 rows>
    """
    if isinstance(tallies, (Tally, bytes, bytearray)) or not hasattr(tallies, "__iter__"):
        raise Error(
            f"merge takes a list of tallies or of saved bytes, not one {type(tallies).__name__}",
            column="tallies",
        )
    whole: Tally | None = None
    for tally in tallies:
        if whole is None:
            whole = tally.copy() if isinstance(tally, Tally) else Tally.load(tally)
        else:
            whole.merge(tally)
    if whole is None:
        raise Error("there is nothing to merge", column="tallies")
    return whole


def _tally_column(rows: Any) -> list[bytes]:
    if hasattr(rows, "fetchall") and hasattr(rows, "select"):  # a DuckDB relation
        return [row[0] for row in rows.select("tally").fetchall()]
    if isinstance(rows, dict) or hasattr(rows, "columns") or hasattr(rows, "column_names"):
        try:
            column = rows["tally"]
        except Exception as wrong:  # each library has its own
            raise Error("rows: the table has no column 'tally'", column="rows") from wrong
        for method in ("to_pylist", "to_list", "tolist"):
            if hasattr(column, method):
                column = getattr(column, method)()
                break
        return [v for v in column if v is not None]
    if isinstance(rows, (str, bytes, bytearray, memoryview)) or not hasattr(rows, "__iter__"):
        raise Error(
            f"rows is a table with a column 'tally' or a list of saved bytes, not one {type(rows).__name__}",
            column="rows",
        )
    return [v for v in rows if v is not None]
