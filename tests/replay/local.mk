# Replayed scenarios of whole delivery attempts: one test a file, see tests/replay/README.
check_PROGRAMS += tests/replay/replay
tests_replay_replay_SOURCES = tests/replay/replay.c tests/replay/replay.h tests/replay/scenario.c \
	tests/replay/expect.c tests/replay/certificates.c tests/replay/fake_loop.c \
	tests/replay/fake_stream.c tests/replay/fake_resolve.c tests/replay/fake_spool.c
tests_replay_replay_LDADD = libdaneway-attempt.a libdaneway-policy.a libdaneway-smtp.a \
	libdaneway-resolve.a libdaneway-base.a $(GNUTLS_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS)
TEST_EXTENSIONS = .scn
SCN_LOG_COMPILER = tests/replay/replay
REPLAY_SCENARIOS = \
	tests/replay/address-limit.scn \
	tests/replay/address-literal-is-own.scn \
	tests/replay/address-literal-of-operator.scn \
	tests/replay/address-literal-special.scn \
	tests/replay/address-literal.scn \
	tests/replay/block-stalls.scn \
	tests/replay/cancel.scn \
	tests/replay/connect-silent-and-refused.scn \
	tests/replay/content-bare-line-ends.scn \
	tests/replay/content-dots-and-last-line.scn \
	tests/replay/content-unreadable.scn \
	tests/replay/dane-all-address-lookups-fail.scn \
	tests/replay/dane-exempt-default-level.scn \
	tests/replay/dane-exempt-no-tlsa-query.scn \
	tests/replay/dane-expanded-base.scn \
	tests/replay/dane-handshake-fails.scn \
	tests/replay/dane-handshake-silent.scn \
	tests/replay/dane-insecure-mx-never-authenticates.scn \
	tests/replay/dane-mismatch-defers.scn \
	tests/replay/dane-mismatch-next-mx.scn \
	tests/replay/dane-one-address-lookup-fails.scn \
	tests/replay/dane-only-unsigned.scn \
	tests/replay/dane-only-without-tlsa.scn \
	tests/replay/dane-order-kept.scn \
	tests/replay/dane-starttls-refused.scn \
	tests/replay/dane-starttls-stripped.scn \
	tests/replay/dane-ta-name.scn \
	tests/replay/dane-ta-wrong-name.scn \
	tests/replay/dane-tlsa-bogus-defers.scn \
	tests/replay/dane-tlsa-bogus-next-mx.scn \
	tests/replay/dane-tlsa-failed-defers.scn \
	tests/replay/dane-unusable-encrypts.scn \
	tests/replay/dane-unusable-needs-starttls.scn \
	tests/replay/dane-verified.scn \
	tests/replay/data-refused-then-rset.scn \
	tests/replay/data-refused.scn \
	tests/replay/data-silent.scn \
	tests/replay/domain-not-found.scn \
	tests/replay/dot-permanent.scn \
	tests/replay/dot-silent.scn \
	tests/replay/dot-temporary.scn \
	tests/replay/early-reply.scn \
	tests/replay/ehlo-address-literal.scn \
	tests/replay/ehlo-of-before-tls-forgotten.scn \
	tests/replay/ehlo-refused.scn \
	tests/replay/eightbit-nowhere.scn \
	tests/replay/eightbit.scn \
	tests/replay/encrypt-needs-starttls.scn \
	tests/replay/equal-preferences-as-listed.scn \
	tests/replay/equal-preferences-shuffled.scn \
	tests/replay/explain.scn \
	tests/replay/greeting-521-everywhere.scn \
	tests/replay/greeting-awaited.scn \
	tests/replay/greeting-never.scn \
	tests/replay/greeting-refused-next-host.scn \
	tests/replay/helo-fallback.scn \
	tests/replay/helo-not-with-dane.scn \
	tests/replay/hundred-recipients.scn \
	tests/replay/implicit-mx.scn \
	tests/replay/large-content-bounded.scn \
	tests/replay/level-none.scn \
	tests/replay/limits-rcptmax.scn \
	tests/replay/lone-dot.scn \
	tests/replay/loop-bounces.scn \
	tests/replay/loop-drops-worse.scn \
	tests/replay/lost-after-dot.scn \
	tests/replay/lost-at-mail.scn \
	tests/replay/mail-refused-for-good.scn \
	tests/replay/mail-refused-rcpt-accepted.scn \
	tests/replay/mail-silent.scn \
	tests/replay/mapped-own-address.scn \
	tests/replay/may-cleartext.scn \
	tests/replay/may-handshake-closed.scn \
	tests/replay/may-handshake-fails-fresh-connection.scn \
	tests/replay/may-starttls-refused-same-connection.scn \
	tests/replay/may-untrusted-tls.scn \
	tests/replay/mx-lookup-bogus.scn \
	tests/replay/mx-lookup-failed.scn \
	tests/replay/mx-unusable.scn \
	tests/replay/name-invalid.scn \
	tests/replay/no-recipient-no-data.scn \
	tests/replay/notice-by-bounce-nexthop.scn \
	tests/replay/null-mx.scn \
	tests/replay/partial-recipients.scn \
	tests/replay/pipelining-off.scn \
	tests/replay/policy-anew-each-attempt.scn \
	tests/replay/policy-of-idn-domain.scn \
	tests/replay/policy-of-port.scn \
	tests/replay/policy-reloaded-between-attempts.scn \
	tests/replay/probe.scn \
	tests/replay/quit-silent.scn \
	tests/replay/quit-unanswered.scn \
	tests/replay/rcpt-silent.scn \
	tests/replay/reply-cut-anywhere.scn \
	tests/replay/reply-endless.scn \
	tests/replay/reply-nonsense.scn \
	tests/replay/resolver-not-validating.scn \
	tests/replay/second-address-works.scn \
	tests/replay/second-ehlo-lost.scn \
	tests/replay/session-verified-for-one-host-only.scn \
	tests/replay/shutdown-421-at-rcpt.scn \
	tests/replay/size-too-big-everywhere.scn \
	tests/replay/size-too-big-once.scn \
	tests/replay/smart-host.scn \
	tests/replay/special-address.scn \
	tests/replay/starttls-injection-partial.scn \
	tests/replay/starttls-injection.scn \
	tests/replay/starttls-silent.scn \
	tests/replay/temporary-recipient-goes-to-next-host.scn \
	tests/replay/tls-report-not-counted.scn \
	tests/replay/too-many-at-once.scn \
	tests/replay/too-many-recipients.scn \
	tests/replay/trace-bounded.scn
TESTS += $(REPLAY_SCENARIOS)
EXTRA_DIST += $(REPLAY_SCENARIOS) tests/replay/README
