/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much memory beside the input: each workload runs in a process of its own, whose peak is set
 * back when its data are there (Linux: /proc/self/clear_refs), and read when it has run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "modes.h"
#include "print.h"

/* A line of /proc/self/status, in bytes; -1: there is none. */
static double status_of(const char *name)
{
    char line[256];
    double kibibytes = -1.0 / 1024;
    FILE *const file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            kibibytes = atof(line + strlen(name) + 1);
    }
    if (file != NULL)
        fclose(file);
    return 1024 * kibibytes;
}

static bool set_peak_back(void)
{
    FILE *const file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL)
        return false;
    const bool written = fputs("5", file) >= 0;
    return fclose(file) == 0 && written;
}

static double peak_of(const struct task *task, int threads)
{
    if (!set_peak_back())
        return -1;
    const double before = status_of("VmRSS");
    task->workload->run(task, threads);
    return status_of("VmHWM") - before;
}

/* In a child, so that nothing of an earlier run is still there; below 0: cannot be measured. */
static double peak_in_child(const struct workload *w, size_t rows, int threads)
{
    int ends[2];
    double peak = -1;
    fflush(NULL);
    if (pipe(ends) != 0)
        return -1;
    const pid_t child = fork();
    if (child == 0) {
        struct task task;
        task_make(&task, w, rows);
        peak = peak_of(&task, threads);
        _exit(write(ends[1], &peak, sizeof peak) == (ssize_t)sizeof peak ? 0 : 1);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &peak, sizeof peak) != (ssize_t)sizeof peak)
        peak = -1;
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    return peak;
}

static double stated(const struct workload *w, size_t rows, int threads)
{
    const struct memory *const m = &w->memory;
    const double groups = (double)w->groups;
    return m->fixed + m->a_row * (double)rows + m->a_group * groups
           + (double)threads * (m->a_thread + m->a_group_and_thread * groups
                              + m->a_row_and_thread * (double)rows);
}

bool memory_mode(const struct choices *choices)
{
    bool good = true;
    print_open(choices->json, "memory");
    print_list("memory", MEMORY_HEAD);
    for (size_t i = 0; i < n_workloads; i++) {
        const struct workload *const w = &workloads[i];
        const size_t rows = choices->rows == 0 ? w->rows / 5 : choices->rows;
        for (int threads = 1; chosen(choices, w) && threads <= choices->threads; threads++) {
            const struct memory_point point = { w,
                                                rows,
                                                w->groups,
                                                threads,
                                                peak_in_child(w, rows, threads),
                                                stated(w, rows, threads) };
            print_memory(&point);
            good = good && point.peak <= point.stated;
        }
    }
    print_end();
    print_close();
    return good;
}
