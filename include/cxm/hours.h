/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Times of tickets: business hours (营业时间), waiting times that are not over yet, service-level
 * attainment (服务水平达成率).
 *
 * Instants are seconds UTC, finer units are floored, and INT64_MIN is missing unless the column has a
 * sentinel of its own; what happened after `as_of` is not known, so that a past report can be made
 * again. */
#ifndef CXM_HOURS_H
#define CXM_HOURS_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A half-open interval of seconds: [start, end). */
struct cxm_hours {
    int64_t start, end;
};

/** A day that is unlike the others: closed, or open in the intervals given. */
struct cxm_holiday {
    int64_t day;                    /**< local days since 1970-01-01 */
    const struct cxm_hours *hours;  /**< seconds of that day, disjoint, ascending; NULL: closed */
    size_t n_hours;
};

/** When time counts. */
struct cxm_schedule {
    size_t size;                    /**< sizeof(struct cxm_schedule) */
    const struct cxm_hours *week;   /**< seconds of the local week, Monday 00:00 is 0, up to
                                         604 800; disjoint, ascending */
    size_t n_week;
    const struct cxm_holiday *holidays; /**< ascending days; NULL: none */
    size_t n_holidays;
    int64_t utc_offset;             /**< seconds, local = UTC + offset */
    const struct cxm_zone_row *zone;/**< offsets that change, ascending; NULL: utc_offset */
    int64_t n_zone;
};

/**
 * Business seconds between two instants of every row:
 *
 *   G(until) - G(from),  G(t) = floor((t - M) / 604800) T + sum_i clamp(x - a_i, 0, b_i - a_i)
 *                               less the same of holidays, plus their own hours
 *
 * with t local, M a Monday 00:00, x = (t - M) mod 604800, T the total of a week. Additive over
 * adjacent intervals; 0 where both are equal, never less. Time is what passes: of open hours, those
 * that a change of the offset skips are not counted, those that it repeats are counted twice.
 *
 * @param seconds  a number a row: NaN where an instant is missing, or until < from (bad)
 * @param n_missing, n_bad  rows of either kind; may be NULL
 * @retval CXM_EINVAL  a schedule that has no hours, is not ascending or goes beyond its week or day,
 *                     offsets beyond 10^15 seconds; lengths differ
 * @retval CXM_EDATA   an instant that overflows, or is more than 10^15 seconds from 1970
 * @retval CXM_ENOMEM
 * On failure the outputs are as they were. Cost a row: the intervals of a week, log of the holidays.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_business_seconds(const struct cxm_column *from, const struct cxm_column *until,
                     const struct cxm_schedule *schedule, double *seconds, int64_t *n_missing,
                     int64_t *n_bad, struct cxm_error *error);

/**
 * How long every ticket waited, and whether the wait is over: the columns `duration` and `event` of
 * a survival tally. event 1: ended at or before as_of, duration = ended - opened; 0: still waiting,
 * duration = as_of - opened (censored). NaN and 0 for tickets that are missing an opening, opened
 * after as_of (unseen) or ended before they were opened (bad).
 *
 * @param schedule  NULL: calendar time
 * @param counts    rows that are missing, unseen, bad; may be NULL
 * Errors as cxm_business_seconds.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_ticket_durations(const struct cxm_column *opened, const struct cxm_column *ended,
                     int64_t as_of, const struct cxm_schedule *schedule, double *duration,
                     uint8_t *event, int64_t counts[3], uint32_t *flags,
                     struct cxm_error *error);

/* ---- service level --------------------------------------------------------------------- */

/** The state of a ticket. The numbers never change. */
enum cxm_sla_state {
    CXM_SLA_MET = 0,           /**< answered within the target, and due */
    CXM_SLA_MET_EARLY = 1,     /**< answered within the target, not due yet */
    CXM_SLA_BREACHED = 2,      /**< answered too late */
    CXM_SLA_BREACHED_OPEN = 3, /**< not answered, and due */
    CXM_SLA_PENDING = 4,       /**< not answered, not due yet */
    CXM_SLA_UNSEEN = 5,        /**< opened after as_of */
    CXM_SLA_BAD = 6,           /**< answered before it was opened */
    CXM_SLA_MISSING = 7        /**< no opening */
};

struct cxm_sla_options {
    CXM_COMMON_OPTIONS;
    int64_t as_of;             /**< seconds since 1970-01-01 UTC; required */
    const struct cxm_schedule *schedule; /**< NULL: calendar time */
    double target;             /**< seconds, >= 0; required */
    int32_t has_as_of;         /**< not 0: as_of was given */
    int32_t has_target;        /**< not 0: target was given */
};
#define CXM_INIT_sla .size = sizeof(struct cxm_sla_options)

/**
 * Service-level attainment: the share of tickets that were answered within `target` seconds, limits
 * closed (exactly at the target is met; due exactly at as_of is due).
 *
 *   sla      met / (met + breached) of the tickets whose deadline is not after as_of: the default
 *   closed   of all that were answered: flattering, who waits does not count
 *   known    of the due ones and those answered early: flattering for young tickets
 *
 * For the version that uses waits which are not over yet see cxm_sla_km. Rows as cxm_nps; errors as
 * cxm_business_seconds.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_sla(const struct cxm_column *opened, const struct cxm_column *answered,
        const struct cxm_sla_options *options, struct cxm_row *rows, size_t row_bytes,
        size_t capacity, size_t *n_out, struct cxm_error *error);

/**
 * The same with the tickets that still wait, for as long as they were watched: 1 - S(target), S the
 * curve of Kaplan & Meier (1958) of the waits. A row a group, measure "km": std_error by Greenwood,
 * interval one of those of survival curves (log-log), axes `at_risk` (waits as long as the target)
 * and `events` (answers within it). n are all tickets seen; unseen and bad ones are excluded.
 * CENSORED and NaN where every wait is shorter than the target and some are not over.
 * Options and errors as cxm_sla; no weights and no design. 10 bytes a row while it runs.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_sla_km(const struct cxm_column *opened, const struct cxm_column *answered,
           const struct cxm_sla_options *options, struct cxm_report **out,
           struct cxm_error *error);

/** The state of every ticket, in their order: the column `state` of a tally of "sla".
 *  @param states  a byte a row, enum cxm_sla_state   @param flags  SUBSECOND, ALL_AFTER_AS_OF; may be NULL
 *  @retval CXM_EINVAL  target is negative or no number; states is NULL
 *  Other errors and cost as cxm_business_seconds; on failure the outputs are as they were. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_sla_states(const struct cxm_column *opened, const struct cxm_column *answered,
               double target, int64_t as_of, const struct cxm_schedule *schedule,
               uint8_t *states, uint32_t *flags, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
