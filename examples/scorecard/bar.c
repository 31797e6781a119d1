/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bars are drawn with one byte a column and then, where the terminal can show it, written with
 * line-drawing characters. */
#include "bar.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1, 2 or 5 times a power of ten: at least four such steps between the ends. */
static double round_step(double range)
{
    const double step = pow(10, floor(log10(range / 4)));
    const double steps = range / 4 / step;
    return step * (steps >= 5 ? 5 : steps >= 2 ? 2 : 1);
}

struct axis axis_around(double low, double high, double lowest, double highest)
{
    const double least = fmax(fabs(low), fabs(high)) * 1e-3;
    if (high - low < least || high <= low) {
        low -= least > 0 ? least : 1;
        high += least > 0 ? least : 1;
    }
    const double step = round_step(high - low);
    return (struct axis){ .low = fmax(floor(low / step) * step, lowest),
                          .high = fmin(ceil(high / step) * step, highest) };
}

/* The column of a value, from 0; beyond the ends -1 or `width`. */
static long column_of(const struct axis *axis, double value)
{
    const double share = (value - axis->low) / (axis->high - axis->low);
    const double slack = 0.5 / (double)axis->width;
    if (share < -slack)
        return -1;
    if (share > 1 + slack)
        return (long)axis->width;
    const long column = lround(share * (double)(axis->width - 1));
    return column < 0 ? 0 : column >= (long)axis->width ? (long)axis->width - 1 : column;
}

/* From the sketch in ASCII to what is printed. */
static char *drawn(const char *sketch, bool utf8)
{
    static const struct {
        char ascii;
        const char *line;
    } glyphs[] = { { '-', "─" }, { '[', "├" }, { ']', "┤" }, { 'o', "●" },
                   { ':', "┊" }, { '+', "┼" }, { '<', "◄" }, { '>', "►" } };
    char *text = resize(NULL, 3 * strlen(sketch) + 1, 1);
    size_t used = 0;
    for (; *sketch != '\0'; sketch++) {
        const char *glyph = NULL;
        for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs && utf8; i++)
            if (glyphs[i].ascii == *sketch)
                glyph = glyphs[i].line;
        if (glyph != NULL) {
            memcpy(text + used, glyph, strlen(glyph));
            used += strlen(glyph);
        } else {
            text[used++] = *sketch == '[' || *sketch == ']' ? '|' : *sketch;
        }
    }
    text[used] = '\0';
    return text;
}

char *bar_text(const struct axis *axis, double lower, double value, double upper)
{
    char *sketch = resize(NULL, axis->width + 1, 1);
    const long width = (long)axis->width;
    memset(sketch, ' ', axis->width);
    sketch[width] = '\0';
    if (axis->low < 0 && axis->high > 0)
        sketch[column_of(axis, 0)] = ':';
    if (!isnan(lower) && !isnan(upper)) {
        const long from = column_of(axis, lower), to = column_of(axis, upper);
        for (long i = from < 0 ? 0 : from; i <= to && i < width; i++)
            sketch[i] = '-';
        if (from < width)
            sketch[from < 0 ? 0 : from] = from < 0 ? '<' : '[';
        if (to >= 0)
            sketch[to >= width ? width - 1 : to] = to >= width ? '>' : ']';
    }
    const long at = isnan(value) ? -1 : column_of(axis, value);
    if (at >= 0 && at < width)
        sketch[at] = 'o';
    char *text = drawn(sketch, axis->utf8);
    free(sketch);
    return text;
}

char *axis_text(const struct axis *axis, const char *low_label, const char *high_label)
{
    const size_t labels = strlen(low_label) + strlen(high_label) + 2;
    const bool room = labels + 2 < axis->width;
    char *sketch = resize(NULL, axis->width + 1, 1);
    memset(sketch, '-', axis->width);
    sketch[axis->width] = '\0';
    if (axis->low < 0 && axis->high > 0)
        sketch[column_of(axis, 0)] = '+';
    if (room)
        sketch[axis->width - strlen(high_label) - 1] = '\0';
    char *line = drawn(room ? sketch + strlen(low_label) + 1 : sketch, axis->utf8);
    char *text = room ? format_text("%s %s %s", low_label, line, high_label)
                      : copy_text(line, strlen(line));
    free(line);
    free(sketch);
    return text;
}
