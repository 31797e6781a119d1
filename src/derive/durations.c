/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From when a customer came and went to how long it stayed, as known at one instant: the input of
 * survival tallies. A report of the past is replayed by an earlier instant. */
#include "derive/hours.h"

#include <cxm/survival.h>

#include <math.h>

enum { BLOCK = 1024 };

struct made {
    double *duration;
    uint8_t *event;
    struct cxm_duration_counts counts;
};

/* Whole units from start to end; the difference of two int64 may not be one. */
static double units_between(int64_t start, int64_t end, int64_t unit)
{
    return (double)(((uint64_t)end - (uint64_t)start) / (uint64_t)unit);
}

static void add_row(struct made *m, int64_t row, const struct cxm_instants *block, size_t i,
                    int64_t as_of, int64_t unit)
{
    const int64_t start = block->first[i], end = block->second[i];
    const bool ended = block->second_state[i] == CXM_ROW_USED;
    m->duration[row] = NAN;
    m->event[row] = 0;
    if (block->first_state[i] != CXM_ROW_USED) {
        m->counts.missing++;
    } else if (start > as_of) {
        m->counts.unseen++;
    } else if (ended && end < start) {
        m->counts.bad++;
    } else {
        m->event[row] = ended && end <= as_of;
        m->duration[row] = units_between(start, m->event[row] ? end : as_of, unit);
        m->counts.n++;
    }
}

static enum cxm_status make(struct made *m, const struct cxm_column *start,
                            const struct cxm_column *end, int64_t as_of, int64_t unit,
                            struct cxm_error *error)
{
    struct cxm_reader readers[2];
    struct cxm_instants *block = cxm_priv_alloc_zero(NULL, 1, sizeof *block);
    enum cxm_status status = block == NULL ? cxm_priv_no_memory(error) : CXM_OK;
    cxm_priv_reader_init(&readers[0], start);
    cxm_priv_reader_init(&readers[1], end);
    for (int64_t first = 0; first < start->n && status == CXM_OK; first += BLOCK) {
        const size_t n = start->n - first < BLOCK ? (size_t)(start->n - first) : BLOCK;
        status = cxm_priv_read_instants(readers, block, first, n, NULL, as_of, error);
        for (size_t i = 0; i < n && status == CXM_OK; i++)
            add_row(m, first + (int64_t)i, block, i, as_of, unit);
    }
    m->counts.subsecond = block != NULL && block->subsecond;
    cxm_priv_release(NULL, block);
    return status;
}

enum cxm_status cxm_durations(const struct cxm_column *start, const struct cxm_column *end,
                              int64_t as_of, int64_t unit, double *duration, uint8_t *event,
                              struct cxm_duration_counts *counts, struct cxm_error *error)
{
    struct made m = { 0 };
    enum cxm_status status = cxm_priv_check_instants(start, "start", end, "end", error);
    if (status != CXM_OK)
        return status;
    if (duration == NULL || event == NULL || unit < 1)
        return cxm_priv_fail(error, CXM_EINVAL, unit < 1 ? "unit" : "duration",
                             "unit must be 1 or more seconds, duration and event not NULL");
    const size_t n = (size_t)start->n;
    m.duration = cxm_priv_alloc(NULL, n, sizeof *m.duration);
    m.event = cxm_priv_alloc(NULL, n, sizeof *m.event);
    status = m.duration == NULL || m.event == NULL ? cxm_priv_no_memory(error)
                                                   : make(&m, start, end, as_of, unit, error);
    if (status == CXM_OK && n > 0) {
        memcpy(duration, m.duration, n * sizeof *duration);
        memcpy(event, m.event, n * sizeof *event);
    }
    if (status == CXM_OK && counts != NULL)
        *counts = m.counts;
    cxm_priv_release(NULL, m.duration);
    cxm_priv_release(NULL, m.event);
    return status;
}
