/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From exact sums of weights by category to the factors of raking: the cells in the order of
 * their keys, so that the result does not depend on the order of rows. */
#include "metric/margin.h"

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

enum cxm_status cxm_priv_raking_run(struct cxm_raking *r, const struct cxm_table *cells,
                                    const struct cxm_categories *categories, size_t n_margins,
                                    double tolerance, int32_t max_iterations,
                                    struct cxm_rake_error *how, struct cxm_error *error)
{
    char text[160], number[CXM_DOUBLE_TEXT];
    if (!raking_init(r, cells, categories, n_margins))
        return cxm_priv_no_memory(error);
    const enum cxm_status status = check_empty(r, categories, error);
    if (status != CXM_OK || cxm_priv_rake(&r->table, tolerance, max_iterations, how))
        return status;
    const struct cxm_categories *worst = &categories[how->margin];
    cxm_priv_category_text(worst, (uint32_t)how->category, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_ENOCONV, worst->name, -1, text,
                            "after %d iterations %s: %s is still off its total by %s of it; merge "
                            "small categories, or allow more", how->iterations, worst->name, text,
                            cxm_priv_double_text(how->error, number));
}
