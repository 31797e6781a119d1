/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast repeat contacts are: 20 million contacts of 5 million customers, 8 categories, random
 * instants of two years, to first-contact resolution by a window of 7 days with its error by
 * customer; one and two threads, between readings of the same bytes (the yardstick). Medians.
 *
 *   bench_w5 [--rows N] [--repeat N]
 *
 * What a peer does, in SQL: lead(opened) over (partition by customer, category order by opened). */
#include <cxm/cxm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 31, DAY = 86400 };

struct data {
    size_t n;
    uint64_t *customer;
    uint8_t *category;
    int64_t *opened;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 24;
}

static void make_data(struct data *d, size_t n)
{
    uint64_t state = 42;
    d->n = n;
    d->customer = malloc(n * sizeof *d->customer);
    d->category = malloc(n);
    d->opened = malloc(n * sizeof *d->opened);
    if (d->customer == NULL || d->category == NULL || d->opened == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        d->customer[i] = next(&state) % (n / 4);
        d->category[i] = (uint8_t)(next(&state) % 8);
        d->opened[i] = 1600000000 + (int64_t)(next(&state) % (730 * DAY));
    }
}

static double run(const struct data *d, int threads)
{
    const struct cxm_column customer = CXM_ARRAY(d->customer, d->n),
                            category = CXM_ARRAY(d->category, d->n),
                            opened = CXM_ARRAY(d->opened, d->n);
    const struct cxm_contacts contacts = { .size = sizeof contacts, .customer = &customer,
                                           .category = &category, .opened = &opened,
                                           .as_of = 1700000000, .threads = threads };
    const struct cxm_fcr_window_options options = { CXM_INIT(fcr_window),
                                                    .anchor = CXM_FCR_FROM_OPENING };
    struct cxm_row rows[2];
    const double start = now();
    if (cxm_fcr_window(&contacts, 7 * DAY, &options, CXM_ROWS(rows), NULL, NULL) != CXM_OK)
        exit(1);
    return now() - start;
}

static volatile uint64_t sink;

static double yardstick(const struct data *d)
{
    const void *const columns[] = { d->customer, d->category, d->opened };
    const size_t bytes[] = { d->n * 8, d->n, d->n * 8 };
    const double start = now();
    uint64_t sum[4] = { 0, 0, 0, 0 };
    for (int c = 0; c < 3; c++) {
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
    size_t rows = 20000000;
    int repeats = 5;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
    }
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS)
        return 2;
    struct data d;
    double one[MOST_REPEATS], two[MOST_REPEATS], ratio[MOST_REPEATS];
    make_data(&d, rows);
    for (int i = -1; i < repeats; i++) { /* one round to warm up */
        const int at = i < 0 ? 0 : i;
        const double read = yardstick(&d);
        one[at] = run(&d, 1);
        two[at] = run(&d, 2);
        ratio[at] = one[at] / read;
    }
    const double a = median(one, repeats), b = median(two, repeats), n = (double)rows;
    printf("FCR by window                %9.1f %9.1f M rows/s, %.2f x reading, %.2f x with 2\n",
           n / a * 1e-6, n / b * 1e-6, median(ratio, repeats), a / b);
    free(d.customer);
    free(d.category);
    free(d.opened);
    return 0;
}
