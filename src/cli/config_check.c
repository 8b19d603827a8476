/* config_check: `daneway config check`: is the configuration good, with its tables and keys?
 * Owns: nothing. The same as danewayd -t.
 * Must never change anything. */
#include <stdio.h>

#include "base/cleanup.h"
#include "check.h"
#include "cli/command.h"
#include "conf/conf.h"

/* Text that is not UTF-8 may stand in the file, and so in the complaint about it. */
static int print_as_json(const char *configuration, bool good, const char *text)
{
    json_t *json =
        json_pack("{ss sb ss}", "configuration", configuration, "good", good, "text", text);
    if (json == NULL)
        return command_failed(STATUS_NO, "%s", text);
    command_print_json(json);
    json_decref(json);
    return good ? STATUS_YES : STATUS_NO;
}

int run_config_check(const char *configuration, int argc, char **argv)
{
    struct err err = {""};
    bool as_json;
    if (command_take_json(argc, argv, 0, NULL, &as_json) != 0)
        return command_misused("config", "check");
    CLEANUP(conf_free) struct settings *settings = NULL;
    bool good = conf_read(&settings, configuration, &err) == 0 && check_all(settings, &err) == 0;
    if (as_json)
        return print_as_json(configuration, good, err.text);
    if (!good)
        return command_failed(STATUS_NO, "%s", err.text);
    printf("%s: good\n", configuration);
    return STATUS_YES;
}
