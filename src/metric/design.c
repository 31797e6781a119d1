/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Variances under a sampling design: see design.h. An estimate for a group is linear in the sums
 * of its cells up to terms of second order; what the influences of its rows sum to in each unit
 * is read from these sums exactly, and rounded once. Typical: 10 to 10 000 units; a group costs
 * its own cells, and the strata. */
#include "metric/design_sums.h"

#include <math.h>

/* ---- variances ------------------------------------------------------------------------ */

/* The sums of two groups in the units that have rows of either; a group with itself: a = b. */
struct pair {
    uint32_t unit;
    struct cxm_unit_totals totals;
    struct cxm_unit_totals rows; /* what was squared */
    struct cxm_dd products;
};

struct pairs {
    const struct cxm_sample *sample;
    const struct cxm_unit_sums *a, *b;
    size_t n_a, n_b, i, j;
    bool same;
};

/* The next unit in order; false: no more. */
static bool next_pair(struct pairs *p, struct pair *out)
{
    const uint32_t a = p->i < p->n_a ? p->a[p->i].unit : UINT32_MAX;
    const uint32_t b = p->j < p->n_b ? p->b[p->j].unit : UINT32_MAX;
    if (a == UINT32_MAX && b == UINT32_MAX)
        return false;
    *out = (struct pair){ .unit = a < b ? a : b };
    if (a == out->unit) {
        const struct cxm_unit_sums *sums = &p->a[p->i++];
        out->totals.a = sums->total;
        out->totals.size_a = sums->size;
        out->rows.a = sums->rows;
        if (p->same) /* rows of two groups are never the same */
            out->products = sums->squares;
    }
    if (b == out->unit) {
        const struct cxm_unit_sums *sums = &p->b[p->j++];
        out->totals.b = sums->total;
        out->totals.size_b = sums->size;
        out->rows.b = sums->rows;
    }
    return true;
}

/* What one draw adds: the units of a stratum (rows: sums and products), or of a primary unit. */
static struct cxm_dd drawn_variance(struct cxm_drawn drawn, bool rows, struct pair sum,
                                    const struct cxm_unit_totals *units, size_t present,
                                    struct cxm_unit_totals centre, enum cxm_lonely lonely)
{
    if (drawn.n > 1)
        return cxm_priv_scatter_variance(drawn,
                                         rows ? cxm_priv_row_scatter(sum.products, sum.rows,
                                                                     drawn.n)
                                              : cxm_priv_unit_scatter(units, present, drawn.n));
    if (lonely != CXM_LONELY_ADJUST)
        return cxm_priv_dd(0);
    const struct cxm_dd a = cxm_priv_dd_sub(sum.totals.a, centre.a);
    const struct cxm_dd b = cxm_priv_dd_sub(sum.totals.b, centre.b);
    return cxm_priv_scatter_variance(
        drawn, cxm_priv_dd_mul(cxm_priv_settled(a, sum.totals.size_a + centre.size_a),
                               cxm_priv_settled(b, sum.totals.size_b + centre.size_b)));
}

/* Walks the units in order, and closes primary units and strata as they end. */
struct walk {
    const struct cxm_sample *sample;
    enum cxm_lonely lonely;
    struct cxm_unit_totals *first;  /* totals of the primary units of the open stratum */
    struct cxm_unit_totals *second; /* of the secondary units of the open primary unit */
    size_t n_first, n_second;
    struct pair primary, stratum;   /* sums of what is open; unit UINT32_MAX: nothing is */
    struct cxm_unit_totals centre, centre_2; /* means of all units of a stage */
    struct cxm_dd variance;
    uint32_t next_stratum, next_primary; /* the first that were not closed yet */
};

static void add_pair(struct pair *sum, const struct pair *part)
{
    sum->totals.a = cxm_priv_dd_add(sum->totals.a, part->totals.a);
    sum->totals.b = cxm_priv_dd_add(sum->totals.b, part->totals.b);
    sum->totals.size_a += part->totals.size_a;
    sum->totals.size_b += part->totals.size_b;
    sum->rows.a = cxm_priv_dd_add(sum->rows.a, part->rows.a);
    sum->rows.b = cxm_priv_dd_add(sum->rows.b, part->rows.b);
    sum->products = cxm_priv_dd_add(sum->products, part->products);
}

/* The second stage within primary unit c, of which `units` have rows. */
static void add_within(struct walk *w, uint32_t c, struct pair sum,
                       const struct cxm_unit_totals *units, size_t present)
{
    const struct cxm_sample *s = w->sample;
    const double f = cxm_priv_sampling_fraction(s->strata[s->stratum_of_primary[c]]);
    if (!(s->second || s->second_rows) || !(f > 0))
        return;
    const struct cxm_dd within = drawn_variance(s->primary[c], s->second_rows, sum, units, present,
                                                w->centre_2, w->lonely);
    w->variance = cxm_priv_dd_add(w->variance, cxm_priv_dd_mul(within, cxm_priv_dd(f)));
}

/* Units without rows of the group add nothing, but for lonely ones away from the centre. */
static void skip_primaries(struct walk *w, uint32_t end)
{
    const struct cxm_sample *s = w->sample;
    const struct pair nothing = { .unit = UINT32_MAX };
    if (w->lonely != CXM_LONELY_ADJUST || !(s->second || s->second_rows))
        return;
    for (; w->next_primary < end; w->next_primary++) {
        if (s->primary[w->next_primary].n == 1)
            add_within(w, w->next_primary, nothing, NULL, 0);
    }
}

static void close_primary(struct walk *w)
{
    const uint32_t c = w->primary.unit;
    if (c == UINT32_MAX)
        return;
    skip_primaries(w, c);
    add_within(w, c, w->primary, w->second, w->n_second);
    w->next_primary = c + 1;
    w->first[w->n_first++] = w->primary.totals;
    add_pair(&w->stratum, &w->primary);
    w->primary.unit = UINT32_MAX;
    w->n_second = 0;
}

static void skip_strata(struct walk *w, uint32_t end)
{
    const struct pair nothing = { .unit = UINT32_MAX };
    for (; w->next_stratum < end; w->next_stratum++) {
        const struct cxm_drawn drawn = w->sample->strata[w->next_stratum];
        if (drawn.n == 1 && w->lonely == CXM_LONELY_ADJUST)
            w->variance = cxm_priv_dd_add(w->variance,
                                          drawn_variance(drawn, true, nothing, NULL, 0, w->centre,
                                                         w->lonely));
    }
}

static void close_stratum(struct walk *w)
{
    if (w->sample->clusters)
        close_primary(w);
    if (w->stratum.unit == UINT32_MAX)
        return;
    skip_strata(w, w->stratum.unit);
    const struct cxm_dd between =
        drawn_variance(w->sample->strata[w->stratum.unit], !w->sample->clusters, w->stratum,
                       w->first, w->n_first, w->centre, w->lonely);
    w->variance = cxm_priv_dd_add(w->variance, between);
    w->next_stratum = w->stratum.unit + 1;
    w->stratum.unit = UINT32_MAX;
    w->n_first = 0;
}

static void open_unit(struct pair *open, uint32_t unit)
{
    *open = (struct pair){ .unit = unit };
}

static void visit(struct walk *w, const struct pair *pair)
{
    const struct cxm_sample *s = w->sample;
    const uint32_t c = s->second ? s->primary_of_finest[pair->unit] : pair->unit;
    const uint32_t h = s->clusters ? s->stratum_of_primary[c] : pair->unit;
    if (w->stratum.unit != h) {
        close_stratum(w);
        open_unit(&w->stratum, h);
    }
    if (!s->clusters) {
        add_pair(&w->stratum, pair);
        return;
    }
    if (w->primary.unit != c) {
        close_primary(w);
        open_unit(&w->primary, c);
    }
    add_pair(&w->primary, pair);
    if (s->second)
        w->second[w->n_second++] = pair->totals;
}

static struct cxm_unit_totals mean_of(struct cxm_unit_totals sum, int64_t n)
{
    const struct cxm_dd count = cxm_priv_dd_int(n);
    return (struct cxm_unit_totals){
        cxm_priv_dd_div(cxm_priv_settled(sum.a, sum.size_a), count),
        cxm_priv_dd_div(cxm_priv_settled(sum.b, sum.size_b), count),
        sum.size_a / (double)n, sum.size_b / (double)n,
    };
}

/* Means over all units of a stage, for lonely ones; of influences they are 0 but for totals. */
static void set_centres(struct walk *w, struct pairs pairs)
{
    const struct cxm_sample *s = w->sample;
    struct pair pair, sum = { .unit = 0 };
    int64_t n = 0, n_2 = 0;
    while (next_pair(&pairs, &pair))
        add_pair(&sum, &pair);
    for (uint32_t h = 0; h < s->n_strata; h++)
        n += s->strata[h].n;
    for (uint32_t c = 0; c < s->n_primary; c++)
        n_2 += s->primary[c].n;
    w->centre = mean_of(sum.totals, n);
    w->centre_2 = mean_of(sum.totals, n_2);
}

/* Room for `first` and `second` is as many totals as there are units in both groups, each. */
static double covariance_of(struct pairs pairs, enum cxm_lonely lonely,
                            struct cxm_unit_totals *first, struct cxm_unit_totals *second)
{
    struct walk w = { .sample = pairs.sample, .lonely = lonely, .first = first,
                      .second = second };
    struct pair pair;
    w.primary.unit = w.stratum.unit = UINT32_MAX;
    if (lonely == CXM_LONELY_ADJUST)
        set_centres(&w, pairs);
    while (next_pair(&pairs, &pair))
        visit(&w, &pair);
    close_stratum(&w);
    skip_strata(&w, pairs.sample->n_strata);
    skip_primaries(&w, pairs.sample->n_primary);
    return w.variance.hi;
}

/* ---- standard errors ------------------------------------------------------------------ */

double cxm_priv_view_df(const struct cxm_view *view, int64_t n)
{
    return view->domain != NULL ? (double)(view->domain->n_primary - view->domain->n_strata)
                                : (double)(n - 1);
}

/* S^2 / n, S^2 = n / (n - 1) times the weighted variance of the influences of unit weight, times
 * the weight they stand for over the divisor. */
static double simple_variance(const struct cxm_view *view, const struct cxm_form *form)
{
    const struct cxm_unit_spec *spec = &view->config->units[form->unit];
    const struct cxm_dd weight = cxm_priv_view_weights(view, form->unit, 0, spec->bins);
    int64_t n = 0;
    for (uint32_t b = 0; b < spec->bins; b++)
        n += cxm_priv_view_count(view, form->unit, b);
    if (n < 2)
        return NAN;
    const struct cxm_dd mean = cxm_priv_dd_div(cxm_priv_form_total(view, form, false, NULL), weight);
    const struct cxm_dd square = cxm_priv_dd_div(cxm_priv_form_squares(view, form, 1), weight);
    const struct cxm_dd mean2 = cxm_priv_dd_mul(mean, mean);
    struct cxm_dd variance = cxm_priv_dd_sub(square, mean2);
    if (!(variance.hi > ldexp(square.hi + mean2.hi, -98)))
        variance = cxm_priv_dd(0);
    const struct cxm_dd scale = cxm_priv_dd_div(weight, form->divisor);
    variance = cxm_priv_dd_mul(variance, cxm_priv_dd_mul(scale, scale));
    return variance.hi * form->factor * form->factor / (double)(n - 1);
}

void cxm_priv_capture_form(const struct cxm_view *view, const struct cxm_form *form,
                           double std_error)
{
    struct cxm_capture *capture = view->capture;
    if (capture == NULL)
        return;
    capture->linear = true;
    capture->variance = std_error * std_error;
    capture->simple_variance = simple_variance(view, form);
}

static void capture_sums(const struct cxm_view *view, const struct cxm_form *form, size_t n)
{
    struct cxm_capture *capture = view->capture;
    const struct cxm_unit_sums *sums = view->domain->sums;
    const struct cxm_dd factor = cxm_priv_dd(form->factor);
    capture->sums = cxm_priv_alloc(capture->allocator, n, sizeof *capture->sums);
    capture->no_memory = capture->sums == NULL;
    for (size_t i = 0; capture->sums != NULL && i < n; i++)
        capture->sums[i] = (struct cxm_unit_sums){
            sums[i].unit, cxm_priv_dd_mul(sums[i].total, factor), sums[i].size * fabs(form->factor),
            cxm_priv_dd_mul(sums[i].rows, factor),
            cxm_priv_dd_mul(sums[i].squares, cxm_priv_dd_mul(factor, factor)),
        };
    capture->n = n;
}

double cxm_priv_design_error(const struct cxm_view *view, const struct cxm_form *form)
{
    const struct cxm_domain *d = view->domain;
    const size_t n = cxm_priv_form_sums(view, form);
    *d->linear = true;
    const struct pairs pairs = { d->sample, d->sums, d->sums, n, n, 0, 0, true };
    const double variance = covariance_of(pairs, d->lonely, d->totals,
                                          d->totals + d->cells->dict.n);
    double std_error = fabs(form->factor) * sqrt(variance < 0 ? 0 : variance);
    if (!isfinite(variance) || isinf(std_error))
        std_error = NAN; /* beyond doubles */
    if (d->simple && d->sample->strata[0].n == 1 && !d->census)
        std_error = NAN; /* a sample of one row */
    if (view->capture != NULL) {
        capture_sums(view, form, n);
        cxm_priv_capture_form(view, form, std_error);
    }
    return std_error;
}

/* ---- covariances of groups ------------------------------------------------------------ */

static size_t most_sums(const struct cxm_capture *captures, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = captures[i].n > most ? captures[i].n : most;
    return most;
}

/* Primary units minus strata that have rows of any group. */
static enum cxm_status df_of_groups(struct cxm_tally *tally, const struct cxm_sample *s,
                                    const int64_t *groups, size_t n, double *df,
                                    struct cxm_error *error)
{
    bool *strata = cxm_priv_alloc_zero(s->allocator, s->n_strata, sizeof *strata);
    bool *primary = cxm_priv_alloc_zero(s->allocator, s->n_primary, sizeof *primary);
    int64_t units = 0;
    const bool room = strata != NULL && primary != NULL;
    for (size_t g = 0; room && g < n; g++) {
        size_t first, end;
        cxm_priv_group_cells(tally, groups[g], &first, &end);
        for (size_t i = first; i < end; i++) {
            const uint32_t unit = s->finest_of_cell[i];
            const uint32_t c = s->second ? s->primary_of_finest[unit] : unit;
            strata[s->clusters ? s->stratum_of_primary[c] : unit] = true;
            if (s->clusters)
                primary[c] = true;
            else
                units += cxm_priv_cell_rows(&tally->config,
                                            cxm_priv_table_cell(&tally->state.groups,
                                                                tally->order[i]));
        }
    }
    for (uint32_t h = 0; room && h < s->n_strata; h++)
        units -= strata[h];
    for (uint32_t c = 0; room && c < s->n_primary; c++)
        units += primary[c];
    cxm_priv_release(s->allocator, strata);
    cxm_priv_release(s->allocator, primary);
    *df = (double)units;
    return room ? CXM_OK : cxm_priv_no_memory(error);
}

static void fill_covariance(const struct cxm_sample *s, const struct cxm_capture *captures,
                            const struct cxm_estimate *estimates, size_t n,
                            enum cxm_lonely lonely, struct cxm_unit_totals *totals,
                            size_t room, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            const struct cxm_capture *a = &captures[i], *b = &captures[j];
            const bool known = !isnan(estimates[i].std_error) && !isnan(estimates[j].std_error);
            const struct pairs pairs = { s, a->sums, b->sums, a->n, b->n, 0, 0, i == j };
            double value = NAN;
            if (i == j)
                value = estimates[i].std_error * estimates[i].std_error;
            else if (known && s == NULL)
                value = 0;
            else if (known)
                value = covariance_of(pairs, lonely, totals, totals + room);
            out[i * n + j] = out[j * n + i] = value;
        }
    }
}

enum cxm_status cxm_priv_design_covariance(struct cxm_tally *tally, uint32_t measure,
                                           const int64_t *groups, size_t n, int32_t lonely,
                                           double *covariance, double *df,
                                           struct cxm_error *error)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (groups[i] == CXM_TOTAL || groups[j] == CXM_TOTAL || groups[i] == groups[j])
                return cxm_priv_fail(error, CXM_EINVAL, "groups",
                                     "groups that share rows have no such covariance");
        }
    }
    const struct cxm_allocator *allocator = &tally->allocator;
    const bool design = tally->schema.n_design > 0 && tally->state.groups.dict.n > 0;
    struct cxm_sample sample = { .allocator = NULL };
    struct cxm_estimate *estimates = cxm_priv_alloc(allocator, n, sizeof *estimates);
    struct cxm_capture *captures = cxm_priv_alloc_zero(allocator, n, sizeof *captures);
    struct cxm_unit_totals *totals = NULL;
    enum cxm_status status = CXM_OK;
    if (estimates == NULL || captures == NULL)
        status = cxm_priv_no_memory(error);
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        captures[i].allocator = allocator;
    if (status == CXM_OK)
        status = cxm_priv_estimate_captured(tally, measure, groups, n, lonely, estimates,
                                            captures, error);
    if (status == CXM_OK && design)
        status = cxm_priv_sample_make(tally, (enum cxm_lonely)lonely, &sample, error);
    *df = INFINITY;
    if (status == CXM_OK && design)
        status = df_of_groups(tally, &sample, groups, n, df, error);
    const size_t room = status == CXM_OK ? 2 * most_sums(captures, n) : 0; /* of two groups */
    if (status == CXM_OK) {
        totals = cxm_priv_alloc(allocator, 2 * room, sizeof *totals);
        if (totals == NULL)
            status = cxm_priv_no_memory(error);
    }
    if (status == CXM_OK)
        fill_covariance(design ? &sample : NULL, captures, estimates, n, (enum cxm_lonely)lonely,
                        totals, room, covariance);
    for (size_t i = 0; captures != NULL && i < n; i++)
        cxm_priv_release(allocator, captures[i].sums);
    cxm_priv_sample_release(&sample);
    cxm_priv_release(allocator, totals);
    cxm_priv_release(allocator, captures);
    cxm_priv_release(allocator, estimates);
    return status;
}

/* ---- design effects ------------------------------------------------------------------- */

enum cxm_status cxm_tally_design(struct cxm_tally *tally, int64_t group, uint32_t measure,
                                 int32_t lonely, struct cxm_design *out, struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    struct cxm_estimate e;
    struct cxm_capture capture = { .allocator = &tally->allocator, .variance = NAN,
                                   .simple_variance = NAN };
    const enum cxm_status status = cxm_priv_estimate_captured(tally, measure, &group, 1, lonely,
                                                              &e, &capture, error);
    cxm_priv_release(&tally->allocator, capture.sums);
    if (status != CXM_OK)
        return status;
    const bool design = capture.n_primary > 0;
    const double n = (double)e.n, population = e.sum_weight;
    const double ratio = capture.variance / capture.simple_variance;
    struct cxm_design d = { .strata = design ? capture.n_strata : 1,
                            .clusters = design ? capture.n_primary : e.n };
    d.df = (double)(d.clusters - d.strata);
    d.deff_replace = isfinite(ratio) ? ratio : NAN;
    d.deff = population > n ? d.deff_replace / ((population - n) / population) : NAN;
    d.n_eff_kish = e.n_eff;
    d.deff_weight = e.n > 0 ? n / e.n_eff : NAN;
    d.n_eff_design = capture.variance > 0
                       ? (n - 1) * capture.simple_variance / capture.variance
                       : NAN;
    *out = d;
    return CXM_OK;
}
