/* self: by which names and addresses this gateway is known, so that it finds itself among MX
 * hosts.
 * Owns: the names and addresses of a struct self. RFC 5321 5.1; requirement SMTPC-19. The command
 * uses it too, so that `explain` decides as the daemon does.
 * Must never count an address on which this gateway does not listen: another server may be there. */
#ifndef DANEWAY_SELF_H
#define DANEWAY_SELF_H

#include "daneway/settings.h"

struct self {
    const char *names[2]; /* NULL-terminated */
    char *name;
    struct address *addresses;
    size_t address_count;
};

void self_find(struct self *self_r, const struct settings *settings);
void self_release(struct self *self);
/* The delivery settings with self's names and addresses in their policy; valid as long as both are.
 */
struct delivery_settings self_delivery(const struct self *self, const struct settings *settings);

#endif
