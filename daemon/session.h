/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One client's connection, from the moment it was admitted until nothing
 * refers to it.  It belongs to one loop; only that loop's thread touches it,
 * but for what is marked otherwise.  It is also what drivers know as struct
 * virgate_client.
 *
 *   handshake → auth → open → ready → closing
 *
 * An idle session owns no buffers: bytes are read into the loop's memory and
 * written from a buffer that the loop lends.
 */
#ifndef VIRGATE_DAEMON_SESSION_H
#define VIRGATE_DAEMON_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include <virgate/driver.h>
#include <virgate/transport.h>

#include "common/list.h"
#include "common/mem.h"
#include "core/keepalive.h"
#include "core/peer.h"
#include "core/wire.h"
#include "daemon/loop.h"
#include "daemon/workers.h"

struct auth;
struct driver;
struct gateway;
struct held;
struct listener;
struct seal;
struct stream;

enum session_state {
  SESSION_HANDSHAKE,
  SESSION_AUTH,
  SESSION_OPEN,                 /* authenticated, no driver connection yet */
  SESSION_READY,
  SESSION_CLOSING
};

/* Two lines of jobs; made when the first call needs a worker. */
struct session_jobs {
  struct job_line normal, priority;
};

struct session {
  uv_poll_t poll;
  uv_poll_t *poll_write;        /* of a transport with a second descriptor */
  struct loop *loop;
  struct listener *listener;    /* a reference */
  const struct virgate_transport_ops *ops;
  void *conn;                   /* of the transport */
  struct wire_in in;
  struct wire_out out;
  struct virgate_peer peer;
  struct virgate_identity identity;

  uint64_t id;                  /* never used twice */
  int64_t since;                /* seconds since the epoch */

  struct list link;             /* loop->sessions */
  struct list ready;            /* loop->ready */
  struct list touched;          /* loop->touched */
  struct list pinged;           /* loop->pinged */
  struct wait wait;             /* for the phase, or the rest of a frame */
  struct wait writing;
  struct keepalive keepalive;

  struct source *source;        /* counted there */
  struct stranger *stranger;    /* until it is open */
  struct handshake *handshake;  /* while shaking hands */
  struct auth *auth;            /* while authenticating */
  struct seal *seal;            /* a security layer; NULL: none */
  struct driver *driver;
  void *driver_conn;
  struct gateway *gateway;      /* of a driver that takes whole frames */
  struct virgate_link *onward;  /* its connection */
  struct session_jobs *jobs;
  struct stream *streams;       /* by next */
  struct grant *grants;         /* of streams, by next */
  struct standing *standing;    /* what lists said once for all; or NULL */
  struct known_names *names;    /* of objects; or NULL */
  struct held *held;            /* calls behind the limit, by next */

  uint32_t requests;            /* calls in flight, not counting inline */
  uint32_t turn_frames;         /* handled in this turn */
  uint32_t request_bytes;       /* arguments of calls in flight */
  uint32_t held_bytes;
  uint32_t stream_bytes;        /* data that drivers have not taken */
  uint32_t stream_count;
  _Atomic bool is_gone;         /* it is closing, for workers that ask */
  uint32_t no_calls;            /* messages that were no proper calls */
  uint32_t reference;           /* that a refusal was logged under; 0: none */
  uint32_t pins;                /* handles and jobs that keep the memory */

  uint8_t state;                /* enum session_state */
  uint8_t polled;               /* events that uv watches */
  uint8_t want_in, want_out;    /* uv events that reading, writing wait for */

  bool is_read_only;            /* workers read it; not a bit like these */
  bool is_barred : 1;           /* an access list did not let it enter */
  bool is_admin : 1;            /* of a listener that serves administrators */
  bool is_local : 1;
  bool is_listed : 1;           /* counted in its listener */
  bool is_stranger : 1;         /* counted as not yet open */
  bool is_stopped : 1;          /* input is held back by the wire */
  bool is_waiting : 1;          /* to read on, for a call or auth to end */
  bool is_stuck : 1;            /* to read on, for a driver to make room,
                                   which may be never */
  bool is_serving : 1;          /* in its turn, see session_continue */
  bool is_ending : 1;           /* close once all output is written */
  bool is_opening : 1;          /* an open is under way */
  bool wants_close_event : 1;   /* registered a close callback */
  bool is_broken : 1;           /* close at the end of the turn */
  bool has_secret : 1;          /* output to be wiped once it is written */
};

/* Take over a connection that was accepted (main thread), hand it to the
 * loop, and begin there.  Facts and admission are done.
 */
struct session *session_new (struct listener *listener, void *conn);
int session_begin (struct session *session, struct loop *loop);
void session_free (struct session *session);

/* A turn: go on with input that was held back, or was left unread.  Nothing
 * happens when nothing can.  session_again asks for one, after others.
 */
void session_continue (struct session *session);
void session_again (struct session *session);

/* Write what there is, and poll for what is waited for. */
void session_flush (struct session *session);
void session_poll (struct session *session);
/* session-poll.c: watch for these uv events and no others; from the beginning,
 * to the end, and, after a handshake that may have changed the descriptor,
 * anew, which leads to handshake_over.
 */
void session_watch (struct session *session, int events);
int session_watch_begin (struct session *session);
void session_watch_end (struct session *session);
void session_watch_anew (struct session *session);

/* The events that polling found. */
void session_event (struct session *session);

/* Something was appended to the output outside of a turn. */
void session_touch (struct session *session);

/* The buffer to append output to; lent by the loop when it is the first. */
struct buf *session_out (struct session *session);

/* The end.  reason is for the log (NULL: nothing worth a line). */
SELDOM void session_close (struct session *session, int level,
                           const char *reason);
/* The end, once the output is written; nothing more is read. */
void session_end (struct session *session);
/* The loop stops: the end comes when nothing is in flight.  session_retire
 * asks whether that is so now.
 */
void session_stop (struct session *session);
void session_retire (struct session *session);

/* Enter the next state, with its deadline. */
void session_enter (struct session *session, enum session_state state);

/* Too slow. */
void session_expire (struct wait *wait, enum loop_wait which);

/* Ping those that are due, end the dead ones, ask to be woken again. */
void sessions_keepalive (struct loop *loop);
void session_keepalive_start (struct session *session);

/* Certificates were read again: close those that are acceptable no more. */
void sessions_recheck (struct loop *loop);

/* A job or handle came, or ended; the last one frees a closed session. */
void session_pin (struct session *session);
void session_unpin (struct session *session);

/* enum virgate_transport_caps of this connection. */
uint32_t session_caps (const struct session *session);
bool session_passes_fds (const struct session *session);

/* A call in flight ended. */
void session_call_ended (struct session *session, uint32_t bytes);

/* The lines of a session's jobs; NULL without memory. */
struct session_jobs *session_jobs (struct session *session);

/* One log line about a session, with who it is. */
SELDOM void session_log (const struct session *session, int level,
                         const char *fmt, ...) VIRGATE_PRINTF (3, 4);

static inline bool
session_is_closing (const struct session *session)
{
  return session->state == SESSION_CLOSING;
}

#endif /* VIRGATE_DAEMON_SESSION_H */
