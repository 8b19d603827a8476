/* daneway.conf: the example is the defaults, and each option reaches its field. */
#include "conf_text.h"

#include <stddef.h>
#include <string.h>

#include "conf/option.h"

TestSuite(conf, .init = enter_directory, .fini = leave_directory);

static struct settings *good(const char *text)
{
    struct settings *settings = NULL;
    struct err err = {""};
    cr_assert(eq(int, read_text(text, &settings, &err), 0), "%s", err.text);
    return settings;
}

static void compare_option(const struct settings *a, const struct settings *b,
                           const struct option *option)
{
    const char *left = (const char *)a + option->offset, *right = (const char *)b + option->offset;
    if (option->set == set_number || option->set == set_choice || option->set == set_level ||
        option->set == set_shadow_level)
        cr_assert(eq(uint, *(const unsigned *)left, *(const unsigned *)right), "%s", option->name);
    else if (option->set == set_size)
        cr_assert(eq(u64, *(const uint64_t *)left, *(const uint64_t *)right), "%s", option->name);
    else if (option->set == set_port)
        cr_assert(eq(u16, *(const uint16_t *)left, *(const uint16_t *)right), "%s", option->name);
    else if (option->set == set_switch)
        cr_assert(eq(int, *(const bool *)left, *(const bool *)right), "%s", option->name);
    else if (option->set == set_digests)
        cr_assert(eq(int, memcmp(left, right, 3), 0), "%s", option->name);
    else if (option->set == set_address || option->set == set_ipv4 || option->set == set_ipv6)
        cr_assert(address_equal((const struct address *)left, (const struct address *)right), "%s",
                  option->name);
    else if (option->set == set_status_listen)
        cr_assert(eq(ptr, *(void *const *)left, *(void *const *)right), "%s", option->name);
    else if (!option->list && strcmp(option->name, "hostname") != 0)
        cr_assert(eq(str, *(char *const *)left, *(char *const *)right), "%s", option->name);
}

static struct settings *read_example(char **text_r)
{
    char path[4096];
    const char *top = getenv("TOP_SRCDIR");
    snprintf(path, sizeof(path), "%s/doc/daneway.conf.example", top != NULL ? top : "../..");
    struct settings *settings = NULL;
    struct err err = {""};
    size_t length;
    cr_assert(eq(int, conf_read(&settings, path, &err), 0), "%s", err.text);
    cr_assert(eq(int, conf_read_file(path, 1 << 20, text_r, &length, &err), 0));
    return settings;
}

/* covers: SMTPC-01 */
Test(conf, the_example_is_the_defaults)
{
    char *text = NULL;
    struct settings *example = read_example(&text), *defaults = conf_defaults();
    for (size_t i = 0; i < option_count; i++)
        compare_option(example, defaults, &options[i]);
    cr_assert(eq(str, (char *)example->hostname, "gw.example.org"));
    cr_assert(eq(sz, example->intake.listen_count, defaults->intake.listen_count));
    for (size_t i = 0; i < example->intake.listen_count; i++) {
        cr_assert(
            address_equal(&example->intake.listen[i].address, &defaults->intake.listen[i].address));
        cr_assert(eq(u16, example->intake.listen[i].port, defaults->intake.listen[i].port));
    }
    cr_assert(eq(sz, example->delivery.policy.allow_address_count, 0));
    cr_assert(eq(sz, defaults->delivery.policy.allow_address_count, 0));
    free(text);
    conf_free(&example);
    conf_free(&defaults);
}

/* Each option stands in the example once, and in its section. */
Test(conf, the_example_has_every_option)
{
    char *text = NULL;
    struct settings *example = read_example(&text);
    size_t found = 0;
    const char *section = "";
    char opened[64];
    for (char *next = text, *line; (line = strsep(&next, "\n")) != NULL;) {
        char name[64];
        if (strncmp(line, "#    ", 5) == 0 || (line[0] == '#' && line[1] != ' '))
            line++; /* what could be there */
        if (sscanf(line, "%63[a-z_]", opened) == 1 && strchr(line, '{') != NULL &&
            strchr(line, '=') == NULL)
            section = opened;
        if (line[0] == '}')
            section = "";
        if (sscanf(line, " %63[a-z0-9_] =", name) != 1 || strchr(line, '=') == NULL ||
            line[0] == '#')
            continue;
        for (size_t i = 0; i < option_count; i++)
            found += strcmp(options[i].section, section) == 0 && strcmp(options[i].name, name) == 0;
    }
    cr_assert(eq(sz, found, option_count));
    free(text);
    conf_free(&example);
}

Test(conf, values_reach_their_fields)
{
    struct settings *s =
        good("hostname = \"GW.example.net\"\nlog_format = json log_level=debug\nworkers = 3\n"
             "intake { listen = {\"192.0.2.1:2525\", # first\n \"[2001:db8::1]:25\"} bare_lf = "
             "normalize\n"
             "certificate = \"/c\" key = '/k' require_tls = true }\n"
             "resolver { mode = validate address = 192.0.2.53 port = 5353 }\n"
             "delivery { allow_addresses = {\"10.0.0.0/8\", \"::1\"} dane_digests = \"sha256\" "
             "dane_insecure_mx = true\n"
             "source_address_ipv4 = \"192.0.2.9\" default_level = dane-only "
             "on_downgrade = hold downgrade_memory = 0 shadow_level = authenticated "
             "tls_policy_shadow = \"/next\" }\n"
             "queue { bounce_nexthop = \"[mail.example.net]:10025\" lifetime = 60 }\n"
             "sts { enabled = false port = 8443 ca_file = \"/roots.pem\" txt_error = continue "
             "dane_sts = both "
             "refresh_interval = 5 }\n"
             "report { organization_name = \"Example \\\"Org\\\" GmbH\" contact_info = "
             "\"tls@example.net\" dkim_keys = {\"a:/a.pem\", \"b.c-d:/b.pem\"} tlsrpt_rua = all "
             "https_certificate = insist submit = false }\n");
    cr_assert(eq(str, (char *)s->hostname, "GW.example.net"));
    cr_assert(s->hostname == s->intake.hostname && s->hostname == s->delivery.hostname);
    cr_assert(eq(str, (char *)s->delivery.policy.own_names[0], "gw.example.net"));
    cr_assert(s->delivery.policy.own_names[1] == NULL);
    cr_assert(s->log_json && s->log_level == LOG_LEVEL_DEBUG && s->workers == 3);
    cr_assert(eq(sz, s->intake.listen_count, 2));
    cr_assert(eq(u16, s->intake.listen[0].port, 2525));
    cr_assert(eq(int, s->intake.listen[1].address.family, 6));
    cr_assert(s->intake.bare_lf_normalize && s->intake.require_tls);
    cr_assert(eq(str, (char *)s->intake.certificate, "/c"));
    cr_assert(s->resolver.mode == RESOLVER_VALIDATE && s->resolver.port == 5353);
    cr_assert(eq(sz, s->delivery.policy.allow_address_count, 2));
    cr_assert(eq(uint, s->delivery.policy.allow_addresses[0].prefix_length, 8));
    cr_assert(eq(int, s->delivery.policy.digests[0], 1));
    cr_assert(eq(sz, s->report.dkim_keys.count, 2));
    cr_assert(eq(str, (char *)s->report.dkim_keys.keys[1].selector, "b.c-d"));
    cr_assert(s->report.all_receivers && s->report.https_certificate && !s->report.submit);
    cr_assert(s->delivery.policy.dane_insecure_mx && s->resolver.tlsa_below_insecure_mx);
    cr_assert(eq(int, s->delivery.policy.digests[1], 0));
    cr_assert(eq(int, s->delivery.source_ipv4.family, 4));
    cr_assert(s->delivery.default_level == LEVEL_DANE_ONLY);
    cr_assert(s->delivery.policy.hold_downgrades && s->delivery.downgrade_memory == 0);
    cr_assert(s->delivery.shadow_level_given && s->delivery.shadow_level == LEVEL_AUTHENTICATED);
    cr_assert(eq(str, (char *)s->delivery.tls_policy_shadow, "/next"));
    cr_assert(eq(str, (char *)s->queue.bounce_nexthop, "[mail.example.net]:10025"));
    cr_assert(s->sts.port == 8443 && !s->sts.enabled && s->delivery.policy.sts_txt_error_continue &&
              s->delivery.policy.dane_sts_both);
    cr_assert(eq(str, (char *)s->sts.ca_file, "/roots.pem"));
    cr_assert(s->sts.refresh_interval == 5 && s->sts.cache_limit == 10000);
    cr_assert(s->sts.allow_addresses == s->delivery.policy.allow_addresses);
    cr_assert(eq(sz, s->sts.allow_address_count, 2));
    cr_assert(eq(str, (char *)s->report.organization_name, "Example \"Org\" GmbH"));
    cr_assert(eq(str, (char *)s->path, "t.conf"));
    conf_free(&s);
}

static void expect_identity(const struct identity_settings *identity, const char *domain,
                            const char *name, size_t keys)
{
    cr_assert(eq(str, (char *)identity->domain, (char *)domain));
    cr_assert(eq(str, (char *)identity->organization_name, (char *)name));
    cr_assert(eq(sz, identity->dkim_keys.count, keys));
}

Test(conf, identities)
{
    struct settings *s = good(
        "hostname = \"gw.example.net\"\n"
        "identity \"Example.ORG\" { organization_name = \"Org\" contact_info = \"t@example.org\"\n"
        " dkim_keys = {\"a:/a\", \"b:/b\"} }\n"
        "report { organization_name = \"Net\" contact_info = \"t@example.net\" }\n"
        "identity \"example.com\" { dkim_keys = {} organization_name = \"Com\" contact_info = "
        "\"t@example.com\" }\n");
    cr_assert(eq(sz, s->report.identity_count, 3));
    expect_identity(&s->report.identities[0], "", "Net", 0);
    expect_identity(&s->report.identities[1], "example.org", "Org", 2);
    expect_identity(&s->report.identities[2], "example.com", "Com", 0);
    cr_assert(eq(str, (char *)s->report.identities[1].dkim_keys.keys[1].selector, "b"));
    cr_assert(eq(str, (char *)s->report.identities[1].dkim_keys.keys[1].path, "/b"));
    cr_assert(eq(str, (char *)s->report.identities[2].contact_info, "t@example.com"));
    conf_free(&s);
    s = good("hostname = \"gw.example.net\"\n");
    cr_assert(eq(sz, s->report.identity_count, 1));
    expect_identity(&s->report.identities[0], "", "", 0);
    conf_free(&s);
}

Test(conf, an_empty_list_takes_the_default_away)
{
    struct settings *s = good("hostname = a.example\ndelivery { allow_addresses = {} }\n");
    cr_assert(eq(sz, s->delivery.policy.allow_address_count, 0));
    conf_free(&s);
}

/* Without the option the system is asked; a name without a domain is refused, never made up. */
Test(conf, host_name_of_the_system)
{
    struct settings *settings = NULL;
    struct err err = {""};
    if (read_text("", &settings, &err) == 0)
        cr_assert(is_host_name(settings->hostname), "%s", settings->hostname);
    else
        cr_assert(strstr(err.text, "t.conf: hostname is not given, and the system's name ") ==
                      err.text,
                  "%s", err.text);
    conf_free(&settings);
}

Test(conf, host_names)
{
    static const char *const names[] = {"gw.example.org", "a.b", "xn--bcher-kva.example",
                                        "1.2.3.a"};
    static const char *const others[] = {"",
                                         "localhost",
                                         "192.0.2.1",
                                         "a..b",
                                         ".a.b",
                                         "a.b.",
                                         "-a.b",
                                         "a-.b",
                                         "a_b.c",
                                         "b\xc3\xbc"
                                         "cher.example",
                                         "[192.0.2.1]",
                                         "a b.c"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_assert(is_host_name(names[i]), "%s", names[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_assert(not(is_host_name(others[i])), "%s", others[i]);
}

Test(conf, variables_stay_as_they_are)
{
    setenv("HOME", "/elsewhere", 1);
    struct settings *s =
        good("hostname = a.example\nreport { organization_name = \"$HOME ~ {x} # no comment\" }");
    cr_assert(eq(str, (char *)s->report.organization_name, "$HOME ~ {x} # no comment"));
    conf_free(&s);
}

Test(conf, table)
{
    struct table *table = NULL;
    struct err err = {""};
    cr_assert(eq(int, conf_read_table(&table, "/nowhere/tls_policy", &err), -1));
    cr_assert(
        eq(str, err.text, "/nowhere/tls_policy: cannot be opened: No such file or directory"));
    if (access(CONF_DEFAULT_TABLE, F_OK) != 0) {
        cr_assert(eq(int, conf_read_table(&table, CONF_DEFAULT_TABLE, &err), 0), "%s", err.text);
        cr_assert(eq(sz, table_size(table), 0));
        table_free(&table);
    }
    static const char rows[] = "example.com dane-only\nexample.net may\n";
    write_text(rows, strlen(rows));
    cr_assert(eq(int, conf_read_table(&table, "t.conf", &err), 0), "%s", err.text);
    cr_assert(eq(sz, table_size(table), 2));
    table_free(&table);
    static const char wrong[] = "example.com dane-only\n\0";
    write_text(wrong, sizeof(wrong) - 1);
    cr_assert(eq(int, conf_read_table(&table, "t.conf", &err), -1));
    cr_assert(eq(int, strncmp(err.text, "t.conf:2: ", 10), 0), "%s", err.text);
}

Test(conf, file_too_large_or_none)
{
    struct err err = {""};
    char *text = NULL;
    size_t length = 0;
    write_text("0123456789", 10);
    cr_assert(eq(int, conf_read_file("t.conf", 9, &text, &length, &err), -1));
    cr_assert(eq(str, err.text, "t.conf: the file is too large; expected at most 9 octets"));
    cr_assert(eq(int, conf_read_file("t.conf", 10, &text, &length, &err), 0));
    cr_assert(eq(sz, length, 10));
    cr_assert(eq(str, text, "0123456789"));
    free(text);
    cr_assert(eq(int, conf_read_file(".", 10, &text, &length, &err), -1));
    cr_assert(eq(str, err.text, ".: is a directory; expected a file"));
}
