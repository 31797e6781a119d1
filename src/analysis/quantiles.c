/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles of columns: the order statistics are selected, without a table of the values. Typically
 * three quantiles of 100 groups. Copies of rows, and sketches, go by way of a tally. */
#include "analysis/quantiles.h"
#include "analysis/numbers.h"
#include "metric/metric.h"

#include <math.h>

enum { STATISTICS = CXM_QUANTILE_STATISTICS };

/* ---- selection ----------------------------------------------------------------------------- */

/* Which ranks a quantile of n rows is made of takes two binomial quantiles, and many small groups have
 * as many rows as another: what was found is kept by n. */
enum { MEMO = 4096 };

struct ranks_memo {
    struct ranks_of {
        int64_t n; /* 0: none */
        struct cxm_quantile_ranks ranks;
    } *of;         /* by quantile and the lowest digits of n */
    size_t each;
};

static struct cxm_quantile_ranks ranks_of(const struct ranks_memo *memo,
                                          const struct cxm_quantile_page *page, size_t i, int64_t n)
{
    struct ranks_of *at = &memo->of[i * memo->each + (uint64_t)n % memo->each];
    if (at->n != n)
        *at = (struct ranks_of){ n, cxm_priv_quantile_ranks(n, page->o.probs[i],
                                                            cxm_priv_quantile_type(page),
                                                            page->o.level) };
    return at->ranks;
}

/* What is wanted of some groups, in their order: four statistics a quantile. */
struct wants {
    size_t n, room; /* quantiles */
    uint32_t *groups;
    int64_t *ranks;
    double *values;
    struct cxm_quantile_ranks *quantiles;
    struct ranks_memo memo;
};

static void wants_release(struct wants *w)
{
    cxm_priv_release(NULL, w->groups);
    cxm_priv_release(NULL, w->ranks);
    cxm_priv_release(NULL, w->values);
    cxm_priv_release(NULL, w->quantiles);
    w->groups = NULL;
    w->ranks = NULL;
    w->values = NULL;
    w->quantiles = NULL;
    w->room = 0;
}

static bool wants_reserve(struct wants *w, size_t n)
{
    if (n <= w->room)
        return true;
    wants_release(w);
    w->groups = cxm_priv_alloc(NULL, n, STATISTICS * sizeof *w->groups);
    w->ranks = cxm_priv_alloc(NULL, n, STATISTICS * sizeof *w->ranks);
    w->values = cxm_priv_alloc(NULL, n, STATISTICS * sizeof *w->values);
    w->quantiles = cxm_priv_alloc(NULL, n, sizeof *w->quantiles);
    w->room = n;
    return w->groups != NULL && w->ranks != NULL && w->values != NULL && w->quantiles != NULL;
}

static struct cxm_estimate base_of(const struct cxm_selection *s, uint32_t group, double level)
{
    struct cxm_estimate e = cxm_priv_blank_estimate(level, CXM_UNIT_SCALE, CXM_BASE_TICKETS);
    e.n = s->n[group];
    e.missing = s->missing[group];
    e.invalid = s->invalid[group];
    e.sum_weight = e.n_eff = (double)e.n;
    e.flags = e.n == 0 ? CXM_FLAG_NO_DATA : e.n < 30 ? CXM_FLAG_SMALL_N : 0;
    return e;
}

/* Is there a row of the group? Keys that lie near each other need not all occur. */
static bool is_group(const struct cxm_selection *s, uint32_t group)
{
    return s->key == NULL || s->n[group] + s->missing[group] + s->invalid[group] > 0;
}

/* The values of all quantiles of the groups first … last - 1. */
static enum cxm_status find_values(const struct cxm_quantile_page *page, struct cxm_selection *s,
                                   uint32_t first, uint32_t last, struct wants *w,
                                   struct cxm_error *error)
{
    size_t filled = 0;
    for (uint32_t group = first; group < last; group++)
        filled += s->n[group] > 0;
    if (!wants_reserve(w, filled * page->o.n_probs))
        return cxm_priv_no_memory(error);
    w->n = 0;
    for (uint32_t group = first; group < last; group++) {
        for (size_t i = 0; s->n[group] > 0 && i < page->o.n_probs; i++, w->n++) {
            const struct cxm_quantile_ranks r = ranks_of(&w->memo, page, i, s->n[group]);
            const int64_t ranks[STATISTICS] = { r.lower < 0 ? 0 : r.lower, r.low, r.high,
                                                r.upper < s->n[group] ? r.upper : r.high };
            w->quantiles[w->n] = r;
            memcpy(w->ranks + STATISTICS * w->n, ranks, sizeof ranks);
            for (size_t k = 0; k < STATISTICS; k++)
                w->groups[STATISTICS * w->n + k] = group;
        }
    }
    return cxm_priv_select_values(s, w->groups, w->ranks, STATISTICS * w->n, w->values, error);
}

/* A row for each of them. The names of quantile i are those of row `names` + i, where there is one. */
static void add_values(const struct cxm_quantile_page *page, const struct cxm_selection *s,
                       const struct cxm_quantile_groups *g, bool keyed, uint32_t first, uint32_t last,
                       size_t names, const struct wants *w)
{
    size_t n = 0;
    for (uint32_t group = first; group < last; group++) {
        const struct cxm_estimate base = base_of(s, group, page->o.level);
        for (size_t i = 0; is_group(s, group) && i < page->o.n_probs; i++) {
            struct cxm_estimate e = base;
            double coverage = NAN;
            if (e.n > 0) {
                cxm_priv_quantile_set(&e, &w->quantiles[n], w->values + STATISTICS * n);
                coverage = w->quantiles[n++].coverage;
            }
            const size_t row = cxm_priv_quantile_row(page, i, names, &e, coverage);
            if (keyed)
                cxm_priv_quantile_keys(page->report, row, g, group);
        }
    }
}

/* All quantiles of the groups of a selection in the order of their keys, or of its only group; some
 * groups at a time. */
static enum cxm_status add_groups(const struct cxm_quantile_page *page, struct cxm_selection *s,
                                  const struct cxm_quantile_groups *g, bool keyed,
                                  struct cxm_error *error)
{
    enum { QUANTILES = 1 << 15 };
    const size_t n_probs = page->o.n_probs > 0 ? page->o.n_probs : 1;
    const uint32_t step = cxm_priv_select_batch(s, (uint32_t)(QUANTILES / n_probs) + 1);
    const size_t names = cxm_report_rows(page->report);
    struct wants w = { .memo = { .each = MEMO / n_probs + 1 } };
    size_t n = 0;
    w.memo.of = cxm_priv_alloc_zero(NULL, n_probs * w.memo.each, sizeof *w.memo.of);
    enum cxm_status status = w.memo.of != NULL ? CXM_OK : cxm_priv_no_memory(error);
    for (uint32_t group = 0; group < s->n_groups; group++)
        n += is_group(s, group);
    cxm_priv_report_reserve(page->report, names + n * page->o.n_probs);
    for (uint32_t first = 0; status == CXM_OK && first < s->n_groups;) {
        const uint32_t last = s->n_groups - first < step ? s->n_groups : first + step;
        status = find_values(page, s, first, last, &w, error);
        if (status == CXM_OK)
            add_values(page, s, g, keyed, first, last, names, &w);
        first = last;
    }
    wants_release(&w);
    cxm_priv_release(NULL, w.memo.of);
    return status;
}

static void announce(const struct cxm_quantile_page *page, struct cxm_selection *s)
{
    s->probs = page->ascending;
    s->n_probs = page->o.n_probs <= CXM_FEW_QUANTILES ? page->o.n_probs : 0;
    s->level = page->o.level;
}

static enum cxm_status select_groups(const struct cxm_quantile_page *page,
                                     const struct cxm_column *value,
                                     const struct cxm_common_options *common,
                                     const struct cxm_quantile_groups *g, struct cxm_error *error)
{
    struct cxm_selection s = { .column = value, .codes = g->codes.codes,
                               .n_groups = g->codes.n };
    if (g->direct.key != NULL)
        s = g->direct;
    s.threads = common->threads;
    s.count_invalid = common->invalid == CXM_INVALID_COUNT;
    announce(page, &s);
    if (s.n_groups == 0)
        return CXM_OK;
    enum cxm_status status = cxm_priv_select_count(&s, error);
    if (status == CXM_OK)
        status = add_groups(page, &s, g, true, error);
    cxm_priv_select_release(&s);
    return status;
}

/* All rows together, less those that were left out for want of a key. */
static enum cxm_status select_total(const struct cxm_quantile_page *page,
                                    const struct cxm_column *value,
                                    const struct cxm_common_options *common,
                                    struct cxm_quantile_groups *g, struct cxm_error *error)
{
    int64_t left_out = 0;
    const bool coded = g->codes.codes != NULL;
    for (int64_t row = 0; coded && row < value->n; row++) {
        const bool out = g->codes.codes[row] == CXM_CODE_MISSING;
        left_out += out;
        g->codes.codes[row] = out;
    }
    struct cxm_selection s = { .column = value, .codes = g->codes.codes, .n_groups = 1,
                               .threads = common->threads,
                               .count_invalid = common->invalid == CXM_INVALID_COUNT };
    announce(page, &s);
    enum cxm_status status = cxm_priv_select_count(&s, error);
    const size_t first = cxm_report_rows(page->report);
    if (status == CXM_OK)
        status = add_groups(page, &s, g, false, error);
    for (size_t row = first; status == CXM_OK && row < cxm_report_rows(page->report); row++) {
        struct cxm_estimate *e = cxm_priv_report_estimate(page->report, row);
        if (e != NULL)
            e->excluded = left_out;
    }
    cxm_priv_select_release(&s);
    return status;
}

static enum cxm_status from_columns(struct cxm_quantile_page *page, const struct cxm_column *value,
                                    const struct cxm_common_options *common,
                                    struct cxm_report **out, struct cxm_error *error)
{
    char definition[32] = "";
    size_t used = 0;
    struct cxm_quantile_groups g;
    cxm_priv_append(definition, sizeof definition, &used, "quantiles/type=%d",
                    cxm_priv_quantile_type(page));
    page->definition = definition;
    for (size_t i = 0; i < page->o.n_probs && page->o.n_probs <= CXM_FEW_QUANTILES; i++) {
        size_t at = i;
        for (; at > 0 && page->ascending[at - 1] > page->o.probs[i]; at--)
            page->ascending[at] = page->ascending[at - 1];
        page->ascending[at] = page->o.probs[i];
    }
    enum cxm_status status = cxm_priv_quantile_groups_init(&g, common, value, error);
    page->report = status == CXM_OK ? cxm_priv_report_new(NULL) : NULL;
    if (status == CXM_OK)
        cxm_priv_quantile_key_columns(page->report, &g);
    cxm_priv_quantile_axes(page);
    if (status == CXM_OK && g.n_by > 0)
        status = select_groups(page, value, common, &g, error);
    if (status == CXM_OK && (g.n_by == 0 || common->total))
        status = select_total(page, value, common, &g, error);
    cxm_priv_quantile_groups_release(&g);
    if (status == CXM_OK)
        return cxm_priv_report_finish(page->report, out, error);
    cxm_report_free(page->report);
    return status;
}

/* ---- by a tally ------------------------------------------------------------------------------ */

static enum cxm_status by_tally(const struct cxm_quantiles_options *o,
                                const struct cxm_quantile_options *quantiles,
                                const struct cxm_column *value, struct cxm_report **out,
                                struct cxm_error *error)
{
    const struct cxm_param accuracy = { "accuracy", &o->accuracy, 1, NULL, 0 };
    const size_t n_by = o->by == NULL ? 0 : o->n_by == 0 ? 1 : o->n_by;
    struct cxm_input inputs[CXM_MAX_KEYS + 2] = { { "value", value } };
    struct cxm_tally *tally = NULL;
    size_t n = 1;
    if (n_by > CXM_MAX_KEYS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
    for (size_t k = 0; k < n_by; k++)
        inputs[n++] = (struct cxm_input){ "by", &o->by[k] };
    if (o->freq != NULL)
        inputs[n++] = (struct cxm_input){ "freq", o->freq };
    const struct cxm_add_options add = { sizeof add, o->invalid, o->missing_key, o->threads, 0 };
    enum cxm_status status = cxm_tally_new(o->accuracy != 0 ? "sketch" : "quantiles", &accuracy,
                                           o->accuracy != 0, NULL, &tally, error);
    if (status == CXM_OK)
        status = cxm_tally_add(tally, inputs, n, &add, error);
    if (status == CXM_OK)
        status = cxm_tally_quantiles(tally, quantiles, out, error);
    cxm_tally_free(tally);
    return status;
}

/* Durations of any unit are read as seconds, and that is the unit of their quantiles. */
static bool is_duration(const struct cxm_column *value)
{
    return (value->flags & CXM_COLUMN_DURATION) != 0 && value->time_unit != CXM_NO_TIME;
}

static void set_seconds(struct cxm_report *report)
{
    for (size_t row = 0; row < cxm_report_rows(report); row++)
        cxm_priv_report_estimate(report, row)->unit = CXM_UNIT_SECONDS;
}

enum cxm_status cxm_quantiles(const struct cxm_column *value,
                              const struct cxm_quantiles_options *options,
                              struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_quantiles_options o = { CXM_INIT(quantiles) };
    struct cxm_quantile_page page = { .metric = "quantiles" };
    struct cxm_common_options common;
    if (value == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "value", "value or out is NULL");
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    page.o = (struct cxm_quantile_options){ .size = sizeof page.o, .probs = o.probs,
                                            .n_probs = o.n_probs, .level = o.level,
                                            .type = o.type, .total = o.total };
    if (o.weight != NULL)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "weight",
                             "quantiles take no survey weights");
    if (o.strata != NULL || o.cluster != NULL || o.fpc != NULL || o.population != 0)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "strata",
                             "quantiles take no sampling design");
    if (o.freq != NULL || o.accuracy != 0) {
        status = by_tally(&o, &page.o, value, out, error);
    } else {
        status = cxm_priv_quantile_check(&page.o, error);
        if (status == CXM_OK)
            status = cxm_priv_column_fits(value, CXM_ROLE_NUMBER, "value", error);
        if (status != CXM_OK)
            return status;
        memcpy(&common, &o, sizeof common);
        status = from_columns(&page, value, &common, out, error);
    }
    if (status == CXM_OK && is_duration(value))
        set_seconds(*out);
    return status;
}
