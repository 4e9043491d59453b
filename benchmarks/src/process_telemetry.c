/* A whole program that opens a collector, records one event and closes it. argv[1] is the tool's
   name, "bench-" and the mode:
     file      in-process delivery to the JSON Lines file, close waits for it (at most 1 s)
     leave     in-process, close(0): the event stays in the spool, which nobody ever empties
     detached  detached delivery, close starts a deliverer when one is due
     dead      detached delivery to an endpoint that refuses, as the tool's manifest says
     off       the user has not agreed: everything is called and nothing happens
   Each is a tool of its own, so that none delivers what another left. */
#include "payload.h"
#include <string.h>
#include <telemetry.h>

int main(int argc, char **argv)
{
    /* No stdio here: it would cost memory that the empty program does not use. */
    if (argc < 2 || strncmp(argv[1], "bench-", 6) != 0)
        return 2;
    const char *tool = argv[1], *mode = tool + 6;
    int off = !strcmp(mode, "off");
    telemetry_options *options = telemetry_options_new(tool, "1.0.0");
    /* Also in a container: one identifier for all runs. */
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    if (!strcmp(mode, "detached"))
        telemetry_options_set_delivery(options, TELEMETRY_DETACHED);
    else if (!strcmp(mode, "dead"))
        telemetry_options_load_manifest(options, NULL);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_attribute attributes[5] = {
        telemetry_string("target", payload_target),
        telemetry_string("compiler", payload_compiler),
        telemetry_int("files", 3),
        telemetry_double("seconds", 0.25),
        telemetry_bool("cached", true),
    };
    telemetry_status recorded = telemetry_track(collector, payload_type, payload_name, attributes, 5);
    telemetry_close(collector, strcmp(mode, "leave") ? 1000 : 0);
    return recorded == (off ? TELEMETRY_DISABLED : TELEMETRY_OK) ? 0 : 1;
}
