/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Means by more keys than a small table of slots holds, of four rows each and more. A frequency of 1
 * in every row sends the same rows over the general road, which must give the same bytes and the same
 * messages, for values of every kind, keys beyond the range that a look saw, keys in any order, in chunks,
 * and with any number of threads. */
#include "saved.h"

#include <cxm/cxm.h>

#include <stdlib.h>

enum { KEYS = 70000, ROWS = 5 * KEYS, FIRST = -12345 };

enum values { PLAIN, NEGATIVE, FAR_APART, MISSING, INFINITE, COUNTED, VALUES };
enum order { ANY, SORTED, SKEWED, ORDERS };

struct rows {
    int32_t keys[ROWS];
    double values[ROWS];
    int64_t ones[ROWS];
    enum values kind;
};

static double value_of(enum values kind, uint64_t draw, size_t i)
{
    const double u = 0.5 + (double)(draw >> 11) * 0x1p-53;
    switch (kind) {
    case NEGATIVE: return draw % 3 == 0 ? -u : u;
    case FAR_APART: return i < 300000 ? u : ldexp(u, (int)(draw % 80) - 40);
    case MISSING: return draw % 4 == 0 ? (double)NAN : u;
    case INFINITE: case COUNTED: return i % 100000 == 77777 ? (double)INFINITY : u;
    default: return 300 * u;
    }
}

static struct rows *make_rows(enum values kind, enum order order, bool beyond)
{
    struct rows *r = malloc(sizeof *r);
    uint64_t seed = 20261124 + 10 * kind + order;
    assert_non_null(r);
    r->kind = kind;
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t draw = random_u64(&seed);
        const double u = (double)(draw >> 11) * 0x1p-53;
        r->keys[i] = FIRST + (order == SORTED ? (int32_t)(i * KEYS / ROWS)
                              : (int32_t)(KEYS * (order == SKEWED ? u * u * u : u)));
        r->values[i] = value_of(kind, random_u64(&seed), i);
        r->ones[i] = 1;
    }
    r->keys[0] = FIRST; /* rows that are looked at reach as far as there are keys */
    r->keys[ROWS - 1] = FIRST + KEYS - 1;
    if (beyond)
        r->keys[ROWS / 2 + 9000] = 2000000000;
    return r;
}

/* No more than 24 MiB at a time: the cells of all slots are refused, what grows with groups is not. */
static void *allocate_some(void *context, size_t bytes)
{
    (void)context;
    return bytes <= (size_t)3 << 23 ? malloc(bytes) : NULL;
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const struct cxm_allocator in_small_blocks = { NULL, allocate_some, release };

static enum cxm_status add_rows(const struct rows *r, int64_t first, int64_t n, bool general,
                                int32_t threads, struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_column value = cxm_column_make("value", CXM_F64, r->values + first, n, 8, 8);
    const struct cxm_column by = cxm_column_make("by", CXM_I32, r->keys + first, n, 4, 4);
    const struct cxm_column ones = cxm_column_make("freq", CXM_I64, r->ones, n, 8, 8);
    const struct cxm_input inputs[3] = { { "value", &value }, { "by", &by }, { "freq", &ones } };
    const struct cxm_add_options options = {
        .size = sizeof options, .threads = threads,
        .invalid = r->kind == COUNTED ? CXM_INVALID_COUNT : CXM_INVALID_ERROR,
    };
    return cxm_tally_add(tally, inputs, general ? 3 : 2, &options, error);
}

static struct outcome run(const struct rows *r, bool general, int64_t chunk, int32_t threads,
                          const struct cxm_allocator *allocator)
{
    struct outcome out = { .bytes = NULL };
    struct cxm_tally *tally;
    out.status = cxm_tally_new("mean", NULL, 0, allocator, &tally, &out.error);
    if (out.status != CXM_OK)
        return out;
    for (int64_t first = 0; out.status == CXM_OK && first < ROWS; first += chunk)
        out.status = add_rows(r, first, ROWS - first < chunk ? ROWS - first : chunk, general, threads,
                              tally, &out.error);
    if (out.status == CXM_OK && (allocator == NULL || allocator == &in_small_blocks))
        out.bytes = save_tally(tally, &out.n);
    cxm_tally_free(tally);
    return out;
}

static void same_on_every_road(enum values kind, enum order order, bool beyond)
{
    static const struct { int64_t chunk; int32_t threads; } roads[] = {
        { ROWS, 1 }, { ROWS, 2 }, { 300000, 1 },
    };
    struct rows *r = make_rows(kind, order, beyond);
    const struct outcome want = run(r, true, ROWS, 1, NULL);
    assert_int_equal(want.status, kind == INFINITE ? CXM_EDATA : CXM_OK);
    for (size_t k = 0; k < sizeof roads / sizeof *roads; k++) {
        const struct outcome got = run(r, false, roads[k].chunk, roads[k].threads, NULL);
        assert_same_outcome(&got, &want);
        free(got.bytes);
    }
    free(want.bytes);
    free(r);
}

static void every_value(void **state)
{
    (void)state;
    for (int kind = 0; kind < VALUES; kind++)
        same_on_every_road((enum values)kind, (enum order)(kind % ORDERS), false);
}

static void every_order(void **state)
{
    (void)state;
    for (int order = 0; order < ORDERS; order++)
        same_on_every_road(order == SKEWED ? MISSING : PLAIN, (enum order)order, false);
}

static void keys_beyond(void **state)
{
    (void)state;
    same_on_every_road(PLAIN, ANY, true);
    same_on_every_road(NEGATIVE, SKEWED, true);
}

/* Refused cells of all slots are no error; any other allocation that fails is. */
static void out_of_memory(void **state)
{
    (void)state;
    struct rows *r = make_rows(PLAIN, ANY, false);
    int went_on = 0;
    bool failed = true;
    for (int fail_at = 1; failed; fail_at++) {
        struct heap heap;
        heap_init(&heap, fail_at);
        const enum cxm_status status = run(r, false, ROWS, 1, &heap.allocator).status;
        assert_int_equal(heap.live, 0);
        assert_true(status == CXM_OK || status == CXM_ENOMEM);
        failed = heap.calls >= fail_at;
        went_on += failed && status == CXM_OK;
    }
    assert_int_equal(went_on, 1);
    free(r);
}

static void memory_in_small_blocks(void **state)
{
    (void)state;
    for (int kind = 0; kind < VALUES; kind++) {
        struct rows *r = make_rows((enum values)kind, (enum order)(kind % ORDERS), false);
        const struct outcome want = run(r, true, ROWS, 1, NULL);
        const struct outcome got = run(r, false, ROWS, 1 + kind % 2, &in_small_blocks);
        assert_same_outcome(&got, &want);
        free(want.bytes);
        free(got.bytes);
        free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value),
        cmocka_unit_test(every_order),
        cmocka_unit_test(keys_beyond),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(memory_in_small_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
