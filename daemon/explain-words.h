/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The question that --explain is asked, in words.
 */
#ifndef VIRGATE_DAEMON_EXPLAIN_WORDS_H
#define VIRGATE_DAEMON_EXPLAIN_WORDS_H

#include <stdbool.h>

#include "core/peer.h"

/* Words of one kind in a question. */
#define EXPLAIN_WORDS_MAX 64

struct words {
  char *word[EXPLAIN_WORDS_MAX];
  unsigned count;
};

struct explain_question {
  char *listener;               /* NULL: the only one */
  char *user;                   /* by a conversation; NULL: none is held */
  char *call;                   /* a procedure; NULL: none */
  const char *object_kind;      /* that it is about; NULL: none */
  char *object;                 /* its name */
  struct words groups, methods; /* that come with it */
  struct virgate_peer early;    /* facts that are known at once */
  struct virgate_peer late;     /* and after the handshake */
};

/* Read the words.  0; or -1 after saying on standard error what is wrong. */
int explain_read (struct explain_question *question, const char *text);
void explain_free (struct explain_question *question);

/* Move all facts of one peer behind another's.  0, or -1 without memory. */
int explain_add_facts (struct virgate_peer *to,
                       const struct virgate_peer *from);

#endif /* VIRGATE_DAEMON_EXPLAIN_WORDS_H */
