/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Control charts, run rules and change points: numbers in time order in, limits and signals
 * out. Knows no columns and no tallies. */
#ifndef CXM_SRC_ESTIMATE_CHART_H
#define CXM_SRC_ESTIMATE_CHART_H

#include "base/base.h"

/* ---- control charts ------------------------------------------------------------------- */

enum cxm_chart {
    CXM_CHART_P,       /* shares k / n, binomial */
    CXM_CHART_U,       /* counts per unit, Poisson */
    CXM_CHART_LANEY,   /* p' and u': with the spread between the points (Laney 2002) */
    CXM_CHART_LANEY_U,
    CXM_CHART_C,       /* counts, Poisson */
    CXM_CHART_XMR,     /* single values and their moving ranges (Shewhart) */
    CXM_CHART_EWMA,    /* Roberts 1959 */
    CXM_CHART_CUSUM    /* Page 1954 */
};

struct cxm_chart_setup {
    enum cxm_chart kind;
    double limits;     /* distance of the limits in sigma, > 0 */
    size_t baseline;   /* the first points, from which the rest is estimated */
    double centre, sigma, sigma_z; /* frozen; NaN: from the baseline */
    bool exact;        /* 2/sqrt(pi) instead of the printed 1.128, and so on */
    bool median_range; /* sigma from the median moving range */
    bool asymptotic;   /* EWMA: the limits of a long series */
    double lambda;     /* EWMA: weight of the newest point, in (0, 1] */
    double k, h;       /* CUSUM: allowance and decision interval */
    bool sigma_units;  /* k and h in sigma */
    double start_high, start_low; /* CUSUM: where the sums start; NaN: head_start * h */
    double head_start;
    double start_z;    /* EWMA: NaN: the centre */
    int64_t start_t;   /* EWMA: points before the first */
};

struct cxm_chart_point {
    double value;      /* in: the value, or the count of a rate */
    double size;       /* in: what a rate divides by */
    bool skip;         /* in: nothing to plot; no part of the sequence */
    bool after_gap;    /* in: the sequence starts anew here */
    double plotted;    /* out; NaN when skipped, as all below */
    double centre, sigma, lower, upper; /* raw limits, not clipped */
    double range;      /* XMR: |x - previous|; NaN for the first of a sequence */
    double high, low;  /* CUSUM: the two sums */
};

/* What was estimated from the baseline, or given. */
struct cxm_chart_fit {
    double centre, sigma;  /* NaN sigma: differs by point */
    double rest;           /* shares: 1 - centre, with the digits of a few failures */
    double sigma_z;        /* rates: spread of the standardised points, 1 when binomial/Poisson */
    double range, range_upper; /* XMR: centre and upper limit of the moving ranges */
    double h;              /* CUSUM: the decision interval in the unit of the values */
    size_t n;              /* points of the baseline that were used */
};

/* Fills the outputs of the points, in time order. `scratch` has room for n numbers. EINVAL: the
 * baseline is too short. */
enum cxm_status cxm_priv_chart(const struct cxm_chart_setup *setup,
                               struct cxm_chart_point *points, size_t n, double *scratch,
                               struct cxm_chart_fit *fit, struct cxm_error *error);

/* ---- run rules ------------------------------------------------------------------------ */

/* Western Electric 1956, Nelson 1984, on z = (x - centre) / sigma; comparisons are strict. */
enum cxm_run_rule {
    CXM_RULE_N1 = 1 << 0,  /* beyond 3 */
    CXM_RULE_N2 = 1 << 1,  /* 9 on one side */
    CXM_RULE_N3 = 1 << 2,  /* 6 rising or falling */
    CXM_RULE_N4 = 1 << 3,  /* 14 alternating */
    CXM_RULE_N5 = 1 << 4,  /* 2 of 3 beyond 2 on one side */
    CXM_RULE_N6 = 1 << 5,  /* 4 of 5 beyond 1 on one side */
    CXM_RULE_N7 = 1 << 6,  /* 15 within 1 */
    CXM_RULE_N8 = 1 << 7,  /* 8 beyond 1, on both sides */
    CXM_RULE_WE4 = 1 << 8  /* 8 on one side */
};
#define CXM_RULES_DEFAULT (CXM_RULE_N1 | CXM_RULE_WE4 | CXM_RULE_N5)
#define CXM_RULES_ALL 0xFFu

/* hits[i]: the rules whose pattern point i completes. after_gap[i]: patterns do not reach
 * across; NULL: no gaps. */
void cxm_priv_run_rules(const double *z, const bool *after_gap, size_t n, uint32_t rules,
                        uint32_t *hits);

/* ---- change points -------------------------------------------------------------------- */

enum cxm_change { CXM_CHANGE_MEAN, CXM_CHANGE_PETTITT, CXM_CHANGE_PROPORTION, CXM_CHANGE_RATE };

struct cxm_change_setup {
    enum cxm_change method;
    bool several;          /* binary segmentation; false: the one best split */
    double penalty;        /* a split must gain more; NaN: 2 ln n */
    double level;          /* PETTITT: a split must have p < 1 - level */
    int64_t permutations;  /* 0: no Monte Carlo p */
    uint64_t seed;
};

/* A split of a stretch of the series in two. */
struct cxm_split {
    size_t first, last;    /* the stretch: first … last - 1 */
    size_t at;             /* the right part starts here; == first: none, all equal */
    double statistic;      /* supF, K or LR of the stretch */
    double gain;           /* what is compared with the penalty */
    double p;              /* NaN: not known */
    double before, after;  /* means (shares) of the two parts of the stretch */
    bool accepted;
};

/* Splits in time order, at most n - 1: with `several` all that were accepted, else the best one
 * (accepted or not). `sizes` only for PROPORTION and RATE. ENOMEM. */
enum cxm_status cxm_priv_change_points(const struct cxm_change_setup *setup,
                                       const double *values, const double *sizes, size_t n,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_split *splits, size_t *n_splits);

#endif
