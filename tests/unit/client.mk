# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of libvirgate; most of them against a server on a thread of their own.
EXTRA_DIST += client.mk
client_ldadd = $(top_builddir)/protocol/libstubs.la \
  $(top_builddir)/client/libclient.la $(CMOCKA_LIBS)
fake_server = fake-server.c fake-server.h

check_PROGRAMS += test-client-async test-client-call test-client-conf \
  test-client-credential test-client-json test-client-stream test-client-threads
test_client_async_SOURCES = test-client-async.c $(fake_server)
test_client_async_LDADD = $(client_ldadd)
test_client_call_SOURCES = test-client-call.c $(fake_server)
test_client_call_LDADD = $(client_ldadd)
test_client_conf_LDADD = $(client_ldadd)
test_client_credential_LDADD = $(client_ldadd)
test_client_json_LDADD = $(client_ldadd)
test_client_stream_SOURCES = test-client-stream.c $(fake_server)
test_client_stream_LDADD = $(client_ldadd)
test_client_threads_SOURCES = test-client-threads.c $(fake_server)
test_client_threads_LDADD = $(client_ldadd)

# What there is with threads, for a build with ThreadSanitizer.
thread_tests = test-client-async test-client-call test-client-stream \
  test-client-threads
.PHONY: check-threads recheck-threads
check-threads recheck-threads:
	$(MAKE) $(AM_MAKEFLAGS) $(@:-threads=) TESTS='$(thread_tests)' \
	  check_PROGRAMS='$(thread_tests)'
