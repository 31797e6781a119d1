/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long customers stay (客户留存曲线): survival curves, competing risks of churn by reason
 * (自然、恶意、竞争、过失流失; 价值、系统、员工流失), comparison of groups.
 *
 * The tally is of the metric "survival": duration (0 or more; whole days are recommended), event
 * (0 still a customer: censored; 1 lost; or the cause 1 … K, named by the parameter `causes`) and
 * optionally entry, the time at which observation began. A customer is at risk at t when entry <
 * t <= duration; at one time events come before censorings. Tallies are tables of times: they
 * merge under any partition of the customers, bit for bit. At most 2^30 pairs of group and time
 * (more are CXM_ENOMEM), 64 causes, no survey weights. A duration below 0 is invalid, one that
 * is not above its entry is excluded as bad. */
#ifndef CXM_SURVIVAL_H
#define CXM_SURVIVAL_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a report of curves holds; bits. */
enum cxm_survival_rows {
    CXM_SURVIVAL_CURVE = 1,   /**< `survival` at every time at which somebody was lost or last seen */
    CXM_SURVIVAL_HAZARD = 2,  /**< `hazard`, cumulative, at these times */
    CXM_SURVIVAL_MEDIAN = 4   /**< `median` */
};

enum cxm_hazard { CXM_HAZARD_NELSON_AALEN = 0, CXM_HAZARD_TIED = 1 };

struct cxm_survival_options {
    size_t size;             /**< sizeof(struct cxm_survival_options) */
    double level;            /**< confidence level in (0, 1); 0: 0.95 */
    int32_t interval;        /**< CXM_INTERVAL_LOG_LOG (0 too), LOG, PLAIN, LOGIT, ARCSINE, NONE */
    uint32_t rows;           /**< bits of enum cxm_survival_rows; 0: the curve and the median */
    int32_t hazard;          /**< enum cxm_hazard */
    int32_t total;           /**< not 0: all groups together come last */
    int32_t few;             /**< bound of the warning below; 0: 5 */
    int32_t reserved;
    const double *quantiles; /**< shares lost, each in (0, 1]: rows `quantile[p]` */
    size_t n_quantiles;
    const double *taus;      /**< rows `rmst`, the restricted mean up to each */
    size_t n_taus;
    const double *times;     /**< the curve at these times instead, ascending */
    size_t n_times;
};

/**
 * Curves of a survival tally, a block of rows a group:
 *
 *   survival     S(t) = prod (1 - d / n) (Kaplan & Meier 1958), Greenwood's standard error
 *   hazard       H(t) = sum d / n, variance sum d / n^2 (Nelson 1969, Aalen 1978); TIED: sum of
 *                1 / (n - j), j < d, variance sum of the squares (Fleming & Harrington 1984)
 *   median, quantile[p]  smallest t with S(t) <= 1 - p; the middle of the step where S is 1 - p
 *                (within 1e-12); limits: the curve's limits read the same way (Brookmeyer &
 *                Crowley 1982); NaN with CENSORED when it is not reached
 *   rmst         area under S from 0 to tau, in the unit of the durations
 *
 * Axes: time, at_risk, events (of all causes), censored. With `times`, events and censored count
 * since the time before. A group without anybody is NaN with NO_DATA; where nothing but its curve
 * was asked for, which has no times, it has one row, `survival` without a time. Limits of S:
 * log-log S^exp(± z s / log S), s^2 = sum d / (n (n - d)); log S exp(± z s); plain S ± z s S;
 * logit; arcsine. S = 1 has no lower limit but with log and plain, S = 0 has none (DEGENERATE).
 * A time in `times` after the last one, where S > 0, is undefined (CENSORED).
 *
 * With entries, an early time at which few were at risk spoils the whole curve: SMALL_N on
 * it and all that follows where fewer than `few` were at risk at an event and more came in later;
 * at_risk of median, quantiles and rmst is then the smallest such number.
 *
 * @param out  the report; untouched on failure
 * @retval CXM_EINVAL  the tally is of another metric; an option is out of range; a tau is above
 *                     the longest time of a group whose S is not 0 there
 * @retval CXM_ENOMEM
 * Linear in times. Reads the tally and sorts it.                                 Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_survival(struct cxm_tally *tally, const struct cxm_survival_options *options,
                   struct cxm_report **out, struct cxm_error *error);

/**
 * Cumulative incidence of every cause (Aalen & Johansen 1978), a block of rows a group:
 *
 *   incidence[cause]  F_k(t) = sum over t_i <= t of S(t_i-) d_ki / n_i
 *   survival          S(t): S and all F_k add up to 1
 *
 * Standard error: the delta method of Betensky & Schoenfeld (2001). Limits: those of 1 - F. One
 * minus the Kaplan-Meier curve of one cause overstates it: it censors the other causes.
 * Of the options level, interval, total, few and times are used. Errors as cxm_tally_survival.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_incidence(struct cxm_tally *tally, const struct cxm_survival_options *options,
                    struct cxm_report **out, struct cxm_error *error);

struct cxm_logrank_options {
    size_t size;             /**< sizeof(struct cxm_logrank_options) */
    size_t n_strata;         /**< that many keys of the tally, the last ones, are strata */
    double rho, gamma;       /**< weights S(t-)^rho (1 - S(t-))^gamma, each 0 … 100 */
    int32_t pairwise;        /**< not 0: also each group with each, up to 200 groups */
    int32_t adjust;          /**< enum cxm_adjust_method of these; 0: Holm */
};

/**
 * Are the curves of the groups the same? Log-rank test (Mantel 1966) and its weighted forms
 * (Fleming & Harrington 1991) of any cause of loss:
 *
 *   logrank    (O - E)' V^-1 (O - E), axes statistic, df, p_value; NaN with NO_DATA where fewer
 *              than two groups could have events. df: groups that could, less one; fewer, with
 *              DEGENERATE, where some never were at risk beside others, as a group alone in
 *              its stratum: nothing can be said of it (NaN where that leaves none)
 *   observed, expected   sums of w d_j and w d n_j / n, a row a group
 *   pairwise   with that option: the test of every two groups as if there were no others; the group
 *              is the key, the other one the axis `against`; p_adjusted over all pairs
 *
 * with V = sum w^2 d (n_j / n)(delta_jk - n_k / n)(n - d) / (n - 1), of every stratum apart.
 * @retval CXM_EINVAL  another metric; no key is left for groups; more than 1 000 groups
 * @retval CXM_ENOMEM
 * Cost: times x groups^2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_logrank(struct cxm_tally *tally, const struct cxm_logrank_options *options,
                  struct cxm_report **out, struct cxm_error *error);

/* ---- from columns --------------------------------------------------------------------- */

struct cxm_duration_options {
    CXM_COMMON_OPTIONS;              /* weight, strata … must be NULL; all_measures is not used */
    const struct cxm_column *entry;  /**< when observation began; NULL: at 0, all of them */
    const char *const *causes;       /**< names of the causes 1 … n_causes; NULL: one event, */
    size_t n_causes;                 /**< or, for competing risks, see cxm_match_causes */
    const struct cxm_column *lost;   /**< competing risks: the flag of cxm_match_causes */
    const struct cxm_survival_options *curve; /**< further options, level, interval and total
                                                   of which are not used; NULL: defaults */
    const char *list;                /**< competing risks: the causes are those of a
                                          classification, see cxm_code_causes; NULL: none */
};

#define CXM_INIT_kaplan_meier .size = sizeof(struct cxm_duration_options)
#define CXM_INIT_competing_risks .size = sizeof(struct cxm_duration_options)

/** cxm_tally_survival of columns: its errors, and those of cxm_tally_add.
 *  @retval CXM_EDATA names the lowest row with an invalid value */
CXM_API CXM_NODISCARD enum cxm_status
cxm_kaplan_meier(const struct cxm_column *duration, const struct cxm_column *event,
                 const struct cxm_duration_options *options, struct cxm_report **out,
                 struct cxm_error *error);

/** cxm_tally_incidence of columns. Errors as cxm_kaplan_meier. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_competing_risks(const struct cxm_column *duration, const struct cxm_column *cause,
                    const struct cxm_duration_options *options, struct cxm_report **out,
                    struct cxm_error *error);

struct cxm_logrank_call {
    CXM_COMMON_OPTIONS;              /* `by` makes the groups; weight, strata … must be NULL */
    const struct cxm_column *entry;
    const struct cxm_column *within; /**< strata of the test; NULL: none */
    size_t n_within;                 /**< number of columns; 0 means 1 when `within` is set */
    double rho, gamma;
    int32_t pairwise, adjust;        /**< as in cxm_logrank_options */
};

#define CXM_INIT_logrank .size = sizeof(struct cxm_logrank_call)

/** cxm_tally_logrank of columns: its errors, and those of cxm_kaplan_meier. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_logrank(const struct cxm_column *duration, const struct cxm_column *event,
            const struct cxm_logrank_call *options, struct cxm_report **out,
            struct cxm_error *error);

/** Rows of cxm_durations. */
struct cxm_duration_counts {
    int64_t n;         /**< with a duration */
    int64_t missing;   /**< without a start */
    int64_t unseen;    /**< started after as_of */
    int64_t bad;       /**< ended before they started */
    int64_t subsecond; /**< 1: fractions of a second were cut off */
};

/**
 * How long customers stayed, from when they came and went, as known at an instant:
 *
 *   end <= as_of             lost: event 1, duration (end - start) / unit, cut to whole units
 *   no end, or a later one   still there: event 0, duration (as_of - start) / unit
 *
 * Rows without a start, that start after as_of or end before they start have duration NaN, which a
 * tally counts as missing, and are counted here.
 *
 * @param start, end  instants: timestamps, dates, whole seconds; end is missing for those who stay
 * @param as_of       seconds since 1970-01-01 UTC; an earlier one replays an earlier report
 * @param unit        seconds, 86400: days
 * @param[out] duration, event  start->n each, untouched on failure; counts may be NULL
 * @retval CXM_EINVAL  an argument is NULL or no instant, lengths differ, unit < 1
 * @retval CXM_EDATA   a value is no instant: error names the lowest row of its block of 1 024
 * @retval CXM_ENOMEM
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_durations(const struct cxm_column *start, const struct cxm_column *end, int64_t as_of,
              int64_t unit, double *duration, uint8_t *event, struct cxm_duration_counts *counts,
              struct cxm_error *error);

/** The name of a cause, cut at a character's end when it is longer. */
struct cxm_cause_name {
    char text[64];
};

/**
 * Causes as they stand in a table of customers -> codes 0 … K and the names of 1 … K.
 *
 * @param cause  whole numbers 0 … 64 without `lost`: the codes themselves, named "1", "2" …;
 *               otherwise any key: its distinct values in their order are the causes
 * @param lost   flag: 0 still a customer (code 0, whatever the cause), 1 lost; a lost customer
 *               without a cause gets the last cause, "unknown"; a missing flag is missing. NULL:
 *               only with numbers
 * @param codes  cause->n codes, 255 missing; a number outside 0 … 64 or with a fraction becomes
 *               254, which the tally refuses
 * @param names  room for 64
 * @param n_names  K, at least 1
 * @retval CXM_EINVAL  lengths differ; text without `lost`; more than 64 causes; two with the same
 *                     name (when cut); an argument NULL
 * @retval CXM_EDATA   a flag is neither 0 nor 1    @retval CXM_ENOMEM
 * On failure codes and names hold anything.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_match_causes(const struct cxm_column *cause, const struct cxm_column *lost, uint8_t *codes,
                 struct cxm_cause_name *names, size_t *n_names,
                 const struct cxm_allocator *allocator, struct cxm_error *error);

/* ---- classifications of causes -------------------------------------------------------- */

struct cxm_cause_info {
    const char *name;       /**< "natural", 自然流失 */
    const char *summary;    /**< what belongs to it */
};

/**
 * Why customers are lost, in fixed words: a list of causes with the codes 1 … n_causes, the last of
 * which is "unknown".
 *   churn_type     natural, malicious, competitive, fault, unknown
 *   churn_through  value, system, people, unknown
 *   churn_type_zh, churn_through_zh   the same codes with Chinese names: 自然流失、恶意流失、竞争流失、
 *                  过失流失; 价值流失、系统流失、员工流失
 * The presets of the same names (cxm_preset_find) have the names as the parameter `causes` of a
 * survival tally, and their source.
 */
struct cxm_cause_list {
    const char *name;                    /**< "churn_type" */
    const char *summary;
    const struct cxm_cause_info *causes; /**< of code 1, 2 … */
    size_t n_causes;
    const struct cxm_label *labels;      /**< texts in both languages -> code */
    size_t n_labels;
};

/** The list with that index, by name; NULL beyond the end. */
CXM_API const struct cxm_cause_list *cxm_cause_list_at(size_t index);
/** The list with that name; NULL when there is none. */
CXM_API const struct cxm_cause_list *cxm_cause_list_find(const char *name);

/**
 * A column of causes in the words of a list -> codes 0 … K for the tally.
 *
 * @param cause  codes 0 … K (1 … K with `lost`), or texts: names of the list in either language, or
 *               whatever the column's own labels say
 * @param lost   flag: 0 still a customer (code 0, whatever the cause), 1 lost; a lost customer
 *               without a cause is "unknown"; a missing flag is missing. NULL: numbers only
 * @param codes  cause->n codes, 255 missing; on failure they hold anything
 * @retval CXM_EINVAL  an argument is NULL, lengths differ, texts without `lost`
 * @retval CXM_EDATA   a cause that the list does not have, a flag that is none: error has its row
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_code_causes(const struct cxm_cause_list *list, const struct cxm_column *cause,
                const struct cxm_column *lost, uint8_t *codes, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
