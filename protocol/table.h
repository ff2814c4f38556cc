/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the protocol tables say of each procedure, and the way from a number
 * or a name to it.  The rows are generated; they are constant and shared by
 * all threads.
 */
#ifndef VIRGATE_PROTOCOL_TABLE_H
#define VIRGATE_PROTOCOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <virgate/acl.h>

#include "protocol/xdr.h"

enum proc_flags {
  PROC_EVENT = 1,               /* sent on its own accord, never called */
  PROC_FAST = 2,                /* never waits for a hypervisor: libvirt's
                                   high priority */
  PROC_NO_AUTH = 4,             /* allowed before authentication */
  PROC_STREAM_READ = 8,         /* opens a stream of data to the client */
  PROC_STREAM_WRITE = 16,       /* opens a stream of data from the client */
  PROC_STREAM_SPARSE = 32,      /* holes if bit 0 of its flags is set */
  PROC_FDS_IN = 64,             /* descriptors come with the call */
  PROC_FDS_OUT = 128,           /* descriptors come with the reply */
  PROC_SECRET = 256             /* arguments or result hold a password or a
                                   key: never logged, wiped after use */
};

#define PROC_STREAM (PROC_STREAM_READ | PROC_STREAM_WRITE)

/* When something holds for a call; depends on one number in its arguments. */
enum proc_test {
  PROC_NEVER,
  PROC_ALWAYS,
  PROC_IF_SET,                  /* one of the bits is set */
  PROC_IF_UNSET,                /* none of the bits is set */
  PROC_IF_EQUAL                 /* the number is bits */
};

struct proc_condition {
  uint8_t test;                 /* enum proc_test */
  uint8_t field;                /* index into args->fields */
  uint32_t bits;
};

struct proc_permission {
  struct virgate_permission pair; /* object and permission by name */
  uint32_t id;                  /* index into proc_permissions */
  struct proc_condition when;   /* is it needed? */
};

struct proc_row {
  const char *name;             /* "domain_get_info" */
  int32_t number;
  uint32_t flags;               /* enum proc_flags */
  const struct xdr_type *args;  /* of a call or an event; NULL: empty */
  const struct xdr_type *ret;   /* NULL: empty */
  const struct proc_permission *permissions;
  uint32_t permission_count;
  const struct proc_permission *filter; /* for rows of a list; or NULL */
  struct proc_condition denied; /* to read-only connections */
};

struct proc_program {
  const char *name;             /* "remote" */
  uint32_t number;
  uint32_t version;
  uint32_t count;               /* of rows: procedures 1 to count */
  const struct proc_row *rows;
};

/* remote first, then qemu, lxc, admin, keepalive. */
extern const struct proc_program proc_programs[];
extern const size_t proc_program_count;

/* Every object:permission pair; condition ALWAYS. */
extern const struct proc_permission proc_permissions[];
extern const size_t proc_permission_count;

/* Numbers by name that conditions refer to. */
struct proc_flag {
  const char *name;             /* "VIR_DOMAIN_XML_SECURE" */
  uint32_t value;
};
extern const struct proc_flag proc_flag_values[];
extern const size_t proc_flag_count;

/* Most permissions that one procedure needs. */
#define PROC_PERMISSIONS_MAX 4

/* The program of that number, or NULL.  Versions are the caller's business:
 * every program that there is has one.
 */
const struct proc_program *proc_program_find (uint32_t number);

/* The row, or NULL when program or procedure is unknown. */
const struct proc_row *proc_find (uint32_t program, int32_t number);

/* By name: "domain_get_info", or "qemu.domain_attach"; a plain name is looked
 * up in all programs in their order.  *program may be NULL.
 */
const struct proc_row *proc_find_name (const char *name,
                                       const struct proc_program **program);

/* Does the condition hold for these decoded arguments? */
bool proc_applies (const struct proc_row *row,
                   const struct proc_condition *condition, const void *args);

/* The permissions that this call needs.
 *
 * args  decoded, NULL when the procedure has none
 * out   room for PROC_PERMISSIONS_MAX
 *
 * Returns how many.
 */
uint32_t proc_needs (const struct proc_row *row, const void *args,
                     struct virgate_permission *out);

/* Is this call denied to a read-only connection? */
static inline bool
proc_is_denied_read_only (const struct proc_row *row, const void *args)
{
  return proc_applies (row, &row->denied, args);
}

#endif /* VIRGATE_PROTOCOL_TABLE_H */
