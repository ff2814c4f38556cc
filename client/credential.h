/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Credentials that a connection's modules ask for: from client.conf, from
 * libvirt's auth.conf, from the URI, or from the program.
 */
#ifndef VIRGATE_CLIENT_CREDENTIAL_H
#define VIRGATE_CLIENT_CREDENTIAL_H

#include <stdbool.h>

#include <virgate/client.h>

struct clientconf;
struct instance;
struct uri;

/* Where to look; all borrowed, and NULL once the connection is made. */
struct credentials {
  const struct clientconf *conf;
  const struct uri *uri;
  virgate_credential_fn *ask;   /* the program's, or NULL */
  void *ask_opaque;
  bool is_missing;              /* something was asked for in vain */
};

/* As in struct host_env; opaque is the struct credentials. */
int credential_get (void *opaque, const struct instance *instance,
                    uint32_t kind, const char *prompt, const char *challenge,
                    char **secret);

/* An error that followed: if something was missing, say where it could be. */
void credential_explain (const struct credentials *credentials,
                         struct virgate_error *err);

#endif /* VIRGATE_CLIENT_CREDENTIAL_H */
