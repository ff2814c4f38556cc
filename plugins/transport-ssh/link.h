/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One ssh connection, shared by all channels of this process to the same host
 * and user.
 *
 * A libssh2 session belongs to one thread at a time: to the one that connects
 * and logs in, then to the link's own thread, which alone reads the socket.
 * Each channel has a pair of stream sockets; the program's end is read,
 * written and polled by whoever owns it, and its buffers are the flow control.
 * So two users of one link never wait for each other, and nobody has to know
 * of libssh2's state but that thread.  One thing is done past it, because it
 * saves a change of threads for each call: an owner that finds the session at
 * rest, and nothing of its own under way, seals and sends at once.
 */
#ifndef VIRGATE_TRANSPORT_SSH_LINK_H
#define VIRGATE_TRANSPORT_SSH_LINK_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <libssh2.h>

#include "common/buf.h"
#include "common/list.h"
#include "hop.h"

struct auth;

/* So many receipts are acknowledged at once: of a log-in, and since a channel
 * was asked for, which may carry another log-in.
 */
#define QUICK_RECEIPTS 40

enum link_state { LINK_CONNECTING, LINK_UP, LINK_ENDED };

struct link {
  /* Guarded by the registry's lock. */
  struct list item;
  enum link_state state;
  unsigned users;               /* channels, and who is about to open one */
  bool is_full;                 /* the server allows no more sessions */
  bool is_retired;              /* out of the registry */

  /* Never changed once it is up. */
  char *key;                    /* hop.h: what sharers have in common */
  char *where;                  /* "user@host", for messages */
  pid_t pid;                    /* forked children have no such thread */
  int64_t linger_ns;
  pthread_t thread;
  int wake;                     /* eventfd: look at the fields below */
  struct sockaddr_storage remote;       /* the first hop's address */
  socklen_t remote_len;

  /* A command of its own is forced on the account, and says nothing first. */
  _Atomic bool is_silent;

  /* Guarded by session_lock, which its thread holds but while it waits; an
   * owner who writes takes it only when nobody has it.
   */
  pthread_mutex_t session_lock;
  LIBSSH2_SESSION *session;
  int fd;                       /* the socket, or jump's */
  struct ssh_pipe *jump;        /* a channel of the link before */
  struct auth *auth;            /* while it logs in */
  struct buf out;               /* sealed, and not yet sent */
  bool is_readable;             /* recv may have something */
  unsigned quick;               /* so often more, acknowledge at once */
  bool is_broken;
  const char *end;              /* why, as the socket or the host says */
  char goodbye[200];            /* the host's last words */
  int64_t heard;                /* when something arrived last */
  int64_t alive_ns;             /* ask for a sign of life after silence */
  int alive_count, alive_asked;
  struct list channels;

  /* Guarded by lock. */
  pthread_mutex_t lock;
  pthread_cond_t changed;       /* a channel was opened, or failed */
  struct list requests;         /* channels to be opened */
  bool must_stop;
  char why[300];                /* it ended; "": it did not */
};

/* One log-in. */
struct login {
  const struct ssh_request *request;
  const struct hop *hop;
  struct link *link;
  int64_t deadline;
};

/* link.c: the registry ----------------------------------------------------*/

/* A link to the hop, connected and logged in, with one more user; NULL after
 * host->error.
 */
struct link *link_get (const struct ssh_request *request,
                       const struct hop *hop);
void link_release (struct link *link);

/* Has it other users than the one who asks? */
bool link_is_shared (struct link *link);
/* The server refused one more session on the one that is shared. */
void link_set_full (const struct hop *hop);

/* Make its thread look at the fields that the lock guards. */
void link_wake (struct link *link);

/* For the link's thread: is anybody using it?  And when nobody has for long
 * enough: take it out of the registry, unless somebody came.
 */
bool link_is_used (struct link *link);
bool link_end_idle (struct link *link);
/* It is broken: nobody else gets it. */
void link_retire (struct link *link);

/* session.c: connecting ---------------------------------------------------*/

/* Connect, check the host's key and log in.  0, or -1 after host->error. */
int link_connect (struct login *login);

/* Send what can be sent now. */
void link_flush (struct link *link);

/* Wait until the server says something.  -1 when time is up. */
int link_wait (struct link *link, int64_t deadline);

/* Close the session and the socket. */
void link_disconnect (struct link *link);

/* Report; returns -1. */
int login_fail (const struct login *login, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);
/* The step that ran did not end in time. */
int login_late (const struct login *login, const char *step);
/* libssh2's last words. */
const char *link_said (struct link *link);

/* pump.c ------------------------------------------------------------------*/

/* Start the thread.  0, or -1 with errno. */
int pump_start (struct link *link);

/* hostkey.c, auth.c -------------------------------------------------------*/

/* Before the key exchange: prefer kinds of keys that are known. */
int hostkey_prefer (struct login *login);
int hostkey_check (struct login *login);
/* While the host makes a process for us: have libcrypto read its config and
 * prepare what is needed at once afterwards.
 */
void hostkey_warm_up (struct login *login);
int auth_log_in (struct login *login);

/* libssh2 before this one signs with RSA keys by SHA-1 only, which servers
 * refuse.
 */
#define RSA_SHA2_VERSION 0x010b00

#endif /* VIRGATE_TRANSPORT_SSH_LINK_H */
