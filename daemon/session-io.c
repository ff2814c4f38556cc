/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session's bytes: turns of reading and answering, writing, polling.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "core/instance.h"
#include "daemon/dispatch.h"
#include "daemon/gateway.h"
#include "daemon/handshake.h"
#include "daemon/link.h"
#include "daemon/seal.h"
#include "daemon/session.h"
#include "daemon/stream.h"
#include "daemon/tally.h"

static int
events_for (ssize_t want)
{
  return want == VIRGATE_IO_WANT_READ ? UV_READABLE : UV_WRITABLE;
}

static size_t
unread_by_us (const struct session *session)
{
  return session->ops->pending ? session->ops->pending (session->conn) : 0;
}

struct buf *
session_out (struct session *session)
{
  struct buf *out = &session->out.buf;

  if (out->base == NULL) {
    *out = session->loop->out;
    session->loop->out = (struct buf) BUF_INIT;
  }
  return out;
}

/* Everything is written: the buffer goes back to the loop. */
static void
return_out (struct session *session)
{
  struct buf *out = &session->out.buf;

  if (session->has_secret)
    wipe (out->base, out->size);
  session->has_secret = false;
  if (session->loop->out.base == NULL && out->size <= LOOP_OUT_KEEP) {
    session->loop->out = *out;
    *out = (struct buf) BUF_INIT;
  }
  else
    buf_free (out);
}

void
session_poll (struct session *session)
{
  int events = 0;

  if (session_is_closing (session))
    return;
  if (wire_out_len (&session->out) > 0 || session->state == SESSION_HANDSHAKE)
    events = session->want_out;
  else if (!session->is_stopped && !session->is_ending
           && !seal_is_near (session))
    events = session->want_in ? session->want_in : UV_READABLE;
  else if (session->is_stuck)
    events = UV_DISCONNECT;
  session_watch (session, events);
}

/* Nothing is left to write.  What waited for that, because there was output
 * when its turn came, gets another.
 */
static void
written (struct session *session, bool any)
{
  session->want_out = 0;
  return_out (session);
  loop_unwait (&session->writing);
  if (session->is_ending)
    session_close (session, VIRGATE_LOG_DEBUG, NULL);
  else if (session->streams)
    streams_pull (session);
  else if (session->gateway)
    gateway_written (session);
  else
    seal_begin (session);
  if (any && (session->is_stopped || session->held))
    session_again (session);
}

/* Is there more to write?  The time for that starts again when some of it
 * was read on the other side.
 */
SELDOM static void
blocked (struct session *session, int want, bool progressed)
{
  session->want_out = events_for (want);
  if (progressed || list_is_empty (&session->writing.link))
    loop_wait (session->loop, &session->writing, WAIT_WRITE);
}

/* Is there nothing to write, and nothing that waits for that? */
static bool
is_quiet (const struct session *session)
{
  return session->gateway && session->out.buf.base == NULL
         && session->polled == UV_READABLE && session->want_in == UV_READABLE
         && !session->gateway->is_pressed
         && !session->is_ending && !session->is_broken
         && !session->is_stopped && session->held == NULL
         && session->seal == NULL && session->streams == NULL;
}

void
session_flush (struct session *session)
{
  uint64_t before = session->out.flushed;
  bool any = wire_out_len (&session->out) > 0;
  int ret;

  list_remove (&session->touched);
  if (session_is_closing (session) || is_quiet (session))
    return;
  ret = wire_flush (&session->out, session->ops, session->conn);
  if (session->loop->tally)
    tally_add (&session->loop->tally->bytes_out,
               session->out.flushed - before);
  if (ret == VIRGATE_IO_ERROR || session->is_broken) {
    session_close (session, VIRGATE_LOG_DEBUG, "cannot write");
    return;
  }
  if (ret == 0)
    written (session, any);
  else
    blocked (session, ret, session->out.flushed != before);
  session_poll (session);
}

void
session_touch (struct session *session)
{
  if (!session->is_serving && list_is_empty (&session->touched))
    list_append (&session->loop->touched, &session->touched);
}

void
session_again (struct session *session)
{
  if (list_is_empty (&session->ready) && !session_is_closing (session))
    list_append (&session->loop->ready, &session->ready);
}

/* No call takes descriptors before the session is authenticated: then they
 * are closed as they come.
 */
static bool
takes_fds (const struct session *session)
{
  return session->state >= SESSION_OPEN;
}

/* What somebody says in order to be let in is left to nobody. */
static enum wire_verdict
feed_scratch (struct session *session, size_t len, struct virgate_fds *fds)
{
  struct loop *loop = session->loop;
  bool is_secret = session->state < SESSION_OPEN;
  enum wire_verdict verdict = wire_feed (&session->in, loop->scratch, len,
                                         fds, dispatch_frame, session);

  if (is_secret)
    wipe (loop->scratch, len);
  return verdict;
}

/* What is read may have to be kept. */
static size_t
read_size (const struct session *session)
{
  return session->state < SESSION_OPEN ? LIMIT_STRANGER_READ : LOOP_SCRATCH;
}

/* Read once and handle what came.  WIRE_BROKEN with errno, 0 at the end. */
static enum wire_verdict
receive (struct session *session)
{
  struct loop *loop = session->loop;
  struct iovec iov = { NULL, 0 };
  struct virgate_fds *fds = takes_fds (session) ? &loop->fds : NULL;
  ssize_t n;

  iov.iov_base = wire_inside (&session->in, &iov.iov_len);
  if (iov.iov_base == NULL)
    iov = (struct iovec) { loop->scratch, read_size (session) };
  loop->fds.count = 0;
  n = session->ops->readv (session->conn, &iov, 1, fds);
  if (n == VIRGATE_IO_WANT_READ || n == VIRGATE_IO_WANT_WRITE) {
    session->want_in = events_for (n);
    return WIRE_NEXT;
  }
  if (n <= 0) {
    errno = n == 0 ? 0 : errno;
    return WIRE_BROKEN;
  }
  session->want_in = UV_READABLE;
  if (loop->tally)
    tally_add (&loop->tally->bytes_in, n);
  if (loop->fds.count == 0)
    fds = NULL;
  if (iov.iov_base == loop->scratch)
    return feed_scratch (session, n, fds);
  if (fds && wire_feed (&session->in, "", 0, fds, dispatch_frame, session)
             == WIRE_BROKEN)
    return WIRE_BROKEN;
  return wire_feed_inside (&session->in, n, dispatch_frame, session);
}

/* A partial message must be completed in time.  Before a session is ready
 * the phase as a whole has a deadline.
 */
static void
watch_frame (struct session *session)
{
  if (session->state != SESSION_READY)
    return;
  if (!session->is_stopped && buf_len (&session->in.part) > 0)
    loop_wait (session->loop, &session->wait, WAIT_FRAME);
  else if (!list_is_empty (&session->wait.link))
    loop_unwait (&session->wait);
}

SELDOM static void
broken (struct session *session)
{
  const char *why = "the other side closed the connection";
  int level = VIRGATE_LOG_DEBUG;

  if (errno == EPROTO) {        /* a security layer, which may have said why */
    why = host_error_said ();
    why = why ? why : "sent what the security layer cannot open";
    level = VIRGATE_LOG_INFO;
  }
  else if (errno == EBADMSG || errno == EMSGSIZE) {
    why = errno == EBADMSG ? "sent what is no message"
                           : "sent a message longer than allowed";
    level = VIRGATE_LOG_INFO;
  }
  else if (errno != 0 && errno != ECANCELED)
    why = strerror (errno);
  session->is_serving = false;
  if (wire_out_len (&session->out) > 0)
    wire_flush (&session->out, session->ops, session->conn);
  session_close (session, level, why);
}

/* One turn: what was held back, or what can be read now. */
static void
turn (struct session *session)
{
  enum wire_verdict verdict;

  session->is_serving = true;
  session->is_waiting = session->is_stuck = false;
  session->turn_frames = 0;
  do {
    if (session->is_stopped)
      verdict = wire_resume (&session->in, dispatch_frame, session);
    else
      verdict = receive (session);
    session->is_stopped = verdict == WIRE_STOP;
  } while (verdict == WIRE_NEXT && unread_by_us (session) > 0
           && session->turn_frames < LIMIT_TURN_FRAMES);
  if (verdict == WIRE_BROKEN) {
    broken (session);
    return;
  }
  session->is_serving = false;
  auth_tidy (session);
  watch_frame (session);
  if (session->onward)
    link_flush (session->onward);
  session_flush (session);
  if (session_is_closing (session) || wire_out_len (&session->out) > 0)
    return;
  if (session->is_stopped ? !session->is_waiting
                          : unread_by_us (session) > 0)
    session_again (session);
}

void
session_continue (struct session *session)
{
  if (session_is_closing (session) || session->is_ending
      || wire_out_len (&session->out) > 0 || seal_is_near (session))
    return;
  dispatch_held (session);
  if (session_is_closing (session))
    return;
  if (session->is_stopped || unread_by_us (session) > 0)
    turn (session);
  else if (wire_out_len (&session->out) > 0)
    session_flush (session);
  session_retire (session);
}

void
session_event (struct session *session)
{
  if (session->state == SESSION_HANDSHAKE) {
    handshake_step (session);
    return;
  }
  if (wire_out_len (&session->out) > 0) {
    session_flush (session);
    return;
  }
  if (!seal_is_near (session))
    turn (session);
}
