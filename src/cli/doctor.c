/* doctor: `daneway doctor`: is the gateway well, and what is to be done?
 * Owns: nothing beyond its run.
 * Asks the daemon if it runs; the rest is looked into from here, so the answer is this user's: root sees most.
 * Must never change anything, and connects to nobody's mail host unless --to names a domain. */
#include "cli/doctor.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/http.h"
#include "cli/format.h"
#include "cli/render.h"
#include "conf/conf.h"

enum { NAME_WIDTH = 13 };

void doctor_find(struct doctor *doctor, enum health health, const char *check, const char *text,
                 const char *to_do)
{
    if (doctor->count == doctor->size) {
        size_t size = doctor->size > 0 ? 2 * doctor->size : 32;
        struct finding *larger = arena_alloc(doctor->arena, size * sizeof(*larger));
        for (size_t i = 0; i < doctor->count; i++)
            larger[i] = doctor->findings[i];
        doctor->findings = larger;
        doctor->size = size;
    }
    doctor->findings[doctor->count++] =
        (struct finding){health, check, arena_strdup(doctor->arena, text),
                         to_do != NULL ? arena_strdup(doctor->arena, to_do) : NULL};
}

static const struct {
    const char *name, *mark;
    enum colour colour;
} healths[] = {
    [HEALTH_GOOD] = {"good", "ok", GREEN},
    [HEALTH_UNKNOWN] = {"unknown", "?", DIM},
    [HEALTH_WARNING] = {"warning", "warning", YELLOW},
    [HEALTH_BAD] = {"bad", "BAD", RED},
};

int doctor_print(FILE *out, const struct doctor *doctor)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        const struct finding *finding = &doctor->findings[i];
        wrong += finding->health >= HEALTH_WARNING;
        fprintf(out, "%s%-7s%s  %-*s  ", colour(healths[finding->health].colour),
                healths[finding->health].mark, colour(PLAIN), NAME_WIDTH, finding->check);
        format_put(out, finding->text);
        fputc('\n', out);
        if (finding->to_do != NULL)
            render_labelled(out, "         ", "what to do: ", finding->to_do);
    }
    if (wrong == 0)
        fputs("\nNothing is wrong.\n", out);
    else
        fprintf(out, "\n%u of %zu findings to be mended.\n", wrong, doctor->count);
    return wrong > 0;
}

json_t *doctor_json(const struct doctor *doctor)
{
    json_t *list = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        const struct finding *finding = &doctor->findings[i];
        json_array_append_new(list, json_pack("{ss ss ss* ss*}", "check", finding->check, "health",
                                              healths[finding->health].name, "text", finding->text,
                                              "to_do", finding->to_do));
    }
    return list;
}

static int status_of(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++)
        if (doctor->findings[i].health >= HEALTH_WARNING)
            return STATUS_NO;
    return STATUS_YES;
}

static void ask_daemon(struct doctor *doctor)
{
    struct http_target target;
    struct err err;
    http_target_begin(&target, "/status");
    if (http_ask(doctor->settings->status_socket, "GET", &target, &doctor->status, &err) != 0)
        doctor->silence = arena_strdup(doctor->arena, err.text);
}

/* In the order in which one would look. */
static void (*const checks[])(struct doctor *) = {
    doctor_check_configuration, doctor_check_tables,   doctor_check_certificates,
    doctor_check_secrets,       doctor_check_roots,    doctor_check_clock,
    doctor_check_disk,          doctor_check_resolver, doctor_check_hostname,
    doctor_check_port,          doctor_check_reports,  doctor_check_daemon,
};

static int examine_all(struct doctor *doctor, bool as_json)
{
    ask_daemon(doctor);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        checks[i](doctor);
    if (!as_json)
        return doctor_print(stdout, doctor) == 0 ? STATUS_YES : STATUS_NO;
    json_t *list = doctor_json(doctor);
    command_print_json(list);
    json_decref(list);
    return status_of(doctor);
}

int run_doctor(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"to", required_argument, NULL, 't'}, {0}};
    struct doctor doctor = {.now = time(NULL)};
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            as_json = true;
        else if (option == 't')
            doctor.probed = optarg;
        else
            return command_misused("doctor", NULL);
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("doctor", NULL);
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    if (settings == NULL)
        return STATUS_USAGE;
    doctor.settings = settings;
    doctor.arena = arena;
    format_use_colours(format_wants_colours(stdout));
    int status = examine_all(&doctor, as_json);
    json_decref(doctor.status);
    return status;
}
