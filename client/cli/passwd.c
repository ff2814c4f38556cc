/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate passwd: the users of auth-password, their passwords and groups.  A
 * password is read from the terminal or from standard input, never from the
 * command line, where every user of the machine could see it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <virgate/host.h>

#include "passwd.h"
#include "rows.h"

/* Somebody else makes the file at the same time; and again. */
#define TRIES_MAX 10

static const char *
file_of (struct cmd *cmd)
{
  const char *file = opt_str (cmd, "file");

  return file ? file : SYSCONFDIR "/virgate/passwd";
}

/* Passwords ---------------------------------------------------------------- */

/* A password as it was typed; wiped when it goes out of scope. */
struct typed {
  char text[PASSWORD_MAX + 2];
};

static void
typed_wipe (struct typed *typed)
{
  wipe (typed, sizeof *typed);
}

/* The first line of standard input, byte by byte: no more is taken. */
static int
read_stdin (struct cmd *cmd, struct typed *typed)
{
  size_t len = 0;
  ssize_t n;

  while ((n = read (STDIN_FILENO, typed->text + len, 1)) == 1
         && typed->text[len] != '\n' && len < sizeof typed->text - 1)
    len++;
  typed->text[len] = '\0';
  if (n == -1)
    return cmd_fail (cmd, STATUS_FAILED, "cannot read standard input: %s",
                     strerror (errno));
  return 0;
}

static int
ask (struct cmd *cmd, const char *prompt, struct typed *typed)
{
  char *answer = NULL;
  int len;

  if (ask_credential (cmd->app, VIRGATE_CRED_PASSWORD, prompt, NULL, &answer)
      != 0)
    return cmd_fail (cmd, STATUS_FAILED, "there is no terminal to ask for a "
                     "password; --stdin reads it from standard input");
  len = snprintf (typed->text, sizeof typed->text, "%s", answer);
  wipe (answer, strlen (answer));
  free (answer);
  return len < (int) sizeof typed->text ? 0
         : cmd_fail (cmd, STATUS_FAILED, "a password has up to %d bytes",
                     PASSWORD_MAX);
}

/* Twice, since nobody sees what is typed. */
static int
ask_twice (struct cmd *cmd, const char *name, struct typed *typed)
{
  CLEANUP_FREE char *prompt = must_format ("New password of %s:", name);
  CLEANUP (typed_wipe) struct typed again;

  if (ask (cmd, prompt, typed) == -1
      || ask (cmd, "The same again:", &again) == -1)
    return -1;
  if (strcmp (typed->text, again.text) != 0)
    return cmd_fail (cmd, STATUS_FAILED, "these are two different passwords");
  return 0;
}

/* What a password becomes. */
static int
make_verifier (struct cmd *cmd, const char *name, uint32_t iterations,
               struct verifier *verifier)
{
  CLEANUP (typed_wipe) struct typed typed, prepared;
  int len;

  if ((opt_bool (cmd, "stdin") ? read_stdin (cmd, &typed)
                               : ask_twice (cmd, name, &typed)) == -1)
    return -1;
  len = text_prepare (typed.text, strlen (typed.text), prepared.text,
                      PASSWORD_MAX + 1);
  if (len <= 0)
    return cmd_fail (cmd, STATUS_FAILED, "a password is from 1 to %d bytes of "
                     "UTF-8 without control characters", PASSWORD_MAX);
  if (verifier_make (verifier, prepared.text, len, iterations) == -1)
    return cmd_fail (cmd, STATUS_FAILED, "GnuTLS cannot hash");
  return 0;
}

/* Those of the others, so that nobody stands out. */
static uint32_t
iterations_of (const struct passwd *passwd)
{
  int64_t wanted = opt_int (passwd->cmd, "iterations", 0);
  char line[USERS_LINE_MAX];
  struct user nobody;

  if (wanted)
    return (uint32_t) wanted;
  return passwd_find (passwd, USER_NOBODY, &nobody, line)
         ? nobody.verifier.iterations : ITERATIONS_DEFAULT;
}

/* Actions ------------------------------------------------------------------ */

static int
change_once (struct cmd *cmd, const struct change *change)
{
  struct passwd passwd;
  int result = passwd_open (&passwd, cmd, file_of (cmd), true);

  if (result == 0)
    result = passwd_change (&passwd, change);
  if (result == 0)
    result = passwd_save (&passwd);
  passwd_close (&passwd);
  return result;
}

/* The file is locked for as long as this takes, and not while people type. */
static int
change_file (struct cmd *cmd, const struct change *change)
{
  int result = 1;

  for (int i = 0; i < TRIES_MAX && result == 1; i++) {
    cmd_forgive (cmd);
    result = change_once (cmd, change);
  }
  return result == 0 ? 0 : -1;
}

/* add and change: is there anything to ask for at all? */
static int
look_before (struct cmd *cmd, const struct change *change,
             uint32_t *iterations)
{
  struct change nothing = *change;
  struct verifier any = { .iterations = ITERATIONS_MIN, .salt_len = SALT_LEN };
  struct passwd passwd;
  int result = passwd_open (&passwd, cmd, file_of (cmd), false);

  nothing.verifier = &any;
  if (result == 0)
    *iterations = iterations_of (&passwd);
  if (result == 0)
    result = passwd_change (&passwd, &nothing);
  passwd_close (&passwd);
  return result;
}

static int
check_iterations (struct cmd *cmd)
{
  int64_t wanted = opt_int (cmd, "iterations", ITERATIONS_DEFAULT);

  if (wanted >= ITERATIONS_MIN && wanted <= ITERATIONS_MAX)
    return 0;
  return cmd_fail (cmd, STATUS_USAGE, "--iterations is from %d to %d",
                   ITERATIONS_MIN, ITERATIONS_MAX);
}

static int
set_password (struct cmd *cmd, bool must_be_new)
{
  struct change change = {
    .name = cmd->parsed->args[0], .must_be_new = must_be_new,
    .groups = opt_str (cmd, "groups"),
  };
  struct verifier verifier;
  uint32_t iterations = 0;
  int result;

  if (check_iterations (cmd) == -1
      || look_before (cmd, &change, &iterations) == -1
      || make_verifier (cmd, change.name, iterations, &verifier) == -1)
    return -1;
  change.verifier = &verifier;
  result = change_file (cmd, &change);
  wipe (&verifier, sizeof verifier);
  if (result == 0)
    result_message (cmd->out, "%s of %s %s%s", must_be_new ? "Password"
                    : "New password", change.name, "set",
                    iterations > ITERATIONS_STOCK
                    ? "; stock clients take no more than 65536 iterations and "
                      "will not log in by SCRAM" : "");
  return result;
}

static int
passwd_add (struct cmd *cmd)
{
  return set_password (cmd, true);
}

static int
passwd_renew (struct cmd *cmd)
{
  return set_password (cmd, false);
}

static int
passwd_delete (struct cmd *cmd)
{
  const struct change change = {
    .name = cmd->parsed->args[0], .is_removed = true
  };

  if (change_file (cmd, &change) == -1)
    return -1;
  result_message (cmd->out, "User %s deleted", change.name);
  return 0;
}

static int
passwd_groups (struct cmd *cmd)
{
  const struct change change = {
    .name = cmd->parsed->args[0],
    .groups = cmd->parsed->nargs > 1 ? cmd->parsed->args[1] : "",
  };

  if (change_file (cmd, &change) == -1)
    return -1;
  result_message (cmd->out, "User %s is in %s now", change.name,
                  *change.groups ? change.groups : "no group");
  return 0;
}

/* NULL after cmd_fail. */
static struct users *
read_users (struct cmd *cmd)
{
  struct users *users = NULL;
  struct passwd passwd;
  char why[512];
  int result = passwd_open (&passwd, cmd, file_of (cmd), false);

  if (result == 0 && passwd.fd == -1)
    result = cmd_fail (cmd, STATUS_FAILED, "there is no file %s",
                       passwd.path);
  if (result == 0) {
    users = users_parse (passwd.text, passwd.len, passwd.path, why,
                         sizeof why);
    if (users == NULL)
      cmd_fail (cmd, STATUS_FAILED, "%s", why);
  }
  passwd_close (&passwd);
  return users;
}

static int
passwd_list (struct cmd *cmd)
{
  static const struct column columns[] = {
    { "name", "Name" }, { "iterations", "Iterations" }, { "groups", "Groups" }
  };
  struct users *users = read_users (cmd);

  if (users == NULL)
    return -1;
  result_table (cmd->out, columns, COUNT_OF (columns));
  for (size_t i = 0; i < users->count; i++) {
    put_str (cmd->out, NULL, NULL, users->list[i].name);
    put_unum (cmd->out, NULL, NULL, users->list[i].verifier.iterations, NULL);
    put_str (cmd->out, NULL, NULL, users->list[i].groups);
  }
  users_unref (users);
  return 0;
}

static const struct {
  const char *name, *args;      /* what it wants, for messages */
  int min, max;
  int (*run) (struct cmd *cmd);
} actions[] = {
  { "add", "USER [--groups GROUP,...]", 1, 1, passwd_add },
  { "change", "USER", 1, 1, passwd_renew },
  { "delete", "USER", 1, 1, passwd_delete },
  { "groups", "USER [GROUP,...]", 1, 2, passwd_groups },
  { "list", "", 0, 0, passwd_list },
};

static int
check_name (struct cmd *cmd)
{
  const char *name = cmd->parsed->nargs > 0 ? cmd->parsed->args[0] : NULL;
  const char *wrong = name ? user_check_name (name) : NULL;

  if (name && strcmp (name, USER_NOBODY) == 0)
    wrong = "'*' stands for users that there are not";
  return wrong ? cmd_fail (cmd, STATUS_USAGE, "%s", wrong) : 0;
}

int
run_passwd (struct cmd *cmd)
{
  const char *name = opt_str (cmd, "action");
  size_t i = 0;

  while (i < COUNT_OF (actions) && strcmp (name, actions[i].name) != 0)
    i++;
  if (i == COUNT_OF (actions))
    return cmd_fail (cmd, STATUS_USAGE, "passwd: '%s' is not one of add, "
                     "change, delete, groups, list", name);
  if (cmd->parsed->nargs < actions[i].min
      || cmd->parsed->nargs > actions[i].max)
    return cmd_fail (cmd, STATUS_USAGE, "usage: virgate passwd %s %s", name,
                     actions[i].args);
  return check_name (cmd) == -1 ? -1 : actions[i].run (cmd);
}
