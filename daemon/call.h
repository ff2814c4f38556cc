/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One call under way: its arguments, its result, its error, and the way from
 * the loop to a worker and back.  Inline calls use a record that the loop
 * keeps; nothing is allocated for them.
 */
#ifndef VIRGATE_DAEMON_CALL_H
#define VIRGATE_DAEMON_CALL_H

#include <stdatomic.h>

#include <virgate/driver.h>

#include "common/arena.h"
#include "common/buf.h"
#include "core/error.h"
#include "core/frame.h"
#include "daemon/loop.h"
#include "daemon/workers.h"
#include "protocol/table.h"

struct driver;
struct search;
struct session;
struct stream;

/* What the arguments and the result of one call may take. */
#define CALL_ARENA_MAX (64 * 1024 * 1024)

struct virgate_call {
  struct mail mail;             /* back to the loop */
  struct job job;               /* on a worker */
  struct virgate_call *next;    /* in the loop's spare list */
  struct session *session;
  const struct proc_row *row;
  const struct virgate_handler *handler;
  struct frame_header head;     /* of the call */
  struct arena arena;
  void *args, *ret;
  struct virgate_error error;
  int returned;                 /* by the handler */
  int result;                   /* the same, or what call_done gave */
  int *fds, *out_fds;           /* owned; came with the call, go back */
  uint32_t fd_count, out_fd_count;
  uint32_t bytes;               /* counted in the session */
  int64_t began_ns;             /* when its message came */
  struct buf reply;             /* encoded off the loop */
  struct buf events;            /* to be sent after the reply */
  struct stream *stream;
  _Atomic unsigned halves;      /* of a late call: returned, done */
  bool is_counted;              /* as a request in flight */
  bool is_undecodable;          /* what came are no arguments */
  bool is_dropped;              /* its client left before it began */
  /* Back on the loop, before the answer: what the handler found takes
   * effect.  The session may be closing.
   */
  void (*landed) (struct virgate_call *call);
  struct search *search;        /* of open.c: for who opens it */
  struct driver *asked;         /* it stands in its line; NULL: the client's */
  bool is_moving;               /* the handler goes on in the line of `asked`,
                                   and is to be called there again */
  struct driver *opened;        /* by open_run, with its connection */
  void *opened_conn;
  struct virgate_link *link;    /* that it opened on the way */
};

/* A record for a call of this session; NULL without memory. */
struct virgate_call *call_new (struct session *session,
                               const struct frame *frame,
                               const struct proc_row *row);
/* The same, with its arguments; NULL after the message was refused. */
struct virgate_call *call_decode (struct session *session,
                                  const struct frame *frame,
                                  const struct proc_row *row);
void call_free (struct virgate_call *call);
void calls_free_spare (struct loop *loop);

/* Run the handler where its flags say and answer.  The call is given away. */
void call_run (struct virgate_call *call,
               const struct virgate_handler *handler);

/* Ask the driver something on the way, by a handler that never blocks.  *ret
 * lives as long as the call.  0, or -1.  Loop thread.
 */
int call_nested (struct virgate_call *call, const struct proc_row *row,
                 void *args, void **ret);

/* Answer a call that is done: result, error and ret are set.  Loop thread;
 * the call is freed.
 */
void call_answer (struct virgate_call *call);

/* Answer with an error that the daemon itself makes, and free the call. */
void call_refuse (struct virgate_call *call, int32_t code, int32_t domain,
                  const char *fmt, ...) VIRGATE_PRINTF (4, 5);

/* The call that this thread's handler is answering, or NULL. */
struct virgate_call *call_current (void);

/* driver.h */
void *call_service_alloc (struct virgate_call *call, size_t len);
int call_service_error (struct virgate_call *call, int32_t code,
                        int32_t domain, const char *fmt, ...)
  VIRGATE_PRINTF (4, 5);
int call_service_record (struct virgate_call *call,
                         const struct virgate_error *error);
uint32_t call_service_fds (struct virgate_call *call, const int **fds);
int call_service_send_fd (struct virgate_call *call, int fd);
void call_service_done (struct virgate_call *call, int result);

#endif /* VIRGATE_DAEMON_CALL_H */
