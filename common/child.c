/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Running a program to its end; see child.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/child.h"
#include "common/cleanup.h"
#include "common/mem.h"

/* How often an old kernel is asked whether the program has ended. */
#define ASK_MS 20

/* A run under way. */
struct run {
  struct child *child;
  pid_t pid;
  int pidfd;                    /* -1: the kernel is too old */
  int out, err;                 /* what we read from */
  char line[CHILD_LINE_MAX];    /* of errors, so far */
  size_t line_len;
  unsigned lines;
};

/* What it reads is a file in memory: however slowly or little it reads,
 * nobody has to wait, and the kernel wipes it.
 */
static int
make_input (const void *data, size_t len)
{
  CLEANUP_CLOSE int fd = memfd_create ("input", MFD_CLOEXEC);
  const char *from = data;

  while (fd != -1 && len > 0) {
    ssize_t n = write (fd, from, len);

    if (n == -1 && errno != EINTR)
      return -1;
    from += MAX_OF (n, 0);
    len -= MAX_OF (n, 0);
  }
  if (fd != -1 && lseek (fd, 0, SEEK_SET) == -1)
    return -1;
  return steal_fd (&fd);
}

/* Our end does not block; the program's does. */
static int
make_pipe (int ends[2])
{
  if (pipe2 (ends, O_CLOEXEC) == -1)
    return -1;
  return fcntl (ends[0], F_SETFL, O_NONBLOCK);
}

static int
set_attributes (posix_spawnattr_t *attr)
{
  sigset_t all, none;

  sigfillset (&all);
  sigemptyset (&none);
  posix_spawnattr_setsigdefault (attr, &all);
  posix_spawnattr_setsigmask (attr, &none);
  return posix_spawnattr_setflags (attr, POSIX_SPAWN_SETSIGDEF
                                         | POSIX_SPAWN_SETSIGMASK
                                         | POSIX_SPAWN_SETSID);
}

static int
set_descriptors (posix_spawn_file_actions_t *actions, int in, int out,
                 int errors)
{
  int err = posix_spawn_file_actions_adddup2 (actions, in, 0);

  if (err == 0)
    err = posix_spawn_file_actions_adddup2 (actions, out, 1);
  if (err == 0)
    err = posix_spawn_file_actions_adddup2 (actions, errors, 2);
  if (err == 0)
    err = posix_spawn_file_actions_addclosefrom_np (actions, 3);
  if (err == 0)
    err = posix_spawn_file_actions_addchdir_np (actions, "/");
  return err;
}

/* 0, or an errno. */
static int
spawn (struct run *run, int in, int out, int errors)
{
  const struct child *child = run->child;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  int err;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attr);
  err = set_attributes (&attr);
  if (err == 0)
    err = set_descriptors (&actions, in, out, errors);
  if (err == 0)
    err = posix_spawn (&run->pid, child->argv[0], &actions, &attr,
                       child->argv, child->envp);
  posix_spawnattr_destroy (&attr);
  posix_spawn_file_actions_destroy (&actions);
  return err;
}

/* 0, or an errno. */
static int
start (struct run *run)
{
  CLEANUP_CLOSE int in = make_input (run->child->in, run->child->in_len);
  CLEANUP_CLOSE int out_end = -1;
  CLEANUP_CLOSE int err_end = -1;
  int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
  int err = 0;

  if (in == -1 || make_pipe (out) == -1 || make_pipe (errors) == -1)
    err = errno;
  run->out = out[0];
  run->err = errors[0];
  out_end = out[1];
  err_end = errors[1];
  if (err == 0)
    err = spawn (run, in, out_end, err_end);
  if (err == 0)
    run->pidfd = (int) syscall (SYS_pidfd_open, run->pid, 0);
  return err;
}

/* What it writes ---------------------------------------------------------- */

static void
end_line (struct run *run)
{
  run->line[run->line_len] = '\0';
  if (run->line_len > 0 && run->lines < CHILD_LINES_MAX && run->child->said) {
    run->child->said (run->child->opaque, run->line);
    run->lines++;
  }
  run->line_len = 0;
}

static void
add_to_line (struct run *run, char c)
{
  if (c == '\n')
    end_line (run);
  else if (run->line_len < sizeof run->line - 1)
    run->line[run->line_len++] = (unsigned char) c < ' ' || c == 127 ? ' ' : c;
}

/* How much more than a pipe's worth of errors is read in one go; a program
 * that writes for ever must not keep us from the clock.
 */
#define ERRORS_AT_ONCE 64

/* Take what is there, close the pipe at its end. */
static void
read_errors (struct run *run)
{
  char bytes[1024];

  for (int i = 0; i < ERRORS_AT_ONCE; i++) {
    ssize_t n = read (run->err, bytes, sizeof bytes);

    for (ssize_t j = 0; j < n; j++)
      add_to_line (run, bytes[j]);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0) {
      close (steal_fd (&run->err));
      return;
    }
  }
}

/* As above; false when it is more than there is room for. */
static bool
read_output (struct run *run)
{
  struct child *child = run->child;

  for (;;) {
    char more;
    size_t room = child->out_size - child->out_len;
    ssize_t n = read (run->out, room > 0 ? child->out + child->out_len : &more,
                      room > 0 ? room : 1);

    if (n > 0 && room == 0)
      return false;
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
      return true;
    if (n <= 0) {
      close (steal_fd (&run->out));
      return true;
    }
    child->out_len += (size_t) n;
  }
}

/* Waiting for it ---------------------------------------------------------- */

/* It stays a zombie, so that its number and its group's are still its own. */
static bool
has_ended (const struct run *run)
{
  siginfo_t info = { 0 };

  if (waitid (P_PID, (id_t) run->pid, &info, WEXITED | WNOHANG | WNOWAIT)
      == -1)
    return errno != EINTR;
  return info.si_pid == run->pid;
}

static int
poll_time (const struct run *run)
{
  int64_t left = run->child->deadline - now_ns ();
  int64_t ms = (MAX_OF (left, 0) + NS_PER_MS - 1) / NS_PER_MS;

  return (int) MIN_OF (ms, run->pidfd == -1 ? ASK_MS : 60000);
}

/* One wait; true when it is over, with *end set. */
static bool
wait_once (struct run *run, enum child_end *end)
{
  struct pollfd fds[] = {
    { .fd = run->pidfd, .events = POLLIN },
    { .fd = run->child->stop_fd, .events = POLLIN },
    { .fd = run->out, .events = POLLIN },
    { .fd = run->err, .events = POLLIN },
  };
  bool ended;

  if (poll (fds, COUNT_OF (fds), poll_time (run)) == -1)
    memset (fds, 0, sizeof fds);
  ended = has_ended (run);      /* first: all it wrote is in the pipes then */
  *end = CHILD_TOO_LONG;
  if (run->out != -1 && !read_output (run))
    return true;
  if (run->err != -1)
    read_errors (run);
  *end = CHILD_EXITED;
  if (ended)
    return true;
  *end = fds[1].revents ? CHILD_STOPPED : CHILD_TOO_SLOW;
  return fds[1].revents || now_ns () >= run->child->deadline;
}

/* How many generations are looked for, and bytes of one's numbers. */
#define DEPTH_MAX 16
#define CHILDREN_MAX 4096

/* End those below it that left its group, as what pam_exec starts does.  A
 * process that is stopped reaps nobody, so that the numbers stay theirs; whose
 * parent has ended already is not found.
 */
static void
kill_below (pid_t parent, int depth)
{
  CLEANUP_CLOSE int fd = -1;
  char path[64], text[CHILDREN_MAX], *at = text, *end;
  ssize_t len;

  kill (parent, SIGSTOP);
  snprintf (path, sizeof path, "/proc/%d/task/%d/children", (int) parent,
            (int) parent);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  len = fd == -1 ? -1 : read (fd, text, sizeof text - 1);
  text[MAX_OF (len, 0)] = '\0';
  for (long pid; (pid = strtol (at, &end, 10)) > 1 && *end == ' '; at = end) {
    if (depth > 0)
      kill_below ((pid_t) pid, depth - 1);
    kill ((pid_t) pid, SIGKILL);
  }
}

/* End it with its group and take its status. */
static enum child_end
reap (struct run *run, enum child_end end)
{
  int status = 0;
  pid_t pid;

  if (end != CHILD_EXITED)
    kill_below (run->pid, DEPTH_MAX);
  kill (-run->pid, SIGKILL);
  kill (run->pid, SIGKILL);
  do
    pid = waitpid (run->pid, &status, 0);
  while (pid == -1 && errno == EINTR);
  if (end != CHILD_EXITED)
    return end;
  if (pid == -1) {              /* the host has all children reaped unseen */
    run->child->status = errno;
    return CHILD_FAILED;
  }
  run->child->status = WIFSIGNALED (status) ? WTERMSIG (status)
                                            : WEXITSTATUS (status);
  return WIFSIGNALED (status) ? CHILD_KILLED : CHILD_EXITED;
}

enum child_end
child_run (struct child *child)
{
  struct run run = { .child = child, .pidfd = -1, .out = -1, .err = -1 };
  enum child_end end = CHILD_FAILED;

  child->out_len = 0;
  child->status = start (&run);
  if (child->status == 0) {
    while (!wait_once (&run, &end))
      ;
    end_line (&run);
    end = reap (&run, end);
  }
  cleanup_close (&run.pidfd);
  cleanup_close (&run.out);
  cleanup_close (&run.err);
  return end;
}

void
child_describe (const struct child *child, enum child_end end, char *text,
                size_t size)
{
  switch (end) {
  case CHILD_EXITED:
    snprintf (text, size, "exited with status %d", child->status);
    break;
  case CHILD_KILLED:
    snprintf (text, size, "was killed by signal %d", child->status);
    break;
  case CHILD_TOO_SLOW:
    snprintf (text, size, "took too long");
    break;
  case CHILD_TOO_LONG:
    snprintf (text, size, "wrote more than %zu bytes", child->out_size);
    break;
  case CHILD_STOPPED:
    snprintf (text, size, "was stopped");
    break;
  case CHILD_FAILED:
    snprintf (text, size, "could not be run: %s", strerror (child->status));
    break;
  }
}
