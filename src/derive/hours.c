/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Business time: G(t), the counted seconds since a fixed Monday, is a sum over whole weeks plus a
 * part of the current one, less what holidays closed, plus what they opened; a wait is the
 * difference of two of them, less the hours that the clock skipped on the way. Typically five to
 * ten intervals a week, some ten holidays a year and two changes of the clock. All arithmetic is in
 * whole seconds; floor division counts down before 1970. */
#include "derive/hours.h"

#include <math.h>

enum { DAY = 86400, WEEK = 604800, BLOCK = 1024 };

static const int64_t monday = -259200, furthest = INT64_C(1000000000000000);

/* ---- the clock -------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* The row of the zone table whose offset holds at t: the last that has begun; the first before it. */
static size_t zone_row_at(const struct cxm_schedule *s, int64_t t)
{
    int64_t low = 0, high = s->n_zone; /* rows before `low` begin at or before t */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (s->zone[middle].utc_from <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? (size_t)low - 1 : 0;
}

static bool has_zone(const struct cxm_schedule *s)
{
    return s->zone != NULL && s->n_zone > 0;
}

/* Counted seconds of ordinary weeks up to the local time t. */
static int64_t weeks_until(const struct cxm_clock *c, int64_t t)
{
    const struct cxm_schedule *s = c->schedule;
    const int64_t weeks = floor_div(t - monday, WEEK), x = t - monday - weeks * WEEK;
    int64_t sum = weeks * c->week_total;
    for (size_t i = 0; i < s->n_week; i++)
        sum += clamp(x - s->week[i].start, 0, s->week[i].end - s->week[i].start);
    return sum;
}

/* What a holiday takes until the local time t: its ordinary hours less its own. */
static int64_t taken_by(const struct cxm_clock *c, const struct cxm_holiday *h, int64_t t)
{
    const int64_t start = h->day * DAY, until = clamp(t, start, start + DAY);
    int64_t sum = weeks_until(c, until) - weeks_until(c, start);
    for (size_t i = 0; i < h->n_hours && h->hours != NULL; i++)
        sum -= clamp(until - start - h->hours[i].start, 0,
                     h->hours[i].end - h->hours[i].start);
    return sum;
}

/* The first holiday that is not over before the local time t. */
static size_t holiday_at(const struct cxm_schedule *s, int64_t t)
{
    size_t low = 0, high = s->n_holidays;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((s->holidays[middle].day + 1) * DAY <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Counted seconds up to a local time, as if its clock had always run evenly. */
static int64_t counted_by(const struct cxm_clock *c, int64_t local)
{
    const struct cxm_schedule *s = c->schedule;
    int64_t sum = weeks_until(c, local);
    if (s->n_holidays > 0) {
        const size_t at = holiday_at(s, local);
        sum -= c->taken[at];
        if (at < s->n_holidays)
            sum -= taken_by(c, &s->holidays[at], local);
    }
    return sum;
}

static int64_t counted_until(const struct cxm_clock *c, int64_t t)
{
    const struct cxm_schedule *s = c->schedule;
    t = clamp(t, -furthest, furthest);
    if (!has_zone(s))
        return counted_by(c, t + s->utc_offset);
    const size_t row = zone_row_at(s, t);
    return counted_by(c, t + s->zone[row].offset) - c->skipped[row];
}

int64_t cxm_priv_clock_elapsed(const struct cxm_clock *clock, int64_t from, int64_t until)
{
    int64_t seconds;
    if (clock->schedule == NULL)
        return __builtin_sub_overflow(until, from, &seconds) ? INT64_MAX : seconds;
    return counted_until(clock, until) - counted_until(clock, from);
}

static bool hours_fit(const struct cxm_hours *hours, size_t n, int64_t total)
{
    int64_t end = 0;
    if (hours == NULL)
        return n == 0;
    for (size_t i = 0; i < n; i++) {
        if (hours[i].start < end || hours[i].end <= hours[i].start || hours[i].end > total)
            return false;
        end = hours[i].end;
    }
    return true;
}

static enum cxm_status check_schedule(const struct cxm_schedule *s, struct cxm_error *error)
{
    if (s->size != sizeof *s)
        return cxm_priv_fail(error, CXM_EINVAL, "schedule",
                             "schedule.size must be sizeof(struct cxm_schedule)");
    if (s->n_week == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "schedule", "schedule: the week has no hours");
    if (!hours_fit(s->week, s->n_week, WEEK))
        return cxm_priv_fail(error, CXM_EINVAL, "schedule",
                             "schedule: the intervals of the week must ascend within 0 to 604800 "
                             "seconds, none empty, none overlapping");
    if (s->n_holidays > 0 && s->holidays == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "holidays", "holidays are missing");
    for (size_t i = 0; i < s->n_holidays; i++) {
        const struct cxm_holiday *h = &s->holidays[i];
        if ((i > 0 && h->day <= h[-1].day) || h->day > furthest / DAY || h->day < -furthest / DAY)
            return cxm_priv_fail(error, CXM_EINVAL, "holidays",
                                 "holidays: day %lld since 1970-01-01 %s", (long long)h->day,
                                 i > 0 && h->day == h[-1].day ? "is there twice"
                                 : i > 0 && h->day < h[-1].day ? "comes after a later one"
                                                               : "is beyond 10^15 seconds");
        if (!hours_fit(h->hours, h->n_hours, DAY))
            return cxm_priv_fail(error, CXM_EINVAL, "holidays",
                                 "holidays: the hours of day %lld must ascend within 0 to 86400 "
                                 "seconds", (long long)h->day);
    }
    if (s->utc_offset < -furthest || s->utc_offset > furthest)
        return cxm_priv_fail(error, CXM_EINVAL, "utc_offset", "utc_offset is %lld seconds",
                             (long long)s->utc_offset);
    for (int64_t i = 0; s->zone != NULL && i < s->n_zone; i++) {
        if (i > 0 && s->zone[i].utc_from <= s->zone[i - 1].utc_from)
            return cxm_priv_fail(error, CXM_EINVAL, "zone", "the zone table must ascend");
        if (s->zone[i].offset < -furthest || s->zone[i].offset > furthest)
            return cxm_priv_fail(error, CXM_EINVAL, "zone", "zone: an offset is %lld seconds",
                                 (long long)s->zone[i].offset);
    }
    return CXM_OK;
}

/* What the clock skipped of the hours, or counted less for those that it ran through twice, at the
 * changes of offset up to each row. */
static void sum_skipped(struct cxm_clock *clock)
{
    const struct cxm_zone_row *zone = clock->schedule->zone;
    clock->skipped[0] = 0;
    for (int64_t i = 1; i < clock->schedule->n_zone; i++) {
        const int64_t t = clamp(zone[i].utc_from, -furthest, furthest);
        clock->skipped[i] = clock->skipped[i - 1] + counted_by(clock, t + zone[i].offset)
                          - counted_by(clock, t + zone[i - 1].offset);
    }
}

enum cxm_status cxm_priv_clock_init(struct cxm_clock *clock, const struct cxm_schedule *schedule,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_error *error)
{
    memset(clock, 0, sizeof *clock);
    clock->allocator = allocator;
    clock->schedule = schedule;
    if (schedule == NULL)
        return CXM_OK;
    const enum cxm_status status = check_schedule(schedule, error);
    if (status != CXM_OK)
        return status;
    for (size_t i = 0; i < schedule->n_week; i++)
        clock->week_total += schedule->week[i].end - schedule->week[i].start;
    clock->taken = cxm_priv_alloc(allocator, schedule->n_holidays + 1, sizeof *clock->taken);
    if (has_zone(schedule))
        clock->skipped = cxm_priv_alloc(allocator, (size_t)schedule->n_zone, sizeof *clock->skipped);
    if (clock->taken == NULL || (has_zone(schedule) && clock->skipped == NULL)) {
        cxm_priv_clock_release(clock);
        return cxm_priv_no_memory(error);
    }
    clock->taken[0] = 0;
    for (size_t i = 0; i < schedule->n_holidays; i++)
        clock->taken[i + 1] = clock->taken[i]
                            + taken_by(clock, &schedule->holidays[i], furthest * 2);
    if (has_zone(schedule))
        sum_skipped(clock);
    return CXM_OK;
}

void cxm_priv_clock_release(struct cxm_clock *clock)
{
    cxm_priv_release(clock->allocator, clock->taken);
    cxm_priv_release(clock->allocator, clock->skipped);
    clock->taken = NULL;
    clock->skipped = NULL;
}

/* ---- columns ---------------------------------------------------------------------------- */

enum cxm_status cxm_priv_check_instant(const struct cxm_column *column, const char *name,
                                       struct cxm_error *error)
{
    struct cxm_key_plan plan;
    if (column == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s is missing", name);
    const struct cxm_column *const part = column->n_chunks > 0 ? column->chunks : column;
    const enum cxm_status status = cxm_priv_key_plan(column, &plan, error);
    if (status != CXM_OK)
        return status;
    if (((column->flags | part->flags) & CXM_COLUMN_DURATION) != 0)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column holds durations, not instants", name);
    switch (plan.info.type) {
    case CXM_KEY_TIME:
    case CXM_KEY_DATE:
    case CXM_KEY_INT:
    case CXM_KEY_UINT:
    case CXM_KEY_REAL: /* data frames keep seconds beside missing ones so */
        return CXM_OK;
    default:
        return cxm_priv_fail(error, CXM_EINVAL, name,
                             "%s: instants are seconds, dates or timestamps", name);
    }
}

enum cxm_status cxm_priv_check_instants(const struct cxm_column *first, const char *first_name,
                                        const struct cxm_column *second, const char *second_name,
                                        struct cxm_error *error)
{
    const struct cxm_column *columns[] = { first, second };
    const char *names[] = { first_name, second_name };
    for (int i = 0; i < 2; i++) {
        const enum cxm_status status = cxm_priv_check_instant(columns[i], names[i], error);
        if (status != CXM_OK)
            return status;
    }
    if (first->n != second->n)
        return cxm_priv_fail(error, CXM_EINVAL, second_name, "%s: %lld rows, %s has %lld",
                             second_name, (long long)second->n, first_name, (long long)first->n);
    return CXM_OK;
}

static enum cxm_status refuse(const struct cxm_column *column, int64_t row, const char *why,
                              struct cxm_error *error)
{
    char text[64];
    const char *name = column->name != NULL ? column->name : "time";
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text, "%s: row %lld is %s, %s", name,
                            (long long)row, text, why);
}

static bool is_too_far(int64_t t, uint8_t state, int64_t as_of)
{
    return state == CXM_ROW_USED && t <= as_of && (t < -furthest || t > furthest);
}

/* INT64_MIN is no instant, unless the column says itself what is missing. */
static void take_out_none(const struct cxm_column *column, const int64_t *times, size_t n,
                          uint8_t *states)
{
    for (size_t i = 0; i < n && (column->flags & CXM_COLUMN_SENTINEL) == 0; i++) {
        if (times[i] == INT64_MIN && states[i] == CXM_ROW_USED)
            states[i] = CXM_ROW_MISSING;
    }
}

enum cxm_status cxm_priv_read_instants(struct cxm_reader readers[2], struct cxm_instants *out,
                                       int64_t first, size_t n, const struct cxm_clock *clock,
                                       int64_t as_of, struct cxm_error *error)
{
    const bool counted = clock != NULL && clock->schedule != NULL;
    cxm_priv_read_times(&readers[0], first, n, out->first, out->first_state, &out->subsecond);
    cxm_priv_read_times(&readers[1], first, n, out->second, out->second_state, &out->subsecond);
    take_out_none(readers[0].column, out->first, n, out->first_state);
    take_out_none(readers[1].column, out->second, n, out->second_state);
    for (size_t i = 0; i < n; i++) {
        const int bad = out->first_state[i] == CXM_ROW_INVALID    ? 0
                      : out->second_state[i] == CXM_ROW_INVALID ? 1 : -1;
        if (bad >= 0)
            return refuse(readers[bad].column, first + (int64_t)i,
                          "no instant that can be counted in seconds", error);
        const int far = !counted                                                  ? -1
                      : is_too_far(out->first[i], out->first_state[i], as_of)   ? 0
                      : is_too_far(out->second[i], out->second_state[i], as_of) ? 1 : -1;
        if (far >= 0)
            return refuse(readers[far].column, first + (int64_t)i,
                          "beyond 10^15 seconds from 1970, where no business hours are counted; "
                          "are these seconds?", error);
    }
    return CXM_OK;
}

/* ---- public ----------------------------------------------------------------------------- */

enum cxm_status cxm_business_seconds(const struct cxm_column *from,
                                     const struct cxm_column *until,
                                     const struct cxm_schedule *schedule, double *seconds,
                                     int64_t *n_missing, int64_t *n_bad, struct cxm_error *error)
{
    struct cxm_clock clock;
    int64_t missing = 0, bad = 0;
    if (seconds == NULL || schedule == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, seconds == NULL ? "seconds" : "schedule",
                             "%s is NULL", seconds == NULL ? "seconds" : "schedule");
    enum cxm_status status = cxm_priv_check_instants(from, "from", until, "until", error);
    if (status == CXM_OK)
        status = cxm_priv_clock_init(&clock, schedule, NULL, error);
    if (status != CXM_OK)
        return status;
    double *made = cxm_priv_alloc(NULL, (size_t)from->n, sizeof *made);
    struct cxm_instants *block = cxm_priv_alloc_zero(NULL, 1, sizeof *block);
    status = made == NULL || block == NULL ? cxm_priv_no_memory(error) : CXM_OK;
    struct cxm_reader readers[2];
    cxm_priv_reader_init(&readers[0], from);
    cxm_priv_reader_init(&readers[1], until);
    for (int64_t first = 0; first < from->n && status == CXM_OK; first += BLOCK) {
        const size_t n = from->n - first < BLOCK ? (size_t)(from->n - first) : BLOCK;
        status = cxm_priv_read_instants(readers, block, first, n, &clock, INT64_MAX, error);
        for (size_t i = 0; i < n && status == CXM_OK; i++) {
            const bool gone = block->first_state[i] != CXM_ROW_USED
                           || block->second_state[i] != CXM_ROW_USED;
            const bool reversed = !gone && block->second[i] < block->first[i];
            missing += gone;
            bad += reversed;
            made[first + (int64_t)i] =
                gone || reversed
                    ? NAN
                    : (double)cxm_priv_clock_elapsed(&clock, block->first[i], block->second[i]);
        }
    }
    if (status == CXM_OK) {
        memcpy(seconds, made, (size_t)from->n * sizeof *made);
        if (n_missing != NULL)
            *n_missing = missing;
        if (n_bad != NULL)
            *n_bad = bad;
    }
    cxm_priv_release(NULL, made);
    cxm_priv_release(NULL, block);
    cxm_priv_clock_release(&clock);
    return status;
}
