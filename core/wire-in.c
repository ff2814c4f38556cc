/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes into frames; see wire.h.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/wire.h"

/* From here on the rest of a frame is read to where it will stay. */
#define INSIDE_MIN (32 * 1024)

/* Descriptors received and not yet claimed, oldest first. */
struct wire_fds {
  uint32_t count;
  int fd[FRAME_FDS_MAX];
};

void
wire_in_init (struct wire_in *in, uint32_t frame_max)
{
  memset (in, 0, sizeof *in);
  in->frame_max = frame_max;
}

/* Close the first COUNT descriptors. */
SELDOM static void
fds_drop (struct wire_in *in, uint32_t count)
{
  struct wire_fds *fds = in->fds;

  if (fds == NULL)
    return;
  for (uint32_t i = 0; i < count; i++)
    close (fds->fd[i]);
  fds->count -= count;
  memmove (fds->fd, fds->fd + count, fds->count * sizeof fds->fd[0]);
  if (fds->count == 0) {
    free (fds);
    in->fds = NULL;
  }
}

static uint32_t
fds_count (const struct wire_in *in)
{
  return in->fds ? in->fds->count : 0;
}

/* Keep what a frame may still claim, close what none can. */
SELDOM static void
fds_take (struct wire_in *in, const struct virgate_fds *from)
{
  for (uint32_t i = 0; i < from->count; i++) {
    if (in->fds == NULL)
      in->fds = calloc (1, sizeof *in->fds);
    if (in->fds == NULL || in->fds->count == FRAME_FDS_MAX)
      close (from->fd[i]);
    else
      in->fds->fd[in->fds->count++] = from->fd[i];
  }
}

/* How many bytes the frame at data takes, descriptors' bytes included, as far
 * as the first len bytes tell; 0 with errno when it can be no frame.
 */
static size_t
frame_need (const struct wire_in *in, const char *data, size_t len)
{
  uint32_t fd_count;
  size_t need;

  if (len < FRAME_WORD_LEN)
    return FRAME_WORD_LEN;
  need = frame_unpack_length (data);
  if (need == 0) {
    errno = EBADMSG;
    return 0;
  }
  if (need > in->frame_max) {
    errno = EMSGSIZE;
    return 0;
  }
  if (len < FRAME_PREFIX_LEN)
    return need;
  if (!frame_announces_fds (frame_unpack_type (data + FRAME_WORD_LEN)))
    return need;
  if (need < FRAME_PREFIX_MAX) {
    errno = EBADMSG;
    return 0;
  }
  if (len < FRAME_PREFIX_MAX)
    return need;
  fd_count = be32_load (data + FRAME_PREFIX_LEN);
  if (fd_count > FRAME_FDS_MAX) {
    errno = EBADMSG;
    return 0;
  }
  return need + fd_count;
}

/* Hand over one whole frame that takes NEED bytes at data. */
static enum wire_verdict
frame_give (struct wire_in *in, const char *data, size_t need,
            wire_frame_fn *fn, void *opaque)
{
  struct frame frame = { .payload = data + FRAME_PREFIX_LEN };
  size_t len = frame_unpack_length (data);
  enum wire_verdict verdict;

  frame_unpack_header (data + FRAME_WORD_LEN, &frame.head);
  frame.len = len - FRAME_PREFIX_LEN;
  if (frame_announces_fds (frame.head.type)) {
    frame.payload += FRAME_WORD_LEN;
    frame.len -= FRAME_WORD_LEN;
    frame.fd_count = need - len;
    if (frame.fd_count > fds_count (in)) {
      errno = EBADMSG;
      return WIRE_BROKEN;
    }
    frame.fds = in->fds ? in->fds->fd : NULL;
  }
  verdict = fn (opaque, &frame);
  if (verdict == WIRE_BROKEN)
    errno = ECANCELED;
  else if (verdict != WIRE_HOLD && frame.fd_count > 0)
    fds_drop (in, frame.fd_count);
  return verdict;
}

/* Hand over the whole frames at data; *used counts the bytes taken. */
static enum wire_verdict
take_frames (struct wire_in *in, const char *data, size_t len, size_t *used,
             wire_frame_fn *fn, void *opaque)
{
  *used = 0;
  while (*used < len) {
    size_t need = frame_need (in, data + *used, len - *used);
    enum wire_verdict verdict;

    if (need == 0)
      return WIRE_BROKEN;
    if (need > len - *used || len - *used < FRAME_PREFIX_LEN)
      break;
    verdict = frame_give (in, data + *used, need, fn, opaque);
    if (verdict == WIRE_BROKEN)
      return verdict;
    if (verdict == WIRE_HOLD)
      return WIRE_STOP;
    *used += need;
    if (verdict == WIRE_STOP)
      return verdict;
  }
  return WIRE_NEXT;
}

/* Nothing waits: give the memory back and close what nobody announced. */
static void
settle (struct wire_in *in)
{
  if (buf_len (&in->part) > 0)
    return;
  buf_free (&in->part);
  fds_drop (in, fds_count (in));
}

/* The partial frame is longer than what is kept: keep its header only. */
static void
cut_part (struct wire_in *in, void *opaque)
{
  size_t have = buf_len (&in->part), need;

  if (in->keep_max == 0 || have < FRAME_PREFIX_LEN || in->is_cut)
    return;
  need = frame_need (in, buf_data (&in->part), have);
  if (need <= in->keep_max || need <= have)
    return;
  if (in->may_keep && in->may_keep (opaque, need)
      && buf_reserve (&in->part, need - have))
    return;
  in->is_cut = true;
  in->skip = need - have;
  in->part.end = in->part.start + FRAME_PREFIX_LEN;
}

/* Drop bytes of a frame that is not kept; at its end hand over its header. */
static enum wire_verdict
take_cut (struct wire_in *in, const char **data, size_t *len,
          wire_frame_fn *fn, void *opaque)
{
  struct frame frame = { .payload = "", .is_cut = true };
  size_t drop = MIN_OF ((size_t) in->skip, *len);
  enum wire_verdict verdict;

  in->skip -= drop;
  *data += drop;
  *len -= drop;
  if (in->skip > 0)
    return WIRE_NEXT;
  frame_unpack_header (buf_data (&in->part) + FRAME_WORD_LEN, &frame.head);
  verdict = fn (opaque, &frame);
  if (verdict == WIRE_HOLD)
    return WIRE_STOP;
  if (verdict == WIRE_BROKEN)
    errno = ECANCELED;
  in->is_cut = false;
  buf_consume (&in->part, FRAME_PREFIX_LEN);
  fds_drop (in, fds_count (in));
  return verdict;
}

static enum wire_verdict
take_part (struct wire_in *in, wire_frame_fn *fn, void *opaque)
{
  enum wire_verdict verdict;
  const char *none = "";
  size_t used, no_len = 0;

  if (in->is_cut)
    return take_cut (in, &none, &no_len, fn, opaque);
  verdict = take_frames (in, buf_data (&in->part), buf_len (&in->part), &used,
                         fn, opaque);
  buf_consume (&in->part, used);
  return verdict;
}

/* Complete the partial frame with no more bytes than it needs, so that the
 * frames after it are handed over in place.
 */
static enum wire_verdict
feed_part (struct wire_in *in, const char **data, size_t *len,
           wire_frame_fn *fn, void *opaque)
{
  while (*len > 0 && buf_len (&in->part) > 0) {
    size_t have = buf_len (&in->part), need, take;
    enum wire_verdict verdict;

    if (in->is_cut) {
      verdict = take_cut (in, data, len, fn, opaque);
      if (verdict != WIRE_NEXT)
        return verdict;
      continue;
    }
    need = frame_need (in, buf_data (&in->part), have);
    if (need == 0)
      return WIRE_BROKEN;
    if (have < FRAME_PREFIX_LEN)
      need = FRAME_PREFIX_LEN;
    take = need > have ? MIN_OF (need - have, *len) : 0;
    if (buf_append (&in->part, *data, take) == -1)
      return WIRE_BROKEN;
    *data += take;
    *len -= take;
    verdict = take_part (in, fn, opaque);
    if (verdict != WIRE_NEXT)
      return verdict;
    cut_part (in, opaque);
  }
  return WIRE_NEXT;
}

enum wire_verdict
wire_feed (struct wire_in *in, const char *data, size_t len,
           const struct virgate_fds *fds, wire_frame_fn *fn, void *opaque)
{
  enum wire_verdict verdict;
  size_t used = 0;

  if (fds)
    fds_take (in, fds);
  verdict = buf_len (&in->part) == 0 ? WIRE_NEXT
            : feed_part (in, &data, &len, fn, opaque);
  if (verdict == WIRE_NEXT)
    verdict = take_frames (in, data, len, &used, fn, opaque);
  if (verdict == WIRE_BROKEN)
    return verdict;
  if (used == len && in->part.base == NULL && in->fds == NULL)
    return verdict;
  if (len > used && buf_append (&in->part, data + used, len - used) == -1)
    return WIRE_BROKEN;
  if (verdict == WIRE_NEXT)
    cut_part (in, opaque);
  settle (in);
  return verdict;
}

enum wire_verdict
wire_resume (struct wire_in *in, wire_frame_fn *fn, void *opaque)
{
  enum wire_verdict verdict = take_part (in, fn, opaque);

  if (verdict == WIRE_NEXT)
    cut_part (in, opaque);
  settle (in);
  return verdict;
}

char *
wire_inside (struct wire_in *in, size_t *room)
{
  size_t have = buf_len (&in->part), need;

  if (have < INSIDE_MIN || in->is_cut)
    return NULL;
  need = frame_need (in, buf_data (&in->part), have);
  if (need <= have)
    return NULL;
  *room = MIN_OF (need - have, have);
  return buf_reserve (&in->part, *room);
}

enum wire_verdict
wire_feed_inside (struct wire_in *in, size_t len, wire_frame_fn *fn,
                  void *opaque)
{
  in->part.end += len;
  return wire_resume (in, fn, opaque);
}

size_t
wire_in_memory (const struct wire_in *in)
{
  return in->part.size + (in->fds ? sizeof *in->fds : 0);
}

void
wire_in_free (struct wire_in *in)
{
  buf_free (&in->part);
  fds_drop (in, fds_count (in));
}
