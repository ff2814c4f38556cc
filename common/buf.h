/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A growable run of bytes: what is being written, or a partial frame.  Data
 * lie between start and end; bytes are consumed at the front without moving
 * the rest.
 */
#ifndef VIRGATE_COMMON_BUF_H
#define VIRGATE_COMMON_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
  char *base;
  size_t start;                 /* first byte not consumed */
  size_t end;                   /* one past the last byte */
  size_t size;                  /* bytes at base */
};

#define BUF_INIT { NULL, 0, 0, 0 }

static inline size_t
buf_len (const struct buf *buf)
{
  return buf->end - buf->start;
}

/* NULL when the buffer has no memory, which is never so when it has bytes. */
static inline char *
buf_data (const struct buf *buf)
{
  return buf->base ? buf->base + buf->start : NULL;
}

/* Make room for LEN more bytes after the end.
 *
 * Returns where to put them, NULL with errno ENOMEM.  The caller adds to
 * buf->end what it wrote.
 */
char *buf_reserve (struct buf *buf, size_t len)
  __attribute__ ((warn_unused_result));

/* Append bytes.  Returns 0, or -1 with errno ENOMEM and nothing changed. */
int buf_append (struct buf *buf, const void *data, size_t len)
  __attribute__ ((warn_unused_result));

/* Drop LEN bytes at the front; LEN is at most buf_len. */
void buf_consume (struct buf *buf, size_t len);

/* Overwrite what lies outside the bytes: what was consumed may be secret. */
void buf_wipe_rest (struct buf *buf);

/* Free the memory; the buffer may be used again. */
void buf_free (struct buf *buf);

#endif /* VIRGATE_COMMON_BUF_H */
