/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication as a client: which method, which module, and the conversation
 * that the module leads.  How messages reach the server is the caller's
 * business, and what the methods do is the modules'.  Everything blocks.
 */
#ifndef VIRGATE_CORE_AUTHENTICATE_H
#define VIRGATE_CORE_AUTHENTICATE_H

#include <virgate/auth.h>

#include "core/conffile.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/modules.h"

/* What is known of the server, and how to talk to it. */
struct authentication {
  const char *where;            /* whom, for messages */
  const char *hostname;         /* for the modules; NULL: "localhost" */
  const char *wanted;           /* `auth=` of the URI: "sasl", "sasl.MECH",
                                   "polkit"; NULL: what the server prefers */
  uint32_t caps;                /* of the connection: transport.h */
  const struct virgate_peer *peer; /* facts about the server */

  /* Modules that are asked whether a mechanism suits them: those that
   * [auth NAME] sections of these files name, in order; then these defaults
   * (NULL-terminated).
   */
  struct modules *modules;
  const struct host_env *env;
  const struct config *files;
  size_t file_count;
  const char *const *defaults;

  /* One call in the program "remote", waited for.  args of SASL's procedures
   * are secret: what carried them is to be wiped.  *ret is freed with free.
   * Returns 0, or -1 with err set.
   */
  int (*call) (void *opaque, int32_t procedure, const void *args, void **ret,
               struct virgate_error *err);
  void *opaque;
};

/* What a conversation left behind. */
struct authenticated {
  struct instance *instance;    /* the module that led it; NULL: none.  The
                                   caller's, to instance_close after conv */
  void *conv;                   /* where a security layer was negotiated, for
                                   the module's wrap and unwrap; else NULL.
                                   The caller's, to conv_free */
};

/* Ask the server what it wants, and satisfy it.
 *
 * out  filled in on success; zeroed on failure
 *
 * Returns 0, or -1 with err set.  A server that refused may be asked again on
 * the same connection.
 */
int authenticate (const struct authentication *how, struct authenticated *out,
                  struct virgate_error *err);

#endif /* VIRGATE_CORE_AUTHENTICATE_H */
