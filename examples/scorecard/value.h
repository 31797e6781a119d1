/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text to values: numbers, dates and times, comparisons. */
#ifndef SCORECARD_VALUE_H
#define SCORECARD_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A finite decimal number such as 12, -0.5 or 1e3 and nothing else around it. */
bool parse_number(const char *text, size_t bytes, double *number);

/** An instant as written: seconds since 1970-01-01 on the clock that wrote it. */
struct instant {
    int64_t local;
    bool zoned;       /* ends in Z or in an offset such as +08:00 */
    int64_t offset;   /* seconds east of UTC; 0 when not zoned */
};

/** ISO 8601: 2025-03-01, 2025-03-01T14:05, 2025-03-01 14:05:30.5Z, …+08:00 */
bool parse_instant(const char *text, size_t bytes, struct instant *instant);

/** An offset from UTC: Z, +08:00, -0530 or +8, in seconds. */
bool parse_offset(const char *text, size_t bytes, int64_t *seconds);

/** "reopen_count > 0": a column, an operator, a number or a word. */
enum comparison { EQUAL, NOT_EQUAL, LESS, AT_MOST, MORE, AT_LEAST };

struct condition {
    char *column;
    enum comparison comparison;
    char *word;
    double number;
    bool numeric;     /* compare as numbers, not as text */
};

/** Whether this text is a comparison at all: it has an operator outside quotes. */
bool is_condition(const char *text);
/** Takes a comparison apart; NULL, or what is wrong with it. */
const char *parse_condition(const char *text, struct condition *condition);
void condition_free(struct condition *condition);
bool condition_holds(const struct condition *condition, double number);

#endif
