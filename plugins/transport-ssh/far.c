/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ways on the far side, and the commands that take them; see far.h.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "far.h"

/* Where libvirt and this project listen, whatever our own prefix is. */
#define LIBVIRT_DIR "/var/run/libvirt/"
#define VIRGATE_DIR "/var/run/virgate/"

static bool
is_session (const struct virgate_uri *uri)
{
  return uri->path && strcmp (uri->path, "/session") == 0;
}

unsigned
far_ways (const struct ssh_request *request)
{
  const char *proxy = request->word[SSH_PROXY];

  if (proxy && strcmp (proxy, "native") == 0)
    return FAR_HELPER;
  if (proxy && strcmp (proxy, "netcat") == 0)
    return FAR_NETCAT;
  if (request->word[SSH_NETCAT])
    return FAR_NETCAT;
  if (request->word[SSH_SOCKET])
    return FAR_STREAMLOCAL | FAR_NETCAT;
  /* Only the helper knows where a user's own daemon listens there. */
  if (is_session (request->uri))
    return FAR_HELPER;
  return FAR_HELPER | FAR_STREAMLOCAL | FAR_NETCAT;
}

/* Sockets ------------------------------------------------------------------ */

void
far_sockets_free (struct far_sockets *sockets)
{
  while (sockets->count > 0)
    free (sockets->path[--sockets->count]);
}

static int
add_socket (struct far_sockets *out, const char *folder, const char *name,
            bool read_only)
{
  char *path;

  if (asprintf (&path, "%s%s%s", folder, name, read_only ? "-ro" : "") == -1)
    return -1;
  out->path[out->count++] = path;
  return 0;
}

/* The daemon of one driver, as modular libvirt has them. */
static int
add_direct (struct far_sockets *out, const struct virgate_uri *uri)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  char name[64];

  if (uri->driver == NULL || *uri->driver == '\0'
      || uri->driver[strspn (uri->driver, letters)])
    return 0;
  snprintf (name, sizeof name, "virt%.40sd-sock", uri->driver);
  return add_socket (out, LIBVIRT_DIR, name, uri->read_only);
}

int
far_sockets (const struct ssh_request *request, struct far_sockets *out)
{
  const struct virgate_uri *uri = request->uri;
  const char *mode = request->word[SSH_MODE];
  bool direct = mode == NULL || strcmp (mode, "legacy") != 0;
  bool legacy = mode == NULL || strcmp (mode, "direct") != 0;
  int result = 0;

  out->count = 0;
  if (request->word[SSH_SOCKET])
    return add_socket (out, "", request->word[SSH_SOCKET], false);
  if (legacy)
    result |= add_socket (out, LIBVIRT_DIR, "libvirt-sock", uri->read_only);
  if (direct)
    result |= add_direct (out, uri);
  if (legacy)
    result |= add_socket (out, VIRGATE_DIR, "virgate-sock", uri->read_only);
  if (result == -1)
    far_sockets_free (out);
  return result;
}

/* Commands ----------------------------------------------------------------- */

static int
put (struct buf *out, const char *text)
{
  return buf_append (out, text, strlen (text));
}

/* One word of a shell's command. */
static int
put_quoted (struct buf *out, const char *text)
{
  int result = put (out, "'");

  for (; *text; text++)
    result |= *text == '\'' ? put (out, "'\\''") : buf_append (out, text, 1);
  return result | put (out, "'");
}

static int
put_escaped (struct buf *out, const char *text, const char *keep)
{
  int result = 0;
  char hex[4];

  for (; *text; text++) {
    if (isalnum ((unsigned char) *text) || strchr (keep, *text))
      result |= buf_append (out, text, 1);
    else {
      snprintf (hex, sizeof hex, "%%%02X", (unsigned char) *text);
      result |= put (out, hex);
    }
  }
  return result;
}

/* The URI as the helper is to open it: for the sockets of its own host. */
static char *
helper_uri (const struct ssh_request *request)
{
  static const enum ssh_word passed[] = { SSH_SOCKET, SSH_MODE };
  static const char *const names[] = { "socket=", "mode=" };
  const struct virgate_uri *uri = request->uri;
  const char *before = "?";
  struct buf out = BUF_INIT;
  int result = put (&out, uri->driver ? uri->driver : "remote");

  result |= put (&out, "://");
  result |= put_escaped (&out, uri->path && *uri->path ? uri->path : "/",
                         "-_.!~*'();/:@&=+$,");
  for (size_t i = 0; i < COUNT_OF (passed); i++) {
    if (request->word[passed[i]] == NULL)
      continue;
    result |= put (&out, before) | put (&out, names[i]);
    result |= put_escaped (&out, request->word[passed[i]], "-_.~/");
    before = "&";
  }
  if (result | buf_append (&out, "", 1)) {
    buf_free (&out);
    return NULL;
  }
  return out.base;
}

/* A command that exists, and what to run it with. */
static int
put_helper (struct buf *out, const struct ssh_request *request,
            const char *name, const char *uri)
{
  bool is_ours = strstr (name, "virgate-ssh-helper") != NULL;
  int result = put (out, "h=") | put_quoted (out, name);

  result |= put (out, "; if command -v \"$h\" >/dev/null 2>&1; then ");
  if (!is_ours)
    result |= put (out, "printf \"\\n$m ready $h\\n\"; ");
  result |= put (out, "exec \"$h\" ");
  if (is_ours)
    result |= put (out, "--mark ");
  if (request->uri->read_only)
    result |= put (out, "-r ");
  return result | put_quoted (out, uri) | put (out, "; fi; ");
}

static int
put_helpers (struct buf *out, const struct ssh_request *request)
{
  static const char *const usual[] = { "virgate-ssh-helper",
                                       "virt-ssh-helper", NULL };
  const char *own[] = { request->word[SSH_HELPER], NULL };
  CLEANUP_FREE char *uri = helper_uri (request);
  int result = uri ? 0 : -1;

  for (const char *const *name = own[0] ? own : usual; *name && !result;
       name++) {
    result |= put_helper (out, request, *name, uri);
    result |= put (out, "w=\"$w no $h,\"; ");
  }
  return result;
}

/* nc as it must be called there: some wait for ever after the end of their
 * input unless they are told -q0.
 */
static int
put_netcat (struct buf *out, const struct ssh_request *request)
{
  CLEANUP (far_sockets_free) struct far_sockets sockets;
  const char *netcat = request->word[SSH_NETCAT];
  int result;

  if (far_sockets (request, &sockets) == -1)
    return -1;
  result = put (out, "n=") | put_quoted (out, netcat ? netcat : "nc");
  result |= put (out, "; if command -v \"$n\" >/dev/null 2>&1; then :; else "
                 "printf \"\\n$m none$w no $n\\n\"; exit 1; fi; for s in");
  for (int i = 0; i < sockets.count; i++)
    result |= put (out, " ") | put_quoted (out, sockets.path[i]);
  return result
         | put (out, "; do if [ -S \"$s\" ] && [ -w \"$s\" ]; then q=; "
                "if \"$n\" -q 2>&1 | grep \"requires an argument\" "
                ">/dev/null 2>&1; then q=-q0; fi; "
                "printf \"\\n$m ready $n -U $s\\n\"; exec \"$n\" $q -U \"$s\"; "
                "elif [ -S \"$s\" ]; then w=\"$w no right to use $s,\"; "
                "else w=\"$w no socket $s,\"; fi; done; ");
}

char *
far_command (const struct ssh_request *request, unsigned ways)
{
  CLEANUP (buf_free) struct buf script = BUF_INIT;
  struct buf out = BUF_INIT;
  /* Put together, so that an echo of the command is not taken for it. */
  int result = put (&script, "m=virgate-; m=\"${m}far:\"; w=; ");

  if (ways & FAR_HELPER)
    result |= put_helpers (&script, request);
  if (ways & FAR_NETCAT)
    result |= put_netcat (&script, request);
  result |= put (&script, "printf \"\\n$m none${w%,}\\n\"; exit 1")
            | buf_append (&script, "", 1);
  if (result == 0)
    result = put (&out, "sh -c ") | put_quoted (&out, script.base)
             | buf_append (&out, "", 1);
  if (result == 0)
    return out.base;
  buf_free (&out);
  return NULL;
}
