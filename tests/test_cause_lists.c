/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Classifications of churn: the worked example of competing risks (20 customers, R's etm, prodlim
 * and survfit) with its causes as numbers and as words of two languages, what is unknown, and what
 * is refused. */
#include "metric_testing.h"

#include <cxm/preset.h>
#include <cxm/survival.h>

static const double times[] = { 1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12 };
static const uint8_t causes[] = { 3, 1, 3, 0, 4, 3, 2, 3, 0, 1, 4, 4, 0, 3, 1, 0, 3, 0, 1, 0 };

/* The last value of a measure of the report, and its standard error. */
static const struct cxm_estimate *last_of(const struct cxm_report *r, const char *measure)
{
    for (size_t row = cxm_report_rows(r); row-- > 0;) {
        if (strcmp(cxm_report_measure(r, row), measure) == 0)
            return &cxm_report_estimates(r)[row];
    }
    fail_msg("there is no %s", measure);
    return NULL;
}

static struct cxm_report *risks(const char *list, const struct cxm_column *cause,
                                const struct cxm_column *lost)
{
    const struct cxm_column duration = CXM_ARRAY(times, 20);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    if (cxm_competing_risks(&duration, cause, &(struct cxm_duration_options){
            CXM_INIT(competing_risks), .list = list, .lost = lost }, &r, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return r;
}

static const struct { const char *en, *zh, *value, *error; } types[] = {
    { "natural", "自然流失", ".3004638219", ".1292868002" },
    { "malicious", "恶意流失", ".0535714286", ".0520839407" },
    { "competitive", "竞争流失", ".3538497217", ".1200826680" },
    { "fault", "过失流失", ".1668831169", ".0881463544" },
};

static void words_and_numbers(void **state)
{
    (void)state;
    static const char *const short_zh[] = { NULL, "自然", "恶意", "竞争", "过失" };
    const char *words[20];
    uint8_t lost[20];
    for (size_t i = 0; i < 20; i++) {
        const uint8_t c = causes[i];
        words[i] = c == 0 ? "whatever" : i % 2 == 0 ? short_zh[c] : types[c - 1].en;
        lost[i] = c > 0;
    }
    const struct cxm_column numbers = CXM_ARRAY(causes, 20), texts = CXM_ARRAY(words, 20),
                            flag = CXM_ARRAY(lost, 20);
    for (int way = 0; way < 3; way++) {
        struct cxm_report *r = risks(way < 2 ? "churn_type" : "churn_type_zh",
                                     way == 0 ? &numbers : &texts, way == 0 ? NULL : &flag);
        for (size_t k = 0; k < 4; k++) {
            char measure[64];
            snprintf(measure, sizeof measure, "incidence[%s]", way < 2 ? types[k].en : types[k].zh);
            assert_printed(last_of(r, measure)->value, types[k].value);
            assert_printed(last_of(r, measure)->std_error, types[k].error);
        }
        assert_close(last_of(r, way < 2 ? "incidence[unknown]" : "incidence[未知]")->value, 0, 0);
        cxm_report_free(r);
    }
}

/* Whoever is lost without a cause is unknown: its curve is that of the fourth cause here. */
static void the_unknown_are_kept(void **state)
{
    (void)state;
    static const char *const ways[] = { "value", "系统", "staff" };
    const char *words[20];
    uint8_t lost[20];
    for (size_t i = 0; i < 20; i++) {
        words[i] = causes[i] == 0 || causes[i] == 4 ? NULL : ways[causes[i] - 1];
        lost[i] = causes[i] > 0;
    }
    const struct cxm_column texts = CXM_ARRAY(words, 20), flag = CXM_ARRAY(lost, 20);
    struct cxm_report *r = risks("churn_through", &texts, &flag);
    static const char *const names[] = { "incidence[value]", "incidence[system]",
                                         "incidence[people]", "incidence[unknown]" };
    for (size_t k = 0; k < 4; k++)
        assert_printed(last_of(r, names[k])->value, types[k].value);
    cxm_report_free(r);
}

/* The presets hold the same names; every label is one of its list's codes. */
static void presets_agree(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct cxm_cause_list *list; (list = cxm_cause_list_at(n)) != NULL; n++) {
        const struct cxm_preset_info *preset = cxm_preset_find(list->name);
        assert_ptr_equal(cxm_cause_list_find(list->name), list);
        assert_non_null(preset);
        assert_string_equal(preset->metric, "survival");
        assert_string_equal(preset->params[0].name, "causes");
        assert_int_equal(preset->params[0].n_texts, list->n_causes);
        for (size_t k = 0; k < list->n_causes; k++) {
            bool found = false;
            assert_string_equal(preset->params[0].texts[k], list->causes[k].name);
            assert_true(strlen(list->causes[k].summary) > 0);
            for (size_t i = 0; i < list->n_labels; i++)
                found = found || (strcmp(list->labels[i].text, list->causes[k].name) == 0
                                  && list->labels[i].value == (double)(k + 1));
            assert_true(found);
        }
        for (size_t i = 0; i < list->n_labels; i++)
            assert_true(list->labels[i].value >= 1
                        && list->labels[i].value <= (double)list->n_causes);
    }
    assert_int_equal(n, 4);
    assert_null(cxm_cause_list_find("nothing"));
    assert_null(cxm_cause_list_find(NULL));
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = { "natural", "price", NULL, "fault" };
    static const uint8_t lost[] = { 1, 0, 1, 1 }, all[] = { 1, 1, 1, 1 }, flags[] = { 1, 2, 0, 0 };
    static const double numbers[] = { 0, 5, 6, 1.5 };
    const struct cxm_cause_list *list = cxm_cause_list_find("churn_type");
    const struct cxm_column cause = CXM_ARRAY(words, 4), some = CXM_ARRAY(lost, 4),
                            every = CXM_ARRAY(all, 4), odd = CXM_ARRAY(flags, 4),
                            codes_in = CXM_ARRAY(numbers, 4);
    struct cxm_column three = some;
    uint8_t codes[4];
    struct cxm_error error;
    three.n = 3;
    assert_int_equal(cxm_code_causes(list, &cause, &some, codes, &error), CXM_OK);
    assert_memory_equal(codes, ((uint8_t[]){ 1, 0, 5, 4 }), 4);
    assert_int_equal(cxm_code_causes(list, &cause, &every, codes, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.value, "price");
    assert_non_null(strstr(error.message, "natural, malicious, competitive, fault, unknown"));
    assert_int_equal(cxm_code_causes(list, &cause, NULL, codes, &error), CXM_EINVAL);
    assert_int_equal(cxm_code_causes(list, &cause, &odd, codes, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_int_equal(cxm_code_causes(list, &cause, &three, codes, &error), CXM_EINVAL);
    assert_int_equal(cxm_code_causes(list, &codes_in, NULL, codes, &error), CXM_EDATA);
    assert_int_equal(error.row, 2); /* 0 and 5 are codes, 6 is none */
    assert_int_equal(cxm_code_causes(list, &codes_in, &every, codes, &error), CXM_EDATA);
    assert_int_equal(error.row, 0); /* lost through nothing */
    assert_int_equal(cxm_code_causes(NULL, &cause, &some, codes, &error), CXM_EINVAL);
    assert_int_equal(cxm_code_causes(list, NULL, &some, codes, &error), CXM_EINVAL);
    assert_int_equal(cxm_code_causes(list, &cause, &some, NULL, &error), CXM_EINVAL);

    static const char *const two[] = { "a", "b" };
    const struct cxm_column duration = CXM_ARRAY(numbers, 4);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_competing_risks(&duration, &cause, &(struct cxm_duration_options){
        CXM_INIT(competing_risks), .list = "reasons", .lost = &some }, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_competing_risks(&duration, &cause, &(struct cxm_duration_options){
        CXM_INIT(competing_risks), .list = "churn_type", .causes = two, .n_causes = 2 }, &r,
        &error), CXM_EINVAL);
    assert_null(r);
}

/* 64 causes are as many as there may be: "unknown" is one of them, also where nobody says it. */
static void the_most_causes(void **state)
{
    (void)state;
    enum { MOST = 64 };
    static char texts[MOST][8];
    const char *words[MOST + 1];
    uint8_t lost[MOST + 1], codes[MOST + 1];
    struct cxm_cause_name names[MOST];
    struct cxm_error error;
    size_t n = 0;
    for (size_t i = 0; i < MOST; i++) {
        snprintf(texts[i], sizeof texts[i], "c%02zu", i);
        words[i] = i + 1 < MOST ? texts[i] : "unknown";
    }
    words[MOST] = NULL;
    memset(lost, 1, sizeof lost);
    const struct cxm_column cause = CXM_ARRAY(words, MOST + 1), flag = CXM_ARRAY(lost, MOST + 1);
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_OK);
    assert_int_equal(n, MOST);
    assert_string_equal(names[MOST - 1].text, "unknown");
    assert_int_equal(codes[MOST - 1], MOST);
    assert_int_equal(codes[MOST], MOST);
    words[MOST - 1] = "other"; /* now unknown is the 65th */
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "more than 64 causes"));
    words[MOST] = "another";
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_EINVAL);
}

/* A name holds 63 bytes, 21 Chinese characters; of a longer one 60 and "…": causes that differ only
 * after them cannot be told apart. */
static void causes_with_one_name(void **state)
{
    (void)state;
    static char one[72], other[72];
    static const uint8_t lost[] = { 1, 1, 0 };
    const char *words[] = { one, other, other };
    uint8_t codes[3];
    struct cxm_cause_name names[64];
    struct cxm_error error;
    size_t n = 0;
    memset(one, 'x', 70);
    memset(other, 'x', 70);
    other[59] = 'y'; /* the last byte before the sign of a cut */
    const struct cxm_column cause = CXM_ARRAY(words, 3), flag = CXM_ARRAY(lost, 3);
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_OK);
    assert_int_equal(n, 2);
    other[59] = 'x';
    other[60] = 'y';
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "two causes have the same name"));
    assert_non_null(strstr(error.message, "63 bytes"));
    words[1] = one; /* the other one is of a customer who is still there */
    assert_int_equal(cxm_match_causes(&cause, &flag, codes, names, &n, NULL, &error), CXM_OK);
    assert_int_equal(n, 1);
}

static void causes_of_every_type(void **state)
{
    (void)state;
    static const uint64_t large[] = { UINT64_MAX, 7, (uint64_t)1 << 63 };
    static const double real[] = { 2.5, -1, 1e300 };
    static const uint8_t lost[] = { 1, 1, 1 };
    const struct cxm_column flag = CXM_ARRAY(lost, 3);
    struct cxm_cause_name names[64];
    uint8_t codes[3];
    size_t n = 0;
    const struct cxm_column whole = CXM_ARRAY(large, 3), reals = CXM_ARRAY(real, 3);
    assert_int_equal(cxm_match_causes(&whole, &flag, codes, names, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, 3);
    assert_string_equal(names[0].text, "7");
    assert_string_equal(names[1].text, "9223372036854775808");
    assert_string_equal(names[2].text, "18446744073709551615");
    assert_memory_equal(codes, ((uint8_t[]){ 3, 1, 2 }), 3);
    assert_int_equal(cxm_match_causes(&reals, &flag, codes, names, &n, NULL, NULL), CXM_OK);
    assert_string_equal(names[0].text, "-1");
    assert_string_equal(names[1].text, "2.5");
    assert_string_equal(names[2].text, "1e+300");
    assert_memory_equal(codes, ((uint8_t[]){ 2, 1, 3 }), 3);
}

/* A number that is no cause is named as it stands there, not as the code made of it. */
static void what_is_no_cause_is_named(void **state)
{
    (void)state;
    static const double duration[] = { 1, 2, 3 }, wrong[][3] = { { 0, 1, 99 }, { 0, 1.5, 2 } };
    static const char *const says[] = { "why: row 2 is 99", "why: row 1 is 1.5" };
    const struct cxm_column time = CXM_ARRAY(duration, 3);
    for (int i = 0; i < 2; i++) {
        const struct cxm_column why = cxm_column_make("why", CXM_F64, wrong[i], 3, 8, 8);
        struct cxm_report *r = NULL;
        struct cxm_error error;
        assert_int_equal(cxm_competing_risks(&time, &why, NULL, &r, &error), CXM_EDATA);
        assert_int_equal(error.row, i == 0 ? 2 : 1);
        if (strstr(error.message, says[i]) == NULL)
            fail_msg("%s", error.message);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_numbers),
        cmocka_unit_test(the_unknown_are_kept),
        cmocka_unit_test(presets_agree),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_most_causes),
        cmocka_unit_test(causes_with_one_name),
        cmocka_unit_test(causes_of_every_type),
        cmocka_unit_test(what_is_no_cause_is_named),
    };
    return cmocka_run_group_tests_name("cause_lists", tests, NULL, NULL);
}
