/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of scores of weighted groups: as score_rows.c, for bins whose weights are exact sums. Typical:
 * a million groups of 20 rows, 5 to 11 bins of two sums each. The sums of 32 groups are read and the
 * formulas of bins.c go along them, in vectors; limits, which need few sums, are those of bins.c.
 * Groups with sums of many digits, and units with many bins, take the road of a single group. */
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

cxm_weigh *cxm_priv_weigh(unsigned mask)
{
#if CXM_WEIGHED_X86
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512dq"))
        return cxm_priv_weigh_avx512;
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2") && __builtin_cpu_supports("fma"))
        return cxm_priv_weigh_avx2;
#else
    (void)mask;
#endif
    return cxm_priv_weigh_c;
}

bool cxm_priv_can_weigh(const struct cxm_weighing *w)
{
    enum { REACH = 8 }; /* digits of 32 bits on either side of the point, of weights */
    bool can = w->bins <= CXM_WEIGHED_BINS;
    for (uint32_t s = 0; s < 2 * w->bins && can; s++) {
        const struct cxm_window window = w->windows[s];
        const int32_t reach = s % 2 == 0 ? REACH : 2 * REACH;
        can = window.n <= CXM_WEIGHED_LIMBS && window.lo >= -reach && window.lo + window.n <= reach;
    }
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

void cxm_priv_weighed_rows(const struct cxm_view *view, const struct cxm_score *score,
                           const struct cxm_ask *ask, struct cxm_cells_of_rows now,
                           struct cxm_cells_of_rows next, struct cxm_estimate *out, size_t step)
{
    const uint32_t bins = view->config->units[score->unit].bins;
    const struct cxm_unit_layout unit = cxm_priv_unit_layout(view->config, score->unit, true);
    const struct cxm_layout *layout = &view->table->layout;
    const int64_t *cells[CXM_SCORE_ROWS], *soon[CXM_SCORE_ROWS];
    const struct cxm_weighing w = { bins, layout->windows + unit.sums_at,
                                    layout->at + unit.sums_at, score->y, cells, soon };
    const bool can = cxm_priv_can_weigh(&w);
    struct cxm_weighed weighed;
    fill_up(now.cells, now.n, cells);
    fill_up(next.n > 0 ? next.cells : now.cells, next.n > 0 ? next.n : now.n, soon);
    if (can)
        cxm_priv_weigh(0)(&w, &weighed);
    for (size_t i = 0; i < now.n; i++) {
        struct cxm_estimate *o = &out[i * step];
        struct cxm_view one = *view;
        one.cell = cells[i];
        if (!can || (weighed.slow[i] != 0 && answers(cells[i] + unit.counts_at, bins) > 0)) {
            cxm_priv_estimate_score(&one, score, ask, o);
            continue;
        }
        cxm_priv_begin_known(&one, score->unit, ask, weighed.weight[i], weighed.n_eff[i], o);
        o->interval = cxm_priv_score_method(score, ask);
        if (o->n > 0)
            finish_row(&one, score, ask, &weighed, i, o);
    }
}
