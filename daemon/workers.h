/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads for what may block.  There are pools for what must not wait for each
 * other: calls that may take long, others that those can never fill, and so
 * on.  Each client stands in line once, however many jobs it has, and only so
 * many of them run at a time.
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

/* One client's jobs, or those of all clients that wait for the same thing.
 * Guarded by the pool's lock.
 */
struct job_line {
  struct list link;             /* in waiting */
  struct job *first, **last;
  unsigned running;
  bool has_ended_one;           /* a job has, since it last had none */
};

struct workers {
  pthread_mutex_t lock;         /* guards everything here and in lines */
  pthread_cond_t more;
  struct list waiting;          /* lines that may run a job; where they share
                                   the threads, all that have one */
  pthread_t *ids;               /* of threads; room for so many: */
  unsigned room;
  unsigned threads, idle;
  unsigned woken;               /* idle ones that were signalled */
  unsigned min, max;            /* threads; more are made as needed, and those
                                   that are too many end when they are idle */
  unsigned queued;              /* jobs that wait */
  unsigned running;             /* jobs that do not */
  unsigned line_max;            /* jobs of one line at a time; 0: they share */
  bool is_stopping;
};

/* line_max: jobs of one line at a time.  0 is for lines of which each may
 * hang as a whole: then no line has more threads than it leaves for others,
 * and one that hangs from its first jobs on has two.
 */
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
