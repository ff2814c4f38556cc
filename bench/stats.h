/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the measuring programs share: clocks, a histogram of latencies, and
 * the form of their output, "name value" lines that run.py reads.
 */
#ifndef VIRGATE_BENCH_STATS_H
#define VIRGATE_BENCH_STATS_H

#include <stdint.h>
#include <sys/types.h>

#include "common/mem.h"

/* Buckets are logarithmic with 128 steps to a doubling: under 1 % wide. */
#define HIST_STEP_BITS 7
#define HIST_BUCKETS ((64 - HIST_STEP_BITS + 1) << HIST_STEP_BITS)

struct hist {
  uint64_t count;
  uint64_t bucket[HIST_BUCKETS];
};

void hist_add (struct hist *hist, uint64_t ns);
void hist_merge (struct hist *into, const struct hist *from);

/* The latency in nanoseconds below which PART (0 to 1) of the calls lie. */
double hist_quantile (const struct hist *hist, double part);

/* Sleep until the monotonic clock, now_ns, shows NS. */
void sleep_until (uint64_t ns);

/* CPU time in nanoseconds that all threads of a process have used, those
 * that ended too; PID 0 is the caller.  0 if there is no such process.
 */
uint64_t cpu_ns (pid_t pid);

void print_value (const char *name, double value);

/* Print calls, rate, p50_us, p99_us and client_us (CPU per call). */
void print_calls (const struct hist *hist, uint64_t elapsed_ns,
                  uint64_t client_cpu_ns);

/* Say what failed, with errno if it is set, and exit 1. */
void die (const char *fmt, ...)
  __attribute__ ((noreturn, format (printf, 1, 2)));

#endif /* VIRGATE_BENCH_STATS_H */
