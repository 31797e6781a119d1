/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of nothing but nulls: such a column has no type of its own (a list of None, Arrow's null), so
 * that it goes with every other: added before or after, merged either way, the same bytes as if it
 * had been missing in a column of the other type. So do values beside the keys, the reasons of churn,
 * also where nobody was lost, so that there are none. */
#include "saved.h"

enum { N = 3 };

static const uint8_t scores[N] = { 10, 9, 0 };
static const char *const texts[N] = { "north", NULL, "south" };
static const char *const unit_names[N] = { "north", "south", "east" };
static const char *const names[2] = { "low", "high" };
static const uint8_t bits[1] = { 5 }; /* the second row is missing */
static const uint64_t words[N] = { UINT64_MAX, 0, 5 };
static const double reals[N] = { 2.5, 0, -1 };
static const uint8_t flags[N] = { 1, 0, 0 };
static const int32_t days[N] = { 0, 0, 40 };

enum { TEXT, UNSIGNED, REAL, FLAG, DATE, MONTH, CATEGORY, INTEGER, TYPES };

/* `dictionary` is where categories are kept. */
static struct cxm_column key_of(int type, struct cxm_column *dictionary)
{
    struct cxm_column key;
    switch (type) {
    case TEXT: key = cxm_column_make("k", CXM_STRINGS, texts, N, sizeof *texts, 0); return key;
    case UNSIGNED: key = cxm_column_make("k", CXM_U64, words, N, 8, 8); break;
    case REAL: key = cxm_column_make("k", CXM_F64, reals, N, 8, 8); break;
    case FLAG: key = cxm_column_make("k", CXM_BOOL, flags, N, 1, 1); break;
    case INTEGER: key = cxm_column_make("k", CXM_I32, days, N, 4, 4); break;
    case CATEGORY:
        *dictionary = cxm_column_make(NULL, CXM_STRINGS, names, 2, sizeof *names, 0);
        key = cxm_column_make("k", CXM_U8, flags, N, 1, 1);
        key.dictionary = dictionary;
        key.flags |= CXM_COLUMN_ORDERED;
        break;
    default:
        key = cxm_column_make("k", CXM_I32, days, N, 4, 4);
        key.time_unit = CXM_DAYS;
        key.calendar = type == MONTH ? CXM_MONTH : CXM_NO_CALENDAR;
        break;
    }
    key.validity = bits;
    return key;
}

static enum cxm_status add(struct cxm_tally *tally, const struct cxm_column *first,
                           const struct cxm_column *second, struct cxm_error *error)
{
    const struct cxm_column score = cxm_column_make("score", CXM_U8, scores, (size_t)second->n, 1, 1);
    const struct cxm_input inputs[] = { { "score", &score }, { "by", first }, { "by", second } };
    return cxm_tally_add(tally, inputs, 3, NULL, error);
}

static struct cxm_tally *tally_on(const struct cxm_allocator *allocator)
{
    struct cxm_tally *tally = NULL;
    (void)!cxm_tally_new("nps", NULL, 0, allocator, &tally, NULL);
    return tally;
}

static void assert_same(struct cxm_tally *got, struct cxm_tally *want)
{
    size_t n, m;
    uint8_t *const a = save_tally(got, &n), *const b = save_tally(want, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

/* The unknown key is the second of two, behind a text of any length. */
static void they_go_with_every_type(void **state)
{
    (void)state;
    const struct cxm_column region = cxm_column_make("r", CXM_STRINGS, texts, N, sizeof *texts, 0);
    for (int type = 0; type < TYPES; type++) {
        struct cxm_column dictionary;
        const struct cxm_column known = key_of(type, &dictionary);
        struct cxm_column none = cxm_column_make("k", CXM_NULL, NULL, N, 0, 0), missing = known;
        static const uint8_t no_bits[1] = { 0 };
        static const char *const no_texts[N] = { NULL, NULL, NULL };
        missing.validity = no_bits;
        if (type == TEXT) {
            missing = known;
            missing.data = no_texts;
        }
        none.calendar = known.calendar;
        struct cxm_tally *want = tally_on(NULL), *after = tally_on(NULL), *before = tally_on(NULL);
        struct cxm_tally *alone = tally_on(NULL), *typed = tally_on(NULL), *copy = NULL;
        struct cxm_error error = { 0 };
        assert_int_equal(add(want, &region, &known, &error), CXM_OK);
        assert_int_equal(add(want, &region, &missing, &error), CXM_OK);
        assert_int_equal(add(typed, &region, &known, &error), CXM_OK);
        assert_int_equal(add(alone, &region, &none, &error), CXM_OK);
        assert_int_equal(cxm_tally_copy(alone, &copy, NULL), CXM_OK);
        if (add(after, &region, &known, &error) != CXM_OK
            || add(after, &region, &none, &error) != CXM_OK
            || add(before, &region, &none, &error) != CXM_OK
            || add(before, &region, &known, &error) != CXM_OK
            || cxm_tally_merge(copy, typed, &error) != CXM_OK
            || cxm_tally_merge(typed, alone, &error) != CXM_OK)
            fail_msg("type %d: %s", type, error.message);
        assert_same(after, want);
        assert_same(before, want);
        assert_same(copy, want);
        assert_same(typed, want);
        struct cxm_tally *const all[] = { want, after, before, alone, typed, copy };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            cxm_tally_free(all[i]);
    }
}

/* What was merged comes out again, whichever of the two is unknown. */
static void they_come_out_again(void **state)
{
    (void)state;
    static const uint8_t no_bits[1] = { 0 };
    static const char *const no_texts[N] = { NULL, NULL, NULL };
    const struct cxm_column region = cxm_column_make("r", CXM_STRINGS, texts, N, sizeof *texts, 0);
    for (int type = 0; type < TYPES; type++) {
        struct cxm_column dictionary;
        struct cxm_column none = cxm_column_make("k", CXM_NULL, NULL, N, 0, 0);
        const struct cxm_column known = key_of(type, &dictionary);
        struct cxm_column missing = known;
        missing.validity = no_bits;
        if (type == TEXT)
            missing.data = no_texts;
        none.calendar = known.calendar;
        struct cxm_tally *alone = tally_on(NULL), *want = tally_on(NULL), *got = tally_on(NULL);
        struct cxm_tally *typed = tally_on(NULL), *twice = tally_on(NULL);
        struct cxm_error error = { 0 };
        assert_int_equal(add(alone, &region, &none, &error), CXM_OK);
        assert_int_equal(add(want, &region, &known, &error), CXM_OK);
        assert_int_equal(add(typed, &region, &missing, &error), CXM_OK);
        if (cxm_tally_merge(got, want, &error) != CXM_OK
            || cxm_tally_merge(got, alone, &error) != CXM_OK
            || cxm_tally_subtract(got, alone, &error) != CXM_OK
            || cxm_tally_merge(twice, alone, &error) != CXM_OK
            || cxm_tally_merge(twice, alone, &error) != CXM_OK
            || cxm_tally_subtract(twice, typed, &error) != CXM_OK)
            fail_msg("type %d: %s", type, error.message);
        assert_same(got, want);
        assert_same(twice, alone);
        struct cxm_tally *const all[] = { alone, want, got, typed, twice };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            cxm_tally_free(all[i]);
    }
}

/* Customers of whom `lost` left, each with a reason. */
static enum cxm_status add_churn(struct cxm_tally *tally, const uint8_t *lost,
                                 const struct cxm_column *reason, struct cxm_error *error)
{
    static const uint8_t yes[N] = { 1, 1, 1 };
    uint8_t stayed[N];
    for (int i = 0; i < N; i++)
        stayed[i] = lost[i] == 0;
    const struct cxm_column before = cxm_column_make("b", CXM_U8, yes, N, 1, 1);
    const struct cxm_column after = cxm_column_make("a", CXM_U8, stayed, N, 1, 1);
    const struct cxm_input inputs[] = { { "active_before", &before }, { "active_after", &after },
                                        { "reason", reason } };
    return cxm_tally_add(tally, inputs, 3, NULL, error);
}

static struct cxm_tally *churn_on(const struct cxm_allocator *allocator)
{
    struct cxm_tally *tally = NULL;
    (void)!cxm_tally_new("churn", NULL, 0, allocator, &tally, NULL);
    return tally;
}

static void reasons_that_nobody_gave(void **state)
{
    (void)state;
    static const uint8_t all[N] = { 1, 1, 1 }, nobody[N] = { 0, 0, 0 };
    const struct cxm_column none = cxm_column_make("reason", CXM_NULL, NULL, N, 0, 0);
    for (int type = 0; type < 2 * TYPES; type++) {
        if (type / 2 == MONTH)
            continue; /* periods are for groups */
        struct cxm_column dictionary;
        const uint8_t *const lost = type % 2 == 0 ? all : nobody;
        const struct cxm_column known = key_of(type / 2, &dictionary);
        struct cxm_tally *typed = churn_on(NULL), *alone = churn_on(NULL);
        struct cxm_tally *after = churn_on(NULL), *before = churn_on(NULL), *copy = NULL;
        struct cxm_error error = { 0 };
        assert_int_equal(add_churn(typed, all, &known, &error), CXM_OK);
        assert_int_equal(add_churn(alone, lost, &none, &error), CXM_OK);
        assert_int_equal(cxm_tally_copy(alone, &copy, NULL), CXM_OK);
        if (add_churn(after, all, &known, &error) != CXM_OK
            || add_churn(after, lost, &none, &error) != CXM_OK
            || add_churn(before, lost, &none, &error) != CXM_OK
            || add_churn(before, all, &known, &error) != CXM_OK
            || cxm_tally_merge(copy, typed, &error) != CXM_OK
            || cxm_tally_merge(typed, alone, &error) != CXM_OK)
            fail_msg("type %d: %s", type / 2, error.message);
        assert_same(before, after);
        assert_same(copy, after);
        assert_same(typed, after);
        assert_int_equal(cxm_tally_subtract(typed, alone, &error), CXM_OK);
        struct cxm_tally *want = churn_on(NULL);
        assert_int_equal(add_churn(want, all, &known, &error), CXM_OK);
        assert_same(typed, want);
        struct cxm_tally *const made[] = { typed, alone, after, before, copy, want };
        for (size_t i = 0; i < sizeof made / sizeof *made; i++)
            cxm_tally_free(made[i]);
    }
}

/* Rows may be none at all, and the units of a design are then unknown as well. */
static void units_without_rows(void **state)
{
    (void)state;
    const struct cxm_column unit = cxm_column_make("u", CXM_STRINGS, unit_names, N, sizeof *unit_names, 0);
    const struct cxm_column score = cxm_column_make("score", CXM_U8, scores, N, 1, 1);
    const struct cxm_column no_unit = cxm_column_make("u", CXM_NULL, NULL, 0, 0, 0);
    const struct cxm_column no_score = cxm_column_make("score", CXM_U8, scores, 0, 1, 1);
    const struct cxm_input some[] = { { "score", &score }, { "cluster", &unit } };
    const struct cxm_input nothing[] = { { "score", &no_score }, { "cluster", &no_unit } };
    struct cxm_tally *tally = tally_on(NULL), *want = tally_on(NULL);
    assert_int_equal(cxm_tally_add(tally, nothing, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, some, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, nothing, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(want, some, 2, NULL, NULL), CXM_OK);
    assert_same(tally, want);
    cxm_tally_free(tally);
    cxm_tally_free(want);
}

/* What holds a value somewhere is known: types still do not mix, and nothing changes. */
static void known_keys_do_not_mix(void **state)
{
    (void)state;
    struct cxm_column unused;
    const struct cxm_column region = cxm_column_make("r", CXM_STRINGS, texts, N, sizeof *texts, 0);
    const struct cxm_column integer = key_of(INTEGER, &unused), text = key_of(TEXT, &unused);
    const struct cxm_column none = cxm_column_make("k", CXM_NULL, NULL, N, 0, 0);
    struct cxm_tally *a = tally_on(NULL), *b = tally_on(NULL), *same = NULL;
    struct cxm_error error;
    assert_int_equal(add(a, &region, &none, NULL), CXM_OK);
    assert_int_equal(add(a, &region, &integer, NULL), CXM_OK);
    assert_int_equal(add(b, &region, &text, NULL), CXM_OK);
    assert_int_equal(cxm_tally_copy(a, &same, NULL), CXM_OK);
    assert_int_equal(add(a, &region, &text, &error), CXM_EMISMATCH);
    assert_string_equal(error.message, "k holds whole numbers in one, text in the other");
    assert_int_equal(cxm_tally_merge(a, b, &error), CXM_EMISMATCH);
    assert_same(a, same);
    /* A tally whose other key differs keeps its unknown one as it was. */
    cxm_tally_free(same);
    struct cxm_tally *c = tally_on(NULL), *d = tally_on(NULL);
    assert_int_equal(add(c, &text, &none, NULL), CXM_OK);
    assert_int_equal(cxm_tally_copy(c, &same, NULL), CXM_OK);
    assert_int_equal(add(d, &integer, &text, NULL), CXM_OK);
    assert_int_equal(cxm_tally_merge(c, d, &error), CXM_EMISMATCH);
    assert_int_equal(add(c, &integer, &text, &error), CXM_EMISMATCH);
    assert_same(c, same);
    struct cxm_tally *const all[] = { a, b, c, d, same };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cxm_tally_free(all[i]);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct cxm_column dictionary;
    const struct cxm_column region = cxm_column_make("r", CXM_STRINGS, texts, N, sizeof *texts, 0);
    const struct cxm_column known = key_of(CATEGORY, &dictionary);
    const struct cxm_column none = cxm_column_make("k", CXM_NULL, NULL, N, 0, 0);
    struct cxm_tally *typed = tally_on(NULL), *alone = tally_on(NULL);
    assert_int_equal(add(typed, &region, &known, NULL), CXM_OK);
    assert_int_equal(add(alone, &region, &none, NULL), CXM_OK);
    for (int way = 0; way < 4; way++) {
        enum cxm_status got = CXM_ENOMEM;
        for (int fail_at = 1; got == CXM_ENOMEM; fail_at++) {
            struct heap heap;
            heap_init(&heap, 0);
            struct cxm_tally *tally = tally_on(&heap.allocator);
            assert_int_equal(add(tally, &region, way % 2 == 0 ? &known : &none, NULL), CXM_OK);
            heap.calls = 0;
            heap.fail_at = fail_at;
            got = way < 2 ? add(tally, &region, way == 0 ? &none : &known, NULL)
                          : cxm_tally_merge(tally, way == 2 ? alone : typed, NULL);
            heap.fail_at = 0;
            struct cxm_tally *const like = way % 2 == 0 ? typed : alone;
            if (got == CXM_ENOMEM)
                assert_same(tally, like);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
        }
        assert_int_equal(got, CXM_OK);
    }
    cxm_tally_free(typed);
    cxm_tally_free(alone);
}

static void reasons_without_memory(void **state)
{
    (void)state;
    static const uint8_t all[N] = { 1, 1, 1 };
    struct cxm_column dictionary;
    const struct cxm_column known = key_of(CATEGORY, &dictionary);
    const struct cxm_column none = cxm_column_make("reason", CXM_NULL, NULL, N, 0, 0);
    struct cxm_tally *typed = churn_on(NULL), *alone = churn_on(NULL);
    assert_int_equal(add_churn(typed, all, &known, NULL), CXM_OK);
    assert_int_equal(add_churn(alone, all, &none, NULL), CXM_OK);
    for (int way = 0; way < 4; way++) {
        enum cxm_status got = CXM_ENOMEM;
        for (int fail_at = 1; got == CXM_ENOMEM; fail_at++) {
            struct heap heap;
            heap_init(&heap, 0);
            struct cxm_tally *tally = churn_on(&heap.allocator);
            assert_int_equal(add_churn(tally, all, way % 2 == 0 ? &known : &none, NULL), CXM_OK);
            heap.calls = 0;
            heap.fail_at = fail_at;
            got = way < 2 ? add_churn(tally, all, way == 0 ? &none : &known, NULL)
                          : cxm_tally_merge(tally, way == 2 ? alone : typed, NULL);
            heap.fail_at = 0;
            if (got == CXM_ENOMEM)
                assert_same(tally, way % 2 == 0 ? typed : alone);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
        }
        assert_int_equal(got, CXM_OK);
    }
    cxm_tally_free(typed);
    cxm_tally_free(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_with_every_type),
        cmocka_unit_test(they_come_out_again),
        cmocka_unit_test(reasons_that_nobody_gave),
        cmocka_unit_test(units_without_rows),
        cmocka_unit_test(known_keys_do_not_mix),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(reasons_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
