/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One ssh server on the way, the last one included: all that the URI, the
 * client's config and the user's ssh config say of it, resolved.
 */
#ifndef VIRGATE_TRANSPORT_SSH_HOP_H
#define VIRGATE_TRANSPORT_SSH_HOP_H

#include "client.h"
#include "sshconf.h"

#define HOP_FILES_MAX 8
#define HOP_DEPTH_MAX 8         /* jump hosts on the way */

enum hop_verify {
  VERIFY_ASK,                   /* about a host that is not known */
  VERIFY_STRICT,                /* refuse it */
  VERIFY_NEW,                   /* trust it, and remember */
  VERIFY_IGNORE                 /* check nothing */
};

struct hop {
  struct hop *jump;             /* the one before; NULL: connect directly */
  char *original;               /* as it was written */
  char *host, *user;
  unsigned port;
  char *key_name;               /* in known-hosts files */
  char *bare_name;              /* the same without a port; NULL: the same */
  char *known[HOP_FILES_MAX];   /* files; the first is written to */
  int known_count;
  char *identity[SSHCONF_IDENTITIES_MAX];
  int identities;
  bool identities_only;         /* of the agent's, too */
  bool identities_default;      /* ssh's usual names: may be absent */
  char *agent;                  /* socket; NULL: none */
  const char *agent_why;        /* why none */
  char *auth;                   /* ways to log in */
  enum hop_verify verify;
  bool never_asks;
  int connect_s, alive_s, alive_count;  /* seconds; 0: not said */
  char *key;                    /* what shared connections have in common */
};

/* Resolve the request's host, and those before it.  NULL after host->error. */
struct hop *hop_resolve (const struct ssh_request *request);
void hop_free (struct hop *hop);

#endif /* VIRGATE_TRANSPORT_SSH_HOP_H */
