/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's own keys in each kind of section, and what the config is when
 * nobody wrote one.
 */
#ifndef VIRGATE_DAEMON_SETTINGS_H
#define VIRGATE_DAEMON_SETTINGS_H

#include "core/conffile.h"
#include "core/modules.h"

extern const struct virgate_option daemon_options[];
extern const struct virgate_option listen_options[];
extern const struct virgate_option auth_options[];
extern const struct virgate_option acl_options[];
extern const struct virgate_option driver_options[];
extern const struct config_kind config_kinds[];

/* A key of [daemon], or its default. */
uint64_t daemon_number (const struct config *config, const char *key);
const char *daemon_value (const struct config *config, const char *key);

/* What the command line said. */
struct options {
  const char *config_file;      /* NULL: the default place, if it exists */
  const char *module_dir;
  const char **sets;            /* --set, in their order */
  unsigned set_count;
  const char *module_help;
  const char *explain;          /* the question */
  bool is_verbose, check, print_config, list_modules;
};

/* Read the file, apply --set, and add the default listeners and drivers
 * where the config has none.  0, or -1 with err set.
 */
int settings_read (struct config *config, const struct options *options,
                   struct modules *modules, struct virgate_error *err);

/* The options of the module that a section is for, NULL when it cannot be
 * loaded.
 */
const struct virgate_option *
section_module_options (struct modules *modules,
                        const struct config_section *section);

#endif /* VIRGATE_DAEMON_SETTINGS_H */
