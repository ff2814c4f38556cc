/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What surrounds the sessions of fuzz-session: a driver, an authentication
 * module, an access list and workers, all of which do what the input says,
 * when it says so, on the one thread there is.
 */
#ifndef VIRGATE_FUZZ_SESSION_PARTS_H
#define VIRGATE_FUZZ_SESSION_PARTS_H

#include "daemon/policy.h"
#include "daemon/server.h"

/* What the parts do next.  The input sets these at any time. */
struct mood {
  uint8_t handler;              /* session-driver.c: enum answer */
  uint8_t stream;               /* enum flow */
  uint8_t auth;                 /* enum virgate_auth_result + 1 */
  uint8_t acl;
  bool no_workers;              /* jobs cannot be added */
};

extern struct mood mood;

/* session-driver.c ---------------------------------------------------------*/

/* Two drivers that answer everything, one for names a:*, one for the rest. */
void parts_drivers (struct server *server);
/* Go on with something that waits: the n-th of them. */
void parts_finish_call (uint8_t n);
void parts_stream_ready (uint8_t n);
void parts_send_event (uint8_t n, uint8_t how);
/* All that wait; false when there is nothing. */
bool parts_finish_all (void);
/* Abort unless everything the driver was given is gone. */
void parts_check_gone (void);

/* session-auth.c -----------------------------------------------------------*/

/* A policy that is one of several kinds. */
void parts_policy (struct policy *policy, uint8_t kind);
/* Does an identity have the methods of one of its chains, all of them? */
bool parts_may_be_in (const struct virgate_identity *identity, uint8_t kind);

/* session-workers.c --------------------------------------------------------*/

/* Run the n-th job that waits; false when there is none. */
bool parts_work (uint8_t n);

#endif /* VIRGATE_FUZZ_SESSION_PARTS_H */
