# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of one call, as the array of struct cxm_input that cxm_tally_add takes."""

from __future__ import annotations

import struct
from ctypes import addressof, c_double

from ._calendar import CalendarKey
from ._columns import column_of, is_array, name_of
from ._errors import Error
from ._library import Column, Input, Label
from ._memory import address
from ._registry import KEY, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._frames import Frame


#: Of these a list is a column of values.
_VALUES = {str, int, float, bool, type(None)}
#: By number of inputs: the packer of their addresses, and what makes the array for C of the packed.
#: That takes a quarter of the time of an array made of tuples.
_ARRAYS: dict[int, tuple[Any, Any]] = {}
#: The library keeps names of keys of so many bytes, and of longer ones the beginning.
_NAME_BYTES, _CUT_BYTES = 63, 60
#: Where the names of roles lie. The dict keeps them.
_ROLES: dict[bytes, int | None] = {}


class Call:
    """What one call adds: its inputs, ready for C, and the columns that they point to."""

    __slots__ = ("frame", "labels", "codes", "texts", "columns", "entries", "_label_array")

    def __init__(self, data: Any, labels: Any, missing_codes: Any) -> None:
        self.frame: Frame | None = None if data is None else _frame(data)
        self.labels: dict[str, Any] | None = None
        self.codes: Any = None
        self._label_array: Any = None
        if labels is not None or missing_codes != ():
            self._set_answers(labels, missing_codes)
        self.columns: list[Column] = []
        self.entries: list[int | None] = []  # of each input: where its role and its column lie

    # ---- labels and missing codes

    def _set_answers(self, labels: Any, missing_codes: Any) -> None:
        if labels is not None and not hasattr(labels, "items"):
            raise Error(
                'labels maps texts to numbers, such as {"good": 1, "bad": 0, "offered": None}',
                column="labels",
            )
        numbers, texts = _split_codes(missing_codes)
        known = dict(labels or {})
        known.update(dict.fromkeys(texts))
        if numbers:
            self.codes = (c_double * len(numbers))(*numbers)
        if known:
            self.labels = known
            labelled = [Label(*_label(t, v)) for t, v in known.items()]
            self._label_array = (Label * len(known))(*labelled)

    def _answers(self, column: Column) -> None:
        """Tells a column which texts and numbers are answers, and which are not."""
        if self.codes is not None:
            column.missing_codes = addressof(self.codes)
            column.n_missing_codes = len(self.codes)
        if self._label_array is not None:
            column.labels = addressof(self._label_array)
            column.n_labels = len(self._label_array)

    # ---- columns

    def column(self, value: Any, role: str, labels: Any = None, key: bool = False) -> Column:
        """One column, by name or by value; series bring their name along."""
        if isinstance(value, str) and self.frame is not None:
            column = self.frame.column(value, role, labels, key)
            column.name = named_bytes(value, role)
            return column
        if isinstance(value, Column):
            return value
        if self.frame is not None and type(value) in (int, tuple):
            self.frame.refuse_name(value, role)
        named = name_of(value)
        column = column_of(value, named or role, labels, key)
        if named is not None:
            column.name = named_bytes(named, role)
        return column

    def add(self, role: bytes, column: Column) -> None:
        place = _ROLES.get(role)
        if place is None:
            place = _ROLES[role] = address(role)
        self.columns.append(column)
        self.entries += (place, addressof(column))

    def add_input(self, metric: Known, name: str, value: Any) -> None:
        """One input of the metric that has one column."""
        role, _, many, encoded = metric.inputs[name]
        if many:
            raise AssertionError(name)
        column = self.column(value, name, self.labels, role == KEY)
        if self.codes is not None or self._label_array is not None:
            self._answers(column)
        self.add(encoded, column)

    def add_items(self, metric: Known, given: dict[str, Any]) -> list[str]:
        """The inputs with one column per item; returns the names of the items."""
        from ._items import items_of, match

        first_role = next(iter(given))
        first = items_of(given[first_role], first_role)
        for role, value in given.items():
            columns = first.columns
            if role != first_role:
                columns = match(items_of(value, role), first, role, first_role)
            for name, spec in zip(first.names, columns):
                self._add_item(metric, role, name, spec)
        return first.names

    def _add_item(self, metric: Known, role: str, name: str, spec: Any) -> None:
        what = f"{role}[{name}]"
        column = self.column(spec, what, self.labels)
        if not isinstance(spec, str):
            column.name = named_bytes(what, role)
        self._answers(column)
        self.add(metric.inputs[role][3], column)

    def add_by(self, by: Any) -> None:
        """The keys of the groups."""
        taken: set[bytes] = set()
        for name, value in keys_of(by, self.frame):
            rule = value if isinstance(value, CalendarKey) else None
            column = self.column(value.column if rule else value, "by", key=rule is None)
            if name is not None:
                column.name = named_bytes(name, "by")
            if column.name and _short(column.name) in taken:
                ending = "_" + (rule.rule if rule else str(len(taken) + 1))
                column.name = _short(column.name, len(ending)) + ending.encode()
            if column.name:
                taken.add(_short(column.name))
            self.add(b"by", rule.apply(column) if rule else column)

    def add_weight(self, weight: Any) -> None:
        """Survey weights, or calibrated ones."""
        source = getattr(weight, "_source", None)
        if source is None or type(weight).__module__ != "cxm._calibrate":
            self.add(b"weight", self.column(weight, "weight"))
            return
        base = source.weight or _constant(1, self.rows())
        assert base is not None
        self.add(b"weight", base)
        for name, (columns, _, _) in zip(weight.factors, source.margins):
            for column in columns:
                column.name = column.name or name.encode()
                self.add(b"calibrate", column)

    def add_design(self, strata: Any, cluster: Any, fpc: Any) -> None:
        """The columns of a sampling design."""
        if strata is not None:
            self.add(b"strata", self.column(strata, "strata", key=True))
        for unit in self._stages(cluster, "cluster"):
            self.add(b"cluster", self.column(unit, "cluster", key=True))
        for population in self._stages(fpc, "fpc"):
            column = _constant(population, self.rows())
            if column is None:
                column = self.column(population, "fpc", key=True)
            self.add(b"fpc", column)

    def _stages(self, value: Any, role: str) -> list[Any]:
        """One column, or a pair of them: of the first stage and the second."""
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            return [value]
        named = self.frame is not None and any(isinstance(part, str) for part in value)
        if not named and not any(map(_is_column, value)):
            return [value]  # a column of values
        if len(value) > 2:
            raise Error(f"{role}: designs have one stage or two, not {len(value)}", column=role)
        return list(value)

    def inputs(self) -> tuple[Any, int]:
        """The array for C."""
        self._check_indexes()
        n = len(self.entries) // 2
        found = _ARRAYS.get(n)
        if found is None:
            found = _ARRAYS[n] = struct.Struct(f"{2 * n}P").pack, (Input * n).from_buffer_copy
        pack, array = found
        return array(pack(*self.entries)), n

    def rows(self) -> int:
        return int(self.columns[0].n) if self.columns else 0

    def _check_indexes(self) -> None:
        """pandas pairs by index, we pair by position: where that differs, nothing is guessed."""
        indexed = [c for c in self.columns if c.index is not None]
        if len(indexed) < 2:
            return
        first = indexed[0].index
        for column in indexed[1:]:
            index = column.index
            if not (index is first or len(index) != len(first) or index.equals(first)):
                name = self._name(column)
                raise Error(
                    f"{name}: its pandas index differs from that of {self._name(indexed[0])}; "
                    "columns are paired by position, so align them first or pass .to_numpy()",
                    column=name,
                )

    def _name(self, column: Column) -> str:
        if column.name:
            return str(column.name.decode())
        where = next(i for i, c in enumerate(self.columns) if c is column)
        return next(role for role, at in _ROLES.items() if at == self.entries[2 * where]).decode()


def named_bytes(name: str, role: str) -> bytes:
    """The name of a column, as C has it."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise Error(
            f"{role}: the name {name!r} is not valid Unicode or contains a NUL character; rename "
            "the column, or pass its values themselves",
            column=role, value=repr(name),
        )
    return encoded


def _short(name: bytes, ending: int = 0) -> bytes:
    """What the library keeps of a name of a key, with room for an ending."""
    if len(name) + ending <= _NAME_BYTES:
        return name
    return name[:_CUT_BYTES - ending].decode(errors="ignore").encode()


def totals_of(weight: Any) -> Any:
    """The totals of the margins of calibrated weights; None for all others."""
    if type(weight).__module__ != "cxm._calibrate":
        return None
    from ._calibrate import totals_of as totals

    return totals(weight)


def method_of(weight: Any) -> Any:
    """How weights were calibrated: enum cxm_calibration_method, tolerance and the most sweeps; None for all
    others."""
    if type(weight).__module__ != "cxm._calibrate":
        return None
    return (weight._source.method, weight._source.tolerance, weight._source.max_iterations)


def _constant(value: Any, rows: int) -> Column | None:
    """The same number for all rows; None where it is no number."""
    if isinstance(value, (str, bytes)) or hasattr(value, "__len__") or not (
        hasattr(value, "__float__") or hasattr(value, "__index__")
    ):
        return None
    from ._memory import F64, plain

    store = c_double(float(value))
    return plain(F64, addressof(store), rows, 0, store)


def _frame(data: Any) -> Frame:
    from ._frames import frame_of

    return frame_of(data)


def _is_frame(value: Any) -> bool:
    """Something with columns?"""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(dtype, "names", 0) is None:
        return False  # a NumPy array of one column
    if not (hasattr(value, "columns") or hasattr(value, "column_names") or hasattr(value, "dtype")):
        return False
    from ._frames import is_frame

    return is_frame(value)


def _split_codes(codes: Any) -> tuple[list[float], list[str]]:
    """missing_codes=[99, -99, "N/A"] -> the numbers and the texts."""
    if isinstance(codes, str) or not hasattr(codes, "__iter__"):
        codes = [codes]
    texts = [c for c in codes if isinstance(c, str)]
    try:
        return [float(c) for c in codes if c is not None and not isinstance(c, str)], texts
    except (TypeError, ValueError):
        raise Error(
            f"missing_codes is a list of numbers and texts, not {codes!r}",
            column="missing_codes",
        ) from None


def _label(answer: Any, value: Any) -> tuple[bytes, float, int, int]:
    if not isinstance(answer, str):
        raise Error(
            f"labels: {answer!r} is no text; labels say what text answers stand for",
            column="labels", value=str(answer),
        )
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in answer):
        raise Error(
            f"labels: {answer!r} is not valid Unicode or contains a NUL character", column="labels",
            value=repr(answer),
        )
    if value is None:
        return answer.encode(), 0.0, 1, 0
    try:
        return answer.encode(), float(value), 0, 0
    except (TypeError, ValueError):
        raise Error(
            f"labels: {answer!r} is to stand for {value!r}, which is no number; None means no "
            "answer",
            column="labels", value=str(value),
        ) from None


# ---- by= ---------------------------------------------------------------------------------------


def keys_of(by: Any, frame: Frame | None) -> list[tuple[str | None, Any]]:
    """One key or several, each with a name where one was given."""
    if is_array(by):
        return [(None, by)]
    if _is_mapping(by):
        return [(str(name), value) for name, value in by.items()]
    if isinstance(by, (list, tuple)) and _is_list_of_keys(by, frame):
        if frame is not None and isinstance(by, tuple):
            frame.refuse_name(by, "by")
        return [(None, key) for key in by]
    if getattr(by, "nlevels", 1) > 1:  # an index of pandas
        levels = [by.get_level_values(i) for i in range(by.nlevels)]
        return [(None if level.name is None else str(level.name), level) for level in levels]
    if not isinstance(by, (str, list, tuple, CalendarKey)) and _is_frame(by):
        table = _frame(by)
        assert table.take is not None
        return [(str(name), table.take(name)) for name in table.names]
    return [(None, by)]


def _is_mapping(value: Any) -> bool:
    """A dict or its like, and no table."""
    return isinstance(value, dict) or (
        hasattr(value, "keys") and hasattr(value, "items") and not hasattr(value, "columns")
        and not hasattr(value, "dtype")
    )


def _is_list_of_keys(by: Any, frame: Frame | None) -> bool:
    """["region", "channel"] with data=, or a list of columns; otherwise a column of values."""
    if not by:
        return False
    if frame is not None and all(isinstance(k, (str, CalendarKey)) for k in by):
        return True
    return not _VALUES.issuperset(map(type, by)) and any(_is_column(k) for k in by)


def _is_column(value: Any) -> bool:
    if isinstance(value, CalendarKey):
        return True
    return not isinstance(value, (str, bytes)) and hasattr(value, "__len__")
