/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results: one row per group and measure. Every number carries its standard error, interval,
 * base and flags; the tally that it was read from names its measure, group and definition. */
#ifndef CXM_RESULT_H
#define CXM_RESULT_H

#include <cxm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a number is undefined or to be read with care; bits of cxm_estimate.flags. */
enum cxm_flag {
    CXM_FLAG_NO_DATA = 1 << 0,        /**< no usable row: the value is NaN */
    CXM_FLAG_CLIPPED = 1 << 1,        /**< a limit was cut at the end of the scale */
    CXM_FLAG_DEGENERATE = 1 << 2,     /**< all values equal: the variance is 0 */
    CXM_FLAG_SMALL_N = 1 << 3,        /**< n or n_eff below 30 (or the caller's bound) */
    CXM_FLAG_OFF_CENTRE = 1 << 4,     /**< the interval does not contain the value */
    CXM_FLAG_CENSORED = 1 << 5,
    CXM_FLAG_PROVISIONAL = 1 << 6,
    CXM_FLAG_SUBSECOND = 1 << 7,      /**< instants were floored to the second */
    CXM_FLAG_ALL_AFTER_AS_OF = 1 << 8,
    CXM_FLAG_MISSING_KEY = 1 << 9,    /**< the group of rows whose key is missing */
    CXM_FLAG_ASYMPTOTIC = 1 << 10,    /**< a large-sample form stood in for the exact one */
    CXM_FLAG_ORPHAN = 1 << 11,
    CXM_FLAG_INCONSISTENT = 1 << 12,
    CXM_FLAG_NOT_CONVERGED = 1 << 13
};

/** What the numbers are measured in. */
enum cxm_unit {
    CXM_UNIT_SHARE = 0,        /**< in [0, 1], never percent */
    CXM_UNIT_POINTS = 1,       /**< NPS -100 … 100, indexes 0 … 100 */
    CXM_UNIT_SCALE = 2,        /**< the scale of the answers or of the column */
    CXM_UNIT_RATIO = 3,
    CXM_UNIT_SECONDS = 4,
    CXM_UNIT_COUNT = 5,
    CXM_UNIT_PER_CUSTOMER = 6,
    CXM_UNIT_PER_1000 = 7,
    CXM_UNIT_MONEY = 8
};

/** What n counts. */
enum cxm_base_kind {
    CXM_BASE_RESPONSES = 0, CXM_BASE_TICKETS = 1, CXM_BASE_CONTACTS = 2,
    CXM_BASE_ISSUES = 3, CXM_BASE_CUSTOMERS = 4, CXM_BASE_ACCOUNTS = 5
};

/** Why a row that could be read is not part of the base. */
enum cxm_reason {
    CXM_REASON_ZERO_WEIGHT = 0, CXM_REASON_NOT_IN_DENOMINATOR = 1, CXM_REASON_GROUP_LEFT_OUT = 2,
    CXM_REASON_PENDING = 3, CXM_REASON_EARLY_REPEAT = 4, CXM_REASON_OPEN = 5,
    CXM_REASON_UNSEEN = 6, CXM_REASON_BAD = 7, CXM_REASON_UNLINKED = 8, CXM_REASON_ORPHAN = 9
};
enum { CXM_N_REASONS = 10 };

/** How an interval was computed; CXM_INTERVAL_DEFAULT lets each measure choose. */
enum cxm_interval {
    CXM_INTERVAL_DEFAULT = 0,
    CXM_INTERVAL_NONE = 1,
    CXM_INTERVAL_WALD = 2,
    CXM_INTERVAL_WALD_T = 3,
    CXM_INTERVAL_T = 4,               /**< mean, t with n - 1 (or the design's) degrees */
    CXM_INTERVAL_ADJUSTED_WALD = 5,   /**< NPS: + 3/4, 1 1/2, 3/4 (Rocks 2016) */
    CXM_INTERVAL_ADJUSTED_WALD_U = 6, /**< NPS: + 1, 1, 1 */
    CXM_INTERVAL_ADJUSTED_WALD_TZ = 7,/**< NPS: + z^2/4, z^2/2, z^2/4 */
    CXM_INTERVAL_ADJUSTED_WALD_UZ = 8,/**< NPS: + z^2/3 each */
    CXM_INTERVAL_SCORE = 9,           /**< NPS: Tango 1998 */
    CXM_INTERVAL_CONTRAST = 10,
    CXM_INTERVAL_GOODMAN = 11,
    CXM_INTERVAL_BOOTSTRAP = 12,
    CXM_INTERVAL_BCA = 13,
    CXM_INTERVAL_WILSON = 14,
    CXM_INTERVAL_WILSON_CC = 15,
    CXM_INTERVAL_AGRESTI_COULL = 16,
    CXM_INTERVAL_CLOPPER_PEARSON = 17,
    CXM_INTERVAL_JEFFREYS = 18,
    CXM_INTERVAL_MID_P = 19,
    CXM_INTERVAL_LOGIT = 20,
    CXM_INTERVAL_GARWOOD = 21,        /**< counts per exposure, exact Poisson */
    CXM_INTERVAL_KORN_GRAUBARD = 22,  /**< shares of a sampling design: beta on effective counts */
    CXM_INTERVAL_NEWCOMBE = 23,       /**< two shares: hybrid score */
    CXM_INTERVAL_AGRESTI_CAFFO = 24,  /**< two shares: + 1 success and 1 failure each */
    CXM_INTERVAL_WELCH = 25,          /**< two means: t, unequal variances */
    CXM_INTERVAL_POOLED_T = 26,       /**< two means: t, equal variances */
    CXM_INTERVAL_ADJUSTED_WALD_HALF = 27, /**< two NPS: half of the constants in each */
    CXM_INTERVAL_PERMUTATION = 28,    /**< a test without limits */
    CXM_INTERVAL_LOG_LOG = 29,        /**< survival: on log(-log S) */
    CXM_INTERVAL_LOG = 30,            /**< on the logarithm */
    CXM_INTERVAL_PLAIN = 31,          /**< survival: S ± z std_error */
    CXM_INTERVAL_ARCSINE = 32,        /**< survival: on arcsine of the square root */
    CXM_INTERVAL_ORDER_STATISTIC = 33,/**< quantiles: binomial ranks */
    CXM_INTERVAL_EXACT = 34,          /**< exact, by the distribution that the analysis names */
    CXM_INTERVAL_CONTROL = 35         /**< control limits of a chart, not of an estimate */
};

/** "wilson", "adjusted-wald" … as in Python and SQL; never NULL. */
CXM_API const char *cxm_interval_name(enum cxm_interval interval);
/** "95 % adjusted Wald" style wording without the level: "adjusted Wald"; never NULL. */
CXM_API const char *cxm_interval_title(enum cxm_interval interval);
/** The interval with that name; -1 when there is none. */
CXM_API int cxm_interval_from_name(const char *name);
CXM_API const char *cxm_unit_name(enum cxm_unit unit);
CXM_API const char *cxm_base_name(enum cxm_base_kind base);
CXM_API const char *cxm_reason_name(enum cxm_reason reason);
/** The name of one flag bit, such as "SMALL_N"; NULL for a bit without a name. */
CXM_API const char *cxm_flag_name(uint32_t flag);

/** The group index that stands for all groups merged. */
#define CXM_TOTAL (-1)

/**
 * One number and what is known about it. Undefined numbers are NaN, and a flag says why.
 * Rows given = n + missing + invalid + excluded.
 */
struct cxm_estimate {
    double value;
    double std_error;     /**< same unit as value */
    double lower, upper;  /**< limits, inside the range of the scale */
    double lower_raw, upper_raw; /**< limits before they were clipped */
    double level;         /**< confidence level, such as 0.95 */
    double sum_weight;    /**< sum of the weights; n without weights */
    double n_eff;         /**< Kish's effective n; n without weights */
    double df;            /**< degrees of freedom of the interval; +inf for normal limits */
    int64_t n;            /**< rows used (copies, with freq) */
    int64_t missing, invalid, excluded;
    int64_t group;        /**< index of the group in sorted order, or CXM_TOTAL */
    uint32_t measure;     /**< index into cxm_tally_measures */
    uint32_t interval;    /**< enum cxm_interval that was used */
    uint32_t unit;        /**< enum cxm_unit */
    uint32_t base;        /**< enum cxm_base_kind */
    uint32_t flags;       /**< enum cxm_flag */
    uint32_t reserved;
};

/** One line of a report: an estimate with its names inside, as the one-call functions give. */
struct cxm_row {
    struct cxm_estimate estimate;
    char metric[24];
    char measure[72];
    char group[96];       /**< the key as text, "" when there are no groups; several: "a, b" */
    char definition[216]; /**< "nps/0-10/6-9"; ends in "…" when it was too long */
};

#ifdef __cplusplus
}
#endif

#endif
