/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames into bytes; see wire.h.
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

/* So many bytes are looked at for each write to a transport of records. */
#define RECORDS_MAX (64 * 1024)

/* A byte of the outgoing buffer that carries a descriptor. */
struct wire_mark {
  struct wire_mark *next;
  uint64_t offset;              /* counted as wire_out.flushed is */
  int fd;
};

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
 * room for FRAME_PREFIX_MAX bytes.
 */
static size_t
pack_prefix (char *prefix, const struct frame_header *head, size_t len,
             uint32_t fd_count)
{
  size_t prefix_len = frame_announces_fds (head->type) ? FRAME_PREFIX_MAX
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
  char *to = buf_reserve (&out->buf, FRAME_PREFIX_MAX + len);
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
  char prefix[FRAME_PREFIX_MAX];
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
