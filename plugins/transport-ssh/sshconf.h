/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The subset of ssh_config(5) that the built-in client follows, and what
 * known-hosts files share with it: patterns.  Nothing here connects to
 * anything, and nothing needs libssh2.
 */
#ifndef VIRGATE_TRANSPORT_SSH_SSHCONF_H
#define VIRGATE_TRANSPORT_SSH_SSHCONF_H

#include <stdbool.h>
#include <stddef.h>

/* Limits of one look into the files. */
#define SSHCONF_FILE_MAX (1024 * 1024)
#define SSHCONF_FILES_MAX 64
#define SSHCONF_DEPTH_MAX 8     /* of Include */
#define SSHCONF_IDENTITIES_MAX 16
#define SSHCONF_ARGS_MAX 64
#define SSHCONF_WHY_MAX 400

enum sshconf_option {
  CONF_HOSTNAME, CONF_PORT, CONF_USER, CONF_IDENTITIES_ONLY,
  CONF_IDENTITY_AGENT, CONF_USER_KNOWN, CONF_GLOBAL_KNOWN, CONF_STRICT,
  CONF_HOST_KEY_ALIAS, CONF_PROXY_JUMP, CONF_PROXY_COMMAND,
  CONF_CONNECT_TIMEOUT, CONF_ALIVE_INTERVAL, CONF_ALIVE_COUNT, CONF_OPTIONS
};

/* What the files say of one host: each option's first value, not expanded;
 * lists have one blank between their words.
 */
struct sshconf {
  char *value[CONF_OPTIONS];    /* NULL: not said */
  char *identity[SSHCONF_IDENTITIES_MAX];
  int identities;
};

/* Whom the files are asked about. */
struct sshconf_query {
  const char *host;             /* as the user wrote it */
  const char *user;             /* NULL: not given */
  const char *local_user;
  const char *home;             /* NULL: none */
};

/* config.c ----------------------------------------------------------------*/

/* Read the user's file and then the system's; or only `file', which must
 * exist; or nothing when it is "none".
 *
 * Returns 0, or -1 with why filled in: which file and line, and what is wrong
 * with it.
 */
int sshconf_read (struct sshconf *conf, const struct sshconf_query *query,
                  const char *file, char *why, size_t size);

/* The same from memory; name is for messages, and relative names of Include
 * are looked for in folder.
 */
int sshconf_parse (struct sshconf *conf, const struct sshconf_query *query,
                   const char *text, size_t len, const char *name,
                   const char *folder, char *why, size_t size);
void sshconf_free (struct sshconf *conf);

/* expand.c ----------------------------------------------------------------*/

struct sshconf_tokens {
  const char *host;             /* %h: the one that is connected to */
  const char *original;         /* %n */
  const char *user;             /* %r */
  const char *local_user;       /* %u */
  const char *home;             /* %d and ~/; NULL: none */
  unsigned port;                /* %p */
};

/* A value with its tokens, ~/ and ${NAME} filled in; malloc'ed.  NULL with
 * why filled in.
 */
char *sshconf_expand (const char *value, const struct sshconf_tokens *tokens,
                      char *why, size_t size);

/* pattern.c ---------------------------------------------------------------*/

/* Does the name match one of several patterns, separated by commas, with * and
 * ?, !negated ones among them?  Letters of either case.
 * Returns 1, 0, or -1 when a negated one matches.
 */
int pattern_list (const char *list, size_t len, const char *name);

#endif /* VIRGATE_TRANSPORT_SSH_SSHCONF_H */
