/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The fixed data behind the golden tallies of tests/data/golden-*: every configuration of
 * tallies.h in one mix of keys, weights and copies. Small whole numbers and halves, written
 * out by rules that need no random numbers, so that another program can repeat them. Once a
 * version is released, neither this file nor its golden files change. */
#ifndef CXM_TESTS_GOLDEN_H
#define CXM_TESTS_GOLDEN_H

#include "tallies.h"

enum { GOLDEN_ROWS = 24, N_GOLDEN = 31 }; /* the first of the setups: later ones have no files */

static const unsigned golden_mixes[] = {
    0, BY_TEXT | WEIGHTED, BY_NUMBER | BY_TEXT | WITH_FREQ, WEIGHTED | WITH_FREQ, BY_NUMBER,
};

/* Row r, slot s: answers walk through the scale; each eleventh is missing. */
static inline double golden_value(enum slot_kind kind, int r, int s)
{
    const int k = 7 * r + 3 * s;
    if ((r + 4 * s) % 11 == 10)
        return NAN;
    switch (kind) {
    case SLOT_RATING:
        return k % 11;
    case SLOT_RATING_5:
        return 1 + k % 5;
    case SLOT_FLAG:
        return k / 2 % 2;
    case SLOT_COUNT:
        return k % 3;
    case SLOT_SMALL:
        return k % 17 / 2.0;
    default:
        return ldexp(k % 19 - 9, 5 * (k % 7) - 12);
    }
}

static inline struct rows golden_rows(size_t setup)
{
    static const char *const names[] = { "north", "\xC3\xB8st", "", NULL };
    struct rows rows = rows_alloc(&setups[setup], golden_mixes[setup % COUNT_OF(golden_mixes)],
                                  GOLDEN_ROWS);
    for (int r = 0; r < GOLDEN_ROWS; r++) {
        for (int s = 0; s < setups[setup].n_slots; s++)
            rows.values[s][r] = golden_value(setups[setup].kinds[s], r, s);
        if (rows.reason != NULL)
            rows.reason[r] = names[r / 3 % 4];
        if (rows.number != NULL)
            rows.number[r] = r % 5 == 4 ? NO_NUMBER : r % 3 - 1;
        if (rows.text != NULL)
            rows.text[r] = names[r / 2 % 4];
        if (rows.weight != NULL)
            rows.weight[r] = r % 9 == 8 ? 0 : 0.5 + r % 4;
        if (rows.freq != NULL)
            rows.freq[r] = r % 4;
    }
    return rows;
}

/* "csi, importance of persons" -> "csi-importance-of-persons" */
static inline void golden_name(size_t setup, char out[64])
{
    size_t n = 0;
    for (const char *c = setups[setup].name; *c != '\0' && n < 60; c++) {
        if (*c == ',')
            continue;
        out[n++] = *c == ' ' ? '-' : *c;
    }
    out[n] = '\0';
}

#endif
