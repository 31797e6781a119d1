/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an estimate to the evidence behind it. Shares and net scores are judged by counts; those
 * follow from the value and n, and with weights or a design from the standard error: as many
 * answers as would give that error in a simple random sample (Korn & Graubard 1998), at most
 * those there are. Everything else is judged by its standard error. */
#include "analysis/targeting.h"

#include <math.h>

enum cxm_status cxm_priv_targeting_init(struct cxm_targeting *t, struct cxm_tally *tally,
                                        struct cxm_error *error)
{
    *t = (struct cxm_targeting){ .tally = tally };
    if (tally == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "tally", "tally is NULL");
    t->metric = cxm_priv_metric_of(&tally->config);
    enum cxm_status status = cxm_tally_measures(tally, NULL, 0, 0, &t->n_measures, error);
    if (status != CXM_OK)
        return status;
    t->measures = cxm_priv_alloc(&tally->allocator, t->n_measures, sizeof *t->measures);
    if (t->measures == NULL)
        return cxm_priv_no_memory(error);
    return cxm_tally_measures(tally, t->measures, sizeof *t->measures, t->n_measures,
                              &t->n_measures, error);
}

void cxm_priv_targeting_release(struct cxm_targeting *t)
{
    if (t->tally != NULL)
        cxm_priv_release(&t->tally->allocator, t->measures);
}

enum cxm_status cxm_priv_targeting_find(const struct cxm_targeting *t, const char *name,
                                        uint32_t *out, struct cxm_error *error)
{
    for (uint32_t m = 0; m < t->n_measures; m++) {
        if (name == NULL || strcmp(t->measures[m].name, name) == 0) {
            *out = m;
            return CXM_OK;
        }
    }
    return cxm_priv_fail(error, CXM_EINVAL, "measure", "%s has no measure \"%.70s\"",
                         t->metric->rules.info->name, name != NULL ? name : "");
}

enum cxm_status cxm_priv_targeting_read(const struct cxm_targeting *t,
                                        const struct cxm_estimate_options *options,
                                        enum cxm_total total, struct cxm_estimate **out,
                                        size_t *n_out, struct cxm_error *error)
{
    const struct cxm_allocator *const heap = &t->tally->allocator;
    struct cxm_estimate_options o = *options;
    const size_t groups = (size_t)cxm_tally_groups(t->tally);
    int64_t *const list = cxm_priv_alloc(heap, groups + 1, sizeof *list);
    if (list == NULL)
        return cxm_priv_no_memory(error);
    for (size_t g = 0; g < groups; g++)
        list[g] = (int64_t)g;
    list[groups] = CXM_TOTAL;
    const bool keyed = cxm_tally_n_keys(t->tally) > 0;
    o.groups = total == CXM_TOTAL_ONLY && keyed ? list + groups : list;
    o.n_groups = total == CXM_TOTAL_ONLY && keyed ? 1 : groups + (total == CXM_TOTAL_TOO && keyed);
    size_t n = 0;
    struct cxm_estimate *rows = NULL;
    enum cxm_status status = cxm_tally_estimate(t->tally, &o, NULL, 0, 0, &n, error);
    if (status == CXM_OK) {
        rows = cxm_priv_alloc(heap, n, sizeof *rows);
        status = rows == NULL ? cxm_priv_no_memory(error) : CXM_OK;
    }
    if (status == CXM_OK && n > 0)
        status = cxm_tally_estimate(t->tally, &o, rows, sizeof *rows, n, &n, error);
    cxm_priv_release(heap, list);
    if (status != CXM_OK) {
        cxm_priv_release(heap, rows);
        return status;
    }
    *out = rows;
    *n_out = n;
    return CXM_OK;
}

/* ---- what a measure is ----------------------------------------------------------------- */

static const struct cxm_estimator *estimator_of(const struct cxm_targeting *t, uint32_t measure)
{
    return &t->metric->estimators[t->measures[measure].family];
}

static enum cxm_interval_class class_of(const struct cxm_targeting *t, uint32_t measure)
{
    return estimator_of(t, measure)->intervals;
}

enum cxm_evidence_kind cxm_priv_evidence_kind(const struct cxm_targeting *t, uint32_t measure)
{
    const enum cxm_interval_class class = class_of(t, measure);
    if (class == CXM_CLASS_SHARE)
        return CXM_EVIDENCE_SHARE;
    return class == CXM_CLASS_NET && estimator_of(t, measure)->up != NULL ? CXM_EVIDENCE_NET
                                                                  : CXM_EVIDENCE_VALUE;
}

static enum cxm_better better_of(const struct cxm_targeting *t, uint32_t measure)
{
    return cxm_priv_better(&t->tally->config, t->measures[measure].family);
}

enum cxm_direction cxm_priv_usual_direction(const struct cxm_targeting *t, uint32_t measure,
                                            enum cxm_direction asked)
{
    if (asked != CXM_DIRECTION_DEFAULT)
        return asked;
    return better_of(t, measure) == CXM_BETTER_LOW ? CXM_AT_MOST : CXM_AT_LEAST;
}

enum cxm_status cxm_priv_check_goal(const struct cxm_targeting *t, uint32_t measure, double target,
                                    enum cxm_direction asked, struct cxm_error *error)
{
    const struct cxm_measure *const m = &t->measures[measure];
    /* Shares that are no counts, such as those of clustered contacts, are on the same scale. */
    const enum cxm_status status = cxm_priv_check_target(target, m->unit == CXM_UNIT_SHARE
                                                                   ? CXM_EVIDENCE_SHARE
                                                                   : cxm_priv_evidence_kind(t, measure),
                                                         error);
    if (status != CXM_OK || asked != CXM_DIRECTION_DEFAULT
        || better_of(t, measure) != CXM_BETTER_NEITHER)
        return status;
    return cxm_priv_fail(error, CXM_EINVAL, "direction",
                         "%s is better neither high nor low: say direction \"at_least\" or "
                         "\"at_most\"", m->name);
}

/* ---- evidence -------------------------------------------------------------------------- */

/* The degrees of freedom of a measure under weights or a design: those of its t interval. */
static enum cxm_status design_df(const struct cxm_targeting *t, const struct cxm_estimate *e,
                                 int32_t lonely, double *out, struct cxm_error *error)
{
    struct cxm_estimate found;
    const struct cxm_estimate_options o = {
        .size = sizeof o, .interval = CXM_INTERVAL_WALD_T, .lonely = lonely,
        .measures = &e->measure, .n_measures = 1, .groups = &e->group, .n_groups = 1 };
    const enum cxm_status status = cxm_tally_estimate(t->tally, &o, &found, sizeof found, 1, NULL,
                                                      error);
    *out = INFINITY;
    if (status == CXM_OK)
        *out = found.df;
    return status == CXM_EINVAL ? CXM_OK : status; /* it has no such interval */
}

/* Was everybody asked? Then the default interval, which else has some width, has none. */
static enum cxm_status find_census(const struct cxm_targeting *t, const struct cxm_estimate *e,
                                   int32_t lonely, bool *out, struct cxm_error *error)
{
    struct cxm_estimate found;
    const struct cxm_estimate_options o = { .size = sizeof o, .lonely = lonely,
                                            .measures = &e->measure, .n_measures = 1,
                                            .groups = &e->group, .n_groups = 1 };
    *out = false;
    if (t->tally->schema.n_design == 0 || e->std_error != 0.0)
        return CXM_OK;
    const enum cxm_status status = cxm_tally_estimate(t->tally, &o, &found, sizeof found, 1, NULL,
                                                      error);
    *out = status == CXM_OK && found.lower_raw == found.upper_raw;
    return status;
}

/* A simple random sample from a finite population, without weights. */
static bool is_simple(const struct cxm_targeting *t)
{
    const struct cxm_schema *schema = &t->tally->schema;
    return schema->n_design > 0 && !schema->weighted && schema->roles[schema->n_keys] >= CXM_KEY_FPC;
}

/* Answers that count: those that would give this standard error in a simple random sample where
 * one answer has that variance, fewer where the design has few degrees of freedom. Without weights
 * they are the answers, to the last bits: `whole`. */
static enum cxm_status effective_n(const struct cxm_targeting *t, const struct cxm_estimate *e,
                                   double variance, double std_error,
                                   const struct cxm_target_options *o, double *out, bool *whole,
                                   struct cxm_error *error)
{
    const double n = (double)e->n;
    double design = variance / (std_error * std_error);
    *out = fmin(n, e->n_eff);
    *whole = false;
    if (!(variance > 0.0) || !isfinite(design))
        return CXM_OK;
    if (is_simple(t) && n > 1.0) { /* n / (1 - f), as its interval has it */
        *out = design * (n / (n - 1.0));
        *whole = fabs(*out - n) <= 1e-9 * n;
        return CXM_OK;
    }
    *whole = fabs(design - n) <= 1e-9 * n;
    *out = n;
    double df = INFINITY;
    const enum cxm_status status = *whole ? CXM_OK : design_df(t, e, o->lonely, &df, error);
    if (isfinite(df) && df > 0.0 && e->n > 1) {
        const double level = 1.0 - 2.0 * o->alpha;
        const double ratio = cxm_priv_t(level, n - 1.0) / cxm_priv_t(level, df);
        design *= ratio * ratio;
    }
    if (!*whole)
        *out = fmin(design, n);
    return status;
}

/* The count behind a share of rows without weights; of other shares NaN. */
static double count_of(const struct cxm_targeting *t, double share, double n)
{
    const double x = round(share * n);
    return !t->tally->schema.weighted && fabs(share * n - x) <= 1e-9 * n ? x : (double)NAN;
}

/* A count out of a share; whole where the answers are. */
static double counted(double share, double n, bool whole)
{
    return whole ? round(share * n) : share * n;
}

static enum cxm_status share_evidence(const struct cxm_targeting *t,
                                      const struct cxm_estimate *e,
                                      const struct cxm_target_options *o,
                                      struct cxm_evidence *out, struct cxm_error *error)
{
    bool whole;
    const double n = (double)e->n, x = count_of(t, e->value, n);
    const double others = isnan(x) ? 1.0 - e->value : (n - x) / n; /* 1 - p loses the digits of a few */
    const enum cxm_status status = effective_n(t, e, e->value * others, e->std_error, o, &out->n, &whole,
                                               error);
    out->x = e->value == 1.0 ? out->n : fmin(counted(e->value, out->n, whole), out->n);
    return status;
}

static enum cxm_status net_evidence(const struct cxm_targeting *t, const struct cxm_estimator *of,
                                    const struct cxm_estimate *e,
                                    const struct cxm_target_options *o,
                                    struct cxm_evidence *out, struct cxm_error *error)
{
    uint32_t measures[2];
    struct cxm_estimate shares[2];
    const struct cxm_estimate_options ask = {
        .size = sizeof ask, .interval = CXM_INTERVAL_NONE, .lonely = o->lonely,
        .measures = measures, .n_measures = 2, .groups = &e->group, .n_groups = 1 };
    bool whole = false;
    double n = 0.0;
    enum cxm_status status = cxm_priv_targeting_find(t, of->up, &measures[0], error);
    if (status == CXM_OK)
        status = cxm_priv_targeting_find(t, of->down, &measures[1], error);
    if (status == CXM_OK)
        status = cxm_tally_estimate(t->tally, &ask, shares, sizeof shares[0], 2, NULL, error);
    if (status != CXM_OK)
        return status;
    /* On two or three answers the best two and the worst two overlap: what is in both is neither. */
    const double both = fmax(0.0, shares[0].value + shares[1].value - 1.0);
    const double up = shares[0].value - both, down = shares[1].value - both, net = e->value / 100.0;
    const double r = count_of(t, up, (double)e->n), d = count_of(t, down, (double)e->n);
    const double variance = isnan(r) || isnan(d) ? up + down - net * net
                          : cxm_priv_net_variance((struct cxm_net){ d, (double)e->n - r - d, r });
    status = effective_n(t, e, variance, e->std_error / 100.0, o, &n, &whole, error);
    out->net.promoters = counted(up, n, whole);
    out->net.detractors = counted(down, n, whole);
    out->net.passives = fmax(0.0, n - out->net.promoters - out->net.detractors);
    if (up == 1.0 || down == 1.0) /* exactly nobody else */
        out->net.passives = 0.0;
    out->n = cxm_priv_net_n(out->net);
    return status;
}

/* Events out of their rate: its standard error is sqrt(x) / exposure. Without any event the exposure
 * follows from the upper limit, -log(a / 2) / exposure. */
static void rate_evidence(const struct cxm_estimate *e, struct cxm_evidence *out)
{
    const double root = e->value / e->std_error;
    out->kind = CXM_EVIDENCE_RATE;
    out->x = e->value > 0.0 ? root * root : 0.0;
    if (fabs(out->x - round(out->x)) <= 1e-9 * out->x)
        out->x = round(out->x);
    out->exposure = e->value > 0.0 ? out->x / e->value
                                   : -log(0.5 * (1.0 - e->level)) / e->upper_raw;
}

static enum cxm_status find_evidence(const struct cxm_targeting *t,
                                     const struct cxm_estimate *e,
                                     const struct cxm_target_options *o,
                                     struct cxm_evidence *out, struct cxm_error *error)
{
    *out = (struct cxm_evidence){ .kind = cxm_priv_evidence_kind(t, e->measure),
                                  .value = e->value, .n = (double)e->n, .scale = 1.0 };
    enum cxm_status status = CXM_OK;
    if (isnan(e->value) || o->census != 0) {
        out->kind = CXM_EVIDENCE_VALUE;
    } else if (out->kind == CXM_EVIDENCE_SHARE) {
        status = share_evidence(t, e, o, out, error);
    } else if (out->kind == CXM_EVIDENCE_NET) {
        status = net_evidence(t, estimator_of(t, e->measure), e, o, out, error);
    } else {
        out->std_error = e->std_error;
        out->df = e->df;
        if (e->interval == CXM_INTERVAL_GARWOOD && e->upper_raw > 0.0) {
            rate_evidence(e, out);
            return CXM_OK;
        }
        if (isnan(e->std_error) && (e->n > 1 || class_of(t, e->measure) == CXM_CLASS_NONE))
            return cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                 "%s has no standard error, so that no test is possible; if "
                                 "everybody was counted, ask for a census",
                                 t->measures[e->measure].name);
        if (isnan(out->df)) /* an interval without degrees of freedom is a normal one */
            out->df = e->n > 1 ? INFINITY : NAN;
    }
    out->scale = out->n > 0.0 ? (double)e->n / out->n : 1.0;
    return status;
}

enum cxm_status cxm_priv_judge_estimate(const struct cxm_targeting *t,
                                        const struct cxm_estimate *e, double target,
                                        const struct cxm_target_options *options,
                                        struct cxm_target_result *out, struct cxm_error *error)
{
    struct cxm_target_options o = *options;
    struct cxm_evidence evidence;
    bool census = o.census != 0;
    enum cxm_status status = CXM_OK;
    if (!census && cxm_priv_evidence_kind(t, e->measure) != CXM_EVIDENCE_VALUE)
        status = find_census(t, e, o.lonely, &census, error);
    o.census = census;
    if (status == CXM_OK)
        status = find_evidence(t, e, &o, &evidence, error);
    if (status != CXM_OK)
        return status;
    const double unit = evidence.kind == CXM_EVIDENCE_NET ? 100.0 : 1.0;
    *out = cxm_priv_judge(&evidence, target / unit, o.alpha,
                          cxm_priv_usual_direction(t, e->measure, (enum cxm_direction)o.direction),
                          census);
    if (evidence.scale < 1.0) { /* n / f, the population, are enough */
        const double all = ceil((double)e->n / (1.0 - evidence.scale) * (1.0 - 1e-12));
        out->n_needed = (double)out->n_needed > all ? (int64_t)all : out->n_needed;
    }
    out->value = e->value;
    out->target = target;
    out->lower *= unit;
    out->upper *= unit;
    out->lower_other *= unit;
    out->upper_other *= unit;
    return CXM_OK;
}
