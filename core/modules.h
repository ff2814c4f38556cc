/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding, checking and loading modules: KIND-NAME.so in a list of folders.
 * This file knows no module by name.  What is loaded stays loaded.
 */
#ifndef VIRGATE_CORE_MODULES_H
#define VIRGATE_CORE_MODULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <virgate/error.h>
#include <virgate/module.h>

#include "core/log.h"

struct modules;

/* A loaded module.  desc and ops are copies of this program's size: what the
 * module was built without is zero.
 */
struct module {
  struct virgate_module desc;
  const void *ops;              /* struct virgate_KIND_ops */
  uint32_t ops_size;            /* bytes of ops that the module declared */
  const char *file;             /* absolute */
};

enum modules_flags {
  MODULES_STRICT = 1,           /* refuse files and folders that others than
                                   root can write: for a daemon run by root */
  MODULES_PROBE = 2             /* load each file in a child first, so that one
                                   that crashes or hangs is named in an error:
                                   for programs, not for a library in one */
};

/* A place to load from.
 *
 * dir    searched first; NULL: none was given
 * flags  enum modules_flags
 * log    borrowed, may be NULL
 *
 * Then come the folders of VIRGATE_MODULE_DIR (ignored in set-id programs;
 * separated by ':'), then the installed one.  With dir or the variable given,
 * the installed folder is not searched.  Returns NULL with errno ENOMEM.
 */
struct modules *modules_new (const char *dir, uint32_t flags,
                             const struct log *log);
void modules_free (struct modules *modules);

/* Load a module, or find it loaded already.
 *
 * kind  enum virgate_module_kind
 * name  "tls"; letters, digits and '-' only
 *
 * Returns it, borrowed, valid until modules_free; NULL with err set: what was
 * looked for and where, and which other modules of the kind there are, or
 * what is wrong with the file.  Any thread.
 */
const struct module *modules_load (struct modules *modules, uint32_t kind,
                                   const char *name,
                                   struct virgate_error *err);

/* Load by the name of its file, "transport-tls". */
const struct module *modules_load_file (struct modules *modules,
                                        const char *name,
                                        struct virgate_error *err);

/* Is there a file for this module?  1 or 0; loads nothing. */
int modules_have (struct modules *modules, uint32_t kind, const char *name);

/* Call fn for every module file of a kind (0: all), in order of kind and
 * name.  module is NULL, and err says why, where a file cannot be loaded.
 */
void modules_each (struct modules *modules, uint32_t kind,
                   void (*fn) (void *opaque, const char *file,
                               const struct module *module,
                               const struct virgate_error *err),
                   void *opaque);

/* --list-modules and --module-help: tables of text. */
void modules_print_list (struct modules *modules, FILE *out);
void module_print_help (const struct module *module, FILE *out);

/* "transport" and so on; NULL for others. */
const char *module_kind_name (uint32_t kind);

#endif /* VIRGATE_CORE_MODULES_H */
