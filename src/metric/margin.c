/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Margins: see margin.h. A category is encoded as a letter and its value: n and the double of a
 * number, i and an integer beyond 2^53, u and one beyond 2^63, t and an instant, d and a day, s and
 * a text. */
#include "metric/margin.h"

#include <math.h>

/* ---- encoding ------------------------------------------------------------------------- */

static bool append(struct cxm_bytes_out *out, const void *bytes, size_t n)
{
    if (out->n + n > out->capacity) {
        const size_t capacity = 2 * (out->n + n) + 64;
        uint8_t *grown = cxm_priv_grow(out->allocator, out->bytes, out->capacity, capacity, 1);
        if (grown == NULL)
            return false;
        out->bytes = grown;
        out->capacity = capacity;
    }
    if (n > 0)
        memcpy(out->bytes + out->n, bytes, n);
    out->n += n;
    return true;
}

static bool append_word(struct cxm_bytes_out *out, char letter, const void *word)
{
    return append(out, &letter, 1) && append(out, word, 8);
}

static bool append_integer(struct cxm_bytes_out *out, int64_t value, bool is_unsigned)
{
    const int64_t largest = (int64_t)1 << 53;
    const bool whole = value >= 0 || !is_unsigned;
    if (!whole || value > largest || value < -largest)
        return append_word(out, is_unsigned && value < 0 ? 'u' : 'i', &value);
    const double real = (double)value;
    return append_word(out, 'n', &real);
}

bool cxm_priv_encode_category(const struct cxm_key *key, struct cxm_bytes_out *out)
{
    if (key->text != NULL) {
        const uint64_t n = key->text_bytes;
        return append_word(out, 's', &n) && append(out, key->text, key->text_bytes);
    }
    switch (key->type) {
    case CXM_KEY_REAL: {
        const double real = key->real + 0.0;
        return append_word(out, 'n', &real);
    }
    case CXM_KEY_DATE:
        return append_word(out, 'd', &key->integer);
    case CXM_KEY_TIME:
        return append_word(out, 't', &key->integer);
    default:
        return append_integer(out, key->integer, key->type == CXM_KEY_UINT);
    }
}

void cxm_priv_bytes_release(struct cxm_bytes_out *out)
{
    cxm_priv_release(out->allocator, out->bytes);
    out->bytes = NULL;
    out->n = out->capacity = 0;
}

/* ---- reading -------------------------------------------------------------------------- */

enum cxm_status cxm_priv_key_reader_init(struct cxm_key_reader *r,
                                         const struct cxm_column *column, const char *name,
                                         struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_column_fits(column, CXM_ROLE_KEY, name, error);
    if (status == CXM_OK)
        status = cxm_priv_key_plan(column, &r->plan, error);
    if (status != CXM_OK)
        return status;
    cxm_priv_reader_init(&r->reader, column);
    if (r->plan.categories != NULL)
        cxm_priv_reader_init(&r->names, r->plan.categories);
    return CXM_OK;
}

void cxm_priv_key_reader_read(struct cxm_key_reader *r, int64_t first, size_t n)
{
    if (r->plan.words)
        cxm_priv_read_key_words(&r->reader, &r->plan, first, n, r->words, r->states);
    else
        cxm_priv_read_key_text(&r->reader, first, n, r->texts, r->states);
}

bool cxm_priv_key_reader_key(struct cxm_key_reader *r, size_t i, struct cxm_key *out)
{
    memset(out, 0, sizeof *out);
    if (r->states[i] != CXM_ROW_USED)
        return false;
    if (!r->plan.words) {
        out->type = CXM_KEY_TEXT;
        out->text = r->texts[i].n > 0 ? r->texts[i].bytes : "";
        out->text_bytes = r->texts[i].n;
        return true;
    }
    cxm_priv_key_from_word(r->plan.info.type, r->words[i], out);
    out->type = r->plan.info.type;
    if (out->type == CXM_KEY_CATEGORY) {
        struct cxm_text text = { "", 0 };
        uint8_t state;
        cxm_priv_read_key_text(&r->names, out->integer, 1, &text, &state);
        out->text = text.n > 0 ? text.bytes : "";
        out->text_bytes = text.n;
    }
    return true;
}

/* ---- categories and totals ------------------------------------------------------------ */

void cxm_priv_categories_release(struct cxm_categories *c)
{
    if (c->dict.allocator != NULL)
        cxm_priv_dict_release(&c->dict);
    memset(c, 0, sizeof *c);
}

void cxm_priv_category_text(const struct cxm_categories *c, uint32_t k, char *out,
                            size_t capacity)
{
    char number[CXM_DOUBLE_TEXT];
    size_t n, used = 0;
    const uint8_t *at = cxm_priv_dict_key(&c->dict, k, &n);
    out[0] = '\0';
    for (const uint8_t *end = at + n; at < end;) {
        int64_t word;
        double real;
        memcpy(&word, at + 1, 8);
        memcpy(&real, at + 1, 8);
        if (used > 0)
            cxm_priv_append(out, capacity, &used, ", ");
        if (*at == 's')
            cxm_priv_append(out, capacity, &used, "%.*s", (int)word, (const char *)at + 9);
        else if (*at == 'n')
            cxm_priv_append(out, capacity, &used, "%s", cxm_priv_double_text(real, number));
        else if (*at == 'u')
            cxm_priv_append(out, capacity, &used, "%llu", (unsigned long long)word);
        else
            cxm_priv_append(out, capacity, &used, "%lld", (long long)word);
        at += *at == 's' ? 9 + word : 9;
    }
}

/* Encodes category `row` of a margin whose keys were read. */
static enum cxm_status add_category(struct cxm_categories *c, struct cxm_key_reader *readers,
                                    size_t n_by, size_t i, struct cxm_bytes_out *bytes,
                                    struct cxm_error *error)
{
    char text[160];
    bytes->n = 0;
    for (size_t k = 0; k < n_by; k++) {
        struct cxm_key key;
        if (!cxm_priv_key_reader_key(&readers[k], i, &key))
            return cxm_priv_fail(error, CXM_EINVAL, c->name, "%s: a category is missing", c->name);
        if (!cxm_priv_encode_category(&key, bytes))
            return cxm_priv_no_memory(error);
    }
    const uint32_t before = c->dict.n;
    const uint32_t at = cxm_priv_dict_add(&c->dict, bytes->bytes, bytes->n);
    if (at == UINT32_MAX)
        return cxm_priv_no_memory(error);
    if (c->dict.n > before)
        return CXM_OK;
    cxm_priv_category_text(c, at, text, sizeof text);
    return cxm_priv_fail(error, CXM_EINVAL, c->name, "%s: category %s is there twice", c->name,
                         text);
}

static enum cxm_status check_totals(const struct cxm_categories *c, struct cxm_error *error)
{
    char text[160], number[CXM_DOUBLE_TEXT];
    double sum = 0;
    for (uint32_t k = 0; k < c->n; k++) {
        sum += c->totals[k];
        if (c->totals[k] >= 0 && c->totals[k] <= 1e100)
            continue;
        cxm_priv_category_text(c, k, text, sizeof text);
        return cxm_priv_fail(error, CXM_EINVAL, c->name, "%s: the total of %s is %s; it is 0 or "
                             "more", c->name, text, cxm_priv_double_text(c->totals[k], number));
    }
    if (sum > 0)
        return CXM_OK;
    return cxm_priv_fail(error, CXM_EINVAL, c->name, "%s: all totals are 0", c->name);
}

enum cxm_status cxm_priv_categories_init(struct cxm_categories *c,
                                         const struct cxm_margin *margin, const char *name,
                                         const struct cxm_allocator *allocator,
                                         struct cxm_error *error)
{
    const size_t n_by = margin->n_by == 0 ? 1 : margin->n_by;
    memset(c, 0, sizeof *c);
    c->name = name;
    if (margin->categories == NULL || margin->totals == NULL || margin->categories[0].n <= 0
        || n_by > CXM_MOST_MARGINS)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s has no categories or totals", name);
    const int64_t n = margin->categories[0].n;
    if (n > UINT32_MAX - 1)
        return cxm_priv_fail(error, CXM_EOVERFLOW, name, "%s has too many categories", name);
    struct cxm_key_reader *readers = cxm_priv_alloc_zero(allocator, n_by, sizeof *readers);
    struct cxm_bytes_out bytes = { .allocator = allocator };
    if (readers == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = CXM_OK;
    cxm_priv_dict_init(&c->dict, allocator);
    for (size_t k = 0; k < n_by && status == CXM_OK; k++) {
        status = cxm_priv_key_reader_init(&readers[k], &margin->categories[k], name, error);
        if (status == CXM_OK && margin->categories[k].n != n)
            status = cxm_priv_fail(error, CXM_EINVAL, name, "%s: the categories differ in length",
                                   name);
    }
    for (int64_t first = 0; first < n && status == CXM_OK; first += CXM_MARGIN_BLOCK) {
        const size_t count = n - first < CXM_MARGIN_BLOCK ? (size_t)(n - first)
                                                          : CXM_MARGIN_BLOCK;
        for (size_t k = 0; k < n_by; k++)
            cxm_priv_key_reader_read(&readers[k], first, count);
        for (size_t i = 0; i < count && status == CXM_OK; i++)
            status = add_category(c, readers, n_by, i, &bytes, error);
    }
    c->n = (uint32_t)n;
    c->totals = margin->totals;
    if (status == CXM_OK)
        status = check_totals(c, error);
    if (status == CXM_OK && !cxm_priv_dict_index(&c->dict))
        status = cxm_priv_no_memory(error);
    cxm_priv_bytes_release(&bytes);
    cxm_priv_release(allocator, readers);
    if (status != CXM_OK)
        cxm_priv_categories_release(c);
    return status;
}

static double sum_of(const struct cxm_categories *c)
{
    struct cxm_dd sum = { 0, 0 };
    for (uint32_t k = 0; k < c->n; k++)
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(c->totals[k]));
    return sum.hi;
}

enum cxm_status cxm_priv_categories_agree(const struct cxm_categories *c, size_t n,
                                          struct cxm_error *error)
{
    char a[CXM_DOUBLE_TEXT], b[CXM_DOUBLE_TEXT];
    for (size_t m = 1; m < n; m++) {
        const double first = sum_of(&c[0]), other = sum_of(&c[m]);
        if (fabs(first - other) > 1e-9 * fmax(first, other))
            return cxm_priv_fail(error, CXM_EINCONSISTENT, c[m].name,
                                 "the totals of %s add up to %s, those of %s to %s", c[0].name,
                                 cxm_priv_double_text(first, a), c[m].name,
                                 cxm_priv_double_text(other, b));
    }
    return CXM_OK;
}
