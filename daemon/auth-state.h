/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of authentication share: one session's state while it
 * authenticates.
 */
#ifndef VIRGATE_DAEMON_AUTH_STATE_H
#define VIRGATE_DAEMON_AUTH_STATE_H

#include "core/error.h"
#include "daemon/auth.h"
#include "daemon/session.h"

/* Why somebody who is known is refused, for the log. */
#define NOT_ENTERED "an access list lets it not in"

enum auth_task {
  AUTH_FACTS,                   /* all chains, from the facts */
  AUTH_POLKIT_DECIDES,          /* the chains with a polkit method */
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
  struct session *session;
  struct policy *policy;        /* a reference */
  enum auth_task task;
  bool is_busy;                 /* a worker has it */
  unsigned attempts;            /* that failed */
  int64_t begun;                /* the attempt's last message came */
  struct list delayed;          /* loop->delays, while an answer waits */
  int64_t answer_at;            /* for so long */
  char *why;                    /* what methods said when they refused */
  struct virgate_error told;    /* what the client may know of it */
  uint8_t chains[AUTH_CHAINS_MAX]; /* enum chain_state */
  uint8_t talkers[AUTH_CHAINS_MAX]; /* which method talks, or is polkit */
  struct virgate_call *call;    /* that waits for the task, or NULL */
  int (*settle) (struct auth *auth); /* on the loop, after the task */
  int outcome;                  /* of the task: enum virgate_auth_result */
  /* Offline: what polkit, a method that asks outside, or a conversation would
   * say.  Fills the session's identity on YES; PASS: nobody knows.
   */
  int (*assume) (struct auth *auth, const struct auth_method *method);

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

/* One line of the log has all that is known; the peer gets its reference. */
void auth_log_refusal (struct session *session, const char *why);

/* Is the session told 'no', whatever it asks? */
bool auth_is_refused (const struct auth *auth);

/* Whatever the conversation came to is forgotten. */
void auth_drop_conversation (struct auth *auth);

/* auth-attempts.c --------------------------------------------------------- */

/* auth->call is refused, now and whatever else the session asks. */
int auth_refuse_call (struct virgate_call *call);

/* The session's source is banned: as above, without a line in the log. */
int auth_turned_away (struct virgate_call *call);

/* The attempt that auth->call belongs to came to nothing.  Its answer waits;
 * after so many the connection ends.  told: what the client may know, or
 * NULL.  Returns what the call's handler returns.
 */
int auth_attempt_failed (struct auth *auth, const char *why,
                         const struct virgate_error *told);
/* The session ends: so does the wait for an answer. */
void auth_drop_answer (struct auth *auth);

/* auth-calls.c ------------------------------------------------------------ */

/* What the worker part of START and STEP does. */
int auth_talk (struct auth *auth);
/* Begin auth->chain with the first message for auth->talks. */
int auth_start_chain (struct auth *auth);

/* auth-chains.c ----------------------------------------------------------- */

/* Ask the methods of a chain from index FROM to before TO. */
int auth_decide (struct session *session, const struct auth_chain *chain,
                 unsigned from, unsigned to, bool polkit_too);

/* What the facts say of one chain; the identity is filled when it is done,
 * and *talker is the method that is left when it is not.  Of methods that ask
 * outside nothing is said when auth->assume says nothing.
 */
enum chain_state auth_try_chain (struct session *session,
                                 const struct auth_chain *chain,
                                 uint8_t *talker);

/* All chains of the listener: YES, or MORE when none succeeds by the facts
 * alone; auth->chains says what is left of each.
 */
int auth_try_chains (struct auth *auth);
/* The chains that wait for polkit, in their order: YES when one succeeds. */
int auth_ask_polkit (struct auth *auth);

/* Keep the words of a method that just refused. */
void auth_note_why (struct auth *auth, const struct auth_method *method);

void auth_context_init (const struct session *session,
                        struct virgate_auth_context *context);
/* What a method offers here, separated by commas; "" for nothing. */
const char *auth_mechanisms (const struct session *session,
                             const struct auth_method *method);

#endif /* VIRGATE_DAEMON_AUTH_STATE_H */
