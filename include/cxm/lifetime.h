/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How long customers stay, what they will still buy, what they are worth (客户生命周期价值).
 *
 *   shifted beta geometric   renewals: who is lost in which period          Fader & Hardie 2007
 *   BG/NBD                   orders without a contract                      Fader, Hardie & Lee 2005
 *   Gamma-Gamma              what an order is worth                         Fader, Hardie & Lee 2005
 *   lifetime value           a constant margin, with explicit timing
 *
 * Fits are by maximum likelihood on the logarithms of the parameters; standard errors by the delta
 * method from the observed information. Rows enter as distinct rows with their number, in a
 * fixed order: the result does not depend on the order of the rows or on how they are grouped,
 * and `GROUP BY` with a count (freq) gives the same bits as the customers one by one. */
#ifndef CXM_LIFETIME_H
#define CXM_LIFETIME_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- shifted beta geometric ----------------------------------------------------------- */

struct cxm_sbg_options {
    size_t size;                    /**< sizeof(struct cxm_sbg_options) */
    const struct cxm_column *freq;  /**< customers per row; NULL: one each */
    double level;                   /**< confidence level; 0: 0.95 */
    double discount;                /**< per period, for del and derl; 0: without them */
    int32_t horizon;                /**< periods that are projected; 0: those seen and 5 more */
    int32_t renewals;               /**< derl: renewals behind the customer and one; 0: 1 */
};

/**
 * Shifted beta geometric: everyone has an own chance of leaving each period, Beta(a, b)
 * distributed among customers. P(T = t) = B(a + 1, b + t - 1) / B(a, b), S(t) = B(a, b + t) / B(a, b).
 *
 * Rows: a, b (std_error, limits on the logarithm); survival (客户留存曲线) and retention by axis
 * `time` = 0 (1) … horizon, with limits on the logit; log_likelihood; tenure (mean number of periods
 * paid, +inf for a <= 1); del and derl (discounted expected lifetime, residual lifetime; Fader &
 * Hardie 2010) where a discount is given. The axes at_risk, events are what was seen.
 *
 * @param duration  whole periods >= 0: the period of leaving (>= 1), or how many a customer who is
 *                  still there has been seen through (0: excluded, pending)
 * @param event     1 left, 0 still there
 * @retval CXM_EDATA   a duration that is negative, no whole number or above 10 000; event not 0 or 1
 * @retval CXM_ENOCONV nobody was lost, all were lost at once, or one period only: the likelihood
 *                     rises towards the boundary, and a and b are not identified
 * @retval CXM_EINVAL  an argument is NULL, lengths differ, level or discount out of range
 * @retval CXM_ENOMEM
 * Rows without duration or event are missing. `out` is untouched on failure. Safe from any thread.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_shifted_beta_geometric(const struct cxm_column *duration, const struct cxm_column *event,
                           const struct cxm_sbg_options *options, struct cxm_report **out,
                           struct cxm_error *error);

/**
 * The same from cohorts: active[c] holds the customers of cohort c that were active at the start,
 * after one period, two … Younger cohorts are shorter columns, or end in missing values.
 * @retval CXM_EDATA  not whole, negative, rising, or a number after a missing one
 * `options->freq` must be NULL.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_shifted_beta_geometric_active(const struct cxm_column *active, size_t n_cohorts,
                                  const struct cxm_sbg_options *options,
                                  struct cxm_report **out, struct cxm_error *error);

/* ---- BG/NBD --------------------------------------------------------------------------- */

struct cxm_bg_nbd_options {
    size_t size;                    /**< sizeof(struct cxm_bg_nbd_options) */
    const struct cxm_column *freq;  /**< customers per row; NULL: one each */
    double level;                   /**< confidence level; 0: 0.95 */
    const double *times;            /**< horizons for `expected`; in the unit of the ages */
    size_t n_times;
};

/**
 * BG/NBD: while a customer is alive orders come at random with a rate that is Gamma(r, alpha)
 * among customers, and after each order the customer leaves with a chance that is Beta(a, b).
 *
 * Rows: r, alpha, a, b (std_error, limits on the logarithm), log_likelihood; expected: E[X(t)],
 * the orders of a new customer by axis `time`, with a delta-method standard error.
 *
 * @param frequency  repeat orders, >= 0 (the first one not counted, a day's orders as one)
 * @param recency    last - first order; 0 exactly where frequency is 0
 * @param age        end of observation - first order; >= recency. Any unit, weeks are usual
 * Rows with a missing number are missing; with recency > age, or recency that contradicts the
 * frequency: excluded, bad. age = 0 tells nothing and is kept.
 * @retval CXM_EDATA   a negative or infinite number, a frequency that is not whole
 * @retval CXM_ENOCONV no repeat order at all, or no maximum inside the parameter space
 * @retval CXM_EINVAL  @retval CXM_ENOMEM
 * Cost: sorts the rows; each of some 20 steps is linear in the distinct rows.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_bg_nbd(const struct cxm_column *frequency, const struct cxm_column *recency,
           const struct cxm_column *age, const struct cxm_bg_nbd_options *options,
           struct cxm_report **out, struct cxm_error *error);

/**
 * For every customer the chance of being alive, and the orders expected in the next `horizon`:
 * P(alive), E[Y(horizon) | frequency, recency, age]. NaN for rows that are missing or bad, and
 * where more than 2^24 terms would have to be summed. Cost of E[Y]: a term for each order that a
 * customer who never leaves may make in the horizon, some nanoseconds each.
 * @param parameters  r, alpha, a, b, each > 0
 * @param alive, expected  room for a number a row; either may be NULL
 * @retval CXM_EINVAL  parameters or horizon out of range, lengths differ
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_bg_nbd_predict(const double parameters[4], const struct cxm_column *frequency,
                   const struct cxm_column *recency, const struct cxm_column *age,
                   double horizon, double *alive, double *expected, struct cxm_error *error);

/* ---- Gamma-Gamma ---------------------------------------------------------------------- */

struct cxm_gamma_gamma_options {
    size_t size;                    /**< sizeof(struct cxm_gamma_gamma_options) */
    const struct cxm_column *freq;  /**< customers per row; NULL: one each */
    double level;                   /**< confidence level; 0: 0.95 */
};

/**
 * Gamma-Gamma: order values are Gamma(p, v), v is Gamma(q, gamma) among customers. Rows: p, q,
 * gamma (limits on the logarithm), log_likelihood, mean_value p gamma / (q - 1) (+inf for q <= 1),
 * correlation of frequency and value, which the model takes to be 0.
 *
 * @param frequency  repeat orders > 0   @param value  their mean value > 0
 * Customers without a repeat order are excluded (not_in_denominator); a value <= 0 is excluded, bad.
 * Errors as cxm_bg_nbd.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_gamma_gamma(const struct cxm_column *frequency, const struct cxm_column *value,
                const struct cxm_gamma_gamma_options *options, struct cxm_report **out,
                struct cxm_error *error);

/** The expected value of an order of every customer; the mean over all for frequency 0.
 *  @param parameters  p, q, gamma   Otherwise as cxm_bg_nbd_predict. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_gamma_gamma_predict(const double parameters[3], const struct cxm_column *frequency,
                        const struct cxm_column *value, double *expected,
                        struct cxm_error *error);

/**
 * What every customer is worth from now on, BG/NBD times Gamma-Gamma:
 *
 *   sum_{i = 1 … periods} (E[Y(i w)] - E[Y((i - 1) w)]) / (1 + discount)^i  E[Z]
 *
 * @param orders  r, alpha, a, b   @param spending  p, q, gamma
 * @param periods   1 … 10 000 periods of length w = `period`, in the unit of the ages
 * @param discount  per period, > -1
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_customer_lifetime_value(const double orders[4], const double spending[3],
                            const struct cxm_column *frequency,
                            const struct cxm_column *recency, const struct cxm_column *age,
                            const struct cxm_column *value, int32_t periods, double period,
                            double discount, double *out, struct cxm_error *error);

/* ---- a constant margin ---------------------------------------------------------------- */

enum cxm_payment {
    CXM_PAYMENT_FIRST_NOW = 1,      /**< m (1 + d) / (1 + d - r) */
    CXM_PAYMENT_FIRST_RENEWAL = 2,  /**< after the first renewal: m r / (1 + d - r) */
    CXM_PAYMENT_FIRST_NEXT = 3      /**< certain, one period away: m / (1 + d - r) */
};

struct cxm_lifetime_value_options {
    size_t size;             /**< sizeof(struct cxm_lifetime_value_options) */
    double margin;           /**< m per period, in money */
    double retention;        /**< r per period, 0 … 1 */
    double discount;         /**< d per period, > -1 */
    int32_t payment;         /**< enum cxm_payment; there is no default */
    int32_t periods;         /**< number of payments; 0: without end */
    double acquisition_cost; /**< CAC; 0: none */
};

/**
 * Lifetime value (客户生命周期价值) of a constant margin. Rows: lifetime_value; mean_lifetime 1 / (1 - r)
 * periods (the last started one counts) and completed_periods r / (1 - r); with an acquisition
 * cost also ltv_cac, payback (CAC / m periods) and payback_churn ln(1 - CAC c / m) / ln(1 - c) with
 * c = 1 - r: the periods until the survivors have paid it back (NaN: never; CAC / m at c = 0; 0 at
 * c = 1, the limit, where the one payment is enough).
 * r = 1 without discount and end: +inf.
 * @retval CXM_EINVAL  a number out of range; payment left out
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_lifetime_value(const struct cxm_lifetime_value_options *options, struct cxm_report **out,
                   struct cxm_error *error);

/* ---- contribution --------------------------------------------------------------------- */

struct cxm_contribution_options {
    size_t size;                    /**< sizeof(struct cxm_contribution_options) */
    const struct cxm_column *freq;  /**< customers per row; NULL: one each */
    const double *top;              /**< shares of customers, each in (0, 1]; NULL: 0.01 0.05 0.1 0.2 0.5 */
    size_t n_top;
};

/**
 * How unevenly value is spread among customers (客户贡献度, 80/20): rows total, mean, gini (divisor n)
 * and gini_unbiased (times n / (n - 1)), top_share[q] for each q: the share of the total that the
 * best q of the customers bring, interpolated within a customer, and may exceed 1 where others
 * lose money. A total <= 0 makes the shares NaN; a negative value makes gini NaN with INCONSISTENT.
 *
 * @param value  profit or sales per customer; money or any unit; missing rows are missing
 * @retval CXM_EDATA  an infinite value   @retval CXM_EINVAL  @retval CXM_ENOMEM
 * Cost: a sort. The result does not depend on the order of the rows.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_contribution(const struct cxm_column *value, const struct cxm_contribution_options *options,
                 struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
