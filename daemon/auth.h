/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication: a listener's `auth =` is a list of alternatives, each a
 * chain of methods that must all say yes.  What follows from the peer's facts
 * is decided before the first message; a conversation is held only when that
 * settles nothing.
 */
#ifndef VIRGATE_DAEMON_AUTH_H
#define VIRGATE_DAEMON_AUTH_H

#include <stdbool.h>

#include <virgate/auth.h>
#include <virgate/driver.h>

struct instance;
struct loop;
struct session;

/* Methods in one chain, and chains of one listener. */
#define AUTH_CHAIN_MAX 8
#define AUTH_CHAINS_MAX 8

struct auth_method {
  const char *name;             /* of its section */
  void *inst;
  const struct virgate_auth_ops *ops;
  void *talk_inst;              /* the same two for conversations: the      */
  const struct virgate_auth_ops *talk; /* module's own, or plain.h's for it */
};

/* method stays where it is as long as it is used; the rest is borrowed. */
void auth_method_init (struct auth_method *method, const char *name,
                       void *inst, const struct virgate_auth_ops *ops);

struct auth_chain {
  unsigned count;
  struct auth_method methods[AUTH_CHAIN_MAX];
};

/* What a listener asks for; no chains: nothing ("none"). */
struct auth_policy {
  unsigned count;
  struct auth_chain chains[AUTH_CHAINS_MAX];
};

/* The session is ready to be authenticated: the handshake is over.  It goes
 * on to SESSION_OPEN, or waits in SESSION_AUTH.
 */
void auth_begin (struct session *session);

/* The transport refuses the peer after its handshake: the session waits in
 * SESSION_AUTH for the first call, whose answer is that it is refused.
 */
void auth_refuse (struct session *session, const char *why);

/* Free what belongs to the conversation. */
void auth_end (struct session *session);

/* Is a worker busy with it, or an answer held back?  Then calls wait. */
bool auth_is_busy (const struct session *session);

/* After a turn: give back what a long message took, unless it is needed. */
void auth_tidy (struct session *session);

/* Send the answers that have waited long enough. */
void auths_answer (struct loop *loop);

/* The procedures: see virgate_handler_fn. */
int auth_list (void *conn, struct virgate_call *call, const void *args,
               void *ret);
int auth_sasl_init (void *conn, struct virgate_call *call, const void *args,
                    void *ret);
int auth_sasl_start (void *conn, struct virgate_call *call, const void *args,
                     void *ret);
int auth_sasl_step (void *conn, struct virgate_call *call, const void *args,
                    void *ret);
int auth_polkit (void *conn, struct virgate_call *call, const void *args,
                 void *ret);

#endif /* VIRGATE_DAEMON_AUTH_H */
