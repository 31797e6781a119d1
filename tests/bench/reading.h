/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The yardstick: what it takes to read the bytes of all columns once. */
#ifndef CXM_BENCH_READING_H
#define CXM_BENCH_READING_H

#include <stddef.h>

struct span {
    const void *data;
    size_t bytes;
};

/* Reads all spans, a part of each in each thread (one thread: this one). */
void read_once(const struct span *spans, size_t n, int threads);

#endif
