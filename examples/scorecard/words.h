/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The words of the printed scorecard in English and Chinese. The names of metrics and measures
 * come from the library. */
#ifndef SCORECARD_WORDS_H
#define SCORECARD_WORDS_H

#include <cxm/cxm.h>

#include <stdbool.h>

enum word {
    WORD_TOTAL, WORD_BY, WORD_INTERVAL, WORD_N, WORD_MISSING, WORD_INVALID, WORD_EXCLUDED,
    WORD_ROWS, WORD_USED, WORD_NO_KEY, WORD_MORE, WORD_WEIGHTED, WORD_MEDIAN,
    WORD_POOLED, WORD_MORE_PERIODS, WORD_COUNT
};

const char *word_text(enum word word, bool chinese);
const char *unit_text(enum cxm_unit unit, bool chinese);

#endif
