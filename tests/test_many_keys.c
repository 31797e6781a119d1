/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tens of thousands of keys: their rows are sorted by part of the keys first. A frequency of 1 in
 * every row sends the same rows over the general road, which must give the same bytes and the same
 * messages, for every kind of weight, key and answer, chunk and number of threads. */
#include "saved.h"

#include <cxm/cxm.h>

#include <math.h>
#include <stdlib.h>

enum { ROWS = 135000, KEYS = 70000 }; /* enough for two threads, and for the road of weights */

enum weights { NONE, PLAIN, WHOLE, EQUAL, HALVES, LIMIT, TOO_FAR, TINY, HUGE_ONES, ONE_ZERO, ONE_BAD };
enum keys { DENSE, GAPS, NEGATIVE, SHORT, WIDE, SPARSE, SPARSE_NULLS, ALL_DIFFERENT, OUTLIERS };
enum answers { ALL_GOOD, WITH_MISSING, WITH_BITMAP, ONE_INVALID };

struct row { /* of a struct of the caller's */
    uint64_t wide_key;
    double weight;
    uint32_t key;
    int16_t short_key;
    uint8_t score;
};

struct rows {
    struct row *at;
    int64_t *ones;
    uint8_t valid[ROWS / 8 + 1];
    struct cxm_column columns[4];
    struct cxm_input inputs[4];
    size_t n_inputs;
    const char *metric;
    bool count_invalid;
};

static double weight_of(enum weights kind, uint64_t *seed, int64_t i)
{
    const double unit = (double)(random_u64(seed) >> 11) * 0x1p-53;
    switch (kind) {
    case WHOLE:
        return (double)(1 + random_u64(seed) % 100);
    case EQUAL:
        return 1;
    case HALVES:
        return 0.5 * (double)(1 + random_u64(seed) % 6);
    case LIMIT: /* as far apart as one pass takes, and both ends are there */
        return ldexp(1 + unit, i % 2 == 0 ? (int)(random_u64(seed) % 10) : i % 4 == 1 ? 0 : 9);
    case TOO_FAR:
        return ldexp(1 + unit, (int)(random_u64(seed) % 40));
    case TINY:
        return (1 + unit) * 1.5e-100;
    case HUGE_ONES:
        return (1 + unit) * 4e99;
    case ONE_ZERO:
        return i == 500 ? 0 : 1 + unit;
    case ONE_BAD:
        return i == 500 ? -1 : 1 + unit;
    default:
        return 0.2 + 2 * unit;
    }
}

static void add_column(struct rows *r, const char *role, struct cxm_column column)
{
    r->columns[r->n_inputs] = column;
    r->inputs[r->n_inputs] = (struct cxm_input){ role, &r->columns[r->n_inputs] };
    r->n_inputs++;
}

static void add_key(struct rows *r, enum keys kind)
{
    const int64_t stride = sizeof *r->at;
    struct cxm_column key = cxm_column_make("key", CXM_U32, &r->at[0].key, ROWS, stride, 4);
    if (kind == NEGATIVE)
        key.type = CXM_I32;
    if (kind == SHORT)
        key = cxm_column_make("key", CXM_I16, &r->at[0].short_key, ROWS, stride, 2);
    if (kind == WIDE || kind >= SPARSE)
        key = cxm_column_make("key", CXM_U64, &r->at[0].wide_key, ROWS, stride, 8);
    if (kind == SPARSE_NULLS)
        key.validity = r->valid;
    add_column(r, "by", key);
}

static struct rows *make_rows(enum weights weights, enum keys keys, enum answers answers)
{
    struct rows *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->at = calloc(ROWS, sizeof *r->at);
    r->ones = calloc(ROWS, sizeof *r->ones);
    assert_true(r->at != NULL && r->ones != NULL);
    uint64_t seed = 20261122 + 100 * weights + 10 * keys + answers;
    for (int64_t i = 0; i < ROWS; i++) {
        const uint32_t key = (uint32_t)(random_u64(&seed) % KEYS);
        r->at[i] = (struct row){
            .weight = weight_of(weights, &seed, i),
            .key = keys == GAPS ? 7 * (key % 10000) + 3000000000u : keys == NEGATIVE ? key - 9000 : key,
            .short_key = (int16_t)((int32_t)(key % 20000) - 9000),
            .wide_key = keys == WIDE  ? key
                      : keys == ALL_DIFFERENT /* tables grow, with that of hash 0 in them */
                      ? (i % 1000 == 0 ? 0 : (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15))
                      : keys == OUTLIERS /* most differ in their low bits only */
                      ? (i % 100 == 0 ? UINT64_MAX - key : key)
                      : i % 20 == 0 ? 77 /* many times */
                      : key == 5    ? 0
                                    : (key + 1) * UINT64_C(0x9E3779B97F4A7C15),
            .score = (uint8_t)(answers == WITH_MISSING && i % 7 == 0 ? 99 : random_u64(&seed) % 11),
        };
        r->ones[i] = 1;
        r->valid[i / 8] |= (uint8_t)((random_u64(&seed) % 5 != 0) << i % 8);
    }
    if (answers == ONE_INVALID)
        r->at[ROWS - 5].score = 77;
    static const double missing[] = { 99 };
    struct cxm_column score = cxm_column_make("score", CXM_U8, &r->at[0].score, ROWS,
                                              sizeof *r->at, 1);
    if (answers == WITH_MISSING) {
        score.missing_codes = missing;
        score.n_missing_codes = 1;
    }
    if (answers == WITH_BITMAP)
        score.validity = r->valid;
    add_column(r, "score", score);
    add_key(r, keys);
    if (weights != NONE)
        add_column(r, "weight", cxm_column_make("weight", CXM_F64, &r->at[0].weight, ROWS,
                                                sizeof *r->at, 8));
    return r;
}

static void free_rows(struct rows *r)
{
    free(r->at);
    free(r->ones);
    free(r);
}

struct saved {
    uint8_t *bytes;
    size_t n;
    enum cxm_status status;
    struct cxm_error error;
};

static enum cxm_status add(const struct rows *r, struct cxm_tally *tally, int64_t first, int64_t n,
                           bool general, int32_t threads, struct cxm_error *error)
{
    struct cxm_column columns[5];
    struct cxm_input inputs[5];
    const struct cxm_add_options options = {
        .size = sizeof options, .threads = threads,
        .invalid = r->count_invalid ? CXM_INVALID_COUNT : CXM_INVALID_ERROR,
    };
    size_t n_inputs = r->n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        columns[i] = r->columns[i];
        inputs[i] = (struct cxm_input){ r->inputs[i].role, &columns[i] };
    }
    if (general) {
        columns[n_inputs] = cxm_column_make("freq", CXM_I64, r->ones, ROWS, 8, 8);
        inputs[n_inputs] = (struct cxm_input){ "freq", &columns[n_inputs] };
        n_inputs++;
    }
    for (size_t i = 0; i < n_inputs; i++) {
        columns[i].offset = first;
        columns[i].n = n;
        columns[i].validity_offset = first;
    }
    return cxm_tally_add(tally, inputs, n_inputs, &options, error);
}

/* A tally of these rows, the first `cut` of them added first. */
static struct saved run(const struct rows *r, bool general, int64_t cut, int32_t threads,
                        const struct cxm_allocator *allocator)
{
    struct cxm_tally *tally;
    struct saved out = { .bytes = NULL };
    out.status = cxm_tally_new("nps", NULL, 0, allocator, &tally, &out.error);
    if (out.status != CXM_OK)
        return out;
    if (cut > 0)
        out.status = add(r, tally, 0, cut, general, threads, &out.error);
    if (out.status == CXM_OK)
        out.status = add(r, tally, cut, ROWS - cut, general, threads, &out.error);
    if (out.status == CXM_OK && allocator == NULL)
        out.bytes = save_tally(tally, &out.n);
    cxm_tally_free(tally);
    return out;
}

static void same_on_every_road(struct rows *r, enum cxm_status status)
{
    static const struct { int64_t cut; int32_t threads; } roads[] = {
        { 0, 2 }, { 66000, 1 },
    };
    const struct saved want = run(r, true, 0, 1, NULL);
    assert_int_equal(want.status, status);
    for (size_t k = 0; k < sizeof roads / sizeof roads[0]; k++) {
        const struct saved got = run(r, false, roads[k].cut, roads[k].threads, NULL);
        assert_int_equal(got.status, want.status);
        if (want.status == CXM_OK) {
            assert_int_equal(got.n, want.n);
            assert_memory_equal(got.bytes, want.bytes, want.n);
        } else if (roads[k].cut == 0) {
            assert_int_equal(got.error.row, want.error.row);
            assert_string_equal(got.error.message, want.error.message);
        }
        free(got.bytes);
    }
    free(want.bytes);
    free_rows(r);
}

static void every_weight(void **state)
{
    (void)state;
    for (int w = NONE; w <= ONE_BAD; w++)
        same_on_every_road(make_rows((enum weights)w, DENSE, WITH_MISSING),
                           w == ONE_BAD ? CXM_EDATA : CXM_OK);
}

static void every_key(void **state)
{
    (void)state;
    for (int k = DENSE; k <= OUTLIERS; k++) {
        same_on_every_road(make_rows(PLAIN, (enum keys)k, ALL_GOOD), CXM_OK);
        same_on_every_road(make_rows(NONE, (enum keys)k, ALL_GOOD), CXM_OK);
    }
}

static void every_answer(void **state)
{
    (void)state;
    for (int a = ALL_GOOD; a <= ONE_INVALID; a++) {
        for (int w = NONE; w <= PLAIN; w++) {
            const enum cxm_status want = a == ONE_INVALID ? CXM_EDATA : CXM_OK;
            same_on_every_road(make_rows((enum weights)w, DENSE, (enum answers)a), want);
            same_on_every_road(make_rows((enum weights)w, SPARSE, (enum answers)a), want);
        }
    }
    struct rows *r = make_rows(PLAIN, DENSE, ONE_INVALID);
    r->count_invalid = true;
    same_on_every_road(r, CXM_OK);
    r = make_rows(NONE, SPARSE, ONE_INVALID);
    r->count_invalid = true;
    same_on_every_road(r, CXM_OK);
}

/* All rows in one group, but for the ends of a long run of keys. */
static void one_heavy_key(void **state)
{
    (void)state;
    for (int w = NONE; w <= WHOLE; w++) {
        struct rows *r = make_rows((enum weights)w, DENSE, ALL_GOOD);
        for (int64_t i = 2; i < ROWS; i++)
            r->at[i].key = 12345;
        r->at[0].key = 0;
        r->at[1].key = KEYS;
        same_on_every_road(r, CXM_OK);
    }
}

/* Loading takes nothing but keys in order; merging finds its groups in any order. */
static void saved_in_order(void **state)
{
    (void)state;
    for (int k = SPARSE; k <= SPARSE_NULLS; k++) {
        for (int w = NONE; w <= PLAIN; w++) {
            struct rows *r = make_rows((enum weights)w, (enum keys)k, ALL_GOOD);
            struct cxm_tally *some, *rest, *loaded, *copy;
            struct saved whole = run(r, true, 0, 1, NULL), merged = { .bytes = NULL };
            assert_int_equal(cxm_tally_load(whole.bytes, whole.n, NULL, &loaded, NULL), CXM_OK);
            assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &some, NULL), CXM_OK);
            assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &rest, NULL), CXM_OK);
            assert_int_equal(add(r, some, 0, 9000, true, 1, NULL), CXM_OK);
            assert_int_equal(add(r, rest, 9000, ROWS - 9000, true, 1, NULL), CXM_OK);
            assert_int_equal(cxm_tally_copy(rest, &copy, NULL), CXM_OK);
            assert_int_equal(cxm_tally_equal(rest, copy), 1);
            assert_int_equal(cxm_tally_merge(copy, some, NULL), CXM_OK);
            assert_int_equal(cxm_tally_merge(some, rest, NULL), CXM_OK);
            assert_int_equal(cxm_tally_equal(some, copy), 1);
            assert_int_equal(cxm_tally_equal(some, loaded), 1);
            merged.bytes = save_tally(copy, &merged.n);
            assert_int_equal(merged.n, whole.n);
            assert_memory_equal(merged.bytes, whole.bytes, whole.n);
            /* The same groups in the same order, and doubled. */
            assert_int_equal(cxm_tally_merge(loaded, loaded, NULL), CXM_OK);
            assert_int_equal(cxm_tally_merge(copy, some, NULL), CXM_OK);
            assert_int_equal(cxm_tally_equal(loaded, copy), 1);
            assert_int_equal(cxm_tally_subtract(loaded, some, NULL), CXM_OK);
            assert_int_equal(cxm_tally_equal(loaded, some), 1);
            cxm_tally_free(some);
            cxm_tally_free(rest);
            cxm_tally_free(copy);
            cxm_tally_free(loaded);
            free(whole.bytes);
            free(merged.bytes);
            free_rows(r);
        }
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (int w = NONE; w <= PLAIN; w++) {
        for (int k = DENSE; k <= SPARSE; k += SPARSE - DENSE) {
            struct rows *r = make_rows((enum weights)w, (enum keys)k, ALL_GOOD);
            for (int fail_at = 1;; fail_at++) {
                struct heap heap;
                heap_init(&heap, fail_at);
                const struct saved got = run(r, false, 0, 2, &heap.allocator);
                assert_int_equal(heap.live, 0);
                if (got.status == CXM_OK)
                    break;
                assert_int_equal(got.status, CXM_ENOMEM);
                fail_at += fail_at < 40 ? 0 : fail_at; /* the general road grows step by step */
            }
            free_rows(r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight),   cmocka_unit_test(every_key),
        cmocka_unit_test(every_answer),   cmocka_unit_test(one_heavy_key),
        cmocka_unit_test(saved_in_order), cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
