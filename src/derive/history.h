/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The histories behind include/cxm/customers.h. */
#ifndef CXM_SRC_HISTORY_H
#define CXM_SRC_HISTORY_H

#include "derive/sort.h"

#include <cxm/customers.h>

struct cxm_histories {
    const struct cxm_allocator *allocator;
    struct cxm_history *list; /* in the order of `row` */
    size_t n, capacity;
    struct cxm_history_base base;
};

/* states: NULL, or a byte a row: enum cxm_stage of rows that are no part of a history, OTHER for
 * all others. Options are complete (unit > 0). On failure `out` is to be released. */
enum cxm_status cxm_priv_histories(const struct cxm_column *customer,
                                   const struct cxm_column *time,
                                   const struct cxm_history_options *options, uint8_t *states,
                                   struct cxm_histories *out, struct cxm_error *error);
void cxm_priv_histories_release(struct cxm_histories *histories);

#endif
