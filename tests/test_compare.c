/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comparisons, targets, adjusted p-values, sample sizes, tables, trends, ranks. Rows come from
 * R 4.2.2 and a second route (rational numbers, mpmath, hand formula), as printed there; exact
 * tests are compared with sums over all outcomes written out here. */
#include "testing.h"

#include "estimate/association.h"
#include "estimate/compare.h"
#include "estimate/exact.h"


static void near_at(double got, double want, double half_unit, const char *what, int line)
{
    if (is_close(got, want, 1e-10) || fabs(got - want) <= half_unit)
        return;
    print_error("%s is %.15g, not %.15g\n", what, got, want);
    _fail(__FILE__, line);
}
#define assert_near(got, want) near_at((got), (want), 5.1e-13, #got, __LINE__)
#define assert_near_to(got, want, half_unit) near_at((got), (want), (half_unit), #got, __LINE__)

/* ---- net scores ----------------------------------------------------------------------- */

static const struct cxm_net wave1 = { 15, 25, 40 }, wave2 = { 12, 28, 60 };

static struct cxm_comparison nets(struct cxm_net a, struct cxm_net b, enum cxm_compare_net method)
{
    struct cxm_comparison out;
    assert_int_equal(cxm_priv_compare_nets(a, b, 0.95, method, NULL, &out), CXM_OK);
    return out;
}

static void nets_match_rows(void **state)
{
    (void)state;
    static const struct {
        enum cxm_compare_net method;
        double centre, std_error, statistic, df, p, lower, upper; /* points */
    } rows[] = {
        { CXM_COMPARE_NET_WALD, 16.75, 11.076572969561, 1.512200573772, INFINITY, 0.130482845121,
          -4.959684092469, 38.459684092469 },
        { CXM_COMPARE_NET_ADJUSTED, 16.481459819862, 10.921542837389, 1.509077981495, INFINITY,
          0.131278855679, -4.924370797033, 37.887290436757 },
        { CXM_COMPARE_NET_ADJUSTED_HALF, 16.615793768322, 10.998597581718, 1.510719311700, INFINITY,
          0.130859980018, -4.941061372294, 38.172648908938 },
        { CXM_COMPARE_NET_POOLED, 16.75, 11.033723558054, 1.518073197309, INFINITY,
          0.128995947090, NAN, NAN },
        { CXM_COMPARE_NET_WELCH, 16.75, 11.14083947, 1.503477324178, 161.701873153125,
          0.134666549104, -5.250297448772, 38.750297448772 },
        { CXM_COMPARE_NET_PERMUTATION, 16.75, 11.06450, 1.513850454227, INFINITY, 0.130063772677,
          NAN, NAN },
        { CXM_COMPARE_NET_EXACT, 16.75, 11.06450, 1.513850454227, INFINITY, 0.154333004937,
          NAN, NAN },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_comparison got = nets(wave2, wave1, rows[i].method);
        assert_near(got.difference, 0.1675);
        assert_near_to(100 * got.centre, rows[i].centre, 5.1e-13);
        assert_near_to(100 * got.std_error, rows[i].std_error, i < 4 ? 5.1e-13 : 1e-5);
        assert_near(got.statistic, rows[i].statistic);
        assert_close(got.df, rows[i].df, 1e-12);
        assert_near(got.p_value, rows[i].p);
        assert_near_to(100 * got.lower, rows[i].lower, 5.1e-13);
        assert_near_to(100 * got.upper, rows[i].upper, 5.1e-13);
        assert_int_equal(got.flags, 0);
        const struct cxm_comparison back = nets(wave1, wave2, rows[i].method);
        assert_close(back.statistic, -got.statistic, 0.0);
        assert_close(back.p_value, got.p_value, 0.0);
        assert_close(back.p_less, got.p_greater, 0.0);
        assert_close(back.lower, -got.upper, 0.0);
    }
}

static void nets_at_the_edge(void **state)
{
    (void)state;
    const struct cxm_net none = { 0, 0, 0 }, all = { 0, 0, 5 }, passive = { 0, 4, 0 };
    for (int m = CXM_COMPARE_NET_ADJUSTED; m <= CXM_COMPARE_NET_EXACT; m++) {
        const struct cxm_comparison got = nets(none, wave1, (enum cxm_compare_net)m);
        assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
        assert_true(isnan(got.difference) && isnan(got.p_value) && isnan(got.lower));
        assert_int_equal(nets(wave1, none, (enum cxm_compare_net)m).flags, CXM_FLAG_NO_DATA);
    }
    struct cxm_comparison got = nets(all, all, CXM_COMPARE_NET_WALD);
    assert_true(isnan(got.statistic) && got.p_value == 1.0);
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    got = nets(all, passive, CXM_COMPARE_NET_WALD);
    assert_true(isinf(got.statistic) && got.p_value == 0.0 && got.lower == 1.0);
    got = nets(all, passive, CXM_COMPARE_NET_ADJUSTED);
    assert_true(got.flags == 0 && got.difference == 1.0 && got.centre < 1.0);
    got = nets(all, passive, CXM_COMPARE_NET_EXACT); /* 2 of C(9, 4) draws are as far */
    assert_close(got.p_value, 1.0 / 126.0, 1e-13);
    got = nets((struct cxm_net){ 0, 0, 1 }, wave1, CXM_COMPARE_NET_WELCH);
    assert_true(isnan(got.lower) && isnan(got.p_value) && !isnan(got.difference));
    got = nets((struct cxm_net){ 500, 500, 501 }, (struct cxm_net){ 100, 200, 300 },
               CXM_COMPARE_NET_EXACT);
    assert_int_equal(got.flags, CXM_FLAG_ASYMPTOTIC);
    struct heap heap;
    heap_init(&heap, 1);
    struct cxm_comparison kept = { .difference = 42.0 };
    assert_int_equal(cxm_priv_compare_nets(wave1, wave2, 0.95, CXM_COMPARE_NET_EXACT,
                                           &heap.allocator, &kept), CXM_ENOMEM);
    assert_close(kept.difference, 42.0, 0.0);
    heap_init(&heap, 0);
    assert_int_equal(cxm_priv_compare_nets(wave1, wave2, 0.95, CXM_COMPARE_NET_EXACT,
                                           &heap.allocator, &kept), CXM_OK);
    assert_int_equal(heap.live, 0);
}

/* Every way to hand out the answers to the two groups, one by one. */
static void brute_permutation(const int *codes, int n, int drawn, int observed, double out[3])
{
    int total = 0;
    double extreme = 0.0, above = 0.0, below = 0.0, all = 0.0;
    for (int i = 0; i < n; i++)
        total += codes[i];
    for (unsigned set = 0; set < 1u << n; set++) {
        int size = 0, sum = 0;
        for (int i = 0; i < n; i++)
            if (set >> i & 1) {
                size++;
                sum += codes[i];
            }
        if (size == drawn) {
            all += 1.0;
            extreme += abs(n * sum - drawn * total) >= abs(n * observed - drawn * total);
            above += sum >= observed;
            below += sum <= observed;
        }
    }
    out[0] = extreme / all;
    out[1] = above / all;
    out[2] = below / all;
}

static void permutation_matches_enumeration(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 60; round++) {
        int codes[14];
        double a[3] = { 0 }, b[3] = { 0 };
        const int n = 2 + (int)random_below(&seed, 12), drawn = 1 + (int)random_below(&seed, (uint64_t)n - 1);
        int observed = 0;
        for (int i = 0; i < n; i++) {
            codes[i] = (int)random_below(&seed, 3) - 1;
            (i < drawn ? a : b)[codes[i] + 1] += 1.0;
            observed += i < drawn ? codes[i] : 0;
        }
        const struct cxm_comparison got = nets((struct cxm_net){ a[0], a[1], a[2] },
                                               (struct cxm_net){ b[0], b[1], b[2] },
                                               CXM_COMPARE_NET_EXACT);
        double want[3];
        brute_permutation(codes, n, drawn, observed, want);
        assert_close(got.p_value, want[0], 1e-12);
        assert_close(got.p_greater, want[1], 1e-12);
        assert_close(got.p_less, want[2], 1e-12);
    }
}

/* ---- shares --------------------------------------------------------------------------- */

static void shares_match_rows(void **state)
{
    (void)state;
    const struct cxm_share_count a = { 80, 100 }, b = { 96, 150 };
    struct cxm_comparison got = cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_NEWCOMBE);
    assert_near(got.difference, 0.16);
    assert_near(got.statistic, 2.714959920700);
    assert_near(got.p_value, 0.006628379172);
    assert_near(got.statistic * got.statistic, 7.371007371007);
    assert_near(got.lower, 0.045381810864);
    assert_near(got.upper, 0.263674630383);
    got = cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_WALD);
    assert_near(got.lower, 0.050242016866);
    assert_near(got.upper, 0.269757983134);
    got = cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_AGRESTI_CAFFO);
    assert_near(got.lower, 0.046446147902);
    assert_near(got.upper, 0.265473356742);
    assert_near(got.centre, 81.0 / 102 - 97.0 / 152);
    const struct cxm_share_tests tests = cxm_priv_share_tests(a, b, 0.95);
    assert_near(tests.z_unpooled, 2.857142857143);
    assert_near(tests.p_unpooled, 0.004274733960);
    assert_near(tests.chi2_yates, 6.623189240377);
    assert_near(tests.p_yates, 0.010065942608);
    assert_near(tests.p_fisher, 0.007243503857);
    assert_near(tests.odds_ratio, 2.25);
    assert_near(tests.odds_lower, 1.243924595445);
    assert_near(tests.odds_upper, 4.069780450148);
    assert_near(tests.risk_ratio, 1.25);
    assert_near(tests.risk_lower, 1.070573828712);
    assert_near(tests.risk_upper, 1.459497661997);
    assert_near(tests.cohen_h, 0.359706999585);
}

static void shares_at_the_edge(void **state)
{
    (void)state;
    for (int x = 0; x < 2; x++) {
        const struct cxm_share_count a = { 10 * x, 10 }, b = { 7 * x, 7 };
        const struct cxm_comparison got =
            cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_NEWCOMBE);
        assert_true(isnan(got.statistic) && got.p_value == 1.0);
        assert_true(got.flags & CXM_FLAG_DEGENERATE);
        assert_true(got.lower < 0.0 && got.upper > 0.0);
        const struct cxm_share_tests tests = cxm_priv_share_tests(a, b, 0.95);
        assert_close(tests.p_yates, 1.0, 0.0);
        assert_close(tests.p_fisher, 1.0, 0.0);
    }
    const struct cxm_comparison got = cxm_priv_compare_shares(
        (struct cxm_share_count){ 0, 0 }, (struct cxm_share_count){ 1, 2 }, 0.95,
        CXM_COMPARE_SHARES_NEWCOMBE);
    assert_true(isnan(got.difference) && got.flags == CXM_FLAG_NO_DATA);
    const struct cxm_share_tests whole = cxm_priv_share_tests(
        (struct cxm_share_count){ 1.5, 4 }, (struct cxm_share_count){ 1, 2 }, 0.95);
    assert_true(isnan(whole.p_fisher) && !isnan(whole.cohen_h));
}

static double choose(int n, int k)
{
    double value = 1.0;
    for (int i = 1; i <= k; i++)
        value = value * (n - k + i) / i;
    return value;
}

static void fisher_matches_enumeration(void **state)
{
    (void)state;
    for (int na = 1; na <= 9; na++)
        for (int nb = 1; nb <= 9; nb++)
            for (int x = 0; x <= na; x++)
                for (int y = 0; y <= nb; y++) {
                    double extreme = 0.0, above = 0.0, below = 0.0;
                    const double seen = choose(na, x) * choose(nb, y);
                    for (int k = 0; k <= na; k++)
                        if (x + y - k >= 0 && x + y - k <= nb) {
                            const double chance = choose(na, k) * choose(nb, x + y - k);
                            extreme += chance <= seen * (1.0 + 1e-7) ? chance : 0.0;
                            above += k >= x ? chance : 0.0;
                            below += k <= x ? chance : 0.0;
                        }
                    const struct cxm_share_count a = { x, na }, b = { y, nb };
                    const struct cxm_fisher got = cxm_priv_fisher_tails(a, b);
                    const struct cxm_fisher back = cxm_priv_fisher_tails(b, a);
                    assert_close(got.two_sided, extreme / choose(na + nb, x + y), 1e-12);
                    assert_close(got.greater, above / choose(na + nb, x + y), 1e-12);
                    assert_close(got.less, below / choose(na + nb, x + y), 1e-12);
                    assert_true(back.two_sided == got.two_sided && back.less == got.greater
                                && back.greater == got.less);
                }
    /* a billion customers: as the normal test with continuity correction */
    const struct cxm_share_count a = { 500020000, 1e9 }, b = { 499980000, 1e9 };
    assert_close(cxm_priv_fisher(a, b), cxm_priv_share_tests(a, b, 0.95).p_yates, 1e-7);
}

static void binomial_matches_enumeration(void **state)
{
    (void)state;
    static const double chances[] = { 0.0, 0.02, 0.3, 0.5, 0.9, 1.0 };
    for (size_t c = 0; c < COUNT_OF(chances); c++)
        for (int n = 1; n <= 25; n++)
            for (int k = 0; k <= n; k++) {
                const double p = chances[c];
                double least = 0.0, most = 0.0, two = 0.0;
                const double seen = choose(n, k) * pow(p, k) * pow(1 - p, n - k);
                for (int j = 0; j <= n; j++) {
                    const double chance = choose(n, j) * pow(p, j) * pow(1 - p, n - j);
                    least += j >= k ? chance : 0.0;
                    most += j <= k ? chance : 0.0;
                    two += chance <= seen * (1.0 + 1e-7) ? chance : 0.0;
                }
                assert_close(cxm_priv_binomial(k, n, p), seen, 1e-12);
                assert_close(cxm_priv_binomial_at_least(k, n, p), least, 1e-12);
                assert_close(cxm_priv_binomial_at_most(k, n, p), most, 1e-12);
                assert_close(cxm_priv_binomial_p_value(k, n, p), two, 1e-12);
            }
}

/* ---- means ---------------------------------------------------------------------------- */

static struct cxm_mean_sample sample_of(const double *values, size_t n)
{
    struct cxm_mean_sample s = { (double)n, 0.0, 0.0 };
    for (size_t i = 0; i < n; i++)
        s.mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        s.variance += (values[i] - s.mean) * (values[i] - s.mean) / (double)(n - 1);
    return s;
}

static const double mean_a[] = { 7, 9, 10, 6, 8, 9, 10, 5, 7, 8 };
static const double mean_b[] = { 9, 8, 10, 10, 7, 9, 10, 9 };

static void means_match_rows(void **state)
{
    (void)state;
    const struct cxm_mean_sample a = sample_of(mean_a, COUNT_OF(mean_a));
    const struct cxm_mean_sample b = sample_of(mean_b, COUNT_OF(mean_b));
    struct cxm_comparison got = cxm_priv_compare_means(a, b, 0.95, false);
    assert_near(got.statistic, -1.698299877660);
    assert_near(got.df, 15.411052003403);
    assert_near(got.p_value, 0.109545495340);
    assert_near(got.lower, -2.477353632655);
    assert_near(got.upper, 0.277353632655);
    got = cxm_priv_compare_means(a, b, 0.95, true);
    assert_near(got.statistic, -1.617199016165);
    assert_near(got.p_value, 0.125377722529);
    assert_near(cxm_priv_cohen_d(a, b), -0.767104848130);
    assert_near(cxm_priv_hedges_g(a, b), -0.730576045838);
    const struct cxm_mean_sample one = { 1, 3.0, NAN };
    assert_true(isnan(cxm_priv_compare_means(one, b, 0.95, false).p_value));
    assert_false(isnan(cxm_priv_compare_means(one, b, 0.95, true).p_value));
}

static void ranks_match_rows(void **state)
{
    (void)state;
    /* values 5 … 10 of the samples above, and of 5 6 9 8 7 */
    static const double counts[3 * 6] = { 1, 1, 2, 2, 2, 2, 0, 0, 1, 1, 3, 3, 1, 1, 1, 1, 1, 0 };
    const struct cxm_mann_whitney got = cxm_priv_mann_whitney(counts, counts + 6, 6);
    assert_near(got.w, 24);
    assert_near(got.p, 0.157760547881);
    struct cxm_kruskal h;
    assert_int_equal(cxm_priv_kruskal(counts, 3, 6, NULL, &h), CXM_OK);
    assert_near(h.h, 5.060593220339);
    assert_near(h.df, 2);
    assert_near(h.p, 0.079635396114);
    static const double equal[] = { 3, 0, 4, 0 };
    assert_close(cxm_priv_mann_whitney(equal, equal + 2, 2).p, 1.0, 0.0);
    static const double empty[] = { 0, 0, 4, 1 };
    assert_true(isnan(cxm_priv_mann_whitney(empty, empty + 2, 2).p));
    struct heap heap;
    heap_init(&heap, 1);
    assert_int_equal(cxm_priv_kruskal(counts, 3, 6, &heap.allocator, &h), CXM_ENOMEM);
}

/* ---- the same customers twice --------------------------------------------------------- */

static void paired_matches_rows(void **state)
{
    (void)state;
    static const double counts[3][3] = { { 10, 5, 3 }, { 4, 20, 11 }, { 2, 9, 36 } };
    const struct cxm_paired_nets got = cxm_priv_paired_nets(counts, 0.95);
    assert_near(got.before, 0.29);
    assert_near(got.after, 0.34);
    assert_near(got.z.difference, 0.05);
    assert_near_to(100 * got.z.std_error, 6.982120021884, 5.1e-13);
    assert_near_to(100 * got.z.lower, -8.684703778630, 5.1e-13);
    assert_near_to(100 * got.z.upper, 18.684703778630, 5.1e-13);
    assert_near(got.t.statistic, 0.712525303194);
    assert_near(got.t.p_value, 0.477815518502);
    assert_near_to(100 * got.t.lower, -8.923835004109, 5.1e-13);
    assert_near_to(100 * got.t.upper, 18.923835004109, 5.1e-13);
    assert_near(got.stuart_maxwell, 0.510769230769);
    assert_near(got.stuart_maxwell_p, 0.774618510463);
    assert_near(got.bhapkar, 0.513391476464);
    assert_near(got.bhapkar_p, 0.773603555946);
    assert_near(got.score, 0.510204081633);
    assert_near(got.score_p, 0.475050524054);
    assert_near(got.bowker, 0.511111111111);
    assert_near(got.bowker_df, 3);
    assert_near(got.bowker_p, 0.916443655396);
    assert_near(got.mcnemar, 0.36);
    assert_near(got.mcnemar_p, 0.548506235500);
    assert_near(got.mcnemar_corrected, 0.16);
    assert_near(got.mcnemar_corrected_p, 0.689156516779);
    assert_near(got.mcnemar_exact_p, 0.690037965775);
    static const double transition[3][3] = {
        { 0.555555555556, 0.277777777778, 0.166666666667 },
        { 0.114285714286, 0.571428571429, 0.314285714286 },
        { 0.042553191489, 0.191489361702, 0.765957446809 } };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            assert_near(got.transition[i][j], transition[i][j]);
}

static void paired_at_the_edge(void **state)
{
    (void)state;
    static const double none[3][3] = { { 0 } };
    struct cxm_paired_nets got = cxm_priv_paired_nets(none, 0.95);
    assert_true(isnan(got.before) && isnan(got.z.difference) && isnan(got.transition[0][0]));
    assert_int_equal(got.z.flags, CXM_FLAG_NO_DATA);
    static const double same[3][3] = { { 4, 0, 0 }, { 0, 2, 0 }, { 0, 0, 9 } };
    got = cxm_priv_paired_nets(same, 0.95);
    assert_true(isnan(got.stuart_maxwell) && isnan(got.bowker_p) && got.z.difference == 0.0);
    assert_int_equal(got.z.flags, CXM_FLAG_DEGENERATE);
    static const double pair[3][3] = { { 4, 6, 0 }, { 1, 2, 0 }, { 0, 0, 0 } };
    got = cxm_priv_paired_nets(pair, 0.95); /* only two categories move: (6 - 1)^2 / 7 */
    assert_near(got.stuart_maxwell, 25.0 / 7.0);
    assert_near(got.stuart_maxwell_df, 1);
    assert_near(got.bowker, 25.0 / 7.0);
    assert_true(isnan(got.transition[2][0]));
}

/* ---- targets -------------------------------------------------------------------------- */

static void targets_match_rows(void **state)
{
    (void)state;
    static const struct {
        double k, n, target, p, p_unit, lower, upper, wilson;
        enum cxm_verdict verdict;
    } rows[] = {
        { 460, 500, 0.90, 0.0750892897, 5e-11, 0.897132461, 0.939061930, 0.897709045,
          CXM_VERDICT_INCONCLUSIVE },
        { 469, 500, 0.90, 0.0017618594, 5e-11, 0.917238491, 0.954764334, 0.917794719, CXM_VERDICT_MET },
        { 430, 500, 0.90, 0.998225906, 5e-10, 0.831888194, 0.884891028, 0.832533245, CXM_VERDICT_NOT_MET },
        { 1910, 2000, 0.95, 0.164972431, 5e-10, 0.946613696, 0.962374557, 0.946741064,
          CXM_VERDICT_INCONCLUSIVE },
        { 1922, 2000, 0.95, 0.0115316184, 5e-11, 0.953108654, 0.967863, 0.953234393, CXM_VERDICT_MET },
        { 60, 60, 0.95, 0.046069799, 5e-10, 0.951297087, 1, 0.956853201, CXM_VERDICT_MET },
        { 58, 58, 0.95, 0.051047, 5e-7, 0.949661, 1, 0.955432, CXM_VERDICT_INCONCLUSIVE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_target got = cxm_priv_target(rows[i].k, rows[i].n, rows[i].target, 0.05);
        const double unit = i == 6 ? 5e-7 : 5e-10;
        assert_near_to(got.p_at_least, rows[i].p, rows[i].p_unit);
        assert_near_to(got.lower, rows[i].lower, unit);
        assert_near_to(got.upper, rows[i].upper, i == 4 ? 5e-7 : unit);
        assert_near_to(got.wilson_lower, rows[i].wilson, unit);
        assert_int_equal(got.verdict, rows[i].verdict);
        assert_true(got.point_pass == (i != 2));
    }
    assert_near_to(cxm_priv_target(430, 500, 0.9, 0.05).p_at_most, 0.0027107, 5e-8);
    const struct cxm_target got = cxm_priv_target(93, 100, 0.9, 0.05);
    assert_near(got.p_at_least, 0.206050861804);
    assert_near(got.mid_p, 0.161603238620);
    assert_near(got.score_z, 1);
    assert_near(got.score_p, 0.158655253931);
    assert_near(got.lower, 0.872541984417);
    assert_near(got.wilson_lower, 0.875739886933);
    assert_near(got.p_two_sided, 0.404229749164);
}

static void targets_at_the_edge(void **state)
{
    (void)state;
    struct cxm_target got = cxm_priv_target(0, 0, 0.9, 0.05);
    assert_true(isnan(got.share) && isnan(got.lower) && got.flags == CXM_FLAG_NO_DATA);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    got = cxm_priv_target(0, 20, 0.9, 0.05);
    assert_true(got.lower == 0.0 && got.verdict == CXM_VERDICT_NOT_MET && got.p_at_least == 1.0);
    got = cxm_priv_target(9, 10, 0.9, 0.05);
    assert_true(got.point_pass && got.verdict == CXM_VERDICT_INCONCLUSIVE);
    got = cxm_priv_target(20, 20, 1.0, 0.05);
    assert_true(got.p_at_least == 1.0 && got.p_two_sided == 1.0);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE); /* the upper limit is not below 1 */
    got = cxm_priv_target(19, 20, 1.0, 0.05);
    assert_true(got.p_at_most == 0.0 && got.p_two_sided == 0.0);
    got = cxm_priv_target(0, 20, 0.0, 0.05);
    assert_true(got.p_at_least == 1.0 && got.verdict == CXM_VERDICT_MET);
}

/* ---- several p-values ----------------------------------------------------------------- */

static void adjusted_match_rows(void **state)
{
    (void)state;
    static const double p[10] = { 0.010, 0.013, 0.014, 0.190, 0.350, 0.500, 0.630, 0.670, 0.750, 0.810 };
    static const struct {
        enum cxm_adjust_method method;
        double want[10];
    } rows[] = {
        { CXM_ADJUST_HOLM, { 0.1, 0.117, 0.117, 1, 1, 1, 1, 1, 1, 1 } },
        { CXM_ADJUST_HOCHBERG, { 0.1, 0.112, 0.112, 0.81, 0.81, 0.81, 0.81, 0.81, 0.81, 0.81 } },
        { CXM_ADJUST_BH, { 0.046666666667, 0.046666666667, 0.046666666667, 0.475, 0.7, 0.81, 0.81,
                           0.81, 0.81, 0.81 } },
        { CXM_ADJUST_BY, { 0.136685185185, 0.136685185185, 0.136685185185, 1, 1, 1, 1, 1, 1, 1 } },
        { CXM_ADJUST_BONFERRONI, { 0.1, 0.13, 0.14, 1, 1, 1, 1, 1, 1, 1 } },
    };
    double got[10];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(cxm_priv_adjust_p(p, 10, rows[i].method, NULL, got), CXM_OK);
        for (int k = 0; k < 10; k++)
            assert_near(got[k], rows[i].want[k]);
    }
    static const double mixed[6] = { 0.04, 0.001, 0.04, 0.03, NAN, 0.2 };
    static const double holm[6] = { 0.12, 0.005, 0.12, 0.12, NAN, 0.2 };
    static const double bh[6] = { 0.05, 0.005, 0.05, 0.05, NAN, 0.2 };
    assert_int_equal(cxm_priv_adjust_p(mixed, 6, CXM_ADJUST_HOLM, NULL, got), CXM_OK);
    for (int k = 0; k < 6; k++)
        assert_near(isnan(holm[k]) == isnan(got[k]) && isnan(got[k]) ? 0 : got[k],
                    isnan(holm[k]) ? 0 : holm[k]);
    memcpy(got, mixed, sizeof mixed); /* in place */
    assert_int_equal(cxm_priv_adjust_p(got, 6, CXM_ADJUST_BH, NULL, got), CXM_OK);
    for (int k = 0; k < 6; k++)
        assert_near(isnan(bh[k]) && isnan(got[k]) ? 0 : got[k], isnan(bh[k]) ? 0 : bh[k]);
    assert_int_equal(cxm_priv_adjust_p(got, 0, CXM_ADJUST_BY, NULL, got), CXM_OK);
    struct heap heap;
    heap_init(&heap, 1);
    assert_int_equal(cxm_priv_adjust_p(p, 10, CXM_ADJUST_BH, &heap.allocator, got), CXM_ENOMEM);
    heap_init(&heap, 0);
    assert_int_equal(cxm_priv_adjust_p(p, 10, CXM_ADJUST_BH, &heap.allocator, got), CXM_OK);
    assert_int_equal(heap.live, 0);
}

/* ---- sample size ---------------------------------------------------------------------- */

static void sizes_match_rows(void **state)
{
    (void)state;
    assert_near(cxm_priv_sample_size(0.05, 1, 0.95, 0), 1536.583528277649);
    assert_close(cxm_priv_whole_answers(cxm_priv_sample_size(0.05, 1, 0.95, 0)), 1537, 0.0);
    assert_near(cxm_priv_sample_size(0.05, 1, 0.95, 3), 1533.583528277649);
    assert_near(cxm_priv_sample_size(0.05, 0.58984375, 0.95, 0), 906.344190507520);
    assert_near(cxm_priv_sample_size(0.05, 0.58984375, 0.95, 3), 903.344190507520);
    assert_close(cxm_priv_whole_answers(cxm_priv_sample_size(2, 1, 0.95, 3)), 1, 0.0);
    const double large = cxm_priv_sample_size(0.05, 1, 0.95, 0);
    assert_near(cxm_priv_finite_sample_size(large, 2000), 869.210706514515);
    assert_close(cxm_priv_whole_answers(cxm_priv_finite_sample_size(large, 2000)), 870, 0.0);
    assert_near(cxm_priv_sample_size_two(0.10, 1, 1, 0.95, 0.8, 0), 1569.775946869817);
    assert_near(cxm_priv_sample_size_two(0.1675, 0.58984375, 0.4896, 0.95, 0.8, 0),
                301.979921541360);
    assert_near(cxm_priv_sample_size_two(0.1675, 0.58984375, 0.4896, 0.95, 0.8, 3),
                298.979921541360);
    const double se = sqrt(0.58984375 / 80 + 0.4896 / 100);
    assert_near(cxm_priv_power(0.1675, se, 0.95), 0.327420116138);
    assert_near(cxm_priv_power(0, se, 0.95), 0.05);
    assert_near(cxm_priv_sample_size(0.05, 0.16, 0.95, 0), 245.853364524424);
    assert_near(cxm_priv_sample_size(0.05, 0.25, 0.95, 0), 384.145882069412);
}

/* ---- tables and trends ---------------------------------------------------------------- */

static void tables_match_rows(void **state)
{
    (void)state;
    static const double counts[9] = { 15, 25, 40, 12, 28, 60, 10, 20, 70 };
    double residuals[12];
    struct cxm_table_tests got;
    assert_int_equal(cxm_priv_table_tests(counts, 3, 3, NULL, residuals, &got), CXM_OK);
    assert_near(got.chi2, 8.069277174031);
    assert_near(got.df, 4);
    assert_near(got.p_chi2, 0.089073193928);
    assert_near(got.g2, 8.031909217213);
    assert_near(got.p_g2, 0.090416287655);
    assert_near(got.cramer_v, 0.120039258266);
    assert_int_equal(got.n_small, 0);
    assert_near(residuals[0], 1.729962585817);
    assert_near(residuals[1], 1.248332883392);
    assert_near(residuals[2], -2.321717969856);
    assert_int_equal(cxm_priv_table_tests(counts, 2, 3, NULL, NULL, &got), CXM_OK);
    assert_near(got.chi2, 2.309433962264);
    assert_near(got.p_chi2, 0.315146716750);
    /* an empty column and an empty row are left out */
    static const double holes[12] = { 15, 0, 25, 40, 0, 0, 0, 0, 12, 0, 28, 60 };
    assert_int_equal(cxm_priv_table_tests(holes, 3, 4, NULL, residuals, &got), CXM_OK);
    assert_near(got.chi2, 2.309433962264);
    assert_near(got.df, 2);
    assert_true(isnan(residuals[1]) && isnan(residuals[4]));
    static const double line[3] = { 1, 2, 3 };
    assert_int_equal(cxm_priv_table_tests(line, 1, 3, NULL, NULL, &got), CXM_OK);
    assert_true(isnan(got.chi2) && isnan(got.p_chi2) && isnan(got.g2) && isnan(got.cramer_v));
    /* expected 1 2 1 in both rows: an empty cell adds 1 to chi-square and nothing to G2; V
     * divides by the shorter side less 1 */
    static const double gap[6] = { 2, 2, 0, 0, 2, 2 };
    assert_int_equal(cxm_priv_table_tests(gap, 2, 3, NULL, NULL, &got), CXM_OK);
    assert_near(got.g2, 8 * log(2));
    assert_near(got.chi2, 4);
    assert_near(got.cramer_v, sqrt(0.5));
    static const double small[4] = { 3, 1, 1, 3 };
    assert_int_equal(cxm_priv_table_tests(small, 2, 2, NULL, NULL, &got), CXM_OK);
    assert_int_equal(got.n_small, 4);
    struct heap heap;
    heap_init(&heap, 1);
    assert_int_equal(cxm_priv_table_tests(small, 2, 2, &heap.allocator, NULL, &got), CXM_ENOMEM);
}

static void trends_match_rows(void **state)
{
    (void)state;
    static const double x[4] = { 60, 66, 75, 84 }, n[4] = { 100, 100, 110, 105 };
    static const double scores[4] = { 0, 1, 3, 6 };
    const struct cxm_share_trend got = cxm_priv_share_trend(x, n, NULL, 4);
    assert_near(got.chi2, 9.223213696962);
    assert_near(got.z, 3.036974431397);
    assert_near(got.p, 0.002389657249);
    assert_near(got.homogeneity, 10.103271991167);
    assert_near(got.homogeneity_df, 3);
    assert_near(got.homogeneity_p, 0.017708378724);
    assert_near(got.departure, 0.880058294205);
    assert_near(got.departure_p, 0.644017649561);
    assert_near(cxm_priv_share_trend(x, n, scores, 4).chi2, 9.663177755327);
    static const double m[4] = { 25, 31, 30, 38 }, se[4] = { 4.1, 3.9, 4.3, 4.0 };
    const struct cxm_estimate_trend line = cxm_priv_estimate_trend(m, se, NULL, 4);
    assert_near(line.pooled, 31.109529990664);
    assert_near(line.pooled_error, 2.033554286211);
    assert_near(line.slope, 3.826069443515);
    assert_near(line.slope_error, 1.812426732419);
    assert_near(line.z, 2.111020200198);
    assert_near(line.p, 0.034770575627);
    assert_near(line.heterogeneity, 5.255264634064);
    assert_near(line.heterogeneity_p, 0.154031682834);
    assert_near(line.residual, 0.798858348420);
    const struct cxm_kendall kendall = cxm_priv_mann_kendall(m, NULL, 4);
    assert_near(kendall.s, 4);
    assert_near(kendall.p, 1.0 / 3.0);
    assert_true(kendall.exact);
}

static void kendall_at_the_edge(void **state)
{
    (void)state;
    double rising[60];
    for (int i = 0; i < 60; i++)
        rising[i] = i;
    assert_true(isnan(cxm_priv_mann_kendall(rising, NULL, 0).p));
    assert_true(isnan(cxm_priv_mann_kendall(rising, NULL, 1).p));
    double orders = 1.0;
    for (int n = 2; n <= 50; n++) { /* two orders of n! are as extreme */
        orders *= n;
        assert_close(cxm_priv_mann_kendall(rising, NULL, (size_t)n).p, 2.0 / orders, 1e-12);
    }
    assert_false(cxm_priv_mann_kendall(rising, NULL, 60).exact);
    static const double ties[8] = { 1, 2, 2, 3, 3, 3, 4, 5 };
    const struct cxm_kendall got = cxm_priv_mann_kendall(ties, NULL, 8);
    assert_false(got.exact);
    assert_close(got.s, 24, 0.0);
    /* var = (8 * 7 * 21 - 2 * 1 * 9 - 3 * 2 * 11) / 18 */
    assert_near(got.p, erfc(23 / sqrt((1176.0 - 18 - 66) / 18) / sqrt(2)));
    static const double flat[3] = { 2, 2, 2 };
    assert_close(cxm_priv_mann_kendall(flat, NULL, 3).p, 1.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nets_match_rows),
        cmocka_unit_test(nets_at_the_edge),
        cmocka_unit_test(permutation_matches_enumeration),
        cmocka_unit_test(shares_match_rows),
        cmocka_unit_test(shares_at_the_edge),
        cmocka_unit_test(fisher_matches_enumeration),
        cmocka_unit_test(binomial_matches_enumeration),
        cmocka_unit_test(means_match_rows),
        cmocka_unit_test(ranks_match_rows),
        cmocka_unit_test(paired_matches_rows),
        cmocka_unit_test(paired_at_the_edge),
        cmocka_unit_test(targets_match_rows),
        cmocka_unit_test(targets_at_the_edge),
        cmocka_unit_test(adjusted_match_rows),
        cmocka_unit_test(sizes_match_rows),
        cmocka_unit_test(tables_match_rows),
        cmocka_unit_test(trends_match_rows),
        cmocka_unit_test(kendall_at_the_edge),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
