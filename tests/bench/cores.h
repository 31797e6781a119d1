/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Has each thread a core of its own just now? A virtual machine's processors may be two halves of
 * one core, or be taken by somebody else, for seconds at a time. */
#ifndef CXM_BENCH_CORES_H
#define CXM_BENCH_CORES_H

/* The speed of the slowest of so many threads that only compute, by that of one alone: 1 means whole
 * cores, one half that two share one. Takes a millisecond. */
double cores_share(int threads);

#endif
