/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeat contacts in packed words, 64 at a time as masks of bits. Where windows start at the
 * opening, the next contact of a key decides: in sorted words a contact is a repeat's first when
 * its neighbour has the same key and came within the window. Chains of such neighbours are
 * issues, counted at their last contact. What is mature is a comparison with as_of - window. A
 * customer's counts are the bits of masks between two ends of customers. The codes are the same
 * as those that repeat.c finds one by one, which the tests compare. */
#include "derive/repeat_words.h"
#include "derive/sort_kernels.h"

static bool note_many(struct cxm_repeat_part *part, int kind, uint32_t yes, uint32_t all)
{
    if (part->n_many[kind] == part->many_capacity[kind]) {
        const size_t capacity = 2 * part->many_capacity[kind] + 64;
        struct cxm_cluster *grown =
            cxm_priv_grow(part->allocator, part->many[kind], part->n_many[kind], capacity,
                          sizeof *grown);
        if (grown == NULL)
            return false;
        part->many[kind] = grown;
        part->many_capacity[kind] = capacity;
    }
    part->many[kind][part->n_many[kind]++] = (struct cxm_cluster){ yes, all, 1 };
    return true;
}

bool cxm_priv_note_cluster(struct cxm_repeat_part *part, int kind, uint32_t yes, uint32_t all)
{
    if (CXM_UNLIKELY(all > CXM_REPEAT_FEW))
        return note_many(part, kind, yes, all);
    part->few[kind][all][yes]++; /* those with none are not read */
    return true;
}

/* ---- the masks of 64 contacts ------------------------------------------------------------ */

struct scan {
    const struct cxm_packed *packed;
    struct cxm_near_rules rules;
    struct cxm_sort_kernels kernels;
    size_t same_end;        /* a run of the same word that was looked at ends here */
    bool same_is_near;      /* and its last one is near the next */
    bool was_near, was_same, was_later; /* of the contact before this block */
};

static struct cxm_near_rules rules_of(const struct cxm_packed *p,
                                      const struct cxm_repeat_rules *r)
{
    const uint64_t mask = p->time_bits < 64 ? ((uint64_t)1 << p->time_bits) - 1 : UINT64_MAX;
    const cxm_i128 old = (cxm_i128)r->as_of - r->window - p->time_base;
    return (struct cxm_near_rules){
        .key_shift = p->time_bits, .customer_shift = p->time_bits + p->code_bits,
        .most = (uint64_t)r->window - (r->open_end && r->window > 0), .time_mask = mask,
        .old = old < 0 ? 0 : old > (cxm_i128)mask ? mask : (uint64_t)old, .none_old = old < 0,
    };
}

/* Is the last of the run of words that are the same as word i near the next? */
static bool run_is_near(struct scan *s, size_t i)
{
    const uint64_t *const words = s->packed->words;
    if (i < s->same_end)
        return s->same_is_near;
    size_t last = i;
    while (words[last + 1] == words[i])
        last++;
    struct cxm_near near;
    cxm_priv_near_words_c(words + last, 1, &s->rules, &near);
    s->same_end = last;
    s->same_is_near = near.near != 0;
    return s->same_is_near;
}

struct masks {
    uint64_t near, old, last;
    uint64_t repeat;   /* a later contact is near */
    uint64_t end;      /* of an issue */
    uint64_t later;    /* an earlier contact of the issue has another time */
};

static struct masks masks_of(struct scan *s, size_t first, size_t n)
{
    struct cxm_near bits;
    s->kernels.near_words(s->packed->words + first, n, &s->rules, &bits);
    const uint64_t there = n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
    struct masks m = { bits.near, bits.old, bits.last, bits.near,
                       ~(bits.near | bits.same) & there, 0 };
    const uint64_t after_same = bits.same << 1 | s->was_same;
    m.later = bits.near << 1 | s->was_near | (s->was_same && s->was_later);
    if (CXM_UNLIKELY((bits.same | s->was_same) != 0)) {
        if ((bits.same >> (n - 1) & 1) != 0 && run_is_near(s, first + n - 1))
            m.repeat |= (uint64_t)1 << (n - 1);
        for (uint64_t more = bits.same; more != 0;) {
            more = m.repeat >> 1 & bits.same & ~m.repeat;
            m.repeat |= more;
        }
        for (uint64_t more = after_same; more != 0;) {
            more = m.later << 1 & after_same & ~m.later;
            m.later |= more;
        }
    }
    m.later &= there;
    s->was_near = (bits.near >> (n - 1) & 1) != 0;
    s->was_same = (bits.same >> (n - 1) & 1) != 0;
    s->was_later = (m.later >> (n - 1) & 1) != 0;
    return m;
}

/* ---- counting ---------------------------------------------------------------------------- */

enum { MATURE = 0, YOUNG = 2, N_STATES = 4 }; /* + 1: repeated */

static const uint8_t code_of[N_STATES] = { CXM_CONTACT_FCR, CXM_CONTACT_REPEAT,
                                           CXM_CONTACT_PENDING, CXM_CONTACT_EARLY_REPEAT };

/* Of the contacts (or issues) in `of`, which are in which state. */
static void split(uint64_t of, uint64_t repeat, uint64_t old, uint64_t states[N_STATES])
{
    states[MATURE] = of & ~repeat & old;
    states[MATURE + 1] = of & repeat & old;
    states[YOUNG] = of & ~repeat & ~old;
    states[YOUNG + 1] = of & repeat & ~old;
}

bool cxm_priv_repeat_words(const struct cxm_packed *packed, const struct cxm_repeat_rules *rules,
                           const uint8_t *yes, const uint8_t *all, struct cxm_repeat_part *part)
{
    struct scan s = { .packed = packed, .rules = rules_of(packed, rules),
                      .kernels = cxm_priv_sort_kernels(0) };
    uint64_t yes_of[N_STATES], all_of[N_STATES];
    uint32_t open[CXM_MASKS] = { 0 }, counts[64][CXM_MASKS];
    for (int i = 0; i < N_STATES; i++) {
        yes_of[i] = yes[code_of[i]] ? UINT64_MAX : 0;
        all_of[i] = all[code_of[i]] ? UINT64_MAX : 0;
    }
    for (size_t first = 0; first < packed->n; first += 64) {
        const size_t n = packed->n - first < 64 ? packed->n - first : 64;
        const uint64_t there = n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
        const struct masks m = masks_of(&s, first, n);
        uint64_t states[2][N_STATES], sums[CXM_MASKS] = { 0 };
        split(there, m.repeat, m.old, states[0]);
        split(m.end, m.later, m.old, states[1]);
        for (int kind = 0; kind < 2; kind++) {
            for (int i = 0; i < N_STATES; i++) {
                sums[2 * kind] |= states[kind][i] & yes_of[i];
                sums[2 * kind + 1] |= states[kind][i] & all_of[i];
                part->codes[kind][code_of[i]] += __builtin_popcountll(states[kind][i]);
            }
        }
        part->codes[1][CXM_CONTACT_OUTSIDE] += (int64_t)n - __builtin_popcountll(m.end);
        const size_t ended = s.kernels.count_stretches(sums, m.last, n, open, counts);
        for (size_t c = 0; c < ended; c++) {
            if (!cxm_priv_note_cluster(part, 0, counts[c][0], counts[c][1])
                || !cxm_priv_note_cluster(part, 1, counts[c][2], counts[c][3]))
                return false;
        }
    }
    return true;
}
