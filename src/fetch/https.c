/* https: see https.h.
 * Owns: the easy handle and what libcurl asks while it works; the loop's side is multi.c.
 * The chain is noted down before libcurl judges it, so that whoever judges it too can say what is wrong.
 * Must never call back from inside libcurl. */
#include "fetch/https.h"

#include <assert.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/multi.h"

enum { CHAIN_MAX = 20, RESOLVE_LIMIT = 4096 };

struct https {
    struct loop *loop;
    struct arena *arena;
    const char *host;
    struct address *addresses;
    size_t address_count;
    unsigned wanted_status;
    size_t header_limit, header_octets;
    struct multi *multi;
    CURL *easy;
    struct curl_slist *resolve, *connect_to, *headers;
    char error[CURL_ERROR_SIZE];
    struct loop_timer *end_timer;
    struct buffer body;
    struct https_result result;
    https_fn *fn;
    void *arg;
};

/* --- the certificate -------------------------------------------------------------------------- */

static bool decode_certificate(struct arena *arena, const char *line, struct certificate *one_r)
{
    gnutls_datum_t pem, der;
    if (strncmp(line, "Cert:", 5) != 0)
        return false;
    pem.data = (unsigned char *)arena_strdup(arena, line + 5);
    pem.size = (unsigned)strlen(line + 5);
    if (gnutls_pem_base64_decode2("CERTIFICATE", &pem, &der) < 0)
        return false;
    *one_r = (struct certificate){arena_memdup(arena, der.data, der.size), der.size};
    gnutls_free(der.data);
    return true;
}

static void take_chain(struct https *https)
{
    struct curl_certinfo *info = NULL;
    struct certificate *chain = arena_alloc(https->arena, CHAIN_MAX * sizeof(*chain));
    size_t count = 0;
    if (curl_easy_getinfo(https->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL)
        return;
    for (int i = 0; i < info->num_of_certs && count < CHAIN_MAX; i++)
        for (struct curl_slist *line = info->certinfo[i]; line != NULL; line = line->next)
            if (decode_certificate(https->arena, line->data, &chain[count])) {
                count++;
                break;
            }
    https->result.chain = chain;
    https->result.chain_count = count;
}

/* --- what came of it -------------------------------------------------------------------------- */

static const char *header_value(struct https *https, const char *name)
{
    struct curl_header *header = NULL;
    bool found = curl_easy_header(https->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    return found ? arena_strdup(https->arena, header->value) : NULL;
}

static void https_free(struct https *https)
{
    multi_free(&https->multi);
    curl_easy_cleanup(https->easy);
    curl_slist_free_all(https->resolve);
    curl_slist_free_all(https->connect_to);
    curl_slist_free_all(https->headers);
    loop_timer_free(&https->end_timer);
    buffer_release(&https->body);
    struct arena *arena = https->arena;
    arena_free(&arena);
}

static void end(void *arg)
{
    struct https *https = arg;
    https->fn(https->arg, &https->result);
    https_free(https);
}

static void on_done(void *arg, CURLcode code)
{
    struct https *https = arg;
    struct https_result *result = &https->result;
    long status = 0;
    curl_easy_getinfo(https->easy, CURLINFO_RESPONSE_CODE, &status);
    result->complete = code == CURLE_OK;
    result->status = status > 0 ? (unsigned)status : 0;
    result->untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
    result->body_too_large |= code == CURLE_FILESIZE_EXCEEDED;
    if (code != CURLE_OK)
        result->text = https->error[0] != '\0' ? https->error : curl_easy_strerror(code);
    if (result->complete && result->status == https->wanted_status)
        result->body = buffer_slice(&https->body);
    result->type = header_value(https, "Content-Type");
    result->location = header_value(https, "Location");
    result->arena = https->arena;
    take_chain(https);
    loop_timer_set(https->end_timer, 0);
}

/* --- what libcurl asks while it works --------------------------------------------------------- */

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    struct https *https = arg;
    (void)data;
    https->header_octets += size * count;
    https->result.header_too_large = https->header_octets > https->header_limit;
    return https->result.header_too_large ? 0 : size * count;
}

/* Content-Length may be missing or lie: what counts is what comes. */
static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct https *https = arg;
    long status = 0;
    curl_easy_getinfo(https->easy, CURLINFO_RESPONSE_CODE, &status);
    if (https->wanted_status != 0 && status != (long)https->wanted_status)
        return CURL_WRITEFUNC_ERROR;
    https->result.body_too_large = buffer_append(&https->body, data, size * count) != 0;
    return https->result.body_too_large ? CURL_WRITEFUNC_ERROR : size * count;
}

/* The last guard: whatever libcurl may have in mind, only the addresses given are connected to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct https *https = arg;
    struct address address;
    uint16_t port;
    (void)purpose;
    address_from_sockaddr(&to->addr, &address, &port);
    for (size_t i = 0; i < https->address_count; i++)
        if (address_equal(&address, &https->addresses[i]))
            return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    return CURL_SOCKET_BAD;
}

/* --- making it -------------------------------------------------------------------------------- */

#define SET(https, option, value)                                                                  \
    do {                                                                                           \
        CURLcode set_code = curl_easy_setopt((https)->easy, option, value);                        \
        assert(set_code == CURLE_OK);                                                              \
        (void)set_code;                                                                            \
    } while (0)

static void restrict_http(struct https *https, const struct https_request *request)
{
    CURLcode code = curl_easy_setopt(https->easy, CURLOPT_URL, request->url);
    assert(code == CURLE_OK);
    (void)code;
    SET(https, CURLOPT_PROTOCOLS_STR, "https");
    SET(https, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(https, CURLOPT_FOLLOWLOCATION, 0L);
    SET(https, CURLOPT_PROXY, "");
    SET(https, CURLOPT_NOPROXY, "*");
    SET(https, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(https, CURLOPT_NOSIGNAL, 1L);
    SET(https, CURLOPT_FRESH_CONNECT, 1L);
    SET(https, CURLOPT_FORBID_REUSE, 1L);
    SET(https, CURLOPT_USERAGENT, "Daneway");
    if (request->wanted_status != 0)
        SET(https, CURLOPT_MAXFILESIZE, (long)request->body_limit);
}

/* SNI and name are those of the URL, whatever the name is an alias of. */
static void use_tls(struct https *https, const struct https_request *request)
{
    SET(https, CURLOPT_SSL_VERIFYPEER, request->any_certificate ? 0L : 1L);
    SET(https, CURLOPT_SSL_VERIFYHOST, request->any_certificate ? 0L : 2L);
    SET(https, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(https, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(https, CURLOPT_CERTINFO, 1L);
    if (*request->ca_file != '\0')
        SET(https, CURLOPT_CAINFO, request->ca_file);
}

/* "mta-sts.example.com:443:192.0.2.1,[2001:db8::1]" */
static void use_addresses(struct https *https, const struct https_request *request)
{
    struct buffer entry;
    char text[ADDRESS_TEXT];
    buffer_init(&entry, RESOLVE_LIMIT);
    buffer_printf(&entry, "%s:%u:", https->host, request->port);
    for (size_t i = 0; i < https->address_count; i++) {
        bool six = https->addresses[i].family == 6;
        buffer_printf(&entry, "%s%s%s%s", i > 0 ? "," : "", six ? "[" : "",
                      address_format(&https->addresses[i], text), six ? "]" : "");
    }
    buffer_append(&entry, "", 1);
    https->resolve = curl_slist_append(NULL, entry.ptr);
    buffer_release(&entry);
    https->connect_to =
        curl_slist_append(NULL, arena_printf(https->arena, "%s:%u:%s:%u", https->host,
                                             request->url_port, https->host, request->port));
    SET(https, CURLOPT_RESOLVE, https->resolve);
    SET(https, CURLOPT_CONNECT_TO, https->connect_to);
    SET(https, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(https, CURLOPT_OPENSOCKETDATA, https);
}

/* The body goes at once, without waiting for "100 Continue". */
static void use_body(struct https *https, const struct https_request *request)
{
    if (request->type == NULL)
        return;
    https->headers =
        curl_slist_append(NULL, arena_printf(https->arena, "Content-Type: %s", request->type));
    https->headers = curl_slist_append(https->headers, "Expect:");
    SET(https, CURLOPT_HTTPHEADER, https->headers);
    SET(https, CURLOPT_POST, 1L);
    SET(https, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    SET(https, CURLOPT_POSTFIELDS, request->body.ptr);
}

static void use_callbacks(struct https *https, int64_t timeout_ms)
{
    SET(https, CURLOPT_ERRORBUFFER, https->error);
    SET(https, CURLOPT_HEADERFUNCTION, take_header);
    SET(https, CURLOPT_HEADERDATA, https);
    SET(https, CURLOPT_WRITEFUNCTION, take_body);
    SET(https, CURLOPT_WRITEDATA, https);
    SET(https, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
}

struct https *https_start(struct loop *loop, const struct https_request *request, https_fn *fn,
                          void *arg)
{
    struct arena *arena = arena_create();
    struct https *https = arena_alloc(arena, sizeof *https);
    *https = (struct https){.loop = loop, .arena = arena, .fn = fn, .arg = arg};
    https->host = arena_strdup(arena, request->host);
    https->wanted_status = request->wanted_status;
    https->header_limit = request->header_limit;
    https->address_count = request->address_count;
    https->addresses = arena_memdup(arena, request->addresses,
                                    request->address_count * sizeof *request->addresses);
    buffer_init(&https->body, request->body_limit);
    https->end_timer = loop_timer_create(loop, end, https);
    https->easy = curl_easy_init();
    assert(https->easy != NULL);
    restrict_http(https, request);
    use_tls(https, request);
    use_addresses(https, request);
    use_body(https, request);
    use_callbacks(https, request->timeout_ms);
    https->multi = multi_start(loop, https->easy, on_done, https);
    return https;
}

void https_cancel(struct https **https)
{
    if (*https == NULL)
        return;
    https_free(*https);
    *https = NULL;
}
