/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU models that clients know.
 */
#ifndef DRIVER_TEST_CPU_MODELS_H
#define DRIVER_TEST_CPU_MODELS_H

#include <stdbool.h>

/* A model of x86.  Lists of features are words with single spaces between. */
struct cpu_x86_model {
  const char *name;             /* NULL ends the table */
  const char *base;             /* an earlier model that it has all of, ... */
  const char *vendor;           /* NULL = any */
  const char *with;             /* ... with these too */
  const char *without;          /* ... but not with these */
  const char *removed;          /* had these once: always said to be off */
  bool is_hidden;               /* known, never offered */
};

/* Oldest first; features in the order in which definitions list them. */
extern const struct cpu_x86_model cpu_x86_models[];
extern const char *const cpu_x86_features[];

/* Names of the models of other architectures; each list ends with NULL. */
extern const char *const cpu_no_models[];
extern const char *const cpu_ppc64_models[];

/* What is known about an architecture. */
struct cpu_arch {
  const char *name;
  enum {
    CPU_ARCH_UNKNOWN,           /* nothing */
    CPU_ARCH_NAMES,             /* names of models */
    CPU_ARCH_X86,               /* cpu_x86_models */
  } kind;
  const char *const *models;    /* of CPU_ARCH_NAMES */
};

/* Returns NULL if there is no such architecture. */
const struct cpu_arch *cpu_arch_find (const char *name);

#endif /* DRIVER_TEST_CPU_MODELS_H */
