/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weights and means by keys that lie close together: rows go by the place of their keys, not by
 * looking them up. A frequency of 1 in every row sends them over the general road, which must give
 * the same bytes, or the same error. */
#include "saved.h"

#include <cxm/cxm.h>

#include <math.h>
#include <stdlib.h>

enum { ROWS = 20000, MOST_KEYS = 3 };

static uint64_t seed;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

struct row {
    double weight;
    int64_t key[MOST_KEYS]; /* as the type of its column, from the first byte on */
    uint8_t score;
    uint8_t other[31]; /* a row is a cache line */
};

struct table {
    struct row rows[ROWS];
    int64_t ones[ROWS];
    uint32_t types[MOST_KEYS];
    size_t n_keys;
    const char *role[MOST_KEYS];
};

static const uint8_t bytes_of[] = { [CXM_I8] = 1, [CXM_I16] = 2, [CXM_I32] = 4, [CXM_I64] = 8,
                                    [CXM_U8] = 1, [CXM_U16] = 2, [CXM_U32] = 4 };

static struct table *make(uint64_t number)
{
    struct table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    seed = number;
    for (size_t i = 0; i < ROWS; i++) {
        struct row *r = &t->rows[i];
        const uint64_t k = draw() % 200;
        r->score = (uint8_t)(1 + draw() % 5);
        r->weight = k == 7 ? 0 : 0.1 + (double)(draw() >> 11) * 0x1p-52;
        t->ones[i] = 1;
    }
    for (int k = 0; k < MOST_KEYS; k++)
        t->role[k] = "by";
    return t;
}

static void set_key(struct table *t, size_t row, size_t k, int64_t value)
{
    store_integer(&t->rows[row].key[k], (uint64_t)value, cxm_type_bytes((enum cxm_type)t->types[k]));
}

static void add_key(struct table *t, uint32_t type, int64_t low, uint64_t span)
{
    const size_t k = t->n_keys++;
    t->types[k] = type;
    for (size_t i = 0; i < ROWS; i++)
        set_key(t, i, k, (int64_t)((uint64_t)low + draw() % span));
}

/* Columns of the structs, or of their members side by side. */
static enum cxm_status add(const struct table *t, bool together, bool mean, bool general,
                           int32_t threads, struct cxm_tally *tally, struct cxm_error *error)
{
    struct cxm_column columns[MOST_KEYS + 3];
    struct cxm_input inputs[MOST_KEYS + 3];
    uint8_t *copies[MOST_KEYS + 2] = { NULL };
    size_t n = 0;
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    columns[n] = CXM_FIELD(t->rows, ROWS, weight);
    inputs[n] = (struct cxm_input){ mean ? "value" : "weight", &columns[n] };
    n++;
    columns[n] = CXM_FIELD(t->rows, ROWS, score);
    inputs[n] = (struct cxm_input){ "score", &columns[n] };
    n += mean ? 0 : 1;
    for (size_t k = 0; k < t->n_keys; k++, n++) {
        columns[n] = cxm_column_make("key", t->types[k], &t->rows[0].key[k], ROWS,
                                     sizeof(struct row), bytes_of[t->types[k]]);
        inputs[n] = (struct cxm_input){ t->role[k], &columns[n] };
    }
    for (size_t c = 0; together && c < n; c++) {
        const size_t width = columns[c].width;
        copies[c] = malloc(ROWS * width);
        assert_non_null(copies[c]);
        for (size_t i = 0; i < ROWS; i++)
            memcpy(copies[c] + i * width, (const uint8_t *)columns[c].data + i * sizeof(struct row),
                   width);
        columns[c].data = copies[c];
        columns[c].stride = (int64_t)width;
    }
    columns[n] = CXM_ARRAY(t->ones, ROWS);
    inputs[n] = (struct cxm_input){ "freq", &columns[n] };
    const enum cxm_status status = cxm_tally_add(tally, inputs, n + general, &options, error);
    for (size_t c = 0; c < n && together; c++)
        free(copies[c]);
    return status;
}

static struct cxm_tally *empty(bool mean, const struct cxm_allocator *allocator)
{
    static const double five[2] = { 1, 5 };
    static const struct cxm_param params[1] = { { "scale", five, 2, NULL, 0 } };
    struct cxm_tally *tally;
    assert_int_equal(cxm_tally_new(mean ? "mean" : "csat", params, !mean, allocator, &tally, NULL),
                     CXM_OK);
    return tally;
}

static void same_on_every_road(const struct table *t)
{
    for (int mean = 0; mean < 2; mean++) {
        struct cxm_error want_error = { 0 }, error = { 0 };
        size_t n_want = 0, n;
        struct cxm_tally *tally = empty(mean, NULL);
        const enum cxm_status want = add(t, true, mean, true, 1, tally, &want_error);
        uint8_t *bytes = want == CXM_OK ? save_tally(tally, &n_want) : NULL;
        cxm_tally_free(tally);
        for (int road = 0; road < 4; road++) {
            tally = empty(mean, NULL);
            const int32_t threads = road >= 2 ? 2 : 1;
            assert_int_equal(add(t, road % 2, mean, false, threads, tally, &error), want);
            if (want == CXM_OK) {
                uint8_t *got = save_tally(tally, &n);
                assert_int_equal(n, n_want);
                assert_memory_equal(got, bytes, n);
                free(got);
            } else {
                assert_string_equal(error.message, want_error.message);
            }
            cxm_tally_free(tally);
        }
        free(bytes);
    }
}

/* Every type, at both ends of what it holds. */
static void types(void **state)
{
    (void)state;
    static const struct { uint32_t type; int64_t low; uint64_t span; } kinds[] = {
        { CXM_U8, 0, 256 },          { CXM_U8, 250, 6 },           { CXM_I8, -128, 256 },
        { CXM_I16, INT16_MIN, 300 }, { CXM_I16, INT16_MAX - 99, 100 }, { CXM_U16, 65000, 536 },
        { CXM_I32, INT32_MIN, 50 },  { CXM_I32, INT32_MAX - 49, 50 }, { CXM_I32, -20, 40 },
        { CXM_U32, UINT32_MAX - 999LL, 1000 }, { CXM_U32, 0, 1 },  { CXM_I64, INT64_MIN, 30 },
        { CXM_I64, INT64_MAX - 29, 30 }, { CXM_U32, 0, 20000 },    { CXM_U32, 0, 70000 },
        { CXM_I64, INT64_MIN, UINT64_MAX },
    };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct table *t = make(100 + k);
        add_key(t, kinds[k].type, kinds[k].low, kinds[k].span);
        same_on_every_road(t);
        free(t);
    }
}

static void several_keys(void **state)
{
    (void)state;
    for (int design = 0; design < 2; design++) {
        struct table *t = make(200);
        add_key(t, CXM_U32, 1, 20);
        add_key(t, CXM_I16, -30, 40);
        if (design) {
            t->role[0] = "strata";
            t->role[1] = "cluster";
        }
        same_on_every_road(t);
        if (!design) {
            add_key(t, CXM_U8, 3, 4);
            same_on_every_road(t);
        }
        free(t);
    }
}

/* Units numbered through all strata: most combinations do not occur. */
static void nested(void **state)
{
    (void)state;
    struct table *t = make(300);
    add_key(t, CXM_U32, 1, 20);
    add_key(t, CXM_U32, 0, 50);
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t stratum, unit;
        memcpy(&stratum, &t->rows[i].key[0], 4);
        memcpy(&unit, &t->rows[i].key[1], 4);
        set_key(t, i, 1, stratum * 50 + unit);
    }
    t->role[0] = "strata";
    t->role[1] = "cluster";
    same_on_every_road(t);
    free(t);
}

/* Keys that no look finds (16 looks at 512 rows each, at every 1 299th), from one row on; far beyond
 * the range -6 ... 25 that is then taken, next to its ends and within it. */
static void rare_keys(void **state)
{
    (void)state;
    static const int64_t rare[] = { -1000000, -7, -6, -3, 22, 25, 26, 40, 1000000000 };
    for (size_t k = 0; k < COUNT_OF(rare); k++) {
        struct table *t = make(400 + k);
        add_key(t, CXM_I32, 0, 20);
        for (size_t i = 700; i < ROWS; i += 5 * 1299)
            set_key(t, i, 0, rare[k]);
        same_on_every_road(t);
        t->rows[ROWS / 2 + 5].weight = INFINITY;
        same_on_every_road(t);
        free(t);
    }
}

/* Numbers too far apart for cells: the slots become groups in the middle. */
static void far_numbers(void **state)
{
    (void)state;
    struct table *t = make(500);
    add_key(t, CXM_I32, 0, 20000);
    for (size_t i = 0; i < ROWS; i++) {
        set_key(t, i, 0, (int64_t)(draw() % 3000));
        if (i > ROWS / 2)
            t->rows[i].weight = ldexp(1, (int)(draw() % 600) - 300);
    }
    same_on_every_road(t);
    free(t);
}

static void memory_runs_out(void **state)
{
    (void)state;
    struct table *t = make(600);
    add_key(t, CXM_I32, 5, 20);
    add_key(t, CXM_I32, 5, 10);
    set_key(t, ROWS - 1000, 0, 5000); /* and leaves the slots */
    for (int together = 0; together < 2; together++) {
        bool done = false;
        for (int call = 1; !done; call++) {
            struct heap heap;
            heap_init(&heap, 0);
            struct cxm_error error;
            struct cxm_tally *tally = empty(false, &heap.allocator);
            heap.calls = 0;
            heap.fail_at = call;
            const enum cxm_status status = add(t, together, false, false, 1, tally, &error);
            done = status == CXM_OK;
            assert_true(done ? call > 10 : status == CXM_ENOMEM);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
        }
    }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),       cmocka_unit_test(several_keys),
        cmocka_unit_test(nested),      cmocka_unit_test(rare_keys),
        cmocka_unit_test(far_numbers), cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
