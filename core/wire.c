/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes into frames and frames into bytes; see wire.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/wire.h"

/* From here on a frame is worth a system call of its own: bytes. */
#define DIRECT_MIN (64 * 1024)

/* From here on the rest of a frame is read to where it will stay. */
#define INSIDE_MIN (32 * 1024)

/* So many bytes are looked at for each write to a transport of records. */
#define RECORDS_MAX (64 * 1024)

/* The longest that comes before a payload. */
#define PREFIX_MAX (FRAME_PREFIX_LEN + FRAME_WORD_LEN)

/* Descriptors received and not yet claimed, oldest first. */
struct wire_fds {
  uint32_t count;
  int fd[FRAME_FDS_MAX];
};

/* A byte of the outgoing buffer that carries a descriptor. */
struct wire_mark {
  struct wire_mark *next;
  uint64_t offset;              /* counted as wire_out.flushed is */
  int fd;
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

static bool
announces_fds (int32_t type)
{
  return type == FRAME_CALL_FDS || type == FRAME_REPLY_FDS;
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
  if (!announces_fds (frame_unpack_type (data + FRAME_WORD_LEN)))
    return need;
  if (need < FRAME_PREFIX_LEN + FRAME_WORD_LEN) {
    errno = EBADMSG;
    return 0;
  }
  if (len < FRAME_PREFIX_LEN + FRAME_WORD_LEN)
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
  if (announces_fds (frame.head.type)) {
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

void
wire_out_init (struct wire_out *out)
{
  memset (out, 0, sizeof *out);
}

SELDOM static int
mark_append (struct wire_out *out, int fd)
{
  struct wire_mark *mark = malloc (sizeof *mark), **last;

  if (mark == NULL)
    return -1;
  mark->next = NULL;
  mark->offset = out->flushed + buf_len (&out->buf);
  mark->fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (mark->fd == -1 || buf_append (&out->buf, "", 1) == -1) {
    if (mark->fd != -1)
      close (mark->fd);
    free (mark);
    return -1;
  }
  for (last = &out->marks; *last; last = &(*last)->next)
    ;
  *last = mark;
  return 0;
}

int
wire_out_fds (struct wire_out *out, const int *fds, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (mark_append (out, fds[i]) == -1)
      return -1;
  return 0;
}

/* Length word, header and, if announced, the count of descriptors.  There is
 * room for PREFIX_MAX bytes.
 */
static size_t
pack_prefix (char *prefix, const struct frame_header *head, size_t len,
             uint32_t fd_count)
{
  size_t prefix_len = announces_fds (head->type) ? PREFIX_MAX
                                                 : FRAME_PREFIX_LEN;

  frame_pack (prefix, prefix_len + len, head);
  be32_store (prefix + FRAME_PREFIX_LEN, fd_count);
  return prefix_len;
}

/* All of a frame behind what waits already. */
static int
append_frame (struct wire_out *out, const struct frame_header *head,
              const void *payload, size_t len, uint32_t fd_count)
{
  char *to = buf_reserve (&out->buf, PREFIX_MAX + len);
  size_t prefix_len;

  if (to == NULL)
    return -1;
  prefix_len = pack_prefix (to, head, len, fd_count);
  if (len > 0)
    memcpy (to + prefix_len, payload, len);
  out->buf.end += prefix_len + len;
  return 0;
}

/* Try at once, and append what could not be written.  An error shows again
 * when that is written.
 */
static int
write_direct (struct wire_out *out, const struct virgate_transport_ops *ops,
              void *conn, const struct frame_header *head,
              const void *payload, size_t len, uint32_t fd_count)
{
  char prefix[PREFIX_MAX];
  size_t prefix_len = pack_prefix (prefix, head, len, fd_count);
  const struct iovec iov[] = {
    { prefix, prefix_len }, { (void *) payload, len },
  };
  ssize_t n = ops->writev (conn, iov, 2, NULL);
  size_t done = MAX_OF (n, 0), skip = MIN_OF (done, prefix_len);

  out->flushed += done;
  out->begun = done > 0 ? prefix_len + len - done : 0;
  return buf_append (&out->buf, prefix + skip, prefix_len - skip) == -1
         || buf_append (&out->buf, (const char *) payload + done - skip,
                        len - (done - skip)) == -1 ? -1 : 0;
}

int
wire_out_frame (struct wire_out *out, const struct virgate_transport_ops *ops,
                void *conn, const struct frame_header *head,
                const void *payload, size_t len, const int *fds,
                uint32_t fd_count)
{
  int result = buf_len (&out->buf) > 0 || len < DIRECT_MIN
    ? append_frame (out, head, payload, len, fd_count)
    : write_direct (out, ops, conn, head, payload, len, fd_count);

  return result == -1 || fd_count == 0 ? result
         : wire_out_fds (out, fds, fd_count);
}

SELDOM static void
mark_drop (struct wire_out *out)
{
  struct wire_mark *mark = out->marks;

  out->marks = mark->next;
  close (mark->fd);
  free (mark);
}

/* Where the frame ends that begins at this offset of what waits. */
static size_t
end_of_frame (const struct wire_out *out, size_t at)
{
  size_t len = frame_unpack_length (buf_data (&out->buf) + at);

  return len > 0 ? at + len : buf_len (&out->buf);
}

/* What waits, the last frame apart from what is before it: the peer wakes for
 * this piece, and finds the others meanwhile.  Returns how many there are.
 */
static int
two_pieces (const struct wire_out *out, struct iovec *iov)
{
  char *data = buf_data (&out->buf);
  size_t len = buf_len (&out->buf), last = 0;

  for (size_t at = out->begun; at < len; at = end_of_frame (out, at)) {
    last = at;
    if (at >= RECORDS_MAX) {    /* there will be another round */
      iov[0] = (struct iovec) { data, at };
      return 1;
    }
  }
  iov[0] = (struct iovec) { data, last };
  iov[last > 0] = (struct iovec) { data + last, len - last };
  return last > 0 ? 2 : 1;
}

/* What is left of a frame once so many bytes of what waits are written. */
static size_t
rest_of_frame (const struct wire_out *out, size_t written)
{
  size_t end = out->begun;

  while (end < written)
    end = end_of_frame (out, end);
  return end - written;
}

/* Up to the next byte that carries a descriptor. */
static int
one_piece (const struct wire_out *out, struct iovec *iov)
{
  *iov = (struct iovec) { buf_data (&out->buf), buf_len (&out->buf) };
  if (out->marks)
    iov->iov_len = MAX_OF (out->marks->offset - out->flushed, 1);
  return 1;
}

int
wire_flush (struct wire_out *out, const struct virgate_transport_ops *ops,
            void *conn)
{
  bool has_records = ops->caps & VIRGATE_CAP_RECORDS;

  while (buf_len (&out->buf) > 0) {
    struct iovec iov[2];
    struct virgate_fds fds;
    bool with_fd = out->marks && out->marks->offset == out->flushed;
    int count = has_records ? two_pieces (out, iov) : one_piece (out, iov);
    ssize_t n;

    if (with_fd) {
      fds.count = 1;
      fds.fd[0] = out->marks->fd;
    }
    n = ops->writev (conn, iov, count, with_fd ? &fds : NULL);
    if (n <= 0)
      return n == 0 ? VIRGATE_IO_WANT_WRITE : (int) n;
    if ((size_t) n > buf_len (&out->buf)) {     /* memory for a frame failed */
      errno = EPROTO;
      return VIRGATE_IO_ERROR;
    }
    if (has_records)
      out->begun = rest_of_frame (out, n);
    buf_consume (&out->buf, n);
    out->flushed += n;
    if (with_fd)
      mark_drop (out);
  }
  return 0;
}

void
wire_out_free (struct wire_out *out)
{
  while (out->marks)
    mark_drop (out);
  buf_free (&out->buf);
}
