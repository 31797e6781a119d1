/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A column of ratings as bytes that lie side by side, for the short cuts. */
#ifndef CXM_SRC_RATING_H
#define CXM_SRC_RATING_H

#include "column/read_bytes.h"
#include "tally/tally.h"

struct cxm_rating {
    const struct cxm_column *column;
    cxm_read_bytes *read;          /* NULL: they are bytes */
    struct cxm_byte_window window; /* what bytes stand for, otherwise */
};

/* False: its values are not plain numbers, or no window of bytes holds all that are valid. A bitmap of
 * the column is the caller's business. */
bool cxm_priv_rating_init(struct cxm_rating *rating, const struct cxm_config *config,
                          const struct cxm_column *column);

/* The code of every byte, as the general decoder gives it. */
void cxm_priv_rating_codes(const struct cxm_rating *rating, const struct cxm_config *config,
                           uint16_t codes[256]);

/* Are they bytes side by side? */
static inline bool cxm_priv_rating_in_place(const struct cxm_rating *rating)
{
    return rating->read == NULL && rating->column->stride == 1;
}

/* The bytes of n rows that lie side by side from `from` on: there, or made in the buffer. */
const uint8_t *cxm_priv_rating_of(const struct cxm_rating *rating, const uint8_t *from, size_t n,
                                  uint8_t *buffer);

/* The bytes of n rows: in place, or made in the buffer. */
const uint8_t *cxm_priv_rating_bytes(const struct cxm_rating *rating, int64_t row, size_t n,
                                     uint8_t *buffer);

#endif
