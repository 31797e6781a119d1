/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole Kaplan-Meier curves have the bits of single steps: of any length, with times at which
 * nobody or everybody is lost, with numbers at risk beyond the whole numbers of a double. */
#include "testing.h"

#include "estimate/survival.h"

#include <stdlib.h>

enum { MOST = 300 };

/* At risk: up to 2^bits, anew at every time, as with delayed entry, or those who are left. */
static void make_times(struct cxm_risk *risk, size_t n, unsigned bits, bool anew, uint64_t *seed)
{
    int64_t left = (int64_t)(random_u64(seed) >> (64 - bits)) + 1;
    for (size_t i = 0; i < n; i++) {
        if (anew)
            left = (int64_t)(random_u64(seed) >> (64 - 1 - random_below(seed, bits))) + 1;
        const uint64_t what = random_below(seed, 12);
        const uint64_t most = what < 8 && left > 20 ? (uint64_t)left / 20 : (uint64_t)left;
        const int64_t lost = what == 0 ? 0 : what == 1 && anew ? left
                           : (int64_t)random_below(seed, most + 1);
        risk[i] = (struct cxm_risk){ (double)i, left, lost, 0 };
        if (!anew)
            left -= lost;
    }
}

/* In memory of just that size, so that a sanitizer sees what is read beyond. */
static void assert_steps(const struct cxm_risk *times, size_t n)
{
    struct cxm_risk *risk = malloc(n * sizeof *risk + 1);
    struct cxm_survival *got = malloc(n * sizeof *got + 1), at = CXM_SURVIVAL_START;
    assert_true(risk != NULL && got != NULL);
    for (size_t i = 0; i < n; i++)
        risk[i] = times[i];
    cxm_priv_kaplan_meier(risk, n, got);
    for (size_t i = 0; i < n; i++) {
        cxm_priv_survival_step(&at, &risk[i]);
        assert_memory_equal(&got[i], &at, sizeof at);
    }
    free(risk);
    free(got);
}

static void curves_are_steps(void **state)
{
    static const unsigned bits[] = { 1, 3, 8, 20, 31, 52, 53, 54, 62 };
    uint64_t seed = random_seed();
    (void)state;
    for (size_t n = 0; n < MOST; n += n < 200 ? 1 : 17) {
        for (size_t b = 0; b < COUNT_OF(bits); b++) {
            struct cxm_risk risk[MOST];
            make_times(risk, n, bits[b], false, &seed);
            assert_steps(risk, n);
            make_times(risk, n, bits[b], true, &seed);
            assert_steps(risk, n);
        }
    }
}

/* About 2^53, where whole numbers stop being doubles; one of very many is lost, or all but one. */
static void edges_are_steps(void **state)
{
    static const int64_t at_risk[] = { 1, 2, 3, ((int64_t)1 << 53) - 1, (int64_t)1 << 53,
                                       ((int64_t)1 << 53) + 1, INT64_MAX };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(at_risk); i++) {
        const int64_t n = at_risk[i];
        const struct cxm_risk risk[] = { { 0, n, 0, 0 },         { 1, n, 1, 0 },
                                         { 2, n, n - 1, 0 },     { 3, n, n / 2, 0 },
                                         { 4, n, n - n / 3, 0 }, { 5, n, n, 0 },
                                         { 6, n, n / 2, 0 },     { 7, n, 0, 0 } };
        assert_steps(risk, COUNT_OF(risk));
        assert_steps(risk, COUNT_OF(risk) - 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_steps),
        cmocka_unit_test(edges_are_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
