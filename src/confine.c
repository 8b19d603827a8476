/* confine: see confine.h. Files are replaced by others of the same name, so their directories are what is allowed.
 * Owns: the list of places while it is made.
 * Keys are root's: what lies beside a table is kept by its mode, everything else by Landlock.
 * Must never allow a whole tree because a file lies right below "/": then it is the file alone. */
#include "confine.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "conf/conf.h"
#include "daneway/policy.h"
#include "log/log.h"

struct places {
    struct arena *arena;
    struct sandbox_place *list;
    size_t count;
};

static void add(struct places *places, const char *path, bool writable)
{
    places->list = x_realloc(places->list, (places->count + 1) * sizeof *places->list);
    places->list[places->count++] =
        (struct sandbox_place){arena_printf(places->arena, "%s", path), writable};
}

static void add_directory_of(struct places *places, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (*file == '\0' || slash == NULL)
        return;
    if (slash == file)
        add(places, file, false);
    else
        add(places, arena_printf(places->arena, "%.*s", (int)(slash - file), file), false);
}

static int add_trust_of(struct places *places, const char *path, struct err *err_r)
{
    CLEANUP(table_free) struct table *table = NULL;
    if (*path == '\0')
        return 0;
    if (conf_read_table(&table, path, err_r) != 0)
        return -1;
    for (size_t i = 0; i < table_trust_count(table); i++) {
        size_t count;
        const char *const *paths = table_trust_paths(table, i, &count);
        for (size_t p = 0; p < count; p++)
            add_directory_of(places, paths[p]);
    }
    return 0;
}

static int add_reading(struct places *places, const struct settings *settings, struct err *err_r)
{
    const struct delivery_settings *delivery = &settings->delivery;
    const char *const files[] = {
        delivery->tls_policy,
        delivery->mailboxes,
        delivery->tls_policy_shadow,
        settings->intake.clients,
        settings->resolver.trust_anchor,
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        add_directory_of(places, files[i]);
    if (add_trust_of(places, delivery->tls_policy, err_r) != 0)
        return -1;
    return add_trust_of(places, delivery->tls_policy_shadow, err_r);
}

static void places_release(struct places *places)
{
    free(places->list);
    arena_free(&places->arena);
}

int confine_role(const struct settings *settings, enum sandbox_role role, struct err *err_r)
{
    CLEANUP(places_release) struct places places = {.arena = arena_create()};
    char in_force[SANDBOX_TEXT];
    add(&places, settings->state_directory, true);
    if (role == SANDBOX_WORKER && add_reading(&places, settings, err_r) != 0)
        return -1;
    const struct sandbox sandbox = {.role = role,
                                    .mode = settings->sandbox,
                                    .places = places.list,
                                    .place_count = places.count};
    if (sandbox_enter(&sandbox, in_force, err_r) != 0)
        return -1;
    log_event(LOG_LEVEL_INFO, "sandbox", "%s", in_force);
    return 0;
}
