/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small tools of the scorecard. Every error ends the program, so that the rest can be read
 * from top to bottom without error paths; the operating system takes the memory back. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "\xEF\xBF\xBD"

__attribute__((format(printf, 3, 0))) static void
print_message(const char *file, int64_t line, const char *format, va_list arguments)
{
    char message[2048];
    vsnprintf(message, sizeof message, format, arguments);
    char *clean = clean_text(message, strlen(message), true);
    fflush(stdout);
    if (file == NULL)
        fprintf(stderr, "scorecard: %s\n", clean);
    else if (line <= 0)
        fprintf(stderr, "%s: %s\n", file, clean);
    else
        fprintf(stderr, "%s:%lld: %s\n", file, (long long)line, clean);
    free(clean);
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(NULL, 0, format, arguments);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void fail_at(const char *file, int64_t line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(file, line, format, arguments);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void warn_at(const char *file, int64_t line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(file, line, format, arguments);
    va_end(arguments);
}

void *resize(void *memory, size_t count, size_t element_bytes)
{
    if (element_bytes > 0 && count > SIZE_MAX / element_bytes)
        fail("out of memory");
    const size_t bytes = count * element_bytes;
    void *grown = realloc(memory, bytes > 0 ? bytes : 1);
    if (grown == NULL)
        fail("out of memory");
    return grown;
}

void *zeroed(size_t count, size_t element_bytes)
{
    void *memory = calloc(count > 0 ? count : 1, element_bytes);
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

char *copy_text(const char *text, size_t bytes)
{
    char *copy = resize(NULL, bytes + 1, 1);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *format_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        fail("text cannot be formatted");
    char *text = resize(NULL, (size_t)length + 1, 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* ---- lists of words ---------------------------------------------------------------------- */

void words_add(struct words *words, const char *word)
{
    words->item = resize(words->item, words->n + 1, sizeof *words->item);
    words->item[words->n++] = copy_text(word, strlen(word));
}

bool words_contain(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->item[i], word) == 0)
            return true;
    return false;
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->item[i]);
    free(words->item);
    *words = (struct words){ 0 };
}

/* The end of the word that starts at `text`: the next separator outside quotes. */
static const char *word_end(const char *text, char separator)
{
    bool quoted = false;
    for (; *text != '\0'; text++) {
        if (*text == '"')
            quoted = !quoted;
        else if (*text == separator && !quoted)
            break;
    }
    return text;
}

/* Spaces around the word go, and one pair of quotes. */
static char *trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t' || *start == '\n'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n'))
        end--;
    if (end - start >= 2 && *start == '"' && end[-1] == '"') {
        start++;
        end--;
    }
    return copy_text(start, (size_t)(end - start));
}

struct words split(const char *text, char separator)
{
    struct words words = { 0 };
    for (;;) {
        const char *end = word_end(text, separator);
        char *word = trimmed(text, end);
        if (*word != '\0')
            words_add(&words, word);
        free(word);
        if (*end == '\0')
            return words;
        text = end + 1;
    }
}

/* ---- UTF-8 ------------------------------------------------------------------------------- */

/* The code point at `text` and how many bytes it takes; 0 when the bytes are not UTF-8. */
static size_t decode(const unsigned char *text, size_t bytes, uint32_t *point)
{
    static const uint32_t lowest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (text[0] < 0x80) {
        *point = text[0];
        return 1;
    }
    const size_t length = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
    if (text[0] < 0xC2 || text[0] > 0xF4 || length > bytes)
        return 0;
    *point = text[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        *point = *point << 6 | (text[i] & 0x3Fu);
    }
    const bool surrogate = *point >= 0xD800 && *point <= 0xDFFF;
    return *point < lowest[length] || *point > 0x10FFFF || surrogate ? 0 : length;
}

/* Bytes of the first character, and the columns that it takes; what is no UTF-8 takes one. */
static size_t first_character(const char *text, size_t bytes, size_t *width)
{
    uint32_t point = 0;
    const size_t step = decode((const unsigned char *)text, bytes, &point);
    const int columns = step > 0 ? wcwidth((wchar_t)point) : 1;
    *width = columns >= 0 ? (size_t)columns : 1;
    return step > 0 ? step : 1;
}

size_t text_width(const char *text)
{
    size_t width = 0, columns;
    for (size_t bytes = strlen(text); bytes > 0; width += columns) {
        const size_t step = first_character(text, bytes, &columns);
        text += step;
        bytes -= step;
    }
    return width;
}

bool is_utf8(const char *text, size_t bytes)
{
    while (bytes > 0) {
        uint32_t point = 0;
        const bool ascii = (unsigned char)*text < 0x80;
        const size_t step = ascii ? 1 : decode((const unsigned char *)text, bytes, &point);
        if (step == 0)
            return false;
        text += step;
        bytes -= step;
    }
    return true;
}

char *clean_bytes(const char *text, size_t *bytes, bool printable)
{
    char *clean = resize(NULL, 3 * *bytes + 1, 1);
    size_t used = 0, left = *bytes;
    while (left > 0) {
        uint32_t point = 0;
        size_t step = decode((const unsigned char *)text, left, &point);
        const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
        if (step == 0) {
            memcpy(clean + used, REPLACEMENT, 3);
            used += 3;
            step = 1;
        } else if (printable && control) {
            clean[used++] = '?';
        } else {
            memcpy(clean + used, text, step);
            used += step;
        }
        text += step;
        left -= step;
    }
    clean[used] = '\0';
    *bytes = used;
    return clean;
}

char *clean_text(const char *text, size_t bytes, bool printable)
{
    return clean_bytes(text, &bytes, printable);
}

char *shorten(const char *text, size_t width, bool utf8)
{
    if (text_width(text) <= width)
        return copy_text(text, strlen(text));
    const size_t bytes = strlen(text);
    size_t kept = 0, used = 1, columns; /* one for the ellipsis */
    while (kept < bytes) {
        const size_t step = first_character(text + kept, bytes - kept, &columns);
        used += columns;
        if (used > width)
            break;
        kept += step;
    }
    return format_text("%.*s%s", (int)kept, text, utf8 ? "…" : "~");
}
