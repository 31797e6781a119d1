/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calls that are short, or whose cost is in the groups rather than in the rows. */
#ifndef CXM_BENCH_SMALL_H
#define CXM_BENCH_SMALL_H

#include <stdbool.h>

/* Prints the list "small"; `brief`: a hundredth of the groups and calls, to see that it runs. */
void measure_small(int repeats, bool brief);

#endif
