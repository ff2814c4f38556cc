/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file of entries or rules, whole in memory: a regular file, of bounded
 * size, that not everybody can write.
 */
#ifndef VIRGATE_ACL_LIST_FILE_H
#define VIRGATE_ACL_LIST_FILE_H

#include <stddef.h>

#include "common/buf.h"

/* Append the file to text.  max: bytes, whole MiB.  0, or -1 with the
 * complaint in why, which does not name the file.
 */
int list_file_read (const char *path, size_t max, struct buf *text, char *why,
                    size_t size);

#endif /* VIRGATE_ACL_LIST_FILE_H */
