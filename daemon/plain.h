/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SASL's PLAIN (RFC 4616), held on behalf of auth modules that have a hook
 * `password` and no conversation of their own.
 */
#ifndef VIRGATE_DAEMON_PLAIN_H
#define VIRGATE_DAEMON_PLAIN_H

#include <virgate/auth.h>

/* The conversation's hooks; inst is the struct auth_method that it is for. */
extern const struct virgate_auth_ops plain_ops;

#endif /* VIRGATE_DAEMON_PLAIN_H */
