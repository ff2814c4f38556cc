/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Resolving whom to connect to, and how; see hop.h.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "hop.h"

/* In ssh's own order, but for those that libssh2 cannot sign with. */
static const char *const usual_identities[] = {
  "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa",
};

#define USUAL_AUTH "agent,privkey,password,keyboard-interactive"
#define USUAL_KNOWN "~/.ssh/known_hosts ~/.ssh/known_hosts2"
#define USUAL_GLOBAL "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"

/* Resolving one hop. */
struct resolving {
  const struct ssh_request *request;
  bool is_last;                 /* the URI and its parameters are about it */
  struct sshconf conf;
  struct hop *hop;
  char *local_user, *home;
};

static int
fail (const struct resolving *r, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

static int
fail (const struct resolving *r, const char *fmt, ...)
{
  char text[SSH_WHY_MAX];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  return ssh_fail (r->request->ssh, "ssh to %s: %s", r->hop->original, text);
}

static int
no_memory (const struct resolving *r)
{
  return fail (r, "out of memory");
}

void
hop_free (struct hop *hop)
{
  while (hop) {
    struct hop *jump = hop->jump;

    for (int i = 0; i < hop->known_count; i++)
      free (hop->known[i]);
    for (int i = 0; i < hop->identities; i++)
      free (hop->identity[i]);
    free (hop->original);
    free (hop->host);
    free (hop->user);
    free (hop->key_name);
    free (hop->bare_name);
    free (hop->agent);
    free (hop->auth);
    free (hop->key);
    free (hop);
    hop = jump;
  }
}

static void
resolving_end (struct resolving *r)
{
  sshconf_free (&r->conf);
  free (r->local_user);
  free (r->home);
}

/* Who we are. */
static int
find_self (struct resolving *r)
{
  struct passwd entry, *found = NULL;
  char memory[4096];
  const char *home = secure_getenv ("HOME"), *name = NULL;

  if (getpwuid_r (geteuid (), &entry, memory, sizeof memory, &found) == 0
      && found) {
    name = found->pw_name;
    if (home == NULL || *home != '/')
      home = found->pw_dir;
  }
  r->local_user = strdup (name ? name : "");
  r->home = home ? strdup (home) : NULL;
  return r->local_user && (home == NULL || r->home) ? 0 : no_memory (r);
}

/* What the URI says, for the host that it names only. */
static const char *
word (const struct resolving *r, enum ssh_word which)
{
  return r->is_last ? r->request->word[which] : NULL;
}

static struct sshconf_tokens
tokens_of (const struct resolving *r)
{
  const struct hop *hop = r->hop;

  return (struct sshconf_tokens) {
    .host = hop->host ? hop->host : hop->original, .original = hop->original,
    .user = hop->user, .local_user = r->local_user, .home = r->home,
    .port = hop->port,
  };
}

static char *
expand (const struct resolving *r, const char *what, const char *value)
{
  const struct sshconf_tokens tokens = tokens_of (r);
  char why[SSHCONF_WHY_MAX];
  char *text = sshconf_expand (value, &tokens, why, sizeof why);

  if (text == NULL)
    fail (r, "%s '%s': %s", what, value, why);
  return text;
}

static int
number (const struct resolving *r, enum sshconf_option option, int max)
{
  const char *value = r->conf.value[option];
  long n = value ? strtol (value, NULL, 10) : 0;

  return n > 0 ? (int) MIN_OF (n, (long) max) : 0;
}

/* Names and numbers -------------------------------------------------------- */

static int
set_host (struct resolving *r, unsigned port, const char *user)
{
  struct hop *hop = r->hop;
  const char *name = r->conf.value[CONF_HOSTNAME];

  hop->host = name ? expand (r, "HostName", name) : strdup (hop->original);
  if (hop->host == NULL)
    return name ? -1 : no_memory (r);
  hop->port = port ? port : (unsigned) number (r, CONF_PORT, 65535);
  if (hop->port == 0)
    hop->port = SSH_PORT;
  if (user == NULL)
    user = r->conf.value[CONF_USER];
  hop->user = strdup (user ? user : r->local_user);
  if (hop->user == NULL)
    return no_memory (r);
  if (hop->user[0] == '\0')
    return fail (r, "no user is given, and we have no name here: write "
                 "user@host");
  return 0;
}

static int
set_key_name (struct resolving *r)
{
  struct hop *hop = r->hop;
  const char *alias = r->conf.value[CONF_HOST_KEY_ALIAS];

  if (alias || hop->port == SSH_PORT)
    hop->key_name = strdup (alias ? alias : hop->host);
  else if (asprintf (&hop->key_name, "[%s]:%u", hop->host, hop->port) == -1)
    hop->key_name = NULL;
  else
    hop->bare_name = strdup (hop->host);
  return hop->key_name ? 0 : no_memory (r);
}

/* Files of known hosts ----------------------------------------------------- */

static int
add_known (struct resolving *r, const char *file)
{
  struct hop *hop = r->hop;
  char *path;

  if (hop->known_count == HOP_FILES_MAX || strcmp (file, "none") == 0)
    return 0;
  path = expand (r, "known hosts", file);
  if (path == NULL)
    return -1;
  hop->known[hop->known_count++] = path;
  return 0;
}

static int
add_known_list (struct resolving *r, const char *files)
{
  CLEANUP_FREE char *copy = strdup (files);
  char *rest = copy, *file;

  if (copy == NULL)
    return no_memory (r);
  while ((file = strsep (&rest, " ")))
    if (*file && add_known (r, file) == -1)
      return -1;
  return 0;
}

/* libvirt's own file, which its ssh libraries write to. */
static int
add_libvirts (struct resolving *r)
{
  const char *base = secure_getenv ("XDG_CONFIG_HOME");
  CLEANUP_FREE char *path = NULL;
  bool is_set = base && *base == '/';

  if (!is_set && r->home == NULL)
    return 0;
  if (asprintf (&path, "%s%s/libvirt/known_hosts", is_set ? base : r->home,
                is_set ? "" : "/.config") == -1) {
    path = NULL;
    return no_memory (r);
  }
  if (r->hop->known_count < HOP_FILES_MAX)
    r->hop->known[r->hop->known_count++] = steal_pointer (&path);
  return 0;
}

static int
set_known (struct resolving *r)
{
  const char *given = r->request->word[SSH_KNOWN_HOSTS];
  const char *users = r->conf.value[CONF_USER_KNOWN];
  const char *global = r->conf.value[CONF_GLOBAL_KNOWN];

  if (given)
    return add_known (r, given);
  if (users == NULL && r->home)
    users = USUAL_KNOWN;
  if ((users && add_known_list (r, users) == -1) || add_libvirts (r) == -1)
    return -1;
  return add_known_list (r, global ? global : USUAL_GLOBAL);
}

static int
set_verify (struct resolving *r)
{
  static const struct {
    const char *word;
    enum hop_verify verify;
  } table[] = {
    { "normal", VERIFY_ASK }, { "auto", VERIFY_NEW },
    { "ignore", VERIFY_IGNORE }, { "ask", VERIFY_ASK },
    { "yes", VERIFY_STRICT }, { "true", VERIFY_STRICT },
    { "accept-new", VERIFY_NEW },
    /* A changed key is refused here, unlike with ssh. */
    { "no", VERIFY_NEW }, { "off", VERIFY_NEW }, { "false", VERIFY_NEW },
  };
  const char *said = r->request->word[SSH_VERIFY];

  r->hop->verify = VERIFY_ASK;
  if (ssh_is_yes (r->request, SSH_NO_VERIFY))
    said = "ignore";
  if (said == NULL)
    said = r->conf.value[CONF_STRICT];
  for (size_t i = 0; said && i < COUNT_OF (table); i++)
    if (strcasecmp (said, table[i].word) == 0)
      r->hop->verify = table[i].verify;
  return 0;
}

/* Keys --------------------------------------------------------------------- */

static int
add_identity (struct resolving *r, const char *file)
{
  struct hop *hop = r->hop;
  char *path;

  if (hop->identities == SSHCONF_IDENTITIES_MAX || strcmp (file, "none") == 0)
    return 0;
  path = expand (r, "IdentityFile", file);
  if (path == NULL)
    return -1;
  hop->identity[hop->identities++] = path;
  return 0;
}

static int
set_identities (struct resolving *r)
{
  const char *only = r->conf.value[CONF_IDENTITIES_ONLY];
  const char *given = word (r, SSH_KEYFILE);

  r->hop->identities_only = only && strcasecmp (only, "yes") == 0;
  if (given)
    return add_identity (r, given);
  for (int i = 0; i < r->conf.identities; i++)
    if (add_identity (r, r->conf.identity[i]) == -1)
      return -1;
  if (r->conf.identities > 0 || r->home == NULL)
    return 0;
  r->hop->identities_default = true;
  for (size_t i = 0; i < COUNT_OF (usual_identities); i++)
    if (add_identity (r, usual_identities[i]) == -1)
      return -1;
  return 0;
}

/* IdentityAgent is a path, "none", SSH_AUTH_SOCK, or $NAME. */
static int
set_agent (struct resolving *r)
{
  const char *said = r->conf.value[CONF_IDENTITY_AGENT];
  const char *name = "SSH_AUTH_SOCK", *socket;
  struct hop *hop = r->hop;

  if (said && strcasecmp (said, "none") == 0) {
    hop->agent_why = "IdentityAgent is none";
    return 0;
  }
  if (said && strcmp (said, name) != 0 && (*said != '$' || said[1] == '{')) {
    hop->agent = expand (r, "IdentityAgent", said);
    return hop->agent ? 0 : -1;
  }
  socket = secure_getenv (said && *said == '$' ? said + 1 : name);
  hop->agent_why = "SSH_AUTH_SOCK is not set";
  if (socket == NULL || *socket == '\0')
    return 0;
  hop->agent = strdup (socket);
  return hop->agent ? 0 : no_memory (r);
}

static int
set_rest (struct resolving *r)
{
  const char *auth = r->request->word[SSH_AUTH];

  r->hop->auth = strdup (auth ? auth : USUAL_AUTH);
  r->hop->never_asks = ssh_is_yes (r->request, SSH_NO_TTY);
  r->hop->connect_s = number (r, CONF_CONNECT_TIMEOUT, 86400);
  r->hop->alive_s = number (r, CONF_ALIVE_INTERVAL, 86400);
  r->hop->alive_count = number (r, CONF_ALIVE_COUNT, 1000);
  return r->hop->auth ? 0 : no_memory (r);
}

/* Hosts on the way --------------------------------------------------------- */

static struct hop *resolve (const struct ssh_request *request,
                            const char *host, const char *user, unsigned port,
                            const char *jumps, int depth);

/* "user@host:port", split in place. */
static int
split_jump (const struct resolving *r, char *text, char **user, char **host,
            unsigned *port)
{
  char *at, *colon, *end = NULL;

  if (strncmp (text, "ssh://", 6) == 0)
    text += 6;
  at = strrchr (text, '@');
  *user = at ? text : NULL;
  if (at) {
    *at = '\0';
    text = at + 1;
  }
  *host = text;
  if (*text == '[' && (end = strchr (text, ']'))) {
    *host = text + 1;
    *end = '\0';
    colon = end[1] == ':' ? end + 1 : NULL;
  }
  else
    colon = strchr (text, ':');
  *port = 0;
  if (colon) {
    long n = strtol (colon + 1, &end, 10);

    *colon = '\0';
    if (n < 1 || n > 65535 || *end)
      return fail (r, "the port of the jump host '%s' is not from 1 to 65535",
                   *host);
    *port = n;
  }
  if (**host == '\0' || **host == '-')
    return fail (r, "a jump host has no name");
  return 0;
}

/* The last of the jumps leads here, and those before it lead there. */
static int
set_jump (struct resolving *r, const char *jumps, int depth)
{
  CLEANUP_FREE char *copy = NULL;
  char *comma, *last, *user, *host;
  unsigned port;

  if (jumps == NULL)
    jumps = r->conf.value[CONF_PROXY_JUMP];
  if (jumps == NULL || strcasecmp (jumps, "none") == 0)
    return 0;
  if (depth == HOP_DEPTH_MAX)
    return fail (r, "there are more than %d jump hosts on the way; do they "
                 "lead to each other?", HOP_DEPTH_MAX);
  copy = strdup (jumps);
  if (copy == NULL)
    return no_memory (r);
  comma = strrchr (copy, ',');
  last = comma ? comma + 1 : copy;
  if (comma)
    *comma = '\0';
  if (split_jump (r, last, &user, &host, &port) == -1)
    return -1;
  r->hop->jump = resolve (r->request, host, user, port, comma ? copy : NULL,
                          depth + 1);
  return r->hop->jump ? 0 : -1;
}

/* What two connections must have in common to share one. */
static int
set_key (struct resolving *r)
{
  const struct hop *hop = r->hop;
  char *key = NULL;
  size_t size = 0;
  FILE *f = open_memstream (&key, &size);

  if (f == NULL)
    return no_memory (r);
  fprintf (f, "%s@%s:%u|%s|%d%d%d|%s|%s|%s", hop->user, hop->host, hop->port,
           hop->key_name, hop->verify, hop->identities_only, hop->never_asks,
           hop->agent ? hop->agent : "", hop->auth,
           r->request->word[SSH_LINGER] ? r->request->word[SSH_LINGER] : "");
  for (int i = 0; i < hop->known_count; i++)
    fprintf (f, "|%s", hop->known[i]);
  for (int i = 0; i < hop->identities; i++)
    fprintf (f, "|%s", hop->identity[i]);
  if (hop->jump)
    fprintf (f, "\n%s", hop->jump->key);
  if (fclose (f) != 0) {
    free (key);
    return no_memory (r);
  }
  r->hop->key = key;
  return 0;
}

static int
read_config (struct resolving *r, const char *user)
{
  const struct sshconf_query query = {
    r->hop->original, user, r->local_user, r->home,
  };
  char why[SSHCONF_WHY_MAX];

  if (sshconf_read (&r->conf, &query, r->request->word[SSH_CONFIG], why,
                    sizeof why) == -1)
    return fail (r, "%s", why);
  return 0;
}

static int
refuse_command (struct resolving *r, const char *jumps)
{
  const char *command = r->conf.value[CONF_PROXY_COMMAND];

  if (command == NULL || jumps || strcasecmp (command, "none") == 0)
    return 0;
  return fail (r, "the ssh config has a ProxyCommand for it, which only ssh "
               "itself runs: write backend=openssh");
}

static struct hop *
resolve (const struct ssh_request *request, const char *host,
         const char *user, unsigned port, const char *jumps, int depth)
{
  CLEANUP (resolving_end) struct resolving r = {
    .request = request, .is_last = depth == 0,
    .hop = calloc (1, sizeof *r.hop),
  };

  if (r.hop == NULL || (r.hop->original = strdup (host)) == NULL) {
    hop_free (r.hop);
    request->ssh->host->error (request->ssh->host, "out of memory");
    return NULL;
  }
  if (find_self (&r) == 0 && read_config (&r, user) == 0
      && refuse_command (&r, jumps) == 0 && set_host (&r, port, user) == 0
      && set_key_name (&r) == 0 && set_known (&r) == 0
      && set_verify (&r) == 0 && set_identities (&r) == 0
      && set_agent (&r) == 0 && set_rest (&r) == 0
      && set_jump (&r, jumps, depth) == 0 && set_key (&r) == 0)
    return r.hop;
  hop_free (r.hop);
  return NULL;
}

struct hop *
hop_resolve (const struct ssh_request *request)
{
  return resolve (request, ssh_host_of (request), request->uri->user,
                  request->uri->port, request->word[SSH_PROXY_JUMP], 0);
}
