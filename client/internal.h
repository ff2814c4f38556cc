/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The map of libvirgate: its objects, and what each file offers the others.
 * Nothing here is installed.
 *
 * No thread belongs to the library.  Whoever waits does the connection's
 * work: at any time at most one thread reads (conn->reading) and one writes
 * (conn->writing); the others sleep, each on a word of its own, and are woken
 * when their wait has ended or when it is their turn to read.
 */
#ifndef VIRGATE_CLIENT_INTERNAL_H
#define VIRGATE_CLIENT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <virgate/auth.h>
#include <virgate/client.h>
#include <virgate/transport.h>

#include "client/credential.h"
#include "common/buf.h"
#include "common/cleanup.h"
#include "common/list.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/keepalive.h"
#include "core/peer.h"
#include "core/uri.h"
#include "core/wire.h"
#include "protocol/table.h"

/* Bytes that one recv may bring. */
#define READ_AHEAD (64 * 1024)

/* No deadline. */
#define NEVER_NS INT64_MAX

/* What an error reply may take; libvirt's own are a few hundred bytes. */
#define ERROR_REPLY_MAX (1024 * 1024)

/* Default for what one message may take, as received and decoded together.
 * The protocol would allow 32 MiB as received alone.
 */
#define MESSAGE_MEMORY_DEFAULT (12 * 1024 * 1024)

/* Bytes that wait to be sent: above the first, stream writers wait; above the
 * second, asynchronous calls are refused.  Pongs are left out above the third.
 */
#define OUT_STREAM_MAX (1024 * 1024)
#define OUT_ASYNC_MAX (64 * 1024 * 1024)
#define OUT_PONG_MAX (64 * 1024)

/* Turns without gathering, after the first vain one; see io.c. */
#define GATHER_PAUSE_MIN 4

/* Data of one stream that nobody has read yet: above the first, nothing more
 * is read from the server unless somebody else waits for an answer; above the
 * second, those wait, too; when nobody takes any data for so long, the stream
 * is given up, so that a forgotten one cannot stop the connection.
 */
#define STREAM_PACKET_MAX (1024 * 1024)
#define STREAM_QUEUE_SOFT (1024 * 1024)
#define STREAM_QUEUE_HARD (4 * 1024 * 1024)
#define STREAM_STALL_NS (5 * NS_PER_S)

#define CONN_MAGIC UINT64_C (0x76677420636f6e6e)
#define STREAM_MAGIC UINT64_C (0x7667747374726d21)

/* thread.c: what belongs to a thread ---------------------------------------*/

/* The calling thread's last error; NULL without memory. */
struct virgate_error *thread_error (void);

/* Set it; always returns -1.  Messages as error_set and error_text make. */
int client_error (int32_t code, int32_t domain, const char *fmt, ...)
  VIRGATE_PRINTF (3, 4);
/* Take over a record, leaving it zero; always returns -1. */
int client_error_take (struct virgate_error *err);

/* Set it to a copy; always returns -1. */
int client_error_copy (const struct virgate_error *err);

/* The thread's call timeout for a connection (by its id), in milliseconds; 0
 * when it set none.
 */
int32_t thread_timeout (uint64_t conn_id);
void thread_set_timeout (uint64_t conn_id, int32_t timeout_ms);

/* Abort with the function's name unless the handle is alive. */
void handle_fail (const char *func, const char *what, const void *handle)
  __attribute__ ((noreturn, cold));

#define HANDLE_CHECK(handle, magic_, what)                              \
  do {                                                                  \
    if ((handle) == NULL || (handle)->magic != (magic_))                \
      handle_fail (__func__, what, handle);                             \
  } while (0)
#define CONN_CHECK(conn) HANDLE_CHECK (conn, CONN_MAGIC, "connection")

/* waiter.c: one sleeping thread --------------------------------------------*/

enum waiter_word {
  WAITER_AWAKE = 0,
  WAITER_ASLEEP = 1,
  WAITER_TURN = 2,              /* take over the reading or writing */
  WAITER_DONE = 3
};

struct waiter {
  struct list link;             /* in conn->waiters while parked */
  _Atomic uint32_t word;        /* enum waiter_word */
  bool claimed;                 /* DONE follows, whatever happens */
};

void waiter_init (struct waiter *waiter);

/* Sleep until the word is TURN or DONE; false when the deadline passed. */
bool waiter_sleep (struct waiter *waiter, int64_t deadline);

/* Sleep until the word is DONE, which is certain to come. */
void waiter_finish (struct waiter *waiter);

/* The waiter may be gone as soon as its word is DONE. */
void waiter_wake (struct waiter *waiter, enum waiter_word word);

/* pending.c: calls by serial -----------------------------------------------*/

struct call {
  struct call *next;            /* in its bucket */
  struct list by_deadline;      /* asynchronous calls with a deadline */
  uint64_t id;                  /* the serial is its low half */
  const struct proc_program *program;
  const struct proc_row *row;
  bool want_ret, want_fds;
  int64_t deadline;

  /* The outcome: error.code is 0 on success. */
  void *ret;
  struct virgate_error error;
  int *fds;
  uint32_t fd_count;

  struct waiter waiter;         /* of a synchronous call */
  virgate_reply_fn *done;       /* of an asynchronous one, else NULL */
  void *opaque;
};

/* Serials of calls that were given up; their replies are dropped. */
#define ABANDONED_MAX 1024

struct pending {
  struct call **buckets;
  uint32_t size, count;         /* size is a power of two */
  struct list deadlines;        /* of asynchronous calls, soonest first */
  uint64_t *abandoned;          /* ring of ids, or NULL */
  uint32_t abandoned_next;
  uint64_t forgotten;           /* ids below fell out of the ring */
};

int pending_init (struct pending *pending);
void pending_free (struct pending *pending);
int pending_add (struct pending *pending, struct call *call);
struct call *pending_find (const struct pending *pending, uint32_t serial);
void pending_remove (struct pending *pending, struct call *call);
/* Any one, or NULL. */
struct call *pending_first (const struct pending *pending);
void pending_abandon (struct pending *pending, uint64_t id);
/* Was a call with this serial given up?  next: the next id to be used. */
bool pending_was_abandoned (const struct pending *pending, uint32_t serial,
                            uint64_t next);

/* conn.c: the connection's life --------------------------------------------*/

struct ping {
  struct list link;
  struct waiter waiter;
  bool ended;                   /* no pong, but the end of the connection */
};

struct virgate_conn {
  uint64_t magic;

  /* Constant once virgate_connect returned. */
  uint64_t id;                  /* never used twice in a process */
  char *uri;                    /* as virgate_conn_uri says */
  char *where;                  /* for messages */
  struct uri parsed;
  uint32_t flags;
  int32_t call_timeout_ms;
  int64_t ping_interval_ns;     /* 0: none */
  uint32_t ping_count;
  uint32_t message_memory;
  uint32_t caps;                /* of the transport */
  const struct virgate_transport_ops *ops;
  void *transport;              /* connection of ops; NULL before */
  bool one_at_a_time;           /* readv and writev may not overlap */
  struct plumbing *plumbing;    /* modules and what they are built on */

  pthread_mutex_t io_lock;      /* around readv and writev if one_at_a_time;
                                   nothing is locked inside it */

  /* Everything below.  Never held across I/O, waits and callbacks. */
  pthread_mutex_t lock;

  uint64_t next_id;             /* of calls; the first serial is 0 */
  struct pending pending;
  struct list streams, pings;   /* struct virgate_client_stream, ping */
  struct list waiters;          /* parked, the latest last */
  struct waiter *turn;          /* was woken to work and has not begun */

  bool reading, writing, polling_out;
  uint32_t returning;           /* threads whose calls ended together, and
                                   which have not called again yet */
  bool gathering;               /* the reader waits for them to do so */
  uint32_t gather_pause, gather_left;
  pthread_t reader;             /* while reading */
  short in_want, out_want;      /* what readv and writev wait for */
  bool out_blocked;             /* the transport takes no more for now */
  struct wire_out queue;        /* to be sent next */
  size_t sending_len;           /* bytes left in sending */

  struct keepalive keepalive;
  enum { KEEPALIVE_OFF, KEEPALIVE_ASKED, KEEPALIVE_ON } keepalive_state;

  bool held;                    /* a frame waits for room in a stream */
  bool resume;                  /* there is room again: take it */
  int64_t held_since;           /* no data were taken since */
  int64_t stall_ns;             /* how long that may be */

  bool ended, close_told;
  struct virgate_error why;     /* once ended */

  virgate_event_fn *event_fn;
  void *event_opaque;
  virgate_closed_fn *closed_fn;
  void *closed_opaque;

  /* The reader's, with conn->reading. */
  struct wire_in in;
  char *scratch;                /* READ_AHEAD bytes */
  bool more;                    /* the last read filled all room */
  bool batch_begun;             /* this turn has ended a call */
  struct call *answered;        /* synchronous ones, to be woken */

  /* The writer's, with conn->writing. */
  struct wire_out sending;
};

/* Without a transport.  NULL with the error set. */
struct virgate_conn *conn_new (const struct virgate_connect_options *options);
/* open.c: connected as virgate_connect does, with nothing said yet.  NULL with
 * the error set.
 */
struct virgate_conn *conn_dial (const char *uri,
                                const struct virgate_connect_options *options);
/* Close the transport, fail what is pending, free. */
void conn_destroy (struct virgate_conn *conn);

/* End the connection: fmt says what happened; "URI: " goes in front.  Lock
 * held.  Calls, pings and streams are failed; asynchronous ones by the next
 * conn_settle.  Only the first end counts.
 */
void conn_end (struct virgate_conn *conn, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);

/* Run the callbacks that an end left to be run.  No lock held. */
void conn_settle (struct virgate_conn *conn);

/* When a wait of timeout_ms (-1: for ever) that starts now ends. */
int64_t deadline_in (int32_t timeout_ms);

/* io.c: who reads, who writes, who sleeps -----------------------------------*/

/* Wait until the waiter is DONE, reading and writing for all when nobody
 * else does.  Lock held on entry.
 *
 * Returns true, and the lock is not held; false when the deadline passed and
 * the waiter is not claimed, and the lock is held.
 */
bool io_wait (struct virgate_conn *conn, struct waiter *waiter,
              int64_t deadline);

/* A waiter's wait is over: io_claim first, then, once its data are complete,
 * waiter_wake with DONE, for which no lock is needed.  io_finish does both.
 * Lock held.
 */
void io_claim (struct virgate_conn *conn, struct waiter *waiter);
void io_finish (struct virgate_conn *conn, struct waiter *waiter);

/* Write what is queued, as far as it goes.  Lock held, dropped meanwhile. */
void io_flush (struct virgate_conn *conn);

/* One turn of reading: waits until the deadline at most for the first byte;
 * deadline 0: not at all.  io_may_read must hold.  Lock held, dropped
 * meanwhile.  Returns false when the deadline passed.
 */
bool io_turn (struct virgate_conn *conn, int64_t deadline);

/* Wake those whose calls the reader has ended: once for all that one read
 * brought, as they would only be in its way before; and before callbacks,
 * which may take their time.  The reader, no lock held.
 */
void io_wake_answered (struct virgate_conn *conn);

enum io_parked {
  IO_AGAIN,                     /* lock held: look what there is to do */
  IO_LATE,                      /* lock held: the deadline passed */
  IO_DONE                       /* lock not held */
};

/* Sleep while others work.  Lock held on entry. */
enum io_parked io_park (struct virgate_conn *conn, struct waiter *waiter,
                        int64_t deadline);

/* Wake somebody who is parked, if there is work that nobody does.  Whoever
 * stops working calls it.  Lock held.
 */
void io_hand_over (struct virgate_conn *conn);

/* May somebody read now?  Lock held. */
bool io_may_read (const struct virgate_conn *conn);

/* Is there something to read that poll does not see?  The reader, or nobody
 * reads and lock held.
 */
bool io_has_pending (struct virgate_conn *conn);

/* Is the caller inside a callback of this connection?  Lock held. */
bool io_is_inside (const struct virgate_conn *conn);

/* Room for a stream was made: go on with frames that were held.  Lock held. */
void io_unhold (struct virgate_conn *conn);

/* Bytes queued and not yet taken by the transport.  Lock held. */
size_t io_out_len (const struct virgate_conn *conn);

/* Send a ping if one is due, end a dead connection.  Lock held. */
void io_keepalive (struct virgate_conn *conn, int64_t now);

/* receive.c: what comes in --------------------------------------------------*/

/* wire_frame_fn; no lock held, the caller reads. */
enum wire_verdict receive_frame (void *conn, const struct frame *frame);

/* Is the beginning of a long message, as far as it is here, one that somebody
 * waits for?  Ends the connection and returns false if not.  No lock held.
 */
bool receive_expects (struct virgate_conn *conn);

/* call.c --------------------------------------------------------------------*/

/* Descriptors that go and come with a call. */
struct call_fds {
  const int *send;
  uint32_t send_count;
  int **got;
  uint32_t *got_count;
};

/* A synchronous call with an absolute deadline.  0 or -1 with the error set;
 * fds may be NULL.
 */
int call_run (struct virgate_conn *conn, uint32_t program, int32_t procedure,
              const void *args, void **ret, struct call_fds *fds,
              int64_t deadline);

/* Find a procedure that can be called.  0, or -1 with the error set. */
int call_find (struct call *call, uint32_t program, int32_t procedure,
               const void *args);

/* Number the call, encode it and queue it; the call is pending on 0.  Lock
 * held.  -1 with the thread's error set.
 */
int call_queue (struct virgate_conn *conn, struct call *call,
                const void *args, const struct call_fds *fds);

/* May this thread wait on the connection?  -1 with the error set when it has
 * ended, or the caller is one of its callbacks.  Lock held.
 */
int call_check (const struct virgate_conn *conn);

/* Run the callback of an asynchronous call and free it.  No lock held. */
void call_tell (struct call *call);

/* Give the next asynchronous call whose time is up its error, and take it
 * out; NULL: none.  Lock held.
 */
struct call *call_take_late (struct virgate_conn *conn, int64_t now);

/* Wait for a call that was queued.  Lock held on entry, not on return.  The
 * outcome is in the call.
 */
void call_wait (struct virgate_conn *conn, struct call *call);

/* The deadline of the calling thread's next call. */
int64_t call_deadline (struct virgate_conn *conn);

/* stream-receive.c --------------------------------------------------------*/

/* Take a stream frame.  Lock held. */
enum wire_verdict stream_receive (struct virgate_conn *conn,
                                  const struct frame *frame);
/* The connection ended.  Lock held. */
void stream_end_all (struct virgate_conn *conn);
/* The connection is about to be freed. */
void stream_orphan_all (struct virgate_conn *conn);
/* Give up the streams that keep frames held.  Lock held. */
void stream_drop_stalled (struct virgate_conn *conn);
/* Is every stream below its soft bound?  Lock held. */
bool stream_has_room (const struct virgate_conn *conn);
/* The outgoing queue shrank: let writers go on.  Lock held. */
void stream_tell_room (struct virgate_conn *conn);

/* step.c: ask the server to take part in keeping the connection alive, while
 * connecting.  -1 with the error set when the connection cannot go on.
 */
int keepalive_begin (struct virgate_conn *conn, int64_t deadline);

/* open.c and others that take part in connecting ----------------------------*/

/* Modules, instances and host environment that serve one connection. */
struct plumbing {
  struct host_env env;
  struct modules *modules;
  struct instance *transport;
  struct instance *auth;        /* or NULL */
  struct virgate_peer peer;     /* facts about the server */
  struct credentials credentials;
};
void plumbing_free (struct plumbing *plumbing);

/* limit.c: bytes of the longest encoding, at most the protocol's longest
 * message; type NULL: an empty one.
 */
size_t max_frame_len (const struct xdr_type *type);

/* auth.c: AUTH_LIST and what follows from it.  0 or -1 with the error set. */
struct clientconf;
int auth_run (struct virgate_conn *conn, const struct clientconf *conf,
              int64_t deadline);

#endif /* VIRGATE_CLIENT_INTERNAL_H */
