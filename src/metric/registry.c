/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The registry: the only list of all metrics, and the calls that start from a name. */
#include "metric/metric.h"
#include "tally/format.h"

static const struct cxm_metric *const metrics[] = {
    &cxm_priv_metric_nps,
    &cxm_priv_metric_csat,
    &cxm_priv_metric_ces,
    &cxm_priv_metric_csi,
    &cxm_priv_metric_gap,
    &cxm_priv_metric_fcr,
    &cxm_priv_metric_one_touch,
    &cxm_priv_metric_retention,
    &cxm_priv_metric_churn,
    &cxm_priv_metric_share,
    &cxm_priv_metric_mean,
    &cxm_priv_metric_ratio,
    &cxm_priv_metric_total,
    &cxm_priv_metric_paired,
    &cxm_priv_metric_survival,
    &cxm_priv_metric_revenue,
    &cxm_priv_metric_stages,
    &cxm_priv_metric_sla,
    &cxm_priv_metric_quantiles,
    &cxm_priv_metric_sketch,
    &cxm_priv_metric_fcr_window,
    &cxm_priv_metric_resolution,
    &cxm_priv_metric_reopen,
    &cxm_priv_metric_escalation,
    &cxm_priv_metric_complaints,
    &cxm_priv_metric_contact_rate,
    &cxm_priv_metric_cohorts,
    &cxm_priv_metric_repeat_purchase,
};

size_t cxm_metric_count(void)
{
    return CXM_COUNT(metrics);
}

const struct cxm_metric_info *cxm_metric_at(size_t index)
{
    return index < CXM_COUNT(metrics) ? metrics[index]->rules.info : NULL;
}

static const struct cxm_metric *find(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(metrics); i++) {
        if (strcmp(metrics[i]->rules.info->name, name) == 0)
            return metrics[i];
    }
    return NULL;
}

const struct cxm_metric_info *cxm_metric_find(const char *name)
{
    const struct cxm_metric *metric = find(name);
    return metric != NULL ? metric->rules.info : NULL;
}

enum cxm_status cxm_tally_new(const char *metric, const struct cxm_param *params,
                              size_t n_params, const struct cxm_allocator *allocator,
                              struct cxm_tally **out, struct cxm_error *error)
{
    const struct cxm_metric *found = find(metric);
    if (found == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "metric", "there is no metric \"%.40s\"",
                             metric != NULL ? metric : "");
    return cxm_priv_tally_new(&found->rules, params, n_params, allocator, out, error);
}

static const struct cxm_metric *find_saved(const struct cxm_saved *saved, const char *name)
{
    const struct cxm_metric *metric = find(name);
    return metric != NULL && metric->rules.info->kind == (int32_t)saved->kind ? metric : NULL;
}

static bool may_be_empty(const struct cxm_param_info *info)
{
    return info->kind == CXM_PARAM_NUMBERS || info->kind == CXM_PARAM_TEXTS
        || info->kind == CXM_PARAM_GROUPING;
}

/* Every parameter must be there, in order: what is saved is complete, but for numbers that came
 * later and say nothing new. A list that was not given is saved as an empty one and left out
 * again. */
static bool params_are_complete(const struct cxm_metric_info *info,
                                struct cxm_saved_params *saved)
{
    size_t kept = 0, next = 0;
    for (int i = 0; i < info->n_params; i++) {
        const bool there = next < saved->n
                        && strcmp(info->params[i].name, saved->params[next].name) == 0;
        if (!there && info->params[i].later)
            continue;
        if (!there)
            return false;
        const struct cxm_param param = saved->params[next++];
        if (info->params[i].later
            && (param.n_numbers != 1 || param.numbers[0] == info->params[i].defaults[0]))
            return false;
        if (param.n_numbers > 0 || param.n_texts > 0)
            saved->params[kept++] = param;
        else if (!may_be_empty(&info->params[i]))
            return false;
    }
    if (next != saved->n)
        return false;
    saved->n = kept;
    return true;
}

static enum cxm_status load(const struct cxm_saved *saved, const struct cxm_allocator *allocator,
                            struct cxm_tally **out, struct cxm_error *error)
{
    struct cxm_saved_params params;
    struct cxm_tally *tally = NULL;
    enum cxm_status status = cxm_priv_read_params(saved, allocator, &params, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_metric *metric = find_saved(saved, params.metric);
    if (metric == NULL)
        status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "metric",
                               "the tally is of \"%s\" (kind %u), which this version does not "
                               "know", params.metric, saved->kind);
    else if (!params_are_complete(metric->rules.info, &params))
        status = cxm_priv_fail(error, CXM_ECORRUPT, NULL,
                               "not a sound tally: its parameters are not those of %s",
                               params.metric);
    else
        status = cxm_priv_tally_new(&metric->rules, params.params, params.n, allocator, &tally,
                                    error);
    if (status == CXM_EINVAL && error != NULL)
        error->status = CXM_ECORRUPT;
    if (status == CXM_EINVAL)
        status = CXM_ECORRUPT;
    if (status == CXM_OK)
        status = cxm_priv_read_rows(saved, tally, error);
    if (status == CXM_OK)
        *out = tally;
    else
        cxm_tally_free(tally);
    cxm_priv_release(allocator, params.memory);
    return status;
}

enum cxm_status cxm_tally_load(const uint8_t *bytes, size_t n_bytes,
                               const struct cxm_allocator *allocator, struct cxm_tally **out,
                               struct cxm_error *error)
{
    struct cxm_saved saved;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "out is NULL");
    const enum cxm_status status = cxm_priv_open_saved(bytes, n_bytes, &saved, error);
    return status == CXM_OK ? load(&saved, allocator, out, error) : status;
}

void cxm_tally_describe(const struct cxm_tally *tally, struct cxm_tally_info *out)
{
    if (tally == NULL || out == NULL)
        return;
    const struct cxm_metric_info *info = tally->config.rules->info;
    memset(out, 0, sizeof *out);
    cxm_priv_copy_text(out->metric, sizeof out->metric, info->name, strlen(info->name));
    cxm_tally_definition(tally, out->definition, sizeof out->definition);
    out->configuration = cxm_priv_configuration_hash(tally);
    out->rows = tally->state.rows;
    out->groups = tally->state.rows > 0 ? cxm_tally_groups(tally) : 0;
    out->kind = info->kind;
    if (tally->state.rows > 0) { /* an empty tally is saved without keys and kind of weights */
        out->n_keys = (int32_t)tally->schema.n_keys;
        out->weighted = tally->schema.weighted;
        out->n_design = (int32_t)tally->schema.n_design;
    }
    out->format_major = CXM_FORMAT_MAJOR;
    out->format_minor = cxm_priv_format_minor(tally);
}

enum cxm_status cxm_tally_info(const uint8_t *bytes, size_t n_bytes, struct cxm_tally_info *out,
                               struct cxm_error *error)
{
    struct cxm_saved saved;
    struct cxm_tally_info info;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "out is NULL");
    memset(&info, 0, sizeof info);
    enum cxm_status status = cxm_priv_open_saved(bytes, n_bytes, &saved, error);
    if (status == CXM_OK)
        status = cxm_priv_read_info(&saved, &info, error);
    const bool known = status == CXM_OK && find_saved(&saved, info.metric) != NULL;
    if (!known)
        memset(info.metric, 0, sizeof info.metric);
    if (known) {
        struct cxm_tally *tally = NULL;
        status = load(&saved, NULL, &tally, error);
        if (status == CXM_OK)
            cxm_tally_definition(tally, info.definition, sizeof info.definition);
        if (status == CXM_OK && info.groups > 0) /* the bytes count cells */
            info.groups = cxm_tally_groups(tally);
        if (status == CXM_OK)
            info.n_design = (int32_t)tally->schema.n_design;
        cxm_tally_free(tally);
    }
    if (status == CXM_OK)
        *out = info;
    return status;
}

size_t cxm_tally_definition(const struct cxm_tally *tally, char *out, size_t capacity)
{
    size_t used = 0;
    if (out != NULL && capacity > 0)
        out[0] = '\0';
    if (tally == NULL)
        return 0;
    cxm_priv_metric_of(&tally->config)->define(tally, out, out != NULL ? capacity : 0, &used);
    return used;
}
