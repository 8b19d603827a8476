/* status_assets: the files of the dashboard, as they were when the program was built (src/control/dashboard/, scripts/embed).
 * Owns: nothing; constants.
 * They show nothing by themselves: what they show they ask for.
 * Must never be anything but our own files: the page loads nothing from elsewhere. */
#ifndef DANEWAY_CONTROL_STATUS_ASSETS_H
#define DANEWAY_CONTROL_STATUS_ASSETS_H

#include <stddef.h>

#include "control/exchange.h"

struct status_asset {
    const char *path, *type;
    const unsigned char *octets;
    size_t length;
};
/* Made by scripts/embed; ends with a row whose path is NULL. */
extern const struct status_asset status_asset_list[];

/* "/" is the page. NULL: there is no such file. */
const struct status_asset *status_asset(const char *path);
void status_asset_serve(struct exchange *exchange, const struct status_asset *asset);

#endif
