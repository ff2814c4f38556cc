/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What instance.c and host.c share: an instance's host table, and opening a
 * transport below another.
 */
#ifndef VIRGATE_CORE_HOST_H
#define VIRGATE_CORE_HOST_H

#include "core/instance.h"

/* Fill in instance->host from its env. */
void host_init (struct instance *instance);

/* Does the error that host_error_take would take name file and line? */
bool host_error_is_placed (void);

/* As instance_open, with the section of the parent, who then owns it. */
struct instance *instance_open_lower (struct instance *parent,
                                      const struct module *module,
                                      const char *const *defaults,
                                      struct virgate_error *err);

#endif /* VIRGATE_CORE_HOST_H */
