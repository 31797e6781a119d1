/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libinih takes the file apart. Its limits (200 bytes a line, 49 a name) and repeated keys
 * would pass in silence; here they are errors with a line number. */
#include "config.h"
#include "text.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 49 };

struct reader {
    FILE *file;
    const char *path;
    int64_t line;
    int64_t section_line; /* of the last [section] */
    int64_t empty_line; /* of the last [section], as long as nothing stands in it; else 0 */
    bool continued; /* the line starts with a space: it goes on with the last value */
    struct config *config;
};

/* inih says nothing of a section without keys: a card would be gone without a word. */
static void check_not_empty(const struct reader *reader)
{
    if (reader->empty_line > 0)
        fail_at(reader->path, reader->empty_line, "nothing stands in this section");
}

/* inih takes " ;" for a comment wherever it stands, and cuts titles and lists there. */
static void check_line(struct reader *reader, const char *text)
{
    if (reader->line == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        text += 3;
    const char *start = text + strspn(text, " \t");
    if (*start == ';' || *start == '#')
        return;
    if (strstr(text, " ;") != NULL || strstr(text, "\t;") != NULL)
        fail_at(reader->path, reader->line,
                "a semicolon after a space would start a comment; comments stand on lines of "
                "their own");
    if (*text != '[')
        return;
    if (strchr(text, ']') == NULL)
        fail_at(reader->path, reader->line, "the name of this section does not end in ]");
    check_not_empty(reader);
    reader->section_line = reader->line;
    const bool common = strncmp(text, "[scorecard]", strlen("[scorecard]")) == 0;
    reader->empty_line = common ? 0 : reader->line;
}

/* What inih calls like fgets, once a line. */
static char *next_line(char *buffer, int capacity, void *stream)
{
    struct reader *reader = stream;
    memset(buffer, '\n', (size_t)capacity); /* any second NUL is of the file */
    if (fgets(buffer, capacity, reader->file) == NULL)
        return NULL;
    reader->line++;
    const size_t bytes = strlen(buffer);
    if (bytes + 1 == (size_t)capacity && buffer[bytes - 1] != '\n')
        fail_at(reader->path, reader->line,
                "this line is too long; go on in the next one, after some spaces");
    if (memchr(buffer + bytes + 1, '\0', (size_t)capacity - bytes - 1) != NULL)
        fail_at(reader->path, reader->line, "a NUL stands in this line; save the file as UTF-8 text");
    check_line(reader, buffer);
    reader->continued = buffer[0] == ' ' || buffer[0] == '\t';
    return buffer;
}

static struct section *last_section(struct reader *reader, const char *name)
{
    struct config *config = reader->config;
    if (config->n_sections > 0) {
        struct section *last = &config->sections[config->n_sections - 1];
        if (strcmp(last->name, name) == 0 && reader->empty_line == 0)
            return last;
    }
    if (*name == '\0')
        fail_at(reader->path, reader->line, "this line stands before the first [section]");
    if (strlen(name) >= LONGEST_NAME)
        fail_at(reader->path, reader->section_line,
                "the name of the section is too long: use title =");
    for (size_t i = 0; i < config->n_sections; i++)
        if (strcmp(config->sections[i].name, name) == 0)
            fail_at(reader->path, reader->section_line,
                    "a second section [%s]; give it a name of its own, such as [%s again]",
                    name, name);
    config->sections =
        resize(config->sections, config->n_sections + 1, sizeof *config->sections);
    struct section *section = &config->sections[config->n_sections++];
    *section = (struct section){ .name = copy_text(name, strlen(name)), .line = reader->section_line };
    return section;
}

static void append_value(struct entry *entry, const char *more)
{
    char *longer = format_text("%s %s", entry->value, more);
    free(entry->value);
    entry->value = longer;
}

/* What inih calls for every "key = value" and every continued line. */
static int take_entry(void *user, const char *section_name, const char *key, const char *value)
{
    struct reader *reader = user;
    struct section *section = last_section(reader, section_name);
    reader->empty_line = 0;
    if (strlen(key) >= LONGEST_NAME)
        fail_at(reader->path, reader->line, "this name is too long: %s", key);
    struct entry *entry = section_find(section, key);
    if (entry != NULL && reader->continued) {
        append_value(entry, value);
        return 1;
    }
    if (entry != NULL)
        fail_at(reader->path, reader->line, "%s stands in [%s] twice (first in line %lld)", key,
                section->name, (long long)entry->line);
    section->entries =
        resize(section->entries, section->n_entries + 1, sizeof *section->entries);
    section->entries[section->n_entries++] = (struct entry){
        .key = copy_text(key, strlen(key)),
        .value = copy_text(value, strlen(value)),
        .line = reader->line,
    };
    return 1;
}

struct config config_read(const char *path)
{
    struct config config = { .path = path };
    struct reader reader = { .path = path, .config = &config };
    reader.file = fopen(path, "r");
    if (reader.file == NULL)
        fail("%s: %s", path, strerror(errno));
    const int bad_line = ini_parse_stream(next_line, &reader, take_entry, &reader);
    if (ferror(reader.file))
        fail("%s: %s", path, strerror(errno));
    fclose(reader.file);
    if (bad_line > 0)
        fail_at(path, bad_line, "neither a [section] nor a \"key = value\" line");
    check_not_empty(&reader);
    if (bad_line < 0)
        fail("out of memory");
    for (size_t i = 0; i < config.n_sections; i++)
        if (strcmp(config.sections[i].name, "scorecard") == 0)
            config.common = &config.sections[i];
    if (config.n_sections == (config.common != NULL))
        fail_at(path, 0, "no metric: write a section such as [nps]");
    return config;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->n_sections; i++) {
        struct section *section = &config->sections[i];
        for (size_t j = 0; j < section->n_entries; j++) {
            free(section->entries[j].key);
            free(section->entries[j].value);
        }
        free(section->entries);
        free(section->name);
    }
    free(config->sections);
    *config = (struct config){ 0 };
}

struct entry *section_find(struct section *section, const char *key)
{
    for (size_t i = 0; section != NULL && i < section->n_entries; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return &section->entries[i];
    return NULL;
}

struct entry *config_find(const struct config *config, struct section *section, const char *key)
{
    struct entry *entry = section_find(section, key);
    if (entry == NULL)
        entry = section_find(config->common, key);
    if (entry != NULL)
        entry->used = true;
    return entry;
}

void section_check_used(const struct config *config, const struct section *section,
                        const char *known)
{
    for (size_t i = 0; i < section->n_entries; i++)
        if (!section->entries[i].used)
            fail_at(config->path, section->entries[i].line,
                    "[%s] does not know \"%s\"; it knows %s", section->name,
                    section->entries[i].key, known);
}
