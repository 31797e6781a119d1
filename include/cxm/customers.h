/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers from their records: histories, stages of the life cycle (新客户 / 活跃客户 / 沉睡客户 /
 * 流失客户), recency-frequency-monetary scores.
 *
 * Records come in any order; all records of a customer must be in one call. Instants are seconds
 * UTC, finer units are floored; records after `as_of` are unseen, so that a past report can be
 * made again. */
#ifndef CXM_CUSTOMERS_H
#define CXM_CUSTOMERS_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the records of one customer say, up to as_of. */
struct cxm_history {
    int64_t row;        /**< the customer's latest record (lowest row among equal instants) */
    int64_t first, last;/**< seconds since 1970-01-01 UTC; the start of the day with `days` */
    int64_t orders;     /**< distinct instants, or days */
    double amount;      /**< sum of the amounts; NaN when one is missing; 0 without a column */
    double frequency;   /**< orders - 1: repeat orders */
    double recency;     /**< (last - first) / unit */
    double age;         /**< (as_of - first) / unit */
    double idle;        /**< (as_of - last) / unit */
    double value;       /**< mean amount of the repeat orders; NaN without any */
};

/** Rows that are no part of a history. */
struct cxm_history_base {
    int64_t rows, used;
    int64_t missing;    /**< without an instant */
    int64_t unlinked;   /**< without a customer */
    int64_t unseen;     /**< after as_of */
    uint32_t flags;     /**< SUBSECOND, ALL_AFTER_AS_OF */
    uint32_t reserved;
};

struct cxm_history_options {
    size_t size;                     /**< sizeof(struct cxm_history_options) */
    const struct cxm_column *amount; /**< any number; NULL: none */
    int64_t as_of;                   /**< seconds since 1970-01-01 UTC; required */
    double unit;                     /**< seconds in a unit of recency, age, idle; 0: a week */
    int64_t utc_offset;              /**< seconds east of UTC: where days begin, those of dates too */
    int32_t days;                    /**< not 0: the records of a day are one order */
    int32_t has_as_of;               /**< not 0: as_of was given */
};

/**
 * The histories of all customers, in the order of the customers' latest records.
 *
 * @param n_out  number of customers; capacity 0 only asks for it
 * @param base   may be NULL
 * @retval CXM_EINVAL  as_of is missing, lengths differ, unit <= 0, capacity too small
 * @retval CXM_EDATA   an instant that overflows, an infinite amount
 * @retval CXM_EOVERFLOW more than 2^32 - 1 rows  @retval CXM_ENOMEM
 * On failure the outputs are as they were. Memory: 16 bytes a row (24 for customers whose numbers
 * lie far apart, 32 for rows whose instants lie far from the others), 80 a customer. Amounts of a
 * customer are summed without regard to their order.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_customer_histories(const struct cxm_column *customer, const struct cxm_column *time,
                       const struct cxm_history_options *options, struct cxm_history *out,
                       size_t element_bytes, size_t capacity, size_t *n_out,
                       struct cxm_history_base *base, struct cxm_error *error);

/* ---- stages --------------------------------------------------------------------------- */

/** What cxm_stage_states writes for a record. */
enum cxm_stage {
    CXM_STAGE_NEW = 0, CXM_STAGE_ACTIVE = 1, CXM_STAGE_DORMANT = 2, CXM_STAGE_LOST = 3,
    CXM_STAGE_OTHER = 4,    /**< not the customer's latest record */
    CXM_STAGE_UNSEEN = 5, CXM_STAGE_UNLINKED = 6,
    CXM_STAGE_MISSING = 7   /**< without an instant */
};

struct cxm_stages_options {
    CXM_COMMON_OPTIONS;
    int64_t as_of;          /**< seconds since 1970-01-01 UTC; required */
    int32_t has_as_of;      /**< not 0: as_of was given */
    int32_t reserved;
    double new_days;        /**< 0: 30 */
    double active_days;     /**< 0: 60 */
    double dormant_days;    /**< 0: 180 */
};
#define CXM_INIT_stages .size = sizeof(struct cxm_stages_options)

/**
 * Customers by stage: with age = as_of - first and idle = as_of - last record, limits closed,
 *
 *   age <= new_days: new;  else idle <= active_days: active;  <= dormant_days: dormant;  else lost
 *
 * Shares of customers: new, active (headline), dormant, lost. A customer counts in the group of its
 * latest record; its other records are excluded (not_in_denominator), as are unseen and unlinked
 * ones. Rows as cxm_nps; errors as cxm_customer_histories.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_stages(const struct cxm_column *customer, const struct cxm_column *time,
           const struct cxm_stages_options *options, struct cxm_row *rows, size_t row_bytes,
           size_t capacity, size_t *n_out, struct cxm_error *error);

/**
 * The stage of every record, in their order: the column `stage` of a tally of "stages".
 * @param days    new_days, active_days, dormant_days as above; NULL: 30, 60, 180
 * @param states  a byte a row, enum cxm_stage   @param flags  SUBSECOND, ALL_AFTER_AS_OF; may be NULL
 * @retval CXM_EINVAL  days beyond 0 … 1e6, or dormant_days below active_days; states is NULL
 * Other errors, cost and memory as cxm_customer_histories; on failure the outputs are as they were.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_stage_states(const struct cxm_column *customer, const struct cxm_column *time, int64_t as_of,
                 const double days[3], uint8_t *states, uint32_t *flags,
                 struct cxm_error *error);

/* ---- recency, frequency, monetary value ------------------------------------------------ */

/**
 * Scores 1 … 5 of every customer: 1 + floor(5 L / n) with L the number of customers that are
 * strictly worse (longer idle, fewer orders, less money) and n the customers: ties get the lowest
 * score that they share, whatever the order. Rows where any of the three is missing get 0.
 *
 * @param scores  three bytes a row: R, F, M; written on CXM_OK
 * @retval CXM_EDATA an infinite number  @retval CXM_EINVAL lengths differ  @retval CXM_ENOMEM
 * Cost: three sorts. Source: Hughes 1994; lowest-rank ties are ours.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_rfm_scores(const struct cxm_column *idle, const struct cxm_column *orders,
               const struct cxm_column *money, uint8_t *scores, struct cxm_error *error);

/**
 * The customers by score: a row for each R, F, M that occurs, keys r, f, m: the share of the
 * customers (value), axes `customers`, `money` (their sum) and `money_share`. Where no customer has
 * all three numbers there is no score, and no row.
 * @param level  of the shares' intervals; 0: 0.95   @param[out] out  untouched on failure
 * @retval CXM_EINVAL  level is not between 0 and 1   Other errors and cost as cxm_rfm_scores.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_rfm(const struct cxm_column *idle, const struct cxm_column *orders,
        const struct cxm_column *money, double level, struct cxm_report **out,
        struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
