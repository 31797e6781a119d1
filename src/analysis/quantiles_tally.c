/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles of tallies: exact ones of tables of values, approximate ones of sketches. */
#include "analysis/quantiles.h"
#include "analysis/numbers.h"
#include "metric/sketch.h"
#include "metric/value_table.h"

#include <math.h>

static bool is_sketch(const struct cxm_tally *tally)
{
    return tally->config.rules == &cxm_priv_metric_sketch.rules;
}

/* One group, or all merged: a tally without keys, whose entries are in order. */
static enum cxm_status add_group(const struct cxm_quantile_page *page, struct cxm_tally *one,
                                 struct cxm_tally *tally, int64_t group, struct cxm_error *error)
{
    const struct cxm_table *values = &one->state.values;
    const uint32_t zero = 0;
    const struct cxm_estimate_options ask = { .size = sizeof ask, .level = page->o.level,
                                              .measures = &zero, .n_measures = 1 };
    struct cxm_estimate base;
    enum cxm_status status = cxm_tally_estimate(one, &ask, &base, sizeof base, 1, NULL, error);
    if (status != CXM_OK)
        return status;
    uint32_t *order = cxm_priv_alloc(&one->allocator, values->dict.n, sizeof *order);
    if (order == NULL || !cxm_priv_dict_sort(&values->dict, order)) {
        cxm_priv_release(&one->allocator, order);
        return cxm_priv_no_memory(error);
    }
    for (size_t i = 0; i < page->o.n_probs; i++) {
        struct cxm_estimate e = base;
        double coverage = NAN;
        e.value = e.std_error = e.lower = e.upper = e.lower_raw = e.upper_raw = NAN;
        e.interval = CXM_INTERVAL_NONE;
        if (e.n > 0 && is_sketch(one)) {
            const int64_t rank = cxm_priv_lower_rank(e.n, page->o.probs[i]);
            double code;
            cxm_priv_table_statistics(values, order, values->dict.n, &rank, 1, &code);
            e.value = cxm_priv_sketch_value(code, cxm_priv_number(&one->config, 0));
        } else if (e.n > 0) {
            const struct cxm_quantile_ranks r = cxm_priv_quantile_ranks(
                e.n, page->o.probs[i], cxm_priv_quantile_type(page), page->o.level);
            const int64_t ranks[] = { r.lower, r.low, r.high, r.upper };
            double x[CXM_QUANTILE_STATISTICS];
            for (int k = 0; k < CXM_QUANTILE_STATISTICS; k++)
                cxm_priv_table_statistics(values, order, values->dict.n, &ranks[k], 1, &x[k]);
            cxm_priv_quantile_set(&e, &r, x);
            coverage = r.coverage;
        }
        const size_t row = cxm_priv_quantile_row(page, i, SIZE_MAX - i, &e, coverage);
        cxm_priv_report_key_from(page->report, row, tally, group);
    }
    cxm_priv_release(&one->allocator, order);
    return CXM_OK;
}

enum cxm_status cxm_tally_quantiles(struct cxm_tally *tally,
                                    const struct cxm_quantile_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_quantile_page page = { .metric = "quantiles" };
    char definition[256];
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "tally", "tally or out is NULL");
    if (tally->config.rules != &cxm_priv_metric_quantiles.rules && !is_sketch(tally))
        return cxm_priv_fail(error, CXM_EINVAL, "tally",
                             "quantiles belong to tallies of quantiles or sketch, not of %s",
                             tally->config.rules->info->name);
    enum cxm_status status = cxm_priv_read_options(options, &page.o, sizeof page.o,
                                                   "cxm_quantile_options", error);
    if (status == CXM_OK)
        status = cxm_priv_quantile_check(&page.o, error);
    if (status == CXM_OK && is_sketch(tally) && page.o.type != 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "type", "a sketch has one type of quantile");
    if (status != CXM_OK)
        return status;
    size_t used = 0;
    definition[0] = '\0';
    if (is_sketch(tally))
        cxm_tally_definition(tally, definition, sizeof definition);
    else
        cxm_priv_append(definition, sizeof definition, &used, "quantiles/type=%d",
                        cxm_priv_quantile_type(&page));
    page.metric = tally->config.rules->info->name;
    page.definition = definition;
    page.report = cxm_priv_report_new(&tally->allocator);
    cxm_priv_report_keys_of(page.report, tally);
    cxm_priv_quantile_axes(&page);
    const bool total = page.o.total != 0 && cxm_tally_n_keys(tally) > 0;
    const int64_t groups = cxm_tally_groups(tally);
    for (int64_t g = 0; g < groups + total && status == CXM_OK; g++) {
        struct cxm_tally *one = NULL;
        const int64_t group = g < groups ? g : CXM_TOTAL;
        status = cxm_tally_group(tally, cxm_tally_n_keys(tally) > 0 ? group : CXM_TOTAL, 0, &one,
                                 error);
        if (status == CXM_OK)
            status = add_group(&page, one, tally,
                               cxm_tally_n_keys(tally) > 0 ? group : CXM_TOTAL, error);
        cxm_tally_free(one);
    }
    if (status == CXM_OK)
        return cxm_priv_report_finish(page.report, out, error);
    cxm_report_free(page.report);
    return status;
}
