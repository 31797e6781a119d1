/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The scorecard in the terminal. A card is first collected as lines of text, then printed with
 * columns as wide as they need to be; what is left of the terminal goes to the bars. */
#include "bar.h"
#include "cohort.h"
#include "curve.h"
#include "format.h"
#include "result.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE, INTERVAL, USED, MISSING, INVALID, EXCLUDED, N_CELLS };
enum { LONGEST_LABEL = 32, SHORTEST_BAR = 10, LONGEST_BAR = 60, LONGEST_FLAGS = 16 };

struct line {
    char *label;
    char *cell[N_CELLS]; /* NULL: a heading */
    struct cxm_estimate estimate;
};

struct view {
    const struct card *card;
    const struct options *options;
    struct line *lines;
    size_t n_lines;
    size_t label_width, width[N_CELLS];
    bool hidden[N_CELLS];
    struct axis axis;
};

/* ---- collecting lines -------------------------------------------------------------------- */

static struct line *add_line(struct view *view, size_t indent, const char *label)
{
    view->lines = resize(view->lines, view->n_lines + 1, sizeof *view->lines);
    struct line *line = &view->lines[view->n_lines++];
    *line = (struct line){ .label = format_text("%*s%s", (int)indent, "", label) };
    return line;
}

static void add_result(struct view *view, size_t indent, const char *label,
                       const struct cxm_estimate *e)
{
    char *shorter = shorten(label, LONGEST_LABEL, view->options->utf8);
    struct line *line = add_line(view, indent, shorter);
    free(shorter);
    line->estimate = *e;
    line->cell[VALUE] = value_text(e);
    line->cell[INTERVAL] = interval_text(e);
    line->cell[USED] = count_text(e->n);
    line->cell[MISSING] = count_text(e->missing);
    line->cell[INVALID] = count_text(e->invalid);
    line->cell[EXCLUDED] = count_text(e->excluded);
}

/* "gap[price]", or the Chinese term with the same brackets. */
static char *measure_label(const struct view *view, const struct cxm_measure *measure)
{
    const struct cxm_metric_info *metric = view->card->metric;
    const char *bracket = strchr(measure->name, '[');
    if (!view->options->chinese || measure->family >= metric->n_measures)
        return clean_text(measure->name, strlen(measure->name), true);
    const char *term = metric->measures[measure->family].summary_zh;
    const size_t term_bytes = bracket != NULL ? strcspn(term, "[") : strlen(term);
    char *name = format_text("%.*s%s", (int)term_bytes, term, bracket != NULL ? bracket : "");
    char *clean = clean_text(name, strlen(name), true);
    free(name);
    return clean;
}

static void add_total(struct view *view, const struct table *table,
                      const struct measures *measures)
{
    static const int64_t total = CXM_TOTAL;
    const char *word = word_text(WORD_TOTAL, view->options->chinese);
    size_t n = 0;
    struct cxm_row *rows =
        results_get(view->card, table, &total, 1, measures->shown, measures->n_shown, &n);
    if (n == 1)
        add_result(view, 0, word, &rows[0].estimate);
    else
        add_line(view, 0, word);
    for (size_t i = 0; i < n && n > 1; i++) {
        char *label = measure_label(view, &measures->all[measures->shown[i]]);
        add_result(view, 2, label, &rows[i].estimate);
        free(label);
    }
    free(rows);
}

static char *group_label(const struct view *view, const struct table *table, int64_t group)
{
    char *label = NULL;
    for (size_t key = 0; key < table->n_keys; key++) {
        char *text = key_text(table, group, key);
        const char *shown =
            text != NULL ? text : word_text(WORD_NO_KEY, view->options->chinese);
        char *longer = label == NULL ? copy_text(shown, strlen(shown))
                                     : format_text("%s, %s", label, shown);
        free(text);
        free(label);
        label = longer;
    }
    return label;
}

static void add_groups(struct view *view, const struct table *table,
                       const struct measures *measures)
{
    const int64_t all = cxm_tally_groups(table->tally), limit = view->options->rows;
    const size_t shown = (size_t)(limit > 0 && limit < all ? limit : all);
    const size_t n_measures = view->options->all_measures ? measures->n_shown : 1;
    const bool chinese = view->options->chinese;
    int64_t *groups = zeroed(shown, sizeof *groups);
    for (size_t i = 0; i < shown; i++)
        groups[i] = (int64_t)i;
    char *heading = format_text("%s %s", word_text(WORD_BY, chinese), table->name);
    add_line(view, 0, heading);
    free(heading);
    size_t n = 0;
    struct cxm_row *rows =
        results_get(view->card, table, groups, shown, measures->shown, n_measures, &n);
    for (size_t i = 0; i < n; i++) {
        char *group = group_label(view, table, rows[i].estimate.group);
        char *measure = measure_label(view, &measures->all[rows[i].estimate.measure]);
        char *label = n_measures > 1 ? format_text("%s: %s", group, measure)
                                     : copy_text(group, strlen(group));
        add_result(view, 2, label, &rows[i].estimate);
        free(group);
        free(measure);
        free(label);
    }
    if ((int64_t)shown < all) {
        char *more = format_text("+ %lld %s", (long long)(all - (int64_t)shown),
                                 word_text(WORD_MORE, chinese));
        add_line(view, 2, more);
        free(more);
    }
    free(rows);
    free(groups);
}

/* ---- widths ------------------------------------------------------------------------------ */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static char *column_title(const struct view *view, int cell, const struct measures *measures)
{
    static const enum word titles[N_CELLS] = {
        [USED] = WORD_N,
        [MISSING] = WORD_MISSING,
        [INVALID] = WORD_INVALID,
        [EXCLUDED] = WORD_EXCLUDED,
    };
    const bool chinese = view->options->chinese;
    if (cell == VALUE)
        return measure_label(view, &measures->all[measures->shown[0]]);
    if (cell == INTERVAL)
        return format_text("%g %% %s", 100 * view->options->level,
                           word_text(WORD_INTERVAL, chinese));
    const char *title = word_text(titles[cell], chinese);
    return copy_text(title, strlen(title));
}

static void measure_columns(struct view *view, char *titles[N_CELLS])
{
    for (int cell = 0; cell < N_CELLS; cell++) {
        view->width[cell] = text_width(titles[cell]);
        view->hidden[cell] = cell >= MISSING;
    }
    for (size_t i = 0; i < view->n_lines; i++) {
        const struct line *line = &view->lines[i];
        view->label_width =
            larger(view->label_width, line->cell[0] ? text_width(line->label) : 0);
        for (int cell = 0; cell < N_CELLS && line->cell[0] != NULL; cell++) {
            view->width[cell] = larger(view->width[cell], text_width(line->cell[cell]));
            if (strcmp(line->cell[cell], "0") != 0)
                view->hidden[cell] = false;
        }
    }
}

/* Ends that hold every interval in the unit of the headline. */
static struct axis find_axis(const struct view *view)
{
    double low = INFINITY, high = -INFINITY;
    uint32_t unit = CXM_UNIT_SCALE;
    bool first = true;
    for (size_t i = 0; i < view->n_lines; i++) {
        const struct cxm_estimate *e = &view->lines[i].estimate;
        if (view->lines[i].cell[0] == NULL || (!first && e->unit != unit))
            continue;
        unit = e->unit;
        first = false;
        low = fmin(low, fmin(e->lower, e->value));
        high = fmax(high, fmax(e->upper, e->value));
    }
    if (view->card->axis[0] < view->card->axis[1])
        return (struct axis){ .low = view->card->axis[0], .high = view->card->axis[1] };
    if (!isfinite(low) || !isfinite(high))
        return (struct axis){ 0 };
    if (unit == CXM_UNIT_SHARE)
        return axis_around(low, high, 0, 1);
    if (unit == CXM_UNIT_POINTS)
        return axis_around(low, high, -100, 100);
    return axis_around(low, high, -INFINITY, INFINITY);
}

static void measure_bar(struct view *view)
{
    size_t used = view->label_width;
    for (int cell = 0; cell < N_CELLS; cell++)
        used += view->hidden[cell] ? 0 : view->width[cell] + 2;
    const size_t columns = view->options->columns;
    view->axis = find_axis(view);
    view->axis.utf8 = view->options->utf8;
    if (view->axis.low < view->axis.high && used + 2 + SHORTEST_BAR <= columns)
        view->axis.width = columns - used - 2;
    /* Flags stand behind the bar: leave room for them where there is plenty. */
    if (view->axis.width > SHORTEST_BAR + LONGEST_FLAGS)
        view->axis.width -= LONGEST_FLAGS;
    if (view->axis.width > LONGEST_BAR)
        view->axis.width = LONGEST_BAR;
}

/* ---- printing ---------------------------------------------------------------------------- */

static void print_padded(const char *text, size_t width, bool right)
{
    const size_t own = text_width(text), pad = own < width ? width - own : 0;
    printf("%*s%s%*s", right ? (int)pad : 0, "", text, right ? 0 : (int)pad, "");
}

static void print_cells(const struct view *view, char *const cells[N_CELLS])
{
    for (int cell = 0; cell < N_CELLS; cell++) {
        if (view->hidden[cell])
            continue;
        printf("  ");
        print_padded(cells[cell], view->width[cell], true);
    }
}

/* 3 000 rows = 2 811 used + 160 missing + 29 invalid + 0 excluded (0 …) */
static void print_base(const struct view *view, const struct table *table, uint32_t measure)
{
    const bool chinese = view->options->chinese;
    struct cxm_base base;
    struct cxm_error error;
    if (cxm_tally_base(table->tally, CXM_TOTAL, measure, &base, &error) != CXM_OK)
        fail("%s", error.message);
    const int64_t counts[5] = { base.rows, base.n, base.missing, base.invalid, base.excluded };
    static const enum word names[5] = { WORD_ROWS, WORD_USED, WORD_MISSING, WORD_INVALID,
                                        WORD_EXCLUDED };
    static const char *const signs[5] = { "", " = ", " + ", " + ", " + " };
    for (int i = 0; i < 5; i++) {
        char *count = count_text(counts[i]);
        printf("%s%s %s", signs[i], count, word_text(names[i], chinese));
        free(count);
    }
    const char *before = " (";
    for (int reason = 0; reason < CXM_N_REASONS; reason++) {
        if (base.excluded_by[reason] == 0)
            continue;
        printf("%s%s %lld", before, cxm_reason_name((enum cxm_reason)reason),
               (long long)base.excluded_by[reason]);
        before = ", ";
    }
    printf("%s", *before == ',' ? ")" : "");
}

static void print_heading(const struct view *view, const struct table *table,
                          const struct measures *measures)
{
    const bool chinese = view->options->chinese;
    static const int64_t total = CXM_TOTAL;
    size_t n = 0;
    struct cxm_row *row = results_get(view->card, table, &total, 1, measures->shown, 1, &n);
    const struct cxm_estimate *e = &row->estimate;
    struct cxm_tally_info info;
    cxm_tally_describe(table->tally, &info);
    char *title = clean_text(card_title(view->card, view->options),
                             strlen(card_title(view->card, view->options)), true);
    char *definition = clean_text(row->definition, strlen(row->definition), true);
    printf("%s  (%s, %s, %g %% %s)\n", title, definition,
           unit_text((enum cxm_unit)e->unit, chinese), 100 * view->options->level,
           cxm_interval_title((enum cxm_interval)e->interval));
    print_base(view, table, measures->shown[0]);
    printf("  [%s]", cxm_base_name((enum cxm_base_kind)e->base));
    if (info.weighted)
        printf("  %s %.1f", word_text(WORD_WEIGHTED, chinese), e->n_eff);
    printf("\n");
    free(title);
    free(definition);
    free(row);
}

static void print_titles(const struct view *view, char *const titles[N_CELLS])
{
    print_padded("", view->label_width, false);
    print_cells(view, titles);
    if (view->axis.width > 0) {
        const uint32_t unit = view->lines[0].cell[0] != NULL ? view->lines[0].estimate.unit
                                                             : view->lines[1].estimate.unit;
        const char *percent = unit == CXM_UNIT_SHARE ? " %" : "";
        char *low = format_text("%g%s", shown_number(unit, view->axis.low), percent);
        char *high = format_text("%g%s", shown_number(unit, view->axis.high), percent);
        char *axis = axis_text(&view->axis, low, high);
        printf("  %s", axis);
        free(low);
        free(high);
        free(axis);
    }
    printf("\n");
}

static void print_line(const struct view *view, const struct line *line, uint32_t unit)
{
    if (line->cell[0] == NULL) {
        printf("%s\n", line->label);
        return;
    }
    print_padded(line->label, view->label_width, false);
    print_cells(view, line->cell);
    const struct cxm_estimate *e = &line->estimate;
    char *flags = flag_names(e->flags, "|");
    if (view->axis.width > 0 && e->unit == unit) {
        char *bar = bar_text(&view->axis, e->lower, e->value, e->upper);
        size_t bytes = strlen(bar);
        while (*flags == '\0' && bytes > 0 && bar[bytes - 1] == ' ')
            bar[--bytes] = '\0';
        printf("  %s", bar);
        free(bar);
    } else if (view->axis.width > 0 && *flags != '\0') {
        printf("  %*s", (int)view->axis.width, "");
    }
    printf("%s%s\n", *flags != '\0' ? "  " : "", flags);
    free(flags);
}

static void view_free(struct view *view)
{
    for (size_t i = 0; i < view->n_lines; i++) {
        free(view->lines[i].label);
        for (int cell = 0; cell < N_CELLS; cell++)
            free(view->lines[i].cell[cell]);
    }
    free(view->lines);
}

static void print_card(const struct card *card, const struct options *options)
{
    struct view view = { .card = card, .options = options };
    struct measures measures = measures_choose(card, &card->tables[0]);
    add_total(&view, &card->tables[0], &measures);
    for (size_t i = 0; i < card->n_tables; i++) {
        if (card->tables[i].n_keys == 0)
            continue;
        struct measures own = measures_choose(card, &card->tables[i]);
        add_groups(&view, &card->tables[i], &own);
        measures_free(&own);
    }
    char *titles[N_CELLS];
    for (int cell = 0; cell < N_CELLS; cell++)
        titles[cell] = column_title(&view, cell, &measures);
    measure_columns(&view, titles);
    measure_bar(&view);
    print_heading(&view, &card->tables[0], &measures);
    print_titles(&view, titles);
    const uint32_t unit = (uint32_t)measures.all[measures.shown[0]].unit;
    for (size_t i = 0; i < view.n_lines; i++)
        print_line(&view, &view.lines[i], unit);
    for (size_t i = 0; i < card->n_tables && strcmp(card->metric->name, "survival") == 0; i++)
        curve_print(card, &card->tables[i], options);
    for (int cell = 0; cell < N_CELLS; cell++)
        free(titles[cell]);
    measures_free(&measures);
    view_free(&view);
}

void cards_print(const struct cards *cards)
{
    const struct config *config = cards->n > 0 ? cards->card[0].config : NULL;
    struct section *common = config != NULL ? config->common : NULL;
    const struct entry *title = section_find(common, "title");
    const struct entry *title_zh = section_find(common, "title_zh");
    if (cards->options->chinese && title_zh != NULL)
        title = title_zh;
    if (title != NULL) {
        char *clean = clean_text(title->value, strlen(title->value), true);
        printf("%s\n\n", clean);
        free(clean);
    }
    for (size_t i = 0; i < cards->n; i++) {
        if (i > 0)
            printf("\n");
        if (cards->card[i].events != NULL)
            cohort_print(&cards->card[i], cards->options);
        else
            print_card(&cards->card[i], cards->options);
    }
}
