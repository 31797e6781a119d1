/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers as numbers, within groups: rows of the same customer and the same other keys share a
 * code. For derived rows that are written at the first row of each customer. */
#ifndef CXM_SRC_CUSTOMER_CODES_H
#define CXM_SRC_CUSTOMER_CODES_H

#include "derive/sort.h"

enum { CXM_MOST_BY = 8 };

/* Codes of (customer, by …, extra); CXM_CODE_MISSING where the customer is missing, while other
 * keys may be. `extra` may be NULL. EINVAL: too many keys, columns that are no keys. */
enum cxm_status cxm_priv_customer_codes(const struct cxm_column *customer,
                                        const struct cxm_column *by, size_t n_by,
                                        const struct cxm_column *extra, bool count_invalid,
                                        const struct cxm_allocator *allocator,
                                        struct cxm_codes *out, struct cxm_error *error);

#endif
