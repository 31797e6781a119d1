/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of quantiles, durations and survival: every column in random storage and once more
 * plain, with none to five threads, must give the same bits, and what the obvious program of each
 * says, which sorts with qsort and adds up. */
#include "random_events.h"

/* ---- quantiles --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Hyndman & Fan (1996), counted from 1; p is a multiple of 1/16, so that n p is exact. */
static double slow_quantile(const double *x, int64_t n, double p, int type, double *scale)
{
    static const double add[] = { 0, 0.5, 0, 1, 1.0 / 3, 0.375 };
    const double np = (double)n * p, whole = floor(np);
    double h = np;
    if (type == 1)
        h = ceil(np);
    else if (type == 2 && np == whole)
        h = np + 0.5;
    else if (type == 2)
        h = ceil(np);
    else if (type == 3)
        h = np - whole == 0.5 ? whole + fmod(whole, 2) : floor(np + 0.5);
    else if (type == 6)
        h = np + p;
    else if (type == 7)
        h = np + 1 - p;
    else if (type == 8)
        h = np + (p + 1) / 3;
    else if (type > 4)
        h = np + add[type - 4] + (type == 9 ? p / 4 : 0);
    h = h < 1 ? 1 : h > (double)n ? (double)n : h;
    const int64_t low = (int64_t)floor(h), high = low < n ? low + 1 : n;
    const double part = h - floor(h), a = x[low - 1], b = x[high - 1];
    *scale = part > 0 ? fmax(fabs(a), fabs(b)) : 0;
    return part > 0 ? (1 - part) * a + part * b : a;
}

static void check_quantiles(const struct maker *m, const struct cxm_report *r, const double *value,
                            const struct series by[2], int n_by, int type)
{
    double *sorted = arena_take(m->arena, (size_t)m->n, sizeof *sorted);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const int64_t group = group_of_row(r, row);
        int64_t n = 0, missing = 0, invalid = 0;
        for (int64_t i = 0; i < m->n; i++) {
            if (e[row].group != CXM_TOTAL && group_of(by, n_by, i) != group)
                continue;
            missing += isnan(value[i]);
            invalid += isinf(value[i]) != 0;
            if (isfinite(value[i]))
                sorted[n++] = value[i];
        }
        SAME(e[row].n == n && e[row].missing == missing && e[row].invalid == invalid, "rows of a quantile");
        SAME((n == 0) == (isnan(e[row].value) != 0), "a quantile of nothing");
        if (n == 0)
            continue;
        qsort(sorted, (size_t)n, sizeof *sorted, by_value);
        double scale;
        const double want = slow_quantile(sorted, n, real_axis(r, "probability", row), type, &scale);
        SAME(fabs(e[row].value - want) <= (4e-16 + (type > 7 ? 4e-16 * (double)n : 0)) * 2 * scale + 5e-324,
             "another quantile");
    }
}

static void a_quantile(const struct maker *m)
{
    struct cxm_column value, plain;
    memset(&value, 0, sizeof value);
    struct series by[2] = { new_series(m, one_in(m, 2)), new_series(m, one_in(m, 4)) };
    const bool shifted = one_in(m, 3), total = one_in(m, 2);
    const int n_by = m->n == 0 || one_in(m, 3) ? 0 : one_in(m, 4) ? 2 : 1;
    const uint64_t groups = one_in(m, 8) ? 400 : 1 + random_below(m->seed, 12);
    for (int64_t i = 0; i < m->n; i++) {
        by[0].v[i] = (shifted ? -5 : 0) + (int64_t)(one_in(m, 3) ? 0 : random_below(m->seed, groups));
        by[1].v[i] = (int64_t)random_below(m->seed, 3);
    }
    store_whole(m, &by[0], false);
    store_whole(m, &by[1], false);
    make_numbers(m, OF_SLOT, SLOT_REAL, NULL, true, -1, &value, &plain, NULL);
    double probs[4];
    for (int k = 0; k < 4; k++)
        probs[k] = (double)random_below(m->seed, 17) / 16;
    struct cxm_quantiles_options o = { CXM_INIT(quantiles), .probs = probs, .n_probs = 4,
                                       .type = (int32_t)random_below(m->seed, 10), .total = total,
                                       .invalid = CXM_INVALID_COUNT, .n_by = (size_t)n_by };
    struct cxm_report *reports[MOST_ROADS] = { NULL };
    for (int road = 0; road < MOST_ROADS; road++) {
        const struct cxm_column keys[2] = { *of_road(&by[0], road), *of_road(&by[1], road) };
        o.by = n_by > 0 ? keys : NULL;
        o.threads = threads_of_road(road);
        SAME(cxm_quantiles(road == 0 ? &plain : &value, &o, &reports[road], &error) == CXM_OK, error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    if (groups < 20 || m->n < 5000)
        check_quantiles(m, reports[0], plain.data, by, n_by, o.type == 0 ? 7 : o.type);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

/* ---- durations --------------------------------------------------------------------------- */

static void a_duration(const struct maker *m)
{
    struct series s[2] = { new_series(m, one_in(m, 3)), new_series(m, one_in(m, 2)) };
    const uint64_t span = 1 + random_below(m->seed, one_in(m, 3) ? UINT64_C(1) << 36 : 4000000);
    const int64_t begin = (int64_t)random_below(m->seed, UINT64_C(1) << 36) - (INT64_C(1) << 35);
    const int64_t units[] = { 1, 60, 3600, DAY, 7 * DAY, 1 + (int64_t)random_below(m->seed, span) };
    const int64_t unit = units[random_below(m->seed, COUNT_OF(units))];
    const int64_t as_of = begin + (int64_t)random_below(m->seed, 2 * span);
    for (int64_t i = 0; i < m->n; i++) {
        s[0].v[i] = begin + (int64_t)random_below(m->seed, span);
        s[1].v[i] = one_in(m, 8)  ? s[0].v[i] + unit * (int64_t)random_below(m->seed, 5)
                  : one_in(m, 30) ? as_of + (int64_t)random_below(m->seed, 3) - 1
                                  : begin + (int64_t)random_below(m->seed, 2 * span);
    }
    store_instants(m, &s[0]);
    store_instants(m, &s[1]);
    double *took[2];
    uint8_t *event[2];
    struct cxm_duration_counts counts[2];
    for (int k = 0; k < 2; k++) {
        took[k] = arena_take(m->arena, (size_t)m->n, sizeof **took);
        event[k] = arena_take(m->arena, (size_t)m->n, 1);
        SAME(cxm_durations(of_road(&s[0], k), of_road(&s[1], k), as_of, unit, took[k], event[k], &counts[k],
                           &error) == CXM_OK, error.message);
        counts[k].subsecond = 0;
    }
    struct cxm_duration_counts want = { 0 };
    for (int64_t i = 0; i < m->n; i++) {
        double duration = (double)NAN;
        bool lost = false;
        if (!s[0].present[i])
            want.missing++;
        else if (s[0].v[i] > as_of)
            want.unseen++;
        else if (s[1].present[i] && s[1].v[i] < s[0].v[i])
            want.bad++;
        else {
            lost = s[1].present[i] && s[1].v[i] <= as_of;
            duration = (double)(((lost ? s[1].v[i] : as_of) - s[0].v[i]) / unit);
            want.n++;
        }
        for (int k = 0; k < 2; k++)
            SAME(is_close(took[k][i], duration, 0) && event[k][i] == lost, "another duration");
    }
    for (int k = 0; k < 2; k++)
        SAME(memcmp(&counts[k], &want, sizeof want) == 0, "other counts of durations");
}

/* ---- survival ---------------------------------------------------------------------------- */

/* Curves and incidences time by time, each from all rows. */
static void check_survival(const struct maker *m, const struct cxm_report *r, const struct series s[4],
                           const struct series *by)
{
    const struct cxm_estimate *e = cxm_report_estimates(r);
    int64_t group = 0, before = 0;
    double survival = 1, incidence[3] = { 0, 0, 0 };
    bool fresh = true;
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const char *measure = cxm_report_measure(r, row);
        if (strcmp(measure, "survival") != 0 && strncmp(measure, "incidence", 9) != 0)
            continue;
        if (isnan(real_axis(r, "time", row))) { /* of a group of nobody */
            SAME(e[row].n == 0 && isnan(e[row].value) && measure[0] == 's', "a curve of nobody");
            continue;
        }
        const int64_t g = group_of_row(r, row), t = (int64_t)real_axis(r, "time", row);
        if (fresh || g != group || t < before) {
            survival = 1;
            incidence[1] = incidence[2] = 0;
            before = INT64_MIN;
        }
        fresh = false;
        group = g;
        if (t != before) {
            int64_t at_risk = 0, events[3] = { 0, 0, 0 };
            for (int64_t i = 0; i < m->n; i++) {
                const bool mine = by == NULL || group_of(by, 1, i) == g;
                if (!mine || !s[0].present[i] || !s[1].present[i] || !s[2].present[i]
                    || s[2].v[i] >= s[0].v[i])
                    continue;
                at_risk += s[2].v[i] < t && t <= s[0].v[i] ? s[3].v[i] : 0;
                events[s[1].v[i]] += s[0].v[i] == t ? s[3].v[i] : 0;
            }
            for (int k = 1; k < 3 && at_risk > 0; k++)
                incidence[k] += survival * (double)events[k] / (double)at_risk;
            if (at_risk > 0)
                survival *= (double)(at_risk - events[1] - events[2]) / (double)at_risk;
            SAME(int_axis(r, "at_risk", row) == at_risk, "others at risk");
            before = t;
        }
        const double want = measure[0] == 's' ? survival : incidence[strstr(measure, "soft") != NULL ? 2 : 1];
        SAME(fabs(e[row].value - want) <= 1e-11, "another point of a curve");
    }
}

static void a_survival(const struct maker *m)
{
    struct series s[4], by = new_series(m, one_in(m, 3)); /* duration, cause, entry, copies */
    for (int k = 0; k < 4; k++)
        s[k] = new_series(m, k < 3 && one_in(m, 3));
    const uint64_t span = 1 + random_below(m->seed, one_in(m, 3) ? 20 : 5000);
    const bool grouped = m->n > 0 && !one_in(m, 3), copies = one_in(m, 3), late = one_in(m, 3);
    for (int64_t i = 0; i < m->n; i++) {
        s[0].v[i] = (int64_t)random_below(m->seed, span);
        s[1].v[i] = (int64_t)random_below(m->seed, 3);
        s[2].v[i] = late ? (int64_t)random_below(m->seed, span / 2 + 1) : -1;
        s[2].present[i] = !late || s[2].present[i];
        s[3].v[i] = copies ? (int64_t)random_below(m->seed, one_in(m, 50) ? UINT64_C(1) << 33 : 3) : 1;
        by.v[i] = (int64_t)random_below(m->seed, 4) - 1;
    }
    for (int k = 0; k < 4; k++)
        store_whole(m, &s[k], k < 3);
    store_whole(m, &by, false);
    struct cxm_report *reports[MOST_ROADS];
    for (int road = 0; road < MOST_ROADS; road++) {
        const struct cxm_duration_options o = {
            CXM_INIT(competing_risks), .by = grouped ? of_road(&by, road) : NULL,
            .entry = late ? of_road(&s[2], road) : NULL, .freq = copies ? of_road(&s[3], road) : NULL,
            .threads = threads_of_road(road),
            .causes = two_dimensions, .n_causes = 2, .invalid = CXM_INVALID_COUNT };
        SAME(cxm_competing_risks(of_road(&s[0], road), of_road(&s[1], road), &o, &reports[road], &error)
                 == CXM_OK, error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    if (m->n < 1000)
        check_survival(m, reports[0], s, grouped ? &by : NULL);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

/* ---- all of them ------------------------------------------------------------------------- */

static void quantiles_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_quantile, 2, 300000);
}

static void durations_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_duration, 2, 60000);
}

static void survival_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_survival, 2, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_any_columns),
        cmocka_unit_test(durations_of_any_columns),
        cmocka_unit_test(survival_of_any_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
