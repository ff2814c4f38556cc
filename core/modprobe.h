/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Trying a module file in a process of its own, before it gets into this
 * one: a file whose constructors crash or never end becomes an error.
 */
#ifndef VIRGATE_CORE_MODPROBE_H
#define VIRGATE_CORE_MODPROBE_H

#include <stdint.h>

#include <virgate/error.h>

/* Load FILE in a child.  0, or -1 with err set when that ends the child, or
 * does not end in time.  A file that cannot be loaded in an orderly way is
 * fine here: who loads it next has the words for that.  Any thread.
 */
int modprobe (const char *file, int64_t timeout_ns,
              struct virgate_error *err);

#endif /* VIRGATE_CORE_MODPROBE_H */
