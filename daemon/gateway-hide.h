/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gateway's part of access control: asking the far side for the names of
 * objects, and leaving out of its answers what the client may not see.
 */
#ifndef VIRGATE_DAEMON_GATEWAY_HIDE_H
#define VIRGATE_DAEMON_GATEWAY_HIDE_H

#include <stdbool.h>

#include <virgate/driver.h>

#include "common/buf.h"
#include "core/frame.h"
#include "daemon/access.h"
#include "daemon/known-names.h"
#include "protocol/table.h"

struct gateway;
struct hiding;
struct passed;

/* Has the answer to a call to be looked at? */
bool hiding_concerns (struct session *session,
                      const struct frame_header *head,
                      const struct proc_row *row);

/* Of such a call: remember what the client asked
 * in *hiding, and ask what tells.
 *
 * frame    in: the client's; out: what to send
 * payload  takes new arguments
 * row      in and out: of the procedure
 *
 * Returns 0, or -1 without memory.
 */
int hiding_begin (struct frame *frame, struct buf *payload,
                  const struct proc_row **row, struct hiding **hiding);

/* The procedure that the client called; of a call that hides nothing: its. */
int32_t hiding_procedure (const struct passed *passed);
/* The same for the record. */
struct record_what hiding_what (const struct passed *passed);

/* Append the answer to such a call; frame is good, and no error.  *code: out,
 * of the error that it became, or 0; then passed->note is for the record.  0,
 * or -1 without memory.
 */
int hiding_reply (struct session *session, const struct frame_header *head,
                  const struct virgate_frame *frame, struct passed *passed,
                  int32_t *code);

/* May the client get this event? */
bool hiding_passes_event (struct session *session,
                          const struct virgate_frame *frame);

/* The name of an object by its uuid; see true-names.h.  row: of the
 * procedure that tells.
 */
enum access_result gateway_name (struct virgate_call *call,
                                 const struct proc_row *row,
                                 const uint8_t uuid[16], const char **name,
                                 struct names_when *when);

/* Is this the answer to such a question?  Then it is taken. */
bool gateway_name_answered (struct session *session,
                            const struct frame_header *head,
                            const struct virgate_frame *frame);

/* The call that wanted names was judged. */
void gateway_forget_names (struct gateway *gateway);

#endif /* VIRGATE_DAEMON_GATEWAY_HIDE_H */
