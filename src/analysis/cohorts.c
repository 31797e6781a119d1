/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Events to a tally of cohorts. The derive step counts distinct customers by group, cohort and
 * column; here the options become its plan, and what it counted becomes rows of the metric
 * "cohorts" with their numbers of copies, one add a group. */
#include "analysis/numbers.h"
#include "column/calendar.h"
#include "derive/cohort.h"
#include "derive/constant.h"
#include "derive/sort.h"
#include "tally/tally.h"

#include <cxm/cohorts.h>

enum { MOST_BY = CXM_MAX_KEYS - 2, DAY_SECONDS = 86400 };

static const char *const unit_names[] = { "unit", "day", "week", "month", "quarter", "year" };

/* ---- options -------------------------------------------------------------------------- */

static enum cxm_status bad(struct cxm_error *error, const char *option, const char *why)
{
    return cxm_priv_fail(error, CXM_EINVAL, option, "%s: %s", option, why);
}

static enum cxm_status check_choices(const struct cxm_cohorts_options *o,
                                     struct cxm_error *error)
{
    if (!o->has_as_of)
        return bad(error, "as_of", "the time up to which everything is known is needed");
    if (o->as_of > (int64_t)1 << 53 || o->as_of < -((int64_t)1 << 53))
        return bad(error, "as_of", "seconds within 2^53 of 1970");
    if (o->unit < CXM_NO_CALENDAR || o->unit > CXM_YEAR || o->rows < CXM_NO_CALENDAR
        || o->rows > CXM_YEAR)
        return bad(error, "unit", "there is no such unit");
    if (o->length < 0 || o->length > (int64_t)1000000000000)
        return bad(error, "unit", "a length is between 1 second and 10^12 seconds");
    if (o->length > 0 && o->unit != CXM_NO_CALENDAR)
        return bad(error, "unit", "a length and a unit of the calendar");
    if (o->length > 0 && o->n_zone > 0
        && (o->rows == CXM_NO_CALENDAR || o->mode == CXM_COHORTS_CALENDAR))
        return bad(error, "zone_table", "stretches of seconds begin by one offset; pass utc_offset, "
                                        "or a unit of the calendar");
    if (o->mode != CXM_COHORTS_CALENDAR && o->mode != CXM_COHORTS_ROLLING)
        return bad(error, "mode", "there is no such mode");
    if (o->criterion != CXM_COHORTS_ON && o->criterion != CXM_COHORTS_ON_OR_AFTER)
        return bad(error, "criterion", "there is no such criterion");
    if (o->denominator != CXM_COHORTS_OF_COHORT && o->denominator != CXM_COHORTS_OF_CUSTOMERS)
        return bad(error, "denominator", "there is no such denominator");
    if (o->n_periods < 0 || o->n_periods > 1000000)
        return bad(error, "n_periods", "between 1 and a million columns");
    if (o->start_flag != NULL && o->start_time != NULL)
        return bad(error, "start", "start events or start times, not both");
    if (o->n_by > MOST_BY || (o->n_by > 0 && o->by == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", MOST_BY);
    return CXM_OK;
}

static enum cxm_status check_brackets(const struct cxm_cohorts_options *o,
                                      struct cxm_error *error)
{
    if (o->n_brackets == 0)
        return CXM_OK;
    if (o->brackets == NULL || o->n_brackets < 2 || o->n_brackets > 10001)
        return bad(error, "brackets", "two edges or more");
    if (o->n_periods != 0)
        return bad(error, "n_periods", "brackets say how many columns there are");
    for (size_t i = 0; i < o->n_brackets; i++) {
        if (o->brackets[i] < 0 || o->brackets[i] > 1000000000
            || (i > 0 && o->brackets[i] <= o->brackets[i - 1]))
            return bad(error, "brackets", "edges are whole numbers of 0 or more that rise");
    }
    return CXM_OK;
}

/* The columns must be there, of one length, and readable as what they are for. */
static enum cxm_status check_columns(const struct cxm_column *customer,
                                     const struct cxm_column *time,
                                     const struct cxm_cohorts_options *o, size_t n_by,
                                     struct cxm_error *error)
{
    const struct { const char *name; const struct cxm_column *column; } columns[] = {
        { "customer", customer }, { "time", time }, { "start", o->start_time },
        { "start", o->start_flag },
    };
    if (customer == NULL || time == NULL)
        return bad(error, customer == NULL ? "customer" : "time", "the column is NULL");
    for (size_t i = 0; i < CXM_COUNT(columns); i++) {
        const struct cxm_column *c = columns[i].column;
        if (c == NULL)
            continue;
        if (c->n != time->n)
            return cxm_priv_fail(error, CXM_EINVAL, columns[i].name,
                                 "%s: %lld rows, time has %lld", columns[i].name,
                                 (long long)c->n, (long long)time->n);
        enum cxm_status status = i == 0 ? cxm_priv_column_fits(c, CXM_ROLE_KEY, "customer", error)
                               : i == 3 ? cxm_priv_column_fits(c, CXM_ROLE_FLAG, "start", error)
                                        : cxm_column_check(c, error);
        if (status == CXM_OK && (i == 1 || i == 2) && (c->flags & CXM_COLUMN_DURATION))
            status = bad(error, columns[i].name, "durations, not instants");
        if (status != CXM_OK)
            return status;
    }
    for (size_t k = 0; k < n_by; k++) {
        if (o->by[k].n != time->n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, time has %lld",
                                 (long long)o->by[k].n, (long long)time->n);
        const enum cxm_status status = cxm_priv_column_fits(&o->by[k], CXM_ROLE_KEY, "by", error);
        if (status != CXM_OK)
            return status;
    }
    return CXM_OK;
}

/* The times that a plan reads. */
struct times {
    struct cxm_column time, start;
    struct cxm_cohorts_options clock; /* whose as_of, utc_offset and zone table they follow */
};

/* Dates among instants are the instants at which these days begin. Where there is nothing but dates,
 * the clock that they were read from is the clock of all: it has no offset, each of its days is of
 * 24 hours, and as_of is what it shows then. */
static enum cxm_status read_clock(const struct cxm_column *time,
                                  const struct cxm_cohorts_options *o, struct times *out,
                                  struct cxm_error *error)
{
    bool dates, zoned, start_dates = true, start_zoned = false;
    cxm_priv_kinds_of_time(time, &dates, &zoned);
    if (o->start_time != NULL)
        cxm_priv_kinds_of_time(o->start_time, &start_dates, &start_zoned);
    if ((zoned || start_zoned) && !o->has_utc_offset && o->n_zone == 0)
        return bad(error, "utc_offset", "the instants belong to a zone: say where a day begins, "
                                        "with utc_offset= or a zone table");
    out->clock = *o;
    if (dates && start_dates) {
        out->clock.as_of += cxm_priv_offset_at(o->as_of, o->utc_offset, o->zone, o->n_zone);
        out->clock.utc_offset = 0;
        out->clock.zone = NULL;
        out->clock.n_zone = 0;
    }
    const struct cxm_cohorts_options *const c = &out->clock;
    out->time = cxm_priv_clocked(time, c->utc_offset, c->zone, c->n_zone);
    if (o->start_time != NULL) {
        out->start = cxm_priv_clocked(o->start_time, c->utc_offset, c->zone, c->n_zone);
        out->clock.start_time = &out->start;
    }
    return CXM_OK;
}

static enum cxm_status check_zone(const struct cxm_cohorts_options *o, struct cxm_error *error)
{
    struct cxm_column probe = { .name = "utc_offset", .utc_offset = o->utc_offset,
                                .zone = o->zone, .n_zone = o->n_zone };
    return cxm_column_check(&probe, error);
}

static int64_t rolling_seconds(int32_t unit)
{
    static const int64_t days[] = { [CXM_DAY] = 1, [CXM_WEEK] = 7, [CXM_MONTH] = 30,
                                    [CXM_QUARTER] = 90, [CXM_YEAR] = 365 };
    return days[unit] * DAY_SECONDS;
}

static struct cxm_periods periods_of(const struct cxm_cohorts_options *o, int32_t unit)
{
    return (struct cxm_periods){ (enum cxm_calendar)unit, o->length, o->utc_offset, o->zone,
                                 o->n_zone };
}

/* The unit of columns and rows after the defaults; CXM_NO_CALENDAR: the length. */
static int32_t unit_of(const struct cxm_cohorts_options *o)
{
    return o->length > 0 ? CXM_NO_CALENDAR : o->unit != CXM_NO_CALENDAR ? o->unit : CXM_MONTH;
}

static int32_t rows_of(const struct cxm_cohorts_options *o)
{
    return o->rows != CXM_NO_CALENDAR ? o->rows : unit_of(o);
}

static void make_plan(const struct cxm_column *customer, const struct cxm_column *time,
                      const struct cxm_cohorts_options *o,
                      const struct cxm_allocator *allocator, struct cxm_cohort_plan *plan)
{
    const int32_t unit = unit_of(o);
    *plan = (struct cxm_cohort_plan){
        .customer = customer, .time = time, .start_time = o->start_time,
        .start_flag = o->start_flag, .rows = periods_of(o, rows_of(o)),
        .columns = periods_of(o, unit), .rolling = o->mode == CXM_COHORTS_ROLLING,
        .length = unit == CXM_NO_CALENDAR ? o->length : rolling_seconds(unit),
        .or_after = o->criterion == CXM_COHORTS_ON_OR_AFTER,
        .by_customer = o->denominator == CXM_COHORTS_OF_CUSTOMERS,
        .hour_floor = o->hour_floor != 0, .edges = o->n_brackets > 0 ? o->brackets : NULL,
        .n_columns = o->n_brackets > 0 ? (int64_t)o->n_brackets - 1 : o->n_periods,
        .as_of = o->as_of, .count_invalid = o->invalid == CXM_INVALID_COUNT,
        .threads = o->threads < 1 ? 1 : o->threads > CXM_MOST_WORKERS ? CXM_MOST_WORKERS
                                                                      : o->threads,
        .allocator = allocator,
    };
}

/* ---- the tally ------------------------------------------------------------------------ */

/* 53 bits of the hash of a zone table, above all offsets. */
static double clock_number(const struct cxm_cohorts_options *o)
{
    if (o->n_zone == 0)
        return (double)o->utc_offset;
    uint64_t hash = 0;
    for (int64_t i = 0; i < o->n_zone; i++) {
        uint8_t bytes[16];
        cxm_priv_put_u64(bytes, (uint64_t)o->zone[i].utc_from);
        cxm_priv_put_u64(bytes + 8, (uint64_t)o->zone[i].offset);
        hash = cxm_priv_hash(bytes, sizeof bytes, hash);
    }
    return (double)((hash & (((uint64_t)1 << 52) - 1)) | ((uint64_t)1 << 20));
}

static enum cxm_status new_tally(const struct cxm_cohorts_options *o,
                                 const struct cxm_allocator *allocator, struct cxm_tally **out,
                                 struct cxm_error *error)
{
    static const char *const modes[] = { "calendar", "rolling" };
    static const char *const criteria[] = { "on", "on_or_after" };
    static const char *const denominators[] = { "cohort", "customer" };
    static const char *const starts[] = { "first", "event", "time" };
    const int32_t unit = unit_of(o), rows = rows_of(o);
    const char *const *unit_name = &unit_names[unit == CXM_NO_CALENDAR ? CXM_MONTH : unit];
    const double length = (double)o->length, as_of = (double)o->as_of, clock = clock_number(o),
                 n_periods = (double)o->n_periods, hour = o->hour_floor != 0;
    double *edges = cxm_priv_alloc(allocator, o->n_brackets, sizeof *edges);
    if (edges == NULL)
        return cxm_priv_no_memory(error);
    for (size_t i = 0; i < o->n_brackets; i++)
        edges[i] = (double)o->brackets[i];
    const int start = o->start_flag != NULL ? 1 : o->start_time != NULL ? 2 : 0;
    const struct cxm_param params[] = {
        { "unit", NULL, 0, unit_name, 1 },
        { "length", &length, 1, NULL, 0 },
        { "rows", NULL, 0, &unit_names[rows == unit ? 0 : rows], 1 },
        { "mode", NULL, 0, &modes[o->mode], 1 },
        { "criterion", NULL, 0, &criteria[o->criterion], 1 },
        { "denominator", NULL, 0, &denominators[o->denominator], 1 },
        { "as_of", &as_of, 1, NULL, 0 },
        { "n_periods", &n_periods, 1, NULL, 0 },
        { "utc_offset", &clock, 1, NULL, 0 },
        { "start", NULL, 0, &starts[start], 1 },
        { "hour_floor", &hour, 1, NULL, 0 },
        { "brackets", edges, o->n_brackets, NULL, 0 },
    };
    const size_t n = CXM_COUNT(params) - (o->n_brackets == 0);
    const enum cxm_status status = cxm_tally_new("cohorts", params, n, allocator, out, error);
    cxm_priv_release(allocator, edges);
    return status;
}

/* ---- rows of the metric ---------------------------------------------------------------- */

/* Rows of one group: cohort, period, two flags, copies. */
struct feed {
    const struct cxm_allocator *allocator;
    int64_t *cohort, *period, *copies;
    uint8_t *retained, *observable;
    size_t n, capacity;
    void *memory;
};

static bool feed_reserve(struct feed *f, size_t n)
{
    if (n > f->capacity || f->memory == NULL) {
        cxm_priv_release(f->allocator, f->memory);
        f->memory = cxm_priv_alloc(f->allocator, n + 1, 3 * sizeof(int64_t) + 2);
        if (f->memory == NULL)
            return false;
        f->capacity = n;
        f->cohort = f->memory;
        f->period = f->cohort + n;
        f->copies = f->period + n;
        f->retained = (uint8_t *)(f->copies + n);
        f->observable = f->retained + n;
    }
    f->n = 0;
    return true;
}

static void feed_add(struct feed *f, int64_t cohort, int64_t period, bool retained,
                     bool observable, int64_t copies)
{
    if (copies == 0)
        return;
    f->cohort[f->n] = cohort;
    f->period[f->n] = period;
    f->retained[f->n] = retained;
    f->observable[f->n] = observable;
    f->copies[f->n++] = copies;
}

static void feed_row(struct feed *f, const struct cxm_cohort_plan *plan,
                     const struct cxm_cohort_table *t, const struct cxm_cohort_row *row)
{
    const int64_t first = cxm_priv_period_first(&plan->rows, row->cohort);
    for (int64_t k = 0; k < row->n_columns; k++) {
        const size_t at = row->at + (size_t)k;
        const int64_t period = plan->edges != NULL ? plan->edges[k] : k;
        const int64_t waiting = row->size - t->observed[at];
        feed_add(f, first, period, true, true, t->known[at]);
        feed_add(f, first, period, false, true, t->observed[at] - t->known[at]);
        feed_add(f, first, period, true, false, t->pending[at]);
        feed_add(f, first, period, false, false, waiting - t->pending[at]);
    }
}

static enum cxm_status feed_tally(const struct feed *f, const struct cxm_cohort_plan *plan,
                                  const struct cxm_cohorts_options *o, size_t n_by, int64_t row,
                                  struct cxm_tally *tally, struct cxm_error *error)
{
    struct cxm_constant keys[MOST_BY];
    struct cxm_input inputs[MOST_BY + 5];
    const size_t n = f->n;
    const bool days = plan->rows.unit != CXM_NO_CALENDAR;
    struct cxm_column cohort = CXM_ARRAY_AS(CXM_I64, f->cohort, n);
    struct cxm_column period = CXM_ARRAY_AS(CXM_I64, f->period, n);
    const struct cxm_column retained = CXM_ARRAY_AS(CXM_U8, f->retained, n);
    const struct cxm_column observable = CXM_ARRAY_AS(CXM_U8, f->observable, n);
    const struct cxm_column copies = CXM_ARRAY_AS(CXM_I64, f->copies, n);
    cohort.name = "cohort";
    cohort.time_unit = days ? CXM_DAYS : CXM_S;
    period.name = "period";
    size_t at = 0;
    for (size_t k = 0; k < n_by; k++) {
        const enum cxm_status status = cxm_priv_constant(&o->by[k], row, (int64_t)n, &keys[k],
                                                         error);
        if (status != CXM_OK)
            return status;
        inputs[at++] = (struct cxm_input){ "by", &keys[k].column };
    }
    inputs[at++] = (struct cxm_input){ "by", &cohort };
    inputs[at++] = (struct cxm_input){ "by", &period };
    inputs[at++] = (struct cxm_input){ "retained", &retained };
    inputs[at++] = (struct cxm_input){ "observable", &observable };
    inputs[at++] = (struct cxm_input){ "freq", &copies };
    return cxm_tally_add(tally, inputs, at, NULL, error);
}

/* Group by group: the rows of the table, each with the keys of the group's first row. */
static enum cxm_status fill(const struct cxm_cohort_table *t, const struct cxm_cohort_plan *plan,
                            const struct cxm_cohorts_options *o, size_t n_by,
                            const int64_t *first_rows, uint32_t n_groups,
                            struct cxm_tally *tally, struct cxm_error *error)
{
    struct feed f = { .allocator = plan->allocator };
    enum cxm_status status = CXM_OK;
    size_t *order = cxm_priv_alloc(plan->allocator, t->n_rows + n_groups + 1, sizeof *order);
    if (order == NULL)
        return cxm_priv_no_memory(error);
    size_t *const begins = order + t->n_rows; /* counting sort of the rows by group */
    memset(begins, 0, (n_groups + 1) * sizeof *begins);
    for (size_t i = 0; i < t->n_rows; i++)
        begins[t->rows[i].group + 1]++;
    for (uint32_t g = 0; g < n_groups; g++)
        begins[g + 1] += begins[g];
    for (size_t i = t->n_rows; i-- > 0;)
        order[--begins[t->rows[i].group + 1]] = i;
    /* begins[g + 1] is now where group g begins */
    for (uint32_t g = 0; g < n_groups && status == CXM_OK; g++) {
        const size_t from = begins[g + 1], to = g + 1 < n_groups ? begins[g + 2] : t->n_rows;
        size_t n = 0;
        for (size_t i = from; i < to; i++)
            n += (size_t)t->rows[order[i]].n_columns;
        if (n == 0)
            continue;
        if (!feed_reserve(&f, 4 * n)) {
            status = cxm_priv_no_memory(error);
            break;
        }
        for (size_t i = from; i < to; i++)
            feed_row(&f, plan, t, &t->rows[order[i]]);
        status = feed_tally(&f, plan, o, n_by, first_rows[g], tally, error);
    }
    cxm_priv_release(plan->allocator, f.memory);
    cxm_priv_release(plan->allocator, order);
    return status;
}

/* ---- groups --------------------------------------------------------------------------- */

struct groups {
    struct cxm_codes codes;
    int64_t *first_rows;
    uint32_t n;
};

static enum cxm_status make_groups(const struct cxm_cohorts_options *o, size_t n_by, int64_t rows,
                                   bool count_invalid, const struct cxm_allocator *allocator,
                                   struct groups *g, struct cxm_error *error)
{
    const struct cxm_column *columns[MOST_BY];
    memset(g, 0, sizeof *g);
    g->n = 1;
    if (n_by > 0) {
        for (size_t k = 0; k < n_by; k++)
            columns[k] = &o->by[k];
        const enum cxm_status status = cxm_priv_code_keys(columns, n_by, "by", count_invalid,
                                                          allocator, &g->codes, error);
        if (status != CXM_OK)
            return status;
        g->n = g->codes.n + 1; /* the last one is that of a missing key */
    }
    g->first_rows = cxm_priv_alloc_zero(allocator, g->n, sizeof *g->first_rows);
    if (g->first_rows == NULL)
        return cxm_priv_no_memory(error);
    for (int64_t row = n_by > 0 ? rows : 0; row-- > 0;) {
        uint32_t *code = &g->codes.codes[row];
        if (*code == CXM_CODE_MISSING)
            *code = g->codes.n;
        g->first_rows[*code] = row;
    }
    return CXM_OK;
}

static void release_groups(struct groups *g, const struct cxm_allocator *allocator)
{
    if (g->codes.allocator != NULL)
        cxm_priv_codes_release(&g->codes);
    cxm_priv_release(allocator, g->first_rows);
}

static void write_base(const struct cxm_cohort_table *t, struct cxm_cohorts_base *base)
{
    *base = (struct cxm_cohorts_base){
        .used = t->used, .missing = t->missing, .invalid = t->invalid, .unseen = t->unseen,
        .unlinked = t->unlinked, .early = t->early, .customers = t->customers,
        .customers_unlinked = t->customers_unlinked,
        .flags = (t->subsecond ? CXM_FLAG_SUBSECOND : 0)
               | (t->unseen > 0 && t->used + t->unlinked + t->early == 0
                      ? CXM_FLAG_ALL_AFTER_AS_OF : 0),
    };
}

/* A checked copy of the options, of the whole size. */
static enum cxm_status checked_options(const struct cxm_cohorts_options *options,
                                       struct cxm_cohorts_options *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    enum cxm_status status = cxm_priv_read_options(options, out, sizeof *out,
                                                   "cxm_cohorts_options", error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(out->reserved, error);
    if (status == CXM_OK)
        status = check_choices(out, error);
    if (status == CXM_OK)
        status = check_brackets(out, error);
    return status == CXM_OK ? check_zone(out, error) : status;
}

enum cxm_status cxm_cohorts_tally(const struct cxm_column *customer,
                                  const struct cxm_column *time,
                                  const struct cxm_cohorts_options *options,
                                  const struct cxm_allocator *allocator, struct cxm_tally **out,
                                  struct cxm_cohorts_base *base, struct cxm_error *error)
{
    struct cxm_cohorts_options o;
    if (out == NULL)
        return bad(error, "out", "NULL");
    enum cxm_status status = checked_options(options, &o, error);
    if (status != CXM_OK)
        return status;
    const size_t n_by = o.by == NULL ? 0 : o.n_by == 0 ? 1 : o.n_by;
    struct times times;
    status = check_columns(customer, time, &o, n_by, error);
    if (status == CXM_OK)
        status = read_clock(time, &o, &times, error);
    if (status != CXM_OK)
        return status;
    allocator = cxm_priv_allocator(allocator);
    struct cxm_cohort_plan plan;
    struct cxm_cohort_table table;
    struct cxm_tally *tally = NULL;
    struct groups groups;
    make_plan(customer, &times.time, &times.clock, allocator, &plan);
    cxm_priv_cohort_table_init(&table, allocator);
    status = make_groups(&o, n_by, time->n, plan.count_invalid, allocator, &groups, error);
    plan.groups = groups.codes.codes;
    if (status == CXM_OK)
        status = cxm_priv_cohorts(&plan, &table, error);
    if (status == CXM_OK)
        status = new_tally(&o, allocator, &tally, error);
    if (status == CXM_OK)
        status = fill(&table, &plan, &o, n_by, groups.first_rows, groups.n, tally, error);
    if (status == CXM_OK && base != NULL)
        write_base(&table, base);
    cxm_priv_cohort_table_release(&table);
    release_groups(&groups, allocator);
    if (status == CXM_OK)
        *out = tally;
    else
        cxm_tally_free(tally);
    return status;
}

enum cxm_status cxm_cohorts(const struct cxm_column *customer, const struct cxm_column *time,
                            const struct cxm_cohorts_options *options, struct cxm_report **out,
                            struct cxm_error *error)
{
    struct cxm_cohorts_options o;
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = NULL;
    enum cxm_status status = checked_options(options, &o, error);
    if (status == CXM_OK)
        status = cxm_cohorts_tally(customer, time, &o, NULL, &tally, &base, error);
    if (status == CXM_OK)
        status = cxm_cohorts_report(tally, o.level, o.interval, &base, out, error);
    cxm_tally_free(tally);
    return status;
}
