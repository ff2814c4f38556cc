/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a connection is to be: keys of the client's config and libvirt's URI
 * parameters are the same words, and the URI goes first.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "ssh.h"

/* Values that a word may have. */
#define CHOICES_MAX 4

static const struct word {
  const char *key, *param;      /* NULL: cannot be said there */
  const char *choice[CHOICES_MAX];      /* none: any text */
} words[SSH_WORDS] = {
  [SSH_BACKEND] = { "backend", "backend", { "libssh2", "openssh" } },
  [SSH_COMMAND] = { "command", "command" },
  [SSH_KEYFILE] = { "key-file", "keyfile" },
  [SSH_NETCAT] = { "netcat", "netcat" },
  [SSH_SOCKET] = { "socket", "socket" },
  [SSH_PROXY] = { "proxy", "proxy", { "auto", "native", "netcat" } },
  [SSH_MODE] = { "remote-mode", "mode", { "auto", "legacy", "direct" } },
  [SSH_HELPER] = { "helper", "helper" },
  [SSH_NO_VERIFY] = { NULL, "no_verify" },
  [SSH_NO_TTY] = { NULL, "no_tty" },
  [SSH_KNOWN_HOSTS] = { "known-hosts", "known_hosts" },
  [SSH_VERIFY] = { "known-hosts-verify", "known_hosts_verify",
                   { "normal", "auto", "ignore" } },
  [SSH_AUTH] = { "ssh-auth", "sshauth" },
  [SSH_PROXY_JUMP] = { "proxy-jump", "proxy_jump" },
  [SSH_CONFIG] = { "ssh-config", NULL },
  [SSH_LINGER] = { "linger", NULL },
};

const char *const ssh_params[] = {
  "backend", "command", "keyfile", "netcat", "socket", "proxy", "mode",
  "helper", "no_verify", "no_tty", "known_hosts", "known_hosts_verify",
  "sshauth", "proxy_jump", NULL
};

int
ssh_fail (const struct ssh *ssh, const char *fmt, ...)
{
  char text[1024];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  return ssh->host->error_code (ssh->host, VIRGATE_ERR_SSH, VIRGATE_FROM_SSH,
                                "%s", text);
}

/* Is this a value that the word may have?  -1 after host->error. */
static int
check (const struct ssh *ssh, const struct word *word, const char *name,
       const char *value)
{
  const char *const *choice = word->choice;

  if (*value == '-' || strpbrk (value, "\r\n"))
    return ssh_fail (ssh, "%s: '%s' cannot be meant: it begins with a dash, "
                     "or has several lines", name, value);
  if (choice[0] == NULL)
    return 0;
  for (int i = 0; i < CHOICES_MAX && choice[i]; i++)
    if (strcmp (value, choice[i]) == 0)
      return 0;
  return ssh_fail (ssh, "%s: '%s' is not one of %s, %s%s%s", name, value,
                   choice[0], choice[1], choice[2] ? ", " : "",
                   choice[2] ? choice[2] : "");
}

int
ssh_set_word (struct ssh *ssh, const char *key, const char *value)
{
  for (int i = 0; i < SSH_WORDS; i++) {
    if (words[i].key == NULL || strcmp (words[i].key, key) != 0)
      continue;
    if (check (ssh, &words[i], key, value) == -1)
      return -1;
    free (ssh->word[i]);
    ssh->word[i] = strdup (value);
    return ssh->word[i] ? 0 : ssh->host->error (ssh->host, "out of memory");
  }
  return 1;
}

void
ssh_free_words (struct ssh *ssh)
{
  for (int i = 0; i < SSH_WORDS; i++)
    free (ssh->word[i]);
}

int
ssh_request_init (struct ssh_request *request, const struct ssh *ssh,
                  const struct virgate_uri *uri, int64_t deadline)
{
  *request = (struct ssh_request) {
    .ssh = ssh, .uri = uri, .deadline = deadline,
  };
  for (int i = 0; i < SSH_WORDS; i++) {
    request->word[i] = ssh->word[i];
    for (const struct virgate_param *p = uri->params; p && p->name; p++) {
      if (words[i].param == NULL || strcasecmp (p->name, words[i].param) != 0
          || *p->value == '\0')
        continue;
      if (check (ssh, &words[i], p->name, p->value) == -1)
        return -1;
      request->word[i] = p->value;
    }
  }
  return 0;
}

bool
ssh_is_yes (const struct ssh_request *request, enum ssh_word word)
{
  const char *value = request->word[word];

  return value && strcmp (value, "0") != 0;
}
