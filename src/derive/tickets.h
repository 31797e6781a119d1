/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tickets by their times: opened in a period, resolved, pending. */
#ifndef CXM_SRC_TICKETS_H
#define CXM_SRC_TICKETS_H

#include "column/read.h"

/* As a member of those opened in the period, and as a part of what came and went in it. */
enum cxm_ticket_state {
    CXM_TICKET_NOT_RESOLVED = 0, CXM_TICKET_RESOLVED = 1,
    CXM_TICKET_NEITHER = 0, CXM_TICKET_CAME = 1, CXM_TICKET_WENT = 2, CXM_TICKET_BOTH = 3,
    CXM_TICKET_PENDING = 4, CXM_TICKET_OUTSIDE = 5, CXM_TICKET_BAD = 6, CXM_TICKET_UNSEEN = 7,
    CXM_TICKET_MISSING = 8, CXM_TICKET_INVALID = 9,
    CXM_N_TICKET_STATES = 10
};

struct cxm_ticket_rules {
    int64_t as_of, start, end;
    bool has_period;
    int64_t within; /* seconds; <= 0: no limit */
};

/* States of all rows: cohort[i] and flow[i]. EDATA: the lowest row with an invalid instant, unless
 * those are counted. ENOMEM. */
enum cxm_status cxm_priv_ticket_states(const struct cxm_column *opened,
                                       const struct cxm_column *resolved,
                                       const struct cxm_ticket_rules *rules, bool count_invalid,
                                       uint8_t *cohort, uint8_t *flow, bool *subsecond,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_error *error);

/* One instant a row in blocks, INT64_MIN where it is missing; calls `visit` for each block. Columns
 * fit and have one length. */
struct cxm_ticket_block {
    int64_t first;
    size_t n;
    const int64_t *opened, *resolved;
    const uint8_t *opened_state, *resolved_state;
};
typedef void cxm_ticket_visit(void *context, const struct cxm_ticket_block *block);
enum cxm_status cxm_priv_visit_tickets(const struct cxm_column *opened,
                                       const struct cxm_column *resolved, bool count_invalid,
                                       bool *subsecond, cxm_ticket_visit *visit, void *context,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_error *error);
/* Do the columns of tickets fit, and have they one length? */
enum cxm_status cxm_priv_check_tickets(const struct cxm_column *opened,
                                       const struct cxm_column *resolved,
                                       struct cxm_error *error);

#endif
