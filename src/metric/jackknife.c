/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The stratified delete-one jackknife (JKn): every primary unit is left out once, the others of
 * its stratum stand in for it with n_h / (n_h - 1) times their weights, and the measure is
 * estimated anew (Wolter 2007, Introduction to Variance Estimation, chapter 4). A replicate is a
 * calibration of the cells like any other, factor by factor, so that it costs no copy of them.
 * Typical: 20 to 200 units; a replicate costs the cells of its group. */
#include "metric/jackknife.h"

#include <math.h>

static uint32_t primary_of(const struct cxm_sample *s, size_t place)
{
    const uint32_t unit = s->finest_of_cell[place];
    return s->second ? s->primary_of_finest[unit] : unit;
}

/* The factors of the cells of a group without primary unit `left_out`. */
static void replicate_factors(const struct cxm_domain *d, uint32_t left_out, struct cxm_dd *g)
{
    const struct cxm_sample *s = d->sample;
    const uint32_t stratum = s->stratum_of_primary[left_out];
    const int64_t n = s->strata[stratum].n;
    const struct cxm_dd more = cxm_priv_dd_div(cxm_priv_dd_int(n), cxm_priv_dd_int(n - 1));
    for (size_t i = d->first; i < d->end; i++) {
        const uint32_t c = primary_of(s, i);
        g[i] = cxm_priv_dd(c == left_out ? 0 : 1);
        if (c != left_out && s->stratum_of_primary[c] == stratum)
            g[i] = more;
    }
}

/* Replicates of one of all units, or of a census, say nothing. */
static bool counts(const struct cxm_drawn drawn)
{
    return drawn.n > 1 && !cxm_priv_is_census(drawn);
}

/* sum_h (1 - f_h) (n_h - 1) / n_h sum_c (theta_hc - mean)^2 */
static double variance_of(const struct cxm_sample *s, const double *values)
{
    struct cxm_dd sum = { 0, 0 }, variance = { 0, 0 };
    int64_t n = 0;
    for (uint32_t c = 0; c < s->n_primary; c++) {
        if (!counts(s->strata[s->stratum_of_primary[c]]))
            continue;
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(values[c]));
        n++;
    }
    const double mean = n > 0 ? cxm_priv_dd_div(sum, cxm_priv_dd_int(n)).hi : 0;
    for (uint32_t c = 0; c < s->n_primary; c++) {
        const struct cxm_drawn drawn = s->strata[s->stratum_of_primary[c]];
        if (!counts(drawn))
            continue;
        const double scale = (1 - cxm_priv_sampling_fraction(drawn)) * (double)(drawn.n - 1)
                           / (double)drawn.n;
        const double off = values[c] - mean;
        variance = cxm_priv_dd_add(variance, cxm_priv_dd(scale * off * off));
    }
    return variance.hi;
}

enum cxm_status cxm_priv_jackknife(const struct cxm_view *view,
                                   const struct cxm_estimator *estimator, uint32_t member,
                                   const struct cxm_estimate *whole, double *std_error,
                                   struct cxm_error *error)
{
    *std_error = NAN;
    if (view->domain == NULL || !*view->domain->linear || isnan(whole->value))
        return CXM_OK;
    struct cxm_domain domain = *view->domain;
    const struct cxm_sample *s = domain.sample;
    struct cxm_view replicate = *view;
    const struct cxm_ask ask = { whole->level, CXM_INTERVAL_NONE, 1, NULL };
    struct cxm_dd *g = cxm_priv_alloc(view->allocator, domain.end, sizeof *g);
    double *values = cxm_priv_alloc(view->allocator, s->n_primary, sizeof *values);
    const bool room = g != NULL && values != NULL;
    domain.g = g;
    domain.calibrated = NULL;
    replicate.domain = &domain;
    replicate.capture = NULL;
    for (uint32_t c = 0; room && c < s->n_primary; c++) {
        struct cxm_estimate out;
        values[c] = whole->value;
        if (!counts(s->strata[s->stratum_of_primary[c]]))
            continue;
        memset(&out, 0, sizeof out);
        replicate_factors(&domain, c, g);
        cxm_priv_estimate(estimator, &replicate, member, &ask, &out);
        values[c] = out.value;
    }
    if (room)
        *std_error = sqrt(variance_of(s, values));
    cxm_priv_release(view->allocator, g);
    cxm_priv_release(view->allocator, values);
    return room ? CXM_OK : cxm_priv_no_memory(error);
}

static enum cxm_status check_design(const struct cxm_tally *tally, int32_t lonely,
                                    struct cxm_error *error)
{
    const struct cxm_schema *schema = &tally->schema;
    bool clusters = false;
    for (uint32_t k = schema->n_keys; k < cxm_priv_all_keys(schema); k++)
        clusters = clusters || schema->roles[k] == CXM_KEY_CLUSTER;
    if (!clusters)
        return cxm_priv_fail(error, CXM_EINVAL, "cluster",
                             "the jackknife leaves out clusters; the tally was given none");
    if (!schema->weighted)
        return cxm_priv_fail(error, CXM_EINVAL, "weight",
                             "the jackknife changes weights; give 1 to every row");
    if (lonely == CXM_LONELY_ADJUST)
        return cxm_priv_fail(error, CXM_EINVAL, "lonely",
                             "the only unit of a stratum cannot be left out: \"adjust\" does not "
                             "fit the jackknife");
    return CXM_OK;
}

enum cxm_status cxm_tally_jackknife(struct cxm_tally *tally, int64_t group, uint32_t measure,
                                    int32_t lonely, double *std_error, struct cxm_error *error)
{
    if (tally == NULL || std_error == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or std_error is NULL");
    struct cxm_estimate e;
    struct cxm_capture capture = { .allocator = &tally->allocator, .jackknife = true,
                                   .jackknife_error = NAN };
    enum cxm_status status = tally->state.rows > 0 ? check_design(tally, lonely, error) : CXM_OK;
    if (status == CXM_OK)
        status = cxm_priv_estimate_captured(tally, measure, &group, 1, lonely, &e, &capture,
                                            error);
    cxm_priv_release(&tally->allocator, capture.sums);
    if (status == CXM_OK)
        *std_error = capture.jackknife_error;
    return status;
}
