/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to ping and when to give up; see keepalive.h.
 */
#include "config.h"

#include "core/keepalive.h"

void
keepalive_start (struct keepalive *ka, int64_t interval_ns, uint32_t count,
                 int64_t now)
{
  ka->interval_ns = interval_ns;
  ka->count = count;
  ka->last_ns = now;
  ka->unanswered = 0;
}

int64_t
keepalive_deadline (const struct keepalive *ka)
{
  return ka->interval_ns > 0 ? ka->last_ns + ka->interval_ns : INT64_MAX;
}

enum keepalive_due
keepalive_check (struct keepalive *ka, int64_t now)
{
  if (now < keepalive_deadline (ka))
    return KEEPALIVE_NOTHING;
  if (ka->unanswered >= ka->count)
    return KEEPALIVE_DEAD;
  ka->unanswered++;
  ka->last_ns = now;
  return KEEPALIVE_SEND_PING;
}

int
keepalive_append (struct buf *out, int32_t procedure)
{
  const struct frame_header head = {
    .program = KEEPALIVE_PROGRAM, .version = KEEPALIVE_VERSION,
    .procedure = procedure, .type = FRAME_MESSAGE, .status = FRAME_OK,
  };

  return frame_append (out, &head, NULL, 0);
}

int
keepalive_frame (const struct frame *frame, struct buf *out)
{
  if (frame->head.program != KEEPALIVE_PROGRAM)
    return 0;
  if (frame->head.version != KEEPALIVE_VERSION
      || frame->head.type != FRAME_MESSAGE
      || frame->head.procedure != KEEPALIVE_PING)
    return 2;
  return keepalive_append (out, KEEPALIVE_PONG) == -1 ? -1 : 1;
}
