/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is done with a message: which procedure, whether it may be called now
 * and by this client, and on to its handler.
 */
#ifndef VIRGATE_DAEMON_DISPATCH_H
#define VIRGATE_DAEMON_DISPATCH_H

#include <virgate/driver.h>

#include "core/wire.h"

struct session;

/* The last procedure of libvirt 9.0's remote program: a server of that time
 * calls later ones unknown.
 */
#define LAST_OF_9_0 VIRGATE_REMOTE_PROC_DOMAIN_FD_ASSOCIATE

/* Handle one message of a session (opaque); a wire_frame_fn. */
enum wire_verdict dispatch_frame (void *opaque, const struct frame *frame);

/* Calls that were held back: take up as many as may go on; drop all. */
void dispatch_held (struct session *session);
void dispatch_drop_held (struct session *session);

#endif /* VIRGATE_DAEMON_DISPATCH_H */
