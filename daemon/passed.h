/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a client's gateway passed on and what is still to come back: calls
 * without a reply, and the streams that calls opened.  A hash table by serial
 * in one piece of memory; clients number their calls upwards, so that nearly
 * every entry is where it belongs.
 */
#ifndef VIRGATE_DAEMON_PASSED_H
#define VIRGATE_DAEMON_PASSED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/frame.h"
#include "protocol/table.h"

enum passed_state {
  PASSED_NONE,                  /* a free slot */
  PASSED_CALL,                  /* no reply yet */
  PASSED_STREAM                 /* replied; its stream is open */
};

struct passed {
  const struct proc_row *row;   /* NULL: a procedure unknown to the tables */
  uint32_t program, version;
  int32_t procedure;
  uint32_t serial;
  uint32_t bytes;               /* of arguments, counted in the session */
  uint32_t state;               /* enum passed_state */
  int64_t began_ns;             /* when its message came */
  char *note;                   /* of record.h; NULL: none */
  struct hiding *hiding;        /* of gateway-hide.h; NULL: none; freed with
                                   the entry */
};

/* Starts zeroed, without memory. */
struct passed_table {
  struct passed *slots;
  uint32_t size;                /* a power of two, or 0 */
  uint32_t count;
  uint32_t fd_count;            /* of them, those that may bring descriptors */
};

/* Note a call.  Returns its entry, valid until the table is changed; NULL
 * with errno ENOMEM.
 */
struct passed *passed_add (struct passed_table *table,
                           const struct frame_header *head,
                           const struct proc_row *row, uint32_t bytes);

/* The entry that a frame belongs to, in this state (NONE: in either), or
 * NULL.  Of several with the same header it is the oldest or any other: a
 * client that repeats serials cannot tell them apart either.  Valid until
 * the table is changed.
 */
struct passed *passed_find (const struct passed_table *table,
                            const struct frame_header *head,
                            enum passed_state state);

/* The call with this header that was noted last, while it is the last of all:
 * for who takes it back.
 */
struct passed *passed_newest (const struct passed_table *table,
                              const struct frame_header *head);

void passed_remove (struct passed_table *table, struct passed *entry);

/* Any entry in this state (NONE: in either), or NULL when there is none. */
struct passed *passed_any (const struct passed_table *table,
                           enum passed_state state);

/* The entry after this one (NULL: the first), in no order; NULL at the end. */
struct passed *passed_next (const struct passed_table *table,
                            const struct passed *entry);

void passed_free (struct passed_table *table);

#endif /* VIRGATE_DAEMON_PASSED_H */
