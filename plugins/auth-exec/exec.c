/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-exec: a program of the site's is told what is known of a peer and says
 * who may enter.  How it is told is in question.c, what it may answer in
 * answer.c, how it is run in common/child.c.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <virgate/auth.h>

#include "answer.h"
#include "common/child.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/slots.h"
#include "program.h"
#include "question.h"

struct exec {
  const struct virgate_host *host;
  struct program program;
  struct slots slots;
  uint64_t timeout_s, wait_s, processes;
  bool wants_password;
};

static const struct virgate_option options[] = {
  { "command", VIRGATE_OPTION_STRING,
    .help = "absolute path of the program, and fixed arguments" },
  { "password", VIRGATE_OPTION_BOOL, .def = "no",
    .help = "have the client send a name and a password" },
  { "timeout", VIRGATE_OPTION_UINT, .min = 1, .max = 3600,
    .unit = "seconds", .def = "5",
    .help = "time that the program has to answer" },
  { "max-processes", VIRGATE_OPTION_UINT, .min = 1, .max = 1000,
    .unit = "processes", .def = "8", .help = "how many run at a time" },
  { "max-wait", VIRGATE_OPTION_UINT, .max = 3600, .unit = "seconds",
    .def = "4", .help = "time that a peer waits for its turn" },
  { NULL }
};

static int
exec_open (const struct virgate_host *host, void **inst)
{
  struct exec *x = calloc (1, sizeof *x);

  if (x == NULL)
    return host->error (host, "out of memory");
  x->host = host;
  x->timeout_s = 5;
  x->wait_s = 4;
  x->processes = 8;
  *inst = x;
  return 0;
}

static void
exec_close (void *inst)
{
  struct exec *x = inst;

  if (x->slots.max > 0)
    slots_destroy (&x->slots);
  program_free (&x->program);
  free (x);
}

static bool
is_yes (const char *value)
{
  return strchr ("yYtT1", value[0]) || strcasecmp (value, "on") == 0;
}

static int
exec_config (void *inst, const char *key, const char *value)
{
  struct exec *x = inst;

  if (strcmp (key, "command") == 0)
    return program_parse (&x->program, x->host, value);
  if (strcmp (key, "password") == 0)
    x->wants_password = is_yes (value);
  else if (strcmp (key, "timeout") == 0)
    x->timeout_s = strtoull (value, NULL, 10);
  else if (strcmp (key, "max-processes") == 0)
    x->processes = strtoull (value, NULL, 10);
  else
    x->wait_s = strtoull (value, NULL, 10);
  return 0;
}

static int
exec_ready (void *inst)
{
  struct exec *x = inst;

  if (program_check (&x->program, x->host) == -1)
    return -1;
  slots_init (&x->slots, x->processes);
  return 0;
}

static int
exec_reload (void *inst)
{
  const struct exec *x = inst;

  return program_check (&x->program, x->host);
}

/* What it writes to its standard error. */
static void
log_line (void *opaque, const char *line)
{
  const struct exec *x = opaque;

  x->host->log (x->host, VIRGATE_LOG_NOTICE, "%s: %s", x->program.argv[0],
                line);
}

/* Run the program.  Returns true with its answer, or false after
 * host->error.
 */
static bool
run (struct exec *x, const struct buf *question, char *text,
     struct answer *answer)
{
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                       "/usr/bin:/sbin:/bin";
  static char lang[] = "LANG=C.UTF-8";
  char *const envp[] = { path, lang, NULL };
  struct child child = {
    .argv = x->program.argv, .envp = envp,
    .in = buf_data (question), .in_len = buf_len (question),
    .out = text, .out_size = ANSWER_MAX,
    .deadline = now_ns () + (int64_t) x->timeout_s * NS_PER_S,
    .stop_fd = VIRGATE_HOST_HAS (x->host, stop_fd)
               ? x->host->stop_fd (x->host) : -1,
    .said = log_line, .opaque = x,
  };
  enum child_end end = child_run (&child);
  const char *wrong;
  char how[120];

  if (end != CHILD_EXITED || child.status != 0) {
    child_describe (&child, end, how, sizeof how);
    x->host->error (x->host, "%s %s", x->program.argv[0], how);
    return false;
  }
  text[child.out_len] = '\0';
  wrong = answer_parse (answer, text, child.out_len);
  if (wrong)
    x->host->error (x->host, "the answer of %s is malformed: %s",
                    x->program.argv[0], wrong);
  return wrong == NULL;
}

/* As above, when it is our turn. */
static bool
run_in_turn (struct exec *x, const struct buf *question, char *text,
             struct answer *answer)
{
  bool has_answer;

  if (slots_take (&x->slots, now_ns () + (int64_t) x->wait_s * NS_PER_S)
      == -1) {
    x->host->error (x->host, "max-processes = %llu of [%s] are running, and "
                    "none ended within max-wait = %llu seconds",
                    (unsigned long long) x->processes, x->host->section,
                    (unsigned long long) x->wait_s);
    return false;
  }
  has_answer = run (x, question, text, answer);
  slots_give (&x->slots);
  return has_answer;
}

/* A name that stands already is kept when the program gives none. */
static int
identify (const struct exec *x, const struct answer *answer, uint32_t vouch,
          struct virgate_identity *identity)
{
  const struct virgate_host *host = x->host;

  if (answer->word == NULL && host->identity_get_name (identity) == NULL) {
    host->error (host, "%s said yes, but not who it is: yes NAME",
                 x->program.argv[0]);
    return VIRGATE_AUTH_ERROR;
  }
  if (answer->word && host->identity_name (identity, answer->word, vouch) != 0)
    return VIRGATE_AUTH_ERROR;
  for (size_t i = 0; i < answer->group_count; i++)
    if (host->identity_group (identity, answer->groups[i], vouch) != 0)
      return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

static int
conclude (const struct exec *x, const struct answer *answer,
          struct virgate_identity *identity)
{
  if (answer->verdict == ANSWER_YES)
    return identify (x, answer, VIRGATE_VOUCH_EXCHANGE, identity);
  if (answer->verdict == ANSWER_PASS)
    return VIRGATE_AUTH_PASS;
  x->host->error (x->host, "%s said no%s%.200s", x->program.argv[0],
                  answer->word ? ": " : "", answer->word ? answer->word : "");
  return VIRGATE_AUTH_NO;
}

static int
ask (struct exec *x, const struct virgate_peer *peer, const char *user,
     const char *password, struct virgate_identity *identity)
{
  CLEANUP (question_free) struct buf question = BUF_INIT;
  CLEANUP_FREE char *text = malloc (ANSWER_MAX + 1);
  CLEANUP_FREE struct answer *answer = malloc (sizeof *answer);

  if (text == NULL || answer == NULL) {
    x->host->error (x->host, "out of memory");
    return VIRGATE_AUTH_ERROR;
  }
  if (question_write (&question, x->host, peer, identity, user, password) == -1
      || !run_in_turn (x, &question, text, answer))
    return VIRGATE_AUTH_ERROR;
  return conclude (x, answer, identity);
}

static int
exec_wants_password (void *inst)
{
  const struct exec *x = inst;

  return x->wants_password;
}

static int
exec_decide (void *inst, const struct virgate_peer *peer,
             struct virgate_identity *identity)
{
  struct exec *x = inst;

  if (x->wants_password)
    return VIRGATE_AUTH_PASS;
  return ask (x, peer, NULL, NULL, identity);
}

static int
exec_password (void *inst, const struct virgate_auth_context *context,
               const char *user, const char *secret,
               struct virgate_identity *identity)
{
  struct exec *x = inst;
  int result = ask (x, context->peer, user, secret, identity);

  if (result != VIRGATE_AUTH_PASS)
    return result;
  x->host->error (x->host, "%s passed, although it was given a password",
                  x->program.argv[0]);
  return VIRGATE_AUTH_NO;
}

static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_OUTSIDE,
  .decide = exec_decide,
  .password = exec_password,
  .wants_password = exec_wants_password,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "exec",
  .version = PACKAGE_VERSION,
  .summary = "a program of the site's decides",
  .options = options,
  .open = exec_open,
  .config = exec_config,
  .ready = exec_ready,
  .reload = exec_reload,
  .close = exec_close,
  .ops = &ops,
};
