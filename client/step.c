/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Driving a connection from an event loop, or in place of one; and pings.
 * A connection that is never stepped asks for no pings either: there would be
 * nobody to answer the server's.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include <virgate/remote.h>

#include "client/internal.h"

/* Full reads in one step, so that a flood leaves the loop its turn. */
#define STEP_READS 16

/* VIR_DRV_FEATURE_PROGRAM_KEEPALIVE */
#define FEATURE_KEEPALIVE 10

static void
keepalive_answered (void *opaque, void *ret_,
                    const struct virgate_error *error)
{
  struct virgate_remote_connect_supports_feature_ret *ret = ret_;
  struct virgate_conn *conn = opaque;

  if (ret && ret->supported) {
    LOCK_FOR_SCOPE (&conn->lock);
    conn->keepalive_state = KEEPALIVE_ON;
    keepalive_start (&conn->keepalive, conn->ping_interval_ns,
                     conn->ping_count, now_ns ());
  }
  free (ret);
}

/* With the first step: neither side may ping before the client has asked. */
static void
ask_keepalive (struct virgate_conn *conn)
{
  const struct virgate_remote_connect_supports_feature_args args = {
    .feature = FEATURE_KEEPALIVE
  };
  bool first;

  pthread_mutex_lock (&conn->lock);
  first = conn->keepalive_state == KEEPALIVE_OFF && conn->ping_interval_ns > 0;
  if (first)
    conn->keepalive_state = KEEPALIVE_ASKED;
  pthread_mutex_unlock (&conn->lock);
  if (first)
    virgate_call_async (conn, VIRGATE_REMOTE_PROGRAM,
                        VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, &args,
                        -1, keepalive_answered, conn);
}

int
keepalive_begin (struct virgate_conn *conn, int64_t deadline)
{
  const struct virgate_remote_connect_supports_feature_args args = {
    .feature = FEATURE_KEEPALIVE
  };
  void *ret;

  conn->keepalive_state = KEEPALIVE_ASKED;
  if (call_run (conn, VIRGATE_REMOTE_PROGRAM,
                VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, &args, &ret,
                NULL, deadline) == -1)
    return conn->ended || now_ns () >= deadline ? -1 : 0;
  keepalive_answered (conn, ret, NULL);
  return 0;
}

/* For event loops --------------------------------------------------------- */

int
virgate_conn_fd (struct virgate_conn *conn)
{
  CONN_CHECK (conn);
  return conn->ops->pollfd (conn->transport);
}

short
virgate_conn_events (struct virgate_conn *conn)
{
  short events = 0;

  CONN_CHECK (conn);
  LOCK_FOR_SCOPE (&conn->lock);
  if (!conn->held && stream_has_room (conn))
    events |= conn->in_want;
  if (conn->out_blocked)
    events |= conn->out_want;
  return events;
}

/* The soonest time at which a step has something to do. */
static int64_t
next_due (const struct virgate_conn *conn)
{
  int64_t due = keepalive_deadline (&conn->keepalive);

  if (!list_is_empty (&conn->pending.deadlines)) {
    struct list *first = conn->pending.deadlines.next;

    due = MIN_OF (due, list_item (first, struct call, by_deadline)->deadline);
  }
  if (conn->held && conn->pending.count > 0)
    due = MIN_OF (due, conn->held_since + conn->stall_ns);
  return due;
}

int
virgate_conn_timeout_ms (struct virgate_conn *conn)
{
  int64_t due, now;

  CONN_CHECK (conn);
  LOCK_FOR_SCOPE (&conn->lock);
  if (conn->ended || conn->resume || (!conn->reading && io_has_pending (conn)))
    return 0;
  due = next_due (conn);
  if (due == NEVER_NS)
    return -1;
  now = now_ns ();
  if (due <= now)
    return 0;
  return (int) MIN_OF ((due - now + NS_PER_MS - 1) / NS_PER_MS, INT32_MAX);
}

/* End what is due.  No lock held. */
static void
expire (struct virgate_conn *conn)
{
  int64_t now = now_ns ();
  struct call *call;

  do {
    pthread_mutex_lock (&conn->lock);
    if (conn->held && conn->pending.count > 0
        && now >= conn->held_since + conn->stall_ns)
      stream_drop_stalled (conn);
    io_keepalive (conn, now);
    io_flush (conn);
    call = call_take_late (conn, now);
    pthread_mutex_unlock (&conn->lock);
    if (call)
      call_tell (call);
  } while (call);
}

static int
is_ended (struct virgate_conn *conn)
{
  bool ended;

  pthread_mutex_lock (&conn->lock);
  ended = conn->ended;
  pthread_mutex_unlock (&conn->lock);
  if (ended)
    conn_settle (conn);
  return ended ? -1 : 0;
}

static bool
may_step (const struct virgate_conn *conn)
{
  return io_may_read (conn) && stream_has_room (conn);
}

int
virgate_conn_step (struct virgate_conn *conn)
{
  int reads = 0;
  bool inside;

  CONN_CHECK (conn);
  ask_keepalive (conn);
  pthread_mutex_lock (&conn->lock);
  inside = io_is_inside (conn);
  if (!inside) {
    conn->out_blocked = false;  /* that is for the write to find out */
    while (may_step (conn) && reads++ < STEP_READS) {
      io_turn (conn, 0);
      if (!conn->resume && (conn->reading || !io_has_pending (conn)))
        break;
    }
    io_hand_over (conn);
  }
  pthread_mutex_unlock (&conn->lock);
  if (inside)
    return 0;
  expire (conn);
  return is_ended (conn);
}

/* One turn, or the wait for another thread to make room for one. */
static void
wait_turn (struct virgate_conn *conn, int64_t deadline)
{
  struct waiter waiter;
  bool in_time = true;

  waiter_init (&waiter);
  pthread_mutex_lock (&conn->lock);
  conn->returning = 0;          /* this thread is not in a hurry */
  io_flush (conn);
  deadline = MIN_OF (deadline, next_due (conn));
  while (in_time && !conn->ended && !io_is_inside (conn)) {
    if (may_step (conn)) {
      io_turn (conn, deadline);
      break;
    }
    in_time = io_park (conn, &waiter, deadline) == IO_AGAIN;
  }
  io_hand_over (conn);
  pthread_mutex_unlock (&conn->lock);
}

int
virgate_conn_wait (struct virgate_conn *conn, int32_t timeout_ms)
{
  CONN_CHECK (conn);
  ask_keepalive (conn);
  wait_turn (conn, deadline_in (timeout_ms));
  expire (conn);
  return is_ended (conn);
}

/* Pings ------------------------------------------------------------------- */

/* Returns true when the pong is there.  Lock held on entry, not on return. */
static bool
ping_wait (struct virgate_conn *conn, struct ping *ping, int64_t deadline)
{
  if (io_wait (conn, &ping->waiter, deadline))
    return true;
  list_remove (&ping->link);
  pthread_mutex_unlock (&conn->lock);
  client_error (VIRGATE_ERR_OPERATION_TIMEOUT, VIRGATE_FROM_RPC,
                "%s: no answer to a ping in time", conn->where);
  return false;
}

int64_t
virgate_ping (struct virgate_conn *conn, int32_t timeout_ms)
{
  int64_t start = now_ns (), deadline;
  struct ping ping = { .ended = false };

  CONN_CHECK (conn);
  deadline = timeout_ms < 0 ? call_deadline (conn) : deadline_in (timeout_ms);
  waiter_init (&ping.waiter);
  pthread_mutex_lock (&conn->lock);
  if (call_check (conn) == -1
      || keepalive_append (&conn->queue.buf, KEEPALIVE_PING) == -1) {
    pthread_mutex_unlock (&conn->lock);
    return -1;
  }
  list_append (&conn->pings, &ping.link);
  if (!ping_wait (conn, &ping, deadline))
    return -1;
  if (ping.ended) {
    conn_settle (conn);
    return client_error_copy (&conn->why);
  }
  return MAX_OF ((now_ns () - start) / 1000, 1);
}
