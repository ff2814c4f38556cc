/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport's handshake; see handshake.h.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "daemon/auth.h"
#include "daemon/handshake.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/sources.h"
#include "daemon/workers.h"

/* A session's handshake while it lasts.  A step costs a millisecond of
 * arithmetic, which calls of others on the same loop must not wait for.
 */
struct handshake {
  struct job job;
  struct mail mail;             /* back to the loop */
  struct session *session;
  struct virgate_error error;   /* when the step failed */
  int result;
  bool is_busy;                 /* a worker has the connection */
};

bool
handshake_is_busy (const struct session *session)
{
  return session->handshake && session->handshake->is_busy;
}

void
handshake_end (struct session *session)
{
  struct handshake *handshake = session->handshake;

  if (handshake == NULL || handshake->is_busy)
    return;
  session->handshake = NULL;
  error_clear (&handshake->error);
  free (handshake);
}

/* The handshake is over, so the other side can be told that it is refused. */
static void
refuse (struct session *session)
{
  CLEANUP_ERROR struct virgate_error error = { 0 };

  host_error_take (session->listener->instance, &error);
  auth_refuse (session, error_message (&error));
}

/* It comes from where nothing more is wanted from, as is known by now. */
static void
turn_away (struct session *session, const char *reached)
{
  if (reached) {
    session_log (session, VIRGATE_LOG_INFO, "refused: %s is reached",
                 reached);
    record_refusal (session, TALLY_NO_ROOM, "there is no room");
  }
  else
    record_refusal (session, TALLY_BANNED, "its address is banned");
  session_close (session, VIRGATE_LOG_DEBUG, NULL);
}

void
handshake_over (struct session *session)
{
  const char *reached;

  host_error_forget ();
  if (session->ops->peer
      && session->ops->peer (session->conn, &session->peer, 1) == -1)
    refuse (session);
  else if (!source_move (session, &reached))
    turn_away (session, reached);
  else
    auth_begin (session);
}

static void
succeed (struct session *session)
{
  handshake_end (session);
  stranger_shook (session);
  session->want_out = 0;
  session_watch_anew (session);
}

/* What a step led to, on the loop. */
static void
settle (struct session *session)
{
  struct handshake *handshake = session->handshake;
  int result = handshake->result;

  if (result == 0)
    succeed (session);
  else if (result == VIRGATE_IO_WANT_READ || result == VIRGATE_IO_WANT_WRITE) {
    session->want_out = result == VIRGATE_IO_WANT_READ ? UV_READABLE
                                                       : UV_WRITABLE;
    session_poll (session);
  }
  else {
    session_log (session, VIRGATE_LOG_NOTICE, "%s",
                 error_message (&handshake->error));
    record_refusal (session, TALLY_HANDSHAKE,
                    error_message (&handshake->error));
    session_close (session, VIRGATE_LOG_DEBUG, NULL);
  }
}

/* The session may have ended meanwhile; it is freed with its last pin. */
static void
deliver (struct mail *mail)
{
  struct handshake *handshake = container_of (mail, struct handshake, mail);
  struct session *session = handshake->session;

  handshake->is_busy = false;
  if (session_is_closing (session))
    handshake_end (session);
  else
    settle (session);
  session_unpin (session);
}

/* On a worker, or where there is none, on the loop. */
static void
run (struct job *job)
{
  struct handshake *handshake = container_of (job, struct handshake, job);
  struct session *session = handshake->session;

  host_error_forget ();
  handshake->result = session->ops->handshake (session->conn);
  if (handshake->result == VIRGATE_IO_ERROR)
    host_error_take (session->listener->instance, &handshake->error);
}

static void
done (struct job *job)
{
  struct handshake *handshake = container_of (job, struct handshake, job);

  handshake->mail.deliver = deliver;
  loop_post (handshake->session->loop, &handshake->mail);
}

void
handshake_step (struct session *session)
{
  struct handshake *handshake = session->handshake;

  if (handshake->is_busy)
    return;
  session->want_out = 0;
  session_poll (session);
  handshake->is_busy = true;
  session_pin (session);
  if (workers_add (&session->loop->server->shakers,
                   &session->source->shakes,
                   &handshake->job) == 0)
    return;
  session_unpin (session);
  handshake->is_busy = false;
  run (&handshake->job);
  settle (session);
}

static bool
has_spoken (const struct session *session)
{
  struct pollfd pollfd = {
    .fd = session->ops->pollfd (session->conn), .events = POLLIN,
  };

  return poll (&pollfd, 1, 0) != 0;
}

/* There is little to calculate before the other side has spoken. */
void
handshake_begin (struct session *session)
{
  struct handshake *handshake = calloc (1, sizeof *handshake);

  session_enter (session, SESSION_HANDSHAKE);
  if (handshake == NULL) {
    session_close (session, VIRGATE_LOG_ERROR, "out of memory");
    return;
  }
  handshake->session = session;
  handshake->job.run = run;
  handshake->job.done = done;
  session->handshake = handshake;
  if (has_spoken (session)) {
    handshake_step (session);
    return;
  }
  run (&handshake->job);
  settle (session);
}
