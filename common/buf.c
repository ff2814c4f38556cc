/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Growable bytes; see buf.h.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

#define BUF_MIN 512

char *
buf_reserve (struct buf *buf, size_t len)
{
  size_t used = buf_len (buf), need, size;
  char *base;

  if (buf->size - buf->end >= len && buf->base)
    return buf->base + buf->end;
  if (__builtin_add_overflow (used, len, &need)) {
    errno = ENOMEM;
    return NULL;
  }
  if (buf->base && buf->size >= need && buf->start >= used) {
    memcpy (buf->base, buf->base + buf->start, used);
    buf->start = 0;
    buf->end = used;
    return buf->base + buf->end;
  }
  for (size = buf->size ? buf->size : BUF_MIN; size < need; )
    if (__builtin_mul_overflow (size, 2, &size))
      size = need;
  /* realloc can move a large block without touching it. */
  if (buf->start > 0)
    memmove (buf->base, buf->base + buf->start, used);
  buf->start = 0;
  buf->end = used;
  base = realloc (buf->base, size);
  if (base == NULL)
    return NULL;
  buf->base = base;
  buf->size = size;
  return base + used;
}

int
buf_append (struct buf *buf, const void *data, size_t len)
{
  char *to = buf_reserve (buf, len);

  if (to == NULL)
    return -1;
  if (len > 0)
    memcpy (to, data, len);
  buf->end += len;
  return 0;
}

void
buf_consume (struct buf *buf, size_t len)
{
  buf->start += len;
  if (buf->start == buf->end)
    buf->start = buf->end = 0;
}

void
buf_wipe_rest (struct buf *buf)
{
  if (buf->base == NULL)
    return;
  wipe (buf->base, buf->start);
  wipe (buf->base + buf->end, buf->size - buf->end);
}

void
buf_free (struct buf *buf)
{
  if (buf->base)
    free (buf->base);
  *buf = (struct buf) BUF_INIT;
}
