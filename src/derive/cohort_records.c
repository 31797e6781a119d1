/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The common matrix where customers lie far apart: rows are dealt out to partitions by customer
 * (sort.c), and not sorted there: a small table has the bits of the customers of a partition. A
 * row outside of the guessed calendar ends it all. Memory: 16 bytes a row, as the sort. Typical:
 * 50 million events of 2 million customers. */
#include "derive/cohort_records.h"
#include "derive/cohort_slots.h"

struct worker {
    struct cxm_cohort_slots table;
    struct cxm_bit_counts counts;
    int64_t used;
};

struct context {
    const struct cxm_cohort_plan *plan;
    const struct cxm_cohort_calendar *calendar;
    struct worker *workers;
    bool outside;                     /* set by any worker */
    int64_t missing, invalid, unseen; /* added to by several threads */
};

static enum cxm_status add_rows(struct context *c, unsigned worker,
                                const struct cxm_cohort_rows *rows, struct cxm_error *error)
{
    struct worker *const w = &c->workers[worker];
    if (__atomic_load_n(&c->outside, __ATOMIC_RELAXED))
        return CXM_OK;
    if (!cxm_priv_cohort_slots_reserve(&w->table, rows->n))
        return cxm_priv_no_memory(error);
    if (!cxm_priv_cohort_slots_add(&w->table, c->calendar, rows))
        __atomic_store_n(&c->outside, true, __ATOMIC_RELAXED);
    w->used += (int64_t)rows->n;
    return CXM_OK;
}

static void end_partition(struct context *c, unsigned worker)
{
    struct worker *const w = &c->workers[worker];
    cxm_priv_cohort_slots_count(&w->table, &w->counts, c->calendar->n_periods <= 32 ? 4 : 8,
                                c->plan->or_after);
}

static enum cxm_status visit_records(void *context, unsigned worker,
                                     const struct cxm_records *records, struct cxm_error *error)
{
    if (records->n == 0) {
        end_partition(context, worker);
        return CXM_OK;
    }
    const struct cxm_cohort_rows rows = {
        .words = records->words, .n = records->n, .stride = records->stride,
        .id_shift = records->customer_shift, .mask = UINT64_MAX >> (64 - records->time_bits),
        .time_base = records->time_base,
    };
    return add_rows(context, worker, &rows, error);
}

/* Partitions with rows that could not be packed. */
static enum cxm_status visit(void *context, unsigned worker, struct cxm_event *events, size_t n,
                             struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        const uint64_t words[2] = { events[i].customer, (uint64_t)events[i].time };
        const struct cxm_cohort_rows row = { .words = words, .n = 1, .stride = 2,
                                             .mask = UINT64_MAX };
        status = add_rows(context, worker, &row, error);
    }
    end_partition(context, worker);
    return status;
}

static void filter(void *context, const struct cxm_event_block *b, bool *keep)
{
    struct context *const c = context;
    int64_t missing = 0, invalid = 0, unseen = 0;
    for (size_t i = 0; i < b->n; i++) {
        const bool there = b->customer_state[i] == CXM_ROW_USED && b->time_state[i] == CXM_ROW_USED;
        const bool bad = b->customer_state[i] == CXM_ROW_INVALID
                      || b->time_state[i] == CXM_ROW_INVALID;
        const bool late = there && b->time[i] > c->plan->as_of;
        keep[i] = there && !late;
        missing += !there && !bad;
        invalid += bad;
        unseen += late;
    }
    __atomic_fetch_add(&c->missing, missing, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->invalid, invalid, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->unseen, unseen, __ATOMIC_RELAXED);
}

static enum cxm_status count(struct context *c, int n_workers, struct cxm_cohort_table *out,
                             struct cxm_error *error)
{
    const struct cxm_cohort_plan *const plan = c->plan;
    const struct cxm_event_columns columns = { .customer = plan->customer, .time = plan->time };
    const struct cxm_event_plan sort = {
        .filter = filter, .visit = visit, .visit_records = visit_records, .context = c,
        .has_latest = true, .latest = plan->as_of, .keeps_complete = true,
        .threads = n_workers, .count_invalid = plan->count_invalid,
        .subsecond = &out->subsecond, .allocator = plan->allocator,
    };
    const enum cxm_status status = cxm_priv_sort_events(&columns, &sort, error);
    if (status != CXM_OK || c->outside)
        return status;
    for (int i = 0; i < n_workers; i++) {
        cxm_priv_bit_counts_close(&c->workers[i].counts);
        out->used += c->workers[i].used;
        if (i > 0)
            cxm_priv_bit_counts_merge(&c->workers[0].counts, &c->workers[i].counts);
    }
    out->missing = c->missing;
    out->invalid = c->invalid;
    out->unseen = c->unseen;
    return cxm_priv_bit_counts_write(&c->workers[0].counts, plan, c->calendar, out, error);
}

enum cxm_status cxm_priv_cohort_records(const struct cxm_cohort_plan *plan,
                                        const struct cxm_cohort_calendar *calendar,
                                        struct cxm_cohort_table *out, bool *outside,
                                        struct cxm_error *error)
{
    struct context c = { .plan = plan, .calendar = calendar };
    const int n = plan->threads < 1 ? 1 : plan->threads < CXM_MOST_WORKERS ? plan->threads
                                                                         : CXM_MOST_WORKERS;
    c.workers = cxm_priv_alloc_zero(plan->allocator, (size_t)n, sizeof *c.workers);
    bool room = c.workers != NULL;
    for (int i = 0; room && i < n; i++) {
        cxm_priv_bit_counts_init(&c.workers[i].counts);
        room = cxm_priv_cohort_slots_init(&c.workers[i].table, plan->allocator);
    }
    const enum cxm_status status = room ? count(&c, n, out, error) : cxm_priv_no_memory(error);
    for (int i = 0; c.workers != NULL && i < n; i++)
        cxm_priv_cohort_slots_release(&c.workers[i].table);
    cxm_priv_release(plan->allocator, c.workers);
    *outside = c.outside;
    return status;
}
