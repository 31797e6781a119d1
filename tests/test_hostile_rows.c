/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows that a short cut would be glad not to meet: as many of one group as its small counters hold
 * and a few more, copies up to 2^63 - 1, an error in the last row of the last thread, columns that
 * share their memory, dictionaries with holes, more threads than rows. The oracle is one row for each
 * distinct answer with its number of copies, which no short cut takes. CXM_CALLS=1 in the
 * environment: 2^24 and 2^32 rows too. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "metric_testing.h"
#include "saved.h"

#include <cxm/cxm.h>

#include <sys/mman.h>

static struct cxm_error error;

struct bytes {
    uint8_t *at;
    size_t n;
};

static struct bytes save(struct cxm_tally *tally)
{
    struct bytes b = { NULL, 0 };
    b.at = save_tally(tally, &b.n);
    return b;
}

static void assert_saves_as(struct cxm_tally *tally, struct bytes want, const char *what)
{
    const struct bytes got = save(tally);
    if (got.n != want.n || memcmp(got.at, want.at, got.n) != 0)
        fail_msg("%s: other bytes", what);
    free(got.at);
}

static struct cxm_tally *new_tally(const char *metric)
{
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new(metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
    return tally;
}

/* A role and a column; the list ends with NULL. */
static enum cxm_status add(struct cxm_tally *tally, int32_t threads, const struct cxm_input *inputs)
{
    const struct cxm_add_options o = { .size = sizeof o, .threads = threads };
    size_t n = 0;
    while (inputs[n].role != NULL)
        n++;
    memset(&error, 0, sizeof error);
    return cxm_tally_add(tally, inputs, n, &o, &error);
}

/* ---- as many rows as counters hold -------------------------------------------------------- */

enum { KEYS = 3000 };

/* n rows, nearly all of them of one answer and group, against rows with copies. */
static void many_of_one(int64_t n, uint32_t hot)
{
    uint8_t *score = malloc((size_t)n), *narrow = malloc((size_t)n);
    uint32_t *wide = malloc((size_t)n * sizeof *wide);
    static int64_t copies[KEYS + 1];
    static uint8_t answers[KEYS + 1], narrow_keys[KEYS + 1];
    static uint32_t keys[KEYS + 1];
    assert_true(score != NULL && narrow != NULL && wide != NULL);
    for (int64_t i = 0; i < n; i++) {
        score[i] = 9;
        wide[i] = hot;
        narrow[i] = (uint8_t)hot;
    }
    for (uint32_t k = 0; k < KEYS; k++) { /* each key is there once, somewhere */
        const int64_t at = (int64_t)((uint64_t)k * 2654435761u % (uint64_t)n);
        wide[at] = k;
        narrow[at] = (uint8_t)k;
        score[at] = (uint8_t)(k % 11);
    }
    for (int kind = 0; kind < 3; kind++) { /* no key, a byte, 32 bits */
        size_t distinct = 0;
        memset(copies, 0, sizeof copies);
        for (int64_t i = 0; i < n; i++) {
            const uint32_t key = kind == 0 ? 0 : kind == 1 ? narrow[i] : wide[i];
            const bool usual = score[i] == 9 && key == (kind == 0 ? 0 : kind == 1 ? (uint8_t)hot : hot);
            const size_t d = usual ? 0 : ++distinct;
            assert_true(d <= KEYS);
            keys[d] = key;
            narrow_keys[d] = (uint8_t)key;
            answers[d] = score[i];
            copies[d]++;
        }
        const struct cxm_column s = CXM_ARRAY(score, (size_t)n), few = CXM_ARRAY(answers, distinct + 1),
                                f = CXM_ARRAY(copies, distinct + 1);
        const struct cxm_column by = kind == 1 ? CXM_ARRAY(narrow, (size_t)n) : CXM_ARRAY(wide, (size_t)n);
        const struct cxm_column key = kind == 1 ? CXM_ARRAY(narrow_keys, distinct + 1)
                                                : CXM_ARRAY(keys, distinct + 1);
        struct cxm_column named = by, named_key = key;
        named.name = named_key.name = "by";
        const struct cxm_input counted[] = { { "score", &few }, { "freq", &f },
                                             { kind > 0 ? "by" : NULL, &named_key }, { NULL, NULL } };
        const struct cxm_input rows[] = { { "score", &s }, { kind > 0 ? "by" : NULL, &named },
                                          { NULL, NULL } };
        struct cxm_tally *want = new_tally("nps");
        assert_int_equal(add(want, 1, counted), CXM_OK);
        const struct bytes bytes = save(want);
        for (int threads = 1; threads <= 2; threads++) {
            struct cxm_tally *tally = new_tally("nps");
            assert_int_equal(add(tally, threads, rows), CXM_OK);
            assert_saves_as(tally, bytes, kind == 0 ? "no key" : kind == 1 ? "byte keys" : "wide keys");
            cxm_tally_free(tally);
        }
        free(bytes.at);
        cxm_tally_free(want);
    }
    free(score);
    free(narrow);
    free(wide);
}

static void counters_do_not_overflow(void **state)
{
    (void)state;
    for (int64_t n = 65534; n <= 65540; n += 3)
        many_of_one(n, n % 2 == 0 ? 0 : KEYS - 1);
    many_of_one(255 * 256 * 4 + 1, 7);
    if (getenv("CXM_CALLS") != NULL)
        many_of_one((INT64_C(1) << 24) + 3, 1);
}

/* More rows than 24 bits count, on demand (it takes seconds) more than 32 do; of memory that is 0
 * wherever it is read. */
static void many_rows_of_zeros(void **state)
{
    const int bits = getenv("CXM_CALLS") != NULL && sizeof(size_t) > 4 ? 32 : 24;
    const size_t n = ((size_t)1 << bits) + 5;
    uint8_t *zeros = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const int64_t copies = (int64_t)n;
    (void)state;
    assert_true(zeros != MAP_FAILED);
    const struct cxm_column s = CXM_ARRAY(zeros, n), by = CXM_ARRAY(zeros, n), one = CXM_ARRAY(zeros, 1),
                            f = CXM_ARRAY(&copies, 1);
    for (int keyed = 0; keyed < 2; keyed++) {
        const struct cxm_input rows[] = { { "score", &s }, { keyed ? "by" : NULL, &by }, { NULL, NULL } };
        const struct cxm_input counted[] = { { "score", &one }, { "freq", &f }, { keyed ? "by" : NULL, &one },
                                             { NULL, NULL } };
        struct cxm_tally *want = new_tally("nps"), *tally = new_tally("nps");
        assert_int_equal(add(want, 1, counted), CXM_OK);
        assert_int_equal(add(tally, 2, rows), CXM_OK);
        const struct bytes bytes = save(want);
        assert_saves_as(tally, bytes, "many rows of zeros");
        free(bytes.at);
        cxm_tally_free(want);
        cxm_tally_free(tally);
    }
    munmap(zeros, n);
}

/* Copies add up to 2^63 - 1 exactly, and not beyond: neither by rows nor by merging. */
static void copies_up_to_the_end(void **state)
{
    static const char *const metrics[] = { "nps", "csat", "mean" };
    static const char *const roles[] = { "score", "score", "value" };
    static const uint8_t scores[] = { 5, 5, 5 };
    (void)state;
    for (size_t k = 0; k < COUNT_OF(metrics); k++) {
        const int64_t most[] = { INT64_MAX - 2, 1, 1 }, half = INT64_C(1) << 62, one = 1;
        const struct cxm_column s = CXM_ARRAY(scores, 3), f = CXM_ARRAY(most, 3),
                                single = CXM_ARRAY(scores, 1),
                                h = CXM_ARRAY(&half, 1), o = CXM_ARRAY(&one, 1);
        const struct cxm_input all[] = { { roles[k], &s }, { "freq", &f }, { NULL, NULL } },
                               again[] = { { roles[k], &single }, { "freq", &o }, { NULL, NULL } },
                               bare[] = { { roles[k], &single }, { NULL, NULL } },
                               two[] = { { roles[k], &single }, { "freq", &h }, { NULL, NULL } };
        struct cxm_tally *full = new_tally(metrics[k]), *other = new_tally(metrics[k]);
        struct cxm_tally_info info;
        assert_int_equal(add(full, 1, all), CXM_OK);
        cxm_tally_describe(full, &info);
        assert_true(info.rows == INT64_MAX);
        const struct bytes bytes = save(full);
        assert_int_equal(add(full, 1, again), CXM_EOVERFLOW);
        assert_saves_as(full, bytes, "a copy too many");
        assert_int_equal(add(full, 1, bare), CXM_EOVERFLOW);
        assert_saves_as(full, bytes, "a row too many");
        assert_int_equal(add(other, 1, two), CXM_OK);
        const struct bytes halves = save(other);
        assert_int_equal(cxm_tally_merge(full, other, NULL), CXM_EOVERFLOW);
        assert_saves_as(full, bytes, "merged beyond");
        assert_int_equal(cxm_tally_merge(other, other, NULL), CXM_EOVERFLOW);
        assert_saves_as(other, halves, "merged with itself");
        free(bytes.at);
        free(halves.at);
        cxm_tally_free(full);
        cxm_tally_free(other);
    }
}

/* ---- the last row of the last thread ------------------------------------------------------ */

enum { ROWS = 140001 };

static struct {
    uint8_t score[ROWS], narrow[ROWS];
    uint32_t wide[ROWS];
    uint64_t sparse[ROWS];
    double weight[ROWS], value[ROWS];
} *t;

static void make_rows(uint64_t *seed)
{
    t = malloc(sizeof *t);
    assert_non_null(t);
    for (int i = 0; i < ROWS; i++) {
        t->score[i] = (uint8_t)random_below(seed, 11);
        t->narrow[i] = (uint8_t)random_below(seed, 200);
        t->wide[i] = (uint32_t)random_below(seed, 90000);
        t->sparse[i] = random_below(seed, 5000) * UINT64_C(0x9e3779b97f4a7c15);
        t->weight[i] = random_unit(seed);
        t->value[i] = random_unit(seed) - 0.5;
    }
}

/* Without a key, by few, by many, by keys far apart; with weights and without; answers and reals. */
static void a_bad_last_row(void **state)
{
    uint64_t seed = random_seed();
    (void)state;
    make_rows(&seed);
    const struct cxm_column columns[] = { CXM_ARRAY(t->narrow, ROWS), CXM_ARRAY(t->wide, ROWS),
                                          CXM_ARRAY(t->sparse, ROWS) };
    const struct cxm_column w = CXM_ARRAY(t->weight, ROWS), s = CXM_ARRAY(t->score, ROWS),
                            v = CXM_ARRAY(t->value, ROWS);
    for (int kind = 0; kind < 16; kind++) {
        const int keys = kind % 4, weighted = kind / 4 % 2, real = kind / 8;
        struct cxm_column by = columns[keys > 0 ? keys - 1 : 0];
        by.name = "by";
        struct cxm_input inputs[4] = { { real ? "value" : "score", real ? &v : &s } };
        size_t n = 1;
        if (keys > 0)
            inputs[n++] = (struct cxm_input){ "by", &by };
        if (weighted)
            inputs[n++] = (struct cxm_input){ "weight", &w };
        for (int threads = 1; threads <= 3; threads += 2) {
            struct cxm_tally *tally = new_tally(real ? "mean" : "nps");
            for (int full = 0; full < 2; full++) { /* an empty tally, and one with all these groups */
                const struct bytes before = save(tally);
                t->score[ROWS - 1] = 11;
                t->value[ROWS - 1] = INFINITY;
                const int64_t bad = weighted && threads == 3 ? ROWS - 2 : ROWS - 1;
                const double weight = t->weight[ROWS - 2];
                if (bad == ROWS - 2)
                    t->weight[ROWS - 2] = -1;
                assert_int_equal(add(tally, threads, inputs), CXM_EDATA);
                assert_int_equal(error.row, bad);
                assert_saves_as(tally, before, "a call that failed");
                t->score[ROWS - 1] = 3;
                t->value[ROWS - 1] = 0.25;
                t->weight[ROWS - 2] = weight;
                free(before.at);
                if (full == 0) { /* the oracle has the repaired row too */
                    struct cxm_tally *again = new_tally(real ? "mean" : "nps");
                    assert_int_equal(add(again, 1, inputs), CXM_OK);
                    assert_int_equal(add(tally, threads, inputs), CXM_OK);
                    const struct bytes want = save(again);
                    assert_saves_as(tally, want, "after a call that failed");
                    free(want.at);
                    cxm_tally_free(again);
                }
            }
            cxm_tally_free(tally);
        }
    }
    free(t);
}

/* ---- each thread has other keys -------------------------------------------------------------- */

/* Keys that fall from row to row, so that each thread's are below those of the one before: a million
 * of them and more, against the same rows the other way round. */
static void keys_that_fall(void **state)
{
    const size_t n = 1300003;
    uint32_t *rise = malloc(n * sizeof *rise), *fall = malloc(n * sizeof *fall);
    uint8_t *score = malloc(n), *answer = malloc(n);
    (void)state;
    assert_true(rise != NULL && fall != NULL && score != NULL && answer != NULL);
    for (size_t i = 0; i < n; i++) {
        rise[i] = i == n / 4 + 777 ? 7 : (uint32_t)(900000 + i); /* one that no sample sees */
        score[i] = (uint8_t)(i * 7 % 11);
        fall[n - 1 - i] = rise[i];
        answer[n - 1 - i] = score[i];
    }
    const struct cxm_column up = CXM_ARRAY(rise, n), down = CXM_ARRAY(fall, n), s = CXM_ARRAY(score, n),
                            a = CXM_ARRAY(answer, n);
    struct cxm_column by = up, by_down = down;
    by.name = by_down.name = "by";
    const struct cxm_input rising[] = { { "score", &s }, { "by", &by }, { NULL, NULL } },
                           falling[] = { { "score", &a }, { "by", &by_down }, { NULL, NULL } };
    struct cxm_tally *want = new_tally("nps");
    assert_int_equal(add(want, 1, rising), CXM_OK);
    assert_int_equal(cxm_tally_groups(want), (int64_t)n);
    const struct bytes bytes = save(want);
    for (int threads = 1; threads <= 3; threads++) {
        struct cxm_tally *tally = new_tally("nps");
        assert_int_equal(add(tally, threads, falling), CXM_OK);
        assert_saves_as(tally, bytes, "keys that fall");
        cxm_tally_free(tally);
    }
    free(bytes.at);
    cxm_tally_free(want);
    free(rise);
    free(fall);
    free(score);
    free(answer);
}

/* ---- columns that share memory, and such with holes ---------------------------------------- */

static void columns_of_the_same_memory(void **state)
{
    enum { N = 5000 };
    static uint8_t score[N], copy[N], other[N];
    uint64_t seed = random_seed();
    (void)state;
    for (int i = 0; i < N; i++)
        score[i] = copy[i] = other[i] = (uint8_t)random_below(&seed, 11);
    for (int threads = 1; threads < 4; threads++) {
        const struct cxm_column s = CXM_ARRAY(score, N), c = CXM_ARRAY(copy, N), o = CXM_ARRAY(other, N);
        struct cxm_column by = s, by_copy = c;
        by.name = by_copy.name = "by";
        const struct cxm_input same[] = { { "score", &s }, { "weight", &s }, { "by", &by }, { "freq", &s },
                                          { NULL, NULL } };
        const struct cxm_input apart[] = { { "score", &s }, { "weight", &c }, { "by", &by_copy },
                                           { "freq", &o }, { NULL, NULL } };
        struct cxm_tally *a = new_tally("nps"), *b = new_tally("nps");
        assert_int_equal(add(a, threads, same), CXM_OK);
        assert_int_equal(add(b, 1, apart), CXM_OK);
        const struct bytes want = save(b);
        assert_saves_as(a, want, "shared memory");
        free(want.at);
        cxm_tally_free(a);
        cxm_tally_free(b);
    }
}

/* Index 1 is an entry without a name, index 3 none at all; bitmaps begin at any bit. */
static void dictionaries_with_holes(void **state)
{
    enum { N = 3000 };
    static const char *const names[] = { "north", NULL, "south" };
    static const char *text[N];
    static uint8_t score[N], bits[N / 8 + 16], entries[1] = { 0x5 << 1 };
    static int16_t index[N];
    uint64_t seed = random_seed();
    (void)state;
    for (int shape = 0; shape < 24; shape++) {
        const int64_t skip = shape % 12, first = shape * 7 % 65;
        struct cxm_column dictionary = CXM_ARRAY(names, 3);
        const char *const noise[] = { "north", "noise", "south" };
        if (shape % 2 == 1) { /* missing by a bitmap that begins at bit 1 */
            dictionary.data = noise;
            dictionary.validity = entries;
            dictionary.validity_offset = 1;
        }
        memset(bits, 0, sizeof bits);
        for (int i = 0; i < N; i++) {
            const bool there = random_below(&seed, 9) != 0;
            index[i] = (int16_t)(there ? random_below(&seed, 3) : 77);
            bits[(i + first) / 8] |= (uint8_t)(there << (i + first) % 8);
            text[i] = there ? names[index[i]] : NULL;
            score[i] = (uint8_t)random_below(&seed, 11);
        }
        const size_t n = N - (size_t)skip;
        struct cxm_column by = cxm_column_make("by", CXM_I16, index, n, 2, 2);
        by.offset = skip;
        by.validity = bits;
        by.validity_offset = first + skip;
        by.dictionary = &dictionary;
        const struct cxm_column s = cxm_column_make("score", CXM_U8, score + skip, n, 1, 1),
                                plain = cxm_column_make("by", CXM_STRINGS, text + skip, n, sizeof *text,
                                                        sizeof *text);
        const struct cxm_input stored[] = { { "score", &s }, { "by", &by }, { NULL, NULL } },
                               named[] = { { "score", &s }, { "by", &plain }, { NULL, NULL } };
        struct cxm_tally *a = new_tally("nps"), *b = new_tally("nps");
        assert_int_equal(add(a, shape % 3, stored), CXM_OK);
        assert_int_equal(add(b, 1, named), CXM_OK);
        const struct bytes want = save(b);
        assert_saves_as(a, want, "a dictionary with holes");
        int64_t last = N - 1;
        while (!(bits[(last + first) / 8] >> (last + first) % 8 & 1))
            last--;
        index[last] = (int16_t)(shape % 4 < 2 ? 3 : -1);
        assert_int_equal(add(a, shape % 3, stored), CXM_EDATA);
        assert_int_equal(error.row, last - skip);
        assert_saves_as(a, want, "an index that is none");
        free(want.at);
        cxm_tally_free(a);
        cxm_tally_free(b);
    }
}

/* 64 bits that say "missing" are no number below 0 that cannot come: with keys and without, of any number
 * of threads, where answers that are none are counted. */
static void missing_is_all_bits(void **state)
{
    enum { N = 20000 };
    static uint64_t wide[N];
    static double real[N];
    static uint32_t keys[N];
    uint64_t seed = random_seed();
    (void)state;
    for (int i = 0; i < N; i++) {
        const uint64_t k = random_below(&seed, 14);
        wide[i] = k == 11 ? UINT64_MAX : k == 12 ? UINT64_MAX - 1 : k == 13 ? 99 : k;
        real[i] = k == 11 ? (double)NAN : (double)wide[i];
        keys[i] = (uint32_t)random_below(&seed, 50);
    }
    struct cxm_column s = CXM_ARRAY(wide, N);
    const struct cxm_column plain = CXM_ARRAY(real, N), by = CXM_ARRAY(keys, N);
    s.flags = CXM_COLUMN_SENTINEL;
    s.sentinel = -1;
    for (int keyed = 0; keyed < 2; keyed++) {
        const struct cxm_input a[] = { { "score", &plain }, { "by", &by } },
                               b[] = { { "score", &s }, { "by", &by } };
        const struct cxm_add_options o = { .size = sizeof o, .invalid = CXM_INVALID_COUNT };
        struct cxm_tally *want = new_tally("nps");
        assert_int_equal(cxm_tally_add(want, a, 1 + (size_t)keyed, &o, NULL), CXM_OK);
        const struct bytes bytes = save(want);
        for (int threads = 1; threads < 4; threads++) {
            struct cxm_add_options with = o;
            with.threads = threads;
            struct cxm_tally *tally = new_tally("nps");
            assert_int_equal(cxm_tally_add(tally, b, 1 + (size_t)keyed, &with, NULL), CXM_OK);
            assert_saves_as(tally, bytes, "missing by all bits");
            cxm_tally_free(tally);
        }
        free(bytes.at);
        cxm_tally_free(want);
    }
}

/* ---- few rows ------------------------------------------------------------------------------ */

static void more_threads_than_rows(void **state)
{
    static const uint32_t keys[] = { 4000000000u, 1, 4000000000u };
    static const double values[] = { 1e300, -1e300, 5e-324 };
    static const uint8_t scores[] = { 10, 0, 7 };
    (void)state;
    for (size_t n = 0; n <= 3; n++) {
        for (int real = 0; real < 2; real++) {
            const struct cxm_column s = real ? CXM_ARRAY(values, n) : CXM_ARRAY(scores, n),
                                    by = CXM_ARRAY(keys, n);
            const struct cxm_input inputs[] = { { real ? "value" : "score", &s }, { "by", &by },
                                                { NULL, NULL } };
            struct cxm_tally *a = new_tally(real ? "mean" : "nps"), *b = new_tally(real ? "mean" : "nps");
            assert_int_equal(add(a, 64, inputs), CXM_OK);
            assert_int_equal(add(b, 1, inputs), CXM_OK);
            const struct bytes want = save(b);
            assert_saves_as(a, want, "more threads than rows");
            free(want.at);
            cxm_tally_free(a);
            cxm_tally_free(b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_do_not_overflow),
        cmocka_unit_test(many_rows_of_zeros),
        cmocka_unit_test(copies_up_to_the_end),
        cmocka_unit_test(a_bad_last_row),
        cmocka_unit_test(keys_that_fall),
        cmocka_unit_test(columns_of_the_same_memory),
        cmocka_unit_test(dictionaries_with_holes),
        cmocka_unit_test(missing_is_all_bits),
        cmocka_unit_test(more_threads_than_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
