/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files that change one entry of a network definition share.
 */
#ifndef DRIVER_TEST_NET_UPDATE_H
#define DRIVER_TEST_NET_UPDATE_H

#include "plugins/driver-test/net.h"

enum command {                  /* virNetworkUpdateCommand */
  COMMAND_MODIFY = 1,
  COMMAND_DELETE = 2,
  COMMAND_ADD_LAST = 3,
  COMMAND_ADD_FIRST = 4,
};

/* One update under way. */
struct update {
  struct net_def *def;
  uint32_t command;
  int32_t parent;
  xmlNode *src;
  struct xml_error *err;
};

#define update_wrong(up, ...)                                           \
  xml_fail ((up)->err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_INVALID, \
            __VA_ARGS__)
#define update_refused(up, ...)                                         \
  xml_fail ((up)->err, VIRGATE_FROM_NETWORK,                            \
            VIRGATE_ERR_OPERATION_UNSUPPORTED, __VA_ARGS__)

/* The command adds an entry. */
bool update_is_add (const struct update *up);

/* The entry's element has this name.  Returns 0, -1 = error recorded. */
int update_check_element (const struct update *up, const char *name);

/* Read the entry below PARENT, behind its likes; partial: attributes that a
 * whole entry must have may be missing.  NULL = error recorded.
 */
struct xml_node *update_read (const struct update *up,
                              struct xml_node *parent, const char *name,
                              bool partial);

/* The first of the neighbours of NODE that is the SAME; count = of how many.
 * NULL = there is none.
 */
struct xml_node *
update_find_like (const struct xml_node *node,
                  bool (*same) (const struct xml_node *,
                                const struct xml_node *),
                  unsigned *count);

/* Finish an update: OLD stands already, and the command says what becomes of
 * it and of the new NODE.  Returns 0, -1 = error recorded.
 */
int update_finish (const struct update *up, struct xml_node *node,
                   struct xml_node *old);

/* Both are there and equal; the same of the names of two entries. */
bool xml_same (const char *a, const char *b);
bool xml_same_name (const struct xml_node *a, const struct xml_node *b);

/* The sections of DNS records. */
int update_dns_host (const struct update *up);
int update_dns_txt (const struct update *up);
int update_dns_srv (const struct update *up);

#endif /* DRIVER_TEST_NET_UPDATE_H */
