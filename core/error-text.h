/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The texts of error codes; see error.h for making errors of them.
 */
#ifndef VIRGATE_CORE_ERROR_TEXT_H
#define VIRGATE_CORE_ERROR_TEXT_H

#include <stdint.h>

#include <virgate/error.h>

struct error_text {
  const char *plain;            /* no detail; NULL for unknown codes */
  const char *detail;           /* a "%s" where the detail goes */
};

/* Never NULL. */
const struct error_text *error_text_for (int32_t code);

#endif /* VIRGATE_CORE_ERROR_TEXT_H */
