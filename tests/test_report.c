/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports: what was built is what is read, also when memory runs out on the way. */
#include "testing.h"

#include "analysis/report.h"

#include <cxm/nps.h>

static struct cxm_key text_key(const char *text)
{
    return (struct cxm_key){ .type = CXM_KEY_TEXT, .text = text, .text_bytes = strlen(text) };
}

/* Forty rows of two keys and five axes, one of them added late. */
static enum cxm_status build(const struct cxm_allocator *allocator, struct cxm_report **out)
{
    struct cxm_report *r = cxm_priv_report_new(allocator);
    char name[300];
    const int region = cxm_priv_report_key_column(r, "region", CXM_KEY_TEXT, 0);
    const int number = cxm_priv_report_key_column(r, "", CXM_KEY_INT, 0);
    const int p = cxm_priv_report_axis(r, "p_value", CXM_AXIS_REAL);
    const int events = cxm_priv_report_axis(r, "events", CXM_AXIS_INT);
    const int verdict = cxm_priv_report_axis(r, "verdict", CXM_AXIS_TEXT);
    for (int i = 0; i < 40; i++) {
        struct cxm_estimate e = cxm_priv_blank_estimate(0.9, CXM_UNIT_POINTS,
                                                        CXM_BASE_RESPONSES);
        e.value = i;
        memset(name, 'm', sizeof name);
        snprintf(name, sizeof name, "measure%d", i % 3);
        const size_t row = cxm_priv_report_add(r, "nps", name, "nps/0-10/6-9", &e);
        if (i == 39)
            break;
        const struct cxm_key region_key = text_key(i % 2 ? "EMEA" : "APAC");
        const struct cxm_key number_key = { .type = CXM_KEY_INT, .integer = i % 4,
                                            .missing = i == 7 };
        cxm_priv_report_key(r, row, region, &region_key);
        cxm_priv_report_key(r, row, number, &number_key);
        cxm_priv_report_real(r, row, p, i / 100.0);
        if (i % 5)
            cxm_priv_report_int(r, row, events, i);
        if (i == 3)
            cxm_priv_report_text(r, row, verdict, "met");
        if (i == 20)
            cxm_priv_report_axis(r, "late", CXM_AXIS_DATE);
    }
    struct cxm_estimate *first = cxm_priv_report_estimate(r, 0);
    if (first != NULL)
        first->n = 12;
    return cxm_priv_report_finish(r, out, NULL);
}

static void reads_what_was_built(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    assert_int_equal(build(NULL, &r), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 40);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_int_equal(e[0].n, 12);
    for (int i = 0; i < 39; i++) {
        struct cxm_key region, number;
        assert_close(e[i].value, i, 0);
        assert_int_equal(e[i].measure, i % 3);
        assert_int_equal(e[i].group, i == 7 ? 7 - 3 : i % 4);
        assert_int_equal(cxm_report_key(r, (size_t)i, 0, &region), CXM_OK);
        assert_int_equal(cxm_report_key(r, (size_t)i, 1, &number), CXM_OK);
        assert_int_equal(region.text_bytes, 4);
        assert_string_equal(region.text, i % 2 ? "EMEA" : "APAC");
        assert_int_equal(number.missing, i == 7);
        if (i != 7)
            assert_int_equal(number.integer, i % 4);
        assert_close(cxm_report_reals(r, 0)[i], i / 100.0, 0);
        assert_true(cxm_report_ints(r, 1)[i] == (i % 5 ? i : INT64_MIN));
        assert_true(cxm_report_ints(r, 3)[i] == INT64_MIN);
        if (i == 3)
            assert_string_equal(cxm_report_text(r, 2, 3), "met");
        else
            assert_null(cxm_report_text(r, 2, (size_t)i));
    }
    assert_int_equal(e[39].group, CXM_TOTAL);
    assert_true(isnan(cxm_report_reals(r, 0)[39]));
    cxm_report_free(r);
}

static void rows_carry_their_names(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    struct cxm_row row;
    struct cxm_key_info key;
    struct cxm_axis_info axis;
    assert_int_equal(build(NULL, &r), CXM_OK);
    assert_int_equal(cxm_report_row(r, 5, &row), CXM_OK);
    assert_string_equal(row.metric, "nps");
    assert_string_equal(row.measure, "measure2");
    assert_string_equal(row.group, "EMEA, 1");
    assert_string_equal(row.definition, "nps/0-10/6-9");
    assert_int_equal(cxm_report_row(r, 7, &row), CXM_OK);
    assert_string_equal(row.group, "EMEA, (missing)");
    assert_int_equal(cxm_report_row(r, 39, &row), CXM_OK);
    assert_string_equal(row.group, "Total");
    assert_int_equal(cxm_report_n_keys(r), 2);
    assert_int_equal(cxm_report_key_info(r, 0, &key), CXM_OK);
    assert_string_equal(key.name, "region");
    assert_int_equal(cxm_report_n_axes(r), 4);
    assert_int_equal(cxm_report_axis_info(r, 3, &axis), CXM_OK);
    assert_string_equal(axis.name, "late");
    assert_int_equal(axis.type, CXM_AXIS_DATE);
    assert_int_equal(cxm_report_find_axis(r, "events"), 1);
    assert_string_equal(cxm_report_metric(r, 0), "nps");
    assert_string_equal(cxm_report_measure(r, 1), "measure1");
    assert_string_equal(cxm_report_definition(r, 39), "nps/0-10/6-9");
    cxm_report_free(r);
}

static void beyond_the_end(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    struct cxm_row row;
    struct cxm_key key;
    struct cxm_key_info info;
    struct cxm_axis_info axis;
    assert_int_equal(build(NULL, &r), CXM_OK);
    assert_int_equal(cxm_report_row(r, 40, &row), CXM_EINVAL);
    assert_int_equal(cxm_report_row(r, 0, NULL), CXM_EINVAL);
    assert_int_equal(cxm_report_key(r, 40, 0, &key), CXM_EINVAL);
    assert_int_equal(cxm_report_key(r, 0, 2, &key), CXM_EINVAL);
    assert_int_equal(cxm_report_key_info(r, 2, &info), CXM_EINVAL);
    assert_int_equal(cxm_report_axis_info(r, 4, &axis), CXM_EINVAL);
    assert_int_equal(cxm_report_find_axis(r, "nothing"), -1);
    assert_int_equal(cxm_report_find_axis(r, NULL), -1);
    assert_string_equal(cxm_report_metric(r, 40), "");
    assert_null(cxm_report_reals(r, 1));
    assert_null(cxm_report_ints(r, 0));
    assert_null(cxm_report_ints(r, 2));
    assert_null(cxm_report_text(r, 0, 0));
    assert_null(cxm_report_text(r, 2, 40));
    cxm_report_free(r);
    cxm_report_free(NULL);
    assert_int_equal(cxm_report_rows(NULL), 0);
    assert_null(cxm_report_estimates(NULL));
    assert_int_equal(cxm_report_n_keys(NULL), 0);
    assert_int_equal(cxm_report_n_axes(NULL), 0);
}

static void keys_come_from_a_tally(void **state)
{
    (void)state;
    const uint8_t scores[] = { 10, 3, 9, 7 };
    const int32_t months[] = { 2, 1, 2, 1 };
    const struct cxm_column score = { .data = scores, .n = 4, .stride = 1, .type = CXM_U8 };
    const struct cxm_column by = { .name = "month", .data = months, .n = 4, .stride = 4,
                                   .type = CXM_I32 };
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &by } };
    struct cxm_tally *tally = NULL;
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    struct cxm_report *made = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(made, tally);
    for (int64_t group = CXM_TOTAL; group < 2; group++) {
        const struct cxm_estimate e = cxm_priv_blank_estimate(0.95, CXM_UNIT_POINTS, 0);
        const size_t row = cxm_priv_report_add(made, "nps", "nps", "d", &e);
        cxm_priv_report_key_from(made, row, tally, group);
    }
    assert_int_equal(cxm_priv_report_finish(made, &r, NULL), CXM_OK);
    cxm_tally_free(tally);
    struct cxm_row row;
    assert_int_equal(cxm_report_row(r, 0, &row), CXM_OK);
    assert_string_equal(row.group, "Total");
    assert_int_equal(cxm_report_row(r, 2, &row), CXM_OK);
    assert_string_equal(row.group, "2");
    assert_int_equal(row.estimate.group, 1);
    cxm_report_free(r);
}

/* Runs of rows: of the row before, of an earlier one, of one without a key, of no rows; a key
 * that is changed inside a run belongs to its row alone. */
static enum cxm_status build_runs(const struct cxm_allocator *allocator, struct cxm_report **out)
{
    struct cxm_report *r = cxm_priv_report_new(allocator);
    const int region = cxm_priv_report_key_column(r, "region", CXM_KEY_TEXT, 0);
    const int time = cxm_priv_report_axis(r, "time", CXM_AXIS_REAL);
    const struct cxm_key emea = text_key("EMEA"), apac = text_key("APAC");
    struct cxm_estimate e = cxm_priv_blank_estimate(0.9, CXM_UNIT_SHARE, CXM_BASE_CUSTOMERS);
    const size_t all = cxm_priv_report_add(r, "survival", "median", "kaplan-meier", &e);
    const size_t first = cxm_priv_report_add(r, "survival", "survival", "kaplan-meier", &e);
    cxm_priv_report_key(r, first, region, &emea);
    cxm_priv_report_real(r, first, time, 1);
    e.n = 5;
    cxm_priv_report_add_run(r, first, 50, &e);      /* 2 ... 51 */
    cxm_priv_report_add_run(r, all, 2, &e);         /* 52, 53 */
    cxm_priv_report_add_run(r, first, 0, &e);
    cxm_priv_report_add_run(r, first, 3, &e);       /* 54, 55, 56 */
    cxm_priv_report_key(r, 10, region, &apac);
    cxm_priv_report_key(r, 56, region, &apac);
    struct cxm_estimate *here = cxm_priv_report_estimate(r, first);
    for (int i = 0; here != NULL && i <= 50; i++)
        here[i].value = i;
    return cxm_priv_report_finish(r, out, NULL);
}

static void runs_are_rows(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    assert_int_equal(build_runs(NULL, &r), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 57);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    for (size_t i = 0; i < 57; i++) {
        struct cxm_key key;
        const bool total = i == 0 || i == 52 || i == 53, apac = i == 10 || i == 56;
        assert_int_equal(e[i].group, total ? CXM_TOTAL : apac);
        assert_int_equal(e[i].n, i < 2 ? 0 : 5);
        assert_int_equal(e[i].measure, i == 0 || total ? 0 : 1);
        assert_string_equal(cxm_report_measure(r, i), total ? "median" : "survival");
        assert_string_equal(cxm_report_definition(r, i), "kaplan-meier");
        assert_int_equal(cxm_report_key(r, i, 0, &key), CXM_OK);
        assert_int_equal(key.missing, total);
        if (!total)
            assert_string_equal(key.text, apac ? "APAC" : "EMEA");
        if (i >= 1 && i <= 51)
            assert_true(e[i].value == (double)(i - 1));
        assert_true(i == 1 ? cxm_report_reals(r, 0)[i] == 1 : isnan(cxm_report_reals(r, 0)[i]));
    }
    cxm_report_free(r);
}

/* Runs of groups that are whole numbers: in their order, the same one again, and not in their order. */
static void runs_of_whole_numbers(void **state)
{
    (void)state;
    static const int64_t ids[2][4] = { { -3, 7, 7, 9 }, { 7, -3, 7, 9 } };
    static const int64_t groups[2][4] = { { 0, 1, 1, 2 }, { 0, 1, 0, 2 } };
    enum { RUN = 3 };
    for (int way = 0; way < 2; way++) {
        struct cxm_report *r = NULL, *made = cxm_priv_report_new(NULL);
        const int id = cxm_priv_report_key_column(made, "id", CXM_KEY_INT, 0);
        const struct cxm_estimate e = cxm_priv_blank_estimate(0.9, CXM_UNIT_SHARE, CXM_BASE_CUSTOMERS);
        for (int i = 0; i < 4; i++) {
            const struct cxm_key key = { .type = CXM_KEY_INT, .integer = ids[way][i] };
            const size_t row = cxm_priv_report_add(made, "survival", "survival", "d", &e);
            cxm_priv_report_key(made, row, id, &key);
            cxm_priv_report_add_run(made, row, RUN - 1, &e);
            cxm_priv_report_add(made, "survival", "median", "d", &e); /* of all */
        }
        assert_int_equal(cxm_priv_report_finish(made, &r, NULL), CXM_OK);
        for (size_t row = 0; row < 4 * (RUN + 1); row++) {
            const int64_t group = row % (RUN + 1) == RUN ? CXM_TOTAL : groups[way][row / (RUN + 1)];
            assert_int_equal(cxm_report_estimates(r)[row].group, group);
        }
        cxm_report_free(r);
    }
}

/* No rows: the columns are there all the same; or nothing is. */
static enum cxm_status build_columns(const struct cxm_allocator *allocator, struct cxm_report **out)
{
    struct cxm_report *r = cxm_priv_report_new(allocator);
    cxm_priv_report_key_column(r, "region", CXM_KEY_TEXT, 0);
    cxm_priv_report_key_column(r, "month", CXM_KEY_DATE, CXM_MONTH);
    cxm_priv_report_axis(r, "p_value", CXM_AXIS_REAL);
    cxm_priv_report_axis(r, "verdict", CXM_AXIS_TEXT);
    return cxm_priv_report_finish(r, out, NULL);
}

static enum cxm_status build_nothing(const struct cxm_allocator *allocator, struct cxm_report **out)
{
    return cxm_priv_report_finish(cxm_priv_report_new(allocator), out, NULL);
}

static void fail_everywhere(enum cxm_status make(const struct cxm_allocator *allocator,
                                                 struct cxm_report **out))
{
    for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            struct cxm_report *r = NULL;
            heap_init(&heap, fail_at);
            heap.fail_on = from_then_on;
            const enum cxm_status got = make(&heap.allocator, &r);
            cxm_report_free(r);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
            assert_int_equal(got, CXM_ENOMEM);
            assert_null(r);
        }
    }
}

/* ---- bytes ---------------------------------------------------------------------------- */

static uint8_t *saved(const struct cxm_report *r, size_t *n)
{
    assert_int_equal(cxm_report_save(r, NULL, 0, n, NULL), CXM_OK);
    uint8_t *bytes = malloc(*n);
    assert_non_null(bytes);
    assert_int_equal(cxm_report_save(r, bytes, *n - 1, n, NULL), CXM_EINVAL);
    assert_int_equal(cxm_report_save(r, bytes, *n, n, NULL), CXM_OK);
    return bytes;
}

static void check_load(const uint8_t *bytes, size_t n, enum cxm_status want)
{
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_report_load(bytes, n, NULL, &r, NULL), want);
    cxm_report_free(r);
}

static void assert_same_columns(const struct cxm_report *a, const struct cxm_report *b)
{
    assert_int_equal(cxm_report_n_keys(a), cxm_report_n_keys(b));
    for (size_t k = 0; k < cxm_report_n_keys(a); k++) {
        struct cxm_key_info one, other;
        assert_int_equal(cxm_report_key_info(a, k, &one), CXM_OK);
        assert_int_equal(cxm_report_key_info(b, k, &other), CXM_OK);
        assert_string_equal(one.name, other.name);
        assert_int_equal(one.type, other.type);
        assert_int_equal(one.calendar, other.calendar);
    }
    assert_int_equal(cxm_report_n_axes(a), cxm_report_n_axes(b));
    for (size_t k = 0; k < cxm_report_n_axes(a); k++) {
        struct cxm_axis_info one, other;
        assert_int_equal(cxm_report_axis_info(a, k, &one), CXM_OK);
        assert_int_equal(cxm_report_axis_info(b, k, &other), CXM_OK);
        assert_string_equal(one.name, other.name);
        assert_int_equal(one.type, other.type);
    }
}

static void bytes_are_the_same_report(void **state)
{
    enum cxm_status (*const builds[])(const struct cxm_allocator *, struct cxm_report **) = {
        build, build_runs, build_columns, build_nothing,
    };
    (void)state;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        struct cxm_report *r = NULL, *again = NULL;
        size_t n, n_again;
        assert_int_equal(builds[i](NULL, &r), CXM_OK);
        uint8_t *bytes = saved(r, &n);
        assert_int_equal(cxm_report_load(bytes, n, NULL, &again, NULL), CXM_OK);
        assert_int_equal(cxm_report_rows(again), cxm_report_rows(r));
        assert_same_columns(again, r);
        for (size_t row = 0; row < cxm_report_rows(r); row++) { /* groups and measures are numbered alike */
            const struct cxm_estimate *e = cxm_report_estimates(r), *f = cxm_report_estimates(again);
            assert_memory_equal(&e[row], &f[row], sizeof *e);
            assert_string_equal(cxm_report_measure(r, row), cxm_report_measure(again, row));
        }
        uint8_t *second = saved(again, &n_again);
        assert_int_equal(n, n_again);
        assert_memory_equal(bytes, second, n);
        cxm_report_free(r);
        cxm_report_free(again);
        free(bytes);
        free(second);
    }
}

/* Every byte changed and every length: damaged bytes are refused, and forged ones, whose checksum is
 * right, load or are refused. */
static void change_bytes_of(enum cxm_status make(const struct cxm_allocator *, struct cxm_report **))
{
    struct cxm_report *r = NULL;
    size_t n;
    assert_int_equal(make(NULL, &r), CXM_OK);
    uint8_t *bytes = saved(r, &n);
    cxm_report_free(r);
    for (size_t i = 0; i < n; i++) {
        uint8_t *part = malloc(i + 1); /* its end is the end of what may be read */
        assert_non_null(part);
        memcpy(part, bytes, i);
        check_load(part, i, CXM_ECORRUPT);
        free(part);
    }
    for (size_t i = 0; i < n; i++) {
        static const uint8_t flips[] = { 0x01, 0x80, 0xFF };
        for (size_t k = 0; k < sizeof flips; k++) {
            bytes[i] ^= flips[k];
            check_load(bytes, n, i >= 4 && i < 8 ? CXM_EUNSUPPORTED : CXM_ECORRUPT);
            const uint32_t kept = cxm_priv_get_u32(bytes + n - 4);
            cxm_priv_put_u32(bytes + n - 4, cxm_priv_crc32c(0, bytes, n - 4));
            r = NULL;
            const enum cxm_status got = cxm_report_load(bytes, n, NULL, &r, NULL);
            assert_true(got == CXM_OK || got == CXM_ECORRUPT || got == CXM_EUNSUPPORTED);
            cxm_report_free(r);
            cxm_priv_put_u32(bytes + n - 4, kept);
            bytes[i] ^= flips[k];
        }
    }
    check_load(bytes, n, CXM_OK);
    check_load(NULL, n, CXM_EINVAL);
    assert_int_equal(cxm_report_load(bytes, n, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_report_save(NULL, NULL, 0, &n, NULL), CXM_EINVAL);
    free(bytes);
}

static void hostile_bytes(void **state)
{
    (void)state;
    change_bytes_of(build);
    change_bytes_of(build_columns);
    change_bytes_of(build_nothing);
}

static uint8_t *kept_bytes;
static size_t n_kept;

static enum cxm_status load_kept(const struct cxm_allocator *allocator, struct cxm_report **out)
{
    return cxm_report_load(kept_bytes, n_kept, allocator, out, NULL);
}

static void memory_runs_out(void **state)
{
    (void)state;
    fail_everywhere(build);
    fail_everywhere(build_runs);
    fail_everywhere(build_columns);
    struct cxm_report *r = NULL;
    assert_int_equal(build(NULL, &r), CXM_OK);
    kept_bytes = saved(r, &n_kept);
    fail_everywhere(load_kept);
    cxm_report_free(r);
    free(kept_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_built),
        cmocka_unit_test(rows_carry_their_names),
        cmocka_unit_test(runs_are_rows),
        cmocka_unit_test(runs_of_whole_numbers),
        cmocka_unit_test(beyond_the_end),
        cmocka_unit_test(keys_come_from_a_tally),
        cmocka_unit_test(bytes_are_the_same_report),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
