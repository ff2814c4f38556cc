/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keepalive as libvirt's peers expect it: ping after a silence, give up after
 * too many pings without any message in between.  Sans-I/O: the owner says
 * when it heard something, asks what is due, and sends what it is told to.
 */
#ifndef VIRGATE_CORE_KEEPALIVE_H
#define VIRGATE_CORE_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"

/* virkeepaliveprotocol.x */
#define KEEPALIVE_PROGRAM UINT32_C (0x6b656570)
#define KEEPALIVE_VERSION 1
#define KEEPALIVE_PING 1
#define KEEPALIVE_PONG 2

struct keepalive {
  int64_t interval_ns;          /* 0: never ping */
  int64_t last_ns;              /* when something was last heard or pinged */
  uint32_t count;               /* pings that may stay unanswered */
  uint32_t unanswered;
};

enum keepalive_due {
  KEEPALIVE_NOTHING,
  KEEPALIVE_SEND_PING,
  KEEPALIVE_DEAD
};

void keepalive_start (struct keepalive *ka, int64_t interval_ns,
                      uint32_t count, int64_t now);

/* Any message arrived. */
static inline void
keepalive_heard (struct keepalive *ka, int64_t now)
{
  ka->last_ns = now;
  ka->unanswered = 0;
}

/* When to call keepalive_check next; INT64_MAX when pings are off. */
int64_t keepalive_deadline (const struct keepalive *ka);

/* What is due; counts the ping that it asks for. */
enum keepalive_due keepalive_check (struct keepalive *ka, int64_t now);

/* Append a ping or pong to a buffer.  0, or -1 with errno. */
int keepalive_append (struct buf *out, int32_t procedure);

/* Is this frame keepalive's?  1: it was a ping, and a pong was appended to
 * out; 2: another keepalive message, done with; 0: not keepalive; -1: errno.
 */
int keepalive_frame (const struct frame *frame, struct buf *out);

#endif /* VIRGATE_CORE_KEEPALIVE_H */
