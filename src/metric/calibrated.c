/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibrated estimates: see calibrated.h. The cells of the tally are counted into the
 * combinations of their categories, exactly; these are raked, or
 * calibrated linearly (raking.c). The influence of
 * a row is the residual of its base-weight regression on the categories, times its calibrated
 * weight (Deville and Saerndal 1992): a statistic that the margins determine has no error. */
#include "metric/calibrated.h"

#include "metric/margin.h"

void cxm_priv_calibrated_free(struct cxm_calibrated *c)
{
    if (c == NULL)
        return;
    const struct cxm_allocator *allocator = c->allocator;
    cxm_priv_fit_release(&c->fit);
    cxm_priv_release(allocator, c->g);
    cxm_priv_release(allocator, c->combination);
    cxm_priv_release(allocator, c->columns);
    cxm_priv_release(allocator, c->weights);
    cxm_priv_release(allocator, c->frame);
    cxm_priv_release(allocator, c->frame2);
    cxm_priv_release(allocator, c->totals);
    cxm_priv_release(allocator, c->fitted);
    cxm_priv_release(allocator, c->cells);
    cxm_priv_release(allocator, c->sizes);
    cxm_priv_release(allocator, c->cross);
    cxm_priv_release(allocator, c->squares);
    cxm_priv_release(allocator, c);
}

struct making {
    struct cxm_tally *tally;
    const struct cxm_margin *margins;
    size_t n_margins;
    struct cxm_categories categories[CXM_MOST_MARGINS];
    struct cxm_table combinations; /* key: categories; the sums of the frame */
    struct cxm_bytes_out bytes;
    struct cxm_raking raking;
};

static size_t n_by(const struct cxm_margin *margin)
{
    return margin->n_by == 0 ? 1 : margin->n_by;
}

static enum cxm_status check_margins(struct making *m, struct cxm_error *error)
{
    const struct cxm_schema *schema = &m->tally->schema;
    size_t columns = 0, given = 0;
    for (uint32_t k = schema->n_keys; k < cxm_priv_all_keys(schema); k++)
        given += schema->roles[k] == CXM_KEY_MARGIN;
    for (size_t i = 0; i < m->n_margins && i < CXM_MOST_MARGINS; i++)
        columns += n_by(&m->margins[i]);
    if (m->n_margins > CXM_MOST_MARGINS || columns != given)
        return cxm_priv_fail(error, CXM_EINVAL, "margins",
                             "the tally was given %zu margin columns, the totals speak of %zu",
                             given, columns);
    if (!schema->weighted)
        return cxm_priv_fail(error, CXM_EINVAL, "weight",
                             "calibration needs base weights; give 1 to every row");
    uint32_t key = cxm_priv_all_keys(schema) - (uint32_t)given;
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < m->n_margins && status == CXM_OK; i++) {
        const struct cxm_margin *margin = &m->margins[i];
        const char *name = margin->name != NULL ? margin->name : schema->keys[key].name;
        status = cxm_priv_categories_init(&m->categories[i], margin, name,
                                          &m->tally->allocator, error);
        key += (uint32_t)n_by(margin);
    }
    return status == CXM_OK ? cxm_priv_categories_agree(m->categories, m->n_margins, error)
                            : status;
}

/* The categories of a cell. */
static enum cxm_status categories_of(struct making *m, size_t place, uint32_t *out,
                                     struct cxm_error *error)
{
    const struct cxm_schema *schema = &m->tally->schema;
    size_t n;
    const uint8_t *bytes = cxm_priv_dict_key(&m->tally->state.groups.dict,
                                             m->tally->order[place], &n);
    uint32_t k = schema->n_keys;
    while (schema->roles[k] != CXM_KEY_MARGIN)
        k++;
    for (size_t i = 0; i < m->n_margins; i++) {
        char text[120];
        size_t used = 0;
        m->bytes.n = 0;
        text[0] = '\0';
        for (size_t j = 0; j < n_by(&m->margins[i]); j++, k++) {
            struct cxm_key key;
            cxm_priv_decode_key(schema, bytes, n, k, &key);
            cxm_priv_append(text, sizeof text, &used, j > 0 ? ", " : "");
            cxm_priv_append_key(&key, text, sizeof text, &used);
            if (!cxm_priv_encode_category(&key, &m->bytes))
                return cxm_priv_no_memory(error);
        }
        out[i] = cxm_priv_dict_find(&m->categories[i].dict, m->bytes.bytes, m->bytes.n);
        if (out[i] == UINT32_MAX)
            return cxm_priv_fail_at(error, CXM_EDATA, m->categories[i].name, -1, text,
                                    "%s: there are rows of %s, which has no total",
                                    m->categories[i].name, text);
    }
    return CXM_OK;
}

static bool alloc_cells(struct cxm_calibrated *c, size_t n)
{
    c->g = cxm_priv_alloc(c->allocator, n, sizeof *c->g);
    c->combination = cxm_priv_alloc(c->allocator, n, sizeof *c->combination);
    c->frame = cxm_priv_alloc(c->allocator, n, sizeof *c->frame);
    c->frame2 = cxm_priv_alloc(c->allocator, n, sizeof *c->frame2);
    c->cells = cxm_priv_alloc(c->allocator, n, sizeof *c->cells);
    c->sizes = cxm_priv_alloc(c->allocator, n, sizeof *c->sizes);
    c->cross = cxm_priv_alloc(c->allocator, n, sizeof *c->cross);
    c->squares = cxm_priv_alloc(c->allocator, n, sizeof *c->squares);
    return c->g != NULL && c->combination != NULL && c->frame != NULL && c->frame2 != NULL
        && c->cells != NULL && c->sizes != NULL && c->cross != NULL && c->squares != NULL;
}

/* Merges the frame of all cells by combination, exactly. */
static enum cxm_status combine(struct making *m, struct cxm_calibrated *c,
                               struct cxm_error *error)
{
    const struct cxm_table *frame = &m->tally->state.frame;
    const struct cxm_dict *cells = &m->tally->state.groups.dict;
    if (!alloc_cells(c, cells->n)
        || !cxm_priv_table_init(&m->combinations, c->allocator, 1, frame->layout.n_sums)
        || !cxm_priv_table_reserve(&m->combinations, 1, frame->layout.windows))
        return cxm_priv_no_memory(error);
    for (uint32_t i = 0; i < cells->n; i++) {
        uint32_t key[CXM_MOST_MARGINS];
        size_t n;
        const enum cxm_status status = categories_of(m, i, key, error);
        if (status != CXM_OK)
            return status;
        const uint8_t *bytes = cxm_priv_dict_key(cells, m->tally->order[i], &n);
        const uint32_t from = cxm_priv_dict_find(&frame->dict, bytes, n);
        const uint32_t into = cxm_priv_table_add(&m->combinations, (const uint8_t *)key,
                                                 m->n_margins * sizeof key[0]);
        if (into == UINT32_MAX)
            return cxm_priv_no_memory(error);
        const int64_t *cell = cxm_priv_table_cell(frame, from);
        cxm_priv_cell_merge(&m->combinations, cxm_priv_table_cell(&m->combinations, into), frame,
                            cell, 1);
        c->combination[i] = into;
        c->frame[i] = cxm_priv_cell_sum(frame, cell, 0);
        c->frame2[i] = cxm_priv_cell_sum(frame, cell, 1);
    }
    return CXM_OK;
}

/* Columns of the regression: all categories of all margins, which the fit sorts out. */
static enum cxm_status regress(struct making *m, struct cxm_calibrated *c,
                               struct cxm_error *error)
{
    const size_t n = m->combinations.dict.n;
    c->n_combinations = n;
    c->columns = cxm_priv_alloc(c->allocator, n * m->n_margins, sizeof *c->columns);
    c->weights = cxm_priv_alloc(c->allocator, n, sizeof *c->weights);
    c->totals = cxm_priv_alloc(c->allocator, n, sizeof *c->totals);
    c->fitted = cxm_priv_alloc(c->allocator, n, sizeof *c->fitted);
    uint32_t *rank = cxm_priv_alloc(c->allocator, n, sizeof *rank);
    bool room = c->columns != NULL && c->weights != NULL && c->totals != NULL
             && c->fitted != NULL && rank != NULL;
    for (uint32_t i = 0; room && i < n; i++) {
        uint32_t first = 0;
        rank[m->raking.order[i]] = i;
        c->weights[i] = m->raking.weights[i];
        for (size_t k = 0; k < m->n_margins; k++) {
            c->columns[i * m->n_margins + k] = first
                                             + m->raking.categories[i * m->n_margins + k];
            first += m->categories[k].n;
        }
    }
    size_t n_columns = 0;
    for (size_t k = 0; k < m->n_margins; k++)
        n_columns += m->categories[k].n;
    room = room && cxm_priv_fit_init(&c->fit, c->weights, c->columns, n, m->n_margins, n_columns,
                                     c->allocator);
    for (uint32_t i = 0; room && i < m->tally->state.groups.dict.n; i++) {
        c->combination[i] = rank[c->combination[i]];
        c->g[i] = cxm_priv_dd(m->raking.cell_factors[c->combination[i]]);
    }
    cxm_priv_release(c->allocator, rank);
    return room ? CXM_OK : cxm_priv_no_memory(error);
}

enum cxm_status cxm_priv_calibrated_new(struct cxm_tally *tally, const struct cxm_margin *margins,
                                        size_t n_margins, const struct cxm_calibrate_options *asked,
                                        struct cxm_calibrated **out, struct cxm_error *error)
{
    struct cxm_calibrate_options options;
    struct making m = { .tally = tally, .margins = margins, .n_margins = n_margins,
                        .bytes = { .allocator = &tally->allocator } };
    struct cxm_calibrated *c = cxm_priv_alloc_zero(&tally->allocator, 1, sizeof *c);
    struct cxm_rake_error how;
    if (c == NULL)
        return cxm_priv_no_memory(error);
    c->allocator = &tally->allocator;
    enum cxm_status status = cxm_priv_calibrate_options(asked, &options, error);
    if (status == CXM_OK)
        status = check_margins(&m, error);
    if (status == CXM_OK)
        status = combine(&m, c, error);
    if (status == CXM_OK)
        status = cxm_priv_raking_run(&m.raking, &m.combinations, m.categories, n_margins,
                                     &options, &how, error);
    if (status == CXM_OK)
        status = regress(&m, c, error);
    for (size_t i = 0; i < CXM_MOST_MARGINS; i++)
        cxm_priv_categories_release(&m.categories[i]);
    if (m.combinations.allocator != NULL)
        cxm_priv_table_release(&m.combinations);
    cxm_priv_bytes_release(&m.bytes);
    cxm_priv_raking_release(&m.raking);
    if (status == CXM_OK)
        *out = c;
    else
        cxm_priv_calibrated_free(c);
    return status;
}
