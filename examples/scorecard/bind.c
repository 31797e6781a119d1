/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns and keys of a section. Inputs come from the registry: their names, whether there is
 * one column an item, whether they are numbers, flags or keys. */
#include "bind.h"

#include <stdlib.h>
#include <string.h>

struct entry *binding_find(const struct binding *binding, const char *key)
{
    return config_find(binding->config, binding->section, key);
}

void binding_fail(const struct binding *binding, const struct entry *entry, const char *problem)
{
    fail_at(binding->config->path, entry->line, "%s = %s: %s", entry->key, entry->value,
            problem);
}

/* "missing score", else "missing": the narrower one wins. */
static struct entry *find_for(const struct binding *binding, const char *key, const char *what)
{
    char *narrow = format_text("%s %s", key, what);
    struct entry *entry = binding_find(binding, narrow);
    free(narrow);
    struct entry *wide = binding_find(binding, key);
    return entry != NULL ? entry : wide;
}

/* ---- columns ----------------------------------------------------------------------------- */

static struct cell_rule base_rule(const struct binding *binding, enum cell_kind kind,
                                  const char *column, int64_t line)
{
    return (struct cell_rule){ .kind = kind, .column = column, .strict = binding->strict,
                               .config_path = binding->config->path, .config_line = line };
}

/* "s1..s23" stands for s1, s2 … s23. */
static bool add_range(struct words *columns, const char *word)
{
    const char *dots = strstr(word, "..");
    if (dots == NULL)
        return false;
    const char *last = dots + 2;
    size_t prefix = strcspn(word, "0123456789");
    char *end = NULL;
    const long low = strtol(word + prefix, &end, 10);
    if (end != dots || end == word + prefix || strncmp(word, last, prefix) != 0)
        return false;
    const long high = strtol(last + prefix, &end, 10);
    if (*end != '\0' || end == last + prefix || high < low || high - low > 9999)
        return false;
    for (long i = low; i <= high; i++) {
        char *column = format_text("%.*s%ld", (int)prefix, word, i);
        words_add(columns, column);
        free(column);
    }
    return true;
}

static struct words column_list(const char *text)
{
    struct words parts = split(text, ','), columns = { 0 };
    for (size_t i = 0; i < parts.n; i++)
        if (!add_range(&columns, parts.item[i]))
            words_add(&columns, parts.item[i]);
    words_free(&parts);
    return columns;
}

static struct field *add_field(struct card *card, const char *role, const char *name)
{
    card->fields = resize(card->fields, card->n_fields + 1, sizeof *card->fields);
    struct field *field = &card->fields[card->n_fields++];
    *field = (struct field){ .role = role, .name = name };
    return field;
}

static void add_cells(struct field *field, struct cells *cells)
{
    field->cells = resize(field->cells, field->n_cells + 1, sizeof *field->cells);
    field->cells[field->n_cells++] = cells;
}

/* The next "and" that is a word of its own, or the end. */
static const char *find_and(const char *text)
{
    const char *found = strstr(text, " and ");
    return found != NULL ? found : text + strlen(text);
}

/* "reopens == 0 and replies <= 1" */
static void bind_conditions(struct card *card, const struct binding *binding, const char *role,
                            const struct entry *entry, const char *missing)
{
    struct field *field = add_field(card, role, entry->value);
    const char *text = entry->value;
    for (;;) {
        const char *end = find_and(text);
        char *part = copy_text(text, (size_t)(end - text));
        struct cell_rule rule = base_rule(binding, CELL_CONDITION, part, entry->line);
        rule.condition = part;
        rule.missing = missing;
        struct cells *cells = source_cells(binding->source, &rule);
        add_cells(field, cells);
        if (cells->rule.condition == part)
            source_keep(binding->source, part);
        else
            free(part);
        if (*end == '\0')
            break;
        text = end + strlen(" and ");
    }
    if (field->n_cells > 1)
        field->combined = zeroed(CHUNK_ROWS, 1);
}

/* Answers are labelled, counts and amounts only when they are named. */
static const struct entry *find_labels(const struct binding *binding,
                                       const struct cxm_input_info *input)
{
    char *narrow = format_text("labels %s", input->name);
    const struct entry *entry = binding_find(binding, narrow);
    free(narrow);
    const struct entry *wide = binding_find(binding, "labels");
    const bool answer = input->role == CXM_ROLE_FLAG || input->role == CXM_ROLE_RATING;
    if (input->role == CXM_ROLE_KEY)
        return NULL;
    return entry != NULL || !answer ? entry : wide;
}

static void bind_column(struct card *card, const struct binding *binding,
                        const struct cxm_input_info *input, const char *column, int64_t line)
{
    const struct entry *missing = find_for(binding, "missing", input->name);
    const struct entry *labels = find_labels(binding, input);
    const bool key = input->role == CXM_ROLE_KEY;
    struct cell_rule rule = base_rule(binding, key ? CELL_KEY : CELL_NUMBER, column, line);
    rule.missing = missing != NULL ? missing->value : NULL;
    if (labels != NULL) {
        rule.kind = CELL_LABEL;
        rule.labels = labels->value;
        rule.config_line = labels->line;
    }
    struct cells *cells = source_cells(binding->source, &rule);
    struct field *field = add_field(card, input->name, cells->rule.column);
    add_cells(field, cells);
}

/* Binds one input of the metric; gives back the columns when there is one an item. */
static struct words bind_input(struct card *card, const struct binding *binding,
                               const struct cxm_input_info *input)
{
    struct words columns = { 0 };
    const struct entry *entry = binding_find(binding, input->name);
    if (entry == NULL) {
        if (!input->optional)
            fail_at(binding->config->path, binding->section->line,
                    "[%s] needs \"%s = <column>\" (%s)", binding->section->name, input->name,
                    input->summary);
        return columns;
    }
    if (input->role == CXM_ROLE_FLAG && is_condition(entry->value)) {
        const struct entry *missing = find_for(binding, "missing", input->name);
        bind_conditions(card, binding, input->name, entry,
                        missing != NULL ? missing->value : NULL);
        return columns;
    }
    columns = input->many ? column_list(entry->value) : split(entry->value, '\n');
    if (columns.n == 0)
        binding_fail(binding, entry, "no column is named");
    for (size_t i = 0; i < columns.n; i++)
        bind_column(card, binding, input, source_keep(binding->source,
                    copy_text(columns.item[i], strlen(columns.item[i]))), entry->line);
    return columns;
}

static void bind_number_role(struct card *card, const struct binding *binding, const char *role)
{
    const struct entry *entry = binding_find(binding, role);
    if (entry == NULL)
        return;
    struct cell_rule rule = base_rule(binding, CELL_NUMBER, entry->value, entry->line);
    rule.strict = true;
    add_cells(add_field(card, role, entry->value), source_cells(binding->source, &rule));
}

struct words bind_inputs(struct card *card, const struct binding *binding)
{
    struct words items = { 0 };
    for (int32_t i = 0; i < binding->metric->n_inputs; i++) {
        struct words columns = bind_input(card, binding, &binding->metric->inputs[i]);
        if (binding->metric->inputs[i].many && items.n == 0)
            items = columns;
        else
            words_free(&columns);
    }
    bind_number_role(card, binding, "weight");
    bind_number_role(card, binding, "freq");
    return items;
}

/* ---- keys -------------------------------------------------------------------------------- */

static int find_calendar(const char *word)
{
    static const char *const names[] = { "day", "week", "month", "quarter", "year" };
    for (int i = 0; i < 5; i++)
        if (strcmp(word, names[i]) == 0)
            return CXM_DAY + i;
    return CXM_NO_CALENDAR;
}

void binding_offset(const struct binding *binding, struct cell_rule *rule)
{
    const struct entry *entry = binding_find(binding, "utc_offset");
    if (entry == NULL)
        return;
    rule->has_offset = true;
    if (!parse_offset(entry->value, strlen(entry->value), &rule->utc_offset))
        binding_fail(binding, entry, "write an offset as +08:00, -05:00 or Z");
}

/* "region", "month(answered_at)", "number(age)" */
static struct cells *bind_key(const struct binding *binding, const char *text, int64_t line)
{
    const size_t length = strlen(text), open = strcspn(text, "(");
    char *function = copy_text(text, open), *column = copy_text(text, length);
    struct cell_rule rule = base_rule(binding, CELL_KEY, NULL, line);
    rule.calendar = (enum cxm_calendar)find_calendar(function);
    const bool number = strcmp(function, "number") == 0;
    if ((rule.calendar != CXM_NO_CALENDAR || number) && open < length
        && text[length - 1] == ')') {
        free(column);
        column = copy_text(text + open + 1, length - open - 2);
        rule.kind = number ? CELL_NUMBER_KEY : CELL_TIME;
    }
    free(function);
    rule.column = source_keep(binding->source, column);
    if (rule.kind == CELL_TIME)
        binding_offset(binding, &rule);
    char *names_key = format_text("names %s", column);
    const struct entry *names = binding_find(binding, names_key);
    free(names_key);
    if (names != NULL && rule.kind == CELL_KEY) {
        rule.kind = CELL_CATEGORY;
        rule.categories = names->value;
        rule.config_line = names->line;
    }
    char *missing_key = format_text("missing %s", column);
    const struct entry *missing = binding_find(binding, missing_key);
    free(missing_key);
    rule.missing = missing != NULL ? missing->value : NULL;
    return source_cells(binding->source, &rule);
}

static struct table *add_table(struct card *card, const char *name)
{
    card->tables = resize(card->tables, card->n_tables + 1, sizeof *card->tables);
    struct table *table = &card->tables[card->n_tables++];
    *table = (struct table){ .name = copy_text(name, strlen(name)) };
    return table;
}

static void bind_table(struct card *card, const struct binding *binding, const char *text,
                       int64_t line)
{
    struct words keys = split(text, '*');
    struct table *table = add_table(card, text);
    table->keys = zeroed(keys.n, sizeof *table->keys);
    table->n_keys = keys.n;
    for (size_t i = 0; i < keys.n; i++)
        table->keys[i] = bind_key(binding, keys.item[i], line);
    words_free(&keys);
}

/* "month answered_at" is short for month(answered_at). */
static void bind_period(struct card *card, const struct binding *binding)
{
    const struct entry *entry = binding_find(binding, "period");
    if (entry == NULL || strcmp(entry->value, "none") == 0)
        return;
    const size_t space = strcspn(entry->value, " (");
    char *calendar = copy_text(entry->value, space);
    if (find_calendar(calendar) == CXM_NO_CALENDAR || entry->value[space] == '\0')
        binding_fail(binding, entry, "write day, week, month, quarter or year and a column");
    char *text = entry->value[space] == '('
                     ? copy_text(entry->value, strlen(entry->value))
                     : format_text("%s(%s)", calendar, entry->value + space + 1);
    bind_table(card, binding, text, entry->line);
    free(text);
    free(calendar);
}

void bind_tables(struct card *card, const struct binding *binding)
{
    const struct entry *entry = binding_find(binding, "by");
    if (entry != NULL && strcmp(entry->value, "none") != 0) {
        struct words groupings = split(entry->value, ',');
        for (size_t i = 0; i < groupings.n; i++)
            bind_table(card, binding, groupings.item[i], entry->line);
        words_free(&groupings);
    }
    bind_period(card, binding);
    if (card->n_tables == 0)
        add_table(card, "");
}
