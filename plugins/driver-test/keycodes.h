/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which key codes exist in each of the protocol's sets of codes.
 */
#ifndef DRIVER_TEST_KEYCODES_H
#define DRIVER_TEST_KEYCODES_H

#include <stdbool.h>
#include <stdint.h>

#define KEYCODE_SETS 10         /* virKeycodeSet */

extern const char *const keycode_sets[KEYCODE_SETS];

bool keycode_known (uint32_t set, uint32_t code);

#endif /* DRIVER_TEST_KEYCODES_H */
