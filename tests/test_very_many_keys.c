/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * More keys than their counters fit in a cache: rows are sorted into blocks by part of the keys, and
 * the range of the keys is known from a look at some rows only. A frequency of 1 in every row sends
 * the same rows over the general road, which must give the same bytes and the same messages, for
 * every kind of key and answer, keys beyond the range, and number of threads; for rows of which
 * most belong to a few keys, and for rows in the order of their keys too. */
#include "saved.h"

#include <cxm/cxm.h>

#include <stdlib.h>

enum { ROWS = 300001, KEYS = 200000, FIRST = 1000000, MISSING = 99 };

enum keys { PLAIN, SIGNED, WIDE, IN_STRUCT };
enum answers { GOOD, WITH_MISSING, WITH_BITMAP, INVALID, COUNTED };
enum shape { EVEN, SKEWED, SORTED };
enum beyond { NONE, BELOW, ABOVE, BOTH, FAR, BELOW_LATE, BELOW_LAST };

struct row { /* of a struct of the caller's */
    uint32_t key;
    uint8_t score;
};

struct rows {
    uint32_t keys[ROWS];
    int64_t wide[ROWS];
    struct row structs[ROWS];
    uint8_t scores[ROWS];
    uint8_t valid[ROWS / 8 + 2];
    int64_t ones[ROWS];
    struct cxm_column columns[3];
    bool count_invalid;
};

/* Half of the rows have one of a few keys, and one key a fifth of all; a sixth is of the last part. */
static uint32_t skewed(uint32_t key, uint64_t draw)
{
    const uint64_t kind = (draw >> 44) % 30;
    return kind < 6    ? 77
         : kind < 15   ? key % 1500
         : kind < 20   ? KEYS - 1 - key % 100
                       : key;
}

static int by_key(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Keys with 256 or 512 equal answers and no other: their counters went round and are 0. */
static void draw_rows(struct rows *r, enum answers answers, enum shape shape, uint64_t *seed)
{
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t draw = random_u64(seed);
        const uint32_t key = (uint32_t)(draw % KEYS);
        r->keys[i] = FIRST + (shape == SKEWED ? skewed(key, draw) : key);
        r->scores[i] = answers == WITH_MISSING && draw >> 60 == 0 ? MISSING : (uint8_t)((draw >> 32) % 11);
        r->valid[i / 8] |= (uint8_t)((draw >> 40) % 5 != 0) << i % 8;
        r->ones[i] = 1;
        if (r->keys[i] >= FIRST + 4094 && r->keys[i] <= FIRST + 4098)
            r->keys[i] += 10;
    }
    for (size_t i = 0; i < 256 + 512 + 256; i++) {
        r->keys[70000 + 7 * i] = FIRST + (i < 256 ? 4095 : i < 768 ? 4096 : 4097);
        r->scores[70000 + 7 * i] = i < 768 || answers < INVALID ? 10 : 77;
    }
    if (shape == SORTED)
        qsort(r->keys, ROWS, sizeof *r->keys, by_key);
}

/* In rows that nobody looks at beforehand, of the first thread, of others, and of what is left over. */
static void go_beyond(struct rows *r, enum beyond beyond)
{
    if (beyond == BELOW || beyond == BOTH)
        r->keys[5000] = FIRST - 90001;
    if (beyond == ABOVE || beyond == BOTH)
        r->keys[ROWS - 600] = FIRST + KEYS + 70001;
    if (beyond == FAR)
        r->keys[ROWS / 2 + 1000] = 2000000000;
    if (beyond == BELOW_LATE)
        r->keys[ROWS - 600] = FIRST - 90001;
    if (beyond == BELOW_LAST)
        r->keys[ROWS - 1] = FIRST - 90001;
}

static struct rows *make_rows(enum keys keys, enum answers answers, enum beyond beyond,
                              enum shape shape)
{
    static const double missing[] = { MISSING };
    struct rows *r = calloc(1, sizeof *r);
    uint64_t seed = 20261122 + 100 * keys + 10 * answers + beyond + 1000 * shape;
    assert_non_null(r);
    draw_rows(r, answers, shape, &seed);
    go_beyond(r, beyond);
    for (size_t i = 0; i < ROWS; i++) {
        r->wide[i] = (int64_t)r->keys[i] - FIRST - KEYS / 2;
        r->structs[i] = (struct row){ r->keys[i], r->scores[i] };
    }
    struct cxm_column *score = &r->columns[0], *key = &r->columns[1];
    *score = cxm_column_make("score", CXM_U8, r->scores, ROWS, 1, 1);
    *key = cxm_column_make("key", keys == SIGNED ? CXM_I32 : CXM_U32, r->keys, ROWS, 4, 4);
    if (keys == WIDE)
        *key = cxm_column_make("key", CXM_I64, r->wide, ROWS, 8, 8);
    if (keys == IN_STRUCT) {
        *score = cxm_column_make("score", CXM_U8, &r->structs[0].score, ROWS, sizeof(struct row), 1);
        *key = cxm_column_make("key", CXM_U32, &r->structs[0].key, ROWS, sizeof(struct row), 4);
    }
    if (answers == WITH_MISSING) {
        score->missing_codes = missing;
        score->n_missing_codes = 1;
    }
    if (answers == WITH_BITMAP) {
        score->validity = r->valid;
        score->validity_offset = 3;
    }
    r->columns[2] = cxm_column_make("freq", CXM_I64, r->ones, ROWS, 8, 8);
    r->count_invalid = answers == COUNTED;
    return r;
}

static struct outcome run(const struct rows *r, bool general, int32_t threads,
                          const struct cxm_allocator *allocator)
{
    const struct cxm_input inputs[3] = { { "score", &r->columns[0] }, { "by", &r->columns[1] },
                                         { "freq", &r->columns[2] } };
    const struct cxm_add_options options = {
        .size = sizeof options, .threads = threads,
        .invalid = r->count_invalid ? CXM_INVALID_COUNT : CXM_INVALID_ERROR,
    };
    struct outcome out = { .bytes = NULL };
    struct cxm_tally *tally;
    out.status = cxm_tally_new("nps", NULL, 0, allocator, &tally, &out.error);
    if (out.status != CXM_OK)
        return out;
    out.status = cxm_tally_add(tally, inputs, general ? 3 : 2, &options, &out.error);
    if (out.status == CXM_OK && allocator == NULL)
        out.bytes = save_tally(tally, &out.n);
    cxm_tally_free(tally);
    return out;
}

static void same_on_every_road(enum keys keys, enum answers answers, enum beyond beyond,
                               enum shape shape)
{
    struct rows *r = make_rows(keys, answers, beyond, shape);
    const struct outcome want = run(r, true, 1, NULL);
    assert_int_equal(want.status, answers == INVALID ? CXM_EDATA : CXM_OK);
    for (int32_t threads = 1; threads <= 3; threads++) {
        const struct outcome got = run(r, false, threads, NULL);
        assert_same_outcome(&got, &want);
        free(got.bytes);
    }
    free(want.bytes);
    free(r);
}

static void every_key(void **state)
{
    (void)state;
    for (int k = PLAIN; k <= IN_STRUCT; k++)
        same_on_every_road((enum keys)k, k == IN_STRUCT ? WITH_MISSING : GOOD, NONE, EVEN);
}

static void every_answer(void **state)
{
    (void)state;
    for (int a = GOOD; a <= COUNTED; a++)
        same_on_every_road(a == WITH_BITMAP ? WIDE : PLAIN, (enum answers)a, NONE, EVEN);
}

static void keys_beyond(void **state)
{
    (void)state;
    for (int b = BELOW; b <= BELOW_LAST; b++) {
        same_on_every_road(PLAIN, WITH_MISSING, (enum beyond)b, EVEN);
        same_on_every_road(WIDE, b == BOTH ? INVALID : WITH_BITMAP, (enum beyond)b, EVEN);
    }
}

static void unkind_rows(void **state)
{
    (void)state;
    for (int shape = SKEWED; shape <= SORTED; shape++) {
        for (int a = GOOD; a <= COUNTED; a++)
            same_on_every_road(PLAIN, (enum answers)a, NONE, (enum shape)shape);
        for (int b = BELOW; b <= BELOW_LAST; b++)
            same_on_every_road(b == BOTH ? SIGNED : PLAIN, WITH_MISSING, (enum beyond)b,
                               (enum shape)shape);
        same_on_every_road(IN_STRUCT, GOOD, BOTH, (enum shape)shape);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (int b = NONE; b <= BOTH; b += BOTH) {
        struct rows *r = make_rows(PLAIN, GOOD, (enum beyond)b, b == NONE ? EVEN : SKEWED);
        enum cxm_status status = CXM_ENOMEM;
        for (int fail_at = 1; status != CXM_OK; fail_at++) {
            struct heap heap;
            heap_init(&heap, fail_at);
            status = run(r, false, 2, &heap.allocator).status;
            assert_int_equal(heap.live, 0);
            assert_true(status == CXM_OK || status == CXM_ENOMEM);
        }
        free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key),   cmocka_unit_test(every_answer),
        cmocka_unit_test(keys_beyond), cmocka_unit_test(unkind_rows),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
