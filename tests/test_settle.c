/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many groups that come in any order: their cells are put in the order of the keys when the rows were
 * added. Rows in one call, in chunks that are too small for that, and both merged either way give the
 * same bytes and estimates, with keys of words, of texts and of both, some missing. */
#include "saved.h"

#include <cxm/cxm.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 60000, KEYS = 25000, CHUNK = 7000, WIDTH = 12 };

enum kind { WORDS, TEXTS, BOTH, KINDS };

struct rows {
    double values[ROWS], weights[ROWS];
    int64_t numbers[ROWS];
    char texts[ROWS][WIDTH];
    uint8_t there[ROWS / 8 + 1];
};

static struct rows *make_rows(void)
{
    struct rows *r = malloc(sizeof *r);
    uint64_t seed = 20261123;
    assert_non_null(r);
    memset(r->there, 0xFF, sizeof r->there);
    memset(r->texts, 0, sizeof r->texts);
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t draw = random_u64(&seed) % KEYS;
        r->numbers[i] = (int64_t)(draw * 0x9E3779B97F4A7C15u) / 3;
        r->values[i] = (double)(random_u64(&seed) % 1000) / 8 - 20;
        r->weights[i] = 0.5 + (double)(random_u64(&seed) % 100) / 64;
        snprintf(r->texts[i], WIDTH, "%llx", (unsigned long long)(draw * 7919 % KEYS));
        if (i % 997 == 5)
            r->there[i / 8] &= (uint8_t) ~(1u << i % 8);
    }
    return r;
}

static void add(const struct rows *r, enum kind kind, int64_t first, int64_t n, int32_t threads,
                struct cxm_tally *tally)
{
    const struct cxm_column value = cxm_column_make("value", CXM_F64, r->values + first, n, 8, 8);
    const struct cxm_column weight = cxm_column_make("weight", CXM_F64, r->weights + first, n, 8, 8);
    struct cxm_column number = cxm_column_make("number", CXM_I64, r->numbers, n, 8, 8);
    const struct cxm_column text = { .name = "text", .type = CXM_TEXT, .n = n, .data = r->texts[first],
                                     .stride = WIDTH, .width = WIDTH };
    number.offset = number.validity_offset = first;
    number.validity = r->there;
    const struct cxm_input inputs[4] = { { "value", &value }, { "weight", &weight },
                                         { "by", kind == TEXTS ? &text : &number }, { "by", &text } };
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    assert_int_equal(cxm_tally_add(tally, inputs, kind == BOTH ? 4 : 3, &options, NULL), CXM_OK);
}

static struct cxm_tally *tally_of(const struct rows *r, enum kind kind, int64_t chunk, int32_t threads)
{
    struct cxm_tally *tally;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    for (int64_t first = 0; first < ROWS; first += chunk)
        add(r, kind, first, ROWS - first < chunk ? ROWS - first : chunk, threads, tally);
    return tally;
}

static void assert_same(struct cxm_tally *a, struct cxm_tally *b)
{
    size_t n_a, n_b;
    uint8_t *bytes_a = save_tally(a, &n_a), *bytes_b = save_tally(b, &n_b);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(bytes_a, bytes_b, n_a);
    free(bytes_a);
    free(bytes_b);
    assert_true(cxm_tally_equal(a, b));
}

static struct cxm_tally *merged(const struct cxm_tally *a, const struct cxm_tally *b)
{
    struct cxm_tally *both;
    assert_int_equal(cxm_tally_copy(a, &both, NULL), CXM_OK);
    assert_int_equal(cxm_tally_merge(both, b, NULL), CXM_OK);
    return both;
}

/* Some groups, each in a tally of its own. */
static void check_groups(struct cxm_tally *tally, struct cxm_tally *other)
{
    const int64_t n = cxm_tally_groups(tally);
    assert_true(n > 1 << 14);
    assert_int_equal(cxm_tally_groups(other), n);
    for (int64_t g = 0; g < n; g += 397) {
        struct cxm_tally *a, *b;
        assert_int_equal(cxm_tally_group(tally, g, 1, &a, NULL), CXM_OK);
        assert_int_equal(cxm_tally_group(other, g, 1, &b, NULL), CXM_OK);
        assert_same(a, b);
        cxm_tally_free(a);
        cxm_tally_free(b);
    }
}

static void same_in_chunks_and_merged(void **state)
{
    struct rows *r = make_rows();
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct cxm_tally *whole = tally_of(r, (enum kind)kind, ROWS, 1);
        struct cxm_tally *by_two = tally_of(r, (enum kind)kind, ROWS, 2);
        struct cxm_tally *chunks = tally_of(r, (enum kind)kind, CHUNK, 1);
        assert_same(whole, by_two);
        assert_same(whole, chunks);
        check_groups(whole, chunks);
        struct cxm_tally *a = merged(whole, chunks), *b = merged(chunks, whole);
        struct cxm_tally *c = merged(whole, by_two);
        assert_same(a, b);
        assert_same(a, c);
        /* few rows to many groups in order, some of them new */
        struct cxm_tally *few;
        assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &few, NULL), CXM_OK);
        add(r, (enum kind)kind, 100, 50, 1, few);
        struct cxm_tally *d = merged(whole, few), *e = merged(few, whole);
        assert_same(d, e);
        struct cxm_tally *tallies[] = { whole, by_two, chunks, a, b, c, d, e, few };
        for (size_t i = 0; i < COUNT_OF(tallies); i++)
            cxm_tally_free(tallies[i]);
    }
    free(r);
}

/* Without the memory for that, cells stay as they are: nothing fails that did not fail before. */
static void out_of_memory(void **state)
{
    struct rows *r = make_rows();
    struct cxm_tally *want = tally_of(r, WORDS, ROWS, 1);
    (void)state;
    int without = 0;
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        struct cxm_tally *tally;
        heap_init(&heap, 0);
        assert_int_equal(cxm_tally_new("mean", NULL, 0, &heap.allocator, &tally, NULL), CXM_OK);
        const struct cxm_column value = cxm_column_make("value", CXM_F64, r->values, ROWS, 8, 8);
        const struct cxm_column weight = cxm_column_make("weight", CXM_F64, r->weights, ROWS, 8, 8);
        struct cxm_column number = cxm_column_make("number", CXM_I64, r->numbers, ROWS, 8, 8);
        number.validity = r->there;
        const struct cxm_input inputs[3] = { { "value", &value }, { "weight", &weight },
                                             { "by", &number } };
        heap.calls = 0;
        heap.fail_at = fail_at;
        const enum cxm_status status = cxm_tally_add(tally, inputs, 3, NULL, NULL);
        const bool met = heap.calls >= fail_at;
        heap.fail_at = 0;
        assert_true(status == CXM_OK || status == CXM_ENOMEM);
        if (status == CXM_OK)
            assert_same(tally, want);
        without += status == CXM_OK && met;
        cxm_tally_free(tally);
        assert_int_equal(heap.live, 0);
        if (!met)
            break;
    }
    assert_true(without > 0);
    cxm_tally_free(want);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_in_chunks_and_merged),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
