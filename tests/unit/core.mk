# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of what daemon and client share, and of the transports.
EXTRA_DIST += core.mk

check_PROGRAMS += test-conffile
test_conffile_SOURCES = test-conffile.c

check_PROGRAMS += test-uri
test_uri_SOURCES = test-uri.c
