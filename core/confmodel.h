/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the configuration share among themselves: adding to the
 * model of conffile.h, and checks that more than one of them makes.
 */
#ifndef VIRGATE_CORE_CONFMODEL_H
#define VIRGATE_CORE_CONFMODEL_H

#include "core/conffile.h"

#define CONFIG_UNCLEAN "the value has a control character in it"

/* Append to the model; name, key and value are copied, file is not.  Return
 * NULL without memory.
 */
struct config_section *
config_add_section (struct config *config, const struct config_kind *kind,
                    const char *name, const char *file, uint32_t line);
struct config_key *
config_add_key (struct config *config, struct config_section *section,
                const char *key, const char *value, const char *file,
                uint32_t line);

/* The row of a kind whose name has LEN bytes, or NULL. */
const struct config_kind *config_kind_of (const struct config_kind *kinds,
                                          const char *kind, size_t len);

/* Check a key against the program's own table. */
int config_check_own (const struct config_section *section,
                      const struct config_key *key,
                      const struct config_kind *kind,
                      struct virgate_error *err);

/* No control character but the tab? */
bool config_is_clean (const char *value);

int config_no_memory (struct virgate_error *err);

#endif /* VIRGATE_CORE_CONFMODEL_H */
