/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeat contacts: the state of every contact, from the whole history of its customer. The
 * rules are those of include/cxm/fcr.h. */
#ifndef CXM_SRC_REPEAT_H
#define CXM_SRC_REPEAT_H

#include "derive/sort.h"

#include <cxm/fcr.h>

/* What a tally counts a row as: enum cxm_contact_state, and two more. */
enum {
    CXM_CONTACT_OPEN_DUE = 10, /* open, and its window counted from the opening is over */
    CXM_CONTACT_OUTSIDE = 11,  /* history only, or not the first contact */
    CXM_N_CONTACT_CODES = 12
};

/* What a code is in a denominator: 1 success, 0 failure, -1 not counted. */
int cxm_priv_contact_outcome(unsigned code, enum cxm_fcr_denominator denominator);

struct cxm_repeat_rules {
    int64_t window, as_of;
    int64_t lookback;   /* above 0: only contacts with none so long before them are counted */
    bool from_opening;  /* the window starts at the opening, not at the resolution */
    bool open_end;      /* exactly at the end of the window is too late */
    bool after_only;    /* contacts made while the first is open are no repeats */
    bool own_missing;   /* a missing category is a category of its own */
    bool has_period;    /* only contacts opened in [start, end) are counted */
    int64_t start, end;
    enum cxm_fcr_denominator denominator;
};

struct cxm_repeat_input {
    const struct cxm_column *customer, *opened, *resolved, *category; /* last two may be NULL */
    const struct cxm_column *const *by; /* groups that customers are clusters within */
    size_t n_by;
    int threads;
    bool count_invalid;
    const struct cxm_allocator *allocator;
    uint8_t *states;     /* written, in part where it fails; NULL: not wanted */
    bool per_row;        /* wants the arrays by row, else the counts */
    bool wants_times;    /* wants durations and events */
};

/* A customer's counted contacts (or issues), of these successes; and how many customers. */
struct cxm_cluster {
    uint32_t yes, all;
    int64_t customers;
};

struct cxm_repeat_counts {
    int64_t codes[CXM_N_CONTACT_CODES];
    struct cxm_cluster *clusters;
    size_t n_clusters;
};

/* Of contacts [0] and of issues [1]. */
struct cxm_repeat_out {
    const struct cxm_allocator *allocator;
    size_t n;
    bool subsecond;
    uint8_t *codes[2];              /* per_row: by row */
    uint32_t *yes[2], *all[2];      /* per_row: on one row of each customer and group, else
                                       UINT32_MAX */
    struct cxm_repeat_counts counts[2]; /* not per_row */
    int64_t *durations;             /* wants_times: from the anchor to the next contact or to
                                       as_of; INT64_MIN: has no anchor, or is not counted */
    uint8_t *events;                /* 1: there is a next contact; 0: not yet */
};

/* On failure nothing is to be released. */
enum cxm_status cxm_priv_repeat_contacts(const struct cxm_repeat_input *input,
                                         const struct cxm_repeat_rules *rules,
                                         struct cxm_repeat_out *out, struct cxm_error *error);
void cxm_priv_repeat_release(struct cxm_repeat_out *out);

#endif
