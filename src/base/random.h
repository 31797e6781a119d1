/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random numbers for permutation tests and simulations, only ever from a seed that the caller
 * gave: the same seed gives the same numbers on every machine.
 *
 * xoshiro256** (Blackman and Vigna 2021), its state filled by splitmix64 from the seed. */
#ifndef CXM_SRC_RANDOM_H
#define CXM_SRC_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct cxm_random {
    uint64_t state[4];
};

void cxm_priv_random_init(struct cxm_random *random, uint64_t seed);
/* 64 random bits. */
uint64_t cxm_priv_random_bits(struct cxm_random *random);
/* A whole number from 0 to bound - 1, each equally likely; bound > 0. */
uint64_t cxm_priv_random_below(struct cxm_random *random, uint64_t bound);
/* A multiple of 2^-53 in [0, 1). */
double cxm_priv_random_share(struct cxm_random *random);
/* A random order (Fisher and Yates). */
void cxm_priv_random_shuffle(struct cxm_random *random, double *values, size_t n);

#endif
