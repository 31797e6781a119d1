/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports of quantiles: from tallies (tables of values, sketches), and from columns, where the
 * order statistics are selected without a table. Typically three quantiles of 100 groups. */
#include "analysis/report.h"
#include "analysis/numbers.h"
#include "derive/select.h"
#include "derive/sort.h"
#include "estimate/check.h"
#include "estimate/order.h"
#include "metric/call.h"
#include "metric/sketch.h"
#include "metric/value_table.h"

#include <cxm/quantiles.h>

#include <math.h>

enum { MOST_PROBS = 1000, STATISTICS = 4, FEW_PROBS = 32 };

static const double usual[] = { 0.5, 0.9, 0.95, 0.99 };

/* ---- options ----------------------------------------------------------------------------- */

static enum cxm_status check(struct cxm_quantile_options *o, struct cxm_error *error)
{
    if (o->probs == NULL) {
        o->probs = usual;
        o->n_probs = CXM_COUNT(usual);
    }
    o->level = o->level == 0 ? 0.95 : o->level;
    if (o->n_probs > MOST_PROBS)
        return cxm_priv_fail(error, CXM_EINVAL, "probs", "at most %d quantiles", MOST_PROBS);
    for (size_t i = 0; i < o->n_probs; i++) {
        char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
        const double p = o->probs[i];
        if (p > 1 && p <= 100)
            return cxm_priv_fail(error, CXM_EINVAL, "probs",
                                 "probs are shares between 0 and 1; did you mean %s?",
                                 cxm_priv_double_text(p / 100, hint));
        if (!(p >= 0 && p <= 1))
            return cxm_priv_fail(error, CXM_EINVAL, "probs",
                                 "probs must be between 0 and 1, not %s",
                                 cxm_priv_double_text(p, text));
    }
    if (o->type < 0 || o->type > 9)
        return cxm_priv_fail(error, CXM_EINVAL, "type", "type must be 1 to 9, not %d", o->type);
    return cxm_priv_check_level(o->level, error);
}

/* ---- rows -------------------------------------------------------------------------------- */

struct page {
    struct cxm_quantile_options o;
    struct cxm_report *report;
    const char *metric, *definition;
    int probability, coverage;
    double ascending[FEW_PROBS]; /* columns: the probs, unless they are many */
};

static void start(struct page *page)
{
    page->probability = cxm_priv_report_axis(page->report, "probability", CXM_AXIS_REAL);
    page->coverage = cxm_priv_report_axis(page->report, "coverage", CXM_AXIS_REAL);
}

/* The names of quantile i are those of row `names` + i, where there is one already. */
static size_t add_row(const struct page *page, size_t i, size_t names, const struct cxm_estimate *e,
                      double coverage)
{
    if (names + i < cxm_report_rows(page->report)) {
        const size_t like = cxm_priv_report_add_run(page->report, names + i, 1, e);
        cxm_priv_report_real(page->report, like, page->probability, page->o.probs[i]);
        cxm_priv_report_real(page->report, like, page->coverage, coverage);
        return like;
    }
    char name[64] = "", text[CXM_DOUBLE_TEXT];
    size_t used = 0;
    cxm_priv_append(name, sizeof name, &used, "quantile[%s]",
                    cxm_priv_double_text(page->o.probs[i], text));
    const size_t row = cxm_priv_report_add(page->report, page->metric, name, page->definition, e);
    cxm_priv_report_real(page->report, row, page->probability, page->o.probs[i]);
    cxm_priv_report_real(page->report, row, page->coverage, coverage);
    return row;
}

static int type_of(const struct page *page)
{
    return page->o.type == 0 ? 7 : page->o.type;
}

/* x: the order statistics lower, low, high, upper of the ranks. */
static void set_quantile(struct cxm_estimate *e, const struct cxm_quantile_ranks *r,
                         const double x[STATISTICS])
{
    e->value = cxm_priv_between(x[1], x[2], r->part);
    e->interval = CXM_INTERVAL_ORDER_STATISTIC;
    e->lower = e->lower_raw = r->lower < 0 ? -INFINITY : x[0];
    e->upper = e->upper_raw = r->upper >= e->n ? INFINITY : x[3];
    if (e->value < e->lower || e->value > e->upper)
        e->flags |= CXM_FLAG_OFF_CENTRE;
}

/* ---- tallies ------------------------------------------------------------------------------ */

static bool is_sketch(const struct cxm_tally *tally)
{
    return tally->config.rules == &cxm_priv_metric_sketch.rules;
}

/* One group, or all merged: a tally without keys, whose entries are in order. */
static enum cxm_status add_group(const struct page *page, struct cxm_tally *one,
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
            const int64_t rank = (int64_t)(page->o.probs[i] * (double)(e.n - 1));
            double code;
            cxm_priv_table_statistics(values, order, values->dict.n, &rank, 1, &code);
            e.value = cxm_priv_sketch_value(code, cxm_priv_number(&one->config, 0));
        } else if (e.n > 0) {
            const struct cxm_quantile_ranks r = cxm_priv_quantile_ranks(
                e.n, page->o.probs[i], type_of(page), page->o.level);
            const int64_t ranks[] = { r.lower, r.low, r.high, r.upper };
            double x[STATISTICS];
            for (int k = 0; k < STATISTICS; k++)
                cxm_priv_table_statistics(values, order, values->dict.n, &ranks[k], 1, &x[k]);
            set_quantile(&e, &r, x);
            coverage = r.coverage;
        }
        const size_t row = add_row(page, i, SIZE_MAX - i, &e, coverage);
        cxm_priv_report_key_from(page->report, row, tally, group);
    }
    cxm_priv_release(&one->allocator, order);
    return CXM_OK;
}

enum cxm_status cxm_tally_quantiles(struct cxm_tally *tally,
                                    const struct cxm_quantile_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    struct page page = { .metric = "quantiles" };
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
        status = check(&page.o, error);
    if (status == CXM_OK && is_sketch(tally) && page.o.type != 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "type", "a sketch has one type of quantile");
    if (status != CXM_OK)
        return status;
    size_t used = 0;
    definition[0] = '\0';
    if (is_sketch(tally))
        cxm_tally_definition(tally, definition, sizeof definition);
    else
        cxm_priv_append(definition, sizeof definition, &used, "quantiles/type=%d", type_of(&page));
    page.metric = tally->config.rules->info->name;
    page.definition = definition;
    page.report = cxm_priv_report_new(&tally->allocator);
    cxm_priv_report_keys_of(page.report, tally);
    start(&page);
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

/* ---- columns: keys of the groups ----------------------------------------------------------- */

struct groups {
    const struct cxm_column *by;
    size_t n_by;
    struct cxm_codes codes; /* of the rows: in the order of the keys */
    uint32_t *first_row;    /* by code */
    struct cxm_selection direct; /* where its key is set, there are no codes */
};

static void groups_release(struct groups *g)
{
    cxm_priv_codes_release(&g->codes);
    cxm_priv_release(NULL, g->first_row);
}

/* One key of plain whole numbers near each other needs no codes. */
static enum cxm_status key_by_itself(struct groups *g, const struct cxm_column *value,
                                     int threads, struct cxm_error *error)
{
    struct cxm_key_plan plan;
    const enum cxm_status status = cxm_priv_key_plan(&g->by[0], &plan, error);
    g->direct = (struct cxm_selection){ .column = value, .threads = threads };
    if (status == CXM_OK && (plan.info.type == CXM_KEY_INT || plan.info.type == CXM_KEY_UINT))
        cxm_priv_select_by_key(&g->direct, &g->by[0]);
    return status;
}

static enum cxm_status groups_init(struct groups *g, const struct cxm_common_options *common,
                                   const struct cxm_column *value, struct cxm_error *error)
{
    const int64_t n = value->n;
    *g = (struct groups){ .by = common->by,
                          .n_by = common->by == NULL ? 0 : common->n_by == 0 ? 1 : common->n_by };
    if (g->n_by == 0)
        return CXM_OK;
    const struct cxm_column *columns[CXM_MAX_KEYS];
    if (g->n_by > CXM_MAX_KEYS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
    for (size_t k = 0; k < g->n_by; k++) {
        columns[k] = &g->by[k];
        if (g->by[k].n != n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, value has %lld",
                                 (long long)g->by[k].n, (long long)n);
    }
    enum cxm_status status = g->n_by > 1 ? CXM_OK
                                         : key_by_itself(g, value, common->threads, error);
    if (status != CXM_OK || g->direct.key != NULL)
        return status;
    status = cxm_priv_code_keys(columns, g->n_by, "by", false, NULL, &g->codes, error);
    if (status != CXM_OK)
        return status;
    g->first_row = cxm_priv_alloc(NULL, (size_t)g->codes.n + 1, sizeof *g->first_row);
    if (g->first_row == NULL)
        return cxm_priv_no_memory(error);
    bool has_missing = false;
    for (size_t c = 0; c <= g->codes.n; c++)
        g->first_row[c] = UINT32_MAX;
    /* A missing key of a single column is the last group. */
    for (int64_t row = n - 1; row >= 0; row--) {
        uint32_t *code = &g->codes.codes[row];
        if (*code != CXM_CODE_MISSING)
            *code = g->codes.ranks[*code];
        else if (common->missing_key == CXM_MISSING_KEY_KEEP) {
            *code = g->codes.n;
            has_missing = true;
        }
        if (*code <= g->codes.n)
            g->first_row[*code] = (uint32_t)row;
    }
    g->codes.n += has_missing;
    return CXM_OK;
}

/* The key of one row of one column. */
static enum cxm_status key_at(const struct cxm_column *column, int64_t row, struct cxm_key *out,
                              struct cxm_error *error)
{
    struct cxm_key_plan plan;
    struct cxm_reader reader;
    uint8_t state;
    const enum cxm_status status = cxm_priv_key_plan(column, &plan, error);
    if (status != CXM_OK)
        return status;
    *out = (struct cxm_key){ .type = plan.info.type };
    cxm_priv_reader_init(&reader, column);
    if (plan.words) {
        uint64_t word;
        cxm_priv_read_key_words(&reader, &plan, row, 1, &word, &state);
        out->missing = state != CXM_ROW_USED;
        if (!out->missing)
            cxm_priv_key_from_word(plan.info.type, word, out);
    }
    if (!plan.words || plan.info.type == CXM_KEY_CATEGORY) {
        struct cxm_reader names;
        struct cxm_text text = { "", 0 };
        const bool category = plan.info.type == CXM_KEY_CATEGORY;
        cxm_priv_reader_init(&names, category ? plan.categories : column);
        if (!category || !out->missing)
            cxm_priv_read_key_text(&names, category ? out->integer : row, 1, &text, &state);
        out->missing = out->missing || state != CXM_ROW_USED;
        out->text = text.bytes;
        out->text_bytes = text.n;
    }
    out->type = plan.info.type;
    return CXM_OK;
}

static enum cxm_status set_keys(struct cxm_report *report, size_t row, const struct groups *g,
                                uint32_t code, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    if (g->direct.key != NULL) {
        const int32_t type = g->by[0].type == CXM_U64 ? CXM_KEY_UINT : CXM_KEY_INT;
        const uint64_t value = g->direct.key_base + code;
        struct cxm_key key;
        cxm_priv_key_from_word(type, type == CXM_KEY_INT ? value ^ UINT64_C(1) << 63 : value,
                               &key);
        cxm_priv_report_key(report, row, 0, &key);
        return CXM_OK;
    }
    for (size_t k = 0; k < g->n_by && status == CXM_OK; k++) {
        struct cxm_key key;
        status = key_at(&g->by[k], g->first_row[code], &key, error);
        if (status == CXM_OK)
            cxm_priv_report_key(report, row, (int)k, &key);
    }
    return status;
}

static enum cxm_status key_columns(struct cxm_report *report, const struct groups *g,
                                   struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t k = 0; k < g->n_by && status == CXM_OK; k++) {
        struct cxm_key_plan plan;
        status = cxm_priv_key_plan(&g->by[k], &plan, error);
        if (status == CXM_OK)
            cxm_priv_report_key_column(report, plan.info.name,
                                       (enum cxm_key_type)plan.info.type, plan.info.calendar);
    }
    return status;
}

/* ---- columns: selection --------------------------------------------------------------------- */

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

static struct cxm_quantile_ranks ranks_of(const struct ranks_memo *memo, const struct page *page,
                                          size_t i, int64_t n)
{
    struct ranks_of *at = &memo->of[i * memo->each + (uint64_t)n % memo->each];
    if (at->n != n)
        *at = (struct ranks_of){ n, cxm_priv_quantile_ranks(n, page->o.probs[i], type_of(page),
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
static enum cxm_status find_values(const struct page *page, struct cxm_selection *s, uint32_t first,
                                   uint32_t last, struct wants *w, struct cxm_error *error)
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
static enum cxm_status add_values(const struct page *page, const struct cxm_selection *s,
                                  const struct groups *g, bool keyed, uint32_t first, uint32_t last,
                                  size_t names, const struct wants *w, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    size_t n = 0;
    for (uint32_t group = first; status == CXM_OK && group < last; group++) {
        const struct cxm_estimate base = base_of(s, group, page->o.level);
        for (size_t i = 0; is_group(s, group) && i < page->o.n_probs && status == CXM_OK; i++) {
            struct cxm_estimate e = base;
            double coverage = NAN;
            if (e.n > 0) {
                set_quantile(&e, &w->quantiles[n], w->values + STATISTICS * n);
                coverage = w->quantiles[n++].coverage;
            }
            const size_t row = add_row(page, i, names, &e, coverage);
            if (keyed)
                status = set_keys(page->report, row, g, group, error);
        }
    }
    return status;
}

/* All quantiles of the groups of a selection in the order of their keys, or of its only group; some
 * groups at a time. */
static enum cxm_status add_groups(const struct page *page, struct cxm_selection *s,
                                  const struct groups *g, bool keyed, struct cxm_error *error)
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
            status = add_values(page, s, g, keyed, first, last, names, &w, error);
        first = last;
    }
    wants_release(&w);
    cxm_priv_release(NULL, w.memo.of);
    return status;
}

static void announce(const struct page *page, struct cxm_selection *s)
{
    s->probs = page->ascending;
    s->n_probs = page->o.n_probs <= FEW_PROBS ? page->o.n_probs : 0;
    s->level = page->o.level;
}

static enum cxm_status select_groups(const struct page *page, const struct cxm_column *value,
                                     const struct cxm_common_options *common,
                                     const struct groups *g, struct cxm_error *error)
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
static enum cxm_status select_total(const struct page *page, const struct cxm_column *value,
                                    const struct cxm_common_options *common, struct groups *g,
                                    struct cxm_error *error)
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

static enum cxm_status from_columns(struct page *page, const struct cxm_column *value,
                                    const struct cxm_common_options *common,
                                    struct cxm_report **out, struct cxm_error *error)
{
    char definition[32] = "";
    size_t used = 0;
    struct groups g;
    cxm_priv_append(definition, sizeof definition, &used, "quantiles/type=%d", type_of(page));
    page->definition = definition;
    for (size_t i = 0; i < page->o.n_probs && page->o.n_probs <= FEW_PROBS; i++) {
        size_t at = i;
        for (; at > 0 && page->ascending[at - 1] > page->o.probs[i]; at--)
            page->ascending[at] = page->ascending[at - 1];
        page->ascending[at] = page->o.probs[i];
    }
    enum cxm_status status = groups_init(&g, common, value, error);
    page->report = status == CXM_OK ? cxm_priv_report_new(NULL) : NULL;
    if (status == CXM_OK)
        status = key_columns(page->report, &g, error);
    start(page);
    if (status == CXM_OK && g.n_by > 0)
        status = select_groups(page, value, common, &g, error);
    if (status == CXM_OK && (g.n_by == 0 || common->total))
        status = select_total(page, value, common, &g, error);
    groups_release(&g);
    if (status == CXM_OK)
        return cxm_priv_report_finish(page->report, out, error);
    cxm_report_free(page->report);
    return status;
}

/* ---- columns: by a tally --------------------------------------------------------------------- */

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
    struct page page = { .metric = "quantiles" };
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
        status = check(&page.o, error);
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
