/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The raw client: a blocking connection and a call at a time, for set-up and
 * tear-down, and the engine that keeps many calls in flight.
 */
#ifndef VIRGATE_BENCH_RAW_H
#define VIRGATE_BENCH_RAW_H

#include <stdint.h>
#include <sys/types.h>

#include "bench/stats.h"
#include "bench/wire.h"

#define RAW_SILENCE_S 60        /* a server this long silent is given up */

struct raw_target {
  const char *unix_path;        /* NULL: TCP to 127.0.0.1 */
  uint16_t port;
  const char *name;             /* forwarded by connect_open */
  pid_t server;                 /* whose CPU and memory to take; 0: nobody's */
};

/* A call to repeat: the message with everything but its serial. */
struct raw_call {
  char *data;
  size_t len;
};

struct raw_load {
  const struct raw_target *target;
  const char *call;             /* see raw_call_make */
  unsigned connections;
  unsigned depth;               /* calls in flight on each connection */
  unsigned threads;
  double seconds;
};

struct raw_result {
  struct hist hist;             /* latencies of the calls answered in time */
  uint64_t bytes;               /* received with them */
  uint64_t elapsed_ns;
  uint64_t client_cpu_ns;
  uint64_t server_cpu_ns;
};

static inline uint64_t
raw_server_cpu (const struct raw_target *target)
{
  return target->server ? cpu_ns (target->server) : 0;
}

/* Connect; no message yet.  All of these end the program on failure. */
int raw_connect (const struct raw_target *target);

/* AUTH_LIST and CONNECT_OPEN, as any client must. */
void raw_open (int fd, const struct raw_target *target);

/* CONNECT_CLOSE, its answer, and the end of the descriptor. */
void raw_close (int fd);

/* Prepare a call: "info", "xml" and "list" for what the default test driver
 * has, "big-xml" for a domain of 256 KiB, which this defines.
 */
struct raw_call raw_call_make (int fd, const char *what);

/* Keep LOAD's calls in flight for its time, after a warm-up of 0.15 s. */
void raw_run (const struct raw_load *load, struct raw_result *result);

#endif /* VIRGATE_BENCH_RAW_H */
