/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client is gone that has a gateway.  Its connection onward could end at
 * once, but stock libvirtd (9.0) writes to memory that it freed, and mostly
 * dies, when a client leaves while a worker of it opens a stream.  So a call
 * that opens one is waited for, as long as leave-timeout says, so that not
 * everybody who is allowed a stream can bring down the daemon that all others
 * use.
 */
#include "config.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/session.h"

static bool
opens_stream (const struct proc_row *row)
{
  return row && (row->flags & PROC_STREAM);
}

/* What became of the calls under way nobody will know.  Returns how many of
 * them open streams.
 */
static uint32_t
forget_calls (struct session *session, struct passed_table *table)
{
  struct passed *passed;
  uint32_t openings = 0;

  while ((passed = passed_any (table))) {
    if (passed->state == PASSED_CALL) {
      openings += opens_stream (passed->row);
      record_passed (session, hiding_what (passed), RECORD_UNKNOWN,
                     passed->began_ns, passed->note);
    }
    passed_remove (table, passed);
  }
  passed_free (table);
  return openings;
}

void
gateway_leave (struct session *session)
{
  struct gateway *gateway = session->gateway;
  uint32_t openings = gateway ? forget_calls (session, &gateway->passed) : 0;

  if (openings == 0 || session->onward == NULL) {
    gateway_left (session);
    return;
  }
  gateway->openings = openings;
  loop_wait (session->loop, &session->wait, WAIT_LEFT);
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
  gateway_forget_names (gateway);
  error_clear (&gateway->lost);
  free (gateway);
}

void
gateway_left_frame (struct session *session,
                    const struct virgate_frame *frame)
{
  const struct proc_row *row = proc_find (frame->program, frame->procedure);

  if (row && (row->flags & PROC_SECRET))
    wipe ((char *) frame->payload, frame->len);
  if ((frame->type == FRAME_REPLY || frame->type == FRAME_REPLY_FDS)
      && opens_stream (row) && --session->gateway->openings == 0)
    gateway_left (session);
}
