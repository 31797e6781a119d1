/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The registry of analyses: sorted, each found by its name, each described in both languages. */
#include "testing.h"

#include "base/base.h"

#include <cxm/analysis.h>

static void sorted_and_found(void **state)
{
    (void)state;
    assert_true(cxm_analysis_count() > 0);
    for (size_t i = 0; i < cxm_analysis_count(); i++) {
        const struct cxm_analysis_info *info = cxm_analysis_at(i);
        assert_ptr_equal(cxm_analysis_find(info->name), info);
        if (i > 0)
            assert_true(strcmp(cxm_analysis_at(i - 1)->name, info->name) < 0);
    }
    assert_null(cxm_analysis_at(cxm_analysis_count()));
    assert_null(cxm_analysis_find("nothing"));
    assert_null(cxm_analysis_find(NULL));
}

static void described_in_both_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < cxm_analysis_count(); i++) {
        const struct cxm_analysis_info *info = cxm_analysis_at(i);
        assert_true(strlen(info->summary) > 0);
        assert_true((unsigned char)info->summary_zh[0] >= 0xE0); /* a Chinese character */
        assert_non_null(strpbrk(info->source, "0123456789"));    /* a year */
    }
}

/* Names and definitions are put together without snprintf: the same texts, cut at the same byte,
 * and the same count of what there would be. */
static void texts_are_those_of_snprintf(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 40; capacity++) {
        char got[64], want[64];
        memset(got, 'x', sizeof got);
        memset(want, 'x', sizeof want);
        size_t used = 0;
        cxm_priv_append(got, capacity, &used, "nps/%s-%s/%d%%", "0", "10", -7);
        int n = snprintf(want, capacity, "nps/%s-%s/%d%%", "0", "10", -7);
        assert_int_equal(used, n);
        assert_memory_equal(got, want, sizeof got);
        used = 0;
        cxm_priv_append(got, capacity, &used, "nps/%s-%s/", "0", "10");
        cxm_priv_append(got, capacity, &used, "%d..%d", INT32_MIN, INT32_MAX);
        cxm_priv_append(got, capacity, &used, "%s", "");
        n = snprintf(want, capacity, "nps/%s-%s/%d..%d%s", "0", "10", INT32_MIN, INT32_MAX, "");
        assert_int_equal(used, n);
        assert_memory_equal(got, want, sizeof got);
        used = 0;
        cxm_priv_append(got, capacity, &used, "%lld, %.*s|%.*s", (long long)INT64_MIN, 3, "north", 9, "s");
        cxm_priv_append(got, capacity, &used, "%.*s|%.*s %llu", 0, "x", -1, "yz", 7ull);
        n = snprintf(want, capacity, "%lld, %.*s|%.*s%.*s|%.*s %llu", (long long)INT64_MIN, 3, "north",
                     9, "s", 0, "x", -1, "yz", 7ull);
        assert_int_equal(used, n);
        assert_memory_equal(got, want, sizeof got);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_found),
        cmocka_unit_test(texts_are_those_of_snprintf),
        cmocka_unit_test(described_in_both_languages),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
