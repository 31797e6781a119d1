/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * BG/NBD: orders come as a Poisson process whose rate is Gamma(r, alpha) among customers; after
 * each order the customer leaves with a chance that is Beta(a, b) among them (Fader, Hardie &
 * Lee 2005, Marketing Science 24). x repeat orders, the last at `recency`, seen until `age`.
 *
 * Expectations are sums over the number of orders that a customer who never left would make, which
 * is negative binomial: only positive terms, so that no digit is lost for any parameters. The
 * paper's hypergeometric is the same in closed form, but undefined at a = 1 and at a + b + x = 1,
 * and it cancels for short times, and for large r or a.
 * Rows are distinct (x, recency, age): CDNOW's 2 357 customers are 1 200 rows. */
#include "estimate/lifetime.h"

#include "base/base.h"
#include "estimate/special.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

struct sample {
    const struct cxm_purchases *rows;
    size_t n;
};

/* The two ways to see a row: still there (first), or left after the last order (second). */
static double parts(const struct cxm_bg_nbd *m, const struct cxm_purchases *row, double *gone)
{
    const double x = row->x, none = cxm_priv_log_beta(m->a, m->b);
    const double here = cxm_priv_log_beta(m->a, m->b + x) - none
                      - (m->r + x) * log(m->alpha + row->age);
    *gone = x > 0 ? cxm_priv_log_beta(m->a + 1, m->b + x - 1) - none
                        - (m->r + x) * log(m->alpha + row->recency)
                  : -INFINITY;
    return here;
}

static double log_add(double u, double v)
{
    const double high = fmax(u, v), low = fmin(u, v);
    return isinf(low) ? high : high + log1p(exp(low - high));
}

double cxm_priv_bg_nbd_log_likelihood(const struct cxm_bg_nbd *m,
                                      const struct cxm_purchases *row)
{
    double gone;
    const double here = parts(m, row, &gone);
    return cxm_priv_log_gamma(m->r + row->x) - cxm_priv_log_gamma(m->r) + m->r * log(m->alpha)
         + log_add(here, gone);
}

/* Of one row, in r, alpha, a, b. */
static void row_gradient(const struct cxm_bg_nbd *m, const struct cxm_purchases *row, double g[4])
{
    const double x = row->x;
    double gone;
    const double here = parts(m, row, &gone);
    const double q = x > 0 ? 1 / (1 + exp(here - gone)) : 0, p = 1 - q;
    const double until = m->alpha + row->age, last = m->alpha + row->recency;
    const double all = cxm_priv_digamma(m->a + m->b + x) - cxm_priv_digamma(m->a + m->b);
    g[0] = cxm_priv_digamma(m->r + x) - cxm_priv_digamma(m->r) + log(m->alpha) - p * log(until)
         - (q > 0 ? q * log(last) : 0);
    g[1] = m->r / m->alpha - (m->r + x) * (p / until + (q > 0 ? q / last : 0));
    g[2] = q / m->a - all; /* psi(a + 1) = psi(a) + 1 / a */
    g[3] = -all - (x > 0 ? cxm_priv_digamma(m->b) - cxm_priv_digamma(m->b + x)
                               + q / (m->b + x - 1)
                         : 0);
}

static void likelihood(const void *context, const double *theta, double *value,
                       double *gradient)
{
    const struct sample *s = context;
    const struct cxm_bg_nbd m = { exp(theta[0]), exp(theta[1]), exp(theta[2]), exp(theta[3]) };
    struct cxm_dd sum = { 0, 0 }, slope[4] = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 } };
    for (size_t i = 0; i < s->n; i++) {
        const struct cxm_dd n = cxm_priv_dd(s->rows[i].n);
        double g[4];
        row_gradient(&m, &s->rows[i], g);
        sum = cxm_priv_dd_add(
            sum, cxm_priv_dd_mul(n, cxm_priv_dd(cxm_priv_bg_nbd_log_likelihood(&m, &s->rows[i]))));
        for (int k = 0; k < 4; k++)
            slope[k] = cxm_priv_dd_add(slope[k], cxm_priv_dd_mul(n, cxm_priv_dd(g[k])));
    }
    *value = sum.hi;
    gradient[0] = m.r * slope[0].hi;
    gradient[1] = m.alpha * slope[1].hi;
    gradient[2] = m.a * slope[2].hi;
    gradient[3] = m.b * slope[3].hi;
}

struct cxm_fit cxm_priv_bg_nbd_fit(const struct cxm_purchases *rows, size_t n)
{
    const struct sample sample = { rows, n };
    double longest = 0;
    for (size_t i = 0; i < n; i++)
        longest = fmax(longest, rows[i].age);
    const double unit = longest > 0 ? log(longest / 10) : 0;
    const double starts[3][4] = { { -1.4, unit, -0.2, 0.9 },
                                  { 0, unit + 1, 0, 0 },
                                  { -0.5, unit + 2, -0.7, 1.5 } };
    return cxm_priv_maximise(likelihood, &sample, 4, &starts[0][0], 3);
}

double cxm_priv_bg_nbd_alive(const struct cxm_bg_nbd *m, double x, double recency, double age)
{
    if (x <= 0)
        return 1;
    const double log_odds = log(m->a / (m->b + x - 1))
                          + (m->r + x) * log((m->alpha + age) / (m->alpha + recency));
    return 1 / (1 + exp(log_odds));
}

/* Of a customer who is alive: sum_n P(N = n) G(n), with N the orders if nobody left, negative
 * binomial of r + x and z, and G(n) = sum_{k < n} q_k those of n that are made before leaving,
 * q_k = (b + x)_k / (a + b + x)_k the chance to be there still after k of them. P(N = n) is known up
 * to P(N = 0), which may underflow: the sum of all divides it out. */
static double orders_while_alive(const struct cxm_bg_nbd *m, double x, double z)
{
    static const double huge = 0x1p800;
    const double s = m->r + x, b = m->b + x, c = m->a + m->b + x;
    double chance = 1, all = 1, sum = 0, made = 0, here = 1;
    for (int32_t k = 0; k < 1 << 24; k++) {
        const double n = k, step = z * ((s + n) / (n + 1));
        chance *= step;
        made += here;
        here *= (b + n) / (c + n);
        all += chance;
        sum += chance * made;
        if (chance > huge) {
            chance /= huge;
            all /= huge;
            sum /= huge;
        }
        /* From here chances shrink at least by `ratio`, and `made` grows by `here` at most. */
        const double ratio = fmax(z, step), rest = 1 - ratio;
        if (rest > 0 && chance <= DBL_EPSILON / 8 * all * rest
            && chance * (made * rest + here) <= DBL_EPSILON / 8 * sum * rest * rest)
            return sum / all;
    }
    return NAN;
}

double cxm_priv_bg_nbd_expected(const struct cxm_bg_nbd *m, double t)
{
    return orders_while_alive(m, 0, t / (m->alpha + t));
}

double cxm_priv_bg_nbd_conditional(const struct cxm_bg_nbd *m, double t, double x,
                                   double recency, double age)
{
    return orders_while_alive(m, x, t / (m->alpha + age + t))
         * cxm_priv_bg_nbd_alive(m, x, recency, age);
}
