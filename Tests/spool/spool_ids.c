/* Prints the id of each waiting event in a spool directory, as the C reader sees it. */
#include <stdio.h>

#include "spool_reader.h"

static void print_id(void *context, const spool_record *record)
{
    (void)context;
    for (int i = 24; i < 40; i++) printf("%02x", record->bytes[i]);
    putchar('\n');
}

int main(int argc, char **argv)
{
    spool_summary summary = {0};
    if (argc != 2 || !spool_read_directory(argv[1], print_id, NULL, &summary)) return 1;
    return 0;
}
