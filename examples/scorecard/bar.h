/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A bar of text that shows an interval: |---o---| */
#ifndef SCORECARD_BAR_H
#define SCORECARD_BAR_H

#include <stdbool.h>
#include <stddef.h>

struct axis {
    double low, high;   /* what the first and the last column stand for */
    size_t width;       /* columns; 0: no bar */
    bool utf8;
};

/** Round ends of an axis that holds low … high, inside lowest … highest. */
struct axis axis_around(double low, double high, double lowest, double highest);

/** The bar as a new string. Ends outside the axis are drawn as arrows. */
char *bar_text(const struct axis *axis, double lower, double value, double upper);

/** "-100 -----+----- 100": the axis itself, with a cross at zero. */
char *axis_text(const struct axis *axis, const char *low_label, const char *high_label);

#endif
