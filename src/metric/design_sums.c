/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the influences of a group's rows on an estimate sum to, in all and in each unit of the sampling
 * design: read from the sums of its cells, which are exact, and rounded once. What is no more than
 * the rounding of its parts is 0. Where weights are calibrated, it is the residuals that are summed. */
#include "metric/design_sums.h"

#include "metric/calibrated.h"

#include <math.h>

static void add_part(struct cxm_dd *sum, double *size, struct cxm_dd part)
{
    *sum = cxm_priv_dd_add(*sum, part);
    *size += fabs(part.hi);
}

struct cxm_dd cxm_priv_form_total(const struct cxm_view *view, const struct cxm_form *form,
                                  bool rounded, double *size_out)
{
    const struct cxm_unit_spec *spec = &view->config->units[form->unit];
    struct cxm_dd sum = { 0, 0 };
    double size = 0;
    for (uint32_t b = 0; b < spec->bins; b++)
        add_part(&sum, &size, cxm_priv_dd_mul(form->c[b],
                                              cxm_priv_view_weight(view, form->unit, b)));
    for (uint32_t i = 0; form->a != NULL && i < spec->variables; i++) {
        const struct cxm_dd x = rounded ? cxm_priv_view_rounded_sum(view, form->unit, i)
                                        : cxm_priv_view_sum(view, form->unit, i);
        add_part(&sum, &size, cxm_priv_dd_mul(form->a[i], x));
    }
    if (form->value != 0)
        add_part(&sum, &size, cxm_priv_dd_mul(cxm_priv_dd(form->value), cxm_priv_view_value(view, false)));
    if (size_out != NULL)
        *size_out = size;
    return cxm_priv_settled(sum, size);
}

/* The sum of w^p (a x + c)^2: p = 2, squares of influences; p = 1, their weighted variance. */
struct cxm_dd cxm_priv_form_squares(const struct cxm_view *view, const struct cxm_form *form, int p)
{
    const struct cxm_unit_spec *spec = &view->config->units[form->unit];
    const uint32_t u = form->unit;
    const bool plain = p == 1 && view->weighted;
    struct cxm_dd sum = { 0, 0 };
    double size = 0;
    for (uint32_t b = 0; b < spec->bins; b++)
        add_part(&sum, &size,
                 cxm_priv_dd_mul(cxm_priv_dd_mul(form->c[b], form->c[b]),
                                 p == 1 ? cxm_priv_view_weight(view, u, b)
                                        : cxm_priv_view_weight2(view, u, b)));
    for (uint32_t i = 0; form->a != NULL && i < spec->variables; i++) {
        const struct cxm_dd x = p == 1 ? cxm_priv_view_sum(view, u, i)
                                       : cxm_priv_view_weighted_sum(view, u, i);
        struct cxm_dd part = cxm_priv_dd_mul(cxm_priv_dd_mul(form->a[i], form->c[0]), x);
        add_part(&sum, &size, cxm_priv_dd_add(part, part));
        for (uint32_t j = i; j < spec->variables; j++) {
            part = cxm_priv_dd_mul(cxm_priv_dd_mul(form->a[i], form->a[j]),
                                   plain ? cxm_priv_view_plain_product(view, u, i, j)
                                         : cxm_priv_view_product(view, u, i, j));
            add_part(&sum, &size, j > i ? cxm_priv_dd_add(part, part) : part);
        }
    }
    if (form->value != 0) /* (c + value)^2 - c^2 in the rows of the value, all of bin 1 */
        add_part(&sum, &size,
                 cxm_priv_dd_mul(cxm_priv_dd_add(cxm_priv_dd(form->value * form->value),
                                                 cxm_priv_dd_mul(cxm_priv_dd(2 * form->value),
                                                                 form->c[1])),
                                 cxm_priv_view_value(view, p == 2)));
    sum = cxm_priv_settled(sum, size);
    return sum.hi < 0 ? cxm_priv_dd(0) : sum;
}

static bool rows_are_units(const struct cxm_sample *s)
{
    return !s->clusters || s->second_rows;
}

/* sum of w (w z) over the rows of a view, z the influence of unit weight: with squares and w^2 it
 * gives those of residuals z - f. */
static struct cxm_dd form_cross(const struct cxm_view *view, const struct cxm_form *form)
{
    const struct cxm_unit_spec *spec = &view->config->units[form->unit];
    struct cxm_dd sum = { 0, 0 };
    double size = 0;
    for (uint32_t b = 0; b < spec->bins; b++)
        add_part(&sum, &size, cxm_priv_dd_mul(form->c[b],
                                              cxm_priv_view_weight2(view, form->unit, b)));
    for (uint32_t i = 0; form->a != NULL && i < spec->variables; i++)
        add_part(&sum, &size,
                 cxm_priv_dd_mul(form->a[i], cxm_priv_view_weighted_sum(view, form->unit, i)));
    if (form->value != 0)
        add_part(&sum, &size, cxm_priv_dd_mul(cxm_priv_dd(form->value),
                                              cxm_priv_view_value(view, true)));
    return cxm_priv_settled(sum, size);
}

/* The same as sum_units where weights are calibrated: residuals of all rows of the sample. */
static size_t sum_residuals(const struct cxm_view *view, const struct cxm_form *form)
{
    const struct cxm_domain *d = view->domain;
    struct cxm_calibrated *c = d->calibrated;
    const size_t n_cells = d->cells->dict.n;
    const bool rows = rows_are_units(d->sample);
    const struct cxm_dd nothing = { 0, 0 };
    struct cxm_view one = *view;
    one.domain = NULL;
    for (size_t k = 0; k < c->n_combinations; k++)
        c->totals[k] = nothing;
    for (size_t i = 0; i < n_cells; i++) {
        const bool inside = i >= d->first && i < d->end;
        c->cells[i] = c->cross[i] = c->squares[i] = nothing;
        c->sizes[i] = 0;
        if (!inside)
            continue;
        one.table = d->cells;
        one.values = d->values;
        one.cell = cxm_priv_table_cell(d->cells, d->order[i]);
        one.value_cell = d->value_cells != NULL ? d->value_cells[i - d->first] : NULL;
        c->cells[i] = cxm_priv_form_total(&one, form, false, &c->sizes[i]);
        if (rows) {
            c->cross[i] = form_cross(&one, form);
            c->squares[i] = cxm_priv_form_squares(&one, form, 2);
        }
        struct cxm_dd *total = &c->totals[c->combination[i]];
        *total = cxm_priv_dd_add(*total, c->cells[i]);
    }
    cxm_priv_fit_values(&c->fit, c->totals, c->fitted);
    for (uint32_t u = 0; u < d->sample->n_finest; u++)
        d->sums[u] = (struct cxm_unit_sums){ .unit = u };
    for (size_t i = 0; i < n_cells; i++) {
        struct cxm_unit_sums *out = &d->sums[d->sample->finest_of_cell[i]];
        /* g over the divisor: either alone may leave the doubles, of base weights of another size */
        const struct cxm_dd f = c->fitted[c->combination[i]];
        const struct cxm_dd g = cxm_priv_dd_div(c->g[i], form->divisor);
        const struct cxm_dd fit = cxm_priv_dd_mul(f, c->frame[i]);
        const double parts = c->sizes[i] + fabs(fit.hi);
        const struct cxm_dd rest = cxm_priv_settled(cxm_priv_dd_sub(c->cells[i], fit), parts);
        out->total = out->rows = cxm_priv_dd_add(out->total, cxm_priv_dd_mul(g, rest));
        out->size += fabs(g.hi) * parts;
        if (!rows)
            continue;
        struct cxm_dd sum = c->squares[i];
        double size = fabs(sum.hi);
        const struct cxm_dd cross = cxm_priv_dd_mul(f, c->cross[i]);
        add_part(&sum, &size, cxm_priv_dd_mul(cxm_priv_dd(-2), cross));
        add_part(&sum, &size, cxm_priv_dd_mul(cxm_priv_dd_mul(f, f), c->frame2[i]));
        sum = cxm_priv_settled(sum, size);
        out->squares = cxm_priv_dd_add(out->squares,
                                       cxm_priv_dd_mul(g, cxm_priv_dd_mul(g, sum)));
    }
    return d->sample->n_finest;
}

/* Fills domain->sums; returns how many units have rows of the group. */
static size_t sum_units(const struct cxm_view *view, const struct cxm_form *form)
{
    const struct cxm_domain *d = view->domain;
    const bool rows = rows_are_units(d->sample);
    size_t n = 0;
    struct cxm_view one = *view;
    one.domain = NULL;
    for (size_t i = d->first; i < d->end; i++) {
        one.cell = cxm_priv_table_cell(d->cells, d->order[i]);
        one.value_cell = d->value_cells != NULL ? d->value_cells[i - d->first] : NULL;
        const uint32_t unit = d->sample->finest_of_cell[i];
        if (n == 0 || d->sums[n - 1].unit != unit)
            d->sums[n++] = (struct cxm_unit_sums){ .unit = unit };
        struct cxm_unit_sums *sums = &d->sums[n - 1];
        double size;
        const struct cxm_dd total = cxm_priv_form_total(&one, form, false, &size);
        sums->total = cxm_priv_dd_add(sums->total, cxm_priv_dd_div(total, form->divisor));
        sums->size += fabs(size / form->divisor.hi);
        if (!rows)
            continue;
        const struct cxm_dd rounded = cxm_priv_form_total(&one, form, true, NULL);
        const struct cxm_dd squares = cxm_priv_form_squares(&one, form, 2);
        sums->rows = cxm_priv_dd_add(sums->rows, cxm_priv_dd_div(rounded, form->divisor));
        sums->squares = cxm_priv_dd_add(sums->squares,
                                        cxm_priv_dd_div(cxm_priv_dd_div(squares, form->divisor),
                                                        form->divisor));
    }
    return n;
}

size_t cxm_priv_form_sums(const struct cxm_view *view, const struct cxm_form *form)
{
    return view->domain->calibrated != NULL ? sum_residuals(view, form) : sum_units(view, form);
}
