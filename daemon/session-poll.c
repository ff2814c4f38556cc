/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a session's descriptors are watched for.  Most transports have one
 * descriptor; some write to another than they read from, which is watched
 * only while something cannot be written, and some have a new one after the
 * handshake.
 */
#include "config.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/handshake.h"
#include "daemon/session.h"

static void
on_poll (uv_poll_t *poll, int status, int events)
{
  struct session *session = poll->data;

  session->loop->now = now_ns ();
  if (status < 0)
    session->polled = 0;        /* libuv has stopped */
  /* A handshake finds out by itself, and has better words. */
  if (status < 0 && session->state != SESSION_HANDSHAKE)
    session_close (session, VIRGATE_LOG_DEBUG, "the connection failed");
  else if (events & UV_DISCONNECT)
    session_close (session, VIRGATE_LOG_DEBUG,
                   "the other side closed the connection");
  else
    session_event (session);
}

static void
watch (uv_poll_t *poll, int events)
{
  if (events == 0)
    uv_poll_stop (poll);
  else
    uv_poll_start (poll, events, on_poll);
}

/* The descriptor that is written to, when it is not the one that is read. */
static int
second_fd (const struct session *session)
{
  const struct virgate_transport_ops *ops = session->ops;
  int fd = ops->pollfd_write ? ops->pollfd_write (session->conn) : -1;

  return fd == ops->pollfd (session->conn) ? -1 : fd;
}

/* The handle for that; NULL after an error, which ends the session. */
static uv_poll_t *
second_poll (struct session *session, int fd)
{
  uv_poll_t *poll = session->poll_write;

  if (poll)
    return poll;
  poll = malloc (sizeof *poll);
  if (poll && uv_poll_init (&session->loop->uv, poll, fd) == 0) {
    poll->data = session;
    session->poll_write = poll;
    session_pin (session);
    return poll;
  }
  free (poll);
  session_close (session, VIRGATE_LOG_WARNING, "cannot be polled");
  return NULL;
}

void
session_watch (struct session *session, int events)
{
  int fd = events & UV_WRITABLE ? second_fd (session) : -1;

  if (events == session->polled || session->poll.data == NULL)
    return;
  if (fd != -1 && second_poll (session, fd) == NULL)
    return;
  session->polled = events;
  watch (&session->poll, fd == -1 ? events : events & ~UV_WRITABLE);
  if (session->poll_write)
    watch (session->poll_write, fd == -1 ? 0 : UV_WRITABLE);
}

int
session_watch_begin (struct session *session)
{
  int fd = session->ops->pollfd (session->conn);

  if (uv_poll_init (&session->loop->uv, &session->poll, fd) != 0) {
    session_close (session, VIRGATE_LOG_WARNING, "cannot be polled");
    return -1;
  }
  session->poll.data = session;
  session_pin (session);
  return 0;
}

static void
on_poll_closed (uv_handle_t *handle)
{
  session_unpin (handle->data);
}

static void
on_second_closed (uv_handle_t *handle)
{
  struct session *session = handle->data;

  free (handle);
  session_unpin (session);
}

void
session_watch_end (struct session *session)
{
  if (session->poll.data)
    uv_close ((uv_handle_t *) &session->poll, on_poll_closed);
  if (session->poll_write)
    uv_close ((uv_handle_t *) session->poll_write, on_second_closed);
  session->poll_write = NULL;
}

/* The old descriptor is watched no more, and may mean something else now. */
static void
on_left (uv_handle_t *handle)
{
  struct session *session = container_of ((uv_poll_t *) handle,
                                          struct session, poll);

  if (!session_is_closing (session) && session_watch_begin (session) == 0)
    handshake_over (session);
  session_unpin (session);
}

void
session_watch_anew (struct session *session)
{
  uv_os_fd_t fd;

  if (uv_fileno ((uv_handle_t *) &session->poll, &fd) == 0
      && fd == session->ops->pollfd (session->conn)) {
    handshake_over (session);
    return;
  }
  session->poll.data = NULL;
  session->polled = 0;
  uv_close ((uv_handle_t *) &session->poll, on_left);
}
