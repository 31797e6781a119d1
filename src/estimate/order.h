/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which order statistics a quantile and its limits are made of. */
#ifndef CXM_SRC_ESTIMATE_ORDER_H
#define CXM_SRC_ESTIMATE_ORDER_H

#include <stdint.h>

struct cxm_quantile_ranks {
    int64_t low, high;      /* from 0; the quantile is x[low] + part (x[high] - x[low]) */
    double part;            /* 0 … 1 */
    int64_t lower, upper;   /* limits, from 0; -1 and n: beyond the ends */
    double coverage;        /* that the limits have */
};

/* n >= 1, 0 <= p <= 1, type 1 … 9 (Hyndman & Fan 1996). */
struct cxm_quantile_ranks cxm_priv_quantile_ranks(int64_t n, double p, int type, double level);

/* floor((n - 1) p), the lower order statistic of type 7 from 0, where p is the decimal that its double
 * stands for: 0.29 of 101 is 29, though the product rounds to less. */
int64_t cxm_priv_lower_rank(int64_t n, double p);

/* The value of a quantile from its two order statistics, monotone and exact where they agree. */
double cxm_priv_between(double low, double high, double part);

#endif
