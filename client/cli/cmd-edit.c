/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * edit and net-edit: the XML of a definition into a file, the user's editor
 * on it, and what became of it back to the server.
 */
#include "config.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "rows.h"

/* VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE */
#define DOMAIN_XML_FLAGS 3
#define NETWORK_XML_FLAGS 1     /* VIR_NETWORK_XML_INACTIVE */

extern char **environ;

struct edit_xml { char *text; };

/* Fetch the XML; args begin with the object and end with flags. */
static const char *
edit_fetch (struct cmd *cmd, const void *args)
{
  struct edit_xml *ret = NULL;

  if (cmd_call (cmd, cmd->parsed->def->proc, args, (void **) &ret) < 0)
    return NULL;
  return ret->text;
}

/* Write text into a new file that only its user can read; *path is freed by
 * the caller.  0 or -1.
 */
static int
edit_write (struct cmd *cmd, const char *text, char **path)
{
  const char *dir = getenv ("TMPDIR");
  CLEANUP_FCLOSE FILE *file = NULL;
  int fd;

  *path = must_format ("%s/virgateXXXXXX.xml", dir ? dir : "/tmp");
  fd = mkstemps (*path, 4);
  file = fd < 0 ? NULL : fdopen (fd, "w");
  if (file && fputs (text, file) >= 0 && fflush (file) == 0)
    return 0;
  return cmd_fail (cmd, STATUS_FAILED, "cannot write %s: %s", *path,
                   strerror (errno));
}

/* The editor may be a command with arguments, so a shell starts it. */
static int
edit_run (struct cmd *cmd, const char *path)
{
  char *const argv[] = {
    (char *) "sh", (char *) "-c",
    (char *) "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"", (char *) "virgate",
    (char *) path, NULL
  };
  int status = -1, error;
  pid_t pid;

  fflush (stdout);
  error = posix_spawn (&pid, "/bin/sh", NULL, NULL, argv, environ);
  if (error != 0)
    return cmd_fail (cmd, STATUS_FAILED, "cannot start the editor: %s",
                     strerror (error));
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return 0;
  return cmd_fail (cmd, STATUS_FAILED, "the editor failed; nothing was "
                   "changed");
}

/* Send what the user made of it, unless somebody else was faster. */
static int
edit_send (struct cmd *cmd, const char *name, const char *before,
           const char *path, const void *args)
{
  const struct command *def = cmd->parsed->def;
  CLEANUP_FREE char *after = read_file (cmd, path);
  const char *now;
  struct edit_xml send;
  void *ret = NULL;

  if (after == NULL)
    return -1;
  if (strcmp (before, after) == 0) {
    result_done (cmd->out, def, name, "not changed.");
    return 0;
  }
  cmd_begin (cmd);              /* the user's time does not count */
  if ((now = edit_fetch (cmd, args)) == NULL)
    return -1;
  if (strcmp (before, now) != 0)
    return cmd_fail (cmd, STATUS_FAILED, "the XML configuration was changed "
                     "by another user");
  send.text = after;
  if (cmd_call (cmd, def->proc_flags, &send, &ret) < 0)
    return -1;
  result_done (cmd->out, def, name, "edited.");
  return 0;
}

/* A refused text stays in its file: it may have taken long to write. */
static int
edit (struct cmd *cmd, const char *name, const void *args)
{
  const char *before = edit_fetch (cmd, args);
  CLEANUP_FREE char *path = NULL;
  int rc;

  if (before == NULL)
    return -1;
  rc = edit_write (cmd, before, &path);
  if (rc == 0)
    rc = edit_run (cmd, path);
  if (rc == 0 && (rc = edit_send (cmd, name, before, path, args)) < 0)
    return cmd_context (cmd, "your text is in %s", path);
  unlink (path);
  return rc;
}

int
run_edit (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_xml_desc_args args = {
    .flags = DOMAIN_XML_FLAGS
  };

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  return edit (cmd, dom->name, &args);
}

int
run_net_edit (struct cmd *cmd)
{
  const struct virgate_network *net = opt_network (cmd, BY_NAME | BY_UUID);
  struct virgate_remote_network_get_xml_desc_args args = {
    .flags = NETWORK_XML_FLAGS
  };

  if (net == NULL)
    return -1;
  args.net = *net;
  if (edit_fetch (cmd, &args) == NULL) {
    if (cmd->host->error == NULL
        || cmd->host->error->code != VIRGATE_ERR_INVALID_ARG)
      return -1;
    cmd_forgive (cmd);
    args.flags = 0;             /* a server that does not know the flag */
  }
  return edit (cmd, net->name, &args);
}
