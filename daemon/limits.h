/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What clients may use up.  Each loop has a copy, so that reading them needs
 * no lock; [daemon] sets them and a reload replaces them.
 */
#ifndef VIRGATE_DAEMON_LIMITS_H
#define VIRGATE_DAEMON_LIMITS_H

#include <stdint.h>

struct config;

struct limits {
  uint64_t max_clients;
  uint64_t max_strangers;       /* of these: not yet open */
  uint64_t local_reserve;       /* the last of max_clients: not for remote */
  uint64_t max_requests;        /* of one client, in flight */
  uint64_t max_request_bytes;   /* of one client: arguments in flight */
  uint64_t max_message;         /* longer ones are refused unread */
  uint64_t max_unread;          /* bytes one client leaves unread */
  uint64_t auth_attempts;       /* of one connection */
  int64_t auth_delay_ns;        /* of the answer to the first that failed */
  int64_t auth_delay_max_ns;
  uint64_t source_clients;      /* of one source; 0: no limit */
  uint64_t source_strangers;
  uint64_t source_shaking;
  uint64_t auth_memory;         /* for longer messages of strangers */
  uint64_t ipv6_prefix;         /* bits that make one source */
  uint64_t ban_failures;        /* 0: nobody is banned */
  int64_t ban_window_ns, ban_ns, ban_max_ns;
  int64_t handshake_ns, auth_ns, open_ns, frame_ns, write_ns, leave_ns;
  int64_t keepalive_ns;
  uint32_t keepalive_count;
};

/* Longest message before a client is authenticated: SASL data, 65536 bytes
 * that take four each (VIRGATE_AUTH_DATA_MAX).
 */
#define LIMIT_SASL_FRAME (4 * 65536 + 4096)

/* Such a client is to cost less than 64 KiB, whatever it does: what is kept
 * of an unfinished message, unless stranger_may_keep finds room for more;
 * what is read at a time; calls that wait while it is being decided about;
 * and what one turn handles and answers.
 */
#define LIMIT_STRANGER_KEEP (24 * 1024)
#define LIMIT_STRANGER_READ (8 * 1024)
#define LIMIT_STRANGER_HELD (4 * 1024)
#define LIMIT_STRANGER_TURN_FRAMES 32
#define LIMIT_STRANGER_TURN_BYTES (8 * 1024)

/* Frames one session may have handled before others get their turn, and
 * bytes of replies it may have made.
 */
#define LIMIT_TURN_FRAMES 256
#define LIMIT_TURN_BYTES (256 * 1024)

/* Calls that wait behind the request limit, so that keepalive still gets
 * through: bytes of their messages.
 */
#define LIMIT_HELD_BYTES (64 * 1024)

/* Data from a client that wait for drivers: of one stream, then of all. */
#define LIMIT_STREAM_BYTES (1024 * 1024)
#define LIMIT_STREAMS_BYTES (4 * 1024 * 1024)

void limits_from_config (struct limits *limits, const struct config *config);

#endif /* VIRGATE_DAEMON_LIMITS_H */
