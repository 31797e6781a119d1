/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * xoshiro256** 1.0 and splitmix64, from their descriptions: Blackman and Vigna 2021, "Scrambled
 * linear pseudorandom number generators", ACM TOMS 47(4); Steele, Lea and Flood 2014. */
#include "base/random.h"

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

void cxm_priv_random_init(struct cxm_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15u; /* the golden ratio */
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        random->state[i] = z ^ z >> 31;
    }
}

uint64_t cxm_priv_random_bits(struct cxm_random *random)
{
    uint64_t *s = random->state;
    const uint64_t out = rotate(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

uint64_t cxm_priv_random_below(struct cxm_random *random, uint64_t bound)
{
    /* The lowest 2^64 mod bound values would make small remainders too frequent. */
    const uint64_t reject = (UINT64_MAX - bound + 1) % bound;
    uint64_t bits = cxm_priv_random_bits(random);
    while (bits < reject)
        bits = cxm_priv_random_bits(random);
    return bits % bound;
}

double cxm_priv_random_share(struct cxm_random *random)
{
    return (double)(cxm_priv_random_bits(random) >> 11) * 0x1p-53;
}

void cxm_priv_random_shuffle(struct cxm_random *random, double *values, size_t n)
{
    for (size_t left = n; left > 1; left--) {
        const size_t at = (size_t)cxm_priv_random_below(random, left);
        const double swap = values[left - 1];
        values[left - 1] = values[at];
        values[at] = swap;
    }
}
