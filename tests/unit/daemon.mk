# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon's parts that can be tested without a daemon.
EXTRA_DIST += daemon.mk
if HAVE_DAEMON
DAEMON_LIB = $(top_builddir)/daemon/libdaemon.la

check_PROGRAMS += test-daemon-names
test_daemon_names_SOURCES = test-daemon-names.c
test_daemon_names_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-objects
test_daemon_objects_SOURCES = test-daemon-objects.c
test_daemon_objects_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-counts
test_daemon_counts_SOURCES = test-daemon-counts.c
test_daemon_counts_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-passed
test_daemon_passed_SOURCES = test-daemon-passed.c
test_daemon_passed_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-plain
test_daemon_plain_SOURCES = test-daemon-plain.c
test_daemon_plain_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-workers
test_daemon_workers_SOURCES = test-daemon-workers.c
test_daemon_workers_LDADD = $(DAEMON_LIB) $(LDADD)

check_PROGRAMS += test-daemon-audit
test_daemon_audit_SOURCES = test-daemon-audit.c
test_daemon_audit_LDADD = $(DAEMON_LIB) $(LDADD)

if HAVE_LIBXML2
check_PROGRAMS += test-daemon-describe
test_daemon_describe_SOURCES = test-daemon-describe.c
test_daemon_describe_LDADD = $(DAEMON_LIB) $(LDADD)
endif

check_PROGRAMS += test-daemon-settings
test_daemon_settings_SOURCES = test-daemon-settings.c
test_daemon_settings_LDADD = $(DAEMON_LIB) $(LDADD)
endif
