/* terms: all of a planned host that a verdict depends on, as octets that can be compared.
 * Owns: nothing; the octets live in the caller's arena.
 * Requirements TLS-15, QUEUE-07: where the terms of two plans are equal, so are their verdicts on the same peer at the same
 * time, and the verdict of the first may stand for the second.
 * Must never leave out a field that judge.c, verify.c or the trace of a verdict looks at: a unit test changes each. */
#include <string.h>

#include "daneway/policy.h"

struct writer {
    char *at; /* NULL: only count */
    size_t length;
};

static void put(struct writer *writer, const void *data, size_t length)
{
    if (writer->at != NULL && length > 0)
        memcpy(writer->at + writer->length, data, length);
    writer->length += length;
}

static void put_number(struct writer *writer, uint64_t number)
{
    put(writer, &number, sizeof(number));
}

/* NULL differs from "". */
static void put_text(struct writer *writer, const char *text)
{
    put_number(writer, text != NULL ? strlen(text) + 1 : 0);
    if (text != NULL)
        put(writer, text, strlen(text));
}

static void put_texts(struct writer *writer, const char *const *texts, size_t count)
{
    put_number(writer, count);
    for (size_t i = 0; i < count; i++)
        put_text(writer, texts[i]);
}

static void put_policy(struct writer *writer, const struct plan_policy *policy)
{
    put_number(writer, policy->type);
    put_number(writer, policy->enforced);
    put_number(writer, policy->failure);
    put_text(writer, policy->detail);
}

/* Roots are told apart by where they are: they do not change while somebody holds them. */
static void put_check(struct writer *writer, const struct plan_check *check)
{
    put_number(writer, check->kind);
    put_number(writer, check->policy);
    put_number(writer, check->enforced);
    put_number(writer, check->requiretls);
    put_texts(writer, check->names, check->name_count);
    put_number(writer, (uint64_t)(uintptr_t)check->roots);
    put_number(writer, check->fingerprint_count);
    for (size_t i = 0; i < check->fingerprint_count; i++)
        put(writer, check->fingerprints[i].sha256, sizeof(check->fingerprints[i].sha256));
}

static void put_record(struct writer *writer, const struct tlsa_record *record)
{
    put_number(writer, record->usage);
    put_number(writer, record->selector);
    put_number(writer, record->matching_type);
    put_number(writer, record->length);
    put(writer, record->data, record->length);
}

static void put_host(struct writer *writer, const struct plan_host *host)
{
    put_text(writer, host->host != NULL ? host->host->name : NULL);
    put_number(writer, host->skip);
    put_text(writer, host->detail);
    put_number(writer, host->need);
    put_number(writer, host->tls_held);
    put_text(writer, host->tls_held ? host->tls_memory : NULL);
    put_number(writer, host->applied);
    put_number(writer, host->requiretls);
    put_number(writer, host->authenticates_domain);
    put_text(writer, host->server_name);
    put_text(writer, host->priority);
    put_texts(writer, host->names, host->name_count);
    put_number(writer, host->policy_count);
    for (size_t i = 0; i < host->policy_count; i++)
        put_policy(writer, &host->policies[i]);
    put_number(writer, host->check_count);
    for (size_t i = 0; i < host->check_count; i++)
        put_check(writer, &host->checks[i]);
    put_number(writer, host->record_count);
    for (size_t i = 0; i < host->record_count; i++)
        put_record(writer, &host->records[i]);
}

struct slice plan_host_terms(struct arena *arena, const struct plan_host *host)
{
    struct writer writer = {0};
    put_host(&writer, host);
    char *octets = arena_alloc(arena, writer.length);
    writer = (struct writer){.at = octets};
    put_host(&writer, host);
    return (struct slice){octets, writer.length};
}
