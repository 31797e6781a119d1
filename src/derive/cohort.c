/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Events to cohorts, in general: the events of each customer in the order of time, from
 * sort.h. The start of a customer is the first event, or the earliest start that the caller
 * gave; a column is floor((t - start) / length), or the difference of calendar periods. Since
 * columns rise with time, distinct ones are counted by looking at the last. Memory: that of the
 * sort (8 to 24 bytes a row), 24 bytes a cohort and column for each thread; 8 bytes a row more with
 * start flags. Typical: 10^5 to 10^8 events, 10 to 400 cohorts. */
#include "derive/cohort.h"

enum { BLOCK = 1024 };

/* Among instants of start flags, none of which is after as_of: the flag is neither yes nor no. */
#define NO_FLAG INT64_MAX

/* ---- one customer --------------------------------------------------------------------- */

struct context {
    const struct cxm_cohort_plan *plan;
    struct cxm_cohort_table *tables; /* by worker */
    struct cxm_cohort_words *words;  /* by worker */
    uint8_t *no_time;                /* by row, with start times: no event, only a start */
    bool own_start;                  /* starts are given */
    bool start_is_event;             /* rows with a start are no returns */
    int64_t missing, invalid, unseen; /* added to by several threads */
};

/* To the hour of the local clock, which may begin at half an hour of UTC. */
static int64_t floored(const struct cxm_cohort_plan *plan, int64_t t)
{
    if (!plan->hour_floor)
        return t;
    const struct cxm_periods *const clock = &plan->rows;
    const int64_t offset = cxm_priv_offset_at(t, clock->utc_offset, clock->zone, clock->n_zone);
    const cxm_i128 local = (cxm_i128)t + offset;
    const int64_t into = (int64_t)(local % 3600) + (local % 3600 < 0 ? 3600 : 0);
    return t < INT64_MIN + into ? t : t - into;
}

static bool start_of(const struct context *c, const struct cxm_event *events, size_t n,
                     int64_t *start)
{
    *start = INT64_MAX;
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        const int64_t t = c->own_start ? events[i].extra : events[i].time;
        if (c->own_start && (t == CXM_NO_INSTANT || t > c->plan->as_of))
            continue;
        found = true;
        *start = t < *start ? t : *start;
    }
    *start = floored(c->plan, *start);
    return found;
}

/* How many columns are over for a customer who started at `start`, where each counts alone. */
static int64_t over_for(const struct cxm_cohort_plan *plan, const struct cxm_cohort_row *row,
                        int64_t start)
{
    if (!plan->by_customer)
        return row->over;
    return cxm_priv_cohort_over(plan, cxm_priv_cohort_units(plan, start, plan->as_of),
                                row->n_columns);
}

static bool add_customer(const struct context *c, struct cxm_cohort_table *t,
                         const struct cxm_event *events, size_t n, bool *too_many)
{
    const struct cxm_cohort_plan *plan = c->plan;
    int64_t start;
    if (!start_of(c, events, n, &start)) {
        t->customers_unlinked++;
        t->unlinked += (int64_t)n;
        return true;
    }
    const uint32_t group = plan->groups != NULL ? events[0].code : 0;
    struct cxm_cohort_row *row = cxm_priv_cohort_row(
        t, plan, group, cxm_priv_period_index(&plan->rows, start), too_many);
    if (row == NULL)
        return false;
    const int64_t over = over_for(plan, row, start);
    const int64_t first = plan->rolling ? 0 : cxm_priv_period_index(&plan->columns, start);
    int64_t last = -1;
    t->customers++;
    row->size++;
    if (over > 0)
        t->observed[row->at + (size_t)over - 1]++;
    for (size_t i = 0; i < n; i++) {
        const int64_t time = floored(plan, events[i].time);
        const bool no_event = c->no_time != NULL && c->no_time[events[i].row];
        const bool early = !no_event && time < start;
        t->early += early;
        t->used += !early;
        if (no_event || early || (c->start_is_event && events[i].extra != CXM_NO_INSTANT))
            continue;
        const int64_t units = plan->rolling
                                ? cxm_priv_cohort_units(plan, start, time)
                                : cxm_priv_period_index(&plan->columns, time) - first;
        const int64_t k = cxm_priv_cohort_column(plan, units, row->n_columns);
        if (k > last && !plan->or_after)
            cxm_priv_cohort_count(t, row, k, over);
        last = k > last ? k : last;
    }
    if (plan->or_after)
        cxm_priv_cohort_count_up_to(t, row, last, over);
    return true;
}

static enum cxm_status too_large(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EINVAL, "n_periods",
                         "more than %d cells of cohorts and periods; n_periods= cuts them, or a "
                         "longer unit", CXM_MOST_COHORT_CELLS);
}

static enum cxm_status visit(void *context, unsigned worker, struct cxm_event *events, size_t n,
                             struct cxm_error *error)
{
    const struct context *c = context;
    struct cxm_cohort_table *t = &c->tables[worker];
    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && events[to].customer == events[from].customer
               && events[to].code == events[from].code)
            to++;
        bool too_many = false;
        if (!add_customer(c, t, events + from, to - from, &too_many))
            return too_many ? too_large(error) : cxm_priv_no_memory(error);
    }
    return CXM_OK;
}

static enum cxm_status visit_words(void *context, unsigned worker,
                                   const struct cxm_packed *packed, struct cxm_error *error)
{
    const struct context *c = context;
    bool too_many = false;
    if (cxm_priv_cohort_words(c->plan, &c->words[worker], packed, &c->tables[worker], &too_many))
        return CXM_OK;
    return too_many ? too_large(error) : cxm_priv_no_memory(error);
}

/* ---- which rows enter ------------------------------------------------------------------ */

static void filter(void *context, const struct cxm_event_block *b, bool *keep)
{
    struct context *c = context;
    const int64_t as_of = c->plan->as_of;
    int64_t missing = 0, invalid = 0, unseen = 0;
    for (size_t i = 0; i < b->n; i++) {
        const bool start = b->extra != NULL && b->extra_state[i] == CXM_ROW_USED
                        && b->extra[i] <= as_of;
        const bool event = b->time_state[i] == CXM_ROW_USED && b->time[i] <= as_of;
        const bool customer = b->customer_state[i] == CXM_ROW_USED;
        const bool wrong = b->customer_state[i] == CXM_ROW_INVALID
                        || b->time_state[i] == CXM_ROW_INVALID
                        || b->extra_state[i] == CXM_ROW_INVALID
                        || (c->start_is_event && b->extra[i] == NO_FLAG);
        keep[i] = !wrong && customer && (event || (start && c->no_time != NULL));
        if (c->no_time != NULL)
            c->no_time[b->first + (int64_t)i] = !event;
        if (keep[i])
            continue;
        if (wrong)
            invalid++;
        else if (!customer || b->time_state[i] != CXM_ROW_USED)
            missing++;
        else
            unseen++;
    }
    __atomic_fetch_add(&c->missing, missing, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->invalid, invalid, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->unseen, unseen, __ATOMIC_RELAXED);
}

/* Start events as instants: the time of the rows that are flagged. */
static enum cxm_status flagged_times(const struct cxm_cohort_plan *plan, int64_t *out,
                                     struct cxm_error *error)
{
    struct cxm_reader times, flags;
    int64_t values[BLOCK];
    uint8_t states[BLOCK];
    uint16_t codes[BLOCK];
    cxm_priv_reader_init(&times, plan->time);
    cxm_priv_reader_init(&flags, plan->start_flag);
    for (int64_t first = 0; first < plan->time->n; first += BLOCK) {
        const int64_t left = plan->time->n - first;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        cxm_priv_read_times(&times, first, n, values, states, NULL);
        cxm_priv_read_codes(&flags, first, n, 0, 2, codes);
        for (size_t i = 0; i < n; i++) {
            const int64_t row = first + (int64_t)i;
            const bool yes = codes[i] == 1 && states[i] == CXM_ROW_USED
                          && values[i] <= plan->as_of;
            out[row] = codes[i] == 3 ? NO_FLAG : yes ? values[i] : CXM_NO_INSTANT;
            if (codes[i] == 3 && !plan->count_invalid)
                return cxm_priv_invalid_flag(plan->start_flag, "start", row, error);
        }
    }
    return CXM_OK;
}

/* ---- all ------------------------------------------------------------------------------ */

static enum cxm_status sort_all(struct context *c, const struct cxm_event_columns *columns,
                                struct cxm_cohort_table *out, struct cxm_error *error)
{
    const struct cxm_cohort_plan *plan = c->plan;
    const struct cxm_event_plan sort = {
        .filter = filter, .visit = visit,
        .visit_packed = !c->own_start && !plan->hour_floor ? visit_words : NULL,
        .context = c, .has_latest = plan->start_time == NULL, .latest = plan->as_of,
        .keeps_complete = plan->start_time == NULL, .codes_given = true,
        .threads = plan->threads,
        .count_invalid = plan->count_invalid, .subsecond = &out->subsecond,
        .allocator = plan->allocator,
    };
    enum cxm_status status = cxm_priv_sort_events(columns, &sort, error);
    const int workers = plan->threads > 1 ? plan->threads : 1;
    for (int w = 0; w < workers && status == CXM_OK; w++) {
        bool too_many = false;
        if (!cxm_priv_cohort_merge(out, &c->tables[w], plan, &too_many))
            status = too_many ? too_large(error) : cxm_priv_no_memory(error);
    }
    out->missing = c->missing;
    out->invalid = c->invalid;
    out->unseen = c->unseen;
    if (status == CXM_OK)
        cxm_priv_cohort_finish(out, plan);
    return status;
}

static enum cxm_status general(const struct cxm_cohort_plan *plan, struct cxm_cohort_table *out,
                               struct cxm_error *error)
{
    const struct cxm_allocator *allocator = plan->allocator;
    const size_t n = (size_t)plan->time->n;
    const int workers = plan->threads > 1 ? plan->threads : 1;
    struct context c = { .plan = plan, .own_start = plan->start_time || plan->start_flag,
                         .start_is_event = plan->start_flag != NULL };
    int64_t *starts = NULL;
    struct cxm_column start = { 0 }, group = { 0 };
    enum cxm_status status = CXM_OK;
    c.tables = cxm_priv_alloc(allocator, (size_t)workers, sizeof *c.tables);
    c.words = cxm_priv_alloc_zero(allocator, (size_t)workers, sizeof *c.words);
    if (plan->start_flag != NULL)
        starts = cxm_priv_alloc(allocator, n, sizeof *starts);
    if (plan->start_time != NULL)
        c.no_time = cxm_priv_alloc(allocator, n, 1);
    if (c.tables == NULL || c.words == NULL || (plan->start_flag != NULL && starts == NULL)
        || (plan->start_time != NULL && c.no_time == NULL))
        status = cxm_priv_no_memory(error);
    for (int w = 0; w < workers && c.tables != NULL; w++)
        cxm_priv_cohort_table_init(&c.tables[w], allocator);
    if (status == CXM_OK && starts != NULL) {
        status = flagged_times(plan, starts, error);
        start = CXM_TIME(CXM_ARRAY_AS(CXM_I64, starts, n), CXM_S, CXM_NO_INSTANT);
    }
    group = CXM_ARRAY_AS(CXM_U32, plan->groups, n);
    const struct cxm_event_columns columns = {
        .customer = plan->customer, .time = plan->time,
        .extra = starts != NULL ? &start : plan->start_time,
        .code = plan->groups != NULL ? &group : NULL,
    };
    if (status == CXM_OK)
        status = sort_all(&c, &columns, out, error);
    for (int w = 0; w < workers && c.tables != NULL; w++)
        cxm_priv_cohort_table_release(&c.tables[w]);
    for (int w = 0; w < workers && c.words != NULL; w++)
        cxm_priv_cohort_words_release(&c.words[w]);
    cxm_priv_release(allocator, c.tables);
    cxm_priv_release(allocator, c.words);
    cxm_priv_release(allocator, starts);
    cxm_priv_release(allocator, c.no_time);
    return status;
}

enum cxm_status cxm_priv_cohorts(const struct cxm_cohort_plan *plan,
                                 struct cxm_cohort_table *out, struct cxm_error *error)
{
    cxm_priv_cohort_table_init(out, plan->allocator);
    bool done = false;
    const enum cxm_status status = cxm_priv_cohorts_dense(plan, out, &done, error);
    return done || status != CXM_OK ? status : general(plan, out, error);
}
