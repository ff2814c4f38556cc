/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker threads; see workers.h.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "daemon/workers.h"

/* Handlers run drivers' code: room for XML parsers, not the default 8 MiB. */
#define WORKER_STACK (1024 * 1024)

void
workers_init (struct workers *workers, unsigned max, unsigned line_max)
{
  *workers = (struct workers) { .max = MAX_OF (max, 1u), .line_max = line_max };
  pthread_mutex_init (&workers->lock, NULL);
  pthread_cond_init (&workers->more, NULL);
  list_init (&workers->waiting);
}

void
job_line_init (struct job_line *line)
{
  *line = (struct job_line) { .last = &line->first };
  list_init (&line->link);
}

/* Stand in the queue if there is something that may run.  Locked. */
static void
line_queue (struct workers *workers, struct job_line *line)
{
  if (line->first && line->running < workers->line_max
      && list_is_empty (&line->link))
    list_append (&workers->waiting, &line->link);
}

static void *worker_main (void *opaque);

/* One more thread.  Signals are the main thread's.  Locked. */
static int
add_thread (struct workers *workers)
{
  pthread_attr_t attr;
  sigset_t all, old;
  int err;

  if (workers->ids == NULL)
    workers->ids = calloc (workers->max, sizeof workers->ids[0]);
  if (workers->ids == NULL)
    return -1;
  pthread_attr_init (&attr);
  pthread_attr_setstacksize (&attr, WORKER_STACK);
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  err = pthread_create (&workers->ids[workers->threads], &attr, worker_main,
                        workers);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  pthread_attr_destroy (&attr);
  if (err != 0) {
    errno = err;
    return -1;
  }
  workers->threads++;
  return 0;
}

/* There is a job that may run: have somebody run it.  Locked. */
static int
wake_one (struct workers *workers)
{
  if (list_is_empty (&workers->waiting))
    return 0;
  if (workers->idle > workers->woken) {
    workers->woken++;
    pthread_cond_signal (&workers->more);
    return 0;
  }
  return workers->threads < workers->max ? add_thread (workers) : 0;
}

/* Take the next job.  Its line goes to the end of the queue.  Locked. */
static struct job *
take_job (struct workers *workers, struct job_line **line_r)
{
  struct job_line *line =
    list_item (workers->waiting.next, struct job_line, link);
  struct job *job = line->first;

  list_remove (&line->link);
  line->first = job->next;
  if (line->first == NULL)
    line->last = &line->first;
  line->running++;
  line_queue (workers, line);
  wake_one (workers);
  *line_r = line;
  return job;
}

static void
run_job (struct workers *workers, struct job_line *line, struct job *job)
{
  pthread_mutex_unlock (&workers->lock);
  job->run (job);
  pthread_mutex_lock (&workers->lock);
  line->running--;
  line_queue (workers, line);
  pthread_mutex_unlock (&workers->lock);
  job->done (job);
  pthread_mutex_lock (&workers->lock);
}

static void *
worker_main (void *opaque)
{
  struct workers *workers = opaque;

  pthread_mutex_lock (&workers->lock);
  for (;;) {
    struct job_line *line;
    struct job *job;

    while (list_is_empty (&workers->waiting) && !workers->is_stopping) {
      workers->idle++;
      pthread_cond_wait (&workers->more, &workers->lock);
      workers->idle--;
      if (workers->woken > 0)
        workers->woken--;
    }
    if (list_is_empty (&workers->waiting))
      break;
    job = take_job (workers, &line);
    run_job (workers, line, job);
  }
  pthread_mutex_unlock (&workers->lock);
  return NULL;
}

int
workers_add (struct workers *workers, struct job_line *line, struct job *job)
{
  LOCK_FOR_SCOPE (&workers->lock);

  if (workers->threads == 0 && add_thread (workers) == -1)
    return -1;
  job->next = NULL;
  *line->last = job;
  line->last = &job->next;
  line_queue (workers, line);
  wake_one (workers);
  return 0;
}

static unsigned
count_threads (struct workers *workers)
{
  LOCK_FOR_SCOPE (&workers->lock);
  return workers->threads;
}

void
workers_stop (struct workers *workers)
{
  pthread_mutex_lock (&workers->lock);
  workers->is_stopping = true;
  pthread_cond_broadcast (&workers->more);
  pthread_mutex_unlock (&workers->lock);
  /* Until it ends a thread may make one more, which then comes after it. */
  for (unsigned i = 0; i < count_threads (workers); i++)
    pthread_join (workers->ids[i], NULL);
  free (workers->ids);
  workers->ids = NULL;
  workers->threads = 0;
}
