/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names that the configuration has, for rules that speak of them.
 */
#ifndef VIRGATE_DAEMON_CONFIGURED_H
#define VIRGATE_DAEMON_CONFIGURED_H

#include <stddef.h>
#include <stdint.h>

struct config;

/* As `configured` in virgate/host.h. */
int configured_name (const struct config *config, uint32_t what, uint32_t n,
                     char *name, size_t size);

#endif /* VIRGATE_DAEMON_CONFIGURED_H */
