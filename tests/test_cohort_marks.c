/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Words of bits for customers: periods of instants at every boundary of the calendar, and the variants
 * of the loop that marks them, of every length and alignment, with a row outside at every place. All
 * of a variant's memory lies before pages that may not be touched. */
#define _DEFAULT_SOURCE
#include "guarded.h"

#include "derive/cohort_mark.h"

enum { DAY = 86400, N_PERIODS = 32, MOST_ROWS = 150 };

static struct cxm_cohort_plan plan_of(enum cxm_calendar unit, int64_t length, int64_t as_of)
{
    const struct cxm_periods periods = { .unit = unit, .length = length, .utc_offset = 3600 };
    return (struct cxm_cohort_plan){ .rows = periods, .columns = periods, .as_of = as_of };
}

/* ---- periods -------------------------------------------------------------------------- */

static void check_instant(const struct cxm_cohort_calendar *c, const struct cxm_cohort_plan *plan,
                          int64_t t)
{
    const int64_t period = cxm_priv_period_index(&plan->columns, t) - c->first_period;
    const bool in = period >= 0 && period < c->n_periods && t <= plan->as_of;
    assert_int_equal(cxm_priv_cohort_bit(c, t), in ? period : CXM_COHORT_BITS);
}

static void check_calendar(const struct cxm_cohort_plan *plan, int64_t first, int64_t n)
{
    struct cxm_cohort_calendar *c = malloc(sizeof *c);
    assert_non_null(c);
    assert_true(cxm_priv_cohort_calendar(c, plan, first, n));
    for (int64_t i = -2; i <= n + 2; i++) {
        const int64_t begin = cxm_priv_period_begin(&plan->columns, first + i);
        for (int64_t d = -2; d <= 2; d++)
            check_instant(c, plan, begin + d);
    }
    for (int64_t d = -2; d <= 2; d++)
        check_instant(c, plan, plan->as_of + d);
    for (size_t s = 0; s <= c->n_slots; s++) {
        for (int64_t d = -1; d <= 1; d++)
            check_instant(c, plan, c->begin + ((int64_t)s << c->shift) + d);
    }
    check_instant(c, plan, INT64_MIN);
    check_instant(c, plan, INT64_MAX);
    free(c);
}

static void periods_change_at_their_boundaries(void **state)
{
    static const struct {
        enum cxm_calendar unit;
        int64_t length;
    } units[] = { { CXM_DAY, 0 }, { CXM_WEEK, 0 }, { CXM_MONTH, 0 }, { CXM_QUARTER, 0 },
                  { CXM_YEAR, 0 }, { CXM_NO_CALENDAR, 7 }, { CXM_NO_CALENDAR, 4096 } };
    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        struct cxm_cohort_plan plan = plan_of(units[u].unit, units[u].length, INT64_MAX / 4);
        for (int64_t instant = -5000 * DAY; instant <= 20000LL * DAY; instant += 997 * DAY) {
            const int64_t first = cxm_priv_period_index(&plan.columns, instant);
            check_calendar(&plan, first, N_PERIODS);
            check_calendar(&plan, first, CXM_COHORT_BITS);
            struct cxm_cohort_plan early = plan;
            early.as_of = cxm_priv_period_begin(&plan.columns, first + 5) + 3;
            check_calendar(&early, first, N_PERIODS);
            early.as_of = cxm_priv_period_begin(&plan.columns, first) - 1; /* none has begun */
            struct cxm_cohort_calendar *none = malloc(sizeof *none);
            assert_false(cxm_priv_cohort_calendar(none, &early, first, N_PERIODS));
            free(none);
        }
    }
}

/* ---- marks ---------------------------------------------------------------------------- */

struct rows {
    uint32_t ids[MOST_ROWS];
    int64_t times[MOST_ROWS];
};

/* One row outside: before, after, by one or far, in the id or the time. */
static void put_outside(struct rows *r, size_t at, const struct cxm_cohort_marks *m, unsigned kind)
{
    const int64_t begin = m->calendar->begin;
    const int64_t times[] = { begin - 1, begin + (int64_t)m->calendar->last + 1, INT64_MIN, INT64_MAX };
    const uint32_t ids[] = { m->low_id - 1, m->low_id + m->n_ids, m->low_id + 0x80000000u };
    if (kind < 4)
        r->times[at] = times[kind];
    else
        r->ids[at] = ids[kind - 4];
}

enum { N_KINDS = 7 };

/* Marks n rows of which row `outside` (n: none) is outside. */
static void check_marks(cxm_cohort_mark *mark, const struct cxm_cohort_marks *m, const struct rows *r,
                        size_t n, size_t outside)
{
    struct guarded ids = guard(n * sizeof *r->ids), times = guard(n * sizeof *r->times);
    struct guarded words = guard(m->n_ids * sizeof *m->words);
    uint32_t expected[64] = { 0 };
    if (n > 0) {
        memcpy(ids.bytes, r->ids, n * sizeof *r->ids);
        memcpy(times.bytes, r->times, n * sizeof *r->times);
    }
    struct cxm_cohort_marks own = *m;
    own.words = (uint32_t *)(void *)words.bytes;
    const size_t marked = mark(&own, (const uint32_t *)(const void *)ids.bytes,
                               (const int64_t *)(const void *)times.bytes, n);
    const size_t most = n < CXM_MARK_LEFT ? 0 : n - CXM_MARK_LEFT + 8;
    assert_true(marked <= most && marked <= outside);
    assert_true(marked + 8 > outside || marked + 8 > most);
    for (size_t i = 0; i < marked; i++) {
        const int64_t period = cxm_priv_cohort_bit(m->calendar, r->times[i]);
        expected[r->ids[i] - m->low_id] |= (uint32_t)1 << period;
    }
    assert_memory_equal(own.words, expected, m->n_ids * sizeof *expected);
    unguard(ids);
    unguard(times);
    unguard(words);
}

static void check_variant(cxm_cohort_mark *mark, const struct cxm_cohort_marks *m, uint64_t *seed)
{
    struct rows r;
    for (size_t i = 0; i < MOST_ROWS; i++) {
        r.ids[i] = m->low_id + (uint32_t)random_below(seed, m->n_ids);
        r.times[i] = m->calendar->begin + (int64_t)random_below(seed, m->calendar->last + 1);
    }
    r.ids[0] = m->low_id;
    r.ids[1] = m->low_id + m->n_ids - 1;
    r.times[0] = m->calendar->begin;
    r.times[1] = m->calendar->begin + (int64_t)m->calendar->last;
    for (size_t n = 0; n <= MOST_ROWS; n++)
        check_marks(mark, m, &r, n, n);
    for (size_t at = 0; at < MOST_ROWS; at++) {
        for (unsigned kind = 0; kind < N_KINDS; kind++) {
            struct rows bad = r;
            put_outside(&bad, at, m, kind);
            check_marks(mark, m, &bad, MOST_ROWS, at);
        }
    }
}

static void variants_mark_the_same(void **state)
{
    static const uint32_t lows[] = { 0, 1, 5000, 0x7ffffff0u, 0xffffff00u };
    uint64_t seed = random_seed();
    const struct cxm_cohort_plan plan = plan_of(CXM_MONTH, 0, 9000LL * DAY);
    struct cxm_cohort_calendar *c = malloc(sizeof *c);
    (void)state;
    assert_non_null(c);
    assert_true(cxm_priv_cohort_calendar(
        c, &plan, cxm_priv_period_index(&plan.columns, plan.as_of) - (N_PERIODS - 1), N_PERIODS));
    for (size_t i = 0; i < sizeof lows / sizeof *lows; i++) {
        const struct cxm_cohort_marks m = { c, NULL, lows[i], i % 2 == 0 ? 64 : 1 };
        for (unsigned mask = 0; mask <= CXM_CPU_AVX2; mask += CXM_CPU_AVX2)
            check_variant(cxm_priv_cohort_mark(mask), &m, &seed);
#if CXM_COHORT_X86
        if (CXM_SUPPORTS("avx2") && CXM_SUPPORTS("bmi2"))
            check_variant(cxm_priv_cohort_mark_avx2, &m, &seed);
#endif
    }
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_change_at_their_boundaries),
        cmocka_unit_test(variants_mark_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
