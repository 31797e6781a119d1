/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals of shares, net scores, means and rates: rows worked by hand or by other programs,
 * rows of tests/reference/interval_rows.py (rational numbers and 60 digits), laws, extremes. */
#include "testing.h"

#include "estimate/beta.h"
#include "estimate/estimate.h"
#include "estimate/exact.h"
#include "estimate/net.h"
#include "estimate/quantile.h"

#include <cxm/interval.h>

#include <gsl/gsl_errno.h>

/* Relative 1e-10, or half a unit of the last digit that was printed. */
static bool agrees(double got, double want, double half_unit)
{
    return is_close(got, want, 1e-10) || fabs(got - want) <= half_unit;
}

static void assert_limits(const struct cxm_interval_limits *got, double lower, double upper,
                          double half_unit, const char *what)
{
    if (agrees(got->lower_raw, lower, half_unit) && agrees(got->upper_raw, upper, half_unit))
        return;
    fail_msg("%s: [%.15g, %.15g], not [%.15g, %.15g]", what, got->lower_raw, got->upper_raw,
             lower, upper);
}

static struct cxm_interval_limits share(double x, double n, double level,
                                        enum cxm_interval method)
{
    struct cxm_interval_limits out;
    assert_int_equal(cxm_share_interval(x, n, level, method, &out, NULL), CXM_OK);
    return out;
}

static struct cxm_interval_limits net(double d, double p, double r, double level,
                                      enum cxm_interval method)
{
    struct cxm_interval_limits out;
    assert_int_equal(cxm_nps_interval(d, p, r, level, method, NULL, &out, NULL), CXM_OK);
    return out;
}

static const enum cxm_interval share_methods[] = {
    CXM_INTERVAL_WALD, CXM_INTERVAL_WILSON, CXM_INTERVAL_WILSON_CC, CXM_INTERVAL_AGRESTI_COULL,
    CXM_INTERVAL_CLOPPER_PEARSON, CXM_INTERVAL_JEFFREYS, CXM_INTERVAL_MID_P, CXM_INTERVAL_LOGIT,
};

static const enum cxm_interval net_methods[] = {
    CXM_INTERVAL_WALD, CXM_INTERVAL_WALD_T, CXM_INTERVAL_ADJUSTED_WALD,
    CXM_INTERVAL_ADJUSTED_WALD_U, CXM_INTERVAL_ADJUSTED_WALD_TZ, CXM_INTERVAL_ADJUSTED_WALD_UZ,
    CXM_INTERVAL_SCORE, CXM_INTERVAL_CONTRAST, CXM_INTERVAL_GOODMAN, CXM_INTERVAL_BOOTSTRAP,
    CXM_INTERVAL_BCA,
};

/* ---- shares --------------------------------------------------------------------------- */

#define WILSON CXM_INTERVAL_WILSON
#define WILSON_CC CXM_INTERVAL_WILSON_CC
#define AGRESTI CXM_INTERVAL_AGRESTI_COULL
#define EXACT CXM_INTERVAL_CLOPPER_PEARSON
#define JEFFREYS CXM_INTERVAL_JEFFREYS
#define MID_P CXM_INTERVAL_MID_P
#define LOGIT CXM_INTERVAL_LOGIT
#define WALD CXM_INTERVAL_WALD

/* R 4.2.2 (prop.test, binom.test, qbeta) and again mpmath, as printed there. */
static const struct share_row {
    enum cxm_interval method;
    double x, n, level, lower, upper, half_unit;
} share_rows[] = {
    { WALD, 80, 100, 0.95, 0.721601440618, 0.878398559382, 5e-13 },
    { WALD, 9, 10, 0.95, 0.714061490309, 1.085938509691, 5e-13 },
    { WALD, 0, 10, 0.95, 0, 0, 0 },
    { WALD, 45, 50, 0.95, 0.816845770539, 0.983154229461, 5e-13 },
    { WILSON, 80, 100, 0.95, 0.711170834407, 0.866633066669, 5e-13 },
    { WILSON, 9, 10, 0.95, 0.595849973205, 0.982123786905, 5e-13 },
    { WILSON, 0, 10, 0.95, 0, 0.277532799863, 5e-13 },
    { WILSON, 45, 50, 0.95, 0.786397685625, 0.956524235068, 5e-13 },
    { WILSON, 10, 10, 0.95, 0.722467200137, 1, 5e-13 },
    { WILSON, 1, 1, 0.95, 0.206549314377, 1, 5e-13 },
    { WILSON, 7, 12, 0.95, 0.319511312550, 0.806739686341, 5e-13 },
    { WILSON, 80, 100, 0.90, 0.726696191190, 0.857498176340, 5e-13 },
    { WILSON, 80, 100, 0.99, 0.679826467385, 0.882841119986, 5e-13 },
    { WILSON, 7, 10, 0.95, 0.39677815, 0.89220873, 5e-9 },
    { WILSON, 620, 850, 0.95, 0.69856286, 0.75819641, 5e-9 },
    { WILSON, 93, 100, 0.90, 0.875739886933, NAN, 5e-13 }, /* one-sided 95 % */
    { WILSON, 150, 250, 0.95, 0.538201663237, 0.658771676863, 5e-13 },
    { WILSON_CC, 80, 100, 0.95, 0.705677028803, 0.870751785913, 5e-13 },
    { WILSON_CC, 9, 10, 0.95, 0.541153983843, 0.994757698430, 5e-13 },
    { WILSON_CC, 0, 10, 0.95, 0, 0.344537218307, 5e-13 },
    { WILSON_CC, 45, 50, 0.95, 0.774088160743, 0.962595380117, 5e-13 },
    { AGRESTI, 80, 100, 0.95, 0.710411589667, 0.867392311409, 5e-13 },
    { AGRESTI, 9, 10, 0.95, 0.574032262605, 1.003941497505, 5e-13 },
    { AGRESTI, 0, 10, 0.95, -0.043354505888, 0.320887305751, 5e-13 },
    { AGRESTI, 45, 50, 0.95, 0.782062266130, 0.960859654563, 5e-13 },
    { EXACT, 80, 100, 0.95, 0.708157310911, 0.873344447898, 5e-13 },
    { EXACT, 9, 10, 0.95, 0.554983882972, 0.997471421456, 5e-13 },
    { EXACT, 0, 10, 0.95, 0, 0.308497107819, 5e-13 },
    { EXACT, 45, 50, 0.95, 0.781864633566, 0.966724906411, 5e-13 },
    { EXACT, 10, 10, 0.95, 0.691502892181, 1, 5e-13 },
    { EXACT, 1, 1, 0.95, 0.025, 1, 0 },
    { EXACT, 7, 12, 0.95, 0.276669685682, 0.848347770192, 5e-13 },
    { EXACT, 80, 100, 0.90, 0.722799750329, 0.863338674754, 5e-13 },
    { EXACT, 80, 100, 0.99, 0.678773587147, 0.891589458533, 5e-13 },
    { EXACT, 93, 100, 0.90, 0.872541984417, NAN, 5e-13 }, /* one-sided 95 % */
    { EXACT, 6000, 20000, 0.95, NAN, 0.3064048, 5e-8 },  /* NaN from gsl_cdf_beta_Pinv */
    { JEFFREYS, 80, 100, 0.95, 0.713720427173, 0.869209584581, 5e-13 },
    { JEFFREYS, 9, 10, 0.95, 0.618685228933, 0.988988326237, 5e-13 },
    { JEFFREYS, 0, 10, 0.95, 0, 0.217196267509, 5e-13 },
    { JEFFREYS, 45, 50, 0.95, 0.794645171977, 0.960805635606, 5e-13 },
    { JEFFREYS, 10, 10, 0.95, 0.782803732491, 1, 5e-13 },
    { JEFFREYS, 1, 1, 0.95, 0.146746316310, 1, 5e-13 },
    { JEFFREYS, 7, 12, 0.95, 0.311940425040, 0.819521305210, 5e-13 },
    { MID_P, 80, 100, 0.95, 0.713088225085, 0.869753988092, 5e-13 },
    { MID_P, 9, 10, 0.95, 0.596523844262, 0.994998524718, 5e-13 },
    { MID_P, 0, 10, 0.95, 0, 0.258865550893, 5e-13 },
    { MID_P, 45, 50, 0.95, 0.792208729341, 0.962427570016, 5e-13 },
    { MID_P, 10, 10, 0.95, 0.741134449107, 1, 5e-13 },
    { MID_P, 1, 1, 0.95, 0.05, 1, 0 },
    { LOGIT, 80, 100, 0.95, 0.710189251012, 0.867183871998, 5e-13 },
    { LOGIT, 9, 10, 0.95, 0.532763270716, 0.986118342671, 5e-13 },
    { LOGIT, 0, 10, 0.95, NAN, NAN, 0 },
    { LOGIT, 45, 50, 0.95, 0.781305198363, 0.957757203404, 5e-13 },
};

static void shares_match_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(share_rows); i++) {
        const struct share_row *r = &share_rows[i];
        const struct cxm_interval_limits got = share(r->x, r->n, r->level, r->method);
        char what[64];
        snprintf(what, sizeof what, "%s %g/%g", cxm_interval_name(r->method), r->x, r->n);
        const bool undefined = isnan(r->lower) && isnan(r->upper);
        assert_limits(&got, isnan(r->lower) && !undefined ? got.lower_raw : r->lower,
                      isnan(r->upper) && !undefined ? got.upper_raw : r->upper, r->half_unit,
                      what);
        assert_close(got.value, r->x / r->n, 0.0);
    }
}

/* tests/reference/interval_rows.py: 60 digits, from one answer to 1e9. */
static const struct share_row exact_rows[] = {
#include "data/interval_share_rows.h"
};

static void shares_match_reference(void **state)
{
    (void)state;
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(exact_rows); i++) {
        const struct share_row *r = &exact_rows[i];
        const struct cxm_interval_limits got = share(r->x, r->n, r->level, r->method);
        assert_close(got.lower_raw, r->lower, 1e-12);
        assert_close(got.upper_raw, r->upper, 1e-12);
        if (r->lower != 0.0)
            worst = fmax(worst, fabs(got.lower_raw / r->lower - 1.0));
        worst = fmax(worst, fabs(got.upper_raw / r->upper - 1.0));
    }
    print_message("%zu rows, largest relative error %.2g\n", COUNT_OF(exact_rows), worst);
}

/* ---- net scores ----------------------------------------------------------------------- */

/* Points, not clipped. R (boot, NPS, CoinMinD) and again rational numbers or mpmath. */
static const struct net_row {
    enum cxm_interval method;
    double d, p, r, lower, upper, half_unit;
} net_rows[] = {
    { WALD, 15, 25, 40, 14.420485463520, 48.079514536480, 5e-13 },
    { WALD, 2, 3, 5, -18.407539501853, 78.407539501853, 5e-13 },
    { WALD, 0, 0, 5, 100, 100, 0 },
    { WALD, 0, 5, 0, 0, 0, 0 },
    { WALD, 0, 0, 1, 100, 100, 0 },
    { CXM_INTERVAL_WALD_T, 15, 25, 40, 14.050878526933, 48.449121473067, 5e-13 },
    { CXM_INTERVAL_WALD_T, 2, 3, 5, -28.893374158649, 88.893374158649, 5e-13 },
    { CXM_INTERVAL_WALD_T, 0, 0, 5, 100, 100, 0 },
    { CXM_INTERVAL_WALD_T, 0, 5, 0, 0, 0, 0 },
    { CXM_INTERVAL_WALD_T, 0, 0, 1, NAN, NAN, 0 },
    { CXM_INTERVAL_ADJUSTED_WALD, 15, 25, 40, 13.595746441472, 46.645217413949, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD, 2, 3, 5, -19.050615376364, 65.204461530210, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD, 0, 0, 5, 17.491453034169, 107.508546965831, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD, 0, 5, 0, -30.005697977221, 30.005697977221, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD, 0, 0, 1, -48.498649420252, 98.498649420252, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD, 1, 0, 1, -73.33513720565, 73.33513720565, 5e-12 },
    { CXM_INTERVAL_ADJUSTED_WALD_U, 15, 25, 40, 13.511598957556, 46.729364897866, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_U, 2, 3, 5, -20.378595835688, 66.532441989535, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_U, 0, 0, 5, 14.272587977975, 110.727412022025, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_U, 0, 5, 0, -34.647595608742, 34.647595608742, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_U, 0, 0, 1, -56.255814241616, 106.255814241616, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_TZ, 15, 25, 40, 13.376606592178, 46.259760311852, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_TZ, 2, 3, 5, -19.048288164181, 62.396320172408, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_TZ, 0, 0, 5, 11.702775192829, 101.400731850536, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_TZ, 0, 5, 0, -30.722549715483, 30.722549715483, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_TZ, 0, 0, 1, -46.039746450031, 87.349609325478, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_UZ, 15, 25, 40, 13.270546622904, 46.365820281126, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_UZ, 2, 3, 5, -20.595123429300, 63.943155437526, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_UZ, 0, 0, 5, 8.322552020081, 104.780955023284, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_UZ, 0, 5, 0, -35.475344696851, 35.475344696851, 5e-13 },
    { CXM_INTERVAL_ADJUSTED_WALD_UZ, 0, 0, 1, -53.489882110337, 94.799744985785, 5e-13 },
    { CXM_INTERVAL_SCORE, 15, 25, 40, 13.48135957830, 46.85772423223, 5e-12 },
    { CXM_INTERVAL_SCORE, 2, 3, 5, -21.65921974904, 67.52778879883, 5e-12 },
    { CXM_INTERVAL_SCORE, 0, 0, 5, 13.10350704337, 100, 5e-12 },
    { CXM_INTERVAL_SCORE, 5, 0, 0, -100, -13.10350704337, 5e-12 },
    { CXM_INTERVAL_SCORE, 0, 5, 0, -43.44824647832, 43.44824647832, 5e-12 },
    { CXM_INTERVAL_SCORE, 0, 0, 1, -58.69013712455, 100, 5e-12 },
    { CXM_INTERVAL_SCORE, 1, 0, 1, -81.09375885315, 81.09375885315, 5e-12 },
    { CXM_INTERVAL_CONTRAST, 15, 25, 40, 10.232067429043, 52.267932570957, 5e-13 },
    { CXM_INTERVAL_CONTRAST, 2, 3, 5, -30.454887095551, 90.454887095551, 5e-13 },
    { CXM_INTERVAL_CONTRAST, 0, 0, 5, 100, 100, 0 },
    { CXM_INTERVAL_CONTRAST, 0, 5, 0, 0, 0, 0 },
    { CXM_INTERVAL_GOODMAN, 15, 25, 40, 5.927594866635, 52.394270932405, 5e-13 },
    { CXM_INTERVAL_GOODMAN, 2, 3, 5, -37.611079606900, 75.751991669694, 5e-13 },
    { CXM_INTERVAL_GOODMAN, 0, 0, 5, -6.813249392538, 100, 5e-13 },
    { CXM_INTERVAL_GOODMAN, 0, 5, 0, -53.406624696269, 53.406624696269, 5e-13 },
    { CXM_INTERVAL_GOODMAN, 0, 0, 1, -70.287347858536, 100, 5e-13 },
    { CXM_INTERVAL_BOOTSTRAP, 15, 25, 40, 13.75, 47.5, 0 },
    { CXM_INTERVAL_BOOTSTRAP, 2, 3, 5, -20, 80, 0 },
    { CXM_INTERVAL_BOOTSTRAP, 0, 0, 5, 100, 100, 0 },
    { CXM_INTERVAL_BOOTSTRAP, 0, 5, 0, 0, 0, 0 },
    { CXM_INTERVAL_BCA, 15, 25, 40, 13.75, 47.5, 0 },
    { CXM_INTERVAL_BCA, 2, 3, 5, -20, 70, 0 },
    { CXM_INTERVAL_BCA, 0, 0, 5, 100, 100, 0 },
    { CXM_INTERVAL_BCA, 0, 0, 1, 100, 100, 0 },
};

static void nets_match_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(net_rows); i++) {
        const struct net_row *r = &net_rows[i];
        const struct cxm_interval_limits got = net(r->d, r->p, r->r, 0.95, r->method);
        char what[64];
        snprintf(what, sizeof what, "%s (%g, %g, %g)", cxm_interval_name(r->method), r->d, r->p,
                 r->r);
        assert_limits(&got, r->lower, r->upper, r->half_unit, what);
    }
    const struct cxm_interval_limits a = net(15, 25, 40, 0.95, CXM_INTERVAL_DEFAULT);
    assert_close(a.value, 31.25, 0.0);
    assert_close(a.std_error, 8.586644790021, 1e-12);
    assert_int_equal(a.interval, CXM_INTERVAL_ADJUSTED_WALD);
    assert_close(net(2, 3, 5, 0.95, WALD).std_error, 24.698178070457, 1e-12);
    assert_close(net(2, 3, 5, 0.95, CXM_INTERVAL_WALD_T).df, 9.0, 0.0);
}

static const struct net_reference_row {
    enum cxm_interval method;
    double d, p, r, level, lower, upper; /* points */
} net_reference_rows[] = {
#include "data/interval_net_rows.h"
};

static void nets_match_reference(void **state)
{
    (void)state;
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(net_reference_rows); i++) {
        const struct net_reference_row *r = &net_reference_rows[i];
        const struct cxm_interval_limits got = net(r->d, r->p, r->r, r->level, r->method);
        const double size = fmax(1.0, fabs(r->lower));
        const double off = fmax(fabs(got.lower_raw - r->lower), fabs(got.upper_raw - r->upper)) / size;
        if (!(off <= 1e-12) && !(isnan(r->lower) && isnan(got.lower_raw)))
            fail_msg("%s (%.17g, %.17g, %.17g) at %g: [%.17g, %.17g], not [%.17g, %.17g]",
                     cxm_interval_name(r->method), r->d, r->p, r->r, r->level, got.lower_raw,
                     got.upper_raw, r->lower, r->upper);
        worst = fmax(worst, off);
    }
    print_message("%zu rows, largest error %.2g points\n", COUNT_OF(net_reference_rows), worst);
}

static void category_limits_match_rows(void **state)
{
    (void)state;
    static const struct {
        double x, lower, upper, qh_lower, qh_upper;
    } rows[] = { /* of 80, level 0.95 */
        { 15, 0.105334267759, 0.311447074250, 0.103970806293, 0.314576135972 },
        { 25, 0.204537732257, 0.445531072949, 0.202519653062, 0.448608512297 },
        { 40, 0.370723022917, 0.629276977083, 0.368019785929, 0.631980214071 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_limits goodman = cxm_priv_category_limits(rows[i].x, 80, 3, 0.95, false);
        const struct cxm_limits qh = cxm_priv_category_limits(rows[i].x, 80, 3, 0.95, true);
        assert_close(goodman.lower, rows[i].lower, 1e-11);
        assert_close(goodman.upper, rows[i].upper, 1e-11);
        assert_close(qh.lower, rows[i].qh_lower, 1e-11);
        assert_close(qh.upper, rows[i].qh_upper, 1e-11);
    }
    /* Published with the R package CoinMinD. */
    static const double x[] = { 44, 55, 43, 32, 67, 78 };
    static const double lower[] = { 0.085766471323, 0.113355123115, 0.083313990410,
                                    0.057091200517, 0.144527539315, 0.173905203726 };
    for (size_t i = 0; i < COUNT_OF(x); i++)
        assert_close(cxm_priv_category_limits(x[i], 319, 6, 0.95, true).lower, lower[i], 1e-11);
}

/* ---- the bootstrap distribution ------------------------------------------------------- */

static double probability_of(const struct cxm_net_sums *sums, int64_t sum)
{
    const int64_t i = sum - sums->first;
    return i >= 0 && i < sums->count ? sums->probability[i] : 0.0;
}

/* n-fold convolution of the step (-1, 0, +1), the slow obvious way; at most 200 answers. */
static void convolve(struct cxm_net a, double *out)
{
    const int n = (int)cxm_priv_net_n(a);
    double now[403] = { 0 }, next[403];
    now[201] = 1.0;
    for (int i = 0; i < n; i++) {
        memset(next, 0, sizeof next);
        for (int k = 1; k < 402; k++)
            next[k] = (now[k + 1] * a.detractors + now[k] * a.passives + now[k - 1] * a.promoters) / n;
        memcpy(now, next, sizeof now);
    }
    memcpy(out, now, sizeof now);
}

static void sums_match_convolution(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < trials(300); round++) {
        struct cxm_net a;
        do {
            const uint64_t most = round < 100 ? 5 : 66;
            a = (struct cxm_net){ (double)random_below(&seed, most), (double)random_below(&seed, most),
                                  (double)random_below(&seed, most) };
        } while (!(cxm_priv_net_n(a) > 0.0 && cxm_priv_net_variance(a) > 0.0));
        double want[403];
        convolve(a, want);
        struct cxm_net_sums sums;
        assert_int_equal(cxm_priv_net_sums(a, false, NULL, &sums), CXM_OK);
        for (int k = -200; k <= 200; k++)
            if (want[201 + k] > 1e-30)
                assert_close(probability_of(&sums, k), want[201 + k], 1e-12);
        free(sums.probability);
    }
}

static void bca_matches_rows(void **state)
{
    (void)state;
    const struct cxm_net a = { 15, 25, 40 };
    struct cxm_net_sums sums;
    assert_int_equal(cxm_priv_net_sums(a, false, NULL, &sums), CXM_OK);
    double below = 0.0;
    for (int64_t s = sums.first; s < 25; s++)
        below += probability_of(&sums, s);
    assert_close(below, 0.466611733230, 1e-11);
    assert_close(probability_of(&sums, 25), 0.057924654643, 1e-11);
    free(sums.probability);
    const struct cxm_net b = { 2, 3, 5 };
    assert_int_equal(cxm_priv_net_sums(b, false, NULL, &sums), CXM_OK);
    below = 0.0;
    for (int64_t s = sums.first; s < 3; s++)
        below += probability_of(&sums, s);
    assert_close(below, 0.409202, 1e-14);          /* exact decimals */
    assert_close(probability_of(&sums, 3), 0.158103, 1e-14);
    free(sums.probability);
}

static void bootstrap_meets_its_limits(void **state)
{
    (void)state;
    /* Just below and above the size where the expansion takes over: they meet within a step. */
    const double n = 2147483648.0;
    for (int bca = 0; bca < 2; bca++) {
        const enum cxm_interval method = bca ? CXM_INTERVAL_BCA : CXM_INTERVAL_BOOTSTRAP;
        const struct cxm_interval_limits exact = net(n / 4, n / 4, n / 2, 0.95, method);
        const struct cxm_interval_limits series = net(n / 4, n / 4, n / 2 + 1, 0.95, method);
        assert_int_equal(exact.flags, 0);
        assert_int_equal(series.flags, CXM_FLAG_ASYMPTOTIC);
        assert_true(fabs(exact.lower - series.lower) < 2e-7);
        assert_true(fabs(exact.upper - series.upper) < 2e-7);
    }
}

static void bootstrap_survives_lack_of_memory(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap, 1);
    struct cxm_interval_limits out = { .value = 42.0 };
    struct cxm_error error;
    assert_int_equal(cxm_nps_interval(1, 2, 3, 0.95, CXM_INTERVAL_BCA, &heap.allocator, &out,
                                      &error), CXM_ENOMEM);
    assert_int_equal(error.status, CXM_ENOMEM);
    assert_close(out.value, 42.0, 0.0);
    heap_init(&heap, 0);
    assert_int_equal(cxm_nps_interval(1, 2, 3, 0.95, CXM_INTERVAL_BCA, &heap.allocator, &out,
                                      NULL), CXM_OK);
    assert_int_equal(heap.live, 0);
    assert_int_equal(heap.calls, 1);
}

/* ---- means, rates, quantiles ---------------------------------------------------------- */

static void rates_match_rows(void **state)
{
    (void)state;
    static const struct {
        double count, exposure, lower, upper, half_unit;
    } rows[] = {
        { 17, 8.450, 1.1719676, 3.2211416, 5e-8 }, /* per 1000; R poisson.test */
        { 0, 1.0, 0, 3.6888795, 5e-8 },
        { 4, 0.2, 5.449326868132, 51.207943377018, 5e-13 },
    };
    struct cxm_interval_limits got;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(cxm_rate_interval(rows[i].count, rows[i].exposure, 0.95, &got, NULL),
                         CXM_OK);
        assert_limits(&got, rows[i].lower, rows[i].upper, rows[i].half_unit, "garwood");
        assert_int_equal(got.interval, CXM_INTERVAL_GARWOOD);
    }
    assert_int_equal(cxm_rate_interval(0, 1, 0.90, &got, NULL), CXM_OK); /* one-sided 95 % */
    assert_limits(&got, 0, 2.9957323, 5e-8, "garwood, one-sided");
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    assert_int_equal(cxm_rate_interval(0, 0, 0.95, &got, NULL), CXM_OK);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    assert_true(isnan(got.value) && isnan(got.lower) && isnan(got.upper_raw));
}

static void means_match_rows(void **state)
{
    (void)state;
    struct cxm_interval_limits got;
    assert_int_equal(cxm_mean_interval(4.19, 0.103176812053200, 99, 0.95, &got, NULL), CXM_OK);
    assert_limits(&got, 3.985274820513, 4.394725179487, 5e-13, "csat mean");
    assert_int_equal(cxm_mean_interval(79.75, 2.579420301329, 99, 0.95, &got, NULL), CXM_OK);
    assert_limits(&got, 74.631870512837, 84.868129487164, 2e-12, "csat index");
    assert_int_equal(got.interval, CXM_INTERVAL_T);
    assert_int_equal(cxm_mean_interval(1, 0, INFINITY, 0.95, &got, NULL), CXM_OK);
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    assert_int_equal(got.interval, CXM_INTERVAL_WALD);
    assert_int_equal(cxm_mean_interval(1, NAN, 3, 0.95, &got, NULL), CXM_OK);
    assert_true(isnan(got.lower) && isnan(got.upper) && got.value == 1.0);
    assert_int_equal(cxm_mean_interval(1, 1, 0, 0.95, &got, NULL), CXM_OK);
    assert_true(isnan(got.lower));
    assert_int_equal(cxm_mean_interval(NAN, NAN, 3, 0.95, &got, NULL), CXM_OK);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
}

/* name, a, b, argument, value: tests/reference/interval_rows.py */
static const struct quantile_row {
    char name;
    double a, b, at, want, tolerance;
} quantile_rows[] = {
#include "data/quantile_rows.h"
};

static double evaluate(const struct quantile_row *r)
{
    switch (r->name) {
    case 'z': return cxm_priv_z(r->at);
    case 't': return cxm_priv_t(r->at, r->a);
    case 'p': return cxm_priv_t_p_value(r->at, r->a);
    case 'c': return cxm_priv_chi2_upper(r->at, r->a);
    case 'C': return cxm_priv_chi2_upper_quantile(r->at, r->a);
    case 'b': return cxm_priv_beta_lower(r->a, r->b, r->at, 1.0 - r->at);
    case 'B': return cxm_priv_beta_quantile(r->a, r->b, r->at).x;
    case 'Y': return cxm_priv_beta_quantile(r->a, r->b, r->at).y;
    case 'g': return cxm_priv_gamma_lower(r->a, r->at);
    case 'h': return cxm_priv_gamma_upper(r->a, r->at);
    case 'G': return cxm_priv_gamma_lower_quantile(r->a, r->at);
    case 'H': return cxm_priv_gamma_upper_quantile(r->a, r->at);
    default: return NAN;
    }
}

static void quantiles_match_reference(void **state)
{
    (void)state;
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(quantile_rows); i++) {
        const struct quantile_row *r = &quantile_rows[i];
        const double got = evaluate(r);
        if (!is_close(got, r->want, r->tolerance))
            fail_msg("%c(a = %g, b = %g, %.17g) = %.17g, not %.17g", r->name, r->a, r->b, r->at,
                     got, r->want);
        if (r->tolerance <= 1e-12)
            worst = fmax(worst, fabs(got / r->want - 1.0));
    }
    print_message("%zu rows, largest relative error %.2g\n", COUNT_OF(quantile_rows), worst);
}

static void gsl_traps(void **state)
{
    (void)state;
    assert_close(cxm_priv_beta_quantile(1e6, 1e6, 0.025).x, 0.499307048, 2e-9);
    assert_close(cxm_priv_beta_quantile(2e6, 8e6, 0.025).x, 0.199752139, 3e-9);
    assert_close(cxm_priv_beta_quantile(5e5, 3, 0.025).x, 0.999985551, 1e-9);
    assert_close(cxm_priv_beta_quantile(5e5, 3, 0.025).y, 1.444924e-5, 4e-7);
    assert_close(cxm_priv_beta_lower(1e6, 1e6, 0.5, 0.5), 0.5, 1e-14);
    /* P(X > 1000000) of a binomial: 2000000 tosses */
    assert_close(cxm_priv_beta_lower(1000001, 1000000, 0.5, 0.5), 0.499717905, 2e-9);
    assert_close(cxm_priv_chi2_upper_quantile(0.975, 2e6), 1996081.967, 3e-10);
    assert_close(cxm_priv_beta_quantile(14000, 6001, 0.025).y, 0.3064048, 2e-7);
    assert_close(cxm_priv_chi2_upper_quantile(0.025, 1e5), 100878.4153, 5e-10);
}

static void tails_take_everything(void **state)
{
    (void)state;
    assert_true(isnan(cxm_priv_t_p_value(NAN, 3)) && isnan(cxm_priv_t_p_value(1, 0)));
    assert_close(cxm_priv_t_p_value(INFINITY, 3), 0.0, 0.0);
    assert_close(cxm_priv_t_p_value(-INFINITY, INFINITY), 0.0, 0.0);
    assert_close(cxm_priv_t_p_value(0, 3), 1.0, 1e-15);
    assert_close(cxm_priv_t_p_value(1e200, 3), 0.0, 0.0);
    assert_close(cxm_priv_t_p_value(1.5, INFINITY), cxm_priv_normal_p_value(1.5), 0.0);
    assert_close(cxm_priv_t(0.95, INFINITY), cxm_priv_z(0.95), 0.0);
    /* Counts beyond 2^53, between which there is no double, end too: two deviations from the mean
     * of 2^60 tosses of a coin, and never heads. */
    assert_close(cxm_priv_binomial_p_value(0x1p59 + 0x1p30, 0x1p60, 0.5), 0.04550026389635842, 1e-6);
    assert_close(cxm_priv_binomial_p_value(0x1p59 - 0x1p30, 0x1p60, 0.5), 0.04550026389635842, 1e-6);
    assert_true(cxm_priv_binomial_p_value(0, 0x1p60, 0.5) < 1e-290);
    /* The usual level is a constant: the quantile of the same tail, to the last bit but one. */
    assert_close(cxm_priv_z(0.95), -cxm_priv_normal_quantile(0.5 * (1.0 - 0.95)), 2.3e-16);
    assert_close(cxm_priv_t_upper(-2, 5) + cxm_priv_t_upper(2, 5), 1.0, 1e-15);
    assert_true(isnan(cxm_priv_t(0.95, 0)) && isnan(cxm_priv_t(0.95, NAN)));
    assert_close(cxm_priv_chi2_upper(0, 3), 1.0, 0.0);
    assert_close(cxm_priv_chi2_upper(INFINITY, 3), 0.0, 0.0);
    assert_true(isnan(cxm_priv_normal_quantile(-0.1)));
    assert_true(isinf(cxm_priv_normal_quantile(1.0)));
}

/* ---- laws ----------------------------------------------------------------------------- */

static const double levels[] = { 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999 };
static const double sizes[] = { 0.5, 1, 1.5, 2, 3, 7.3, 10, 49, 50, 499, 1000, 5000, 20000, 1e5,
                                1e6, 3.7e7, 1e9 };

/* Whether the limits are inside the scale, in order, and inside those of a higher level. */
static void assert_nested(const struct cxm_interval_limits *in,
                          const struct cxm_interval_limits *out, const char *what)
{
    if (isnan(in->lower))
        return;
    const double slack = 1e-12 * (fabs(out->lower_raw) + fabs(out->upper_raw));
    if (!(in->lower <= in->upper && out->lower_raw <= in->lower_raw + slack
          && out->upper_raw >= in->upper_raw - slack))
        fail_msg("%s: [%.17g, %.17g] at %g, [%.17g, %.17g] at %g", what, in->lower_raw,
                 in->upper_raw, in->level, out->lower_raw, out->upper_raw, out->level);
}

static void shares_obey_laws_at(double x, double n, enum cxm_interval method)
{
    const char *name = cxm_interval_name(method);
    struct cxm_interval_limits before = { .value = NAN };
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        const struct cxm_interval_limits got = share(x, n, levels[l], method);
        const struct cxm_interval_limits mirror = share(n - x, n, levels[l], method);
        assert_true(isnan(got.lower) || (got.lower >= 0.0 && got.upper <= 1.0));
        if (!isnan(got.lower) && n - (n - x) == x) {
            assert_true(fabs(got.lower_raw + mirror.upper_raw - 1.0) < 1e-14);
            assert_true(fabs(got.upper_raw + mirror.lower_raw - 1.0) < 1e-14);
        }
        if (l > 0 && method != AGRESTI) /* it moves towards 1/2 as the level rises */
            assert_nested(&before, &got, name);
        if (method != WALD && method != LOGIT && method != AGRESTI) {
            assert_true((got.lower_raw == 0.0) == (x == 0.0) || x <= 0.5);
            assert_true((got.upper_raw == 1.0) == (x == n) || n - x <= 0.5 || n > 1e5);
            assert_true(got.upper_raw == 1.0 || x != n);
            assert_true(got.lower_raw == 0.0 || x != 0.0);
        }
        before = got;
    }
}

static void shares_obey_laws(void **state)
{
    (void)state;
    for (size_t m = 0; m < COUNT_OF(share_methods); m++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            const double n = sizes[i];
            const double counts[] = { 0, 0.01, 1, 2, floor(n / 3), n / 2, n * 0.9, n - 2, n - 1, n };
            for (size_t k = 0; k < COUNT_OF(counts); k++)
                if (counts[k] >= 0.0 && counts[k] <= n)
                    shares_obey_laws_at(counts[k], n, share_methods[m]);
        }
}

static void shares_grow_with_successes(void **state)
{
    (void)state;
    for (size_t m = 0; m < COUNT_OF(share_methods); m++) {
        if (share_methods[m] == WALD || share_methods[m] == LOGIT)
            continue; /* their limits turn back near 0 and n */
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            const double n = sizes[i], step = n > 60 ? n / 60 : 0.25;
            struct cxm_interval_limits before = share(0, n, 0.95, share_methods[m]);
            for (double x = step; x <= n; x += step) {
                const struct cxm_interval_limits got = share(x, n, 0.95, share_methods[m]);
                /* Agresti and Coull's upper limit falls near x = n; compare where it counts. */
                if (!isnan(before.lower) && !isnan(got.lower)
                    && !(share_methods[m] == AGRESTI && (got.upper_raw > 1.0 || before.lower_raw < 0.0
                                                         || got.value > 0.9 || got.value < 0.1)))
                    assert_true(got.lower_raw >= before.lower_raw && got.upper_raw >= before.upper_raw);
                before = got;
            }
        }
    }
}

static void nets_obey_laws(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < trials(3000); round++) {
        const double most = pow(10.0, 9.0 * random_unit(&seed));
        double c[3];
        for (int i = 0; i < 3; i++) {
            const double part = random_below(&seed, 4) == 0 ? 0.0 : most * random_unit(&seed);
            c[i] = random_below(&seed, 3) == 0 ? part : floor(part);
        }
        if (c[0] + c[1] + c[2] == 0.0)
            c[round % 3] = 1.0;
        for (size_t m = 0; m < COUNT_OF(net_methods); m++) {
            const enum cxm_interval method = net_methods[m];
            const bool lattice = method == CXM_INTERVAL_BOOTSTRAP || method == CXM_INTERVAL_BCA;
            if (lattice && (round % 20 != 0 || c[0] + c[1] + c[2] < 2.0))
                continue;
            struct cxm_interval_limits before = { .value = NAN };
            for (size_t l = 0; l < COUNT_OF(levels); l += 2) {
                const struct cxm_interval_limits got = net(c[0], c[1], c[2], levels[l], method);
                const struct cxm_interval_limits mirror =
                    net(c[2], c[1], c[0], levels[l], method);
                assert_true(isnan(got.lower) || (got.lower >= -100.0 && got.upper <= 100.0));
                if (l > 0 && !(method == CXM_INTERVAL_ADJUSTED_WALD_TZ
                               || method == CXM_INTERVAL_ADJUSTED_WALD_UZ))
                    assert_nested(&before, &got, cxm_interval_name(method));
                if (!lattice && !isnan(got.lower)) {
                    assert_true(fabs(got.lower_raw + mirror.upper_raw) <= 1e-12 * fabs(got.lower_raw));
                    assert_true(fabs(got.upper_raw + mirror.lower_raw) <= 1e-12 * fabs(got.upper_raw));
                }
                before = got;
            }
        }
    }
}

static void rates_obey_laws(void **state)
{
    (void)state;
    static const double counts[] = { 0, 0.25, 1, 2, 10.5, 100, 499, 500, 501, 1e4, 1e6, 1e9, 1e15 };
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        for (size_t l = 0; l < COUNT_OF(levels); l++) {
            const struct cxm_limits got = cxm_priv_poisson_limits(counts[i], 2.0, levels[l]);
            assert_true(got.lower <= counts[i] / 2.0 && got.upper > counts[i] / 2.0);
            if (l > 0) {
                const struct cxm_limits in = cxm_priv_poisson_limits(counts[i], 2.0, levels[l - 1]);
                assert_true(got.lower <= in.lower && got.upper >= in.upper);
            }
            if (i > 0) {
                const struct cxm_limits less = cxm_priv_poisson_limits(counts[i - 1], 2.0, levels[l]);
                assert_true(got.lower >= less.lower && got.upper > less.upper);
            }
        }
}

/* ---- edges and errors ----------------------------------------------------------------- */

static void undefined_is_flagged(void **state)
{
    (void)state;
    for (size_t m = 0; m < COUNT_OF(share_methods); m++) {
        const struct cxm_interval_limits got = share(0, 0, 0.95, share_methods[m]);
        assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
        assert_true(isnan(got.value) && isnan(got.std_error) && isnan(got.lower));
        assert_true(isnan(got.upper) && isnan(got.lower_raw) && isnan(got.upper_raw));
    }
    for (size_t m = 0; m < COUNT_OF(net_methods); m++) {
        const struct cxm_interval_limits got = net(0, 0, 0, 0.95, net_methods[m]);
        assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
        assert_true(isnan(got.value) && isnan(got.lower) && isnan(got.upper_raw));
    }
}

static void flags_say_why(void **state)
{
    (void)state;
    struct cxm_interval_limits got = net(0, 0, 1, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_OFF_CENTRE | CXM_FLAG_DEGENERATE);
    got = net(0, 0, 5, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_CLIPPED | CXM_FLAG_DEGENERATE);
    assert_close(got.upper, 100.0, 0.0);
    got = net(0, 0, 6.494013525142615, 0.95, CXM_INTERVAL_SCORE); /* 100 n / n is more than 100 */
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    assert_true(got.value == 100.0 && got.upper == 100.0);
    got = net(0, 0, 5, 0.95, WALD);
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    got = net(15, 25, 40, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, 0);
    got = share(0, 10, 0.95, CXM_INTERVAL_AGRESTI_COULL);
    assert_int_equal(got.flags, CXM_FLAG_CLIPPED | CXM_FLAG_DEGENERATE);
    struct cxm_limits raw;
    assert_int_equal(cxm_priv_share_limits(0, 10, 0.95, WALD, &raw), CXM_OK);
    assert_int_equal(raw.flags, CXM_FLAG_DEGENERATE);
    assert_int_equal(cxm_priv_share_limits(1, 10, 0.95, WALD, &raw), CXM_OK);
    assert_int_equal(raw.flags, 0);
    got = share(1e15, 1e15, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    got = share(36, 100, 0.95, CXM_INTERVAL_DEFAULT);
    assert_close(got.std_error, 0.048, 1e-15);
    got = share(5, 10, 0.95, CXM_INTERVAL_NONE);
    assert_true(got.flags == 0 && got.value == 0.5 && isnan(got.lower) && isnan(got.upper));
    got = share(5, 10, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.interval, CXM_INTERVAL_WILSON);
    got = net(0.3, 0.1, 0, 0.95, CXM_INTERVAL_BOOTSTRAP); /* rounds to no answer at all */
    assert_true(isnan(got.lower) && !isnan(got.value));
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    static const struct {
        double x, n, level;
        enum cxm_interval method;
        enum cxm_status want;
        const char *column, *message;
    } rows[] = {
        { 1, 2, 0, WILSON, CXM_EINVAL, "level", "level must be between 0 and 1, not 0" },
        { 1, 2, 1, WILSON, CXM_EINVAL, "level", "level must be between 0 and 1, not 1; did you mean 0.95?" },
        { 1, 2, 95, WILSON, CXM_EINVAL, "level",
          "level must be between 0 and 1, not 95; did you mean 0.95?" },
        { 1, 2, 99, WILSON, CXM_EINVAL, "level",
          "level must be between 0 and 1, not 99; did you mean 0.99?" },
        { 1, 2, NAN, WILSON, CXM_EINVAL, "level", "level must be between 0 and 1, not nan" },
        { -1, 2, 0.95, WILSON, CXM_EINVAL, "successes", NULL },
        { NAN, 2, 0.95, WILSON, CXM_EINVAL, "successes", NULL },
        { 3, 2, 0.95, WILSON, CXM_EINVAL, "successes", NULL },
        { 1, -2, 0.95, WILSON, CXM_EINVAL, "n", NULL },
        { 1, INFINITY, 0.95, WILSON, CXM_EINVAL, "n", NULL },
        { 1, 2e15, 0.95, WILSON, CXM_EINVAL, "n", NULL },
        { 1, 2, 0.95, CXM_INTERVAL_SCORE, CXM_EUNSUPPORTED, "method", NULL },
        { 0, 0, 0.95, CXM_INTERVAL_GARWOOD, CXM_EUNSUPPORTED, "method", NULL },
        { 1, 2, 0.95, (enum cxm_interval)77, CXM_EUNSUPPORTED, "method", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_interval_limits out = { .value = 42.0 };
        struct cxm_error error = { .status = 0 };
        assert_int_equal(cxm_share_interval(rows[i].x, rows[i].n, rows[i].level, rows[i].method,
                                            &out, &error), rows[i].want);
        assert_close(out.value, 42.0, 0.0);
        assert_int_equal(error.status, rows[i].want);
        assert_string_equal(error.column, rows[i].column);
        if (rows[i].message != NULL)
            assert_string_equal(error.message, rows[i].message);
        assert_int_equal(cxm_share_interval(rows[i].x, rows[i].n, rows[i].level, rows[i].method,
                                            &out, NULL), rows[i].want);
    }
    struct cxm_interval_limits out;
    assert_int_equal(cxm_share_interval(1, 2, 0.95, WILSON, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(1, 2, 3, 0.95, WALD, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(-1, 2, 3, 0.95, WALD, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(1, NAN, 3, 0.95, WALD, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(6e14, 0, 6e14, 0.95, WALD, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(1, 2, 3, 95, WALD, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval(1, 2, 3, 0.95, WILSON, NULL, &out, NULL), CXM_EUNSUPPORTED);
    assert_int_equal(cxm_nps_interval(0, 0, 0, 0.95, WILSON, NULL, &out, NULL), CXM_EUNSUPPORTED);
    assert_int_equal(cxm_mean_interval(1, -1, 3, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_mean_interval(1, INFINITY, 3, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_mean_interval(1, 1, 3, -1, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_mean_interval(1, 1, 3, 0.95, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_rate_interval(-1, 1, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_rate_interval(1, -1, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_rate_interval(1, NAN, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_rate_interval(1, 1, 2, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_rate_interval(1, 1, 0.95, NULL, NULL), CXM_EINVAL);
}

/* ---- a guest in the process ----------------------------------------------------------- */

static int gsl_calls;

static void count_gsl_errors(const char *reason, const char *file, int line, int number)
{
    (void)reason, (void)file, (void)line, (void)number;
    gsl_calls++;
}

/* Everything above runs under a handler of the host: never reached, never replaced. */
static void gsl_handler_is_left_alone(void **state)
{
    (void)state;
    gsl_error_handler_t *now = gsl_set_error_handler(count_gsl_errors);
    assert_true(now == count_gsl_errors);
    assert_int_equal(gsl_calls, 0);
}

int main(void)
{
    gsl_set_error_handler(count_gsl_errors);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_match_rows),
        cmocka_unit_test(shares_match_reference),
        cmocka_unit_test(nets_match_rows),
        cmocka_unit_test(nets_match_reference),
        cmocka_unit_test(category_limits_match_rows),
        cmocka_unit_test(sums_match_convolution),
        cmocka_unit_test(bca_matches_rows),
        cmocka_unit_test(bootstrap_meets_its_limits),
        cmocka_unit_test(bootstrap_survives_lack_of_memory),
        cmocka_unit_test(rates_match_rows),
        cmocka_unit_test(means_match_rows),
        cmocka_unit_test(quantiles_match_reference),
        cmocka_unit_test(gsl_traps),
        cmocka_unit_test(tails_take_everything),
        cmocka_unit_test(shares_obey_laws),
        cmocka_unit_test(shares_grow_with_successes),
        cmocka_unit_test(nets_obey_laws),
        cmocka_unit_test(rates_obey_laws),
        cmocka_unit_test(undefined_is_flagged),
        cmocka_unit_test(flags_say_why),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(gsl_handler_is_left_alone),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
