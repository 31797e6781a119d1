/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same customers in two waves: change of the net score and tests of the 3 x 3 table of
 * answers. Everything is a function of the nine counts, whole or (for weights) real.
 *
 * Stuart 1955 and Maxwell 1970 in the symmetric form of Fleiss & Everitt (1971, British
 * Journal of Mathematical and Statistical Psychology 24:117); Bhapkar 1966; Bowker 1948;
 * McNemar 1947, Psychometrika 12:153. */
#include "estimate/compare.h"

#include "estimate/exact.h"
#include "estimate/quantile.h"

#include <math.h>

struct margins {
    double n, row[3], column[3];
};

static struct margins margins_of(const double counts[3][3])
{
    struct margins m = { 0.0, { 0 }, { 0 } };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            m.row[i] += counts[i][j];
            m.column[j] += counts[i][j];
            m.n += counts[i][j];
        }
    return m;
}

/* Sum of the changes to this power, 1 or 2. */
static double sum_of_changes(const double counts[3][3], int power)
{
    double sum = 0.0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            sum += counts[i][j] * (power == 1 ? j - i : (j - i) * (j - i));
    return sum;
}

static void changes(const double counts[3][3], const struct margins *m, double level,
                    struct cxm_paired_nets *out)
{
    const double mean = sum_of_changes(counts, 1) / m->n;
    double squares = 0.0; /* about the mean: no cancellation */
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            squares += counts[i][j] * (j - i - mean) * (j - i - mean);
    const double variance = squares / m->n;
    out->z = cxm_priv_compare_wald(mean, sqrt(variance / m->n), (double)INFINITY, level);
    const double df = m->n - 1.0;
    out->t = cxm_priv_compare_wald(mean, df > 0.0 ? sqrt(variance / df) : (double)NAN, df, level);
}

/* sum over i of d_i^2 times the mean of the two cells that do not touch i. */
static void homogeneity(const double counts[3][3], const struct margins *m,
                        struct cxm_paired_nets *out)
{
    const double d[3] = { m->row[0] - m->column[0], m->row[1] - m->column[1],
                          m->row[2] - m->column[2] };
    const double off[3] = { 0.5 * (counts[1][2] + counts[2][1]), /* off[i] does not touch i */
                            0.5 * (counts[0][2] + counts[2][0]),
                            0.5 * (counts[0][1] + counts[1][0]) };
    const int used = (off[0] > 0.0) + (off[1] > 0.0) + (off[2] > 0.0);
    const double top = off[0] * d[0] * d[0] + off[1] * d[1] * d[1] + off[2] * d[2] * d[2];
    const double bottom = 2.0 * (off[0] * off[1] + off[0] * off[2] + off[1] * off[2]);
    out->stuart_maxwell = top / bottom;
    out->stuart_maxwell_df = used > 1 ? 2.0 : used;
    if (used == 1) { /* one pair of categories: McNemar between them */
        const double gap = fmax(fabs(d[0]), fabs(d[1]));
        out->stuart_maxwell = gap * gap / (2.0 * (off[0] + off[1] + off[2]));
    }
    const double share = out->stuart_maxwell / m->n;
    out->bhapkar = share < 1.0 ? out->stuart_maxwell / (1.0 - share) : (double)INFINITY;
    if (isnan(share))
        out->bhapkar = NAN;
    out->stuart_maxwell_p = cxm_priv_chi2_upper(out->stuart_maxwell, out->stuart_maxwell_df);
    out->bhapkar_p = cxm_priv_chi2_upper(out->bhapkar, out->stuart_maxwell_df);
    const double change = sum_of_changes(counts, 1);
    out->score = change * change / sum_of_changes(counts, 2);
    out->score_p = cxm_priv_chi2_upper(out->score, 1.0);
}

static void symmetry(const double counts[3][3], struct cxm_paired_nets *out)
{
    for (int i = 0; i < 3; i++)
        for (int j = i + 1; j < 3; j++) {
            const double both = counts[i][j] + counts[j][i];
            const double gap = counts[i][j] - counts[j][i];
            if (both > 0.0) {
                out->bowker += gap * gap / both;
                out->bowker_df += 1.0;
            }
        }
    if (out->bowker_df == 0.0)
        out->bowker = NAN;
    out->bowker_p = cxm_priv_chi2_upper(out->bowker, out->bowker_df);
}

static void promoters(const double counts[3][3], struct cxm_paired_nets *out)
{
    const double up = counts[0][2] + counts[1][2];
    const double down = counts[2][0] + counts[2][1];
    const double gap = fabs(up - down), n = up + down;
    out->mcnemar = gap * gap / n;
    out->mcnemar_p = cxm_priv_chi2_upper(out->mcnemar, 1.0);
    const double corrected = fmax(0.0, gap - 1.0);
    out->mcnemar_corrected = corrected * corrected / n;
    out->mcnemar_corrected_p = cxm_priv_chi2_upper(out->mcnemar_corrected, 1.0);
    out->mcnemar_exact_p = out->mcnemar_mid_p = NAN;
    if (up != floor(up) || down != floor(down) || n > 0x1p53)
        return;
    /* Both tails of chance 1/2 are alike; the mid-p of Fagerland, Lydersen & Laake 2013, BMC
     * Medical Research Methodology 13:91, leaves out half of the outcomes as likely as this. */
    const double tie = cxm_priv_binomial(up, n, 0.5);
    out->mcnemar_exact_p =
        gap > 0.0 ? fmin(1.0, 2.0 * cxm_priv_binomial_at_most(fmin(up, down), n, 0.5)) : 1.0;
    out->mcnemar_mid_p = out->mcnemar_exact_p - (gap > 0.0 ? tie : 0.5 * tie);
}

struct cxm_paired_nets cxm_priv_paired_nets(const double counts[3][3], double level)
{
    const struct margins m = margins_of(counts);
    struct cxm_paired_nets out = { .n = m.n, .before = (m.row[2] - m.row[0]) / m.n,
                                   .after = (m.column[2] - m.column[0]) / m.n };
    changes(counts, &m, level, &out);
    homogeneity(counts, &m, &out);
    symmetry(counts, &out);
    promoters(counts, &out);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out.transition[i][j] = counts[i][j] / m.row[i];
    if (!(m.n > 0.0))
        out.z.flags = out.t.flags = CXM_FLAG_NO_DATA;
    return out;
}
