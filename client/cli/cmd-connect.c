/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `virgate connect URI' on the command line: a connection by any transport on
 * standard input and output, for programs that have no such transport.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Programs that can name a command but give it no arguments call it so, with
 * an alias behind.
 */
#define CALL_NAME "virgate-connect"

bool
connect_is_meant (const char *program, const char **alias)
{
  const char *slash = strrchr (program, '/');
  const char *name = slash ? slash + 1 : program;
  size_t len = strlen (CALL_NAME);

  if (strncmp (name, CALL_NAME, len) != 0
      || (name[len] != '\0' && name[len] != '-'))
    return false;
  *alias = name[len] && name[len + 1] ? name + len + 1 : NULL;
  return true;
}

/* libvirt reads what its command has to say to the end, before it closes its
 * own side.
 */
static void
let_go_of_stderr (void *opaque)
{
  CLEANUP_CLOSE int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);

  if (null != -1)
    dup2 (null, STDERR_FILENO);
}

enum status
connect_stdio (struct app *app, const char *uri)
{
  const struct virgate_connect_options options = {
    .size = sizeof options,
    .flags = app->read_only ? VIRGATE_CONNECT_READ_ONLY : 0,
    .connect_timeout_ms = app->timeout_ms,
    .credential = ask_credential,
    .credential_opaque = app,
    .config_file = app->config_file,
    .module_dir = app->module_dir,
  };
  const struct virgate_error *error;

  if (uri == NULL)
    uri = getenv ("VIRGATE_CONNECT_URI");
  if (isatty (STDIN_FILENO) || isatty (STDOUT_FILENO)) {
    fputs ("virgate: error: connect: standard input or output is a terminal, "
           "and what is passed on is no text; this is for programs\n",
           stderr);
    return STATUS_USAGE;
  }
  if (virgate_relay (uri, &options, STDIN_FILENO, STDOUT_FILENO,
                     let_go_of_stderr, NULL) == 0)
    return STATUS_OK;
  error = virgate_last_error ();
  output_error (app, error->message, error);
  return error->code == VIRGATE_ERR_OPERATION_TIMEOUT ? STATUS_TIMEOUT
                                                      : STATUS_NO_CONNECTION;
}
