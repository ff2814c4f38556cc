/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-password's parts: an instance, its conversations, and the grammar of
 * SCRAM's messages that both sides read.
 */
#ifndef VIRGATE_AUTH_PASSWORD_PASSWORD_H
#define VIRGATE_AUTH_PASSWORD_PASSWORD_H

#include <pthread.h>
#include <semaphore.h>

#include <virgate/auth.h>

#include "common/buf.h"
#include "users.h"

#define MECH_SCRAM "SCRAM-SHA-256"
#define MECH_PLAIN "PLAIN"

enum mechanism {
  SCRAM = 1,
  PLAIN = 2
};

struct password {
  const struct virgate_host *host;
  char *file;
  unsigned mechanisms;          /* allowed ones: enum mechanism, or'ed */
  sem_t gate;                   /* hashes for remote clients at once */
  pthread_mutex_t lock;         /* guards users: which file is the present */
  struct users *users;          /* NULL in a client */
};

/* One conversation, of either side and mechanism.  A kind has it as its first
 * member; its hooks are the module's.
 */
struct talk;
struct talk_kind {
  int (*step) (struct talk *talk, const struct virgate_auth_data *in,
               struct virgate_auth_data *out,
               struct virgate_identity *identity);
  void (*free) (struct talk *talk);
};
struct talk {
  const struct talk_kind *kind;
  const struct password *p;
  bool is_local;                /* it does not wait at the gate */
};

/* password.c: the file as it is now, with a reference. */
struct users *password_users (const struct password *p);

/* Fill in an identity: name and groups, vouched for by the exchange. */
int password_identify (const struct password *p, const struct user *user,
                       struct virgate_identity *identity);

/* Refuse, or fail, with a reason for the log (in a client: for the caller).
 * Return VIRGATE_AUTH_NO and VIRGATE_AUTH_ERROR.
 */
int password_refuse (const struct password *p, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);
int password_error (const struct password *p, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);

/* A wrong password, or a name that is not there: the log tells them apart. */
int password_refuse_user (const struct password *p, const char *name,
                          bool is_there);

/* plain.c, scram-server.c: server sides; the first message goes to step, too.
 * NULL without memory.
 */
struct talk *plain_server_new (const struct password *p, bool is_local);
struct talk *scram_server_new (const struct password *p, bool is_local);

/* plain.c, scram-client.c: client sides.  Strings are copied.  first is the
 * first message.  NULL after password_error.
 */
struct talk *plain_client_new (const struct password *p, const char *name,
                               const char *secret,
                               struct virgate_auth_data *first);
struct talk *scram_client_new (const struct password *p, const char *name,
                               const char *secret,
                               struct virgate_auth_data *first);

/* scram.c: SCRAM's messages (RFC 5802, 7) ----------------------------------*/

/* Longest message that is taken, nonce that is taken, and nonce that we add:
 * bytes.
 */
#define SCRAM_MESSAGE_MAX 4096
#define SCRAM_NONCE_MAX 512
#define SCRAM_NONCE_LEN 32

/* Part of a message; not terminated. */
struct piece {
  const char *at;
  size_t len;
};

/* Take "X=value" off the front of what is left, and the comma behind it.  At
 * the end of the message at is NULL.  False when something else is there.
 */
bool scram_take (struct piece *left, char name, struct piece *value);

/* Take attributes that nobody here knows, up to one of the name stop or the
 * end.  False when they are malformed.
 */
bool scram_skip (struct piece *left, char stop);

/* A name with "=2C" and "=3D" for ',' and '='.  Escape returns malloc'ed
 * memory; unescape the length, or -1.
 */
char *scram_escape (const char *name);
int scram_unescape (const struct piece *name, char *out, size_t size);

/* Printable characters without a comma? */
bool scram_is_nonce (const struct piece *nonce);

/* Random characters and a NUL. */
int scram_nonce (char nonce[SCRAM_NONCE_LEN + 1]);

#endif /* VIRGATE_AUTH_PASSWORD_PASSWORD_H */
