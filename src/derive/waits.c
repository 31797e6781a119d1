/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is known of every ticket as of an instant: how long it waited, whether it still waits,
 * whether it met a target. One pass, nothing is kept between rows. */
#include "derive/hours.h"

#include <math.h>

enum { BLOCK = 1024 };

struct wait {
    bool missing, unseen, bad, ended;
    int64_t elapsed;  /* to the end, or to as_of */
    int64_t until_as_of;
};

static struct wait look(const struct cxm_clock *clock, const struct cxm_instants *b, size_t i,
                        int64_t as_of)
{
    struct wait w = { .missing = b->first_state[i] != CXM_ROW_USED };
    if (w.missing)
        return w;
    const int64_t opened = b->first[i], ended = b->second[i];
    w.unseen = opened > as_of;
    if (w.unseen)
        return w;
    w.ended = b->second_state[i] == CXM_ROW_USED && ended <= as_of;
    w.bad = w.ended && ended < opened;
    if (w.bad)
        return w;
    w.until_as_of = cxm_priv_clock_elapsed(clock, opened, as_of);
    w.elapsed = w.ended ? cxm_priv_clock_elapsed(clock, opened, ended) : w.until_as_of;
    return w;
}

typedef void note(void *context, int64_t row, const struct wait *w);

/* Every row in turn; the flags of the whole. Writes nothing itself. */
static enum cxm_status each_wait(const struct cxm_column *opened, const struct cxm_column *ended,
                                 const char *end_name, int64_t as_of,
                                 const struct cxm_schedule *schedule, note *take, void *context,
                                 uint32_t *flags, struct cxm_error *error)
{
    struct cxm_clock clock;
    enum cxm_status status = cxm_priv_check_instants(opened, "opened", ended, end_name, error);
    if (status == CXM_OK)
        status = cxm_priv_clock_init(&clock, schedule, NULL, error);
    if (status != CXM_OK)
        return status;
    struct cxm_instants *block = cxm_priv_alloc_zero(NULL, 1, sizeof *block);
    struct cxm_reader readers[2];
    int64_t seen = 0, unseen = 0;
    cxm_priv_reader_init(&readers[0], opened);
    cxm_priv_reader_init(&readers[1], ended);
    if (block == NULL)
        status = cxm_priv_no_memory(error);
    for (int64_t first = 0; first < opened->n && status == CXM_OK; first += BLOCK) {
        const size_t n = opened->n - first < BLOCK ? (size_t)(opened->n - first) : BLOCK;
        status = cxm_priv_read_instants(readers, block, first, n, &clock, as_of, error);
        for (size_t i = 0; i < n && status == CXM_OK; i++) {
            const struct wait w = look(&clock, block, i, as_of);
            unseen += w.unseen;
            seen += !w.unseen && !w.missing;
            take(context, first + (int64_t)i, &w);
        }
    }
    if (status == CXM_OK)
        *flags = (block->subsecond ? CXM_FLAG_SUBSECOND : 0u)
               | (unseen > 0 && seen == 0 ? CXM_FLAG_ALL_AFTER_AS_OF : 0u);
    cxm_priv_release(NULL, block);
    cxm_priv_clock_release(&clock);
    return status;
}

/* ---- durations -------------------------------------------------------------------------- */

struct durations {
    double *duration;
    uint8_t *event;
    int64_t counts[3];
};

static void note_duration(void *context, int64_t row, const struct wait *w)
{
    struct durations *d = context;
    const bool known = !w->missing && !w->unseen && !w->bad;
    d->counts[0] += w->missing;
    d->counts[1] += w->unseen;
    d->counts[2] += w->bad;
    d->duration[row] = known ? (double)w->elapsed : NAN;
    d->event[row] = known && w->ended;
}

enum cxm_status cxm_ticket_durations(const struct cxm_column *opened,
                                     const struct cxm_column *ended, int64_t as_of,
                                     const struct cxm_schedule *schedule, double *duration,
                                     uint8_t *event, int64_t counts[3], uint32_t *flags,
                                     struct cxm_error *error)
{
    if (duration == NULL || event == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "duration", "duration or event is NULL");
    const size_t n = cxm_priv_rows_of(opened);
    uint32_t found = 0;
    struct durations d = { .duration = cxm_priv_alloc(NULL, n, sizeof(double)),
                           .event = cxm_priv_alloc(NULL, n, 1) };
    enum cxm_status status = d.duration == NULL || d.event == NULL
                                 ? cxm_priv_no_memory(error)
                                 : each_wait(opened, ended, "ended", as_of, schedule,
                                             note_duration, &d, &found, error);
    if (status == CXM_OK) {
        memcpy(duration, d.duration, n * sizeof *duration);
        memcpy(event, d.event, n);
        if (counts != NULL)
            memcpy(counts, d.counts, sizeof d.counts);
        if (flags != NULL)
            *flags = found;
    }
    cxm_priv_release(NULL, d.duration);
    cxm_priv_release(NULL, d.event);
    return status;
}

/* ---- service level ---------------------------------------------------------------------- */

struct levels {
    uint8_t *states;
    double target;
};

static void note_state(void *context, int64_t row, const struct wait *w)
{
    struct levels *l = context;
    const bool within = (double)w->elapsed <= l->target;
    const bool due = (double)w->until_as_of >= l->target;
    const enum cxm_sla_state state = w->missing                        ? CXM_SLA_MISSING
                                   : w->unseen                         ? CXM_SLA_UNSEEN
                                   : w->bad                            ? CXM_SLA_BAD
                                   : w->ended && within                ? due ? CXM_SLA_MET
                                                                             : CXM_SLA_MET_EARLY
                                   : w->ended                          ? CXM_SLA_BREACHED
                                   : due                               ? CXM_SLA_BREACHED_OPEN
                                                                       : CXM_SLA_PENDING;
    l->states[row] = (uint8_t)state;
}

enum cxm_status cxm_sla_states(const struct cxm_column *opened,
                               const struct cxm_column *answered, double target, int64_t as_of,
                               const struct cxm_schedule *schedule, uint8_t *states,
                               uint32_t *flags, struct cxm_error *error)
{
    if (states == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "states", "states is NULL");
    if (!(target >= 0 && target <= 1e15))
        return cxm_priv_fail(error, CXM_EINVAL, "target", "target must be seconds, 0 or more");
    const size_t n = cxm_priv_rows_of(opened);
    uint32_t found = 0;
    struct levels l = { cxm_priv_alloc(NULL, n, 1), target };
    enum cxm_status status = l.states == NULL ? cxm_priv_no_memory(error)
                                              : each_wait(opened, answered, "answered", as_of,
                                                          schedule, note_state, &l, &found,
                                                          error);
    if (status == CXM_OK) {
        memcpy(states, l.states, n);
        if (flags != NULL)
            *flags = found;
    }
    cxm_priv_release(NULL, l.states);
    return status;
}
