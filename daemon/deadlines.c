/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens to sessions as time passes: too slow, or too silent.
 */
#include "config.h"

#include "common/mem.h"
#include "daemon/gateway.h"
#include "daemon/record.h"
#include "daemon/session.h"

/* Keepalive is looked after in steps of this. */
#define KEEPALIVE_STEP (250 * NS_PER_MS)

void
session_expire (struct wait *wait, enum loop_wait which)
{
  static const char *const reasons[WAIT_COUNT] = {
    [WAIT_HANDSHAKE] = "took too long over the handshake",
    [WAIT_AUTH] = "took too long to authenticate",
    [WAIT_OPEN] = "took too long to open a connection",
    [WAIT_FRAME] = "left a message unfinished",
    [WAIT_WRITE] = "does not read what it was sent",
  };
  struct session *session = which == WAIT_WRITE
    ? container_of (wait, struct session, writing)
    : container_of (wait, struct session, wait);

  if (which == WAIT_OPEN && session->is_opening)
    return;
  if (which == WAIT_LEFT) {
    gateway_left (session);
    return;
  }
  if (which <= WAIT_OPEN)
    record_refusal (session, TALLY_TOO_SLOW, reasons[which]);
  session_close (session, which == WAIT_HANDSHAKE ? VIRGATE_LOG_NOTICE
                                                  : VIRGATE_LOG_INFO,
                 reasons[which]);
}

void
session_keepalive_start (struct session *session)
{
  struct loop *loop = session->loop;

  if (loop->limits.keepalive_ns == 0 || session->keepalive.interval_ns > 0)
    return;
  keepalive_start (&session->keepalive, loop->limits.keepalive_ns,
                   loop->limits.keepalive_count, loop->now);
  list_append (&loop->pinged, &session->pinged);
  loop_wake_at (loop, keepalive_deadline (&session->keepalive));
}

static void
check (struct session *session, int64_t now)
{
  enum keepalive_due due = keepalive_check (&session->keepalive, now);

  if (due == KEEPALIVE_DEAD)
    session_close (session, VIRGATE_LOG_INFO, "does not answer pings");
  else if (due == KEEPALIVE_SEND_PING
           && keepalive_append (session_out (session), KEEPALIVE_PING) == 0)
    session_touch (session);
}

void
sessions_keepalive (struct loop *loop)
{
  int64_t next = INT64_MAX;

  list_for_each (item, &loop->pinged) {
    struct session *session = list_item (item, struct session, pinged);

    check (session, loop->now);
    if (!session_is_closing (session))
      next = MIN_OF (next, keepalive_deadline (&session->keepalive));
  }
  if (next != INT64_MAX)
    loop_wake_at (loop, MAX_OF (next, loop->now + KEEPALIVE_STEP));
}
