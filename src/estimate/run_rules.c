/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Run rules: patterns that a process in control rarely shows. The point that completes a
 * pattern is the one that is marked. At most 15 points are looked back at.
 *
 * Western Electric 1956, Statistical Quality Control Handbook; Nelson 1984, JQT 16:237. */
#include "estimate/chart.h"

#include <math.h>

/* The last `n` points that end at `end`, in one sequence. */
struct window {
    const double *end;
    size_t n; /* that there are, this one included */
};

static double back(const struct window *w, size_t by)
{
    return *(w->end - by);
}

static bool one_side(const struct window *w, size_t n, double sign)
{
    if (w->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(sign * back(w, i) > 0.0))
            return false;
    return true;
}

static bool monotone(const struct window *w, size_t n, double sign)
{
    if (w->n < n)
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (!(sign * back(w, i) > sign * back(w, i + 1)))
            return false;
    return true;
}

/* `sign` is the direction of the last step. */
static bool alternating(const struct window *w, size_t n, double sign)
{
    if (w->n < n)
        return false;
    for (size_t i = 0; i + 1 < n; i++, sign = -sign)
        if (!(sign * back(w, i) > sign * back(w, i + 1)))
            return false;
    return true;
}

/* The last one and so many others of the `n` last lie beyond `limit` on one side. */
static bool beyond(const struct window *w, size_t need, size_t n, double limit, double sign)
{
    size_t found = 0;
    for (size_t i = 0; i < n && i < w->n; i++)
        found += sign * back(w, i) > limit;
    return sign * back(w, 0) > limit && found >= need;
}

static bool within(const struct window *w, size_t n)
{
    if (w->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(back(w, i)) < 1.0))
            return false;
    return true;
}

static bool outside_on_both_sides(const struct window *w, size_t n)
{
    bool high = false, low = false;
    if (w->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(back(w, i)) > 1.0))
            return false;
        high = high || back(w, i) > 0.0;
        low = low || back(w, i) < 0.0;
    }
    return high && low;
}

static bool two_sided(bool (*rule)(const struct window *, size_t, double),
                      const struct window *w, size_t n)
{
    return rule(w, n, 1.0) || rule(w, n, -1.0);
}

static uint32_t patterns(const struct window *w)
{
    const struct { bool found; uint32_t rule; } all[] = {
        { fabs(back(w, 0)) > 3.0, CXM_RULE_N1 },
        { two_sided(one_side, w, 9), CXM_RULE_N2 },
        { two_sided(monotone, w, 6), CXM_RULE_N3 },
        { two_sided(alternating, w, 14), CXM_RULE_N4 },
        { beyond(w, 2, 3, 2.0, 1.0) || beyond(w, 2, 3, 2.0, -1.0), CXM_RULE_N5 },
        { beyond(w, 4, 5, 1.0, 1.0) || beyond(w, 4, 5, 1.0, -1.0), CXM_RULE_N6 },
        { within(w, 15), CXM_RULE_N7 },
        { outside_on_both_sides(w, 8), CXM_RULE_N8 },
        { two_sided(one_side, w, 8), CXM_RULE_WE4 },
    };
    uint32_t found = 0;
    for (size_t i = 0; i < CXM_COUNT(all); i++)
        found |= all[i].found ? all[i].rule : 0;
    return found;
}

void cxm_priv_run_rules(const double *z, const bool *after_gap, size_t n, uint32_t rules,
                        uint32_t *hits)
{
    struct window w = { z, 0 };
    for (size_t i = 0; i < n; i++) {
        w.n = after_gap != NULL && after_gap[i] ? 1 : w.n + 1;
        w.end = &z[i];
        hits[i] = patterns(&w) & rules;
    }
}
