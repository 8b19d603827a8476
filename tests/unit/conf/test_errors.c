/* Each wrong line of daneway.conf is refused with file, line, what is wrong and what was expected.
 */
#include "conf_text.h"

#include <string.h>

TestSuite(conf_errors, .init = enter_directory, .fini = leave_directory);

static const struct {
    const char *text, *expected;
} cases[] = {
    /* values */
    {"hostname = \"gw\"",
     "1: hostname = \"gw\"; expected a fully qualified host name such as \"gw.example.org\""},
    {"hostname = \"\"",
     "1: hostname = \"\"; expected a fully qualified host name such as \"gw.example.org\""},
    {"user = \"\"", "1: user = \"\"; expected the name of a user"},
    {"\n# comment\nworkers = many # another\n",
     "3: workers = \"many\"; expected a number from 0 to 1024"},
    {"workers = -1", "1: workers = \"-1\"; expected a number from 0 to 1024"},
    {"workers = 0x10", "1: workers = \"0x10\"; expected a number from 0 to 1024"},
    {"workers = 99999999999999999999",
     "1: workers = \"99999999999999999999\"; expected a number from 0 to 1024"},
    {"state_directory = \"var\"",
     "1: state_directory = \"var\"; expected a path that begins with \"/\""},
    {"log_level = \"loud\"", "1: log_level = \"loud\"; expected error, warning, info or debug"},
    {"log_format = \"xml\"", "1: log_format = \"xml\"; expected text or json"},
    {"intake {\n  listen = {\"127.0.0.1:25\",\n\"::1:25\"}\n}",
     "3: listen = \"::1:25\"; expected an address with a port, such as \"127.0.0.1:25\" or "
     "\"[::1]:25\", each once"},
    {"intake { listen = {\"127.0.0.1:0\"} }",
     "1: listen = \"127.0.0.1:0\"; expected an address with a port, such as \"127.0.0.1:25\" or "
     "\"[::1]:25\", each once"},
    {"intake { recipient_limit = 99 }",
     "1: recipient_limit = \"99\"; expected a number from 100 to 1000000"},
    {"intake { require_tls = maybe }", "1: require_tls = \"maybe\"; expected false or true"},
    {"intake { bare_lf = accept }", "1: bare_lf = \"accept\"; expected refuse or normalize"},
    {"intake { certificate = x.pem }",
     "1: certificate = \"x.pem\"; expected a path that begins with \"/\", or \"\""},
    {"report { contact_info = \"mailto:t@a.example\" }",
     "1: contact_info = \"mailto:t@a.example\"; expected an address such as "
     "\"postmaster@example.org\", or \"\""},
    {"intake { postmaster = root }",
     "1: postmaster = \"root\"; expected an address such as \"postmaster@example.org\", or \"\""},
    {"policy_service { socketmap_listen = {\"localhost:8461\"} }",
     "1: socketmap_listen = \"localhost:8461\"; expected an address with a port, such as "
     "\"127.0.0.1:8461\", or \"unix:/path\" of at most 107 octets, each once"},
    {"policy_service { socketmap_listen = {\"unix:policy.sock\"} }",
     "1: socketmap_listen = \"unix:policy.sock\"; expected an address with a port, such as "
     "\"127.0.0.1:8461\", or \"unix:/path\" of at most 107 octets, each once"},
    {"resolver { port = 0 }", "1: port = \"0\"; expected a number from 1 to 65535"},
    {"resolver { port = 65536 }", "1: port = \"65536\"; expected a number from 1 to 65535"},
    {"resolver { mode = trusting }", "1: mode = \"trusting\"; expected loopback or validate"},
    {"resolver { address = \"localhost\" }", "1: address = \"localhost\"; expected an IP address"},
    {"report { dkim_keys = {\"2026a\"} }",
     "1: dkim_keys = \"2026a\"; expected a selector and the path of a key, such as "
     "\"2026a:/etc/daneway/2026a.pem\""},
    {"report { dkim_keys = {\"-a:/k\"} }",
     "1: dkim_keys = \"-a:/k\"; expected a selector and the path of a key, such as "
     "\"2026a:/etc/daneway/2026a.pem\""},
    {"report { organization_name = x\ndkim_keys = {\"a:/k\"} }",
     "2: dkim_keys without contact_info, whose domain they sign for; expected contact_info = "
     "\"tls-reports@example.org\" beside it"},
    {"identity { }",
     "1: no domain behind \"identity\"; expected identity \"example.org\" { and options"},
    {"identity \"a.example\" {\n}",
     "2: identity \"a.example\" is empty; expected organization_name and contact_info in it"},
    {"identity \"a.example\" { contact_info = t@a.example }",
     " identity \"a.example\" has no organization_name; expected organization_name and "
     "contact_info"},
    {"identity \"a b\" { contact_info = t@a.example organization_name = x }",
     " identity \"a b\"; expected a domain such as \"example.org\""},
    {"identity \"a.example\" { organization_name = x\norganization_name = y }",
     "2: organization_name is given again; expected it once, and it stands in line 1"},
    {"identity \"a.example\" { contact_info = t@a.example organization_name = x }\nidentity "
     "\"a.example\" { contact_info = t@a.example }",
     "2: identity \"a.example\" is given again; expected it once"},
    {"resolver { self_test_bogus = \"a b\" }",
     "1: self_test_bogus = \"a b\"; expected a domain name, or \"\""},
    {"delivery { shadow_level = fingerprint }", "1: shadow_level = \"fingerprint\"; expected auto, "
                                                "none, may, encrypt, dane, dane-only, verify, "
                                                "secure or authenticated, or \"\""},
    {"delivery { default_level = strong }", "1: default_level = \"strong\"; expected auto, none, "
                                            "may, encrypt, dane, dane-only, verify, secure or "
                                            "authenticated"},
    {"delivery { allow_addresses = {\"10.1.0.0/8\"} }",
     "1: allow_addresses = \"10.1.0.0/8\"; expected a network such as \"10.0.0.0/8\" with no bit "
     "set behind its length, or an address"},
    {"delivery { source_address_ipv4 = \"::1\" }",
     "1: source_address_ipv4 = \"::1\"; expected an IPv4 address, or \"\""},
    {"delivery { source_address_ipv6 = \"192.0.2.1\" }",
     "1: source_address_ipv6 = \"192.0.2.1\"; expected an IPv6 address, or \"\""},
    {"delivery { dane_digests = \"md5\" }",
     "1: dane_digests = \"md5\"; expected sha512 and sha256, or one of them"},
    {"delivery { dane_digests = \"sha256 sha256\" }",
     "1: dane_digests = \"sha256 sha256\"; expected sha512 and sha256, or one of them"},
    {"delivery { dane_digests = \"\" }",
     "1: dane_digests = \"\"; expected sha512 and sha256, or one of them"},
    {"delivery { mail_timeout = 0 }", "1: mail_timeout = \"0\"; expected a number from 1 to 3600"},
    {"queue { bounce_nexthop = \"mail.example.org\" }",
     "1: bounce_nexthop = \"mail.example.org\"; expected a host in brackets with or without a "
     "port, such as "
     "\"[mail.example.org]:25\", or \"\""},
    {"queue { bounce_nexthop = \"[mail.example.org]:0\" }",
     "1: bounce_nexthop = \"[mail.example.org]:0\"; expected a host in brackets with or without a "
     "port, such as "
     "\"[mail.example.org]:25\", or \"\""},
    {"sts { txt_error = bounce }", "1: txt_error = \"bounce\"; expected defer or continue"},
    {"sts { ca_file = roots.pem }",
     "1: ca_file = \"roots.pem\"; expected a path that begins with \"/\", or \"\""},
    {"sts { fetch_timeout = 0 }", "1: fetch_timeout = \"0\"; expected a number from 1 to 600"},
    /* several options together */
    {"intake { listen = {\"127.0.0.1:25\", \"[::1]:25\",\n\"127.0.0.1:25\"} }",
     "2: listen = \"127.0.0.1:25\"; expected an address with a port, such as \"127.0.0.1:25\" or "
     "\"[::1]:25\", each once"},
    {"policy_service { socketmap_listen = {\"unix:/p\", \"unix:/p\"} }",
     "1: socketmap_listen = \"unix:/p\"; expected an address with a port, such as "
     "\"127.0.0.1:8461\", or \"unix:/path\" of at most 107 octets, each once"},
    {"intake { listen = {} }", " listen = {}; expected at least one address"},
    {"intake {\ncertificate = /c\n}",
     "2: certificate is given without its key; expected key = \"/path\" beside it"},
    {"intake {\n\nkey = /k\n}",
     "3: key is given without its certificate; expected certificate = \"/path\" beside it"},
    {"intake { require_tls = true }",
     "1: require_tls without a certificate refuses all mail; expected certificate and key"},
    {"queue {\nretry_min = 20000\n}",
     "2: retry_min is 20000, retry_max 10800; expected retry_min not above retry_max"},
    /* names and form */
    {"\ncolour = blue", "2: no option or section \"colour\" is known; daneway.conf(5) lists them"},
    {"port = 25",
     "1: no option \"port\" outside of the sections; expected it in resolver or delivery or "
     "sts"},
    {"delivery {\n\n# x\nretry_min = 5\n}",
     "4: no option \"retry_min\" in delivery; expected it in queue"},
    {"intake { workers = 5 }", "1: no option \"workers\" in intake; expected it in no section"},
    {"\"resolver|port\" = 5",
     "1: no option \"port\" outside of the sections; expected it in resolver or delivery or "
     "sts"},
    {"workers = 1\n\nworkers = 2",
     "3: workers is given again; expected it once, and it stands in line 1"},
    {"intake { hop_limit = 50 }\nintake { hop_limit = 60 }",
     "2: hop_limit is given again; expected it once, and it stands in line 1"},
    {"intake { listen = {\"127.0.0.1:25\"}\nlisten = {\"127.0.0.2:25\"} }",
     "2: listen is given again; expected it once, and it stands in line 1"},
    {"intake { listen = {\"127.0.0.1:25\"}\nlisten += {\"127.0.0.2:25\"} }",
     "2: unexpected \"+\"; expected NAME = VALUE, or quotes around the value"},
    {"workers 5", "1: no \"=\" behind \"workers\"; expected NAME = VALUE"},
    {"workers = ", "1: the file ends within an option; expected NAME = VALUE"},
    {"workers = {5}", "1: unexpected \"{\"; expected NAME = VALUE"},
    {"intake = 5", "1: no \"{\" behind \"intake\"; expected NAME { and options"},
    {"intake {\nhop_limit = 50\n\n",
     "1: \"{\" is not closed; expected \"}\" before the end of the file"},
    {"\n}\n", "2: \"}\" closes nothing; expected an option or a section"},
    {"user = \"daneway\nworkers = 2",
     "1: a text in quotes does not end; expected the closing quote in the same line"},
    {"user = \"a\\nb\"",
     "1: a backslash in a text; expected \\\\ or \\\" in double quotes, or none"},
    {"user = 'a\\'b'", "1: a backslash in a text; expected \\\\ or \\\" in double quotes, or none"},
    {"user = \"a\tb\"", "1: a control octet in a text; expected blanks and visible characters"},
    {"# \n\nuser = \"\x01\"", "3: a control octet; expected text"},
    {"# latin1: \xfc", "1: an octet that is not UTF-8; expected UTF-8 text"},
    {"user = \"${HOME}\"",
     "1: \"${\": environment variables are not put in; expected the value itself"},
    {"\nuser = ${HOME}",
     "2: \"${\": environment variables are not put in; expected the value itself"},
    {"\n\n// x", "3: comments begin with \"#\"; expected quotes around a text with // or /*"},
    {"/* x", "1: comments begin with \"#\"; expected quotes around a text with // or /*"},
    {"include(\"/etc/passwd\")",
     "1: unexpected \"(\"; expected NAME = VALUE, or quotes around the value"},
};

Test(conf_errors, every_wrong_line)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings *settings = NULL;
        struct err err = {""};
        char expected[512];
        snprintf(expected, sizeof(expected), "t.conf:%s", cases[i].expected);
        cr_expect(eq(int, read_text(cases[i].text, &settings, &err), -1), "%s", cases[i].text);
        cr_expect(eq(str, err.text, expected), "%s", cases[i].text);
        cr_expect(settings == NULL);
        conf_free(&settings);
    }
}

/* covers: DANE-08 */
Test(conf_errors, ad_bit_of_a_remote_resolver)
{
    struct settings *settings = NULL;
    struct err err = {""};
    cr_assert(eq(
        int,
        read_text("hostname = a.example\nresolver {\naddress = \"192.0.2.53\"\n}", &settings, &err),
        -1));
    cr_assert(eq(str, err.text,
                 "t.conf:3: address = \"192.0.2.53\" is not on loopback, so its AD bit proves "
                 "nothing; expected a validating "
                 "resolver on loopback, or mode = \"validate\", or trust_path = true if the path "
                 "to it is safe"));
    static const char *const allowed[] = {"address = \"192.0.2.53\" mode = validate",
                                          "address = \"192.0.2.53\" trust_path = true",
                                          "address = \"::1\"", "address = \"127.1.2.3\""};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "hostname = a.example resolver { %s }", allowed[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), 0), "%s", err.text);
        conf_free(&settings);
    }
}

/* Whoever reaches the socket may ask: the operator says so, or it is not opened to the world. */
Test(conf_errors, policy_service_at_a_public_address)
{
    struct settings *settings = NULL;
    struct err err = {""};
    static const char *const refused[] = {"192.0.2.1:8461", "[2001:db8::1]:8461", "0.0.0.0:8461",
                                          "[::]:8461"};
    static const char *const allowed[] = {"127.0.0.1:8461", "[::1]:8461", "unix:/run/p.sock"};
    char text[256];
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        snprintf(text, sizeof(text),
                 "hostname = a.example\npolicy_service {\nsocketmap_listen = {\"%s\"}\n}",
                 refused[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), -1), "%s", refused[i]);
        cr_expect(strncmp(err.text, "t.conf:3: socketmap_listen has ", 31) == 0, "%s", err.text);
        cr_expect(strstr(err.text, "allow_public = true") != NULL, "%s", err.text);
        snprintf(text, sizeof(text),
                 "hostname = a.example policy_service { socketmap_listen = {\"%s\"} "
                 "allow_public = true }",
                 refused[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), 0), "%s", err.text);
        conf_free(&settings);
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        snprintf(text, sizeof(text),
                 "hostname = a.example policy_service { socketmap_listen = {\"%s\"} }", allowed[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), 0), "%s", err.text);
        cr_expect(eq(sz, settings->policy_service.listen_count, 1));
        conf_free(&settings);
    }
}

/* Everybody on the network could try tokens, and read what is shown in clear. */
Test(conf_errors, status_listen_is_for_loopback_and_needs_a_token)
{
    struct settings *settings = NULL;
    struct err err = {""};
    static const char *const refused[] = {"192.0.2.1:8025", "[2001:db8::1]:8025", "0.0.0.0:8025",
                                          "[::]:8025"};
    static const char *const allowed[] = {"127.0.0.1:8025", "[::1]:8025", "127.9.9.9:1"};
    char text[256];
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        snprintf(text, sizeof(text),
                 "hostname = a.example\nstatus_listen = \"%s\"\nstatus_token_file = \"/t\"",
                 refused[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), -1), "%s", refused[i]);
        cr_expect(strstr(err.text, "t.conf:2: status_listen is ") != NULL, "%s", err.text);
        cr_expect(strstr(err.text, "not on loopback") != NULL, "%s", err.text);
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        snprintf(text, sizeof(text),
                 "hostname = a.example\nstatus_listen = \"%s\"\nstatus_token_file = \"/t\"",
                 allowed[i]);
        cr_assert(eq(int, read_text(text, &settings, &err), 0), "%s", err.text);
        cr_expect(settings->status_listen != NULL && !settings->status_commands);
        conf_free(&settings);
    }
    cr_assert(eq(
        int, read_text("hostname = a.example status_listen = \"127.0.0.1:8025\"", &settings, &err),
        -1));
    cr_expect(strstr(err.text, "status_listen without status_token_file") != NULL, "%s", err.text);
    cr_expect(
        eq(int, read_text("hostname = a.example status_listen = \"8025\"", &settings, &err), -1));
}

Test(conf_errors, nul_is_no_end)
{
    struct settings *settings = NULL;
    struct err err = {""};
    write_text("workers = 2\n\0x", 14);
    cr_assert(eq(int, conf_read(&settings, "t.conf", &err), -1));
    cr_assert(eq(str, err.text, "t.conf:2: a control octet; expected text"));
    cr_assert(eq(int, conf_read(&settings, "absent.conf", &err), -1));
    cr_assert(eq(str, err.text, "absent.conf: cannot be opened: No such file or directory"));
}
