/* foregone: see foregone.h. A table in which each next hop has one place, and a newcomer takes the place of another.
 * Owns: the conclusions.
 * No requirement asks that one is remembered: forgetting costs a bounce where a refusal would have been possible.
 * Must never grow. */
#include "attempt/foregone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "daneway/reason.h"

enum { PLACES = 4096 };

struct conclusion {
    enum foregone_kind kind; /* FOREGONE_NOTHING: a free place */
    char *next_hop, *why;
    int64_t until_ms;
};

struct foregone {
    struct loop *loop;
    int64_t forgotten_ms; /* what began before went by other rules */
    struct conclusion conclusions[PLACES];
};

/* --- how long ------------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t life_of_fact(const struct dns_fact *fact)
{
    return fact->status == DNS_NOT_ASKED ? FOREGONE_LIFE_MAX : (int64_t)fact->ttl;
}

static int64_t life_of_host(const struct evidence_host *host)
{
    return least(life_of_fact(&host->addresses_fact),
                 least(life_of_fact(&host->alias), life_of_fact(&host->tlsa)));
}

uint32_t foregone_life(const struct evidence *evidence, int64_t wall, int64_t passed_ms)
{
    const struct sts_evidence *sts = &evidence->sts;
    int64_t life = least(FOREGONE_LIFE_MAX, life_of_fact(&evidence->mx));
    for (size_t i = 0; i < evidence->host_count; i++)
        life = least(life, life_of_host(&evidence->hosts[i]));
    life = least(life, life_of_fact(&sts->record)) - (passed_ms + 999) / 1000;
    if (sts->source == STS_FETCHED || sts->source == STS_CACHED)
        life = least(life, sts->expires - wall);
    return life > 0 ? (uint32_t)life : 0;
}

/* --- the table ------------------------------------------------------------------------------------ */

struct foregone *foregone_create(struct loop *loop)
{
    struct foregone *foregone = x_calloc(1, sizeof(*foregone));
    foregone->loop = loop;
    return foregone;
}

static void drop(struct conclusion *conclusion)
{
    free(conclusion->next_hop);
    free(conclusion->why);
    *conclusion = (struct conclusion){.kind = FOREGONE_NOTHING};
}

void foregone_forget(struct foregone *foregone)
{
    foregone->forgotten_ms = loop_now(foregone->loop);
    for (size_t i = 0; i < PLACES; i++)
        drop(&foregone->conclusions[i]);
}

void foregone_free(struct foregone **foregone)
{
    if (*foregone == NULL)
        return;
    foregone_forget(*foregone);
    free(*foregone);
    *foregone = NULL;
}

static size_t place_of(const char *next_hop)
{
    return text_hash(next_hop) % PLACES;
}

/* "mx.example.org[192.0.2.1]:25: The message demands ... Send it without ..." */
static char *why_of(const struct recipient_outcome *result)
{
    const char *advice = reason_row(result->reason)->advice;
    int length = snprintf(NULL, 0, "%s %s", result->text, advice);
    char *why = x_calloc(1, (size_t)length + 1);
    snprintf(why, (size_t)length + 1, "%s %s", result->text, advice);
    return why;
}

/* An attempt without a conclusion: is what was known before still certain? Ordinary mail says nothing of REQUIRETLS. */
static bool leaves_doubt(const struct conclusion *conclusion, const struct delivery *delivery)
{
    if (conclusion->kind == FOREGONE_NOTHING ||
        strcmp(conclusion->next_hop, delivery->next_hop) != 0)
        return false;
    return conclusion->kind == FOREGONE_NULL_MX || delivery->envelope.requiretls;
}

void foregone_note(struct foregone *foregone, const struct delivery *delivery,
                   const struct outcome *outcome)
{
    struct conclusion *conclusion = &foregone->conclusions[place_of(delivery->next_hop)];
    bool known = outcome->foregone != FOREGONE_NOTHING && outcome->foregone_for > 0 &&
                 outcome->started_ms >= foregone->forgotten_ms;
    if (known || leaves_doubt(conclusion, delivery))
        drop(conclusion);
    if (!known)
        return;
    *conclusion = (struct conclusion){
        .kind = outcome->foregone,
        .next_hop = x_strdup(delivery->next_hop),
        .why = why_of(&outcome->recipients[0]),
        .until_ms = loop_now(foregone->loop) + 1000 * (int64_t)outcome->foregone_for,
    };
}

static const char *find(const struct foregone *foregone, const char *next_hop,
                        enum foregone_kind kind)
{
    const struct conclusion *conclusion = &foregone->conclusions[place_of(next_hop)];
    bool holds = conclusion->kind == kind && strcmp(conclusion->next_hop, next_hop) == 0 &&
                 loop_now(foregone->loop) < conclusion->until_ms;
    return holds ? conclusion->why : NULL;
}

const char *foregone_null_mx(const struct foregone *foregone, const char *next_hop)
{
    return find(foregone, next_hop, FOREGONE_NULL_MX);
}

const char *foregone_requiretls(const struct foregone *foregone, const char *next_hop)
{
    return find(foregone, next_hop, FOREGONE_REQUIRETLS);
}
