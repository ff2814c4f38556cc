# SPDX-License-Identifier: LGPL-2.1-or-later
# How a module is linked: one shared object without a version in its name,
# exporting one symbol.  A module's Makefile.am includes flags.mk, then this.
MODULE_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
  -export-symbols-regex '^virgate_module$$'
MODULE_LIBADD = $(top_builddir)/common/libcommon.la
