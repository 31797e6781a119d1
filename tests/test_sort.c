/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Histories against the slow obvious program: all rows in one list, sorted by comparing what the
 * caller gave. Every row comes exactly once, customers come whole, and any number of threads
 * gives the same order inside of a customer. */
#include "testing.h"

#include "derive/sort.h"

/* What arrived, in the order of arrival of each worker. */
struct seen {
    struct cxm_event *events;
    size_t n[CXM_MOST_WORKERS], room;
};

static enum cxm_status collect(void *context, unsigned worker, struct cxm_event *events,
                               size_t n, struct cxm_error *error)
{
    struct seen *seen = context;
    (void)error;
    assert_true(n > 0);
    memcpy(seen->events + worker * seen->room + seen->n[worker], events, n * sizeof *events);
    seen->n[worker] += n;
    return CXM_OK;
}

struct table {
    size_t n;
    uint64_t *customer;
    uint8_t *category;
    int64_t *time, *extra;
    struct cxm_column columns[4];
};

static struct table make_table(size_t n, uint64_t customers, uint64_t times, uint64_t *state)
{
    struct table t = { .n = n };
    t.customer = malloc((n + 1) * sizeof *t.customer);
    t.category = malloc(n + 1);
    t.time = malloc((n + 1) * sizeof *t.time);
    t.extra = malloc((n + 1) * sizeof *t.extra);
    for (size_t i = 0; i < n; i++) {
        t.customer[i] = random_below(state, customers) << random_below(state, 2) * 40;
        t.category[i] = (uint8_t)random_below(state, 3);
        t.time[i] = (int64_t)random_below(state, times) - 20;
        t.extra[i] = (int64_t)i * 3;
    }
    t.columns[0] = cxm_column_make("customer", CXM_U64, t.customer, n, 8, 8);
    t.columns[1] = cxm_column_make("opened", CXM_I64, t.time, n, 8, 8);
    t.columns[2] = cxm_column_make("resolved", CXM_I64, t.extra, n, 8, 8);
    t.columns[3] = cxm_column_make("category", CXM_U8, t.category, n, 1, 1);
    return t;
}

static void free_table(struct table *t)
{
    free(t->customer);
    free(t->category);
    free(t->time);
    free(t->extra);
}

static struct seen sorted(const struct table *t, int threads)
{
    struct seen seen = { .room = t->n };
    seen.events = malloc((CXM_MOST_WORKERS * t->n + 1) * sizeof *seen.events);
    const struct cxm_event_columns columns = { &t->columns[0], &t->columns[1], &t->columns[2],
                                               &t->columns[3] };
    const struct cxm_event_plan plan = { .visit = collect, .context = &seen,
                                         .threads = threads };
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, NULL), CXM_OK);
    return seen;
}

/* Neighbours of one customer are in order; a customer is in one run of one worker; the record
 * of a row has what the row has. */
static void check(const struct table *t, const struct seen *seen)
{
    uint8_t *found = calloc(t->n + 1, 1);
    size_t n = 0;
    for (unsigned w = 0; w < CXM_MOST_WORKERS; w++) {
        const struct cxm_event *e = seen->events + w * seen->room;
        n += seen->n[w];
        for (size_t i = 0; i < seen->n[w]; i++) {
            const uint32_t row = e[i].row;
            assert_true(row < t->n && !found[row]);
            found[row] = 1;
            assert_true(e[i].time == t->time[row] && e[i].extra == t->extra[row]);
            if (i == 0)
                continue;
            const uint32_t before = e[i - 1].row;
            assert_true((e[i].customer == e[i - 1].customer)
                        == (t->customer[row] == t->customer[before]));
            if (e[i].customer != e[i - 1].customer)
                continue;
            assert_true((e[i].code == e[i - 1].code)
                        == (t->category[row] == t->category[before]));
            assert_true(e[i - 1].code <= e[i].code);
            if (e[i].code == e[i - 1].code)
                assert_true(e[i - 1].time < e[i].time
                            || (e[i - 1].time == e[i].time && before < row));
        }
    }
    assert_int_equal(n, t->n);
    free(found);
}

/* Each run of a customer ends: it does not come again. */
static void check_whole(const struct table *t, const struct seen *seen)
{
    size_t runs = 0, distinct = 0;
    for (unsigned w = 0; w < CXM_MOST_WORKERS; w++) {
        const struct cxm_event *e = seen->events + w * seen->room;
        for (size_t i = 0; i < seen->n[w]; i++)
            runs += i == 0 || e[i].customer != e[i - 1].customer;
    }
    for (size_t i = 0; i < t->n; i++) {
        size_t j = 0;
        while (t->customer[j] != t->customer[i])
            j++;
        distinct += j == i;
    }
    assert_int_equal(runs, distinct);
}

static void small_tables(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 400; round++) {
        struct table t = make_table(random_below(&seed, 90), 1 + random_below(&seed, 20),
                                    1 + random_below(&seed, 30), &seed);
        struct seen seen = sorted(&t, 1 + (int)random_below(&seed, 3));
        check(&t, &seen);
        check_whole(&t, &seen);
        free(seen.events);
        free_table(&t);
    }
}

static void large_tables(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static const uint64_t customers[] = { 1, 3, 1000, 100000, UINT64_MAX >> 40 };
    for (size_t c = 0; c < COUNT_OF(customers); c++) {
        struct table t = make_table(200000, customers[c], c == 2 ? 5 : 1000000000, &seed);
        for (int threads = 1; threads <= 3; threads++) {
            struct seen seen = sorted(&t, threads);
            check(&t, &seen);
            free(seen.events);
        }
        free_table(&t);
    }
}

/* One customer, times that go down, up, and zigzag. */
static void single_customer(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int shape = 0; shape < 3; shape++) {
        struct table t = make_table(5000, 1, 10, &seed);
        for (size_t i = 0; i < t.n; i++) {
            t.customer[i] = 7;
            t.category[i] = 0;
            t.time[i] = shape == 0 ? -(int64_t)i : shape == 1 ? (int64_t)i / 3
                                                              : (int64_t)(i * 7919 % 5003);
        }
        struct seen seen = sorted(&t, 2);
        check(&t, &seen);
        free(seen.events);
        free_table(&t);
    }
}

static enum cxm_status refuse(void *context, unsigned worker, struct cxm_event *events, size_t n,
                              struct cxm_error *error)
{
    (void)context, (void)worker, (void)events, (void)n;
    return cxm_priv_fail(error, CXM_EINCONSISTENT, "customer", "no");
}

static void keep_even(void *context, const struct cxm_event_block *block, bool *keep)
{
    (void)context;
    for (size_t i = 0; i < block->n; i++)
        keep[i] = (block->first + (int64_t)i) % 2 == 0;
}

static void filters_and_failures(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct table t = make_table(1001, 9, 50, &seed);
    struct seen seen = { .events = malloc(CXM_MOST_WORKERS * t.n * sizeof *seen.events),
                         .room = t.n };
    struct cxm_event_columns columns = { &t.columns[0], &t.columns[1], NULL, NULL };
    struct cxm_event_plan plan = { .filter = keep_even, .visit = collect, .context = &seen };
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, NULL), CXM_OK);
    assert_int_equal(seen.n[0], 501);
    for (size_t i = 0; i < 501; i++)
        assert_true(seen.events[i].row % 2 == 0 && seen.events[i].extra == CXM_NO_INSTANT
                    && seen.events[i].code == 0);
    struct cxm_error error;
    plan.visit = refuse;
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, &error), CXM_EINCONSISTENT);
    assert_string_equal(error.message, "no");
    free(seen.events);
    free_table(&t);
}

static void missing_and_invalid(void **state)
{
    (void)state;
    static const char *const names[] = { "b", NULL, "a", "b", "", "a" };
    const int64_t days[6] = { 1, 2, 3, INT64_MAX / 2, 5, INT64_MIN };
    struct cxm_column customer = cxm_column_make("who", CXM_STRINGS, names, 6, 8, 8);
    struct cxm_column when = cxm_column_make("when", CXM_I64, days, 6, 8, 8);
    struct cxm_event events[6 * CXM_MOST_WORKERS];
    struct seen seen = { .events = events, .room = 6 };
    const struct cxm_event_columns columns = { &customer, &when, NULL, NULL };
    struct cxm_event_plan plan = { .visit = collect, .context = &seen };
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, NULL), CXM_OK);
    assert_int_equal(seen.n[0], 4); /* without row 1, and row 5: INT64_MIN is no instant */
    memset(&seen.n, 0, sizeof seen.n);
    when.time_unit = CXM_DAYS;
    struct cxm_error error;
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, &error), CXM_EDATA);
    assert_int_equal(error.row, 3);
    assert_string_equal(error.column, "when");
    plan.count_invalid = true;
    assert_int_equal(cxm_priv_sort_events(&columns, &plan, &error), CXM_OK);
    assert_int_equal(seen.n[0], 3);
}

static void codes_of_keys(void **state)
{
    (void)state;
    const int8_t signs[6] = { -1, 3, -1, 0, 3, 7 };
    static const char *const names[] = { "b", NULL, "b", "a", "", "a" };
    const struct cxm_column a = cxm_column_make("a", CXM_I8, signs, 6, 1, 1);
    const struct cxm_column b = cxm_column_make("b", CXM_STRINGS, names, 6, 8, 8);
    const struct cxm_column *const both[2] = { &a, &b };
    struct cxm_codes codes;
    assert_int_equal(cxm_priv_code_keys(both, 1, "by", false, NULL, &codes, NULL), CXM_OK);
    const uint32_t first[6] = { 0, 1, 0, 2, 1, 3 }, ranks[4] = { 0, 2, 1, 3 };
    assert_int_equal(codes.n, 4);
    assert_memory_equal(codes.codes, first, sizeof first);
    assert_memory_equal(codes.ranks, ranks, sizeof ranks);
    cxm_priv_codes_release(&codes);
    assert_int_equal(cxm_priv_code_keys(both + 1, 1, "by", false, NULL, &codes, NULL), CXM_OK);
    const uint32_t texts[6] = { 0, CXM_CODE_MISSING, 0, 1, 2, 1 };
    assert_memory_equal(codes.codes, texts, sizeof texts);
    cxm_priv_codes_release(&codes);
    assert_int_equal(cxm_priv_code_keys(both, 2, "by", false, NULL, &codes, NULL), CXM_OK);
    const uint32_t pairs[6] = { 0, 1, 0, 2, 3, 4 };
    assert_int_equal(codes.n, 5);
    assert_memory_equal(codes.codes, pairs, sizeof pairs);
    assert_int_equal(codes.ranks[1], 3); /* (3, missing) comes after (3, "") */
    assert_int_equal(codes.ranks[3], 2);
    cxm_priv_codes_release(&codes);
}

static void out_of_memory(void **state)
{
    (void)state;
    uint64_t seed = 5;
    static const char *names[300];
    struct table t = make_table(300, 40, 60, &seed);
    char text[40][4];
    for (size_t i = 0; i < 40; i++)
        snprintf(text[i], sizeof text[i], "c%zu", i);
    for (size_t i = 0; i < 300; i++)
        names[i] = text[t.customer[i] % 40];
    const struct cxm_column who = cxm_column_make("who", CXM_STRINGS, names, 300, 8, 8);
    const struct cxm_column wide = cxm_column_make("wide", CXM_I64, t.extra, 300, 8, 8);
    for (int always = 0; always < 2; always++) {
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            heap_init(&heap, fail_at);
            heap.fail_on = always != 0;
            struct cxm_event events[300];
            struct seen seen = { .events = events, .room = 300 };
            const struct cxm_event_columns columns = { &who, &t.columns[1], NULL, &wide };
            const struct cxm_event_plan plan = { .visit = collect, .context = &seen,
                                                 .allocator = &heap.allocator };
            const enum cxm_status got = cxm_priv_sort_events(&columns, &plan, NULL);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
    free_table(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_tables),      cmocka_unit_test(large_tables),
        cmocka_unit_test(single_customer),   cmocka_unit_test(filters_and_failures),
        cmocka_unit_test(missing_and_invalid), cmocka_unit_test(codes_of_keys),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
