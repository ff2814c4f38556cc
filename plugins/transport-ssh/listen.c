/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server half: the listener, and connections once they are taken.  Which
 * of a helper's words are believed is decided here, by the user that the
 * kernel says it runs as.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "listen.h"

/* Keys --------------------------------------------------------------------- */

#define TRUSTED_MAX 64

static bool
find_user (const char *name, uid_t *uid)
{
  char memory[4096], *end;
  struct passwd pw, *found = NULL;
  unsigned long number;

  if (getpwnam_r (name, &pw, memory, sizeof memory, &found) == 0 && found) {
    *uid = found->pw_uid;
    return true;
  }
  errno = 0;
  number = strtoul (name, &end, 10);
  *uid = number;
  return errno == 0 && *end == '\0' && end != name && *name != '-'
         && number < (uid_t) -1;
}

static int
trust (struct ssh *ssh, const char *name)
{
  struct ssh_listen *l = ssh->listen;
  uid_t uid, *more;

  if (!find_user (name, &uid))
    return ssh->host->error (ssh->host, "there is no user '%s' on this host",
                             name);
  if (l->trusted_count == TRUSTED_MAX)
    return ssh->host->error (ssh->host, "more than %d users", TRUSTED_MAX);
  more = reallocarray (l->trusted, l->trusted_count + 1, sizeof *more);
  if (more == NULL)
    return ssh->host->error (ssh->host, "out of memory");
  more[l->trusted_count++] = uid;
  l->trusted = more;
  return 0;
}

int
ssh_listen_config (struct ssh *ssh, const char *key, const char *value)
{
  CLEANUP_FREE char *copy = NULL;
  char *save = NULL;

  if (strcmp (key, "trusted-users") != 0)
    return 1;
  copy = strdup (value);
  if (copy == NULL)
    return ssh->host->error (ssh->host, "out of memory");
  for (char *word = strtok_r (copy, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save))
    if (trust (ssh, word) == -1)
      return -1;
  return 0;
}

/* Where helpers look for it, too. */
static char *
default_path (void)
{
  const char *dir = secure_getenv ("XDG_RUNTIME_DIR");
  char *path;
  int result;

  if (geteuid () == 0)
    result = asprintf (&path, "%s/virgate/virgate-ssh-sock", RUNSTATEDIR);
  else if (dir && dir[0] == '/')
    result = asprintf (&path, "%s/virgate/virgate-ssh-sock", dir);
  else
    result = asprintf (&path, "/run/user/%u/virgate/virgate-ssh-sock",
                       geteuid ());
  return result == -1 ? NULL : path;
}

int
ssh_listen_ready (struct ssh *ssh)
{
  const struct virgate_host *host = ssh->host;
  CLEANUP_FREE char *path = default_path ();
  const char *const defaults[] = { "path", path, NULL };

  if (path == NULL)
    return host->error (host, "out of memory");
  if (!VIRGATE_HOST_HAS (host, lower_with))
    return host->error (host, "this host offers no transports below others");
  ssh->listen->unix_socket = host->lower_with (host, "unix", defaults);
  return ssh->listen->unix_socket ? 0 : -1;
}

void
ssh_listen_free (struct ssh *ssh)
{
  free (ssh->listen->trusted);
  free (ssh->listen);
}

/* The listening socket is the unix transport's ----------------------------- */

static const struct virgate_transport *
below (const struct ssh *ssh)
{
  return ssh->listen->unix_socket;
}

int
ssh_listen (void *inst, const int *adopted, uint32_t count,
            struct virgate_listening *out, uint32_t max)
{
  const struct virgate_transport *t = below (inst);

  return t->ops->listen (t->inst, adopted, count, out, max);
}

void
ssh_unlisten (void *inst, const struct virgate_listening *listening)
{
  const struct virgate_transport *t = below (inst);

  if (t->ops->unlisten)
    t->ops->unlisten (t->inst, listening);
}

/* Facts -------------------------------------------------------------------- */

/* One address of SSH_CONNECTION with its port; moves *text behind both. */
static int
parse_address (char **text, struct sockaddr_storage *out, size_t *len)
{
  struct sockaddr_in *v4 = (struct sockaddr_in *) out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) out;
  char *address = strsep (text, " ");
  char *port = *text ? strsep (text, " ") : NULL, *end;
  unsigned long number = port ? strtoul (port, &end, 10) : 0;

  memset (out, 0, sizeof *out);
  if (port == NULL || end == port || *end || number > 65535)
    return -1;
  address[strcspn (address, "%")] = '\0';       /* fe80::1%eth0 */
  if (inet_pton (AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons (number);
    *len = sizeof *v4;
    return 0;
  }
  if (inet_pton (AF_INET6, address, &v6->sin6_addr) != 1)
    return -1;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons (number);
  *len = sizeof *v6;
  return 0;
}

/* "192.0.2.1 50000 192.0.2.9 22"; anything else says nothing. */
static int
state_addresses (const struct served *served, struct virgate_peer *peer,
                 uint32_t vouch)
{
  static const char *const keys[] = { VIRGATE_FACT_REMOTE,
                                      VIRGATE_FACT_LOCAL };
  const struct virgate_host *host = served->ssh->host;
  char *text = served->note->field[NOTE_ADDRESSES];
  struct sockaddr_storage address;
  size_t len;

  for (size_t i = 0; i < COUNT_OF (keys) && text; i++) {
    if (parse_address (&text, &address, &len) == -1)
      return 0;
    if (host->peer_address (peer, keys[i], vouch, &address, len) == -1)
      return -1;
  }
  return 0;
}

static int
state_text (const struct served *served, struct virgate_peer *peer,
            uint32_t vouch)
{
  static const struct {
    enum note_field field;
    const char *key;
  } facts[] = {
    { NOTE_USER, VIRGATE_FACT_SSH_USER }, { NOTE_KEY, VIRGATE_FACT_SSH_KEY },
    { NOTE_IDENTITY, VIRGATE_FACT_SSH_IDENTITY },
  };
  const struct virgate_host *host = served->ssh->host;

  for (size_t i = 0; i < COUNT_OF (facts); i++) {
    const char *text = served->note->field[facts[i].field];

    if (*text && host->peer_string (peer, facts[i].key, vouch, text) == -1)
      return -1;
  }
  return 0;
}

/* Whoever has a shell can say anything; an account that only runs the helper
 * says what sshd told it.  Which those are is in the config.
 */
static uint32_t
vouch_for (const struct served *served, const struct virgate_peer *peer)
{
  const struct ssh_listen *l = served->ssh->listen;
  struct virgate_fact uid;

  if (served->ssh->host->peer_get (peer, VIRGATE_FACT_UID, 0, &uid)
      && uid.vouch == VIRGATE_VOUCH_KERNEL)
    for (size_t i = 0; i < l->trusted_count; i++)
      if (l->trusted[i] == uid.num)
        return VIRGATE_VOUCH_EXCHANGE;
  return VIRGATE_VOUCH_CLAIM;
}

static int
served_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  struct served *served = conn;
  const struct virgate_host *host = served->ssh->host;
  uint32_t vouch;

  if (!after_handshake)
    return below (served->ssh)->ops->peer (served->helper, peer, 0);
  vouch = vouch_for (served, peer);
  if (state_addresses (served, peer, vouch) == -1
      || state_text (served, peer, vouch) == -1
      || (served->note->read_only
          && host->peer_number (peer, VIRGATE_FACT_READ_ONLY, vouch, 1) == -1))
    return host->error (host, "out of memory for facts");
  free (steal_pointer (&served->note));
  return 0;
}

/* Connections -------------------------------------------------------------- */

static ssize_t
served_readv (void *conn, const struct iovec *iov, int iovcnt,
              struct virgate_fds *fds)
{
  return handed_readv (&((struct served *) conn)->handed, iov, iovcnt);
}

static ssize_t
served_writev (void *conn, const struct iovec *iov, int iovcnt,
               const struct virgate_fds *fds)
{
  return handed_writev (&((struct served *) conn)->handed, iov, iovcnt);
}

static int
served_pollfd (void *conn)
{
  struct served *served = conn;

  return served->is_taken ? served->handed.in
                          : below (served->ssh)->ops->pollfd (served->helper);
}

static int
served_pollfd_write (void *conn)
{
  struct served *served = conn;

  return served->is_taken ? served->handed.out : served_pollfd (conn);
}

/* The helper may go: this was no accident. */
static void
served_shutdown (void *conn)
{
  const struct served *served = conn;
  const struct iovec done = { (char[]) { NOTE_DONE }, 1 };

  if (served->is_taken)
    below (served->ssh)->ops->writev (served->helper, &done, 1, NULL);
}

static void
served_close (void *conn)
{
  struct served *served = conn;

  below (served->ssh)->ops->close (served->helper);
  handed_close (&served->handed);
  intake_free (served->intake);
  free (served->note);
  free (served);
}

static const struct ssh_half half = {
  .readv = served_readv,
  .writev = served_writev,
  .pollfd = served_pollfd,
  .pollfd_write = served_pollfd_write,
  .handshake = served_handshake,
  .peer = served_peer,
  .shutdown = served_shutdown,
  .close = served_close,
};

int
ssh_accept (void *inst, int listen_fd, void **conn)
{
  struct ssh *ssh = inst;
  const struct virgate_transport *t = below (ssh);
  struct served *served;
  void *helper;
  int result = t->ops->accept (t->inst, listen_fd, &helper);

  if (result != 0)
    return result;
  served = calloc (1, sizeof *served);
  if (served == NULL) {
    t->ops->close (helper);
    errno = ENOMEM;
    return VIRGATE_IO_ERROR;
  }
  served->base.half = &half;
  served->ssh = ssh;
  served->helper = helper;
  served->handed.in = served->handed.out = -1;
  *conn = served;
  return 0;
}
