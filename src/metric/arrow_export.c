/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The results of a tally as an Arrow C stream of one chunk: what arrow_rows.c needs to know. */
#include "metric/arrow_columns.h"

/* Everything that the columns are made from. */
struct report {
    struct cxm_tally *tally;
    struct cxm_tally_info info;
    char *definition;
    struct cxm_estimate *rows;
    size_t n_rows;
    struct cxm_measure *measures;
    size_t n_measures;
    struct cxm_error *error;
};

/* ---- what the rows say -------------------------------------------------------------- */

static const char *name_of_row(const void *self, size_t row, enum cxm_arrow_name what)
{
    const struct report *r = self;
    const uint32_t measure = r->rows[row].measure;
    switch (what) {
    case CXM_ARROW_METRIC: return r->info.metric;
    case CXM_ARROW_MEASURE: return measure < r->n_measures ? r->measures[measure].name : "";
    default: return r->definition;
    }
}

static enum cxm_status key_info(const void *self, size_t key, struct cxm_key_info *out)
{
    return cxm_tally_key_info(((const struct report *)self)->tally, key, out);
}

/* The key of a row; the total over all groups has none. */
static enum cxm_status key_of_row(const void *self, size_t row, size_t key,
                                  struct cxm_key *out)
{
    const struct report *r = self;
    const int64_t group = r->rows[row].group;
    if (group != CXM_TOTAL)
        return cxm_tally_key(r->tally, group, key, out);
    *out = (struct cxm_key){ .missing = 1 };
    return CXM_OK;
}

static enum cxm_status make_stream(const struct report *r, struct ArrowArrayStream *out)
{
    const struct cxm_arrow_numbers one = { r->rows, 0 }; /* the metric's name, and its definition */
    const struct cxm_arrow_numbers measures = { r->rows != NULL ? &r->rows->measure : NULL,
                                                sizeof *r->rows };
    const struct cxm_arrow_rows rows = { .estimates = r->rows,
                                         .n_rows = r->n_rows,
                                         .n_keys = cxm_tally_n_keys(r->tally),
                                         .self = r,
                                         .name = name_of_row,
                                         .names = { one, measures, one },
                                         .key_info = key_info,
                                         .key = key_of_row };
    struct cxm_arrow_table *table = NULL;
    const enum cxm_status status = cxm_priv_arrow_rows(&rows, 0, &table, r->error);
    if (status == CXM_OK)
        cxm_priv_arrow_finish(table, out);
    return status;
}

/* ---- reading the tally -------------------------------------------------------------- */

static enum cxm_status read_measures(struct report *r)
{
    size_t n = 0;
    enum cxm_status status =
        cxm_tally_measures(r->tally, NULL, sizeof *r->measures, 0, &n, r->error);
    if (status != CXM_OK)
        return status;
    r->measures = cxm_priv_alloc_zero(NULL, n, sizeof *r->measures);
    if (r->measures == NULL)
        return cxm_priv_no_memory(r->error);
    if (n > 0)
        status = cxm_tally_measures(r->tally, r->measures, sizeof *r->measures, n,
                                    &r->n_measures, r->error);
    return status;
}

static enum cxm_status read_rows(struct report *r, const struct cxm_estimate_options *options)
{
    size_t n = 0;
    enum cxm_status status =
        cxm_tally_estimate(r->tally, options, NULL, sizeof *r->rows, 0, &n, r->error);
    if (status != CXM_OK)
        return status;
    r->rows = cxm_priv_alloc_zero_dense(NULL, n, sizeof *r->rows);
    if (r->rows == NULL)
        return cxm_priv_no_memory(r->error);
    if (n > 0)
        status = cxm_tally_estimate(r->tally, options, r->rows, sizeof *r->rows, n, &r->n_rows,
                                    r->error);
    return status;
}

static enum cxm_status read_definition(struct report *r)
{
    const size_t bytes = cxm_tally_definition(r->tally, NULL, 0) + 1;
    r->definition = cxm_priv_alloc_zero(NULL, bytes, 1);
    if (r->definition == NULL)
        return cxm_priv_no_memory(r->error);
    (void)cxm_tally_definition(r->tally, r->definition, bytes);
    return CXM_OK;
}

enum cxm_status cxm_tally_to_arrow(struct cxm_tally *tally,
                                   const struct cxm_estimate_options *options,
                                   struct ArrowArrayStream *out, struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "there is no tally or no place for a stream");
    struct report r = { .tally = tally, .error = error };
    cxm_tally_describe(tally, &r.info);
    enum cxm_status status = read_measures(&r);
    if (status == CXM_OK)
        status = read_rows(&r, options);
    if (status == CXM_OK)
        status = read_definition(&r);
    if (status == CXM_OK)
        status = make_stream(&r, out);
    cxm_priv_release(NULL, r.measures);
    cxm_priv_release(NULL, r.rows);
    cxm_priv_release(NULL, r.definition);
    return status;
}
