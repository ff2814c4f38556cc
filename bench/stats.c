/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clocks, histogram and output of the measuring programs; see stats.h.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stats.h"

#define STEPS (1u << HIST_STEP_BITS)

/* Values below STEPS have a bucket each; above, each doubling has STEPS. */
static unsigned
bucket_of (uint64_t ns)
{
  unsigned shift;

  if (ns < STEPS)
    return ns;
  shift = 63 - __builtin_clzll (ns) - HIST_STEP_BITS;
  return ((shift + 1) << HIST_STEP_BITS) + ((ns >> shift) & (STEPS - 1));
}

static double
bucket_middle (unsigned bucket)
{
  unsigned shift = bucket >> HIST_STEP_BITS;
  uint64_t step = bucket & (STEPS - 1);

  if (shift == 0)
    return step;
  return (STEPS + step + 0.5) * (double) (UINT64_C (1) << (shift - 1));
}

void
hist_add (struct hist *hist, uint64_t ns)
{
  hist->count++;
  hist->bucket[bucket_of (ns)]++;
}

void
hist_merge (struct hist *into, const struct hist *from)
{
  into->count += from->count;
  for (unsigned i = 0; i < HIST_BUCKETS; i++)
    into->bucket[i] += from->bucket[i];
}

double
hist_quantile (const struct hist *hist, double part)
{
  double wanted = part * (double) hist->count;
  uint64_t seen = 0;

  for (unsigned i = 0; i < HIST_BUCKETS; i++) {
    seen += hist->bucket[i];
    if (seen > 0 && (double) seen >= wanted)
      return bucket_middle (i);
  }
  return 0;
}

static uint64_t
clock_ns (clockid_t clock)
{
  struct timespec ts;

  if (clock_gettime (clock, &ts) == -1)
    return 0;
  return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

void
sleep_until (uint64_t ns)
{
  struct timespec ts = { ns / 1000000000, ns % 1000000000 };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
    ;
}

uint64_t
cpu_ns (pid_t pid)
{
  clockid_t clock;

  if (clock_getcpuclockid (pid, &clock) != 0)
    return 0;
  return clock_ns (clock);
}

void
print_value (const char *name, double value)
{
  printf ("%s %.6g\n", name, value);
}

void
print_calls (const struct hist *hist, uint64_t elapsed_ns,
             uint64_t client_cpu_ns)
{
  if (hist->count == 0)
    die ("no call was answered");
  print_value ("calls", hist->count);
  print_value ("rate", hist->count / (elapsed_ns / 1e9));
  print_value ("p50_us", hist_quantile (hist, 0.50) / 1e3);
  print_value ("p99_us", hist_quantile (hist, 0.99) / 1e3);
  print_value ("client_us", client_cpu_ns / 1e3 / hist->count);
}

void
die (const char *fmt, ...)
{
  int saved_errno = errno;
  va_list args;

  va_start (args, fmt);
  vfprintf (stderr, fmt, args);
  va_end (args);
  fprintf (stderr, "%s%s\n", saved_errno ? ": " : "",
           saved_errno ? strerror (saved_errno) : "");
  exit (1);
}
