/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who a link is for, in libvirt's words: the parameters of
 * connect_set_identity.
 */
#ifndef VIRGATE_DAEMON_LINK_IDENTITY_H
#define VIRGATE_DAEMON_LINK_IDENTITY_H

#include <virgate/remote.h>

struct session;

#define LINK_IDENTITY_MAX 9

struct link_identity {
  struct virgate_typed_param params[LINK_IDENTITY_MAX];
  uint32_t count;
  char user[256], group[256];
};

/* What is known for certain of a session's client.
 *
 * caps  of the link: process ids mean nothing on another machine
 */
void link_identity_fill (struct link_identity *identity,
                         const struct session *session, uint32_t caps);

#endif /* VIRGATE_DAEMON_LINK_IDENTITY_H */
