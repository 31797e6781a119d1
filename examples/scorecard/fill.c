/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chunks of columns into tallies: one call of the library for each tally and chunk. What the
 * library refuses is reported with the line of the CSV file. */
#include "card.h"
#include "cohort.h"

#include <stdlib.h>
#include <string.h>

enum { NO = 0, YES = 1, NO_ANSWER = 2 };

/* "and": one no decides; then what could not be read or is missing; else yes. */
static uint8_t both(uint8_t a, uint8_t b)
{
    if (a == NO || b == NO)
        return NO;
    return a > b ? a : b;
}

static void combine(struct field *field, int64_t rows)
{
    memcpy(field->combined, field->cells[0]->answers, (size_t)rows);
    for (size_t i = 1; i < field->n_cells; i++)
        for (int64_t row = 0; row < rows; row++)
            field->combined[row] = both(field->combined[row], field->cells[i]->answers[row]);
}

static void prepare_fields(struct card *card)
{
    for (size_t i = 0; i < card->n_fields; i++) {
        struct field *field = &card->fields[i];
        field->column = field->cells[0]->column;
        field->column.name = field->name;
        if (field->combined == NULL)
            continue;
        combine(field, field->column.n);
        field->column.data = field->combined;
    }
}

/* ---- what went wrong --------------------------------------------------------------------- */

/* What the library calls by this name: a column of the card, or NULL. */
static const struct field *find_field(const struct card *card, const char *name)
{
    for (size_t i = 0; i < card->n_fields; i++)
        if (strcmp(card->fields[i].name, name) == 0)
            return &card->fields[i];
    return NULL;
}

/* The cells that could not be read in this row, if that is what the library refused. */
static const struct cells *find_unreadable(const struct field *field, int64_t row)
{
    for (size_t i = 0; field != NULL && i < field->n_cells; i++)
        if (cells_bad_text(field->cells[i], row) != NULL)
            return field->cells[i];
    return NULL;
}

/* "NETPRO: row 17 is 12, outside 0-10. ..." becomes "NETPRO is 12, outside 0-10". */
static char *without_row(const struct cxm_error *error)
{
    char *start = format_text("%s: row %lld ", error->column, (long long)error->row);
    const size_t length = strlen(start);
    const char *text = error->message;
    char *message = strncmp(text, start, length) == 0
                        ? format_text("%s %s", error->column, text + length)
                        : copy_text(text, strlen(text));
    free(start);
    char *advice = strstr(message, ". ");
    if (advice != NULL)
        *advice = '\0';
    return message;
}

__attribute__((noreturn)) static void report(const struct card *card,
                                             const struct cxm_error *error)
{
    const struct source *source = card->source;
    if (error->row < 0 || error->row >= source->rows)
        fail_at(card->config->path, card->section->line, "[%s] %s", card->section->name,
                error->message);
    const struct field *field = find_field(card, error->column);
    const struct cells *cells = find_unreadable(field, error->row);
    const bool answer = field != NULL && metric_has_input(card->metric, field->role);
    char *message = NULL;
    if (cells != NULL)
        message = format_text("%s is \"%s\", not a number", cells->csv_name,
                              cells_bad_text(cells, error->row));
    else
        message = without_row(error);
    if (!answer)
        fail_at(source->path, source->lines[error->row], "%s", message);
    fail_at(source->path, source->lines[error->row],
            "%s ([%s]; if it means \"no answer\" list it as missing = ..., "
            "to count such rows write invalid = count)",
            message, card->section->name);
}

/* ---- adding ------------------------------------------------------------------------------ */

static void add_table(struct card *card, struct table *table)
{
    const size_t n = card->n_fields + table->n_keys;
    struct cxm_input *inputs = zeroed(n, sizeof *inputs);
    for (size_t i = 0; i < card->n_fields; i++)
        inputs[i] = (struct cxm_input){ card->fields[i].role, &card->fields[i].column };
    for (size_t i = 0; i < table->n_keys; i++)
        inputs[card->n_fields + i] = (struct cxm_input){ "by", &table->keys[i]->column };
    struct cxm_error error;
    const enum cxm_status status = cxm_tally_add(table->tally, inputs, n, &card->add, &error);
    free(inputs);
    if (status != CXM_OK)
        report(card, &error);
}

static void take_chunk(struct source *source, void *user)
{
    struct cards *cards = user;
    for (size_t i = 0; i < cards->n; i++) {
        struct card *card = &cards->card[i];
        if (card->source != source)
            continue;
        if (card->events != NULL) {
            cohort_take(card);
            continue;
        }
        prepare_fields(card);
        for (size_t k = 0; k < card->n_tables; k++)
            add_table(card, &card->tables[k]);
    }
}

void cards_fill(struct cards *cards)
{
    for (size_t i = 0; i < cards->n_sources; i++) {
        cards->sources[i]->chunk = take_chunk;
        cards->sources[i]->user = cards;
        source_read(cards->sources[i]);
    }
    for (size_t i = 0; i < cards->n; i++)
        if (cards->card[i].events != NULL)
            cohort_finish(&cards->card[i]);
}
