/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * load: the raw wire client.  It knows sockets and bytes and nothing of
 * either client library, so that with it only the server differs.
 *
 *   load (--unix=PATH | --tcp=PORT) --work=calls|connect|idle [OPTION...]
 *
 * It prints "name value" lines: first "ready 1" when its set-up is done, then
 * what it measured.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/raw.h"
#include "common/cleanup.h"

#define WARM_UP_NS 150000000

struct options {
  struct raw_target target;
  struct raw_load load;
  const char *work;
  unsigned idle;                /* connections to hold for "idle" */
};

static void
print_server_calls (const struct raw_result *result)
{
  print_calls (&result->hist, result->elapsed_ns, result->client_cpu_ns);
  print_value ("server_us",
               result->server_cpu_ns / 1e3 / result->hist.count);
  print_value ("mb_s", result->bytes / 1e6 / (result->elapsed_ns / 1e9));
}

static void
print_ready (void)
{
  print_value ("ready", 1);
  fflush (stdout);
}

static void
work_calls (const struct options *options)
{
  struct raw_result *result = malloc (sizeof *result);

  if (result == NULL)
    die ("malloc");
  print_ready ();
  raw_run (&options->load, result);
  print_server_calls (result);
  free (result);
}

/* Connect, open, close: one after another in each thread. */
struct connector {
  pthread_t thread;
  const struct raw_target *target;
  uint64_t start_ns, end_ns;
  struct hist hist;
};

static void *
connector_main (void *data)
{
  struct connector *connector = data;
  uint64_t before = now_ns (), after;

  while (before < connector->end_ns) {
    int fd = raw_connect (connector->target);

    raw_open (fd, connector->target);
    raw_close (fd);
    after = now_ns ();
    if (before >= connector->start_ns && after < connector->end_ns)
      hist_add (&connector->hist, after - before);
    before = after;
  }
  return NULL;
}

static void
connectors_run (struct connector *connectors, const struct options *options,
                struct raw_result *result)
{
  uint64_t start = now_ns () + WARM_UP_NS;
  uint64_t end = start + (uint64_t) (options->load.seconds * 1e9);

  for (unsigned i = 0; i < options->load.threads; i++) {
    connectors[i].target = &options->target;
    connectors[i].start_ns = start;
    connectors[i].end_ns = end;
    errno = pthread_create (&connectors[i].thread, NULL, connector_main,
                            &connectors[i]);
    if (errno)
      die ("pthread_create");
  }
  sleep_until (start);
  result->client_cpu_ns = -cpu_ns (0);
  result->server_cpu_ns = -raw_server_cpu (&options->target);
  sleep_until (end);
  result->client_cpu_ns += cpu_ns (0);
  result->server_cpu_ns += raw_server_cpu (&options->target);
  result->elapsed_ns = end - start;
}

static void
work_connect (const struct options *options)
{
  struct connector *connectors = calloc (options->load.threads,
                                         sizeof *connectors);
  struct raw_result *result = calloc (1, sizeof *result);

  if (connectors == NULL || result == NULL)
    die ("calloc");
  print_ready ();
  connectors_run (connectors, options, result);
  for (unsigned i = 0; i < options->load.threads; i++) {
    pthread_join (connectors[i].thread, NULL);
    hist_merge (&result->hist, &connectors[i].hist);
  }
  print_server_calls (result);
  free (connectors);
  free (result);
}

/* One figure of the server's smaps_rollup, in KiB. */
static double
server_memory (const struct options *options, const char *field)
{
  char path[64], line[256];
  size_t len = strlen (field);
  CLEANUP_FCLOSE FILE *fp = NULL;

  snprintf (path, sizeof path, "/proc/%d/smaps_rollup",
            (int) options->target.server);
  fp = fopen (path, "r");
  if (fp == NULL)
    return 0;
  while (fgets (line, sizeof line, fp))
    if (strncmp (line, field, len) == 0 && line[len] == ':')
      return strtod (line + len + 1, NULL);
  return 0;
}

static void
idle_open (const struct options *options, int *fds)
{
  double rss = -server_memory (options, "Rss");
  double pss = -server_memory (options, "Pss");
  uint64_t start = now_ns ();

  for (unsigned i = 0; i < options->idle; i++) {
    fds[i] = raw_connect (&options->target);
    raw_open (fds[i], &options->target);
  }
  print_value ("opened_s", (now_ns () - start) / 1e9);
  rss += server_memory (options, "Rss");
  pss += server_memory (options, "Pss");
  print_value ("rss_kib", rss / options->idle);
  print_value ("pss_kib", pss / options->idle);
}

/* A lone caller without idle connections, then beside them. */
static void
work_idle (const struct options *options)
{
  struct raw_result *result = malloc (sizeof *result);
  int *fds = calloc (options->idle, sizeof *fds);

  if (result == NULL || fds == NULL)
    die ("malloc");
  print_ready ();
  raw_run (&options->load, result);
  print_value ("alone_p50_us", hist_quantile (&result->hist, 0.5) / 1e3);
  idle_open (options, fds);
  raw_run (&options->load, result);
  print_server_calls (result);
  for (unsigned i = 0; i < options->idle; i++)
    close (fds[i]);
  free (fds);
  free (result);
}

static const struct {
  const char *name;
  void (*work) (const struct options *options);
} works[] = {
  { "calls", work_calls },
  { "connect", work_connect },
  { "idle", work_idle },
};

enum {
  OPT_UNIX = 256, OPT_TCP, OPT_SERVER, OPT_NAME, OPT_WORK, OPT_CALL,
  OPT_CONNECTIONS, OPT_DEPTH, OPT_THREADS, OPT_SECONDS, OPT_IDLE
};

static const struct option long_options[] = {
  { "unix", required_argument, NULL, OPT_UNIX },
  { "tcp", required_argument, NULL, OPT_TCP },
  { "server", required_argument, NULL, OPT_SERVER },
  { "name", required_argument, NULL, OPT_NAME },
  { "work", required_argument, NULL, OPT_WORK },
  { "call", required_argument, NULL, OPT_CALL },
  { "connections", required_argument, NULL, OPT_CONNECTIONS },
  { "depth", required_argument, NULL, OPT_DEPTH },
  { "threads", required_argument, NULL, OPT_THREADS },
  { "seconds", required_argument, NULL, OPT_SECONDS },
  { "idle", required_argument, NULL, OPT_IDLE },
  { NULL }
};

static unsigned
count_of (const char *arg)
{
  long value = strtol (arg, NULL, 10);

  if (value < 1 || value > 65535)
    die ("'%s' is not a number from 1 to 65535", arg);
  return value;
}

static void
option_take (struct options *options, int opt)
{
  switch (opt) {
  case OPT_UNIX: options->target.unix_path = optarg; break;
  case OPT_TCP: options->target.port = count_of (optarg); break;
  case OPT_SERVER: options->target.server = atoi (optarg); break;
  case OPT_NAME: options->target.name = optarg; break;
  case OPT_WORK: options->work = optarg; break;
  case OPT_CALL: options->load.call = optarg; break;
  case OPT_CONNECTIONS: options->load.connections = count_of (optarg); break;
  case OPT_DEPTH: options->load.depth = count_of (optarg); break;
  case OPT_THREADS: options->load.threads = count_of (optarg); break;
  case OPT_SECONDS: options->load.seconds = strtod (optarg, NULL); break;
  case OPT_IDLE: options->idle = count_of (optarg); break;
  default: exit (2);
  }
}

/* Thousands of connections need more descriptors than a shell allows. */
static void
allow_descriptors (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

int
main (int argc, char *argv[])
{
  struct options options = {
    .target = { .name = "test:///default" },
    .load = { .call = "info", .connections = 1, .depth = 1, .threads = 1,
              .seconds = 1 },
    .work = "calls",
    .idle = 1,
  };
  int opt;

  while ((opt = getopt_long (argc, argv, "", long_options, NULL)) != -1)
    option_take (&options, opt);
  options.load.target = &options.target;
  allow_descriptors ();
  for (size_t i = 0; i < COUNT_OF (works); i++) {
    if (strcmp (works[i].name, options.work) == 0) {
      works[i].work (&options);
      return 0;
    }
  }
  errno = 0;
  die ("no work is named '%s'", options.work);
}
