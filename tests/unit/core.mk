# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests of what daemon and client share, and of the transports.
EXTRA_DIST += core.mk
noinst_HEADERS += module-dir.h transport-unit.h

check_PROGRAMS += test-conffile
test_conffile_SOURCES = test-conffile.c

check_PROGRAMS += test-error
test_error_SOURCES = test-error.c

check_PROGRAMS += test-log
test_log_SOURCES = test-log.c

check_PROGRAMS += test-peer
test_peer_SOURCES = test-peer.c

check_PROGRAMS += test-layer
test_layer_SOURCES = test-layer.c

check_PROGRAMS += test-uri
test_uri_SOURCES = test-uri.c

check_PROGRAMS += test-authfile
test_authfile_SOURCES = test-authfile.c

# The loader: a module without faults, and one for each fault.  The test puts
# them into a folder under the name of a module.
ODD_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
check_LTLIBRARIES = odd.la odd-magic.la odd-abi.la odd-size.la odd-ops.la \
  odd-kind.la odd-name.la odd-hook.la odd-option.la odd-default.la \
  odd-short.la
odd_la_SOURCES = modules/odd.c
odd_la_LDFLAGS = $(ODD_LDFLAGS)
odd_la_LIBADD =
odd_magic_la_SOURCES = modules/odd.c
odd_magic_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_MAGIC=1
odd_magic_la_LDFLAGS = $(ODD_LDFLAGS)
odd_magic_la_LIBADD =
odd_abi_la_SOURCES = modules/odd.c
odd_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_ABI=2
odd_abi_la_LDFLAGS = $(ODD_LDFLAGS)
odd_abi_la_LIBADD =
odd_size_la_SOURCES = modules/odd.c
odd_size_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_SIZE=24
odd_size_la_LDFLAGS = $(ODD_LDFLAGS)
odd_size_la_LIBADD =
odd_ops_la_SOURCES = modules/odd.c
odd_ops_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_OPS_SIZE=0
odd_ops_la_LDFLAGS = $(ODD_LDFLAGS)
odd_ops_la_LIBADD =
odd_kind_la_SOURCES = modules/odd.c
odd_kind_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_KIND=VIRGATE_KIND_ACL
odd_kind_la_LDFLAGS = $(ODD_LDFLAGS)
odd_kind_la_LIBADD =
odd_name_la_SOURCES = modules/odd.c
odd_name_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_NAME='"other"'
odd_name_la_LDFLAGS = $(ODD_LDFLAGS)
odd_name_la_LIBADD =
odd_hook_la_SOURCES = modules/odd.c
odd_hook_la_CPPFLAGS = $(AM_CPPFLAGS) -DODD_CLOSE=NULL
odd_hook_la_LDFLAGS = $(ODD_LDFLAGS)
odd_hook_la_LIBADD =
odd_option_la_SOURCES = modules/odd.c
odd_option_la_CPPFLAGS = $(AM_CPPFLAGS) \
  '-DODD_OPTION={ .key = "word", .type = 1, .help = "" }'
odd_option_la_LDFLAGS = $(ODD_LDFLAGS)
odd_option_la_LIBADD =
check_LTLIBRARIES += odd-both.la odd-required.la
odd_both_la_SOURCES = modules/odd.c
odd_both_la_CPPFLAGS = $(AM_CPPFLAGS) \
  '-DODD_OPTION={ "n", VIRGATE_OPTION_UINT, 1, .help = "", .def = "1" }'
odd_both_la_LDFLAGS = $(ODD_LDFLAGS)
odd_both_la_LIBADD =
odd_required_la_SOURCES = modules/odd.c
odd_required_la_CPPFLAGS = $(AM_CPPFLAGS) \
  '-DODD_OPTION={ "n", VIRGATE_OPTION_UINT, 1, .help = "how many" }'
odd_required_la_LDFLAGS = $(ODD_LDFLAGS)
odd_required_la_LIBADD =
odd_default_la_SOURCES = modules/odd.c
odd_default_la_CPPFLAGS = $(AM_CPPFLAGS) \
  '-DODD_OPTION={ .key = "n", .type = 3, .help = "", .def = "many" }'
odd_default_la_LDFLAGS = $(ODD_LDFLAGS)
odd_default_la_LIBADD =
# Constructors that do not come back.
check_LTLIBRARIES += odd-crash.la odd-hang.la odd-exit.la
odd_crash_la_SOURCES = modules/odd.c
odd_crash_la_CPPFLAGS = $(AM_CPPFLAGS) '-DODD_LOAD=raise (SIGSEGV)'
odd_crash_la_LDFLAGS = $(ODD_LDFLAGS)
odd_crash_la_LIBADD =
odd_hang_la_SOURCES = modules/odd.c
odd_hang_la_CPPFLAGS = $(AM_CPPFLAGS) '-DODD_LOAD=pause ()'
odd_hang_la_LDFLAGS = $(ODD_LDFLAGS)
odd_hang_la_LIBADD =
odd_exit_la_SOURCES = modules/odd.c
odd_exit_la_CPPFLAGS = $(AM_CPPFLAGS) '-DODD_LOAD=exit (0)'
odd_exit_la_LDFLAGS = $(ODD_LDFLAGS)
odd_exit_la_LIBADD =
# Built with an ops structure that ended before connect, say.
odd_short_la_SOURCES = modules/odd.c
odd_short_la_CPPFLAGS = $(AM_CPPFLAGS) \
  '-DODD_OPS_SIZE=offsetof (struct virgate_transport_ops, connect)'
odd_short_la_LDFLAGS = $(ODD_LDFLAGS)
odd_short_la_LIBADD =

# Modules that answer a server, under three names.
check_LTLIBRARIES += answer-sasl.la answer-password.la answer-other.la
answer_sasl_la_SOURCES = modules/answer.c
answer_sasl_la_LDFLAGS = $(ODD_LDFLAGS)
answer_sasl_la_LIBADD =
answer_password_la_SOURCES = modules/answer.c
answer_password_la_CPPFLAGS = $(AM_CPPFLAGS) -DANSWER_NAME='"password"'
answer_password_la_LDFLAGS = $(ODD_LDFLAGS)
answer_password_la_LIBADD =
answer_other_la_SOURCES = modules/answer.c
answer_other_la_CPPFLAGS = $(AM_CPPFLAGS) -DANSWER_NAME='"other"'
answer_other_la_LDFLAGS = $(ODD_LDFLAGS)
answer_other_la_LIBADD =

check_PROGRAMS += test-authenticate
test_authenticate_SOURCES = test-authenticate.c

check_PROGRAMS += test-modules
test_modules_SOURCES = test-modules.c

check_PROGRAMS += test-instance
test_instance_SOURCES = test-instance.c

if HAVE_TRANSPORT_UNIX
check_PROGRAMS += test-transport-unix
test_transport_unix_SOURCES = test-transport-unix.c
test_transport_unix_CPPFLAGS = $(AM_CPPFLAGS) \
  -DRUNSTATEDIR='"$(runstatedir)"'
endif

if HAVE_TRANSPORT_TCP
check_PROGRAMS += test-transport-tcp
test_transport_tcp_SOURCES = test-transport-tcp.c
endif

if HAVE_TRANSPORT_SSH
check_PROGRAMS += test-ssh-files
test_ssh_files_SOURCES = test-ssh-files.c
test_ssh_files_LDADD = $(top_builddir)/plugins/transport-ssh/libsshfiles.la \
  $(LDADD)
endif

check_PROGRAMS += test-skeleton
test_skeleton_SOURCES = test-skeleton.c
