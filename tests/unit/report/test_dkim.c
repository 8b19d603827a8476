/* DKIM: canonical forms and signatures by the vectors of RFC 6376 and RFC 8463; keys and their records. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "report/dkim.h"
#include "report/dkim_canonical.h"

static struct arena *arena;
static char path[64];

static void set_up(void)
{
    arena = arena_create();
    strcpy(path, "/tmp/test-dkim-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
}

static void tear_down(void)
{
    arena_free(&arena);
    unlink(path);
}

TestSuite(dkim, .init = set_up, .fini = tear_down);

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL && fputs(text, file) >= 0);
    fclose(file);
}

/* The file then holds a fresh key of that kind. */
static void generate(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
    gnutls_x509_privkey_t key;
    gnutls_datum_t pem;
    gnutls_x509_privkey_init(&key);
    cr_assert(eq(int, gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0));
    cr_assert(
        eq(int, gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, 0, &pem), 0));
    put((char *)pem.data);
    gnutls_free(pem.data);
    gnutls_x509_privkey_deinit(key);
}

static struct dkim_key *read_key(const char *selector)
{
    struct dkim_key *key = NULL;
    struct err err = {""};
    cr_assert(eq(int, dkim_key_read(&key, selector, path, &err), 0), "%s", err.text);
    return key;
}

static char *text_of(struct buffer *buffer)
{
    char *text = arena_strndup(arena, buffer->len > 0 ? buffer->ptr : "", buffer->len);
    buffer_release(buffer);
    return text;
}

static char *canonical_body(const char *body)
{
    struct buffer out;
    buffer_init(&out, 10000);
    cr_assert(eq(int, dkim_canonical_body(&out, slice_of(body)), 0));
    return text_of(&out);
}

static char *canonical_header(const char *header, const char *const *names, size_t count)
{
    struct buffer out;
    buffer_init(&out, 10000);
    cr_assert(eq(int, dkim_canonical_header(&out, slice_of(header), names, count), 0));
    return text_of(&out);
}

/* RFC 6376 3.4.5, example 1. covers: RPT-41 */
Test(dkim, canonical_forms)
{
    const char *const names[] = {"A", "b"};
    cr_assert(
        eq(str, canonical_header("A: X\r\nB : Y\t\r\n\tZ  \r\n", names, 2), "a:X\r\nb:Y Z\r\n"));
    cr_assert(eq(str, canonical_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n"));
    cr_assert(eq(str, canonical_body(""), ""));
    cr_assert(eq(str, canonical_body("\r\n\r\n"), ""));
    cr_assert(eq(str, canonical_body(" \t \r\nx"), "\r\nx\r\n"));
    cr_assert(eq(str, canonical_body("a\r\n\r\n\r\nb\r\n"), "a\r\n\r\n\r\nb\r\n"));
}

/* RFC 6376 5.4.2: from the last one upwards, and a name too many stands for nothing. */
Test(dkim, fields_of_one_name)
{
    const char *const names[] = {"x", "X", "y", "x", "x"};
    cr_assert(eq(str, canonical_header("X: 1\r\nY:\r\n 2\r\nX:  3\r\nXX: 4\r\n", names, 5),
                 "x:3\r\nx:1\r\ny:2\r\n"));
    cr_assert(eq(str, canonical_header("X:\r\n", names, 1), "x:\r\n"));
}

/* --- RFC 8463, appendix A ----------------------------------------------------------------------- */

static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char example_header[] =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
static const char example_body[] =
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
static const char example_field[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                    " d=football.example.com; i=@football.example.com;\r\n"
                                    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                    " subject : date : message-id : from : subject : date;\r\n"
                                    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                    " b=";
static const char example_signature[] = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
                                        "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";

static char *body_hash(const char *body)
{
    unsigned char digest[32];
    struct buffer out;
    char *canonical = canonical_body(body);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, canonical, strlen(canonical), digest);
    buffer_init(&out, 100);
    base64_append(&out, (struct slice){(char *)digest, 32});
    return text_of(&out);
}

/* Ed25519 signatures are the same each time: this one is the RFC's, to the octet. covers: RPT-41 */
Test(dkim, vector_of_rfc_8463)
{
    const char *const names[] = {"from",       "to",   "subject", "date",
                                 "message-id", "from", "subject", "date"};
    struct buffer field, signature;
    struct err err = {""};
    put(ed25519_pem);
    struct dkim_key *key = read_key("brisbane");
    cr_assert(eq(str, body_hash(example_body), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="));
    buffer_init(&field, 10000);
    dkim_canonical_field(&field, slice_of(example_field));
    char *text = arena_printf(arena, "%s%.*s", canonical_header(example_header, names, 8),
                              (int)field.len - 2, field.ptr);
    buffer_release(&field);
    buffer_init(&signature, 1000);
    cr_assert(eq(int, dkim_key_sign(key, slice_of(text), &signature, &err), 0), "%s", err.text);
    cr_assert(eq(str, text_of(&signature), (char *)example_signature));
    cr_assert(eq(str, (char *)dkim_key_record(arena, key),
                 "v=DKIM1; k=ed25519; s=tlsrpt; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    dkim_key_free(&key);
}

/* --- our own field ------------------------------------------------------------------------------ */

static char *sign(const struct dkim_key *key, const char *header, const char *body)
{
    struct buffer field;
    struct err err = {""};
    buffer_init(&field, 10000);
    cr_assert(eq(int,
                 dkim_sign(key, "example.org", 1795392000, slice_of(header), slice_of(body), &field,
                           &err),
                 0),
              "%s", err.text);
    return text_of(&field);
}

enum { NAMES_MAX = 30 };

/* Those that h= tells. */
static size_t signed_names(const char *field, const char *names_r[NAMES_MAX])
{
    size_t count = 0;
    const char *h = strstr(field, "\th=") + 3;
    struct slice rest = {h, strcspn(h, ";")};
    while (rest.ptr != NULL && count < NAMES_MAX) {
        struct slice name = slice_split(rest, ':', &rest);
        while (name.len > 0 && strchr("\r\n\t ", name.ptr[0]) != NULL)
            name = slice_drop(name, 1);
        names_r[count++] = arena_strndup(arena, name.ptr, name.len);
    }
    return count;
}

/* What a verifier does: the field without its b=, and the fields that it names. */
static void verify_rsa(const struct dkim_key *key, const char *header, const char *field)
{
    const char *names[NAMES_MAX];
    size_t count = signed_names(field, names);
    const char *at = strstr(field, "\tb=") + 3;
    struct buffer canonical, octets, public_key;
    buffer_init(&canonical, 10000);
    buffer_init(&octets, 1000);
    buffer_init(&public_key, 1000);
    dkim_canonical_field(&canonical, (struct slice){field, (size_t)(at - field)});
    char *text = arena_printf(arena, "%s%.*s", canonical_header(header, names, count),
                              (int)canonical.len - 2, canonical.ptr);
    cr_assert(eq(int, base64_decode(&octets, slice_of(at)), 0));
    const char *p = strstr(dkim_key_record(arena, key), "p=") + 2;
    cr_assert(eq(int, base64_decode(&public_key, slice_of(p)), 0));
    gnutls_pubkey_t pubkey;
    gnutls_pubkey_init(&pubkey);
    const gnutls_datum_t der = {(unsigned char *)public_key.ptr, (unsigned)public_key.len};
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned)strlen(text)};
    const gnutls_datum_t signature = {(unsigned char *)octets.ptr, (unsigned)octets.len};
    cr_assert(eq(int, gnutls_pubkey_import(pubkey, &der, GNUTLS_X509_FMT_DER), 0));
    cr_assert(ge(
        int, gnutls_pubkey_verify_data2(pubkey, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature), 0));
    gnutls_pubkey_deinit(pubkey);
    buffer_release(&canonical);
    buffer_release(&octets);
    buffer_release(&public_key);
}

/* Named once more than it is there, so that nobody adds another one. */
static void expect_times(const char *field, const char *name, unsigned times)
{
    const char *names[NAMES_MAX];
    unsigned found = 0;
    for (size_t i = signed_names(field, names); i > 0; i--)
        found += strcmp(names[i - 1], name) == 0;
    cr_expect(eq(uint, found, times), "%s", name);
}

/* covers: RPT-41 */
Test(dkim, own_field)
{
    generate(GNUTLS_PK_RSA, 2048);
    struct dkim_key *key = read_key("2026a");
    const char *header = "From: <tls@example.org>\r\nTo: <r@example.com>\r\nSubject: x\r\n y\r\n"
                         "Date: d\r\nMessage-ID: <m@x>\r\nTLS-Report-Domain: example.com\r\n"
                         "TLS-Report-Submitter: example.org\r\nMIME-Version: 1.0\r\n"
                         "Content-Type: text/plain\r\n";
    char *field = sign(key, header, example_body);
    cr_assert(eq(int,
                 strncmp(field,
                         "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
                         "t=1795392000;\r\n\td=example.org;\r\n\ts=2026a;\r\n",
                         40),
                 0));
    cr_assert(strstr(field, "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n") != NULL);
    cr_assert(strstr(field, "\tl=") == NULL && strstr(field, " l=") == NULL);
    static const char *const once[] = {"to",           "date",         "message-id",
                                       "mime-version", "content-type", "auto-submitted",
                                       "tls-required"};
    static const char *const twice[] = {"from", "subject", "tls-report-domain",
                                        "tls-report-submitter"};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        expect_times(field, once[i], 1);
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++)
        expect_times(field, twice[i], 2);
    cr_assert(eq(str, field + strlen(field) - 2, "\r\n"));
    for (struct slice rest = slice_of(field); rest.len > 0;)
        cr_expect(le(sz, slice_split(rest, '\n', &rest).len, 79), "%s", field);
    verify_rsa(key, header, field);
    dkim_key_free(&key);
}

/* --- keys and records --------------------------------------------------------------------------- */

static void expect_refused(const char *words)
{
    struct dkim_key *key = NULL;
    struct err err = {""};
    cr_assert(eq(int, dkim_key_read(&key, "s", path, &err), -1));
    cr_assert(strstr(err.text, words) != NULL, "%s", err.text);
    cr_assert(strstr(err.text, path) != NULL, "%s", err.text);
}

/* covers: RPT-41 */
Test(dkim, weak_and_wrong_keys)
{
    generate(GNUTLS_PK_RSA, 1024);
    expect_refused("an RSA key of 1024 bits; expected 2048 bits or more");
    generate(GNUTLS_PK_EC, 256);
    expect_refused("expected RSA or Ed25519");
    put("no key");
    expect_refused("no private key in PEM form");
    unlink(path);
    expect_refused("cannot be read");
    put("");
}

static enum dkim_published compare(const struct dkim_key *key, const char *record)
{
    struct slice text = slice_of(record);
    return dkim_key_compare(key, &text, 1);
}

/* covers: RPT-41 */
Test(dkim, published_records)
{
    put(ed25519_pem);
    struct dkim_key *key = read_key("brisbane");
    const char *p = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const struct {
        const char *format;
        enum dkim_published published;
    } cases[] = {
        {"v=DKIM1; k=ed25519; s=tlsrpt; p=%s", DKIM_PUBLISHED},
        {"v=DKIM1; k=ed25519; p=%s", DKIM_PUBLISHED},
        {"k=ed25519;p=%s;", DKIM_PUBLISHED},
        {"v=DKIM1; k=ed25519; s=email : tlsrpt; p=%s", DKIM_PUBLISHED},
        {"v=DKIM1; k=ed25519; s=*; p=%s", DKIM_PUBLISHED},
        {"v=DKIM1; k=ed25519; s=email; p=%s", DKIM_NOT_FOR_REPORTS},
        {"v=DKIM1; k=ed25519; s=; p=%s", DKIM_NOT_FOR_REPORTS},
        {"v=DKIM1; k=rsa; p=%s", DKIM_ANOTHER_IS_PUBLISHED},
        {"v=DKIM1; p=%s", DKIM_ANOTHER_IS_PUBLISHED},
        {"v=DKIM1; k=ed25519; p=AAAA%.0s", DKIM_ANOTHER_IS_PUBLISHED},
        {"v=DKIM1; k=ed25519; p=%.0s", DKIM_NOT_PUBLISHED},
        {"v=spf1 -all%.0s", DKIM_NOT_PUBLISHED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const char *record = arena_printf(arena, cases[i].format, p);
#pragma GCC diagnostic pop
        cr_expect(eq(int, compare(key, record), cases[i].published), "%s", record);
    }
    cr_assert(eq(int, dkim_key_compare(key, NULL, 0), DKIM_NOT_PUBLISHED));
    cr_assert(eq(int, compare(key, dkim_key_record(arena, key)), DKIM_PUBLISHED));
    dkim_key_free(&key);
}

Test(dkim, record_of_an_rsa_key)
{
    generate(GNUTLS_PK_RSA, 2048);
    struct dkim_key *key = read_key("r");
    const char *record = dkim_key_record(arena, key);
    cr_assert(eq(int, strncmp(record, "v=DKIM1; k=rsa; s=tlsrpt; p=MIIBIjANBgkq", 40), 0));
    cr_assert(eq(int, compare(key, record), DKIM_PUBLISHED));
    /* no k= is RSA */
    cr_assert(eq(int, compare(key, arena_printf(arena, "v=DKIM1;%s", strstr(record, " p="))),
                 DKIM_PUBLISHED));
    dkim_key_free(&key);
}
