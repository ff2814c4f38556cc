/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Can somebody else than root change a program, or put another in its place?
 */
#ifndef VIRGATE_COMMON_OWNERS_H
#define VIRGATE_COMMON_OWNERS_H

#include <stddef.h>

/* Is it there, is it a program that we may run and, if we are root, can
 * nobody else change it?  0, or -1 with what is wrong in why.
 */
int owners_check_program (const char *path, char *why, size_t size);

#endif /* VIRGATE_COMMON_OWNERS_H */
