/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One row of a key column as a column of any length, every element the same: derived rows of a
 * group take their keys along so. Same name, type, categories and calendar rule, same key. */
#ifndef CXM_SRC_CONSTANT_H
#define CXM_SRC_CONSTANT_H

#include "column/read.h"

/* Not to be moved once it is made; borrows text and categories from the column. */
struct cxm_constant {
    struct cxm_column column, dictionary;
    uint64_t bits;
    int64_t offsets[2];
    uint8_t is_missing;
};

/* `column` fits as a key. EDATA: the row has no valid key. */
enum cxm_status cxm_priv_constant(const struct cxm_column *column, int64_t row, int64_t n,
                                  struct cxm_constant *out, struct cxm_error *error);

#endif
