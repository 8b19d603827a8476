# Files of src/attempt/: station 4, one delivery attempt. The only place where resolve, policy, tls and smtp meet.
noinst_LIBRARIES += libdaneway-attempt.a
libdaneway_attempt_a_SOURCES = src/attempt/attempt.c src/attempt/attempt.h src/attempt/attempt_inside.h src/attempt/attempt_hosts.c \
	src/attempt/conductor.c src/attempt/conductor.h src/attempt/decision.c src/attempt/decision.h src/attempt/foregone.c src/attempt/foregone.h src/attempt/session.c src/attempt/session.h \
	src/attempt/session_inside.h src/attempt/session_states.c src/attempt/session_keep.c \
	src/attempt/reach.c src/attempt/reach.h src/attempt/pool.c src/attempt/pool.h src/attempt/limits.c src/attempt/limits.h src/attempt/transaction.c \
	src/attempt/transaction_result.c src/attempt/transaction_content.c src/attempt/transaction_inside.h src/attempt/transaction.h src/attempt/outcome.c src/attempt/outcome.h src/attempt/ledger.h \
	src/attempt/party.c src/attempt/party.h src/attempt/shadow.c src/attempt/shadow.h src/attempt/watch.c src/attempt/watch.h src/attempt/tally_record.c src/attempt/trace.c \
	src/attempt/trace.h src/attempt/trace_facts.c src/attempt/trace_plan.c src/attempt/trace_json.h \
	src/attempt/trace_writer.c src/attempt/trace_writer.h
