/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very many groups: the same bytes as the rows of each group asked for alone, with any number
 * of threads, for every measure of ratings and every interval; and the formulas themselves,
 * from counts made beside the tally, in long double. */
#include "testing.h"

#include <cxm/cxm.h>

#include "metric/weighed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 9000, ROWS = 60000, MOST = 64 };

static uint64_t seed;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

struct data {
    uint8_t score[ROWS];
    uint32_t key[ROWS];
    int64_t freq[ROWS];
    double weight[ROWS];
    struct cxm_tally *tally;
};

/* Few groups have most rows; some groups have nothing but missing answers, one more than 100 000. */
static void make(struct data *d, const char *metric, int low, int high, bool weighted,
                 const struct cxm_allocator *allocator)
{
    static const double code[1] = { 255 };
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t r = draw();
        d->key[i] = (uint32_t)(r % 3 == 0 ? r % 97 : (r >> 8) % GROUPS);
        d->score[i] = (r >> 40) % 16 == 0
                        ? 255 : (uint8_t)(low + (int)((r >> 32) % (uint64_t)(high - low + 1)));
        if (d->key[i] % 11 == 5)
            d->score[i] = (uint8_t)high;
        if (d->key[i] % 101 == 100)
            d->score[i] = 255;
        d->freq[i] = d->key[i] == 7 ? 2000 : 1;
        d->weight[i] = 0.25 + (double)(r >> 50) / 4096;
    }
    struct cxm_column score = cxm_column_make("score", CXM_U8, d->score, ROWS, 1, 0);
    const struct cxm_column key = cxm_column_make("by", CXM_U32, d->key, ROWS, 4, 0);
    const struct cxm_column freq = cxm_column_make("freq", CXM_I64, d->freq, ROWS, 8, 0);
    score.missing_codes = code;
    score.n_missing_codes = 1;
    const struct cxm_column weight = cxm_column_make("weight", CXM_F64, d->weight, ROWS, 8, 0);
    const struct cxm_input inputs[4] = { { "score", &score }, { "by", &key }, { "freq", &freq },
                                         { "weight", &weight } };
    assert_int_equal(cxm_tally_new(metric, NULL, 0, allocator, &d->tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(d->tally, inputs, weighted ? 4 : 3, NULL, NULL), CXM_OK);
}

static struct cxm_estimate *estimate(struct cxm_tally *tally, struct cxm_estimate_options *options,
                                     size_t *n)
{
    options->size = sizeof *options;
    assert_int_equal(cxm_tally_estimate(tally, options, NULL, sizeof(struct cxm_estimate), 0, n,
                                        NULL), CXM_OK);
    struct cxm_estimate *out = malloc((*n + 1) * sizeof *out);
    assert_non_null(out);
    memset(out, 0x55, *n * sizeof *out);
    assert_int_equal(cxm_tally_estimate(tally, options, out, sizeof *out, *n, NULL, NULL), CXM_OK);
    return out;
}

static const struct kind {
    const char *metric;
    int low, high;
} kinds[] = { { "nps", 0, 10 }, { "csat", 1, 5 }, { "ces", 1, 7 } };

/* One of every interval that a metric lists: all rows, against each group alone. */
static void rows_are_those_of_groups(void **state)
{
    static struct data d;
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        const struct cxm_metric_info *info = cxm_metric_find(kinds[k].metric);
        uint32_t measures[MOST];
        size_t n_measures = 0, n = 0;
        make(&d, kinds[k].metric, kinds[k].low, kinds[k].high, false, NULL);
        assert_int_equal(cxm_tally_measures(d.tally, NULL, 0, 0, &n_measures, NULL), CXM_OK);
        assert_true(n_measures <= MOST);
        for (size_t m = 0; m < n_measures; m++)
            measures[m] = (uint32_t)m;
        for (int32_t i = 0; i <= info->n_intervals; i++) {
            const int32_t interval = i == 0 ? 0 : (int32_t)info->intervals[i - 1];
            const bool slow = interval >= CXM_INTERVAL_GOODMAN && interval <= CXM_INTERVAL_BCA;
            struct cxm_estimate_options all = { .interval = interval, .measures = measures,
                                                .n_measures = slow ? 1 : n_measures };
            if (interval == CXM_INTERVAL_BOOTSTRAP || interval == CXM_INTERVAL_BCA)
                continue;
            struct cxm_estimate *rows = estimate(d.tally, &all, &n);
            const size_t each = (size_t)trials(200);
            for (size_t g = 0; g < n / all.n_measures; g += g < each ? 1 : 61) {
                const int64_t group = (int64_t)g;
                struct cxm_estimate_options one = all;
                size_t n_one;
                one.groups = &group;
                one.n_groups = 1;
                struct cxm_estimate *row = estimate(d.tally, &one, &n_one);
                assert_int_equal(n_one, all.n_measures);
                assert_memory_equal(row, rows + g * n_one, n_one * sizeof *row);
                free(row);
            }
            free(rows);
        }
        cxm_tally_free(d.tally);
    }
}

static void threads_change_no_bit(void **state)
{
    static struct data d;
    static const int32_t threads[] = { 1, 2, 3, 7 };
    (void)state;
    for (size_t k = 0; k < 2 * COUNT_OF(kinds); k++) {
        const struct kind *kind = &kinds[k % COUNT_OF(kinds)];
        size_t n, m;
        make(&d, kind->metric, kind->low, kind->high, k >= COUNT_OF(kinds), NULL);
        for (int32_t interval = 0; interval <= CXM_INTERVAL_WALD; interval += CXM_INTERVAL_WALD) {
            struct cxm_estimate_options options = { .interval = interval };
            struct cxm_estimate *want = estimate(d.tally, &options, &n);
            for (size_t t = 0; t < COUNT_OF(threads); t++) {
                options.threads = threads[t];
                struct cxm_estimate *got = estimate(d.tally, &options, &m);
                assert_int_equal(n, m);
                assert_memory_equal(want, got, n * sizeof *got);
                free(got);
            }
            free(want);
        }
        struct cxm_estimate_options options = { .size = sizeof options, .threads = -1 };
        assert_int_equal(cxm_tally_estimate(d.tally, &options, NULL, sizeof(struct cxm_estimate), 0,
                                            &n, NULL), CXM_EINVAL);
        cxm_tally_free(d.tally);
    }
}

/* Groups in any order, with the total among them. */
static void groups_in_any_order(void **state)
{
    static struct data d;
    enum { ASKED = 9000 };
    static int64_t groups[ASKED];
    (void)state;
    make(&d, "nps", 0, 10, false, NULL);
    size_t n, m;
    const int64_t n_groups = cxm_tally_groups(d.tally);
    struct cxm_estimate_options options = { 0 };
    struct cxm_estimate *all = estimate(d.tally, &options, &n);
    int64_t used = 0;
    for (int64_t g = 0; g < n_groups; g++)
        used += all[g].n;
    for (size_t i = 0; i < ASKED; i++)
        groups[i] = i % 1000 == 77 ? CXM_TOTAL : (int64_t)(draw() % (uint64_t)n_groups);
    options.groups = groups;
    options.n_groups = ASKED;
    options.threads = 2;
    struct cxm_estimate *got = estimate(d.tally, &options, &m);
    assert_int_equal(m, ASKED);
    for (size_t i = 0; i < ASKED; i++) {
        assert_int_equal(got[i].group, groups[i]);
        if (groups[i] == CXM_TOTAL)
            assert_int_equal(got[i].n, used);
        else
            assert_memory_equal(&got[i], &all[groups[i]], sizeof *got);
    }
    free(all);
    free(got);
    cxm_tally_free(d.tally);
}

/* value, standard error and Rocks' limits (2016) of NPS, from counts made here. */
static void nps_from_counts(void **state)
{
    static struct data d;
    static int64_t counts[GROUPS][4];
    (void)state;
    make(&d, "nps", 0, 10, false, NULL);
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < ROWS; i++) {
        const int s = d.score[i];
        counts[d.key[i]][s == 255 ? 3 : s >= 9 ? 2 : s >= 7 ? 1 : 0] += d.freq[i];
    }
    size_t n;
    struct cxm_estimate_options options = { .threads = 3 };
    struct cxm_estimate *rows = estimate(d.tally, &options, &n);
    for (size_t g = 0; g < n; g++) {
        struct cxm_key key;
        assert_int_equal(cxm_tally_key(d.tally, (int64_t)g, 0, &key), CXM_OK);
        const int64_t *c = counts[key.integer];
        const long double total = (long double)(c[0] + c[1] + c[2]);
        assert_int_equal(rows[g].missing, c[3]);
        assert_int_equal(rows[g].n, c[0] + c[1] + c[2]);
        if (total == 0) {
            assert_true(isnan(rows[g].value) && isnan(rows[g].upper));
            assert_true((rows[g].flags & CXM_FLAG_NO_DATA) != 0);
            continue;
        }
        const long double p = (long double)c[2] / total, m = (long double)c[0] / total;
        assert_close(rows[g].value, (double)(100 * (p - m)), 1e-15);
        assert_close(rows[g].std_error, (double)(100 * sqrtl((p + m - (p - m) * (p - m)) / total)),
                     1e-12);
        const long double t = total + 3, a = ((long double)c[2] + 0.75L) / t,
                          b = ((long double)c[0] + 0.75L) / t;
        const long double half = 1.959963984540054L * sqrtl((a + b - (a - b) * (a - b)) / t);
        assert_close(rows[g].lower_raw, (double)(100 * (a - b - half)), 1e-11);
        assert_close(rows[g].upper_raw, (double)(100 * (a - b + half)), 1e-11);
    }
    free(rows);
    cxm_tally_free(d.tally);
}

/* ---- weighted bins ---------------------------------------------------------------------- */

/* The exact sum of the bins b … end - 1, added digit by digit on a grid with room for all. */
static struct cxm_dd sum_of_bins(const struct cxm_weighing *w, const int64_t *cell, uint32_t b, uint32_t end,
                                 uint32_t odd)
{
    enum { LOWEST = -40, DIGITS = 80 };
    int64_t grid[DIGITS] = { 0 };
    for (; b < end; b++) {
        const uint32_t s = 2 * b + odd;
        for (int32_t k = 0; k < w->windows[s].n; k++) {
            const int64_t limb = cell[w->at[s] + (uint32_t)k];
            grid[w->windows[s].lo + k - LOWEST] += limb & UINT32_MAX;
            grid[w->windows[s].lo + k + 1 - LOWEST] += limb >> 32;
        }
    }
    cxm_priv_exact_carry(grid, DIGITS);
    return cxm_priv_exact_value(grid, (struct cxm_window){ LOWEST, DIGITS });
}

/* What the vectors shall give, from exact sums and double-doubles one after the other, as in bins.c. */
static void expect_weighed(const struct cxm_weighing *w, const int64_t *cell, double out[7])
{
    const struct cxm_dd weight = sum_of_bins(w, cell, 0, w->bins, 0);
    const struct cxm_dd weight2 = sum_of_bins(w, cell, 0, w->bins, 1);
    struct cxm_dd sum = { 0, 0 }, scatter = sum;
    double counts[3] = { 0, 0, 0 };
    for (uint32_t b = 0, end; b < w->bins; b = end) {
        for (end = b + 1; end < w->bins && w->y[end] == w->y[b];)
            end++;
        const struct cxm_dd one = sum_of_bins(w, cell, b, end, 0);
        if (w->y[b] != 0)
            sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(one, cxm_priv_dd(w->y[b])));
        counts[w->y[b] < 0 ? 0 : w->y[b] > 0 ? 2 : 1] += one.hi;
    }
    const struct cxm_dd mean = cxm_priv_dd_div(sum, weight), whole = cxm_priv_dd_mul(weight, weight);
    for (uint32_t b = 0, end; b < w->bins; b = end) {
        for (end = b + 1; end < w->bins && w->y[end] == w->y[b];)
            end++;
        const struct cxm_dd two = sum_of_bins(w, cell, b, end, 1);
        struct cxm_dd d = cxm_priv_dd_sub(cxm_priv_dd(w->y[b]), mean);
        if (fabs(d.hi) <= ldexp(fabs(w->y[b]), -98))
            d = cxm_priv_dd(0);
        if (two.hi != 0)
            scatter = cxm_priv_dd_add(scatter, cxm_priv_dd_mul(two, cxm_priv_dd_mul(d, d)));
    }
    const double want[7] = { weight.hi, cxm_priv_dd_div(whole, weight2).hi, mean.hi,
                             cxm_priv_dd_div(scatter, whole).hi, counts[0], counts[1], counts[2] };
    memcpy(out, want, sizeof want);
}

/* Digits that are nothing, full, a half or random: sums that round up, tie, or go beyond 128 bits. */
static void make_sum(int64_t *limbs, int32_t n, bool near_limits)
{
    static const int64_t special[] = { 0, 0, 1, UINT32_MAX, (int64_t)1 << 31, ((int64_t)1 << 31) - 1,
                                       (int64_t)1 << 20, 0x00200000 };
    const bool any = n > 0 && draw() % 8 != 0;
    const int32_t top = n > 0 ? (int32_t)(draw() % (uint64_t)n) : 0;
    for (int32_t k = 0; k < n; k++)
        limbs[k] = !any || k > top ? 0
                 : draw() % 3 == 0 ? special[draw() % COUNT_OF(special)]
                                   : (int64_t)(draw() >> 32);
    const uint64_t word = draw();
    if (n > 0 && near_limits && draw() % 4 == 0)
        limbs[n - 1] = (int64_t)(word >> (5 + draw() % 58)); /* no more than 2^63 rows in all bins */
}

static void check_weighed(cxm_weigh *weigh, const struct cxm_weighing *w, size_t *fast)
{
    struct cxm_weighed got;
    memset(&got, 0x55, sizeof got);
    weigh(w, &got);
    for (size_t i = 0; i < CXM_SCORE_ROWS; i++) {
        double want[7];
        const double have[7] = { got.weight[i], got.n_eff[i], got.mean[i], got.scatter[i],
                                 got.counts[0][i], got.counts[1][i], got.counts[2][i] };
        if (got.slow[i] != 0)
            continue;
        expect_weighed(w, w->cells[i], want);
        if (!(want[0] > 0))
            continue; /* no rows */
        assert_memory_equal(have, want, sizeof want);
        ++*fast;
    }
}

/* Every variant against the definition: windows of all sizes, places and extreme digits. */
static void weighed_as_defined(void **state)
{
    enum { BINS = 11, TIMES = 3000 };
    static int64_t cells[CXM_SCORE_ROWS][2 * BINS * CXM_WEIGHED_LIMBS];
    const int64_t *at_cells[CXM_SCORE_ROWS];
    cxm_weigh *variants[3] = { cxm_priv_weigh_c, cxm_priv_weigh(CXM_CPU_AVX512), cxm_priv_weigh(0) };
    size_t fast = 0, all = 0;
    (void)state;
    for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
        at_cells[i] = cells[i];
    const int times = trials(TIMES);
    for (int t = 0; t < times; t++) {
        struct cxm_window windows[2 * BINS];
        uint32_t at[2 * BINS];
        double y[BINS];
        const uint32_t bins = 1 + (uint32_t)(draw() % BINS);
        const bool typical = t % 2 == 0; /* as sums are before they were loaded: bins alike */
        const bool apart = t % 4 == 1;   /* beyond what the vectors take; else within their limbs */
        uint32_t end = 0;
        for (uint32_t s = 0; s < 2 * bins; s++) {
            const int32_t skip = (int32_t)(draw() % CXM_WEIGHED_LIMBS), some = (int32_t)(draw() % 9);
            const int32_t n = typical         ? 4 + 2 * (int32_t)(s % 2)
                            : apart           ? some
                            : draw() % 5 == 0 ? 0 /* a bin that nobody chose */
                                              : CXM_WEIGHED_LIMBS - skip;
            windows[s] = (struct cxm_window){ typical ? -2 * (1 + (int32_t)(s % 2))
                                              : apart ? (int32_t)(draw() % 10) - 8 : skip - 6, n };
            at[s] = typical ? end : s * CXM_WEIGHED_LIMBS;
            end += (uint32_t)n;
            for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
                make_sum(cells[i] + at[s], n, !typical);
        }
        for (uint32_t b = 0; b < bins; b++)
            y[b] = t % 3 == 0 ? (double)(draw() % 3) - 1 : t % 3 == 1 ? (double)(b > 3) : 1 + (double)b / 3;
        const struct cxm_weighing w = { bins, windows, at, y, at_cells, at_cells };
        if (!cxm_priv_can_weigh(&w))
            continue;
        for (size_t v = 0; v < COUNT_OF(variants); v++, all += CXM_SCORE_ROWS)
            check_weighed(variants[v], &w, &fast);
    }
    print_message("%zu of %zu side by side\n", fast, all);
    assert_true(fast > all / 8);
}

/* All rows of weighted groups, against each group in a tally of its own, which holds one. */
static void weighted_rows_are_those_of_groups(void **state)
{
    static struct data d;
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct cxm_estimate_options options = { 0 };
        uint32_t measures[MOST];
        size_t n_measures = 0, n, m;
        make(&d, kinds[k].metric, kinds[k].low, kinds[k].high, true, NULL);
        assert_int_equal(cxm_tally_measures(d.tally, NULL, 0, 0, &n_measures, NULL), CXM_OK);
        assert_true(n_measures <= MOST);
        for (uint32_t i = 0; i < n_measures; i++)
            measures[i] = i;
        options.measures = measures;
        options.n_measures = n_measures;
        for (int32_t interval = 0; interval <= CXM_INTERVAL_WALD; interval += CXM_INTERVAL_WALD) {
            options.interval = interval;
            struct cxm_estimate *all = estimate(d.tally, &options, &n);
            const int64_t each = trials(100);
            for (int64_t g = 0; g < (int64_t)(n / n_measures); g += g < each ? 1 : 97) {
                struct cxm_tally *one;
                assert_int_equal(cxm_tally_group(d.tally, g, 0, &one, NULL), CXM_OK);
                struct cxm_estimate *alone = estimate(one, &options, &m);
                assert_int_equal(m, n_measures);
                for (size_t i = 0; i < m; i++) {
                    alone[i].group = g;
                    assert_memory_equal(&alone[i], &all[(size_t)g * m + i], sizeof *alone);
                }
                free(alone);
                cxm_tally_free(one);
            }
            free(all);
        }
        cxm_tally_free(d.tally);
    }
}

/* Each allocation fails in turn; what was there before stays. */
static void memory_runs_out(void **state)
{
    static struct data d;
    (void)state;
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        struct cxm_estimate mark, *out = malloc(GROUPS * sizeof *out);
        const struct cxm_estimate_options options = { .size = sizeof options, .threads = 2 };
        size_t n = 0;
        assert_non_null(out);
        heap_init(&heap, 0);
        make(&d, "ces", 1, 7, false, &heap.allocator);
        memset(&mark, 0x55, sizeof mark);
        out[0] = mark;
        heap.calls = 0;
        heap.fail_at = fail_at;
        const enum cxm_status status = cxm_tally_estimate(d.tally, &options, out, sizeof *out,
                                                          GROUPS, &n, NULL);
        heap.fail_at = 0;
        if (status != CXM_OK) {
            assert_int_equal(status, CXM_ENOMEM);
            assert_memory_equal(&out[0], &mark, sizeof mark);
        }
        cxm_tally_free(d.tally);
        assert_int_equal(heap.live, 0);
        free(out);
        if (status == CXM_OK)
            break;
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_groups), cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(groups_in_any_order),      cmocka_unit_test(nps_from_counts),
        cmocka_unit_test(weighed_as_defined),       cmocka_unit_test(weighted_rows_are_those_of_groups),
        cmocka_unit_test(memory_runs_out),
    };
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261122;
    print_message("seed %llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
