/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tallies saved by released versions: they load, say what they are, estimate as their rows
 * do, merge with rows of today, and save as the bytes that they came from. */
#include "golden.h"

static struct saved read_golden(const char *version, size_t setup)
{
    char name[64], path[4096];
    golden_name(setup, name);
    snprintf(path, sizeof path, "%s/golden-%s/%s.cxmt", TEST_DATA, version, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    struct saved saved = { must_alloc(1 << 16, 1), 0 };
    saved.n = fread(saved.bytes, 1, 1 << 16, file);
    fclose(file);
    return saved;
}

static void assert_same_rows(struct cxm_tally *a, struct cxm_tally *b)
{
    size_t n = 0, n_b = 0;
    assert_int_equal(cxm_tally_rows(a, NULL, NULL, sizeof(struct cxm_row), 0, &n, NULL), CXM_OK);
    struct cxm_row *one = must_alloc(n, sizeof *one), *other = must_alloc(n, sizeof *other);
    assert_int_equal(cxm_tally_rows(a, NULL, one, sizeof *one, n, &n, NULL), CXM_OK);
    assert_int_equal(cxm_tally_rows(b, NULL, other, sizeof *other, n, &n_b, NULL), CXM_OK);
    assert_int_equal(n, n_b);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(one[i].metric, other[i].metric);
        assert_string_equal(one[i].measure, other[i].measure);
        assert_string_equal(one[i].group, other[i].group);
        assert_string_equal(one[i].definition, other[i].definition);
        assert_close(one[i].estimate.value, other[i].estimate.value, 0);
        assert_close(one[i].estimate.std_error, other[i].estimate.std_error, 0);
        assert_close(one[i].estimate.lower, other[i].estimate.lower, 0);
        assert_close(one[i].estimate.upper, other[i].estimate.upper, 0);
        assert_int_equal(one[i].estimate.n, other[i].estimate.n);
    }
    free(one);
    free(other);
}

static void golden_tallies(void **state)
{
    const char *const version = *state;
    for (size_t i = 0; i < N_GOLDEN; i++) {
        const struct saved saved = read_golden(version, i);
        struct rows rows = golden_rows(i);
        struct cxm_tally *today = tally_of(&rows), *loaded = NULL;
        struct cxm_tally_info info, told;
        struct cxm_error error = { 0 };
        if (cxm_tally_load(saved.bytes, saved.n, NULL, &loaded, &error) != CXM_OK)
            fail_msg("%s: %s", setups[i].name, error.message);
        assert_saves_as(loaded, saved, setups[i].name);
        assert_saves_as(today, saved, setups[i].name);
        assert_true(cxm_tally_equal(loaded, today));
        assert_int_equal(cxm_tally_info(saved.bytes, saved.n, &info, NULL), CXM_OK);
        cxm_tally_describe(today, &told);
        assert_string_equal(info.metric, setups[i].metric);
        assert_string_equal(info.definition, told.definition);
        assert_int_equal(info.configuration, told.configuration);
        assert_int_equal(info.rows, told.rows);
        assert_int_equal(info.groups, told.groups);
        assert_int_equal(info.n_keys, told.n_keys);
        assert_int_equal(info.weighted, told.weighted);
        assert_same_rows(loaded, today);
        assert_int_equal(cxm_tally_merge(loaded, today, NULL), CXM_OK);
        free(saved.bytes);
        cxm_tally_free(today);
        cxm_tally_free(loaded);
        rows_free(&rows);
    }
}

int main(void)
{
    static const char *const versions[] = { "0.1" };
    struct CMUnitTest tests[COUNT_OF(versions)];
    for (size_t v = 0; v < COUNT_OF(versions); v++)
        tests[v] = (struct CMUnitTest){ versions[v], golden_tallies, NULL, NULL,
                                        (void *)versions[v] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
