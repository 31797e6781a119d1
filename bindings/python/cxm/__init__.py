# SPDX-License-Identifier: GPL-3.0-or-later
"""Customer-experience metrics: NPS, CSAT, CSI, effort, first-contact resolution, retention, churn,
and satisfaction = perceived - expected, from arrays of survey and ticket records, with an honest
interval on every number.

>>> import cxm
>>> r = cxm.nps([10, 9, 9, 8, 7, 6, 3])
>>> r.n, r["promoters"].value
(7, 0.42857142857142855)

Lists, arrays, NumPy, pandas, Polars, PyArrow and DuckDB objects are read where they lie; none of
these packages is needed. See ``help(cxm.nps)`` for the arguments that all metrics share, and
``cxm.metrics()`` for what there is.
"""

from __future__ import annotations

from ._calendar import CalendarKey, day, month, quarter, week, year
from ._errors import Error
from ._library import lib as _lib
from ._metrics import (
    ces,
    churn,
    convert_rate,
    csat,
    csi,
    fcr,
    gap,
    mean,
    nps,
    one_touch,
    ratio,
    retention,
    share,
    total,
)
from ._registry import metrics
from ._result import Result
from ._tally import Tally, merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._calibrate import Calibration, poststratify, rake
    from ._chart import change_point, chart, run_rules
    from ._cohorts import cohorts
    from ._compare import adjust, compare, compare_groups, league, trend
    from ._customers import Histories, Scores, histories, rfm, stages
    from ._design import Design
    from ._fcr import ContactResult, States, fcr_km, fcr_window
    from ._info import analyses
    from ._interval import Interval, mean_interval, nps_interval, rate_interval, share_interval
    from ._lifetime import (
        Model,
        bg_nbd,
        bg_nbd_predict,
        contribution,
        customer_lifetime_value,
        gamma_gamma,
        gamma_gamma_predict,
        lifetime_value,
        shifted_beta_geometric,
    )
    from ._paired import paired
    from ._plan import Plan, detectable_difference, margin_of_error, power, sample_size
    from ._presets import Preset, preset_report, presets
    from ._rates import Rate, exposure_churn, mean_lifetime
    from ._repeat import repeat_purchase
    from ._report import Report
    from ._revenue import revenue
    from ._service import (
        backlog,
        breakdown,
        complaints,
        contact_rate,
        escalation,
        reopen,
        resolution,
        standardise,
    )
    from ._survival import competing_risks, durations, kaplan_meier, logrank
    from ._target import scorecard, target
    from ._times import Schedule, business_seconds, quantiles, sla, ticket_times

#: Loaded when somebody asks for them: name -> module. Sorted.
_LAZY = {
    "Calibration": "_calibrate",
    "ContactResult": "_fcr",
    "Design": "_design",
    "Histories": "_customers",
    "Interval": "_interval",
    "Model": "_lifetime",
    "Plan": "_plan",
    "Preset": "_presets",
    "Rate": "_rates",
    "Report": "_report",
    "Schedule": "_times",
    "Scores": "_customers",
    "States": "_fcr",
    "adjust": "_compare",
    "analyses": "_info",
    "backlog": "_service",
    "bg_nbd": "_lifetime",
    "bg_nbd_predict": "_lifetime",
    "breakdown": "_service",
    "business_seconds": "_times",
    "change_point": "_chart",
    "chart": "_chart",
    "cohorts": "_cohorts",
    "compare": "_compare",
    "compare_groups": "_compare",
    "competing_risks": "_survival",
    "complaints": "_service",
    "contact_rate": "_service",
    "contribution": "_lifetime",
    "customer_lifetime_value": "_lifetime",
    "detectable_difference": "_plan",
    "durations": "_survival",
    "escalation": "_service",
    "exposure_churn": "_rates",
    "fcr_km": "_fcr",
    "fcr_window": "_fcr",
    "gamma_gamma": "_lifetime",
    "gamma_gamma_predict": "_lifetime",
    "histories": "_customers",
    "kaplan_meier": "_survival",
    "league": "_compare",
    "lifetime_value": "_lifetime",
    "logrank": "_survival",
    "margin_of_error": "_plan",
    "mean_interval": "_interval",
    "mean_lifetime": "_rates",
    "nps_interval": "_interval",
    "paired": "_paired",
    "poststratify": "_calibrate",
    "power": "_plan",
    "preset_report": "_presets",
    "presets": "_presets",
    "quantiles": "_times",
    "rake": "_calibrate",
    "rate_interval": "_interval",
    "reopen": "_service",
    "repeat_purchase": "_repeat",
    "resolution": "_service",
    "revenue": "_revenue",
    "rfm": "_customers",
    "run_rules": "_chart",
    "sample_size": "_plan",
    "scorecard": "_target",
    "share_interval": "_interval",
    "shifted_beta_geometric": "_lifetime",
    "sla": "_times",
    "stages": "_customers",
    "standardise": "_service",
    "target": "_target",
    "ticket_times": "_times",
    "trend": "_compare",
}

#: The version of the library that is loaded.
version: str = _lib.cxm_version().decode()
__version__ = version

__all__ = [
    "CalendarKey",
    "Calibration",
    "ContactResult",
    "Design",
    "Error",
    "Histories",
    "Interval",
    "Model",
    "Plan",
    "Preset",
    "Rate",
    "Report",
    "Result",
    "Schedule",
    "Scores",
    "States",
    "Tally",
    "adjust",
    "analyses",
    "backlog",
    "bg_nbd",
    "bg_nbd_predict",
    "breakdown",
    "business_seconds",
    "ces",
    "change_point",
    "chart",
    "churn",
    "cohorts",
    "compare",
    "compare_groups",
    "competing_risks",
    "complaints",
    "contact_rate",
    "contribution",
    "convert_rate",
    "csat",
    "csi",
    "customer_lifetime_value",
    "day",
    "detectable_difference",
    "durations",
    "escalation",
    "exposure_churn",
    "fcr",
    "fcr_km",
    "fcr_window",
    "gamma_gamma",
    "gamma_gamma_predict",
    "gap",
    "histories",
    "kaplan_meier",
    "league",
    "lifetime_value",
    "logrank",
    "margin_of_error",
    "mean",
    "mean_interval",
    "mean_lifetime",
    "merge",
    "metrics",
    "month",
    "nps",
    "nps_interval",
    "one_touch",
    "paired",
    "poststratify",
    "power",
    "preset_report",
    "presets",
    "quantiles",
    "quarter",
    "rake",
    "rate_interval",
    "ratio",
    "reopen",
    "repeat_purchase",
    "resolution",
    "retention",
    "revenue",
    "rfm",
    "run_rules",
    "sample_size",
    "scorecard",
    "share",
    "share_interval",
    "shifted_beta_geometric",
    "sla",
    "stages",
    "standardise",
    "target",
    "ticket_times",
    "total",
    "trend",
    "version",
    "week",
    "year",
]


def __getattr__(name: str) -> Any:
    """An analysis, whose module is loaded now."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{module}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("_"))})
