/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table goes to standard output, a line as soon as it is known; the JSON file gets the same
 * figures unrounded. One file at a time, so its state lives here. */
#include "print.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static FILE *json;
static bool first;

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* The value of a line of /proc/cpuinfo; "" where there is none. */
static void cpu_line(const char *name, char *out, size_t size)
{
    char line[256];
    FILE *const file = fopen("/proc/cpuinfo", "r");
    out[0] = '\0';
    while (file != NULL && out[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        const char *const colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, name, strlen(name)) == 0)
            snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    }
    if (file != NULL)
        fclose(file);
}

void print_open(const char *path, const char *mode)
{
    char model[128], family[32], date[32];
    const time_t now = time(NULL);
    struct tm utc;
    if (path == NULL)
        return;
    json = strcmp(path, "-") == 0 ? stderr : fopen(path, "w");
    if (json == NULL) {
        fprintf(stderr, "bench: cannot write %s\n", path);
        exit(1);
    }
    cpu_line("model name", model, sizeof model);
    cpu_line("cpu family", family, sizeof family);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    fprintf(json,
            "{\"mode\": \"%s\",\n \"machine\": {\"cpu\": \"%s\", \"family\": \"%s\", "
            "\"cores\": %ld, "
            "\"compiler\": \"%s\", \"cxm\": \"%s\", \"date\": \"%s\"}",
            mode, model, family, sysconf(_SC_NPROCESSORS_ONLN), COMPILER, cxm_version(), date);
}

void print_close(void)
{
    if (json == NULL)
        return;
    fputs("}\n", json);
    if (json != stderr)
        fclose(json);
    json = NULL;
}

void print_list(const char *name, const char *head)
{
    first = true;
    puts(head);
    if (json != NULL)
        fprintf(json, ",\n \"%s\": [", name);
}

void print_end(void)
{
    if (json != NULL)
        fputs("]", json);
}

__attribute__((format(printf, 1, 2))) static void write_item(const char *format, ...)
{
    va_list arguments;
    if (json == NULL)
        return;
    fputs(first ? "\n  " : ",\n  ", json);
    first = false;
    va_start(arguments, format);
    vfprintf(json, format, arguments);
    va_end(arguments);
}

/* A number of JSON; NaN is null. */
static const char *number(char out[32], double value)
{
    snprintf(out, 32, isfinite(value) ? "%.9g" : "null", value);
    return out;
}

void print_figures(const struct figures *f)
{
    const struct workload *const w = f->workload;
    const double rows = (double)f->rows, bytes = f->bytes;
    char loop[32], beside[32], threads[32] = "-";
    if (!isnan(f->x_threads))
        snprintf(threads, sizeof threads, "%.2f", f->x_threads);
    printf("%-5s%-30s %6g %9.1f %8.1f %7.2f %7.2f %5.1f %% %4.1f %% %9.2f %9s", w->name,
           w->what, rows * 1e-6, rows / f->wall[0] * 1e-6, rows / f->wall[1] * 1e-6,
           bytes / f->wall[0] * 1e-9, bytes / f->wall[1] * 1e-9, 100 * f->read[0] / f->wall[0],
           100 * f->read[1] / f->wall[1], f->x_reading, threads);
    if (!isnan(f->x_loop))
        printf("   %.2f x loop", f->x_loop);
    if (!isnan(f->x_beside))
        printf("   %.2f x %s", f->x_beside, w->beside);
    putchar('\n');
    fflush(stdout);
    write_item(
        "{\"workload\": \"%s\", \"what\": \"%s\", \"rows\": %zu, \"groups\": %zu, \"bytes\": "
        "%.0f, \"threads\": [1, %d], \"seconds\": [%.9g, %.9g], \"reading\": [%.9g, %.9g], "
        "\"computed\": %.9g, \"x_reading\": %.5g, \"x_threads\": %s, \"x_loop\": %s, "
        "\"beside\": \"%s\", \"x_beside\": %s}",
        w->name, w->what, f->rows, w->groups, f->bytes, f->threads, f->wall[0], f->wall[1],
        f->read[0], f->read[1], f->computed, f->x_reading, number(threads, f->x_threads),
        number(loop, f->x_loop), w->beside == NULL ? "" : w->beside,
        number(beside, f->x_beside));
}

void print_small(const char *what, double value, const char *unit, double target)
{
    char wanted[32];
    printf("%-36s %9.3g %-8s", what, value, unit);
    if (target > 0)
        printf(" %7.3g", target);
    putchar('\n');
    write_item("{\"what\": \"%s\", \"value\": %.9g, \"unit\": \"%s\", \"target\": %s}", what,
               value, unit, number(wanted, target > 0 ? target : NAN));
}

void print_scale(const struct scale_point *p)
{
    const double rows = (double)p->rows;
    printf("%-8s %12zu %8zu %11.3f %11.2f %10.1f\n", p->workload->name, p->rows, p->groups,
           p->computed / rows * 1e9, p->computed / p->reading, rows / p->wall * 1e-6);
    fflush(stdout);
    write_item("{\"workload\": \"%s\", \"what\": \"%s\", \"rows\": %zu, \"groups\": %zu, "
               "\"computed\": %.9g, \"seconds\": %.9g, \"reading\": %.9g}",
               p->workload->name, p->workload->what, p->rows, p->groups, p->computed, p->wall,
               p->reading);
}

void print_memory(const struct memory_point *p)
{
    const double mib = 0x1p-20;
    printf("%-8s %12zu %9zu %8d %13.2f %13.2f%s\n", p->workload->name, p->rows, p->groups,
           p->threads, p->peak * mib, p->stated * mib, p->peak > p->stated ? "   more" : "");
    fflush(stdout);
    write_item(
        "{\"workload\": \"%s\", \"rows\": %zu, \"groups\": %zu, \"threads\": %d, \"peak\": "
        "%.0f, \"stated\": %.0f}",
        p->workload->name, p->rows, p->groups, p->threads, p->peak, p->stated);
}
