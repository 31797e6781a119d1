/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a key table whose entries are numbers with one counter each: value -> number of rows. The
 * number takes the last bytes of an entry's key, after those of its group. */
#include "metric/value_table.h"

#include <math.h>

enum { USED = 0 };

double cxm_priv_table_number(const struct cxm_table *values, uint32_t entry)
{
    size_t n;
    struct cxm_key key;
    const uint8_t *bytes = cxm_priv_dict_key(&values->dict, entry, &n);
    cxm_priv_parse_key(CXM_KEY_REAL, bytes + n - CXM_NUMBER_KEY_BYTES, CXM_NUMBER_KEY_BYTES,
                       &key, NULL);
    return key.real;
}

static int64_t count_of(const struct cxm_table *values, uint32_t entry)
{
    return cxm_priv_table_cell(values, entry)[0];
}

void cxm_priv_table_statistics(const struct cxm_table *values, const uint32_t *entries, size_t n,
                               const int64_t *ranks, size_t n_ranks, double *out)
{
    size_t at = 0;
    int64_t before = 0;
    for (size_t i = 0; i < n && at < n_ranks; i++) {
        before += count_of(values, entries[i]);
        for (; at < n_ranks && ranks[at] < before; at++)
            out[at] = cxm_priv_table_number(values, entries[i]);
    }
    for (; at < n_ranks; at++)
        out[at] = NAN;
}

bool cxm_priv_numbers_are_sound(const struct cxm_tally *tally, const uint32_t *order, double low,
                                double high)
{
    const struct cxm_table *values = &tally->state.values, *groups = &tally->state.groups;
    int64_t used = 0, there = 0;
    for (uint32_t g = 0; g < groups->dict.n; g++)
        used += cxm_priv_table_cell(groups, g)[USED];
    for (size_t i = 0, last = 0; i < values->dict.n; i = last) {
        size_t n_group = 0, n;
        int64_t sum = 0;
        const uint8_t *key = cxm_priv_dict_key(&values->dict, order[i], &n);
        struct cxm_key unused;
        for (uint32_t k = 0; k < cxm_priv_all_keys(&tally->schema); k++)
            n_group += cxm_priv_parse_key(tally->schema.keys[k].type, key + n_group, n - n_group,
                                          &unused, NULL);
        for (last = i; last < values->dict.n; last++) {
            const uint8_t *other = cxm_priv_dict_key(&values->dict, order[last], &n);
            if (n != n_group + CXM_NUMBER_KEY_BYTES || other[n_group] != CXM_TAG_PRESENT
                || memcmp(key, other, n_group) != 0)
                break;
            const double number = cxm_priv_table_number(values, order[last]);
            if (!(number >= low && number <= high)
                || __builtin_add_overflow(sum, count_of(values, order[last]), &sum))
                return false;
        }
        if (last == i)
            return false;
        const uint32_t group = cxm_priv_dict_find(&groups->dict, key, n_group);
        if (group == UINT32_MAX || cxm_priv_table_cell(groups, group)[USED] != sum
            || __builtin_add_overflow(there, sum, &there))
            return false;
    }
    return used == there;
}
