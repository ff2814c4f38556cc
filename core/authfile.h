/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt's auth.conf: credentials for hosts, as existing users have them.
 *
 *   [credentials-work]
 *   authname=fred
 *   password=123456
 *   [auth-libvirt-host.example.com]
 *   credentials=work
 *
 * The syntax is that of GLib's key files: comments begin with '#', blanks
 * around names and before values do not count, and \s, \n, \t, \r and \\ stand
 * for characters.
 */
#ifndef VIRGATE_CORE_AUTHFILE_H
#define VIRGATE_CORE_AUTHFILE_H

#include <stddef.h>
#include <stdint.h>

#include <virgate/error.h>

/* Bytes of a file. */
#define AUTHFILE_MAX (1024 * 1024)

/* The file that applies: LIBVIRT_AUTH_FILE of the environment, the one that is
 * named, the user's, the system's.  The first two must exist, as a look-up
 * will say.
 *
 * named  the URI's authfile=, or NULL
 *
 * Returns 1 with the path, or 0 when there is none.
 */
int authfile_find (const char *named, char *path, size_t size);

/* Look a credential up.
 *
 * service  "libvirt", "ssh"
 * host     as in the URI; hosts without a section have those of "default"
 * key      "username", "authname", "password", "realm"
 * value    out; malloc'ed, to be wiped and freed
 *
 * Returns 1, 0 when the file has none, or -1 with err set: file, line, what is
 * wrong.
 */
int authfile_lookup (const char *path, const char *service, const char *host,
                     const char *key, char **value,
                     struct virgate_error *err);

/* What such files call a credential of this kind (enum virgate_credential):
 * up to two keys, of which the first goes before, and NULL; a user has two
 * names, and each stands in for the other.  NULL: files have none of it.
 */
const char *const *authfile_keys (uint32_t kind);

/* As authfile_lookup, by kind, in the file that authfile_find finds; then, for
 * names, the user of the URI, if there is one.
 */
int authfile_credential (const char *named, const char *service,
                         const char *host, const char *user, uint32_t kind,
                         char **value, struct virgate_error *err);

/* The same in one file, which must exist, and which nobody but its owner, us
 * or root, may read or write.
 */
int authfile_private_credential (const char *path, const char *service,
                                 const char *host, const char *user,
                                 uint32_t kind, char **value,
                                 struct virgate_error *err);

/* authfile_lookup of a text; path is for messages. */
int authfile_lookup_text (const char *text, size_t len, const char *path,
                          const char *service, const char *host,
                          const char *key, char **value,
                          struct virgate_error *err);

#endif /* VIRGATE_CORE_AUTHFILE_H */
