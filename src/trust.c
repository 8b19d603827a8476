/* trust: see trust.h.
 * Owns: the roots.
 * A list of 150 certificates takes a while to parse: where both options name the same file it is read once.
 * Must never trust a file that cannot be read as far as it can. */
#include "trust.h"

#include <string.h>

#include "conf/conf.h"

int trust_read(struct trust *trust_r, const struct settings *settings, struct err *err_r)
{
    *trust_r = (struct trust){0};
    if (conf_read_roots(&trust_r->mail, settings->delivery.ca_file, err_r) != 0)
        return -1;
    if (strcmp(settings->sts.ca_file, settings->delivery.ca_file) == 0)
        return 0;
    return conf_read_roots(&trust_r->own_policy, settings->sts.ca_file, err_r);
}

void trust_release(struct trust *trust)
{
    roots_free(&trust->mail);
    roots_free(&trust->own_policy);
}

struct sts_parts trust_sts_parts(const struct trust *trust, const struct settings *settings,
                                 const char *path, bool refresh)
{
    bool same = strcmp(settings->sts.ca_file, settings->delivery.ca_file) == 0;
    return (struct sts_parts){
        .settings = &settings->sts,
        .rules = {.parse_record = sts_record_parse,
                  .parse_policy = sts_policy_parse,
                  .verify = pkix_verify,
                  .roots = same ? trust->mail : trust->own_policy},
        .path = path,
        .refresh = refresh,
    };
}
