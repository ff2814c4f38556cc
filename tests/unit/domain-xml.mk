# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of the test driver's XML: documents in, canonical documents out.
EXTRA_DIST += domain-xml.mk data/domain-xml
if HAVE_DRIVER_TEST
domain_xml_cppflags = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) \
  -DDATA_DIR='"$(abs_srcdir)/data/domain-xml"'
domain_xml_ldadd = $(top_builddir)/plugins/driver-test/libtestxml.la \
  $(CMOCKA_LIBS) $(LIBXML2_LIBS)

check_PROGRAMS += test-domain-xml test-domain-xml-edit test-domain-xml-errors \
  test-xml-parse
test_domain_xml_CPPFLAGS = $(domain_xml_cppflags)
test_domain_xml_LDADD = $(domain_xml_ldadd)
test_domain_xml_edit_CPPFLAGS = $(domain_xml_cppflags)
test_domain_xml_edit_LDADD = $(domain_xml_ldadd)
test_domain_xml_errors_CPPFLAGS = $(domain_xml_cppflags)
test_domain_xml_errors_LDADD = $(domain_xml_ldadd)
test_xml_parse_CPPFLAGS = $(domain_xml_cppflags)
test_xml_parse_LDADD = $(domain_xml_ldadd)
endif
