/* config_check: `daneway config check`: is the configuration good, with its tables and keys?
 * Owns: nothing. The same as danewayd -t.
 * Must never change anything. */
#include <stdio.h>

#include "base/cleanup.h"
#include "check.h"
#include "cli/command.h"
#include "conf/conf.h"

int run_config_check(const char *configuration, int argc, char **argv)
{
    struct err err;
    if (command_take_words(argc, argv, 0, NULL) != 0)
        return command_misused("config", "check");
    CLEANUP(conf_free) struct settings *settings = NULL;
    if (conf_read(&settings, configuration, &err) != 0 || check_all(settings, &err) != 0)
        return command_failed(STATUS_NO, "%s", err.text);
    printf("%s: good\n", configuration);
    return STATUS_YES;
}
