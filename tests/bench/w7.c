/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast survival curves are: 10 million customers, whole days up to 2 000, 10 groups, to the
 * report of Kaplan-Meier curves with Greenwood's errors and limits, with one and two threads,
 * between readings of the same bytes (the yardstick). Medians.
 *
 *   bench_w7 [--rows N] [--repeat N] [--gate]
 *
 * --gate fails beyond 1.5 times the recorded "times the time of reading the bytes once". */
#include <cxm/cxm.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 31, DAYS = 2001, GROUPS = 10 };

static const double recorded = 4.5;

struct data {
    size_t n;
    int32_t *days;
    uint8_t *event;
    uint32_t *group;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_data(struct data *d, size_t n)
{
    uint64_t state = 42;
    d->n = n;
    d->days = malloc(n * sizeof *d->days);
    d->event = malloc(n);
    d->group = malloc(n * sizeof *d->group);
    if (d->days == NULL || d->event == NULL || d->group == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        d->days[i] = (int32_t)((state >> 33) % DAYS);
        d->event[i] = (state >> 20 & 3) != 0;
        d->group[i] = (uint32_t)((state >> 50) % GROUPS);
    }
}

struct times {
    double add, report;
};

static struct times run(const struct data *d, int threads)
{
    const struct cxm_column duration = CXM_ARRAY(d->days, d->n), event = CXM_ARRAY(d->event, d->n),
                            by = CXM_ARRAY(d->group, d->n);
    const struct cxm_input inputs[] = { { "duration", &duration }, { "event", &event },
                                        { "by", &by } };
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    struct cxm_tally *tally = NULL;
    struct cxm_report *report = NULL;
    struct cxm_error error;
    const double start = now();
    if (cxm_tally_new("survival", NULL, 0, NULL, &tally, &error) != CXM_OK
        || cxm_tally_add(tally, inputs, 3, &options, &error) != CXM_OK)
        exit(1);
    const double added = now();
    if (cxm_tally_survival(tally, NULL, &report, &error) != CXM_OK)
        exit(1);
    const double end = now();
    cxm_report_free(report);
    cxm_tally_free(tally);
    return (struct times){ added - start, end - added };
}

static volatile uint64_t sink;

static double yardstick(const struct data *d)
{
    const void *const columns[] = { d->days, d->event, d->group };
    const size_t bytes[] = { d->n * 4, d->n, d->n * 4 };
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
    size_t rows = 10000000;
    int repeats = 7;
    bool gate = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--gate") == 0)
            gate = true;
    }
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS)
        return 2;
    struct data d;
    double one[MOST_REPEATS], two[MOST_REPEATS], add[MOST_REPEATS], ratio[MOST_REPEATS];
    make_data(&d, rows);
    for (int i = -1; i < repeats; i++) { /* one round to warm up */
        const int at = i < 0 ? 0 : i;
        const double read = yardstick(&d);
        const struct times t = run(&d, 1), u = run(&d, 2);
        one[at] = t.add + t.report;
        two[at] = u.add + u.report;
        add[at] = t.add;
        ratio[at] = one[at] / read;
    }
    const double a = median(one, repeats), b = median(two, repeats), r = median(ratio, repeats);
    const double c = median(add, repeats), n = (double)rows;
    printf("Kaplan-Meier by 10           %9.1f %9.1f M rows/s (adding alone %.1f), %.2f x reading, "
           "%.2f x with 2\n", n / a * 1e-6, n / b * 1e-6, n / c * 1e-6, r, a / b);
    free(d.days);
    free(d.event);
    free(d.group);
    if (!gate || r <= 1.5 * recorded)
        return 0;
    fprintf(stderr, "bench_w7: %.1f x reading its bytes, recorded %.1f\n", r, recorded);
    return 1;
}
