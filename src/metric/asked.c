/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was asked of a tally, checked: level, interval, measures and groups. */
#include "metric/reading.h"

static bool class_has(enum cxm_interval_class class, enum cxm_interval interval)
{
    if (interval == CXM_INTERVAL_DEFAULT || interval == CXM_INTERVAL_NONE)
        return true;
    switch (class) {
    case CXM_CLASS_SHARE:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T
            || interval == CXM_INTERVAL_KORN_GRAUBARD
            || (interval >= CXM_INTERVAL_WILSON && interval <= CXM_INTERVAL_LOGIT);
    case CXM_CLASS_NET:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T
            || (interval >= CXM_INTERVAL_ADJUSTED_WALD && interval <= CXM_INTERVAL_BCA);
    case CXM_CLASS_CHANGE:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T;
    case CXM_CLASS_MEAN:
    case CXM_CLASS_RATIO:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_T;
    case CXM_CLASS_RATE:
        return interval == CXM_INTERVAL_GARWOOD || interval == CXM_INTERVAL_T
            || interval == CXM_INTERVAL_WALD;
    case CXM_CLASS_SURVIVAL:
        return interval == CXM_INTERVAL_LOGIT
            || (interval >= CXM_INTERVAL_LOG_LOG && interval <= CXM_INTERVAL_ARCSINE);
    case CXM_CLASS_QUANTILE:
        return interval == CXM_INTERVAL_ORDER_STATISTIC;
    case CXM_CLASS_CLUSTERED:
        return interval == CXM_INTERVAL_T || class_has(CXM_CLASS_SHARE, interval);
    case CXM_CLASS_NONE:
        break;
    }
    return false;
}

static enum cxm_status check_ask(const struct cxm_estimate_options *options,
                                 struct cxm_estimate_options *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof *out)
            return cxm_priv_fail(error, CXM_EINVAL, "options",
                                 "options.size must be sizeof(struct cxm_estimate_options)");
        memcpy(out, options, options->size);
    }
    if (out->level == 0)
        out->level = 0.95;
    if (out->small_n == 0)
        out->small_n = 30;
    char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
    if (out->level > 1 && out->level < 100)
        return cxm_priv_fail_at(error, CXM_EINVAL, "level", -1,
                                cxm_priv_double_text(out->level, text),
                                "level must be between 0 and 1; did you mean %s?",
                                cxm_priv_double_text(out->level / 100, hint));
    if (!(out->level > 0 && out->level < 1))
        return cxm_priv_fail_at(error, CXM_EINVAL, "level", -1,
                                cxm_priv_double_text(out->level, text),
                                "level must be between 0 and 1, not %s", text);
    if (out->interval < 0 || out->interval > CXM_INTERVAL_CONTROL)
        return cxm_priv_fail(error, CXM_EINVAL, "interval", "there is no interval %d",
                             out->interval);
    if (out->small_n < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "small_n", "small_n must be 0 or more");
    if (out->threads < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "threads", "threads must be 0 or more");
    if (out->max_iterations < 0 || !(out->tolerance >= 0 && out->tolerance < 1))
        return cxm_priv_fail(error, CXM_EINVAL, "tolerance",
                             "tolerance is between 0 and 1, max_iterations 0 or more");
    if (out->lonely < CXM_LONELY_ERROR || out->lonely > CXM_LONELY_ADJUST)
        return cxm_priv_fail(error, CXM_EINVAL, "lonely",
                             "lonely must be \"error\", \"certainty\" or \"adjust\"");
    return CXM_OK;
}

static uint32_t count_defaults(const struct cxm_reading *r)
{
    const struct cxm_metric_info *info = r->metric->rules.info;
    uint32_t n = 0;
    for (int f = 0; f < info->n_measures; f++)
        n += info->measures[f].is_default ? cxm_priv_count_members(r, f) : 0;
    return n;
}

static void choose_one(const struct cxm_reading *r, const struct cxm_estimate_options *options,
                       uint32_t measure, int family, uint32_t member, struct cxm_chosen *out)
{
    const enum cxm_interval wanted = (enum cxm_interval)options->interval;
    out->measure = measure;
    out->member = member;
    out->family = family;
    out->estimator = &r->metric->estimators[out->family];
    out->ask = (struct cxm_ask){ options->level,
                                 class_has(out->estimator->intervals, wanted)
                                   ? wanted
                                   : CXM_INTERVAL_DEFAULT,
                                 options->small_n, NULL };
}

static void choose_defaults(const struct cxm_reading *r,
                            const struct cxm_estimate_options *options, struct cxm_chosen *out,
                            size_t n)
{
    const struct cxm_metric_info *info = r->metric->rules.info;
    uint32_t before = 0; /* measures of the families before */
    for (int f = 0; n > 0 && f < info->n_measures; f++) {
        const uint32_t members = cxm_priv_count_members(r, f);
        for (uint32_t m = 0; info->measures[f].is_default && m < members; m++, n--)
            choose_one(r, options, before + m, f, m, out++);
        before += members;
    }
}

static void choose_listed(const struct cxm_reading *r, const struct cxm_estimate_options *options,
                          struct cxm_chosen *out)
{
    for (size_t i = 0; i < options->n_measures; i++) {
        uint32_t member = 0;
        const int family = cxm_priv_find_measure(r, options->measures[i], &member);
        choose_one(r, options, options->measures[i], family, member, &out[i]);
    }
}

/* The measures asked for: by number, or the defaults. */
static enum cxm_status choose_measures(struct cxm_asked *a, struct cxm_error *error)
{
    const struct cxm_reading *r = &a->reading;
    const struct cxm_estimate_options *options = &a->options;
    const uint32_t n = options->measures != NULL ? cxm_priv_count_measures(r) : 0;
    for (size_t i = 0; options->measures != NULL && i < options->n_measures; i++) {
        if (options->measures[i] >= n)
            return cxm_priv_fail(error, CXM_EINVAL, "measures", "there is no measure %u",
                                 options->measures[i]);
    }
    a->n_measures = options->measures != NULL ? options->n_measures : count_defaults(r);
    a->measures = cxm_priv_alloc(&r->tally->allocator, a->n_measures, sizeof *a->measures);
    if (a->measures == NULL)
        return cxm_priv_no_memory(error);
    if (options->measures == NULL)
        choose_defaults(r, options, a->measures, a->n_measures);
    else
        choose_listed(r, options, a->measures);
    bool fits = options->interval == CXM_INTERVAL_DEFAULT || a->n_measures == 0;
    for (size_t i = 0; i < a->n_measures && !fits; i++)
        fits = class_has(a->measures[i].estimator->intervals,
                         (enum cxm_interval)options->interval);
    return fits ? CXM_OK
                : cxm_priv_fail(error, CXM_EINVAL, "interval",
                                "interval \"%s\" does not fit the measures asked for",
                                cxm_interval_name((enum cxm_interval)options->interval));
}

static enum cxm_status check_groups(const struct cxm_tally *tally,
                                    const struct cxm_estimate_options *options,
                                    struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; options->groups != NULL && i < options->n_groups && status == CXM_OK; i++)
        status = cxm_priv_check_group(tally, "groups", options->groups[i], error);
    return status;
}

void cxm_priv_asked_release(struct cxm_asked *a)
{
    cxm_priv_release(&a->reading.tally->allocator, a->measures);
    cxm_priv_reading_release(&a->reading);
}

enum cxm_status cxm_priv_asked_init(struct cxm_asked *a, struct cxm_tally *tally,
                                    const struct cxm_estimate_options *options, size_t capacity,
                                    struct cxm_error *error)
{
    a->measures = NULL;
    enum cxm_status status = check_ask(options, &a->options, error);
    if (status == CXM_OK)
        status = cxm_priv_tally_sort(tally, error);
    if (status == CXM_OK)
        status = check_groups(tally, &a->options, error);
    if (status != CXM_OK)
        return status;
    status = cxm_priv_reading_init(&a->reading, tally, error);
    a->reading.options = &a->options;
    if (status == CXM_OK && a->options.n_margins > 0 && tally->state.rows > 0
        && !cxm_priv_has_margins(&tally->schema))
        status = cxm_priv_fail(error, CXM_EINVAL, "margins",
                               "the tally was given no margin columns (calibrate)");
    if (status == CXM_OK)
        status = choose_measures(a, error);
    a->n_groups = a->options.groups != NULL ? a->options.n_groups
                                            : (size_t)cxm_tally_groups(tally);
    const size_t each = status == CXM_OK && a->n_measures > 0 ? a->n_measures : 1;
    if (status == CXM_OK && capacity > 0 && capacity / each < a->n_groups)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu rows, and room for %zu",
                               a->n_groups * a->n_measures, capacity);
    if (status != CXM_OK)
        cxm_priv_asked_release(a);
    return status;
}
