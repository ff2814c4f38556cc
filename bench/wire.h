/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The few messages that the raw client and the floor need, written by hand:
 * the benchmark must not depend on the code that it measures.
 */
#ifndef VIRGATE_BENCH_WIRE_H
#define VIRGATE_BENCH_WIRE_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/mem.h"

#define WIRE_HEAD 28            /* the length word and six header words */
#define WIRE_MAX (33554432 + 4) /* virnetprotocol.x: the longest message */
#define WIRE_REMOTE 0x20008086u

/* Positions of the header's words, in bytes. */
enum {
  WIRE_LEN = 0,
  WIRE_PROGRAM = 4,
  WIRE_VERSION = 8,
  WIRE_PROC = 12,
  WIRE_TYPE = 16,
  WIRE_SERIAL = 20,
  WIRE_STATUS = 24
};

enum {
  PROC_OPEN = 1,
  PROC_CLOSE = 2,
  PROC_DEFINE_XML = 11,
  PROC_GET_XML_DESC = 14,
  PROC_GET_INFO = 16,
  PROC_LOOKUP_BY_NAME = 23,
  PROC_SUPPORTS_FEATURE = 60,
  PROC_AUTH_LIST = 66,
  PROC_LIST_ALL_DOMAINS = 273,
  PROC_LAST = 453
};

static inline uint32_t
wire_get (const void *msg, size_t at)
{
  uint32_t word;

  memcpy (&word, (const char *) msg + at, sizeof word);
  return ntohl (word);
}

static inline void
wire_put (void *msg, size_t at, uint32_t value)
{
  uint32_t word = htonl (value);

  memcpy ((char *) msg + at, &word, sizeof word);
}

/* A message being written; the caller has made room. */
struct msg {
  char *data;
  size_t len;
};

static inline void
msg_word (struct msg *msg, uint32_t value)
{
  wire_put (msg->data, msg->len, value);
  msg->len += 4;
}

/* The head of a message of the remote program; its length comes last. */
static inline void
msg_start (struct msg *msg, uint32_t proc, uint32_t type)
{
  const uint32_t words[] = { 0, WIRE_REMOTE, 1, proc, type, 0, 0 };

  msg->len = 0;
  for (size_t i = 0; i < COUNT_OF (words); i++)
    msg_word (msg, words[i]);
}

static inline void
msg_bytes (struct msg *msg, const void *bytes, size_t len)
{
  size_t padded = (len + 3) / 4 * 4;

  memset (msg->data + msg->len, 0, padded);
  memcpy (msg->data + msg->len, bytes, len);
  msg->len += padded;
}

static inline void
msg_string (struct msg *msg, const char *str)
{
  msg_word (msg, strlen (str));
  msg_bytes (msg, str, strlen (str));
}

static inline void
msg_finish (struct msg *msg)
{
  wire_put (msg->data, WIRE_LEN, msg->len);
}

#endif /* VIRGATE_BENCH_WIRE_H */
