/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by one key of whole numbers: the variants of the kernel against one increment at a
 * time, and whole adds by the short cut, with few keys and with very many, against the general
 * road, which copies of 1 force: the same saved bytes at any number of threads. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "testing.h"

#include "tally/kernels.h"

#include <cxm/cxm.h>

#include <sys/mman.h>
#include <unistd.h>

static uint64_t seed;

/* n bytes that end where the next page may not be touched: reading beyond is a crash. */
struct guarded {
    uint8_t *bytes;
    void *map;
    size_t mapped;
};

static struct guarded guarded(size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + page - 1) / page + 1;
    uint8_t *base = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    assert_int_equal(mprotect(base + pages * page, page, PROT_NONE), 0);
    return (struct guarded){ base + pages * page - n, base, (pages + 1) * page };
}

/* ---- the kernel ----------------------------------------------------------------------- */

enum { ALL_CODES = 13, MOST_KEYS = 9000 };

struct kind {
    uint32_t base, n_keys, stride;
    bool four, bitmap, outside, equal;
};

static uint64_t total(const struct cxm_key_counters *c, size_t at)
{
    uint64_t sum = (uint64_t)c->carried[at] * 256;
    for (int table = 0; table < (c->apart > 0 ? 4 : 1); table++)
        sum += c->counters[(size_t)table * c->apart + at];
    if (c->carried[at] > 0)
        assert_int_equal(c->wrapped[at / CXM_CARRY_BLOCK], 1);
    return sum;
}

static void compare(cxm_count_keys *variant, size_t n, const struct kind *kind)
{
    const size_t cells = (size_t)kind->n_keys * kind->stride;
    const unsigned skip = (unsigned)random_below(&seed, 8);
    struct guarded keys = guarded(4 * n), answers = guarded(n), bits = guarded((n + skip + 7) / 8);
    uint8_t codes[256];
    uint64_t *want = calloc(cells, sizeof *want);
    uint8_t *memory = calloc((kind->four ? 4 : 1) * cells + cells / CXM_CARRY_BLOCK + 1, 1);
    struct cxm_key_counters c = {
        .base = kind->base, .n_keys = kind->n_keys, .stride = kind->stride,
        .apart = kind->four ? cells : 0, .counters = memory,
        .carried = calloc(cells, sizeof *c.carried), .codes = codes,
        .missing = (uint8_t)(kind->stride - 2),
    };
    assert_true(want != NULL && memory != NULL && c.carried != NULL);
    c.wrapped = memory + (kind->four ? 4 : 1) * cells;
    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)random_below(&seed, kind->stride);
    const size_t stop = kind->outside ? random_below(&seed, n + 1) : n;
    for (size_t i = 0; i < n; i++) {
        uint32_t key = kind->base + (kind->equal ? kind->n_keys - 1
                                                 : (uint32_t)random_below(&seed, kind->n_keys));
        if (i == stop)
            key = i % 2 == 0 ? kind->base - 1 : kind->base + kind->n_keys;
        memcpy(keys.bytes + 4 * i, &key, sizeof key);
        answers.bytes[i] = kind->equal ? 9 : (uint8_t)random_u64(&seed);
    }
    for (size_t i = 0; i < (n + skip + 7) / 8; i++)
        bits.bytes[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
    const size_t counted = stop == n ? n : stop / 64 * 64;
    assert_int_equal(variant(&c, keys.bytes, answers.bytes, kind->bitmap ? bits.bytes : NULL, skip,
                             n), counted);
    for (size_t i = 0; i < counted; i++) { /* one at a time */
        uint32_t key;
        memcpy(&key, keys.bytes + 4 * i, sizeof key);
        const bool valid = !kind->bitmap
                        || (bits.bytes[(i + skip) / 8] >> (i + skip) % 8 & 1) != 0;
        want[(size_t)(key - kind->base) * kind->stride
             + (valid ? codes[answers.bytes[i]] : c.missing)]++;
    }
    for (size_t at = 0; at < cells; at++)
        assert_int_equal(total(&c, at), want[at]);
    free(want);
    free(memory);
    free(c.carried);
    munmap(keys.map, keys.mapped);
    munmap(answers.map, answers.mapped);
    munmap(bits.map, bits.mapped);
}

static void run_variant(cxm_count_keys *variant)
{
    static const struct kind kinds[] = {
        { 0, 16, ALL_CODES, true, false, false, false },
        { 7, 1, ALL_CODES, true, true, false, false },
        { UINT32_MAX - 999, 1000, ALL_CODES, false, false, false, false },
        { 4000000000u, 100, ALL_CODES, true, true, true, false },
        { 1, 5041, ALL_CODES, false, false, true, false },  /* 65 533 places: the last that fit */
        { 1, 5042, ALL_CODES, false, true, true, false },   /* 65 546: too many for 16 bits */
        { 5, 512, 128, false, true, false, false },         /* 65 536 */
        { 100, 3, 7, true, false, false, true },
    };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (size_t n = 0; n <= 3 * 64 + 5; n += kinds[k].n_keys > 1000 ? 7 : 1)
            compare(variant, n, &kinds[k]);
        for (int i = 0; i < 5; i++)
            compare(variant, random_below(&seed, 20000), &kinds[k]);
    }
    /* a counter of 8 bits, where it comes to 256 in one table and in four */
    for (size_t n = 254; n <= 258; n++) {
        compare(variant, n, &(struct kind){ 3, 2, ALL_CODES, false, false, false, true });
        compare(variant, 4 * n, &(struct kind){ 3, 2, ALL_CODES, true, false, false, true });
    }
    compare(variant, 65536 * 5 + 3, &(struct kind){ 3, 2, ALL_CODES, true, true, false, true });
}

static void counting_keys(void **state)
{
    (void)state;
    run_variant(cxm_priv_count_keys_c);
    run_variant(cxm_priv_kernels(0).count_keys);
    assert_true(cxm_priv_kernels(CXM_CPU_AVX512).count_keys == cxm_priv_count_keys_c);
}

/* ---- whole adds ----------------------------------------------------------------------- */

enum { ROWS = 270000 }; /* as many as are worth sorting by part */

struct rows {
    uint8_t score[2 * ROWS];
    int64_t key[2 * ROWS];
    uint32_t short_key[2 * ROWS];
    uint8_t valid[ROWS / 8 + 2];
};

static enum cxm_status save(const struct cxm_column *score, const struct cxm_column *by,
                            const struct cxm_column *freq,
                            int32_t invalid, int32_t threads, uint8_t **bytes, size_t *n,
                            struct cxm_error *error)
{
    struct cxm_tally *tally;
    const struct cxm_add_options options = { sizeof options, invalid, 0, threads, 0 };
    struct cxm_input inputs[3] = { { "score", score } };
    size_t n_inputs = 1;
    if (by != NULL)
        inputs[n_inputs++] = (struct cxm_input){ "by", by };
    if (freq != NULL)
        inputs[n_inputs++] = (struct cxm_input){ "freq", freq };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, error), CXM_OK);
    const enum cxm_status status = cxm_tally_add(tally, inputs, n_inputs, &options, error);
    if (status == CXM_OK) {
        assert_int_equal(cxm_tally_save(tally, NULL, 0, n, error), CXM_OK);
        *bytes = malloc(*n);
        assert_non_null(*bytes);
        assert_int_equal(cxm_tally_save(tally, *bytes, *n, n, error), CXM_OK);
    }
    cxm_tally_free(tally);
    return status;
}

static enum cxm_status same_at_any_threads(const struct cxm_column *score,
                                const struct cxm_column *by, int32_t invalid)
{
    uint8_t *general, *quick;
    size_t n_general, n_quick;
    struct cxm_error a, b;
    const int64_t once = 1; /* one copy of every row: not plain */
    const struct cxm_column copies = cxm_column_make("freq", CXM_I64, &once, (size_t)score->n, 0, 8);
    const enum cxm_status status = save(score, by, &copies, invalid, 1, &general, &n_general, &a);
    for (int32_t threads = 1; threads <= 4; threads++) {
        assert_int_equal(save(score, by, NULL, invalid, threads, &quick, &n_quick, &b), status);
        if (status != CXM_OK) {
            assert_int_equal(a.row, b.row);
            assert_string_equal(a.message, b.message);
            continue;
        }
        assert_int_equal(n_quick, n_general);
        assert_memory_equal(quick, general, n_general);
        free(quick);
    }
    if (status == CXM_OK)
        free(general);
    return status;
}

enum shape { UNIFORM, SKEWED, SORTED, EQUAL, TWO_ENDS, HOT };

static int64_t key_of(enum shape shape, size_t i, int64_t low, uint64_t span)
{
    const uint64_t r = random_u64(&seed);
    switch (shape) {
    case SKEWED:
        return low + (int64_t)((r % span) >> random_below(&seed, 20));
    case SORTED:
        return low + (int64_t)(i * span / (2 * ROWS));
    case EQUAL:
        return low;
    case TWO_ENDS: /* the first half of the rows far from the other */
        return i < ROWS / 2 ? low : low + (int64_t)(span - 1 - r % 7);
    case HOT:
        return r % 10 > 0 ? low + 5 : low + (int64_t)(r / 10 % span);
    default:
        return low + (int64_t)(r % span);
    }
}

static void fill(struct rows *r, enum shape shape, int64_t low, uint64_t span)
{
    for (size_t i = 0; i < 2 * ROWS; i++) {
        r->score[i] = (uint8_t)(shape == EQUAL ? 9 : random_below(&seed, 11));
        r->key[i] = key_of(shape, i, low, span);
        r->short_key[i] = (uint32_t)r->key[i];
    }
    for (size_t i = 0; i < sizeof r->valid; i++)
        r->valid[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
}

static void short_cuts_equal_general_road(void **state)
{
    (void)state;
    static const struct {
        enum shape shape;
        int64_t low;
        uint64_t span;
        bool wide, strided, bitmap;
    } cases[] = {
        { UNIFORM, 0, 1000, false, false, false },
        { UNIFORM, 10, 16, false, false, true },
        { UNIFORM, 4294967295 - 999, 1000, false, true, false },
        { EQUAL, 77, 1, false, false, false },          /* a counter of more than 4 x 65 536 */
        { HOT, 0, 2600, false, false, false },
        { SORTED, -500, 1000, true, false, false },
        { UNIFORM, 0, 60000, false, false, true },      /* more than 16 bits of places */
        { UNIFORM, 1000000, 400000, false, false, false }, /* sorted by part */
        { UNIFORM, -400000, 800000, true, false, true },
        { UNIFORM, INT64_MIN, 300000, true, true, false },
        { UNIFORM, INT64_MAX - 299999, 300000, true, false, false },
        { SKEWED, 0, 1000000, false, true, true },
        { SORTED, 5, 3000000, false, false, false },
        { TWO_ENDS, -9000000000, 20000000000, true, false, false },
        { TWO_ENDS, 0, 4000000, false, false, false },
        { UNIFORM, 0, 4194304, false, false, false },
        { UNIFORM, 0, 5000000, false, false, false },   /* too many for the short cut */
    };
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fill(r, cases[i].shape, cases[i].low, cases[i].span);
        const int64_t step = cases[i].strided ? 2 : 1;
        struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, ROWS, step, 1);
        const struct cxm_column by = cases[i].wide
                                       ? cxm_column_make("key", CXM_I64, r->key, ROWS, 8 * step, 8)
                                       : cxm_column_make("key", CXM_U32, r->short_key, ROWS,
                                                         4 * step, 4);
        score.validity = cases[i].bitmap ? r->valid : NULL;
        score.validity_offset = (int64_t)random_below(&seed, 8);
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
        if (i % 3 > 0)
            continue;
        r->score[step * (ROWS - 9)] = 200; /* the lower one is named */
        r->score[step * (ROWS / 2 + 3)] = 77;
        (void)same_at_any_threads(&score, &by, i % 2 == 0 ? CXM_INVALID_ERROR : CXM_INVALID_COUNT);
    }
    free(r);
}

/* ---- keys of other kinds -------------------------------------------------------------- */

enum { SOME_ROWS = 140000, TEXTS = 700, LONGEST = 40 };

struct texts {
    char heap[TEXTS * LONGEST];
    int32_t offsets[TEXTS + 1], row_offsets[SOME_ROWS + 1];
    char row_heap[SOME_ROWS * LONGEST];
    uint8_t valid[TEXTS / 8 + 1];
    uint16_t index[SOME_ROWS];
};

/* Texts of 0 to 39 bytes, alike but for a few; some hold a NUL, or the bytes that a NUL becomes in
 * a key; some are twice in the dictionary. */
static void make_texts(struct texts *t)
{
    for (int i = 0; i < TEXTS; i++) {
        char text[LONGEST];
        const int n = (int)random_below(&seed, i % 3 == 0 ? 4 : LONGEST);
        for (int b = 0; b < n; b++)
            text[b] = i % 7 == 0 ? "\0\xFF" "a"[random_below(&seed, 3)] : (char)('a' + i % 2);
        memcpy(t->heap + t->offsets[i], text, (size_t)n);
        t->offsets[i + 1] = t->offsets[i] + n;
    }
    for (size_t i = 0; i < sizeof t->valid; i++)
        t->valid[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed) | random_u64(&seed));
    for (int i = 0; i < SOME_ROWS; i++) {
        t->index[i] = (uint16_t)random_below(&seed, TEXTS);
        const int32_t from = t->offsets[t->index[i]], n = t->offsets[t->index[i] + 1] - from;
        memcpy(t->row_heap + t->row_offsets[i], t->heap + from, (size_t)n);
        t->row_offsets[i + 1] = t->row_offsets[i] + n;
    }
}

static void other_keys_equal_general_road(void **state)
{
    (void)state;
    static const struct cxm_label none[1] = { { .text = "aaa", .missing = 1 } };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    double *reals = malloc(SOME_ROWS * sizeof *reals);
    uint8_t *yes = malloc(SOME_ROWS);
    assert_true(r != NULL && t != NULL && reals != NULL && yes != NULL);
    fill(r, UNIFORM, 0, 3000);
    make_texts(t);
    for (int i = 0; i < SOME_ROWS; i++) {
        yes[i] = (uint8_t)(r->key[i] % 2);
        reals[i] = i % 50 == 0 ? NAN : (double)(r->key[i] % 40) / 8;
        r->key[i] = (int64_t)(uint64_t)(r->key[i] * 0x9E3779B97F4A7C15);
    }
    struct cxm_column dictionary = cxm_column_make("key", CXM_UTF8, t->offsets, TEXTS, 4, 0);
    dictionary.heap = t->heap;
    struct cxm_column with_nulls = dictionary;
    with_nulls.validity = t->valid;
    struct cxm_column keys[10];
    size_t n = 0;
    keys[n++] = cxm_column_make("key", CXM_U64, r->key, SOME_ROWS, 8, 8);
    keys[n++] = cxm_column_make("key", CXM_I64, r->key, SOME_ROWS, 8, 8);
    keys[n] = keys[0];
    keys[n++].validity = r->valid;
    keys[n++] = cxm_column_make("key", CXM_F64, reals, SOME_ROWS, 8, 8);
    keys[n++] = cxm_column_make("key", CXM_BOOL, yes, SOME_ROWS, 1, 1);
    keys[n] = cxm_column_make("key", CXM_UTF8, t->row_offsets, SOME_ROWS, 4, 0);
    keys[n++].heap = t->row_heap;
    keys[n] = keys[n - 1];
    keys[n].validity = r->valid;
    keys[n].labels = none;
    keys[n++].n_labels = 1;
    keys[n] = cxm_column_make("key", CXM_U16, t->index, SOME_ROWS, 2, 2);
    keys[n++].dictionary = &dictionary;
    keys[n] = keys[n - 1];
    keys[n].dictionary = &with_nulls;
    keys[n].validity = r->valid;
    keys[n].labels = none;
    keys[n++].n_labels = 1;
    keys[n] = keys[n - 1];
    keys[n++].flags |= CXM_COLUMN_ORDERED;
    for (size_t k = 0; k < n; k++) {
        struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, SOME_ROWS, 1, 1);
        score.validity = k % 2 == 0 ? r->valid + 1 : NULL;
        score.validity_offset = 3;
        assert_int_equal(same_at_any_threads(&score, &keys[k], CXM_INVALID_ERROR), CXM_OK);
        r->score[SOME_ROWS - 70000 + (int)k] = 99;
        (void)same_at_any_threads(&score, &keys[k], k % 3 == 0 ? CXM_INVALID_COUNT : CXM_INVALID_ERROR);
        r->score[SOME_ROWS - 70000 + (int)k] = 10;
    }
    t->index[777] = TEXTS; /* outside of the dictionary */
    const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, SOME_ROWS, 1, 1);
    assert_int_equal(same_at_any_threads(&score, &keys[n - 2], CXM_INVALID_ERROR), CXM_EDATA);
    free(reals);
    free(yes);
    free(t);
    free(r);
}

/* Every allocation fails in turn; with so many keys, also those of sorting by part. */
static void out_of_memory(void **state)
{
    (void)state;
    static const uint64_t spans[] = { 50, 300000, 3000, 3000 };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    assert_true(r != NULL && t != NULL);
    make_texts(t);
    struct cxm_column dictionary = cxm_column_make("key", CXM_UTF8, t->offsets, TEXTS, 4, 0);
    dictionary.heap = t->heap;
    for (size_t s = 0; s < COUNT_OF(spans); s++) {
        fill(r, UNIFORM, 0, spans[s]);
        const size_t n = s < 2 ? ROWS : 5000; /* the others are sparse, or from a dictionary */
        for (size_t i = 0; s == 2 && i < n; i++)
            r->key[i] *= 1000000007;
        const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, n, 1, 1);
        struct cxm_column by = s == 2 ? cxm_column_make("key", CXM_U64, r->key, n, 8, 8)
                                      : cxm_column_make("key", CXM_U32, r->short_key, n, 4, 4);
        if (s == 3) {
            by = cxm_column_make("key", CXM_U16, t->index, n, 2, 2);
            by.dictionary = &dictionary;
        }
        const struct cxm_input inputs[2] = { { "score", &score }, { "by", &by } };
        const struct cxm_add_options options = { sizeof options, 0, 0, 2, 0 };
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            struct cxm_tally *tally = NULL;
            heap_init(&heap, fail_at);
            enum cxm_status got = cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL);
            if (got == CXM_OK)
                got = cxm_tally_add(tally, inputs, 2, &options, NULL);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
    free(t);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_keys),
        cmocka_unit_test(short_cuts_equal_general_road),
        cmocka_unit_test(other_keys_equal_general_road),
        cmocka_unit_test(out_of_memory),
    };
    seed = random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
