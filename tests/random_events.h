/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random columns of events: whole numbers, instants and customers in random storage beside the plain
 * numbers, a calendar that walks from year to year, and reports compared bit by bit. */
#ifndef CXM_TESTS_RANDOM_EVENTS_H
#define CXM_TESTS_RANDOM_EVENTS_H

#include "random_calls.h"

/* ---- calls ------------------------------------------------------------------------------- */

enum { DAY = 86400, MOST_ROADS = 4 };

static uint64_t its_seed;
static struct cxm_error error;

#define SAME(condition, what)                                                                    \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            print_error("%s; CXM_SEED=%llu CXM_CALLS=1\n", (what), (unsigned long long)its_seed); \
            fail();                                                                              \
        }                                                                                        \
    } while (0)

static inline int64_t length_of(const struct maker *m, int64_t many)
{
    const uint64_t kind = random_below(m->seed, 60);
    const uint64_t most = kind < 5 ? 4 : kind < 40 ? 300 : kind < 59 ? 5000 : (uint64_t)many;
    return (int64_t)(kind == 59 ? most - random_below(m->seed, most / 8) : random_below(m->seed, most));
}

/* CXM_CALLS=100000 CXM_SEED=… runs longer; a failure prints the seed of its call. */
static inline void repeat_calls(void (*call)(const struct maker *m), uint64_t divisor, int64_t many)
{
    const char *const text = getenv("CXM_CALLS");
    const uint64_t first = random_seed(), calls = text != NULL ? strtoull(text, NULL, 0) : 240 / divisor;
    for (uint64_t k = 0; k < calls; k++) {
        struct arena arena = { NULL, 0, 0 };
        uint64_t seed = its_seed = first + k;
        struct maker m = { &arena, &seed, 0 };
        m.n = length_of(&m, many);
        call(&m);
        arena_free(&arena);
    }
}

/* ---- whole numbers in random storage ---------------------------------------------------- */

enum { ABSENT_ONE_IN = 12 };

/* A column of a call: what it means, plain, and as it is stored. */
struct series {
    int64_t *v;
    bool *present;
    struct cxm_column stored, plain;
};

static inline struct series new_series(const struct maker *m, bool misses)
{
    struct series s = { .v = arena_take(m->arena, (size_t)m->n, sizeof *s.v),
                        .present = arena_take(m->arena, (size_t)m->n, sizeof *s.present) };
    for (int64_t i = 0; i < m->n; i++)
        s.present[i] = !misses || random_below(m->seed, ABSENT_ONE_IN) != 0;
    return s;
}

static inline bool type_holds(uint32_t type, int64_t v)
{
    static const int bits[] = { 8, 16, 32 };
    if (type == CXM_F32 || type == CXM_F64) {
        const int64_t most = INT64_C(1) << (type == CXM_F32 ? 24 : 53);
        return v >= -most && v <= most;
    }
    if (type == CXM_I64 || type == CXM_U64)
        return type == CXM_I64 || v >= 0;
    if (type >= CXM_U8)
        return v >= 0 && v < INT64_C(1) << bits[type - CXM_U8];
    return v >= -(INT64_C(1) << (bits[type - CXM_I8] - 1)) && v < INT64_C(1) << (bits[type - CXM_I8] - 1);
}

/* Any type that holds them all; what is absent is told in any of its ways. */
static inline void store_whole(const struct maker *m, struct series *s, bool reals)
{
    struct number *values = arena_take(m->arena, (size_t)m->n, sizeof *values);
    int64_t low = m->n > 0 ? s->v[0] : 0, high = low;
    bool all = true;
    for (int64_t i = 0; i < m->n; i++) {
        values[i] = (struct number){ (double)s->v[i], (uint64_t)s->v[i] };
        low = s->v[i] < low ? s->v[i] : low;
        high = s->v[i] > high ? s->v[i] : high;
        all = all && s->present[i];
    }
    struct numbers numbers = { .values = values, .present = s->present };
    struct storage *st = &numbers.storage;
    do
        st->type = 1 + (uint32_t)random_below(m->seed, reals ? CXM_F64 : CXM_U64);
    while (!type_holds(st->type, low) || !type_holds(st->type, high));
    st->strided = one_in(m, 3);
    unsigned possible = BY_BITMAP | BY_MASK;
    if (st->type >= CXM_F32)
        possible |= BY_NAN;
    const int64_t mark = high < INT64_MAX && type_holds(st->type, high + 1) ? high + 1
                       : low > INT64_MIN                                    ? low - 1
                                                                            : low;
    if (type_holds(st->type, mark) && mark != low)
        possible |= BY_SENTINEL;
    st->sentinel = (struct number){ (double)mark, (uint64_t)mark };
    do
        st->absence = possible & (unsigned)random_below(m->seed, 32);
    while (!all && st->absence == 0);
    add_marks(m, st, &s->stored);
    store_parts(m, &numbers, store_number_part, &s->stored);
    s->plain = cxm_column_make(NULL, CXM_I64, s->v, (size_t)m->n, 8, 8);
    s->plain.validity = bits_of(m, s->present);
}

/* Instants in any unit, finer ones with something behind the second. */
static inline void store_instants(const struct maker *m, struct series *s)
{
    static const int64_t per_second[] = { 0, 1, 1000, 1000000, 1000000000 };
    const bool fine = one_in(m, 2);
    uint32_t unit = 1 + (uint32_t)random_below(m->seed, CXM_NS);
    struct series ticks = *s;
    for (int64_t i = 0; i < m->n; i++) {
        while (llabs(s->v[i]) >= INT64_MAX / per_second[unit])
            unit--;
    }
    ticks.v = arena_take(m->arena, (size_t)m->n, sizeof *ticks.v);
    for (int64_t i = 0; i < m->n; i++)
        ticks.v[i] = s->v[i] * per_second[unit]
                   + (fine ? (int64_t)random_below(m->seed, (uint64_t)per_second[unit]) : 0);
    store_whole(m, &ticks, true);
    s->stored = ticks.stored;
    s->stored.time_unit = unit;
    s->plain = cxm_column_make(NULL, CXM_I64, s->v, (size_t)m->n, 8, 8);
    s->plain.validity = bits_of(m, s->present);
    s->plain.time_unit = CXM_S;
}

/* Keys by number; or names, which are others but as many. */
static inline void store_keys(const struct maker *m, struct series *s)
{
    static const uint32_t types[] = { CXM_STRINGS, CXM_TEXT, CXM_UTF8, CXM_UTF8_LARGE, CXM_UTF8_VIEW };
    store_whole(m, s, false);
    if (!one_in(m, 4))
        return;
    const char **names = arena_take(m->arena, (size_t)m->n, sizeof *names);
    for (int64_t i = 0; i < m->n; i++) {
        char *name = arena_take(m->arena, 40, 1);
        snprintf(name, 40, "%s%lld", s->v[i] % 3 == 0 ? "customer number " : "", (long long)s->v[i]);
        names[i] = s->present[i] ? name : "noise";
    }
    struct numbers numbers = { .present = s->present, .texts = names };
    numbers.storage.type = types[random_below(m->seed, COUNT_OF(types))];
    numbers.storage.absence = 1 + (unsigned)random_below(m->seed, 3);
    memset(&s->stored, 0, sizeof s->stored);
    store_parts(m, &numbers, store_number_part, &s->stored);
}

/* ---- the calendar, year by year ---------------------------------------------------------- */

static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static inline int64_t days_of_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
}

/* The number of a period, and its first day. */
static inline int64_t period_of_day_slowly(int64_t day, enum cxm_calendar unit, int64_t *first)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    *first = day;
    if (unit == CXM_DAY)
        return day;
    if (unit == CXM_WEEK) { /* 1970-01-05 was a Monday */
        *first = floor_div(day - 4, 7) * 7 + 4;
        return floor_div(day - 4, 7);
    }
    int64_t year = 1970, begun = 0;
    for (; day < begun; year--)
        begun -= days_of_year(year - 1);
    for (; day >= begun + days_of_year(year); year++)
        begun += days_of_year(year);
    *first = begun;
    if (unit == CXM_YEAR)
        return year;
    for (int month = 0; month < 12; month++) {
        const int64_t days = lengths[month] + (month == 1 && days_of_year(year) == 366);
        if (unit == CXM_MONTH || month % 3 == 0)
            *first = begun;
        if (day < begun + days)
            return unit == CXM_MONTH ? year * 12 + month : year * 4 + month / 3;
        begun += days;
    }
    return 0;
}

/* ---- reports ----------------------------------------------------------------------------- */

/* What differs, or NULL. Names of keys need not be alike. */
static inline const char *other_report(const struct cxm_report *a, const struct cxm_report *b, bool keys)
{
    const size_t n = cxm_report_rows(a);
    if (cxm_report_rows(b) != n || cxm_report_n_axes(a) != cxm_report_n_axes(b))
        return "as many rows";
    const struct cxm_estimate *x = cxm_report_estimates(a), *y = cxm_report_estimates(b);
    for (size_t i = 0; i < n; i++) {
        struct cxm_estimate e = x[i], f = y[i];
        e.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
        f.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
        if (memcmp(&e, &f, sizeof e) != 0 || strcmp(cxm_report_measure(a, i), cxm_report_measure(b, i)) != 0)
            return "estimates";
        for (size_t k = 0; keys && k < cxm_report_n_keys(a); k++) {
            struct cxm_key p, q;
            if (cxm_report_key(a, i, k, &p) != CXM_OK || cxm_report_key(b, i, k, &q) != CXM_OK
                || p.missing != q.missing || p.integer != q.integer)
                return "keys";
        }
    }
    for (size_t k = 0; k < cxm_report_n_axes(a); k++) {
        const int64_t *i = cxm_report_ints(a, k), *j = cxm_report_ints(b, k);
        const double *r = cxm_report_reals(a, k), *s = cxm_report_reals(b, k);
        if ((i != NULL && memcmp(i, j, n * sizeof *i) != 0)
            || (r != NULL && memcmp(r, s, n * sizeof *r) != 0))
            return "axes";
    }
    return NULL;
}

static inline int64_t int_axis(const struct cxm_report *r, const char *name, size_t row)
{
    return cxm_report_ints(r, (size_t)cxm_report_find_axis(r, name))[row];
}

static inline double real_axis(const struct cxm_report *r, const char *name, size_t row)
{
    return cxm_report_reals(r, (size_t)cxm_report_find_axis(r, name))[row];
}

/* ---- groups and roads --------------------------------------------------------------------- */

static inline int64_t number_of_key(int64_t before, bool missing, int64_t value)
{
    return before * 2000 + (missing ? 999 : value);
}

/* A number for the keys of row i, in their order, missing ones last; a row of a report has the same. */
static inline int64_t group_of(const struct series *by, int n_by, int64_t i)
{
    int64_t group = 0;
    for (int k = 0; k < n_by; k++)
        group = number_of_key(group, !by[k].present[i], by[k].v[i]);
    return group;
}

static inline int64_t group_of_row(const struct cxm_report *r, size_t row)
{
    int64_t group = 0;
    struct cxm_key key;
    for (size_t k = 0; k < cxm_report_n_keys(r); k++) {
        if (cxm_report_key(r, row, k, &key) == CXM_OK)
            group = number_of_key(group, key.missing, key.integer);
    }
    return group;
}

/* Road 0 reads plain columns on this thread, the others random storage with up to five threads. */
static inline const struct cxm_column *of_road(const struct series *s, int road)
{
    return road == 0 ? &s->plain : &s->stored;
}

static inline int32_t threads_of_road(int road)
{
    return road < 3 ? road : 3 + (int32_t)(its_seed % 3);
}

#endif
