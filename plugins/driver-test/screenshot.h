/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The picture that every domain's screen shows.
 */
#ifndef DRIVER_TEST_SCREENSHOT_H
#define DRIVER_TEST_SCREENSHOT_H

#include <stddef.h>

extern const unsigned char screenshot_png[];
extern const size_t screenshot_png_len;

#endif /* DRIVER_TEST_SCREENSHOT_H */
