/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One message of the protocol: length word, six-field header, payload.
 * Packing and unpacking, and the limits on them; nothing here reads or waits.
 */
#ifndef VIRGATE_CORE_FRAME_H
#define VIRGATE_CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/big-endian.h"
#include "common/buf.h"

/* virnetprotocol.x: VIR_NET_MESSAGE_LEN_MAX, VIR_NET_MESSAGE_MAX and
 * VIR_NET_MESSAGE_HEADER_MAX; the length word counts itself.
 */
#define FRAME_WORD_LEN 4
#define FRAME_HEADER_LEN 24
#define FRAME_PREFIX_LEN (FRAME_WORD_LEN + FRAME_HEADER_LEN)
#define FRAME_PREFIX_MAX (FRAME_PREFIX_LEN + FRAME_WORD_LEN) /* with a count */
#define FRAME_LEN_MAX (33554432 + FRAME_WORD_LEN)
#define FRAME_PAYLOAD_MAX (FRAME_LEN_MAX - FRAME_PREFIX_LEN)

/* What one stream packet may carry so that old peers accept it. */
#define FRAME_STREAM_MAX 262120

/* VIR_NET_MESSAGE_NUM_FDS_MAX */
#define FRAME_FDS_MAX 32

/* virnetprotocol.x: virNetStreamHole, a length and flags. */
#define FRAME_HOLE_LEN 12

enum frame_type {
  FRAME_CALL = 0,
  FRAME_REPLY = 1,
  FRAME_MESSAGE = 2,
  FRAME_STREAM = 3,
  FRAME_CALL_FDS = 4,
  FRAME_REPLY_FDS = 5,
  FRAME_STREAM_HOLE = 6
};

enum frame_status {
  FRAME_OK = 0,
  FRAME_ERROR = 1,
  FRAME_CONTINUE = 2
};

struct frame_header {
  uint32_t program, version;
  int32_t procedure, type;
  uint32_t serial;
  int32_t status;
};

/* A whole message in memory that somebody else owns. */
struct frame {
  struct frame_header head;
  const char *payload;          /* after the count of descriptors, if any */
  size_t len;
  const int *fds;
  uint32_t fd_count;
  bool is_cut;                  /* too long to be kept: payload is not here */
};

/* Read the length word.  Returns bytes of the whole message including the
 * word, or 0 when no message can have that length.
 */
static inline size_t
frame_unpack_length (const char *bytes)
{
  uint32_t len = be32_load (bytes);

  return len >= FRAME_PREFIX_LEN && len <= FRAME_LEN_MAX ? len : 0;
}

/* Read the header at bytes (after the length word; FRAME_HEADER_LEN). */
static inline void
frame_unpack_header (const char *bytes, struct frame_header *head)
{
  head->program = be32_load (bytes);
  head->version = be32_load (bytes + 4);
  head->procedure = (int32_t) be32_load (bytes + 8);
  head->type = (int32_t) be32_load (bytes + 12);
  head->serial = be32_load (bytes + 16);
  head->status = (int32_t) be32_load (bytes + 20);
}

/* The type alone. */
static inline int32_t
frame_unpack_type (const char *bytes)
{
  return (int32_t) be32_load (bytes + 12);
}

/* Does a count of descriptors follow the header? */
static inline bool
frame_announces_fds (int32_t type)
{
  return type == FRAME_CALL_FDS || type == FRAME_REPLY_FDS;
}

/* Write length word and header: FRAME_PREFIX_LEN bytes. */
void frame_pack (char *bytes, size_t len, const struct frame_header *head);

/* Append a message to a buffer: frame_begin reserves the prefix and returns
 * its mark; the payload is appended; frame_end fills in the length.
 *
 * frame_begin returns -1 with errno ENOMEM.  frame_end returns 0, or -1 with
 * errno EMSGSIZE when the message is longer than the protocol allows, and
 * takes the message back in this case.  fd_count is for the two types that
 * announce descriptors and ignored for others.
 */
ptrdiff_t frame_begin (struct buf *out, const struct frame_header *head,
                       uint32_t fd_count);
int frame_end (struct buf *out, ptrdiff_t mark);

/* Take back a message that frame_begin began. */
void frame_cancel (struct buf *out, ptrdiff_t mark);

/* Append a message whose payload exists already.  Returns 0 or -1. */
int frame_append (struct buf *out, const struct frame_header *head,
                  const void *payload, size_t len);

#endif /* VIRGATE_CORE_FRAME_H */
