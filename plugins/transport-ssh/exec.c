/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The backend that runs the system's ssh: its config, its agent, its hardware
 * keys.  The program gets no terminal, so it never asks there; SSH_ASKPASS is
 * its own business.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "client.h"

extern char **environ;

#define ARGS_MAX 48
#define TEXTS_MAX 8             /* arguments that are made up */
#define END_WAIT_MS 200         /* for a program that was told to end */

struct exec {
  struct ssh_pipe pipe;
  pid_t pid;                    /* 0: it has been waited for */
  int status;                   /* of waitpid */
  int err;                      /* its standard error */
  char said[1024];              /* the end of what it said there */
  size_t said_len;
  char name[64];                /* of the program, for messages */
};

/* The program's end -------------------------------------------------------- */

static void
wait_ms (int ms)
{
  struct timespec wait = { ms / 1000, ms % 1000 * NS_PER_MS };

  nanosleep (&wait, NULL);
}

/* Has it ended?  Waits for that at most so long. */
static bool
reap (struct exec *exec, int ms)
{
  for (;; ms -= 5) {
    pid_t pid = exec->pid ? waitpid (exec->pid, &exec->status, WNOHANG) : 0;

    if (pid == exec->pid || (pid == -1 && errno == ECHILD)) {
      exec->pid = 0;
      return true;
    }
    if (ms <= 0)
      return false;
    wait_ms (5);
  }
}

static void
exec_close (struct ssh_pipe *pipe)
{
  struct exec *exec = container_of (pipe, struct exec, pipe);
  pid_t group = exec->pid;

  if (group && !reap (exec, 0)) {
    kill (-group, SIGTERM);
    if (!reap (exec, END_WAIT_MS)) {
      kill (-group, SIGKILL);
      while (exec->pid && waitpid (exec->pid, NULL, 0) == -1
             && errno == EINTR)
        ;
    }
  }
  close (exec->err);
  close (exec->pipe.fd);
  free (exec);
}

/* Keep the end of what it said. */
static void
drain_errors (struct exec *exec)
{
  char data[1024];
  ssize_t n;

  while ((n = read (exec->err, data, sizeof data)) > 0) {
    size_t keep = MIN_OF (exec->said_len, sizeof exec->said - n);

    memmove (exec->said, exec->said + exec->said_len - keep, keep);
    memcpy (exec->said + keep, data, n);
    exec->said_len = keep + n;
  }
}

/* What to do about what ssh says. */
static const char *
advice (const char *said)
{
  static const struct {
    const char *said, *advice;
  } table[] = {
    { "REMOTE HOST IDENTIFICATION HAS CHANGED",
      "; its key changed: if that is right, remove the old one with "
      "ssh-keygen -R" },
    { "Host key verification failed",
      "; connect once with ssh and check the key, or add "
      "known_hosts_verify=auto" },
    { "Permission denied",
      "; is the key in the agent (ssh-add -l), and in the account's "
      "authorized_keys?" },
    { "command not found", "; install it there, or name another with proxy=" },
  };

  for (size_t i = 0; i < COUNT_OF (table); i++)
    if (strstr (said, table[i].said))
      return table[i].advice;
  return "";
}

static void
exec_why (struct ssh_pipe *pipe, char *text, size_t size)
{
  struct exec *exec = container_of (pipe, struct exec, pipe);
  char said[600], whole[sizeof exec->said + 1];
  size_t len;

  reap (exec, END_WAIT_MS);
  drain_errors (exec);
  answer_quote (exec->said, exec->said_len, said, sizeof said);
  answer_quote (exec->said, exec->said_len, whole, sizeof whole);
  if (exec->pid)
    len = snprintf (text, size, "%s closed the connection", exec->name);
  else if (WIFSIGNALED (exec->status))
    len = snprintf (text, size, "%s was ended by signal %d", exec->name,
                    WTERMSIG (exec->status));
  else
    len = snprintf (text, size, "%s ended with status %d", exec->name,
                    WEXITSTATUS (exec->status));
  if (said[0] && len < size)
    snprintf (text + len, size - len, ": %s%s", said, advice (whole));
}

static const struct ssh_pipe_ops exec_ops = {
  .why = exec_why,
  .close = exec_close,
};

/* Its arguments ------------------------------------------------------------ */

struct vector {
  const char *argv[ARGS_MAX];
  int argc;
  char *text[TEXTS_MAX];        /* malloc'ed */
  int texts;
  bool failed;
};

static void
vector_free (struct vector *v)
{
  while (v->texts > 0)
    free (v->text[--v->texts]);
}

static void
add (struct vector *v, const char *arg)
{
  v->argv[v->argc++] = arg;
}

static void
add_text (struct vector *v, const char *option, char *text)
{
  if (text == NULL) {
    v->failed = true;
    return;
  }
  v->text[v->texts++] = text;
  if (option)
    add (v, option);
  add (v, text);
}

/* -o NAME=VALUE */
static void
add_option (struct vector *v, const char *name, const char *value)
{
  char *text;

  add_text (v, "-o",
            asprintf (&text, "%s=%s", name, value) == -1 ? NULL : text);
}

/* libvirt's words for ways to log in are ssh's, but for two. */
static char *
preferred (const char *auth)
{
  bool key = strstr (auth, "agent") || strstr (auth, "privkey");
  char *text = malloc (strlen (auth) + sizeof "publickey,");
  char *to = text;

  if (text == NULL)
    return NULL;
  *to = '\0';
  if (key)
    to = stpcpy (to, "publickey");
  while (*auth) {
    size_t len = strcspn (auth, ",");

    if ((len == 8 && memcmp (auth, "password", len) == 0)
        || (len == 20 && memcmp (auth, "keyboard-interactive", len) == 0)) {
      if (to > text)
        *to++ = ',';
      to = mempcpy (to, auth, len);
      *to = '\0';
    }
    auth += len + (auth[len] == ',');
  }
  return text;
}

static void
add_checks (struct vector *v, const struct ssh_request *request)
{
  const char *verify = request->word[SSH_VERIFY];
  bool no_verify = ssh_is_yes (request, SSH_NO_VERIFY);

  if (request->word[SSH_KNOWN_HOSTS])
    add_option (v, "UserKnownHostsFile", request->word[SSH_KNOWN_HOSTS]);
  if (no_verify || (verify && strcmp (verify, "ignore") == 0)) {
    add_option (v, "StrictHostKeyChecking", "no");
    if (!no_verify) {
      add_option (v, "UserKnownHostsFile", "/dev/null");
    }
  }
  else if (verify && strcmp (verify, "auto") == 0) {
    add_option (v, "StrictHostKeyChecking", "accept-new");
  }
}

static void
add_login (struct vector *v, const struct ssh_request *request)
{
  const struct virgate_uri *uri = request->uri;
  const char *auth = request->word[SSH_AUTH];
  char *port;

  if (request->word[SSH_CONFIG]) {
    add (v, "-F");
    add (v, request->word[SSH_CONFIG]);
  }
  if (uri->port)
    add_text (v, "-p", asprintf (&port, "%u", uri->port) == -1 ? NULL : port);
  if (uri->user) {
    add (v, "-l");
    add (v, uri->user);
  }
  if (request->word[SSH_KEYFILE]) {
    add (v, "-i");
    add (v, request->word[SSH_KEYFILE]);
  }
  if (request->word[SSH_PROXY_JUMP]) {
    add (v, "-J");
    add (v, request->word[SSH_PROXY_JUMP]);
  }
  if (auth) {
    CLEANUP_FREE char *list = preferred (auth);

    if (list == NULL)
      v->failed = true;
    else
      add_option (v, "PreferredAuthentications", list);
    if (strstr (auth, "agent") == NULL) {
      add_option (v, "IdentityAgent", "none");
    }
  }
}

static void
make_vector (struct vector *v, const struct ssh_request *request)
{
  const char *command = request->word[SSH_COMMAND];
  int64_t left = (request->deadline - now_ns ()) / NS_PER_S;
  char seconds[32];

  add (v, command ? command : "ssh");
  add_login (v, request);
  add (v, "-T");
  add (v, "-e");
  add (v, "none");
  if (ssh_is_yes (request, SSH_NO_TTY)) {
    add_option (v, "BatchMode", "yes");
  }
  if (request->deadline != INT64_MAX) {
    snprintf (seconds, sizeof seconds, "%lld",
              (long long) MAX_OF (left, (int64_t) 1));
    add_option (v, "ConnectTimeout", seconds);
  }
  add_checks (v, request);
  add (v, "--");
  add (v, ssh_host_of (request));
  add_text (v, NULL, far_command (request, far_ways (request)
                                           & ~FAR_STREAMLOCAL));
  add (v, NULL);
}

/* Starting it -------------------------------------------------------------- */

/* A session of its own: no terminal, and one group to end. */
static int
spawn (struct exec *exec, const struct vector *v, int fd, int err)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  sigset_t none, all;
  int result;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_init (&attr);
  posix_spawnattr_setflags (&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK
                                   | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask (&attr, &none);
  posix_spawnattr_setsigdefault (&attr, &all);
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, fd, 0);
  posix_spawn_file_actions_adddup2 (&actions, fd, 1);
  posix_spawn_file_actions_adddup2 (&actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np (&actions, 3);
  result = posix_spawnp (&exec->pid, v->argv[0], &actions, &attr,
                         (char **) v->argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attr);
  if (result != 0)
    exec->pid = 0;
  return result;
}

static int
start (const struct ssh_request *request, struct exec *exec,
       const struct vector *v)
{
  CLEANUP_CLOSE int far_fd = -1;
  CLEANUP_CLOSE int far_err = -1;
  int fds[2], result;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
    return ssh_fail (request->ssh, "socketpair: %s", strerror (errno));
  exec->pipe.fd = fds[0];
  far_fd = fds[1];
  if (pipe2 (fds, O_CLOEXEC) == -1)
    return ssh_fail (request->ssh, "pipe: %s", strerror (errno));
  exec->err = fds[0];
  far_err = fds[1];
  if (fcntl (exec->pipe.fd, F_SETFL, O_RDWR | O_NONBLOCK) == -1
      || fcntl (exec->err, F_SETFL, O_NONBLOCK) == -1)
    return ssh_fail (request->ssh, "fcntl: %s", strerror (errno));
  result = spawn (exec, v, far_fd, far_err);
  if (result != 0)
    return ssh_fail (request->ssh, "cannot run %s: %s%s", v->argv[0],
                     strerror (result), result == ENOENT
                     ? "; install OpenSSH's client, or name it by command="
                     : "");
  return 0;
}

static struct exec *
exec_new (const struct vector *v)
{
  struct exec *exec = calloc (1, sizeof *exec);
  const char *slash = strrchr (v->argv[0], '/');

  if (exec == NULL)
    return NULL;
  exec->pipe = (struct ssh_pipe) { -1, &exec_ops };
  exec->err = -1;
  snprintf (exec->name, sizeof exec->name, "%.60s",
            slash ? slash + 1 : v->argv[0]);
  return exec;
}

int
ssh_exec_connect (const struct ssh_request *request, void **conn)
{
  CLEANUP (vector_free) struct vector v = { .argc = 0 };
  struct answer_state state = { .data = NULL };
  const struct ssh *ssh = request->ssh;
  char why[SSH_WHY_MAX];
  struct exec *exec;
  bool is_silent = false;
  int result;

  make_vector (&v, request);
  exec = v.failed ? NULL : exec_new (&v);
  if (exec == NULL)
    return ssh->host->error (ssh->host, "out of memory");
  result = start (request, exec, &v);
  if (result == 0) {
    result = ssh_await_answer (&exec->pipe, &state, request->deadline,
                               &is_silent, why, sizeof why);
    if (result == 1)
      ssh_fail (ssh, "ssh to %s: there is no way to a daemon: %s",
                ssh_host_of (request), why);
    else if (result == -1)
      ssh_fail (ssh, "ssh to %s: %s", ssh_host_of (request), why);
  }
  if (result == 0) {
    *conn = ssh_client_new (ssh, &exec->pipe, &state, ssh_host_of (request));
    if (*conn)
      return 0;
    ssh->host->error (ssh->host, "out of memory");
  }
  free (state.data);
  exec_close (&exec->pipe);
  return -1;
}
