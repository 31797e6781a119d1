/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns in chunks and with masks against the same values as plain columns with a bitmap, read by
 * the general road (copies of 1): the same saved bytes, or the same error about the same row. */
#include "saved.h"

#include <cxm/cxm.h>

#include <math.h>

enum { ROWS = 400000, MOST_CHUNKS = 4000 };

static uint64_t seed = 20261123;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

struct rows {
    uint8_t score[ROWS];
    uint32_t key[ROWS];
    double weight[ROWS], value[ROWS];
    int64_t ones[ROWS];
    uint8_t absent[3][2 * ROWS], bits[3][ROWS / 8 + 2]; /* of score, key and value */
    char segment[ROWS][8];
    struct cxm_column chunks[4][MOST_CHUNKS];
};

static struct rows *make_rows(uint32_t n_keys)
{
    struct rows *r = calloc(1, sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < ROWS; i++) {
        r->score[i] = (uint8_t)(draw() % 50 == 0 ? 99 : draw() % 11);
        r->key[i] = (uint32_t)(draw() % n_keys);
        r->weight[i] = 0.25 + (double)(draw() % 1000) / 300;
        r->value[i] = draw() % 60 == 0 ? NAN : ldexp((double)(draw() % 100000), -(int)(draw() % 9));
        r->ones[i] = 1;
        r->segment[i][0] = (char)('a' + draw() % 26);
        for (int k = 0; k < 3; k++) {
            const bool absent = draw() % 20 == 0;
            r->absent[k][i] = absent ? (uint8_t)(1 + draw() % 255) : 0;
            r->bits[k][i / 8] |= (uint8_t)(!absent << i % 8);
        }
    }
    return r;
}

enum form { PLAIN, MASKED, CHUNKED, CHUNKED_MASKED, MASKED_IN, BOTH };

/* The same values in another form; chunks of about `typical` rows, some of them empty. */
static struct cxm_column in_form(struct rows *r, int place, struct cxm_column column, int nulls,
                                 enum form form, size_t typical)
{
    const bool masked = form == MASKED || form == CHUNKED_MASKED || form == MASKED_IN;
    if (nulls >= 0 && !masked)
        column.validity = r->bits[nulls];
    if (nulls >= 0 && masked) {
        column.mask = r->absent[nulls];
        column.mask_stride = 1;
    }
    if (form == MASKED_IN && nulls >= 0) { /* every other byte, and the other way round */
        for (size_t i = ROWS; i-- > 0;)
            r->absent[nulls][2 * i] = r->absent[nulls][i] == 0 ? 7 : 0;
        column.mask_stride = 2;
        column.flags |= CXM_COLUMN_MASKED_IN;
    }
    if (form == BOTH && nulls >= 0) { /* nulls of even rows are masked, of odd ones in the bitmap */
        for (size_t i = 0; i < ROWS; i++) {
            r->absent[nulls][i] = i % 2 == 0 ? r->absent[nulls][i] : 0;
            r->bits[nulls][i / 8] |= (uint8_t)((i % 2 == 0) << i % 8);
        }
        column.mask = r->absent[nulls];
        column.mask_stride = 1;
        for (size_t b = sizeof r->bits[nulls]; b-- > 0;) /* which begins within a byte */
            r->bits[nulls][b] = (uint8_t)(r->bits[nulls][b] << 3 | (b > 0 ? r->bits[nulls][b - 1] >> 5 : 0));
        column.validity_offset = 3;
    }
    if (form != CHUNKED && form != CHUNKED_MASKED)
        return column;
    struct cxm_column whole = { .name = column.name, .n = ROWS,
                                .missing_codes = column.missing_codes,
                                .n_missing_codes = column.n_missing_codes,
                                .chunks = r->chunks[place] };
    for (size_t first = 0; first < ROWS; whole.n_chunks++) {
        assert_true(whole.n_chunks < MOST_CHUNKS);
        struct cxm_column *chunk = &r->chunks[place][whole.n_chunks];
        const size_t wish = draw() % 9 == 0 ? 0 : 1 + draw() % (2 * typical);
        *chunk = column;
        chunk->n = (int64_t)(wish < ROWS - first ? wish : ROWS - first);
        chunk->offset += (int64_t)first;
        chunk->validity_offset += (int64_t)first;
        if (chunk->mask != NULL)
            chunk->mask += (int64_t)first * chunk->mask_stride;
        chunk->missing_codes = NULL;
        chunk->n_missing_codes = 0;
        first += (size_t)chunk->n;
    }
    return whole;
}

struct saved {
    enum cxm_status status;
    uint8_t *bytes;
    size_t n;
    struct cxm_error error;
};

static struct saved save(const char *metric, const struct cxm_input *inputs, size_t n,
                         int32_t threads)
{
    struct saved out = { CXM_OK, NULL, 0, { 0 } };
    struct cxm_tally *tally;
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    assert_int_equal(cxm_tally_new(metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
    out.status = cxm_tally_add(tally, inputs, n, &options, &out.error);
    if (out.status == CXM_OK) {
        out.bytes = save_tally(tally, &out.n);
    }
    cxm_tally_free(tally);
    return out;
}

static void assert_same(const struct saved *got, const struct saved *want)
{
    assert_int_equal(got->status, want->status);
    if (got->status != CXM_OK) {
        assert_int_equal(got->error.row, want->error.row);
        assert_string_equal(got->error.message, want->error.message);
        return;
    }
    assert_int_equal(got->n, want->n);
    assert_memory_equal(got->bytes, want->bytes, got->n);
}

/* One metric, ungrouped or by whole numbers or text, every column in the form. */
static void one_case(struct rows *r, const char *metric, int keys, bool weighted, enum form form,
                     size_t typical, int32_t threads)
{
    static const double missing[1] = { 99 };
    const bool number = strcmp(metric, "mean") == 0;
    struct cxm_column value = number ? CXM_ARRAY(r->value, ROWS) : CXM_ARRAY(r->score, ROWS);
    struct cxm_column by = keys == 2 ? cxm_column_make("by", CXM_TEXT, r->segment, ROWS, 8, 8)
                                     : CXM_ARRAY(r->key, ROWS);
    struct cxm_column weight = CXM_ARRAY(r->weight, ROWS), ones = CXM_ARRAY(r->ones, ROWS);
    value.name = number ? "value" : "score";
    value.missing_codes = missing;
    value.n_missing_codes = number ? 0 : 1;
    by.name = "by";
    for (int form_now = 0; form_now < 2; form_now++) {
        static struct saved want;
        const bool general = form_now == 0;
        const enum form as = general ? PLAIN : form;
        const struct cxm_column v = in_form(r, 0, value, number ? 2 : 0, as, typical);
        const struct cxm_column b = in_form(r, 1, by, 1, as, typical);
        const struct cxm_column w = in_form(r, 2, weight, -1, as, typical * 2 + 1);
        struct cxm_input inputs[4] = { { value.name, &v } };
        size_t n = 1;
        if (keys > 0)
            inputs[n++] = (struct cxm_input){ "by", &b };
        if (weighted)
            inputs[n++] = (struct cxm_input){ "weight", &w };
        if (general)
            inputs[n++] = (struct cxm_input){ "freq", &ones };
        const struct saved got = save(metric, inputs, n, general ? 1 : threads);
        if (general) {
            want = got;
            continue;
        }
        assert_same(&got, &want);
        free(got.bytes);
        free(want.bytes);
    }
}

static void same_bytes_in_every_form(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    static const size_t typical[] = { 150000, 90000, 1000 }; /* the last does not pay */
    for (int form = MASKED; form <= CHUNKED_MASKED; form++) {
        for (size_t t = 0; t < COUNT_OF(typical); t++) {
            struct rows *r = make_rows(t == 1 ? 30000 : 300); /* many groups do not pay */
            one_case(r, "nps", 0, false, (enum form)form, typical[t], 1);
            one_case(r, "nps", 1, false, (enum form)form, typical[t], 2);
            one_case(r, "nps", 1, true, (enum form)form, typical[t], 1);
            one_case(r, "nps", 2, false, (enum form)form, typical[t], 1);
            one_case(r, "mean", 0, true, (enum form)form, typical[t], 2);
            one_case(r, "mean", 1, false, (enum form)form, typical[t], 1);
            free(r);
        }
    }
    struct rows *r = make_rows(300);
    one_case(r, "nps", 0, false, MASKED_IN, ROWS, 1);
    free(r);
    r = make_rows(300);
    one_case(r, "nps", 1, false, BOTH, ROWS, 1);
    free(r);
}

/* More rows than a mask is turned into bits at a time. */
static void long_masks(void **state)
{
    (void)state;
    enum { LONG = (1 << 22) + 100003 };
    uint8_t *score = malloc(LONG), *absent = malloc(LONG), *bits = calloc(LONG / 8 + 1, 1);
    assert_non_null(score);
    assert_non_null(absent);
    assert_non_null(bits);
    for (size_t i = 0; i < LONG; i++) {
        score[i] = (uint8_t)(draw() % 11);
        absent[i] = draw() % 9 == 0;
        bits[i / 8] |= (uint8_t)(!absent[i] << i % 8);
    }
    struct cxm_column masked = cxm_column_make("score", CXM_U8, score, LONG, 1, 1), plain = masked;
    masked.mask = absent;
    masked.mask_stride = 1;
    plain.validity = bits;
    const struct cxm_input one = { "score", &masked }, two = { "score", &plain };
    const struct saved got = save("nps", &one, 1, 1), want = save("nps", &two, 1, 1);
    assert_same(&got, &want);
    free(got.bytes);
    free(want.bytes);
    free(score);
    free(absent);
    free(bits);
}

/* An answer that is none, in the first chunk and in the last: the row is that of the column. */
static void errors_name_the_row(void **state)
{
    (void)state;
    static const size_t wrong[] = { 3, ROWS / 2, ROWS - 1 };
    for (size_t k = 0; k < COUNT_OF(wrong); k++) {
        struct rows *r = make_rows(300);
        r->score[wrong[k]] = 77;
        r->absent[0][wrong[k]] = 0;
        r->bits[0][wrong[k] / 8] |= (uint8_t)(1u << wrong[k] % 8);
        one_case(r, "nps", 0, false, CHUNKED, 150000, 1);
        one_case(r, "nps", 1, false, CHUNKED_MASKED, 150000, 2);
        one_case(r, "nps", 0, true, MASKED, 150000, 1);
        free(r);
    }
}

/* Every allocation of an add in pieces fails in turn: the tally stays as it was. */
static void out_of_memory(void **state)
{
    (void)state;
    struct rows *r = make_rows(300);
    const struct cxm_column score = in_form(r, 0, CXM_ARRAY(r->score, ROWS), 0, CHUNKED_MASKED,
                                            150000);
    static const double missing[1] = { 99 };
    struct cxm_column coded = score;
    coded.missing_codes = missing;
    coded.n_missing_codes = 1;
    const struct cxm_column by = in_form(r, 1, CXM_ARRAY(r->key, ROWS), 1, CHUNKED, 150000);
    const struct cxm_input inputs[2] = { { "score", &coded }, { "by", &by } };
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        heap_init(&heap, 0);
        struct cxm_tally *tally = NULL;
        assert_int_equal(cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL), CXM_OK);
        heap.fail_at = heap.calls + fail_at;
        const enum cxm_status got = cxm_tally_add(tally, inputs, 2, NULL, NULL);
        heap.fail_at = 0;
        struct cxm_tally_info info;
        cxm_tally_describe(tally, &info);
        assert_int_equal(info.rows, got == CXM_OK ? ROWS : 0);
        cxm_tally_free(tally);
        assert_int_equal(heap.live, 0);
        if (got == CXM_OK)
            break;
        assert_int_equal(got, CXM_ENOMEM);
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_in_every_form),
        cmocka_unit_test(long_masks),
        cmocka_unit_test(errors_name_the_row),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
