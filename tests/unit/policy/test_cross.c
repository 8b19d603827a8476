/* The full cross of what a domain publishes, what is demanded, and what its host shows; and what
 * must hold over all of it. The oracle below is written from the requirements, not from the engine.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "cross.h"
#include "scene.h"

TestSuite(cross, .init = cross_open, .fini = cross_close);

typedef void each_fn(const struct situation *situation, const struct ending *ending);

static void follow_all(each_fn *fn)
{
    struct situation s = {0};
    for (s.dane = 0; s.dane < DANE_CASES; s.dane++)
        for (s.sts = 0; s.sts < STS_CASES; s.sts++)
            for (s.level = 0; s.level < LEVEL_COUNT; s.level++)
                for (s.message = 0; s.message < MESSAGE_CASES; s.message++)
                    for (s.server = 0; s.server < SERVER_CASES; s.server++)
                        for (int offers = 0; offers < 2; offers++) {
                            s.offers = offers != 0;
                            struct ending ending = cross_follow(&s);
                            fn(&s, &ending);
                        }
}

/* --- facts of a situation --------------------------------------------------------------------- */

static bool has_tls(const struct situation *s)
{
    return s->server >= SERVER_NEITHER;
}

static bool has_ca(const struct situation *s)
{
    return s->server == SERVER_CA || s->server == SERVER_BOTH;
}

static bool has_key(const struct situation *s)
{
    return s->server == SERVER_PUBLISHED || s->server == SERVER_BOTH;
}

static bool asks_for(const struct situation *s, enum tls_level level)
{
    return s->level == level || (s->minimum & TLS_LEVEL_BIT(level)) != 0;
}

static bool demands_requiretls(const struct situation *s)
{
    return s->message == MESSAGE_REQUIRETLS && s->mode == REQUIRETLS_ENFORCE;
}

static bool follows_dane(const struct situation *s)
{
    return asks_for(s, LEVEL_DANE) || asks_for(s, LEVEL_DANE_ONLY) || asks_for(s, LEVEL_AUTO) ||
           asks_for(s, LEVEL_AUTHENTICATED) || demands_requiretls(s);
}

static bool follows_sts(const struct situation *s)
{
    return asks_for(s, LEVEL_AUTO) || asks_for(s, LEVEL_AUTHENTICATED) || demands_requiretls(s);
}

/* TLS-Required: No loosens what the domain publishes, unless the operator himself insists on it. */
static bool is_loose(const struct situation *s)
{
    return s->message == MESSAGE_TLS_OPTIONAL && !asks_for(s, LEVEL_DANE_ONLY) &&
           !asks_for(s, LEVEL_AUTHENTICATED);
}

static bool by_dane(const struct situation *s)
{
    return s->dane == DANE_USABLE && has_key(s);
}

/* --- never weaker than any demand ------------------------------------------------------------- */

/* Why the situation forbids sending at all, or forbids it in clear; NULL: nothing does. */
static const char *forbids(const struct situation *s, bool clear)
{
    bool dane = follows_dane(s) && !is_loose(s), sts = follows_sts(s) && !is_loose(s);
    if (dane && s->dane == DANE_FAILS)
        return "DANE-07: the TLSA look-up failed";
    if (dane && s->dane == DANE_USABLE && (clear || !has_key(s)))
        return "DANE-23: usable records must match";
    if (dane && s->dane == DANE_UNUSABLE && clear)
        return "DANE-24: TLS is a must";
    if (sts && s->sts == STS_ENFORCE_UNLISTED)
        return "STS-47: the host is not listed";
    if (sts && s->sts == STS_ENFORCE && (clear || !(has_ca(s) || by_dane(s))))
        return "STS-47: the certificate must be valid";
    if (sts && s->sts == STS_LOOKUP_FAILS && s->dane != DANE_USABLE)
        return "STS-10: nobody knows whether there is a policy";
    if (asks_for(s, LEVEL_ENCRYPT) && clear)
        return "encrypt";
    if (asks_for(s, LEVEL_DANE_ONLY) && !by_dane(s))
        return "DANE-27: dane-only";
    if ((asks_for(s, LEVEL_VERIFY) || asks_for(s, LEVEL_SECURE)) && (clear || !has_ca(s)))
        return "verify, secure";
    if (asks_for(s, LEVEL_FINGERPRINT) && (clear || !has_key(s)))
        return "fingerprint";
    if (asks_for(s, LEVEL_AUTHENTICATED) &&
        (clear || !(by_dane(s) || (s->sts == STS_ENFORCE && has_ca(s)))))
        return "authenticated";
    return NULL;
}

static const char *requiretls_forbids(const struct situation *s)
{
    if (!demands_requiretls(s))
        return NULL;
    if (!has_tls(s) || !s->offers)
        return "RTLS-10: the host must offer REQUIRETLS under TLS";
    if (s->dane == DANE_UNSIGNED && s->sts != STS_ENFORCE)
        return "RTLS-08: nobody vouches for the MX record";
    if (!(s->dane == DANE_USABLE ? has_key(s) : has_ca(s)))
        return "RTLS-09: the certificate must be verified";
    return NULL;
}

static void never_weaker(const struct situation *s, const struct ending *ending)
{
    if (ending->kind >= HELD)
        return;
    const char *why = forbids(s, ending->kind == SENT_CLEAR);
    why = why != NULL ? why : requiretls_forbids(s);
    cr_expect(why == NULL, "%s: %s, but %s", situation_text(s), ending_text(ending), why);
    if (demands_requiretls(s))
        cr_expect(ending->requiretls && ending->kind == SENT_VERIFIED, "%s: %s", situation_text(s),
                  ending_text(ending));
    if (s->message == MESSAGE_ORDINARY || s->message == MESSAGE_TLS_OPTIONAL)
        cr_expect(not(ending->requiretls));
}

/* covers: DANE-07 DANE-23 DANE-24 DANE-27 STS-10 STS-46 STS-47 STS-51 STS-52 RTLS-08 T-06 T-15 */
/* covers: RTLS-09 RTLS-10 T-24 */
Test(cross, never_weaker_than_any_demand)
{
    follow_all(never_weaker);
}

/* What the oracle does not forbid is sent: no demand is made up. */
static void never_stricter(const struct situation *s, const struct ending *ending)
{
    /* A notice gets its second chance only after the first; TLS goes first where it can be had. */
    bool clear = !has_tls(s) || s->level == LEVEL_NONE;
    if (ending->kind < HELD || s->message == MESSAGE_REQUIRETLS_NOTICE)
        return;
    bool forbidden = forbids(s, clear) != NULL || requiretls_forbids(s) != NULL;
    cr_expect(forbidden, "%s: %s", situation_text(s), ending_text(ending));
}

/* covers: DANE-26 STS-36 STS-40 STS-50 RTLS-18 T-15 */
Test(cross, never_stricter_than_all_demands)
{
    follow_all(never_stricter);
}

/* --- what is returned ------------------------------------------------------------------------- */

static bool has_passing_trouble(const struct situation *s)
{
    bool sts_unknown =
        s->dane == DANE_UNSIGNED && (s->sts == STS_LOOKUP_FAILS || s->sts == STS_FETCH_FAILS);
    return sts_unknown || s->dane == DANE_FAILS || s->sts == STS_LOOKUP_FAILS;
}

static void only_requiretls_returns(const struct situation *s, const struct ending *ending)
{
    if (ending->kind == RETURNED) {
        cr_expect(demands_requiretls(s), "%s: %s", situation_text(s), ending_text(ending));
        cr_expect(eq(int, reason_row(ending->reason)->permanence, PERMANENT));
        bool offer_lacks = ending->reason == REASON_REQUIRETLS_NOT_OFFERED ||
                           ending->reason == REASON_REQUIRETLS_NO_STARTTLS;
        cr_expect(
            eq(str, (char *)reason_status(ending->reason), offer_lacks ? "5.7.30" : "5.7.10"));
    }
    bool own_level = s->level == LEVEL_DANE_ONLY || s->level == LEVEL_AUTHENTICATED ||
                     s->level == LEVEL_FINGERPRINT || s->level == LEVEL_SECURE ||
                     s->level == LEVEL_VERIFY;
    bool unlisted = s->sts == STS_ENFORCE_UNLISTED && s->dane != DANE_UNSIGNED;
    bool hopeless = demands_requiretls(s) && requiretls_forbids(s) != NULL &&
                    !has_passing_trouble(s) && !own_level && !unlisted;
    if (hopeless)
        cr_expect(eq(int, ending->kind, RETURNED), "%s: %s", situation_text(s),
                  ending_text(ending));
}

/* covers: CODE-05 CODE-09 CODE-10 RTLS-13 RTLS-14 */
Test(cross, only_requiretls_returns_mail_and_then_at_once)
{
    follow_all(only_requiretls_returns);
}

/* covers: RTLS-17 */
static void a_notice_goes_as_any_mail(const struct situation *s, const struct ending *ending)
{
    if (s->message != MESSAGE_REQUIRETLS_NOTICE)
        return;
    struct situation ordinary = *s, strict = *s;
    ordinary.message = MESSAGE_ORDINARY;
    strict.message = MESSAGE_REQUIRETLS;
    enum ending_kind kind = ending->kind;
    bool requiretls = ending->requiretls;
    struct ending as_strict = cross_follow(&strict);
    if (as_strict.kind < HELD)
        cr_expect(requiretls && kind == as_strict.kind, "%s", situation_text(s));
    else
        cr_expect(kind == cross_follow(&ordinary).kind && !requiretls, "%s", situation_text(s));
}

Test(cross, a_notice_with_requiretls_goes_as_any_mail)
{
    follow_all(a_notice_goes_as_any_mail);
}

/* --- more demands never give a weaker plan ---------------------------------------------------- */

static int strength(const struct ending *ending)
{
    return ending->kind < HELD ? (int)ending->kind : (int)HELD;
}

static void expect_not_weaker(const struct situation *less, int less_strength,
                              const struct situation *more)
{
    struct ending ending = cross_follow(more);
    cr_expect(strength(&ending) >= less_strength, "%s: %s, with less demanded %d",
              situation_text(more), ending_text(&ending), less_strength);
    (void)less;
}

static void more_is_not_weaker(const struct situation *s, const struct ending *ending)
{
    int before = strength(ending);
    struct situation more = *s;
    if (s->offers != (s->message == MESSAGE_REQUIRETLS) || s->message == MESSAGE_REQUIRETLS_NOTICE)
        return; /* half of the cross is enough here */
    for (enum tls_level level = LEVEL_MAY; level < LEVEL_COUNT; level++) {
        more.minimum = level == LEVEL_FINGERPRINT ? 0 : TLS_LEVEL_BIT(level);
        expect_not_weaker(s, before, &more);
    }
    more = *s;
    if (s->message == MESSAGE_TLS_OPTIONAL) {
        more.message = MESSAGE_ORDINARY;
        expect_not_weaker(s, before, &more);
    }
    if (s->message == MESSAGE_ORDINARY) {
        more.message = MESSAGE_REQUIRETLS;
        for (int offers = 0; offers < 2; offers++) {
            more.offers = offers != 0;
            expect_not_weaker(s, before, &more);
        }
    }
}

Test(cross, more_demands_never_give_a_weaker_plan)
{
    follow_all(more_is_not_weaker);
}

/* --- modes of REQUIRETLS ---------------------------------------------------------------------- */

/* What a relaxed row makes of a message that goes as `usual` without REQUIRETLS: with +starttls TLS stays a must, and
 * what cannot have it comes back at once; unless the message would not have been sent to this host in any case. */
static enum ending_kind expected_relaxed(const struct situation *s, const struct ending *usual)
{
    bool for_want_of_tls =
        usual->kind == SENT_CLEAR || usual->reason == REASON_STARTTLS_NOT_OFFERED ||
        usual->reason == REASON_STARTTLS_REFUSED || usual->reason == REASON_TLS_HANDSHAKE_FAILED;
    if (s->mode != REQUIRETLS_OPPORTUNISTIC_STARTTLS || !for_want_of_tls)
        return usual->kind;
    return has_tls(s) ? SENT_ENCRYPTED : RETURNED;
}

/* Where the operator relaxes it, mail with REQUIRETLS goes as any other, at least under TLS with
 * +starttls. covers: RTLS-13 CODE-09 CODE-10 */
static void relaxed(const struct situation *s, const struct ending *ending)
{
    (void)ending;
    if (s->message != MESSAGE_REQUIRETLS)
        return;
    struct situation ordinary = *s, as = *s;
    ordinary.message = MESSAGE_ORDINARY;
    struct ending usual = cross_follow(&ordinary);
    for (as.mode = REQUIRETLS_OPPORTUNISTIC_STARTTLS; as.mode <= REQUIRETLS_DISABLE; as.mode++) {
        struct ending got = cross_follow(&as);
        cr_expect(eq(int, got.kind, expected_relaxed(&as, &usual)), "%s", situation_text(&as));
        if (got.kind == RETURNED)
            cr_expect(eq(str, (char *)reason_status(got.reason),
                         s->server == SERVER_NO_STARTTLS ? "5.7.30" : "5.7.10"),
                      "%s", situation_text(&as));
        bool passed_on =
            got.kind < HELD && got.kind != SENT_CLEAR && s->offers && as.mode != REQUIRETLS_DISABLE;
        cr_expect(eq(int, got.requiretls, passed_on), "%s", situation_text(&as));
    }
}

Test(cross, requiretls_can_be_relaxed_by_row)
{
    follow_all(relaxed);
}

/* --- reports ---------------------------------------------------------------------------------- */

/* covers: STS-50 RPT-09 RPT-11 RPT-14 RPT-21 RPT-23 RPT-25 */
Test(cross, each_policy_is_counted_by_itself)
{
    static const struct {
        struct situation s;
        const char *ending, *report;
    } cases[] = {
        {{DANE_ABSENT, STS_ABSENT, LEVEL_AUTO, .server = SERVER_NEITHER},
         "encrypted",
         "no policy: success"},
        {{DANE_ABSENT, STS_ABSENT, LEVEL_AUTO, .server = SERVER_NO_STARTTLS},
         "clear",
         "no policy: starttls-not-supported"},
        {{DANE_USABLE, STS_TESTING, LEVEL_AUTO, .server = SERVER_BOTH},
         "verified",
         "tlsa: success, sts: success"},
        {{DANE_USABLE, STS_TESTING, LEVEL_AUTO, .server = SERVER_PUBLISHED},
         "verified",
         "tlsa: success, sts: certificate-not-trusted"},
        {{DANE_USABLE, STS_TESTING, LEVEL_AUTO, .server = SERVER_CA},
         "held 4.7.5 tlsa-mismatch",
         "tlsa: tlsa-invalid, sts: success"},
        {{DANE_USABLE, STS_ENFORCE, LEVEL_AUTO, .server = SERVER_PUBLISHED},
         "verified",
         "tlsa: success, sts: certificate-not-trusted"},
        {{DANE_UNUSABLE, STS_ENFORCE, LEVEL_AUTO, .server = SERVER_CA},
         "verified",
         "tlsa: tlsa-invalid, sts: success"},
        {{DANE_ABSENT, STS_TESTING_UNLISTED, LEVEL_AUTO, .server = SERVER_CA},
         "encrypted",
         "sts: validation-failure"},
        {{DANE_ABSENT, STS_TESTING, LEVEL_AUTO, .server = SERVER_NO_STARTTLS},
         "clear",
         "sts: starttls-not-supported"},
        {{DANE_ABSENT, STS_TESTING, LEVEL_AUTO, .server = SERVER_HANDSHAKE_FAILS},
         "clear",
         "sts: validation-failure"},
        {{DANE_ABSENT, STS_NONE, LEVEL_AUTO, .server = SERVER_NEITHER},
         "encrypted",
         "no policy: success"},
        {{DANE_USABLE, STS_ENFORCE, LEVEL_ENCRYPT, .server = SERVER_NEITHER},
         "encrypted",
         "no policy: success"},
        {{DANE_USABLE, STS_ENFORCE, LEVEL_AUTO, .message = MESSAGE_TLS_OPTIONAL,
          .server = SERVER_NEITHER},
         "encrypted",
         "tlsa: tlsa-invalid, sts: certificate-not-trusted"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ending ending = cross_follow(&cases[i].s);
        cr_expect(eq(str, (char *)ending_text(&ending), (char *)cases[i].ending), "%zu", i);
        cr_expect(eq(str, (char *)ending.report, (char *)cases[i].report), "%zu", i);
    }
}

/* covers: STS-52 */
Test(cross, with_dane_sts_both_the_public_certificate_counts_too)
{
    struct situation s = {DANE_USABLE, STS_ENFORCE, LEVEL_AUTO, .server = SERVER_PUBLISHED};
    scene_settings.dane_sts_both = true;
    struct ending ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "held 4.7.5 certificate-not-trusted"));
    s.server = SERVER_BOTH;
    ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "verified"));
}

/* covers: STS-10 */
Test(cross, a_failed_look_up_can_be_passed_over)
{
    struct situation s = {DANE_ABSENT, STS_LOOKUP_FAILS, LEVEL_AUTO, .server = SERVER_NEITHER};
    struct ending ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "held 4.7.0 sts-lookup-failed"));
    scene_settings.sts_txt_error_continue = true;
    ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "encrypted"));
}

/* covers: RTLS-08 */
Test(cross, testing_vouches_only_by_option)
{
    struct situation s = {DANE_UNSIGNED,       STS_TESTING,
                          LEVEL_AUTO,          .message = MESSAGE_REQUIRETLS,
                          .server = SERVER_CA, .offers = true};
    struct ending ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "returned 5.7.10 requiretls-mx-not-secured"));
    scene_settings.requiretls_sts_testing = true;
    ending = cross_follow(&s);
    cr_assert(eq(str, (char *)ending_text(&ending), "verified"));
    cr_assert(ending.requiretls);
}
