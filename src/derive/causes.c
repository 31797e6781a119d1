/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Why customers were lost, as tables have it (a text or a number, nothing for those who are still
 * there), as codes 0 … K for survival tallies. One dictionary look-up a lost customer. */
#include "column/dict.h"
#include "column/read.h"

#include <cxm/survival.h>

#include <math.h>

enum { BLOCK = 1024, MOST = 64, MISSING = 255, INVALID = 254, UNKNOWN = 253 };

/* ---- numbers without a flag: they are the codes -------------------------------------------- */

static size_t number_codes(const struct cxm_column *cause, uint8_t *codes)
{
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    size_t most = 1;
    cxm_priv_reader_init(&reader, cause);
    for (int64_t first = 0; first < cause->n; first += BLOCK) {
        const size_t n = cause->n - first < BLOCK ? (size_t)(cause->n - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        for (size_t i = 0; i < n; i++) {
            const double x = values[i];
            const bool good = states[i] == CXM_ROW_USED && x >= 0 && x <= MOST && x == floor(x);
            codes[first + (int64_t)i] = states[i] == CXM_ROW_MISSING ? MISSING
                                      : good ? (uint8_t)x : INVALID;
            most = good && x > (double)most ? (size_t)x : most;
        }
    }
    return most;
}

static void number_names(struct cxm_cause_name *names, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t used = 0;
        cxm_priv_append(names[k].text, sizeof names[k].text, &used, "%zu", k + 1);
    }
}

/* ---- any key with a flag ------------------------------------------------------------------ */

struct matcher {
    const struct cxm_column *cause, *lost;
    struct cxm_key_plan plan;
    struct cxm_dict causes; /* words with the high byte first, or texts */
    struct cxm_reader keys, flags;
    bool unknown;           /* somebody was lost without a cause */
    struct cxm_error *error;
};

static enum cxm_status match_block(struct matcher *m, int64_t first, size_t n, uint8_t *codes)
{
    uint64_t words[BLOCK];
    struct cxm_text texts[BLOCK];
    uint8_t states[BLOCK];
    uint16_t flags[BLOCK];
    cxm_priv_read_codes(&m->flags, first, n, 0, 2, flags);
    if (m->plan.words)
        cxm_priv_read_key_words(&m->keys, &m->plan, first, n, words, states);
    else
        cxm_priv_read_key_text(&m->keys, first, n, texts, states);
    for (size_t i = 0; i < n; i++) {
        if (flags[i] == 3)
            return cxm_priv_invalid_flag(m->lost, m->lost->name != NULL ? m->lost->name : "lost",
                                         first + (int64_t)i, m->error);
        codes[i] = flags[i] == 2 ? MISSING : 0;
        if (flags[i] != 1)
            continue;
        if (states[i] != CXM_ROW_USED) {
            codes[i] = UNKNOWN;
            m->unknown = true;
            continue;
        }
        uint8_t word[8];
        if (m->plan.words)
            cxm_priv_put_u64(word, __builtin_bswap64(words[i]));
        const uint32_t at = m->plan.words
                              ? cxm_priv_dict_add(&m->causes, word, sizeof word)
                              : cxm_priv_dict_add(&m->causes, (const uint8_t *)texts[i].bytes,
                                                  texts[i].n);
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(m->error);
        if (at >= MOST)
            return cxm_priv_fail(m->error, CXM_EINVAL, "cause", "more than %d causes", MOST);
        codes[i] = (uint8_t)(at + 1);
    }
    return CXM_OK;
}

static void category_name(const struct matcher *m, uint64_t word, struct cxm_cause_name *out)
{
    struct cxm_reader reader;
    struct cxm_text text = { "", 0 };
    uint8_t state = CXM_ROW_MISSING;
    cxm_priv_reader_init(&reader, m->plan.categories);
    cxm_priv_read_key_text(&reader, (int64_t)word, 1, &text, &state);
    if (state == CXM_ROW_USED)
        cxm_priv_copy_text(out->text, sizeof out->text, text.bytes, text.n);
}

static void name_of(const struct matcher *m, uint32_t at, struct cxm_cause_name *out)
{
    size_t n, used = 0;
    char number[CXM_DOUBLE_TEXT];
    const uint8_t *bytes = cxm_priv_dict_key(&m->causes, at, &n);
    struct cxm_key key;
    memset(out, 0, sizeof *out);
    if (!m->plan.words) {
        cxm_priv_copy_text(out->text, sizeof out->text, (const char *)bytes, n);
        return;
    }
    const uint64_t word = __builtin_bswap64(cxm_priv_get_u64(bytes));
    cxm_priv_key_from_word(m->plan.info.type, word, &key);
    if (m->plan.info.type == CXM_KEY_CATEGORY)
        category_name(m, word, out);
    else if (m->plan.info.type == CXM_KEY_REAL)
        cxm_priv_append(out->text, sizeof out->text, &used, "%s",
                        cxm_priv_double_text(key.real, number));
    else if (m->plan.info.type == CXM_KEY_UINT)
        cxm_priv_append(out->text, sizeof out->text, &used, "%llu", (unsigned long long)key.integer);
    else
        cxm_priv_append(out->text, sizeof out->text, &used, "%lld", (long long)key.integer);
}

/* Codes in the order of the keys; "unknown" last. */
static enum cxm_status settle(struct matcher *m, uint8_t *codes, struct cxm_cause_name *names,
                              size_t *n_names)
{
    uint32_t order[MOST] = { 0 };
    uint8_t place[256];
    const size_t n = m->causes.n;
    if (!cxm_priv_dict_sort(&m->causes, order))
        return cxm_priv_no_memory(m->error);
    for (int i = 0; i < 256; i++)
        place[i] = (uint8_t)i;
    for (size_t k = 0; k < n; k++) {
        name_of(m, order[k], &names[k]);
        place[order[k] + 1] = (uint8_t)(k + 1);
        for (size_t j = 0; j < k; j++) {
            if (strcmp(names[j].text, names[k].text) == 0)
                return cxm_priv_fail(m->error, CXM_EINVAL, "cause",
                                     "two causes have the same name \"%s\": a name holds %zu bytes",
                                     names[k].text, sizeof names[k].text - 1);
        }
    }
    *n_names = n;
    for (size_t k = 0; k < n; k++) {
        if (strcmp(names[k].text, "unknown") == 0)
            place[UNKNOWN] = (uint8_t)(k + 1);
    }
    if (n == 0 || (m->unknown && place[UNKNOWN] == UNKNOWN)) {
        if (n == MOST)
            return cxm_priv_fail(m->error, CXM_EINVAL, "cause", "more than %d causes", MOST);
        place[UNKNOWN] = (uint8_t)(n + 1);
        names[(*n_names)++] = (struct cxm_cause_name){ "unknown" };
    }
    for (int64_t i = 0; i < m->cause->n; i++)
        codes[i] = place[codes[i]];
    return CXM_OK;
}

static enum cxm_status match(struct matcher *m, uint8_t *codes, struct cxm_cause_name *names,
                             size_t *n_names)
{
    enum cxm_status status = cxm_priv_column_fits(m->lost, CXM_ROLE_FLAG, "lost", m->error);
    if (status == CXM_OK && m->lost->n != m->cause->n)
        status = cxm_priv_fail(m->error, CXM_EINVAL, "lost", "lost: %lld rows, cause has %lld",
                               (long long)m->lost->n, (long long)m->cause->n);
    if (status == CXM_OK)
        status = cxm_priv_column_fits(m->cause, CXM_ROLE_KEY, "cause", m->error);
    if (status == CXM_OK)
        status = cxm_priv_key_plan(m->cause, &m->plan, m->error);
    if (status != CXM_OK)
        return status;
    cxm_priv_reader_init(&m->keys, m->cause);
    cxm_priv_reader_init(&m->flags, m->lost);
    for (int64_t first = 0; first < m->cause->n && status == CXM_OK; first += BLOCK) {
        const int64_t left = m->cause->n - first;
        status = match_block(m, first, left < BLOCK ? (size_t)left : BLOCK, codes + first);
    }
    return status == CXM_OK ? settle(m, codes, names, n_names) : status;
}

enum cxm_status cxm_match_causes(const struct cxm_column *cause, const struct cxm_column *lost,
                                 uint8_t *codes, struct cxm_cause_name *names, size_t *n_names,
                                 const struct cxm_allocator *allocator, struct cxm_error *error)
{
    if (cause == NULL || codes == NULL || names == NULL || n_names == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "cause", "cause, codes, names or n_names is NULL");
    if (lost == NULL) {
        const enum cxm_status status = cxm_priv_column_fits(cause, CXM_ROLE_NUMBER, "cause",
                                                            error);
        if (status != CXM_OK)
            return status;
        *n_names = number_codes(cause, codes);
        number_names(names, *n_names);
        return CXM_OK;
    }
    struct matcher m = { .cause = cause, .lost = lost, .error = error };
    cxm_priv_dict_init(&m.causes, cxm_priv_allocator(allocator));
    const enum cxm_status status = match(&m, codes, names, n_names);
    cxm_priv_dict_release(&m.causes);
    return status;
}
