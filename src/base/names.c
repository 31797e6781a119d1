/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of units, bases, reasons, flags and intervals: one table each. */
#include "base/base.h"

#include <cxm/result.h>

#include <string.h>

static const char *const units[] = { "share", "points", "scale", "ratio", "seconds",
                                     "count", "per customer", "per 1000", "money" };
static const char *const bases[] = { "responses", "tickets", "contacts",
                                     "issues", "customers", "accounts" };
static const char *const reasons[] = { "zero_weight", "not_in_denominator", "group_left_out",
                                       "pending", "early_repeat", "open", "unseen", "bad",
                                       "unlinked", "orphan" };
static const char *const flags[] = { "NO_DATA", "CLIPPED", "DEGENERATE", "SMALL_N",
                                     "OFF_CENTRE", "CENSORED", "PROVISIONAL", "SUBSECOND",
                                     "ALL_AFTER_AS_OF", "MISSING_KEY", "ASYMPTOTIC", "ORPHAN",
                                     "INCONSISTENT", "NOT_CONVERGED" };
static const struct interval_text {
    const char *name, *title;
} intervals[] = {
    [CXM_INTERVAL_DEFAULT] = { "default", "default" },
    [CXM_INTERVAL_NONE] = { "none", "no interval" },
    [CXM_INTERVAL_WALD] = { "wald", "Wald" },
    [CXM_INTERVAL_WALD_T] = { "wald-t", "Wald t" },
    [CXM_INTERVAL_T] = { "t", "t" },
    [CXM_INTERVAL_ADJUSTED_WALD] = { "adjusted-wald", "adjusted Wald" },
    [CXM_INTERVAL_ADJUSTED_WALD_U] = { "adjusted-wald-u", "adjusted Wald (1, 1, 1)" },
    [CXM_INTERVAL_ADJUSTED_WALD_TZ] = { "adjusted-wald-tz", "adjusted Wald (z^2)" },
    [CXM_INTERVAL_ADJUSTED_WALD_UZ] = { "adjusted-wald-uz", "adjusted Wald (z^2/3)" },
    [CXM_INTERVAL_SCORE] = { "score", "score" },
    [CXM_INTERVAL_CONTRAST] = { "contrast", "simultaneous contrast" },
    [CXM_INTERVAL_GOODMAN] = { "goodman", "Goodman" },
    [CXM_INTERVAL_BOOTSTRAP] = { "bootstrap", "exact bootstrap" },
    [CXM_INTERVAL_BCA] = { "bca", "exact BCa bootstrap" },
    [CXM_INTERVAL_WILSON] = { "wilson", "Wilson" },
    [CXM_INTERVAL_WILSON_CC] = { "wilson-cc", "Wilson with continuity correction" },
    [CXM_INTERVAL_AGRESTI_COULL] = { "agresti-coull", "Agresti-Coull" },
    [CXM_INTERVAL_CLOPPER_PEARSON] = { "clopper-pearson", "Clopper-Pearson" },
    [CXM_INTERVAL_JEFFREYS] = { "jeffreys", "Jeffreys" },
    [CXM_INTERVAL_MID_P] = { "mid-p", "mid-p" },
    [CXM_INTERVAL_LOGIT] = { "logit", "logit" },
    [CXM_INTERVAL_GARWOOD] = { "garwood", "Garwood" },
    [CXM_INTERVAL_KORN_GRAUBARD] = { "korn-graubard", "Korn-Graubard" },
    [CXM_INTERVAL_NEWCOMBE] = { "newcombe", "Newcombe" },
    [CXM_INTERVAL_AGRESTI_CAFFO] = { "agresti-caffo", "Agresti-Caffo" },
    [CXM_INTERVAL_WELCH] = { "welch", "Welch" },
    [CXM_INTERVAL_POOLED_T] = { "pooled-t", "pooled t" },
    [CXM_INTERVAL_ADJUSTED_WALD_HALF] = { "adjusted-wald-half", "adjusted Wald (half)" },
    [CXM_INTERVAL_PERMUTATION] = { "permutation", "permutation" },
    [CXM_INTERVAL_LOG_LOG] = { "log-log", "log-log" },
    [CXM_INTERVAL_LOG] = { "log", "log" },
    [CXM_INTERVAL_PLAIN] = { "plain", "plain" },
    [CXM_INTERVAL_ARCSINE] = { "arcsine", "arcsine" },
    [CXM_INTERVAL_ORDER_STATISTIC] = { "order-statistic", "order statistic" },
    [CXM_INTERVAL_EXACT] = { "exact", "exact" },
    [CXM_INTERVAL_CONTROL] = { "control", "control limits" },
};

static const char *text_of(const char *const *table, size_t n, unsigned index)
{
    return index < n ? table[index] : "unknown";
}

const char *cxm_unit_name(enum cxm_unit unit)
{
    return text_of(units, CXM_COUNT(units), (unsigned)unit);
}

const char *cxm_base_name(enum cxm_base_kind base)
{
    return text_of(bases, CXM_COUNT(bases), (unsigned)base);
}

const char *cxm_reason_name(enum cxm_reason reason)
{
    return text_of(reasons, CXM_COUNT(reasons), (unsigned)reason);
}

const char *cxm_flag_name(uint32_t flag)
{
    for (size_t i = 0; i < CXM_COUNT(flags); i++) {
        if (flag == 1u << i)
            return flags[i];
    }
    return NULL;
}

const char *cxm_interval_name(enum cxm_interval interval)
{
    return (unsigned)interval < CXM_COUNT(intervals) ? intervals[interval].name : "unknown";
}

const char *cxm_interval_title(enum cxm_interval interval)
{
    return (unsigned)interval < CXM_COUNT(intervals) ? intervals[interval].title : "unknown";
}

int cxm_interval_from_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(intervals); i++) {
        if (strcmp(name, intervals[i].name) == 0)
            return (int)i;
    }
    return -1;
}
