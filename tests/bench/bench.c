/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast: every workload is run through the public API, checks on, with one thread and with two,
 * between readings of the same bytes (the yardstick). README.md says how to read the figures.
 *
 *   bench [MODE] [--only W2,W3*] [--rows N] [--repeat N] [--threads N] [--json FILE]
 *
 *   (no mode)  the table
 *   --gate     a small size against what was recorded, times 1.5
 *   --small    small calls alone
 *   --scale    from 10 000 rows to as many as fit in 12 GiB, at most 10^9
 *   --groups   from one group to a million
 *   --memory   the peak of memory beside the input against what is stated
 *   --serve    makes the data of one workload and times it whenever standard input says so */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "modes.h"
#include "print.h"
#include "small.h"

bool chosen(const struct choices *choices, const struct workload *workload)
{
    const char *at = choices->only;
    while (at != NULL) {
        char pattern[32];
        const size_t length = strcspn(at, ",");
        snprintf(pattern, sizeof pattern, "%.*s", (int)length, at);
        if (fnmatch(pattern, workload->name, 0) == 0)
            return true;
        if (at[length] == '\0')
            return false;
        at += length + 1;
    }
    return true;
}

/* ---- the table ------------------------------------------------------------------------- */

/* Processor time a row of the workload that this one is compared with, among those measured. */
static double beside(const struct figures *all, size_t n, const char *name)
{
    for (size_t i = 0; name != NULL && i < n; i++) {
        if (strcmp(all[i].workload->name, name) == 0)
            return all[i].computed / (double)all[i].rows;
    }
    return NAN;
}

bool table_mode(const struct choices *choices)
{
    struct figures *const all = data_allocate(n_workloads, sizeof *all);
    size_t n = 0;
    print_open(choices->json, "table");
    print_list("workloads", FIGURES_HEAD);
    for (size_t i = 0; i < n_workloads; i++) {
        const struct workload *const w = &workloads[i];
        struct task task;
        if (!chosen(choices, w))
            continue;
        task_make(&task, w, choices->rows == 0 ? w->rows : choices->rows);
        all[n] = measure(&task, choices->threads, choices->repeats);
        all[n].x_beside = all[n].computed / (double)task.rows / beside(all, n, w->beside);
        print_figures(&all[n++]);
        task_free(&task);
    }
    print_end();
    free(all);
    if (choices->only == NULL)
        measure_small(choices->repeats, choices->rows != 0 && choices->rows < 100000);
    print_close();
    return true;
}

static bool small_mode(const struct choices *choices)
{
    print_open(choices->json, "small");
    measure_small(choices->repeats, false);
    print_close();
    return true;
}

/* ---- the gate -------------------------------------------------------------------------- */

/* What was recorded for processors like this one. */
static double recorded(const struct workload *w)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi")
        && __builtin_cpu_supports("avx512vnni"))
        return w->gate;
#endif
    return w->gate_plain > 0 ? w->gate_plain : w->gate;
}

/* A ratio that is too large is measured again, up to four times: the least one counts. */
static bool passes(const struct workload *w, const struct choices *choices)
{
    const double gate = recorded(w), most = 1.5 * gate;
    struct task task;
    task_make(&task, w, choices->rows == 0 ? w->gate_rows : choices->rows);
    double ratio = measure_reading(&task, choices->repeats).x_reading;
    for (int again = 0; again < 4 && ratio > most; again++)
        ratio = fmin(ratio, measure_reading(&task, choices->repeats).x_reading);
    task_free(&task);
    printf("%-5s %-30s %9.2f x reading, recorded %7.2f%s\n", w->name, w->what, ratio, gate,
           ratio > most ? "   TOO SLOW" : "");
    fflush(stdout);
    if (ratio > most)
        fprintf(stderr, "bench: %s takes %.1f x reading its bytes, recorded %.1f\n", w->name,
                ratio, gate);
    return ratio <= most;
}

bool gate_mode(const struct choices *choices)
{
    bool good = true;
    for (size_t i = 0; i < n_workloads; i++) {
        if (workloads[i].gate_rows > 0 && chosen(choices, &workloads[i]))
            good = passes(&workloads[i], choices) && good;
    }
    return good;
}

/* ---- arguments ------------------------------------------------------------------------- */

typedef bool run_mode(const struct choices *choices);

static run_mode *mode_of(const char *argument)
{
    static const struct {
        const char *name;
        run_mode *run;
    } modes[] = {
        { "--gate", gate_mode },
        { "--small", small_mode },
        { "--scale", scale_mode },
        { "--groups", groups_mode },
        { "--memory", memory_mode },
        { "--serve", serve_mode },
    };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argument, modes[i].name) == 0)
            return modes[i].run;
    }
    return NULL;
}

static bool read_choice(struct choices *choices, const char *name, const char *value)
{
    if (strcmp(name, "--only") == 0)
        choices->only = value;
    else if (strcmp(name, "--json") == 0)
        choices->json = value;
    else if (strcmp(name, "--rows") == 0)
        choices->rows = (size_t)strtod(value, NULL);
    else if (strcmp(name, "--repeat") == 0)
        choices->repeats = atoi(value);
    else if (strcmp(name, "--threads") == 0)
        choices->threads = atoi(value);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct choices choices = { .repeats = 5, .threads = 2 };
    run_mode *run = table_mode;
    bool understood = true;
    for (int i = 1; i < argc && understood; i++) {
        run_mode *const mode = mode_of(argv[i]);
        if (mode != NULL)
            run = mode;
        else
            understood = i + 1 < argc && read_choice(&choices, argv[i], argv[i + 1]), i++;
    }
    if (!understood || choices.repeats < 1 || choices.repeats > MOST_REPEATS
        || choices.threads < 1 || (choices.rows != 0 && choices.rows < 1000)) {
        fputs("usage: bench [--gate | --small | --scale | --groups | --memory | --serve] "
              "[--only NAMES] [--rows N] [--repeat N] [--threads N] [--json FILE]\n",
              stderr);
        return 2;
    }
    return run(&choices) ? 0 : 1;
}
