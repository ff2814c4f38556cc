/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What stands between a client and a driver that takes whole frames: calls
 * that dispatch allowed go through here to the driver, and what the driver
 * sends to its client comes back through here.  Both ways only what the
 * protocol's tables describe and what somebody asked for passes.
 */
#ifndef VIRGATE_DAEMON_GATEWAY_H
#define VIRGATE_DAEMON_GATEWAY_H

#include <stdbool.h>

#include <virgate/driver.h>

#include "core/wire.h"
#include "daemon/known-names.h"
#include "daemon/passed.h"
#include "daemon/record.h"

struct session;

/* Names that a gateway found out for the call that waits for them. */
#define GATEWAY_NAMES 8

struct gateway_name {
  const struct proc_row *row;   /* that told it */
  uint8_t uuid[16];
  char *name;                   /* NULL: there is no such object */
  struct names_when when;       /* it was asked */
};

struct gateway_names {
  unsigned count;
  struct gateway_name asked;    /* row NULL: nothing is asked */
  struct frame_header head;     /* of the question */
  struct gateway_name known[GATEWAY_NAMES];
};

/* Of one session; made when its driver is open. */
struct gateway {
  struct passed_table passed;
  uint32_t openings;            /* of streams, that a client left behind; it
                                   is gone when there are any */
  bool is_lost;
  bool is_full;                 /* the driver took no more */
  bool is_pressed;              /* the client takes no more */
  struct gateway_names names;
  struct virgate_error lost;    /* why nothing can be answered any more */
};

/* The session's driver was opened: 0, or -1 without memory. */
int gateway_begin (struct session *session);

/* Is this call of an open session the driver's, rather than the daemon's? */
bool gateway_takes (const struct session *session, const struct frame *frame);

/* Pass a call on that was checked and permitted.
 *
 * row   NULL: a procedure that the tables do not know
 * note  for the record; given away
 *
 * Returns as a wire_frame_fn does.
 */
enum wire_verdict gateway_call (struct session *session,
                                const struct frame *frame,
                                const struct proc_row *row,
                                record_note note);

/* Is a call under way, or a stream open, that has this header? */
bool gateway_knows (const struct gateway *gateway,
                    const struct frame_header *head);

/* May the answer to a call that is under way bring descriptors? */
bool gateway_awaits_fds (const struct session *session);

/* Pass on what belongs to a stream. */
enum wire_verdict gateway_stream (struct session *session,
                                  const struct frame *frame);

/* driver.h: client_resume. */
void gateway_service_resume (struct virgate_client *client);

/* gateway-replies.c ------------------------------------------------------- */

/* All output is written: the driver may send more. */
void gateway_written (struct session *session);

/* driver.h: client_send, client_lost. */
int gateway_service_send (struct virgate_client *client,
                          const struct virgate_frame *frame);
void gateway_service_lost (struct virgate_client *client,
                           const struct virgate_error *why, int32_t reason);

/* gateway-left.c ---------------------------------------------------------- */

/* The client is gone.  The connection onward ends with it, or a bit later. */
void gateway_leave (struct session *session);
/* Then it ends now: nothing keeps it any more, or there is no more time. */
void gateway_left (struct session *session);
/* What still comes then for the client that left. */
void gateway_left_frame (struct session *session,
                         const struct frame_header *head,
                         const struct virgate_frame *frame);
/* Abort its streams, as many as the driver takes now.  This may end it all. */
void gateway_left_abort (struct session *session);

#endif /* VIRGATE_DAEMON_GATEWAY_H */
