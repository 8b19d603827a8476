/* address: see address.h. inet_pton does the parsing; glibc's inet_ntop writes RFC 5952.
 * Owns: the table of special networks (IANA registries, RFC 6890 and its successors).
 * Must never look up a name.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/slice.h"

int address_parse(const char *text, struct address *address_r)
{
    struct address address = {0};
    if (inet_pton(AF_INET, text, address.octets) == 1)
        address.family = 4;
    else if (inet_pton(AF_INET6, text, address.octets) == 1)
        address.family = 6;
    else
        return -1;
    *address_r = address;
    return 0;
}

char *address_format(const struct address *address, char *text_r)
{
    int family = address->family == 6 ? AF_INET6 : AF_INET;
    if (address->family == 0 || inet_ntop(family, address->octets, text_r, ADDRESS_TEXT) == NULL)
        snprintf(text_r, ADDRESS_TEXT, "unknown");
    return text_r;
}

char *address_format_literal(const struct address *address, char *text_r)
{
    char text[ADDRESS_TEXT];
    snprintf(text_r, ADDRESS_TEXT + 8, "[%s%s]", address->family == 6 ? "IPv6:" : "",
             address_format(address, text));
    return text_r;
}

int address_parse_literal(const char *text, size_t length, struct address *address_r)
{
    static const char tag[] = "IPv6:";
    bool six = length > 5 && strncasecmp(text, tag, 5) == 0;
    if (six) {
        text += 5;
        length -= 5;
    }
    char copy[ADDRESS_TEXT];
    if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length) != NULL)
        return -1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    struct address address;
    if (address_parse(copy, &address) != 0 || (address.family == 6) != six)
        return -1;
    *address_r = address;
    return 0;
}

static size_t address_length(const struct address *address)
{
    return address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, address_length(a)) == 0;
}

/* The first `bits` bits of both are the same. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned mask = rest > 0 ? (0xffu << (8 - rest)) & 0xffu : 0;
    return rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

static bool host_bits_are_zero(const struct network *network)
{
    for (unsigned bit = network->prefix_length; bit < 8 * address_length(&network->base); bit++)
        if (network->base.octets[bit / 8] & (0x80u >> bit % 8))
            return false;
    return true;
}

/* ::ffff:0:0/96 means the IPv4 address inside. */
static struct address unmapped(const struct address *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address->family != 6 || memcmp(address->octets, mapped, sizeof(mapped)) != 0)
        return *address;
    struct address four = {.family = 4};
    memcpy(four.octets, address->octets + 12, 4);
    return four;
}

/* A network within ::ffff:0:0/96 is one of IPv4 addresses: as those are compared, else it would match nobody. */
static void unmap_network(struct network *network)
{
    struct address plain = unmapped(&network->base);
    if (plain.family == network->base.family || network->prefix_length < 96)
        return;
    network->base = plain;
    network->prefix_length -= 96;
}

int network_parse(const char *text, struct network *network_r)
{
    struct slice rest, first = slice_split(slice_of(text), '/', &rest);
    char copy[ADDRESS_TEXT];
    if (first.len == 0 || first.len >= sizeof(copy))
        return -1;
    memcpy(copy, first.ptr, first.len);
    copy[first.len] = '\0';
    struct network network;
    if (address_parse(copy, &network.base) != 0)
        return -1;
    uint64_t bits = 8 * address_length(&network.base);
    if (rest.ptr != NULL && slice_to_number(rest, bits, &bits) != 0)
        return -1;
    network.prefix_length = (unsigned)bits;
    if (!host_bits_are_zero(&network))
        return -1;
    unmap_network(&network);
    *network_r = network;
    return 0;
}

bool network_contains(const struct network *network, const struct address *address)
{
    return network->base.family == address->family &&
           same_prefix(network->base.octets, address->octets, network->prefix_length);
}

int address_port_parse(const char *text, struct address *address_r, uint16_t *port_r)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (colon == NULL || slice_to_number(slice_of(colon + 1), 65535, &port) != 0 || port == 0)
        return -1;
    bool bracketed = text[0] == '[';
    if (bracketed && (colon == text + 1 || colon[-1] != ']'))
        return -1;
    struct slice host = {text + bracketed, (size_t)(colon - text) - 2 * (size_t)bracketed};
    char copy[ADDRESS_TEXT];
    if (host.len == 0 || host.len >= sizeof(copy))
        return -1;
    memcpy(copy, host.ptr, host.len);
    copy[host.len] = '\0';
    struct address address;
    if (address_parse(copy, &address) != 0 || (address.family == 6) != bracketed)
        return -1;
    *address_r = address;
    *port_r = (uint16_t)port;
    return 0;
}

static bool in_any(const struct address *address, const char *const *networks)
{
    for (; *networks != NULL; networks++) {
        struct network network;
        if (network_parse(*networks, &network) == 0 && network_contains(&network, address))
            return true;
    }
    return false;
}

/* The IPv4 address that a translator (64:ff9b::/96, RFC 6052) or a tunnel (2002::/16, RFC 3056)
 * takes out of it: it must not be a way around into this network. */
static bool carries_ipv4(const struct address *address, struct address *inner_r)
{
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b}, tunnelled[2] = {0x20, 0x02};
    bool by_translator = memcmp(address->octets, translated, sizeof(translated)) == 0;
    bool by_tunnel = memcmp(address->octets, tunnelled, sizeof(tunnelled)) == 0;
    if (address->family != 6 || (!by_translator && !by_tunnel))
        return false;
    *inner_r = (struct address){.family = 4};
    memcpy(inner_r->octets, address->octets + (by_translator ? 12 : 2), 4);
    return true;
}

bool address_is_special(const struct address *address)
{
    static const char *const special[] = {"0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
                                          "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
                                          "192.0.0.0/24",   "192.168.0.0/16", "198.18.0.0/15",
                                          "224.0.0.0/4",    "240.0.0.0/4",    "::/96",
                                          "64:ff9b:1::/48", "100::/64",       "2001::/23",
                                          "5f00::/16",      "fc00::/7",       "fe80::/10",
                                          "fec0::/10",      "ff00::/8",       NULL};
    struct address plain = unmapped(address), inner;
    return plain.family != address->family || in_any(&plain, special) ||
           (carries_ipv4(&plain, &inner) && in_any(&inner, special));
}

bool address_is_allowed(const struct address *address, const struct network *allowed, size_t count)
{
    bool found = !address_is_special(address);
    for (size_t i = 0; i < count && !found; i++)
        found = network_contains(&allowed[i], address);
    return found;
}

bool address_is_loopback(const struct address *address)
{
    static const char *const loopback[] = {"0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128", NULL};
    struct address plain = unmapped(address);
    return in_any(&plain, loopback);
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *sockaddr_r)
{
    memset(sockaddr_r, 0, sizeof(*sockaddr_r));
    if (address->family == 6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)sockaddr_r;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        memcpy(&six->sin6_addr, address->octets, 16);
        return sizeof(*six);
    }
    struct sockaddr_in *four = (struct sockaddr_in *)sockaddr_r;
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    memcpy(&four->sin_addr, address->octets, 4);
    return sizeof(*four);
}

void address_from_sockaddr(const struct sockaddr *sockaddr, struct address *address_r,
                           uint16_t *port_r)
{
    struct address address = {0};
    *port_r = 0;
    if (sockaddr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sockaddr;
        address.family = 6;
        memcpy(address.octets, &six->sin6_addr, 16);
        *port_r = ntohs(six->sin6_port);
    } else if (sockaddr->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)sockaddr;
        address.family = 4;
        memcpy(address.octets, &four->sin_addr, 4);
        *port_r = ntohs(four->sin_port);
    }
    *address_r = unmapped(&address);
}
