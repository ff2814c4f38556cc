# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of the virgate command.
EXTRA_DIST += cli.mk

if HAVE_CLI
check_PROGRAMS += test-cli
test_cli_LDADD = $(top_builddir)/client/cli/libcli.la \
  $(top_builddir)/client/libvirgate.la $(CMOCKA_LIBS)
endif
