/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may come in through a listener and what they may do: its `auth`, `acl`
 * and `read-only`.  A reload replaces the whole; whoever is still asking the
 * old one holds a reference.
 */
#ifndef VIRGATE_DAEMON_POLICY_H
#define VIRGATE_DAEMON_POLICY_H

#include <stdatomic.h>
#include <stdbool.h>

#include <virgate/acl.h>

#include "core/conffile.h"
#include "daemon/auth.h"
#include "daemon/loop.h"

struct part;
struct server;

#define POLICY_ACLS_MAX 8

struct access_list {
  const char *name;             /* of its section */
  void *inst;
  const struct virgate_acl_ops *ops;
  const _Atomic uint64_t *reloads; /* of its instance */
};

struct policy {
  struct mail mail;             /* to the main thread, to be freed there */
  _Atomic unsigned refs;
  uint64_t serial;              /* never used twice */
  struct server *server;
  struct part **parts;          /* auth and acl sections in use */
  unsigned part_count;
  struct auth_policy auth;
  struct access_list acls[POLICY_ACLS_MAX];
  unsigned acl_count;
  uint64_t max_clients, max_strangers; /* 0: no limit of its own */
  bool is_read_only;
  bool is_admin;                /* serves libvirt's administration program */
};

/* Make it of a [listen] section.  is_private: nobody but this user reaches
 * the socket; otherwise having no authentication must be allowed by name.
 * NULL with err set.
 */
struct policy *policy_new (struct server *server,
                           const struct config_section *section,
                           bool is_private, struct virgate_error *err);

void policy_ref (struct policy *policy);
/* Any thread; what it held is closed on the main thread. */
void policy_unref (struct policy *policy);

/* Drop a reference once no loop can be reading it any more. */
void policy_retire (struct policy *policy);

#endif /* VIRGATE_DAEMON_POLICY_H */
