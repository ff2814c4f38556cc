/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accepting; see accept.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/log.h"
#include "daemon/accept.h"
#include "daemon/access.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Connections taken from one socket in one turn. */
#define LOCAL_BATCH 64
#define REMOTE_BATCH 16

/* What newcomers meet is logged no more often than this. */
#define COMPLAIN_EVERY (5 * NS_PER_S)

/* When there are no descriptors at all: until the next try. */
#define RETRY_MS 50

static void
complain (struct listener *listener, struct complaint *complaint,
          const char *why)
{
  int64_t now = now_ns ();

  complaint->count++;
  if (now - complaint->at < COMPLAIN_EVERY)
    return;
  log_write (listener->log, VIRGATE_LOG_WARNING, listener->title,
             "%s: %s %u connections", why, complaint->what,
             complaint->count);
  complaint->at = now;
  complaint->count = 0;
}

static void
refused (struct listener *listener, const char *why)
{
  complain (listener, &listener->server->refused, why);
}

static void
open_reserve (struct server *server)
{
  if (server->reserve_fd == -1)
    server->reserve_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
on_readable (uv_poll_t *poll, int status, int events)
{
  struct acceptor *acceptor = poll->data;

  acceptor->is_ready = true;
  acceptor->listener->server->has_arrivals = true;
}

/* Poll all listening sockets, or none. */
static void
poll_all (struct server *server, bool on)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    for (unsigned i = 0; i < listener->acceptor_count; i++) {
      struct acceptor *acceptor = &listener->acceptors[i];

      if (!acceptor->is_polled || listener->is_closed)
        continue;
      if (on)
        uv_poll_start (&acceptor->poll, UV_READABLE, on_readable);
      else
        uv_poll_stop (&acceptor->poll);
    }
}

static void
on_retry (uv_timer_t *timer)
{
  open_reserve (timer->data);
  poll_all (timer->data, true);
}

/* Nothing can be accepted, not even to refuse it: wait, do not spin. */
static void
pause_all (struct server *server)
{
  poll_all (server, false);
  uv_timer_start (&server->retry, on_retry, RETRY_MS, 0);
}

/* No descriptor is left for a connection that waits: use the one that was
 * kept for this to take and drop it, so that it need not wait.
 */
static void
refuse_one (struct acceptor *acceptor)
{
  struct listener *listener = acceptor->listener;
  struct server *server = listener->server;
  const struct virgate_transport *transport = listener->transport;
  void *conn;

  refused (listener, "no descriptors left");
  if (server->reserve_fd != -1) {
    close (server->reserve_fd);
    server->reserve_fd = -1;
    if (transport->ops->accept (transport->inst, acceptor->at.fd,
                                &conn) == 0)
      transport->ops->close (conn);
  }
  open_reserve (server);
  if (server->reserve_fd == -1)
    pause_all (server);
}

/* The loop with the fewest sessions. */
static struct loop *
choose_loop (struct server *server)
{
  struct loop *best = &server->loops[0];

  for (unsigned i = 1; i < server->loop_count; i++)
    if (atomic_load (&server->loops[i].session_count)
        < atomic_load (&best->session_count))
      best = &server->loops[i];
  return best;
}

static int
state_facts (struct session *session, struct listener *listener)
{
  const struct virgate_transport_ops *ops = session->ops;
  struct virgate_peer *peer = &session->peer;

  host_error_forget ();
  if ((ops->peer && ops->peer (session->conn, peer, 0) == -1)
      || peer_string (peer, VIRGATE_FACT_TRANSPORT, VIRGATE_VOUCH_KERNEL,
                      listener->instance->module->desc.name) == -1
      || peer_string (peer, VIRGATE_FACT_LISTENER, VIRGATE_VOUCH_KERNEL,
                      listener->name) == -1
      || (session->is_read_only
          && peer_number (peer, VIRGATE_FACT_READ_ONLY, VIRGATE_VOUCH_KERNEL,
                          1) == -1))
    return -1;
  if (ops->handshake == NULL)
    peer_trim (peer);
  return 0;
}

/* Is there room for one more, or could it be made? */
static bool
has_room (struct session *session)
{
  struct listener *listener = session->listener;
  const char *reached;
  char why[192], who[128];
  bool has = stranger_enter (session, &reached);

  if (reached == NULL)
    return has;
  peer_describe (&session->peer, who, sizeof who);
  snprintf (why, sizeof why, "%s: %s is reached", who, reached);
  complain (listener, has ? &listener->server->made_room
                          : &listener->server->refused, why);
  return has;
}

/* May it stay?  Who may not is on record. */
static bool
may_stay (struct session *session)
{
  if (!source_enter (session)) {
    record_refusal (session, TALLY_BANNED, "its address is banned");
    return false;
  }
  if (!access_admits (session))
    return false;
  if (has_room (session))
    return true;
  record_refusal (session, TALLY_NO_ROOM, "there is no room");
  return false;
}

static void
admit (struct listener *listener, void *conn)
{
  struct session *session = session_new (listener, conn);

  if (session == NULL) {
    listener->transport->ops->close (conn);
    return;
  }
  if (state_facts (session, listener) == -1 || !may_stay (session)
      || session_begin (session, choose_loop (listener->server)) == -1)
    session_free (session);
}

/* Returns false when nothing waits any more. */
static bool
accept_one (struct acceptor *acceptor)
{
  const struct virgate_transport *transport = acceptor->listener->transport;
  void *conn;
  int ret = transport->ops->accept (transport->inst, acceptor->at.fd, &conn);

  if (ret == 0) {
    admit (acceptor->listener, conn);
    return true;
  }
  if (ret == VIRGATE_IO_ERROR && (errno == EMFILE || errno == ENFILE)) {
    refuse_one (acceptor);
    return true;
  }
  if (ret == VIRGATE_IO_ERROR && errno != ECONNABORTED) {
    refused (acceptor->listener, "cannot accept");
    pause_all (acceptor->listener->server);
    return false;
  }
  return ret == VIRGATE_IO_ERROR;
}

static void
accept_batch (struct acceptor *acceptor, int batch)
{
  acceptor->is_ready = false;
  while (batch-- > 0 && accept_one (acceptor))
    ;
}

static void
accept_from (struct server *server, bool local)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    for (unsigned i = 0; i < listener->acceptor_count; i++)
      if (listener->acceptors[i].is_ready && listener->is_local == local
          && !listener->is_closed)
        accept_batch (&listener->acceptors[i],
                      local ? LOCAL_BATCH : REMOTE_BATCH);
}

/* After each look for events. */
static void
on_check (uv_check_t *check)
{
  struct server *server = check->data;

  if (!server->has_arrivals)
    return;
  server->has_arrivals = false;
  server->loops[0].now = now_ns ();
  accept_from (server, true);
  accept_from (server, false);
}

int
accept_init (struct server *server)
{
  server->reserve_fd = -1;
  server->refused.what = "refused";
  server->made_room.what = "to make room, closed";
  open_reserve (server);
  uv_check_init (&server->loops[0].uv, &server->check);
  uv_timer_init (&server->loops[0].uv, &server->retry);
  server->check.data = server->retry.data = server;
  return uv_check_start (&server->check, on_check);
}

void
accept_end (struct server *server)
{
  if (server->reserve_fd != -1)
    close (server->reserve_fd);
  server->reserve_fd = -1;
}

void
acceptor_start (struct acceptor *acceptor)
{
  struct server *server = acceptor->listener->server;

  if (uv_poll_init (&server->loops[0].uv, &acceptor->poll,
                    acceptor->at.fd) != 0)
    return;
  acceptor->poll.data = acceptor;
  acceptor->is_polled = true;
  uv_poll_start (&acceptor->poll, UV_READABLE, on_readable);
}
