/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who reads, who writes and who sleeps.  The work of a connection is done by
 * the threads that wait on it: one reads for all and hands the rest their
 * results, one writes for all; a thread whose own wait has ended leaves, and
 * wakes another one to go on in its place.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "client/internal.h"

/* How often a thread writes for others before it looks after itself. */
#define FLUSH_ROUNDS 8

/* How long a thread that helps to write waits at a time: meanwhile it does
 * not notice that its own wait is over.
 */
#define POLL_OUT_SLICE (10 * NS_PER_MS)

/* When several calls ended together, their threads are likely to call again
 * at once.  Nobody writes for so long, so that all that they send can go out
 * together: the last of them writes, or else the reader when time is up.
 * After waiting in vain the next so many turns do without; twice as many each
 * time.
 */
#define GATHER_NS (100 * 1000)
#define GATHER_PAUSE_MAX 1024

/* A buffer larger than this is not kept. */
#define OUT_KEEP (256 * 1024)

bool
io_is_inside (const struct virgate_conn *conn)
{
  return conn->reading && pthread_equal (conn->reader, pthread_self ());
}

bool
io_may_read (const struct virgate_conn *conn)
{
  return !conn->reading && !conn->held && !conn->ended;
}

static bool
may_write (const struct virgate_conn *conn)
{
  return !conn->writing && !conn->out_blocked && !conn->ended
         && !(conn->gathering && conn->returning > 0)
         && io_out_len (conn) > 0;
}

size_t
io_out_len (const struct virgate_conn *conn)
{
  return wire_out_len (&conn->queue) + conn->sending_len;
}

/* Waking and sleeping ----------------------------------------------------- */

void
io_claim (struct virgate_conn *conn, struct waiter *waiter)
{
  waiter->claimed = true;
  list_remove (&waiter->link);
  if (conn->turn == waiter)
    conn->turn = NULL;
}

void
io_finish (struct virgate_conn *conn, struct waiter *waiter)
{
  io_claim (conn, waiter);
  waiter_wake (waiter, WAITER_DONE);
}

void
io_hand_over (struct virgate_conn *conn)
{
  struct waiter *waiter;

  /* Whoever sleeps while frames are held must know it, to end that in time. */
  if (conn->turn || list_is_empty (&conn->waiters)
      || !(io_may_read (conn) || may_write (conn) || conn->held))
    return;
  /* Who came last will be answered last, and so can read for the longest. */
  waiter = list_item (conn->waiters.prev, struct waiter, link);
  list_remove (&waiter->link);
  conn->turn = waiter;
  waiter_wake (waiter, WAITER_TURN);
}

/* Another thread reads, and does not watch for room to write: do it here. */
static bool
must_poll_out (const struct virgate_conn *conn)
{
  return conn->out_blocked && !conn->polling_out && conn->reading;
}

/* poll for one descriptor, until an absolute time.  Returns the events, 0
 * when time is up.
 */
static short
poll_until (int fd, short events, int64_t deadline)
{
  struct pollfd pollfd = { fd, events, 0 };

  for (;;) {
    int64_t left = deadline == NEVER_NS ? 0 : deadline - now_ns ();
    struct timespec wait;
    int count;

    left = MAX_OF (left, 0);
    wait.tv_sec = left / NS_PER_S;
    wait.tv_nsec = left % NS_PER_S;
    count = ppoll (&pollfd, 1, deadline == NEVER_NS ? NULL : &wait, NULL);
    if (count > 0)
      return pollfd.revents;
    if (count == 0)
      return 0;
    if (errno != EINTR)
      return POLLERR;
  }
}

static void
poll_out (struct virgate_conn *conn, int64_t deadline)
{
  int fd = conn->ops->pollfd (conn->transport);
  short want = conn->out_want;
  short got;

  conn->polling_out = true;
  pthread_mutex_unlock (&conn->lock);
  got = poll_until (fd, want, MIN_OF (deadline, now_ns () + POLL_OUT_SLICE));
  pthread_mutex_lock (&conn->lock);
  conn->polling_out = false;
  if (got)
    conn->out_blocked = false;
}

enum io_parked
io_park (struct virgate_conn *conn, struct waiter *waiter, int64_t deadline)
{
  int64_t stalled = conn->held ? conn->held_since + conn->stall_ns : NEVER_NS;
  bool in_time;

  if (must_poll_out (conn)) {
    poll_out (conn, deadline);
    return deadline == NEVER_NS || now_ns () < deadline ? IO_AGAIN : IO_LATE;
  }
  atomic_store (&waiter->word, WAITER_AWAKE);
  list_append (&conn->waiters, &waiter->link);
  pthread_mutex_unlock (&conn->lock);

  in_time = waiter_sleep (waiter, MIN_OF (deadline, stalled));
  if (atomic_load (&waiter->word) == WAITER_DONE)
    return IO_DONE;

  pthread_mutex_lock (&conn->lock);
  list_remove (&waiter->link);
  if (conn->turn == waiter)
    conn->turn = NULL;
  if (in_time)
    return IO_AGAIN;
  if (conn->held && now_ns () >= conn->held_since + conn->stall_ns)
    stream_drop_stalled (conn);
  return now_ns () < deadline ? IO_AGAIN : IO_LATE;
}

/* Is the next turn one that waits for others to add to what will be sent? */
static bool
must_gather (const struct virgate_conn *conn)
{
  return conn->returning > 0 && conn->gather_left == 0
         && io_may_read (conn);
}

bool
io_wait (struct virgate_conn *conn, struct waiter *waiter, int64_t deadline)
{
  conn->returning -= conn->returning > 0;
  while (!waiter->claimed) {
    bool in_time = true;

    if (may_write (conn) && !must_gather (conn)) {
      io_flush (conn);
      if (waiter->claimed)
        break;
    }
    if (io_may_read (conn))
      in_time = io_turn (conn, deadline);
    else {
      enum io_parked parked = io_park (conn, waiter, deadline);

      if (parked == IO_DONE)
        return true;
      in_time = parked == IO_AGAIN;
    }
    if (!in_time && !waiter->claimed) {
      io_hand_over (conn);
      return false;
    }
  }
  io_hand_over (conn);
  pthread_mutex_unlock (&conn->lock);
  waiter_finish (waiter);
  return true;
}

/* Writing ----------------------------------------------------------------- */

/* Take what is queued for sending, when everything before it is gone. */
static void
swap_out (struct virgate_conn *conn)
{
  struct wire_out empty;

  if (wire_out_len (&conn->sending) > 0)
    return;
  empty = conn->sending;
  if (empty.buf.size > OUT_KEEP)
    buf_free (&empty.buf);
  conn->sending = conn->queue;
  conn->queue = empty;
  conn->sending_len = wire_out_len (&conn->sending);
}

/* A transport or a security layer may know more than errno does. */
static const char *
failure (int errnum)
{
  const char *said = host_error_said ();

  return said ? said : strerror (errnum);
}

/* Lock held, dropped meanwhile. */
static void
write_once (struct virgate_conn *conn)
{
  int result, errnum;

  pthread_mutex_unlock (&conn->lock);
  host_error_forget ();
  if (conn->one_at_a_time)
    pthread_mutex_lock (&conn->io_lock);
  result = wire_flush (&conn->sending, conn->ops, conn->transport);
  errnum = errno;
  if (conn->one_at_a_time)
    pthread_mutex_unlock (&conn->io_lock);
  pthread_mutex_lock (&conn->lock);

  conn->sending_len = wire_out_len (&conn->sending);
  if (result == VIRGATE_IO_WANT_READ || result == VIRGATE_IO_WANT_WRITE) {
    conn->out_blocked = true;
    conn->out_want = result == VIRGATE_IO_WANT_READ ? POLLIN : POLLOUT;
  }
  /* What the server said last may still be there to be read, and says more
   * than a broken pipe: the reader will find the end.
   */
  else if (result != 0 && (errnum == EPIPE || errnum == ECONNRESET)) {
    conn->out_blocked = true;
    conn->out_want = POLLIN;
  }
  else if (result != 0)
    conn_end (conn, "cannot send: %s", strerror (errnum));
}

void
io_flush (struct virgate_conn *conn)
{
  int rounds = 0;

  if (conn->writing)
    return;
  conn->writing = true;
  while (!conn->out_blocked && !conn->ended && io_out_len (conn) > 0
         && (rounds++ < FLUSH_ROUNDS || list_is_empty (&conn->waiters))) {
    swap_out (conn);
    write_once (conn);
  }
  conn->writing = false;
  if (!list_is_empty (&conn->streams))
    stream_tell_room (conn);
  if (may_write (conn))
    io_hand_over (conn);
}

/* Reading ----------------------------------------------------------------- */

/* What one turn brought. */
struct turn {
  short got;                    /* events of poll; 0: time is up */
  ssize_t count;                /* of bytes; 0: end of file */
  int errnum;                   /* of verdict, or of count -1 */
  enum wire_verdict verdict;
};

static void
read_once (struct virgate_conn *conn, struct turn *turn)
{
  size_t room = READ_AHEAD;
  char *inside = wire_inside (&conn->in, &room);
  struct iovec iov = { inside ? inside : conn->scratch, room };
  struct virgate_fds fds;

  fds.count = 0;
  host_error_forget ();
  if (conn->one_at_a_time)
    pthread_mutex_lock (&conn->io_lock);
  turn->count = conn->ops->readv (conn->transport, &iov, 1, &fds);
  turn->errnum = errno;
  if (conn->one_at_a_time)
    pthread_mutex_unlock (&conn->io_lock);

  conn->more = turn->count == (ssize_t) room;
  if (turn->count <= 0)
    return;
  if (inside && fds.count > 0)
    turn->verdict = wire_feed (&conn->in, "", 0, &fds, receive_frame, conn);
  if (inside && turn->verdict != WIRE_BROKEN)
    turn->verdict = wire_feed_inside (&conn->in, turn->count, receive_frame,
                                      conn);
  else if (!inside)
    turn->verdict = wire_feed (&conn->in, conn->scratch, turn->count, &fds,
                               receive_frame, conn);
  turn->errnum = errno;
  if (turn->verdict == WIRE_NEXT && !receive_expects (conn)) {
    turn->verdict = WIRE_BROKEN;
    turn->errnum = ECANCELED;
  }
}

bool
io_has_pending (struct virgate_conn *conn)
{
  size_t pending;

  if (conn->more || conn->ops->pending == NULL)
    return conn->more;
  if (conn->one_at_a_time)
    pthread_mutex_lock (&conn->io_lock);
  pending = conn->ops->pending (conn->transport);
  if (conn->one_at_a_time)
    pthread_mutex_unlock (&conn->io_lock);
  return pending > 0;
}

/* The part without the lock. */
static void
turn_run (struct virgate_conn *conn, struct turn *turn, bool resume,
          short in_want, short out_want, int64_t deadline)
{
  if (resume) {
    turn->got = POLLIN;
    turn->count = 1;
    turn->verdict = wire_resume (&conn->in, receive_frame, conn);
    turn->errnum = errno;
    return;
  }
  if (deadline == 0 || io_has_pending (conn))
    turn->got = in_want | out_want;
  else
    turn->got = poll_until (conn->ops->pollfd (conn->transport),
                            in_want | out_want, deadline);
  if (turn->got & (in_want | POLLERR | POLLHUP | POLLNVAL))
    read_once (conn, turn);
}

void
io_wake_answered (struct virgate_conn *conn)
{
  while (conn->answered) {
    struct call *call = conn->answered;

    conn->answered = call->next;
    waiter_wake (&call->waiter, WAITER_DONE);
  }
}

/* Why nothing more can be read. */
static void
end_broken (struct virgate_conn *conn, int errnum)
{
  if (errnum == EMSGSIZE)
    conn_end (conn, "the server sends a message of more than %u bytes, which is "
              "max-message of the client config", conn->in.frame_max);
  else if (errnum == EBADMSG)
    conn_end (conn, "what the server sends is no message of the protocol");
  else
    conn_end (conn, "cannot receive: %s", strerror (errnum));
}

/* The part after it, with the lock. */
static void
turn_settle (struct virgate_conn *conn, const struct turn *turn)
{
  if (turn->count == VIRGATE_IO_WANT_READ)
    conn->in_want = POLLIN;
  else if (turn->count == VIRGATE_IO_WANT_WRITE)
    conn->in_want = POLLOUT;
  else if (turn->count == VIRGATE_IO_ERROR)
    conn_end (conn, "cannot receive: %s", failure (turn->errnum));
  else if (turn->count == 0)
    conn_end (conn, "the server closed the connection%s",
              buf_len (&conn->in.part) > 0 ? " in the middle of a message"
                                           : "");
  else if (turn->verdict == WIRE_BROKEN)
    end_broken (conn, turn->errnum);
  else if (turn->verdict == WIRE_STOP) {
    conn->held = true;
    conn->held_since = now_ns ();
    if (stream_has_room (conn))         /* it was made meanwhile */
      io_unhold (conn);
  }
}

/* Did those who were waited for come? */
static void
end_gathering (struct virgate_conn *conn)
{
  if (conn->gather_left > 0)
    conn->gather_left--;
  if (!conn->gathering)
    return;
  conn->gathering = false;
  if (conn->batch_begun || conn->returning == 0) {
    conn->gather_pause = GATHER_PAUSE_MIN;
    return;
  }
  conn->gather_left = conn->gather_pause;
  conn->gather_pause = MIN_OF (2 * conn->gather_pause, GATHER_PAUSE_MAX);
  conn->returning = 0;
}

bool
io_turn (struct virgate_conn *conn, int64_t deadline)
{
  struct turn turn = { .count = 1, .verdict = WIRE_NEXT };
  short out_want = conn->out_blocked && !conn->polling_out ? conn->out_want : 0;
  short in_want = conn->in_want;
  int64_t until = MIN_OF (deadline, keepalive_deadline (&conn->keepalive));
  bool resume = conn->resume;
  int64_t now;

  if (deadline > 0 && must_gather (conn)) {
    conn->gathering = true;
    until = MIN_OF (until, now_ns () + GATHER_NS);
  }
  conn->resume = conn->batch_begun = false;
  conn->reading = true;
  conn->reader = pthread_self ();
  pthread_mutex_unlock (&conn->lock);
  turn_run (conn, &turn, resume, in_want, out_want, until);
  io_wake_answered (conn);
  now = now_ns ();
  pthread_mutex_lock (&conn->lock);
  conn->reading = false;
  end_gathering (conn);

  if (turn.got & (out_want | POLLERR | POLLHUP))
    conn->out_blocked = false;
  if (turn.got & (in_want | POLLERR | POLLHUP | POLLNVAL)) {
    if (turn.count > 0)
      keepalive_heard (&conn->keepalive, now);
    turn_settle (conn, &turn);
  }
  io_keepalive (conn, now);
  if (!must_gather (conn))
    io_flush (conn);
  return now < deadline;
}

void
io_unhold (struct virgate_conn *conn)
{
  if (!conn->held)
    return;
  conn->held = false;
  conn->resume = true;
  io_hand_over (conn);
}

void
io_keepalive (struct virgate_conn *conn, int64_t now)
{
  struct keepalive *ka = &conn->keepalive;

  if (conn->keepalive_state != KEEPALIVE_ON || conn->ended)
    return;
  switch (keepalive_check (ka, now)) {
  case KEEPALIVE_SEND_PING:
    keepalive_append (&conn->queue.buf, KEEPALIVE_PING);
    break;
  case KEEPALIVE_DEAD:
    conn_end (conn, "no sign of life for %lld s and %u pings",
              (long long) (ka->interval_ns / NS_PER_S * (ka->count + 1)),
              ka->count);
    break;
  case KEEPALIVE_NOTHING:
    break;
  }
}
