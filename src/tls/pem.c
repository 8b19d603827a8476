/* pem: see pem.h. GnuTLS does the parsing.
 * Owns: nothing.
 * Must never verify anything.
 */
#include "tls/pem.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>

#include "base/alloc.h"

static int export_der(gnutls_x509_crt_t crt, struct certificate *certificate_r)
{
    gnutls_datum_t der;
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) != GNUTLS_E_SUCCESS)
        return -1;
    certificate_r->der = x_memdup(der.data, der.size);
    certificate_r->length = der.size;
    gnutls_free(der.data);
    return 0;
}

int tls_read_chain(const char *path, struct certificate **chain_r, size_t *count_r,
                   struct err *err_r)
{
    gnutls_datum_t text;
    int rc = gnutls_load_file(path, &text);
    if (rc != GNUTLS_E_SUCCESS)
        return err_system(err_r, "%s", path);
    gnutls_x509_crt_t *crts = NULL;
    unsigned count = 0;
    rc = gnutls_x509_crt_list_import2(&crts, &count, &text, GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(text.data);
    if (rc < 0 || count == 0)
        return err_set(err_r, "%s: no certificate chain in PEM form: %s", path,
                       gnutls_strerror(rc));
    struct certificate *chain = x_calloc(count, sizeof(*chain));
    int exported = 0;
    for (unsigned i = 0; i < count; i++) {
        exported |= export_der(crts[i], &chain[i]);
        gnutls_x509_crt_deinit(crts[i]);
    }
    gnutls_free(crts);
    if (exported != 0) {
        tls_chain_free(&chain, count);
        return err_set(err_r, "%s: a certificate cannot be read", path);
    }
    *chain_r = chain;
    *count_r = count;
    return 0;
}

void tls_chain_free(struct certificate **chain, size_t count)
{
    for (size_t i = 0; *chain != NULL && i < count; i++)
        free((*chain)[i].der);
    free(*chain);
    *chain = NULL;
}
