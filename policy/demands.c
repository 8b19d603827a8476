/* demands: the row of tls_policy, the rows of mailboxes, the client's rule and the message's own
 * tags, put together.
 * Owns: nothing; results live in the caller's arena. Requirements RTLS-07, RTLS-17; the strictest
 * of all wins, and every rule that took part is named.
 * Must never let an exception (until=) touch REQUIRETLS mail, nor outlive its day. */
#include <string.h>

#include "daneway/policy.h"

struct making {
    struct arena *arena;
    const struct rule_set *rules;
    const struct demand_question *question;
    struct demands demands;
    const char **texts;
    size_t room;
};

static void name_rule(struct making *making, const char *text)
{
    struct demands *demands = &making->demands;
    if (demands->rule_count == making->room) {
        making->room = making->room > 0 ? 2 * making->room : 4;
        const char **larger = arena_alloc(making->arena, making->room * sizeof(*larger));
        if (demands->rule_count > 0)
            memcpy(larger, making->texts, demands->rule_count * sizeof(*larger));
        making->texts = larger;
    }
    making->texts[demands->rule_count++] = text;
    demands->rules = making->texts;
}

/* --- tls_policy ------------------------------------------------------------------------------- */

static const char *why_set_aside(struct making *making, const struct table_row *row, int64_t now)
{
    const char *name = table_name(making->rules->table);
    return now >= row->attributes->until
               ? arena_printf(making->arena, "%s:%u ended on %s", name, row->line,
                              row->attributes->until_text)
               : arena_printf(making->arena,
                              "%s:%u is an exception, which mail with REQUIRETLS does not get",
                              name, row->line);
}

/* The row for "[host]:port" as addressed, or for "[host]", or for the domain without its port. */
static const struct table_row *find_row(struct making *making, int64_t now)
{
    const struct demand_question *question = making->question;
    const struct table *table = making->rules->table;
    if (table == NULL)
        return NULL;
    const char *keys[] = {question->next_hop,
                          question->bracketed ? arena_printf(making->arena, "[%s]", question->name)
                                              : question->name};
    const struct table_row *row = NULL, *set_aside = NULL;
    for (size_t i = 0; i < 2 && row == NULL; i++) {
        row = table_match_at(table, slice_of(keys[i]), now, question->requiretls, &set_aside);
        if (set_aside != NULL && making->demands.set_aside == NULL) {
            making->demands.set_aside = set_aside;
            making->demands.set_aside_why = why_set_aside(making, set_aside, now);
        }
    }
    return row;
}

static void apply_row(struct making *making, int64_t now)
{
    struct demands *demands = &making->demands;
    const struct table_row *row = find_row(making, now);
    demands->row = row;
    demands->level = making->rules->default_level;
    demands->rule = "default_level";
    if (row != NULL) {
        demands->level = row->level;
        demands->minimum = row->attributes->minimum;
        demands->requiretls_mode = row->attributes->requiretls;
        demands->tafile = table_trust_of(making->rules->table, row);
        demands->rule =
            arena_printf(making->arena, "%s:%u", table_name(making->rules->table), row->line);
    }
    const char *text =
        arena_printf(making->arena, "%s %s", demands->rule, tls_level_name(demands->level));
    for (enum tls_level level = LEVEL_NONE; level < LEVEL_COUNT; level++)
        if (demands->minimum & TLS_LEVEL_BIT(level))
            text = arena_printf(making->arena, "%s min=%s", text, tls_level_name(level));
    name_rule(making, text);
}

/* --- minimums --------------------------------------------------------------------------------- */

static void apply_mailbox(struct making *making, bool from, const char *address)
{
    const struct mailboxes *mailboxes = making->rules->mailboxes;
    const struct mailbox_row *const *rows;
    if (mailboxes == NULL || address == NULL)
        return;
    size_t count = mailboxes_match(making->arena, mailboxes, from, slice_of(address), &rows);
    for (size_t i = 0; i < count; i++) {
        making->demands.minimum |= TLS_LEVEL_BIT(rows[i]->level);
        name_rule(making, arena_printf(making->arena, "%s:%u %s", mailboxes_name(mailboxes),
                                       rows[i]->line, tls_level_name(rows[i]->level)));
    }
}

static void apply_client(struct making *making)
{
    const struct demand_question *question = making->question;
    for (enum tls_level level = LEVEL_NONE; level < LEVEL_COUNT; level++)
        if (question->minimum & TLS_LEVEL_BIT(level))
            name_rule(making, arena_printf(making->arena, "%s %s",
                                           question->minimum_rule != NULL ? question->minimum_rule
                                                                          : "clients",
                                           tls_level_name(level)));
    making->demands.minimum |= question->minimum;
}

struct demands demands_make(struct arena *arena, const struct rule_set *rules,
                            const struct demand_question *question, int64_t now)
{
    struct making making = {.arena = arena, .rules = rules, .question = question};
    struct demands *demands = &making.demands;
    apply_row(&making, now);
    apply_mailbox(&making, false, question->recipient);
    apply_mailbox(&making, true, question->sender);
    apply_client(&making);
    demands->literal_of_recipient = question->literal_of_recipient;
    demands->requiretls = question->requiretls;
    demands->tls_optional = question->tls_optional && !question->requiretls;
    demands->null_sender = question->sender != NULL && question->sender[0] == '\0';
    return *demands;
}

bool demands_equal(const struct demands *a, const struct demands *b)
{
    return a->level == b->level && a->row == b->row && a->minimum == b->minimum &&
           a->tafile == b->tafile && a->requiretls == b->requiretls &&
           a->requiretls_mode == b->requiretls_mode && a->tls_optional == b->tls_optional &&
           a->null_sender == b->null_sender && a->literal_of_recipient == b->literal_of_recipient;
}
