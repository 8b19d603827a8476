# Tests: unit tests mirror policy/ and src/ folder by folder; each folder's list is in its local.mk.
# A unit test program: check_PROGRAMS += tests/unit/test-NAME, TESTS += tests/unit/test-NAME, _CPPFLAGS = $(UNIT_CPPFLAGS).
# Criterion's `str` is not const; our warnings stay for everything else.
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS) -Wno-discarded-qualifiers
AM_TESTS_ENVIRONMENT = TOP_SRCDIR='$(abs_top_srcdir)'; export TOP_SRCDIR; \
	UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1'; export UBSAN_OPTIONS;
if HAVE_CRITERION
include tests/unit/base/local.mk
include tests/unit/loop/local.mk
include tests/unit/log/local.mk
include tests/unit/conf/local.mk
include tests/unit/policy/local.mk
include tests/unit/smtp/local.mk
include tests/unit/tls/local.mk
include tests/unit/resolve/local.mk
include tests/unit/spool/local.mk
include tests/unit/schedule/local.mk
include tests/unit/attempt/local.mk
include tests/unit/result/local.mk
include tests/unit/report/local.mk
include tests/unit/intake/local.mk
include tests/unit/policy_service/local.mk
include tests/unit/sandbox/local.mk
include tests/unit/main/local.mk
include tests/unit/control/local.mk
include tests/unit/cli/local.mk
endif
include tests/unit/lab/local.mk
include tests/replay/local.mk
include tests/simulation/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/faults/local.mk
EXTRA_DIST += scripts tests/lab tests/system
