/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unix transport's client half: which socket a URI means, and connecting
 * to it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "unix.h"

/* Where distributions' libvirt daemons listen, whatever our prefix is. */
#define LIBVIRT_DIR "/run/libvirt"

/* The daemon of one driver, the daemon of all, this project's own. */
#define CANDIDATES 3

static int
fail (const struct unix_inst *ux, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

static int
fail (const struct unix_inst *ux, const char *fmt, ...)
{
  char text[512];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  return ux->host->error_code (ux->host, VIRGATE_ERR_SYSTEM_ERROR,
                               VIRGATE_FROM_RPC, "%s", text);
}

static const char *
param (const struct virgate_uri *uri, const char *name)
{
  const char *value = NULL;

  for (const struct virgate_param *p = uri->params; p && p->name; p++)
    if (strcasecmp (p->name, name) == 0)
      value = p->value;
  return value && *value ? value : NULL;
}

/* Users have a daemon of their own, but for names that say otherwise. */
static bool
is_for_user (const struct virgate_uri *uri)
{
  return geteuid () != 0
         && (uri->path == NULL || strcmp (uri->path, "/system") != 0);
}

static void
free_all (char *(*paths)[CANDIDATES])
{
  for (int i = 0; i < CANDIDATES; i++)
    free ((*paths)[i]);
}

/* Default paths, most specific first; mode is libvirt's: auto, legacy or
 * direct.
 */
static void
list_candidates (const struct virgate_uri *uri, const char *mode,
                 char *(*paths)[CANDIDATES])
{
  bool user = is_for_user (uri);
  CLEANUP_FREE char *dir = user ? unix_user_dir () : NULL;
  const char *in = user ? dir : "";
  const char *folder = user ? "/libvirt" : LIBVIRT_DIR;
  const char *suffix = uri->read_only && !user ? "-ro" : "";
  bool direct = strcmp (mode, "legacy") != 0;
  bool legacy = strcmp (mode, "direct") != 0;
  char name[32];

  if (in == NULL)
    return;
  if (direct && uri->driver
      && asprintf (&(*paths)[0], "%s%s/virt%sd-sock%s", in, folder,
                   uri->driver, suffix) == -1)
    (*paths)[0] = NULL;
  if (legacy && asprintf (&(*paths)[1], "%s%s/libvirt-sock%s", in, folder,
                          suffix) == -1)
    (*paths)[1] = NULL;
  snprintf (name, sizeof name, "virgate-sock%s",
            uri->read_only ? "-ro" : "");
  if (legacy)
    (*paths)[2] = unix_own_path (name);
}

/* The one to use; malloc'ed. */
static char *
choose_path (const struct unix_inst *ux, const struct virgate_uri *uri)
{
  CLEANUP (free_all) char *paths[CANDIDATES] = { NULL };
  const char *given = param (uri, "socket");
  const char *mode = param (uri, "mode");

  if (given == NULL)
    given = ux->path;
  if (given)
    return strdup (given);
  list_candidates (uri, mode ? mode : "auto", &paths);
  for (int i = 0; i < CANDIDATES; i++)
    if (paths[i] && access (paths[i], F_OK) == 0)
      return steal_pointer (&paths[i]);
  return steal_pointer (&paths[paths[1] ? 1 : 0]);
}

/* A full backlog makes connect wait: until the deadline. */
static int
limit_wait (int fd, int64_t deadline)
{
  int64_t left = deadline - now_ns ();
  struct timeval tv;

  if (deadline == INT64_MAX)
    return 0;
  if (left <= 0) {
    errno = ETIMEDOUT;
    return -1;
  }
  tv.tv_sec = left / NS_PER_S;
  tv.tv_usec = left % NS_PER_S / 1000 + 1;
  return setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

static int
connect_until (int fd, const struct sockaddr_un *address, int64_t deadline)
{
  int result;

  do
    result = limit_wait (fd, deadline) == -1 ? -1
             : connect (fd, (const struct sockaddr *) address,
                        sizeof *address);
  while (result == -1 && errno == EINTR);
  if (result == -1 && (errno == EAGAIN || errno == EINPROGRESS))
    errno = ETIMEDOUT;
  return result;
}

static int
report (const struct unix_inst *ux, const char *path)
{
  bool nobody = errno == ENOENT || errno == ECONNREFUSED;

  return fail (ux, "Failed to connect socket to '%s': %s%s", path,
               strerror (errno), nobody ? "; is the daemon running?" : "");
}

int
unix_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
              void **conn)
{
  struct unix_inst *ux = inst;
  CLEANUP_FREE char *path = choose_path (ux, uri);
  CLEANUP_CLOSE int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address;

  if (path == NULL)
    return fail (ux, "no socket is known for this URI");
  if (unix_address (&address, path) == -1)
    return fail (ux, "'%s' is longer than a socket's path can be", path);
  if (fd == -1 || connect_until (fd, &address, deadline) == -1
      || fcntl (fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1)
    return report (ux, path);
  *conn = unix_conn_new (ux, steal_fd (&fd));
  return *conn ? 0 : fail (ux, "out of memory");
}
