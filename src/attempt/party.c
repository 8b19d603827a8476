/* party: see party.h.
 * Owns: nothing.
 * A domain is looked up by its A-labels alone: as a U-label its own row could not be found, but one for its parent could.
 * Must never skip a recipient. */
#include "attempt/party.h"

#include <string.h>

#include "attempt/attempt.h"
#include "base/idn.h"

/* A way to go, and whether a stranger may have chosen it. */
struct way {
    const struct route_question *asked;
    const char *text;
    struct next_hop next_hop;
    bool of_operator;
};

static struct way way_by(const struct route_question *question, const char *text, bool of_operator)
{
    return (struct way){question, text, next_hop_parse(question->arena, text, question->port),
                        of_operator};
}

/* --- demands -------------------------------------------------------------------------------------- */

static const char *as_addressed(const struct way *way)
{
    const struct next_hop *hop = &way->next_hop;
    if (hop->kind != NEXT_HOP_DOMAIN)
        return way->text;
    return strchr(way->text, ':') == NULL
               ? hop->name
               : arena_printf(way->asked->arena, "%s:%u", hop->name, hop->port);
}

/* user@[192.0.2.1]: the recipient's address names the host. An operator names a port, or a table does. */
static bool is_literal_of_recipient(const struct way *way)
{
    bool has_port = way->text[0] != '\0' && way->text[strlen(way->text) - 1] != ']';
    return way->next_hop.kind == NEXT_HOP_LITERAL && !has_port && !way->of_operator;
}

/* What would be asked of any mail that goes this way. */
static struct demand_question common_question(const struct way *way)
{
    return (struct demand_question){
        .next_hop = as_addressed(way),
        .name = way->next_hop.name,
        .bracketed = way->next_hop.kind != NEXT_HOP_DOMAIN,
        .literal_of_recipient = is_literal_of_recipient(way),
    };
}

/* As the tables have it. */
static const char *in_a_labels(const struct way *way, const char *address)
{
    return idn_address_to_ascii(way->asked->arena, address);
}

static struct demand_question message_question(const struct way *way)
{
    const struct envelope *envelope = &way->asked->delivery->envelope;
    struct demand_question question = common_question(way);
    question.sender = in_a_labels(way, envelope->sender);
    question.requiretls = envelope->requiretls;
    question.tls_optional = envelope->tls_optional;
    enum tls_level level;
    if (envelope->client_level != NULL &&
        tls_level_by_name(slice_of(envelope->client_level), &level) == 0) {
        question.minimum = TLS_LEVEL_BIT(level);
        question.minimum_rule = envelope->client_rule;
    }
    return question;
}

/* Of the message that is only thought of, if it is one. */
static struct demand_question examined_question(const struct way *way)
{
    struct demand_question question = common_question(way);
    const struct examined *examined = way->asked->examined;
    if (examined == NULL)
        return question;
    if (examined->recipient != NULL)
        question.recipient = in_a_labels(way, examined->recipient);
    if (examined->sender != NULL)
        question.sender = in_a_labels(way, examined->sender);
    question.requiretls = examined->requiretls;
    return question;
}

static struct demands ask(const struct way *way, const struct demand_question *question)
{
    return demands_make(way->asked->arena, way->asked->rules, question, way->asked->now);
}

/* --- parties -------------------------------------------------------------------------------------- */

/* A null reverse-path demands nothing by itself. */
static bool is_particular(const struct way *way, const struct demands *demands)
{
    struct demand_question question = common_question(way);
    question.sender = demands->null_sender ? "" : NULL;
    struct demands general = ask(way, &question);
    return !demands_equal(&general, demands);
}

/* The first of a party comes when at most `room` recipients are left. */
static void add_recipient(struct arena *arena, struct party *party, size_t *size,
                          const char *address, size_t room)
{
    if (*size == 0)
        party->recipients = arena_alloc(arena, (room + 1) * sizeof(*party->recipients));
    party->recipients[(*size)++] = address; // NOLINT(*.NullDereference): made with the first
}

/* The number of the party with these demands; a new one if there is none yet. */
static size_t find_party(const struct way *way, struct party_list *parties,
                         const struct demands *demands)
{
    for (size_t i = 0; i < parties->count; i++)
        if (demands_equal(&parties->items[i].demands, demands))
            return i;
    parties->items[parties->count] =
        (struct party){.demands = *demands, .particular = is_particular(way, demands)};
    return parties->count++;
}

static void assign_recipients(const struct way *way, struct party_list *parties,
                              struct ledger *ledger)
{
    const struct delivery *delivery = way->asked->delivery;
    struct arena *arena = way->asked->arena;
    size_t count = delivery->recipient_count;
    size_t *sizes = arena_alloc(arena, (count + 1) * sizeof(*sizes));
    struct demand_question question = message_question(way);
    for (size_t i = 0; i < count; i++) {
        const char *address = delivery->recipients[i].address;
        question.recipient = in_a_labels(way, address);
        struct demands demands = ask(way, &question);
        size_t party = find_party(way, parties, &demands);
        add_recipient(arena, &parties->items[party], &sizes[party], address, count - i);
        ledger_assign(ledger, i, party);
    }
}

static struct party_list parties_of(const struct way *way, struct ledger *ledger)
{
    const struct delivery *delivery = way->asked->delivery;
    size_t count = delivery != NULL ? delivery->recipient_count : 0;
    struct party_list parties = {
        .items = arena_alloc(way->asked->arena, (count + 1) * sizeof(*parties.items))};
    if (count > 0) {
        assign_recipients(way, &parties, ledger);
    } else {
        struct demand_question question = examined_question(way);
        parties.items[0].demands = ask(way, &question);
        parties.count = 1;
    }
    return parties;
}

/* --- the way -------------------------------------------------------------------------------------- */

/* Of the rules for the next hop, which all parties share; NULL: none. */
static const struct row_attributes *attributes_of(const struct party_list *parties)
{
    const struct table_row *row = parties->items[0].demands.row;
    return row != NULL ? row->attributes : NULL;
}

/* Where a notice goes, if not where its recipient's domain points; NULL. */
static const char *hop_of_notice(const struct route_question *question,
                                 const struct row_attributes *attributes)
{
    const char *common = question->bounce_nexthop;
    if (question->delivery == NULL || !question->delivery->envelope.notice)
        return NULL;
    if (attributes != NULL && attributes->bounce_nexthop != NULL)
        return attributes->bounce_nexthop;
    return common != NULL && common[0] != '\0' ? common : NULL;
}

struct route route_find(const struct route_question *question, struct ledger *ledger)
{
    struct way way = way_by(question, question->addressed, false);
    struct party_list parties = parties_of(&way, ledger);
    const char *hop = hop_of_notice(question, attributes_of(&parties));
    if (hop != NULL) {
        way = way_by(question, hop, true);
        parties = parties_of(&way, ledger);
    }
    const struct row_attributes *attributes = attributes_of(&parties);
    if (attributes != NULL && attributes->nexthop != NULL && !question->direct) {
        way = way_by(question, attributes->nexthop, true);
        for (size_t i = 0; i < parties.count; i++)
            parties.items[i].demands.literal_of_recipient = false;
    }
    return (struct route){way.text, way.next_hop, parties};
}

void parties_leave_out(const struct party_list *parties, struct next_hop *next_hop)
{
    bool tlsa = false, sts = false;
    for (size_t i = 0; i < parties->count; i++) {
        tlsa |= demands_want_dane(&parties->items[i].demands);
        sts |= demands_want_sts(&parties->items[i].demands);
    }
    next_hop->without_tlsa = !tlsa;
    next_hop->without_sts = !sts;
}
