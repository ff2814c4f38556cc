/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making, copying, sending and receiving error records.  Messages are built
 * as libvirt builds them, from its template for the code and a detail, so
 * that a person reads the same words whichever server answers.
 *
 * A record on the stack starts zeroed; every function here leaves it valid,
 * even without memory (a code with a NULL message).
 */
#ifndef VIRGATE_CORE_ERROR_H
#define VIRGATE_CORE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include <virgate/error.h>
#include <virgate/host.h>

#include "common/buf.h"
#include "common/cleanup.h"

/* remote_protocol.x: REMOTE_STRING_MAX, for each string of a record. */
#define ERROR_STRING_MAX 4194304

/* Fill a record as libvirt does: message is the code's template with the
 * detail in it, str1 the template, str2 the detail, int1 and int2 -1.  A NULL
 * fmt takes the template for no detail.  An old record is freed first; the
 * arguments may point into it.  err NULL: nothing is stored.
 *
 * Always returns -1, for `return error_set (...)`.
 */
int error_set (struct virgate_error *err, int32_t code, int32_t domain,
               const char *fmt, ...) VIRGATE_PRINTF (4, 5);
int error_vset (struct virgate_error *err, int32_t code, int32_t domain,
                const char *fmt, va_list args) VIRGATE_PRINTF (4, 0);

/* As error_set, but the message is the text alone, without the template:
 * for messages about files, modules and start-up.
 */
int error_text (struct virgate_error *err, int32_t code, int32_t domain,
                const char *fmt, ...) VIRGATE_PRINTF (4, 5);

/* A failed system call: "what: strerror", the number in int1. */
int error_system (struct virgate_error *err, int errnum, int32_t domain,
                  const char *fmt, ...) VIRGATE_PRINTF (4, 5);

/* Put "prefix" before the message (and str2), as in "file:12: " + message. */
int error_prefix (struct virgate_error *err, const char *fmt, ...)
  VIRGATE_PRINTF (2, 3);

/* Free the strings and zero the record. */
void error_clear (struct virgate_error *err);

/* Replace dst by a copy of src, or move it and zero src. */
void error_copy (struct virgate_error *dst, const struct virgate_error *src);
void error_move (struct virgate_error *dst, struct virgate_error *src);

/* What to show a person: the message, or words for the bare code. */
const char *error_message (const struct virgate_error *err);

/* Append the record as the payload of an error reply.
 * Returns 0, or -1 with errno ENOMEM or EMSGSIZE and nothing appended.
 * Wire: remote_protocol.x, remote_error.
 */
int error_encode (struct buf *out, const struct virgate_error *err);

/* Read a record from a payload; objects in it (domain, network) are skipped,
 * bytes after it ignored.  err is replaced on success, untouched on failure.
 * Returns 0, or -1 with errno EBADMSG.
 */
int error_decode (const void *data, size_t len, struct virgate_error *err);

#define CLEANUP_ERROR CLEANUP (error_clear)

#endif /* VIRGATE_CORE_ERROR_H */
