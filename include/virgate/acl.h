/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Access control: who may connect, who may call what, and what they may see.
 * Every hook is optional.  An error while deciding means no.  All hooks run
 * on a loop thread, take microseconds and never block; several threads may be
 * in them at once.
 */
#ifndef VIRGATE_ACL_H
#define VIRGATE_ACL_H

#include <virgate/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A listener's lists are all asked, in their order.  One DENY is a no, and at
 * least one must ALLOW.
 */
enum virgate_acl_verdict {
  VIRGATE_ACL_ERROR = -1,       /* could not decide, after host->error: no */
  VIRGATE_ACL_DENY = 0,
  VIRGATE_ACL_ALLOW = 1,
  VIRGATE_ACL_PASS = 2          /* no rule matched: no opinion */
};

/* Where a decision came from, for the log and for --explain. */
struct virgate_acl_reason {
  uint32_t line;                /* of the config file, or of file; 0: none */
  const char *file;             /* NULL: the section itself; borrowed */
  char text[160];               /* "deny = 192.0.2.0/24" */
};

/* An object that a call or a row of a reply is about. */
struct virgate_object {
  const char *kind;             /* libvirt's: "domain", "network", ... */
  const char *name;             /* NULL: not given */
  const uint8_t *uuid;          /* 16 bytes or NULL */
  const char *parent;           /* pool of a volume, domain of a snapshot */
};

/* One `object:permission` pair, libvirt's names. */
struct virgate_permission {
  const char *object;
  const char *permission;
};

/* A call that is about to be made. */
struct virgate_acl_call {
  uint32_t size;
  uint32_t program;
  int32_t number;
  const char *procedure;        /* "domain_destroy" */
  const struct virgate_peer *peer;
  const struct virgate_identity *identity;
  const struct virgate_permission *permissions; /* all are needed */
  uint32_t permission_count;
  uint32_t object_count;
  const struct virgate_object *objects; /* named in the arguments */
  uint32_t is_write;            /* refused on read-only connections */
};

struct virgate_acl_ops {
  /* Before the handshake: may this address speak at all?  enter is asked in
   * any case, with more facts: deny only what those cannot change.
   */
  int (*admit) (void *inst, const struct virgate_peer *peer,
                struct virgate_acl_reason *reason);

  /* After authentication.  *read_only is set to 1 to force it. */
  int (*enter) (void *inst, const struct virgate_peer *peer,
                const struct virgate_identity *identity, int *read_only,
                struct virgate_acl_reason *reason);

  /* Before each call's arguments reach the driver. */
  int (*permit) (void *inst, const struct virgate_acl_call *call,
                 struct virgate_acl_reason *reason);

  /* May this identity see this object in a list or an event?  permission is
   * the one that the procedure's rows are filtered by.  Returns as permit
   * does.
   */
  int (*visible) (void *inst, const struct virgate_peer *peer,
                  const struct virgate_identity *identity,
                  const struct virgate_permission *permission,
                  const struct virgate_object *object);

  /* Do the rules about this identity go by names of objects of this kind?
   * Then those that the arguments identify by uuid get their name from the
   * hypervisor before permit is asked: what a client wrote there says
   * nothing.  NULL: no.
   */
  int (*by_name) (void *inst, const struct virgate_peer *peer,
                  const struct virgate_identity *identity, const char *kind);

  /* Do permit and visible say yes to this permission whatever object it is
   * about, or none?  is_write: of a call that changes something.  ALLOW is
   * remembered for the connection until reload, and the two are not asked;
   * anything else leaves it to them.  A list with this hook says the same to
   * the same question each time until then, so that permit need not be asked
   * again at once.  NULL: ask for each call.
   */
  int (*standing) (void *inst, const struct virgate_peer *peer,
                   const struct virgate_identity *identity,
                   const struct virgate_permission *permission,
                   uint32_t is_write);
};

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_ACL_H */
