/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Instead of daemon/workers.c: jobs wait until the input has one run, in any
 * order, on the thread of the loop.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "fuzz/session-parts.h"

static struct job *waiting;

void
workers_init (struct workers *workers, unsigned max, unsigned line_max)
{
  *workers = (struct workers) { .max = max, .line_max = line_max };
}

void
workers_stop (struct workers *workers)
{
}

void
job_line_init (struct job_line *line)
{
  *line = (struct job_line) { .last = &line->first };
  list_init (&line->link);
}

int
workers_add (struct workers *workers, struct job_line *line, struct job *job)
{
  struct job **last = &waiting;

  if (mood.no_workers) {
    errno = EAGAIN;
    return -1;
  }
  while (*last)
    last = &(*last)->next;
  job->next = NULL;
  *last = job;
  return 0;
}

void
workers_look (struct workers *workers, struct workers_state *state)
{
  *state = (struct workers_state) { .max = workers->max };
}

void
workers_resize (struct workers *workers, const unsigned *min,
                const unsigned *max)
{
}

bool
parts_work (uint8_t n)
{
  struct job **at = &waiting, *job;

  while (n-- > 0 && *at && (*at)->next)
    at = &(*at)->next;
  job = *at;
  if (job == NULL)
    return false;
  *at = job->next;
  job->run (job);
  job->done (job);
  return true;
}
