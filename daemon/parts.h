/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Instances of auth and acl sections, shared by the listeners that name them.
 */
#ifndef VIRGATE_DAEMON_PARTS_H
#define VIRGATE_DAEMON_PARTS_H

#include <stdatomic.h>

#include "core/conffile.h"
#include "core/instance.h"

struct server;

struct part {
  struct part *next;            /* server->parts */
  _Atomic unsigned refs;
  struct server *server;
  const char *kind;             /* "auth" */
  char *name;
  char *text;                   /* the section, to tell whether it changed */
  struct instance *instance;
};

/* The instance of this section: the one there is, or a new one.  Returns it
 * with a reference, or NULL with err set.  from: whose key names it.
 */
struct part *part_get (struct server *server, const char *kind,
                       const char *name, const struct config_section *from,
                       struct virgate_error *err);
void part_unref (struct part *part);

/* Forget those whose section is gone or was changed: who uses them keeps
 * them.  Main thread.
 */
void parts_sweep (struct server *server);

/* A section as text that is equal when the section is, without the keys in
 * own but for keep (both may be NULL); malloc'ed.
 */
char *section_text (const struct config_section *section,
                    const struct virgate_option *own, const char *keep);

/* Look at sections that no listener uses as at the others: what is wrong there
 * is an error, and the log says that they are not used.  0, or -1 with err
 * set.
 */
int parts_check_unused (struct server *server, struct virgate_error *err);

#endif /* VIRGATE_DAEMON_PARTS_H */
