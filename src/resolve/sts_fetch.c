/* sts_fetch: see sts_fetch.h. libcurl says which descriptors and which time it waits for, the loop
 * tells it when they come.
 * Owns: the handles, the watches, the body while it grows. The certificate is judged twice: by
 * libcurl before the request is sent, and by policy/'s rules for mail hosts (DNS names alone,
 * STS-13), which also find the words for what is wrong.
 * Must never call back from inside libcurl, and never let libcurl connect to an address that was
 * not given. */
#include "resolve/sts_fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 20 };

/* A descriptor of libcurl's; kept until the end, for libcurl lets go of them inside its callbacks.
 */
struct watch {
    struct watch *next;
    struct sts_fetch *fetch;
    struct loop_io *io;
    curl_socket_t fd;
};

struct sts_fetch {
    struct loop *loop;
    const struct sts_rules *rules;
    struct arena *arena;
    const char *host, *url;
    struct address *addresses;
    size_t address_count;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *resolve, *connect_to;
    char error[CURL_ERROR_SIZE];
    struct loop_timer *curl_timer, *end_timer;
    struct watch *watches;
    struct buffer body;
    size_t header_octets;
    bool too_large, headers_too_large;
    struct sts_fetch_result result;
    sts_fetch_fn *fn;
    void *arg;
};

/* --- words ------------------------------------------------------------------------------------ */

static void fail(struct sts_fetch *fetch, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct sts_fetch *fetch, enum reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vprintf(fetch->arena, format, arguments);
    va_end(arguments);
    fetch->result = (struct sts_fetch_result){
        .failure = reason, .failure_text = arena_printf(fetch->arena, "%s: %s", fetch->url, text)};
}

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

/* The chain as libcurl noted it down before it judged it. */
static size_t chain_shown(struct sts_fetch *fetch, struct certificate *chain)
{
    struct curl_certinfo *info = NULL;
    size_t count = 0;
    if (curl_easy_getinfo(fetch->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL)
        return 0;
    for (int i = 0; i < info->num_of_certs && count < CHAIN_MAX; i++)
        for (struct curl_slist *line = info->certinfo[i]; line != NULL; line = line->next)
            if (decode_certificate(fetch->arena, line->data, &chain[count])) {
                count++;
                break;
            }
    return count;
}

static const char *words_of(enum reason reason)
{
    if (reason == REASON_CERTIFICATE_EXPIRED)
        return "the certificate is outside its dates";
    if (reason == REASON_CERTIFICATE_NAME_MISMATCH)
        return "the certificate does not carry this name as a DNS name";
    return "the certificate does not chain to a trusted root";
}

/* NULL: it is good. */
static const char *certificate_fault(struct sts_fetch *fetch)
{
    struct certificate chain[CHAIN_MAX];
    size_t count = chain_shown(fetch, chain);
    const char *const names[] = {fetch->host};
    if (count == 0)
        return "no certificate was shown";
    struct chain_result verdict = fetch->rules->verify(
        fetch->arena, fetch->rules->roots, chain, count, names, 1, (time_t)loop_wall(fetch->loop));
    if (verdict.ok)
        return NULL;
    return arena_printf(fetch->arena, "%s%s%s", words_of(verdict.reason),
                        verdict.detail != NULL ? ": " : "",
                        verdict.detail != NULL ? verdict.detail : "");
}

/* --- what came of it -------------------------------------------------------------------------- */

/* STS-16: text/plain with any parameters. */
static bool is_text_plain(const char *type)
{
    struct slice rest, name = slice_trim(slice_split(slice_of(type), ';', &rest));
    return slice_equal_nocase(name, SLICE_LITERAL("text/plain"));
}

static void fail_by_status(struct sts_fetch *fetch, long status)
{
    struct curl_header *target = NULL;
    bool redirect = status / 100 == 3 && curl_easy_header(fetch->easy, "Location", 0, CURLH_HEADER,
                                                          -1, &target) == CURLHE_OK;
    if (redirect)
        fail(fetch, REASON_STS_FETCH_FAILED,
             "answers %ld, a redirect to %s; redirects are not followed", status, target->value);
    else
        fail(fetch, REASON_STS_FETCH_FAILED, "answers %ld; expected 200", status);
}

static void fail_by_code(struct sts_fetch *fetch, CURLcode code)
{
    const char *words = fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code);
    const char *fault = code == CURLE_PEER_FAILED_VERIFICATION ? certificate_fault(fetch) : NULL;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        fail(fetch, REASON_STS_WEBPKI_INVALID, "%s", fault != NULL ? fault : words);
    else if (fetch->too_large || code == CURLE_FILESIZE_EXCEEDED)
        fail(fetch, REASON_STS_POLICY_INVALID, "the file is larger than %d octets",
             STS_FETCH_OCTETS);
    else if (fetch->headers_too_large)
        fail(fetch, REASON_STS_FETCH_FAILED, "the header is larger than %d octets",
             STS_FETCH_HEADER_OCTETS);
    else
        fail(fetch, REASON_STS_FETCH_FAILED, "%s", words);
}

static void judge_file(struct sts_fetch *fetch)
{
    char *type = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
    const char *fault = certificate_fault(fetch);
    if (fault != NULL)
        fail(fetch, REASON_STS_WEBPKI_INVALID, "%s", fault);
    else if (type == NULL)
        fail(fetch, REASON_STS_POLICY_INVALID, "no Content-Type; expected text/plain");
    else if (!is_text_plain(type))
        fail(fetch, REASON_STS_POLICY_INVALID, "Content-Type is %s; expected text/plain", type);
    else
        fetch->result.text = buffer_slice(&fetch->body);
}

static void judge(struct sts_fetch *fetch, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status > 200 || (code == CURLE_OK && status != 200))
        fail_by_status(fetch, status);
    else if (code != CURLE_OK)
        fail_by_code(fetch, code);
    else
        judge_file(fetch);
}

static void fetch_free(struct sts_fetch *fetch)
{
    curl_multi_remove_handle(fetch->multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    curl_multi_cleanup(fetch->multi); /* lets go of the descriptors */
    for (struct watch *next, *watch = fetch->watches; watch != NULL; watch = next) {
        next = watch->next;
        loop_io_free(&watch->io);
        free(watch);
    }
    curl_slist_free_all(fetch->resolve);
    curl_slist_free_all(fetch->connect_to);
    loop_timer_free(&fetch->curl_timer);
    loop_timer_free(&fetch->end_timer);
    buffer_release(&fetch->body);
    struct arena *arena = fetch->arena;
    arena_free(&arena);
}

static void end(void *arg)
{
    struct sts_fetch *fetch = arg;
    fetch->fn(fetch->arg, &fetch->result);
    fetch_free(fetch);
}

/* --- libcurl on the loop ---------------------------------------------------------------------- */

static void take_messages(struct sts_fetch *fetch)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(fetch->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        judge(fetch, message->data.result);
        loop_timer_stop(fetch->curl_timer);
        loop_timer_set(fetch->end_timer, 0);
    }
}

static void on_ready(void *arg, unsigned ready)
{
    struct watch *watch = arg;
    struct sts_fetch *fetch = watch->fetch;
    int running, what = (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
                        (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    if (watch->fd == CURL_SOCKET_BAD)
        return; /* gone in this very turn */
    curl_multi_socket_action(fetch->multi, watch->fd, what, &running);
    take_messages(fetch);
}

static void on_time(void *arg)
{
    struct sts_fetch *fetch = arg;
    int running;
    curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_messages(fetch);
}

static int want_time(CURLM *multi, long ms, void *arg)
{
    struct sts_fetch *fetch = arg;
    (void)multi;
    if (ms < 0)
        loop_timer_stop(fetch->curl_timer);
    else
        loop_timer_set(fetch->curl_timer, ms);
    return 0;
}

static struct watch *watch_create(struct sts_fetch *fetch, curl_socket_t fd)
{
    struct watch *watch = x_calloc(1, sizeof *watch);
    *watch = (struct watch){.next = fetch->watches, .fetch = fetch, .fd = fd};
    watch->io = loop_io_create(fetch->loop, fd, on_ready, watch);
    fetch->watches = watch;
    curl_multi_assign(fetch->multi, fd, watch);
    return watch;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct watch *watch = known;
    (void)easy;
    if (watch == NULL && what != CURL_POLL_REMOVE)
        watch = watch_create(arg, fd);
    if (watch == NULL)
        return 0;
    loop_io_want(watch->io, (what & CURL_POLL_IN ? (unsigned)LOOP_READ : 0) |
                                (what & CURL_POLL_OUT ? (unsigned)LOOP_WRITE : 0));
    if (what == CURL_POLL_REMOVE) {
        loop_io_want(watch->io, 0);
        watch->fd = CURL_SOCKET_BAD;
    }
    return 0;
}

/* --- what libcurl asks while it works --------------------------------------------------------- */

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    struct sts_fetch *fetch = arg;
    (void)data;
    fetch->header_octets += size * count;
    fetch->headers_too_large = fetch->header_octets > STS_FETCH_HEADER_OCTETS;
    return fetch->headers_too_large ? 0 : size * count;
}

/* Content-Length may be missing or lie: what counts is what comes (STS-17). */
static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct sts_fetch *fetch = arg;
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return CURL_WRITEFUNC_ERROR;
    fetch->too_large = buffer_append(&fetch->body, data, size * count) != 0;
    return fetch->too_large ? CURL_WRITEFUNC_ERROR : size * count;
}

/* The last guard: whatever libcurl may have in mind, only the addresses given are connected to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct sts_fetch *fetch = arg;
    struct address address;
    uint16_t port;
    (void)purpose;
    address_from_sockaddr(&to->addr, &address, &port);
    for (size_t i = 0; i < fetch->address_count; i++)
        if (address_equal(&address, &fetch->addresses[i]))
            return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    return CURL_SOCKET_BAD;
}

/* --- making it -------------------------------------------------------------------------------- */

#define SET(fetch, option, value)                                                                  \
    do {                                                                                           \
        CURLcode set_code = curl_easy_setopt((fetch)->easy, option, value);                        \
        assert(set_code == CURLE_OK);                                                              \
        (void)set_code;                                                                            \
    } while (0)

/* STS-12, 15, 19, 20; T-10 */
static void restrict_http(struct sts_fetch *fetch)
{
    SET(fetch, CURLOPT_URL, fetch->url);
    SET(fetch, CURLOPT_PROTOCOLS_STR, "https");
    SET(fetch, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(fetch, CURLOPT_FOLLOWLOCATION, 0L);
    SET(fetch, CURLOPT_PROXY, "");
    SET(fetch, CURLOPT_NOPROXY, "*");
    SET(fetch, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(fetch, CURLOPT_NOSIGNAL, 1L);
    SET(fetch, CURLOPT_FRESH_CONNECT, 1L);
    SET(fetch, CURLOPT_FORBID_REUSE, 1L);
    SET(fetch, CURLOPT_USERAGENT, "Daneway");
    SET(fetch, CURLOPT_MAXFILESIZE, (long)STS_FETCH_OCTETS);
}

/* STS-13, 14: SNI and name are those of the URL, whatever the name is an alias of. */
static void use_tls(struct sts_fetch *fetch, const char *ca_file)
{
    SET(fetch, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(fetch, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(fetch, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(fetch, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(fetch, CURLOPT_CERTINFO, 1L);
    if (*ca_file != '\0')
        SET(fetch, CURLOPT_CAINFO, ca_file);
}

/* "mta-sts.example.com:443:192.0.2.1,[2001:db8::1]" */
static void use_addresses(struct sts_fetch *fetch, uint16_t port)
{
    struct buffer entry;
    char text[ADDRESS_TEXT];
    buffer_init(&entry, 4096);
    buffer_printf(&entry, "%s:%u:", fetch->host, port);
    for (size_t i = 0; i < fetch->address_count; i++) {
        bool six = fetch->addresses[i].family == 6;
        buffer_printf(&entry, "%s%s%s%s", i > 0 ? "," : "", six ? "[" : "",
                      address_format(&fetch->addresses[i], text), six ? "]" : "");
    }
    buffer_append(&entry, "", 1);
    fetch->resolve = curl_slist_append(NULL, entry.ptr);
    buffer_release(&entry);
    fetch->connect_to = curl_slist_append(
        NULL, arena_printf(fetch->arena, "%s:443:%s:%u", fetch->host, fetch->host, port));
    SET(fetch, CURLOPT_RESOLVE, fetch->resolve);
    SET(fetch, CURLOPT_CONNECT_TO, fetch->connect_to);
    SET(fetch, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(fetch, CURLOPT_OPENSOCKETDATA, fetch);
}

static void use_callbacks(struct sts_fetch *fetch, int64_t timeout_ms)
{
    SET(fetch, CURLOPT_ERRORBUFFER, fetch->error);
    SET(fetch, CURLOPT_HEADERFUNCTION, take_header);
    SET(fetch, CURLOPT_HEADERDATA, fetch);
    SET(fetch, CURLOPT_WRITEFUNCTION, take_body);
    SET(fetch, CURLOPT_WRITEDATA, fetch);
    SET(fetch, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
}

struct sts_fetch *sts_fetch_start(struct loop *loop, const struct sts_fetch_request *request,
                                  sts_fetch_fn *fn, void *arg)
{
    struct arena *arena = arena_create();
    struct sts_fetch *fetch = arena_alloc(arena, sizeof *fetch);
    *fetch = (struct sts_fetch){.loop = loop, .rules = request->rules, .arena = arena, .fn = fn};
    fetch->arg = arg;
    fetch->host = arena_printf(arena, "mta-sts.%s", request->domain);
    fetch->url = arena_printf(arena, "https://%s/.well-known/mta-sts.txt", fetch->host);
    fetch->address_count = request->address_count;
    fetch->addresses = arena_memdup(arena, request->addresses,
                                    request->address_count * sizeof *request->addresses);
    buffer_init(&fetch->body, STS_FETCH_OCTETS);
    fetch->curl_timer = loop_timer_create(loop, on_time, fetch);
    fetch->end_timer = loop_timer_create(loop, end, fetch);
    fetch->multi = curl_multi_init();
    fetch->easy = curl_easy_init();
    assert(fetch->multi != NULL && fetch->easy != NULL);
    restrict_http(fetch);
    use_tls(fetch, request->ca_file);
    use_addresses(fetch, request->port);
    use_callbacks(fetch, request->timeout_ms);
    curl_multi_add_handle(fetch->multi, fetch->easy);
    return fetch;
}

void sts_fetch_cancel(struct sts_fetch **fetch)
{
    if (*fetch == NULL)
        return;
    fetch_free(*fetch);
    *fetch = NULL;
}
