/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The CPU of a host, as a client describes it.
 */
#ifndef DRIVER_TEST_CPU_H
#define DRIVER_TEST_CPU_H

#include <stddef.h>

#include "plugins/driver-test/cpu-models.h"

struct xml_error;

/* What one client's document says. */
struct host_cpu {
  const struct cpu_arch *arch;
  char *model;
  char *vendor;                 /* NULL = none */
  char **features;
  size_t feature_count;
};

/* Read a description into zeroed memory.  Returns 0, -1 with the error
 * recorded; clear it in either case.
 */
int host_cpu_parse (struct host_cpu *cpu, const char *text,
                    struct xml_error *err);
void host_cpu_clear (struct host_cpu *cpu);

#endif /* DRIVER_TEST_CPU_H */
