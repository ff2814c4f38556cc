/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads that repeat one call of a client library; see library.h.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>

#include "bench/library.h"
#include "bench/stats.h"

#define WARM_UP_NS 150000000

struct caller {
  pthread_t thread;
  const struct library *library;
  void *handle;
  uint64_t start_ns, end_ns;    /* between these, answers count */
  struct hist hist;
};

static void *
caller_main (void *data)
{
  struct caller *caller = data;
  uint64_t before = now_ns (), after;

  while (before < caller->end_ns) {
    caller->library->call (caller->handle);
    after = now_ns ();
    if (after >= caller->start_ns && after < caller->end_ns)
      hist_add (&caller->hist, after - before);
    before = after;
  }
  return NULL;
}

static void
callers_run (struct caller *callers, unsigned count, double seconds,
             const struct caller *model)
{
  uint64_t start = now_ns () + WARM_UP_NS, cpu;
  uint64_t end = start + (uint64_t) (seconds * 1e9);

  for (unsigned i = 0; i < count; i++) {
    callers[i] = *model;
    callers[i].start_ns = start;
    callers[i].end_ns = end;
    errno = pthread_create (&callers[i].thread, NULL, caller_main,
                            &callers[i]);
    if (errno)
      die ("pthread_create");
  }
  sleep_until (start);
  cpu = cpu_ns (0);
  sleep_until (end);
  cpu = cpu_ns (0) - cpu;
  for (unsigned i = 0; i < count; i++)
    pthread_join (callers[i].thread, NULL);
  for (unsigned i = 1; i < count; i++)
    hist_merge (&callers[0].hist, &callers[i].hist);
  print_calls (&callers[0].hist, end - start, cpu);
}

static const struct option long_options[] = {
  { "uri", required_argument, NULL, 'u' },
  { "threads", required_argument, NULL, 't' },
  { "seconds", required_argument, NULL, 's' },
  { NULL }
};

int
library_main (int argc, char *argv[], const struct library *library)
{
  const char *uri = "test:///default";
  unsigned threads = 1;
  double seconds = 1;
  struct caller *callers, *model;
  int opt;

  while ((opt = getopt_long (argc, argv, "", long_options, NULL)) != -1) {
    switch (opt) {
    case 'u': uri = optarg; break;
    case 't': threads = strtoul (optarg, NULL, 10); break;
    case 's': seconds = strtod (optarg, NULL); break;
    default: return 2;
    }
  }
  callers = calloc (threads + 1, sizeof *callers);
  if (callers == NULL || threads == 0)
    die ("cannot start %u threads", threads);
  model = &callers[threads];
  model->library = library;
  model->handle = library->open (uri);
  callers_run (callers, threads, seconds, model);
  library->close (model->handle);
  free (callers);
  return 0;
}
