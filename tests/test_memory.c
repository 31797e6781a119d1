/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory runs out: every allocation of every call fails once, and once from then on. Nothing
 * leaks, the call says ENOMEM, and the tally saves as the bytes that it had before. */
#include "tallies.h"

/* What one call works on; all of it lives in the failing heap, made before it begins to fail. */
struct stage {
    struct heap heap;
    struct rows rows;
    struct cxm_tally *tally; /* has rows */
    struct cxm_tally *other; /* has others, and other groups */
    struct cxm_tally *empty;
    struct saved bytes;      /* of `tally` */
    struct cxm_tally *made;  /* by the call */
    struct ArrowArrayStream stream;
};

typedef enum cxm_status (*call)(struct stage *s, struct cxm_error *error);

enum { N_ROWS = 40 };

#ifdef __has_feature
#define WATCHES_THREADS __has_feature(thread_sanitizer)
#else
#define WATCHES_THREADS 0
#endif

static const struct cxm_estimate_options lonely_adjusted = { .size = sizeof lonely_adjusted,
                                                             .lonely = CXM_LONELY_ADJUST };

static enum cxm_status make(struct stage *s, struct cxm_error *error)
{
    const struct setup *setup = s->rows.setup;
    return cxm_tally_new(setup->metric, setup->params, setup->n_params, &s->heap.allocator,
                         &s->made, error);
}

static enum cxm_status add_to(struct stage *s, struct cxm_tally *tally, struct cxm_error *error)
{
    struct inputs inputs;
    const struct cxm_add_options options = add_options_of(s->rows.options, 3);
    inputs_of(&s->rows, 0, s->rows.n, &inputs);
    return cxm_tally_add(tally, inputs.list, inputs.n, &options, error);
}

static enum cxm_status add_more(struct stage *s, struct cxm_error *error)
{
    return add_to(s, s->tally, error);
}

static enum cxm_status add_first(struct stage *s, struct cxm_error *error)
{
    return add_to(s, s->empty, error);
}

static enum cxm_status one_row(struct stage *s, struct cxm_tally *tally, struct cxm_error *error)
{
    static const double large = 0x1p80;
    double values[MOST_SLOTS];
    if (!s->rows.setup->one || cxm_tally_n_keys(tally) > 0)
        return CXM_OK;
    for (int i = 0; i < s->rows.setup->n_slots; i++)
        values[i] = s->rows.setup->kinds[i] == SLOT_REAL ? large : 1;
    return cxm_tally_add_one(tally, values, (size_t)s->rows.setup->n_slots,
                             s->rows.weight != NULL ? &large : NULL, 1, error);
}

static enum cxm_status one_row_more(struct stage *s, struct cxm_error *error)
{
    return one_row(s, s->tally, error);
}

static enum cxm_status one_row_first(struct stage *s, struct cxm_error *error)
{
    return one_row(s, s->empty, error);
}

static enum cxm_status merge(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_merge(s->tally, s->other, error);
}

static enum cxm_status merge_into_empty(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_merge(s->empty, s->other, error);
}

static enum cxm_status double_it(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_merge(s->tally, s->tally, error);
}

static enum cxm_status subtract(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_subtract(s->other, s->tally, error);
}

static enum cxm_status copy(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_copy(s->tally, &s->made, error);
}

static enum cxm_status total(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_group(s->tally, CXM_TOTAL, 0, &s->made, error);
}

static enum cxm_status group(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_groups(s->tally) > 0 ? cxm_tally_group(s->tally, 0, 1, &s->made, error)
                                          : CXM_OK;
}

static enum cxm_status save_it(struct stage *s, struct cxm_error *error)
{
    uint8_t bytes[1];
    size_t n = 0;
    const enum cxm_status status = cxm_tally_save(s->tally, bytes, sizeof bytes, &n, error);
    return status == CXM_EINVAL && n == s->bytes.n ? CXM_OK : status; /* one byte is too few */
}

static enum cxm_status load(struct stage *s, struct cxm_error *error)
{
    return cxm_tally_load(s->bytes.bytes, s->bytes.n, &s->heap.allocator, &s->made, error);
}

static enum cxm_status keys(struct stage *s, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t k = 0; k < cxm_tally_n_keys(s->tally); k++) {
        for (int64_t g = 0; g < cxm_tally_groups(s->tally) && status == CXM_OK; g++) {
            struct cxm_key key;
            status = cxm_tally_key(s->tally, g, k, &key);
        }
    }
    if (status != CXM_OK) /* this call has no cxm_error */
        memset(error, 1, sizeof *error);
    return status;
}

static enum cxm_status measures(struct stage *s, struct cxm_error *error)
{
    size_t n = 0;
    return cxm_tally_measures(s->tally, NULL, sizeof(struct cxm_measure), 0, &n, error);
}

static enum cxm_status estimate(struct stage *s, struct cxm_error *error)
{
    static struct cxm_estimate out[2000];
    uint32_t all[64];
    size_t n = 0;
    enum cxm_status status = cxm_tally_measures(s->tally, NULL, sizeof(struct cxm_measure), 0, &n,
                                                error);
    if (status != CXM_OK)
        return status;
    for (uint32_t m = 0; m < n; m++)
        all[m] = m;
    const bool any = cxm_tally_groups(s->tally) > 0; /* estimates come before what the total needs */
    const int64_t groups[] = { any ? 0 : CXM_TOTAL, CXM_TOTAL };
    const struct cxm_estimate_options options = {
        .size = sizeof options, .measures = all, .n_measures = n, .groups = groups,
        .lonely = CXM_LONELY_ADJUST,
        .n_groups = any ? 2 : 1,
    };
    memset(out, 0x5A, sizeof out);
    status = cxm_tally_estimate(s->tally, &options, out, sizeof out[0], COUNT_OF(out), &n, error);
    for (size_t i = 0; status != CXM_OK && i < sizeof out; i++)
        assert_int_equal(((const uint8_t *)out)[i], 0x5A);
    struct cxm_base base;
    return status == CXM_OK ? cxm_tally_base(s->tally, CXM_TOTAL, 0, &base, error) : status;
}

static enum cxm_status rows(struct stage *s, struct cxm_error *error)
{
    static struct cxm_row out[2000];
    size_t n = 0;
    return cxm_tally_rows(s->tally, &lonely_adjusted, out, sizeof out[0], COUNT_OF(out), &n, error);
}

static enum cxm_status to_arrow(struct stage *s, struct cxm_error *error)
{
    const enum cxm_status status = cxm_tally_to_arrow(s->tally, &lonely_adjusted, &s->stream,
                                                      error);
    /* A day or text may not fit Arrow's smaller types: that is no lack of memory. */
    return status == CXM_EOVERFLOW ? CXM_OK : status;
}

static enum cxm_status period(struct stage *s, struct cxm_error *error)
{
    const struct cxm_period_counts counts = { .size = sizeof counts, .start = 100, .end = 90,
                                              .added = 20, .lost = -1, .lost_added = 3 };
    const char *metric = s->rows.setup->metric;
    if (s->rows.options != 0 || s->rows.setup->reason
        || (strcmp(metric, "churn") != 0 && strcmp(metric, "retention") != 0))
        return CXM_OK;
    return cxm_tally_add_period(s->tally, &counts, error);
}

static const struct {
    const char *name;
    call run;
} calls[] = {
    { "new", make },
    { "add", add_more },
    { "add, the first rows", add_first },
    { "add_one", one_row_more },
    { "add_one, the first row", one_row_first },
    { "merge", merge },
    { "merge into an empty tally", merge_into_empty },
    { "merge with itself", double_it },
    { "subtract", subtract },
    { "copy", copy },
    { "group, total", total },
    { "group", group },
    { "save", save_it },
    { "load", load },
    { "key", keys },
    { "measures", measures },
    { "estimate", estimate },
    { "rows", rows },
    { "to_arrow", to_arrow },
    { "add_period", period },
};

static void stage_begin(struct stage *s, const struct rows *rows)
{
    heap_init(&s->heap, 0);
    s->rows = *rows;
    s->tally = tally_for(rows->setup, &s->heap.allocator);
    s->other = tally_for(rows->setup, &s->heap.allocator);
    s->empty = tally_for(rows->setup, &s->heap.allocator);
    s->made = NULL;
    memset(&s->stream, 0, sizeof s->stream);
    add_part(s->tally, rows, 0, rows->n / 2, 1);
    add_part(s->other, rows, 0, rows->n, 1);
    s->bytes = save(s->tally);
    /* The order of the groups is kept from saving: forget it. */
    struct cxm_tally *fresh = NULL;
    assert_int_equal(cxm_tally_copy(s->tally, &fresh, NULL), CXM_OK);
    cxm_tally_free(s->tally);
    s->tally = fresh;
}

static void stage_end(struct stage *s)
{
    if (s->stream.release != NULL)
        s->stream.release(&s->stream);
    cxm_tally_free(s->made);
    cxm_tally_free(s->tally);
    cxm_tally_free(s->other);
    cxm_tally_free(s->empty);
    free(s->bytes.bytes);
    assert_int_equal(s->heap.live, 0);
}

struct outcome {
    struct saved tally, other, empty;
};

static struct outcome outcome_of(struct stage *s)
{
    return (struct outcome){ save(s->tally), save(s->other), save(s->empty) };
}

static void outcome_free(struct outcome *o)
{
    free(o->tally.bytes);
    free(o->other.bytes);
    free(o->empty.bytes);
}

static void assert_outcome(struct stage *s, const struct outcome *want, const char *name)
{
    assert_saves_as(s->tally, want->tally, name);
    assert_saves_as(s->other, want->other, name);
    assert_saves_as(s->empty, want->empty, name);
}

/* Some allocations only save time: a call may succeed without them, with the same result. */
static void fail_in_turn(const struct rows *rows, size_t c)
{
    struct stage s;
    struct cxm_error error;
    stage_begin(&s, rows);
    struct outcome before = outcome_of(&s);
    assert_int_equal(calls[c].run(&s, &error), CXM_OK);
    struct outcome after = outcome_of(&s);
    stage_end(&s);
    for (int on = 0; on < 2; on++) {
        /* All of the first 128; beyond them, where loops over groups and measures come to the same
         * places again, fewer and fewer. */
        for (int k = 1, left = 1; left; k += 1 + k / 128) {
            stage_begin(&s, rows);
            memset(&error, 0, sizeof error);
            s.heap.fail_on = on;
            s.heap.fail_at = s.heap.calls + k;
            const enum cxm_status got = calls[c].run(&s, &error);
            left = s.heap.calls >= s.heap.fail_at; /* was there anything left to fail? */
            s.heap.fail_at = 0;
            if (got != CXM_OK) {
                if (got != CXM_ENOMEM)
                    fail_msg("%s, %s: %s", rows->setup->name, calls[c].name, error.message);
                assert_true(left && error.message[0] != '\0');
                assert_null(s.made);
                assert_null(s.stream.release);
            }
            assert_outcome(&s, got == CXM_OK ? &after : &before, calls[c].name);
            stage_end(&s);
        }
    }
    outcome_free(&before);
    outcome_free(&after);
}

static const unsigned mixes[] = { 0, BY_NUMBER | BY_TEXT, WEIGHTED | WITH_FREQ,
                                  DESIGNED | MARGINS | BY_TEXT | WEIGHTED,
                                  BY_TEXT | WEIGHTED };

static void every_allocation_fails(void **state)
{
    const size_t c = (size_t)((const char *)*state - (const char *)calls) / sizeof calls[0];
    uint64_t seed = random_seed();
    for (size_t i = 0; i < N_SETUPS; i++) {
        for (size_t m = i % 2; m < COUNT_OF(mixes); m += 2) {
            struct rows rows = random_rows(&setups[i], mixes[m], N_ROWS, &seed);
            fail_in_turn(&rows, c);
            rows_free(&rows);
        }
    }
}

/* ---- several threads ------------------------------------------------------------------ */

enum { N_MANY = 3 * 65536 + 5 };

static void in_any_thread(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    const unsigned options = BY_NUMBER | WEIGHTED;
    const struct setup *setup = NULL;
    for (size_t i = 0; i < N_SETUPS; i++)
        setup = strcmp(setups[i].name, "churn by reason") == 0 ? &setups[i] : setup;
    struct rows rows = random_rows(setup, options, 500, &seed);
    int64_t *index = must_alloc(N_MANY, sizeof *index);
    for (int64_t i = 0; i < N_MANY; i++)
        index[i] = i % 500;
    struct rows many = rows_gather(&rows, index, N_MANY);
    struct inputs inputs;
    inputs_of(&many, 0, N_MANY, &inputs);
    const struct cxm_add_options add = add_options_of(options, 3);
    for (int on = 0; on < 2; on++) {
        for (int k = 1, left = 1; left; k += 1 + k / 16) {
            struct heap heap;
            heap_init(&heap, 0);
            struct cxm_tally *tally = tally_for(setup, &heap.allocator);
            heap.fail_on = on;
            heap.fail_at = heap.calls + k;
            const enum cxm_status got = cxm_tally_add(tally, inputs.list, inputs.n, &add, NULL);
            left = heap.calls >= heap.fail_at;
            heap.fail_at = 0;
            struct cxm_tally_info info;
            cxm_tally_describe(tally, &info);
            heap.fail_on = true;
            heap.fail_at = heap.calls + 1;
            struct cxm_tally_info again;
            cxm_tally_describe(tally, &again); /* needs no memory */
            heap.fail_at = 0;
            heap.fail_on = on;
            assert_memory_equal(&info, &again, sizeof info);
            assert_int_equal(got, got == CXM_OK ? CXM_OK : CXM_ENOMEM);
            assert_int_equal(info.rows, got == CXM_OK ? N_MANY : 0);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
        }
    }
    free(index);
    rows_free(&many);
    rows_free(&rows);
}

static void matching_customers(void **state)
{
    static const char *const before[] = { "a", "b", NULL, "c" };
    static const char *const after[] = { "b", "d", "e", NULL };
    const struct cxm_column one = cxm_column_make(NULL, CXM_STRINGS, before, 4, 8, 8);
    const struct cxm_column two = cxm_column_make(NULL, CXM_STRINGS, after, 4, 8, 8);
    (void)state;
    for (int on = 0; on < 2; on++) {
        for (int k = 1;; k++) {
            struct heap heap;
            uint8_t was[8] = { 9 }, is[8] = { 9 };
            size_t n = 77;
            heap_init(&heap, k);
            heap.fail_on = on;
            const enum cxm_status got = cxm_match_customers(&one, &two, was, is, 8, &n,
                                                            &heap.allocator, NULL);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK) {
                assert_true(heap.calls < k);
                assert_int_equal(n, 7);
                break;
            }
            assert_int_equal(got, CXM_ENOMEM);
            assert_int_equal(was[0], 9);
            assert_int_equal(is[0], 9);
        }
    }
}

/* Keys with a NUL inside are unescaped where a key is asked for, in memory; rows end at the NUL. */
static void rows_of_keys_with_nul(void **state)
{
    static const double score[] = { 10, 0, 9 };
    static const int32_t offsets[] = { 0, 1, 4, 7 };
    const struct cxm_column columns[] = {
        cxm_column_make("score", CXM_F64, score, 3, 8, 8),
        { .type = CXM_UTF8, .data = offsets, .heap = "ab\0cd\0e", .n = 3 },
    };
    const struct cxm_input inputs[] = { { "score", &columns[0] }, { "by", &columns[1] } };
    (void)state;
    for (int on = 0; on < 2; on++) {
        bool left = true;
        for (int k = 1; left; k++) {
            struct heap heap;
            struct cxm_tally *tally = NULL;
            struct cxm_row out[3], before[3];
            size_t n = 77;
            heap_init(&heap, 0);
            heap.fail_on = on;
            assert_int_equal(cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL), CXM_OK);
            assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
            memset(out, 0x5A, sizeof out);
            memcpy(before, out, sizeof out);
            const struct cxm_estimate_options nps = { .size = sizeof nps, .measures = (uint32_t[]){ 0 },
                                                      .n_measures = 1 };
            heap.fail_at = heap.calls + k;
            const enum cxm_status got = cxm_tally_rows(tally, &nps, out, sizeof out[0], 3, &n, NULL);
            left = heap.calls >= heap.fail_at;
            assert_int_equal(got, left ? CXM_ENOMEM : CXM_OK);
            if (left)
                assert_memory_equal(out, before, sizeof out);
            for (int i = 0; !left && i < 3; i++)
                assert_string_equal(out[i].group, ((const char *[]){ "a", "b", "d" })[i]);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(calls) + 3] = {
        cmocka_unit_test(in_any_thread),
        cmocka_unit_test(matching_customers),
        cmocka_unit_test(rows_of_keys_with_nul),
    };
    for (size_t c = 0; c < COUNT_OF(calls); c++)
        tests[c + 3] = (struct CMUnitTest){ calls[c].name, every_allocation_fails, NULL, NULL,
                                            (void *)&calls[c] };
    /* The sanitizer of threads would take minutes for calls of 40 rows, which start none. */
    const size_t n = WATCHES_THREADS ? 3 : COUNT_OF(tests);
    return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
