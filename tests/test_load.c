/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saved bytes from a stranger: changed, cut, rearranged, forged field by field, each time with
 * the checksum put right, and length and configuration hash too. Loading gives a status and never
 * crashes; what loads saves as the very bytes that were loaded. */
#include "tallies.h"

#include "tally/format.h"

/* ---- making bytes look right again ---------------------------------------------------- */

static void put_checksum(uint8_t *bytes, size_t n)
{
    cxm_priv_put_u32(bytes + n - 4, cxm_priv_crc32c(0, bytes, n - 4));
}

/* The content of a section; its length stands in the 8 bytes before. NULL: the frame is broken. */
static uint8_t *section(uint8_t *bytes, size_t n, int tag)
{
    for (size_t at = CXM_HEADER_BYTES; at + CXM_SECTION_BYTES + CXM_CRC_BYTES <= n;) {
        const uint64_t length = cxm_priv_get_u64(bytes + at + 8);
        if (length > n - CXM_CRC_BYTES - at - CXM_SECTION_BYTES)
            return NULL;
        if (cxm_priv_get_u16(bytes + at) == tag)
            return bytes + at + CXM_SECTION_BYTES;
        at += CXM_SECTION_BYTES + (size_t)length;
    }
    return NULL;
}

static void put_all(uint8_t *bytes, size_t n)
{
    cxm_priv_put_u64(bytes + 16, n - CXM_HEADER_BYTES - CXM_CRC_BYTES);
    const uint8_t *config = section(bytes, n, CXM_SECTION_CONFIG);
    const uint8_t *schema = section(bytes, n, CXM_SECTION_SCHEMA);
    if (config != NULL && schema != NULL) {
        const uint64_t hash = cxm_priv_hash(config, (size_t)cxm_priv_get_u64(config - 8), 0);
        cxm_priv_put_u64(bytes + 24, cxm_priv_hash(schema, (size_t)cxm_priv_get_u64(schema - 8),
                                                   hash));
    }
    put_checksum(bytes, n);
}

/* Loads a copy of exactly that size; checks the laws; returns the status. */
static enum cxm_status try_load(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = must_alloc(n, 1);
    memcpy(exact, bytes, n);
    struct cxm_tally *tally = NULL;
    struct cxm_tally_info info;
    struct cxm_error error = { 0 };
    const enum cxm_status told = cxm_tally_info(exact, n, &info, NULL);
    const enum cxm_status got = cxm_tally_load(exact, n, NULL, &tally, &error);
    if (got == CXM_OK) {
        assert_int_equal(told, CXM_OK);
        if (n > 5 && exact[5] <= CXM_FORMAT_MINOR)
            assert_saves_as(tally, ((struct saved){ exact, n }), "what was loaded");
        const enum cxm_status doubled = cxm_tally_merge(tally, tally, NULL);
        assert_true(doubled == CXM_OK || doubled == CXM_EOVERFLOW);
    } else {
        assert_true(got == CXM_ECORRUPT || got == CXM_EUNSUPPORTED);
        assert_int_equal(error.status, got);
        assert_true(error.message[0] != '\0');
        assert_null(tally);
    }
    cxm_tally_free(tally);
    free(exact);
    return got;
}

/* ---- every tally ---------------------------------------------------------------------- */

enum { MOST_BYTES = 20000 };

static void for_all(void (*check)(struct saved saved))
{
    static const unsigned mixes[] = { 0, BY_NUMBER | BY_TEXT | WEIGHTED, WITH_FREQ | BY_TEXT,
                                      DESIGNED | MARGINS | BY_NUMBER | WEIGHTED };
    uint64_t seed = random_seed();
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct rows rows = random_rows(&setups[i], mixes[i % COUNT_OF(mixes)], 5, &seed);
        struct cxm_tally *tally = tally_of(&rows);
        const struct saved saved = save(tally);
        assert_true(saved.n < MOST_BYTES);
        check(saved);
        free(saved.bytes);
        cxm_tally_free(tally);
        rows_free(&rows);
    }
}

static void change_bytes(struct saved saved)
{
    uint8_t bytes[MOST_BYTES];
    for (size_t i = 0; i < saved.n; i++) {
        const uint8_t old = saved.bytes[i];
        const uint8_t others[] = { old ^ 1, old ^ 0x80, 0xFF };
        for (size_t k = 0; k < COUNT_OF(others); k++) {
            if (others[k] == old)
                continue;
            memcpy(bytes, saved.bytes, saved.n);
            bytes[i] = others[k];
            assert_int_not_equal(try_load(bytes, saved.n), CXM_OK);
            put_checksum(bytes, saved.n);
            (void)try_load(bytes, saved.n);
            put_all(bytes, saved.n);
            (void)try_load(bytes, saved.n);
        }
    }
}

static void every_byte_changed(void **state)
{
    (void)state;
    for_all(change_bytes);
}

static void cut(struct saved saved)
{
    uint8_t bytes[MOST_BYTES];
    for (size_t n = 0; n < saved.n; n++) {
        assert_int_not_equal(try_load(saved.bytes, n), CXM_OK);
        if (n < CXM_HEADER_BYTES + CXM_CRC_BYTES)
            continue;
        memcpy(bytes, saved.bytes, n);
        put_all(bytes, n);
        assert_int_not_equal(try_load(bytes, n), CXM_OK);
    }
    memcpy(bytes, saved.bytes, saved.n);
    memset(bytes + saved.n, 0, 64);
    for (size_t more = 1; more <= 64; more++) {
        put_all(bytes, saved.n + more);
        assert_int_not_equal(try_load(bytes, saved.n + more), CXM_OK);
        cxm_priv_put_u32(bytes + saved.n + more - 4, 0);
    }
}

static void cut_at_every_length(void **state)
{
    (void)state;
    for_all(cut);
}

/* Sections swapped, doubled, left out: only their own order loads. */
static void rearrange(struct saved saved)
{
    uint8_t bytes[2 * MOST_BYTES];
    for (int order = 0; order < 5 * 5 * 5 * 5 * 5; order++) {
        static const int places[5] = { 1, 5, 25, 125, 625 };
        memcpy(bytes, saved.bytes, CXM_HEADER_BYTES);
        size_t n = CXM_HEADER_BYTES;
        bool own = true;
        for (int p = 0; p < 5; p++) {
            const int tag = 1 + order / places[p] % 5;
            const uint8_t *from = section(saved.bytes, saved.n, tag);
            const size_t length = CXM_SECTION_BYTES + (size_t)cxm_priv_get_u64(from - 8);
            memcpy(bytes + n, from - CXM_SECTION_BYTES, length);
            n += length;
            own = own && tag == p + 1;
        }
        n += CXM_CRC_BYTES;
        put_all(bytes, n);
        assert_int_equal(try_load(bytes, n) == CXM_OK, own);
    }
}

static void sections_in_any_order(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct rows rows = random_rows(&setups[0], BY_TEXT, 5, &seed);
    struct cxm_tally *tally = tally_of(&rows);
    const struct saved saved = save(tally);
    rearrange(saved);
    free(saved.bytes);
    cxm_tally_free(tally);
    rows_free(&rows);
}

/* ---- forged fields -------------------------------------------------------------------- */

/* A saved tally in pieces that are easy to change: the sections, glued together at the end. */
struct forgery {
    uint8_t sections[6][512];
    size_t n[6];
    uint8_t header[CXM_HEADER_BYTES];
};

static void forgery_of(struct cxm_tally *tally, struct forgery *out)
{
    const struct saved saved = save(tally);
    memcpy(out->header, saved.bytes, sizeof out->header);
    for (int tag = 1; tag <= 5; tag++) {
        const uint8_t *from = section(saved.bytes, saved.n, tag);
        out->n[tag] = (size_t)cxm_priv_get_u64(from - 8);
        assert_true(out->n[tag] + 64 <= sizeof out->sections[tag]);
        memcpy(out->sections[tag], from, out->n[tag]);
    }
    free(saved.bytes);
}

static size_t glue(const struct forgery *f, uint8_t *bytes, uint16_t extra_tag,
                   uint16_t extra_flags)
{
    memcpy(bytes, f->header, CXM_HEADER_BYTES);
    size_t n = CXM_HEADER_BYTES;
    for (int tag = 1; tag <= 5; tag++) {
        cxm_priv_put_u16(bytes + n, (uint16_t)tag);
        cxm_priv_put_u16(bytes + n + 2, 1);
        cxm_priv_put_u32(bytes + n + 4, 0);
        cxm_priv_put_u64(bytes + n + 8, f->n[tag]);
        memcpy(bytes + n + CXM_SECTION_BYTES, f->sections[tag], f->n[tag]);
        n += CXM_SECTION_BYTES + f->n[tag];
    }
    if (extra_tag != 0) {
        memset(bytes + n, 0, CXM_SECTION_BYTES + 3);
        cxm_priv_put_u16(bytes + n, extra_tag);
        cxm_priv_put_u16(bytes + n + 2, extra_flags);
        cxm_priv_put_u64(bytes + n + 8, 3);
        n += CXM_SECTION_BYTES + 3;
    }
    n += CXM_CRC_BYTES;
    put_all(bytes, n);
    return n;
}

static enum cxm_status load_forgery(const struct forgery *f)
{
    uint8_t bytes[4096];
    const size_t n = glue(f, bytes, 0, 0);
    return try_load(bytes, n);
}

/* A mean of 3 and -2 in group 1, of 7 in group 2, weights 2, 1, 4: the counters of a group are
 * used, missing, invalid, zero weight; the sums W, W2, v, w v, v v, v x. */
static struct cxm_tally *small_mean(bool weighted)
{
    static const double x[] = { 3, -2, 7 }, w[] = { 2, 1, 4 };
    static const int64_t k[] = { 1, 1, 2 };
    const struct cxm_column value = cxm_column_make(NULL, CXM_F64, x, 3, 8, 8);
    const struct cxm_column weight = cxm_column_make(NULL, CXM_F64, w, 3, 8, 8);
    const struct cxm_column by = cxm_column_make("k", CXM_I64, k, 3, 8, 8);
    const struct cxm_input inputs[] = { { "value", &value }, { "by", &by },
                                        { "weight", &weight } };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, weighted ? 3 : 2, NULL, NULL), CXM_OK);
    return tally;
}

enum { GROUP_KEY = 4, GROUP_COUNTS = GROUP_KEY + 9, GROUP_SUMS = GROUP_COUNTS + 4 * 8,
       ROWS = 0, LEFT_OUT = 8, GROUPS = 16, VALUES = 24 };

static void put_word(struct forgery *f, int tag, size_t at, uint64_t value)
{
    cxm_priv_put_u64(f->sections[tag] + at, value);
}

static void add_word(struct forgery *f, int tag, size_t at, int64_t value)
{
    put_word(f, tag, at, cxm_priv_get_u64(f->sections[tag] + at) + (uint64_t)value);
}

/* Replaces `old` bytes of a section by others. */
static void splice(struct forgery *f, int tag, size_t at, size_t old, const void *bytes, size_t n)
{
    uint8_t *to = f->sections[tag];
    memmove(to + at + n, to + at + old, f->n[tag] - at - old);
    if (n > 0)
        memcpy(to + at, bytes, n);
    f->n[tag] += n - old;
}

static void forged_counts(void **state)
{
    static const struct {
        const char *name;
        int tag;
        size_t at;
        uint64_t value;
    } rows[] = {
        { "more rows than counted", CXM_SECTION_ROWS, ROWS, 4 },
        { "negative rows", CXM_SECTION_ROWS, ROWS, UINT64_MAX },
        { "no rows", CXM_SECTION_ROWS, ROWS, 0 },
        { "more left out than there are", CXM_SECTION_ROWS, LEFT_OUT, 4 },
        { "left out, but counted", CXM_SECTION_ROWS, LEFT_OUT, 1 },
        { "more groups than follow", CXM_SECTION_ROWS, GROUPS, 3 },
        { "fewer groups than follow", CXM_SECTION_ROWS, GROUPS, 1 },
        { "endless groups", CXM_SECTION_ROWS, GROUPS, (uint64_t)1 << 60 },
        { "values of no key table", CXM_SECTION_ROWS, VALUES, 1 },
        { "a negative counter", CXM_SECTION_GROUPS, GROUP_COUNTS, (uint64_t)-2 },
        { "a group without rows", CXM_SECTION_GROUPS, GROUP_COUNTS, 0 },
        { "a counter too many", CXM_SECTION_GROUPS, GROUP_COUNTS + 8, 1 },
        { "counters that overflow", CXM_SECTION_GROUPS, GROUP_COUNTS + 8, INT64_MAX },
    };
    struct cxm_tally *tally = small_mean(false);
    struct forgery good, f;
    (void)state;
    forgery_of(tally, &good);
    assert_int_equal(load_forgery(&good), CXM_OK);
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        f = good;
        put_word(&f, rows[r].tag, rows[r].at, rows[r].value);
        print_message("%s\n", rows[r].name);
        assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    }
    /* A used row turned into a missing one: its sum has nobody left who could have made it. */
    f = good;
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS, -2);
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS + 8, 2);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    /* One of two: possible, as far as a stranger can tell. */
    f = good;
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS, -1);
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS + 8, 1);
    assert_int_equal(load_forgery(&f), CXM_OK);
    cxm_tally_free(tally);
}

static void forged_digits(void **state)
{
    static const struct {
        const char *name;
        int16_t lo;
        uint16_t n;
        uint32_t digits[3];
        enum cxm_status want;
    } rows[] = {
        { "another sum", 0, 1, { 9 }, CXM_OK },
        { "a negative sum", 0, 1, { 0xFFFFFFFF }, CXM_OK },
        { "two digits", 0, 2, { 0x80000000, 0 }, CXM_OK },
        { "zero of two rows", 0, 0, { 0 }, CXM_OK },
        { "zero somewhere else", 1, 0, { 0 }, CXM_ECORRUPT },
        { "one zero", 0, 1, { 0 }, CXM_ECORRUPT },
        { "a zero below", 0, 2, { 0, 1 }, CXM_ECORRUPT },
        { "a zero above", 0, 2, { 1, 0 }, CXM_ECORRUPT },
        { "a sign above", 0, 2, { 0x80000000, 0xFFFFFFFF }, CXM_ECORRUPT },
        { "below all sums", -81, 1, { 1 }, CXM_ECORRUPT },
        { "the lowest digit", -80, 1, { 1 }, CXM_OK },
        { "above all sums", 72, 1, { 1 }, CXM_ECORRUPT },
        { "the highest digit", 71, 1, { 1 }, CXM_OK },
        { "far above", INT16_MAX, 1, { 1 }, CXM_ECORRUPT },
        { "far below", INT16_MIN, 1, { 1 }, CXM_ECORRUPT },
        { "more digits than follow", 0, 60000, { 1 }, CXM_ECORRUPT },
    };
    struct cxm_tally *tally = small_mean(false);
    struct forgery good;
    (void)state;
    forgery_of(tally, &good);
    assert_int_equal(cxm_priv_get_u16(good.sections[CXM_SECTION_GROUPS] + GROUP_SUMS + 2), 1);
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct forgery f = good;
        uint8_t sum[4 + 4 * 3];
        const size_t n = rows[r].n < 3 ? rows[r].n : 1;
        cxm_priv_put_u16(sum, (uint16_t)rows[r].lo);
        cxm_priv_put_u16(sum + 2, rows[r].n);
        for (size_t i = 0; i < n; i++)
            cxm_priv_put_u32(sum + 4 + 4 * i, rows[r].digits[i]);
        splice(&f, CXM_SECTION_GROUPS, GROUP_SUMS, 8, sum, 4 + 4 * n);
        print_message("%s\n", rows[r].name);
        assert_int_equal(load_forgery(&f), rows[r].want);
    }
    cxm_tally_free(tally);
}

static void forged_weights(void **state)
{
    struct cxm_tally *tally = small_mean(true);
    struct forgery good, f;
    (void)state;
    forgery_of(tally, &good);
    static const uint8_t zero[4] = { 0 }, minus[8] = { 0, 0, 1, 0, 0xFD, 0xFF, 0xFF, 0xFF };
    /* W of group 1 is 3: digit 0, one digit. */
    assert_int_equal(good.sections[CXM_SECTION_GROUPS][GROUP_SUMS + 4], 3);
    f = good;
    splice(&f, CXM_SECTION_GROUPS, GROUP_SUMS, 8, zero, 4);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    splice(&f, CXM_SECTION_GROUPS, GROUP_SUMS, 8, minus, 8);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    splice(&f, CXM_SECTION_GROUPS, GROUP_SUMS + 8, 8, zero, 4); /* sum of squares */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* all rows missing, but weights */
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS, -2);
    add_word(&f, CXM_SECTION_GROUPS, GROUP_COUNTS + 8, 2);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* "without weights": the sums are others */
    f.sections[CXM_SECTION_SCHEMA][0] = 0;
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    cxm_tally_free(tally);
}

/* Section 2 of small_mean: u8 weighted, u8 values, u32 given, u32 keys, u32 1 "k", u32 type, u32
 * calendar, u32 categories. */
enum { GIVEN = 2, N_KEYS = 6, KEY_NAME = 10, KEY_TYPE = 15, CALENDAR = 19, CATEGORIES = 23 };

static void forged_keys(void **state)
{
    static const struct {
        const char *name;
        int tag;
        size_t at;
        uint8_t value;
        enum cxm_status want;
    } rows[] = {
        { "weighted is not yes or no", CXM_SECTION_SCHEMA, 0, 2, CXM_ECORRUPT },
        { "values is not yes or no", CXM_SECTION_SCHEMA, 1, 2, CXM_ECORRUPT },
        { "a key table without its input", CXM_SECTION_SCHEMA, 1, 1, CXM_ECORRUPT },
        { "an input that is not optional", CXM_SECTION_SCHEMA, GIVEN, 1, CXM_ECORRUPT },
        { "an input that is none", CXM_SECTION_SCHEMA, GIVEN + 3, 0x80, CXM_ECORRUPT },
        { "no keys", CXM_SECTION_SCHEMA, N_KEYS, 0, CXM_ECORRUPT },
        { "two keys", CXM_SECTION_SCHEMA, N_KEYS, 2, CXM_ECORRUPT },
        { "more than eight keys", CXM_SECTION_SCHEMA, N_KEYS, 9, CXM_ECORRUPT },
        { "a NUL in a name", CXM_SECTION_SCHEMA, KEY_NAME + 4, 0, CXM_ECORRUPT },
        { "another name", CXM_SECTION_SCHEMA, KEY_NAME + 4, 'x', CXM_OK },
        { "an endless name", CXM_SECTION_SCHEMA, KEY_NAME + 3, 0xFF, CXM_ECORRUPT },
        { "unsigned keys", CXM_SECTION_SCHEMA, KEY_TYPE, CXM_KEY_UINT, CXM_OK },
        { "dates", CXM_SECTION_SCHEMA, KEY_TYPE, CXM_KEY_DATE, CXM_OK },
        { "text", CXM_SECTION_SCHEMA, KEY_TYPE, CXM_KEY_TEXT, CXM_ECORRUPT },
        { "yes or no", CXM_SECTION_SCHEMA, KEY_TYPE, CXM_KEY_BOOL, CXM_ECORRUPT },
        { "categories without names", CXM_SECTION_SCHEMA, KEY_TYPE, CXM_KEY_CATEGORY,
          CXM_ECORRUPT },
        { "an unknown type", CXM_SECTION_SCHEMA, KEY_TYPE, 9, CXM_ECORRUPT },
        { "a calendar of numbers", CXM_SECTION_SCHEMA, CALENDAR, CXM_MONTH, CXM_ECORRUPT },
        { "names of numbers", CXM_SECTION_SCHEMA, CATEGORIES, 1, CXM_ECORRUPT },
        { "endless categories", CXM_SECTION_SCHEMA, CATEGORIES + 3, 0xFF, CXM_ECORRUPT },
        { "an empty key", CXM_SECTION_GROUPS, 0, 0, CXM_ECORRUPT },
        { "a short key", CXM_SECTION_GROUPS, 0, 8, CXM_ECORRUPT },
        { "a long key", CXM_SECTION_GROUPS, 0, 10, CXM_ECORRUPT },
        { "an unknown tag", CXM_SECTION_GROUPS, GROUP_KEY, 3, CXM_ECORRUPT },
        { "a missing key that has a value", CXM_SECTION_GROUPS, GROUP_KEY, CXM_TAG_MISSING,
          CXM_ECORRUPT },
        { "out of order", CXM_SECTION_GROUPS, GROUP_KEY + 8, 3, CXM_ECORRUPT },
        { "the same key twice", CXM_SECTION_GROUPS, GROUP_KEY + 8, 2, CXM_ECORRUPT },
        { "another key before", CXM_SECTION_GROUPS, GROUP_KEY + 8, 0, CXM_OK },
    };
    struct cxm_tally *tally = small_mean(false);
    struct forgery good;
    (void)state;
    forgery_of(tally, &good);
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct forgery f = good;
        f.sections[rows[r].tag][rows[r].at] = rows[r].value;
        print_message("%s\n", rows[r].name);
        assert_int_equal(load_forgery(&f), rows[r].want);
    }
    /* Keys that no real column can have: NaN is missing, -0.0 is 0.0. */
    struct forgery f = good;
    f.sections[CXM_SECTION_SCHEMA][KEY_TYPE] = CXM_KEY_REAL;
    assert_int_equal(load_forgery(&f), CXM_OK); /* 2^-1074 and 2^-1073 */
    memset(f.sections[CXM_SECTION_GROUPS] + GROUP_KEY + 1, 0xFF, 8);
    f.sections[CXM_SECTION_GROUPS][GROUP_KEY + 1] = 0x7F; /* -0.0 */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f.sections[CXM_SECTION_GROUPS][GROUP_KEY + 8] = 0xFE; /* -2^-1074 */
    assert_int_equal(load_forgery(&f), CXM_OK);
    uint8_t *second = f.sections[CXM_SECTION_GROUPS] + GROUP_SUMS + 2 * 8 + GROUP_KEY;
    assert_int_equal(second[0], CXM_TAG_PRESENT);
    memset(second + 1, 0xFF, 8); /* NaN */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    cxm_tally_free(tally);
}

/* Section 1 of a tally of churn: text "churn", u32 1, text "denominator", u32 0 numbers, u32 1
 * text "start". */
static void forged_parameters(void **state)
{
    struct cxm_tally *churn = NULL, *nps = NULL;
    struct forgery good, f;
    (void)state;
    assert_int_equal(cxm_tally_new("churn", NULL, 0, NULL, &churn, NULL), CXM_OK);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &nps, NULL), CXM_OK);
    forgery_of(churn, &good);
    assert_int_equal(load_forgery(&good), CXM_OK);
    enum { METRIC = 4, N_PARAMS = 9, PARAM = 17, NUMBERS = 28, TEXTS = 32, TEXT = 40 };
    assert_memory_equal(good.sections[1] + METRIC, "churn", 5);
    assert_memory_equal(good.sections[1] + PARAM, "denominator", 11);
    assert_memory_equal(good.sections[1] + TEXT, "start", 5);
    f = good;
    memcpy(f.sections[1] + TEXT, "stare", 5);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    memcpy(f.sections[1] + PARAM, "denominators", 11 - 1);
    f.sections[1][PARAM + 10] = 's';
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    memcpy(f.sections[1] + METRIC, "chorn", 5);
    assert_int_equal(load_forgery(&f), CXM_EUNSUPPORTED);
    f = good;
    f.sections[1][N_PARAMS] = 0;
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    f.sections[1][N_PARAMS] = 200;
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* no choice at all: the default would be saved as other bytes */
    splice(&f, 1, TEXTS, 13, (const uint8_t[4]){ 0 }, 4);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* a number beside the choice */
    splice(&f, 1, NUMBERS, 4, (const uint8_t[12]){ 1 }, 12);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* the kind of another metric */
    f.header[6] = 1;
    assert_int_equal(load_forgery(&f), CXM_EUNSUPPORTED);

    forgery_of(nps, &good);
    enum { SCALE = 4 + 3 + 4 + 4 + 5 + 4 };
    f = good;
    f.sections[1][SCALE + 7] = 0x80; /* the scale begins at -0.0 */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    put_word(&f, 1, SCALE, 0x7FF8000000000000); /* NaN */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    put_word(&f, 1, SCALE + 8, 0x7FEFFFFFFFFFFFFF); /* up to 1.8e308 */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good; /* without a scale */
    splice(&f, 1, SCALE - 4, 20, (const uint8_t[4]){ 0 }, 4);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    cxm_tally_free(churn);
    cxm_tally_free(nps);
}

/* The key table: reason 5 of one customer who left, without groups. Its key is its value's. */
static void forged_values(void **state)
{
    static const uint8_t yes = 1, no = 0;
    static const int64_t why = 5;
    const struct cxm_column before = cxm_column_make(NULL, CXM_U8, &yes, 1, 1, 1);
    const struct cxm_column after = cxm_column_make(NULL, CXM_U8, &no, 1, 1, 1);
    const struct cxm_column reason = cxm_column_make(NULL, CXM_I64, &why, 1, 8, 8);
    const struct cxm_input inputs[] = { { "active_before", &before }, { "active_after", &after },
                                        { "reason", &reason } };
    struct cxm_tally *tally = NULL;
    struct forgery good, f;
    (void)state;
    assert_int_equal(cxm_tally_new("churn", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    forgery_of(tally, &good);
    assert_int_equal(load_forgery(&good), CXM_OK);
    assert_int_equal(good.n[5], 4 + 9 + 8);
    static const uint64_t counts[] = { 0, 2, UINT64_MAX, INT64_MAX };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        f = good;
        put_word(&f, 5, 13, counts[i]);
        assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    }
    f = good;
    put_word(&f, CXM_SECTION_ROWS, VALUES, 2);
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    f.sections[5][0] = 0;
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    f = good;
    f.sections[CXM_SECTION_SCHEMA][10] = 9; /* type of the values */
    assert_int_equal(load_forgery(&f), CXM_ECORRUPT);
    cxm_tally_free(tally);
}

/* ---- other versions ------------------------------------------------------------------- */

static void versions_flags_and_sections(void **state)
{
    static const struct {
        const char *name;
        uint8_t major, minor;
        uint32_t flags;
        uint16_t tag, tag_flags;
        enum cxm_status want;
    } rows[] = {
        { "as saved", 1, 0, 0, 0, 0, CXM_OK },
        { "another major version", 2, 0, 0, 0, 0, CXM_EUNSUPPORTED },
        { "version 0", 0, 0, 0, 0, 0, CXM_EUNSUPPORTED },
        { "a later minor version", 1, 7, 0, 0, 0, CXM_OK },
        { "with a section", 1, 7, 0, 9, 0, CXM_OK },
        { "with a critical section", 1, 7, 0, 9, 1, CXM_EUNSUPPORTED },
        { "with a flag", 1, 7, 0x10000, 0, 0, CXM_OK },
        { "with a critical flag", 1, 7, 2, 0, 0, CXM_EUNSUPPORTED },
        { "with the flag of a design that is not there", 1, 7, 1, 0, 0, CXM_ECORRUPT },
        { "the minor version of a design", 1, 1, 0, 0, 0, CXM_ECORRUPT },
        { "and its flag", 1, 1, 1, 0, 0, CXM_ECORRUPT },
        { "this version has no such section", 1, 0, 0, 9, 0, CXM_ECORRUPT },
        { "this version has no such flag", 1, 0, 0x10000, 0, 0, CXM_ECORRUPT },
        { "no such critical flag either", 1, 0, 2, 0, 0, CXM_EUNSUPPORTED },
    };
    struct cxm_tally *tally = small_mean(true), *loaded = NULL;
    struct forgery f;
    uint8_t bytes[4096];
    (void)state;
    forgery_of(tally, &f);
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        f.header[4] = rows[r].major;
        f.header[5] = rows[r].minor;
        cxm_priv_put_u32(f.header + 8, rows[r].flags);
        const size_t n = glue(&f, bytes, rows[r].tag, rows[r].tag_flags);
        print_message("%s\n", rows[r].name);
        assert_int_equal(try_load(bytes, n), rows[r].want);
        if (rows[r].want != CXM_OK)
            continue;
        assert_int_equal(cxm_tally_load(bytes, n, NULL, &loaded, NULL), CXM_OK);
        assert_true(cxm_tally_equal(tally, loaded));
        cxm_tally_free(loaded);
    }
    cxm_tally_free(tally);
}

/* Info also tells what is in a tally of a metric that this version does not know. */
static void info_of_an_unknown_metric(void **state)
{
    struct cxm_tally *tally = small_mean(true);
    struct cxm_tally_info info;
    struct forgery f;
    uint8_t bytes[4096];
    (void)state;
    forgery_of(tally, &f);
    cxm_priv_put_u16(f.header + 6, 999);
    memcpy(f.sections[1] + 4, "mood", 4);
    const size_t n = glue(&f, bytes, 0, 0);
    assert_int_equal(cxm_tally_info(bytes, n, &info, NULL), CXM_OK);
    assert_string_equal(info.metric, "");
    assert_string_equal(info.definition, "");
    assert_int_equal(info.kind, 999);
    assert_int_equal(info.rows, 3);
    assert_int_equal(info.groups, 2);
    assert_int_equal(info.n_keys, 1);
    assert_int_equal(info.weighted, 1);
    assert_int_equal(info.format_major, 1);
    assert_int_equal(info.format_minor, 0);
    assert_int_equal(try_load(bytes, n), CXM_EUNSUPPORTED);
    f.sections[CXM_SECTION_SCHEMA][N_KEYS] = 9;
    assert_int_equal(cxm_tally_info(bytes, glue(&f, bytes, 0, 0), &info, NULL), CXM_ECORRUPT);
    f.sections[CXM_SECTION_SCHEMA][N_KEYS] = 1;
    put_word(&f, CXM_SECTION_ROWS, ROWS, UINT64_MAX);
    assert_int_equal(cxm_tally_info(bytes, glue(&f, bytes, 0, 0), &info, NULL), CXM_ECORRUPT);
    f.sections[1][0] = 200;
    assert_int_equal(cxm_tally_info(bytes, glue(&f, bytes, 0, 0), &info, NULL), CXM_ECORRUPT);
    cxm_tally_free(tally);
}

/* ---- the checksum --------------------------------------------------------------------- */

/* Bit by bit, as the polynomial is written: x^32 + x^28 + … in the order of the wire. */
static uint32_t slow_crc(uint32_t crc, const uint8_t *bytes, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

/* RFC 3720, appendix B.4, and the check value of the catalogues; then every length around where
 * the text is cut into parts, at every alignment, started anywhere. */
static void checksums(void **state)
{
    (void)state;
    enum { MOST = 16600 };
    uint8_t *bytes = must_alloc(MOST + 8, 1);
    memset(bytes, 0, 32);
    assert_int_equal(cxm_priv_crc32c(0, bytes, 32), 0x8A9136AAu);
    memset(bytes, 0xFF, 32);
    assert_int_equal(cxm_priv_crc32c(0, bytes, 32), 0x62A8AB43u);
    assert_int_equal(cxm_priv_crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(cxm_priv_crc32c_portable(0, "123456789", 9), 0xE3069283u);
    for (size_t i = 0; i < MOST + 8; i++)
        bytes[i] = (uint8_t)(i * i * 2654435761u >> 13);
    for (size_t n = 0; n <= MOST; n += n < 300 || (n > 4060 && n < 4140) ? 1 : 61) {
        const uint8_t *from = bytes + n % 8;
        const uint32_t start = (uint32_t)n * 2246822519u, want = slow_crc(start, from, n);
        assert_int_equal(cxm_priv_crc32c(start, from, n), want);
        assert_int_equal(cxm_priv_crc32c_portable(start, from, n), want);
        const uint32_t first = cxm_priv_crc32c(start, from, n / 2);
        assert_int_equal(cxm_priv_crc32c(first, from + n / 2, n - n / 2), want);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums),
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(cut_at_every_length),
        cmocka_unit_test(sections_in_any_order),
        cmocka_unit_test(forged_counts),
        cmocka_unit_test(forged_digits),
        cmocka_unit_test(forged_weights),
        cmocka_unit_test(forged_keys),
        cmocka_unit_test(forged_parameters),
        cmocka_unit_test(forged_values),
        cmocka_unit_test(versions_flags_and_sections),
        cmocka_unit_test(info_of_an_unknown_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
