/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small tools of the scorecard: errors that end the program, memory, text. */
#ifndef SCORECARD_TEXT_H
#define SCORECARD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Prints "scorecard: ..." and ends the program with status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/** The same in front of a place: "survey.csv:18: ...". A line of 0 is left out. */
__attribute__((noreturn, format(printf, 3, 4))) void
fail_at(const char *file, int64_t line, const char *format, ...);

/** A warning in front of a place; the program goes on. */
__attribute__((format(printf, 3, 4))) void
warn_at(const char *file, int64_t line, const char *format, ...);

/** Memory for `count` elements, moved and grown like realloc; ends the program without it. */
void *resize(void *memory, size_t count, size_t element_bytes);

/** The same, filled with zeros. */
void *zeroed(size_t count, size_t element_bytes);

char *copy_text(const char *text, size_t bytes);

/** A new string, formatted as printf does. */
__attribute__((format(printf, 1, 2))) char *format_text(const char *format, ...);

/** A list of words. Freed with words_free. */
struct words {
    char **item;
    size_t n;
};

/** Takes text apart at a separator; spaces around a word go, "quotes" protect separators. */
struct words split(const char *text, char separator);
void words_add(struct words *words, const char *word);
bool words_contain(const struct words *words, const char *word);
void words_free(struct words *words);

/** The column of the terminal after printing this UTF-8 text, from 0. */
size_t text_width(const char *text);

/** Whether the bytes are UTF-8. */
bool is_utf8(const char *text, size_t bytes);

/**
 * A copy that is safe to print and to put into JSON: bytes that are not UTF-8 become U+FFFD,
 * and with `printable` control characters become "?", so that data cannot steer the terminal.
 */
char *clean_text(const char *text, size_t bytes, bool printable);

/** The same where a NUL may stand inside; the length is replaced by that of the copy. */
char *clean_bytes(const char *text, size_t *bytes, bool printable);

/** Not more than `width` columns; longer text ends in an ellipsis. */
char *shorten(const char *text, size_t width, bool utf8);

#endif
