/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of logging in share.  What was tried, and what was passed
 * over and why, is kept for the message that says that nothing helped.
 */
#ifndef VIRGATE_TRANSPORT_SSH_AUTH_H
#define VIRGATE_TRANSPORT_SSH_AUTH_H

#include "keyfile.h"
#include "link.h"

#define AUTH_TRIES 3            /* of a passphrase or a password */

struct auth {
  struct login *login;
  LIBSSH2_SESSION *session;
  const char *offered;          /* the server's list */
  bool was_half;                /* a key was good, but not enough */
  bool has_tried_named;         /* the one key that is named */
  bool is_late;
  char tried[640];              /* "the agent: ...; /a/key: ..." */

  /* While the agent signs. */
  struct agent *agent;
  const struct agent_key *key;

  /* While the server asks. */
  int questions;
  bool was_asked, got_none;
};

enum outcome { LOGGED_IN, GO_ON, GIVE_UP };

/* Something that was tried, or passed over, and what came of it. */
void auth_note (struct auth *a, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

/* Wait, after libssh2 said EAGAIN.  False when time is up. */
bool auth_wait (struct auth *a);

/* Has the connection ended? */
bool auth_is_gone (const struct auth *a);

/* What libssh2's result means for the log-in. */
enum outcome auth_outcome (struct auth *a, int result);

/* Ask whoever runs the program.  NULL when there is nobody, or no answer; an
 * answer is for auth_forget.
 */
char *auth_ask (struct auth *a, uint32_t kind, const char *prompt);
void auth_forget (struct auth *a, char *secret);

/* A secret that is asked for again while it is wrong. */
struct asking {
  uint32_t kind;
  const char *prompt;
  char *answer;                 /* the last one, for asking_end; NULL: none */
  int tries;                    /* answers that were worth a try */
};

/* Is there an answer to try?  Not after AUTH_TRIES, nor when nobody answers,
 * nor when the answer is the last one again: then that is what was meant.
 */
bool auth_ask_again (struct auth *a, struct asking *asking);
void asking_end (struct auth *a, struct asking *asking);

/* auth-keys.c ------------------------------------------------------------- */

/* Can libssh2 sign with this kind of key?  Notes why not. */
bool auth_is_usable (struct auth *a, const char *type, const char *name);

enum outcome auth_try_agent (struct auth *a);
enum outcome auth_try_files (struct auth *a);
/* One file without a passphrase. */
enum outcome auth_try_file (struct auth *a, const struct keyfile *key);

/* auth-ask.c -------------------------------------------------------------- */

enum outcome auth_try_password (struct auth *a);
enum outcome auth_try_questions (struct auth *a);

#endif /* VIRGATE_TRANSPORT_SSH_AUTH_H */
