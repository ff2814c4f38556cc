# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of protocol/, which needs common/ only.
protocol_ldadd = $(top_builddir)/protocol/libprotocol.la \
  $(top_builddir)/common/libcommon.la $(CMOCKA_LIBS)
fill_ldadd = $(top_builddir)/protocol/libfill.la $(protocol_ldadd)
protocol_cppflags = $(AM_CPPFLAGS) -DSRCDIR='"$(srcdir)"'

check_PROGRAMS += test-xdr test-xdr-errors test-xdr-limits test-xdr-memory \
  test-protocol test-protocol-golden
test_xdr_LDADD = $(fill_ldadd)
test_xdr_errors_LDADD = $(protocol_ldadd)
test_xdr_limits_LDADD = $(fill_ldadd)
test_xdr_memory_LDADD = $(fill_ldadd)
test_xdr_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=realloc
test_protocol_LDADD = $(protocol_ldadd)
test_protocol_golden_CPPFLAGS = $(protocol_cppflags)
test_protocol_golden_LDADD = $(protocol_ldadd)

check_SCRIPTS += test-protocol-gen.py
EXTRA_DIST += data/protocol-spec.hex data/protocol-libvirtd.hex \
  data/protocol-qemu.hex
