/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mini data of the definitions: 12 respondents, 5 items, and columns over any of them. */
#ifndef CXM_TESTS_MINI_H
#define CXM_TESTS_MINI_H

#include "metric_testing.h"

enum { MINI_N = 12, MINI_ITEMS = 5 };

/* One word a respondent, one digit an item. */
static inline void mini_parse(const char *text, double out[MINI_ITEMS][MINI_N])
{
    for (int r = 0; r < MINI_N; r++, text++)
        for (int i = 0; i < MINI_ITEMS; i++)
            out[i][r] = *text++ - '0';
}

#define MINI_S "23211 34544 21112 43425 33323 44434 32323 43433 33434 33222 44534 55555"
#define MINI_I "45534 55422 54342 34533 54334 54334 43333 53333 55443 53443 55333 54342"
#define MINI_E "77656 57756 75655 56555 76766 56656 56546 75746 76766 76645 67767 56655"
#define MINI_P "67566 57744 55466 45446 47474 54444 44435 65747 54564 44556 75666 66566"

#define MINI_D "77656 57767 75665 56555 76776 56756 66547 76746 76767 77756 67777 57666"
#define MINI_M "55544 46535 64433 34344 65654 35535 34434 53635 55654 55534 46546 44544"

/* Appends the columns of an input with one column per item. */
static inline size_t mini_inputs(const char *role, double values[MINI_ITEMS][MINI_N],
                                 struct cxm_column *columns, struct cxm_input *inputs, size_t n)
{
    for (int i = 0; i < MINI_ITEMS; i++, n++) {
        columns[n] = cxm_column_make(NULL, CXM_F64, values[i], MINI_N, sizeof(double), 8);
        inputs[n] = (struct cxm_input){ role, &columns[n] };
    }
    return n;
}

#endif
