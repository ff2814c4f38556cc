/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of virgate-ssh-helper.
 */
#ifndef VIRGATE_TRANSPORT_SSH_HELPER_H
#define VIRGATE_TRANSPORT_SSH_HELPER_H

#include "note.h"

#define URI_MAX 1024

/* What is asked for, on the command line or by the client's own command. */
struct wish {
  bool read_only;
  bool mark;                    /* say when the connection is ready */
  char uri[URI_MAX];            /* "": none */
  const char *socket;           /* NULL: the default ones */
};

/* helper-original.c: take from a command that is not run what can be
 * understood: that no more than reading is wanted, which URI, and the mark.
 */
void original_read (const char *command, struct wish *wish);

/* helper-session.c: what sshd says of this session in the environment, as far
 * as it is well-formed; the account.
 */
void session_read (struct note *note);

#endif /* VIRGATE_TRANSPORT_SSH_HELPER_H */
