/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Procedures that the daemon itself answers.
 */
#ifndef VIRGATE_DAEMON_BUILTIN_H
#define VIRGATE_DAEMON_BUILTIN_H

#include <stdbool.h>

#include <virgate/driver.h>

/* libvirt's driver features, as supports_feature numbers them. */
enum {
  FEATURE_FD_PASSING = 8,
  FEATURE_KEEPALIVE = 10,
  FEATURE_EVENT_CALLBACK = 14,
  FEATURE_CLOSE_CALLBACK = 15
};

struct builtin {
  struct virgate_handler handler;
  bool needs_open;
  /* First, on the loop: may it go on?  0, or -1 after call_refuse. */
  int (*prepare) (struct virgate_call *call);
};

/* The daemon's own handler for hypervisor clients, or NULL. */
const struct builtin *builtin_find (uint32_t program, int32_t procedure);

#endif /* VIRGATE_DAEMON_BUILTIN_H */
