/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the library is called for each workload: columns to result, all checks on. */
#include "workloads.h"

#include <stdio.h>
#include <stdlib.h>

static void must(enum cxm_status status, const struct task *task, const struct cxm_error *error)
{
    if (status == CXM_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", task->workload->name,
            error->message[0] != '\0' ? error->message : cxm_status_message(status));
    exit(1);
}

/* Scores say 255 where there is no answer. */
static struct cxm_column with_missing(struct cxm_column score)
{
    static const double code[1] = { 255 };
    score.missing_codes = code;
    score.n_missing_codes = 1;
    return score;
}

static struct cxm_tally *add(const struct task *task, int threads)
{
    const struct workload *const w = task->workload;
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    struct cxm_column coded = { 0 };
    struct cxm_input inputs[MOST_INPUTS];
    struct cxm_tally *tally;
    struct cxm_error error = { 0 };
    for (size_t i = 0; i < task->n_inputs; i++)
        inputs[i] = (struct cxm_input){ w->inputs[i].role, &task->made[i].column };
    if (w->inputs[0].kind == SCORES) {
        coded = with_missing(task->made[0].column);
        inputs[0].column = &coded;
    }
    must(cxm_tally_new(w->metric, w->params, w->n_params, NULL, &tally, &error), task, &error);
    must(cxm_tally_add(tally, inputs, task->n_inputs, &options, &error), task, &error);
    return tally;
}

/* Room for estimates that stays between calls, as a program's own would. */
static struct cxm_estimate *room_for(size_t n)
{
    static struct cxm_estimate *room;
    static size_t size;
    if (n > size) {
        free(room);
        room = data_allocate(n, sizeof *room);
        size = n;
    }
    return room;
}

void run_tally(const struct task *task, int threads)
{
    struct cxm_tally *const tally = add(task, threads);
    struct cxm_error error = { 0 };
    size_t n = 0;
    const struct cxm_estimate_options options = { .size = sizeof options, .threads = threads };
    must(cxm_tally_estimate(tally, &options, NULL, sizeof(struct cxm_estimate), 0, &n, &error),
         task, &error);
    must(cxm_tally_estimate(tally, &options, room_for(n), sizeof(struct cxm_estimate), n, &n,
                            &error),
         task, &error);
    cxm_tally_free(tally);
}

void run_counts(const struct task *task, int threads)
{
    cxm_tally_free(add(task, threads));
}

void run_fcr(const struct task *task, int threads)
{
    const struct cxm_contacts contacts = {
        .size = sizeof contacts,
        .customer = task_column(task, "customer"),
        .category = task_column(task, "category"),
        .opened = task_column(task, "opened"),
        .as_of = FIRST_INSTANT + (int64_t)(SPAN_OF_DAYS + 7) * DAY,
        .threads = threads,
    };
    const struct cxm_fcr_window_options options = { CXM_INIT(fcr_window),
                                                    .anchor = CXM_FCR_FROM_OPENING };
    struct cxm_row rows[2];
    struct cxm_error error = { 0 };
    must(cxm_fcr_window(&contacts, 7 * DAY, &options, CXM_ROWS(rows), NULL, &error), task,
         &error);
}

void run_cohorts(const struct task *task, int threads)
{
    const struct cxm_cohorts_options options = {
        CXM_INIT(cohorts),  .as_of = FIRST_INSTANT + (int64_t)SPAN_OF_DAYS * DAY,
        .has_as_of = 1,     .n_periods = 24,
        .threads = threads,
    };
    struct cxm_report *report = NULL;
    struct cxm_error error = { 0 };
    must(cxm_cohorts(task_column(task, "customer"), task_column(task, "time"), &options,
                     &report, &error),
         task, &error);
    cxm_report_free(report);
}

void run_survival(const struct task *task, int threads)
{
    struct cxm_tally *const tally = add(task, threads);
    struct cxm_report *report = NULL;
    struct cxm_error error = { 0 };
    must(cxm_tally_survival(tally, NULL, &report, &error), task, &error);
    cxm_report_free(report);
    cxm_tally_free(tally);
}

void run_quantiles(const struct task *task, int threads)
{
    static const double probs[3] = { 0.5, 0.9, 0.99 };
    const struct cxm_quantiles_options options = { CXM_INIT(quantiles),
                                                   .by = task_column(task, "by"),
                                                   .threads = threads, .probs = probs,
                                                   .n_probs = 3 };
    struct cxm_report *report = NULL;
    struct cxm_error error = { 0 };
    must(cxm_quantiles(task_column(task, "value"), &options, &report, &error), task, &error);
    cxm_report_free(report);
}

void run_bootstrap(const struct task *task, int threads)
{
    const struct cxm_column score = with_missing(*task_column(task, "score"));
    const struct cxm_nps_options options = { CXM_INIT(nps), .interval = CXM_INTERVAL_BOOTSTRAP,
                                             .threads = threads };
    struct cxm_row row;
    struct cxm_error error = { 0 };
    must(cxm_nps(&score, &options, CXM_ROW(row), NULL, &error), task, &error);
}
