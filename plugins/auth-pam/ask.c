/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The helper from outside; see ask.h.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "common/child.h"
#include "common/mem.h"

/* What modules want to be read, and what their libraries complain about. */
static void
log_line (void *opaque, const char *line)
{
  const struct ask *ask = opaque;
  bool is_error = strncmp (line, "error: ", 7) == 0;

  ask->host->log (ask->host, is_error ? VIRGATE_LOG_NOTICE : VIRGATE_LOG_INFO,
                  "user %s: %s", ask->user, line);
}

/* Put the question together.  Its length, or 0 when it is too long. */
static size_t
write_question (const struct ask *ask, char *text)
{
  const char *const parts[MESSAGE_PARTS] = {
    [MESSAGE_IS] = MESSAGE_VERSION,
    [MESSAGE_SERVICE] = ask->service,
    [MESSAGE_USER] = ask->user,
    [MESSAGE_PASSWORD] = ask->password,
    [MESSAGE_CODE] = ask->code,
    [MESSAGE_ADDRESS] = ask->address,
    [MESSAGE_ACCOUNT] = ask->with_account ? "1" : "",
  };
  size_t len = 0;

  for (int i = 0; i < MESSAGE_PARTS; i++) {
    size_t more = strlen (parts[i]) + 1;

    if (more > MESSAGE_QUESTION_MAX - len)
      return 0;
    memcpy (text + len, parts[i], more);
    len += more;
  }
  return len;
}

/* Take the next string; NULL at the end, or when it does not end. */
static const char *
next_string (const char **at, const char *end)
{
  const char *text = *at;
  const char *nul = text < end ? memchr (text, '\0', end - text) : NULL;

  if (nul)
    *at = nul + 1;
  return nul ? text : NULL;
}

static bool
read_answer (struct verdict *verdict, size_t len)
{
  const char *at = verdict->space, *end = at + len, *group;
  const char *word = next_string (&at, end);

  if (word == NULL)
    return false;
  verdict->is_yes = strcmp (word, "yes") == 0;
  verdict->name = next_string (&at, end);
  if ((!verdict->is_yes && strcmp (word, "no") != 0) || verdict->name == NULL
      || *verdict->name == '\0')
    return false;
  verdict->group_count = 0;
  while ((group = next_string (&at, end)))
    if (verdict->group_count < MESSAGE_GROUPS_MAX)
      verdict->groups[verdict->group_count++] = group;
  return at == end;
}

static int
run (const struct ask *ask, struct verdict *verdict, const char *question,
     size_t len)
{
  const struct virgate_host *host = ask->host;
  char *const argv[] = { (char *) ask->helper, NULL };
  struct child child = {
    .argv = argv, .envp = environ, .in = question, .in_len = len,
    .out = verdict->space, .out_size = MESSAGE_ANSWER_MAX,
    .deadline = ask->deadline,
    .stop_fd = VIRGATE_HOST_HAS (host, stop_fd) ? host->stop_fd (host) : -1,
    .said = log_line, .opaque = (void *) ask,
  };
  enum child_end end = child_run (&child);
  char how[120];

  if (end != CHILD_EXITED || child.status != 0) {
    child_describe (&child, end, how, sizeof how);
    return host->error (host, "user %s: PAM service %s: the helper %s",
                        ask->user, ask->service, how);
  }
  if (!read_answer (verdict, child.out_len))
    return host->error (host, "user %s: PAM service %s: a module ended the "
                        "helper, which is %s", ask->user, ask->service,
                        ask->helper);
  return 0;
}

int
ask_pam (const struct ask *ask, struct verdict *verdict)
{
  char question[MESSAGE_QUESTION_MAX];
  size_t len = write_question (ask, question);
  int result;

  if (len == 0)
    result = ask->host->error (ask->host, "name and password are too long");
  else
    result = run (ask, verdict, question, len);
  wipe (question, sizeof question);
  return result;
}
