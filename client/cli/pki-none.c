/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate pki in a build without GnuTLS.
 */
#include "config.h"

#include "rows.h"

int
run_pki (struct cmd *cmd)
{
  return cmd_fail (cmd, STATUS_FAILED, "this virgate was built without TLS "
                   "and so without certificates");
}
