# SPDX-License-Identifier: LGPL-2.1-or-later
# Access control modules.
EXTRA_DIST += acl.mk
if HAVE_ACL_IP
check_PROGRAMS += test-acl-ip-list
test_acl_ip_list_SOURCES = test-acl-ip-list.c
test_acl_ip_list_LDADD = $(top_builddir)/plugins/acl/libip.la $(LDADD)

check_PROGRAMS += test-acl-ip
test_acl_ip_SOURCES = test-acl-ip.c
thread_tests += test-acl-ip
endif

if HAVE_ACL_RULES
check_PROGRAMS += test-acl-rules
test_acl_rules_SOURCES = test-acl-rules.c
test_acl_rules_LDADD = $(top_builddir)/plugins/acl/librules.la $(LDADD)
endif
