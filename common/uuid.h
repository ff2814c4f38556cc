/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UUIDs as people write them.
 */
#ifndef VIRGATE_COMMON_UUID_H
#define VIRGATE_COMMON_UUID_H

#include <stdbool.h>
#include <stdint.h>

/* As liberal as libvirt: blanks around, '-' and ' ' between bytes.  False:
 * it is none.
 */
bool uuid_parse (const char *text, uint8_t uuid[16]);

/* With dashes, as libvirt writes them; bytes of the text with its NUL. */
#define UUID_TEXT_LEN 37
void uuid_format (const uint8_t uuid[16], char text[UUID_TEXT_LEN]);

#endif /* VIRGATE_COMMON_UUID_H */
