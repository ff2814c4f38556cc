/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small files with secrets in them: read whole, bounded, and wiped when they
 * are not needed any more.
 */
#ifndef VIRGATE_CORE_SECRETFILE_H
#define VIRGATE_CORE_SECRETFILE_H

#include <stddef.h>

#include <virgate/error.h>

/* Bytes of a password in a file of its own. */
#define SECRET_MAX 4096

enum secret_flags {
  SECRET_PRIVATE = 1            /* refuse what anybody but its owner can read
                                   or write, and what belongs to neither us
                                   nor root */
};

/* Read a regular file of at most MAX bytes.
 *
 * flags  enum secret_flags
 * text   out; NUL-terminated, may have more NULs inside; secret_drop
 *
 * Returns 0, 1 when there is no such file, or -1 with err set.
 */
int secret_read (const char *path, unsigned flags, size_t max, char **text,
                 size_t *len, struct virgate_error *err);

/* Wipe and free. */
void secret_drop (char *text, size_t len);

/* The first line of a private file, which must exist; malloc'ed, to be wiped.
 * NULL with err set.
 */
char *secret_line (const char *path, struct virgate_error *err);

#endif /* VIRGATE_CORE_SECRETFILE_H */
