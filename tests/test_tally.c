/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tallies call by call: keys of every type, what must not be mixed, and that a call that fails
 * names the lowest wrong row and changes nothing. */
#include "tallies.h"

/* ---- keys of every type --------------------------------------------------------------- */

enum { N_KEYED = 6 };

static const uint8_t scores[N_KEYED] = { 10, 9, 0, 7, 8, 3 };

static struct cxm_tally *keyed(const struct cxm_column *by, size_t n_by)
{
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    const struct cxm_column score = cxm_column_make("score", CXM_U8, scores, (size_t)by->n, 1, 1);
    struct cxm_input inputs[4] = { { "score", &score } };
    for (size_t k = 0; k < n_by; k++)
        inputs[1 + k] = (struct cxm_input){ "by", &by[k] };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    if (cxm_tally_add(tally, inputs, 1 + n_by, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return tally;
}

static void integer_keys(void **state)
{
    static const int64_t values[N_KEYED] = { 5, INT64_MIN, 0, INT64_MAX, 5, -1 };
    static const int64_t sorted[] = { INT64_MIN, -1, 0, 5, INT64_MAX };
    (void)state;
    const struct cxm_column by = cxm_column_make("n", CXM_I64, values, N_KEYED, 8, 8);
    struct cxm_tally *tally = keyed(&by, 1);
    struct cxm_key key;
    assert_int_equal(cxm_tally_groups(tally), 5);
    for (int64_t g = 0; g < 5; g++) {
        assert_int_equal(cxm_tally_key(tally, g, 0, &key), CXM_OK);
        assert_int_equal(key.type, CXM_KEY_INT);
        assert_int_equal(key.missing, 0);
        assert_true(key.integer == sorted[g]);
    }
    struct cxm_key_info info;
    assert_int_equal(cxm_tally_key_info(tally, 0, &info), CXM_OK);
    assert_string_equal(info.name, "n");
    assert_int_equal(cxm_tally_key_info(tally, 1, &info), CXM_EINVAL);
    assert_int_equal(cxm_tally_key(tally, 5, 0, &key), CXM_EINVAL);
    assert_int_equal(cxm_tally_key(tally, -1, 0, &key), CXM_EINVAL);
    assert_int_equal(cxm_tally_key(tally, 0, 1, &key), CXM_EINVAL);
    assert_int_equal(cxm_tally_key(tally, 0, 0, NULL), CXM_EINVAL);
    cxm_tally_free(tally);
}

static void unsigned_keys(void **state)
{
    static const uint64_t values[N_KEYED] = { UINT64_MAX, 0, (uint64_t)1 << 63, 7, 0, UINT64_MAX };
    static const uint64_t sorted[] = { 0, 7, (uint64_t)1 << 63, UINT64_MAX };
    (void)state;
    const struct cxm_column by = cxm_column_make(NULL, CXM_U64, values, N_KEYED, 8, 8);
    struct cxm_tally *tally = keyed(&by, 1);
    struct cxm_key key;
    struct cxm_key_info info;
    assert_int_equal(cxm_tally_groups(tally), 4);
    for (int64_t g = 0; g < 4; g++) {
        assert_int_equal(cxm_tally_key(tally, g, 0, &key), CXM_OK);
        assert_int_equal(key.type, CXM_KEY_UINT);
        assert_true((uint64_t)key.integer == sorted[g]);
    }
    assert_int_equal(cxm_tally_key_info(tally, 0, &info), CXM_OK);
    assert_string_equal(info.name, "group");
    cxm_tally_free(tally);
}

static void real_and_yes_no_keys(void **state)
{
    static const double values[N_KEYED] = { 0.5, -0.0, NAN, -INFINITY, 0.0, 1e300 };
    static const uint8_t flags[N_KEYED] = { 1, 0, 2, 1, 1, 1 };
    static const double sorted[] = { -INFINITY, 0, 0.5, 1e300 };
    (void)state;
    const struct cxm_column by[2] = { cxm_column_make("x", CXM_F64, values, N_KEYED, 8, 8),
                                      cxm_column_make("", CXM_BOOL, flags, N_KEYED, 1, 1) };
    struct cxm_tally *tally = keyed(by, 1);
    struct cxm_key key;
    assert_int_equal(cxm_tally_groups(tally), 5);
    for (int64_t g = 0; g < 4; g++) {
        assert_int_equal(cxm_tally_key(tally, g, 0, &key), CXM_OK);
        assert_int_equal(key.type, CXM_KEY_REAL);
        assert_true(key.real == sorted[g] && !(key.real == 0 && signbit(key.real)));
    }
    assert_int_equal(cxm_tally_key(tally, 4, 0, &key), CXM_OK);
    assert_int_equal(key.missing, 1);
    cxm_tally_free(tally);
    tally = keyed(by, 2); /* two keys: the groups that occur, in order of both */
    struct cxm_key_info info;
    assert_int_equal(cxm_tally_groups(tally), 6);
    assert_int_equal(cxm_tally_key_info(tally, 1, &info), CXM_OK);
    assert_string_equal(info.name, "group_2");
    assert_int_equal(info.type, CXM_KEY_BOOL);
    const int64_t second[] = { 1, 0, 1, 1, 1, 1 };
    for (int64_t g = 0; g < 6; g++) {
        assert_int_equal(cxm_tally_key(tally, g, 1, &key), CXM_OK);
        assert_int_equal(key.integer, second[g]);
    }
    cxm_tally_free(tally);
}

/* Text with NULs inside, empty, UTF-8, and longer than any buffer; bytes order it. */
static void text_keys(void **state)
{
    enum { LONG = 5000 };
    static char heap[LONG + 64];
    int32_t offsets[N_KEYED + 1] = { 0 };
    const struct { const char *bytes; int32_t n; } texts[N_KEYED] = {
        { "a", 1 }, { "", 0 }, { "a\0b", 3 }, { "a\0", 2 }, { "\xC3\xA9", 2 }, { NULL, LONG },
    };
    static const int order[] = { 1, 0, 3, 2, 5, 4 };
    (void)state;
    for (int i = 0; i < N_KEYED; i++) {
        if (texts[i].bytes != NULL)
            memcpy(heap + offsets[i], texts[i].bytes, (size_t)texts[i].n);
        else
            memset(heap + offsets[i], 'z', LONG);
        offsets[i + 1] = offsets[i] + texts[i].n;
    }
    struct cxm_column by = cxm_column_make("name", CXM_UTF8, offsets, N_KEYED, 4, 4);
    by.heap = heap;
    struct cxm_tally *tally = keyed(&by, 1), *again = NULL;
    const struct saved bytes = save(tally);
    assert_int_equal(cxm_tally_load(bytes.bytes, bytes.n, NULL, &again, NULL), CXM_OK);
    for (int which = 0; which < 2; which++) {
        struct cxm_tally *const one = which ? again : tally;
        assert_int_equal(cxm_tally_groups(one), N_KEYED);
        for (int64_t g = 0; g < N_KEYED; g++) {
            struct cxm_key key;
            assert_int_equal(cxm_tally_key(one, g, 0, &key), CXM_OK);
            assert_int_equal(key.type, CXM_KEY_TEXT);
            assert_int_equal(key.text_bytes, texts[order[g]].n);
            assert_memory_equal(key.text, heap + offsets[order[g]], key.text_bytes);
        }
    }
    assert_saves_as(again, bytes, "text");
    cxm_tally_free(tally);
    cxm_tally_free(again);
    free(bytes.bytes);
}

/* A text with a NUL inside takes memory to be read: without any the key is as it was. */
static void text_keys_without_memory(void **state)
{
    static const int32_t offsets[] = { 0, 3 };
    (void)state;
    struct cxm_column by = cxm_column_make("name", CXM_UTF8, offsets, 1, 4, 4);
    by.heap = "a\0b";
    const uint8_t ten = 10;
    const struct cxm_column score = CXM_ARRAY_AS(CXM_U8, &ten, 1);
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &by } };
    struct heap heap;
    struct cxm_tally *tally;
    heap_init(&heap, 0);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_groups(tally), 1);
    struct cxm_key key, kept;
    assert_int_equal(cxm_tally_key(tally, 0, 0, &key), CXM_OK); /* sorted now */
    memset(&key, 0x5A, sizeof key);
    kept = key;
    heap.fail_at = heap.calls + 1;
    assert_int_equal(cxm_tally_key(tally, 0, 0, &key), CXM_ENOMEM);
    assert_memory_equal(&key, &kept, sizeof key);
    heap.fail_at = 0;
    assert_int_equal(cxm_tally_key(tally, 0, 0, &key), CXM_OK);
    assert_int_equal(key.text_bytes, 3);
    cxm_tally_free(tally);
    assert_int_equal(heap.live, 0);
}

/* Fixed-width fields, pointers, offsets and dictionaries of the same text are the same keys. */
static void the_same_text_from_any_column(void **state)
{
    static const char fixed[N_KEYED][4] = { "b", "a", "b", "", "abcd", "a" };
    static const char *const pointers[N_KEYED] = { "b", "a", "b", "", "abcd", "a" };
    static const char *const words[] = { "abcd", "b", "", "unused", "a" };
    static const uint8_t codes[N_KEYED] = { 1, 4, 1, 2, 0, 4 };
    (void)state;
    const struct cxm_column dictionary = cxm_column_make(NULL, CXM_STRINGS, words, 5, 8, 8);
    struct cxm_column by[3] = { cxm_column_make("s", CXM_TEXT, fixed, N_KEYED, 4, 4),
                                cxm_column_make("s", CXM_STRINGS, pointers, N_KEYED, 8, 8),
                                cxm_column_make("s", CXM_U8, codes, N_KEYED, 1, 1) };
    by[2].dictionary = &dictionary;
    struct cxm_tally *tally = keyed(&by[0], 1);
    const struct saved want = save(tally);
    assert_int_equal(cxm_tally_groups(tally), 4);
    assert_saves_as_free(keyed(&by[1], 1), want, "pointers");
    struct cxm_tally *coded = keyed(&by[2], 1);
    assert_saves_as(coded, want, "dictionary");
    assert_int_equal(cxm_tally_merge(tally, coded, NULL), CXM_OK); /* by text, not by code */
    assert_int_equal(cxm_tally_groups(tally), 4);
    assert_int_equal(cxm_tally_subtract(tally, coded, NULL), CXM_OK);
    assert_saves_as(tally, want, "merged and subtracted");
    cxm_tally_free(coded);
    cxm_tally_free(tally);
    free(want.bytes);
}

static void category_keys(void **state)
{
    static const char *const names[] = { "low", "middle", "high" };
    static const int8_t codes[N_KEYED] = { 2, 0, 2, 1, 0, 0 };
    static const uint8_t validity = 0x1F;
    (void)state;
    struct cxm_column dictionary = cxm_column_make(NULL, CXM_STRINGS, names, 3, 8, 8);
    struct cxm_column by = cxm_column_make("size", CXM_I8, codes, N_KEYED, 1, 1);
    by.dictionary = &dictionary;
    by.flags = CXM_COLUMN_ORDERED;
    by.validity = &validity;
    struct cxm_tally *tally = keyed(&by, 1), *again = NULL;
    const struct saved bytes = save(tally);
    assert_int_equal(cxm_tally_load(bytes.bytes, bytes.n, NULL, &again, NULL), CXM_OK);
    assert_int_equal(cxm_tally_groups(again), 4);
    for (int64_t g = 0; g < 3; g++) {
        struct cxm_key key;
        assert_int_equal(cxm_tally_key(again, g, 0, &key), CXM_OK);
        assert_int_equal(key.type, CXM_KEY_CATEGORY);
        assert_int_equal(key.integer, g);
        assert_int_equal(key.text_bytes, strlen(names[g]));
        assert_memory_equal(key.text, names[g], key.text_bytes);
    }
    struct cxm_tally *one = NULL;
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(cxm_tally_group(again, 1, keep, &one, NULL), CXM_OK);
        assert_int_equal(cxm_tally_n_keys(one), keep);
        cxm_tally_free(one);
    }
    assert_int_equal(cxm_tally_group(again, 4, 0, &one, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_group(again, -2, 0, &one, NULL), CXM_EINVAL);
    cxm_tally_free(tally);
    cxm_tally_free(again);
    free(bytes.bytes);
}

static void date_and_time_keys(void **state)
{
    static const int64_t instants[N_KEYED] = { 86399, 86400, -1, 0, 31 * 86400, 59 * 86400 };
    (void)state;
    const struct cxm_column plain = cxm_column_make("at", CXM_I64, instants, N_KEYED, 8, 8);
    const struct cxm_column timed = cxm_column_time(plain, CXM_S, INT64_MIN);
    const struct cxm_column month = cxm_column_period(timed, CXM_MONTH, 0);
    static const int64_t months[] = { -31, 0, 31, 59 };
    struct cxm_key key;
    struct cxm_key_info info;
    struct cxm_tally *tally = keyed(&month, 1);
    assert_int_equal(cxm_tally_groups(tally), 4);
    for (int64_t g = 0; g < 4; g++) {
        assert_int_equal(cxm_tally_key(tally, g, 0, &key), CXM_OK);
        assert_int_equal(key.type, CXM_KEY_DATE);
        assert_int_equal(key.integer, months[g]);
    }
    assert_int_equal(cxm_tally_key_info(tally, 0, &info), CXM_OK);
    assert_int_equal(info.calendar, CXM_MONTH);
    cxm_tally_free(tally);
    tally = keyed(&timed, 1);
    assert_int_equal(cxm_tally_groups(tally), N_KEYED);
    assert_int_equal(cxm_tally_key(tally, 0, 0, &key), CXM_OK);
    assert_int_equal(key.type, CXM_KEY_TIME);
    assert_int_equal(key.integer, -1);
    cxm_tally_free(tally);
}

/* Words far apart and near each other: a table of near words, grown both ways, beside hashing. */
static void scattered_integer_keys(void **state)
{
    enum { N = 6000 };
    static int64_t values[N];
    static uint8_t answers[N];
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < N; i++) {
        const int64_t near = (int64_t)random_below(&seed, 64);
        const int part = (int)random_below(&seed, 3);
        values[i] = part == 0 ? near - 5000 + (i < 3000 ? 5000 : 0) /* later ones are lower */
                  : part == 1 ? 10000 + near : (near % 2 ? INT64_MIN + near : INT64_MAX - near);
        answers[i] = (uint8_t)random_below(&seed, 11);
    }
    const struct cxm_column score = cxm_column_make("score", CXM_U8, answers, N, 1, 1);
    const struct cxm_column by = cxm_column_make("id", CXM_I64, values, N, 8, 8);
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &by } };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    int64_t before = INT64_MIN, total = 0;
    for (int64_t g = 0; g < cxm_tally_groups(tally); g++) {
        struct cxm_key key;
        struct cxm_base base;
        assert_int_equal(cxm_tally_key(tally, g, 0, &key), CXM_OK);
        assert_true(g == 0 || key.integer > before);
        before = key.integer;
        int64_t n = 0;
        for (int i = 0; i < N; i++)
            n += values[i] == key.integer;
        assert_int_equal(cxm_tally_base(tally, g, 0, &base, NULL), CXM_OK);
        assert_int_equal(base.rows, n);
        total += n;
    }
    assert_int_equal(total, N);
    cxm_tally_free(tally);
}

/* ---- what must not be mixed ----------------------------------------------------------- */

static struct cxm_tally *nps_by(uint32_t type, const void *data, const char *name, bool weighted)
{
    static const double weights[] = { 1, 2 };
    static const uint8_t answers[] = { 9, 3 };
    const struct cxm_column score = cxm_column_make("score", CXM_U8, answers, 2, 1, 1);
    const struct cxm_column by = cxm_column_make(name, type, data, 2, (int64_t)cxm_type_bytes(type),
                                                 0);
    const struct cxm_column weight = cxm_column_make("weight", CXM_F64, weights, 2, 8, 8);
    struct cxm_input inputs[3] = { { "score", &score } };
    size_t n = 1;
    if (data != NULL)
        inputs[n++] = (struct cxm_input){ "by", &by };
    if (weighted)
        inputs[n++] = (struct cxm_input){ "weight", &weight };
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    if (cxm_tally_add(tally, inputs, n, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return tally;
}

/* Neither side may change, and the message names what differs. */
static void assert_mismatch(struct cxm_tally *a, struct cxm_tally *b, const char *column,
                            const char *words)
{
    const struct saved of_a = save(a), of_b = save(b);
    struct cxm_error error = { 0 };
    assert_int_equal(cxm_tally_merge(a, b, &error), CXM_EMISMATCH);
    assert_int_equal(error.status, CXM_EMISMATCH);
    assert_string_equal(error.column, column);
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    assert_int_equal(cxm_tally_merge(b, a, NULL), CXM_EMISMATCH);
    assert_int_equal(cxm_tally_subtract(a, b, NULL), CXM_EMISMATCH);
    assert_false(cxm_tally_equal(a, b));
    assert_saves_as(a, of_a, words);
    assert_saves_as(b, of_b, words);
    free(of_a.bytes);
    free(of_b.bytes);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

static void different_keys_and_weights(void **state)
{
    static const int64_t numbers[] = { 1, 2 };
    static const uint64_t naturals[] = { 1, 2 };
    static const double reals[] = { 1, 2 };
    static const char *const texts[] = { "1", "2" };
    (void)state;
    assert_mismatch(nps_by(CXM_I64, NULL, NULL, true), nps_by(CXM_I64, NULL, NULL, false),
                    "weight", "one has survey weights, the other has none");
    assert_mismatch(nps_by(CXM_I64, numbers, "n", false), nps_by(CXM_I64, NULL, NULL, false),
                    "by", "one has 1 keys, the other 0");
    assert_mismatch(nps_by(CXM_I64, numbers, "n", false), nps_by(CXM_I64, numbers, "m", false),
                    "by", "key 1 is called n in one, m in the other; give both one name");
    assert_mismatch(nps_by(CXM_I64, numbers, "n", false), nps_by(CXM_STRINGS, texts, "n", false),
                    "n", "whole numbers in one, text in the other");
    assert_mismatch(nps_by(CXM_I64, numbers, "n", false), nps_by(CXM_U64, naturals, "n", false),
                    "n", "whole numbers in one, unsigned whole numbers in the other");
    assert_mismatch(nps_by(CXM_F64, reals, "n", true), nps_by(CXM_I64, numbers, "n", true), "n",
                    "real numbers in one, whole numbers in the other");
}

static struct cxm_tally *by_category(const char *const *names, bool by_month)
{
    static const int64_t values[] = { 0, 1 };
    const struct cxm_column dictionary = cxm_column_make(NULL, CXM_STRINGS, names, 2, 8, 8);
    struct cxm_column by = cxm_column_make("k", CXM_I64, values, 2, 8, 8);
    if (names != NULL) {
        by.dictionary = &dictionary;
        by.flags = CXM_COLUMN_ORDERED;
    } else {
        by = cxm_column_period(cxm_column_time(by, CXM_S, -1), by_month ? CXM_MONTH : CXM_WEEK, 0);
    }
    return keyed(&by, 1);
}

static void different_categories_and_calendars(void **state)
{
    static const char *const up[] = { "low", "high" }, *const down[] = { "high", "low" };
    (void)state;
    assert_mismatch(by_category(up, false), by_category(down, false), "k",
                    "the lists of categories differ");
    assert_mismatch(by_category(NULL, true), by_category(NULL, false), "k",
                    "the calendar periods differ");
}

static void different_metrics_and_parameters(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (size_t i = 0; i < N_SETUPS; i++) {
        for (size_t j = 0; j < N_SETUPS; j++) {
            struct rows a = random_rows(&setups[i], 0, 3, &seed);
            struct rows b = random_rows(&setups[j], 0, 3, &seed);
            struct cxm_tally *one = tally_of(&a), *other = tally_of(&b);
            struct cxm_error error = { 0 };
            const bool same = strcmp(setups[i].metric, setups[j].metric) == 0;
            if (i == j)
                assert_int_equal(cxm_tally_merge(one, other, &error), CXM_OK);
            else if (strcmp(setups[i].metric, "mean") != 0 || !same)
                assert_int_equal(cxm_tally_merge(one, other, &error), CXM_EMISMATCH);
            assert_true(i == j || same || strstr(error.message, "one tally is of") != NULL);
            cxm_tally_free(one);
            cxm_tally_free(other);
            rows_free(&a);
            rows_free(&b);
        }
    }
    static const double five = 5;
    const struct cxm_param satisfied = { "satisfied", &five, 1, NULL, 0 };
    struct cxm_tally *four = NULL, *other = NULL;
    assert_int_equal(cxm_tally_new("csat", NULL, 0, NULL, &four, NULL), CXM_OK);
    assert_int_equal(cxm_tally_new("csat", &satisfied, 1, NULL, &other, NULL), CXM_OK);
    assert_mismatch(four, other, "satisfied",
                    "satisfied differs: 4 in one tally, 5 in the other");
}

static void different_inputs(void **state)
{
    static const uint8_t flags[] = { 1, 0, 1 }, gone[] = { 0, 0, 0 };
    static const int8_t number_reasons[] = { 1, 2, 3 };
    static const char *const text_reasons[] = { "a", "b", "c" };
    const struct cxm_column flag = cxm_column_make(NULL, CXM_BOOL, flags, 3, 1, 1);
    const struct cxm_column none = cxm_column_make(NULL, CXM_BOOL, gone, 3, 1, 1);
    const struct cxm_column number = cxm_column_make(NULL, CXM_I8, number_reasons, 3, 1, 1);
    const struct cxm_column text = cxm_column_make(NULL, CXM_STRINGS, text_reasons, 3, 8, 8);
    const struct cxm_input with_number[] = { { "active_before", &flag }, { "active_after", &none },
                                             { "reason", &number } };
    const struct cxm_input with_text[] = { { "active_before", &flag }, { "active_after", &none },
                                           { "reason", &text } };
    struct cxm_tally *tallies[4] = { NULL };
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(cxm_tally_new("churn", NULL, 0, NULL, &tallies[i], NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tallies[0], with_number, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tallies[1], with_number, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tallies[2], with_number, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tallies[3], with_text, 3, NULL, NULL), CXM_OK);
    assert_mismatch(tallies[0], tallies[1], "reason",
                    "one was counted with reason, the other without");
    assert_mismatch(tallies[2], tallies[3], "reason", "whole numbers in one, text in the other");
}

/* ---- calls that fail ------------------------------------------------------------------ */

enum { N_BROKEN = 2100 };

static struct {
    uint8_t score[N_BROKEN];
    double weight[N_BROKEN];
    int64_t freq[N_BROKEN];
    int64_t at[N_BROKEN];
} broken;

static void reset_broken(void)
{
    for (int i = 0; i < N_BROKEN; i++) {
        broken.score[i] = (uint8_t)(i % 11);
        broken.weight[i] = 1 + i % 3;
        broken.freq[i] = 1;
        broken.at[i] = i;
    }
}

static enum cxm_status add_broken(struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_column score = cxm_column_make("score", CXM_U8, broken.score, N_BROKEN, 1, 1);
    const struct cxm_column weight = cxm_column_make("w", CXM_F64, broken.weight, N_BROKEN, 8, 8);
    const struct cxm_column freq = cxm_column_make(NULL, CXM_I64, broken.freq, N_BROKEN, 8, 8);
    const struct cxm_column time = cxm_column_make("at", CXM_I64, broken.at, N_BROKEN, 8, 8);
    const struct cxm_column by = cxm_column_period(cxm_column_time(time, CXM_DAYS, -1), CXM_YEAR, 0);
    const struct cxm_input inputs[] = { { "score", &score }, { "weight", &weight },
                                        { "freq", &freq }, { "by", &by } };
    return cxm_tally_add(tally, inputs, 4, NULL, error);
}

/* Values, weights, frequencies and keys are wrong in every order: the lowest row is named. */
static void the_lowest_row_is_named(void **state)
{
    static const char *const names[] = { "score", "w", "freq", "at" };
    static const char *const texts[] = { "99", "-1", "-5", "9223372036854775807" };
    (void)state;
    uint64_t seed = random_seed();
    struct cxm_tally *tally = NULL;
    reset_broken();
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(add_broken(tally, NULL), CXM_OK);
    const struct saved before = save(tally);
    for (int trial = 0; trial < 60; trial++) {
        int64_t lowest = N_BROKEN;
        int which = -1;
        reset_broken();
        for (int k = 0; k < 4; k++) {
            const int64_t row = (int64_t)random_below(&seed, N_BROKEN);
            if (random_below(&seed, 4) == 0 || row == lowest)
                continue;
            if (k == 0)
                broken.score[row] = 99;
            else if (k == 1)
                broken.weight[row] = -1;
            else if (k == 2)
                broken.freq[row] = -5;
            else
                broken.at[row] = INT64_MAX;
            which = row < lowest ? k : which;
            lowest = row < lowest ? row : lowest;
        }
        struct cxm_error error = { 0 };
        const enum cxm_status got = add_broken(tally, &error);
        if (which < 0) {
            assert_int_equal(got, CXM_OK);
            cxm_tally_free(tally);
            assert_int_equal(cxm_tally_load(before.bytes, before.n, NULL, &tally, NULL), CXM_OK);
            continue;
        }
        assert_int_equal(got, CXM_EDATA);
        assert_int_equal(error.status, CXM_EDATA);
        assert_int_equal(error.row, lowest);
        assert_string_equal(error.column, names[which]);
        assert_string_equal(error.value, texts[which]);
        assert_saves_as(tally, before, error.message);
    }
    cxm_tally_free(tally);
    free(before.bytes);
}

/* An input that cannot be used as it is; `row` -1: no row is meant. */
static const struct failing_row {
    const char *name, *metric, *role;
    uint32_t type;
    const void *data;
    size_t n;
    enum cxm_status want;
    const char *column;
    int64_t row;
    const char *words;
} failing_rows[] = {
    { "above the scale", "nps", "score", CXM_I32, (const int32_t[]){ 1, 2, 11 }, 3, CXM_EDATA,
      "score", 2, "row 2 is 11, outside 0\xE2\x80\x93""10" },
    { "not a whole number", "nps", "score", CXM_F64, (const double[]){ 1, 9.5, 3 }, 3, CXM_EDATA,
      "score", 1, "row 1 is 9.5, not a whole number" },
    { "infinite", "mean", "value", CXM_F64, (const double[]){ -INFINITY, 1, 3 }, 3, CXM_EDATA,
      "value", 0, "not a finite number" },
    { "neither yes nor no", "fcr", "resolved_first", CXM_U8, (const uint8_t[]){ 1, 0, 7 }, 3,
      CXM_EDATA, "resolved_first", 2, "neither 0 (no) nor 1 (yes)" },
    { "another length", "nps", "freq", CXM_I64, (const int64_t[]){ 1, 2 }, 2, CXM_EINVAL, "freq",
      -1, "freq: 2 rows, score has 3" },
    { "no number of copies", "nps", "freq", CXM_F64, (const double[]){ 1, NAN, 2 }, 3, CXM_EDATA,
      "freq", 1, "whole number of copies" },
    { "half a copy", "nps", "freq", CXM_F64, (const double[]){ 1, 1, 0.5 }, 3, CXM_EDATA, "freq",
      2, "whole number of copies" },
    { "copies beyond all counting", "nps", "freq", CXM_I64,
      (const int64_t[]){ INT64_MAX, INT64_MAX, 1 }, 3, CXM_EOVERFLOW, "freq", -1,
      "more than 9223372036854775807 rows" },
    { "no weight", "nps", "weight", CXM_F64, (const double[]){ 1, 1, NAN }, 3, CXM_EDATA, "weight",
      2, "has an answer but no weight" },
    { "negative weight", "nps", "weight", CXM_F64, (const double[]){ -0.5, 1, 1 }, 3, CXM_EDATA,
      "weight", 0, "a weight is 0 or between 1e-100 and 1e100" },
    { "infinite weight", "nps", "weight", CXM_F64, (const double[]){ 1, INFINITY, 1 }, 3, CXM_EDATA,
      "weight", 1, "a weight is 0 or between" },
    { "tiny weight", "nps", "weight", CXM_F64, (const double[]){ 1, 1e-101, 1 }, 3, CXM_EDATA,
      "weight", 1, "a weight is 0 or between" },
    { "unknown role", "nps", "scores", CXM_F64, (const double[]){ 1, 1, 1 }, 3, CXM_EINVAL,
      "scores", -1, "nps has no input scores; it takes score, by, weight and freq" },
    { "unknown type", "nps", "by", 99, (const double[]){ 1, 1, 1 }, 3, CXM_EINVAL, "by", -1, "" },
    { "text as a weight", "nps", "weight", CXM_STRINGS, (const char *const[]){ "a", "b", "c" }, 3,
      CXM_EINVAL, "weight", -1, "" },
    { "decimal keys", "nps", "by", CXM_DECIMAL, (const uint64_t[]){ 1, 0, 2, 0, 3, 0 }, 3,
      CXM_EUNSUPPORTED, "by", -1, "decimals cannot be keys" },
};

static void failing_adds_change_nothing(void **state)
{
    static const uint8_t flags[] = { 1, 0, 1 };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(failing_rows); r++) {
        const struct failing_row *row = &failing_rows[r];
        const struct cxm_metric_info *info = cxm_metric_find(row->metric);
        const struct cxm_column good = cxm_column_make(NULL, CXM_U8, flags, 3, 1, 1);
        struct cxm_column bad = cxm_column_make(NULL, row->type, row->data, row->n, 8, 8);
        bad.stride = row->type == CXM_DECIMAL ? 16 : (int64_t)cxm_type_bytes(row->type);
        bad.stride = bad.stride > 0 ? bad.stride : 8;
        struct cxm_input inputs[2] = { { info->inputs[0].name, &good }, { row->role, &bad } };
        const bool alone = strcmp(row->role, info->inputs[0].name) == 0;
        struct cxm_tally *tally = NULL;
        assert_int_equal(cxm_tally_new(row->metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
        for (int filled = 0; filled < 2; filled++) {
            const struct saved before = save(tally);
            struct cxm_error error = { 0 };
            print_message("%s\n", row->name);
            assert_int_equal(cxm_tally_add(tally, inputs + alone, 2u - alone, NULL, &error),
                             row->want);
            assert_int_equal(error.status, row->want);
            assert_int_equal(error.row, row->row);
            assert_string_equal(error.column, row->column);
            if (strstr(error.message, row->words) == NULL)
                fail_msg("\"%s\" does not say \"%s\"", error.message, row->words);
            assert_int_equal(cxm_tally_add(tally, inputs + alone, 2u - alone, NULL, NULL),
                             row->want);
            assert_saves_as(tally, before, row->name);
            free(before.bytes);
            assert_int_equal(cxm_tally_add(tally, inputs, 1, NULL, NULL), CXM_OK);
            if (strcmp(row->role, "weight") == 0)
                cxm_tally_clear(tally); /* rows without weights would be the first difference */
        }
        cxm_tally_free(tally);
    }
}

static void calls_with_wrong_arguments(void **state)
{
    static const uint8_t answers[] = { 1 };
    const struct cxm_column score = cxm_column_make(NULL, CXM_U8, answers, 1, 1, 1);
    struct cxm_input inputs[10] = { { "score", &score }, { "score", &score } };
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    (void)state;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new("nsp", NULL, 0, NULL, &tally, &error), CXM_EINVAL);
    assert_string_equal(error.message, "there is no metric \"nsp\"");
    assert_int_equal(cxm_tally_new(NULL, NULL, 0, NULL, &tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new("nps", NULL, 1, NULL, &tally, NULL), CXM_EINVAL);
    assert_null(tally);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(NULL, inputs, 1, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, NULL, 1, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, inputs, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "score is given twice");
    inputs[1].role = "by";
    inputs[2].role = NULL;
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, inputs + 1, 1, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "nps needs score");
    for (int i = 1; i < 10; i++)
        inputs[i] = (struct cxm_input){ "by", &score };
    assert_int_equal(cxm_tally_add(tally, inputs, 10, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "at most 8 keys");
    assert_int_equal(cxm_tally_add(tally, inputs, 9, NULL, NULL), CXM_OK);
    cxm_tally_clear(tally);
    for (int i = 1; i < 3; i++)
        inputs[i] = (struct cxm_input){ "freq", &score };
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "freq is given twice");

    struct cxm_add_options options = { .size = sizeof options };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_OK);
    options.size = 0;
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_EINVAL);
    options.size = sizeof options + 1;
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_EINVAL);
    options = (struct cxm_add_options){ .size = sizeof options.size };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_OK);
    options = (struct cxm_add_options){ .size = sizeof options, .invalid = 2 };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_EINVAL);
    options = (struct cxm_add_options){ .size = sizeof options, .missing_key = -1 };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_EINVAL);
    options = (struct cxm_add_options){ .size = sizeof options, .threads = -1 };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, &options, NULL), CXM_EINVAL);

    size_t n = 0;
    uint8_t bytes[8];
    struct cxm_tally_info info;
    assert_int_equal(cxm_tally_merge(tally, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_merge(NULL, tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_subtract(tally, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_copy(tally, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_copy(NULL, &tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_save(NULL, NULL, 0, &n, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_save(tally, NULL, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_save(tally, NULL, 8, &n, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_save(tally, bytes, sizeof bytes, &n, NULL), CXM_EINVAL);
    assert_true(n > sizeof bytes);
    assert_int_equal(cxm_tally_load(bytes, 8, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_info(bytes, 8, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_info(NULL, 0, &info, NULL), CXM_ECORRUPT);
    assert_int_equal(cxm_tally_group(NULL, 0, 0, &tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_key_info(NULL, 0, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_groups(NULL), 0);
    assert_int_equal(cxm_tally_n_keys(NULL), 0);
    assert_int_equal(cxm_tally_equal(NULL, NULL), 1);
    assert_int_equal(cxm_tally_equal(tally, NULL), 0);
    assert_int_equal(cxm_tally_definition(NULL, NULL, 0), 0);
    assert_int_equal(cxm_tally_definition(tally, NULL, 0), strlen("nps/0-10/6-9"));
    char cut[4];
    assert_int_equal(cxm_tally_definition(tally, cut, sizeof cut), strlen("nps/0-10/6-9"));
    assert_string_equal(cut, "nps");
    cxm_tally_describe(NULL, &info);
    cxm_tally_describe(tally, NULL);
    cxm_tally_clear(NULL);
    cxm_tally_free(NULL);
    cxm_tally_free(tally);
}

static const struct param_row {
    const char *metric, *param;
    double numbers[3];
    size_t n_numbers;
    const char *text;
    const char *words;
} param_rows[] = {
    { "nps", "scales", { 0 }, 1, NULL, "nps has no parameter scales" },
    { "nps", "scale", { 0, 10, 3 }, 3, NULL, "scale must be a pair" },
    { "nps", "scale", { 0, 10 }, 2, "ten", "scale takes numbers, not text" },
    { "nps", "scale", { 10, 0 }, 2, NULL, "low before high" },
    { "nps", "scale", { 0.5, 10 }, 2, NULL, "two whole numbers" },
    { "nps", "scale", { 0, 5000 }, 2, NULL, "more than 1001 answers" },
    { "nps", "promoter", { NAN }, 1, NULL, "promoter must be a finite number, not nan" },
    { "nps", "promoter", { 9, 10 }, 2, NULL, "promoter must be one number" },
    { "nps", "promoter", { 5 }, 1, NULL, "do not fit the scale" },
    { "one_touch", "max_replies", { -1 }, 1, NULL, "max_replies is -1, outside 0 to 1000000" },
    { "one_touch", "max_replies", { 1.5 }, 1, NULL, "must be a whole number, not 1.5" },
    { "one_touch", "min_replies", { 5 }, 1, NULL, "min_replies is above max_replies" },
    { "churn", "denominator", { 1 }, 1, NULL, "denominator takes text, not numbers" },
    { "churn", "denominator", { 0 }, 0, NULL, "denominator must be one word" },
    { "churn", "denominator", { 0 }, 0, "middle",
      "must be one of start, average, joined, opening, survivors, daily, not \"middle\"" },
    { "csi", "items", { 0 }, 0, "", "item 1 has no name" },
    { "csi", "scaling", { 0 }, 0, "ratio", "csi needs items" },
    { "gap", "items", { 3 }, 1, NULL, "items takes text, not numbers" },
};

static void parameters_that_do_not_fit(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(param_rows); r++) {
        const struct param_row *row = &param_rows[r];
        const struct cxm_param param = { row->param, row->numbers, row->n_numbers, &row->text,
                                         row->text != NULL };
        struct cxm_tally *tally = NULL;
        struct cxm_error error = { 0 };
        assert_int_equal(cxm_tally_new(row->metric, &param, 1, NULL, &tally, &error), CXM_EINVAL);
        assert_null(tally);
        if (strstr(error.message, row->words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.message, row->words);
    }
    const struct cxm_param twice[] = { { "promoter", &six, 1, NULL, 0 },
                                       { "promoter", &six, 1, NULL, 0 } };
    const char *const nothing = NULL;
    const struct cxm_param null_name = { "items", NULL, 0, &nothing, 1 };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", twice, 2, NULL, &tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new("csi", &null_name, 1, NULL, &tally, NULL), CXM_EINVAL);
}

static void items_need_their_columns(void **state)
{
    static const double answers[] = { 1, 2 };
    const struct cxm_column column = cxm_column_make(NULL, CXM_F64, answers, 2, 8, 8);
    struct cxm_input inputs[5];
    struct cxm_tally *tally = tally_for(&setups[4], NULL);
    struct cxm_error error = { 0 };
    (void)state;
    assert_string_equal(setups[4].name, "csi");
    for (int i = 0; i < 5; i++)
        inputs[i] = (struct cxm_input){ "items", &column };
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "items: 2 columns for 3 items");
    assert_int_equal(cxm_tally_add(tally, inputs, 4, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "items: more columns than the 3 items");
    inputs[3].role = "importance";
    assert_int_equal(cxm_tally_add(tally, inputs, 4, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "importance");
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, answers, 2, NULL, 1, NULL), CXM_EUNSUPPORTED);
    cxm_tally_free(tally);
}

/* ---- one row at a time ---------------------------------------------------------------- */

static const struct one_row {
    const char *name, *metric;
    double values[3];
    size_t n;
    double weight; /* 0: none */
    int64_t freq;
    enum cxm_status want;
    const char *words;
} one_rows[] = {
    { "too large", "nps", { 11 }, 1, 0, 1, CXM_EDATA, "score: row 0 is 11, outside 0" },
    { "below", "nps", { -1 }, 1, 0, 1, CXM_EDATA, "outside" },
    { "half", "nps", { 0.5 }, 1, 0, 1, CXM_EDATA, "not a whole number" },
    { "no flag", "fcr", { 2 }, 1, 0, 1, CXM_EDATA, "neither 0 (no) nor 1 (yes)" },
    { "infinite", "mean", { INFINITY }, 1, 0, 1, CXM_EDATA, "not a finite number" },
    { "negative count", "one_touch", { 1, -1, 0 }, 3, 0, 1, CXM_EDATA, "replies" },
    { "half a count", "one_touch", { 1, 0.5, 0 }, 3, 0, 1, CXM_EDATA, "replies" },
    { "too few", "ratio", { 1 }, 1, 0, 1, CXM_EINVAL, "ratio takes 2 values, not 1" },
    { "too many", "nps", { 1, 2 }, 2, 0, 1, CXM_EINVAL, "nps takes 1 values, not 2" },
    { "a reason", "churn", { 1, 0, 1 }, 3, 0, 1, CXM_EUNSUPPORTED, "cxm_tally_add" },
    { "negative copies", "nps", { 1 }, 1, 0, -1, CXM_EDATA, "freq must be 0 or more" },
    { "bad weight", "nps", { 1 }, 1, -2, 1, CXM_EDATA, "row 0 is -2; a weight is 0 or between" },
    { "no weight", "nps", { 1 }, 1, NAN, 1, CXM_EDATA, "has an answer but no weight" },
    { "invalid, no copies", "nps", { 11 }, 1, 0, 0, CXM_EDATA, "outside" },
    { "beyond a double", "mean", { 1e300 }, 1, 1e100, 1, CXM_EOVERFLOW, "range of a double" },
};

static void one_row_that_fails(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(one_rows); r++) {
        const struct one_row *row = &one_rows[r];
        const double *weight = row->weight != 0 ? &row->weight : NULL;
        static const double good[3] = { 1, 1, 1 }, one = 1;
        struct cxm_tally *tally = NULL;
        struct cxm_error error = { 0 };
        assert_int_equal(cxm_tally_new(row->metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
        const size_t n = row->want == CXM_EINVAL || row->want == CXM_EUNSUPPORTED ? 0 : row->n;
        for (int filled = 0; filled < 2; filled++) {
            const struct saved before = save(tally);
            assert_int_equal(cxm_tally_add_one(tally, row->values, row->n, weight, row->freq,
                                               &error), row->want);
            if (strstr(error.message, row->words) == NULL)
                fail_msg("%s: \"%s\" does not say \"%s\"", row->name, error.message, row->words);
            assert_saves_as(tally, before, row->name);
            free(before.bytes);
            if (n > 0)
                assert_int_equal(cxm_tally_add_one(tally, good, n, weight != NULL ? &one : NULL,
                                                   1, NULL), CXM_OK);
        }
        cxm_tally_free(tally);
    }
}

static void one_row_beside_others(void **state)
{
    static const double nine = 9, two[2] = { 1, 1 }, weight = 2;
    static const int64_t numbers[] = { 1, 2 };
    struct cxm_tally *tally = nps_by(CXM_I64, numbers, "n", false);
    struct cxm_error error = { 0 };
    (void)state;
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, 1, &error), CXM_EMISMATCH);
    assert_string_equal(error.column, "by");
    cxm_tally_clear(tally);
    /* An empty tally may be tried without copies first, whatever comes later. */
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, 0, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, &weight, 0, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, &weight, 1, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, 1, &error), CXM_EMISMATCH);
    assert_string_equal(error.column, "weight");
    assert_int_equal(cxm_tally_add_one(NULL, &nine, 1, NULL, 1, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add_one(tally, NULL, 1, NULL, 1, NULL), CXM_EINVAL);
    cxm_tally_free(tally);

    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, two, 2, NULL, 1, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, two, 1, NULL, 1, &error), CXM_EMISMATCH);
    assert_string_equal(error.message, "earlier rows were counted with other optional inputs");
    cxm_tally_free(tally);
}

/* A row that fails has widened what the tally knows of its values, but not the tally: the next
 * row of that size must find room. */
static void one_row_after_an_overflow(void **state)
{
    static const struct { double w, x; enum cxm_status want; } steps[] = {
        { 0x1p-332, 0x1p28, CXM_OK }, { 0x1p332, 0x1p28, CXM_OK },
        { 0x1p332, 0x1p692, CXM_EOVERFLOW }, { 0x1p-332, 0x1p692, CXM_OK },
    };
    struct cxm_tally *one = NULL, *all = NULL;
    double w[3], x[3];
    size_t n = 0;
    (void)state;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &one, NULL), CXM_OK);
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &all, NULL), CXM_OK);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(cxm_tally_add_one(one, &steps[i].x, 1, &steps[i].w, 1, NULL),
                         steps[i].want);
        if (steps[i].want == CXM_OK) {
            w[n] = steps[i].w;
            x[n++] = steps[i].x;
        }
    }
    const struct cxm_column value = cxm_column_make(NULL, CXM_F64, x, n, 8, 8);
    const struct cxm_column weight = cxm_column_make(NULL, CXM_F64, w, n, 8, 8);
    const struct cxm_input inputs[] = { { "value", &value }, { "weight", &weight } };
    assert_int_equal(cxm_tally_add(all, inputs, 2, NULL, NULL), CXM_OK);
    assert_true(cxm_tally_equal(one, all));
    cxm_tally_free(one);
    cxm_tally_free(all);
}

/* ---- counts near the end -------------------------------------------------------------- */

static void rows_near_the_end_of_counting(void **state)
{
    static const double nine = 9;
    struct cxm_tally *tally = NULL, *other = NULL;
    struct cxm_error error = { 0 };
    (void)state;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, INT64_MAX - 1, NULL), CXM_OK);
    assert_int_equal(cxm_tally_copy(tally, &other, NULL), CXM_OK);
    const struct saved before = save(tally);
    assert_int_equal(cxm_tally_merge(tally, other, &error), CXM_EOVERFLOW);
    assert_int_equal(cxm_tally_merge(tally, tally, &error), CXM_EOVERFLOW);
    assert_string_equal(error.message, "more than 9223372036854775807 rows");
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, 2, &error), CXM_EOVERFLOW);
    assert_saves_as(tally, before, "overflow");
    static const uint8_t answers[] = { 0, 10 };
    const struct cxm_column score = cxm_column_make(NULL, CXM_U8, answers, 2, 1, 1);
    const struct cxm_input input = { "score", &score };
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, &error), CXM_EOVERFLOW);
    assert_saves_as(tally, before, "overflow");
    assert_int_equal(cxm_tally_add_one(tally, &nine, 1, NULL, 1, NULL), CXM_OK);
    struct cxm_tally_info info;
    cxm_tally_describe(tally, &info);
    assert_true(info.rows == INT64_MAX);
    free(before.bytes);
    cxm_tally_free(tally);
    cxm_tally_free(other);
}

/* ---- subtracting what was never added ------------------------------------------------- */

static struct cxm_tally *mean_of(double x, double w, int64_t key)
{
    const struct cxm_column value = cxm_column_make(NULL, CXM_F64, &x, 1, 8, 8);
    const struct cxm_column weight = cxm_column_make(NULL, CXM_F64, &w, 1, 8, 8);
    const struct cxm_column by = cxm_column_make("k", CXM_I64, &key, 1, 8, 8);
    const struct cxm_input inputs[] = { { "value", &value }, { "by", &by },
                                        { "weight", &weight } };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, w > 0 ? 3 : 2, NULL, NULL), CXM_OK);
    return tally;
}

static void subtracting_what_is_not_there(void **state)
{
    const struct { struct cxm_tally *into, *from; } rows[] = {
        { mean_of(1, 0, 1), mean_of(1, 0, 2) }, /* another group */
        { mean_of(1, 0, 1), mean_of(2, 0, 1) }, /* as many rows, another value */
        { mean_of(1, 2, 1), mean_of(1, 3, 1) }, /* another weight */
        { mean_of(NAN, 0, 1), mean_of(1, 0, 1) },
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        const struct saved before = save(rows[r].into);
        struct cxm_error error = { 0 };
        assert_int_equal(cxm_tally_subtract(rows[r].into, rows[r].from, &error),
                         CXM_EINCONSISTENT);
        assert_string_equal(error.message,
                            "the tally to subtract has rows that this one has not");
        assert_saves_as(rows[r].into, before, error.message);
        assert_false(cxm_tally_equal(rows[r].into, rows[r].from));
        free(before.bytes);
        cxm_tally_free(rows[r].into);
        cxm_tally_free(rows[r].from);
    }
    struct cxm_tally *a = mean_of(1, 0, 1), *b = mean_of(1, 0, 1);
    assert_int_equal(cxm_tally_merge(b, a, NULL), CXM_OK);
    assert_int_equal(cxm_tally_subtract(a, b, NULL), CXM_EINCONSISTENT); /* too many rows */
    assert_int_equal(cxm_tally_subtract(a, a, NULL), CXM_OK); /* all of itself */
    struct cxm_tally *empty = mean_of(1, 0, 1);
    cxm_tally_clear(empty);
    assert_true(cxm_tally_equal(a, empty));
    cxm_tally_free(empty);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

/* The same in the key table: the reasons of two customers who left. */
static void subtracting_other_reasons(void **state)
{
    static const uint8_t yes = 1, no = 0;
    struct cxm_tally *tallies[2] = { NULL };
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct cxm_column before = cxm_column_make(NULL, CXM_U8, &yes, 1, 1, 1);
        const struct cxm_column after = cxm_column_make(NULL, CXM_U8, &no, 1, 1, 1);
        const int64_t why = i;
        const struct cxm_column reason = cxm_column_make(NULL, CXM_I64, &why, 1, 8, 8);
        const struct cxm_input inputs[] = { { "active_before", &before },
                                            { "active_after", &after }, { "reason", &reason } };
        assert_int_equal(cxm_tally_new("churn", NULL, 0, NULL, &tallies[i], NULL), CXM_OK);
        assert_int_equal(cxm_tally_add(tallies[i], inputs, 3, NULL, NULL), CXM_OK);
    }
    assert_int_equal(cxm_tally_subtract(tallies[0], tallies[1], NULL), CXM_EINCONSISTENT);
    assert_false(cxm_tally_equal(tallies[0], tallies[1]));
    cxm_tally_free(tallies[0]);
    cxm_tally_free(tallies[1]);
}

/* ---- one tally a group, as SQL engines do --------------------------------------------- */

static void *measured_take(void *context, size_t bytes)
{
    size_t *const memory = malloc(sizeof(max_align_t) + bytes);
    if (memory == NULL)
        return NULL;
    *memory = bytes;
    *(size_t *)context += bytes;
    return (char *)memory + sizeof(max_align_t);
}

static void measured_give_back(void *context, void *memory)
{
    if (memory == NULL)
        return;
    size_t *const start = (void *)((char *)memory - sizeof(max_align_t));
    *(size_t *)context -= *start;
    free(start);
}

/* A hundred thousand groups fit beside the rest; clearing and adding again takes no more. */
static void a_tally_of_one_row_is_small(void **state)
{
    enum { MOST = 4000 };
    (void)state;
    size_t bytes = 0;
    const struct cxm_allocator measured = { &bytes, measured_take, measured_give_back };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, &measured, &tally, NULL), CXM_OK);
    for (double score = 0; score <= 10; score++) {
        assert_int_equal(cxm_tally_add_one(tally, &score, 1, NULL, 1, NULL), CXM_OK);
        if (bytes > MOST)
            fail_msg("%zu bytes", bytes);
        cxm_tally_clear(tally);
    }
    cxm_tally_free(tally);
    assert_int_equal(bytes, 0);
}

/* Forgotten rows leave nothing behind: not their weights, not how far their values reached. */
static void clearing_between_rows(void **state)
{
    static const double values[] = { 1e300, 0.1, -1e-300, 7 }, weights[] = { 1e-90, 0.5, 1e90, 2 };
    (void)state;
    struct cxm_tally *cleared = NULL;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &cleared, NULL), CXM_OK);
    for (int i = 0; i < 8; i++) {
        const double *const weight = i < 4 ? NULL : &weights[i - 4];
        struct cxm_tally *fresh = NULL;
        assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &fresh, NULL), CXM_OK);
        cxm_tally_clear(cleared);
        for (int k = 0; k < 2; k++) {
            const double value = values[(i + k) % 4];
            assert_int_equal(cxm_tally_add_one(cleared, &value, 1, weight, 1, NULL), CXM_OK);
            assert_int_equal(cxm_tally_add_one(fresh, &value, 1, weight, 1, NULL), CXM_OK);
        }
        const struct saved want = save(fresh);
        assert_saves_as(cleared, want, "cleared");
        assert_true(cxm_tally_equal(cleared, fresh));
        free(want.bytes);
        cxm_tally_free(fresh);
    }
    cxm_tally_free(cleared);
}

/* ---- left-out rows -------------------------------------------------------------------- */

/* All keys are missing and left out: no group, but rows. The total has no cell until one row
 * is added to it, and a left-out row's weight is not looked at. */
static void all_rows_left_out(void **state)
{
    static const double weight[] = { 1e300, NAN }, value[] = { 1e300, 2 }, nine = 9, one = 1;
    static const uint8_t validity = 0;
    static const int64_t keys[] = { 1, 2 };
    const struct cxm_column values = cxm_column_make(NULL, CXM_F64, value, 2, 8, 8);
    const struct cxm_column weights = cxm_column_make(NULL, CXM_F64, weight, 2, 8, 8);
    struct cxm_column by = cxm_column_make("k", CXM_I64, keys, 2, 8, 8);
    by.validity = &validity;
    const struct cxm_input inputs[] = { { "value", &values }, { "weight", &weights },
                                        { "by", &by } };
    const struct cxm_add_options options = { .size = sizeof options,
                                             .missing_key = CXM_MISSING_KEY_LEAVE_OUT };
    struct cxm_tally *tally = NULL, *total = NULL, *again = NULL;
    struct cxm_error error = { 0 };
    (void)state;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    if (cxm_tally_add(tally, inputs, 3, &options, &error) != CXM_OK)
        fail_msg("%s", error.message);
    assert_int_equal(cxm_tally_groups(tally), 0);
    assert_int_equal(cxm_tally_group(tally, CXM_TOTAL, 0, &total, NULL), CXM_OK);
    const struct saved bytes = save(total);
    assert_int_equal(cxm_tally_load(bytes.bytes, bytes.n, NULL, &again, NULL), CXM_OK);
    assert_true(cxm_tally_equal(total, again));
    assert_int_equal(cxm_tally_add_one(again, &nine, 1, &one, 1, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(total, &nine, 1, &one, 1, NULL), CXM_OK);
    assert_true(cxm_tally_equal(total, again));
    struct cxm_base base;
    assert_int_equal(cxm_tally_base(again, CXM_TOTAL, 0, &base, NULL), CXM_OK);
    assert_int_equal(base.rows, 3);
    assert_int_equal(base.n, 1);
    assert_int_equal(base.excluded_by[CXM_REASON_GROUP_LEFT_OUT], 2);
    free(bytes.bytes);
    cxm_tally_free(tally);
    cxm_tally_free(total);
    cxm_tally_free(again);
}

/* The ends of all doubles and weights: what is saved loads, and a row alone is the same. */
static void extreme_values_and_weights(void **state)
{
    static const double x[] = { 0x1p-1074, -0x1p-1074, 1.7e308, -1.7e308, 1, 0x1p-600, 3e207 };
    static const double w[] = { 1e-100, 1, 1, 1e-100, 1e100, 1e100, 1e100 };
    (void)state;
    for (size_t first = 0; first < COUNT_OF(x); first++) {
        const size_t n = COUNT_OF(x) - first;
        const struct cxm_column value = cxm_column_make(NULL, CXM_F64, x + first, n, 8, 8);
        const struct cxm_column weight = cxm_column_make(NULL, CXM_F64, w + first, n, 8, 8);
        const struct cxm_input inputs[] = { { "value", &value }, { "weight", &weight } };
        for (size_t weighted = 0; weighted < 2; weighted++) {
            struct cxm_tally *all = NULL, *each = NULL, *loaded = NULL;
            struct cxm_error error = { 0 };
            assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &all, NULL), CXM_OK);
            assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &each, NULL), CXM_OK);
            assert_int_equal(cxm_tally_add(all, inputs, 1 + weighted, NULL, NULL), CXM_OK);
            for (size_t i = first; i < COUNT_OF(x); i++)
                assert_int_equal(cxm_tally_add_one(each, &x[i], 1, weighted ? &w[i] : NULL, 1,
                                                   NULL), CXM_OK);
            const struct saved bytes = save(all);
            if (cxm_tally_load(bytes.bytes, bytes.n, NULL, &loaded, &error) != CXM_OK)
                fail_msg("%s", error.message);
            assert_saves_as(each, bytes, "one by one");
            assert_saves_as(loaded, bytes, "loaded");
            free(bytes.bytes);
            cxm_tally_free(all);
            cxm_tally_free(each);
            cxm_tally_free(loaded);
        }
    }
}

/* Finite input, but a respondent's gap that no double can hold. */
static void a_gap_beyond_a_double(void **state)
{
    static const double high[] = { 1, 1e308 }, low[] = { 2, -1e308 };
    static const char *const item = "speed";
    const struct cxm_param items = { "items", NULL, 0, &item, 1 };
    const struct cxm_column p = cxm_column_make(NULL, CXM_F64, high, 2, 8, 8);
    const struct cxm_column e = cxm_column_make(NULL, CXM_F64, low, 2, 8, 8);
    const struct cxm_input inputs[] = { { "perceived", &p }, { "expected", &e } };
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    (void)state;
    assert_int_equal(cxm_tally_new("gap", &items, 1, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, &error), CXM_EOVERFLOW);
    assert_int_equal(error.row, 1);
    cxm_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_keys),
        cmocka_unit_test(unsigned_keys),
        cmocka_unit_test(real_and_yes_no_keys),
        cmocka_unit_test(text_keys),
        cmocka_unit_test(text_keys_without_memory),
        cmocka_unit_test(the_same_text_from_any_column),
        cmocka_unit_test(category_keys),
        cmocka_unit_test(date_and_time_keys),
        cmocka_unit_test(scattered_integer_keys),
        cmocka_unit_test(different_keys_and_weights),
        cmocka_unit_test(different_categories_and_calendars),
        cmocka_unit_test(different_metrics_and_parameters),
        cmocka_unit_test(different_inputs),
        cmocka_unit_test(the_lowest_row_is_named),
        cmocka_unit_test(failing_adds_change_nothing),
        cmocka_unit_test(calls_with_wrong_arguments),
        cmocka_unit_test(parameters_that_do_not_fit),
        cmocka_unit_test(items_need_their_columns),
        cmocka_unit_test(one_row_that_fails),
        cmocka_unit_test(one_row_beside_others),
        cmocka_unit_test(one_row_after_an_overflow),
        cmocka_unit_test(rows_near_the_end_of_counting),
        cmocka_unit_test(subtracting_what_is_not_there),
        cmocka_unit_test(subtracting_other_reasons),
        cmocka_unit_test(a_tally_of_one_row_is_small),
        cmocka_unit_test(clearing_between_rows),
        cmocka_unit_test(all_rows_left_out),
        cmocka_unit_test(extreme_values_and_weights),
        cmocka_unit_test(a_gap_beyond_a_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
