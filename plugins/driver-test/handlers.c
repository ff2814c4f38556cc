/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of the driver's handlers.  Procedures that are not in it are
 * refused by the daemon as not supported.
 */
#include "config.h"

#include <virgate/qemu.h>

#include "plugins/driver-test/driver.h"

#define INLINE VIRGATE_INLINE
#define WORKER VIRGATE_WORKER
#define HANDLER_ROW(name, procedure, flags)                             \
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_##procedure, flags,     \
    do_##name },

const struct virgate_handler test_handlers[] = {
#include "plugins/driver-test/handlers.def"
  { VIRGATE_QEMU_PROGRAM,
    VIRGATE_QEMU_PROC_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER, INLINE,
    do_qemu_monitor_event_deregister },
  { 0, 0, 0, NULL }
};
