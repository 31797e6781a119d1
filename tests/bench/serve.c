/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For a program that times others in turn (peers.py): makes the data of one workload once and says
 * "ready"; then each line of standard input is a task, `run THREADS` or `read THREADS` (the bytes,
 * once), and is answered by the seconds on the wall. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "modes.h"
#include "workloads.h"

static bool answer(const struct task *task, const char *line)
{
    char what[8];
    int threads;
    if (sscanf(line, "%7s %d", what, &threads) != 2 || threads < 1)
        return false;
    const bool run = strcmp(what, "run") == 0;
    const struct seconds start = clock_now();
    if (run)
        task->workload->run(task, threads);
    else
        read_once(task->spans, task->n_spans, threads);
    printf("%.9g\n", clock_since(start).wall);
    fflush(stdout);
    return run || strcmp(what, "read") == 0;
}

bool serve_mode(const struct choices *choices)
{
    struct task task;
    char line[64];
    size_t i = 0;
    bool good = true;
    while (i < n_workloads && !chosen(choices, &workloads[i]))
        i++;
    if (i == n_workloads)
        return false;
    task_make(&task, &workloads[i], choices->rows == 0 ? workloads[i].rows : choices->rows);
    puts("ready");
    fflush(stdout);
    while (good && fgets(line, sizeof line, stdin) != NULL)
        good = answer(&task, line);
    task_free(&task);
    return good;
}
