/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast exact quantiles are: p50, p90 and p99 with their order-statistic intervals of 50 million
 * durations in seconds (f64) in 100 groups (u32), with one and two threads, between readings of
 * the same bytes (the yardstick). Medians.
 *
 *   bench_w9 [--rows N] [--repeat N] [--data KIND] [--gate]
 *
 * KIND: lognormal (default), uniform, normal, equal, minutes (whole, many ties), sorted (by group,
 * then value), skewed (half of the rows in one group), missing (3 % NaN). --gate fails beyond 1.5 times the
 * recorded "times the time of reading the bytes once". */
#include <cxm/cxm.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 31, GROUPS = 100 };

static const double recorded = 4.0;

struct data {
    size_t n;
    double *seconds;
    uint32_t *group;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t state = 42;

/* In (0, 1]. */
static double draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 1) * 0x1p-53;
}

static double value_of(const char *kind, size_t i, size_t n)
{
    const double normal = sqrt(-2 * log(draw())) * cos(6.283185307179586 * draw());
    if (strcmp(kind, "equal") == 0)
        return 300;
    if (strcmp(kind, "uniform") == 0)
        return draw() * 1e4;
    if (strcmp(kind, "normal") == 0)
        return normal;
    if (strcmp(kind, "minutes") == 0)
        return ceil(exp(2 + normal));
    if (strcmp(kind, "sorted") == 0)
        return (double)(i % (n / GROUPS + 1));
    if (strcmp(kind, "missing") == 0 && draw() < 0.03)
        return NAN;
    return exp(5 + 1.5 * normal);
}

static void make_data(struct data *d, size_t n, const char *kind)
{
    d->n = n;
    d->seconds = malloc(n * sizeof *d->seconds);
    d->group = malloc(n * sizeof *d->group);
    if (d->seconds == NULL || d->group == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        d->seconds[i] = value_of(kind, i, n);
        d->group[i] = (uint32_t)(draw() * (GROUPS - 0.001));
        if (strcmp(kind, "sorted") == 0)
            d->group[i] = (uint32_t)(i / (n / GROUPS + 1));
        if (strcmp(kind, "skewed") == 0 && draw() < 0.5)
            d->group[i] = 7;
    }
}

static double run(const struct data *d, int threads)
{
    static const double probs[] = { 0.5, 0.9, 0.99 };
    const struct cxm_column seconds = CXM_ARRAY(d->seconds, d->n),
                            by = CXM_ARRAY(d->group, d->n);
    const struct cxm_quantiles_options options = { CXM_INIT(quantiles), .by = &by,
                                                   .threads = threads, .probs = probs,
                                                   .n_probs = 3 };
    struct cxm_report *report = NULL;
    struct cxm_error error;
    const double start = now();
    if (cxm_quantiles(&seconds, &options, &report, &error) != CXM_OK)
        exit(1);
    const double end = now();
    cxm_report_free(report);
    return end - start;
}

static volatile uint64_t sink;

static double yardstick(const struct data *d)
{
    const void *const columns[] = { d->seconds, d->group };
    const size_t bytes[] = { d->n * 8, d->n * 4 };
    const double start = now();
    uint64_t sum[4] = { 0, 0, 0, 0 };
    for (int c = 0; c < 2; c++) {
        const uint64_t *p = columns[c];
        for (size_t k = 0; k + 4 <= bytes[c] / 8; k += 4) {
            sum[0] += p[k];
            sum[1] += p[k + 1];
            sum[2] += p[k + 2];
            sum[3] += p[k + 3];
        }
    }
    sink = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
    return now() - start;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    size_t rows = 50000000;
    int repeats = 7;
    bool gate = false;
    const char *kind = "lognormal";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            kind = argv[++i];
        else if (strcmp(argv[i], "--gate") == 0)
            gate = true;
    }
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS)
        return 2;
    struct data d;
    double one[MOST_REPEATS], two[MOST_REPEATS], ratio[MOST_REPEATS];
    make_data(&d, rows, kind);
    for (int i = -1; i < repeats; i++) { /* one round to warm up */
        const int at = i < 0 ? 0 : i;
        const double read = yardstick(&d);
        one[at] = run(&d, 1);
        two[at] = run(&d, 2);
        ratio[at] = one[at] / read;
    }
    const double a = median(one, repeats), b = median(two, repeats), r = median(ratio, repeats);
    const double n = (double)rows;
    printf("p50 p90 p99 by 100 %-9s %9.1f %9.1f M rows/s, %.2f x reading, %.2f x with 2\n", kind,
           n / a * 1e-6, n / b * 1e-6, r, a / b);
    free(d.seconds);
    free(d.group);
    if (!gate || r <= 1.5 * recorded)
        return 0;
    fprintf(stderr, "bench_w9: %.1f x reading its bytes, recorded %.1f\n", r, recorded);
    return 1;
}
