/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From exact sums of weights by category to the factors of raking or of linear calibration: the
 * cells in the order of their keys, so that the result does not depend on the order of rows. */
#include "estimate/residual.h"
#include "metric/margin.h"

#include <math.h>

enum cxm_status cxm_priv_calibrate_options(const struct cxm_calibrate_options *options,
                                           struct cxm_calibrate_options *out,
                                           struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof *out)
            return cxm_priv_fail(error, CXM_EINVAL, "options",
                                 "options.size must be sizeof(struct cxm_calibrate_options)");
        memcpy(out, options, options->size);
    }
    if (out->tolerance == 0)
        out->tolerance = 1e-10;
    if (out->max_iterations == 0)
        out->max_iterations = 200;
    if (!(out->tolerance > 0 && out->tolerance < 1) || out->max_iterations < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "tolerance",
                             "tolerance is between 0 and 1, max_iterations 1 or more");
    if (out->method != CXM_RAKING && out->method != CXM_LINEAR)
        return cxm_priv_fail(error, CXM_EINVAL, "method",
                             "method must be \"raking\" or \"linear\"");
    return CXM_OK;
}

void cxm_priv_raking_release(struct cxm_raking *r)
{
    if (r->allocator == NULL)
        return;
    cxm_priv_release(r->allocator, r->weights);
    cxm_priv_release(r->allocator, r->sums);
    cxm_priv_release(r->allocator, r->categories);
    cxm_priv_release(r->allocator, r->order);
    cxm_priv_release(r->allocator, r->cell_factors);
    cxm_priv_release(r->allocator, r->factors);
    memset(r, 0, sizeof *r);
}

static bool raking_init(struct cxm_raking *r, const struct cxm_table *cells,
                        const struct cxm_categories *categories, size_t n_margins)
{
    const uint32_t n = cells->dict.n;
    size_t n_factors = 0;
    memset(r, 0, sizeof *r);
    r->allocator = cells->allocator;
    for (size_t m = 0; m < n_margins; m++)
        n_factors += categories[m].n;
    r->weights = cxm_priv_alloc(r->allocator, n, sizeof *r->weights);
    r->sums = cxm_priv_alloc_zero(r->allocator, n_factors, sizeof *r->sums);
    r->categories = cxm_priv_alloc(r->allocator, n * n_margins, sizeof *r->categories);
    r->order = cxm_priv_alloc(r->allocator, n, sizeof *r->order);
    r->cell_factors = cxm_priv_alloc(r->allocator, n, sizeof *r->cell_factors);
    r->factors = cxm_priv_alloc(r->allocator, n_factors, sizeof *r->factors);
    if (r->weights == NULL || r->sums == NULL || r->categories == NULL || r->order == NULL
        || r->cell_factors == NULL || r->factors == NULL
        || !cxm_priv_dict_sort(&cells->dict, r->order))
        return false;
    size_t at = 0;
    for (size_t m = 0; m < n_margins; m++) {
        r->margins[m] = (struct cxm_rake_margin){ categories[m].n, categories[m].totals,
                                                  r->factors + at, r->sums + at };
        at += categories[m].n;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t bytes;
        const uint8_t *key = cxm_priv_dict_key(&cells->dict, r->order[i], &bytes);
        memcpy(r->categories + i * n_margins, key, bytes);
        r->weights[i] = cxm_priv_cell_sum(cells, cxm_priv_table_cell(cells, r->order[i]), 0);
        for (size_t m = 0; m < n_margins; m++) {
            struct cxm_dd *sum = &r->margins[m].sums[r->categories[i * n_margins + m]];
            *sum = cxm_priv_dd_add(*sum, r->weights[i]);
        }
    }
    r->table = (struct cxm_rake_table){ n, n_margins, r->weights, r->categories,
                                        r->cell_factors, r->margins };
    return true;
}

static enum cxm_status check_empty(const struct cxm_raking *r,
                                   const struct cxm_categories *categories,
                                   struct cxm_error *error)
{
    char text[160], number[CXM_DOUBLE_TEXT];
    for (size_t m = 0; m < r->table.n_margins; m++) {
        const struct cxm_categories *of = &categories[m];
        for (uint32_t k = 0; k < of->n; k++) {
            if (r->margins[m].sums[k].hi > 0 || of->totals[k] == 0)
                continue;
            cxm_priv_category_text(of, k, text, sizeof text);
            return cxm_priv_fail_at(error, CXM_EEMPTYCELL, of->name, -1, text,
                                    "%s: %s has a total of %s, but no rows with weight; merge it "
                                    "with another category", of->name, text,
                                    cxm_priv_double_text(of->totals[k], number));
        }
    }
    return CXM_OK;
}

static enum cxm_status off_totals(const struct cxm_categories *categories,
                                  const struct cxm_rake_error *how, bool linear,
                                  struct cxm_error *error)
{
    char text[160], number[CXM_DOUBLE_TEXT];
    const struct cxm_categories *worst = &categories[how->margin];
    const char *off = cxm_priv_double_text(how->error, number);
    cxm_priv_category_text(worst, (uint32_t)how->category, text, sizeof text);
    if (linear)
        return cxm_priv_fail_at(error, CXM_ENOCONV, worst->name, -1, text,
                                "no weights of these rows meet all totals: %s: %s is off by %s of "
                                "its total; merge small categories", worst->name, text, off);
    return cxm_priv_fail_at(error, CXM_ENOCONV, worst->name, -1, text,
                            "after %d iterations %s: %s is still off its total by %s of it; merge "
                            "small categories, or allow more", how->iterations, worst->name, text,
                            off);
}

/* ---- linear --------------------------------------------------------------------------- */

/* Cells with weight keep some. */
static enum cxm_status check_positive(const struct cxm_raking *r,
                                      const struct cxm_categories *categories,
                                      struct cxm_error *error)
{
    char text[160], number[CXM_DOUBLE_TEXT], where[400];
    for (size_t c = 0; c < r->table.n_cells; c++) {
        size_t used = 0;
        if (r->cell_factors[c] > 0 || !(r->weights[c].hi > 0))
            continue;
        where[0] = '\0';
        for (size_t m = 0; m < r->table.n_margins; m++) {
            cxm_priv_category_text(&categories[m], r->categories[c * r->table.n_margins + m],
                                   text, sizeof text);
            cxm_priv_append(where, sizeof where, &used, "%s%s %s", m > 0 ? ", " : "",
                            categories[m].name, text);
        }
        return cxm_priv_fail_at(error, CXM_EINCONSISTENT, categories[0].name, -1, where,
                                "%s: linear calibration multiplies weights by %s; they must stay "
                                "above 0: rake, or merge small categories", where,
                                cxm_priv_double_text(r->cell_factors[c], number));
    }
    return CXM_OK;
}

/* The normal equations of the categories: lambda, 1 + x'lambda of the cells. False: no memory. */
static bool solve_linear(struct cxm_raking *r, size_t n_columns)
{
    const size_t n = r->table.n_cells, n_margins = r->table.n_margins;
    struct cxm_fit fit = { .allocator = NULL };
    uint32_t *columns = cxm_priv_alloc(r->allocator, n * n_margins, sizeof *columns);
    struct cxm_dd *fitted = cxm_priv_alloc(r->allocator, n, sizeof *fitted);
    bool room = columns != NULL && fitted != NULL;
    uint32_t first = 0;
    for (size_t m = 0; room && m < n_margins; m++) {
        for (size_t c = 0; c < n; c++)
            columns[c * n_margins + m] = first + r->categories[c * n_margins + m];
        first += r->margins[m].n;
    }
    room = room && cxm_priv_fit_init(&fit, r->weights, columns, n, n_margins, n_columns,
                                     r->allocator);
    for (size_t k = 0; room && k < n_columns; k++) {
        /* margins lie one after the other in sums, factors and columns */
        size_t m = 0, at = k;
        while (at >= r->margins[m].n)
            at -= r->margins[m++].n;
        fit.beta[k] = cxm_priv_dd_sub(cxm_priv_dd(r->margins[m].totals[at]), r->sums[k]);
    }
    if (room)
        cxm_priv_fit_solve(&fit, fitted);
    for (size_t k = 0; room && k < n_columns; k++)
        r->factors[k] = r->sums[k].hi > 0 ? fit.beta[k].hi : NAN;
    for (size_t c = 0; room && c < n; c++)
        r->cell_factors[c] = cxm_priv_dd_add(cxm_priv_dd(1), fitted[c]).hi;
    cxm_priv_fit_release(&fit);
    cxm_priv_release(r->allocator, columns);
    cxm_priv_release(r->allocator, fitted);
    return room;
}

static enum cxm_status run_linear(struct cxm_raking *r, const struct cxm_categories *categories,
                                  double tolerance, struct cxm_rake_error *how,
                                  struct cxm_error *error)
{
    size_t n_columns = 0;
    for (size_t m = 0; m < r->table.n_margins; m++)
        n_columns += r->margins[m].n;
    if (!solve_linear(r, n_columns))
        return cxm_priv_no_memory(error);
    cxm_priv_rake_check(&r->table, how);
    how->iterations = 1;
    if (!(how->error <= tolerance))
        return off_totals(categories, how, true, error);
    const enum cxm_status status = check_positive(r, categories, error);
    for (size_t c = 0; c < r->table.n_cells; c++)
        r->cell_factors[c] = r->weights[c].hi > 0 ? r->cell_factors[c] : 0; /* rows of no weight */
    return status;
}

enum cxm_status cxm_priv_raking_run(struct cxm_raking *r, const struct cxm_table *cells,
                                    const struct cxm_categories *categories, size_t n_margins,
                                    const struct cxm_calibrate_options *options,
                                    struct cxm_rake_error *how, struct cxm_error *error)
{
    if (!raking_init(r, cells, categories, n_margins))
        return cxm_priv_no_memory(error);
    const enum cxm_status status = check_empty(r, categories, error);
    if (status != CXM_OK)
        return status;
    if (options->method == CXM_LINEAR)
        return run_linear(r, categories, options->tolerance, how, error);
    if (cxm_priv_rake(&r->table, options->tolerance, options->max_iterations, how))
        return CXM_OK;
    return off_totals(categories, how, false, error);
}
