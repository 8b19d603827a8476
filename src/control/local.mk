# Files of src/control/: the channel, the agent in each worker, the control role with its status socket.
noinst_LIBRARIES += libdaneway-control.a
libdaneway_control_a_SOURCES = src/control/channel.c src/control/channel.h src/control/agent.c \
	src/control/agent.h src/control/agent_private.h src/control/agent_queue.c src/control/exceptions.c src/control/exceptions.h src/control/panel.c src/control/panel.h src/control/overview.c \
	src/control/overview.h src/control/metrics.c src/control/status_queue.c src/control/status_queue.h src/control/exchange.c src/control/exchange.h \
	src/control/door.c src/control/door.h src/control/guard.c src/control/guard.h src/control/events.c src/control/events.h \
	src/control/history.c src/control/history.h src/control/status_assets.c src/control/status_assets.h \
	src/control/status_pages.c src/control/status_pages.h src/control/status_commands.c src/control/status_commands.h src/control/status_socket.c \
	src/control/status_socket.h src/control/report_jobs.c src/control/report_jobs.h \
	src/control/report_job.c src/control/report_job.h src/control/control.c src/control/control.h

# The dashboard's files, as constants of a C file.
DASHBOARD = src/control/dashboard/index.html src/control/dashboard/dashboard.css src/control/dashboard/dashboard.js \
	src/control/dashboard/icon.svg
nodist_libdaneway_control_a_SOURCES = src/control/status_asset_list.c
CLEANFILES += src/control/status_asset_list.c
EXTRA_DIST += $(DASHBOARD)
dist_noinst_SCRIPTS += scripts/embed
src/control/status_asset_list.c: $(DASHBOARD) scripts/embed
	$(AM_V_GEN)$(MKDIR_P) src/control && (cd $(srcdir) && scripts/embed $(DASHBOARD)) >$@.new && mv $@.new $@
