/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_table.h"
#include "section.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static struct {
    __typeof__(&yaml_parser_initialize) initialize;
    __typeof__(&yaml_parser_delete) delete_parser;
    __typeof__(&yaml_parser_set_input_string) set_input_string;
    __typeof__(&yaml_parser_set_encoding) set_encoding;
    __typeof__(&yaml_parser_parse) parse;
    __typeof__(&yaml_event_delete) delete_event;
    bool loaded;
} yaml;

static pthread_once_t yaml_once = PTHREAD_ONCE_INIT;

static void yaml_resolve(void)
{
    void *library = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    yaml.initialize = (__typeof__(yaml.initialize))dlsym(library, "yaml_parser_initialize");
    yaml.delete_parser = (__typeof__(yaml.delete_parser))dlsym(library, "yaml_parser_delete");
    yaml.set_input_string = (__typeof__(yaml.set_input_string))dlsym(library, "yaml_parser_set_input_string");
    yaml.set_encoding = (__typeof__(yaml.set_encoding))dlsym(library, "yaml_parser_set_encoding");
    yaml.parse = (__typeof__(yaml.parse))dlsym(library, "yaml_parser_parse");
    yaml.delete_event = (__typeof__(yaml.delete_event))dlsym(library, "yaml_event_delete");
    yaml.loaded = yaml.initialize && yaml.delete_parser && yaml.set_input_string && yaml.set_encoding
        && yaml.parse && yaml.delete_event;
}

static void yaml_load(void)
{
    if (!csystem_section_enter(CSYSTEM_LOADING)) return;
    yaml_resolve();
    csystem_section_leave(CSYSTEM_LOADING);
}

struct csystem_yaml {
    const uint8_t *bytes;
    size_t length;
    /* JSON with its surrogate pairs rewritten in YAML's form. */
    uint8_t *rewritten;
    yaml_parser_t parser;
    yaml_event_t event;
    bool holds_event;
    bool is_refused;
};

/* libyaml compares each `%TAG` with all before it, and each tag with all of them: a file of 1 MiB would take a
   quarter of a minute. Nobody needs more than a few. A line of text that looks like a directive counts as well. */
static bool yaml_has_many_tags(const csystem_yaml *self)
{
    enum { LIMIT = 64 };
    const uint8_t *at = self->bytes, *end = at + self->length;
    int count = 0;
    while ((at = memmem(at, (size_t)(end - at), "%TAG", 4)) != NULL) {
        /* At the beginning, or after an end of line: LF, CR, the last byte of NEL, LS, PS or of a byte order
           mark. */
        bool begins = at == self->bytes || at[-1] == '\n' || at[-1] == '\r' || at[-1] >= 0x80;
        if (begins && ++count > LIMIT) return true;
        at += 4;
    }
    return false;
}

/* `\uD83D` and the like: the value, or 0. */
static uint32_t yaml_code_unit(const uint8_t *bytes, size_t length)
{
    uint32_t value = 0;
    if (length < 6 || bytes[0] != '\\' || bytes[1] != 'u') return 0;
    for (size_t i = 2; i < 6; i++) {
        uint8_t byte = bytes[i], letter = byte | 0x20;
        if (byte >= '0' && byte <= '9') value = value << 4 | (uint32_t)(byte - '0');
        else if (letter >= 'a' && letter <= 'f') value = value << 4 | (uint32_t)(letter - 'a' + 10);
        else return 0;
    }
    return value;
}

/* JSON escapes a character beyond U+FFFF as a surrogate pair (RFC 8259, section 7), which YAML does not know: it
   uses \U with eight digits. In a document that begins with a brace, a backslash is always in a string. The meaning
   for a YAML reader does not change otherwise; columns after a pair are smaller by two. */
static void yaml_join_surrogates(csystem_yaml *self)
{
    size_t from = 0, to = 0;
    while (from < self->length && (self->bytes[from] <= ' ' || self->bytes[from] >= 0x80)) from++;
    if (from == self->length || self->bytes[from] != '{' || !memmem(self->bytes, self->length, "\\u", 2)) return;
    uint8_t *out = malloc(self->length);
    if (!out) return;
    for (from = 0; from < self->length;) {
        const uint8_t *at = self->bytes + from;
        uint32_t high = yaml_code_unit(at, self->length - from);
        uint32_t low = high >> 10 == 0x36 ? yaml_code_unit(at + 6, self->length - from - 6) : 0;
        if (low >> 10 == 0x37) {
            uint32_t value = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
            out[to++] = '\\';
            out[to++] = 'U';
            for (int shift = 28; shift >= 0; shift -= 4) out[to++] = (uint8_t)"0123456789ABCDEF"[value >> shift & 15];
            from += 12;
            continue;
        }
        /* Copies both bytes of an escape at once: the second of two backslashes does not begin an escape. */
        size_t count = at[0] == '\\' && from + 1 < self->length ? 2 : 1;
        memcpy(out + to, at, count);
        to += count;
        from += count;
    }
    self->rewritten = out;
    self->bytes = out;
    self->length = to;
}

int csystem_yaml_open(csystem_yaml **result, const void *bytes, size_t length)
{
    pthread_once(&yaml_once, yaml_load);
    if (!yaml.loaded) return ELIBACC;
    csystem_yaml *self = calloc(1, sizeof *self);
    if (!self) return ENOMEM;
    if (!yaml.initialize(&self->parser)) {
        free(self);
        return ENOMEM;
    }
    /* Set explicitly, so that no byte order mark switches to UTF-16. */
    yaml.set_encoding(&self->parser, YAML_UTF8_ENCODING);
    self->bytes = bytes ? bytes : (const void *)"";
    self->length = length;
    yaml_join_surrogates(self);
    self->is_refused = yaml_has_many_tags(self);
    yaml.set_input_string(&self->parser, self->bytes, self->length);
    *result = self;
    return 0;
}

/* Sets line and column of the byte at `offset`. */
static void yaml_locate(const csystem_yaml *self, size_t offset, csystem_yaml_event *event)
{
    for (size_t i = 0; i < offset && i < self->length; i++) {
        if (self->bytes[i] == '\n') {
            event->line++;
            event->column = 0;
        } else if ((self->bytes[i] & 0xC0) != 0x80) {
            event->column++;
        }
    }
}

static void yaml_error(const csystem_yaml *self, csystem_yaml_event *event)
{
    const yaml_parser_t *parser = &self->parser;
    const char *problem = parser->problem;
    if (!problem) problem = parser->error == YAML_MEMORY_ERROR ? "out of memory" : "not well formed";
    event->kind = CSYSTEM_YAML_ERROR;
    event->text = (const uint8_t *)problem;
    event->length = strlen(problem);
    if (parser->error == YAML_READER_ERROR) {
        /* The reader reads ahead, and its mark has not reached the problem yet. */
        yaml_locate(self, parser->problem_offset, event);
    } else {
        event->line = parser->problem_mark.line;
        event->column = parser->problem_mark.column;
    }
}

static void yaml_flatten(const yaml_event_t *from, csystem_yaml_event *event)
{
    event->line = from->start_mark.line;
    event->column = from->start_mark.column;
    switch (from->type) {
    case YAML_DOCUMENT_START_EVENT: event->kind = CSYSTEM_YAML_DOCUMENT_START; break;
    case YAML_DOCUMENT_END_EVENT: event->kind = CSYSTEM_YAML_DOCUMENT_END; break;
    case YAML_ALIAS_EVENT: event->kind = CSYSTEM_YAML_ALIAS; break;
    case YAML_SCALAR_EVENT:
        event->kind = CSYSTEM_YAML_SCALAR;
        event->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        event->anchored = from->data.scalar.anchor != NULL;
        event->tagged = from->data.scalar.tag != NULL;
        event->text = from->data.scalar.value;
        event->length = from->data.scalar.length;
        break;
    case YAML_SEQUENCE_START_EVENT:
        event->kind = CSYSTEM_YAML_SEQUENCE_START;
        event->anchored = from->data.sequence_start.anchor != NULL;
        event->tagged = from->data.sequence_start.tag != NULL;
        break;
    case YAML_SEQUENCE_END_EVENT: event->kind = CSYSTEM_YAML_SEQUENCE_END; break;
    case YAML_MAPPING_START_EVENT:
        event->kind = CSYSTEM_YAML_MAPPING_START;
        event->anchored = from->data.mapping_start.anchor != NULL;
        event->tagged = from->data.mapping_start.tag != NULL;
        break;
    case YAML_MAPPING_END_EVENT: event->kind = CSYSTEM_YAML_MAPPING_END; break;
    default: event->kind = CSYSTEM_YAML_STREAM_END; break;
    }
}

void csystem_yaml_next(csystem_yaml *self, csystem_yaml_event *event)
{
    do {
        memset(event, 0, sizeof *event);
        if (self->holds_event) yaml.delete_event(&self->event);
        self->holds_event = false;
        if (self->is_refused) {
            static const char problem[] = "more than 64 %TAG directives";
            event->kind = CSYSTEM_YAML_ERROR;
            event->text = (const uint8_t *)problem;
            event->length = sizeof problem - 1;
            return;
        }
        if (!yaml.parse(&self->parser, &self->event)) {
            yaml_error(self, event);
            return;
        }
        self->holds_event = true;
    } while (self->event.type == YAML_STREAM_START_EVENT);
    yaml_flatten(&self->event, event);
}

void csystem_yaml_close(csystem_yaml *self)
{
    if (!self) return;
    if (self->holds_event) yaml.delete_event(&self->event);
    yaml.delete_parser(&self->parser);
    free(self->rewritten);
    free(self);
}

bool csystem_yaml_double(const char *text, double *value)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return false;
    char *end = NULL;
    double number = strtod_l(text, &end, c_locale);
    freelocale(c_locale);
    if (end == text || *end != '\0') return false;
    *value = number;
    return true;
}
