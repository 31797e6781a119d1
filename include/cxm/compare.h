/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comparisons of tallies: two waves or segments, many groups at once, trends over waves, league
 * tables. Everything is read from the counts, so that two saved tallies of last year are enough.
 *
 *   cxm_compare(now, before, NULL, &report, &error);         a - b, group by group
 *   cxm_league(by_agent, NULL, &report, &error);             who differs from the rest
 *
 * Rows and axis columns are described at each function; see <cxm/report.h> for how to read them.
 * Of these words there is one meaning everywhere:
 *
 *   value          of a difference: a - b, in the unit of the measure (points, shares …)
 *   statistic, df  z (df infinite), t, or chi-square
 *   p_value        two-sided; p_greater: were a and b equal, the chance of a difference as large
 *                  or larger; p_less: as small or smaller
 *   p_adjusted     p_value, adjusted for all comparisons of the report
 *   value_a, value_b, n_a, n_b    the two sides      centre  the middle of the interval
 *
 * The row of the headline measure is called "difference", that of any other measure
 * "difference[promoters]"; so with "within", "odds_ratio" and the others. */
#ifndef CXM_COMPARE_H
#define CXM_COMPARE_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How two sides are compared. */
enum cxm_compare_method {
    CXM_COMPARE_DEFAULT = 0,       /**< net scores ADJUSTED, shares NEWCOMBE, others WELCH */
    CXM_COMPARE_ADJUSTED = 1,      /**< net scores: + 3/4, 1 1/2, 3/4 on each side (Rocks 2016) */
    CXM_COMPARE_ADJUSTED_HALF = 2, /**< net scores: half of that on each side */
    CXM_COMPARE_WALD = 3,          /**< plain standard errors, normal */
    CXM_COMPARE_POOLED = 4,        /**< net scores, shares: variance of all answers; no interval */
    CXM_COMPARE_WELCH = 5,         /**< t, unequal variances; net scores: of -1, 0, 1 */
    CXM_COMPARE_POOLED_T = 6,      /**< means: Student's t, equal variances */
    CXM_COMPARE_NEWCOMBE = 7,      /**< shares: hybrid score limits, pooled z */
    CXM_COMPARE_AGRESTI_CAFFO = 8, /**< shares: + 1 success and 1 failure on each side, pooled z */
    CXM_COMPARE_PERMUTATION = 9,   /**< net scores: permutation variance, normal; no interval */
    CXM_COMPARE_EXACT = 10         /**< net scores: exact permutation up to 2 000 answers, beyond
                                        that PERMUTATION, flagged ASYMPTOTIC; shares: Fisher, with
                                        Newcombe's limits */
};

/** "adjusted", "agresti-caffo" …; never NULL. */
CXM_API const char *cxm_compare_method_name(enum cxm_compare_method method);
/** The method with that name; -1 when there is none. */
CXM_API int cxm_compare_method_from_name(const char *name);

struct cxm_compare_options {
    size_t size;                 /**< sizeof(struct cxm_compare_options) */
    double level;                /**< in (0, 1); 0: 0.95 */
    int32_t method;              /**< enum cxm_compare_method; measures it does not fit keep
                                      their default */
    int32_t small_n;             /**< bound of CXM_FLAG_SMALL_N; 0: 30 */
    const char *const *measures; /**< names; "share" stands for the whole family share[k].
                                      NULL: the default measures of the metric */
    size_t n_measures;
    int32_t all_measures;        /**< not 0: every measure that can be compared */
    int32_t effects;             /**< not 0: effect sizes and further tests too */
    int32_t no_mix;              /**< not 0: no rows "within" and "mix" */
    int32_t lonely;              /**< enum cxm_lonely; sampling designs only */
};

#define CXM_INIT_compare .size = sizeof(struct cxm_compare_options)

/**
 * Compares two tallies of one definition: a - b. A change over time is cxm_compare(now, before).
 *
 * Groups are matched by key; the row of all groups together comes last. A group that only one
 * side has is kept, with value NaN and NO_DATA. A row:
 *
 *   difference   value a - b (exactly value_a - value_b), std_error and limits by `method`,
 *                clipped to the range of differences (±1, ±200 points); adjusted limits are not
 *                centred on the value: `centre` is their middle, and std_error and statistic of an
 *                adjusted net score go with it
 *                axes: statistic, df, p_value, p_greater, p_less, value_a, value_b, n_a, n_b, centre
 *
 * With groups, for measures that are averages over their rows, the total change is taken apart
 * (Kitagawa 1955, Journal of the American Statistical Association 50:1168; in economics the
 * Marshall-Edgeworth form). With s the share of a group in its side's base (weights, if any), m its
 * value, and r half the sum of the two totals:
 *
 *   within       (s_a + s_b) / 2 · (m_a - m_b)                  the group changed
 *   mix          (s_a - s_b) · ((m_a + m_b) / 2 - r)            there is more or less of it
 *                a group that only one side has: s_a (m_a - r) or -s_b (m_b - r), within 0
 *
 * The parts of all groups sum to the total difference: they are computed to 30 digits and rounded
 * once each, so their exact sum misses it by less than half a unit in the last place of every part,
 * and of the two totals. In the total row, within and mix are those sums.
 *
 * With `effects`, where both sides have rows: shares get odds_ratio and risk_ratio (limits on the
 * logarithm: Woolf, Katz; undefined beside an empty cell), cohen_h, yates (corrected chi-square), fisher
 * (the value is its p-value); net scores cohen_d, hedges_g, chi2 (2 x 3: whether any share changed), g2 and
 * cramer_v; means cohen_d, hedges_g and, of ratings, mann_whitney (value W: pairs with a above b, ties half;
 * z with ties and continuity).
 *
 * Tallies with weights or a sampling design are compared by their linearised standard errors, t
 * with Satterthwaite's degrees of freedom. The two sides are taken as independent samples; for two
 * groups of one sample see cxm_compare_groups.
 *
 * @retval CXM_EINVAL     an argument is NULL; bad level or method; the method fits none of the
 *                        measures; a measure that there is not or that has no standard error
 * @retval CXM_EMISMATCH  other metric, parameters, keys or kind of weights: the message says how
 * @retval CXM_EOVERFLOW  the rows of both together are beyond INT64_MAX  @retval CXM_ENOMEM
 * On failure *out is as it was; the tallies never change. Linear in groups times measures.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_compare(struct cxm_tally *a, struct cxm_tally *b, const struct cxm_compare_options *options,
            struct cxm_report **out, struct cxm_error *error);

/* ---- several p-values ----------------------------------------------------------------- */

/** How p-values are adjusted for being several. */
enum cxm_adjust_method {
    CXM_ADJUST_HOLM = 0,       /**< few planned comparisons: the default */
    CXM_ADJUST_HOCHBERG = 1,
    CXM_ADJUST_BH = 2,         /**< Benjamini & Hochberg 1995: false discovery rate */
    CXM_ADJUST_BY = 3,         /**< Benjamini & Yekutieli 2001: under any dependence */
    CXM_ADJUST_BONFERRONI = 4,
    CXM_ADJUST_NONE = 5
};
/** "holm", "bh" …; never NULL. */
CXM_API const char *cxm_adjust_name(enum cxm_adjust_method method);
/** The method with that name; -1 when there is none. */
CXM_API int cxm_adjust_from_name(const char *name);

/**
 * Adjusted p-values in the order of the input. NaN stays in its place and does not count.
 * @param out  n numbers; may be p itself
 * @retval CXM_EINVAL  p or out is NULL, no such method; EDATA a number outside [0, 1]
 * @retval CXM_ENOMEM
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_adjust(const double *p, size_t n, enum cxm_adjust_method method, double *out,
           struct cxm_error *error);

/* ---- many groups of one tally --------------------------------------------------------- */

/** What each group is compared with. */
enum cxm_against {
    CXM_AGAINST_REST = 0,   /**< all other groups together (the total minus the group, exactly) */
    CXM_AGAINST_BASE = 1,   /**< one group */
    CXM_AGAINST_PAIRS = 2,  /**< each with each, once; cxm_compare_groups, up to 500 groups */
    CXM_AGAINST_NONE = 3    /**< cxm_compare_groups: the tests of all groups only */
};

struct cxm_groups_options {
    size_t size;             /**< sizeof(struct cxm_groups_options) */
    double level;            /**< in (0, 1); 0: 0.95 */
    const char *measure;     /**< its name; NULL: the headline */
    const double *scores;    /**< cxm_trend: where each group stands, NaN: leave it out. NULL: 0,
                                  1, 2 … in the order of the keys */
    size_t n_scores;         /**< as many as there are groups */
    int64_t base;            /**< the group of CXM_AGAINST_BASE */
    int32_t against;         /**< enum cxm_against */
    int32_t method;          /**< enum cxm_compare_method */
    int32_t adjust;          /**< enum cxm_adjust_method */
    int32_t small_n;         /**< bound of CXM_FLAG_SMALL_N; 0: 30 */
    int32_t lonely;          /**< enum cxm_lonely; sampling designs only */
    int32_t reserved;
};

#define CXM_INIT_groups .size = sizeof(struct cxm_groups_options)

/**
 * One measure in many groups: do they differ at all, and which do?
 *
 * Rows of each group, or pair of groups:
 *   difference    as in cxm_compare, of the group and what it is compared with (axis `against`:
 *                 "rest", or that group's key), with p_adjusted
 * Rows of all groups together:
 *   homogeneity   the hypothesis that all groups are equal: shares and net scores of whole counts
 *                 by Pearson's chi-square of groups x answers (k x 2, k x 3 for the shares of
 *                 detractors, passives, promoters), flagged SMALL_N where an expected count is
 *                 below 5; others by Cochran's Q = sum (m - pool)^2 / std_error^2
 *                 (axes statistic, df, p_value)
 *   g2, cramer_v  of the same table: likelihood ratio, and its effect size
 *   heterogeneity Cochran's Q, of net scores too
 *   kruskal_wallis  means of ratings: H, corrected for ties
 *   residual[x]   of each group: adjusted residual (Haberman 1973) of the answer x, standard
 *                 normal were all groups equal; of a share just "residual"
 * Groups without answers are left out of the tests. Under a sampling design differences of groups
 * take their covariance into account, and only these are there: the tests of all groups would need
 * independent ones.
 *
 * @retval CXM_EINVAL  as cxm_compare; a tally without keys; no such base; bad adjust or against
 * @retval CXM_EUNSUPPORTED  pairs of more than 500 groups; the rest under a sampling design; designs
 *                     of more than 2 000 groups
 * Others as cxm_compare.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_compare_groups(struct cxm_tally *tally, const struct cxm_groups_options *options,
                   struct cxm_report **out, struct cxm_error *error);

/**
 * A league table: the groups in the order of their values, the highest first, those without a
 * value last. One row a group: the measure itself with its own interval, and the axes
 *
 *   rank                    1 the highest; equal values share the lowest number
 *   rank_lower, rank_upper  simultaneous limits of the true rank (after Mohamad, Goeman and van Zwet
 *                           2019): 1 + the groups that are significantly higher, k - those that are
 *                           significantly lower, of all pairs, Holm-adjusted at 1 - level. Undefined
 *                           above 2 000 groups
 *   difference              the group minus what it is compared with, and its test: statistic, df,
 *                           p_value, p_adjusted (over all groups), value_b, n_b
 *
 * Small groups (n below small_n) stay, flagged SMALL_N.
 * Errors as cxm_compare_groups; against REST or BASE. O(k^2) for k groups up to 2 000.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_league(struct cxm_tally *tally, const struct cxm_groups_options *options,
           struct cxm_report **out, struct cxm_error *error);

/**
 * A trend over ordered groups (waves, months). Rows of all groups together:
 *
 *   slope        change of the measure per unit of score, std_error and limits, statistic z
 *   homogeneity  are all groups equal?  departure  is it a straight line? (chi-squares)
 *   pooled       the common value, were there no change
 *   cochran_armitage  shares: chi-square of the trend = z^2 (Cochran 1954, Armitage 1955)
 *   mann_kendall S of the values in their order, rising minus falling pairs (two groups with one
 *                score are neither); exact p up to 50 groups without ties, otherwise flagged
 *                ASYMPTOTIC
 *
 * Shares of whole counts by Cochran and Armitage; everything else by least squares with weights
 * 1 / std_error^2 and errors from the given ones, not from residuals. The group of rows without a
 * key, groups without a value and (but for shares) without a standard error above 0 are left out;
 * fewer than two groups give NaN with NO_DATA, and so does the slope of groups with one score.
 * @retval CXM_EINVAL  as cxm_compare_groups; keys that are text, without scores; n_scores
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_trend(struct cxm_tally *tally, const struct cxm_groups_options *options,
          struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
