/* address: an IPv4 or IPv6 address with an optional port, and networks (CIDR).
 * Owns: nothing; values.
 * Text forms are RFC 5952 for IPv6 and RFC 5321 address literals.
 * Must never look up a name.
 */
#ifndef DANEWAY_BASE_ADDRESS_H
#define DANEWAY_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    uint8_t family;     /* 4 or 6; 0: none */
    uint8_t octets[16]; /* network order; the first 4 for IPv4 */
};

struct network {
    struct address base;
    unsigned prefix_length;
};

enum { ADDRESS_TEXT = 48 };

/* "192.0.2.1", "2001:db8::1"; no brackets, no zone. 0 or -1. */
int address_parse(const char *text, struct address *address_r);
/* RFC 5952 text into text_r[ADDRESS_TEXT]; returns text_r. */
char *address_format(const struct address *address, char *text_r);
/* RFC 5321 4.1.3 literal with brackets: "[192.0.2.1]", "[IPv6:2001:db8::1]". text_r[ADDRESS_TEXT + 8] */
char *address_format_literal(const struct address *address, char *text_r);
/* Parses what stands between the brackets of an address literal: "192.0.2.1" or "IPv6:2001:db8::1". */
int address_parse_literal(const char *text, size_t length, struct address *address_r);
bool address_equal(const struct address *a, const struct address *b);

/* "192.0.2.0/24", "2001:db8::/32" or a single address; host bits must be zero. 0 or -1.
 * "::ffff:192.0.2.0/120" is taken for 192.0.2.0/24. */
int network_parse(const char *text, struct network *network_r);
bool network_contains(const struct network *network, const struct address *address);

/* "127.0.0.1:25" or "[::1]:25"; 0 or -1. */
int address_port_parse(const char *text, struct address *address_r, uint16_t *port_r);

/* Loopback, private (RFC 1918, 4193), link-local, unspecified, multicast, shared (RFC 6598),
 * IPv4-mapped forms of any, NAT64 and 6to4 forms of a special one, and what else no public server can have (IANA special-purpose registries).
 * The documentation networks are not among them: nothing routes there, and laboratories use them. */
bool address_is_special(const struct address *address);
/* May a name that strangers control lead there? What is not special, and what the operator has listed (SMTPC-20). */
bool address_is_allowed(const struct address *address, const struct network *allowed, size_t count);
/* Loopback or unspecified (SMTPC-20). */
bool address_is_loopback(const struct address *address);

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *sockaddr_r);
/* An IPv4-mapped IPv6 address becomes IPv4. Other families give family 0. */
void address_from_sockaddr(const struct sockaddr *sockaddr, struct address *address_r,
                           uint16_t *port_r);

#endif
