/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A card is one section of the configuration bound to a metric of the registry: its columns,
 * its parameters, and one tally for each way to group the rows. */
#ifndef SCORECARD_CARD_H
#define SCORECARD_CARD_H

#include "config.h"
#include "source.h"

struct options {
    const char *data;          /* folder of the CSV files; NULL: beside the configuration */
    const char *save, *merge;  /* folders of saved tallies; NULL: none */
    bool json, all_measures, chinese, utf8;
    double level;
    int threads;
    int64_t rows;              /* groups shown of a table; 0: all */
    size_t columns;            /* width of the terminal */
};

/** A column for the library: cells as they are, or conditions joined by "and". */
struct field {
    const char *role;
    struct cells **cells;
    size_t n_cells;
    uint8_t *combined;         /* only with several conditions */
    const char *name;
    struct cxm_column column;  /* of the current chunk */
};

/** One way to group the rows of a card. */
struct table {
    char *name;                /* "region * month(answered_at)", "" without keys */
    struct cells **keys;
    size_t n_keys;
    struct cxm_tally *tally;
};

/** Parameters of a metric with the memory that they point to. */
struct params {
    struct cxm_param *list;
    size_t n;
    struct words *texts;       /* one list a parameter */
    double **numbers;
};

struct events;                 /* of a section [cohorts] (cohort.c) */

struct card {
    const struct config *config;
    struct section *section;
    const struct cxm_metric_info *metric;
    struct source *source;
    struct field *fields;
    size_t n_fields;
    struct params params;
    struct table *tables;
    size_t n_tables;
    struct words measures;     /* asked for; none: the default ones */
    struct events *events;     /* NULL: rows go into the tallies chunk by chunk */
    double axis[2];            /* ends of the bar; equal: chosen from the results */
    struct cxm_add_options add;
    struct cxm_estimate_options estimate;
};

struct cards {
    struct card *card;
    size_t n;
    struct source **sources;
    size_t n_sources;
    const struct options *options;
};

/** Binds every section; mistakes end the program with the line of the configuration. */
struct cards cards_bind(const struct config *config, const struct options *options);

/** Reads the files and fills the tallies. */
void cards_fill(struct cards *cards);
void cards_free(struct cards *cards);

/** The title in the chosen language. */
const char *card_title(const struct card *card, const struct options *options);

/** Reads the parameters of a metric from its section (params.c). */
struct params params_read(const struct config *config, struct section *section,
                          const struct cxm_metric_info *metric, const struct words *items);
void params_free(struct params *params);

/** Whether the metric has an input with that name. */
bool metric_has_input(const struct cxm_metric_info *metric, const char *name);

/** Saves every tally to a folder, or merges what was saved there (store.c). */
void cards_save(const struct cards *cards, const char *folder);
void cards_merge(const struct cards *cards, const char *folder);

#endif
