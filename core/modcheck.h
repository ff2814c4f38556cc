/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Is this file a module that this program can use?  Each check that fails
 * says what is wrong with which file.
 */
#ifndef VIRGATE_CORE_MODCHECK_H
#define VIRGATE_CORE_MODCHECK_H

#include "core/modules.h"

/* The file, its folder and all folders above belong to root, and nobody else
 * can write them; above the folder, a sticky bit is as good.  0 or -1.
 */
int modcheck_owners (const char *file, struct virgate_error *err);

/* The fixed head of a descriptor: magic, ABI, sizes, kind, name.  0 or -1. */
int modcheck_head (const struct virgate_module *desc, const char *file,
                   uint32_t kind, const char *name,
                   struct virgate_error *err);

/* Copy as much of the descriptor and its ops as this program knows and the
 * module has; zero the rest.  Returns the ops (malloc'ed), NULL without
 * memory.  The head was checked.
 */
void *modcheck_copy (const struct virgate_module *desc,
                     struct virgate_module *copy);

/* Hooks that must be there, and the table of options.  0 or -1. */
int modcheck_body (const struct module *module, struct virgate_error *err);

#endif /* VIRGATE_CORE_MODCHECK_H */
