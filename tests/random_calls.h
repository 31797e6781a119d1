/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of cxm_tally_add: a metric, rows, keys, weights, copies and a sampling design, every
 * column in random storage and once more plain. Both must give the same tally. */
#ifndef CXM_TESTS_RANDOM_CALLS_H
#define CXM_TESTS_RANDOM_CALLS_H

#include "random_columns.h"
#include "tallies.h"

struct call {
    const struct setup *setup;
    int64_t n;
    struct cxm_add_options options;
    size_t n_columns;
    const char *roles[MOST_COLUMNS];
    struct cxm_column stored[MOST_COLUMNS], plain[MOST_COLUMNS];
    bool has_freq;
    int64_t planted;    /* row with a value that is none; -1: none */
    bool planted_slot;  /* in an input of the metric */
    struct arena arena;
};

/* ---- columns of numbers --------------------------------------------------------------- */

enum number_kind { OF_SLOT, OF_WEIGHT, OF_FREQ };

struct numbers {
    struct storage storage;
    const struct number *values;
    const bool *present;
    const char *const *texts;                /* of labels */
    const struct cxm_column *dictionary;
};

static inline void store_number_part(const struct maker *m, const void *storage,
                                     struct cxm_column *part, int64_t first)
{
    const struct numbers *all = storage;
    if (all->texts == NULL) {
        store_numbers(m, &all->storage, part, all->values + first, all->present + first);
        part->dictionary = all->dictionary;
        return;
    }
    unsigned *told = arena_take(m->arena, (size_t)part->n, sizeof *told);
    const char **texts = arena_take(m->arena, (size_t)part->n, sizeof *texts);
    store_absence(m, &all->storage, part, all->present + first, told);
    for (int64_t i = 0; i < part->n; i++)
        texts[i] = told[i] != 0 && one_in(m, 2) ? "noise" : all->texts[first + i];
    for (int64_t i = 0; i < part->n; i++)
        texts[i] = all->present[first + i] || all->storage.absence != 0 ? texts[i] : NULL;
    store_texts(m, part, all->storage.type, texts, part->n);
}

/* Can a type hold it exactly? */
static inline bool holds(uint32_t type, int32_t scale, double v)
{
    static const double lowest[] = { -128, -32768, -2147483648.0, -0x1p63, 0, 0, 0, 0 };
    static const double beyond[] = { 128, 32768, 2147483648.0, 0x1p63, 256, 65536, 0x1p32, 0x1p64 };
    if (type == CXM_F32)
        return isnan(v) || isinf(v) || (fabs(v) < 1e38 && (double)(float)v == v);
    if (type == CXM_F64)
        return true;
    if (type == CXM_BOOL || type == CXM_BITS)
        return v == 0 || v == 1;
    if (type == CXM_DECIMAL) {
        const double whole = v * pow(10, scale); /* rounded: 0.29999999999999999 times 10 is 3 */
        return fabs(v) < 1e12 && whole == floor(whole) && whole / pow(10, scale) == v;
    }
    return v == floor(v) && v >= lowest[type - CXM_I8] && v < beyond[type - CXM_I8];
}

static inline struct number number_of(double v)
{
    const bool whole = v == floor(v) && fabs(v) < 0x1p63;
    return (struct number){ v, whole ? (uint64_t)(int64_t)v : v >= 0x1p63 && v < 0x1p64 ? (uint64_t)v : 0 };
}

/* Weights of one column are all alike, or anything. */
static inline double random_weight_of(uint64_t *seed, uint64_t style)
{
    const double unit = random_unit(seed);
    switch (style) {
    case 0: return 0.2 + 2 * unit;
    case 1: return (double)(1 + random_below(seed, 7));
    case 2: return 15.9;
    case 3: return ldexp(0.5 + unit / 2, (int)random_below(seed, 60) - 30);
    case 4: return random_below(seed, 5) ? 0.5 + unit : 0;
    case 5: return random_below(seed, 2) ? 9e99 * (0.1 + unit) : 1.5e-100 * (1 + unit);
    case 6: return 0.5 * (double)(1 + random_below(seed, 6));
    default: return random_weight(seed);
    }
}

static inline double random_number(const struct maker *m, enum number_kind of, enum slot_kind kind,
                                   uint64_t style)
{
    static const double odd[] = { -0.0, 5e-324, -3e-310, 1e300, -1e300, 0x1p53, 1, 1e-100,
                                  0x1.fffffffffffffp0 };
    if (of == OF_WEIGHT)
        return random_weight_of(m->seed, style);
    if (of == OF_FREQ)
        return style == 0 ? 1 : (double)random_below(m->seed, style == 1 ? 1000000 : 4);
    if (kind != SLOT_REAL)
        return random_value(m->seed, kind);
    if (style < 3)
        return random_value(m->seed, kind);
    if (style == 3 && one_in(m, 10))
        return odd[random_below(m->seed, COUNT_OF(odd))];
    return style % 2 ? (double)random_below(m->seed, 4) : (random_unit(m->seed) - 0.5) * (double)style;
}

/* A value that such a column may not have; NaN: every value of the type is fine. */
static inline double bad_number(const struct maker *m, enum number_kind of, enum slot_kind kind,
                                const struct storage *s)
{
    static const double bad[] = { 77, -3, 2.5, INFINITY, -INFINITY, 200, 0x1p60, -1, 0.25, 1e101 };
    const size_t first = random_below(m->seed, COUNT_OF(bad));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const double v = bad[(first + i) % COUNT_OF(bad)];
        const bool whole = v == floor(v) && v >= 0;
        const bool large = v == 0x1p60 && is_whole_type(s->type); /* no double says it surely */
        const bool good = of == OF_WEIGHT ? v >= 0 && v <= 1e100 && !large
                        : of == OF_FREQ   ? whole && isfinite(v)
                        : kind == SLOT_COUNT ? whole && isfinite(v) && !large
                        : kind == SLOT_REAL || kind == SLOT_SMALL ? isfinite(v) && !large
                                                                  : v >= 0 && v <= 10 && whole;
        const bool told = ((s->absence & BY_CODE) && v == s->code.real)
                       || ((s->absence & BY_SENTINEL) && v == s->sentinel.real);
        if (!good && !told && holds(s->type, s->scale, v))
            return v;
    }
    return NAN;
}

static inline struct storage random_storage(const struct maker *m, bool yes_no, bool missing)
{
    static const uint32_t often[] = { CXM_U8, CXM_I8, CXM_F64, CXM_I64, CXM_F32, CXM_I32 };
    struct storage s = { .type = 1 + (uint32_t)random_below(m->seed, CXM_F64), .strided = one_in(m, 3) };
    if (one_in(m, 2))
        s.type = often[random_below(m->seed, COUNT_OF(often))];
    if (yes_no && one_in(m, 3))
        s.type = one_in(m, 2) ? CXM_BOOL : CXM_BITS;
    if (one_in(m, 12)) {
        s.type = CXM_DECIMAL;
        s.scale = (int32_t)random_below(m->seed, 3);
    }
    static const double marks[] = { 99, -1, 98, 127, -128, 12.5, 1e6, 5, 11, 65535, 0x1p31, 0 };
    const bool numeric = s.type <= CXM_F64 || s.type == CXM_DECIMAL;
    unsigned possible = BY_BITMAP | BY_MASK;
    const double code = marks[random_below(m->seed, COUNT_OF(marks))];
    const double sentinel = marks[random_below(m->seed, COUNT_OF(marks))];
    if (numeric && holds(s.type, s.scale, code))
        possible |= BY_CODE;
    if (numeric && s.type != CXM_DECIMAL && sentinel == floor(sentinel) && holds(s.type, s.scale, sentinel))
        possible |= BY_SENTINEL;
    if (s.type == CXM_F32 || s.type == CXM_F64)
        possible |= BY_NAN;
    s.code = number_of(code);
    s.sentinel = number_of(sentinel);
    if (s.type == CXM_U64 && one_in(m, 4)) { /* the same 64 bits */
        possible |= BY_SENTINEL;
        s.sentinel = (struct number){ 0x1p64, UINT64_MAX };
    }
    while (missing && s.absence == 0)
        s.absence = possible & (unsigned)random_below(m->seed, 32);
    return s;
}

/* How the column tells missing codes, some of which never come. */
static inline void add_marks(const struct maker *m, const struct storage *s, struct cxm_column *c)
{
    if (s->absence & BY_SENTINEL) {
        c->flags |= CXM_COLUMN_SENTINEL;
        c->sentinel = (int64_t)s->sentinel.whole;
    }
    if (s->absence & BY_CODE) {
        double *codes = arena_take(m->arena, 3, sizeof *codes);
        codes[0] = s->code.real;
        codes[1] = 0x1p70;
        codes[2] = s->code.real;
        c->missing_codes = codes;
        c->n_missing_codes = 1 + (int64_t)random_below(m->seed, 3);
    }
}

/* The same numbers as text with labels, or as indexes into a list of numbers or such texts. */
static inline void in_other_words(const struct maker *m, struct numbers *all, struct cxm_column *c,
                                  struct number *values, bool *present, const bool *bad)
{
    enum { VALUES = 13, UNLISTED = 12, MISSING = 11 };
    static const char *const texts[VALUES] = { "none", "one", "two", "three", "four", "five", "six", "seven",
                                               "eight", "nine", "ten of ten, the best that there is", "n/a",
                                               "who knows" };
    static const uint32_t types[] = { CXM_STRINGS, CXM_TEXT, CXM_UTF8, CXM_UTF8_LARGE, CXM_UTF8_VIEW };
    const bool indexed = one_in(m, 2);
    const uint32_t type = types[random_below(m->seed, COUNT_OF(types))];
    struct cxm_label *labels = arena_take(m->arena, MISSING + 1, sizeof *labels);
    for (int k = 0; k <= MISSING; k++)
        labels[k] = (struct cxm_label){ texts[k], k == MISSING ? 0 : k, k == MISSING, 0 };
    c->labels = labels;
    c->n_labels = MISSING + 1;
    all->storage.absence &= BY_BITMAP | BY_MASK;
    const bool null = all->storage.absence != 0;
    if (!null && !indexed && type != CXM_STRINGS)
        all->storage.absence = BY_BITMAP;
    if (!indexed) {
        const char **row = arena_take(m->arena, (size_t)m->n, sizeof *row);
        for (int64_t i = 0; i < m->n; i++) {
            if (!present[i] && one_in(m, 2)) {
                row[i] = texts[MISSING];
                present[i] = true;
            } else {
                row[i] = !present[i] ? "x" : bad[i] ? texts[UNLISTED] : texts[(int)values[i].real];
            }
        }
        all->texts = row;
        all->storage.type = type;
        return;
    }
    struct cxm_column *dictionary = arena_take(m->arena, 1, sizeof *dictionary);
    memset(dictionary, 0, sizeof *dictionary);
    dictionary->n = VALUES;
    store_texts(m, dictionary, type, texts, VALUES);
    all->dictionary = dictionary;
    all->storage.type = CXM_I8 + (uint32_t)random_below(m->seed, 8);
    if (!null)
        all->storage.absence = BY_BITMAP;
    for (int64_t i = 0; i < m->n; i++) {
        const bool told = !present[i] && one_in(m, 2);
        values[i].whole = bad[i] ? UNLISTED : told ? MISSING : (uint64_t)values[i].real;
        present[i] = present[i] || told;
    }
}

/* A column of numbers; `absent` rows (NULL: any) may be missing. Returns whether `plant` came true. */
static inline bool make_numbers(const struct maker *m, enum number_kind of, enum slot_kind kind,
                                const bool *absent, bool invalid, int64_t plant, struct cxm_column *stored,
                                struct cxm_column *plain, bool *missing_out)
{
    struct number *values = arena_take(m->arena, (size_t)m->n, sizeof *values);
    bool *present = arena_take(m->arena, (size_t)m->n, sizeof *present);
    bool *bad = arena_take(m->arena, (size_t)m->n, sizeof *bad);
    double *numbers = arena_take(m->arena, (size_t)m->n, sizeof *numbers);
    const uint64_t style = random_below(m->seed, 8), pattern = random_below(m->seed, 8);
    const bool misses = of == OF_SLOT ? !one_in(m, 3) : of == OF_WEIGHT && absent != NULL && one_in(m, 2);
    const uint64_t rate = misses ? (one_in(m, 6) ? 2 : 2 + random_below(m->seed, 60)) : 0;
    struct numbers all = { .storage = random_storage(m, of == OF_SLOT && kind == SLOT_FLAG, misses),
                           .values = values, .present = present };
    struct storage *s = &all.storage;
    while (kind == SLOT_COUNT && s->type == CXM_DECIMAL) /* money is no decimal of cents */
        *s = random_storage(m, false, misses);
    const bool real = (of == OF_SLOT && (kind == SLOT_REAL || kind == SLOT_SMALL)) || of == OF_WEIGHT;
    const bool words = of == OF_SLOT && !real && one_in(m, 8);
    const bool negative_zero = one_in(m, 3);
    bool planted = false;
    if (words)
        s->type = CXM_F64; /* holds what is then told in words */
    for (int64_t i = 0; i < m->n; i++) {
        const bool again = i > 0 && !bad[i - 1] && (pattern == 0 || (pattern == 1 && !one_in(m, 50)));
        double v = again ? numbers[i - 1] : random_number(m, of, kind, style);
        if (!isfinite(v))
            v = random_number(m, of, kind, style);
        const bool exact = !is_whole_type(s->type) || fabs(v) <= 0x1p53;
        if (real && (!exact || !holds(s->type, s->scale, v))) {
            v = s->type == CXM_F32 ? (double)(float)(fabs(v) < 1e37 && fabs(v) > 1e-37 ? v : 0.75)
              : s->type == CXM_F64 ? v
              : s->type == CXM_DECIMAL ? (double)random_below(m->seed, 5000) / pow(10, s->scale)
                                       : (double)random_below(m->seed, 100);
        } else if (s->type != CXM_F64 && !holds(s->type, s->scale, v)) {
            v = 1; /* a million copies in a byte */
        }
        bad[i] = (i == plant) || (invalid && random_below(m->seed, 40) == 0);
        if (bad[i]) {
            const double worse = bad_number(m, of, kind, s);
            bad[i] = !isnan(worse);
            v = bad[i] ? worse : v;
        }
        planted = planted || (i == plant && bad[i]);
        present[i] = bad[i] || misses == false || random_below(m->seed, rate) != 0
                  || (absent != NULL && !absent[i]);
        if (!words && (((s->absence & BY_CODE) && v == s->code.real)
                       || ((s->absence & BY_SENTINEL) && v == s->sentinel.real)))
            present[i] = false;
        if (!present[i] && absent != NULL && !absent[i]) { /* a weight that is needed */
            v = s->code.real == 1 || s->sentinel.real == 1 ? 2 : 1;
            present[i] = true;
        }
        numbers[i] = !isfinite(v) && !bad[i] ? 1 : v;
        values[i] = number_of(numbers[i]);
        if (numbers[i] == 0 && negative_zero && one_in(m, 2))
            values[i].real = -0.0;
    }
    memset(stored, 0, sizeof *stored);
    for (int64_t i = 0; i < m->n; i++) {
        const double told = numbers[i];
        const bool large = is_whole_type(s->type) && fabs(told) > 0x1p53;
        numbers[i] = !present[i] ? (double)NAN
                   : bad[i] && (words || large) ? (double)INFINITY
                                                : told + 0.0;
        if (missing_out != NULL)
            missing_out[i] = missing_out[i] || !present[i] || bad[i];
    }
    *plain = cxm_column_make(NULL, CXM_F64, numbers, (size_t)m->n, 8, 8);
    if (words)
        in_other_words(m, &all, stored, values, present, bad);
    else
        add_marks(m, s, stored);
    store_parts(m, &all, store_number_part, stored);
    return planted;
}

/* ---- keys ----------------------------------------------------------------------------- */

enum spread { FEW_KEYS, MANY_KEYS, WIDE_KEYS, SORTED_KEYS, EQUAL_KEYS, HOT_KEYS, LIMIT_KEYS, N_SPREADS };

static inline int64_t random_key(const struct maker *m, enum spread spread, int64_t row, int64_t before)
{
    static const int64_t limits[] = { INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1, 0, -1, INT32_MIN,
                                      INT32_MAX, UINT32_MAX, 255, 128, -32768, 65535, INT64_C(1) << 53 };
    switch (spread) {
    case FEW_KEYS: return (int64_t)random_below(m->seed, 9) - 4;
    case MANY_KEYS: return (int64_t)random_below(m->seed, 6000) - 100;
    case SORTED_KEYS: return row / 5 + (one_in(m, 100) ? 1 : 0);
    case EQUAL_KEYS: return row > 0 ? before : (int64_t)random_u64(m->seed);
    case HOT_KEYS: return one_in(m, 10) ? (int64_t)random_below(m->seed, 100000) : 77;
    case LIMIT_KEYS: return limits[random_below(m->seed, COUNT_OF(limits))];
    default: break;
    }
    return one_in(m, 200) ? limits[random_below(m->seed, COUNT_OF(limits))] : (int64_t)random_u64(m->seed);
}

/* What a type keeps of 64 bits. */
static inline int64_t cut_to(uint32_t type, int64_t v)
{
    switch (type) {
    case CXM_I8: return (int8_t)v;
    case CXM_U8: return (uint8_t)v;
    case CXM_I16: return (int16_t)v;
    case CXM_U16: return (uint16_t)v;
    case CXM_I32: return (int32_t)v;
    case CXM_U32: return (uint32_t)v;
    default: return v;
    }
}

static inline const uint8_t *bits_of(const struct maker *m, const bool *present)
{
    uint8_t *bits = arena_take(m->arena, (size_t)m->n / 8 + 1, 1);
    memset(bits, 0, (size_t)m->n / 8 + 1);
    for (int64_t i = 0; i < m->n; i++)
        bits[i / 8] |= (uint8_t)(present[i] << i % 8);
    return bits;
}

/* Whole numbers, instants, yes and no; reals. */
static inline void make_number_key(const struct maker *m, bool misses, struct cxm_column *stored,
                                   struct cxm_column *plain)
{
    struct number *values = arena_take(m->arena, (size_t)m->n, sizeof *values);
    bool *present = arena_take(m->arena, (size_t)m->n, sizeof *present);
    const enum spread spread = (enum spread)random_below(m->seed, N_SPREADS);
    const uint64_t rate = 2 + random_below(m->seed, 30);
    struct numbers all = { .storage = random_storage(m, one_in(m, 4), misses), .values = values,
                           .present = present };
    struct storage *s = &all.storage;
    while (s->type == CXM_DECIMAL)
        *s = random_storage(m, false, misses);
    const bool real = s->type == CXM_F32 || s->type == CXM_F64;
    const bool yes_no = s->type == CXM_BOOL || s->type == CXM_BITS;
    const bool timed = is_whole_type(s->type) && s->type != CXM_U64 && one_in(m, 4);
    int64_t *whole = arena_take(m->arena, (size_t)m->n, sizeof *whole);
    double *reals = arena_take(m->arena, (size_t)m->n, sizeof *reals);
    for (int64_t i = 0; i < m->n; i++) {
        int64_t v = cut_to(s->type, random_key(m, spread, i, i > 0 ? whole[i - 1] : 0));
        if (timed && (s->type == CXM_I64) && (v > INT64_C(1) << 40 || v < -(INT64_C(1) << 40)))
            v %= INT64_C(1) << 40;
        if (timed && s->type == CXM_U32)
            v %= 40000;
        whole[i] = yes_no ? v & 1 : v;
        values[i] = (struct number){ (double)whole[i], (uint64_t)whole[i] };
        if (real && spread == WIDE_KEYS)
            values[i].real = random_real(m->seed, s->type == CXM_F32 ? 120 : 1000);
        if (real && spread == LIMIT_KEYS && one_in(m, 3))
            values[i].real = one_in(m, 2) ? (double)INFINITY : one_in(m, 2) ? -0.0 : -1e-40;
        if (s->type == CXM_F32)
            values[i].real = (double)(float)values[i].real;
        present[i] = !misses || random_below(m->seed, rate) != 0;
        const bool signs = s->type != CXM_U64;
        if ((s->absence & BY_SENTINEL) && (real ? values[i].real == (double)(int64_t)s->sentinel.whole
                                                : whole[i] == (int64_t)s->sentinel.whole))
            present[i] = false;
        if ((s->absence & BY_CODE)
            && (real    ? values[i].real
                : signs ? (double)whole[i]
                        : (double)(uint64_t)whole[i]) == s->code.real)
            present[i] = false;
        reals[i] = values[i].real + 0.0;
    }
    memset(stored, 0, sizeof *stored);
    add_marks(m, s, stored);
    *plain = cxm_column_make(NULL, real ? CXM_F64 : s->type == CXM_U64 ? CXM_U64 : CXM_I64,
                             real ? (const void *)reals : whole, (size_t)m->n, 8, 8);
    if (yes_no) {
        uint8_t *bytes = arena_take(m->arena, (size_t)m->n, 1);
        for (int64_t i = 0; i < m->n; i++)
            bytes[i] = (uint8_t)whole[i];
        *plain = cxm_column_make(NULL, CXM_BOOL, bytes, (size_t)m->n, 1, 1);
    }
    if (misses || s->absence != 0)
        plain->validity = bits_of(m, present);
    if (timed) {
        stored->time_unit = (uint32_t)(1 + random_below(m->seed, 5));
        if (stored->time_unit == CXM_DAYS && s->type == CXM_I64)
            stored->time_unit = CXM_NS;
        stored->calendar = (uint32_t)random_below(m->seed, 6);
        stored->utc_offset = stored->calendar == CXM_NO_CALENDAR
                               ? 0 : 3600 * (int64_t)random_below(m->seed, 12);
        plain->time_unit = stored->time_unit;
        plain->calendar = stored->calendar;
        plain->utc_offset = stored->utc_offset;
    }
    store_parts(m, &all, store_number_part, stored);
}

/* Text, as it is or by indexes; a list in order is a category of its own. */
static inline void make_text_key(const struct maker *m, bool misses, struct cxm_column *stored,
                                 struct cxm_column *plain)
{
    static const uint32_t types[] = { CXM_STRINGS, CXM_TEXT, CXM_UTF8, CXM_UTF8_LARGE, CXM_UTF8_VIEW };
    static const uint64_t kinds[] = { 3, 12, 60, 200, 3000, 100000 };
    const bool indexed = one_in(m, 2), ordered = indexed && one_in(m, 3);
    const uint64_t rate = 2 + random_below(m->seed, 30), most = kinds[random_below(m->seed, COUNT_OF(kinds))];
    const size_t n_texts = (size_t)(ordered ? COUNT_OF(words_of_all_kinds) : 1 + most);
    bool *present = arena_take(m->arena, (size_t)m->n, sizeof *present);
    struct number *values = arena_take(m->arena, (size_t)m->n, sizeof *values);
    const char **texts = arena_take(m->arena, n_texts, sizeof *texts);
    const char **rows = arena_take(m->arena, (size_t)m->n, sizeof *rows);
    for (size_t k = 0; k < n_texts; k++)
        texts[k] = ordered ? words_of_all_kinds[k] : random_text(m, most);
    const bool hot = one_in(m, 4);
    for (int64_t i = 0; i < m->n; i++) {
        values[i].whole = hot && !one_in(m, 9) ? 0 : random_below(m->seed, n_texts);
        values[i].real = 0;
        rows[i] = texts[values[i].whole];
        present[i] = !misses || random_below(m->seed, rate) != 0;
    }
    struct numbers all = { .values = values, .present = present };
    all.storage.absence = misses ? 1 + (unsigned)random_below(m->seed, 3) : 0;
    memset(stored, 0, sizeof *stored);
    memset(plain, 0, sizeof *plain);
    struct cxm_column *dictionary = arena_take(m->arena, 1, sizeof *dictionary);
    memset(dictionary, 0, sizeof *dictionary);
    dictionary->n = (int64_t)n_texts;
    store_texts(m, dictionary, types[random_below(m->seed, COUNT_OF(types))], texts, (int64_t)n_texts);
    if (indexed) {
        const uint32_t narrow = n_texts < 128 ? CXM_I8 : n_texts < 30000 ? CXM_I16 : CXM_I32;
        all.storage.type = one_in(m, 2) ? narrow : one_in(m, 2) ? CXM_I32 : CXM_I64;
        all.storage.type += n_texts < 128 && one_in(m, 3) ? CXM_U8 - CXM_I8 : 0;
        all.storage.strided = one_in(m, 4);
        all.storage.sentinel = number_of(-1);
        if (misses && one_in(m, 2) && all.storage.type <= CXM_I64) {
            all.storage.absence |= BY_SENTINEL;
            add_marks(m, &all.storage, stored);
        }
        all.dictionary = dictionary;
    } else {
        all.storage.type = types[random_below(m->seed, COUNT_OF(types))];
        all.texts = rows;
    }
    plain->n = m->n;
    if (ordered) {
        int64_t *ranks = arena_take(m->arena, (size_t)m->n, sizeof *ranks);
        for (int64_t i = 0; i < m->n; i++)
            ranks[i] = (int64_t)values[i].whole;
        *plain = cxm_column_make(NULL, CXM_I64, ranks, (size_t)m->n, 8, 8);
        plain->dictionary = dictionary;
        plain->flags = stored->flags = CXM_COLUMN_ORDERED | stored->flags;
        plain->flags &= (uint32_t)CXM_COLUMN_ORDERED;
    } else {
        const char **copies = arena_take(m->arena, (size_t)m->n, sizeof *copies);
        for (int64_t i = 0; i < m->n; i++)
            copies[i] = present[i] ? rows[i] : NULL;
        *plain = cxm_column_make(NULL, CXM_STRINGS, copies, (size_t)m->n, sizeof *copies, sizeof *copies);
    }
    if (misses && ordered)
        plain->validity = bits_of(m, present);
    store_parts(m, &all, store_number_part, stored);
}

#endif
