/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packing and unpacking of message headers; see frame.h.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "core/frame.h"

void
frame_pack (char *bytes, size_t len, const struct frame_header *head)
{
  be32_store (bytes, (uint32_t) len);
  be32_store (bytes + 4, head->program);
  be32_store (bytes + 8, head->version);
  be32_store (bytes + 12, (uint32_t) head->procedure);
  be32_store (bytes + 16, (uint32_t) head->type);
  be32_store (bytes + 20, head->serial);
  be32_store (bytes + 24, (uint32_t) head->status);
}

ptrdiff_t
frame_begin (struct buf *out, const struct frame_header *head,
             uint32_t fd_count)
{
  bool has_count = frame_announces_fds (head->type);
  size_t prefix = FRAME_PREFIX_LEN + (has_count ? FRAME_WORD_LEN : 0);
  char *to = buf_reserve (out, prefix);
  ptrdiff_t mark;

  if (to == NULL)
    return -1;
  frame_pack (to, 0, head);
  if (has_count)
    be32_store (to + FRAME_PREFIX_LEN, fd_count);
  mark = (ptrdiff_t) buf_len (out);
  out->end += prefix;
  return mark;
}

int
frame_end (struct buf *out, ptrdiff_t mark)
{
  size_t len = buf_len (out) - (size_t) mark;

  if (len > FRAME_LEN_MAX) {
    frame_cancel (out, mark);
    errno = EMSGSIZE;
    return -1;
  }
  be32_store (buf_data (out) + mark, (uint32_t) len);
  return 0;
}

void
frame_cancel (struct buf *out, ptrdiff_t mark)
{
  out->end = out->start + (size_t) mark;
}

int
frame_append (struct buf *out, const struct frame_header *head,
              const void *payload, size_t len)
{
  ptrdiff_t mark;

  if (len > FRAME_PAYLOAD_MAX) {
    errno = EMSGSIZE;
    return -1;
  }
  mark = frame_begin (out, head, 0);
  if (mark == -1)
    return -1;
  if (buf_append (out, payload, len) == -1) {
    frame_cancel (out, mark);
    return -1;
  }
  return frame_end (out, mark);
}
