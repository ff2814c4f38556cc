/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * client.conf: the default URI, aliases, limits, and settings of transports
 * and auth modules.  The user's file is asked first, then the system's.
 */
#ifndef VIRGATE_CLIENT_CLIENTCONF_H
#define VIRGATE_CLIENT_CLIENTCONF_H

#include "core/conffile.h"

struct clientconf {
  struct config files[2];       /* the one asked first is first */
  size_t count;
};

/* Read the config.
 *
 * file  the only one, which must exist; NULL: the default places
 *
 * Returns 0, or -1 with err set and nothing to free.
 */
int clientconf_read (struct clientconf *conf, const char *file,
                     struct virgate_error *err);
void clientconf_free (struct clientconf *conf);

/* The value of a key of [client]; its default, or NULL. */
const char *clientconf_value (const struct clientconf *conf, const char *key);
uint64_t clientconf_number (const struct clientconf *conf, const char *key);

/* What [alias] says of a name, or NULL. */
const char *clientconf_alias (const struct clientconf *conf,
                              const char *name);

/* The section [KIND NAME], or NULL. */
const struct config_section *
clientconf_section (const struct clientconf *conf, const char *kind,
                    const char *name);

/* The hosts behind a name: see virgate_expand_alias.  name NULL: the default.
 * keeps_aliases: an alias of one host stands for itself; otherwise all are
 * URIs.  names (NULL-terminated) and all strings live in the arena.  Returns
 * how many, or -1 with err set.
 */
int clientconf_expand (const struct clientconf *conf, const char *name,
                       bool keeps_aliases, struct arena *arena,
                       const char ***names, struct virgate_error *err);

#endif /* VIRGATE_CLIENT_CLIENTCONF_H */
