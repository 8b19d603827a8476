# What a first installation starts from, and the units. The configuration is the operator's as soon as it is there: no
# installation overwrites it, and "make uninstall" removes a file only if it is still as it came.
confdir = $(sysconfdir)/daneway
initial_configuration = etc/daneway.conf etc/clients etc/tls_policy etc/mailboxes
EXTRA_DIST += $(initial_configuration) doc/danewayd.service.in

systemdsystemunit_DATA = danewayd.service
dist_systemdsystemunit_DATA = doc/danewayd.socket
CLEANFILES += danewayd.service
danewayd.service: doc/danewayd.service.in Makefile
	$(AM_V_GEN)sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@confdir[@]|$(confdir)|g' '$(srcdir)/doc/danewayd.service.in' >$@

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(confdir)'
	for file in $(initial_configuration); do \
		to='$(DESTDIR)$(confdir)'/$${file#etc/}; \
		test -e "$$to" || $(INSTALL_DATA) '$(srcdir)'/$$file "$$to" || exit 1; \
	done

uninstall-local:
	for file in $(initial_configuration); do \
		to='$(DESTDIR)$(confdir)'/$${file#etc/}; \
		! cmp -s '$(srcdir)'/$$file "$$to" || rm -f "$$to" || exit 1; \
	done
	-rmdir '$(DESTDIR)$(confdir)' 2>/dev/null
