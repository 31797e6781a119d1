/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many answers to ask for: for a margin of error, or to find a difference between two
 * groups; and the other way round, what a given number of answers can show.
 *
 *   struct cxm_plan plan;
 *   cxm_sample_size(CXM_PLAN_NPS, 5, NULL, &plan, &error);       5 points either way, worst case
 *   cxm_power(CXM_PLAN_SHARE, 0.05, 400, 400,
 *             &(struct cxm_plan_options){ CXM_PLAN_INIT, .expected = 0.80 }, &plan, &error);
 *
 * Units are those of the number that is planned for: points for a Net Promoter Score, shares in
 * [0, 1], the scale of the answers for a mean. All of it is the normal approximation (Cochran
 * 1977, Sampling Techniques, ch. 4) unless a method says otherwise. Constant time (the methods
 * that are solved for: some 100 intervals), no allocation, safe from any thread. */
#ifndef CXM_PLAN_H
#define CXM_PLAN_H

#include <cxm/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is planned for. */
enum cxm_plan_kind {
    CXM_PLAN_NPS = 0,    /**< a share minus a share: NPS, net CSAT; points, -100 … 100 */
    CXM_PLAN_SHARE = 1,  /**< CSAT, first-contact resolution, retention …; in [0, 1] */
    CXM_PLAN_MEAN = 2    /**< a mean on any scale; needs `variance` or `sd` */
};

/** Zero members mean the defaults. `variance`, `sd`, `expected` and `shares` exclude each other. */
struct cxm_plan_options {
    size_t size;           /**< sizeof(struct cxm_plan_options), set by CXM_PLAN_INIT */
    double level;          /**< confidence level; 0: 0.95 */
    double power;          /**< chance to find the difference; 0: 0.80 */
    double variance;       /**< of one answer: NPS on the codes -1, 0, 1 (so 0 … 1, default 1);
                                a share p (1 - p) (default 0.25); a mean sd^2 (no default) */
    double variance_b;     /**< of an answer of group b; 0: the same */
    double sd, sd_b;       /**< standard deviations in the place of variances */
    double expected;       /**< the share (in both groups: of group b), or the NPS in points,
                                whose largest variance 1 - (expected / 100)^2 is taken */
    double shares[3];      /**< NPS: detractors, passives, promoters, as shares or counts */
    double population;     /**< customers in the list that is described; 0: no end */
    double design_effect;  /**< variance over that of simple random sampling; 0: 1 */
    double ratio;          /**< answers of group b for each answer of group a; 0: 1 */
    double response_rate;  /**< share of the invited who answer; 0: 1 */
    int32_t method;        /**< enum cxm_interval whose width is planned; see each function */
    int32_t reserved;
};
#define CXM_PLAN_INIT .size = sizeof(struct cxm_plan_options)

/** A plan. What does not belong to the question is NaN or 0. */
struct cxm_plan {
    double n_exact;        /**< answers in all before rounding; below 1 too */
    double n_a_exact, n_b_exact;
    double margin;         /**< half width of the interval */
    double difference;     /**< a - b that is looked for */
    double power;
    double level;
    double variance_a, variance_b; /**< of one answer: NPS on -1, 0, 1 */
    int64_t n;             /**< answers in all, rounded up, at least 1 (a group) */
    int64_t n_a, n_b;      /**< by group; 0 for one group */
    int64_t invitations;   /**< n over the response rate, rounded up */
    uint32_t method;       /**< enum cxm_interval */
    uint32_t unit;         /**< enum cxm_unit of margin and difference */
};

/**
 * Answers needed for an interval of half width `margin`.
 *
 *   n0 = z^2 v / margin^2                     (NPS: margin in points / 100)
 *   n1 = design_effect n0,   n = n1 / (1 + (n1 - 1) / population)
 *
 *   method   DEFAULT, WALD     as above; for NPS the default is ADJUSTED_WALD
 *            ADJUSTED_WALD     NPS: n0 - 3, for it brings three answers along (MeasuringU 2021)
 *            T                 means: n0 with t(n0 - 1) in the place of z
 *            any other of a share (WILSON, AGRESTI_COULL, CLOPPER_PEARSON, JEFFREYS, MID_P …)
 *            or of a net score (SCORE, ADJUSTED_WALD_U …, not BOOTSTRAP and BCA): the n0 at
 *            which that interval has this half width when the answers come as expected
 *
 * @param margin  > 0: points for CXM_PLAN_NPS, below 1 for CXM_PLAN_SHARE
 * @param options NULL: all defaults
 * @retval CXM_EINVAL  a number out of range (a share's margin of 5: "did you mean 0.05?"), two
 *                     ways to give the variance, a mean without variance, more than 1e15 answers
 *                     (or an interval that is undefined at any n: LOGIT, when all answer alike)
 * @retval CXM_EUNSUPPORTED  a method that the kind of number has not
 * `out` is untouched on failure.                                                     Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_sample_size(enum cxm_plan_kind kind, double margin, const struct cxm_plan_options *options,
                struct cxm_plan *out, struct cxm_error *error);

/**
 * Answers needed in each of two groups to find the difference a - b with `options->power`, by a
 * two-sided z test at 1 - level.
 *
 *   n_a = design_effect (z_level + z_power)^2 (v_a + v_b / ratio) / difference^2,  n_b = ratio n_a
 *
 * With `expected`, group b has the expected share (or score) and group a that plus the
 * difference. Method ADJUSTED_WALD saves 3 answers a group (NPS); the default is WALD.
 * @param difference  not 0: points for NPS, |difference| < 1 for shares
 * @retval CXM_EINVAL  as cxm_sample_size; a population, which is for describing one list, not
 *                     for comparing; expected + difference off the scale; a power of 1 - level or
 *                     less, which any number of answers has
 * @retval CXM_EUNSUPPORTED  another method                                           Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_sample_size_difference(enum cxm_plan_kind kind, double difference,
                           const struct cxm_plan_options *options, struct cxm_plan *out,
                           struct cxm_error *error);

/**
 * The margin of error that n answers reach: cxm_sample_size read backwards.
 * @param n  >= 1, at most the population (n = population: margin 0)
 * @retval CXM_EINVAL @retval CXM_EUNSUPPORTED  as there                               Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_margin_of_error(enum cxm_plan_kind kind, double n, const struct cxm_plan_options *options,
                    struct cxm_plan *out, struct cxm_error *error);

/**
 * The chance that a two-sided z test at 1 - level finds the difference a - b with n_a and n_b
 * answers:
 *
 *   power = Phi(|d| / se - z) + Phi(-|d| / se - z),  se^2 = design_effect (v_a / n_a + v_b / n_b)
 *
 * @param n_a @param n_b  >= 1 (method ADJUSTED_WALD counts 3 more in each); n_b = 0: ratio n_a
 * @retval CXM_EINVAL @retval CXM_EUNSUPPORTED  as cxm_sample_size_difference; difference 0 is
 *                    allowed and gives 1 - level                                     Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_power(enum cxm_plan_kind kind, double difference, double n_a, double n_b,
          const struct cxm_plan_options *options, struct cxm_plan *out, struct cxm_error *error);

/**
 * The smallest difference that is found with `options->power`: (z_level + z_power) se, with the
 * variances of both groups as given (with `expected`: that of the expected share or score in
 * both).
 * @retval CXM_EINVAL @retval CXM_EUNSUPPORTED  as cxm_power; a power of 1 - level or less  Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_detectable_difference(enum cxm_plan_kind kind, double n_a, double n_b,
                          const struct cxm_plan_options *options, struct cxm_plan *out,
                          struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
