/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One connection's bytes without the I/O: incoming bytes become frames,
 * outgoing frames become bytes, descriptors find the frames they belong to.
 * Both sides of the project use it; whoever owns a wire does the reading,
 * the writing and the locking.
 */
#ifndef VIRGATE_CORE_WIRE_H
#define VIRGATE_CORE_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

#include <virgate/transport.h>

#include "core/frame.h"

/* Incoming --------------------------------------------------------------- */

struct wire_fds;

/* May a message of NEED bytes be kept although it is longer than keep_max?
 * Asked again as its bytes arrive; room for all of it is reserved at once.
 * opaque: as given to wire_feed.
 */
typedef bool wire_keep_fn (void *opaque, size_t need);

/* An idle connection owns no memory here: part is empty, fds NULL. */
struct wire_in {
  struct buf part;              /* a partial frame, or frames held back */
  struct wire_fds *fds;         /* descriptors not yet claimed by a frame */
  uint32_t frame_max;           /* longer messages break the connection */
  uint32_t keep_max;            /* longer ones are dropped as they arrive, and
                                   given without a payload; 0: none are */
  wire_keep_fn *may_keep;       /* NULL: no */
  uint32_t skip;                /* bytes of such a message still to come */
  bool is_cut;                  /* part is the header of such a message */
};

enum wire_verdict {
  WIRE_BROKEN = -1,             /* nothing further can be read: close */
  WIRE_NEXT = 0,                /* the frame was taken; go on */
  WIRE_STOP = 1,                /* the frame was taken; hold the rest back */
  WIRE_HOLD = 2                 /* the frame was not taken; hold it too */
};

/* Take one frame.  It points into the bytes that were fed, and its
 * descriptors are borrowed: the wire closes them afterwards.
 */
typedef enum wire_verdict wire_frame_fn (void *opaque,
                                         const struct frame *frame);

void wire_in_init (struct wire_in *in, uint32_t frame_max);

/* Feed bytes that were read, and the descriptors that came along (NULL: none;
 * owned by the wire from now on).  Whole frames are handed to fn in place;
 * what is left is copied, and memory for it is taken as bytes arrive, not as
 * a length word claims.
 *
 * Returns WIRE_NEXT when more bytes are wanted, WIRE_STOP while frames are
 * held back (call wire_resume; do not read more), WIRE_BROKEN with errno:
 * EBADMSG impossible length or descriptors missing, EMSGSIZE above frame_max,
 * ENOMEM, or ECANCELED when fn said so.
 */
enum wire_verdict wire_feed (struct wire_in *in, const char *data, size_t len,
                             const struct virgate_fds *fds,
                             wire_frame_fn *fn, void *opaque);

/* Go on with frames that were held back.  Returns as wire_feed. */
enum wire_verdict wire_resume (struct wire_in *in, wire_frame_fn *fn,
                               void *opaque);

/* Where to read the rest of a large partial frame to, without a copy: at most
 * as much again as has arrived.  Returns NULL when the frame is small: read
 * into scratch memory and feed.  After reading N bytes there call
 * wire_feed_inside.
 */
char *wire_inside (struct wire_in *in, size_t *room);
enum wire_verdict wire_feed_inside (struct wire_in *in, size_t len,
                                    wire_frame_fn *fn, void *opaque);

/* Bytes of memory that the incoming side holds. */
size_t wire_in_memory (const struct wire_in *in);

void wire_in_free (struct wire_in *in);

/* Outgoing --------------------------------------------------------------- */

struct wire_mark;

/* Bytes on their way out.  Frames are appended to buf by frame_begin and
 * friends; wire_flush writes them.
 */
struct wire_out {
  struct buf buf;
  size_t begun;                 /* bytes of a frame that is half written, at
                                   the start of buf; kept for records */
  struct wire_mark *marks;      /* bytes in buf that carry a descriptor */
  uint64_t flushed;             /* bytes written since the beginning */
};

void wire_out_init (struct wire_out *out);

/* After a frame that announced them: one byte for each descriptor, sent by
 * itself with that descriptor.  Copies (dup) are sent.  0, or -1 with errno.
 */
int wire_out_fds (struct wire_out *out, const int *fds, uint32_t count);

/* Send a message whose payload lies elsewhere.  A large one is written from
 * there when nothing waits before it; what the transport does not take is
 * appended.  Copies of the descriptors are sent, as by wire_out_fds.  0, or -1
 * with errno ENOMEM.
 */
int wire_out_frame (struct wire_out *out,
                    const struct virgate_transport_ops *ops, void *conn,
                    const struct frame_header *head, const void *payload,
                    size_t len, const int *fds, uint32_t fd_count);

/* Write as much as the transport takes.
 *
 * Returns 0 when all is written, VIRGATE_IO_WANT_READ or _WRITE when not, or
 * VIRGATE_IO_ERROR with errno.
 */
int wire_flush (struct wire_out *out, const struct virgate_transport_ops *ops,
                void *conn);

static inline size_t
wire_out_len (const struct wire_out *out)
{
  return buf_len (&out->buf);
}

void wire_out_free (struct wire_out *out);

#endif /* VIRGATE_CORE_WIRE_H */
