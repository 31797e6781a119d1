/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Regression on dummies of margins by L D L' in double-double: the margins determine each other
 * up to a constant (and more, where cells are empty), so that columns whose pivot is no more
 * than rounding are left out, which changes no fitted value. Typical: 5 to 100 columns. */
#include "estimate/residual.h"

#include <math.h>

static struct cxm_dd *lower_of(const struct cxm_fit *fit, size_t i, size_t j)
{
    return &fit->lower[i * (i - 1) / 2 + j]; /* j < i */
}

void cxm_priv_fit_release(struct cxm_fit *fit)
{
    if (fit->allocator == NULL)
        return;
    cxm_priv_release(fit->allocator, fit->lower);
    cxm_priv_release(fit->allocator, fit->diagonal);
    cxm_priv_release(fit->allocator, fit->beta);
    memset(fit, 0, sizeof *fit);
}

/* Adds up X'WX into lower and diagonal. */
static void add_products(struct cxm_fit *fit, const struct cxm_dd *weights)
{
    for (size_t c = 0; c < fit->n_cells; c++) {
        const uint32_t *in = fit->columns + c * fit->n_margins;
        for (size_t a = 0; a < fit->n_margins; a++) {
            struct cxm_dd *d = &fit->diagonal[in[a]];
            *d = cxm_priv_dd_add(*d, weights[c]);
            for (size_t b = 0; b < fit->n_margins; b++) {
                if (in[b] >= in[a])
                    continue;
                struct cxm_dd *l = lower_of(fit, in[a], in[b]);
                *l = cxm_priv_dd_add(*l, weights[c]);
            }
        }
    }
}

static void factorise(struct cxm_fit *fit)
{
    for (size_t i = 0; i < fit->n; i++) {
        struct cxm_dd pivot = fit->diagonal[i];
        const double size = pivot.hi;
        for (size_t j = 0; j < i; j++) {
            struct cxm_dd sum = *lower_of(fit, i, j); /* a_ij - sum_k l_ik d_k l_jk */
            for (size_t k = 0; k < j; k++)
                sum = cxm_priv_dd_sub(sum, cxm_priv_dd_mul(cxm_priv_dd_mul(*lower_of(fit, i, k),
                                                                           fit->diagonal[k]),
                                                           *lower_of(fit, j, k)));
            *lower_of(fit, i, j) = fit->diagonal[j].hi > 0
                                     ? cxm_priv_dd_div(sum, fit->diagonal[j])
                                     : cxm_priv_dd(0);
        }
        for (size_t k = 0; k < i; k++) {
            const struct cxm_dd l = *lower_of(fit, i, k);
            pivot = cxm_priv_dd_sub(pivot, cxm_priv_dd_mul(cxm_priv_dd_mul(l, l),
                                                           fit->diagonal[k]));
        }
        fit->diagonal[i] = pivot.hi > ldexp(size, -70) ? pivot : cxm_priv_dd(0);
    }
}

bool cxm_priv_fit_init(struct cxm_fit *fit, const struct cxm_dd *weights,
                       const uint32_t *columns, size_t n_cells, size_t n_margins, size_t n,
                       const struct cxm_allocator *allocator)
{
    *fit = (struct cxm_fit){ .allocator = allocator, .n_cells = n_cells, .n_margins = n_margins,
                             .n = n, .columns = columns };
    fit->lower = cxm_priv_alloc_zero(allocator, n * (n > 0 ? n - 1 : 0) / 2, sizeof *fit->lower);
    fit->diagonal = cxm_priv_alloc_zero(allocator, n, sizeof *fit->diagonal);
    fit->beta = cxm_priv_alloc(allocator, n, sizeof *fit->beta);
    if (fit->lower == NULL || fit->diagonal == NULL || fit->beta == NULL)
        return false;
    add_products(fit, weights);
    factorise(fit);
    return true;
}

void cxm_priv_fit_values(struct cxm_fit *fit, const struct cxm_dd *totals, struct cxm_dd *fitted)
{
    struct cxm_dd *x = fit->beta;
    memset(x, 0, fit->n * sizeof *x);
    for (size_t c = 0; c < fit->n_cells; c++)
        for (size_t m = 0; m < fit->n_margins; m++) {
            struct cxm_dd *at = &x[fit->columns[c * fit->n_margins + m]];
            *at = cxm_priv_dd_add(*at, totals[c]);
        }
    cxm_priv_fit_solve(fit, fitted);
}

void cxm_priv_fit_solve(struct cxm_fit *fit, struct cxm_dd *fitted)
{
    struct cxm_dd *x = fit->beta;
    for (size_t i = 0; i < fit->n; i++)
        for (size_t k = 0; k < i; k++)
            x[i] = cxm_priv_dd_sub(x[i], cxm_priv_dd_mul(*lower_of(fit, i, k), x[k]));
    for (size_t i = fit->n; i-- > 0;) {
        x[i] = fit->diagonal[i].hi > 0 ? cxm_priv_dd_div(x[i], fit->diagonal[i]) : cxm_priv_dd(0);
        for (size_t k = i + 1; k < fit->n; k++)
            if (fit->diagonal[i].hi > 0)
                x[i] = cxm_priv_dd_sub(x[i], cxm_priv_dd_mul(*lower_of(fit, k, i), x[k]));
    }
    for (size_t c = 0; c < fit->n_cells; c++) {
        fitted[c] = cxm_priv_dd(0);
        for (size_t m = 0; m < fit->n_margins; m++)
            fitted[c] = cxm_priv_dd_add(fitted[c], x[fit->columns[c * fit->n_margins + m]]);
    }
}
