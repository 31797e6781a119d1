/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of a tally, by which tests tell two of them apart, and what became of a call. */
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

/* The bytes of the tally that a call made, or why it made none. */
struct outcome {
    uint8_t *bytes;
    size_t n;
    enum cxm_status status;
    struct cxm_error error;
};

static inline void assert_same_outcome(const struct outcome *got, const struct outcome *want)
{
    assert_int_equal(got->status, want->status);
    if (want->status == CXM_OK) {
        assert_int_equal(got->n, want->n);
        assert_memory_equal(got->bytes, want->bytes, want->n);
    } else {
        assert_int_equal(got->error.row, want->error.row);
        assert_string_equal(got->error.message, want->error.message);
    }
}

#endif
