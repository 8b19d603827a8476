/* daemon: one question to the running daemon, with its complaints printed.
 * Owns: nothing.
 * The configuration file says where the socket is.
 * Must never hide that a worker did not answer. */
#include "cli/daemon.h"

#include "base/cleanup.h"
#include "cli/command.h"
#include "conf/conf.h"

json_t *daemon_ask(const char *configuration, const char *method, const struct http_target *target,
                   int *status_r)
{
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    json_t *json;
    struct err err;
    if (settings == NULL) {
        *status_r = STATUS_USAGE;
        return NULL;
    }
    int result = http_ask(settings->status_socket, method, target, &json, &err);
    if (result == 0)
        return json;
    *status_r = command_failed(result == HTTP_REFUSED  ? STATUS_USAGE
                               : result == HTTP_ABSENT ? STATUS_NO
                                                       : STATUS_SILENT,
                               "%s", err.text);
    return NULL;
}

int daemon_complete(json_t *answer)
{
    json_t *worker;
    size_t i;
    json_t *missing = json_object_get(answer, "missing");
    json_array_foreach(missing, i, worker) {
        command_failed(STATUS_SILENT, "worker %d did not answer: its part is missing",
                       (int)json_integer_value(worker));
    }
    return json_array_size(missing) == 0 ? STATUS_YES : STATUS_SILENT;
}
