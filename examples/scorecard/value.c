/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text to values. A file has millions of cells, nearly all of them short whole numbers, which
 * are read without the C library; strtod does the others (the locale's LC_NUMERIC stays "C").
 * Dates use the civil calendar in 400-year cycles (Howard Hinnant, "days from civil"). */
#include "value.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, HOUR = 3600, MINUTE = 60 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_number(const char *text, size_t bytes, double *number)
{
    if (bytes == 0 || bytes > 400)
        return false;
    uint32_t whole = 0;
    size_t digits = 0;
    while (digits < bytes && digits < 9 && is_digit(text[digits]))
        whole = whole * 10 + (uint32_t)(text[digits++] - '0');
    if (digits == bytes) {
        *number = whole;
        return true;
    }
    char copy[401];
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (strspn(copy, "0123456789+-.eE") != bytes)
        return false;
    char *end = NULL;
    *number = strtod(copy, &end);
    return end == copy + bytes && isfinite(*number);
}

/* ---- dates ------------------------------------------------------------------------------- */

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

struct cursor {
    const char *at, *end;
};

/* Exactly `digits` digits as a number, or -1. */
static int64_t take_digits(struct cursor *cursor, int digits)
{
    int64_t value = 0;
    if (cursor->end - cursor->at < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(cursor->at[i]))
            return -1;
        value = value * 10 + (cursor->at[i] - '0');
    }
    cursor->at += digits;
    return value;
}

static bool take_char(struct cursor *cursor, const char *any_of)
{
    if (cursor->at == cursor->end || *cursor->at == '\0' || !strchr(any_of, *cursor->at))
        return false;
    cursor->at++;
    return true;
}

static bool take_date(struct cursor *cursor, int64_t *days)
{
    const int64_t year = take_digits(cursor, 4);
    if (year < 0 || !take_char(cursor, "-"))
        return false;
    const int64_t month = take_digits(cursor, 2);
    if (month < 1 || month > 12 || !take_char(cursor, "-"))
        return false;
    const int64_t day = take_digits(cursor, 2);
    if (day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

/* HH:MM, HH:MM:SS, HH:MM:SS.fraction; the fraction is floored away, as the library does. */
static bool take_clock(struct cursor *cursor, int64_t *seconds)
{
    const int64_t hour = take_digits(cursor, 2);
    if (hour < 0 || hour > 23 || !take_char(cursor, ":"))
        return false;
    const int64_t minute = take_digits(cursor, 2);
    if (minute < 0 || minute > 59)
        return false;
    int64_t second = 0;
    if (take_char(cursor, ":")) {
        second = take_digits(cursor, 2);
        if (second < 0 || second > 60)
            return false;
        if (take_char(cursor, ".,") && !take_char(cursor, "0123456789"))
            return false;
        while (take_char(cursor, "0123456789"))
            continue;
    }
    *seconds = hour * HOUR + minute * MINUTE + second;
    return true;
}

bool parse_offset(const char *text, size_t bytes, int64_t *seconds)
{
    struct cursor cursor = { text, text + bytes };
    *seconds = 0;
    if (bytes == 1 && take_char(&cursor, "Zz"))
        return true;
    const bool west = bytes > 0 && *text == '-';
    if (!take_char(&cursor, "+-"))
        return false;
    int64_t hours = take_digits(&cursor, 2);
    if (hours < 0)
        hours = take_digits(&cursor, 1);
    int64_t minutes = 0;
    if (cursor.at < cursor.end) {
        take_char(&cursor, ":");
        minutes = take_digits(&cursor, 2);
    }
    if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || cursor.at < cursor.end)
        return false;
    *seconds = (hours * HOUR + minutes * MINUTE) * (west ? -1 : 1);
    return true;
}

bool parse_instant(const char *text, size_t bytes, struct instant *instant)
{
    struct cursor cursor = { text, text + bytes };
    int64_t days = 0, seconds = 0;
    *instant = (struct instant){ 0 };
    if (!take_date(&cursor, &days))
        return false;
    if (cursor.at < cursor.end) {
        if (!take_char(&cursor, "T ") || !take_clock(&cursor, &seconds))
            return false;
        while (take_char(&cursor, " "))
            continue;
        instant->zoned = cursor.at < cursor.end;
        if (instant->zoned
            && !parse_offset(cursor.at, (size_t)(cursor.end - cursor.at), &instant->offset))
            return false;
    }
    instant->local = days * DAY + seconds;
    return true;
}

/* ---- comparisons ------------------------------------------------------------------------- */

/* The first operator outside quotes, or NULL. */
static const char *find_operator(const char *text)
{
    bool quoted = false;
    for (; *text != '\0'; text++) {
        if (*text == '"')
            quoted = !quoted;
        else if (!quoted && strchr("<>=!", *text) != NULL)
            return text;
    }
    return NULL;
}

bool is_condition(const char *text)
{
    return find_operator(text) != NULL;
}

static size_t read_operator(const char *text, enum comparison *comparison)
{
    static const struct {
        const char *text;
        enum comparison comparison;
    } operators[] = {
        { "==", EQUAL },     { "!=", NOT_EQUAL }, { "<=", AT_MOST }, { ">=", AT_LEAST },
        { "<>", NOT_EQUAL }, { "<", LESS },       { ">", MORE },     { "=", EQUAL },
    };
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const size_t length = strlen(operators[i].text);
        if (strncmp(text, operators[i].text, length) == 0) {
            *comparison = operators[i].comparison;
            return length;
        }
    }
    return 0;
}

/* One word of a comparison, without spaces and quotes; NULL when there is none. */
static char *single_word(const char *text, size_t bytes)
{
    char *part = copy_text(text, bytes);
    struct words words = split(part, '\n');
    free(part);
    char *word = words.n == 1 ? copy_text(words.item[0], strlen(words.item[0])) : NULL;
    words_free(&words);
    return word;
}

const char *parse_condition(const char *text, struct condition *condition)
{
    const char *sign = find_operator(text);
    if (sign == NULL)
        return "a comparison such as reopens > 0 is needed";
    *condition = (struct condition){ 0 };
    const size_t length = read_operator(sign, &condition->comparison);
    if (length == 0)
        return "the operators are ==, !=, <, <=, > and >=";
    const char *rest = sign + length;
    condition->column = single_word(text, (size_t)(sign - text));
    condition->word = single_word(rest, strlen(rest));
    if (condition->column == NULL || condition->word == NULL || find_operator(rest) != NULL)
        return "write a comparison as: column > number, or column == word";
    condition->numeric =
        parse_number(condition->word, strlen(condition->word), &condition->number);
    if (!condition->numeric && condition->comparison != EQUAL
        && condition->comparison != NOT_EQUAL)
        return "words can only be compared with == and !=";
    return NULL;
}

void condition_free(struct condition *condition)
{
    free(condition->column);
    free(condition->word);
    *condition = (struct condition){ 0 };
}

bool condition_holds(const struct condition *condition, double number)
{
    switch (condition->comparison) {
    case EQUAL: return number == condition->number;
    case NOT_EQUAL: return number != condition->number;
    case LESS: return number < condition->number;
    case AT_MOST: return number <= condition->number;
    case MORE: return number > condition->number;
    case AT_LEAST: return number >= condition->number;
    }
    return false;
}
