/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log-rank test from a survival tally: its keys are the groups, the last of them strata. The
 * time tables of the groups of a stratum are walked side by side. */
#include "analysis/curves.h"
#include "analysis/numbers.h"
#include "analysis/report.h"
#include "metric/metric.h"

#include <cxm/compare.h>
#include <cxm/survival.h>

#include <math.h>

/* One group of the tally: the number of its group and that of its stratum, in order. */
struct member {
    uint32_t group, stratum;
    const uint32_t *entries;
    size_t n_entries;
    struct cxm_risk_walk walk;
};

struct test {
    const struct cxm_config *config;
    const struct cxm_table *values;
    struct cxm_logrank_options o;
    struct cxm_curve_groups curves;
    struct member *members;
    size_t n;
    struct member **picked;         /* of one stratum */
    size_t n_picked;
    struct cxm_dict groups, strata; /* keys: distinct ones in the order of the tally's groups */
    int64_t *first;                 /* by group: a group of the tally with its key */
    int64_t *customers;             /* by group */
    int64_t *at_risk, *events;      /* by group, at one time */
    struct cxm_logrank sums;
    bool pair;                      /* only these two groups */
    uint32_t of_pair[2];
};

enum { MOST_PAIRED_GROUPS = 200 };

static void test_release(struct test *t, const struct cxm_allocator *allocator)
{
    if (t->curves.tally != NULL)
        cxm_priv_curve_groups_release(&t->curves);
    cxm_priv_release(allocator, t->members);
    cxm_priv_release(allocator, (void *)t->picked);
    cxm_priv_release(allocator, t->first);
    cxm_priv_dict_release(&t->groups);
    cxm_priv_dict_release(&t->strata);
    cxm_priv_logrank_release(&t->sums, allocator);
}

/* Bytes of the keys that make groups; those after them are strata. */
static size_t bytes_of_groups(const struct cxm_tally *tally, size_t n_strata, const uint8_t *key,
                              size_t n)
{
    size_t at = 0;
    struct cxm_key unused;
    for (size_t k = 0; k + n_strata < tally->schema.n_keys; k++)
        at += cxm_priv_parse_key(tally->schema.keys[k].type, key + at, n - at, &unused, NULL);
    return at;
}

static enum cxm_status find_members(struct test *t, struct cxm_tally *tally,
                                    struct cxm_error *error)
{
    const struct cxm_dict *dict = &tally->state.groups.dict;
    enum cxm_status status = cxm_priv_curve_groups_init(&t->curves, tally, error);
    t->n = dict->n;
    t->members = cxm_priv_alloc_zero(&tally->allocator, dict->n, sizeof *t->members);
    t->first = cxm_priv_alloc_zero(&tally->allocator, dict->n, 4 * sizeof *t->first);
    t->picked = cxm_priv_alloc(&tally->allocator, dict->n, sizeof *t->picked);
    if (status == CXM_OK && (t->members == NULL || t->first == NULL || t->picked == NULL))
        status = cxm_priv_no_memory(error);
    if (status != CXM_OK)
        return status;
    t->customers = t->first + dict->n;
    t->at_risk = t->customers + dict->n;
    t->events = t->at_risk + dict->n;
    for (size_t g = 0; g < t->n; g++) {
        struct member *m = &t->members[g];
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, tally->order[g], &n);
        const size_t cut = bytes_of_groups(tally, t->o.n_strata, key, n);
        m->group = cxm_priv_dict_add(&t->groups, key, cut);
        m->stratum = cxm_priv_dict_add(&t->strata, key + cut, n - cut);
        if (m->group == UINT32_MAX || m->stratum == UINT32_MAX)
            return cxm_priv_no_memory(error);
        m->entries = cxm_priv_curve_entries(&t->curves, (int64_t)g, &m->n_entries);
        if (m->group + 1 == t->groups.n && t->customers[m->group] == 0)
            t->first[m->group] = (int64_t)g;
        const int64_t *cell = cxm_priv_table_cell(&tally->state.groups, tally->order[g]);
        for (uint32_t c = 0; c < tally->config.units[0].bins; c++)
            t->customers[m->group] += cell[c];
    }
    return CXM_OK;
}

static double next_time(const struct test *t)
{
    double next = INFINITY;
    for (size_t i = 0; i < t->n_picked; i++) {
        const double time = cxm_priv_survival_peek(&t->picked[i]->walk);
        next = time < next ? time : next;
    }
    return next;
}

static void pick(struct test *t, uint32_t stratum)
{
    t->n_picked = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct member *m = &t->members[i];
        if (m->stratum != stratum
            || (t->pair && m->group != t->of_pair[0] && m->group != t->of_pair[1]))
            continue;
        m->walk = cxm_priv_survival_walk(t->config, t->values, m->entries, m->n_entries);
        t->picked[t->n_picked++] = m;
    }
}

static void add_stratum(struct test *t, uint32_t stratum)
{
    struct cxm_survival at = CXM_SURVIVAL_START;
    memset(t->at_risk, 0, t->groups.n * sizeof *t->at_risk);
    memset(t->events, 0, t->groups.n * sizeof *t->events);
    pick(t, stratum);
    for (double time = next_time(t); time < INFINITY; time = next_time(t)) {
        struct cxm_risk all = { .time = time };
        for (size_t i = 0; i < t->n_picked; i++) {
            struct cxm_risk_walk *walk = &t->picked[i]->walk;
            const uint32_t group = t->picked[i]->group;
            t->at_risk[group] = walk->at_risk;
            all.at_risk += walk->at_risk;
            const bool now = cxm_priv_survival_peek(walk) == time;
            t->events[group] = now ? cxm_priv_survival_pass(walk) : 0;
            all.events += t->events[group];
        }
        cxm_priv_logrank_time(&t->sums, t->at_risk, t->events, at.survival, t->o.rho, t->o.gamma);
        cxm_priv_survival_step(&at, &all);
    }
}

/* ---- the report ----------------------------------------------------------------------- */

static void define(const struct test *t, char out[96])
{
    char text[CXM_DOUBLE_TEXT];
    size_t used = 0;
    cxm_priv_append(out, 96, &used, "logrank");
    if (t->o.rho != 0 || t->o.gamma != 0)
        cxm_priv_append(out, 96, &used, "/rho=%s", cxm_priv_double_text(t->o.rho, text));
    if (t->o.gamma != 0)
        cxm_priv_append(out, 96, &used, "/gamma=%s", cxm_priv_double_text(t->o.gamma, text));
    if (t->o.n_strata > 0)
        cxm_priv_append(out, 96, &used, "/strata=%zu", t->o.n_strata);
    if (cxm_priv_survival_has_entry(t->curves.tally))
        cxm_priv_append(out, 96, &used, "/delayed-entry");
}

static struct cxm_estimate base_of(const struct cxm_tally *tally)
{
    struct cxm_estimate e = cxm_priv_blank_estimate(NAN, CXM_UNIT_RATIO, CXM_BASE_CUSTOMERS);
    const uint32_t used = tally->config.units[0].bins;
    for (uint32_t g = 0; g < tally->state.groups.dict.n; g++) {
        const int64_t *cell = cxm_priv_table_cell(&tally->state.groups, g);
        for (uint32_t c = 0; c < used; c++)
            e.n += cell[c];
        e.missing += cell[used];
        e.invalid += cell[used + 1];
        e.excluded += cell[used + 2] + cell[used + 3];
    }
    e.excluded += tally->state.left_out;
    e.sum_weight = e.n_eff = (double)e.n;
    return e;
}

static void add_sums(const struct test *t, struct cxm_report *report, const char *measure,
                     const char *definition, const double *values)
{
    struct cxm_tally *tally = t->curves.tally;
    const int at_risk = cxm_priv_report_axis(report, "at_risk", CXM_AXIS_INT);
    for (uint32_t g = 0; g < t->groups.n; g++) {
        struct cxm_estimate e = cxm_priv_blank_estimate(NAN, CXM_UNIT_COUNT, CXM_BASE_CUSTOMERS);
        e.value = values[g];
        e.n = t->customers[g];
        e.sum_weight = e.n_eff = (double)e.n;
        const size_t row = cxm_priv_report_add(report, "survival", measure, definition, &e);
        for (size_t k = 0; k < tally->schema.n_keys - t->o.n_strata; k++) {
            struct cxm_key key;
            if (cxm_tally_key(tally, t->first[g], k, &key) == CXM_OK)
                cxm_priv_report_key(report, row, (int)k, &key);
        }
        cxm_priv_report_int(report, row, at_risk, t->customers[g]);
    }
}

static uint32_t flags_of(const struct cxm_logrank_result *result)
{
    return isnan(result->df) ? CXM_FLAG_NO_DATA : result->singular ? CXM_FLAG_DEGENERATE : 0;
}

/* ---- each with each ------------------------------------------------------------------- */

struct pairs {
    size_t n;
    double *p, *adjusted;
    struct cxm_logrank_result *results;
};

/* The test of two groups as if there were no others. */
static enum cxm_status test_pair(struct test *t, uint32_t a, uint32_t b,
                                 struct cxm_logrank_result *out, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &t->curves.tally->allocator;
    const struct cxm_logrank whole = t->sums;
    if (!cxm_priv_logrank_init(&t->sums, t->groups.n, allocator)) {
        t->sums = whole;
        return cxm_priv_no_memory(error);
    }
    t->pair = true;
    t->of_pair[0] = a;
    t->of_pair[1] = b;
    for (uint32_t s = 0; s < t->strata.n; s++)
        add_stratum(t, s);
    const enum cxm_status status = cxm_priv_logrank_finish(&t->sums, allocator, out);
    cxm_priv_logrank_release(&t->sums, allocator);
    t->sums = whole;
    t->pair = false;
    return status == CXM_OK ? CXM_OK : cxm_priv_no_memory(error);
}

static enum cxm_status test_pairs(struct test *t, struct pairs *pairs, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &t->curves.tally->allocator;
    const size_t k = t->groups.n;
    if (k > MOST_PAIRED_GROUPS)
        return cxm_priv_fail(error, CXM_EINVAL, "pairwise", "%zu groups, at most %d in pairs", k,
                             MOST_PAIRED_GROUPS);
    const size_t n = k * (k - (k > 0)) / 2;
    pairs->p = cxm_priv_alloc(allocator, n, 2 * sizeof *pairs->p);
    pairs->results = cxm_priv_alloc(allocator, n, sizeof *pairs->results);
    if (pairs->p == NULL || pairs->results == NULL)
        return cxm_priv_no_memory(error);
    pairs->adjusted = pairs->p + n;
    for (uint32_t a = 0; a < k; a++) {
        for (uint32_t b = a + 1; b < k; b++) {
            const enum cxm_status status = test_pair(t, a, b, &pairs->results[pairs->n], error);
            if (status != CXM_OK)
                return status;
            pairs->p[pairs->n] = pairs->results[pairs->n].p_value;
            pairs->n++;
        }
    }
    return n == 0 ? CXM_OK : cxm_adjust(pairs->p, n, (enum cxm_adjust_method)t->o.adjust,
                                        pairs->adjusted, error);
}

static void group_text(const struct test *t, uint32_t group, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < t->curves.tally->schema.n_keys - t->o.n_strata; k++) {
        struct cxm_key key;
        if (cxm_tally_key(t->curves.tally, t->first[group], k, &key) != CXM_OK)
            continue;
        cxm_priv_append(out, capacity, &used, k > 0 ? ", " : "");
        cxm_priv_append_key(&key, out, capacity, &used);
    }
}

static void add_pairs(const struct test *t, const struct pairs *pairs, struct cxm_report *report,
                      const char *definition, const int axes[3])
{
    struct cxm_tally *tally = t->curves.tally;
    const int p_adjusted = cxm_priv_report_axis(report, "p_adjusted", CXM_AXIS_REAL);
    const int against = cxm_priv_report_axis(report, "against", CXM_AXIS_TEXT);
    size_t at = 0;
    for (uint32_t a = 0; a < t->groups.n; a++) {
        for (uint32_t b = a + 1; b < t->groups.n; b++, at++) {
            const struct cxm_logrank_result *result = &pairs->results[at];
            char text[256];
            struct cxm_estimate e = cxm_priv_blank_estimate(NAN, CXM_UNIT_RATIO,
                                                            CXM_BASE_CUSTOMERS);
            e.n = t->customers[a] + t->customers[b];
            e.sum_weight = e.n_eff = (double)e.n;
            e.value = result->statistic;
            e.flags |= flags_of(result);
            const size_t row = cxm_priv_report_add(report, "survival", "pairwise", definition, &e);
            for (size_t k = 0; k < tally->schema.n_keys - t->o.n_strata; k++) {
                struct cxm_key key;
                if (cxm_tally_key(tally, t->first[a], k, &key) == CXM_OK)
                    cxm_priv_report_key(report, row, (int)k, &key);
            }
            group_text(t, b, text, sizeof text);
            cxm_priv_report_text(report, row, against, text);
            cxm_priv_report_real(report, row, axes[0], result->statistic);
            cxm_priv_report_real(report, row, axes[1], result->df);
            cxm_priv_report_real(report, row, axes[2], result->p_value);
            cxm_priv_report_real(report, row, p_adjusted, pairs->adjusted[at]);
        }
    }
}

static enum cxm_status write_report(struct test *t, const struct cxm_logrank_result *result,
                                    const struct pairs *pairs, struct cxm_report **out,
                                    struct cxm_error *error)
{
    const struct cxm_tally *tally = t->curves.tally;
    struct cxm_report *report = cxm_priv_report_new(&tally->allocator);
    char definition[96];
    define(t, definition);
    for (size_t k = 0; k < tally->schema.n_keys - t->o.n_strata; k++)
        cxm_priv_report_key_column(report, tally->schema.keys[k].name,
                                   (enum cxm_key_type)tally->schema.keys[k].type,
                                   tally->schema.keys[k].calendar);
    const int statistic = cxm_priv_report_axis(report, "statistic", CXM_AXIS_REAL);
    const int df = cxm_priv_report_axis(report, "df", CXM_AXIS_REAL);
    const int p_value = cxm_priv_report_axis(report, "p_value", CXM_AXIS_REAL);
    struct cxm_estimate e = base_of(tally);
    e.value = result->statistic;
    e.flags |= flags_of(result);
    const size_t row = cxm_priv_report_add(report, "survival", "logrank", definition, &e);
    cxm_priv_report_real(report, row, statistic, result->statistic);
    cxm_priv_report_real(report, row, df, result->df);
    cxm_priv_report_real(report, row, p_value, result->p_value);
    add_sums(t, report, "observed", definition, t->sums.observed);
    add_sums(t, report, "expected", definition, t->sums.expected);
    if (t->o.pairwise) {
        const int axes[] = { statistic, df, p_value };
        char each[128];
        size_t used = 0;
        cxm_priv_append(each, sizeof each, &used, "%s/pairwise/adjust=%s", definition,
                        cxm_adjust_name((enum cxm_adjust_method)t->o.adjust));
        add_pairs(t, pairs, report, each, axes);
    }
    return cxm_priv_report_finish(report, out, error);
}

static enum cxm_status run(struct test *t, struct cxm_tally *tally, struct cxm_report **out,
                           struct cxm_error *error)
{
    struct cxm_logrank_result result;
    enum cxm_status status = find_members(t, tally, error);
    if (status != CXM_OK)
        return status;
    if (t->groups.n > CXM_MOST_LOGRANK_GROUPS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "%u groups, at most %d", t->groups.n,
                             CXM_MOST_LOGRANK_GROUPS);
    if (!cxm_priv_logrank_init(&t->sums, t->groups.n, &tally->allocator))
        return cxm_priv_no_memory(error);
    for (uint32_t s = 0; s < t->strata.n; s++)
        add_stratum(t, s);
    status = cxm_priv_logrank_finish(&t->sums, &tally->allocator, &result);
    if (status != CXM_OK)
        return cxm_priv_no_memory(error);
    struct pairs pairs = { 0 };
    if (t->o.pairwise)
        status = test_pairs(t, &pairs, error);
    if (status == CXM_OK)
        status = write_report(t, &result, &pairs, out, error);
    cxm_priv_release(&tally->allocator, pairs.p);
    cxm_priv_release(&tally->allocator, pairs.results);
    return status;
}

enum cxm_status cxm_tally_logrank(struct cxm_tally *tally,
                                  const struct cxm_logrank_options *options,
                                  struct cxm_report **out, struct cxm_error *error)
{
    struct test t = { 0 };
    enum cxm_status status = cxm_priv_survival_check(tally, error);
    if (status == CXM_OK && out == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    if (status == CXM_OK)
        status = cxm_priv_read_options(options, &t.o, sizeof t.o, "cxm_logrank_options", error);
    if (status != CXM_OK)
        return status;
    if (!(t.o.rho >= 0 && t.o.rho <= 100) || !(t.o.gamma >= 0 && t.o.gamma <= 100))
        return cxm_priv_fail(error, CXM_EINVAL, "rho", "rho and gamma must be 0 to 100");
    if (t.o.adjust < CXM_ADJUST_HOLM || t.o.adjust > CXM_ADJUST_NONE)
        return cxm_priv_fail(error, CXM_EINVAL, "adjust", "adjust is none of enum cxm_adjust_method");
    if (t.o.n_strata >= tally->schema.n_keys && tally->state.rows > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "by",
                             "a log-rank test needs groups: keys besides those of the strata");
    if (tally->state.rows == 0)
        t.o.n_strata = 0;
    t.config = &tally->config;
    t.values = &tally->state.values;
    cxm_priv_dict_init(&t.groups, &tally->allocator);
    cxm_priv_dict_init(&t.strata, &tally->allocator);
    status = run(&t, tally, out, error);
    test_release(&t, &tally->allocator);
    return status;
}
