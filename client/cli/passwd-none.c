/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate passwd in a build without auth-password.
 */
#include "config.h"

#include "rows.h"

int
run_passwd (struct cmd *cmd)
{
  return cmd_fail (cmd, STATUS_FAILED, "this virgate was built without "
                   "auth-password, whose file this would edit");
}
