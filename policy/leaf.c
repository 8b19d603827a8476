/* leaf: the names of the server's certificate: DNS-IDs, or the CN where there are none.
 * Owns: nothing.
 * RFC 7672 3.2.3; requirements DANE-39..42.
 * Must never look at the CN of a certificate that has a DNS-ID. */
#include <string.h>

#include "policy/chain.h"
#include "policy/names.h"

enum { NAME_MAX_LENGTH = 1024, NAMES_MAX = 1000, NAMES_SHOWN = 5 };

struct name_check {
    struct arena *arena;
    const char *const *names;
    size_t name_count;
    bool matched;
    size_t seen;
    const char *shown; /* the first few, for the detail */
};

static void check_name(struct name_check *check, struct slice presented)
{
    for (size_t i = 0; i < check->name_count; i++)
        check->matched = check->matched || name_matches(presented, slice_of(check->names[i]));
    if (check->seen++ >= NAMES_SHOWN)
        return;
    char *text = arena_strndup(check->arena, presented.ptr, presented.len);
    for (size_t i = 0; i < presented.len; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            text[i] = '?';
    check->shown =
        check->shown == NULL ? text : arena_printf(check->arena, "%s, %s", check->shown, text);
}

/* True if there is a DNS-ID at all; also if there may be one, because the names cannot be read, are
 * too long, or too many. */
static bool check_dns_ids(struct name_check *check, gnutls_x509_crt_t leaf)
{
    bool found = false;
    for (unsigned i = 0; !check->matched; i++) {
        if (i == NAMES_MAX)
            return true;
        char name[NAME_MAX_LENGTH];
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (type == GNUTLS_SAN_DNSNAME)
            check_name(check, (struct slice){name, size});
        found = found || type == GNUTLS_SAN_DNSNAME || type < 0;
        if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
            break;
    }
    return found;
}

/* Only a CN that is the only one says which host is meant. */
static void check_common_name(struct name_check *check, gnutls_x509_crt_t leaf)
{
    char name[NAME_MAX_LENGTH], second[NAME_MAX_LENGTH];
    size_t size = sizeof(name), second_size = sizeof(second);
    if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0 &&
        gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second,
                                      &second_size) == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        check_name(check, (struct slice){name, size});
}

bool chain_leaf_has_name(struct arena *arena, const struct chain *chain, const char *const *names,
                         size_t name_count, bool allow_common_name, const char **detail_r)
{
    struct name_check check = {.arena = arena, .names = names, .name_count = name_count};
    *detail_r = "the certificate cannot be read";
    if (chain->count == 0 || chain->certificates[0] == NULL)
        return false;
    bool has_dns_id = check_dns_ids(&check, chain->certificates[0]);
    if (!has_dns_id && allow_common_name)
        check_common_name(&check, chain->certificates[0]);
    *detail_r = check.matched ? NULL
                              : arena_printf(arena, "expected %s; the certificate has %s%s",
                                             name_count > 0 ? names[0] : "no name",
                                             check.shown != NULL ? check.shown : "no DNS name",
                                             check.seen > NAMES_SHOWN ? ", ..." : "");
    return check.matched;
}
