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

/* Those of an NPS of columns, NULL: none. */
static inline enum cxm_status save_scores(const struct cxm_column *score, const struct cxm_column *by,
                                          const struct cxm_column *freq, int32_t invalid,
                                          int32_t threads, uint8_t **bytes, size_t *n,
                                          struct cxm_error *error)
{
    struct cxm_tally *tally;
    const struct cxm_add_options options = { sizeof options, invalid, 0, threads, 0 };
    struct cxm_input inputs[3] = { { "score", score } };
    size_t n_inputs = 1;
    if (by != NULL)
        inputs[n_inputs++] = (struct cxm_input){ "by", by };
    if (freq != NULL)
        inputs[n_inputs++] = (struct cxm_input){ "freq", freq };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, error), CXM_OK);
    const enum cxm_status status = cxm_tally_add(tally, inputs, n_inputs, &options, error);
    *bytes = status == CXM_OK ? save_tally(tally, n) : NULL;
    cxm_tally_free(tally);
    return status;
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
