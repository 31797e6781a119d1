/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports as Arrow streams: every cell says what the report says, undefined is null, every type
 * of axis and key has its format, names stay distinct, the stream outlives the report. */
#include "arrow_testing.h"

#include "analysis/report.h"

/* ---- a report with every type of axis; row 1 is undefined everywhere ---------------- */

enum { REAL, INT, TEXT, BOOL, DATE, TIME, N_AXES };
static const char *const axis_names[N_AXES] = { "p_value", "at_risk", "verdict",
                                                "signal",  "cohort",  "time" };
static const char *const axis_formats[N_AXES] = { "g", "l", "u", "b", "tdD", "tss:" };

static void set_axes(struct cxm_report *r, size_t row, const int axes[N_AXES])
{
    cxm_priv_report_real(r, row, axes[REAL], 0.125);
    cxm_priv_report_int(r, row, axes[INT], 9007199254740993); /* 2^53 + 1: no double holds it */
    cxm_priv_report_text(r, row, axes[TEXT], "达标");
    cxm_priv_report_int(r, row, axes[BOOL], 1);
    cxm_priv_report_int(r, row, axes[DATE], 19813);
    cxm_priv_report_int(r, row, axes[TIME], -1);
}

static struct cxm_report *new_report(const char *key_name, const char *key_bytes, int64_t day)
{
    struct cxm_report *r = cxm_priv_report_new(NULL), *out = NULL;
    int axes[N_AXES];
    const int key = cxm_priv_report_key_column(r, key_name, CXM_KEY_TEXT, 0);
    for (int i = 0; i < N_AXES; i++)
        axes[i] = cxm_priv_report_axis(r, axis_names[i], (enum cxm_axis_type)i);
    struct cxm_estimate e = cxm_priv_blank_estimate(0.9, CXM_UNIT_POINTS, CXM_BASE_CUSTOMERS);
    e.value = 12.5;
    e.n = 40;
    e.flags = CXM_FLAG_SMALL_N | CXM_FLAG_CLIPPED;
    const struct cxm_key text = { .type = CXM_KEY_TEXT, .text = key_bytes,
                                  .text_bytes = strlen(key_bytes) };
    const size_t row = cxm_priv_report_add(r, "nps", "difference", "nps/0-10/6-9", &e);
    cxm_priv_report_key(r, row, key, &text);
    set_axes(r, row, axes);
    if (day != 0)
        cxm_priv_report_int(r, row, axes[DATE], day);
    const struct cxm_estimate blank = cxm_priv_blank_estimate(0.9, CXM_UNIT_SHARE, 0);
    cxm_priv_report_add(r, "csat", "ratio", "other", &blank);
    assert_int_equal(cxm_priv_report_finish(r, &out, NULL), CXM_OK);
    return out;
}

/* The report is gone before anything is read. */
static struct ArrowArrayStream exported(struct cxm_report *report)
{
    struct ArrowArrayStream stream = { 0 };
    struct cxm_error error = { .message = "" };
    if (cxm_report_to_arrow(report, NULL, 0, &stream, &error) != CXM_OK)
        fail_msg("%s", error.message);
    cxm_report_free(report);
    return stream;
}

static struct cxm_arrow *imported(struct cxm_report *report)
{
    struct ArrowArrayStream stream = exported(report);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    return arrow;
}

static void says_what_the_report_says(void **state)
{
    (void)state;
    struct cxm_arrow *arrow = imported(new_report("region", "EMEA", 0));
    assert_int_equal(cxm_arrow_rows(arrow), 2);
    assert_int_equal(cxm_arrow_columns(arrow), 1 + 18 + N_AXES);
    assert_text(arrow, "region", 0, "EMEA");
    assert_text(arrow, "region", 1, NULL);
    assert_text(arrow, "metric", 0, "nps");
    assert_text(arrow, "metric", 1, "csat");
    assert_text(arrow, "measure", 0, "difference");
    assert_text(arrow, "measure", 1, "ratio");
    assert_text(arrow, "definition", 0, "nps/0-10/6-9");
    assert_text(arrow, "definition", 1, "other");
    assert_text(arrow, "unit", 1, "share");
    assert_text(arrow, "base", 0, "customers");
    assert_text(arrow, "flags", 0, "CLIPPED|SMALL_N");
    assert_text(arrow, "flags", 1, "");
    assert_text(arrow, "verdict", 0, "达标");
    assert_text(arrow, "verdict", 1, NULL);
    assert_number(arrow, "value", 0, 12.5);
    assert_number(arrow, "value", 1, NAN);
    assert_number(arrow, "n", 0, 40);
    assert_number(arrow, "level", 1, 0.9);
    assert_number(arrow, "p_value", 0, 0.125);
    cxm_arrow_free(arrow);
}

/* The chunk itself: validity bit and value of each axis, row by row. */
static void axes_have_their_types(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = exported(new_report("region", "EMEA", 0));
    struct ArrowSchema schema;
    struct ArrowArray chunk;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &chunk), 0);
    stream.release(&stream);
    for (int i = 0; i < N_AXES; i++) {
        const struct ArrowArray *array = chunk.children[19 + i];
        assert_string_equal(schema.children[19 + i]->name, axis_names[i]);
        assert_string_equal(schema.children[19 + i]->format, axis_formats[i]);
        assert_int_equal(array->null_count, 1);
        assert_int_equal(((const uint8_t *)array->buffers[0])[0], 1);
    }
    assert_true(*(const int64_t *)chunk.children[19 + INT]->buffers[1] == 9007199254740993);
    assert_int_equal(*(const uint8_t *)chunk.children[19 + BOOL]->buffers[1], 1);
    assert_int_equal(*(const int32_t *)chunk.children[19 + DATE]->buffers[1], 19813);
    assert_true(*(const int64_t *)chunk.children[19 + TIME]->buffers[1] == -1);
    chunk.release(&chunk);
    schema.release(&schema);
}

static void names_stay_distinct(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "group" }, { "cohort", "cohort_key" }, { "value", "value_key" }, { "x", "x" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_arrow *arrow = imported(new_report(rows[i][0], "EMEA", 0));
        assert_string_equal(cxm_arrow_name(arrow, 0), rows[i][1]);
        assert_true(cxm_arrow_find(arrow, "cohort") > 0);
        cxm_arrow_free(arrow);
    }
}

static void names_of_several_keys_stay_distinct(void **state)
{
    (void)state;
    static const char *const rows[][6] = {
        { "value", "value_key", "x", "value_key_key", "value_key", "x" },
        { "n_key", "n", "n_key_key", "n_key", "n_key_key_key", "n_key_key" },
        { "", "", "group_2", "group", "group_2_key", "group_2" },
        { "group", "", "", "group", "group_2", "group_3" },
        { "x", "x", "x_key", "x", "x_key_key", "x_key" },
        { "x", "x", "x", "x", "x_key", "x_key_key" },
        { "value", "value", "x", "value_key", "value_key_key", "x" },
        { "", "cohort", "group", "group_key", "cohort_key", "group" }, /* an axis is called cohort */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_report *r = cxm_priv_report_new(NULL), *report = NULL;
        for (size_t k = 0; k < 3; k++)
            cxm_priv_report_key_column(r, rows[i][k], CXM_KEY_INT, 0);
        cxm_priv_report_axis(r, "cohort", CXM_AXIS_INT);
        assert_int_equal(cxm_priv_report_finish(r, &report, NULL), CXM_OK);
        struct cxm_arrow *arrow = imported(report);
        for (int k = 0; k < 3; k++)
            assert_string_equal(cxm_arrow_name(arrow, k), rows[i][3 + k]);
        cxm_arrow_free(arrow);
    }
}

static void other_bytes_are_binary(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = exported(new_report("region", "\xff\xfe", 0));
    struct ArrowSchema schema;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[0]->format, "z");
    schema.release(&schema);
    stream.release(&stream);
}

static void failures_leave_the_stream_alone(void **state)
{
    (void)state;
    struct cxm_report *report = new_report("region", "EMEA", (int64_t)INT32_MAX + 1);
    struct ArrowArrayStream stream = { .private_data = &stream };
    struct cxm_error error;
    assert_int_equal(cxm_report_to_arrow(report, NULL, 0, &stream, &error), CXM_EOVERFLOW);
    assert_string_equal(error.column, "cohort");
    assert_int_equal(cxm_report_to_arrow(NULL, NULL, 0, &stream, NULL), CXM_EINVAL);
    assert_int_equal(cxm_report_to_arrow(report, NULL, 0, NULL, NULL), CXM_EINVAL);
    const int64_t none[] = { 0, 2, -1 };
    assert_int_equal(cxm_report_to_arrow(report, none, 2, &stream, NULL), CXM_EINVAL);
    assert_int_equal(cxm_report_to_arrow(report, none + 2, 1, &stream, NULL), CXM_EINVAL);
    assert_ptr_equal(stream.private_data, &stream);
    assert_null(stream.release);
    cxm_report_free(report);
}

static void some_rows_in_any_order(void **state)
{
    (void)state;
    static const int64_t rows[] = { 1, 0, 1 };
    struct cxm_report *report = new_report("region", "EMEA", 0);
    struct ArrowArrayStream stream = { 0 };
    assert_int_equal(cxm_report_to_arrow(report, rows, 3, &stream, NULL), CXM_OK);
    cxm_report_free(report);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    assert_int_equal(cxm_arrow_rows(arrow), 3);
    for (int64_t i = 0; i < 3; i++) {
        assert_text(arrow, "region", i, i == 1 ? "EMEA" : NULL);
        assert_text(arrow, "metric", i, i == 1 ? "nps" : "csat");
        assert_text(arrow, "verdict", i, i == 1 ? "达标" : NULL);
        assert_number(arrow, "value", i, i == 1 ? 12.5 : NAN);
        assert_number(arrow, "p_value", i, i == 1 ? 0.125 : NAN);
    }
    cxm_arrow_free(arrow);
}

static void no_rows_is_a_table_too(void **state)
{
    (void)state;
    struct cxm_report *r = cxm_priv_report_new(NULL), *out = NULL;
    cxm_priv_report_axis(r, "time", CXM_AXIS_REAL);
    assert_int_equal(cxm_priv_report_finish(r, &out, NULL), CXM_OK);
    struct cxm_arrow *arrow = imported(out);
    assert_int_equal(cxm_arrow_rows(arrow), 0);
    assert_int_equal(cxm_arrow_columns(arrow), 19);
    cxm_arrow_free(arrow);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_report_says),
        cmocka_unit_test(axes_have_their_types),
        cmocka_unit_test(names_stay_distinct),
        cmocka_unit_test(names_of_several_keys_stay_distinct),
        cmocka_unit_test(other_bytes_are_binary),
        cmocka_unit_test(failures_leave_the_stream_alone),
        cmocka_unit_test(some_rows_in_any_order),
        cmocka_unit_test(no_rows_is_a_table_too),
    };
    return cmocka_run_group_tests_name("arrow_report", tests, NULL, NULL);
}
