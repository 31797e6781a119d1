# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds libcxm, declares its functions and structs, and checks that both sides agree.

Search order, first hit wins:

1. the environment variable ``CXM_LIBRARY``, a full path; when it is set and cannot be loaded,
   nothing else is tried,
2. the library shipped inside the package (``cxm/_lib``),
3. the system's library of this version, by its soname.

Every function is declared with argument and result types, and the sizes and offsets of the
structs are compared with what the library reports: a mismatch is an ImportError, never a
wrong number. The library is loaded so that Python's lock is released while it works.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    byref,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)

from ._errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = "0.1.0"
SONAMES = ("libcxm.so.0.1", "libcxm.0.1.dylib")
BUNDLED = ("libcxm.so", "libcxm.dylib", "cxm.dll")


# ---- structs, in the order of the layout report ------------------------------------------------


class Options(Structure):
    """What ctypes would cut off in silence, as it does with 2**32 + 7 in 32 bits, is an error."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, int) and (getattr(self, name) or 0) != value:
            raise Error(f"{name} is {value}: too large a number", column=name, value=str(value))


class ErrorStruct(Structure):
    _fields_ = [
        ("status", c_int32),
        ("reserved", c_int32),
        ("row", c_int64),
        ("column", c_char * 64),
        ("value", c_char * 64),
        ("message", c_char * 384),
    ]


class Column(Structure):
    """struct cxm_column. The Python attributes ``keep`` (what owns the memory), ``index`` (the
    pandas index of the rows) and ``holds`` (objects that only the struct points to) are ours."""

    keep: Any = None
    index: Any = None
    holds: Any = None

    _fields_ = [
        ("name", c_char_p),
        ("data", c_void_p),
        ("n", c_int64),
        ("stride", c_int64),
        ("type", c_uint32),
        ("width", c_uint32),
        ("offset", c_int64),
        ("validity", c_void_p),
        ("validity_offset", c_int64),
        ("mask", c_void_p),
        ("mask_stride", c_int64),
        ("heap", c_void_p),
        ("heap_bytes", c_void_p),
        ("n_buffers", c_int64),
        ("dictionary", c_void_p),
        ("chunks", c_void_p),
        ("n_chunks", c_int64),
        ("flags", c_uint32),
        ("time_unit", c_uint32),
        ("scale", c_int32),
        ("calendar", c_uint32),
        ("utc_offset", c_int64),
        ("zone", c_void_p),
        ("n_zone", c_int64),
        ("sentinel", c_int64),
        ("missing_codes", c_void_p),
        ("n_missing_codes", c_int64),
        ("labels", c_void_p),
        ("n_labels", c_int64),
        ("reserved", c_int64 * 4),
    ]


class Label(Structure):
    _fields_ = [
        ("text", c_char_p),
        ("value", c_double),
        ("missing", c_int32),
        ("reserved", c_int32),
    ]


class ZoneRow(Structure):
    _fields_ = [("utc_from", c_int64), ("offset", c_int64)]


class Estimate(Structure):
    _fields_ = [
        ("value", c_double),
        ("std_error", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("lower_raw", c_double),
        ("upper_raw", c_double),
        ("level", c_double),
        ("sum_weight", c_double),
        ("n_eff", c_double),
        ("df", c_double),
        ("n", c_int64),
        ("missing", c_int64),
        ("invalid", c_int64),
        ("excluded", c_int64),
        ("group", c_int64),
        ("measure", c_uint32),
        ("interval", c_uint32),
        ("unit", c_uint32),
        ("base", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Row(Structure):
    _fields_ = [
        ("estimate", Estimate),
        ("metric", c_char * 24),
        ("measure", c_char * 72),
        ("group", c_char * 96),
        ("definition", c_char * 216),
    ]


class Input(Structure):
    _fields_ = [("role", c_char_p), ("column", c_void_p)]


class AddOptions(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("invalid", c_int32),
        ("missing_key", c_int32),
        ("threads", c_int32),
        ("reserved", c_int32),
    ]


class TallyInfo(Structure):
    _fields_ = [
        ("metric", c_char * 24),
        ("definition", c_char * 216),
        ("configuration", c_uint64),
        ("rows", c_int64),
        ("groups", c_int64),
        ("kind", c_int32),
        ("n_keys", c_int32),
        ("weighted", c_int32),
        ("format_major", c_int32),
        ("format_minor", c_int32),
        ("n_design", c_int32),
    ]


class KeyInfo(Structure):
    _fields_ = [("name", c_char * 64), ("type", c_int32), ("calendar", c_int32)]


class Key(Structure):
    _fields_ = [
        ("type", c_int32),
        ("missing", c_int32),
        ("integer", c_int64),
        ("real", c_double),
        ("text", c_void_p),
        ("text_bytes", c_size_t),
    ]


class Measure(Structure):
    _fields_ = [
        ("name", c_char * 72),
        ("unit", c_int32),
        ("is_default", c_int32),
        ("family", c_int32),
        ("reserved", c_int32),
    ]


class Margin(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("by", POINTER(Column)),
        ("n_by", c_size_t),
        ("categories", POINTER(Column)),
        ("totals", POINTER(c_double)),
    ]


class EstimateOptions(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("interval", c_int32),
        ("small_n", c_int32),
        ("measures", POINTER(c_uint32)),
        ("n_measures", c_size_t),
        ("groups", POINTER(c_int64)),
        ("n_groups", c_size_t),
        ("lonely", c_int32),
        ("calibration", c_int32),
        ("margins", POINTER(Margin)),
        ("n_margins", c_size_t),
        ("threads", c_int32),
        ("max_iterations", c_int32),
        ("tolerance", c_double),
    ]


class CalibrateOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("tolerance", c_double),
        ("max_iterations", c_int32),
        ("method", c_int32),
    ]


class CalibrationStruct(Structure):
    _fields_ = [
        ("error", c_double),
        ("iterations", c_int32),
        ("reserved", c_int32),
    ]


class Design(Structure):
    _fields_ = [
        ("strata", c_int64),
        ("clusters", c_int64),
        ("df", c_double),
        ("deff", c_double),
        ("deff_replace", c_double),
        ("deff_weight", c_double),
        ("n_eff_kish", c_double),
        ("n_eff_design", c_double),
    ]


class Base(Structure):
    _fields_ = [
        ("rows", c_int64),
        ("n", c_int64),
        ("missing", c_int64),
        ("invalid", c_int64),
        ("excluded", c_int64),
        ("excluded_by", c_int64 * 16),
    ]


class Param(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("numbers", POINTER(c_double)),
        ("n_numbers", c_size_t),
        ("texts", POINTER(c_char_p)),
        ("n_texts", c_size_t),
    ]


class InputInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("role", c_int32),
        ("optional", c_int32),
        ("many", c_int32),
        ("reserved", c_int32),
    ]


class ParamInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("kind", c_int32),
        ("required", c_int32),
        ("defaults", c_double * 2),
        ("default_text", c_char_p),
        ("choices", POINTER(c_char_p)),
        ("lowest", c_double),
        ("highest", c_double),
        ("later", c_int32),
        ("reserved", c_int32),
    ]


class MeasureInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("summary_zh", c_char_p),
        ("unit", c_int32),
        ("is_default", c_int32),
    ]


class MetricInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("summary_zh", c_char_p),
        ("kind", c_int32),
        ("base", c_int32),
        ("inputs", POINTER(InputInfo)),
        ("n_inputs", c_int32),
        ("params", POINTER(ParamInfo)),
        ("n_params", c_int32),
        ("measures", POINTER(MeasureInfo)),
        ("n_measures", c_int32),
        ("intervals", POINTER(c_int32)),
        ("n_intervals", c_int32),
    ]


class PeriodCounts(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("start", c_int64),
        ("end", c_int64),
        ("added", c_int64),
        ("reactivated", c_int64),
        ("lost", c_int64),
        ("lost_added", c_int64),
    ]


class Contacts(Options):
    _fields_ = [
        ("size", c_size_t),
        ("customer", POINTER(Column)),
        ("opened", POINTER(Column)),
        ("resolved", POINTER(Column)),
        ("category", POINTER(Column)),
        ("by", POINTER(Column)),
        ("n_by", c_size_t),
        ("as_of", c_int64),
        ("period_start", c_int64),
        ("period_end", c_int64),
        ("states", c_void_p),
        ("invalid", c_int32),
        ("missing_key", c_int32),
        ("threads", c_int32),
        ("reserved", c_int32),
    ]


class FcrWindowOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("interval", c_int32),
        ("anchor", c_int32),
        ("right_open", c_int32),
        ("after_only", c_int32),
        ("missing_category", c_int32),
        ("denominator", c_int32),
        ("total", c_int32),
        ("all_measures", c_int32),
        ("lookback", c_int64),
    ]


class Tickets(Options):
    _fields_ = [
        ("size", c_size_t),
        ("opened", POINTER(Column)),
        ("resolved", POINTER(Column)),
        ("by", POINTER(Column)),
        ("n_by", c_size_t),
        ("as_of", c_int64),
        ("period_start", c_int64),
        ("period_end", c_int64),
        ("invalid", c_int32),
        ("missing_key", c_int32),
        ("threads", c_int32),
        ("reserved", c_int32),
    ]


class BacklogOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("by", POINTER(Column)),
        ("n_by", c_size_t),
        ("at", POINTER(c_int64)),
        ("n_at", c_size_t),
        ("period_start", c_int64),
        ("period_end", c_int64),
        ("as_of", c_int64),
        ("has_as_of", c_int32),
        ("invalid", c_int32),
    ]


class BreakdownOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("interval", c_int32),
        ("order", c_int32),
        ("n_within", c_size_t),
    ]


class StandardiseOptions(Options):
    _fields_ = [("size", c_size_t), ("level", c_double), ("measure", c_char_p)]


class RevenueInput(Options):
    _fields_ = [
        ("size", c_size_t),
        ("previous", c_void_p),
        ("current", c_void_p),
        ("ever", c_void_p),
        ("customer", c_void_p),
        ("by", c_void_p),
        ("n_by", c_size_t),
        ("has_digits", c_int32),
        ("currency_digits", c_int32),
        ("count_invalid", c_int32),
        ("reserved", c_int32),
    ]


class RevenueOutput(Structure):
    _fields_ = [
        ("previous", POINTER(c_int64)),
        ("current", POINTER(c_int64)),
        ("ever", POINTER(c_uint8)),
        ("copies", POINTER(c_uint8)),
    ]


class CohortsOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("by", c_void_p),
        ("n_by", c_size_t),
        ("start_flag", c_void_p),
        ("start_time", c_void_p),
        ("as_of", c_int64),
        ("has_as_of", c_int32),
        ("unit", c_int32),
        ("length", c_int64),
        ("rows", c_int32),
        ("mode", c_int32),
        ("criterion", c_int32),
        ("denominator", c_int32),
        ("brackets", c_void_p),
        ("n_brackets", c_size_t),
        ("n_periods", c_int64),
        ("utc_offset", c_int64),
        ("zone", c_void_p),
        ("n_zone", c_int64),
        ("hour_floor", c_int32),
        ("invalid", c_int32),
        ("threads", c_int32),
        ("interval", c_int32),
        ("has_utc_offset", c_int32),
        ("reserved", c_int32),
        ("level", c_double),
    ]


class CohortsBase(Structure):
    _fields_ = [
        ("used", c_int64),
        ("missing", c_int64),
        ("invalid", c_int64),
        ("unseen", c_int64),
        ("unlinked", c_int64),
        ("early", c_int64),
        ("customers", c_int64),
        ("customers_unlinked", c_int64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class RepeatOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("by", c_void_p),
        ("n_by", c_size_t),
        ("order", c_void_p),
        ("start", c_int64),
        ("end", c_int64),
        ("before", c_int64),
        ("has_before", c_int32),
        ("days", c_int32),
        ("utc_offset", c_int64),
        ("invalid", c_int32),
        ("reserved", c_int32),
    ]


class IntervalLimits(Structure):
    _fields_ = [
        ("value", c_double),
        ("std_error", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("lower_raw", c_double),
        ("upper_raw", c_double),
        ("level", c_double),
        ("df", c_double),
        ("interval", c_uint32),
        ("flags", c_uint32),
    ]


class AnalysisInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("summary_zh", c_char_p),
        ("source", c_char_p),
    ]


class PresetInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("product", c_char_p),
        ("metric", c_char_p),
        ("measure", c_char_p),
        ("params", POINTER(Param)),
        ("n_params", c_int32),
        ("verified", c_int32),
        ("source", c_char_p),
        ("date", c_char_p),
        ("reason", c_char_p),
        ("inputs", c_char_p),
    ]


class ChartState(Structure):
    _fields_ = [
        ("ewma", c_double),
        ("cusum_high", c_double),
        ("cusum_low", c_double),
        ("step", c_int64),
    ]


class ChartOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("limits", c_double),
        ("baseline", c_int64),
        ("centre", POINTER(c_double)),
        ("sigma", POINTER(c_double)),
        ("sigma_z", POINTER(c_double)),
        ("rules", c_char_p),
        ("period", POINTER(Column)),
        ("start", POINTER(ChartState)),
        ("lambda", c_double),
        ("k", POINTER(c_double)),
        ("h", c_double),
        ("sigma_units", c_int32),
        ("head_start", c_int32),
        ("gaps", c_int32),
        ("exact", c_int32),
        ("median_range", c_int32),
        ("asymptotic", c_int32),
    ]


class ChangeOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("period", POINTER(Column)),
        ("permutations", c_int64),
        ("seed", POINTER(c_uint64)),
        ("penalty", c_double),
        ("level", c_double),
        ("several", c_int32),
        ("reserved", c_int32),
    ]


class AxisInfo(Structure):
    _fields_ = [("name", c_char * 32), ("type", c_int32), ("reserved", c_int32)]
class PlanOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("power", c_double),
        ("variance", c_double),
        ("variance_b", c_double),
        ("sd", c_double),
        ("sd_b", c_double),
        ("expected", c_double),
        ("shares", c_double * 3),
        ("population", c_double),
        ("design_effect", c_double),
        ("ratio", c_double),
        ("response_rate", c_double),
        ("method", c_int32),
        ("reserved", c_int32),
    ]


class PlanStruct(Structure):
    _fields_ = [
        ("n_exact", c_double),
        ("n_a_exact", c_double),
        ("n_b_exact", c_double),
        ("margin", c_double),
        ("difference", c_double),
        ("power", c_double),
        ("level", c_double),
        ("variance_a", c_double),
        ("variance_b", c_double),
        ("n", c_int64),
        ("n_a", c_int64),
        ("n_b", c_int64),
        ("invitations", c_int64),
        ("method", c_uint32),
        ("unit", c_uint32),
    ]


class CompareOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("method", c_int32),
        ("small_n", c_int32),
        ("measures", POINTER(c_char_p)),
        ("n_measures", c_size_t),
        ("all_measures", c_int32),
        ("effects", c_int32),
        ("no_mix", c_int32),
        ("lonely", c_int32),
    ]


class SbgOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("freq", c_void_p),
        ("level", c_double),
        ("discount", c_double),
        ("horizon", c_int32),
        ("renewals", c_int32),
    ]


class BgNbdOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("freq", c_void_p),
        ("level", c_double),
        ("times", POINTER(c_double)),
        ("n_times", c_size_t),
    ]


class GammaGammaOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("freq", c_void_p),
        ("level", c_double),
    ]


class LifetimeValueOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("margin", c_double),
        ("retention", c_double),
        ("discount", c_double),
        ("payment", c_int32),
        ("periods", c_int32),
        ("acquisition_cost", c_double),
    ]


class ContributionOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("freq", c_void_p),
        ("top", POINTER(c_double)),
        ("n_top", c_size_t),
    ]


class History(Structure):
    _fields_ = [
        ("row", c_int64),
        ("first", c_int64),
        ("last", c_int64),
        ("orders", c_int64),
        ("amount", c_double),
        ("frequency", c_double),
        ("recency", c_double),
        ("age", c_double),
        ("idle", c_double),
        ("value", c_double),
    ]


class HistoryBase(Structure):
    _fields_ = [
        ("rows", c_int64),
        ("used", c_int64),
        ("missing", c_int64),
        ("unlinked", c_int64),
        ("unseen", c_int64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class HistoryOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("amount", c_void_p),
        ("as_of", c_int64),
        ("unit", c_double),
        ("utc_offset", c_int64),
        ("days", c_int32),
        ("has_as_of", c_int32),
    ]


class GroupsOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("measure", c_char_p),
        ("scores", POINTER(c_double)),
        ("n_scores", c_size_t),
        ("base", c_int64),
        ("against", c_int32),
        ("method", c_int32),
        ("adjust", c_int32),
        ("small_n", c_int32),
        ("lonely", c_int32),
        ("reserved", c_int32),
    ]


class LogrankOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("n_strata", c_size_t),
        ("rho", c_double),
        ("gamma", c_double),
        ("pairwise", c_int32),
        ("adjust", c_int32),
    ]


class DurationCounts(Structure):
    _fields_ = [
        ("n", c_int64),
        ("missing", c_int64),
        ("unseen", c_int64),
        ("bad", c_int64),
        ("subsecond", c_int64),
    ]


class CauseName(Structure):
    _fields_ = [
        ("text", c_char * 64),
    ]


class CauseInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
    ]


class CauseList(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("summary", c_char_p),
        ("causes", POINTER(CauseInfo)),
        ("n_causes", c_size_t),
        ("labels", c_void_p),
        ("n_labels", c_size_t),
    ]


class TargetOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("alpha", c_double),
        ("measure", c_char_p),
        ("level", c_double),
        ("interval", c_int32),
        ("direction", c_int32),
        ("census", c_int32),
        ("total", c_int32),
        ("lonely", c_int32),
        ("reserved", c_int32),
    ]


class TargetResult(Structure):
    _fields_ = [
        ("value", c_double),
        ("target", c_double),
        ("alpha", c_double),
        ("p_value", c_double),
        ("p_greater", c_double),
        ("p_less", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("lower_other", c_double),
        ("upper_other", c_double),
        ("p_other", c_double),
        ("p_mid", c_double),
        ("p_two_sided", c_double),
        ("n", c_double),
        ("n_needed", c_int64),
        ("verdict", c_int32),
        ("point_pass", c_int32),
        ("interval", c_uint32),
        ("flags", c_uint32),
    ]


class ScorecardLine(Structure):
    _fields_ = [
        ("tally", c_void_p),
        ("name", c_char_p),
        ("measure", c_char_p),
        ("target", c_double),
        ("level", c_double),
        ("interval", c_int32),
        ("direction", c_int32),
        ("census", c_int32),
        ("total", c_int32),
        ("lonely", c_int32),
        ("reserved", c_int32),
    ]


class SurvivalOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("level", c_double),
        ("interval", c_int32),
        ("rows", c_uint32),
        ("hazard", c_int32),
        ("total", c_int32),
        ("few", c_int32),
        ("reserved", c_int32),
        ("quantiles", POINTER(c_double)),
        ("n_quantiles", c_size_t),
        ("taus", POINTER(c_double)),
        ("n_taus", c_size_t),
        ("times", POINTER(c_double)),
        ("n_times", c_size_t),
    ]


# CXM_COMMON_OPTIONS: what the options of every one-call function start with
COMMON_OPTIONS: list[Any] = [
    ("size", c_size_t),
    ("by", c_void_p),
    ("n_by", c_size_t),
    ("weight", c_void_p),
    ("freq", c_void_p),
    ("level", c_double),
    ("interval", c_int32),
    ("invalid", c_int32),
    ("missing_key", c_int32),
    ("threads", c_int32),
    ("total", c_int32),
    ("all_measures", c_int32),
    ("strata", c_void_p),
    ("cluster", c_void_p),
    ("n_cluster", c_size_t),
    ("fpc", c_void_p),
    ("n_fpc", c_size_t),
    ("population", c_double),
    ("lonely", c_int32),
    ("design_reserved", c_int32),
]


class QuantilesOptions(Options):
    _fields_ = [
        *COMMON_OPTIONS,
        ("probs", POINTER(c_double)),
        ("n_probs", c_size_t),
        ("accuracy", c_double),
        ("type", c_int32),
        ("reserved", c_int32),
    ]


class QuantileOptions(Options):
    _fields_ = [
        ("size", c_size_t),
        ("probs", POINTER(c_double)),
        ("n_probs", c_size_t),
        ("level", c_double),
        ("type", c_int32),
        ("total", c_int32),
    ]


class Hours(Structure):
    _fields_ = [
        ("start", c_int64),
        ("end", c_int64),
    ]


class Holiday(Structure):
    _fields_ = [
        ("day", c_int64),
        ("hours", POINTER(Hours)),
        ("n_hours", c_size_t),
    ]


class Schedule(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("week", POINTER(Hours)),
        ("n_week", c_size_t),
        ("holidays", POINTER(Holiday)),
        ("n_holidays", c_size_t),
        ("utc_offset", c_int64),
        ("zone", POINTER(ZoneRow)),
        ("n_zone", c_int64),
    ]


class SlaOptions(Options):
    _fields_ = [
        *COMMON_OPTIONS,
        ("as_of", c_int64),
        ("schedule", POINTER(Schedule)),
        ("target", c_double),
        ("has_as_of", c_int32),
        ("has_target", c_int32),
    ]


#: The order in which cxm_layout reports: for each its size, then the offset of every field.
LAYOUT: tuple[tuple[str, type[Structure]], ...] = (
    ("cxm_error", ErrorStruct),
    ("cxm_column", Column),
    ("cxm_label", Label),
    ("cxm_zone_row", ZoneRow),
    ("cxm_estimate", Estimate),
    ("cxm_row", Row),
    ("cxm_input", Input),
    ("cxm_add_options", AddOptions),
    ("cxm_tally_info", TallyInfo),
    ("cxm_key_info", KeyInfo),
    ("cxm_key", Key),
    ("cxm_measure", Measure),
    ("cxm_estimate_options", EstimateOptions),
    ("cxm_margin", Margin),
    ("cxm_calibrate_options", CalibrateOptions),
    ("cxm_calibration", CalibrationStruct),
    ("cxm_design", Design),
    ("cxm_base", Base),
    ("cxm_param", Param),
    ("cxm_input_info", InputInfo),
    ("cxm_param_info", ParamInfo),
    ("cxm_measure_info", MeasureInfo),
    ("cxm_metric_info", MetricInfo),
    ("cxm_period_counts", PeriodCounts),
    ("cxm_interval_limits", IntervalLimits),
    ("cxm_axis_info", AxisInfo),
    ("cxm_analysis_info", AnalysisInfo),
    ("cxm_preset_info", PresetInfo),
    ("cxm_chart_state", ChartState),
    ("cxm_chart_options", ChartOptions),
    ("cxm_change_options", ChangeOptions),
    ("cxm_plan_options", PlanOptions),
    ("cxm_plan", PlanStruct),
    ("cxm_revenue_input", RevenueInput),
    ("cxm_revenue_output", RevenueOutput),
    ("cxm_compare_options", CompareOptions),
    ("cxm_sbg_options", SbgOptions),
    ("cxm_bg_nbd_options", BgNbdOptions),
    ("cxm_gamma_gamma_options", GammaGammaOptions),
    ("cxm_lifetime_value_options", LifetimeValueOptions),
    ("cxm_contribution_options", ContributionOptions),
    ("cxm_history", History),
    ("cxm_history_base", HistoryBase),
    ("cxm_history_options", HistoryOptions),
    ("cxm_contacts", Contacts),
    ("cxm_target_options", TargetOptions),
    ("cxm_target_result", TargetResult),
    ("cxm_scorecard_line", ScorecardLine),
    ("cxm_groups_options", GroupsOptions),
    ("cxm_survival_options", SurvivalOptions),
    ("cxm_logrank_options", LogrankOptions),
    ("cxm_cause_name", CauseName),
    ("cxm_cause_info", CauseInfo),
    ("cxm_cause_list", CauseList),
    ("cxm_duration_counts", DurationCounts),
    ("cxm_tickets", Tickets),
    ("cxm_backlog_options", BacklogOptions),
    ("cxm_breakdown_options", BreakdownOptions),
    ("cxm_standardise_options", StandardiseOptions),
    ("cxm_cohorts_options", CohortsOptions),
    ("cxm_cohorts_base", CohortsBase),
    ("cxm_quantiles_options", QuantilesOptions),
    ("cxm_quantile_options", QuantileOptions),
    ("cxm_hours", Hours),
    ("cxm_holiday", Holiday),
    ("cxm_schedule", Schedule),
    ("cxm_sla_options", SlaOptions),
    ("cxm_repeat_options", RepeatOptions),
    ("cxm_fcr_window_options", FcrWindowOptions),
)


# ---- functions ---------------------------------------------------------------------------------

_STATUS = c_int
_TALLY = c_void_p
_ARROW = c_void_p
_REPORT = c_void_p
_ALLOCATOR = c_void_p
_STREAM = c_void_p
_ERROR = POINTER(ErrorStruct)
_SIZES = (c_size_t, c_size_t, POINTER(c_size_t), _ERROR)

#: Every function of the library: result type, then the types of its arguments.
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    # base.h
    "cxm_status_message": (c_char_p, c_int),
    "cxm_status_name": (c_char_p, c_int),
    "cxm_version": (c_char_p,),
    "cxm_layout": (c_size_t, POINTER(c_uint64), c_size_t),
    # column.h
    "cxm_type_bytes": (c_size_t, c_int),
    "cxm_type_name": (c_char_p, c_int),
    "cxm_column_check": (_STATUS, POINTER(Column), _ERROR),
    # result.h
    "cxm_interval_name": (c_char_p, c_int),
    "cxm_interval_title": (c_char_p, c_int),
    "cxm_interval_from_name": (c_int, c_char_p),
    "cxm_unit_name": (c_char_p, c_int),
    "cxm_base_name": (c_char_p, c_int),
    "cxm_reason_name": (c_char_p, c_int),
    "cxm_flag_name": (c_char_p, c_uint32),
    # interval.h
    "cxm_share_interval": (
        _STATUS, c_double, c_double, c_double, c_int, POINTER(IntervalLimits), _ERROR),
    "cxm_nps_interval": (
        _STATUS, c_double, c_double, c_double, c_double, c_int, _ALLOCATOR,
        POINTER(IntervalLimits), _ERROR),
    "cxm_mean_interval": (
        _STATUS, c_double, c_double, c_double, c_double, POINTER(IntervalLimits), _ERROR),
    "cxm_rate_interval": (
        _STATUS, c_double, c_double, c_double, POINTER(IntervalLimits), _ERROR),
    "cxm_share_interval_finite": (
        _STATUS, c_double, c_double, c_double, c_double, c_int, POINTER(IntervalLimits), _ERROR),
    "cxm_nps_interval_finite": (
        _STATUS, c_double, c_double, c_double, c_double, c_double, c_int, _ALLOCATOR,
        POINTER(IntervalLimits), _ERROR),
    "cxm_mean_interval_finite": (
        _STATUS, c_double, c_double, c_double, c_double, c_double, POINTER(IntervalLimits),
        _ERROR),
    # metric.h
    "cxm_metric_count": (c_size_t,),
    "cxm_metric_at": (POINTER(MetricInfo), c_size_t),
    "cxm_metric_find": (POINTER(MetricInfo), c_char_p),
    # plan.h
    "cxm_sample_size": (
        _STATUS, c_int, c_double, POINTER(PlanOptions), POINTER(PlanStruct), _ERROR),
    "cxm_sample_size_difference": (
        _STATUS, c_int, c_double, POINTER(PlanOptions), POINTER(PlanStruct), _ERROR),
    "cxm_margin_of_error": (
        _STATUS, c_int, c_double, POINTER(PlanOptions), POINTER(PlanStruct), _ERROR),
    "cxm_power": (
        _STATUS, c_int, c_double, c_double, c_double, POINTER(PlanOptions),
        POINTER(PlanStruct), _ERROR),
    "cxm_detectable_difference": (
        _STATUS, c_int, c_double, c_double, POINTER(PlanOptions), POINTER(PlanStruct), _ERROR),
    # tally.h
    "cxm_tally_new": (
        _STATUS, c_char_p, POINTER(Param), c_size_t, _ALLOCATOR, POINTER(c_void_p), _ERROR),
    "cxm_tally_free": (None, _TALLY),
    "cxm_tally_clear": (None, _TALLY),
    "cxm_tally_copy": (_STATUS, _TALLY, POINTER(c_void_p), _ERROR),
    "cxm_tally_add": (
        _STATUS, _TALLY, POINTER(Input), c_size_t, POINTER(AddOptions), _ERROR),
    "cxm_tally_add_one": (
        _STATUS, _TALLY, POINTER(c_double), c_size_t, POINTER(c_double), c_int64, _ERROR),
    "cxm_tally_merge": (_STATUS, _TALLY, _TALLY, _ERROR),
    "cxm_tally_subtract": (_STATUS, _TALLY, _TALLY, _ERROR),
    "cxm_tally_equal": (c_int, _TALLY, _TALLY),
    "cxm_tally_save": (
        _STATUS, _TALLY, POINTER(c_uint8), c_size_t, POINTER(c_size_t), _ERROR),
    "cxm_tally_load": (
        _STATUS, POINTER(c_uint8), c_size_t, _ALLOCATOR, POINTER(c_void_p), _ERROR),
    "cxm_tally_info": (_STATUS, POINTER(c_uint8), c_size_t, POINTER(TallyInfo), _ERROR),
    "cxm_tally_describe": (None, _TALLY, POINTER(TallyInfo)),
    "cxm_tally_groups": (c_int64, _TALLY),
    "cxm_tally_n_keys": (c_size_t, _TALLY),
    "cxm_tally_key_info": (_STATUS, _TALLY, c_size_t, POINTER(KeyInfo)),
    "cxm_tally_key": (_STATUS, _TALLY, c_int64, c_size_t, POINTER(Key)),
    "cxm_tally_group": (_STATUS, _TALLY, c_int64, c_int, POINTER(c_void_p), _ERROR),
    "cxm_tally_measures": (_STATUS, _TALLY, POINTER(Measure), *_SIZES),
    "cxm_tally_estimate": (
        _STATUS, _TALLY, POINTER(EstimateOptions), POINTER(Estimate), *_SIZES),
    "cxm_tally_design": (_STATUS, _TALLY, c_int64, c_uint32, c_int32, POINTER(Design), _ERROR),
    "cxm_tally_jackknife": (
        _STATUS, _TALLY, c_int64, c_uint32, c_int32, POINTER(c_double), _ERROR,
    ),
    "cxm_tally_base": (_STATUS, _TALLY, c_int64, c_uint32, POINTER(Base), _ERROR),
    "cxm_tally_definition": (c_size_t, _TALLY, POINTER(c_char), c_size_t),
    "cxm_tally_rows": (_STATUS, _TALLY, POINTER(EstimateOptions), POINTER(Row), *_SIZES),
    # retention.h
    "cxm_tally_add_period": (_STATUS, _TALLY, POINTER(PeriodCounts), _ERROR),
    "cxm_rake": (
        _STATUS, POINTER(Column), POINTER(Margin), c_size_t, POINTER(CalibrateOptions),
        POINTER(c_double), POINTER(c_double), POINTER(CalibrationStruct), _ERROR,
    ),
    "cxm_poststratify": (
        _STATUS, POINTER(Column), POINTER(Margin), POINTER(c_double), POINTER(c_double), _ERROR,
    ),
    "cxm_match_customers": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(c_uint8), POINTER(c_uint8),
        c_size_t, POINTER(c_size_t), _ALLOCATOR, _ERROR),
    "cxm_convert_rate": (c_double, c_double, c_double, c_double),
    "cxm_exposure_churn": (
        _STATUS, c_double, c_double, c_double, c_double, POINTER(IntervalLimits), _ERROR),
    "cxm_mean_lifetime": (c_double, c_double, c_int),
    # survival.h
    "cxm_tally_survival": (
        _STATUS, _TALLY, POINTER(SurvivalOptions), POINTER(c_void_p), _ERROR),
    "cxm_tally_incidence": (
        _STATUS, _TALLY, POINTER(SurvivalOptions), POINTER(c_void_p), _ERROR),
    "cxm_tally_logrank": (
        _STATUS, _TALLY, POINTER(LogrankOptions), POINTER(c_void_p), _ERROR),
    "cxm_durations": (
        _STATUS, POINTER(Column), POINTER(Column), c_int64, c_int64, POINTER(c_double),
        POINTER(c_uint8), POINTER(DurationCounts), _ERROR),
    "cxm_match_causes": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(c_uint8), POINTER(CauseName),
        POINTER(c_size_t), _ALLOCATOR, _ERROR),
    "cxm_cause_list_at": (POINTER(CauseList), c_size_t),
    "cxm_cause_list_find": (POINTER(CauseList), c_char_p),
    "cxm_code_causes": (
        _STATUS, POINTER(CauseList), POINTER(Column), POINTER(Column), POINTER(c_uint8), _ERROR),
    # cohorts.h
    "cxm_cohorts_tally": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(CohortsOptions), _ALLOCATOR,
        POINTER(c_void_p), POINTER(CohortsBase), _ERROR),
    "cxm_cohorts_report": (
        _STATUS, _TALLY, c_double, c_int32, POINTER(CohortsBase), POINTER(c_void_p), _ERROR),
    "cxm_cohorts": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(CohortsOptions), POINTER(c_void_p),
        _ERROR),
    # repeat.h
    "cxm_repeat_rows": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(RepeatOptions), POINTER(c_int64),
        POINTER(c_int64), POINTER(c_uint8), _ALLOCATOR, _ERROR),
    # revenue.h
    "cxm_revenue_rows": (
        _STATUS, POINTER(RevenueInput), POINTER(RevenueOutput), _ALLOCATOR, _ERROR),
    # fcr.h
    "cxm_contact_state_name": (c_char_p, c_int),
    "cxm_tally_add_contacts": (_STATUS, _TALLY, POINTER(Contacts), _ERROR),
    "cxm_fcr_km": (
        _STATUS, POINTER(Contacts), c_int64, POINTER(FcrWindowOptions), POINTER(c_void_p),
        _ERROR),
    # service.h
    "cxm_tally_add_tickets": (_STATUS, _TALLY, POINTER(Tickets), _ERROR),
    "cxm_backlog": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(BacklogOptions), POINTER(c_void_p),
        _ERROR),
    "cxm_contact_counts": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(c_int64), POINTER(c_int64), _ALLOCATOR,
        _ERROR),
    "cxm_breakdown": (
        _STATUS, _TALLY, POINTER(BreakdownOptions), POINTER(c_void_p), _ERROR),
    "cxm_standardise": (
        _STATUS, _TALLY, POINTER(c_double), c_size_t, POINTER(StandardiseOptions),
        POINTER(c_void_p), _ERROR),
    # arrow.h
    "cxm_arrow_from_stream": (_STATUS, _STREAM, _ALLOCATOR, POINTER(c_void_p), _ERROR),
    "cxm_arrow_from_array": (
        _STATUS, c_void_p, c_void_p, _ALLOCATOR, POINTER(c_void_p), _ERROR),
    "cxm_arrow_free": (None, _ARROW),
    "cxm_arrow_rows": (c_int64, _ARROW),
    "cxm_arrow_columns": (c_int64, _ARROW),
    "cxm_arrow_name": (c_char_p, _ARROW, c_int64),
    "cxm_arrow_find": (c_int64, _ARROW, c_char_p),
    "cxm_arrow_column": (_STATUS, _ARROW, c_int64, POINTER(Column), _ERROR),
    "cxm_tally_to_arrow": (_STATUS, _TALLY, POINTER(EstimateOptions), _STREAM, _ERROR),
    "cxm_arrow_stream_new": (_STREAM,),
    "cxm_arrow_stream_free": (None, _STREAM),
    "cxm_arrow_capsule_destructor": (None, c_void_p),
    # analysis.h
    "cxm_analysis_count": (c_size_t,),
    "cxm_analysis_at": (POINTER(AnalysisInfo), c_size_t),
    "cxm_analysis_find": (POINTER(AnalysisInfo), c_char_p),
    # compare.h
    "cxm_compare_method_name": (c_char_p, c_int),
    "cxm_compare_method_from_name": (c_int, c_char_p),
    "cxm_compare": (
        _STATUS, _TALLY, _TALLY, POINTER(CompareOptions), POINTER(c_void_p), _ERROR),
    "cxm_compare_groups": (
        _STATUS, _TALLY, POINTER(GroupsOptions), POINTER(c_void_p), _ERROR),
    "cxm_league": (_STATUS, _TALLY, POINTER(GroupsOptions), POINTER(c_void_p), _ERROR),
    "cxm_trend": (_STATUS, _TALLY, POINTER(GroupsOptions), POINTER(c_void_p), _ERROR),
    "cxm_adjust_name": (c_char_p, c_int),
    "cxm_adjust_from_name": (c_int, c_char_p),
    "cxm_adjust": (_STATUS, POINTER(c_double), c_size_t, c_int, POINTER(c_double), _ERROR),
    # chart.h
    "cxm_chart": (
        _STATUS, c_char_p, POINTER(Column), POINTER(Column), POINTER(ChartOptions),
        POINTER(c_void_p), _ERROR),
    "cxm_chart_tally": (
        _STATUS, c_char_p, _TALLY, c_uint32, POINTER(ChartOptions), POINTER(c_void_p), _ERROR),
    "cxm_run_rules": (
        _STATUS, POINTER(Column), c_char_p, c_int32, POINTER(c_void_p), _ERROR),
    "cxm_change_point": (
        _STATUS, c_char_p, POINTER(Column), POINTER(Column), POINTER(ChangeOptions),
        POINTER(c_void_p), _ERROR),
    "cxm_change_point_tally": (
        _STATUS, c_char_p, _TALLY, c_uint32, POINTER(ChangeOptions), POINTER(c_void_p), _ERROR),
    # preset.h
    "cxm_preset_count": (c_size_t,),
    "cxm_preset_at": (POINTER(PresetInfo), c_size_t),
    "cxm_preset_find": (POINTER(PresetInfo), c_char_p),
    "cxm_preset_report": (
        _STATUS, POINTER(c_void_p), POINTER(c_void_p), c_size_t, c_double, POINTER(c_void_p),
        _ERROR),
    # report.h
    "cxm_report_free": (None, _REPORT),
    "cxm_report_rows": (c_size_t, _REPORT),
    "cxm_report_estimates": (POINTER(Estimate), _REPORT),
    "cxm_report_row": (_STATUS, _REPORT, c_size_t, POINTER(Row)),
    "cxm_report_metric": (c_char_p, _REPORT, c_size_t),
    "cxm_report_measure": (c_char_p, _REPORT, c_size_t),
    "cxm_report_definition": (c_char_p, _REPORT, c_size_t),
    "cxm_report_n_keys": (c_size_t, _REPORT),
    "cxm_report_key_info": (_STATUS, _REPORT, c_size_t, POINTER(KeyInfo)),
    "cxm_report_key": (_STATUS, _REPORT, c_size_t, c_size_t, POINTER(Key)),
    "cxm_report_n_axes": (c_size_t, _REPORT),
    "cxm_report_axis_info": (_STATUS, _REPORT, c_size_t, POINTER(AxisInfo)),
    "cxm_report_find_axis": (c_int64, _REPORT, c_char_p),
    "cxm_report_reals": (POINTER(c_double), _REPORT, c_size_t),
    "cxm_report_ints": (POINTER(c_int64), _REPORT, c_size_t),
    "cxm_report_text": (c_char_p, _REPORT, c_size_t, c_size_t),
    "cxm_report_save": (
        _STATUS, _REPORT, POINTER(c_uint8), c_size_t, POINTER(c_size_t), _ERROR),
    "cxm_report_load": (
        _STATUS, POINTER(c_uint8), c_size_t, _ALLOCATOR, POINTER(c_void_p), _ERROR),
    "cxm_report_to_arrow": (
        _STATUS, _REPORT, POINTER(c_int64), c_size_t, _STREAM, _ERROR),
    # lifetime.h
    "cxm_shifted_beta_geometric": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(SbgOptions), POINTER(c_void_p), _ERROR),
    "cxm_shifted_beta_geometric_active": (
        _STATUS, POINTER(Column), c_size_t, POINTER(SbgOptions), POINTER(c_void_p), _ERROR),
    "cxm_bg_nbd": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(Column), POINTER(BgNbdOptions),
        POINTER(c_void_p), _ERROR),
    "cxm_bg_nbd_predict": (
        _STATUS, POINTER(c_double), POINTER(Column), POINTER(Column), POINTER(Column), c_double,
        POINTER(c_double), POINTER(c_double), _ERROR),
    "cxm_gamma_gamma": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(GammaGammaOptions), POINTER(c_void_p),
        _ERROR),
    "cxm_gamma_gamma_predict": (
        _STATUS, POINTER(c_double), POINTER(Column), POINTER(Column), POINTER(c_double), _ERROR),
    "cxm_customer_lifetime_value": (
        _STATUS, POINTER(c_double), POINTER(c_double), POINTER(Column), POINTER(Column),
        POINTER(Column), POINTER(Column), c_int32, c_double, c_double, POINTER(c_double), _ERROR),
    "cxm_lifetime_value": (_STATUS, POINTER(LifetimeValueOptions), POINTER(c_void_p), _ERROR),
    "cxm_contribution": (
        _STATUS, POINTER(Column), POINTER(ContributionOptions), POINTER(c_void_p), _ERROR),
    # customers.h
    "cxm_customer_histories": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(HistoryOptions), POINTER(History),
        c_size_t, c_size_t, POINTER(c_size_t), POINTER(HistoryBase), _ERROR),
    "cxm_stage_states": (
        _STATUS, POINTER(Column), POINTER(Column), c_int64, POINTER(c_double), POINTER(c_uint8),
        POINTER(c_uint32), _ERROR),
    "cxm_rfm_scores": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(Column), POINTER(c_uint8), _ERROR),
    "cxm_rfm": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(Column), c_double, POINTER(c_void_p),
        _ERROR),
    # target.h
    "cxm_verdict_name": (c_char_p, c_int),
    "cxm_direction_name": (c_char_p, c_int),
    "cxm_target_share": (
        _STATUS, c_double, c_double, c_double, POINTER(TargetOptions), POINTER(TargetResult),
        _ERROR),
    "cxm_target_nps": (
        _STATUS, c_double, c_double, c_double, c_double, POINTER(TargetOptions),
        POINTER(TargetResult), _ERROR),
    "cxm_target_mean": (
        _STATUS, c_double, c_double, c_double, c_double, c_double, POINTER(TargetOptions),
        POINTER(TargetResult), _ERROR),
    "cxm_target": (
        _STATUS, _TALLY, c_double, POINTER(TargetOptions), POINTER(c_void_p), _ERROR),
    "cxm_scorecard": (
        _STATUS, POINTER(ScorecardLine), c_size_t, c_double, POINTER(c_void_p), _ERROR),
    # hours.h
    "cxm_business_seconds": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(Schedule), POINTER(c_double),
        POINTER(c_int64), POINTER(c_int64), _ERROR),
    "cxm_ticket_durations": (
        _STATUS, POINTER(Column), POINTER(Column), c_int64, POINTER(Schedule), POINTER(c_double),
        POINTER(c_uint8), POINTER(c_int64), POINTER(c_uint32), _ERROR),
    "cxm_sla_km": (
        _STATUS, POINTER(Column), POINTER(Column), POINTER(SlaOptions), POINTER(c_void_p), _ERROR),
    "cxm_sla_states": (
        _STATUS, POINTER(Column), POINTER(Column), c_double, c_int64, POINTER(Schedule),
        POINTER(c_uint8), POINTER(c_uint32), _ERROR),
    # quantiles.h
    "cxm_quantiles": (
        _STATUS, POINTER(Column), POINTER(QuantilesOptions), POINTER(c_void_p), _ERROR),
    "cxm_tally_quantiles": (
        _STATUS, _TALLY, POINTER(QuantileOptions), POINTER(c_void_p), _ERROR),
}


# ---- loading -----------------------------------------------------------------------------------


def _open(path: str, why: str) -> CDLL:
    try:
        return CDLL(path)
    except OSError as error:
        raise ImportError(f"cxm: cannot load {path} ({why}): {error}") from None


def _load() -> CDLL:
    chosen = os.environ.get("CXM_LIBRARY")
    if chosen:
        return _open(chosen, "named by CXM_LIBRARY")
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib")
    for name in BUNDLED:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return _open(path, "shipped with the package")
    for name in SONAMES:
        try:
            return CDLL(name)
        except OSError:
            continue
    raise ImportError(
        "cxm: the library libcxm was not found. Install the package with its library "
        "(pip install .), install libcxm, or set CXM_LIBRARY to the full path of libcxm.so"
    )


def _declare(library: CDLL) -> None:
    for name, (result, *arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(
                f"cxm: {library._name} has no {name}: it is not the libcxm {VERSION} that "
                "this package belongs to"
            ) from None
        function.restype = result
        function.argtypes = arguments


def _check_version(library: CDLL) -> None:
    found = library.cxm_version().decode()
    if found.split(".")[:2] != VERSION.split(".")[:2]:
        raise ImportError(
            f"cxm: the package is version {VERSION}, but {library._name} is libcxm {found}"
        )


def expected_layout() -> list[tuple[str, int]]:
    """What cxm_layout must report: names for the message, numbers to compare."""
    entries: list[tuple[str, int]] = []
    for name, struct in LAYOUT:
        entries.append((f"the size of struct {name}", ctypes.sizeof(struct)))
        for field in struct._fields_:
            entries.append((f"{name}.{field[0]}", getattr(struct, field[0]).offset))
    return entries


def _check_layout(library: CDLL) -> None:
    expected = expected_layout()
    found = (c_uint64 * len(expected))()
    count = library.cxm_layout(found, len(expected))
    if count < len(expected):
        raise ImportError(
            f"cxm: {library._name} reports {count} struct members, {len(expected)} are needed: "
            "library and package are of different versions"
        )
    for (name, want), got in zip(expected, found):
        if want != got:
            raise ImportError(
                f"cxm: {name} is {got} in {library._name}, {want} in this package: library "
                "and package are of different versions"
            )


def _ready() -> CDLL:
    library = _load()
    _declare(library)
    _check_version(library)
    _check_layout(library)
    return library


lib: Any = _ready()


# ---- small helpers that everything else uses ---------------------------------------------------


def text(value: bytes | None) -> str:
    """Text of the library, which is UTF-8."""
    return "" if value is None else value.decode("utf-8", "replace")


def fail(error: Any, column: str | None = None) -> Error:
    """The exception for a failed call."""
    return Error(
        text(error.message) or text(lib.cxm_status_message(error.status)),
        status=text(lib.cxm_status_name(error.status)),
        column=text(error.column) or column,
        row=None if error.row < 0 else int(error.row),
        value=text(error.value) or None,
    )


def check(status: int, error: Any) -> None:
    """Turns a status into an exception."""
    if status:
        error.status = status
        raise fail(error)


__all__ = ["byref", "check", "fail", "lib", "text"]
