/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the program of auth-exec reads: one line for each thing that is known,
 * KEY VOUCH VALUE.  A value that could be taken for something else when it is
 * read by a shell is not passed on: the peer is refused.
 */
#ifndef VIRGATE_AUTH_EXEC_QUESTION_H
#define VIRGATE_AUTH_EXEC_QUESTION_H

#include <virgate/auth.h>

#include "common/buf.h"

/* user and password may be NULL: a decision from the facts alone.  The text
 * is appended; it may hold the password.
 *
 * Returns 0, or -1 after host->error.
 */
int question_write (struct buf *text, const struct virgate_host *host,
                    const struct virgate_peer *peer,
                    const struct virgate_identity *identity,
                    const char *user, const char *password);

/* Wipe and free. */
void question_free (struct buf *text);

#endif /* VIRGATE_AUTH_EXEC_QUESTION_H */
