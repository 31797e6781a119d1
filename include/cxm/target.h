/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Targets: is satisfaction at least 90 %, the Net Promoter Score at least 40, churn at most 5 %?
 * 93 of 100 satisfied customers do not prove 90 %: the verdict is "met" or "not met" only where
 * a one-sided test says so, and "inconclusive" otherwise, with the number of answers that would
 * settle it. */
#ifndef CXM_TARGET_H
#define CXM_TARGET_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cxm_verdict {
    CXM_VERDICT_INCONCLUSIVE = 0,
    CXM_VERDICT_MET = 1,
    CXM_VERDICT_NOT_MET = 2
};
/** "met", "not met", "inconclusive"; never NULL. */
CXM_API const char *cxm_verdict_name(enum cxm_verdict verdict);

enum cxm_direction {
    CXM_DIRECTION_DEFAULT = 0, /**< at least; of a tally's measure of which less is better (churn,
                                    detractors, complaints …): at most. The rows say which. Measures of
                                    which neither is better (sd, passives, share[k], expected …) have
                                    no default: EINVAL. */
    CXM_AT_LEAST = 1,          /**< satisfaction, resolution, retention */
    CXM_AT_MOST = 2            /**< churn, complaints; of waits only when asked for */
};
/** "at_least", "at_most", "default"; never NULL. */
CXM_API const char *cxm_direction_name(enum cxm_direction direction);

/** Zero members mean the defaults. */
struct cxm_target_options {
    size_t size;          /**< sizeof(struct cxm_target_options), set by CXM_TARGET_INIT */
    double alpha;         /**< of the one-sided test, 1e-12 or more and below 0.5; 0: 0.05 */
    const char *measure;  /**< of a tally; NULL: the headline */
    double level;         /**< of the two-sided interval in the rows; 0: 0.95 */
    int32_t interval;     /**< enum cxm_interval of the rows; 0: the measure's default */
    int32_t direction;    /**< enum cxm_direction */
    int32_t census;       /**< not 0: everybody answered; nothing is tested, the value decides */
    int32_t total;        /**< of a tally, not 0: a row of all groups merged comes last */
    int32_t lonely;       /**< enum cxm_lonely; sampling designs only */
    int32_t reserved;
};
#define CXM_TARGET_INIT .size = sizeof(struct cxm_target_options)

/** A number beside its target. Undefined numbers are NaN. */
struct cxm_target_result {
    double value, target;
    double alpha;
    double p_value;       /**< one-sided, of the direction asked for */
    double p_greater;     /**< chance of this value or more if the target were true */
    double p_less;        /**< chance of this value or less if the target were true */
    double lower, upper;  /**< one-sided limits, each at 1 - alpha, that decide */
    double lower_other, upper_other; /**< shares: Wilson's, nets: adjusted Wald; for comparison */
    double p_other;       /**< p_value of that form */
    double p_mid;         /**< shares: exact p_value with half the weight on the observed count */
    double p_two_sided;   /**< shares: exact, by smaller likelihoods; others: twice the smaller */
    double n;             /**< answers the test rests on: effective ones for weighted data */
    int64_t n_needed;     /**< answers that would settle it at this value; INT64_MIN: undefined */
    int32_t verdict;      /**< enum cxm_verdict */
    int32_t point_pass;   /**< 1: the value itself reaches the target, which proves nothing */
    uint32_t interval;    /**< enum cxm_interval of lower and upper */
    uint32_t flags;       /**< NO_DATA, DEGENERATE */
};

/**
 * A share, `successes` of `n`, against a target in [0, 1].
 *
 *   p_greater = P(X >= k), p_less = P(X <= k) of the binomial with n and the target
 *   lower, upper   Clopper & Pearson's, each at 1 - alpha;  lower_other, upper_other  Wilson's
 *   verdict   at least:  met when lower >= target, not met when upper < target
 *             at most:   met when upper <= target, not met when lower > target
 *   n_needed  the smallest n' > n for which p n' successes of n' (p the observed share, p n' as a
 *             real number) have a verdict: the smallest n' with alpha >= target^n' when all
 *             succeeded, 59 for 95 % and 29 for 90 %. Undefined when there is a verdict, when
 *             n = 0, when the share is the target, and above 1e15.
 *
 * Wilson's limits would call 58 of 58 proof of 95 %; they are reported, and do not decide.
 * Counts may be fractions (effective numbers); p_mid and p_two_sided are then NaN.
 *
 * @param target  0 … 1 (90: "did you mean 0.9?"); 0 is always reached, 1 never proved
 * @param options NULL: all defaults; measure, level, interval and total are not looked at
 * @retval CXM_EINVAL  out is NULL, a count out of range, target off the scale, alpha not from
 *                     1e-12 to 0.5, unknown direction. `out` is then untouched.
 * n = 0: NaN, NO_DATA, inconclusive. Cost: some 100 us when inconclusive, no allocation, any
 * thread. Source: Clopper & Pearson 1934.                                           Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_target_share(double successes, double n, double target,
                 const struct cxm_target_options *options, struct cxm_target_result *out,
                 struct cxm_error *error);

/**
 * A Net Promoter Score against a target in points, -100 … 100.
 *
 *   z = (r - d - n D) / sqrt(n (2 q + D (1 - D))),  D = target / 100, q the likeliest share of
 *       detractors for that score (Tango 1998);  p_greater = 1 - Phi(z),  p_less = Phi(z)
 *   lower, upper   score limits at 1 - alpha each;  lower_other, upper_other  adjusted Wald
 *
 * The score test decides because it keeps its one-sided error: at alpha 0.05 it is wrong in at
 * most 10 % (n = 10) and 7.5 % (n = 50) of samples whatever the truth, adjusted Wald in up to
 * 27 % and 10 % near the ends of the scale (tests/reference/README.md).
 *
 * n_needed as for shares, the answers keeping their proportions. Counts may be fractions.
 * @retval CXM_EINVAL  as cxm_target_share                                            Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_target_nps(double detractors, double passives, double promoters, double target,
               const struct cxm_target_options *options, struct cxm_target_result *out,
               struct cxm_error *error);

/**
 * Any number with a standard error against a target in its own unit: t = (value - target) /
 * std_error with df degrees (+inf: normal). n_needed lets std_error fall with sqrt(n') and the
 * degrees grow with n'. std_error = 0 with a value beside the target: p 0; on it: inconclusive.
 * @param df   NaN or <= 0 (one answer): undefined, inconclusive
 * @param n    answers behind it, for n_needed; 0: n_needed is undefined
 * @retval CXM_EINVAL  std_error negative or infinite; target NaN or infinite; as above
 *                                                                                    Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_target_mean(double value, double std_error, double df, double n, double target,
                const struct cxm_target_options *options, struct cxm_target_result *out,
                struct cxm_error *error);

/**
 * A measure of a tally against a target, group by group: shares and net scores as above, rates with
 * Garwood's interval by the Poisson distribution, every other measure by its standard error. With
 * weights or a design the counts are effective ones, n_a = min(n, v / std_error^2) (Korn & Graubard
 * 1998), and n_needed counts answers as they come. Of a simple random sample of a finite population
 * n / (1 - f) answers count, and where everybody was asked the value decides, as in a census.
 *
 * The rows are the estimates themselves, with the axes
 *   target, direction, verdict ("met", "not met", "inconclusive"), p_value, p_greater, p_less,
 *   lower_bound, upper_bound, n_needed, point_pass,
 *   wilson_lower, wilson_upper, p_mid, p_two_sided (shares) or adjusted_lower, adjusted_upper
 *   (net scores)
 *
 * @param tally   keys are sorted in place; nothing else changes
 * @param target  in the unit of the measure: a share in [0, 1], points, seconds …
 * @param options NULL: all defaults
 * @param[out] out  to be freed with cxm_report_free; untouched on failure
 * @retval CXM_EINVAL  no such measure; a target off the scale ("did you mean 0.9?"); no direction for
 *                     a measure that needs one
 * @retval CXM_EUNSUPPORTED  the measure has no standard error, such as a count or a quantile (a
 *                     census has no need of one)
 * @retval CXM_ELONELY  as cxm_tally_estimate   @retval CXM_ENOMEM
 * One thread a tally.                                                               Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_target(struct cxm_tally *tally, double target, const struct cxm_target_options *options,
           struct cxm_report **out, struct cxm_error *error);

/** One line of a scorecard: a tally, and what one of its measures should reach. */
struct cxm_scorecard_line {
    struct cxm_tally *tally;
    const char *name;     /**< how the rows are called; NULL: the metric */
    const char *measure;  /**< NULL: the default measures, the target is for the headline */
    double target;        /**< in the unit of the measure; NaN: none */
    double level;         /**< of the interval; 0: 0.95 */
    int32_t interval;     /**< enum cxm_interval; 0: the measure's default */
    int32_t direction;    /**< enum cxm_direction */
    int32_t census;       /**< as in cxm_target_options */
    int32_t total;        /**< not 0: groups are merged into one row, and only that comes */
    int32_t lonely;       /**< enum cxm_lonely; sampling designs only */
    int32_t reserved;
};

/**
 * A scorecard: the rows of several tallies, one after the other, with the axes target, direction,
 * verdict, p_value and n_needed where there is a target. Key columns of the same name are one
 * column; a tally without that key has no value there.
 *
 * @param lines  n of them; the same tally may come more than once   @param alpha  0: 0.05
 * @param[out] out  to be freed with cxm_report_free; untouched on failure
 * @retval CXM_EINVAL  as cxm_target; a tally is NULL; key columns of one name and two types
 * @retval CXM_EUNSUPPORTED  a target for a measure without standard error
 * @retval CXM_ELONELY  as cxm_tally_estimate   @retval CXM_ENOMEM
 * Keys of the tallies are sorted in place; one thread a tally. Cost: that of estimating, and up to some
 * 100 us a target that is inconclusive.                                              Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_scorecard(const struct cxm_scorecard_line *lines, size_t n, double alpha,
              struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
