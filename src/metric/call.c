/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One call: a tally is made, filled, read and freed. */
#include "metric/call.h"

enum cxm_status cxm_priv_take_options(const void *options, size_t bytes, void *out,
                                      struct cxm_error *error)
{
    size_t size;
    if (options == NULL)
        return CXM_OK;
    memcpy(&size, options, sizeof size);
    if (size < sizeof(struct cxm_common_options) || size > bytes)
        return cxm_priv_fail(error, CXM_EINVAL, "options",
                             "options have size %zu; start them with CXM_INIT(metric)", size);
    memcpy(out, options, size);
    return cxm_priv_reserved(((const struct cxm_common_options *)out)->design_reserved, error);
}

void cxm_priv_call_number(struct cxm_call *call, const char *name, const double *numbers,
                          size_t n)
{
    call->params[call->n_params++] = (struct cxm_param){ name, numbers, n, NULL, 0 };
}

void cxm_priv_call_cuts(struct cxm_call *call, const double *scale, const double *cuts)
{
    const bool own_scale = scale[0] != 0 || scale[1] != 0;
    /* On 0 to 10 nobody means the cut 0 who gave the other one alone; on 0 to 2 or -1 to 1 they do. */
    const bool zero_is_answer = own_scale && scale[0] <= 0 && !(scale[0] == 0 && scale[1] == 10)
                                && (cuts[0] != 0 || cuts[1] != 0);
    if (own_scale)
        cxm_priv_call_number(call, "scale", scale, 2);
    if (cuts[0] != 0 || zero_is_answer)
        cxm_priv_call_number(call, "promoter", &cuts[0], 1);
    if (cuts[1] != 0 || zero_is_answer)
        cxm_priv_call_number(call, "detractor", &cuts[1], 1);
}

void cxm_priv_call_text(struct cxm_call *call, const char *name, const char *const *texts,
                        size_t n)
{
    call->params[call->n_params++] = (struct cxm_param){ name, NULL, 0, texts, n };
}

void cxm_priv_call_input(struct cxm_call *call, const char *role,
                         const struct cxm_column *columns, size_t n)
{
    call->inputs[call->n_inputs].role = role;
    call->inputs[call->n_inputs].columns = columns;
    call->inputs[call->n_inputs++].n = n;
}

enum cxm_status cxm_priv_call_items(struct cxm_call *call, const struct cxm_column *items,
                                    size_t n, struct cxm_item_names *names,
                                    struct cxm_error *error)
{
    memset(names, 0, sizeof *names);
    if (items == NULL || n == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "items", "items are missing");
    names->texts = cxm_priv_alloc(NULL, n, sizeof *names->texts);
    names->names = cxm_priv_alloc(NULL, n, sizeof *names->names);
    if (names->texts == NULL || names->names == NULL) {
        cxm_priv_call_free_items(names);
        return cxm_priv_no_memory(error);
    }
    for (size_t i = 0; i < n; i++) {
        size_t used = 0;
        if (items[i].name == NULL)
            cxm_priv_append(names->texts[i], sizeof names->texts[i], &used, "item%zu", i + 1);
        names->names[i] = items[i].name != NULL ? items[i].name : names->texts[i];
    }
    cxm_priv_call_text(call, "items", names->names, n);
    return CXM_OK;
}

void cxm_priv_call_free_items(struct cxm_item_names *names)
{
    cxm_priv_release(NULL, names->texts);
    cxm_priv_release(NULL, (void *)names->names);
}

enum cxm_status cxm_priv_call_fill(struct cxm_tally *tally, const struct cxm_call *call,
                                   const struct cxm_allocator *allocator,
                                   struct cxm_error *error)
{
    const struct cxm_common_options *o = &call->common;
    const size_t n_by = o->by == NULL ? 0 : o->n_by == 0 ? 1 : o->n_by;
    const size_t n_cluster = o->cluster == NULL ? 0 : o->n_cluster == 0 ? 1 : o->n_cluster;
    const size_t n_fpc = o->fpc == NULL ? 0 : o->n_fpc == 0 ? 1 : o->n_fpc;
    size_t n = n_by + (o->weight != NULL) + (o->freq != NULL) + (o->strata != NULL) + n_cluster
             + n_fpc + (o->population != 0);
    for (size_t i = 0; i < call->n_inputs; i++)
        n += call->inputs[i].n;
    if (o->population != 0 && n_fpc > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "population",
                             "population and fpc say the same; give one of them");
    struct cxm_input *inputs = cxm_priv_alloc(allocator, n, sizeof *inputs);
    if (inputs == NULL)
        return cxm_priv_no_memory(error);
    size_t at = 0;
    for (size_t i = 0; i < call->n_inputs; i++)
        for (size_t k = 0; k < call->inputs[i].n; k++)
            inputs[at++] = (struct cxm_input){ call->inputs[i].role,
                                               call->inputs[i].columns != NULL
                                                 ? &call->inputs[i].columns[k]
                                                 : NULL };
    for (size_t k = 0; k < n_by; k++)
        inputs[at++] = (struct cxm_input){ "by", &o->by[k] };
    if (o->weight != NULL)
        inputs[at++] = (struct cxm_input){ "weight", o->weight };
    if (o->freq != NULL)
        inputs[at++] = (struct cxm_input){ "freq", o->freq };
    if (o->strata != NULL)
        inputs[at++] = (struct cxm_input){ "strata", o->strata };
    for (size_t k = 0; k < n_cluster; k++)
        inputs[at++] = (struct cxm_input){ "cluster", &o->cluster[k] };
    for (size_t k = 0; k < n_fpc; k++)
        inputs[at++] = (struct cxm_input){ "fpc", &o->fpc[k] };
    struct cxm_column everybody;
    if (o->population != 0) { /* the same number for all rows is a column of stride 0 */
        everybody = cxm_column_make("fpc", CXM_F64, &o->population,
                                    n > 0 && inputs[0].column != NULL
                                      ? (size_t)inputs[0].column->n
                                      : 0, 0, 8);
        inputs[at++] = (struct cxm_input){ "fpc", &everybody };
    }
    const struct cxm_add_options add = { sizeof add, o->invalid, o->missing_key, o->threads, 0 };
    const enum cxm_status status = cxm_tally_add(tally, inputs, at, &add, error);
    cxm_priv_release(allocator, inputs);
    return status;
}

/* All measures, by number; NULL with *n = 0 when memory is out. */
static uint32_t *every_measure(struct cxm_tally *tally, const struct cxm_allocator *allocator,
                               size_t *n)
{
    if (cxm_tally_measures(tally, NULL, 0, 0, n, NULL) != CXM_OK)
        return NULL;
    uint32_t *all = cxm_priv_alloc(allocator, *n, sizeof *all);
    for (size_t i = 0; all != NULL && i < *n; i++)
        all[i] = (uint32_t)i;
    return all;
}

/* All groups and the total after them. */
static int64_t *groups_and_total(const struct cxm_tally *tally,
                                 const struct cxm_allocator *allocator, size_t *n)
{
    const size_t groups = (size_t)cxm_tally_groups(tally);
    int64_t *all = cxm_priv_alloc(allocator, groups + 1, sizeof *all);
    for (size_t i = 0; all != NULL && i < groups; i++)
        all[i] = (int64_t)i;
    if (all != NULL)
        all[groups] = CXM_TOTAL;
    *n = groups + 1;
    return all;
}

static enum cxm_status read_rows(struct cxm_tally *tally,
                                 const struct cxm_common_options *common,
                                 const struct cxm_allocator *allocator,
                                 struct cxm_rows_out out, struct cxm_error *error)
{
    struct cxm_estimate_options options = { .size = sizeof options, .level = common->level,
                                            .interval = common->interval,
                                            .lonely = common->lonely };
    const bool total = common->total != 0 && cxm_tally_n_keys(tally) > 0;
    size_t n_rows = 0;
    uint32_t *measures = NULL;
    int64_t *groups = NULL; /* all of them */
    enum cxm_status status = CXM_OK;
    if (total)
        groups = groups_and_total(tally, allocator, &options.n_groups);
    if (common->all_measures)
        measures = every_measure(tally, allocator, &options.n_measures);
    if ((total && groups == NULL) || (common->all_measures && measures == NULL))
        status = cxm_priv_no_memory(error);
    options.groups = groups;
    options.measures = measures;
    if (status == CXM_OK)
        status = cxm_tally_rows(tally, &options, out.rows, out.row_bytes, out.capacity, &n_rows,
                                error);
    if (status == CXM_OK && out.n_out != NULL)
        *out.n_out = n_rows;
    cxm_priv_release(allocator, groups);
    cxm_priv_release(allocator, measures);
    return status;
}

enum cxm_status cxm_priv_call_read(struct cxm_tally *tally,
                                   const struct cxm_common_options *common,
                                   struct cxm_rows_out out, struct cxm_error *error)
{
    if (out.rows == NULL && (out.capacity > 0 || out.n_out == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, "rows", "rows and n_out are NULL");
    return read_rows(tally, common, NULL, out, error);
}

enum cxm_status cxm_priv_call_run(const struct cxm_call *call, struct cxm_rows_out out,
                                  struct cxm_error *error)
{
    struct cxm_tally *tally = NULL;
    struct cxm_nook nook;
    cxm_priv_nook_init(&nook);
    const struct cxm_allocator *allocator = call->common.threads <= 1 ? &nook.allocator : NULL;
    if (out.rows == NULL && (out.capacity > 0 || out.n_out == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, "rows", "rows and n_out are NULL");
    enum cxm_status status = cxm_tally_new(call->metric, call->params, call->n_params,
                                           allocator, &tally, error);
    if (status == CXM_OK)
        status = cxm_priv_call_fill(tally, call, allocator, error);
    if (status == CXM_OK)
        status = read_rows(tally, &call->common, allocator, out, error);
    cxm_tally_free(tally);
    return status;
}
