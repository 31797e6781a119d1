/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Backlog: every ticket adds one to all instants from its opening to before its resolution. With
 * the instants sorted that is two searches and two counters a ticket; overlaps with the period are
 * summed in 128 bits, so nothing is rounded before the average. */
#include "analysis/numbers.h"
#include "analysis/report.h"
#include "derive/sort.h"
#include "derive/tickets.h"

#include <cxm/service.h>

#include <math.h>
#include <stdlib.h>

/* What is known of one group; its counters by instant are beside it. */
struct group {
    int64_t n, missing, invalid, excluded, came, went;
    cxm_i128 overlap;
};

struct backlog {
    const struct cxm_backlog_options *o;
    const struct cxm_allocator *allocator;
    bool has_period;
    int64_t as_of;
    int64_t *at;       /* sorted: those asked for and the ends of the period */
    size_t n_at;
    struct cxm_codes codes;
    size_t n_groups;
    struct group *groups;
    int64_t *steps;    /* by group and instant, one more each */
};

static int by_time(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The first instant that is not before t. */
static size_t first_at(const struct backlog *b, int64_t t)
{
    size_t low = 0, high = b->n_at;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (b->at[middle] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t group_of(const struct backlog *b, int64_t row)
{
    if (b->codes.codes == NULL)
        return 0;
    const uint32_t code = b->codes.codes[row];
    return code == CXM_CODE_MISSING ? b->codes.n : b->codes.ranks[code];
}

static int64_t clamp(int64_t t, int64_t low, int64_t high)
{
    return t < low ? low : t > high ? high : t;
}

static void add_ticket(struct backlog *b, size_t g, int64_t opened, bool known, int64_t resolved)
{
    struct group *group = &b->groups[g];
    int64_t *steps = &b->steps[g * (b->n_at + 1)];
    const int64_t start = b->o->period_start, end = b->o->period_end;
    group->n++;
    steps[first_at(b, opened)]++;
    if (known)
        steps[first_at(b, resolved)]--;
    if (!b->has_period)
        return;
    group->came += opened > start && opened <= end;
    group->went += known && resolved > start && resolved <= end;
    group->overlap += (cxm_i128)(known ? clamp(resolved, start, end) : end)
                    - clamp(opened, start, end);
}

static void visit(void *context, const struct cxm_ticket_block *block)
{
    struct backlog *b = context;
    for (size_t i = 0; i < block->n; i++) {
        const size_t g = group_of(b, block->first + (int64_t)i);
        const int64_t opened = block->opened[i], resolved = block->resolved[i];
        const bool known = block->resolved_state[i] == CXM_ROW_USED && resolved <= b->as_of;
        if (block->opened_state[i] == CXM_ROW_INVALID
            || block->resolved_state[i] == CXM_ROW_INVALID)
            b->groups[g].invalid++;
        else if (block->opened_state[i] != CXM_ROW_USED)
            b->groups[g].missing++;
        else if (opened > b->as_of || (known && resolved < opened))
            b->groups[g].excluded++;
        else
            add_ticket(b, g, opened, known, resolved);
    }
}

/* ---- the report ----------------------------------------------------------------------- */

static const char definition[] = "backlog/opened-not-resolved";

static void add_row(struct cxm_report *report, struct cxm_tally *keys, const struct group *g,
                    size_t group, const char *measure, double value, enum cxm_unit unit,
                    int64_t time)
{
    struct cxm_estimate e = cxm_priv_blank_estimate(0.95, unit, CXM_BASE_TICKETS);
    e.value = value;
    e.n = g->n;
    e.missing = g->missing;
    e.invalid = g->invalid;
    e.excluded = g->excluded;
    e.sum_weight = e.n_eff = (double)g->n;
    e.flags = g->n == 0 || isnan(value) ? CXM_FLAG_NO_DATA : 0;
    e.interval = CXM_INTERVAL_NONE;
    const size_t row = cxm_priv_report_add(report, "backlog", measure, definition, &e);
    if (keys != NULL)
        cxm_priv_report_key_from(report, row, keys, (int64_t)group);
    if (time != INT64_MIN)
        cxm_priv_report_int(report, row, cxm_priv_report_axis(report, "time", CXM_AXIS_TIME),
                            time);
}

static void add_group(const struct backlog *b, size_t g, struct cxm_tally *keys,
                      struct cxm_report *report)
{
    const struct group *group = &b->groups[g];
    const int64_t *steps = &b->steps[g * (b->n_at + 1)];
    int64_t open = 0;
    for (size_t i = 0; i < b->n_at; i++) {
        open += steps[i];
        add_row(report, keys, group, g, "backlog", (double)open, CXM_UNIT_COUNT, b->at[i]);
    }
    if (!b->has_period)
        return;
    const double length = (double)((cxm_i128)b->o->period_end - b->o->period_start);
    const int64_t none = INT64_MIN;
    add_row(report, keys, group, g, "backlog_average",
            length > 0 ? (double)group->overlap / length : NAN, CXM_UNIT_COUNT, none);
    add_row(report, keys, group, g, "opened", (double)group->came, CXM_UNIT_COUNT, none);
    add_row(report, keys, group, g, "resolved", (double)group->went, CXM_UNIT_COUNT, none);
}

/* The keys of the groups in order: those of a tally that has nothing else. */
static enum cxm_status tally_of_keys(const struct backlog *b, int64_t rows,
                                     struct cxm_tally **out, struct cxm_error *error)
{
    const uint8_t yes = 1;
    const struct cxm_column ones = cxm_column_make("numerator", CXM_U8, &yes, (size_t)rows, 0, 1);
    struct cxm_input inputs[1 + 8] = { { "numerator", &ones } };
    for (size_t k = 0; k < b->o->n_by; k++)
        inputs[1 + k] = (struct cxm_input){ "by", &b->o->by[k] };
    enum cxm_status status = cxm_tally_new("share", NULL, 0, NULL, out, error);
    if (status == CXM_OK)
        status = cxm_tally_add(*out, inputs, 1 + b->o->n_by, NULL, error);
    if (status != CXM_OK) {
        cxm_tally_free(*out);
        *out = NULL;
    }
    return status;
}

static enum cxm_status report_of(const struct backlog *b, int64_t rows, struct cxm_report **out,
                                 struct cxm_error *error)
{
    struct cxm_tally *keys = NULL;
    if (b->o->n_by > 0) {
        const enum cxm_status status = tally_of_keys(b, rows, &keys, error);
        if (status != CXM_OK)
            return status;
    }
    struct cxm_report *report = cxm_priv_report_new(NULL);
    if (keys != NULL)
        cxm_priv_report_keys_of(report, keys);
    cxm_priv_report_axis(report, "time", CXM_AXIS_TIME);
    const size_t groups = keys != NULL ? (size_t)cxm_tally_groups(keys) : 1;
    for (size_t g = 0; g < groups && g < b->n_groups; g++)
        add_group(b, g, keys, report);
    cxm_tally_free(keys);
    return cxm_priv_report_finish(report, out, error);
}

/* ---- the call ------------------------------------------------------------------------- */

static enum cxm_status check(const struct cxm_column *opened, const struct cxm_column *resolved,
                             const struct cxm_backlog_options *o, struct cxm_error *error)
{
    const bool has_period = o->period_start != 0 || o->period_end != 0;
    enum cxm_status status = cxm_priv_check_tickets(opened, resolved, error);
    if (status != CXM_OK)
        return status;
    if (!has_period && (o->at == NULL || o->n_at == 0))
        return cxm_priv_fail(error, CXM_EINVAL, "at", "backlog needs instants or a period");
    if (o->period_start > o->period_end)
        return cxm_priv_fail(error, CXM_EINVAL, "period", "the period ends before it starts");
    if (o->n_by > 8)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most 8 keys");
    if (o->invalid != CXM_INVALID_ERROR && o->invalid != CXM_INVALID_COUNT)
        return cxm_priv_fail(error, CXM_EINVAL, "invalid",
                             "invalid must be \"error\" or \"count\"");
    for (size_t i = 0; o->has_as_of && i < o->n_at; i++) {
        if (o->at[i] > o->as_of)
            return cxm_priv_fail(error, CXM_EINVAL, "at",
                                 "as_of is before the last instant: its backlog is not known");
    }
    if (o->has_as_of && has_period && o->period_end > o->as_of)
        return cxm_priv_fail(error, CXM_EINVAL, "period",
                             "as_of is before the end of the period");
    for (size_t k = 0; k < o->n_by; k++) {
        if (o->by[k].n != opened->n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, opened has %lld",
                                 (long long)o->by[k].n, (long long)opened->n);
    }
    return CXM_OK;
}

static enum cxm_status prepare(struct backlog *b, struct cxm_error *error)
{
    const struct cxm_backlog_options *o = b->o;
    const struct cxm_column *by[8];
    b->n_at = o->n_at + (b->has_period ? 2 : 0);
    b->at = cxm_priv_alloc(NULL, b->n_at, sizeof *b->at);
    if (b->at == NULL)
        return cxm_priv_no_memory(error);
    if (o->n_at > 0)
        memcpy(b->at, o->at, o->n_at * sizeof *b->at);
    if (b->has_period) {
        b->at[o->n_at] = o->period_start;
        b->at[o->n_at + 1] = o->period_end;
    }
    qsort(b->at, b->n_at, sizeof *b->at, by_time);
    size_t distinct = 0;
    for (size_t i = 0; i < b->n_at; i++) {
        if (distinct == 0 || b->at[distinct - 1] != b->at[i])
            b->at[distinct++] = b->at[i];
    }
    b->n_at = distinct;
    for (size_t k = 0; k < o->n_by; k++)
        by[k] = &o->by[k];
    if (o->n_by > 0) {
        const enum cxm_status status = cxm_priv_code_keys(by, o->n_by, "by", false, NULL,
                                                          &b->codes, error);
        if (status != CXM_OK)
            return status;
    }
    b->n_groups = o->n_by > 0 ? (size_t)b->codes.n + 1 : 1;
    b->groups = cxm_priv_alloc_zero(NULL, b->n_groups, sizeof *b->groups);
    b->steps = cxm_priv_alloc_zero(NULL, b->n_groups, (b->n_at + 1) * sizeof *b->steps);
    return b->groups != NULL && b->steps != NULL ? CXM_OK : cxm_priv_no_memory(error);
}

enum cxm_status cxm_backlog(const struct cxm_column *opened, const struct cxm_column *resolved,
                            const struct cxm_backlog_options *options, struct cxm_report **out,
                            struct cxm_error *error)
{
    struct cxm_backlog_options o;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o, "cxm_backlog_options",
                                                   error);
    if (status == CXM_OK) {
        o.n_by = o.by == NULL ? 0 : o.n_by == 0 ? 1 : o.n_by;
        o.n_at = o.at == NULL ? 0 : o.n_at;
        status = check(opened, resolved, &o, error);
    }
    if (status != CXM_OK)
        return status;
    struct backlog b = { .o = &o, .has_period = o.period_start != 0 || o.period_end != 0,
                         .as_of = o.has_as_of ? o.as_of : INT64_MAX };
    bool subsecond = false;
    status = prepare(&b, error);
    if (status == CXM_OK)
        status = cxm_priv_visit_tickets(opened, resolved, o.invalid == CXM_INVALID_COUNT,
                                        &subsecond, visit, &b, NULL, error);
    struct cxm_report *report = NULL;
    if (status == CXM_OK)
        status = report_of(&b, opened->n, &report, error);
    for (size_t i = 0; status == CXM_OK && subsecond && i < cxm_report_rows(report); i++)
        cxm_priv_report_estimate(report, i)->flags |= CXM_FLAG_SUBSECOND;
    if (status == CXM_OK)
        *out = report;
    cxm_priv_codes_release(&b.codes);
    cxm_priv_release(NULL, b.at);
    cxm_priv_release(NULL, b.groups);
    cxm_priv_release(NULL, b.steps);
    return status;
}
