/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every unit test includes: cmocka in the order it wants its headers.
 */
#ifndef VIRGATE_TESTS_UNIT_H
#define VIRGATE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* Leave out a test whose system calls valgrind answers in its own way. */
static inline void
skip_under_valgrind (void)
{
  if (getenv ("VIRGATE_UNDER"))
    skip ();
}

#endif /* VIRGATE_TESTS_UNIT_H */
