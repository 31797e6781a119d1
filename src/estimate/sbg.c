/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shifted beta geometric: everyone has an own chance of leaving each period, Beta(a, b)
 * distributed among customers (Fader & Hardie 2007, J. Interactive Marketing 21(1)).
 *
 *   P(T = t) = B(a + 1, b + t - 1) / B(a, b),   S(t) = B(a, b + t) / B(a, b)
 *
 * Retention rises with t because the restless leave first. Lost counts are sufficient. */
#include "estimate/lifetime.h"

#include "base/base.h"
#include "estimate/special.h"

#include <math.h>

/* log B(a + i, b + j) - log B(a, b) and its gradient in a and b. */
static double log_beta_ratio(double a, double b, double i, double j, double gradient[2])
{
    const double total = cxm_priv_digamma(a + b + i + j) - cxm_priv_digamma(a + b);
    gradient[0] = cxm_priv_digamma(a + i) - cxm_priv_digamma(a) - total;
    gradient[1] = cxm_priv_digamma(b + j) - cxm_priv_digamma(b) - total;
    return cxm_priv_log_beta(a + i, b + j) - cxm_priv_log_beta(a, b);
}

static void add(struct cxm_dd *sum, double count, double term)
{
    *sum = cxm_priv_dd_add(*sum, cxm_priv_dd_mul(cxm_priv_dd(count), cxm_priv_dd(term)));
}

static void likelihood(const void *context, const double *theta, double *value,
                       double *gradient)
{
    const struct cxm_sbg_counts *c = context;
    const double a = exp(theta[0]), b = exp(theta[1]);
    struct cxm_dd sum = { 0, 0 }, slope[2] = { { 0, 0 }, { 0, 0 } };
    for (size_t k = 0; k < c->n_periods; k++) {
        const double t = (double)k + 1;
        double g[2];
        if (c->lost[k] > 0) {
            add(&sum, (double)c->lost[k], log_beta_ratio(a, b, 1, t - 1, g));
            add(&slope[0], (double)c->lost[k], g[0]);
            add(&slope[1], (double)c->lost[k], g[1]);
        }
        if (c->left[k] > 0) {
            add(&sum, (double)c->left[k], log_beta_ratio(a, b, 0, t, g));
            add(&slope[0], (double)c->left[k], g[0]);
            add(&slope[1], (double)c->left[k], g[1]);
        }
    }
    *value = sum.hi;
    gradient[0] = a * slope[0].hi;
    gradient[1] = b * slope[1].hi;
}

struct cxm_fit cxm_priv_sbg_fit(const struct cxm_sbg_counts *counts)
{
    static const double starts[3][2] = { { 0, 0 }, { 0, 1.5 }, { -1, 1 } };
    return cxm_priv_maximise(likelihood, counts, 2, &starts[0][0], 3);
}

double cxm_priv_sbg_log_likelihood(const struct cxm_sbg_counts *counts, double a, double b)
{
    const double theta[2] = { log(a), log(b) };
    double value, unused[2];
    likelihood(counts, theta, &value, unused);
    return value;
}

double cxm_priv_sbg_survival(double a, double b, double t)
{
    double unused[2];
    return t <= 0 ? 1 : exp(log_beta_ratio(a, b, 0, t, unused));
}

void cxm_priv_sbg_survival_gradient(double a, double b, double t, double gradient[2])
{
    const double s = exp(log_beta_ratio(a, b, 0, t, gradient));
    gradient[0] *= a * s;
    gradient[1] *= b * s;
}

double cxm_priv_sbg_retention(double a, double b, double t)
{
    return (b + t - 1) / (a + b + t - 1);
}

double cxm_priv_sbg_del(double a, double b, double discount)
{
    if (discount == 0)
        return a > 1 ? (a + b - 1) / (a - 1) : INFINITY;
    return cxm_priv_hyper_2f1_one(b, a + b, 1 / (1 + discount));
}

double cxm_priv_sbg_derl(double a, double b, double renewals, double discount)
{
    const double n = renewals;
    return cxm_priv_sbg_retention(a, b, n) * cxm_priv_sbg_del(a, b + n, discount);
}
