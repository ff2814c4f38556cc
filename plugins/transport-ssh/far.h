/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The far side: which ways lead from sshd to the daemon there, the command
 * that takes one, and what it says before the daemon's first byte.
 *
 * The command runs in the far user's shell, whose profile may print whatever
 * it likes.  So it says one line of its own, FAR_MARK and a word, right before
 * the daemon's bytes: what comes before that line is noise.  The words:
 *
 *   ready NAME    NAME carries the daemon's bytes from here on
 *   none WHY      this command found no way, and ends
 *
 * virgate-ssh-helper is given --mark, and says `ready virgate-ssh-helper'
 * itself, once the daemon has taken the connection; where sshd was told to run
 * it whatever the client asks for, it finds `--mark' in SSH_ORIGINAL_COMMAND.
 * Any other program that is forced on an account says nothing, and the
 * daemon's first byte, which is never printable, tells that it works.
 */
#ifndef VIRGATE_TRANSPORT_SSH_FAR_H
#define VIRGATE_TRANSPORT_SSH_FAR_H

#include "ssh.h"

#define FAR_MARK "virgate-far: "

/* Ways, in the order in which they are tried. */
enum far_way {
  FAR_HELPER = 1,               /* virgate-ssh-helper, or virt-ssh-helper */
  FAR_STREAMLOCAL = 2,          /* sshd connects to the socket itself */
  FAR_NETCAT = 4
};

#define FAR_SOCKETS_MAX 4

/* Which of them the request allows; a set of enum far_way. */
unsigned far_ways (const struct ssh_request *request);

/* Sockets that the daemon may have there, the likeliest first; malloc'ed. */
struct far_sockets {
  char *path[FAR_SOCKETS_MAX];
  int count;
};

/* Returns 0, or -1 when memory is exhausted, with nothing to free. */
int far_sockets (const struct ssh_request *request, struct far_sockets *out);
void far_sockets_free (struct far_sockets *sockets);

/* The command that tries FAR_HELPER, FAR_NETCAT, or one after the other;
 * malloc'ed, NULL when memory is exhausted.
 */
char *far_command (const struct ssh_request *request, unsigned ways);

/* answer.c: the far side's first words --------------------------------------*/

/* Profiles may print this much. */
#define ANSWER_MAX 65536

enum answer {
  ANSWER_MORE,                  /* not known yet */
  ANSWER_READY,                 /* word: what carries the bytes */
  ANSWER_NONE,                  /* word: why not */
  ANSWER_NOISE                  /* too much, and no mark in it */
};

struct answer_state {
  char *data;                   /* malloc'ed */
  size_t len;
  size_t rest;                  /* ANSWER_READY: where the daemon's bytes are */
  char word[512];               /* printable */
};

/* Add bytes that arrived and look again. */
enum answer answer_feed (struct answer_state *state, const char *data,
                         size_t len);

/* What was printed, on one line, for a message. */
void answer_quote (const char *data, size_t len, char *text, size_t size);

#endif /* VIRGATE_TRANSPORT_SSH_FAR_H */
