/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One event loop on a thread of its own, with the sessions that belong to it
 * for life.  Only this thread touches them; everybody else sends it mail.
 */
#ifndef VIRGATE_DAEMON_LOOP_H
#define VIRGATE_DAEMON_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include <virgate/transport.h>

#include "common/buf.h"
#include "common/list.h"
#include "common/mem.h"
#include "daemon/limits.h"

struct server;
struct virgate_call;

/* Bytes that one turn of a session reads at most. */
#define LOOP_SCRATCH (128 * 1024)
/* An output buffer larger than this is not kept for the next session. */
#define LOOP_OUT_KEEP (512 * 1024)
/* Memory is given back so long after somebody left. */
#define LOOP_TIDY_NS (2 * NS_PER_S)
/* Finished call records kept for reuse. */
#define LOOP_SPARE_CALLS 32

/* Something for a loop to do; lives in what it is about. */
struct mail {
  struct mail *next;
  void (*deliver) (struct mail *mail);
};

/* What a session may not take too long over.  Each has one list, oldest
 * first, because all sessions are given the same time.
 */
enum loop_wait {
  WAIT_HANDSHAKE,
  WAIT_AUTH,
  WAIT_OPEN,
  WAIT_FRAME,                   /* the rest of a message */
  WAIT_WRITE,                   /* reading what we wrote */
  WAIT_LEFT,                    /* what a client left behind to be over */
  WAIT_COUNT
};

/* A place in one of these lists. */
struct wait {
  struct list link;
  int64_t since;                /* monotonic ns */
};

struct loop {
  uv_loop_t uv;
  struct server *server;
  unsigned index;
  pthread_t thread;
  bool is_running;              /* its thread was started */

  struct limits limits;         /* this loop's copy */
  struct tally *tally;          /* NULL: nothing is counted */
  struct list sessions;
  _Atomic unsigned session_count; /* sessions given to this loop */
  _Atomic unsigned stranger_count; /* of them, not yet open */
  struct list ready;            /* sessions that have more to do at once */
  struct list touched;          /* sessions with output nobody wrote yet */
  struct list waits[WAIT_COUNT];
  struct list pinged;           /* sessions with keepalive */
  struct list links_ready, links_touched, links_pinged; /* likewise */
  struct list delays;           /* answers that wait; auth-attempts.c */

  uv_async_t wake;
  uv_idle_t again;              /* runs while ready is not empty */
  uv_prepare_t settle;          /* before each wait for events */
  uv_poll_t timer;              /* the next deadline, as a descriptor: to wait
                                   with a time limit costs more each time */
  int timer_fd;
  int64_t timer_at;             /* INT64_MAX: not running */
  int64_t now;

  pthread_mutex_t lock;         /* guards the two below; taken last */
  struct mail *mail, **mail_last;

  char *scratch;                /* LOOP_SCRATCH bytes: what is read */
  struct virgate_fds fds;       /* what came along */
  struct buf out;               /* lent to the session being served */
  struct virgate_call *spare;   /* call records, by next */
  unsigned spare_count;
  bool is_stopping;
  int64_t tidy_at;              /* when to give memory back; 0: no need */
};

/* 0, or -1 with errno. */
int loop_init (struct loop *loop, struct server *server, unsigned index);
/* Run a loop's thread; loop 0 is run by the main thread with uv_run. */
int loop_start (struct loop *loop);
/* Finish the calls in flight and end the sessions; when: on its thread. */
void loop_stop (struct loop *loop);
/* End those that are left whatever they do.  On its thread. */
void loop_abandon (struct loop *loop);
/* A session ended; the last one of a loop that stops ends it as well. */
void loop_session_gone (struct loop *loop);
/* Wait for the thread and free everything. */
void loop_join (struct loop *loop);
void loop_free (struct loop *loop);

/* Send mail.  Mail of one thread arrives in order.  Any thread. */
void loop_post (struct loop *loop, struct mail *mail);

/* The loop whose thread this is, or NULL. */
struct loop *loop_current (void);

/* Start, restart or (loop_unwait) end a session's wait. */
void loop_wait (struct loop *loop, struct wait *wait, enum loop_wait which);
void loop_unwait (struct wait *wait);

/* Memory was freed that others may need: soon give it back. */
void loop_untidy (struct loop *loop);

/* Be woken at this time at the latest. */
void loop_wake_at (struct loop *loop, int64_t at);

#endif /* VIRGATE_DAEMON_LOOP_H */
