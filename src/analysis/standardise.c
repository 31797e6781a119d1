/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Direct standardisation (Yule 1934): the groups' rates weighted by reference shares instead of
 * by their own numbers, so that a change of the mix is no change of the rate. */
#include "analysis/grouped.h"
#include "analysis/numbers.h"
#include "estimate/estimate.h"
#include "metric/bins.h"
#include "metric/design.h"
#include "metric/items.h"

#include <cxm/service.h>

#include <math.h>

/* The measure of that name; NULL: the headline. */
static enum cxm_status find_measure(struct cxm_tally *tally, const char *name, uint32_t *out,
                                    struct cxm_measure *found, struct cxm_error *error)
{
    size_t n = 0;
    enum cxm_status status = cxm_tally_measures(tally, NULL, 0, 0, &n, error);
    struct cxm_measure *all = cxm_priv_alloc(NULL, n, sizeof *all);
    if (status == CXM_OK && all == NULL)
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = cxm_tally_measures(tally, all, sizeof *all, n, &n, error);
    *out = UINT32_MAX;
    for (size_t i = 0; status == CXM_OK && i < n && *out == UINT32_MAX; i++) {
        if (name != NULL && strcmp(all[i].name, name) != 0)
            continue;
        *out = (uint32_t)i;
        *found = all[i];
    }
    cxm_priv_release(NULL, all);
    if (status == CXM_OK && *out == UINT32_MAX)
        status = cxm_priv_fail(error, CXM_EINVAL, "measure", "there is no measure \"%.60s\"",
                               name != NULL ? name : "");
    return status;
}

static enum cxm_status check_shares(const struct cxm_tally *tally, const double *shares,
                                    size_t n, struct cxm_error *error)
{
    char text[CXM_DOUBLE_TEXT];
    double sum = 0;
    if (cxm_tally_n_keys(tally) == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "shares",
                             "there are no groups to standardise over; pass by=");
    if (shares == NULL || n != (size_t)cxm_tally_groups(tally))
        return cxm_priv_fail(error, CXM_EINVAL, "shares", "%zu shares for %lld groups", n,
                             (long long)cxm_tally_groups(tally));
    for (size_t i = 0; i < n; i++) {
        if (!(shares[i] >= 0 && shares[i] <= 1))
            return cxm_priv_fail(error, CXM_EINVAL, "shares", "a share lies outside 0 to 1");
        sum += shares[i];
    }
    if (fabs(sum - 1) > 1e-6)
        return cxm_priv_fail(error, CXM_EINVAL, "shares", "the shares sum to %s, not to 1",
                             cxm_priv_double_text(sum, text));
    return CXM_OK;
}

/* Shares that were rounded sum to 1 again, so that a rate of 1 everywhere stays 1. */
static void make_whole(const double *shares, size_t n, double *out)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += shares[i];
    for (size_t i = 0; i < n; i++)
        out[i] = shares[i] / sum;
}

/* The ends of the scale of a measure, as far as it has any. */
static void range_of(const struct cxm_tally *tally, const struct cxm_measure *measure, double ends[2])
{
    const struct cxm_estimator *e = &cxm_priv_metric_of(&tally->config)->estimators[measure->family];
    double y[CXM_MAX_BINS];
    ends[0] = -INFINITY;
    ends[1] = INFINITY;
    if (e->score != NULL) {
        const struct cxm_score score = e->score(&tally->config, 0, y);
        ends[0] = score.low;
        ends[1] = score.high;
    }
    if (measure->unit == CXM_UNIT_SHARE) {
        ends[0] = 0;
        ends[1] = 1;
    } else if (e->intervals == CXM_CLASS_NET || e->intervals == CXM_CLASS_CHANGE) {
        ends[1] = e->intervals == CXM_CLASS_NET ? 100 : 200;
        ends[0] = -ends[1];
    } else if (e->intervals == CXM_CLASS_RATE) {
        ends[0] = 0;
    } else if (e->score == NULL && measure->unit == CXM_UNIT_POINTS) { /* indexes of csi */
        ends[0] = cxm_priv_csi_lowest(&tally->config);
        ends[1] = 100;
    }
}

/* sum_i sum_j w_i w_j V_ij: groups of one sampling design share its units, so that they covary. */
static enum cxm_status design_variance(struct cxm_tally *tally, uint32_t measure, const double *shares,
                                       size_t n, double *variance, double *df, struct cxm_error *error)
{
    const struct cxm_allocator *heap = &tally->allocator;
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        used += shares[i] > 0;
    if (used > CXM_GROUPED_MOST_RANKS)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "shares",
                             "%zu groups under a sampling design, at most %d are standardised", used,
                             CXM_GROUPED_MOST_RANKS);
    int64_t *groups = cxm_priv_alloc(heap, used, sizeof *groups);
    double *covariance = cxm_priv_alloc(heap, used * used, sizeof *covariance);
    enum cxm_status status = groups != NULL && covariance != NULL ? CXM_OK : cxm_priv_no_memory(error);
    for (size_t i = 0, k = 0; i < n && status == CXM_OK; i++) {
        if (shares[i] > 0)
            groups[k++] = (int64_t)i;
    }
    if (status == CXM_OK)
        status = cxm_priv_design_covariance(tally, measure, groups, used, CXM_LONELY_ERROR, covariance,
                                            df, error);
    *variance = 0;
    for (size_t i = 0; i < used && status == CXM_OK; i++)
        for (size_t j = 0; j < used; j++)
            *variance += shares[groups[i]] * shares[groups[j]] * covariance[i * used + j];
    if (*variance < 0) /* of rounding */
        *variance = 0;
    cxm_priv_release(heap, covariance);
    cxm_priv_release(heap, groups);
    return status;
}

/* The sum of w p, and of w^2 V, which is its variance where groups are independent; groups without
 * share need no number. */
static struct cxm_estimate weigh(const struct cxm_estimate *groups, const double *shares,
                                 size_t n, double level)
{
    struct cxm_estimate out = cxm_priv_blank_estimate(level, (enum cxm_unit)groups[0].unit,
                                                      (enum cxm_base_kind)groups[0].base);
    double value = 0, variance = 0;
    for (size_t i = 0; i < n; i++) {
        out.n += groups[i].n;
        out.missing += groups[i].missing;
        out.invalid += groups[i].invalid;
        out.excluded += groups[i].excluded;
        out.sum_weight += groups[i].sum_weight;
        out.n_eff += groups[i].n_eff;
        if (shares[i] == 0)
            continue;
        value += shares[i] * groups[i].value;
        variance += shares[i] * shares[i] * groups[i].std_error * groups[i].std_error;
    }
    out.value = value;
    out.std_error = sqrt(variance);
    return out;
}

static void finish(struct cxm_estimate *out, double df, const double ends[2])
{
    out->interval = isinf(df) ? CXM_INTERVAL_WALD : CXM_INTERVAL_T;
    out->df = df;
    if (out->n < 30)
        out->flags |= CXM_FLAG_SMALL_N;
    if (isnan(out->value)) {
        out->flags = CXM_FLAG_NO_DATA;
        out->std_error = NAN;
        return;
    }
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    cxm_priv_set_limits(out, cxm_priv_mean_limits(out->value, out->std_error, df, out->level), ends[0],
                        ends[1]);
}

/* The standardised number, and those of the groups, one a share. */
static enum cxm_status standardise(struct cxm_tally *tally, uint32_t measure,
                                   const struct cxm_measure *found, const double *shares, size_t n,
                                   double level, struct cxm_estimate *groups,
                                   struct cxm_estimate *sum, struct cxm_error *error)
{
    const struct cxm_estimate_options ask = { .size = sizeof ask, .level = level,
                                              .measures = &measure, .n_measures = 1 };
    double ends[2], df = INFINITY, variance = 0;
    enum cxm_status status = cxm_tally_estimate(tally, &ask, groups, sizeof *groups, n, NULL, error);
    if (status != CXM_OK)
        return status;
    *sum = weigh(groups, shares, n, level);
    if (tally->schema.n_design > 0) {
        status = design_variance(tally, measure, shares, n, &variance, &df, error);
        sum->std_error = sqrt(variance);
    }
    range_of(tally, found, ends);
    finish(sum, df, ends);
    return status;
}

static void add_rows(struct cxm_report *r, struct cxm_tally *tally, const char *name,
                     const struct cxm_estimate *sum, const struct cxm_estimate *groups,
                     const double *shares, size_t n)
{
    char definition[1024];
    const char *metric = tally->config.rules->info->name;
    cxm_tally_definition(tally, definition, sizeof definition);
    cxm_priv_report_keys_of(r, tally);
    const int share = cxm_priv_report_axis(r, "share", CXM_AXIS_REAL);
    const int reference = cxm_priv_report_axis(r, "reference", CXM_AXIS_REAL);
    cxm_priv_report_add(r, metric, "standardised", definition, sum);
    for (size_t i = 0; i < n; i++) {
        const size_t row = cxm_priv_report_add(r, metric, name, definition, &groups[i]);
        cxm_priv_report_key_from(r, row, tally, (int64_t)i);
        cxm_priv_report_real(r, row, share,
                             sum->sum_weight > 0 ? groups[i].sum_weight / sum->sum_weight : NAN);
        cxm_priv_report_real(r, row, reference, shares[i]);
    }
}

enum cxm_status cxm_standardise(struct cxm_tally *tally, const double *shares, size_t n,
                                const struct cxm_standardise_options *options,
                                struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_standardise_options o = { .size = sizeof o };
    struct cxm_measure found;
    uint32_t measure;
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = options == NULL ? CXM_OK
                                             : cxm_priv_read_options(options, &o, sizeof o,
                                                                     "cxm_standardise_options",
                                                                     error);
    o.level = o.level == 0 ? 0.95 : o.level;
    if (status == CXM_OK)
        status = check_shares(tally, shares, n, error);
    if (status == CXM_OK && n == 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "shares", "there are no groups");
    if (status == CXM_OK)
        status = find_measure(tally, o.measure, &measure, &found, error);
    if (status != CXM_OK)
        return status;
    struct cxm_estimate sum, *groups = cxm_priv_alloc(NULL, n, sizeof *groups);
    double *reference = cxm_priv_alloc(NULL, n, sizeof *reference);
    if (groups != NULL && reference != NULL) {
        make_whole(shares, n, reference);
        status = standardise(tally, measure, &found, reference, n, o.level, groups, &sum, error);
    } else {
        status = cxm_priv_no_memory(error);
    }
    if (status == CXM_OK) {
        struct cxm_report *r = cxm_priv_report_new(NULL);
        add_rows(r, tally, found.name, &sum, groups, shares, n);
        status = cxm_priv_report_finish(r, out, error);
    }
    cxm_priv_release(NULL, reference);
    cxm_priv_release(NULL, groups);
    return status;
}
