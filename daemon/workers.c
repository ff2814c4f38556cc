/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker threads; see workers.h.
 */
#include "config.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/thread.h"
#include "daemon/workers.h"

/* Handlers run drivers' code: room for XML parsers, not the default 8 MiB. */
#define WORKER_STACK (1024 * 1024)

/* Jobs of a line that may hang, until one has ended. */
#define FIRST_JOBS 2u

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

/* May one more job of a line run that may hang?  The first one, if there is
 * room; others only where no fewer threads are left afterwards than it has.
 * Locked.
 */
static bool
may_share (const struct workers *workers, const struct job_line *line)
{
  unsigned left = workers->max - MIN_OF (workers->running, workers->max);

  if (line->running == 0)
    return left > 0;
  return line->running + 1 < left
         && (line->has_ended_one || line->running < FIRST_JOBS);
}

/* May one more job of this line run?  Locked. */
static bool
may_run (const struct workers *workers, const struct job_line *line)
{
  return workers->line_max > 0 ? line->running < workers->line_max
                               : may_share (workers, line);
}

/* Stand in the queue if there is something that may run, or may once other
 * lines have ended something.  Locked.
 */
static void
line_queue (struct workers *workers, struct job_line *line)
{
  if (line->first && list_is_empty (&line->link)
      && (workers->line_max == 0 || may_run (workers, line)))
    list_append (&workers->waiting, &line->link);
}

/* The line whose turn it is, or NULL.  Only where they share can it be another
 * than the first: there are few of these.  Locked.
 */
static struct job_line *
next_line (const struct workers *workers)
{
  for (struct list *item = workers->waiting.next; item != &workers->waiting;
       item = item->next) {
    struct job_line *line = list_item (item, struct job_line, link);

    if (may_run (workers, line))
      return line;
  }
  return NULL;
}

static void *worker_main (void *opaque);

/* Room for the ids of all threads that there may be.  Locked. */
static int
make_room (struct workers *workers)
{
  unsigned room = MAX_OF (workers->max, workers->room + 1);
  pthread_t *ids = reallocarray (workers->ids, room, sizeof ids[0]);

  if (ids == NULL)
    return -1;
  workers->ids = ids;
  workers->room = room;
  return 0;
}

/* One more thread.  Locked. */
static int
add_thread (struct workers *workers)
{
  pthread_attr_t attr;
  int result;

  if (workers->threads == workers->room && make_room (workers) == -1)
    return -1;
  pthread_attr_init (&attr);
  pthread_attr_setstacksize (&attr, WORKER_STACK);
  result = thread_start (&workers->ids[workers->threads], &attr, worker_main,
                         workers);
  pthread_attr_destroy (&attr);
  if (result == 0)
    workers->threads++;
  return result;
}

/* There is a job that may run: have somebody run it.  Locked. */
static int
wake_one (struct workers *workers)
{
  if (next_line (workers) == NULL)
    return 0;
  if (workers->idle > workers->woken) {
    workers->woken++;
    pthread_cond_signal (&workers->more);
    return 0;
  }
  return workers->threads < workers->max ? add_thread (workers) : 0;
}

/* Take the next job of a line, which goes to the end of the queue.  Locked. */
static struct job *
take_job (struct workers *workers, struct job_line *line)
{
  struct job *job = line->first;

  list_remove (&line->link);
  workers->queued--;
  workers->running++;
  line->first = job->next;
  if (line->first == NULL)
    line->last = &line->first;
  line->running++;
  line_queue (workers, line);
  wake_one (workers);
  return job;
}

static void
run_job (struct workers *workers, struct job_line *line, struct job *job)
{
  pthread_mutex_unlock (&workers->lock);
  job->run (job);
  pthread_mutex_lock (&workers->lock);
  workers->running--;
  line->running--;
  line->has_ended_one = line->running > 0 || line->first;
  line_queue (workers, line);
  pthread_mutex_unlock (&workers->lock);
  job->done (job);
  pthread_mutex_lock (&workers->lock);
}

/* One thread too many takes itself off the list.  When the pool stops, that
 * waits for all of them instead.  Locked.
 */
static bool
is_too_many (struct workers *workers)
{
  unsigned i = 0;

  if (workers->threads <= workers->max || workers->is_stopping)
    return false;
  while (!pthread_equal (workers->ids[i], pthread_self ()))
    i++;
  workers->ids[i] = workers->ids[--workers->threads];
  pthread_detach (pthread_self ());
  return true;
}

static void *
worker_main (void *opaque)
{
  struct workers *workers = opaque;

  pthread_mutex_lock (&workers->lock);
  while (!is_too_many (workers)) {
    struct job_line *line;

    while ((line = next_line (workers)) == NULL && !workers->is_stopping
           && workers->threads <= workers->max) {
      workers->idle++;
      pthread_cond_wait (&workers->more, &workers->lock);
      workers->idle--;
      if (workers->woken > 0)
        workers->woken--;
    }
    if (line)
      run_job (workers, line, take_job (workers, line));
    else if (workers->is_stopping)
      break;
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
  workers->queued++;
  line_queue (workers, line);
  wake_one (workers);
  return 0;
}

/* The next thread to wait for. */
static bool
thread_at (struct workers *workers, unsigned i, pthread_t *id)
{
  LOCK_FOR_SCOPE (&workers->lock);

  if (i >= workers->threads)
    return false;
  *id = workers->ids[i];
  return true;
}

void
workers_stop (struct workers *workers)
{
  pthread_t id;

  pthread_mutex_lock (&workers->lock);
  workers->is_stopping = true;
  pthread_cond_broadcast (&workers->more);
  pthread_mutex_unlock (&workers->lock);
  /* Until it ends a thread may make one more, which then comes after it. */
  for (unsigned i = 0; thread_at (workers, i, &id); i++)
    pthread_join (id, NULL);
  free (workers->ids);
  workers->ids = NULL;
  workers->threads = workers->room = 0;
}

void
workers_look (struct workers *workers, struct workers_state *state)
{
  LOCK_FOR_SCOPE (&workers->lock);

  *state = (struct workers_state) {
    .min = workers->min, .max = workers->max, .threads = workers->threads,
    .idle = workers->idle, .queued = workers->queued,
  };
}

void
workers_resize (struct workers *workers, const unsigned *min,
                const unsigned *max)
{
  LOCK_FOR_SCOPE (&workers->lock);

  if (max)
    workers->max = MAX_OF (*max, 1u);
  if (min)
    workers->min = *min;
  workers->min = MIN_OF (workers->min, workers->max);
  while (workers->threads < workers->min && add_thread (workers) == 0)
    ;
  wake_one (workers);
  if (workers->threads > workers->max)
    pthread_cond_broadcast (&workers->more);
}
