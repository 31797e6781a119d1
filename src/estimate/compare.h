/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inference beyond one interval: differences of two independent groups, the same customers
 * twice, targets, several p-values at once, sample sizes. Plain numbers in, plain numbers out.
 * Net scores are on -1 … 1 here, not in points. Arguments were checked by the caller.
 *
 * Wherever a standard error is 0: no difference gives statistic NaN and p-values 1, another one
 * gives ±inf and 0, both with CXM_FLAG_DEGENERATE. An empty group gives NaN and NO_DATA.
 *
 * Exchanging a and b negates differences, limits and statistics and swaps the one-sided p-values
 * bit for bit. */
#ifndef CXM_SRC_ESTIMATE_COMPARE_H
#define CXM_SRC_ESTIMATE_COMPARE_H

#include "estimate/estimate.h"
#include "estimate/net.h"

#include <cxm/compare.h>
#include <cxm/target.h>

/* a - b. Differences are always between the plain estimates; an adjusted interval is centred
 * beside them. For net scores and means std_error, statistic and p-value go with the centre. */
struct cxm_comparison {
    double difference;
    double centre;       /* the middle of the interval */
    double std_error;
    double statistic;    /* z, or t when df is finite */
    double df;           /* +inf for z */
    double p_value;      /* two-sided */
    double p_greater;    /* one-sided: P(as large or larger), were there no difference */
    double p_less;       /* P(as small or smaller) */
    double lower, upper; /* not clipped; NaN when the method has no interval */
    uint32_t flags;
};

/* From a difference, its standard error and degrees of freedom (+inf: normal). */
struct cxm_comparison cxm_priv_compare_wald(double difference, double std_error, double df,
                                            double level);

/* ---- two net scores ------------------------------------------------------------------- */

enum cxm_compare_net {
    CXM_COMPARE_NET_ADJUSTED,      /* + 3/4, 1 1/2, 3/4 in each group (Rocks 2016): the default */
    CXM_COMPARE_NET_ADJUSTED_HALF, /* half of that in each (after Agresti & Caffo 2000) */
    CXM_COMPARE_NET_WALD,
    CXM_COMPARE_NET_POOLED,        /* variance of the pooled answers: a test, no interval */
    CXM_COMPARE_NET_WELCH,         /* t on the codes -1, 0, 1 */
    CXM_COMPARE_NET_PERMUTATION,   /* as POOLED with the permutation variance (n - 1) */
    CXM_COMPARE_NET_EXACT          /* exact permutation distribution of whole counts */
};
/* Above this many answers EXACT is PERMUTATION with CXM_FLAG_ASYMPTOTIC. */
enum { CXM_COMPARE_NET_EXACT_MOST = 2000 };

/* Counts may be fractions, EXACT rounds them. ENOMEM: EXACT only. */
enum cxm_status cxm_priv_compare_nets(struct cxm_net a, struct cxm_net b, double level,
                                      enum cxm_compare_net method,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_comparison *out);

/* ---- two shares ----------------------------------------------------------------------- */

enum cxm_compare_shares {
    CXM_COMPARE_SHARES_NEWCOMBE,      /* hybrid score (Newcombe 1998, method 10): the default */
    CXM_COMPARE_SHARES_AGRESTI_CAFFO, /* + 1 success and 1 failure in each group */
    CXM_COMPARE_SHARES_WALD,          /* unpooled, the test too */
    CXM_COMPARE_SHARES_POOLED,        /* a test, no interval */
    CXM_COMPARE_SHARES_EXACT          /* Fisher's test of whole counts, Newcombe's limits */
};

struct cxm_share_count {
    double x, n; /* 0 <= x <= n */
};

/* Limits as named; statistic and p-value are the pooled z test unless the method says otherwise,
 * std_error is the unpooled one. */
struct cxm_comparison cxm_priv_compare_shares(struct cxm_share_count a, struct cxm_share_count b,
                                              double level, enum cxm_compare_shares method);

/* The other ways to look at the same two shares. */
struct cxm_share_tests {
    double z_unpooled, p_unpooled;
    double chi2_yates, p_yates;    /* continuity correction, never beyond 0 */
    double p_fisher;               /* exact, whole counts only (else NaN), smaller likelihoods */
    double odds_ratio, odds_lower, odds_upper; /* Woolf: Wald on the logarithm */
    double risk_ratio, risk_lower, risk_upper; /* Katz: the same */
    double cohen_h;
};
struct cxm_share_tests cxm_priv_share_tests(struct cxm_share_count a, struct cxm_share_count b,
                                            double level);

/* ---- two means ------------------------------------------------------------------------ */

struct cxm_mean_sample {
    double n, mean, variance; /* divisor n - 1 */
};
/* Welch 1947, or Student's pooled t. Variance NaN (n = 1) gives NaN limits. */
struct cxm_comparison cxm_priv_compare_means(struct cxm_mean_sample a, struct cxm_mean_sample b,
                                             double level, bool pooled);
/* The same from two estimates, their standard errors and degrees of freedom: Satterthwaite's
 * degrees of the difference. Independent groups of any design. */
struct cxm_measured {
    double value, std_error, df;
};
struct cxm_comparison cxm_priv_compare_measured(struct cxm_measured a, struct cxm_measured b,
                                                double level);
/* Cohen's d over the pooled standard deviation, and Hedges' g = d (1 - 3 / (4 df - 1)). */
double cxm_priv_cohen_d(struct cxm_mean_sample a, struct cxm_mean_sample b);
double cxm_priv_hedges_g(struct cxm_mean_sample a, struct cxm_mean_sample b);

/* ---- the same customers twice --------------------------------------------------------- */

/* counts[first][second]; 0 detractor, 1 passive, 2 promoter. */
struct cxm_paired_nets {
    double n, before, after; /* net scores */
    struct cxm_comparison z; /* after - before: Wald */
    struct cxm_comparison t; /* after - before: one-sample t on the changes */
    double stuart_maxwell, stuart_maxwell_df, stuart_maxwell_p; /* equal shares in both waves */
    double bhapkar, bhapkar_p;
    double score, score_p;   /* (sum of changes)^2 / sum of squared changes */
    double bowker, bowker_df, bowker_p; /* symmetry; pairs of empty cells do not count */
    double mcnemar, mcnemar_p;          /* promoter or not */
    double mcnemar_corrected, mcnemar_corrected_p, mcnemar_exact_p;
    double mcnemar_mid_p;    /* half of the chance of outcomes as likely as this one is left out */
    double transition[3][3]; /* row shares, NaN for a row without customers */
};
struct cxm_paired_nets cxm_priv_paired_nets(const double counts[3][3], double level);

/* ---- targets -------------------------------------------------------------------------- */

/* Whether a share is at least `target`: k of n whole answers, 0 < alpha < 1/2, one-sided. */
struct cxm_target {
    double share;
    bool point_pass;                    /* share >= target, which proves nothing */
    double p_at_least, p_at_most;       /* P(X >= k), P(X <= k) if the share were the target */
    double mid_p;                       /* P(X > k) + P(X = k) / 2 */
    double p_two_sided;                 /* exact, by smaller likelihoods */
    double score_z, score_p;            /* one-sided */
    double lower, upper;                /* one-sided Clopper-Pearson limits, each at 1 - alpha */
    double wilson_lower, wilson_upper;  /* the same, Wilson */
    enum cxm_verdict verdict;           /* from the exact limits */
    uint32_t flags;
};
struct cxm_target cxm_priv_target(double k, double n, double target, double alpha);

/* ---- several p-values ----------------------------------------------------------------- */

/* In input order; NaN stays NaN and is not counted. `out` may be `p`. ENOMEM. */
enum cxm_status cxm_priv_adjust_p(const double *p, size_t n, enum cxm_adjust_method method,
                                  const struct cxm_allocator *allocator, double *out);

/* ---- sample size and power ------------------------------------------------------------ */

/* Answers for a half width of `margin` with variance v per answer (a share: p (1 - p); a net
 * score: 1 at most); `spare` pseudo-answers are saved (3 for adjusted Wald). Not rounded. */
double cxm_priv_sample_size(double margin, double variance, double level, double spare);
/* The same in a population of that many customers. */
double cxm_priv_finite_sample_size(double n, double population);
/* Answers in each of two groups to find a difference d with this power. */
double cxm_priv_sample_size_two(double d, double variance_a, double variance_b, double level,
                                double power, double spare);
/* What to ask for: rounded up, at least 1. */
double cxm_priv_whole_answers(double n);
/* Power of the two-sided z test of a difference d with that standard error. */
double cxm_priv_power(double d, double std_error, double level);

#endif
