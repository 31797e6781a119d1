/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Histories of customers: one scan over the records sorted by customer and time. Typically 10^5
 * to 10^7 records of a tenth as many customers. Amounts of one customer are sorted before they are
 * summed, so that the sum is the same for any order of the records. */
#include "derive/history.h"

#include "derive/hours.h"

#include <math.h>

enum { DAY = 86400, BLOCK = 1024 };

struct scan {
    const struct cxm_history_options *options;
    struct cxm_histories *out;
    const double *amounts; /* by row; NULL: none */
    double *purse;         /* amounts of one customer */
    size_t purse_capacity;
    uint8_t *states;
};

/* The first second of the local day; of the first and last days of all, what there is of them. */
static int64_t day_start(int64_t time, int64_t utc_offset)
{
    const cxm_i128 local = (cxm_i128)time + utc_offset;
    const cxm_i128 day = local / DAY - (local % DAY < 0);
    const cxm_i128 start = day * DAY - utc_offset;
    return start < -INT64_MAX ? -INT64_MAX : start > INT64_MAX ? INT64_MAX : (int64_t)start;
}

/* From one instant to a later one; the difference of two int64 may not be one. */
static double units_between(int64_t from, int64_t until, double unit)
{
    return (double)((uint64_t)until - (uint64_t)from) / unit;
}

/* ---- which records count --------------------------------------------------------------- */

static void choose(void *context, const struct cxm_event_block *block, bool *keep)
{
    struct scan *s = context;
    struct cxm_history_base *base = &s->out->base;
    for (size_t i = 0; i < block->n; i++) {
        const bool no_time = block->time_state != NULL && block->time_state[i] != CXM_ROW_USED;
        const bool no_customer = block->customer_state != NULL
                              && block->customer_state[i] != CXM_ROW_USED;
        const bool unseen = !no_time && block->time[i] > s->options->as_of;
        const enum cxm_stage state = no_time ? CXM_STAGE_MISSING
                                   : unseen ? CXM_STAGE_UNSEEN
                                   : no_customer ? CXM_STAGE_UNLINKED : CXM_STAGE_OTHER;
        base->missing += state == CXM_STAGE_MISSING;
        base->unseen += state == CXM_STAGE_UNSEEN;
        base->unlinked += state == CXM_STAGE_UNLINKED;
        base->used += state == CXM_STAGE_OTHER;
        keep[i] = state == CXM_STAGE_OTHER;
        if (s->states != NULL)
            s->states[block->first + (int64_t)i] = (uint8_t)state;
    }
}

/* ---- one customer ---------------------------------------------------------------------- */

static void sort_numbers(double *x, size_t n)
{
    for (size_t gap = n / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < n; i++) {
            const double moved = x[i];
            size_t at = i;
            for (; at >= gap && x[at - gap] > moved; at -= gap)
                x[at] = x[at - gap];
            x[at] = moved;
        }
    }
}

static double sum_sorted(double *x, size_t n)
{
    struct cxm_dd sum = { 0, 0 };
    sort_numbers(x, n);
    for (size_t i = 0; i < n; i++)
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(x[i]));
    return sum.hi;
}

/* The sum of the amounts of some events; NaN when one is missing. */
static double sum_amounts(struct scan *s, const struct cxm_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->purse[i] = s->amounts[events[i].row];
        if (isnan(s->purse[i]))
            return NAN;
    }
    return sum_sorted(s->purse, n);
}

static bool make_room(struct scan *s, size_t events)
{
    struct cxm_histories *out = s->out;
    if (out->n == out->capacity) {
        const size_t capacity = out->capacity > 0 ? 2 * out->capacity : 64;
        struct cxm_history *list = cxm_priv_grow(out->allocator, out->list, out->n, capacity,
                                                 sizeof *list);
        if (list == NULL)
            return false;
        out->list = list;
        out->capacity = capacity;
    }
    if (s->amounts != NULL && events > s->purse_capacity) {
        double *purse = cxm_priv_grow(out->allocator, s->purse, 0, 2 * events, sizeof *purse);
        if (purse == NULL)
            return false;
        s->purse = purse;
        s->purse_capacity = 2 * events;
    }
    return true;
}

static void add_history(struct scan *s, struct cxm_event *events, size_t n)
{
    const struct cxm_history_options *o = s->options;
    struct cxm_history *h = &s->out->list[s->out->n++];
    size_t latest = n - 1, opening;
    while (latest > 0 && events[latest - 1].time == events[n - 1].time)
        latest--; /* rows ascend among equal instants */
    *h = (struct cxm_history){ .row = events[latest].row, .orders = 1 };
    for (size_t i = 0; o->days && i < n; i++)
        events[i].time = day_start(events[i].time, o->utc_offset);
    for (size_t i = 1; i < n; i++)
        h->orders += events[i].time != events[i - 1].time;
    for (opening = 1; opening < n && events[opening].time == events[0].time;)
        opening++;
    const int64_t end = o->days ? day_start(o->as_of, o->utc_offset) : o->as_of;
    h->first = events[0].time;
    h->last = events[n - 1].time;
    h->frequency = (double)(h->orders - 1);
    h->recency = units_between(h->first, h->last, o->unit);
    h->age = units_between(h->first, end, o->unit);
    h->idle = units_between(h->last, end, o->unit);
    h->value = NAN;
    if (s->amounts == NULL)
        return;
    h->amount = sum_amounts(s, events, n);
    if (h->orders > 1)
        h->value = sum_amounts(s, events + opening, n - opening) / h->frequency;
}

static enum cxm_status visit(void *context, unsigned worker, struct cxm_event *events, size_t n,
                             struct cxm_error *error)
{
    struct scan *s = context;
    (void)worker;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && events[end].customer == events[i].customer;)
            end++;
        if (!make_room(s, end - i))
            return cxm_priv_no_memory(error);
        add_history(s, events + i, end - i);
    }
    return CXM_OK;
}

/* ---- the order of the output ------------------------------------------------------------ */

/* By row: bytes of the row number from the lowest, stable, into a second list and back. */
static bool order_by_row(struct cxm_histories *h)
{
    struct cxm_history *other = cxm_priv_alloc(h->allocator, h->n, sizeof *other);
    if (other == NULL)
        return false;
    for (int shift = 0; shift < 32; shift += 8) {
        size_t starts[257] = { 0 };
        for (size_t i = 0; i < h->n; i++)
            starts[(h->list[i].row >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++)
            starts[b + 1] += starts[b];
        for (size_t i = 0; i < h->n; i++)
            other[starts[h->list[i].row >> shift & 255]++] = h->list[i];
        struct cxm_history *kept = h->list;
        h->list = other;
        other = kept;
    }
    h->capacity = h->n;
    cxm_priv_release(h->allocator, other);
    return true;
}

/* ---- the whole -------------------------------------------------------------------------- */

static enum cxm_status read_amounts(const struct cxm_column *column, double *out,
                                    struct cxm_error *error)
{
    struct cxm_reader reader;
    uint8_t states[BLOCK];
    char text[64];
    cxm_priv_reader_init(&reader, column);
    for (int64_t first = 0; first < column->n; first += BLOCK) {
        const size_t n = column->n - first < BLOCK ? (size_t)(column->n - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, out + first, states);
        for (size_t i = 0; i < n; i++) {
            if (states[i] != CXM_ROW_INVALID)
                continue;
            const long long row = (long long)first + (long long)i;
            const char *name = column->name != NULL ? column->name : "amount";
            cxm_priv_value_text(column, row, text, sizeof text);
            return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                                    "%s: row %lld is %s, not a finite number", name, row, text);
        }
    }
    return CXM_OK;
}

static enum cxm_status check(const struct cxm_column *customer, const struct cxm_column *time,
                             const struct cxm_history_options *o, struct cxm_error *error)
{
    if (customer == NULL || time == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, customer == NULL ? "customer" : "time",
                             "%s is missing", customer == NULL ? "customer" : "time");
    if (!o->has_as_of)
        return cxm_priv_fail(error, CXM_EINVAL, "as_of",
                             "as_of is missing: the instant up to which records are known");
    struct cxm_key_plan plan;
    enum cxm_status status = cxm_priv_key_plan(customer, &plan, error);
    if (status == CXM_OK)
        status = cxm_priv_check_instant(time, "time", error);
    if (status == CXM_OK && time->n != customer->n)
        status = cxm_priv_fail(error, CXM_EINVAL, "time", "time: %lld rows, customer has %lld",
                               (long long)time->n, (long long)customer->n);
    if (status == CXM_OK && o->amount != NULL) {
        status = cxm_priv_column_fits(o->amount, CXM_ROLE_NUMBER, "amount", error);
        if (status == CXM_OK && o->amount->n != customer->n)
            status = cxm_priv_fail(error, CXM_EINVAL, "amount",
                                   "amount: %lld rows, customer has %lld",
                                   (long long)o->amount->n, (long long)customer->n);
    }
    return status;
}

enum cxm_status cxm_priv_histories(const struct cxm_column *customer,
                                   const struct cxm_column *time,
                                   const struct cxm_history_options *options, uint8_t *states,
                                   struct cxm_histories *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    struct scan s = { .options = options, .out = out, .states = states };
    double *amounts = NULL;
    bool subsecond = false;
    enum cxm_status status = check(customer, time, options, error);
    if (status == CXM_OK && options->amount != NULL) {
        amounts = cxm_priv_alloc(NULL, (size_t)customer->n, sizeof *amounts);
        status = amounts == NULL ? cxm_priv_no_memory(error)
                                 : read_amounts(options->amount, amounts, error);
    }
    s.amounts = amounts;
    struct cxm_column clocked;
    const struct cxm_event_columns columns = { .customer = customer, .time = &clocked };
    const struct cxm_event_plan plan = { .filter = choose, .visit = visit, .context = &s,
                                         .never_counts = true, .subsecond = &subsecond };
    if (status == CXM_OK) {
        clocked = cxm_priv_clocked(time, options->utc_offset, NULL, 0);
        status = cxm_priv_sort_events(&columns, &plan, error);
    }
    if (status == CXM_OK && !order_by_row(out))
        status = cxm_priv_no_memory(error);
    out->base.rows = customer != NULL ? customer->n : 0;
    if (subsecond)
        out->base.flags |= CXM_FLAG_SUBSECOND;
    if (out->base.unseen > 0 && out->base.used == 0)
        out->base.flags |= CXM_FLAG_ALL_AFTER_AS_OF;
    cxm_priv_release(NULL, amounts);
    cxm_priv_release(NULL, s.purse);
    return status;
}

void cxm_priv_histories_release(struct cxm_histories *histories)
{
    cxm_priv_release(histories->allocator, histories->list);
    histories->list = NULL;
}
