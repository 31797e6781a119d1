/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of scores of weighted groups and of means of a variable: as score_rows.c, of exact sums. Typical:
 * a million groups of 20 rows, 5 to 11 bins of two sums each. The sums of 32 groups are read and the
 * formulas of bins.c and view.c go along them, in vectors; limits, which need few sums, are those of
 * bins.c. Groups with sums of many digits, and units with many bins, take the road of a single group. */
#include "metric/weighed_loops.h"

#ifdef __FP_FAST_FMA
enum { FUSED = 1 };
#else
enum { FUSED = 0 };
#endif

void cxm_priv_weigh_c(const struct cxm_weighing *w, struct cxm_weighed *out)
{
    cxm_weigh_loop(w, out, FUSED);
}

void cxm_priv_average_c(const struct cxm_averaging *a, struct cxm_weighed *out)
{
    cxm_average_loop(a, out, FUSED);
}

#if CXM_WEIGHED_X86
static bool has_avx512(unsigned mask)
{
    return (mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512dq");
}

static bool has_avx2(unsigned mask)
{
    return (mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2") && __builtin_cpu_supports("fma");
}
#endif

cxm_weigh *cxm_priv_weigh(unsigned mask)
{
    (void)mask;
#if CXM_WEIGHED_X86
    if (has_avx512(mask))
        return cxm_priv_weigh_avx512;
    if (has_avx2(mask))
        return cxm_priv_weigh_avx2;
#endif
    return cxm_priv_weigh_c;
}

cxm_average *cxm_priv_average(unsigned mask)
{
    (void)mask;
#if CXM_WEIGHED_X86
    if (has_avx512(mask))
        return cxm_priv_average_avx512;
    if (has_avx2(mask))
        return cxm_priv_average_avx2;
#endif
    return cxm_priv_average_c;
}

struct cxm_window cxm_priv_weighed_window(const struct cxm_weighing *w, uint32_t odd)
{
    struct cxm_window window = { 0, 0 };
    for (uint32_t b = 0; b < w->bins; b++)
        window = cxm_priv_window_union(window, w->windows[2 * b + odd]);
    return window;
}

/* Few limbs, all within so many digits of 32 bits on either side of the point? */
static bool is_near(struct cxm_window window, int32_t reach)
{
    return window.n <= CXM_WEIGHED_LIMBS && window.lo >= -reach && window.lo + window.n <= reach;
}

bool cxm_priv_can_weigh(const struct cxm_weighing *w)
{
    enum { REACH = 8 }; /* of weights */
    return w->bins <= CXM_WEIGHED_BINS && is_near(cxm_priv_weighed_window(w, 0), REACH)
        && is_near(cxm_priv_weighed_window(w, 1), 2 * REACH);
}

/* With weights beyond 2^-128 and sums below 2^192 the square of a mean is within 2^640 of 1. */
bool cxm_priv_can_average(const struct cxm_averaging *a)
{
    static const int32_t with_weights[] = { 4, 8, 6, 6, 10, 12 }, without[] = { 6, 12 };
    const int32_t *reach = a->weighted ? with_weights : without;
    const uint32_t n = a->weighted ? CXM_COUNT(with_weights) : CXM_COUNT(without);
    bool can = true;
    for (uint32_t s = 0; s < n && can; s++)
        can = is_near(a->sums.windows[s], reach[s]);
    return can;
}

static int64_t answers(const int64_t *counts, uint32_t bins)
{
    int64_t n = 0;
    for (uint32_t b = 0; b < bins; b++)
        n += counts[b];
    return n;
}

static void finish_row(const struct cxm_view *view, const struct cxm_score *score,
                       const struct cxm_ask *ask, const struct cxm_weighed *w, size_t i,
                       struct cxm_estimate *out)
{
    const double counts[3] = { w->counts[0][i], w->counts[1][i], w->counts[2][i] };
    out->value = score->offset + score->factor * w->mean[i];
    out->std_error = fabs(score->factor) * sqrt(cxm_priv_bessel(out->n) * w->scatter[i]);
    if (score->kind == CXM_SCORE_SHARE)
        cxm_priv_finish_share(view, ask, 0, out); /* weights have no number of answers */
    else if (score->kind == CXM_SCORE_NET)
        cxm_priv_finish_net(view, ask, counts, out);
    else
        cxm_priv_finish_mean(view, out, ask, score->low, score->high);
}

/* A place for each of CXM_SCORE_ROWS groups; the first stands for those that are not there. */
static void fill_up(const int64_t *const *cells, size_t n, const int64_t **out)
{
    for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
        out[i] = cells[i < n ? i : 0];
}

static bool weigh(const struct cxm_view *view, const struct cxm_score *score,
                  const int64_t *const *cells, const int64_t *const *soon, struct cxm_weighed *out)
{
    const struct cxm_unit_spec *spec = &view->config->units[score->unit];
    const struct cxm_unit_layout unit = cxm_priv_unit_layout(view->config, score->unit,
                                                             view->weighted);
    const struct cxm_layout *layout = &view->table->layout;
    const struct cxm_averaging a = {
        { spec->bins, layout->windows + unit.sums_at, layout->at + unit.sums_at, score->y, cells, soon },
        view->weighted, unit.counts_at,
    };
    if (score->kind == CXM_SCORE_VARIABLE) {
        const bool can = cxm_priv_can_average(&a);
        if (can)
            cxm_priv_average(0)(&a, out);
        return can;
    }
    const bool can = cxm_priv_can_weigh(&a.sums);
    if (can)
        cxm_priv_weigh(0)(&a.sums, out);
    return can;
}

void cxm_priv_weighed_rows(const struct cxm_view *view, const struct cxm_score *score,
                           const struct cxm_ask *ask, struct cxm_cells_of_rows now,
                           struct cxm_cells_of_rows next, struct cxm_estimate *out, size_t step)
{
    const uint32_t bins = view->config->units[score->unit].bins;
    const uint32_t counts_at = cxm_priv_unit_layout(view->config, score->unit, view->weighted).counts_at;
    const int64_t *cells[CXM_SCORE_ROWS], *soon[CXM_SCORE_ROWS];
    struct cxm_weighed weighed;
    fill_up(now.cells, now.n, cells);
    fill_up(next.n > 0 ? next.cells : now.cells, next.n > 0 ? next.n : now.n, soon);
    const bool can = weigh(view, score, cells, soon, &weighed);
    for (size_t i = 0; i < now.n; i++) {
        struct cxm_estimate *o = &out[i * step];
        struct cxm_view one = *view;
        one.cell = cells[i];
        if (!can || (weighed.slow[i] != 0 && answers(cells[i] + counts_at, bins) > 0)) {
            cxm_priv_estimate_score(&one, score, ask, o);
            continue;
        }
        cxm_priv_begin_known(&one, score->unit, ask, weighed.weight[i], weighed.n_eff[i], o);
        o->interval = cxm_priv_score_method(score, ask);
        if (o->n > 0)
            finish_row(&one, score, ask, &weighed, i, o);
    }
}
