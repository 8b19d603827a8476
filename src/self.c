/* self: by which names and addresses this gateway is known, so that it finds itself among MX
 * hosts.
 * Owns: the names and addresses of a struct self. A listener on 0.0.0.0 or [::] stands for every
 * address of that family that the machine has. Loopback addresses are left out: no MX host may
 * have them anyway (SMTPC-20), and a smart host on loopback is no loop.
 * Must never count an address on which this gateway does not listen. */
#include "self.h"

#include <ifaddrs.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/slice.h"

static bool is_unspecified(const struct address *address)
{
    for (size_t i = 0; i < sizeof address->octets; i++)
        if (address->octets[i] != 0)
            return false;
    return true;
}

static void add(struct self *self, const struct address *address)
{
    if (address->family == 0 || address_is_loopback(address))
        return;
    for (size_t i = 0; i < self->address_count; i++)
        if (address_equal(&self->addresses[i], address))
            return;
    self->addresses =
        x_realloc(self->addresses, (self->address_count + 1) * sizeof *self->addresses);
    self->addresses[self->address_count++] = *address;
}

static void add_interfaces(struct self *self, uint8_t family)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        struct address address;
        uint16_t port;
        if (entry->ifa_addr == NULL)
            continue;
        address_from_sockaddr(entry->ifa_addr, &address, &port);
        if (address.family == family)
            add(self, &address);
    }
    freeifaddrs(list);
}

void self_find(struct self *self_r, const struct settings *settings)
{
    *self_r = (struct self){.name = x_strdup(settings->hostname)};
    ascii_lower_text(self_r->name);
    self_r->names[0] = self_r->name;
    for (size_t i = 0; i < settings->intake.listen_count; i++) {
        const struct address *address = &settings->intake.listen[i].address;
        if (is_unspecified(address))
            add_interfaces(self_r, address->family);
        else
            add(self_r, address);
    }
}

void self_release(struct self *self)
{
    free(self->name);
    free(self->addresses);
    *self = (struct self){0};
}

struct delivery_settings self_delivery(const struct self *self, const struct settings *settings)
{
    struct delivery_settings delivery = settings->delivery;
    delivery.policy.own_names = self->names;
    delivery.policy.own_addresses = self->addresses;
    delivery.policy.own_address_count = self->address_count;
    return delivery;
}
