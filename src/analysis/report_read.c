/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a finished report says, row by row and column by column: the public functions of
 * include/cxm/report.h. */
#include "analysis/report.h"

#include "metric/metric.h"

#include <math.h>

const char *cxm_priv_report_text_at(const struct cxm_report *r, int64_t at, size_t *n)
{
    const char *text = (const char *)cxm_priv_dict_key(&r->texts, (uint32_t)at, n);
    --*n;
    return text;
}

size_t cxm_report_rows(const struct cxm_report *r)
{
    return r != NULL ? r->n_rows : 0;
}

const struct cxm_estimate *cxm_report_estimates(const struct cxm_report *r)
{
    return r != NULL ? r->estimates : NULL;
}

static const char *name_of(const struct cxm_report *r, size_t row, int which)
{
    size_t n;
    if (r == NULL || row >= r->n_rows)
        return "";
    return cxm_priv_report_text_at(r, r->names[CXM_N_NAMES * row + (size_t)which], &n);
}

const char *cxm_report_metric(const struct cxm_report *r, size_t row)
{
    return name_of(r, row, CXM_NAME_METRIC);
}

const char *cxm_report_measure(const struct cxm_report *r, size_t row)
{
    return name_of(r, row, CXM_NAME_MEASURE);
}

const char *cxm_report_definition(const struct cxm_report *r, size_t row)
{
    return name_of(r, row, CXM_NAME_DEFINITION);
}

static void copy_name(const struct cxm_report *r, size_t row, int which, char *out,
                      size_t capacity)
{
    const char *name = name_of(r, row, which);
    cxm_priv_copy_text(out, capacity, name, strlen(name));
}

static void copy_group(const struct cxm_report *r, size_t row, char *out, size_t capacity)
{
    char full[512];
    size_t used = 0;
    full[0] = '\0';
    for (size_t k = 0; r->has_key[row] && k < r->n_keys; k++) {
        if (k > 0)
            cxm_priv_append(full, sizeof full, &used, ", ");
        cxm_priv_append_key(&r->key_values[row * r->n_keys + k], full, sizeof full, &used);
    }
    if (!r->has_key[row] && r->n_keys > 0)
        cxm_priv_append(full, sizeof full, &used, "Total");
    cxm_priv_copy_text(out, capacity, full, strlen(full));
}

enum cxm_status cxm_report_row(const struct cxm_report *r, size_t row, struct cxm_row *out)
{
    if (r == NULL || row >= r->n_rows || out == NULL)
        return CXM_EINVAL;
    memset(out, 0, sizeof *out);
    out->estimate = r->estimates[row];
    copy_name(r, row, CXM_NAME_METRIC, out->metric, sizeof out->metric);
    copy_name(r, row, CXM_NAME_MEASURE, out->measure, sizeof out->measure);
    copy_name(r, row, CXM_NAME_DEFINITION, out->definition, sizeof out->definition);
    copy_group(r, row, out->group, sizeof out->group);
    return CXM_OK;
}

size_t cxm_report_n_keys(const struct cxm_report *r)
{
    return r != NULL ? r->n_keys : 0;
}

enum cxm_status cxm_report_key_info(const struct cxm_report *r, size_t key,
                                    struct cxm_key_info *out)
{
    if (r == NULL || key >= r->n_keys || out == NULL)
        return CXM_EINVAL;
    *out = r->keys[key];
    return CXM_OK;
}

enum cxm_status cxm_report_key(const struct cxm_report *r, size_t row, size_t key,
                               struct cxm_key *out)
{
    if (r == NULL || row >= r->n_rows || key >= r->n_keys || out == NULL)
        return CXM_EINVAL;
    *out = r->key_values[row * r->n_keys + key];
    return CXM_OK;
}

size_t cxm_report_n_axes(const struct cxm_report *r)
{
    return r != NULL ? r->n_axes : 0;
}

enum cxm_status cxm_report_axis_info(const struct cxm_report *r, size_t axis,
                                     struct cxm_axis_info *out)
{
    if (r == NULL || axis >= r->n_axes || out == NULL)
        return CXM_EINVAL;
    *out = r->axes[axis].info;
    return CXM_OK;
}

int64_t cxm_report_find_axis(const struct cxm_report *r, const char *name)
{
    for (size_t i = 0; r != NULL && name != NULL && i < r->n_axes; i++) {
        if (strcmp(r->axes[i].info.name, name) == 0)
            return (int64_t)i;
    }
    return -1;
}

const double *cxm_report_reals(const struct cxm_report *r, size_t axis)
{
    return r != NULL && axis < r->n_axes && r->axes[axis].of_reals ? r->axes[axis].values.reals
                                                                   : NULL;
}

const int64_t *cxm_report_ints(const struct cxm_report *r, size_t axis)
{
    if (r == NULL || axis >= r->n_axes || r->axes[axis].of_reals
        || r->axes[axis].info.type == CXM_AXIS_TEXT)
        return NULL;
    return r->axes[axis].values.ints;
}

const char *cxm_report_text(const struct cxm_report *r, size_t axis, size_t row)
{
    size_t n;
    if (r == NULL || axis >= r->n_axes || row >= r->n_rows
        || r->axes[axis].info.type != CXM_AXIS_TEXT || r->axes[axis].values.ints[row] < 0)
        return NULL;
    return cxm_priv_report_text_at(r, r->axes[axis].values.ints[row], &n);
}
