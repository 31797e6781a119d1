/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of a tally, by which tests tell two of them apart. */
#ifndef CXM_TESTS_SAVED_H
#define CXM_TESTS_SAVED_H

#include "testing.h"

#include <cxm/cxm.h>

#include <stdlib.h>

/* For free(). */
static inline uint8_t *save_tally(struct cxm_tally *tally, size_t *n)
{
    assert_int_equal(cxm_tally_save(tally, NULL, 0, n, NULL), CXM_OK);
    uint8_t *const bytes = malloc(*n);
    assert_non_null(bytes);
    assert_int_equal(cxm_tally_save(tally, bytes, *n, n, NULL), CXM_OK);
    return bytes;
}

#endif
