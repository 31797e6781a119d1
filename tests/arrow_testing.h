/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cells of imported Arrow tables, by the name of their column. */
#ifndef CXM_TESTS_ARROW_TESTING_H
#define CXM_TESTS_ARROW_TESTING_H

#include "testing.h"

#include "column/read.h"

#include <cxm/arrow.h>

static inline struct cxm_column column_named(struct cxm_arrow *arrow, const char *name)
{
    struct cxm_column column;
    assert_int_equal(
        cxm_arrow_column(arrow, cxm_arrow_find(arrow, name), &column, NULL), CXM_OK);
    return column;
}

/* NaN for null. */
static inline void assert_number(struct cxm_arrow *arrow, const char *name, int64_t row, double want)
{
    const struct cxm_column column = column_named(arrow, name);
    struct cxm_reader reader;
    double value;
    uint8_t state;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_numbers(&reader, row, 1, &value, &state);
    assert_int_equal(state, isnan(want) ? CXM_ROW_MISSING : CXM_ROW_USED);
    assert_close(value, want, 0.0);
}

/* NULL for null. */
static inline void assert_text(struct cxm_arrow *arrow, const char *name, int64_t row,
                               const char *want)
{
    const struct cxm_column column = column_named(arrow, name);
    struct cxm_reader reader;
    struct cxm_text text;
    uint8_t state;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_key_text(&reader, row, 1, &text, &state);
    assert_int_equal(state, want == NULL ? CXM_ROW_MISSING : CXM_ROW_USED);
    if (want == NULL)
        return;
    assert_int_equal(text.n, strlen(want));
    assert_memory_equal(text.bytes, want, text.n);
}

#endif
