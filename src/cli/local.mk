# The `daneway` command. The library is all of it but main, for the tests.
noinst_LIBRARIES += libdaneway-cli.a
libdaneway_cli_a_SOURCES = src/cli/command.c src/cli/command.h src/cli/daemon.c src/cli/daemon.h \
	src/cli/completion.c src/cli/top.c src/cli/top.h src/cli/render_top.c src/cli/doctor.c src/cli/doctor.h src/cli/doctor_machine.c src/cli/doctor_network.c src/cli/doctor_setup.c src/cli/report_check.h src/cli/examine.c src/cli/examine.h src/cli/explain.c src/cli/format.c src/cli/format.h \
	src/cli/http.c src/cli/http.h src/cli/queue.c src/cli/queue_filter.c src/cli/queue_filter.h src/cli/queue_summary.c src/cli/queue_act.c src/cli/progress.c src/cli/progress.h src/cli/reasons.c src/cli/render.h \
	src/cli/render_answer.c src/cli/render_facts.c src/cli/render_policy.c src/cli/render_trace.c \
	src/cli/config_check.c src/cli/render_report.c src/cli/report.c src/cli/report_check.c src/cli/report_submit.c src/cli/lookups.c src/cli/lookups.h src/cli/report_input.c \
	src/cli/report_input.h src/cli/report_sources.c src/cli/report_sources.h src/cli/status.c src/cli/downgrades.c src/cli/shadow.c src/cli/sts.c src/cli/sts_offline.c src/cli/table_match.c \
	src/cli/verify_chain.c src/check.c src/check.h src/role.c src/role.h src/self.c src/self.h src/wire_sts.c src/wire_sts.h src/trust.c src/trust.h
bin_PROGRAMS += daneway
daneway_SOURCES = src/cli/main.c
daneway_LDADD = libdaneway-cli.a $(STATIONS)

# Completion for shells comes from the command's own table, so it never lags behind it.
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = completion/bash/daneway
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_zshcompletion_DATA = completion/zsh/_daneway
CLEANFILES += $(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA)
completion/bash/daneway: daneway$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completion/bash && ./daneway completion bash >$@.new && mv $@.new $@
completion/zsh/_daneway: daneway$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completion/zsh && ./daneway completion zsh >$@.new && mv $@.new $@
