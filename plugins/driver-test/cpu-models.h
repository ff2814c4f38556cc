/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU models that clients know.
 */
#ifndef DRIVER_TEST_CPU_MODELS_H
#define DRIVER_TEST_CPU_MODELS_H

/* Names by family of architectures; each list ends with NULL. */
extern const char *const cpu_no_models[];
extern const char *const cpu_x86_models[];
extern const char *const cpu_ppc64_models[];

#endif /* DRIVER_TEST_CPU_MODELS_H */
