/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whom a description in XML is about: the name and the uuid that libvirt will
 * read in it.  A description that could be read in two ways says nothing.
 */
#ifndef VIRGATE_DAEMON_DESCRIBE_H
#define VIRGATE_DAEMON_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a description, and of a name in it. */
#define DESCRIBE_XML_MAX (1024 * 1024)
#define DESCRIBE_NAME_MAX 4096

struct description {
  char name[DESCRIBE_NAME_MAX]; /* empty: it has none */
  uint8_t uuid[16];
  bool has_uuid;
};

/* Read one.
 *
 * kind  of the object, libvirt's: "domain"
 *
 * Returns 0; or -1 when it is not well-formed, too large, has declarations or
 * an encoding of its own, is about another kind of object, names it twice,
 * has its uuid in <sysinfo> alone, or a usage of no type, or when descriptions
 * of the kind do not say what its name will be.
 */
int describe (const char *kind, const char *xml, struct description *out);

#endif /* VIRGATE_DAEMON_DESCRIBE_H */
