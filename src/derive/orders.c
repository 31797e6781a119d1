/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Orders per customer. Customers are numbered by a dictionary; where several rows are one order
 * (an order id, or all of a day) so are customer and order together, and each counts when it
 * is met first. Typical: 10^4 to 10^8 order lines. */
#include "column/calendar.h"
#include "derive/customer_codes.h"

#include <cxm/repeat.h>

enum { BLOCK = 1024 };
#define MISSING INT64_MIN
#define INVALID INT64_MAX /* no number of orders: beyond 2^53 */
enum { SEEN_NOW = 1, SEEN_BEFORE = 2 };

struct counting {
    const struct cxm_repeat_options *o;
    struct cxm_codes customers, merged; /* merged.codes NULL: rows are orders */
    int64_t *first_row, *days, *orders, *before;
    uint8_t *copies, *seen;
    const struct cxm_allocator *allocator;
};

static enum cxm_status check(const struct cxm_column *customer, const struct cxm_column *time,
                             const struct cxm_repeat_options *o, size_t n_by,
                             struct cxm_error *error)
{
    if (o->start >= o->end || (o->has_before && o->before > o->start))
        return cxm_priv_fail(error, CXM_EINVAL, "start",
                             "a window [start, end) is needed, and before <= start");
    if (o->order != NULL && o->days)
        return cxm_priv_fail(error, CXM_EINVAL, "order",
                             "orders are told by their ids or merged by the day, not both");
    const struct { const struct cxm_column *column; const char *name; } others[] = {
        { customer, "customer" }, { o->order, "order" },
    };
    for (size_t i = 0; i < CXM_COUNT(others); i++) {
        if (others[i].column != NULL && others[i].column->n != time->n)
            return cxm_priv_fail(error, CXM_EINVAL, others[i].name, "%s: %lld rows, time has %lld",
                                 others[i].name, (long long)others[i].column->n,
                                 (long long)time->n);
    }
    for (size_t k = 0; k < n_by; k++) {
        if (o->by[k].n != time->n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, time has %lld",
                                 (long long)o->by[k].n, (long long)time->n);
    }
    if ((time->flags & CXM_COLUMN_DURATION) != 0)
        return cxm_priv_fail(error, CXM_EINVAL, "time", "durations, not instants");
    return cxm_column_check(time, error);
}

/* One row, whose customer and time are there. */
static void count_row(struct counting *c, int64_t row, int64_t time)
{
    const struct cxm_repeat_options *o = c->o;
    const bool now = time >= o->start && time < o->end;
    const bool earlier = time < o->start && (!o->has_before || time >= o->before);
    int64_t *const first = &c->first_row[c->customers.codes[row]];
    if (*first < 0) {
        *first = row;
        c->copies[row] = 1;
    }
    if (c->merged.codes != NULL && (now || earlier)) {
        uint8_t *const seen = &c->seen[c->merged.codes[row]];
        const uint8_t bit = now ? SEEN_NOW : SEEN_BEFORE;
        if (*seen & bit)
            return;
        *seen |= bit;
    }
    c->orders[*first] += now;
    c->before[*first] += earlier;
}

/* Visits the rows with their times; `days` only writes the local days down. */
static enum cxm_status each_row(struct counting *c, const struct cxm_column *time, bool days,
                                struct cxm_error *error)
{
    struct cxm_reader reader;
    int64_t times[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, time);
    for (int64_t first = 0; first < time->n; first += BLOCK) {
        const int64_t left = time->n - first;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        cxm_priv_read_times(&reader, first, n, times, states, NULL);
        if (days)
            cxm_priv_local_days(n, times, c->o->utc_offset, NULL, 0);
        for (size_t i = 0; i < n; i++) {
            const int64_t row = first + (int64_t)i;
            if (states[i] == CXM_ROW_INVALID && c->o->invalid != CXM_INVALID_COUNT)
                return cxm_priv_no_instant(time, "time", row, error);
            if (days) {
                c->days[row] = times[i];
                continue;
            }
            c->orders[row] = c->before[row] = c->copies[row] = 0;
            if (states[i] != CXM_ROW_USED || c->customers.codes[row] == CXM_CODE_MISSING) {
                c->copies[row] = 1;
                c->orders[row] = c->before[row] = states[i] == CXM_ROW_INVALID ? INVALID : MISSING;
                continue;
            }
            count_row(c, row, times[i]);
        }
    }
    return CXM_OK;
}

static enum cxm_status make_codes(struct counting *c, const struct cxm_column *customer,
                                  const struct cxm_column *time, size_t n_by,
                                  struct cxm_error *error)
{
    const struct cxm_repeat_options *o = c->o;
    const bool count_invalid = o->invalid == CXM_INVALID_COUNT;
    enum cxm_status status = cxm_priv_customer_codes(customer, o->by, n_by, NULL, count_invalid,
                                                     c->allocator, &c->customers, error);
    if (status != CXM_OK || (o->order == NULL && !o->days))
        return status;
    const size_t n = (size_t)time->n;
    struct cxm_column day = { 0 };
    if (o->days) {
        c->days = cxm_priv_alloc(c->allocator, n, sizeof *c->days);
        if (c->days == NULL)
            return cxm_priv_no_memory(error);
        status = each_row(c, time, true, error);
        day = CXM_ARRAY_AS(CXM_I64, c->days, n);
    }
    if (status == CXM_OK)
        status = cxm_priv_customer_codes(customer, o->by, n_by, o->days ? &day : o->order,
                                         count_invalid, c->allocator, &c->merged, error);
    return status;
}

static enum cxm_status count(struct counting *c, const struct cxm_column *customer,
                             const struct cxm_column *time, size_t n_by,
                             struct cxm_error *error)
{
    const enum cxm_status status = make_codes(c, customer, time, n_by, error);
    if (status != CXM_OK)
        return status;
    c->first_row = cxm_priv_alloc(c->allocator, c->customers.n, sizeof *c->first_row);
    c->seen = cxm_priv_alloc_zero(c->allocator, c->merged.n, 1);
    if (c->first_row == NULL || c->seen == NULL)
        return cxm_priv_no_memory(error);
    for (uint32_t i = 0; i < c->customers.n; i++)
        c->first_row[i] = -1;
    return each_row(c, time, false, error);
}

enum cxm_status cxm_repeat_rows(const struct cxm_column *customer, const struct cxm_column *time,
                                const struct cxm_repeat_options *options, int64_t *orders,
                                int64_t *before, uint8_t *copies,
                                const struct cxm_allocator *allocator, struct cxm_error *error)
{
    if (customer == NULL || time == NULL || options == NULL || options->size != sizeof *options
        || orders == NULL || before == NULL || copies == NULL
        || (options->n_by > 0 && options->by == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, NULL,
                             "a column or an output is NULL, or options.size is wrong");
    const size_t n_by = options->by == NULL ? 0 : options->n_by == 0 ? 1 : options->n_by;
    enum cxm_status status = cxm_priv_reserved(options->reserved, error);
    if (status == CXM_OK)
        status = check(customer, time, options, n_by, error);
    if (status != CXM_OK)
        return status;
    struct counting c = { .o = options, .orders = orders, .before = before, .copies = copies,
                          .allocator = cxm_priv_allocator(allocator) };
    struct cxm_column clocked = cxm_priv_clocked(time, options->utc_offset, NULL, 0);
    clocked = cxm_priv_with_missing(&clocked);
    status = count(&c, customer, &clocked, n_by, error);
    if (c.customers.allocator != NULL)
        cxm_priv_codes_release(&c.customers);
    if (c.merged.allocator != NULL)
        cxm_priv_codes_release(&c.merged);
    cxm_priv_release(c.allocator, c.first_row);
    cxm_priv_release(c.allocator, c.seen);
    cxm_priv_release(c.allocator, c.days);
    return status;
}
