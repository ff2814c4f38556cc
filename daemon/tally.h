/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counters for the metrics.  Each loop counts for itself, so that counting
 * takes no lock and shares no cache line; whoever writes the metrics adds
 * them up.  A daemon without metrics has none of this.
 */
#ifndef VIRGATE_DAEMON_TALLY_H
#define VIRGATE_DAEMON_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "protocol/table.h"

/* Upper bounds of the histogram's buckets, in microseconds; what takes longer
 * is in one more.
 */
#define TALLY_BOUNDS { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, \
                       100000, 250000, 1000000, 10000000 }
#define TALLY_BUCKETS 14

/* How calls end. */
enum tally_outcome {
  TALLY_OK,
  TALLY_FAILED,
  TALLY_DENIED,                 /* by access control, or read-only */
  TALLY_REFUSED,                /* it was no proper call */
  TALLY_OUTCOMES
};

/* Why somebody was not let in. */
enum tally_refusal {
  TALLY_NO_ROOM,                /* a limit, of all or of a listener */
  TALLY_BANNED,
  TALLY_ACL_ADDRESS,
  TALLY_ACL_IDENTITY,
  TALLY_HANDSHAKE,
  TALLY_AUTH,
  TALLY_TOO_SLOW,
  TALLY_REFUSALS
};

typedef _Atomic uint64_t tally_count;

struct tally_proc {
  tally_count outcomes[TALLY_OUTCOMES];
  tally_count buckets[TALLY_BUCKETS];
  tally_count sum_us;
};

struct tally {
  tally_count accepted, entered;
  tally_count bytes_in, bytes_out;
  tally_count refusals[TALLY_REFUSALS];
  struct tally_proc *procs;     /* programs one after the other; the first of
                                   each is for procedures without a row */
};

/* One thread adds, others read. */
static inline void
tally_add (tally_count *count, uint64_t n)
{
  atomic_store_explicit (count, atomic_load_explicit (count,
                                                      memory_order_relaxed)
                                + n, memory_order_relaxed);
}

static inline uint64_t
tally_read (const tally_count *count)
{
  return atomic_load_explicit (count, memory_order_relaxed);
}

/* NULL without memory. */
struct tally *tally_new (void);
void tally_free (struct tally *tally);

/* A call ended.  row NULL: a procedure without one. */
void tally_call (struct tally *tally, uint32_t program,
                 const struct proc_row *row, enum tally_outcome outcome,
                 int64_t took_ns);

/* What is no call at all was refused: it took no time. */
void tally_refused (struct tally *tally, uint32_t program,
                    const struct proc_row *row);

#endif /* VIRGATE_DAEMON_TALLY_H */
