/* status_assets: see status_assets.h.
 * Owns: nothing.
 * The list is in a file that the build makes.
 * Must never serve a path that is not in the list. */
#include "control/status_assets.h"

#include <string.h>

const struct status_asset *status_asset(const char *path)
{
    const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;
    for (const struct status_asset *asset = status_asset_list; asset->path != NULL; asset++)
        if (strcmp(wanted, asset->path) == 0)
            return asset;
    return NULL;
}

void status_asset_serve(struct exchange *exchange, const struct status_asset *asset)
{
    exchange_reply(exchange, HTTP_OK, asset->type, asset->octets, asset->length);
}
