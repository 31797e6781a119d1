/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tickets in one pass, row by row: no history is needed, so any chunks do. */
#include "derive/tickets.h"

enum { BLOCK = 1024 };

struct buffers {
    int64_t opened[BLOCK], resolved[BLOCK];
    uint8_t opened_state[BLOCK], resolved_state[BLOCK];
};

static enum cxm_status check_instants(const struct cxm_column *column, const char *name,
                                      struct cxm_error *error)
{
    if (column == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s is needed", name);
    const enum cxm_status status = cxm_priv_column_fits(column, CXM_ROLE_KEY, name, error);
    if (status != CXM_OK)
        return status;
    if (column->type == CXM_UTF8 || column->type == CXM_TEXT || column->type == CXM_UTF8_LARGE
        || column->type == CXM_UTF8_VIEW || column->type == CXM_STRINGS)
        return cxm_priv_fail(error, CXM_EINVAL, name,
                             "%s: the column is text; pass instants (seconds since 1970, or a time type)",
                             name);
    if ((column->flags & CXM_COLUMN_DURATION) != 0)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column holds durations, not instants", name);
    return CXM_OK;
}

enum cxm_status cxm_priv_check_tickets(const struct cxm_column *opened,
                                       const struct cxm_column *resolved,
                                       struct cxm_error *error)
{
    enum cxm_status status = check_instants(opened, "opened", error);
    if (status == CXM_OK)
        status = check_instants(resolved, "resolved", error);
    if (status == CXM_OK && opened->n != resolved->n)
        status = cxm_priv_fail(error, CXM_EINVAL, "resolved",
                               "resolved: %lld rows, opened has %lld", (long long)resolved->n,
                               (long long)opened->n);
    return status;
}

enum cxm_status cxm_priv_visit_tickets(const struct cxm_column *opened,
                                       const struct cxm_column *resolved, bool count_invalid,
                                       bool *subsecond, cxm_ticket_visit *visit, void *context,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_error *error)
{
    struct buffers *b = cxm_priv_alloc(allocator, 1, sizeof *b);
    const struct cxm_column columns[2] = { cxm_priv_with_missing(opened),
                                           cxm_priv_with_missing(resolved) };
    struct cxm_reader readers[2];
    if (b == NULL)
        return cxm_priv_no_memory(error);
    for (int c = 0; c < 2; c++)
        cxm_priv_reader_init(&readers[c], &columns[c]);
    enum cxm_status status = CXM_OK;
    for (int64_t first = 0; first < opened->n && status == CXM_OK; first += BLOCK) {
        const int64_t left = opened->n - first;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        cxm_priv_read_times(&readers[0], first, n, b->opened, b->opened_state, subsecond);
        cxm_priv_read_times(&readers[1], first, n, b->resolved, b->resolved_state, subsecond);
        for (size_t i = 0; i < n && !count_invalid && status == CXM_OK; i++) {
            if (b->opened_state[i] == CXM_ROW_INVALID)
                status = cxm_priv_no_instant(opened, "opened", first + (int64_t)i, error);
            else if (b->resolved_state[i] == CXM_ROW_INVALID)
                status = cxm_priv_no_instant(resolved, "resolved", first + (int64_t)i, error);
        }
        const struct cxm_ticket_block block = { first, n, b->opened, b->resolved,
                                                b->opened_state, b->resolved_state };
        if (status == CXM_OK)
            visit(context, &block);
    }
    cxm_priv_release(allocator, b);
    return status;
}

/* ---- states --------------------------------------------------------------------------- */

struct states {
    const struct cxm_ticket_rules *rules;
    uint8_t *cohort, *flow;
};

static bool is_within(const struct cxm_ticket_rules *r, int64_t time)
{
    return !r->has_period || (time >= r->start && time < r->end);
}

static uint8_t cohort_state(const struct cxm_ticket_rules *r, int64_t opened, bool known,
                            int64_t resolved)
{
    int64_t due;
    if (!is_within(r, opened))
        return CXM_TICKET_OUTSIDE;
    if (r->within <= 0)
        return known ? CXM_TICKET_RESOLVED : CXM_TICKET_NOT_RESOLVED;
    if (__builtin_add_overflow(opened, r->within, &due) || due > r->as_of)
        return CXM_TICKET_PENDING;
    return known && resolved <= due ? CXM_TICKET_RESOLVED : CXM_TICKET_NOT_RESOLVED;
}

static void judge(void *context, const struct cxm_ticket_block *b)
{
    const struct states *s = context;
    const struct cxm_ticket_rules *r = s->rules;
    for (size_t i = 0; i < b->n; i++) {
        uint8_t *const cohort = &s->cohort[b->first + (int64_t)i];
        uint8_t *const flow = &s->flow[b->first + (int64_t)i];
        const int64_t opened = b->opened[i], resolved = b->resolved[i];
        const bool known = b->resolved_state[i] == CXM_ROW_USED && resolved <= r->as_of;
        if (b->opened_state[i] == CXM_ROW_INVALID || b->resolved_state[i] == CXM_ROW_INVALID) {
            *cohort = *flow = CXM_TICKET_INVALID;
        } else if (b->opened_state[i] != CXM_ROW_USED) {
            *cohort = *flow = CXM_TICKET_MISSING;
        } else if (opened > r->as_of) {
            *cohort = *flow = CXM_TICKET_UNSEEN;
        } else if (known && resolved < opened) {
            *cohort = *flow = CXM_TICKET_BAD;
        } else {
            *cohort = cohort_state(r, opened, known, resolved);
            *flow = (uint8_t)(is_within(r, opened) * CXM_TICKET_CAME
                              + (known && is_within(r, resolved)) * CXM_TICKET_WENT);
        }
    }
}

enum cxm_status cxm_priv_ticket_states(const struct cxm_column *opened,
                                       const struct cxm_column *resolved,
                                       const struct cxm_ticket_rules *rules, bool count_invalid,
                                       uint8_t *cohort, uint8_t *flow, bool *subsecond,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_error *error)
{
    struct states states = { rules, cohort, flow };
    return cxm_priv_visit_tickets(opened, resolved, count_invalid, subsecond, judge, &states,
                                  allocator, error);
}
