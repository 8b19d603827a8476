/* dkim: see dkim.h.
 * Owns: nothing.
 * Must never sign with l=. */
#include "report/dkim.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "report/dkim_canonical.h"

enum { SHA256_LENGTH = 32, HEADER_LIMIT = 64 * 1024, COLUMNS = 72 };

static const char *const signed_fields[] = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "auto-submitted",
    "tls-required",
    "from",
    "tls-report-domain",
    "tls-report-submitter",
    "subject",
    "tls-report-domain",
    "tls-report-submitter",
};
enum { SIGNED_FIELDS = sizeof signed_fields / sizeof signed_fields[0] };

static int append_body_hash(struct buffer *out, struct slice body)
{
    unsigned char digest[SHA256_LENGTH];
    CLEANUP(buffer_release) struct buffer canonical;
    buffer_init(&canonical, body.len + 2);
    if (dkim_canonical_body(&canonical, body) != 0 ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, canonical.len > 0 ? canonical.ptr : "", canonical.len,
                         digest) < 0)
        return -1;
    return base64_append(out, (struct slice){(const char *)digest, sizeof digest});
}

static int append_names(struct buffer *out)
{
    size_t column = 0;
    int rc = buffer_append_text(out, "\th=");
    for (size_t i = 0; i < SIGNED_FIELDS && rc == 0; i++) {
        struct slice name = slice_of(signed_fields[i]);
        bool fold = column + name.len > COLUMNS - 8;
        column = fold ? 0 : column;
        rc = buffer_printf(out, "%s%.*s%s", fold ? "\r\n\t " : "", SLICE_ARG(name),
                           i + 1 < SIGNED_FIELDS ? ":" : ";\r\n");
        column += name.len + 1;
    }
    return rc;
}

/* All of the field but the signature itself, which is its last tag. */
static int append_tags(struct buffer *out, const struct dkim_key *key, const char *domain,
                       int64_t now, struct slice body)
{
    if (buffer_printf(out,
                      "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed; t=%lld;\r\n"
                      "\td=%s;\r\n\ts=%s;\r\n",
                      dkim_key_algorithm(key), (long long)now, domain, dkim_key_selector(key)) != 0)
        return -1;
    if (append_names(out) != 0 || buffer_append_text(out, "\tbh=") != 0 ||
        append_body_hash(out, body) != 0)
        return -1;
    return buffer_append_text(out, ";\r\n\tb=");
}

/* RFC 6376 3.7: the fields signed, then this one without a signature and without the CRLF at its end. */
static int append_signed_text(struct buffer *out, struct slice header, struct slice unsigned_field)
{
    if (dkim_canonical_header(out, header, signed_fields, SIGNED_FIELDS) != 0 ||
        dkim_canonical_field(out, unsigned_field) != 0)
        return -1;
    out->len -= 2;
    return 0;
}

static int append_folded(struct buffer *out, struct slice text)
{
    int rc = 0;
    for (bool first = true; text.len > 0 && rc == 0; text = slice_drop(text, COLUMNS)) {
        rc = buffer_printf(out, "%s%.*s", first ? "" : "\r\n\t ",
                           SLICE_ARG(slice_take(text, COLUMNS)));
        first = false;
    }
    return rc == 0 ? buffer_append_text(out, "\r\n") : rc;
}

int dkim_sign(const struct dkim_key *key, const char *domain, int64_t now, struct slice header,
              struct slice body, struct buffer *field_r, struct err *err_r)
{
    CLEANUP(buffer_release) struct buffer field;
    CLEANUP(buffer_release) struct buffer text;
    CLEANUP(buffer_release) struct buffer signature;
    buffer_init(&field, HEADER_LIMIT);
    buffer_init(&text, HEADER_LIMIT + header.len);
    buffer_init(&signature, HEADER_LIMIT);
    if (append_tags(&field, key, domain, now, body) != 0 ||
        append_signed_text(&text, header, buffer_slice(&field)) != 0)
        return err_set(err_r, "DKIM: the header is too long");
    if (dkim_key_sign(key, buffer_slice(&text), &signature, err_r) != 0)
        return -1;
    if (buffer_append(field_r, field.ptr, field.len) != 0 ||
        append_folded(field_r, buffer_slice(&signature)) != 0)
        return err_set(err_r, "DKIM: the header is too long");
    return 0;
}
