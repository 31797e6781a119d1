/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports as bytes: to be sent to another process or kept, and read again as the same report. All is
 * little-endian, texts are a length and their bytes (names with their NUL):
 *
 *   "CXMR" u32 version, u32 keys, u32 axes, u64 rows
 *   of each key: name, u32 type, u32 calendar      of each axis: name, u32 type
 *   of each row: u8 1: the names of the row before, else metric, measure, definition; the estimate;
 *                u8 0: all groups together, else its keys; its axes
 *   u32 CRC-32C of all that
 *
 * Reading builds the report anew, row by row, so that nothing can come out that an analysis could not
 * have made. Typically 10 to 1 000 rows of 150 bytes. */
#include "analysis/report.h"

#include "tally/cursor.h"
#include "tally/tally.h"
#include "tally/writer.h"

#include <stddef.h>

enum {
    VERSION = 1,
    HEADER_BYTES = 24,
    CHECKSUM_BYTES = 4,
    MOST_AXES = 255, /* far above what analyses have: it bounds the memory */
};

static const char magic[4] = { 'C', 'X', 'M', 'R' };

/* What of an estimate is kept; group and measure are numbered anew. */
static const size_t reals[] = {
    offsetof(struct cxm_estimate, value),     offsetof(struct cxm_estimate, std_error),
    offsetof(struct cxm_estimate, lower),     offsetof(struct cxm_estimate, upper),
    offsetof(struct cxm_estimate, lower_raw), offsetof(struct cxm_estimate, upper_raw),
    offsetof(struct cxm_estimate, level),     offsetof(struct cxm_estimate, sum_weight),
    offsetof(struct cxm_estimate, n_eff),     offsetof(struct cxm_estimate, df),
    offsetof(struct cxm_estimate, n),         offsetof(struct cxm_estimate, missing),
    offsetof(struct cxm_estimate, invalid),   offsetof(struct cxm_estimate, excluded),
};
static const size_t codes[] = {
    offsetof(struct cxm_estimate, interval), offsetof(struct cxm_estimate, unit),
    offsetof(struct cxm_estimate, base),     offsetof(struct cxm_estimate, flags),
};

/* ---- saving --------------------------------------------------------------------------- */

/* The eight bytes of a double or an int64. */
static void put_word(struct cxm_writer *w, const void *word)
{
    uint64_t v;
    memcpy(&v, word, sizeof v);
    cxm_priv_write_u64(w, v);
}

static void put_text(struct cxm_writer *w, const char *text, size_t n)
{
    cxm_priv_write_u32(w, (uint32_t)n);
    cxm_priv_write(w, text, n);
}

static void put_name(struct cxm_writer *w, const char *name)
{
    put_text(w, name, strlen(name) + 1);
}

static void put_keys(struct cxm_writer *w, const struct cxm_report *r, size_t row)
{
    cxm_priv_write_u8(w, r->has_key[row] != CXM_ROW_NO_KEY);
    for (size_t k = 0; r->has_key[row] != CXM_ROW_NO_KEY && k < r->n_keys; k++) {
        const struct cxm_key *key = &r->key_values[row * r->n_keys + k];
        cxm_priv_write_u8(w, key->missing != 0);
        if (key->missing)
            continue;
        if (cxm_priv_is_text_key(key->type))
            put_text(w, key->text, key->text_bytes);
        else
            put_word(w, key->type == CXM_KEY_REAL ? (const void *)&key->real
                                                    : (const void *)&key->integer);
    }
}

static void put_row(struct cxm_writer *w, const struct cxm_report *r, size_t row)
{
    const uint32_t *names = r->names + CXM_N_NAMES * row;
    const bool again = row > 0 && memcmp(names - CXM_N_NAMES, names,
                                         CXM_N_NAMES * sizeof *names) == 0;
    cxm_priv_write_u8(w, again);
    if (!again) {
        put_name(w, cxm_report_metric(r, row));
        put_name(w, cxm_report_measure(r, row));
        put_name(w, cxm_report_definition(r, row));
    }
    const char *const estimate = (const char *)&r->estimates[row];
    for (size_t i = 0; i < CXM_COUNT(reals); i++)
        put_word(w, estimate + reals[i]);
    for (size_t i = 0; i < CXM_COUNT(codes); i++) {
        uint32_t code;
        memcpy(&code, estimate + codes[i], sizeof code);
        cxm_priv_write_u32(w, code);
    }
    put_keys(w, r, row);
    for (size_t i = 0; i < r->n_axes; i++) {
        if (r->axes[i].info.type == CXM_AXIS_TEXT) {
            const char *text = cxm_report_text(r, i, row);
            put_name(w, text != NULL ? text : "");
            cxm_priv_write_u8(w, text != NULL);
            continue;
        }
        put_word(w, r->axes[i].of_reals ? (const void *)&r->axes[i].values.reals[row]
                                          : (const void *)&r->axes[i].values.ints[row]);
    }
}

static void put_report(struct cxm_writer *w, const struct cxm_report *r)
{
    const uint64_t rows = r->n_rows;
    cxm_priv_write(w, magic, sizeof magic);
    cxm_priv_write_u32(w, VERSION);
    cxm_priv_write_u32(w, (uint32_t)r->n_keys);
    cxm_priv_write_u32(w, (uint32_t)r->n_axes);
    put_word(w, &rows);
    for (size_t k = 0; k < r->n_keys; k++) {
        put_name(w, r->keys[k].name);
        cxm_priv_write_u32(w, (uint32_t)r->keys[k].type);
        cxm_priv_write_u32(w, (uint32_t)r->keys[k].calendar);
    }
    for (size_t i = 0; i < r->n_axes; i++) {
        put_name(w, r->axes[i].info.name);
        cxm_priv_write_u32(w, (uint32_t)r->axes[i].info.type);
    }
    for (size_t row = 0; row < r->n_rows; row++)
        put_row(w, r, row);
}

enum cxm_status cxm_report_save(const struct cxm_report *r, uint8_t *bytes, size_t capacity,
                                size_t *n_bytes, struct cxm_error *error)
{
    struct cxm_writer w = { .out = NULL };
    if (r == NULL || n_bytes == NULL || (bytes == NULL && capacity > 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "there is no report, or no place for its bytes");
    put_report(&w, r);
    *n_bytes = w.used + CHECKSUM_BYTES;
    if (capacity == 0)
        return CXM_OK;
    if (capacity < *n_bytes)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "the report needs %zu bytes, there are %zu",
                             *n_bytes, capacity);
    w = (struct cxm_writer){ .out = bytes };
    put_report(&w, r);
    cxm_priv_write_u32(&w, cxm_priv_crc32c(0, bytes, w.used));
    return CXM_OK;
}

/* ---- loading -------------------------------------------------------------------------- */

static const char *take_text(struct cxm_cursor *c, size_t *n)
{
    *n = cxm_priv_take_u32(c);
    return (const char *)cxm_priv_take(c, *n);
}

/* A text that ends with its only NUL; "" and a bad cursor where it does not. */
static const char *take_name(struct cxm_cursor *c)
{
    size_t n;
    const char *name = take_text(c, &n);
    if (name != NULL && n > 0 && memchr(name, '\0', n) == name + n - 1)
        return name;
    c->bad = true;
    return "";
}

/* A number from an enum whose last is `most`. */
static int take_enum(struct cxm_cursor *c, uint32_t most)
{
    const uint32_t v = cxm_priv_take_u32(c);
    c->bad = c->bad || v > most;
    return c->bad ? 0 : (int)v;
}

static void take_columns(struct cxm_cursor *c, struct cxm_report *r, uint32_t n_keys,
                         uint32_t n_axes)
{
    for (uint32_t k = 0; k < n_keys && !c->bad; k++) {
        const char *name = take_name(c);
        const int type = take_enum(c, CXM_KEY_TIME), calendar = take_enum(c, CXM_YEAR);
        c->bad = c->bad || strlen(name) >= sizeof ((struct cxm_key_info *)NULL)->name;
        if (!c->bad)
            cxm_priv_report_key_column(r, name, (enum cxm_key_type)type, calendar);
    }
    for (uint32_t i = 0; i < n_axes && !c->bad && !r->out_of_memory; i++) {
        const char *name = take_name(c);
        const int type = take_enum(c, CXM_AXIS_TIME);
        c->bad = c->bad || strlen(name) >= sizeof ((struct cxm_axis_info *)NULL)->name
              || cxm_report_find_axis(r, name) >= 0;
        if (!c->bad)
            cxm_priv_report_axis(r, name, (enum cxm_axis_type)type);
    }
}

static void take_keys(struct cxm_cursor *c, struct cxm_report *r, size_t row)
{
    if (cxm_priv_take_u8(c) == 0)
        return;
    for (size_t k = 0; k < r->n_keys && !c->bad; k++) {
        struct cxm_key key = { .type = r->keys[k].type, .missing = cxm_priv_take_u8(c) != 0 };
        uint64_t word = 0;
        if (!key.missing && cxm_priv_is_text_key(key.type))
            key.text = take_text(c, &key.text_bytes);
        else if (!key.missing)
            word = cxm_priv_take_u64(c);
        if (key.type == CXM_KEY_REAL)
            memcpy(&key.real, &word, sizeof word);
        else
            memcpy(&key.integer, &word, sizeof word);
        if (!c->bad)
            cxm_priv_report_key(r, row, (int)k, &key);
    }
}

static void take_axes(struct cxm_cursor *c, struct cxm_report *r, size_t row)
{
    for (size_t i = 0; i < r->n_axes && !c->bad; i++) {
        if (r->axes[i].info.type == CXM_AXIS_TEXT) {
            const char *text = take_name(c);
            if (cxm_priv_take_u8(c) != 0 && !c->bad)
                cxm_priv_report_text(r, row, (int)i, text);
            continue;
        }
        const uint64_t word = cxm_priv_take_u64(c);
        int64_t whole;
        double real;
        memcpy(&whole, &word, sizeof word);
        memcpy(&real, &word, sizeof word);
        if (r->axes[i].of_reals)
            cxm_priv_report_real(r, row, (int)i, real);
        else
            cxm_priv_report_int(r, row, (int)i, whole);
    }
}

static void take_rows(struct cxm_cursor *c, struct cxm_report *r, uint64_t n_rows)
{
    const char *names[CXM_N_NAMES] = { NULL };
    for (uint64_t row = 0; row < n_rows && !c->bad && !r->out_of_memory; row++) {
        const bool again = cxm_priv_take_u8(c) != 0;
        c->bad = c->bad || (again && row == 0);
        for (size_t i = 0; i < CXM_N_NAMES && !again; i++)
            names[i] = take_name(c);
        struct cxm_estimate e = { .reserved = 0 };
        for (size_t i = 0; i < CXM_COUNT(reals); i++) {
            const uint64_t word = cxm_priv_take_u64(c);
            memcpy((char *)&e + reals[i], &word, sizeof word);
        }
        for (size_t i = 0; i < CXM_COUNT(codes); i++) {
            const uint32_t code = cxm_priv_take_u32(c);
            memcpy((char *)&e + codes[i], &code, sizeof code);
        }
        if (c->bad)
            return;
        const size_t at = cxm_priv_report_add(r, names[CXM_NAME_METRIC], names[CXM_NAME_MEASURE],
                                              names[CXM_NAME_DEFINITION], &e);
        take_keys(c, r, at);
        take_axes(c, r, at);
    }
}

static enum cxm_status corrupt(struct cxm_error *error, const char *what)
{
    return cxm_priv_fail(error, CXM_ECORRUPT, NULL, "not a sound report: %s", what);
}

enum cxm_status cxm_report_load(const uint8_t *bytes, size_t n_bytes,
                                const struct cxm_allocator *allocator, struct cxm_report **out,
                                struct cxm_error *error)
{
    if (bytes == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "bytes or out is NULL");
    if (n_bytes < HEADER_BYTES + CHECKSUM_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return corrupt(error, "it does not start as one");
    struct cxm_cursor c = { bytes + sizeof magic, n_bytes - sizeof magic - CHECKSUM_BYTES, false };
    if (cxm_priv_take_u32(&c) != VERSION)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL, "the report is of a later version");
    if (cxm_priv_crc32c(0, bytes, n_bytes - CHECKSUM_BYTES)
        != cxm_priv_get_u32(bytes + n_bytes - CHECKSUM_BYTES))
        return corrupt(error, "its checksum is wrong");
    const uint32_t n_keys = cxm_priv_take_u32(&c), n_axes = cxm_priv_take_u32(&c);
    const uint64_t n_rows = cxm_priv_take_u64(&c);
    if (n_keys > CXM_MOST_KEYS || n_axes > MOST_AXES)
        return corrupt(error, "it has too many columns");
    struct cxm_report *r = cxm_priv_report_new(allocator);
    if (r == NULL)
        return cxm_priv_no_memory(error);
    take_columns(&c, r, n_keys, n_axes);
    take_rows(&c, r, n_rows);
    if (!r->out_of_memory && (c.bad || c.left > 0)) {
        cxm_report_free(r);
        return corrupt(error, c.bad ? "it is cut off, or has a value that cannot be" : "more follows");
    }
    return cxm_priv_report_finish(r, out, error);
}
