/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The question that --explain is asked, in words.
 */
#ifndef VIRGATE_DAEMON_EXPLAIN_WORDS_H
#define VIRGATE_DAEMON_EXPLAIN_WORDS_H

#include <stdbool.h>

#include <virgate/acl.h>

#include "core/peer.h"
#include "daemon/objects.h"

/* Words of one kind in a question. */
#define EXPLAIN_WORDS_MAX 64

struct words {
  char *word[EXPLAIN_WORDS_MAX];
  unsigned count;
};

/* An object that a call is about. */
struct explain_object {
  const char *kind;
  char *name, *parent;          /* NULL: not said */
  uint8_t uuid[16];
  bool has_uuid;
};

struct explain_question {
  char *listener;               /* NULL: the only one */
  char *user;                   /* by a conversation; NULL: none is held */
  char *call;                   /* a procedure; NULL: none */
  char *xml;                    /* a file: what it would make; or NULL */
  struct explain_object objects[OBJECTS_MAX];
  unsigned object_count;
  char *flags, *source;         /* arguments that it depends on; or NULL */
  struct words groups, methods; /* that come with it */
  struct virgate_peer early;    /* facts that are known at once */
  struct virgate_peer late;     /* and after the handshake */
};

/* A line on standard error; always returns -1. */
int explain_complain (const char *fmt, ...)
  __attribute__ ((format (printf, 1, 2)));

/* Read the words.  0; or -1 after saying on standard error what is wrong. */
int explain_read (struct explain_question *question, const char *text);
void explain_free (struct explain_question *question);

/* Move all facts of one peer behind another's.  0, or -1 without memory. */
int explain_add_facts (struct virgate_peer *to,
                       const struct virgate_peer *from);

#endif /* VIRGATE_DAEMON_EXPLAIN_WORDS_H */
