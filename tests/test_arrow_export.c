/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Result rows as an Arrow stream. Laws: every cell says what cxm_tally_estimate and
 * cxm_tally_key say, NaN is null, and schema, chunk, columns and stream may be released in any
 * order, as the Arrow C data interface promises to consumers. */
#include "arrow_testing.h"

/* ---- a tally with three groups, one of them the rows without a region --------------- */

static const int8_t scores[] = { 10, 9, 3, 7, 10, 0 };
static const char *const regions[] = { "EMEA", "EMEA", "APAC", "APAC", NULL, NULL };

static struct cxm_tally *new_tally(bool grouped)
{
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    const struct cxm_column score = CXM_ARRAY(scores, COUNT_OF(scores));
    struct cxm_column region = CXM_ARRAY(regions, COUNT_OF(regions));
    region.name = "region";
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &region } };
    assert_int_equal(cxm_tally_add(tally, inputs, grouped ? 2 : 1, NULL, NULL), CXM_OK);
    return tally;
}

static struct ArrowArrayStream export(struct cxm_tally *tally,
                                      const struct cxm_estimate_options *options)
{
    struct ArrowArrayStream stream = { 0 };
    struct cxm_error error = { .message = "" };
    if (cxm_tally_to_arrow(tally, options, &stream, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return stream;
}

/* ---- what the columns say ----------------------------------------------------------- */

static void assert_row(struct cxm_arrow *arrow, int64_t row, const struct cxm_estimate *e)
{
    assert_text(arrow, "metric", row, "nps");
    assert_number(arrow, "value", row, e->value);
    assert_number(arrow, "std_error", row, e->std_error);
    assert_number(arrow, "lower", row, e->lower);
    assert_number(arrow, "upper", row, e->upper);
    assert_number(arrow, "level", row, e->level);
    assert_number(arrow, "n", row, (double)e->n);
    assert_number(arrow, "missing", row, (double)e->missing);
    assert_number(arrow, "invalid", row, (double)e->invalid);
    assert_number(arrow, "excluded", row, (double)e->excluded);
    assert_number(arrow, "sum_weight", row, e->sum_weight);
    assert_number(arrow, "n_eff", row, e->n_eff);
    const char *unit = cxm_unit_name((enum cxm_unit)e->unit);
    assert_text(arrow, "unit", row, unit);
    const char *interval = cxm_interval_name((enum cxm_interval)e->interval);
    assert_text(arrow, "interval", row, interval);
    assert_text(arrow, "definition", row, "nps/0-10/6-9");
}

static void says_what_the_estimates_say(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally(true);
    struct cxm_estimate rows[16];
    size_t n = 0;
    assert_int_equal(cxm_tally_estimate(tally, NULL, rows, sizeof rows[0], 16, &n, NULL), CXM_OK);
    struct ArrowArrayStream stream = export(tally, NULL);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    assert_int_equal(cxm_arrow_rows(arrow), n);
    for (size_t row = 0; row < n; row++)
        assert_row(arrow, (int64_t)row, &rows[row]);
    cxm_arrow_free(arrow);
    cxm_tally_free(tally);
}

/* The tally is gone before the rows are read. */
static void keys_outlive_the_tally(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally(true);
    struct ArrowArrayStream stream = export(tally, NULL);
    cxm_tally_free(tally);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    assert_string_equal(cxm_arrow_name(arrow, 0), "region");
    assert_int_equal(cxm_arrow_rows(arrow), 3);
    assert_text(arrow, "region", 0, "APAC");
    assert_text(arrow, "region", 1, "EMEA");
    assert_text(arrow, "region", 2, NULL);
    assert_text(arrow, "flags", 2, "SMALL_N|MISSING_KEY");
    cxm_arrow_free(arrow);
}

static void undefined_is_null(void **state)
{
    (void)state;
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    struct ArrowArrayStream stream = export(tally, NULL);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    assert_int_equal(cxm_arrow_rows(arrow), 1);
    assert_number(arrow, "value", 0, NAN);
    assert_number(arrow, "lower", 0, NAN);
    assert_number(arrow, "n", 0, 0.0);
    cxm_arrow_free(arrow);
    cxm_tally_free(tally);
}

/* ---- the schema, in the order of the result rows ------------------------------------ */

static const char *const names[] = { "metric", "measure", "value", "std_error", "lower",
                                     "upper", "level", "interval", "n", "missing", "invalid",
                                     "excluded", "sum_weight", "n_eff", "unit", "base",
                                     "definition", "flags" };
static const char *const formats[] = { "u", "u", "g", "g", "g", "g", "g", "u", "l", "l", "l",
                                       "l", "g", "g", "u", "u", "u", "u" };

static void has_the_schema_of_result_rows(void **state)
{
    (void)state;
    for (int64_t n_keys = 0; n_keys < 2; n_keys++) {
        struct cxm_tally *tally = new_tally(n_keys == 1);
        struct ArrowArrayStream stream = export(tally, NULL);
        struct ArrowSchema schema, again;
        assert_int_equal(stream.get_schema(&stream, &schema), 0);
        assert_int_equal(stream.get_schema(&stream, &again), 0);  /* may be asked twice */
        stream.release(&stream);
        assert_string_equal(schema.format, "+s");
        assert_int_equal(schema.n_children, n_keys + (int64_t)COUNT_OF(names));
        for (int64_t i = 0; i < (int64_t)COUNT_OF(names); i++) {
            assert_string_equal(schema.children[n_keys + i]->name, names[i]);
            assert_string_equal(again.children[n_keys + i]->format, formats[i]);
        }
        schema.release(&schema);
        again.release(&again);
        assert_null(schema.release);
        cxm_tally_free(tally);
    }
}

/* ---- ownership ---------------------------------------------------------------------- */

static void parts_are_released_in_any_order(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally(true);
    struct ArrowArrayStream stream = export(tally, NULL);
    cxm_tally_free(tally);
    struct ArrowSchema schema;
    struct ArrowArray chunk, end;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &chunk), 0);
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    assert_null(stream.get_last_error(&stream));
    stream.release(&stream);
    assert_null(stream.release);

    /* A column is moved out, the rest goes first. */
    struct ArrowArray column = *chunk.children[3];
    struct ArrowSchema type = *schema.children[3];
    chunk.children[3]->release = NULL;
    schema.children[3]->release = NULL;
    chunk.release(&chunk);
    schema.release(&schema);
    assert_int_equal((uintptr_t)column.buffers[1] % 64, 0);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_array(&type, &column, NULL, &arrow, NULL), CXM_OK);
    assert_string_equal(cxm_arrow_name(arrow, 0), "value");
    assert_int_equal(cxm_arrow_rows(arrow), 3);
    cxm_arrow_free(arrow);
}

/* Nobody asked for anything: the sanitizers and valgrind count. */
static void streams_may_be_left_alone(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally(true);
    struct ArrowArrayStream *stream = cxm_arrow_stream_new();
    assert_non_null(stream);
    assert_null(stream->release);
    assert_int_equal(cxm_tally_to_arrow(tally, NULL, stream, NULL), CXM_OK);
    cxm_arrow_stream_free(stream);
    cxm_arrow_stream_free(cxm_arrow_stream_new());
    cxm_arrow_stream_free(NULL);
    cxm_arrow_capsule_destructor(tally); /* no Python in this process: nothing happens */
    cxm_tally_free(tally);
}

static void failures_leave_the_stream_alone(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally(true);
    struct ArrowArrayStream stream = { .private_data = &stream };
    const struct cxm_estimate_options bad = { .size = sizeof bad, .level = 2.0 };
    assert_int_equal(cxm_tally_to_arrow(tally, &bad, &stream, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_to_arrow(NULL, NULL, &stream, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_to_arrow(tally, NULL, NULL, NULL), CXM_EINVAL);
    assert_ptr_equal(stream.private_data, &stream);
    assert_null(stream.release);
    cxm_tally_free(tally);
}

/* The names of flags, as a text. */
static void flags_text(uint32_t flags, char out[512])
{
    out[0] = '\0';
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = (flags & bit) != 0 ? cxm_flag_name(bit) : NULL;
        if (name == NULL)
            continue;
        if (out[0] != '\0')
            strcat(out, "|");
        strcat(out, name);
    }
}

/* Rows that fill several blocks, and texts that come in runs of many lengths: flags and intervals
 * change with the size of a group, measures with every row. */
static void long_tables(void **state)
{
    (void)state;
    enum { LONG = 9000, GROUPS = 1300 };
    static const double none[1] = { 255 };
    static const uint32_t some[3] = { 0, 2, 1 };
    static int64_t key[LONG];
    static uint8_t score[LONG];
    static struct cxm_estimate rows[3 * GROUPS];
    for (int i = 0; i < LONG; i++) {
        key[i] = (int64_t)i * 7919 % GROUPS / (1 + i % 3);
        score[i] = key[i] / 40 % 3 == 0 ? 255 : (uint8_t)(i % 11);
    }
    struct cxm_column answers = cxm_column_make("score", CXM_U8, score, LONG, 1, 1);
    answers.missing_codes = none;
    answers.n_missing_codes = 1;
    const struct cxm_column by = cxm_column_make("key", CXM_I64, key, LONG, 8, 8);
    const struct cxm_input inputs[2] = { { "score", &answers }, { "by", &by } };
    struct cxm_tally *tally;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    for (size_t n_measures = 0; n_measures <= 3; n_measures += 3) {
        const struct cxm_estimate_options options = { .size = sizeof options, .measures = some,
                                                      .n_measures = n_measures };
        const struct cxm_estimate_options *given = n_measures > 0 ? &options : NULL;
        struct cxm_measure measures[64];
        size_t n = 0, known = 0;
        assert_int_equal(cxm_tally_measures(tally, measures, sizeof measures[0], 64, &known, NULL),
                         CXM_OK);
        assert_int_equal(cxm_tally_estimate(tally, given, rows, sizeof rows[0], 3 * GROUPS, &n, NULL),
                         CXM_OK);
        assert_true(n > 600);
        struct ArrowArrayStream stream = export(tally, given);
        struct cxm_arrow *arrow = NULL;
        assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
        assert_int_equal(cxm_arrow_rows(arrow), n);
        for (size_t row = 0; row < n; row++) {
            char flags[512];
            struct cxm_key group;
            const char *measure = measures[rows[row].measure].name;
            assert_row(arrow, (int64_t)row, &rows[row]);
            flags_text(rows[row].flags, flags);
            assert_text(arrow, "flags", (int64_t)row, flags);
            assert_text(arrow, "measure", (int64_t)row, measure);
            assert_int_equal(cxm_tally_key(tally, rows[row].group, 0, &group), CXM_OK);
            assert_number(arrow, "key", (int64_t)row, (double)group.integer);
        }
        cxm_arrow_free(arrow);
    }
    cxm_tally_free(tally);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_estimates_say),
        cmocka_unit_test(keys_outlive_the_tally),
        cmocka_unit_test(undefined_is_null),
        cmocka_unit_test(has_the_schema_of_result_rows),
        cmocka_unit_test(parts_are_released_in_any_order),
        cmocka_unit_test(streams_may_be_left_alone),
        cmocka_unit_test(long_tables),
        cmocka_unit_test(failures_leave_the_stream_alone),
    };
    return cmocka_run_group_tests_name("arrow_export", tests, NULL, NULL);
}
