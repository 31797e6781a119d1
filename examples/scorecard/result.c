/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks the library for results, and turns keys and flags into text. */
#include "result.h"

#include <stdlib.h>
#include <string.h>

__attribute__((noreturn)) static void fail_card(const struct card *card,
                                                const struct cxm_error *error)
{
    fail_at(card->config->path, card->section->line, "[%s] %s", card->section->name,
            error->message);
}

static size_t find_measure(const struct card *card, const struct measures *measures,
                           const char *name)
{
    for (size_t i = 0; i < measures->n_all; i++)
        if (strcmp(measures->all[i].name, name) == 0)
            return i;
    char *list = copy_text("", 0);
    for (size_t i = 0; i < measures->n_all && i < 40; i++) {
        char *longer = format_text("%s%s%s", list, i > 0 ? ", " : "", measures->all[i].name);
        free(list);
        list = longer;
    }
    fail_at(card->config->path, card->section->line, "[%s] has no measure \"%s\"; it has %s",
            card->section->name, name, list);
}

struct measures measures_choose(const struct card *card, const struct table *table)
{
    struct measures measures = { 0 };
    struct cxm_error error;
    if (cxm_tally_measures(table->tally, NULL, sizeof *measures.all, 0, &measures.n_all, &error)
        != CXM_OK)
        fail_card(card, &error);
    measures.all = zeroed(measures.n_all, sizeof *measures.all);
    if (cxm_tally_measures(table->tally, measures.all, sizeof *measures.all, measures.n_all,
                           &measures.n_all, &error) != CXM_OK)
        fail_card(card, &error);
    measures.shown = zeroed(measures.n_all + card->measures.n, sizeof *measures.shown);
    for (size_t i = 0; i < card->measures.n; i++)
        measures.shown[measures.n_shown++] =
            (uint32_t)find_measure(card, &measures, card->measures.item[i]);
    for (size_t i = 0; i < measures.n_all && card->measures.n == 0; i++)
        if (measures.all[i].is_default)
            measures.shown[measures.n_shown++] = (uint32_t)i;
    return measures;
}

void measures_free(struct measures *measures)
{
    free(measures->all);
    free(measures->shown);
    *measures = (struct measures){ 0 };
}

struct cxm_row *results_get(const struct card *card, const struct table *table,
                            const int64_t *groups, size_t n_groups, const uint32_t *measures,
                            size_t n_measures, size_t *n_rows)
{
    struct cxm_estimate_options options = card->estimate;
    options.groups = groups;
    options.n_groups = n_groups;
    options.measures = measures;
    options.n_measures = n_measures;
    const size_t n = (groups != NULL ? n_groups : (size_t)cxm_tally_groups(table->tally))
                   * n_measures;
    struct cxm_row *rows = zeroed(n, sizeof *rows);
    struct cxm_error error;
    *n_rows = n;
    if (n > 0
        && cxm_tally_rows(table->tally, &options, rows, sizeof *rows, n, n_rows, &error)
               != CXM_OK)
        fail_card(card, &error);
    return rows;
}

/* ---- text -------------------------------------------------------------------------------- */

/* Days since 1970-01-01 as year, month, day (Howard Hinnant, "civil from days"). */
static void civil_from_days(int64_t days, long long *year, int *month, int *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t doe = days - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t shifted = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

/* The first day of a period as people write the period; a week by its Monday. */
static char *period_text(int64_t days, int32_t calendar)
{
    long long year = 0;
    int month = 0, day = 0;
    civil_from_days(days, &year, &month, &day);
    switch (calendar) {
    case CXM_MONTH:
        return format_text("%04lld-%02d", year, month);
    case CXM_QUARTER:
        return format_text("%04lld-Q%d", year, (month - 1) / 3 + 1);
    case CXM_YEAR:
        return format_text("%04lld", year);
    default:
        return format_text("%04lld-%02d-%02d", year, month, day);
    }
}

char *key_day(int64_t days)
{
    return period_text(days, CXM_DAY);
}

char *key_text(const struct table *table, int64_t group, size_t key)
{
    struct cxm_key value;
    struct cxm_key_info info;
    if (cxm_tally_key(table->tally, group, key, &value) != CXM_OK
        || cxm_tally_key_info(table->tally, key, &info) != CXM_OK)
        fail("out of memory");
    if (value.missing)
        return NULL;
    switch (value.type) {
    case CXM_KEY_DATE:
        return period_text(value.integer, info.calendar);
    case CXM_KEY_REAL:
        return format_text("%.15g", value.real);
    case CXM_KEY_TEXT:
    case CXM_KEY_BYTES:
    case CXM_KEY_CATEGORY:
        return clean_text(value.text, value.text_bytes, true);
    default:
        return format_text("%lld", (long long)value.integer);
    }
}

char *flag_names(uint32_t flags, const char *between)
{
    char *names = copy_text("", 0);
    for (int bit = 0; bit < 32; bit++) {
        const char *name = flags >> bit & 1 ? cxm_flag_name(1u << bit) : NULL;
        if (name == NULL)
            continue;
        char *longer = format_text("%s%s%s", names, *names != '\0' ? between : "", name);
        free(names);
        names = longer;
    }
    return names;
}
