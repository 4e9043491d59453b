/* linecount FILE...: counts lines, as `wc -l` does, and totals them by kind of file.

   With the user's consent it records one feature event for each kind of file and one event for the
   command. It records counts: no path, no name, no content. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <telemetry.h>

#define MOST_KINDS 32

/* The lines of all files with one suffix. */
struct kind {
    char suffix[16];
    int64_t files, lines, bytes;
};

struct totals {
    struct kind kinds[MOST_KINDS];
    size_t count;
    int64_t unreadable;
};

/* The suffix of the file's name, or "other" when it has none or a strange one. */
static const char *suffix_of(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name != NULL ? name : path, '.');
    size_t length = dot != NULL ? strlen(dot + 1) : 0;
    return length > 0 && length < sizeof ((struct kind *)0)->suffix ? dot + 1 : "other";
}

/* The entry for a suffix; when the table is full, its last one. */
static struct kind *kind_of(struct totals *totals, const char *path)
{
    const char *suffix = suffix_of(path);
    for (size_t i = 0; i < totals->count; i++)
        if (strcmp(totals->kinds[i].suffix, suffix) == 0) return &totals->kinds[i];
    if (totals->count == MOST_KINDS) return &totals->kinds[MOST_KINDS - 1];

    struct kind *kind = &totals->kinds[totals->count++];
    memset(kind, 0, sizeof *kind);
    memcpy(kind->suffix, suffix, strlen(suffix) + 1);
    return kind;
}

static void count_file(struct totals *totals, const char *path)
{
    char buffer[65536];
    size_t length;
    int64_t lines = 0, bytes = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "linecount: %s: %s\n", path, strerror(errno));
        totals->unreadable++;
        return;
    }
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        bytes += (int64_t)length;
        for (size_t i = 0; i < length; i++) lines += buffer[i] == '\n';
    }
    if (ferror(file)) {
        fprintf(stderr, "linecount: %s: cannot be read\n", path);
        totals->unreadable++;
    } else {
        struct kind *kind = kind_of(totals, path);
        kind->files++;
        kind->lines += lines;
        kind->bytes += bytes;
    }
    fclose(file);
}

static void report(const struct totals *totals, telemetry_collector *telemetry)
{
    for (size_t i = 0; i < totals->count; i++) {
        const struct kind *kind = &totals->kinds[i];
        printf("%8lld lines in %4lld files: %s\n", (long long)kind->lines, (long long)kind->files, kind->suffix);
        telemetry_attribute attributes[] = {
            telemetry_string("kind", kind->suffix), telemetry_int("files", kind->files),
            telemetry_int("lines", kind->lines),
            telemetry_double("bytes_per_line", kind->lines > 0 ? (double)kind->bytes / (double)kind->lines : 0) };
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "count-kind", attributes, 4);
    }
}

int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("demo", "1.0.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_command *command = telemetry_command_begin(telemetry);
    telemetry_command_set(command, "demo linecount");

    struct totals totals = { .count = 0 };
    for (int i = 1; i < argc; i++) count_file(&totals, argv[i]);
    report(&totals, telemetry);

    int exit_code = argc < 2 ? 2 : totals.unreadable > 0 ? 1 : 0;
    if (argc < 2) fputs("usage: linecount FILE...\n", stderr);
    telemetry_attribute attributes[] = {
        telemetry_int("files", argc - 1), telemetry_int("unreadable", totals.unreadable) };
    telemetry_command_finish(command, exit_code, attributes, 2);
    telemetry_command_free(command);
    telemetry_close(telemetry, 1000);
    return exit_code;
}
