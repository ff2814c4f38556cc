/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of a session, its phases and its end; see session.h.  What it
 * reads and writes is in session-io.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "daemon/auth.h"
#include "daemon/dispatch.h"
#include "daemon/gateway.h"
#include "daemon/grants.h"
#include "daemon/handshake.h"
#include "daemon/known-names.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/seal.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/standing.h"
#include "daemon/sources.h"
#include "daemon/stream.h"

struct session *
session_new (struct listener *listener, void *conn)
{
  struct session *session = calloc (1, sizeof *session);
  const struct virgate_transport_ops *ops = listener->transport->ops;

  if (session == NULL)
    return NULL;
  session->listener = listener;
  session->ops = ops;
  session->conn = conn;
  session->is_local = session_caps (session) & VIRGATE_CAP_LOCAL;
  session->is_read_only = listener->policy->is_read_only;
  session->is_admin = listener->policy->is_admin;
  session->id = ++listener->server->last_client;
  session->since = time (NULL);
  wire_in_init (&session->in, LIMIT_SASL_FRAME);
  session->in.keep_max = LIMIT_STRANGER_KEEP;
  wire_out_init (&session->out);
  list_init (&session->link);
  list_init (&session->ready);
  list_init (&session->touched);
  list_init (&session->pinged);
  list_init (&session->wait.link);
  list_init (&session->writing.link);
  listener_ref (listener);
  return session;
}

uint32_t
session_caps (const struct session *session)
{
  return session->ops->conn_caps ? session->ops->conn_caps (session->conn)
                                 : session->ops->caps;
}

bool
session_passes_fds (const struct session *session)
{
  return session_caps (session) & VIRGATE_CAP_PASSES_FDS;
}

void
session_free (struct session *session)
{
  if (session->conn)
    session->ops->close (session->conn);
  seal_free (session);
  peer_free (&session->peer);
  identity_free (&session->identity);
  standing_free (session);
  names_free (session);
  free (session->jobs);
  stranger_leave (session);
  source_leave (session);
  listener_unref (session->listener);
  free (session);
}

/* On the session's own loop from here on. */
static void
begin (struct session *session)
{
  struct loop *loop = session->loop;

  list_append (&loop->sessions, &session->link);
  if (session_watch_begin (session) == -1)
    return;
  session_log (session, VIRGATE_LOG_DEBUG, "connected");
  if (loop->tally)
    tally_add (&loop->tally->accepted, 1);
  if (loop->is_stopping)
    session_close (session, VIRGATE_LOG_DEBUG, "shutting down");
  else if (session->ops->handshake)
    handshake_begin (session);
  else
    auth_begin (session);
}

struct arrival {
  struct mail mail;
  struct session *session;
};

static void
deliver_arrival (struct mail *mail)
{
  struct arrival *arrival = container_of (mail, struct arrival, mail);
  struct session *session = arrival->session;

  free (arrival);
  begin (session);
}

static void
count_in (struct session *session)
{
  server_count (session->loop, 1, 1);
  if (session->is_admin)
    atomic_fetch_add (&session->loop->server->admins, 1u);
}

int
session_begin (struct session *session, struct loop *loop)
{
  struct arrival *arrival;

  session->loop = loop;
  session->is_stranger = true;
  if (loop == loop_current ()) {
    count_in (session);
    begin (session);
    return 0;
  }
  arrival = malloc (sizeof *arrival);
  if (arrival == NULL)
    return -1;
  count_in (session);
  arrival->session = session;
  arrival->mail.deliver = deliver_arrival;
  loop_post (loop, &arrival->mail);
  return 0;
}

void
session_enter (struct session *session, enum session_state state)
{
  static const enum loop_wait waits[] = {
    [SESSION_HANDSHAKE] = WAIT_HANDSHAKE,
    [SESSION_AUTH] = WAIT_AUTH,
    [SESSION_OPEN] = WAIT_OPEN,
  };

  session->state = state;
  if (state >= SESSION_OPEN) {
    session->in.frame_max = FRAME_LEN_MAX;
    session->in.keep_max = session->loop->limits.max_message;
    session->in.may_keep = NULL;
  }
  if (state < SESSION_READY) {
    loop_wait (session->loop, &session->wait, waits[state]);
    return;
  }
  loop_unwait (&session->wait);
  stranger_leave (session);
  if (session->is_stranger) {
    session->is_stranger = false;
    server_count (session->loop, 0, -1);
  }
}

void
session_log (const struct session *session, int level, const char *fmt, ...)
{
  const struct log *log = session->listener->log;
  char who[128], text[LOG_LINE_MAX];
  va_list args;

  if (!log_wants (log, level))
    return;
  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  peer_describe (&session->peer, who, sizeof who);
  log_write (log, level, session->listener->title, "%s: %s", who, text);
}

static void
leave_lists (struct session *session)
{
  list_remove (&session->ready);
  list_remove (&session->touched);
  list_remove (&session->pinged);
  loop_unwait (&session->wait);
  loop_unwait (&session->writing);
}

/* The transport's last words, and the end of the descriptor; of one that a
 * worker has, session_free closes it.
 */
static void
close_transport (struct session *session)
{
  bool is_busy = handshake_is_busy (session);

  if (session->ops->shutdown && !is_busy)
    session->ops->shutdown (session->conn);
  session_watch_end (session);
  if (is_busy)
    return;
  session->ops->close (session->conn);
  session->conn = NULL;
}

void
session_close (struct session *session, int level, const char *reason)
{
  if (session_is_closing (session))
    return;
  if (reason)
    session_log (session, level, "closed: %s", reason);
  stranger_leave (session);
  record_end (session);
  if (session->state < SESSION_READY && session->is_stranger)
    server_count (session->loop, 0, -1);
  session->is_stranger = false;
  session->state = SESSION_CLOSING;
  atomic_store (&session->is_gone, true);
  session_pin (session);
  leave_lists (session);
  close_transport (session);
  streams_close (session);
  grants_free (session);
  gateway_leave (session);
  dispatch_drop_held (session);
  auth_end (session);
  handshake_end (session);
  wire_in_free (&session->in);
  wire_out_free (&session->out);
  session_unpin (session);
}

/* A session of a loop that stops goes once it is idle. */
void
session_retire (struct session *session)
{
  if (session->loop->is_stopping && session->requests == 0
      && session->held == NULL && !session_is_closing (session))
    session_end (session);
}

/* What has arrived is still answered. */
void
session_stop (struct session *session)
{
  if (session->state >= SESSION_OPEN && !session_is_closing (session))
    session_event (session);
  if (session->state < SESSION_OPEN)
    session_close (session, VIRGATE_LOG_DEBUG, "shutting down");
  else
    session_retire (session);
}

void
session_end (struct session *session)
{
  if (session_is_closing (session))
    return;
  session->is_ending = true;
  session_touch (session);
}

struct farewell {
  struct job job;
  struct mail mail;
  struct session *session;
  struct driver *driver;
};

static void
deliver_farewell (struct mail *mail)
{
  struct farewell *farewell = container_of (mail, struct farewell, mail);
  struct session *session = farewell->session;

  driver_unref (farewell->driver);
  free (farewell);
  session_unpin (session);
}

static void
run_farewell (struct job *job)
{
  struct farewell *farewell = container_of (job, struct farewell, job);

  farewell->driver->ops->close (farewell->session->driver_conn);
}

static void
farewell_done (struct job *job)
{
  struct farewell *farewell = container_of (job, struct farewell, job);

  farewell->mail.deliver = deliver_farewell;
  loop_post (farewell->session->loop, &farewell->mail);
}

/* Nothing of this session runs any more: close its driver connection, on a
 * worker because that may block; then it comes back here.
 */
static void
close_driver (struct session *session)
{
  struct server *server = session->loop->server;
  struct session_jobs *jobs = session_jobs (session);
  struct farewell *farewell = calloc (1, sizeof *farewell);
  struct driver *driver = session->driver;

  session_pin (session);
  session->driver = NULL;
  if (farewell) {
    farewell->session = session;
    farewell->driver = driver;
    farewell->job.run = run_farewell;
    farewell->job.done = farewell_done;
    if (jobs && workers_add (&server->workers, &jobs->normal,
                             &farewell->job) == 0)
      return;
    free (farewell);
  }
  driver->ops->close (session->driver_conn);
  driver_unref (driver);
  session_unpin (session);
}

void
session_pin (struct session *session)
{
  session->pins++;
}

void
session_unpin (struct session *session)
{
  struct loop *loop = session->loop;

  if (--session->pins > 0 || !session_is_closing (session))
    return;
  if (session->driver && session->driver->ops->close) {
    close_driver (session);
    return;
  }
  driver_unref (session->driver);
  list_remove (&session->link);
  if (session->is_admin)
    atomic_fetch_sub (&loop->server->admins, 1u);
  session_free (session);
  server_count (loop, -1, 0);
  loop_untidy (loop);
  loop_session_gone (loop);
}

void
session_call_ended (struct session *session, uint32_t bytes)
{
  session->requests--;
  session->request_bytes -= bytes;
  if (session->held || session->is_stopped)
    session_again (session);
  if (session->requests == 0 && session->auth == NULL) {
    free (session->jobs);       /* no line has a job now */
    session->jobs = NULL;
  }
  session_retire (session);
  session_unpin (session);
}

struct session_jobs *
session_jobs (struct session *session)
{
  if (session->jobs)
    return session->jobs;
  session->jobs = malloc (sizeof *session->jobs);
  if (session->jobs) {
    job_line_init (&session->jobs->normal);
    job_line_init (&session->jobs->priority);
  }
  return session->jobs;
}

void
sessions_recheck (struct loop *loop)
{
  list_for_each (item, &loop->sessions) {
    struct session *session = list_item (item, struct session, link);

    if (!session_is_closing (session) && session->ops->recheck
        && !handshake_is_busy (session)
        && session->ops->recheck (session->conn) == -1)
      session_close (session, VIRGATE_LOG_NOTICE,
                     "is not acceptable any more");
    else if (!session_is_closing (session) && !grants_hold (session))
      session_close (session, VIRGATE_LOG_NOTICE,
                     "has a stream that is not allowed any more");
  }
}
