/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * polkit's authority, asked over the system bus.
 */
#ifndef VIRGATE_AUTH_POLKIT_AUTHORITY_H
#define VIRGATE_AUTH_POLKIT_AUTHORITY_H

#include "subject.h"

enum verdict {
  VERDICT_ERROR = -1,           /* after host->error */
  VERDICT_NO,
  VERDICT_YES,
  VERDICT_CHALLENGE,            /* if somebody authenticates; nobody is asked,
                                   or could be */
  VERDICT_DISMISSED             /* who was asked did not want to */
};

/* May it?  interactive: have the user's agent ask, if there is one.  Returns
 * by the deadline (monotonic nanoseconds), or when the host ends.  Blocks.
 */
enum verdict authority_ask (const struct virgate_host *host,
                            const struct subject *subject,
                            const char *action, bool interactive,
                            int64_t deadline);

#endif /* VIRGATE_AUTH_POLKIT_AUTHORITY_H */
