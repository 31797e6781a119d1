/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Service operations: resolution (问题解决率), reopened and escalated tickets, complaints (抱怨率),
 * contacts per customer, backlog (积压), rates standardised to a reference mix. */
#ifndef CXM_SERVICE_H
#define CXM_SERVICE_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- resolution ----------------------------------------------------------------------- */

/** Tickets with their times. Set `size`; zero members mean none or the default. */
struct cxm_tickets {
    size_t size;                        /**< sizeof(struct cxm_tickets) */
    const struct cxm_column *opened;    /**< instants; missing: a missing row */
    const struct cxm_column *resolved;  /**< instants; missing, or after as_of: not resolved */
    const struct cxm_column *by;        /**< keys of the groups */
    size_t n_by;                        /**< 0 means 1 when `by` is set */
    int64_t as_of;                      /**< seconds since 1970 UTC: what was known then */
    int64_t period_start, period_end;   /**< [start, end); both 0: all time */
    int32_t invalid;                    /**< enum cxm_invalid */
    int32_t missing_key;                /**< enum cxm_missing_key */
    int32_t threads;                    /**< 0: this thread only */
    int32_t reserved;
};

/**
 * Adds tickets to a tally of "resolution". With [s, e) the period and A = as_of:
 *
 *   resolution  resolved (<= A) / opened, of the tickets opened in the period: at most 1. Young
 *               tickets depress it: the parameter within = D > 0 asks for resolved within D
 *               seconds, of the tickets with opened + D <= A
 *   clearance   resolved in the period / opened in the period: two flows, may exceed 1
 *
 * Opened after A: unseen. Resolved before it was opened: bad. Tickets outside the period are not
 * in the denominator. Rows may come in any chunks.
 * @retval CXM_EINVAL  another metric, a column is missing, lengths differ, the period is reversed
 * @retval CXM_EDATA   an instant out of range: the lowest such row  @retval CXM_ENOMEM
 * On failure the tally is as it was. Linear; 2 bytes a row while it runs. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_add_tickets(struct cxm_tally *tally, const struct cxm_tickets *tickets,
                      struct cxm_error *error);

/* ---- rates of tickets and of customers ------------------------------------------------ */

struct cxm_service_options {
    CXM_COMMON_OPTIONS;
};

#define CXM_INIT_reopen .size = sizeof(struct cxm_service_options)
#define CXM_INIT_escalation CXM_INIT_reopen
#define CXM_INIT_complaints CXM_INIT_reopen
#define CXM_INIT_contact_rate CXM_INIT_reopen

/**
 * Reopened tickets (重新打开率): tickets with one reopening or more / tickets ever resolved, Wilson;
 * reopens_per_ticket is the mean number (t).
 * @param reopens   whole numbers   @param resolved  yes or no; NULL: all are resolved
 *
 * Missing answers (null, NaN, missing codes) are counted and left out. Undefined results are
 * NaN with a flag, status CXM_OK. Rows and errors as cxm_share.   Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_reopen(const struct cxm_column *reopens, const struct cxm_column *resolved,
           const struct cxm_service_options *options, struct cxm_row *rows, size_t row_bytes,
           size_t capacity, size_t *n_out, struct cxm_error *error);

/** Escalated tickets (升级率): escalated / opened, Wilson. Rows and errors as cxm_share. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_escalation(const struct cxm_column *escalated, const struct cxm_service_options *options,
               struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
               struct cxm_error *error);

/**
 * Complaints per 1 000 customers (投诉率): 1000 sum of complaints / customers, exact Poisson limits
 * (Garwood 1936), std_error 1000 sqrt(complaints) / customers; interval "t" takes the spread
 * between rows instead. A row is a customer, or with `customers` any number of them.
 * complainers (抱怨率): customers with a complaint / customers, Wilson; rows of one customer only.
 * Rows and errors as cxm_share.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_complaints(const struct cxm_column *complaints, const struct cxm_column *customers,
               const struct cxm_service_options *options, struct cxm_row *rows,
               size_t row_bytes, size_t capacity, size_t *n_out, struct cxm_error *error);

/**
 * Contacts per active customer (联系率): sum of contacts / customers. Contacts cluster by customer,
 * so the error is that of the mean of the customers' numbers, those without contact included:
 * sd / sqrt(n), t. interval "garwood" is for counts whose variance is about their mean.
 * Rows and errors as cxm_share.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_contact_rate(const struct cxm_column *contacts, const struct cxm_column *customers,
                 const struct cxm_service_options *options, struct cxm_row *rows,
                 size_t row_bytes, size_t capacity, size_t *n_out, struct cxm_error *error);

/**
 * Contacts of every active customer, from a log of contacts: the column `contacts` of contact_rate,
 * those without any as 0.
 *
 * @param customer  whose each contact was, one a row    @param active  ids of the active customers
 * @param contacts  active->n numbers, in the order of `active`; INT64_MIN where an id is missing
 * @param unlinked  contacts without an id, or of nobody on the list; may be NULL
 * @retval CXM_EINVAL  the ids are of different kinds  @retval CXM_EDATA  a customer is listed twice
 * @retval CXM_EUNSUPPORTED  ids as ordered categories  @retval CXM_ENOMEM
 * On failure `contacts` holds anything. Linear, one hash look-up an id. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_contact_counts(const struct cxm_column *customer, const struct cxm_column *active,
                   int64_t *contacts, int64_t *unlinked, const struct cxm_allocator *allocator,
                   struct cxm_error *error);

/* ---- analyses ------------------------------------------------------------------------- */

struct cxm_backlog_options {
    size_t size;                      /**< sizeof(struct cxm_backlog_options) */
    const struct cxm_column *by;      /**< keys of the groups; NULL: one group */
    size_t n_by;                      /**< 0 means 1 when `by` is set */
    const int64_t *at;                /**< instants, seconds since 1970 UTC; NULL: none */
    size_t n_at;
    int64_t period_start, period_end; /**< [start, end); both 0: no period */
    int64_t as_of;                    /**< later openings and resolutions are not known */
    int32_t has_as_of;                /**< 0: everything is known */
    int32_t invalid;                  /**< enum cxm_invalid */
};
#define CXM_INIT_backlog .size = sizeof(struct cxm_backlog_options)

/**
 * The backlog (积压量): tickets opened at or before t and not resolved at t, for every instant of
 * `at`; and with a period its average over time (Little 1961), and how many came and went:
 *
 *   backlog(end) = backlog(start) + opened - resolved
 *
 * Rows by group: measure "backlog" for each instant (axis `time`), for a period "backlog" at both
 * ends, "backlog_average", "opened" (in (start, end]) and "resolved" (the same). Exact counts, no
 * interval. Tickets that were resolved before they were opened are excluded.
 * @retval CXM_EINVAL  no instants and no period, reversed period, lengths differ, as_of before an
 *                     instant asked for  @retval CXM_EDATA  @retval CXM_ENOMEM
 * Cost: n log n of the instants a ticket. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_backlog(const struct cxm_column *opened, const struct cxm_column *resolved,
            const struct cxm_backlog_options *options, struct cxm_report **out,
            struct cxm_error *error);

/** How the rows of a breakdown are ordered. */
enum cxm_breakdown_order {
    CXM_BREAKDOWN_BY_COUNT = 0, /**< the largest first, equal ones by key (Pareto) */
    CXM_BREAKDOWN_BY_KEY = 1
};

struct cxm_breakdown_options {
    size_t size;          /**< sizeof(struct cxm_breakdown_options) */
    double level;         /**< 0: 0.95 */
    int32_t interval;     /**< enum cxm_interval of shares; 0: Wilson */
    int32_t order;        /**< enum cxm_breakdown_order */
    size_t n_within;      /**< shares add up within the values of that many keys, the first ones */
};
#define CXM_INIT_breakdown .size = sizeof(struct cxm_breakdown_options)

/**
 * Shares of the groups in the rows (渠道构成): contacts by channel, complaints by cause (帕累托分析).
 *
 *   share       rows of the group / rows of all of them, in [0, 1]; Wilson limits
 *
 * Rows are those given: used, missing, invalid and excluded ones, copies by `freq`. A row a group,
 * with the axes `count` (its rows), `rank` (1: most; equal counts share the lowest number) and
 * `cumulative` (share of the groups so far, in the order of the report). With n_within keys, such
 * as the month, each of their values has shares of its own.
 * @param tally  of any metric, with keys, without weights
 * @retval CXM_EINVAL  no key is left, a level, order or interval that is none
 * @retval CXM_EUNSUPPORTED  weights  @retval CXM_ENOMEM
 * `out` is untouched on failure. n log n of the groups. Juran 1951. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_breakdown(struct cxm_tally *tally, const struct cxm_breakdown_options *options,
              struct cxm_report **out, struct cxm_error *error);

struct cxm_standardise_options {
    size_t size;          /**< sizeof(struct cxm_standardise_options) */
    double level;         /**< 0: 0.95 */
    const char *measure;  /**< NULL: the headline */
};
#define CXM_INIT_standardise .size = sizeof(struct cxm_standardise_options)

/**
 * A rate with the groups in reference proportions (标准化率), so that two periods or teams with
 * another mix of channels compare: sum_k w_k p_k, variance sum_k w_k^2 V_k, normal limits (t limits
 * are not known for such sums). Under a sampling design the groups share its units: the variance is
 * sum_jk w_j w_k V_jk, the limits are t(units - strata). Limits end where the scale of the measure
 * does (CLIPPED). One row without a key for the standardised rate (measure
 * "standardised"), then one for every group, with the axes `share` (its part of the rows used)
 * and `reference` (w_k).
 *
 * @param tally   with groups   @param shares  one for each group in sorted order, >= 0, sum 1; a sum
 *                that rounding left within 1e-6 of it is made 1
 * @retval CXM_EINVAL  no groups, n is not their number, shares that do not sum to 1 (1e-6), an
 *                     unknown measure  @retval CXM_ENOMEM
 * @retval CXM_EUNSUPPORTED  more than 2000 groups under a sampling design   @retval CXM_ELONELY as
 *                     cxm_tally_estimate
 * A group that has a share but no number makes the result undefined: NaN with NO_DATA.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_standardise(struct cxm_tally *tally, const double *shares, size_t n,
                const struct cxm_standardise_options *options, struct cxm_report **out,
                struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
