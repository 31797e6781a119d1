/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports: rows of estimates with keys, names and axis columns. Typically 10 to 1 000 rows, a
 * cohort matrix or the curves of many groups 10^5. A row takes some 200 bytes and 32 a key, an
 * axis 8; texts are kept once. Rows and columns grow by doubling, in one step each, so that
 * every array always has the same capacity. */
#include "analysis/report.h"

#include "metric/metric.h"

#include <math.h>

enum { FIRST_ROWS = 16 };

#define UNDEFINED_INT INT64_MIN

struct cxm_report *cxm_priv_report_new(const struct cxm_allocator *allocator)
{
    struct cxm_report *r = cxm_priv_alloc_zero(allocator, 1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->allocator = *cxm_priv_allocator(allocator);
    cxm_priv_dict_init(&r->texts, &r->allocator);
    cxm_priv_dict_init(&r->measures, &r->allocator);
    return r;
}

void cxm_report_free(struct cxm_report *r)
{
    if (r == NULL)
        return;
    const struct cxm_allocator allocator = r->allocator;
    for (size_t i = 0; i < r->n_axes; i++)
        cxm_priv_release(&allocator, r->axes[i].of_reals ? (void *)r->axes[i].values.reals
                                                         : (void *)r->axes[i].values.ints);
    cxm_priv_release(&allocator, r->axes);
    cxm_priv_release(&allocator, r->keys);
    cxm_priv_release(&allocator, r->estimates);
    cxm_priv_release(&allocator, r->names);
    cxm_priv_release(&allocator, r->key_values);
    cxm_priv_release(&allocator, r->has_key);
    cxm_priv_dict_release(&r->texts);
    cxm_priv_dict_release(&r->measures);
    cxm_priv_release(&allocator, r);
}

static bool usable(struct cxm_report *r)
{
    return r != NULL && !r->out_of_memory;
}

static bool failed(struct cxm_report *r)
{
    r->out_of_memory = true;
    return false;
}

/* Number of a text; 0 when memory is out, which finish reports. */
static uint32_t add_text(struct cxm_report *r, struct cxm_dict *dict, const char *text, size_t n)
{
    char small[256];
    char *copy = n < sizeof small ? small : cxm_priv_alloc(&r->allocator, n + 1, 1);
    uint32_t at = UINT32_MAX;
    if (copy != NULL) {
        if (n > 0)
            memcpy(copy, text, n);
        copy[n] = '\0';
        at = cxm_priv_dict_add(dict, (const uint8_t *)copy, n + 1);
        if (copy != small)
            cxm_priv_release(&r->allocator, copy);
    }
    if (at != UINT32_MAX)
        return at;
    failed(r);
    return 0;
}

int cxm_priv_report_key_column(struct cxm_report *r, const char *name, enum cxm_key_type type,
                               int32_t calendar)
{
    if (!usable(r))
        return 0;
    struct cxm_key_info *keys = cxm_priv_grow(&r->allocator, r->keys, r->n_keys, r->n_keys + 1,
                                              sizeof *keys);
    if (keys == NULL)
        return failed(r);
    r->keys = keys;
    keys[r->n_keys] = (struct cxm_key_info){ .type = type, .calendar = calendar };
    cxm_priv_copy_text(keys[r->n_keys].name, sizeof keys[0].name, name, strlen(name));
    return (int)r->n_keys++;
}

void cxm_priv_report_keys_of(struct cxm_report *r, const struct cxm_tally *tally)
{
    struct cxm_key_info info;
    for (size_t k = 0; k < cxm_tally_n_keys(tally); k++) {
        if (cxm_tally_key_info(tally, k, &info) == CXM_OK)
            cxm_priv_report_key_column(r, info.name, (enum cxm_key_type)info.type,
                                       info.calendar);
    }
}

static void undefine(const struct cxm_axis *axis, size_t from, size_t to)
{
    for (size_t row = from; row < to; row++) {
        if (axis->of_reals)
            axis->values.reals[row] = NAN;
        else
            axis->values.ints[row] = axis->info.type == CXM_AXIS_TEXT ? -1 : UNDEFINED_INT;
    }
}

int cxm_priv_report_axis(struct cxm_report *r, const char *name, enum cxm_axis_type type)
{
    if (!usable(r))
        return 0;
    const int64_t there = cxm_report_find_axis(r, name);
    if (there >= 0)
        return (int)there;
    struct cxm_axis axis = { .info = { .type = type }, .of_reals = type == CXM_AXIS_REAL };
    cxm_priv_copy_text(axis.info.name, sizeof axis.info.name, name, strlen(name));
    struct cxm_axis *axes = cxm_priv_grow(&r->allocator, r->axes, r->n_axes, r->n_axes + 1,
                                          sizeof *axes);
    if (axes == NULL)
        return failed(r);
    r->axes = axes;
    axis.values.ints = cxm_priv_alloc(&r->allocator, r->capacity, sizeof(int64_t));
    if (axis.values.ints == NULL)
        return failed(r);
    undefine(&axis, 0, r->n_rows);
    axes[r->n_axes] = axis;
    return (int)r->n_axes++;
}

/* Every array in a larger copy; arrays that were already moved keep the new size, which is
 * enough for the old capacity. */
static bool grow_rows_to(struct cxm_report *r, size_t room)
{
    const size_t n = r->n_rows;
    void *moved = cxm_priv_grow(&r->allocator, r->estimates, n, room, sizeof *r->estimates);
    if (moved == NULL)
        return failed(r);
    r->estimates = moved;
    moved = cxm_priv_grow(&r->allocator, r->names, CXM_N_NAMES * n, CXM_N_NAMES * room, sizeof *r->names);
    if (moved == NULL)
        return failed(r);
    r->names = moved;
    moved = cxm_priv_grow(&r->allocator, r->key_values, r->n_keys * n, r->n_keys * room,
                          sizeof *r->key_values);
    if (moved == NULL)
        return failed(r);
    r->key_values = moved;
    moved = cxm_priv_grow(&r->allocator, r->has_key, n, room, sizeof *r->has_key);
    if (moved == NULL)
        return failed(r);
    r->has_key = moved;
    for (size_t i = 0; i < r->n_axes; i++) {
        moved = cxm_priv_grow(&r->allocator, r->axes[i].values.ints, n, room, sizeof(int64_t));
        if (moved == NULL)
            return failed(r);
        r->axes[i].values.ints = moved;
    }
    r->capacity = room;
    return true;
}

/* Room for n rows more. */
static bool grow_rows(struct cxm_report *r, size_t n)
{
    const size_t usual = r->n_rows > 0 ? 2 * r->n_rows : FIRST_ROWS;
    if (n <= r->capacity - r->n_rows)
        return true;
    return grow_rows_to(r, r->n_rows + n > usual ? r->n_rows + n : usual);
}

void cxm_priv_report_reserve(struct cxm_report *r, size_t rows)
{
    if (usable(r) && rows > r->capacity)
        grow_rows_to(r, rows);
}

size_t cxm_priv_report_add(struct cxm_report *r, const char *metric, const char *measure,
                           const char *definition, const struct cxm_estimate *estimate)
{
    if (!usable(r) || !grow_rows(r, 1))
        return 0;
    const size_t row = r->n_rows;
    r->names[CXM_N_NAMES * row + CXM_NAME_METRIC] = add_text(r, &r->texts, metric, strlen(metric));
    r->names[CXM_N_NAMES * row + CXM_NAME_MEASURE] = add_text(r, &r->texts, measure, strlen(measure));
    r->names[CXM_N_NAMES * row + CXM_NAME_DEFINITION] = add_text(r, &r->texts, definition,
                                                    strlen(definition));
    r->estimates[row] = *estimate;
    r->estimates[row].group = CXM_TOTAL;
    r->estimates[row].measure = add_text(r, &r->measures, measure, strlen(measure));
    r->has_key[row] = CXM_ROW_NO_KEY;
    for (size_t k = 0; k < r->n_keys; k++)
        r->key_values[row * r->n_keys + k] = (struct cxm_key){ .type = r->keys[k].type,
                                                               .missing = 1 };
    for (size_t i = 0; i < r->n_axes; i++)
        undefine(&r->axes[i], row, row + 1);
    r->n_rows++;
    return row;
}

size_t cxm_priv_report_add_run(struct cxm_report *r, size_t like, size_t n,
                               const struct cxm_estimate *estimate)
{
    if (!usable(r) || !grow_rows(r, n))
        return 0;
    const size_t first = r->n_rows, end = first + n;
    const bool has_key = r->has_key[like] != CXM_ROW_NO_KEY;
    struct cxm_estimate e = *estimate;
    e.group = CXM_TOTAL;
    e.measure = r->estimates[like].measure;
    for (size_t row = first; row < end; row++)
        r->estimates[row] = e;
    for (size_t row = first; row < end; row++) {
        for (size_t i = 0; i < CXM_N_NAMES; i++)
            r->names[CXM_N_NAMES * row + i] = r->names[CXM_N_NAMES * like + i];
    }
    for (size_t row = first; row < end; row++) {
        for (size_t k = 0; k < r->n_keys; k++)
            r->key_values[row * r->n_keys + k] = r->key_values[like * r->n_keys + k];
    }
    memset(r->has_key + first, has_key ? CXM_ROW_KEY_BEFORE : CXM_ROW_NO_KEY, n);
    if (has_key && n > 0 && like + 1 != first)
        r->has_key[first] = CXM_ROW_KEY;
    for (size_t i = 0; i < r->n_axes; i++)
        undefine(&r->axes[i], first, end);
    r->n_rows = end;
    return first;
}

void cxm_priv_report_key(struct cxm_report *r, size_t row, int key, const struct cxm_key *value)
{
    if (!usable(r))
        return;
    struct cxm_key *slot = &r->key_values[row * r->n_keys + (size_t)key];
    r->has_key[row] = CXM_ROW_KEY;
    if (row + 1 < r->n_rows && r->has_key[row + 1] == CXM_ROW_KEY_BEFORE)
        r->has_key[row + 1] = CXM_ROW_KEY;
    *slot = *value;
    slot->type = r->keys[key].type;
    slot->text = NULL;
    if (cxm_priv_is_text_key(slot->type) && !slot->missing)
        slot->integer = add_text(r, &r->texts, value->text, value->text_bytes);
}

void cxm_priv_report_key_from(struct cxm_report *r, size_t row, struct cxm_tally *tally,
                              int64_t group)
{
    struct cxm_key key;
    for (size_t k = 0; usable(r) && group != CXM_TOTAL && k < r->n_keys; k++) {
        if (cxm_tally_key(tally, group, k, &key) == CXM_OK)
            cxm_priv_report_key(r, row, (int)k, &key);
        else
            failed(r);
    }
}

void cxm_priv_report_real(struct cxm_report *r, size_t row, int axis, double value)
{
    if (usable(r))
        r->axes[axis].values.reals[row] = value;
}

void cxm_priv_report_int(struct cxm_report *r, size_t row, int axis, int64_t value)
{
    if (usable(r))
        r->axes[axis].values.ints[row] = value;
}

double *cxm_priv_report_reals(struct cxm_report *r, size_t row, int axis)
{
    return usable(r) ? r->axes[axis].values.reals + row : NULL;
}

int64_t *cxm_priv_report_ints(struct cxm_report *r, size_t row, int axis)
{
    return usable(r) ? r->axes[axis].values.ints + row : NULL;
}

void cxm_priv_report_text(struct cxm_report *r, size_t row, int axis, const char *text)
{
    if (usable(r) && text != NULL)
        r->axes[axis].values.ints[row] = add_text(r, &r->texts, text, strlen(text));
}

void cxm_priv_report_fail(struct cxm_report *r)
{
    if (r != NULL)
        failed(r);
}

struct cxm_estimate *cxm_priv_report_estimate(struct cxm_report *r, size_t row)
{
    return usable(r) ? &r->estimates[row] : NULL;
}

struct cxm_estimate cxm_priv_blank_estimate(double level, enum cxm_unit unit,
                                            enum cxm_base_kind base)
{
    return (struct cxm_estimate){ .value = NAN, .std_error = NAN, .lower = NAN, .upper = NAN,
                                  .lower_raw = NAN, .upper_raw = NAN, .level = level,
                                  .df = INFINITY, .group = CXM_TOTAL,
                                  .interval = CXM_INTERVAL_NONE, .unit = unit, .base = base };
}

/* As bits: some rows with equal keys are not known as such. */
static bool same_keys(const struct cxm_report *r, size_t a, size_t b)
{
    const struct cxm_key *x = r->key_values + a * r->n_keys, *y = r->key_values + b * r->n_keys;
    for (size_t k = 0; k < r->n_keys; k++) {
        if (x[k].missing != y[k].missing || x[k].integer != y[k].integer
            || memcmp(&x[k].real, &y[k].real, sizeof x[k].real) != 0)
            return false;
    }
    return true;
}

/* Groups in the order of one key of whole numbers: nothing needs to be looked up. False: they are not,
 * or there are other keys. */
static bool number_ascending(struct cxm_report *r)
{
    const bool is_uint = r->n_keys == 1 && r->keys[0].type == CXM_KEY_UINT;
    if (!is_uint && !(r->n_keys == 1 && r->keys[0].type == CXM_KEY_INT))
        return false;
    const uint64_t flip = is_uint ? 0 : UINT64_C(1) << 63;
    uint64_t last = 0;
    int64_t n = 0;
    for (size_t row = 0; row < r->n_rows; row++) {
        if (r->has_key[row] == CXM_ROW_KEY_BEFORE)
            r->estimates[row].group = n - 1;
        if (r->has_key[row] != CXM_ROW_KEY)
            continue;
        const uint64_t key = (uint64_t)r->key_values[row].integer ^ flip;
        if (r->key_values[row].missing || (n > 0 && key < last))
            return false;
        n += n == 0 || key > last;
        last = key;
        r->estimates[row].group = n - 1;
    }
    return true;
}

/* Equal keys get equal numbers, in the order of the rows. */
static void number_groups(struct cxm_report *r)
{
    if (number_ascending(r))
        return;
    enum { BYTES = 24 };
    struct cxm_dict groups;
    cxm_priv_dict_init(&groups, &r->allocator);
    uint8_t *key = cxm_priv_alloc(&r->allocator, r->n_keys, BYTES);
    if (key == NULL)
        failed(r);
    for (size_t row = 0; usable(r) && row < r->n_rows; row++) {
        if (!r->has_key[row])
            continue;
        if (r->has_key[row] == CXM_ROW_KEY_BEFORE
            || (row > 0 && r->has_key[row - 1] && same_keys(r, row - 1, row))) {
            r->estimates[row].group = r->estimates[row - 1].group;
            continue;
        }
        for (size_t k = 0; k < r->n_keys; k++) {
            const struct cxm_key *value = &r->key_values[row * r->n_keys + k];
            uint64_t bits = (uint64_t)value->integer;
            if (value->type == CXM_KEY_REAL)
                memcpy(&bits, &value->real, sizeof bits);
            cxm_priv_put_u64(key + BYTES * k, value->missing != 0);
            cxm_priv_put_u64(key + BYTES * k + 8, value->missing ? 0 : bits);
            cxm_priv_put_u64(key + BYTES * k + 16, 0);
        }
        const uint32_t at = cxm_priv_dict_add(&groups, key, BYTES * r->n_keys);
        r->estimates[row].group = at;
        if (at == UINT32_MAX)
            failed(r);
    }
    cxm_priv_release(&r->allocator, key);
    cxm_priv_dict_release(&groups);
}

/* Texts do not move any more: keys point at theirs. */
static void settle_texts(struct cxm_report *r)
{
    for (size_t k = 0; k < r->n_keys; k++) {
        for (size_t row = 0; cxm_priv_is_text_key(r->keys[k].type) && row < r->n_rows; row++) {
            struct cxm_key *key = &r->key_values[row * r->n_keys + k];
            if (!key->missing)
                key->text = cxm_priv_report_text_at(r, key->integer, &key->text_bytes);
        }
    }
}

enum cxm_status cxm_priv_report_finish(struct cxm_report *r, struct cxm_report **out,
                                       struct cxm_error *error)
{
    if (usable(r))
        number_groups(r);
    if (!usable(r)) {
        cxm_report_free(r);
        return cxm_priv_no_memory(error);
    }
    settle_texts(r);
    *out = r;
    return CXM_OK;
}
