/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What authenticate.c and authmodule.c share: finding the module that can
 * answer a server.
 */
#ifndef VIRGATE_CORE_AUTHMODULE_H
#define VIRGATE_CORE_AUTHMODULE_H

#include "core/authenticate.h"

/* A conversation that a module has begun. */
struct conversation {
  struct instance *instance;
  const struct virgate_auth_ops *ops;
  void *conv;
  const char *mech;             /* the module's choice */
  struct virgate_auth_data first; /* its first message */
  bool is_done;                 /* the module needs no more answers */
};

/* Ask one module after the other to begin a conversation.
 *
 * mechs   what the server offers, separated by commas
 * wanted  the mechanism that the URI names, or NULL
 *
 * Returns 0; or -1 with err set: what went wrong, or, when no module can do
 * what the server offers, what each of them said.
 */
int conversation_begin (const struct authentication *how, const char *mechs,
                        const char *wanted, struct conversation *c,
                        struct virgate_error *err);

/* End it; the instance is closed unless it was taken out. */
void conversation_end (struct conversation *c);

/* A hook of the module just failed: what it said becomes err.  Returns -1. */
int conversation_failed (const struct authentication *how,
                         const struct instance *instance,
                         struct virgate_error *err);

#endif /* VIRGATE_CORE_AUTHMODULE_H */
