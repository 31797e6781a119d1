/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cohort matrices: of the customers who began in one period, the share who came back in each
 * period after it. What cannot be known yet is NaN and flagged, never 0. */
#ifndef CXM_COHORTS_H
#define CXM_COHORTS_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cxm_cohort_mode {
    CXM_COHORTS_CALENDAR = 0, /**< column = period of the event - period of the start */
    CXM_COHORTS_ROLLING = 1   /**< column = floor((event - start) / length) */
};
enum cxm_cohort_criterion {
    CXM_COHORTS_ON = 0,          /**< an event in the column (N-day, "return on") */
    CXM_COHORTS_ON_OR_AFTER = 1  /**< in the column or any later one (unbounded) */
};
enum cxm_cohort_denominator {
    CXM_COHORTS_OF_COHORT = 0,   /**< a cell is known when it is over for the whole cohort */
    CXM_COHORTS_OF_CUSTOMERS = 1 /**< … for a customer: rolling cells use all who had the time */
};

struct cxm_cohorts_options {
    size_t size;                        /**< sizeof(struct cxm_cohorts_options) */
    const struct cxm_column *by;        /**< keys of groups, of each event */
    size_t n_by;                        /**< 0 means 1 when `by` is set; at most 6 */
    const struct cxm_column *start_flag;/**< yes: the event is a start, not a return; missing: no */
    const struct cxm_column *start_time;/**< instants: when the customer of the row began */
    int64_t as_of;                      /**< seconds UTC: later events are not seen */
    int32_t has_as_of;                  /**< must be set: the time up to which all is known */
    int32_t unit;                       /**< enum cxm_calendar; 0: month */
    int64_t length;                     /**< seconds of a period, instead of `unit`; 0: none */
    int32_t rows;                       /**< enum cxm_calendar of the cohorts; 0: the unit */
    int32_t mode;                       /**< enum cxm_cohort_mode */
    int32_t criterion;                  /**< enum cxm_cohort_criterion */
    int32_t denominator;                /**< enum cxm_cohort_denominator */
    const int64_t *brackets;            /**< edges b_0 < b_1 …: columns [b_j, b_j+1) in units */
    size_t n_brackets;                  /**< number of edges; one column less */
    int64_t n_periods;                  /**< columns; 0: all that have begun at as_of */
    int64_t utc_offset;                 /**< seconds east of UTC: where periods begin */
    const struct cxm_zone_row *zone;    /**< instead of utc_offset, where there are rows: for periods
                                             of the calendar, EINVAL for those of a `length` */
    int64_t n_zone;
    int32_t hour_floor;                 /**< instants floored to the local hour first (Amplitude) */
    int32_t invalid;                    /**< enum cxm_invalid */
    int32_t threads;                    /**< 0: this thread only */
    int32_t interval;                   /**< enum cxm_interval of shares; 0: Wilson */
    int32_t has_utc_offset;             /**< needed for instants of a named zone */
    int32_t reserved;
    double level;                       /**< 0: 0.95 */
};

#define CXM_INIT_cohorts .size = sizeof(struct cxm_cohorts_options)

/** Rows of events by what became of them: their sum is the number given. */
struct cxm_cohorts_base {
    int64_t used, missing, invalid;
    int64_t unseen;             /**< after as_of */
    int64_t unlinked;           /**< of customers without a start */
    int64_t early;              /**< before the start of their customer */
    int64_t customers;          /**< with a start, in all groups */
    int64_t customers_unlinked; /**< without one */
    uint32_t flags;             /**< SUBSECOND, ALL_AFTER_AS_OF (milliseconds, perhaps?) */
    uint32_t reserved;
};

/**
 * Counts events into a tally of the metric "cohorts", with the keys `by` …, cohort (the first
 * day of the period; with `length` its first second), period (0, 1, 2 …; with brackets the
 * first unit of the bracket). Tallies of disjoint customers merge.
 *
 * The start of a customer is the first event, or the earliest start given; events before it are
 * ignored, and customers without one are left out (`unlinked`). Rolling lengths are a day, 7
 * days, 30 days (month), 90 (quarter) or 365 (year); start = event is column 0. A rolling cell of
 * a cohort is known when the end of the cohort + (k + 1) lengths <= as_of, a calendar cell when
 * the period is over at as_of. A customer with events in two groups belongs to both. Events in
 * any order; results do not depend on it.
 *
 * Dates are local days, in the same period whatever the offset. Beside instants (events or starts)
 * and before as_of they are the instants at which these days begin by utc_offset or the zone table;
 * where a clock is set forward over midnight, the change. Where all times are dates, a day is 24
 * hours on any day, also for rolling columns.
 *
 * @param base  may be NULL
 * @retval CXM_EINVAL     has_as_of is not set; an option is wrong; lengths differ; instants of a
 *                        named zone without utc_offset or zone table; more than 2^26 cells
 * @retval CXM_EDATA      a key or instant is invalid: error has its row, column and value
 * @retval CXM_EOVERFLOW  more than 2^32 - 1 rows  @retval CXM_ENOMEM
 * Customers with ids as close whole numbers in up to 64 calendar periods take one pass and 4 or
 * 8 bytes an id and thread; all else is sorted: 8 bytes a row, 16 for ids that lie far apart, and
 * 8 more with starts of their own (32 for rows whose instants lie far from the others). Safe from
 * any thread.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_cohorts_tally(const struct cxm_column *customer, const struct cxm_column *time,
                  const struct cxm_cohorts_options *options,
                  const struct cxm_allocator *allocator, struct cxm_tally **out,
                  struct cxm_cohorts_base *base, struct cxm_error *error);

/**
 * The matrix of such a tally: for each group and cohort a row "retention" a period (axes cohort,
 * period; base = the customers of the cell), then for each period of the group
 *   pooled         sum retained / sum of customers, over known cells only
 *   simple_mean    mean of the known rates, a cohort a vote
 *   size_weighted  sum size retained / sum size^2, as Mixpanel documents its average
 * Empty cohorts between the first and the last have their rows, NaN.
 *
 * @param base  NULL, or what cxm_cohorts_tally said: rows "events" and "excluded" (axis reason)
 * @param[out] out  untouched on failure
 * @retval CXM_EINVAL  not a tally of cohorts; a level or interval that is none   @retval CXM_ENOMEM
 * Sorts the keys in place. Linear in the cells of the matrix.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_cohorts_report(struct cxm_tally *tally, double level, int32_t interval,
                   const struct cxm_cohorts_base *base, struct cxm_report **out,
                   struct cxm_error *error);

/** Both in one: events to matrix. Errors as above. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_cohorts(const struct cxm_column *customer, const struct cxm_column *time,
            const struct cxm_cohorts_options *options, struct cxm_report **out,
            struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
