/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a call may be passed on to a gateway's driver.  It is decoded only
 * when the answer depends on its arguments, or when the record tells them.
 */
#ifndef VIRGATE_DAEMON_JUDGE_H
#define VIRGATE_DAEMON_JUDGE_H

#include "core/frame.h"
#include "daemon/access.h"
#include "daemon/record.h"
#include "protocol/table.h"

/* What stands for a procedure that the tables do not know: it is judged as
 * one that changes the connection.
 */
extern const struct proc_row unknown_row;

/* May the call be passed on?
 *
 * row   of the procedure, or &unknown_row
 * note  out, for the record; the caller's when the result is YES
 *
 * After NO the call was answered; after WAIT ask again, see access_permits.
 */
enum access_result judge_call (struct session *session,
                               const struct frame *frame,
                               const struct proc_row *row,
                               record_note *note);

#endif /* VIRGATE_DAEMON_JUDGE_H */
