/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gamma-Gamma: what a customer spends on an order is Gamma(p, v), and v is Gamma(q, gamma) among
 * customers (Fader, Hardie & Lee 2005, J. Marketing Research; Hardie's note 025). Of each customer
 * only the number x of repeat orders and their mean value m count. */
#include "estimate/lifetime.h"

#include "base/base.h"
#include "estimate/special.h"

#include <math.h>

struct sample {
    const struct cxm_spending *rows;
    size_t n;
};

double cxm_priv_gamma_gamma_log_likelihood(const struct cxm_gamma_gamma *model,
                                           const struct cxm_spending *row)
{
    const double p = model->p, q = model->q, g = model->gamma, x = row->x, m = row->mean;
    return cxm_priv_log_gamma(p * x + q) - cxm_priv_log_gamma(p * x) - cxm_priv_log_gamma(q)
         + q * log(g) + (p * x - 1) * log(m) + p * x * log(x) - (p * x + q) * log(x * m + g);
}

static void row_gradient(const struct cxm_gamma_gamma *model, const struct cxm_spending *row,
                         double out[3])
{
    const double p = model->p, q = model->q, g = model->gamma, x = row->x, m = row->mean;
    const double all = cxm_priv_digamma(p * x + q), size = log(x * m + g);
    out[0] = x * (all - cxm_priv_digamma(p * x) + log(m) + log(x) - size);
    out[1] = all - cxm_priv_digamma(q) + log(g) - size;
    out[2] = q / g - (p * x + q) / (x * m + g);
}

static void likelihood(const void *context, const double *theta, double *value,
                       double *gradient)
{
    const struct sample *s = context;
    const struct cxm_gamma_gamma model = { exp(theta[0]), exp(theta[1]), exp(theta[2]) };
    struct cxm_dd sum = { 0, 0 }, slope[3] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
    for (size_t i = 0; i < s->n; i++) {
        const struct cxm_dd n = cxm_priv_dd(s->rows[i].n);
        double g[3];
        row_gradient(&model, &s->rows[i], g);
        sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(n, cxm_priv_dd(
            cxm_priv_gamma_gamma_log_likelihood(&model, &s->rows[i]))));
        for (int k = 0; k < 3; k++)
            slope[k] = cxm_priv_dd_add(slope[k], cxm_priv_dd_mul(n, cxm_priv_dd(g[k])));
    }
    *value = sum.hi;
    gradient[0] = model.p * slope[0].hi;
    gradient[1] = model.q * slope[1].hi;
    gradient[2] = model.gamma * slope[2].hi;
}

struct cxm_fit cxm_priv_gamma_gamma_fit(const struct cxm_spending *rows, size_t n)
{
    const struct sample sample = { rows, n };
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, rows[i].mean);
    const double unit = most > 0 ? log(most / 10) : 0;
    const double starts[3][3] = { { 1, 1, unit }, { 0, 0.7, unit + 1 }, { 2, 1.5, unit + 2 } };
    return cxm_priv_maximise(likelihood, &sample, 3, &starts[0][0], 3);
}

double cxm_priv_gamma_gamma_expected(const struct cxm_gamma_gamma *m, double x, double mean)
{
    if (x <= 0)
        return m->q > 1 ? m->p * m->gamma / (m->q - 1) : INFINITY;
    const double below = m->p * x + m->q - 1;
    return below > 0 ? m->p * (m->gamma + x * mean) / below : INFINITY;
}
