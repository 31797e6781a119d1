/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weighted bins, and means of a variable, of some groups side by side: what weighed_rows.c computes in
 * vectors, and its variants. All of them give the bits of the double-doubles of bins.c and view.c. */
#ifndef CXM_SRC_WEIGHED_H
#define CXM_SRC_WEIGHED_H

#include "metric/bins.h"

enum { CXM_WEIGHED_BINS = 64, CXM_WEIGHED_LIMBS = 8, CXM_WEIGHED_DIGITS = 5 };

/* The sums of a unit: 2 b and 2 b + 1 are those of the weights of bin b and of their squares. All are
 * within the digits that cxm_priv_can_weigh allows. */
struct cxm_weighing {
    uint32_t bins;
    const struct cxm_window *windows;
    const uint32_t *at; /* limbs, from the start of the cell */
    const double *y;
    const int64_t *const *cells, *const *next; /* CXM_SCORE_ROWS; `next` is fetched on the way */
};

/* The sums of a unit of one bin and one variable, which follow those of the weights. */
struct cxm_averaging {
    struct cxm_weighing sums;
    bool weighted;      /* if not, all weights are 1, */
    uint32_t counts_at; /* and there are so many: from the start of the cell */
};

/* Of CXM_SCORE_ROWS groups. Where `slow` is not 0 the others hold anything: a sum reaches too far, or
 * its rounding hangs on digits that were left out. */
struct cxm_weighed {
    double weight[CXM_SCORE_ROWS], n_eff[CXM_SCORE_ROWS];
    double mean[CXM_SCORE_ROWS], scatter[CXM_SCORE_ROWS]; /* as in struct cxm_bin_mean */
    double counts[3][CXM_SCORE_ROWS];                     /* weight of -1, 0 and 1; of shares too */
    int64_t slow[CXM_SCORE_ROWS];
};

typedef void cxm_weigh(const struct cxm_weighing *w, struct cxm_weighed *out);
/* Of the variable: mean and scatter; `counts` is left alone. */
typedef void cxm_average(const struct cxm_averaging *a, struct cxm_weighed *out);

cxm_weigh cxm_priv_weigh_c;
cxm_average cxm_priv_average_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_WEIGHED_X86 1
cxm_weigh cxm_priv_weigh_avx2, cxm_priv_weigh_avx512;
cxm_average cxm_priv_average_avx2, cxm_priv_average_avx512;
#else
#define CXM_WEIGHED_X86 0
#endif

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
cxm_weigh *cxm_priv_weigh(unsigned mask);
cxm_average *cxm_priv_average(unsigned mask);

/* The digits of the weights of all bins, or with `odd` = 1 of their squares. */
struct cxm_window cxm_priv_weighed_window(const struct cxm_weighing *w, uint32_t odd);
/* Few bins, weights between 1e-70 and 1e70, and sums of at most CXM_WEIGHED_LIMBS limbs? */
bool cxm_priv_can_weigh(const struct cxm_weighing *w);
/* Nothing that is computed of these sums leaves the range of ordinary doubles? */
bool cxm_priv_can_average(const struct cxm_averaging *a);

#endif
