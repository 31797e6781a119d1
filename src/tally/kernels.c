/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variants, and the choice among all. */
#include "tally/count_keys.h"

/* Eight histograms, so that equal neighbours do not wait for each other's counter. */
static void count_plain(const uint8_t *bytes, size_t n, const uint8_t *values, size_t n_values,
                        uint64_t *counts)
{
    enum { LANES = 8, MOST = 1 << 30 };
    while (n > 0) {
        uint32_t seen[LANES][256];
        const size_t part = n < MOST ? n : MOST;
        size_t i = 0;
        memset(seen, 0, sizeof seen);
        for (; i + LANES <= part; i += LANES) {
            const uint64_t word = cxm_priv_get_u64(bytes + i);
            for (int lane = 0; lane < LANES; lane++)
                seen[lane][word >> 8 * lane & 0xFF]++;
        }
        for (; i < part; i++)
            seen[0][bytes[i]]++;
        for (size_t v = 0; v < n_values; v++)
            for (int lane = 0; lane < LANES; lane++)
                counts[v] += seen[lane][values[v]];
        bytes += part;
        n -= part;
    }
}

uint64_t cxm_priv_mask_bytes_c(const uint8_t *bytes, size_t n, const uint8_t *bits, unsigned skip,
                               uint8_t fill, uint8_t *out)
{
    const uint64_t each = 0x0101010101010101u, bit = 0x8040201008040201u, top = each * 0x80;
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8, bits++) {
        const uint64_t eight = skip > 0 ? (bits[0] >> skip | bits[1] << (8 - skip)) & 0xFF : bits[0];
        const uint64_t picked = eight * each & bit;            /* byte k keeps bit k */
        const uint64_t ones = (picked + (top - each)) & top;   /* its top bit: was it set? */
        const uint64_t mask = (ones >> 7) * 0xFF;
        const uint64_t word = (cxm_priv_get_u64(bytes + i) & mask) | (fill * each & ~mask);
        cxm_priv_put_u64(out + i, word);
        nulls += 8 - (uint64_t)__builtin_popcountll(eight);
    }
    for (unsigned k = skip; i < n; i++, k++) {
        const bool valid = (bits[k / 8] >> k % 8 & 1) != 0;
        out[i] = valid ? bytes[i] : fill;
        nulls += !valid;
    }
    return nulls;
}

uint64_t cxm_priv_count_masked(cxm_count_plain *count, cxm_mask_bytes *mask, const uint8_t *bytes,
                               size_t n, const uint8_t *bits, unsigned skip,
                               const uint8_t *values, size_t n_values, uint64_t *counts)
{
    enum { PART = 1 << 13 };
    uint8_t buffer[PART], fill = 0; /* a byte that is not listed */
    uint64_t nulls = 0;
    while (n_values > 0 && memchr(values, fill, n_values) != NULL)
        fill++;
    for (size_t i = 0; i < n; i += PART) {
        const size_t part = n - i < PART ? n - i : PART;
        nulls += mask(bytes + i, part, bits + i / 8, skip, fill, buffer);
        count(buffer, part, values, n_values, counts);
    }
    return nulls;
}

uint64_t cxm_priv_count_bytes_c(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                unsigned skip, const uint8_t *values, size_t n_values,
                                uint64_t *counts)
{
    if (bits != NULL)
        return cxm_priv_count_masked(count_plain, cxm_priv_mask_bytes_c, bytes, n, bits, skip,
                                     values, n_values, counts);
    count_plain(bytes, n, values, n_values, counts);
    return 0;
}

bool cxm_priv_whole_numbers_c(const double *x, size_t n, int64_t *q, uint64_t *all)
{
    uint64_t odd = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        const bool fits = x[i] < 0x1p51 && x[i] > -0x1p51;
        q[i] = (int64_t)(fits ? x[i] : 0.0);
        odd |= !((double)q[i] == x[i]);
        any |= (uint64_t)(q[i] < 0 ? -q[i] : q[i]);
    }
    *all = any;
    return odd == 0;
}

size_t cxm_priv_count_keys_c(const struct cxm_key_counters *c, const struct cxm_key_rows *rows,
                             size_t n)
{
    return cxm_priv_count_keys_loop(c, rows, n);
}

bool cxm_priv_part_rows_c(const struct cxm_key_counters *c, int shift, const struct cxm_key_rows *rows,
                          size_t n, uint32_t *out)
{
    return cxm_priv_part_rows_loop(c, shift, rows, n, out);
}

bool cxm_priv_place_numbers_c(const struct cxm_places *places, const uint32_t *group,
                              const uint16_t *codes, const double *x, size_t n, uint64_t *q,
                              uint32_t *at)
{
    uint64_t known = CXM_PLACE_KNOWN, astray = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = codes[i] < places->bins ? x[i] : places->filler;
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint64_t place = places->of[bits >> 52 & (CXM_EXPONENTS - 1)];
        const uint64_t fraction = bits & (CXM_LEADING_ONE - 1);
        known &= place;
        astray |= (place & CXM_PLACE_ONLY_ZERO) != 0 ? fraction : 0;
        q[i] = (fraction | (place & CXM_LEADING_ONE)) << (place >> CXM_PLACE_SHIFT & 63);
        at[i] = codes[i] * places->room + (group != NULL ? group[i] : 0) + 1 + (uint32_t)place
              + (bits >> 63 != 0 ? places->negative : 0);
    }
    return known != 0 && astray == 0;
}

bool cxm_priv_add_moments_c(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                            struct cxm_asking asking)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        cxm_priv_ask(asking, i);
        uint64_t *cell = cells + (size_t)at[i] * CXM_MOMENT_WORDS;
        const uint64_t a = q[i] >> 32, b = (uint32_t)q[i];
        const uint64_t bb = b * b, ab = a * b, aa = a * a;
        cell[0] += b;
        cell[1] += a;
        cell[2] += (uint32_t)bb;
        cell[3] += bb >> 32;
        cell[4] += (uint32_t)ab;
        cell[5] += ab >> 32;
        cell[6] += (uint32_t)aa;
        cell[7] += (aa >> 32) + ((uint64_t)1 << 48);
        any |= cell[7];
    }
    return any >> 63 != 0;
}

bool cxm_priv_add_slim_c(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                         struct cxm_asking asking)
{
    const uint64_t low = ((uint64_t)1 << CXM_SLIM_LOW) - 1;
    const uint64_t low_square = ((uint64_t)1 << CXM_SLIM_SQUARE) - 1;
    uint64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        cxm_priv_ask(asking, i);
        uint64_t *cell = cells + (size_t)at[i] * CXM_SLIM_WORDS;
        const uint64_t a = q[i] >> 32, b = (uint32_t)q[i];
        const uint64_t bb = b * b, ab = a * b, aa = a * a; /* q^2 = bb + 2^33 ab + 2^64 aa */
        cell[0] += q[i] & low;
        cell[1] += (bb & low_square) + (ab << 44 >> 11);
        cell[2] += (bb >> 53) + (ab >> 20) + (aa << 22 >> 11);
        cell[3] += (aa >> 42) + (q[i] >> CXM_SLIM_LOW << CXM_SLIM_HIGH_AT)
                 + ((uint64_t)1 << CXM_SLIM_COUNT_AT);
        most = cell[3] > most ? cell[3] : most;
    }
    return most >> CXM_SLIM_COUNT_AT >= CXM_FULL_SLIM;
}

bool cxm_priv_all_within_c(const double *x, size_t n, double low, double high)
{
    for (size_t i = 0; i < n;) { /* in runs: a loop without a branch */
        const size_t end = n - i < 64 ? n : i + 64;
        unsigned good = 1;
        for (; i < end; i++)
            good &= (x[i] >= low) & (x[i] <= high);
        if (!good)
            return false;
    }
    return true;
}

struct cxm_kernels cxm_priv_kernels(unsigned mask)
{
    struct cxm_kernels k = { cxm_priv_count_bytes_c, cxm_priv_whole_numbers_c,
                             cxm_priv_count_keys_c, cxm_priv_place_numbers_c, NULL, NULL,
                             cxm_priv_add_moments_c, CXM_MOMENT_WORDS,
                             cxm_priv_all_within_c, cxm_priv_part_rows_c, false };
#if CXM_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2")) {
        k.count_bytes = cxm_priv_count_bytes_avx2;
        k.whole_numbers = cxm_priv_whole_numbers_avx2;
        if (CXM_SUPPORTS("popcnt")) {
            k.count_keys = cxm_priv_count_keys_avx2;
            k.key_words = true;
        }
        k.place_numbers = cxm_priv_place_numbers_avx2;
        k.place_weights = cxm_priv_place_weights_avx2;
        k.place_rows = cxm_priv_place_rows_avx2;
        k.add_moments = cxm_priv_add_slim_avx2;
        k.moment_words = CXM_SLIM_WORDS;
        k.all_within = cxm_priv_all_within_avx2;
        k.part_rows = cxm_priv_part_rows_avx2;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw")
        && CXM_SUPPORTS("avx512vbmi")) {
        k.count_keys = cxm_priv_count_keys_avx512;
        k.key_words = false;
        k.part_rows = cxm_priv_part_rows_avx512;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vl")) {
        k.place_numbers = cxm_priv_place_numbers_avx512;
        k.place_weights = NULL;
        k.place_rows = NULL;
        k.add_moments = cxm_priv_add_moments_avx512;
        k.moment_words = CXM_MOMENT_WORDS;
        k.all_within = cxm_priv_all_within_avx512;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vbmi")
        && CXM_SUPPORTS("avx512vpopcntdq") && CXM_SUPPORTS("gfni"))
        k.count_bytes = cxm_priv_count_bytes_avx512;
#elif CXM_NEON
    if (((mask | CXM_CPU_MASK) & CXM_CPU_NEON) == 0) {
        k.count_bytes = cxm_priv_count_bytes_neon;
        k.whole_numbers = cxm_priv_whole_numbers_neon;
        k.count_keys = cxm_priv_count_keys_neon;
        k.place_numbers = cxm_priv_place_numbers_neon;
        k.add_moments = cxm_priv_add_moments_neon;
    }
#else
    (void)mask;
#endif
    return k;
}
