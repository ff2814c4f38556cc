/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the two files of authentication share: one session's state while it
 * authenticates.
 */
#ifndef VIRGATE_DAEMON_AUTH_STATE_H
#define VIRGATE_DAEMON_AUTH_STATE_H

#include "core/error.h"
#include "daemon/auth.h"
#include "daemon/session.h"

enum auth_task {
  AUTH_FACTS,                   /* all chains, from the facts */
  AUTH_POLKIT_DECIDES,          /* one chain, with its polkit method */
  AUTH_START,
  AUTH_STEP
};

/* What is known of a chain. */
enum chain_state {
  CHAIN_FAILED,
  CHAIN_DONE,
  CHAIN_TALKS,                  /* wants a conversation */
  CHAIN_POLKIT
};

struct auth {
  struct mail mail;
  struct job job;
  struct job_line line;
  struct session *session;
  struct policy *policy;        /* a reference */
  enum auth_task task;
  bool is_busy;                 /* a worker has it */
  char *why;                    /* what methods said when they refused */
  struct virgate_error told;    /* what the client may know of it */
  uint8_t chains[AUTH_CHAINS_MAX]; /* enum chain_state */
  struct virgate_call *call;    /* that waits for the task, or NULL */
  int (*settle) (struct auth *auth); /* on the loop, after the task */
  int outcome;                  /* of the task: enum virgate_auth_result */

  const struct auth_chain *chain; /* the one being tried */
  const struct auth_method *talks; /* its method that converses */
  void *conv;
  const char *mech;             /* for AUTH_START */
  struct virgate_auth_data in, out;
};

/* Run a task here or, if a method may block, on a worker; settle follows.
 * Returns what settle returned, or VIRGATE_LATER.
 */
int auth_run (struct auth *auth, enum auth_task task);

/* The session is who the identity says.  0, or -1: it may not come in. */
int auth_succeed (struct session *session);

/* It failed, and is not tried again on this connection. */
void auth_fail (struct auth *auth);

/* Is the session told 'no', whatever it asks? */
bool auth_is_refused (const struct auth *auth);

/* What the worker part of START and STEP does. */
int auth_talk (struct auth *auth);
/* Ask the methods of a chain from index FROM to before TO. */
int auth_decide (struct session *session, const struct auth_chain *chain,
                 unsigned from, unsigned to, bool polkit_too);

void auth_context_init (const struct session *session,
                        struct virgate_auth_context *context);

#endif /* VIRGATE_DAEMON_AUTH_STATE_H */
