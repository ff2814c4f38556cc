/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A connection's life: making it, its end and who is told, and what can be
 * asked of it.  Connecting itself is open.c's.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <virgate/remote.h>

#include "client/internal.h"

#define PING_INTERVAL_DEFAULT_MS 5000
#define PING_COUNT_DEFAULT 6

/* How long an orderly end may take. */
#define CLOSE_MAX_MS 1000

struct virgate_conn *
conn_new (const struct virgate_connect_options *options)
{
  struct virgate_conn *conn = calloc (1, sizeof *conn);
  int32_t interval_ms = options->keepalive_interval_ms;

  if (conn == NULL)
    return NULL;
  conn->scratch = malloc (READ_AHEAD);
  conn->plumbing = calloc (1, sizeof *conn->plumbing);
  if (pending_init (&conn->pending) == -1 || conn->scratch == NULL
      || conn->plumbing == NULL) {
    pending_free (&conn->pending);
    free (conn->plumbing);
    free (conn->scratch);
    free (conn);
    return NULL;
  }
  conn->magic = CONN_MAGIC;
  /* An address is not used twice in the same nanosecond. */
  conn->id = (uint64_t) now_ns () * 0x9e3779b97f4a7c15 + (uintptr_t) conn;
  conn->flags = options->flags;
  conn->call_timeout_ms = options->call_timeout_ms;
  if (interval_ms == 0)
    interval_ms = PING_INTERVAL_DEFAULT_MS;
  conn->ping_interval_ns = interval_ms < 0 ? 0 : interval_ms * NS_PER_MS;
  conn->ping_count = options->keepalive_count ? options->keepalive_count
                                              : PING_COUNT_DEFAULT;
  conn->message_memory = MESSAGE_MEMORY_DEFAULT;
  conn->in_want = POLLIN;
  conn->stall_ns = STREAM_STALL_NS;
  conn->gather_pause = GATHER_PAUSE_MIN;
  pthread_mutex_init (&conn->lock, NULL);
  pthread_mutex_init (&conn->io_lock, NULL);
  list_init (&conn->streams);
  list_init (&conn->pings);
  list_init (&conn->waiters);
  wire_in_init (&conn->in, conn->message_memory);
  wire_out_init (&conn->queue);
  wire_out_init (&conn->sending);
  return conn;
}

void
conn_destroy (struct virgate_conn *conn)
{
  stream_orphan_all (conn);
  if (conn->transport) {
    if (conn->ops->shutdown)
      conn->ops->shutdown (conn->transport);
    conn->ops->close (conn->transport);
  }
  plumbing_free (conn->plumbing);
  pending_free (&conn->pending);
  wire_in_free (&conn->in);
  wire_out_free (&conn->queue);
  wire_out_free (&conn->sending);
  error_clear (&conn->why);
  uri_free (&conn->parsed);
  pthread_mutex_destroy (&conn->lock);
  pthread_mutex_destroy (&conn->io_lock);
  free (conn->scratch);
  free (conn->where);
  free (conn->uri);
  conn->magic = 0;
  free (conn);
}

/* The end ----------------------------------------------------------------- */

/* Fail one synchronous call. */
static void
fail_call (struct virgate_conn *conn, struct call *call)
{
  pending_remove (&conn->pending, call);
  error_copy (&call->error, &conn->why);
  io_finish (conn, &call->waiter);
}

static void
fail_calls (struct virgate_conn *conn)
{
  for (uint32_t i = 0; i < conn->pending.size; i++)
    for (struct call *call = conn->pending.buckets[i], *next; call;
         call = next) {
      next = call->next;
      if (call->done == NULL)
        fail_call (conn, call);
    }
}

static void
conn_end_error (struct virgate_conn *conn, struct virgate_error *err)
{
  if (conn->ended) {
    error_clear (err);
    return;
  }
  conn->ended = true;
  error_move (&conn->why, err);
  error_prefix (&conn->why, "%s: ", conn->where);
  fail_calls (conn);
  list_for_each (link, &conn->pings) {
    struct ping *ping = list_item (link, struct ping, link);

    ping->ended = true;
    list_remove (link);
    io_finish (conn, &ping->waiter);
  }
  stream_end_all (conn);
  list_for_each (link, &conn->waiters) {
    list_remove (link);
    waiter_wake (list_item (link, struct waiter, link), WAITER_TURN);
  }
}

void
conn_end (struct virgate_conn *conn, const char *fmt, ...)
{
  struct virgate_error err = { 0 };
  va_list args;

  va_start (args, fmt);
  error_vset (&err, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, fmt, args);
  va_end (args);
  conn_end_error (conn, &err);
}

/* Take an asynchronous call that has not been told of the end. */
static struct call *
take_ended (struct virgate_conn *conn, virgate_closed_fn **closed,
            void **opaque)
{
  LOCK_FOR_SCOPE (&conn->lock);
  struct call *call = NULL;

  *closed = NULL;
  if (!conn->ended)
    return NULL;
  call = pending_first (&conn->pending);
  if (call) {
    pending_remove (&conn->pending, call);
    error_copy (&call->error, &conn->why);
  }
  else if (!conn->close_told) {
    conn->close_told = true;
    *closed = conn->closed_fn;
    *opaque = conn->closed_opaque;
  }
  return call;
}

void
conn_settle (struct virgate_conn *conn)
{
  virgate_closed_fn *closed;
  struct call *call;
  void *opaque;

  while ((call = take_ended (conn, &closed, &opaque)))
    call_tell (call);
  if (closed)
    closed (opaque, &conn->why);
}

/* Tell the server that we leave; its answer matters to nobody. */
static void
say_goodbye (struct virgate_conn *conn)
{
  struct virgate_error kept = { 0 };
  struct virgate_error *mine = thread_error ();

  if (mine)
    error_move (&kept, mine);
  call_run (conn, VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_CONNECT_CLOSE,
            NULL, NULL, NULL, deadline_in (CLOSE_MAX_MS));
  if (mine)
    error_move (mine, &kept);
}

void
virgate_conn_free (struct virgate_conn *conn)
{
  bool inside, ended;

  if (conn == NULL)
    return;
  CONN_CHECK (conn);
  pthread_mutex_lock (&conn->lock);
  inside = io_is_inside (conn);
  ended = conn->ended;
  conn->event_fn = NULL;
  conn->close_told = true;
  pthread_mutex_unlock (&conn->lock);
  if (inside)
    handle_fail (__func__, "connection outside its own callbacks", conn);
  if (!ended)
    say_goodbye (conn);
  pthread_mutex_lock (&conn->lock);
  conn_end (conn, "the connection was closed by this program");
  pthread_mutex_unlock (&conn->lock);
  conn_settle (conn);
  conn_destroy (conn);
}

/* Questions and settings -------------------------------------------------- */

const char *
virgate_conn_uri (struct virgate_conn *conn)
{
  CONN_CHECK (conn);
  return conn->uri;
}

int
virgate_conn_is_alive (struct virgate_conn *conn)
{
  struct pollfd pollfd = { .events = POLLRDHUP };

  CONN_CHECK (conn);
  LOCK_FOR_SCOPE (&conn->lock);
  if (conn->ended)
    return 0;
  pollfd.fd = conn->ops->pollfd (conn->transport);
  return poll (&pollfd, 1, 0) <= 0;
}

int
virgate_conn_is_secure (struct virgate_conn *conn)
{
  CONN_CHECK (conn);
  return (conn->caps & (VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED)) != 0;
}

void
virgate_set_event_fn (struct virgate_conn *conn, virgate_event_fn *fn,
                      void *opaque)
{
  CONN_CHECK (conn);
  LOCK_FOR_SCOPE (&conn->lock);
  conn->event_fn = fn;
  conn->event_opaque = opaque;
}

void
virgate_set_closed_fn (struct virgate_conn *conn, virgate_closed_fn *fn,
                       void *opaque)
{
  CONN_CHECK (conn);
  LOCK_FOR_SCOPE (&conn->lock);
  conn->closed_fn = fn;
  conn->closed_opaque = opaque;
}

const char *
virgate_version (void)
{
  return PACKAGE_VERSION;
}
