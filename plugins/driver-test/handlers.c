/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of the driver's handlers.  Procedures that are not in it are
 * refused by the daemon as not supported.
 */
#include "config.h"

#include "plugins/driver-test/driver.h"

#define INLINE VIRGATE_INLINE
#define WORKER VIRGATE_WORKER
#define HANDLER_ROW(name, procedure, flags)                             \
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_##procedure, flags,     \
    do_##name },

const struct virgate_handler test_handlers[] = {
#include "plugins/driver-test/handlers.def"
  { 0, 0, 0, NULL }
};
