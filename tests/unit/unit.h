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

#endif /* VIRGATE_TESTS_UNIT_H */
