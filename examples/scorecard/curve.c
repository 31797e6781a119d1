/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves: the library gives S(t) at one time for each column of the drawing, here they
 * become rows of characters. Several groups are drawn with letters, "+" where they meet. */
#include "curve.h"

#include "result.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 9, MOST_CURVES = 6, WIDEST = 72, LABEL = 7 };

struct drawing {
    const struct card *card;
    const struct table *table;
    const struct options *options;
    size_t width, n_curves;
    double *times;
    char *cell[HEIGHT];
};

static struct cxm_report *ask(const struct drawing *d, struct cxm_survival_options options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error;
    options.size = sizeof options;
    options.level = d->options->level;
    if (cxm_tally_survival(d->table->tally, &options, &report, &error) != CXM_OK)
        fail_at(d->card->config->path, d->card->section->line, "[%s] %s", d->card->section->name,
                error.message);
    return report;
}

/* The last time that somebody was seen; 0: there is no curve. */
static double last_time(const struct drawing *d)
{
    struct cxm_report *report =
        ask(d, (struct cxm_survival_options){ .rows = CXM_SURVIVAL_CURVE });
    const int64_t axis = cxm_report_find_axis(report, "time");
    const double *times = axis < 0 ? NULL : cxm_report_reals(report, (size_t)axis);
    double last = 0;
    for (size_t i = 0; times != NULL && i < cxm_report_rows(report); i++)
        last = fmax(last, times[i]);
    cxm_report_free(report);
    return last;
}

static void draw(struct drawing *d)
{
    struct cxm_report *report =
        ask(d, (struct cxm_survival_options){ .rows = CXM_SURVIVAL_CURVE, .times = d->times,
                                              .n_times = d->width });
    const struct cxm_estimate *e = cxm_report_estimates(report);
    for (size_t i = 0; i < cxm_report_rows(report) && i < d->n_curves * d->width; i++) {
        if (isnan(e[i].value))
            continue;
        char *cell = &d->cell[lround((1 - e[i].value) * (HEIGHT - 1))][i % d->width];
        const char letter = (char)(d->n_curves > 1 ? 'a' + (int)(i / d->width) : '*');
        *cell = *cell == ' ' ? letter : '+';
    }
    cxm_report_free(report);
}

/* "100 % |" in front of every row, the times below. */
static void print_drawing(const struct drawing *d, double last)
{
    const bool utf8 = d->options->utf8;
    for (int row = 0; row < HEIGHT; row++) {
        char *line = d->cell[row];
        for (size_t end = d->width; end > 0 && line[end - 1] == ' '; end--)
            line[end - 1] = '\0';
        const char *rule = utf8 ? row % 2 ? "│" : "┤" : row % 2 ? "|" : "+";
        if (row % 2 == 0)
            printf("%3d %% %s%s\n", 100 - 100 * row / (HEIGHT - 1), rule, line);
        else
            printf("      %s%s\n", rule, line);
    }
    printf("      %s", utf8 ? "└" : "+");
    for (size_t i = 0; i < d->width; i++)
        printf("%s", utf8 ? "─" : "-");
    char *end = format_text("%g", last);
    printf("\n       0%*s\n", (int)d->width - 1, end);
    free(end);
}

static char *curve_label(const struct drawing *d, size_t curve)
{
    if (d->table->n_keys == 0)
        return copy_text(word_text(WORD_TOTAL, d->options->chinese),
                         strlen(word_text(WORD_TOTAL, d->options->chinese)));
    char *label = copy_text("", 0);
    for (size_t key = 0; key < d->table->n_keys; key++) {
        char *text = key_text(d->table, (int64_t)curve, key);
        char *longer = format_text("%s%s%s", label, key > 0 ? ", " : "",
                                   text != NULL ? text
                                                : word_text(WORD_NO_KEY, d->options->chinese));
        free(text);
        free(label);
        label = longer;
    }
    return label;
}

/* "a  basic: median 410 [395, 433]" for every curve. */
static void print_medians(const struct drawing *d)
{
    struct cxm_report *report =
        ask(d, (struct cxm_survival_options){ .rows = CXM_SURVIVAL_MEDIAN });
    const struct cxm_estimate *e = cxm_report_estimates(report);
    const char *word = word_text(WORD_MEDIAN, d->options->chinese);
    for (size_t i = 0; i < d->n_curves && i < cxm_report_rows(report); i++) {
        char *label = curve_label(d, i);
        char *shown = isnan(e[i].value) ? copy_text("-", 1) : format_text("%.4g", e[i].value);
        printf("       %c  %s: %s %s", d->n_curves > 1 ? (char)('a' + (int)i) : '*', label, word,
               shown);
        if (!isnan(e[i].lower) || !isnan(e[i].upper)) {
            char *upper = isnan(e[i].upper) ? copy_text("", 0) : format_text("%.4g", e[i].upper);
            printf(" [%.4g, %s]", e[i].lower, upper);
            free(upper);
        }
        printf("\n");
        free(shown);
        free(label);
    }
    cxm_report_free(report);
}

void curve_print(const struct card *card, const struct table *table,
                 const struct options *options)
{
    struct drawing d = { .card = card, .table = table, .options = options };
    const size_t groups = (size_t)cxm_tally_groups(table->tally);
    d.n_curves = groups < MOST_CURVES ? groups : MOST_CURVES;
    d.width = options->columns < WIDEST + LABEL ? options->columns - LABEL : WIDEST;
    const double last = last_time(&d);
    if (!(last > 0) || d.n_curves == 0)
        return;
    d.times = zeroed(d.width, sizeof *d.times);
    for (size_t i = 0; i < d.width; i++)
        d.times[i] = last * (double)i / (double)(d.width - 1);
    for (int row = 0; row < HEIGHT; row++) {
        d.cell[row] = zeroed(d.width + 1, 1);
        memset(d.cell[row], ' ', d.width);
    }
    draw(&d);
    printf("\n");
    print_drawing(&d, last);
    print_medians(&d);
    for (int row = 0; row < HEIGHT; row++)
        free(d.cell[row]);
    free(d.times);
}
