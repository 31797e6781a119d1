/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Direct standardisation (Yule 1934): the groups' rates weighted by reference shares instead of
 * by their own numbers, so that a change of the mix is no change of the rate. */
#include "analysis/numbers.h"
#include "analysis/report.h"
#include "estimate/estimate.h"
#include "tally/tally.h"

#include <cxm/service.h>

#include <math.h>

static enum cxm_status find_measure(struct cxm_tally *tally, const char *name, uint32_t *out,
                                    char *found, size_t capacity, struct cxm_error *error)
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
        cxm_priv_copy_text(found, capacity, all[i].name, strlen(all[i].name));
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

/* sum w p and its error; groups without share need no number. */
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
    out.interval = CXM_INTERVAL_WALD;
    out.df = INFINITY;
    if (isnan(value)) {
        out.flags |= CXM_FLAG_NO_DATA;
        out.std_error = NAN;
        return out;
    }
    const struct cxm_limits limits = cxm_priv_mean_limits(value, out.std_error, INFINITY, level);
    const bool share = groups[0].unit == CXM_UNIT_SHARE;
    out.lower_raw = limits.lower;
    out.upper_raw = limits.upper;
    out.lower = share && limits.lower < 0 ? 0 : limits.lower;
    out.upper = share && limits.upper > 1 ? 1 : limits.upper;
    if (out.lower != limits.lower || out.upper != limits.upper)
        out.flags |= isnan(limits.lower) ? 0 : CXM_FLAG_CLIPPED;
    if (out.std_error == 0)
        out.flags |= CXM_FLAG_DEGENERATE;
    if (out.n < 30)
        out.flags |= CXM_FLAG_SMALL_N;
    return out;
}

enum cxm_status cxm_standardise(struct cxm_tally *tally, const double *shares, size_t n,
                                const struct cxm_standardise_options *options,
                                struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_standardise_options o = { .size = sizeof o };
    char definition[256];
    char name[72];
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
    if (status == CXM_OK)
        status = find_measure(tally, o.measure, &measure, name, sizeof name, error);
    if (status != CXM_OK)
        return status;
    struct cxm_estimate *groups = cxm_priv_alloc(NULL, n, sizeof *groups);
    if (groups == NULL)
        return cxm_priv_no_memory(error);
    const struct cxm_estimate_options ask = { .size = sizeof ask, .level = o.level,
                                              .measures = &measure, .n_measures = 1 };
    status = n > 0 ? cxm_tally_estimate(tally, &ask, groups, sizeof *groups, n, NULL, error)
                   : cxm_priv_fail(error, CXM_EINVAL, "shares", "there are no groups");
    if (status == CXM_OK) {
        const struct cxm_estimate sum = weigh(groups, shares, n, o.level);
        struct cxm_report *r = cxm_priv_report_new(NULL);
        const char *metric = tally->config.rules->info->name;
        cxm_tally_definition(tally, definition, sizeof definition);
        cxm_priv_report_keys_of(r, tally);
        const int share = cxm_priv_report_axis(r, "share", CXM_AXIS_REAL);
        const int reference = cxm_priv_report_axis(r, "reference", CXM_AXIS_REAL);
        cxm_priv_report_add(r, metric, "standardised", definition, &sum);
        for (size_t i = 0; i < n; i++) {
            const size_t row = cxm_priv_report_add(r, metric, name, definition,
                                                   &groups[i]);
            cxm_priv_report_key_from(r, row, tally, (int64_t)i);
            cxm_priv_report_real(r, row, share, sum.sum_weight > 0
                                                  ? groups[i].sum_weight / sum.sum_weight
                                                  : NAN);
            cxm_priv_report_real(r, row, reference, shares[i]);
        }
        status = cxm_priv_report_finish(r, out, error);
    }
    cxm_priv_release(NULL, groups);
    return status;
}
