/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where connections come from: an IPv4 address, a prefix of IPv6 addresses, a
 * local user.  Each source has a share of what there is, so that none takes
 * it from others, and one that fails to authenticate too often is banned for
 * a while.
 *
 * One lock guards it all.  It is taken when a connection comes, opens or goes
 * and when an attempt fails, for a few list operations; for a call only when
 * it is denied.
 */
#ifndef VIRGATE_DAEMON_SOURCES_H
#define VIRGATE_DAEMON_SOURCES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "daemon/workers.h"

struct listener;
struct server;
struct session;

/* Sources without connections that are remembered: those with failures. */
#define SOURCES_MAX 16384

#define SOURCES_BUCKETS 4096

/* Longest name, with its NUL: an IPv6 prefix. */
#define SOURCE_NAME_MAX 64

enum source_kind {
  SOURCE_UNKNOWN,               /* has no share and is never banned */
  SOURCE_IPV4,
  SOURCE_IPV6,
  SOURCE_USER
};

struct source_key {
  uint64_t high, low;
  uint8_t kind;                 /* enum source_kind */
  uint8_t prefix;               /* bits, of SOURCE_IPV6 */
};

/* Strangers that share a limit, in the order in which they make room. */
struct crowd {
  struct list members;
  unsigned count;
};

/* Lines of one kind in the log: who was refused, or which calls. */
struct line_budget {
  unsigned lines;               /* lately */
  unsigned unlogged;
  int64_t at;
};

struct source {
  struct source *next;          /* of the same bucket */
  struct list link;             /* sources->remembered or ->banned */
  struct source_key key;
  unsigned clients;             /* connections; they keep the memory */
  struct crowd strangers, shaking;
  uint64_t kept;                /* bytes of long messages */
  struct job_line shakes;       /* handshakes; has its own lock */
  struct job_line checks;       /* authentication that blocks; likewise */

  unsigned failures;            /* since the last ban, or a quiet time */
  int64_t failed_at;
  _Atomic int64_t banned_until; /* 0: never was */
  unsigned bans;                /* each longer than the one before */
  unsigned turned_away;         /* during this ban */
  bool is_banned;               /* its end has not been seen to */

  struct line_budget refused, denied;
};

struct sources {
  pthread_mutex_t lock;         /* guards all of this file; taken before
                                   loops' and the host's */
  uint64_t seed[2];
  struct source **buckets;
  struct list remembered;       /* neither connected nor banned */
  unsigned remembered_count;
  struct list banned;           /* connected or not */
  unsigned banned_count;
  struct crowd strangers[2];    /* of remote sources, of local ones */
  uint64_t kept;
  bool is_sweeping;             /* a timer looks for bans that end */
};

/* A connection that has not opened yet; see strangers.c. */
struct stranger;

/* 0, or -1 without memory. */
int sources_init (struct sources *sources);
void sources_free (struct sources *sources);

/* The source of a session whose facts are known.  Main thread.  Returns false
 * when it is banned, or without memory; session_free lets go of it.
 */
bool source_enter (struct session *session);
/* The handshake is over, and it may be known by now that it comes from
 * elsewhere: behind ssh, from an address.  The session's loop.  Returns false
 * when that source is banned, or when there is no room in it: *reached is the
 * limit's name then, and NULL otherwise.
 */
bool source_move (struct session *session, const char **reached);
void source_leave (struct session *session);

/* "192.0.2.1", "2001:db8::/64", "uid 1000". */
void source_name (const struct source_key *key, char *name, size_t size);

/* strangers.c: room ------------------------------------------------------- */

void crowd_init (struct crowd *crowd);

/* Make the session a stranger.  Main thread.  When a limit is reached, a
 * stranger that counts towards it is closed; *reached is its name then, or
 * NULL.  Returns false when there is none to close.
 */
bool stranger_enter (struct session *session, const char **reached);
/* It belongs to another source from here on; *reached is the name of a limit
 * that is reached there and stays so.  Locked.
 */
void stranger_move (struct session *session, struct source *to,
                    const char **reached);
/* Its handshake is over; it has begun to authenticate: both once. */
void stranger_shook (struct session *session);
void stranger_spoke (struct session *session);
/* May a message of so many bytes be kept, longer than LIMIT_STRANGER_KEEP?
 * There is a budget for those of all, and of one source; opaque is the
 * session.  Then: it is not needed any more.
 */
bool stranger_may_keep (void *opaque, size_t need);
void stranger_keeps_none (struct session *session);
/* It is open, or gone. */
void stranger_leave (struct session *session);

/* bans.c ------------------------------------------------------------------ */

/* An attempt to authenticate failed.  Returns for how long its answer is to
 * wait, in ns.
 */
int64_t source_failed (struct session *session);

/* Is what it tries in vain, because it is banned now?  Counts it. */
bool source_turn_away (struct session *session);

/* Log a refusal under a reference, session->reference.  Those of one source
 * are not logged without end: what is not has no reference, and the next line
 * says how many were not.
 */
void source_log_refusal (struct session *session, const char *why);
/* The same for calls that are denied: may there be a line? */
bool source_may_log_denial (struct session *session);

/* With the lock held, both.  A source that nothing refers to any more is
 * forgotten, or remembered.
 */
void source_settle (struct server *server, struct source *source);
/* Has it failed, or been banned, lately? */
bool source_is_remembered (const struct server *server,
                           const struct source *source, int64_t now);

#endif /* VIRGATE_DAEMON_SOURCES_H */
