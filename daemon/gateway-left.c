/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client is gone that has a gateway.  Its connection onward could end at
 * once, but stock libvirtd (9.0) writes to memory that it freed, and mostly
 * dies, when a client leaves while a worker of it opens a stream.  So a call
 * that opens one is waited for, as long as leave-timeout says, so that not
 * everybody who is allowed a stream can bring down the daemon that all others
 * use.  Streams that are open are aborted meanwhile, each once its call is
 * answered: otherwise all of a volume would be sent to nobody.
 */
#include "config.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Nobody knows what a procedure does that the tables do not know. */
static bool
may_open_stream (const struct passed *passed)
{
  return passed->row == NULL || (passed->row->flags & PROC_STREAM);
}

/* What became of the calls under way nobody will know.  Returns how many of
 * them may open streams.
 */
static uint32_t
forget_calls (struct session *session)
{
  const struct passed_table *table = &session->gateway->passed;
  struct passed *passed = NULL;
  uint32_t openings = 0;

  while ((passed = passed_next (table, passed))) {
    if (passed->state != PASSED_CALL)
      continue;
    openings += may_open_stream (passed);
    record_passed (session, hiding_what (passed), RECORD_UNKNOWN,
                   passed->began_ns, steal_pointer (&passed->note));
  }
  return openings;
}

/* As a client does it.  If the stream ends by itself before the daemon behind
 * reads this, it takes no notice.
 */
static int
abort_stream (struct session *session, const struct passed *passed)
{
  const struct virgate_frame frame = {
    .program = passed->program, .version = passed->version,
    .procedure = passed->procedure, .serial = passed->serial,
    .type = FRAME_STREAM, .status = FRAME_ERROR, .payload = "",
  };

  return session->driver->ops->frame (session->driver_conn, &frame);
}

void
gateway_left_abort (struct session *session)
{
  struct passed_table *table = &session->gateway->passed;
  struct passed *passed;

  while ((passed = passed_any (table, PASSED_STREAM))) {
    int result = abort_stream (session, passed);

    if (result == VIRGATE_AGAIN)
      return;
    if (result != 0) {
      gateway_left (session);
      return;
    }
    passed_remove (table, passed);
  }
}

void
gateway_leave (struct session *session)
{
  struct gateway *gateway = session->gateway;
  uint32_t openings = gateway ? forget_calls (session) : 0;

  if (openings == 0 || session->onward == NULL) {
    gateway_left (session);
    return;
  }
  gateway->openings = openings;
  loop_wait (session->loop, &session->wait, WAIT_LEFT);
  gateway_left_abort (session);
  gateway_written (session);    /* nothing presses on the driver any more */
}

void
gateway_left (struct session *session)
{
  struct gateway *gateway = session->gateway;

  loop_unwait (&session->wait);
  if (session->onward)
    link_detach (session->onward);
  if (gateway == NULL)
    return;
  session->gateway = NULL;
  passed_free (&gateway->passed);
  gateway_forget_names (gateway);
  error_clear (&gateway->lost);
  free (gateway);
}

/* One call less to wait for. */
static void
opening_answered (struct session *session, struct passed *passed, bool ok)
{
  struct gateway *gateway = session->gateway;

  if (--gateway->openings == 0) {
    gateway_left (session);
    return;
  }
  if (ok) {
    passed->state = PASSED_STREAM;
    gateway_left_abort (session);
  }
  else
    passed_remove (&gateway->passed, passed);
}

void
gateway_left_frame (struct session *session, const struct frame_header *head,
                    const struct virgate_frame *frame)
{
  const struct proc_row *row = proc_find (head->program, head->procedure);
  struct passed *passed;

  if (row && (row->flags & PROC_SECRET))
    wipe ((char *) frame->payload, frame->len);
  if (head->type != FRAME_REPLY && head->type != FRAME_REPLY_FDS)
    return;
  passed = passed_find (&session->gateway->passed, head, PASSED_CALL);
  if (passed && may_open_stream (passed))
    opening_answered (session, passed, head->status == FRAME_OK);
}
