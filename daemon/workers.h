/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads for what may block.  There are two pools, one for calls that may
 * take long and one that those can never fill.  Each client stands in line
 * once, however many jobs it has, and only so many of them run at a time.
 */
#ifndef VIRGATE_DAEMON_WORKERS_H
#define VIRGATE_DAEMON_WORKERS_H

#include <pthread.h>
#include <stdbool.h>

#include "common/list.h"

struct job {
  struct job *next;
  void (*run) (struct job *job);
  void (*done) (struct job *job); /* afterwards; may free job and line */
};

/* One client's jobs, or those of many clients that may wait for the same thing:
 * these run on half of the threads at a time.  Guarded by the pool's lock.
 */
struct job_line {
  struct list link;             /* in waiting, while it may run a job */
  struct job *first, **last;
  unsigned running;
  bool is_shared;               /* many clients'; set before it is used */
};

struct workers {
  pthread_mutex_t lock;         /* guards everything here and in lines */
  pthread_cond_t more;
  struct list waiting;
  pthread_t *ids;               /* of threads; room for so many: */
  unsigned room;
  unsigned threads, idle;
  unsigned woken;               /* idle ones that were signalled */
  unsigned min, max;            /* threads; more are made as needed, and those
                                   that are too many end when they are idle */
  unsigned queued;              /* jobs that wait */
  unsigned line_max;            /* jobs of one line at a time */
  bool is_stopping;
};

void workers_init (struct workers *workers, unsigned max, unsigned line_max);
/* Finish what runs, drop nothing that waits, end the threads and see their
 * ends.
 */
void workers_stop (struct workers *workers);

void job_line_init (struct job_line *line);

/* Have a job run.  Threads are made as they are needed; when none can be,
 * the job waits for one that exists.  Returns 0, or -1 with errno when there
 * is no thread at all.  Any thread.
 */
int workers_add (struct workers *workers, struct job_line *line,
                 struct job *job);

/* How it is now.  Any thread. */
struct workers_state {
  unsigned min, max, threads, idle, queued;
};

void workers_look (struct workers *workers, struct workers_state *state);

/* Change the bounds; NULL leaves one as it is.  Any thread. */
void workers_resize (struct workers *workers, const unsigned *min,
                     const unsigned *max);

#endif /* VIRGATE_DAEMON_WORKERS_H */
