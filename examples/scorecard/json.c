/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON lines: one object for every group and measure, in the columns of the library's result
 * rows: keys under their own names, then metric, measure, value ... Undefined is null. A total
 * has no key columns, and its group is null; in other rows a null stands for a missing key. */
#include "result.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_object *need(json_object *object)
{
    if (object == NULL)
        fail("out of memory");
    return object;
}

static void add(json_object *row, const char *name, json_object *value)
{
    if (json_object_object_add(row, name, value) != 0)
        fail("out of memory");
}

static json_object *bytes_value(const char *text, size_t bytes)
{
    char *clean = clean_bytes(text, &bytes, false);
    json_object *value = need(json_object_new_string_len(clean, (int)bytes));
    free(clean);
    return value;
}

static json_object *text_value(const char *text)
{
    return bytes_value(text, strlen(text));
}

/* The shortest decimal number that reads back as the same double; NULL stands for null. */
static json_object *number_value(double number)
{
    if (!isfinite(number))
        return NULL;
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (digits == 17 || !(strtod(text, NULL) < number || strtod(text, NULL) > number))
            break;
    }
    return need(json_object_new_double_s(number, text));
}

static json_object *integer_value(int64_t number)
{
    return need(json_object_new_int64(number));
}

static json_object *flags_value(uint32_t flags)
{
    json_object *list = need(json_object_new_array());
    for (int bit = 0; bit < 32; bit++) {
        const char *name = flags >> bit & 1 ? cxm_flag_name(1u << bit) : NULL;
        if (name != NULL)
            json_object_array_add(list, text_value(name));
    }
    return list;
}

static json_object *key_value(const struct table *table, int64_t group, size_t key)
{
    struct cxm_key value;
    if (cxm_tally_key(table->tally, group, key, &value) != CXM_OK)
        fail("out of memory");
    if (value.missing)
        return NULL;
    if (value.type == CXM_KEY_INT)
        return integer_value(value.integer);
    if (value.type == CXM_KEY_REAL)
        return number_value(value.real);
    if (value.type == CXM_KEY_DATE) {
        char *day = key_day(value.integer);
        json_object *text = text_value(day);
        free(day);
        return text;
    }
    if (value.type == CXM_KEY_TEXT || value.type == CXM_KEY_BYTES || value.type == CXM_KEY_CATEGORY)
        return bytes_value(value.text, value.text_bytes);
    char *text = key_text(table, group, key);
    json_object *string = text_value(text);
    free(text);
    return string;
}

static void add_keys(json_object *row, const struct table *table, int64_t group)
{
    if (group == CXM_TOTAL || table->n_keys == 0) {
        add(row, "group", NULL);
        return;
    }
    json_object *list = table->n_keys > 1 ? need(json_object_new_array()) : NULL;
    for (size_t key = 0; key < table->n_keys; key++) {
        add(row, table->keys[key]->rule.column, key_value(table, group, key));
        if (list != NULL)
            json_object_array_add(list, key_value(table, group, key));
    }
    add(row, "group", list != NULL ? list : key_value(table, group, 0));
}

static json_object *make_row(const struct card *card, const struct table *table,
                             const struct cxm_row *row)
{
    const struct cxm_estimate *e = &row->estimate;
    json_object *object = need(json_object_new_object());
    add_keys(object, table, e->group);
    add(object, "section", text_value(card->section->name));
    add(object, "metric", text_value(row->metric));
    add(object, "measure", text_value(row->measure));
    add(object, "value", number_value(e->value));
    add(object, "std_error", number_value(e->std_error));
    add(object, "lower", number_value(e->lower));
    add(object, "upper", number_value(e->upper));
    add(object, "level", number_value(e->level));
    add(object, "interval", text_value(cxm_interval_name((enum cxm_interval)e->interval)));
    add(object, "n", integer_value(e->n));
    add(object, "missing", integer_value(e->missing));
    add(object, "invalid", integer_value(e->invalid));
    add(object, "excluded", integer_value(e->excluded));
    add(object, "sum_weight", number_value(e->sum_weight));
    add(object, "n_eff", number_value(e->n_eff));
    add(object, "unit", text_value(cxm_unit_name((enum cxm_unit)e->unit)));
    add(object, "base", text_value(cxm_base_name((enum cxm_base_kind)e->base)));
    add(object, "definition", text_value(row->definition));
    add(object, "flags", flags_value(e->flags));
    return object;
}

static void print_rows(const struct card *card, const struct table *table,
                       const struct measures *measures, const int64_t *groups, size_t n_groups)
{
    size_t n = 0;
    struct cxm_row *rows =
        results_get(card, table, groups, n_groups, measures->shown, measures->n_shown, &n);
    for (size_t i = 0; i < n; i++) {
        json_object *object = make_row(card, table, &rows[i]);
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN
                                                        | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
    }
    free(rows);
}

void cards_print_json(const struct cards *cards)
{
    static const int64_t total = CXM_TOTAL;
    for (size_t i = 0; i < cards->n; i++) {
        const struct card *card = &cards->card[i];
        for (size_t k = 0; k < card->n_tables; k++) {
            const struct table *table = &card->tables[k];
            struct measures measures = measures_choose(card, table);
            if (k == 0 && card->events == NULL) /* cells have no total */
                print_rows(card, table, &measures, &total, 1);
            if (cxm_tally_n_keys(table->tally) > 0) /* none: cohorts without customers */
                print_rows(card, table, &measures, NULL, 0);
            measures_free(&measures);
        }
    }
}
