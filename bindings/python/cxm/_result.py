# SPDX-License-Identifier: GPL-3.0-or-later
"""Results: numbers that are read from a kept tally when somebody asks for them."""

from __future__ import annotations

from ._errors import Error
from ._handle import Handle, key_columns, load_handle
from ._inputs import method_of, totals_of
from ._library import lib, text
from ._names import checked_level, flag_names, interval_name, interval_number, lonely_number, unit_name
from ._reader import TOTAL, Reader
from ._shared import SCHEMA, Numbers, Rows, field, fields, hashable, named, no_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    from ._design import Design
    from ._print import Page
    from ._tally import Tally

    Names = Union[str, Iterable[str], None]


_MANY_KEYS = 5000
_WHOLE = 0  # enum cxm_key_type: a key of whole numbers


def _base_name(number: int) -> str:
    return text(lib.cxm_base_name(number))


class Result(Numbers, Rows):
    """The numbers of one call: for every group, every measure.

    Without groups the attributes are those of the headline measure::

        r.value  r.std_error  r.lower  r.upper  r.ci      undefined numbers are NaN
        r.n  r.missing  r.invalid  r.excluded             rows given = the sum of these four
        r.excluded_by                                     why, by reason
        r.sum_weight  r.n_eff                             n without weights
        r.unit  r.base                                    what value and n are counted in
        r.level  r.interval  r.definition  r.flags
        r.design  r.deff  r.jackknife                     the sampling design

    ``r["promoters"]`` is the same for any other measure, computed when read. With groups,
    ``g["promoters"]`` keeps all groups, ``g.group(key)`` all measures, and ``g.total`` is all
    groups merged. Iterating gives rows; ``to_dict``, ``to_pandas``, ``to_polars``, ``to_arrow``
    and the Arrow protocol give tables.
    """

    __slots__ = ("_reader", "_shown", "_headline", "_group", "_cache")

    _reader: Reader
    _shown: list[int] | None  # the measures of the rows; None: the metric's own choice
    _headline: int  # the measure of the attributes
    _group: int | None  # the only group, or TOTAL; None: all groups
    _cache: dict[str, Any]

    def __init__(
        self, handle: Handle, level: float = 0.95, interval: str | None = None,
        measures: Names = None, lonely: str = "error", designed: bool = False,
        calibration: Any = None, threads: int | None = None,
    ) -> None:
        level = level if level == 0.95 else checked_level(level)
        number = 0 if interval is None else interval_number(interval, handle.metric)
        totals = method = None
        if calibration is not None:
            totals, method = totals_of(calibration), method_of(calibration)
        self._reader = Reader(
            handle, level, number, lonely_number(lonely), totals, method, threads
        )
        self._shown = None if measures is None else self._reader.find_all(measures)
        self._headline = 0
        self._group = None
        self._cache = {}
        if number and not self._reader.fitting(self._shown):
            raise self._reader.wrong_interval(self.measures)
        if designed or totals is not None:  # strata with one unit and wrong populations are told at once
            self._rows()

    def _view(
        self, *, shown: list[int] | None = None, group: int | None = None,
        kind: type[Result] | None = None,
    ) -> Result:
        """The same tally seen otherwise."""
        kind = kind or Result
        view = kind.__new__(kind)
        view._reader = self._reader
        view._shown = self._shown if shown is None else shown
        view._headline = self._headline if shown is None else shown[0]
        view._group = self._group if group is None else group
        view._cache = {}
        return view

    # ---- asking the library

    def _rows(self) -> Any:
        """The estimates of everything shown."""
        rows = self._cache.get("rows")
        if rows is None:
            rows = self._cache["rows"] = self._reader.ask(self._shown, self._groups_shown())
        return rows

    def _head(self) -> Any:
        """The estimate behind the attributes: one group, the headline."""
        head = self._cache.get("head")
        if head is None:
            head = self._cache["head"] = self._reader.one(self._headline, self._one_group())
        return head

    def _some(self) -> Any:
        """Any estimate of the headline, for what is the same in all groups."""
        if self._group is not None or not self._key_infos():
            return self._head()
        some = self._cache.get("some")
        if some is None:
            group = 0 if self._reader.handle.groups() else TOTAL
            some = self._cache["some"] = self._reader.one(self._headline, group)
        return some

    # ---- groups

    def _key_infos(self) -> list[tuple[str, int]]:
        infos: list[tuple[str, int]] | None = self._cache.get("infos")
        if infos is None:
            infos = self._cache["infos"] = self._reader.handle.key_infos()
        return infos

    def _groups_shown(self) -> list[int] | None:
        return None if self._group is None else [self._group]

    def _one_group(self) -> int:
        if self._group is not None:
            return self._group
        if not self._key_infos():
            return 0
        count = self._reader.handle.groups()
        name = self._reader.measures()[self._headline].name
        example = f"g.group({self.groups[0]!r})" if count else "g.group(key)"
        raise Error(
            f"this result has {count} group{'' if count == 1 else 's'}; use g[{name!r}], "
            f"{example} or g.total"
        )

    def _keys(self) -> list[tuple[Any, ...]]:
        """The keys of the groups shown, as tuples."""
        keys: list[tuple[Any, ...]] | None = self._cache.get("keys")
        if keys is None:
            if self._group == TOTAL or not self._key_infos():
                keys = []
            elif self._group is not None:
                keys = self._reader.handle.keys([self._group])
            else:
                keys = self._all_keys()
            self._cache["keys"] = keys
        return keys

    def _all_keys(self) -> list[tuple[Any, ...]]:
        """The keys of all groups. Very many whole numbers come as columns of C, in a tenth of the time."""
        handle, infos = self._reader.handle, self._key_infos()
        count = handle.groups()
        if count < _MANY_KEYS or any(kind != _WHOLE for _, kind in infos):
            return handle.keys(range(count))
        from ._arrow import import_arrow, whole_numbers

        data = import_arrow(self._view(shown=[0]), "keys")
        return list(zip(*(whole_numbers(data.column(i, "key")) for i in range(len(infos)))))

    @property
    def key_names(self) -> list[str]:
        """Names of the key columns."""
        return key_columns([name for name, _ in self._key_infos()])

    @property
    def groups(self) -> list[Any]:
        """The keys of the groups in sorted order; None, the rows without a key, comes last. With
        several keys each is a tuple. Without groups: []."""
        return [k[0] if len(k) == 1 else k for k in self._keys()]

    def group(self, key: Any) -> Result:
        """All measures of one group."""
        index: dict[Any, int] | None = self._cache.get("index")
        if index is None:
            index = self._cache["index"] = {k: i for i, k in enumerate(self.groups)}
        at = index.get(key) if hashable(key) else None
        if at is None:
            raise no_group(key, self.groups)
        return self._view(group=at if self._group is None else self._group)

    @property
    def total(self) -> Result:
        """All groups merged, as if there had been no ``by=``."""
        return self._view(group=TOTAL) if self._key_infos() else self._view()

    # ---- measures

    def __getitem__(self, name: str) -> Result:
        """The result of one measure (or family of measures); all groups are kept."""
        if not isinstance(name, str):
            raise Error(
                f"r[{name!r}]: in brackets stands the name of a measure, such as "
                f"r[{self.measure!r}]; rows are list(r), groups r.group(key)",
                column="measures", value=str(name),
            )
        try:
            return self._view(shown=self._reader.find(name))
        except Error:
            if name not in self.groups:
                raise
        raise Error(
            f"{self.metric} has no measure {name!r}, that is a group: r.group({name!r})",
            column="measures", value=name,
        )

    if not TYPE_CHECKING:  # there is no such attribute: who checks types is to know

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and any(
                name in (m.name, m.name.partition("[")[0]) for m in self._reader.measures()
            ):
                raise AttributeError(f"a result has no {name!r}; measures are read as r[{name!r}]")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def measures(self) -> list[str]:
        """Names of the measures that are shown; every other one can be read as ``r[name]``."""
        measures = self._reader.measures()
        if self._shown is not None:
            return [measures[i].name for i in self._shown]
        return [m.name for m in measures if m.shown]

    @property
    def measure(self) -> str:
        """Name of the measure behind the attributes."""
        return self._reader.measures()[self._headline].name

    @property
    def distribution(self) -> dict[Any, float]:
        """Share of every answer: ``{0: 0.025, …, 10: 0.25}``."""
        group = self._one_group()
        named = enumerate(m.name for m in self._reader.measures())
        family = [(i, name) for i, name in named if name.startswith("share[")]
        if not family:
            raise Error(f"{self._reader.handle.metric.name} has no distribution of answers")
        rows = self._reader.ask([i for i, _ in family], [group])
        return {_answer(name[6:-1]): row.value for (_, name), row in zip(family, rows)}

    # ---- attributes of the headline

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self._reader.handle.metric.name

    @property
    def excluded_by(self) -> dict[str, int]:
        """The excluded rows by reason; reasons that did not occur read as 0."""
        from collections import Counter

        base = self._reader.base(self._one_group(), self._headline)
        counts = Counter[str]()
        for reason, count in enumerate(base.excluded_by):
            if count:
                counts[text(lib.cxm_reason_name(reason))] = count
        return counts

    @property
    def design(self) -> Design:
        """How the sample was drawn, and what that does to the headline: strata, clusters, df,
        design effects, effective numbers of answers. See :class:`cxm.Design`."""
        from ._design import Design

        return Design(self._reader.design(self._one_group(), self._headline))

    @property
    def jackknife(self) -> float:
        """The jackknife standard error of the headline (JKn): every unit of ``cluster=`` is left
        out once, the others of its stratum weigh n_h / (n_h - 1) times as much. NaN where
        the measure has no ``std_error`` either. Needs ``cluster=`` and ``weight=``, these not
        calibrated: replicates are not calibrated anew."""
        return self._reader.jackknife(self._one_group(), self._headline)

    @property
    def deff(self) -> float:
        """Design effect: variance over that of a simple random sample of the same size; see
        :class:`cxm.Design`."""
        return self.design.deff

    @property
    def unit(self) -> str:
        """What the value is measured in: "share" (in [0, 1]), "points", "scale" …"""
        return unit_name(self._reader.measures()[self._headline].unit)

    @property
    def base(self) -> str:
        """What n counts: "responses", "tickets", "customers" …"""
        return _base_name(self._some().base)

    @property
    def level(self) -> float:
        """Confidence level of the interval."""
        return self._reader.level

    @property
    def interval(self) -> str:
        """How the interval was computed, such as "adjusted-wald"."""
        return interval_name(self._some().interval)

    @property
    def definition(self) -> str:
        """The definition id: every choice that changes the number."""
        found: str | None = self._cache.get("definition")
        if found is None:
            found = self._cache["definition"] = self._reader.handle.definition()
        return found

    def _counts(self) -> Handle:
        """The tally for analyses, none of which knows the totals that weights were calibrated to."""
        if self._reader.totals is not None:
            raise Error(
                "this result has calibrated weights, and analyses of it would see its base weights; "
                "make it with the weights alone, weight=list(w): its standard errors then do not "
                "heed the calibration",
                column="weight", status="EUNSUPPORTED",
            )
        return self.tally._ready()

    @property
    def tally(self) -> Tally:
        """The tally behind the numbers, to be saved or merged. Adding to it leaves this result
        as it is. Calibrated rows are in it with their base weights: see :meth:`Tally.estimate`."""
        from ._tally import Tally

        handle = self._reader.handle
        if self._group is not None:
            handle = handle.group(self._group, False)
        return Tally._of(handle, True)

    # ---- rows

    def __len__(self) -> int:
        """Number of rows: groups times measures."""
        return len(self._rows())

    def _columns(self) -> dict[str, list[Any]]:
        """The columns of the schema, without the keys."""
        rows = self._rows()
        columns = fields(rows)
        columns["metric"] = [self.metric] * len(rows)
        columns["definition"] = [self.definition] * len(rows)
        columns["measure"] = field(rows, "measure").tolist()
        for name, name_of in self._names().items():
            columns[name] = named(columns[name], name_of)
        return columns

    def _names(self) -> dict[str, Any]:
        """What the numbers of a column of texts stand for."""
        measures = self._reader.measures()
        return {
            "measure": lambda i: measures[i].name, "interval": interval_name, "unit": unit_name,
            "base": _base_name, "flags": flag_names,
        }

    def _frame_columns(self) -> dict[str, Any]:
        """Numbers where they lie; each text once, however many rows say it."""
        from ._tables import numbers, repeated, texts

        rows, names = self._rows(), self._names()
        same = {"metric": self.metric, "definition": self.definition}
        names["flags"] = lambda flags: "|".join(flag_names(flags))
        return {
            name: repeated(same[name], len(rows)) if name in same
            else texts(field(rows, name), names[name]) if name in names
            else numbers(field(rows, name))
            for name in SCHEMA
        }

    def _row_keys(self) -> list[tuple[Any, ...]]:
        """The key of every row, as a tuple."""
        keys = self._keys()
        if not keys:
            return [()] * len(self)
        each = len(self) // len(keys)
        if each == 1:
            return keys
        return [key for key in keys for _ in range(each)]

    def _key_columns(self, taken: tuple[str, ...] = ()) -> dict[str, list[Any]]:
        keys = self._row_keys()
        names = key_columns(self.key_names, (*SCHEMA, *taken))
        if self._group == TOTAL:
            return {name: [None] * len(keys) for name in names}
        return {name: [key[i] for key in keys] for i, name in enumerate(names)}

    def _fill_stream(self, stream: int) -> None:
        self._reader.to_arrow(stream, self._shown, self._groups_shown())

    def _page(self) -> Page:
        from ._print import ResultPage

        return ResultPage(self)

    # ---- pickling

    def __copy__(self) -> Result:
        return self  # nothing of it changes

    def __deepcopy__(self, memo: Any) -> Result:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        reader, kind = self._reader, type(self)
        asked = (
            reader.level, reader.interval, reader.lonely, reader.totals, reader.method,
            reader.threads,
        )
        view = (self._shown, self._headline, self._group)
        more = {} if kind is Result else {name: getattr(self, name) for name in kind.__slots__}
        return _load, (kind, reader.handle.save(), asked, view, more)


def _load(
    kind: type[Result], data: bytes, asked: tuple[Any, ...], view: tuple[Any, ...],
    more: dict[str, Any],
) -> Result:
    result = kind.__new__(kind)
    result._reader = Reader(load_handle(data), *asked)
    result._shown, result._headline, result._group = view
    result._cache = {}
    for name, value in more.items():
        setattr(result, name, value)
    return result


def _answer(label: str) -> Any:
    """The k of share[k]: a whole number where it is one."""
    for kind in (int, float):
        try:
            return kind(label)
        except ValueError:
            continue
    return label
