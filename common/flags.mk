# SPDX-License-Identifier: LGPL-2.1-or-later
# Compiler flags shared by every folder; Makefile.am files include it first.
# A part may see the public headers, the generated ones and common/ only;
# folders that may look into core/ add it themselves.
AM_CPPFLAGS = -I$(top_srcdir)/include -I$(top_builddir)/include \
              -I$(top_srcdir) -I$(top_builddir)
AM_CFLAGS = -std=gnu11 -fvisibility=hidden -pthread $(WARN_CFLAGS) $(SAN_CFLAGS)
AM_LDFLAGS = $(SAN_CFLAGS)
