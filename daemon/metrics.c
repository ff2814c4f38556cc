/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing metrics; see metrics.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/instance.h"
#include "daemon/audit.h"
#include "daemon/metrics.h"
#include "daemon/server.h"
#include "daemon/settings.h"
#include "daemon/tally.h"

static const int64_t bounds_us[] = TALLY_BOUNDS;

static const char *const refusal_names[TALLY_REFUSALS] = {
  [TALLY_NO_ROOM] = "no-room",
  [TALLY_BANNED] = "banned",
  [TALLY_ACL_ADDRESS] = "acl-address",
  [TALLY_ACL_IDENTITY] = "acl-identity",
  [TALLY_HANDSHAKE] = "handshake",
  [TALLY_AUTH] = "authentication",
  [TALLY_TOO_SLOW] = "too-slow",
};

static const char *const outcome_names[TALLY_OUTCOMES] = {
  [TALLY_OK] = "ok", [TALLY_FAILED] = "failed", [TALLY_DENIED] = "denied",
  [TALLY_REFUSED] = "refused",
};

/* Adding up ---------------------------------------------------------------- */

/* The sum of the counter at this place of every loop's tally. */
static uint64_t
sum (const struct server *server, size_t offset)
{
  uint64_t total = 0;

  for (unsigned i = 0; i < server->loop_count; i++)
    total += tally_read ((const tally_count *) (const void *)
                         ((const char *) server->loops[i].tally + offset));
  return total;
}

#define SUM(server, member) sum (server, offsetof (struct tally, member))

/* The same of the counters of one procedure. */
static uint64_t
sum_proc (const struct server *server, size_t slot, size_t offset)
{
  uint64_t total = 0;

  for (unsigned i = 0; i < server->loop_count; i++)
    total += tally_read ((const tally_count *) (const void *)
                         ((const char *) &server->loops[i].tally->procs[slot]
                          + offset));
  return total;
}

/* The format --------------------------------------------------------------- */

static void
head (FILE *out, const char *name, const char *type, const char *help)
{
  fprintf (out, "# HELP virgate_%s %s\n# TYPE virgate_%s %s\n", name, help,
           name, type);
}

static void
number (FILE *out, const char *name, const char *type, const char *help,
        uint64_t value)
{
  head (out, name, type, help);
  fprintf (out, "virgate_%s %" PRIu64 "\n", name, value);
}

/* A label's value: quotes, backslashes and newlines have a meaning. */
static void
put_label (FILE *out, const char *text)
{
  for (; *text; text++)
    if (*text == '"' || *text == '\\')
      fprintf (out, "\\%c", *text);
    else if (*text == '\n')
      fputs ("\\n", out);
    else
      putc (*text, out);
}

/* What there is ------------------------------------------------------------ */

static void
print_clients (struct server *server, FILE *out)
{
  number (out, "connections", "gauge", "Connections that are open.",
          atomic_load (&server->clients));
  number (out, "connections_unopened", "gauge",
          "Of these, not yet authenticated and opened.",
          atomic_load (&server->strangers));
  number (out, "connections_max", "gauge", "Connections that may be open.",
          server->limits.max_clients);
  number (out, "accepted_total", "counter",
          "Connections that were admitted by their address.",
          SUM (server, accepted));
  number (out, "entered_total", "counter",
          "Connections that were authenticated, or needed not to be.",
          SUM (server, entered));
  head (out, "refused_total", "counter", "Connections that were refused.");
  for (int i = 0; i < TALLY_REFUSALS; i++)
    fprintf (out, "virgate_refused_total{reason=\"%s\"} %" PRIu64 "\n",
             refusal_names[i], SUM (server, refusals[i]));
  number (out, "received_bytes_total", "counter", "Bytes read from clients.",
          SUM (server, bytes_in));
  number (out, "sent_bytes_total", "counter", "Bytes written to clients.",
          SUM (server, bytes_out));
}

struct names {
  const char *program, *procedure;
};

static uint64_t
count_calls (const struct server *server, size_t slot)
{
  uint64_t count = 0;

  for (int i = 0; i < TALLY_OUTCOMES; i++)
    count += sum_proc (server, slot, offsetof (struct tally_proc,
                                               outcomes[i]));
  return count;
}

static void
print_outcomes (const struct server *server, FILE *out, size_t slot,
                const struct names *names)
{
  for (int i = 0; i < TALLY_OUTCOMES; i++)
    fprintf (out, "virgate_calls_total{program=\"%s\",procedure=\"%s\","
             "outcome=\"%s\"} %" PRIu64 "\n", names->program,
             names->procedure, outcome_names[i],
             sum_proc (server, slot, offsetof (struct tally_proc,
                                               outcomes[i])));
}

static void
print_times (const struct server *server, FILE *out, size_t slot,
             const struct names *names)
{
  uint64_t below = 0;

  for (int i = 0; i < TALLY_BUCKETS; i++) {
    fprintf (out, "virgate_call_seconds_bucket{program=\"%s\","
             "procedure=\"%s\",le=\"", names->program, names->procedure);
    if (i < TALLY_BUCKETS - 1)
      fprintf (out, "%g", bounds_us[i] / 1e6);
    else
      fputs ("+Inf", out);
    below += sum_proc (server, slot, offsetof (struct tally_proc,
                                               buckets[i]));
    fprintf (out, "\"} %" PRIu64 "\n", below);
  }
  fprintf (out, "virgate_call_seconds_sum{program=\"%s\",procedure=\"%s\"} "
           "%.6f\n", names->program, names->procedure,
           sum_proc (server, slot, offsetof (struct tally_proc, sum_us))
           / 1e6);
  fprintf (out, "virgate_call_seconds_count{program=\"%s\","
           "procedure=\"%s\"} %" PRIu64 "\n", names->program,
           names->procedure, below);
}

/* Each procedure that was called at all. */
static void
each_called (const struct server *server, FILE *out,
             void (*print) (const struct server *server, FILE *out,
                            size_t slot, const struct names *names))
{
  size_t slot = 0;

  for (size_t i = 0; i < proc_program_count; i++)
    for (uint32_t n = 0; n <= proc_programs[i].count; n++, slot++) {
      const struct names names = {
        proc_programs[i].name,
        n ? proc_programs[i].rows[n - 1].name : "unknown",
      };

      if (count_calls (server, slot) > 0)
        print (server, out, slot, &names);
    }
}

static void
print_calls (struct server *server, FILE *out)
{
  head (out, "calls_total", "counter", "Calls that were answered.");
  each_called (server, out, print_outcomes);
  head (out, "call_seconds", "histogram",
        "Time from a call's arrival to its answer.");
  each_called (server, out, print_times);
}

static void
print_pool (struct workers *workers, FILE *out, const char *name,
            const char *pool)
{
  struct workers_state state;

  workers_look (workers, &state);
  fprintf (out, "virgate_%s{pool=\"%s\"} %u\n", name, pool,
           strcmp (name, "workers") == 0 ? state.threads
           : strcmp (name, "workers_idle") == 0 ? state.idle : state.queued);
}

static void
print_pools (struct server *server, FILE *out)
{
  static const struct {
    const char *name, *help;
  } kinds[] = {
    { "workers", "Threads for what may block." },
    { "workers_idle", "Of these, with nothing to do." },
    { "jobs_waiting", "Jobs that no worker has taken yet." },
  };

  for (size_t i = 0; i < COUNT_OF (kinds); i++) {
    head (out, kinds[i].name, "gauge", kinds[i].help);
    print_pool (&server->workers, out, kinds[i].name, "calls");
    print_pool (&server->priority, out, kinds[i].name, "priority");
    print_pool (&server->openers, out, kinds[i].name, "gateway");
    print_pool (&server->shakers, out, kinds[i].name, "handshakes");
    print_pool (&server->checkers[0], out, kinds[i].name, "auth");
    print_pool (&server->checkers[1], out, kinds[i].name, "auth-local");
  }
}

static uint64_t
resident_bytes (void)
{
  CLEANUP_FCLOSE FILE *f = fopen ("/proc/self/statm", "re");
  unsigned long size, resident = 0;

  if (f && fscanf (f, "%lu %lu", &size, &resident) != 2)
    resident = 0;
  return (uint64_t) resident * sysconf (_SC_PAGESIZE);
}

static void
print_process (struct server *server, FILE *out)
{
  number (out, "resident_memory_bytes", "gauge",
          "Memory of the daemon that is in use.", resident_bytes ());
  number (out, "start_time_seconds", "gauge",
          "When the daemon started, since the epoch.", server->started);
  if (server->audit)
    number (out, "audit_lost_total", "counter",
            "Lines that are missing in the audit trail.",
            audit_lost (server->audit));
}

static void
print_gauges (struct server *server, FILE *out)
{
  LOCK_FOR_SCOPE (&server->gauges.lock);
  const char *last = "";

  list_for_each (item, &server->gauges.list) {
    const struct gauge *gauge = list_item (item, struct gauge, link);

    if (strcmp (last, gauge->name) != 0)
      head (out, gauge->name, "gauge", gauge->help);
    last = gauge->name;
    fprintf (out, "virgate_%s{section=\"", gauge->name);
    put_label (out, gauge->instance->title);
    fprintf (out, "\"} %.15g\n", gauge->value);
  }
}

static void
metrics_print (struct server *server, FILE *out)
{
  print_clients (server, out);
  print_calls (server, out);
  print_pools (server, out);
  print_process (server, out);
  print_gauges (server, out);
}

/* The file ----------------------------------------------------------------- */

/* Whoever may write in that folder, as the metrics' reader, must not have us
 * write elsewhere.
 */
static FILE *
open_new (const char *path)
{
  CLEANUP_CLOSE int fd = -1;
  FILE *out;

  unlink (path);
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             0600);
  /* Whoever may enter the folder may read them, whatever the umask. */
  out = fd == -1 || fchmod (fd, 0644) == -1 ? NULL : fdopen (fd, "w");
  if (out)
    steal_fd (&fd);
  return out;
}

/* Beside the file, then in its place: nobody reads half of it. */
static int
write_file (struct server *server, const char *path)
{
  CLEANUP_FREE char *beside = NULL;
  FILE *out;
  int result;

  if (asprintf (&beside, "%s.new", path) == -1)
    return -1;
  out = open_new (beside);
  if (out == NULL)
    return -1;
  metrics_print (server, out);
  result = ferror (out) ? -1 : 0;
  if (fclose (out) != 0 || result == -1 || rename (beside, path) == -1) {
    unlink (beside);
    return -1;
  }
  return 0;
}

static void
write_now (struct server *server)
{
  int result = write_file (server, server->metrics_path);

  if (result == -1 && !server->metrics_failed)
    log_write (&server->log, VIRGATE_LOG_ERROR, "metrics", "%s: %s; it is "
               "tried again and again", server->metrics_path,
               strerror (errno));
  server->metrics_failed = result == -1;
}

static void
on_time (uv_timer_t *timer)
{
  write_now (timer->data);
}

static int
make_tallies (struct server *server)
{
  for (unsigned i = 0; i < server->loop_count; i++) {
    server->loops[i].tally = tally_new ();
    if (server->loops[i].tally == NULL)
      return -1;
  }
  return 0;
}

int
metrics_begin (struct server *server)
{
  const char *path = daemon_value (&server->config, "metrics-file");
  uint64_t every_ms = daemon_number (&server->config, "metrics-interval")
                      * 1000;

  server->started = time (NULL);
  if (path == NULL)
    return 0;
  server->metrics_path = strdup (path);
  if (server->metrics_path == NULL || make_tallies (server) == -1)
    return -1;
  uv_timer_init (&server->loops[0].uv, &server->metrics);
  server->metrics.data = server;
  uv_timer_start (&server->metrics, on_time, 0, every_ms);
  return 0;
}

void
metrics_end (struct server *server)
{
  if (server->metrics.data == NULL)
    return;
  uv_timer_stop (&server->metrics);
  write_now (server);
}

void
metrics_free (struct server *server)
{
  if (server->gauges.list.next)
    metrics_forget (server, NULL);
  free (server->metrics_path);
}
