/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt's public function for each procedure, and the error domain of its
 * object: what error messages name.
 */
#ifndef VIRGATE_DAEMON_NAMES_H
#define VIRGATE_DAEMON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/table.h"

#define API_NAME_MAX 96

struct api_name {
  char function[API_NAME_MAX];  /* "virDomainDestroy" */
  int32_t domain;               /* enum virgate_error_domain */
};

void api_name (uint32_t program, const struct proc_row *row,
               struct api_name *name);

#endif /* VIRGATE_DAEMON_NAMES_H */
