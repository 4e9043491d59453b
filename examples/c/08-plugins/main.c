/* A host with plugins. Each plugin uses the library itself. Two threads run the plugins at the same time.

       editor TEXT PLUGIN.so...

   Try it:
       cc -shared -fPIC -o spell.so 08-plugins/plugins/spell.c $(pkg-config --cflags --libs libtelemetry)
       cc -shared -fPIC -o grammar.so 08-plugins/plugins/grammar.c $(pkg-config --cflags --libs libtelemetry)
       cc -o editor 08-plugins/main.c -pthread $(pkg-config --cflags --libs libtelemetry)
       EDITOR_TELEMETRY_ENABLED=1 EDITOR_SPELL_TELEMETRY_ENABLED=1 ./editor 'teh text' ./spell.so ./grammar.so */
#include "plugin.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#define MOST_PLUGINS 8

struct job {
    telemetry_collector *telemetry; /* the host's collector, which all threads share */
    const char *path, *text;
    int mistakes; /* -1: there is no such plugin */
};

static void *run(void *context)
{
    struct job *job = context;
    void *handle = dlopen(job->path, RTLD_NOW | RTLD_LOCAL);
    const struct plugin *plugin = handle != NULL ? dlsym(handle, "plugin") : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "editor: %s\n", dlerror());
        return NULL;
    }
    plugin->start();
    job->mistakes = plugin->check(job->telemetry, job->text);
    plugin->stop();
    dlclose(handle); /* the plugin is unloaded; the library stays, because the host uses it too */
    return NULL;
}

int main(int argc, char **argv)
{
    struct job jobs[MOST_PLUGINS];
    pthread_t threads[MOST_PLUGINS];
    int count = argc - 2, mistakes = 0;
    if (count < 1 || count > MOST_PLUGINS) {
        fputs("usage: editor TEXT PLUGIN.so...\n", stderr);
        return 2;
    }
    telemetry_options *options = telemetry_options_new("editor", "1.0.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);

    for (int i = 0; i < count; i++) {
        jobs[i] = (struct job){ telemetry, argv[i + 2], argv[1], -1 };
        if (pthread_create(&threads[i], NULL, run, &jobs[i]) != 0) return 1;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        if (jobs[i].mistakes > 0) mistakes += jobs[i].mistakes;
    }
    printf("%d mistakes\n", mistakes);
    telemetry_close(telemetry, 500); /* the last call on the collector: every plugin has stopped */
    return 0;
}
