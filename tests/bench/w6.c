/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast cohort matrices are: 50 million events of 2 million customers (u32) within 24 months,
 * to the report of the monthly matrix of distinct customers, with one and two threads, between
 * readings of the same bytes (the yardstick); and the same events through the sort, as ids far
 * apart need it. Medians.
 *
 *   bench_w6 [--rows N] [--repeat N] [--sort] */
#include <cxm/cxm.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 31, CUSTOMERS = 2000000, DAY = 86400 };

struct data {
    size_t n;
    uint32_t *customer;
    uint64_t *far; /* the same customers, far apart; NULL: not wanted */
    int64_t *time;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_data(struct data *d, size_t n, bool sort)
{
    uint64_t state = 42;
    d->n = n;
    d->customer = malloc(n * sizeof *d->customer);
    d->time = malloc(n * sizeof *d->time);
    d->far = sort ? malloc(n * sizeof *d->far) : NULL;
    if (d->customer == NULL || d->time == NULL || (sort && d->far == NULL))
        exit(1);
    const uint64_t customers = n < 25 * (size_t)CUSTOMERS ? n / 25 + 1 : CUSTOMERS;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        d->customer[i] = (uint32_t)((state >> 33) % customers);
        state = state * 6364136223846793005u + 1442695040888963407u;
        d->time[i] = 1640995200 + (int64_t)((state >> 20) % ((uint64_t)730 * DAY));
        if (sort)
            d->far[i] = d->customer[i] * 0x9e3779b97f4a7c15u;
    }
}

static double run(const struct data *d, bool sort, int threads)
{
    struct cxm_column customer = CXM_ARRAY(d->customer, d->n), time = CXM_ARRAY(d->time, d->n);
    if (sort)
        customer = CXM_ARRAY(d->far, d->n);
    const struct cxm_cohorts_options options = {
        CXM_INIT(cohorts), .as_of = 1640995200 + (int64_t)730 * DAY, .has_as_of = 1,
        .n_periods = 24, .threads = threads,
    };
    struct cxm_report *report = NULL;
    struct cxm_error error;
    const double start = now();
    if (cxm_cohorts(&customer, &time, &options, &report, &error) != CXM_OK)
        exit(1);
    const double end = now();
    cxm_report_free(report);
    return end - start;
}

static volatile uint64_t sink;

static double yardstick(const struct data *d)
{
    const void *const columns[] = { d->customer, d->time };
    const size_t bytes[] = { d->n * 4, d->n * 8 };
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

static void measure(const struct data *d, bool sort, int repeats)
{
    double one[MOST_REPEATS], two[MOST_REPEATS], ratio[MOST_REPEATS];
    for (int i = -1; i < repeats; i++) { /* one round to warm up */
        const int at = i < 0 ? 0 : i;
        const double read = yardstick(d);
        one[at] = run(d, sort, 1);
        two[at] = run(d, sort, 2);
        ratio[at] = one[at] / read;
    }
    const double a = median(one, repeats), b = median(two, repeats), r = median(ratio, repeats);
    const double n = (double)d->n;
    printf("%-28s %9.1f %9.1f M rows/s, %.2f x reading, %.2f x with 2\n",
           sort ? "cohorts, ids far apart" : "cohorts, ids close together", n / a * 1e-6,
           n / b * 1e-6, r, a / b);
}

int main(int argc, char **argv)
{
    size_t rows = 50000000;
    int repeats = 5;
    bool sort = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--sort") == 0)
            sort = true;
    }
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS)
        return 2;
    struct data d;
    make_data(&d, rows, sort);
    measure(&d, false, repeats);
    if (sort)
        measure(&d, true, repeats);
    free(d.customer);
    free(d.far);
    free(d.time);
    return 0;
}
