# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of the drivers: the built module in a host without a network.
EXTRA_DIST += driver.mk
noinst_HEADERS += driver-unit.h

check_PROGRAMS += test-driver-test-life test-driver-test-objects
test_driver_test_life_SOURCES = test-driver-test-life.c
test_driver_test_life_LDADD = $(CMOCKA_LIBS)
test_driver_test_objects_SOURCES = test-driver-test-objects.c
test_driver_test_objects_LDADD = $(CMOCKA_LIBS)
