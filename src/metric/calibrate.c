/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibrated weights: rows are counted into the combinations of their categories with exact sums
 * of their weights, the table is calibrated (raking.c), and each row's weight is multiplied by
 * the factor of its combination. Typical: 1 000 rows and 50 combinations; extreme: 10^8 rows. */
#include "metric/margin.h"
#include "tally/table.h"

#include <math.h>

struct calibrating {
    const struct cxm_allocator *allocator;
    const struct cxm_column *weight;
    const struct cxm_margin *margins;
    size_t n_margins;
    int64_t n;
    struct cxm_categories categories[CXM_MOST_MARGINS];
    struct cxm_key_reader *readers[CXM_MOST_MARGINS];
    struct cxm_bytes_out bytes;
    struct cxm_table cells;     /* key: a category number of each margin; the sum of weights */
    uint32_t *cell_of_row;
    double *factors;            /* by cell */
};

static size_t n_by(const struct cxm_margin *margin)
{
    return margin->n_by == 0 ? 1 : margin->n_by;
}

static const char *name_of(const struct cxm_margin *margin)
{
    if (margin->name != NULL)
        return margin->name;
    return margin->by != NULL && margin->by->name != NULL ? margin->by->name : "by";
}

/* ---- rows ----------------------------------------------------------------------------- */

/* The category of row i of the block: its number; UINT32_MAX with `*status`, when it has none. */
static uint32_t category_of(struct calibrating *c, size_t m, int64_t first, size_t i,
                            enum cxm_status *status, struct cxm_error *error)
{
    const struct cxm_margin *margin = &c->margins[m];
    const char *name = c->categories[m].name;
    char value[80];
    const int64_t row = first + (int64_t)i;
    c->bytes.n = 0;
    for (size_t k = 0; k < n_by(margin); k++) {
        struct cxm_key key;
        const struct cxm_column *column = &margin->by[k];
        if (!cxm_priv_key_reader_key(&c->readers[m][k], i, &key)) {
            cxm_priv_value_text(column, row, value, sizeof value);
            *status = cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                                       "%s: row %lld is missing; every row needs its category.",
                                       name, (long long)row);
            return UINT32_MAX;
        }
        if (!cxm_priv_encode_category(&key, &c->bytes)) {
            *status = cxm_priv_no_memory(error);
            return UINT32_MAX;
        }
    }
    const uint32_t at = cxm_priv_dict_find(&c->categories[m].dict, c->bytes.bytes, c->bytes.n);
    if (at == UINT32_MAX) {
        cxm_priv_value_text(&margin->by[0], row, value, sizeof value);
        *status = cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                                   "%s: row %lld is %s, which has no total.", name,
                                   (long long)row, value);
    }
    return at;
}

static enum cxm_status bad_weight(const struct calibrating *c, int64_t row,
                                  struct cxm_error *error)
{
    char value[80];
    const char *name = c->weight->name != NULL ? c->weight->name : "weight";
    cxm_priv_value_text(c->weight, row, value, sizeof value);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                            "%s: row %lld is %s; a weight is 0 or between 1e-100 and 1e100.",
                            name, (long long)row, value);
}

static bool weight_is_good(double w, uint8_t state)
{
    return state == CXM_ROW_USED && (w == 0 || (w >= 1e-100 && w <= 1e100));
}

/* The cells of a block of rows, checked; the lowest wrong row is named. */
static enum cxm_status place_block(struct calibrating *c, struct cxm_reader *weights,
                                   int64_t first, size_t n, struct cxm_span *span,
                                   struct cxm_error *error)
{
    double weight[CXM_MARGIN_BLOCK];
    uint8_t states[CXM_MARGIN_BLOCK];
    enum cxm_status status = CXM_OK;
    for (size_t m = 0; m < c->n_margins; m++)
        for (size_t k = 0; k < n_by(&c->margins[m]); k++)
            cxm_priv_key_reader_read(&c->readers[m][k], first, n);
    if (c->weight != NULL)
        cxm_priv_read_numbers(weights, first, n, weight, states);
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        uint32_t key[CXM_MOST_MARGINS];
        for (size_t m = 0; m < c->n_margins && status == CXM_OK; m++)
            key[m] = category_of(c, m, first, i, &status, error);
        if (status == CXM_OK && c->weight != NULL && !weight_is_good(weight[i], states[i]))
            status = bad_weight(c, first + (int64_t)i, error);
        if (status != CXM_OK)
            break;
        cxm_priv_span_value(span, c->weight != NULL ? weight[i] : 1);
        const uint32_t cell = cxm_priv_table_add(&c->cells, (const uint8_t *)key,
                                                 c->n_margins * sizeof key[0]);
        if (cell == UINT32_MAX)
            status = cxm_priv_no_memory(error);
        c->cell_of_row[first + (int64_t)i] = cell;
    }
    return status;
}

static enum cxm_status place_rows(struct calibrating *c, struct cxm_error *error)
{
    struct cxm_reader weights;
    struct cxm_span span = CXM_SPAN_EMPTY;
    enum cxm_status status = CXM_OK;
    if (c->weight != NULL)
        cxm_priv_reader_init(&weights, c->weight);
    for (int64_t first = 0; first < c->n && status == CXM_OK; first += CXM_MARGIN_BLOCK) {
        const int64_t left = c->n - first;
        status = place_block(c, &weights, first,
                             left < CXM_MARGIN_BLOCK ? (size_t)left : CXM_MARGIN_BLOCK, &span,
                             error);
    }
    const struct cxm_window window = cxm_priv_window_for(span);
    if (status == CXM_OK && !cxm_priv_table_reserve(&c->cells, c->cells.dict.n, &window))
        status = cxm_priv_no_memory(error);
    return status;
}

/* Calls for every row with its weight, in order: adds it to its cell, or writes the new one. */
static void for_weights(struct calibrating *c, double *out)
{
    double weight[CXM_MARGIN_BLOCK];
    uint8_t states[CXM_MARGIN_BLOCK];
    struct cxm_reader reader;
    const struct cxm_layout *layout = &c->cells.layout;
    int64_t since_normalised = 0;
    if (c->weight != NULL)
        cxm_priv_reader_init(&reader, c->weight);
    for (int64_t first = 0; first < c->n; first += CXM_MARGIN_BLOCK) {
        const int64_t left = c->n - first;
        const size_t n = left < CXM_MARGIN_BLOCK ? (size_t)left : CXM_MARGIN_BLOCK;
        if (c->weight != NULL)
            cxm_priv_read_numbers(&reader, first, n, weight, states);
        for (size_t i = 0; i < n; i++) {
            const uint32_t cell = c->cell_of_row[first + (int64_t)i];
            const double w = c->weight != NULL ? weight[i] : 1;
            if (out != NULL)
                out[first + (int64_t)i] = w * c->factors[cell];
            else
                cxm_priv_exact_add_double(cxm_priv_table_cell(&c->cells, cell) + layout->at[0],
                                          layout->windows[0], w, 1);
        }
        since_normalised += (int64_t)n;
        if (out == NULL && since_normalised >= CXM_EXACT_ADDITIONS / 2) {
            cxm_priv_table_normalise(&c->cells);
            since_normalised = 0;
        }
    }
    if (out == NULL)
        cxm_priv_table_normalise(&c->cells);
}

/* ---- the call ------------------------------------------------------------------------- */

static void release(struct calibrating *c)
{
    for (size_t m = 0; m < CXM_MOST_MARGINS; m++) {
        cxm_priv_categories_release(&c->categories[m]);
        cxm_priv_release(c->allocator, c->readers[m]);
    }
    cxm_priv_bytes_release(&c->bytes);
    if (c->cells.allocator != NULL)
        cxm_priv_table_release(&c->cells);
    cxm_priv_release(c->allocator, c->cell_of_row);
    cxm_priv_release(c->allocator, c->factors);
}

static enum cxm_status prepare_margin(struct calibrating *c, size_t m, struct cxm_error *error)
{
    const struct cxm_margin *margin = &c->margins[m];
    const char *name = name_of(margin);
    if (margin->by == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s has no column", name);
    enum cxm_status status = cxm_priv_categories_init(&c->categories[m], margin, name,
                                                      c->allocator, error);
    if (status != CXM_OK)
        return status;
    c->readers[m] = cxm_priv_alloc_zero(c->allocator, n_by(margin), sizeof *c->readers[m]);
    if (c->readers[m] == NULL)
        return cxm_priv_no_memory(error);
    for (size_t k = 0; k < n_by(margin) && status == CXM_OK; k++) {
        status = cxm_priv_key_reader_init(&c->readers[m][k], &margin->by[k], name, error);
        if (status == CXM_OK && margin->by[k].n != c->n)
            status = cxm_priv_fail(error, CXM_EINVAL, name, "%s: %lld rows, %s has %lld", name,
                                   (long long)margin->by[k].n, name_of(&c->margins[0]),
                                   (long long)c->n);
    }
    return status;
}

static enum cxm_status prepare(struct calibrating *c, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    if (c->margins == NULL || c->n_margins == 0 || c->n_margins > CXM_MOST_MARGINS)
        return cxm_priv_fail(error, CXM_EINVAL, "margins", "between 1 and %d margins are needed",
                             CXM_MOST_MARGINS);
    c->n = c->margins[0].by != NULL ? c->margins[0].by->n : 0;
    for (size_t m = 0; m < c->n_margins && status == CXM_OK; m++)
        status = prepare_margin(c, m, error);
    if (status == CXM_OK)
        status = cxm_priv_categories_agree(c->categories, c->n_margins, error);
    if (status == CXM_OK && c->weight != NULL) {
        status = cxm_priv_column_fits(c->weight, CXM_ROLE_NUMBER, "weight", error);
        if (status == CXM_OK && c->weight->n != c->n)
            status = cxm_priv_fail(error, CXM_EINVAL, "weight", "weight: %lld rows, %s has %lld",
                                   (long long)c->weight->n, name_of(&c->margins[0]),
                                   (long long)c->n);
    }
    if (status != CXM_OK)
        return status;
    c->cell_of_row = cxm_priv_alloc(c->allocator, (size_t)c->n, sizeof *c->cell_of_row);
    if (c->cell_of_row == NULL || !cxm_priv_table_init(&c->cells, c->allocator, 1, 1))
        return cxm_priv_no_memory(error);
    return CXM_OK;
}

enum cxm_status cxm_rake(const struct cxm_column *weight, const struct cxm_margin *margins,
                         size_t n_margins, const struct cxm_calibrate_options *options,
                         double *out, double *factors, struct cxm_calibration *info,
                         struct cxm_error *error)
{
    struct calibrating c = { .allocator = &cxm_priv_malloc, .weight = weight,
                             .margins = margins, .n_margins = n_margins };
    struct cxm_calibrate_options o;
    struct cxm_rake_error how = { .error = 0 };
    struct cxm_raking r = { .allocator = NULL };
    c.bytes.allocator = c.allocator;
    enum cxm_status status = cxm_priv_calibrate_options(options, &o, error);
    if (status == CXM_OK)
        status = prepare(&c, error);
    if (status == CXM_OK && out == NULL && c.n > 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    if (status == CXM_OK)
        status = place_rows(&c, error);
    if (status == CXM_OK) {
        c.factors = cxm_priv_alloc(c.allocator, c.cells.dict.n, sizeof *c.factors);
        if (c.factors == NULL)
            status = cxm_priv_no_memory(error);
    }
    if (status == CXM_OK) {
        for_weights(&c, NULL);
        status = cxm_priv_raking_run(&r, &c.cells, c.categories, n_margins, &o, &how,
                                     error);
    }
    for (uint32_t i = 0; status == CXM_OK && i < c.cells.dict.n; i++)
        c.factors[r.order[i]] = r.cell_factors[i];
    if (status == CXM_OK) {
        for_weights(&c, out);
        size_t n_factors = 0;
        for (size_t m = 0; m < n_margins; m++)
            n_factors += c.categories[m].n;
        if (factors != NULL)
            memcpy(factors, r.factors, n_factors * sizeof *factors);
        if (info != NULL)
            *info = (struct cxm_calibration){ how.error, how.iterations, 0 };
    }
    cxm_priv_raking_release(&r);
    release(&c);
    return status;
}

enum cxm_status cxm_poststratify(const struct cxm_column *weight,
                                 const struct cxm_margin *margin, double *out, double *factors,
                                 struct cxm_error *error)
{
    return cxm_rake(weight, margin, margin != NULL, NULL, out, factors, NULL, error);
}
