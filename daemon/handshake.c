/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport's handshake; see handshake.h.
 */
#include "config.h"

#include "daemon/auth.h"
#include "daemon/handshake.h"
#include "daemon/listeners.h"
#include "daemon/session.h"

/* Why a hook failed, for the log; the other side learns nothing. */
static void
give_up (struct session *session)
{
  CLEANUP_ERROR struct virgate_error error = { 0 };

  host_error_take (session->listener->instance, &error);
  session_log (session, VIRGATE_LOG_NOTICE, "%s", error_message (&error));
  session_close (session, VIRGATE_LOG_DEBUG, NULL);
}

/* The handshake is over, so the other side can be told that it is refused. */
static void
refuse (struct session *session)
{
  CLEANUP_ERROR struct virgate_error error = { 0 };

  host_error_take (session->listener->instance, &error);
  auth_refuse (session, error_message (&error));
}

/* A transport may change descriptors in its handshake. */
static void
follow_descriptor (struct session *session)
{
  uv_os_fd_t fd;

  if (uv_fileno ((uv_handle_t *) &session->poll, &fd) != 0
      || fd != session->ops->pollfd (session->conn))
    session_close (session, VIRGATE_LOG_ERROR, "the transport changed its "
                   "descriptor");
}

void
handshake_step (struct session *session)
{
  int ret;

  host_error_forget ();
  ret = session->ops->handshake (session->conn);
  if (ret == VIRGATE_IO_WANT_READ || ret == VIRGATE_IO_WANT_WRITE) {
    session->want_out = ret == VIRGATE_IO_WANT_READ ? UV_READABLE
                                                    : UV_WRITABLE;
    session_poll (session);
    return;
  }
  if (ret != 0) {
    give_up (session);
    return;
  }
  session->want_out = 0;
  follow_descriptor (session);
  if (session_is_closing (session))
    return;
  host_error_forget ();
  if (session->ops->peer
      && session->ops->peer (session->conn, &session->peer, 1) == -1) {
    refuse (session);
    return;
  }
  auth_begin (session);
}

void
handshake_begin (struct session *session)
{
  session_enter (session, SESSION_HANDSHAKE);
  handshake_step (session);
}
