# SPDX-License-Identifier: LGPL-2.1-or-later
# What virgate-ssh-helper says, and how virgated reads it.
EXTRA_DIST += ssh.mk
if HAVE_TRANSPORT_SSH
check_PROGRAMS += test-ssh-note
test_ssh_note_SOURCES = test-ssh-note.c
endif
