/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers as the scorecard prints them: shares in percent, the others in their unit. */
#include "format.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double shown_number(uint32_t unit, double number)
{
    return unit == CXM_UNIT_SHARE ? 100 * number : number;
}

static char *number_text(uint32_t unit, double number)
{
    if (isnan(number))
        return copy_text("-", 1);
    const double shown = shown_number(unit, number);
    if (fabs(shown) >= 1e7)
        return format_text("%.4g", shown);
    const int digits = unit == CXM_UNIT_SHARE || unit == CXM_UNIT_POINTS || fabs(shown) >= 1000
                           ? 1
                       : unit == CXM_UNIT_RATIO ? 3
                                                : 2;
    return format_text("%.*f", digits, shown);
}

char *value_text(const struct cxm_estimate *e)
{
    char *number = number_text(e->unit, e->value);
    const bool percent = e->unit == CXM_UNIT_SHARE && !isnan(e->value);
    char *text = format_text("%s%s", number, percent ? " %" : "");
    free(number);
    return text;
}

char *interval_text(const struct cxm_estimate *e)
{
    if (isnan(e->lower) && isnan(e->upper))
        return copy_text("-", 1);
    char *lower = number_text(e->unit, e->lower), *upper = number_text(e->unit, e->upper);
    char *text = format_text("[%s, %s]", lower, upper);
    free(lower);
    free(upper);
    return text;
}

/* 12 345: a space before every three digits. */
char *count_text(int64_t count)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    char *text = resize(NULL, 2 * sizeof digits, 1);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            text[used++] = ' ';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}
