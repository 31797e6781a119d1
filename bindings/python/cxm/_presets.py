# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: the rules of products, by name, and one data set under several of them."""

from __future__ import annotations

from ctypes import c_void_p, cast
from dataclasses import dataclass
from typing import Any

from ._errors import Error
from ._frames import frame_of
from ._library import PresetInfo, lib, text
from ._names import checked_level
from ._registry import known
from ._report import Report, read_report
from ._result import Result

# How a parameter of the library is called in the function of its metric, and what it becomes.
_PAIRS = ("scale",)
_DROPPED = "level", "interval", "measures"
# Its presets are classifications of causes, no rules that give other numbers.
_CAUSES = "survival"


@dataclass(frozen=True)
class Preset:
    """The rule of a product. ``params`` are keywords of ``cxm.METRIC``, ``measure`` the number of
    it that the product shows, ``reason`` what makes it differ from the library's default.
    ``verified`` is False where the rule could not be read where the product states it. ``inputs``
    says which other columns it needs."""

    name: str
    product: str
    metric: str
    measure: str
    params: dict[str, Any]
    verified: bool
    source: str
    date: str
    reason: str
    inputs: str

    def run(self, *args: Any, **options: Any) -> Any:
        """``cxm.METRIC(…)`` with the parameters of the preset; the result of its measure. A
        classification of churn goes to ``cxm.competing_risks``, whose curves come back."""
        if self.metric == _CAUSES:
            import cxm

            return cxm.competing_risks(*args, causes=self.name, **options)
        return _run(self.metric, self.params, args, options)[self.measure]


def presets(metric: str | None = None) -> list[Preset]:
    """The rules of products: Zendesk, Freshservice, Stripe, ChartMogul … All of them, or those of
    one metric. Those of "survival" are classifications of churn, for ``competing_risks(causes=)``.

    >>> [p.name for p in cxm.presets("one_touch")][-1]
    'zendesk_one_touch_2'
    """
    found = [_preset(lib.cxm_preset_at(i)[0]) for i in range(lib.cxm_preset_count())]
    if metric is None:
        return found
    chosen = [p for p in found if p.metric == metric]
    if not chosen:
        metrics = ", ".join(dict.fromkeys(p.metric for p in found))
        raise Error(
            f"there are no presets of {metric!r}; there are some of {metrics}", column="metric",
            value=str(metric),
        )
    return chosen


def preset_report(
    metric: str, *args: Any, only: Any = None, level: float = 0.95, **options: Any
) -> Report:
    """One data set under the library's default and all presets of a metric, side by side: the
    arguments are those of ``cxm.METRIC``. ``only`` names some of the presets.

    Rows have the axes ``preset, product, verified, source, date, reason``. Presets that need
    another column (``Preset.inputs``) are left out unless they are named in ``only``: their
    columns then are what you pass.

    >>> cxm.preset_report("churn", n_start=1000, n_end=1120, n_new=180, n_lost_new=20)
    ... # doctest: +SKIP
    """
    level = checked_level(level)
    if metric == _CAUSES:
        raise Error("classifications of churn are no rules to compare: pass the name of one to "
                    "cxm.competing_risks(causes=)", column="metric", value=metric)
    chosen = _chosen(metric, only)
    args = tuple(map(_kept, args))
    data = options.pop("data", None)
    options = {name: _kept(value) for name, value in options.items()}
    if data is not None:  # a stream is read once, for all
        options["data"] = frame_of(data)
    results = [_run(metric, {}, args, options)]
    results += [_run(metric, preset.params, args, options) for preset in chosen]
    handles = [r._counts() if isinstance(r, Result) else r.tally._ready() for r in results]
    array = (c_void_p * len(handles))(*(h.pointer for h in handles))
    rules = (c_void_p * len(handles))(
        None, *(cast(lib.cxm_preset_find(p.name.encode()), c_void_p).value for p in chosen)
    )
    return read_report(
        lambda out, error: lib.cxm_preset_report(array, rules, len(handles), level, out, error)
    )


def _kept(value: Any) -> Any:
    """What can be read only once, as a list."""
    return list(value) if hasattr(value, "__next__") else value


def _chosen(metric: str, only: Any) -> list[Preset]:
    there = presets(metric)
    if only is None:
        return [p for p in there if not p.inputs]
    names = [only] if isinstance(only, str) else list(only)
    by_name = {p.name: p for p in there}
    for name in names:
        if name not in by_name:
            raise Error(
                f"{metric} has no preset {name!r}; there are {', '.join(by_name)}", column="only",
                value=str(name),
            )
    return [by_name[name] for name in names]


def _run(metric: str, params: dict[str, Any], args: Any, options: dict[str, Any]) -> Any:
    """Calls the function of the metric."""
    import cxm

    for name in params:
        if name in options:
            raise Error(f"{name} is what the preset says", column=name)
    for name in _DROPPED:
        if name in options:
            raise Error(f"{name} does not belong to a preset", column=name)
    return getattr(cxm, metric)(*args, **options, **params)


def _preset(info: PresetInfo) -> Preset:
    metric = text(info.metric)
    kinds = known(metric).params
    params: dict[str, Any] = {}
    for i in range(info.n_params):
        param = info.params[i]
        name = text(param.name)
        assert name in kinds
        if param.n_texts > 1:
            params[name] = [text(param.texts[k]) for k in range(param.n_texts)]
        elif param.n_texts:
            params[name] = text(param.texts[0])
        elif name in _PAIRS:
            params[name] = tuple(_short(param.numbers[k]) for k in range(param.n_numbers))
        else:
            params[name] = _short(param.numbers[0])
    return Preset(
        text(info.name), text(info.product), metric, text(info.measure), params,
        bool(info.verified), text(info.source), text(info.date), text(info.reason),
        text(info.inputs),
    )


def _short(number: float) -> Any:
    return int(number) if number == int(number) else number
