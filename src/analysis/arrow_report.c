/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A report as an Arrow C stream of one chunk: its keys, the schema of all results, its axes. */
#include "analysis/report.h"
#include "metric/arrow_columns.h"

#include <math.h>

static const char *name_of_row(const void *report, size_t row, enum cxm_arrow_name what)
{
    switch (what) {
    case CXM_ARROW_METRIC: return cxm_report_metric(report, row);
    case CXM_ARROW_MEASURE: return cxm_report_measure(report, row);
    default: return cxm_report_definition(report, row);
    }
}

static enum cxm_status key_info(const void *report, size_t key, struct cxm_key_info *out)
{
    return cxm_report_key_info(report, key, out);
}

static enum cxm_status key_of_row(const void *report, size_t row, size_t key,
                                  struct cxm_key *out)
{
    return cxm_report_key(report, row, key, out);
}

static bool is_axis(const void *report, const char *name)
{
    return cxm_report_find_axis(report, name) >= 0;
}

static enum cxm_status axis_cell(const void *report, size_t axis, size_t row,
                                 char scratch[CXM_ARROW_SCRATCH], struct cxm_key *out,
                                 struct cxm_error *error)
{
    (void)scratch;
    (void)error;
    const double *reals = cxm_report_reals(report, axis);
    const int64_t *ints = cxm_report_ints(report, axis);
    if (reals != NULL) {
        out->real = reals[row];
        out->missing = isnan(out->real);
    } else if (ints != NULL) {
        out->integer = ints[row];
        out->missing = out->integer == INT64_MIN;
    } else {
        out->text = cxm_report_text(report, axis, row);
        out->missing = out->text == NULL;
        out->text_bytes = out->missing ? 0 : strlen(out->text);
    }
    return CXM_OK;
}

static enum cxm_status add_axes(const struct cxm_report *report, struct cxm_arrow_table *table,
                                struct cxm_error *error)
{
    static const enum cxm_key_type types[] = {
        [CXM_AXIS_REAL] = CXM_KEY_REAL, [CXM_AXIS_INT] = CXM_KEY_INT,
        [CXM_AXIS_TEXT] = CXM_KEY_TEXT, [CXM_AXIS_BOOL] = CXM_KEY_BOOL,
        [CXM_AXIS_DATE] = CXM_KEY_DATE, [CXM_AXIS_TIME] = CXM_KEY_TIME,
    };
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < cxm_report_n_axes(report) && status == CXM_OK; i++) {
        struct cxm_axis_info info;
        status = cxm_report_axis_info(report, i, &info);
        const struct cxm_arrow_column column = { .name = info.name, .type = types[info.type],
                                                 .cell = axis_cell, .self = report,
                                                 .column = i };
        if (status == CXM_OK)
            status = cxm_priv_arrow_column(table, &column, error);
    }
    return status;
}

enum cxm_status cxm_report_to_arrow(const struct cxm_report *report, const int64_t *rows,
                                    size_t n_rows, struct ArrowArrayStream *out,
                                    struct cxm_error *error)
{
    if (report == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "there is no report or no place for a stream");
    const size_t all = cxm_report_rows(report);
    for (size_t i = 0; rows != NULL && i < n_rows; i++) {
        if (rows[i] < 0 || (size_t)rows[i] >= all)
            return cxm_priv_fail(error, CXM_EINVAL, "rows", "the report has no such row");
    }
    const uint32_t *const names = report->names;
    const size_t step = 3 * sizeof *names;
    const struct cxm_arrow_rows shown = { .estimates = cxm_report_estimates(report),
                                          .rows = rows,
                                          .n_rows = rows != NULL ? n_rows : all,
                                          .n_keys = cxm_report_n_keys(report),
                                          .self = report,
                                          .name = name_of_row,
                                          .names = { { names, step },
                                                     { names != NULL ? names + 1 : NULL, step },
                                                     { names != NULL ? names + 2 : NULL, step } },
                                          .key_info = key_info,
                                          .key = key_of_row,
                                          .is_axis = is_axis };
    struct cxm_arrow_table *table = NULL;
    enum cxm_status status =
        cxm_priv_arrow_rows(&shown, cxm_report_n_axes(report), &table, error);
    if (status != CXM_OK)
        return status;
    status = add_axes(report, table, error);
    if (status == CXM_OK)
        cxm_priv_arrow_finish(table, out);
    else
        cxm_priv_arrow_drop(table);
    return status;
}
