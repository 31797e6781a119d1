/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Business time as a function of the instant. */
#ifndef CXM_SRC_HOURS_H
#define CXM_SRC_HOURS_H

#include "column/read.h"

#include <cxm/hours.h>

/* A schedule that was checked, and what the holidays before each one took from the week. */
struct cxm_clock {
    const struct cxm_allocator *allocator;
    const struct cxm_schedule *schedule; /* NULL: calendar time */
    int64_t week_total;
    int64_t *taken;                      /* by holiday: closed less open seconds of those before */
    int64_t *skipped;                    /* by row of the zone table: hours that its change and those
                                            before it left out; NULL: no table */
};

enum cxm_status cxm_priv_clock_init(struct cxm_clock *clock, const struct cxm_schedule *schedule,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_error *error);
void cxm_priv_clock_release(struct cxm_clock *clock);

/* Counted seconds from `from` to `until` (UTC), from <= until; at most INT64_MAX. With a schedule
 * instants beyond 10^15 seconds are taken as that. */
int64_t cxm_priv_clock_elapsed(const struct cxm_clock *clock, int64_t from, int64_t until);

/* Can the column hold instants? Seconds, dates, timestamps; not NULL, no durations. */
enum cxm_status cxm_priv_check_instant(const struct cxm_column *column, const char *name,
                                       struct cxm_error *error);

/* Two columns of instants of the same length, checked, read in blocks. `second` may be NULL. */
struct cxm_instants {
    int64_t first[1024], second[1024];
    uint8_t first_state[1024], second_state[1024];
    bool subsecond;
};
enum cxm_status cxm_priv_check_instants(const struct cxm_column *first, const char *first_name,
                                        const struct cxm_column *second, const char *second_name,
                                        struct cxm_error *error);
/* Rows first … first + n - 1, n <= 1024. EDATA: an instant that overflows, or that is known as of
 * `as_of` and lies where the clock (NULL: none) has a schedule but does not count. */
enum cxm_status cxm_priv_read_instants(struct cxm_reader readers[2], struct cxm_instants *out,
                                       int64_t first, size_t n, const struct cxm_clock *clock,
                                       int64_t as_of, struct cxm_error *error);

#endif
