/* idn: see idn.h.
 * Owns: nothing.
 * Must never pass a domain of any length to the library: it is cut off at what a domain can be. */
#include "base/idn.h"

#include <idn2.h>
#include <string.h>

/* No domain in ASCII is longer than 253 octets; no character has more than 4. */
enum { DOMAIN_LONGEST = 4 * 253 };

char *idn_to_ascii(struct arena *arena, struct slice domain)
{
    if (domain.len > DOMAIN_LONGEST)
        return NULL;
    char *name = arena_strndup(arena, domain.ptr, domain.len);
    if (slice_is_ascii(domain)) {
        ascii_lower_text(name);
        return name;
    }
    uint8_t *converted = NULL;
    int rc =
        idn2_lookup_u8((const uint8_t *)name, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    char *result = rc == IDN2_OK ? arena_strdup(arena, (const char *)converted) : NULL;
    idn2_free(converted);
    if (result != NULL)
        ascii_lower_text(result);
    return result;
}

const char *idn_address_to_ascii(struct arena *arena, const char *address)
{
    const char *at = strrchr(address, '@');
    if (at == NULL || slice_is_ascii(slice_of(at)))
        return address;
    const char *domain = idn_to_ascii(arena, slice_of(at + 1));
    return domain == NULL ? address
                          : arena_printf(arena, "%.*s@%s", (int)(at - address), address, domain);
}
