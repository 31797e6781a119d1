/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of counts: Pearson's chi-square, the likelihood ratio, Cramer's V and the adjusted
 * residuals of Haberman (1973, Biometrics 29:205). Agresti 2013, Categorical Data Analysis, ch. 3. */
#include "estimate/association.h"

#include "base/dd.h"
#include "estimate/beta.h"
#include "estimate/quantile.h"

#include <math.h>

static double sum_of(const double *first, size_t count, size_t stride)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += first[i * stride];
    return sum;
}

static double count_positive(const double *sums, size_t count)
{
    double used = 0.0;
    for (size_t i = 0; i < count; i++)
        used += sums[i] > 0.0;
    return used;
}

/* Adds one cell to the statistics and returns its adjusted residual. */
static double add_cell(double observed, double row, double column, double n,
                       struct cxm_table_tests *out)
{
    const double expected = row * (column / n);
    if (!(expected > 0.0))
        return NAN;
    const double gap = cxm_priv_difference_of_products(observed, n, row, column) / n;
    out->chi2 += gap * gap / expected;
    /* sum o log(o / e) = sum (o log(o / e) - o + e), whose terms are all positive */
    out->g2 += 2.0 * (observed > 0.0 ? -observed * cxm_priv_log1pmx(-gap / observed) : expected);
    out->n_small += expected < 5.0;
    return gap / sqrt(expected * ((n - row) / n) * ((n - column) / n));
}

enum cxm_status cxm_priv_table_tests(const double *counts, size_t rows, size_t columns,
                                     const struct cxm_allocator *allocator, double *residuals,
                                     struct cxm_table_tests *out)
{
    double *const sums = cxm_priv_alloc(allocator, rows + columns, sizeof *sums);
    if (sums == NULL)
        return CXM_ENOMEM;
    for (size_t i = 0; i < rows; i++)
        sums[i] = sum_of(counts + i * columns, columns, 1);
    for (size_t j = 0; j < columns; j++)
        sums[rows + j] = sum_of(counts + j, rows, columns);
    const double n = sum_of(sums, rows, 1);
    struct cxm_table_tests got = { 0 };
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const size_t at = i * columns + j;
            const double residual = add_cell(counts[at], sums[i], sums[rows + j], n, &got);
            if (residuals != NULL)
                residuals[at] = residual;
        }
    const double height = count_positive(sums, rows) - 1.0;
    const double width = count_positive(sums + rows, columns) - 1.0;
    got.df = height > 0.0 && width > 0.0 ? height * width : 0.0;
    if (got.df == 0.0)
        got.chi2 = got.g2 = NAN;
    got.p_chi2 = cxm_priv_chi2_upper(got.chi2, got.df);
    got.p_g2 = cxm_priv_chi2_upper(got.g2, got.df);
    got.cramer_v = sqrt(got.chi2 / (n * fmin(height, width)));
    cxm_priv_release(allocator, sums);
    *out = got;
    return CXM_OK;
}
