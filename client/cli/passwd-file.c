/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The password file of `virgate passwd`; see passwd.h.  It is replaced, never
 * written into: whoever reads it finds the old one or the new one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "passwd.h"

/* How long another editor is waited for. */
#define LOCK_MAX_S 10
#define LOCK_AGAIN_MS 20

static int
fail (const struct passwd *p, const char *what)
{
  return cmd_fail (p->cmd, STATUS_FAILED, "cannot %s %s: %s", what, p->path,
                   strerror (errno));
}

/* Reading ------------------------------------------------------------------ */

/* Is what we have open still the file of this name? */
static bool
is_current (const struct passwd *p, int fd)
{
  struct stat open_one, named;

  return fstat (fd, &open_one) == 0 && stat (p->path, &named) == 0
         && open_one.st_dev == named.st_dev
         && open_one.st_ino == named.st_ino;
}

/* 0, or -1 with errno. */
static int
wait_for_lock (int fd)
{
  const struct timespec again = { 0, LOCK_AGAIN_MS * NS_PER_MS };
  int64_t end = now_ns () + LOCK_MAX_S * NS_PER_S;

  while (flock (fd, LOCK_EX | LOCK_NB) == -1) {
    if (errno != EWOULDBLOCK || now_ns () > end)
      return -1;
    nanosleep (&again, NULL);
  }
  return 0;
}

/* Open, and lock the file that is there then.  1: there is none. */
static int
open_file (struct passwd *p, bool lock)
{
  for (;;) {
    p->fd = open (p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (p->fd == -1)
      return errno == ENOENT ? 1 : fail (p, "open");
    if (!lock)
      return 0;
    if (wait_for_lock (p->fd) == -1)
      return fail (p, "lock");
    if (is_current (p, p->fd))
      return 0;
    close (steal_fd (&p->fd));
  }
}

static int
check_file (const struct passwd *p, struct stat *st)
{
  if (fstat (p->fd, st) == -1)
    return fail (p, "look at");
  if (!S_ISREG (st->st_mode))
    return cmd_fail (p->cmd, STATUS_FAILED, "%s is not a file", p->path);
  if (st->st_mode & 0037)
    return cmd_fail (p->cmd, STATUS_FAILED, "others can read or write %s "
                     "(mode %04o): chmod 0600", p->path,
                     (unsigned) st->st_mode & 07777);
  if (st->st_size > USERS_FILE_MAX)
    return cmd_fail (p->cmd, STATUS_FAILED, "%s is larger than %d bytes",
                     p->path, USERS_FILE_MAX);
  return 0;
}

static int
read_file_text (struct passwd *p)
{
  struct stat st;
  ssize_t n = 1;

  if (check_file (p, &st) == -1)
    return -1;
  p->text = must_alloc (p->text, (size_t) st.st_size + 1, 1);
  while (n > 0 && p->len < (size_t) st.st_size) {
    n = read (p->fd, p->text + p->len, (size_t) st.st_size - p->len);
    if (n == -1 && errno == EINTR)
      n = 1;
    else if (n > 0)
      p->len += n;
  }
  p->text[p->len] = '\0';
  return n == -1 ? fail (p, "read") : 0;
}

int
passwd_open (struct passwd *passwd, struct cmd *cmd, const char *path,
             bool lock)
{
  char real[PATH_MAX];
  int result;

  *passwd = (struct passwd) { .cmd = cmd, .fd = -1 };
  passwd->path = must_strdup (realpath (path, real) ? real : path);
  passwd->text = must_strdup ("");
  result = open_file (passwd, lock);
  return result == 0 ? read_file_text (passwd) : result == 1 ? 0 : -1;
}

void
passwd_close (struct passwd *passwd)
{
  cleanup_close (&passwd->fd);
  wipe (passwd->text, passwd->len);
  free (passwd->text);
  free (passwd->path);
}

/* Lines -------------------------------------------------------------------- */

/* The next line, without its end; moves *at behind it. */
static bool
next_line (const char **at, const char *end, const char **line, size_t *len)
{
  const char *stop;

  if (*at >= end)
    return false;
  stop = memchr (*at, '\n', end - *at);
  *line = *at;
  *len = (stop ? stop : end) - *at;
  *at = stop ? stop + 1 : end;
  return true;
}

static bool
is_of (const char *line, size_t len, const char *name)
{
  size_t name_len = strlen (name);

  return len > name_len && line[name_len] == ':'
         && memcmp (line, name, name_len) == 0;
}

bool
passwd_find (const struct passwd *passwd, const char *name,
             struct user *user, char line[USERS_LINE_MAX])
{
  const char *at = passwd->text, *end = at + passwd->len, *text;
  size_t len;

  while (next_line (&at, end, &text, &len)) {
    if (!is_of (text, len, name) || len >= USERS_LINE_MAX)
      continue;
    memcpy (line, text, len);
    line[len] = '\0';
    if (user_parse (line, user) == NULL && user->name)
      return true;
  }
  return false;
}

static void
must_append (struct buf *buf, const char *text, size_t len)
{
  if (buf_append (buf, text, len) == -1)
    abort ();
}

static void
put_line (struct buf *out, const char *text, size_t len)
{
  must_append (out, text, len);
  must_append (out, "\n", 1);
}

static void
put_user (struct buf *out, const char *name, const struct verifier *verifier,
          const char *groups)
{
  char text[VERIFIER_TEXT_MAX];
  CLEANUP_FREE char *line = NULL;

  verifier_format (verifier, text);
  line = must_format ("%s:%s%s%s", name, text, *groups ? ":" : "", groups);
  put_line (out, line, strlen (line));
}

/* Somebody whom nobody can be. */
static int
put_nobody (struct passwd *p, struct buf *out, uint32_t iterations)
{
  char random[SCRAM_KEY];
  struct verifier verifier;
  int result = scram_random (random, sizeof random);

  if (result == 0)
    result = verifier_make (&verifier, random, sizeof random, iterations);
  wipe (random, sizeof random);
  if (result == -1)
    return cmd_fail (p->cmd, STATUS_FAILED, "no random numbers");
  put_user (out, USER_NOBODY, &verifier, "");
  return 0;
}

/* All lines with the change in them. */
static int
rewrite (struct passwd *p, const struct change *change,
         const struct user *old, struct buf *out)
{
  const struct verifier *verifier = change->verifier ? change->verifier
                                                     : &old->verifier;
  const char *groups = change->groups ? change->groups
                       : old ? old->groups : "";
  const char *at = p->text, *end = at + p->len, *line;
  bool has_nobody = false, is_done = change->is_removed;
  size_t len;

  while (next_line (&at, end, &line, &len)) {
    bool is_user = is_of (line, len, change->name);

    has_nobody |= is_of (line, len, USER_NOBODY);
    if (!is_user)
      put_line (out, line, len);
    else if (!is_done) {
      put_user (out, change->name, verifier, groups);
      is_done = true;
    }
  }
  if (!is_done)
    put_user (out, change->name, verifier, groups);
  return has_nobody || change->is_removed
         ? 0 : put_nobody (p, out, verifier->iterations);
}

int
passwd_change (struct passwd *passwd, const struct change *change)
{
  CLEANUP (buf_free) struct buf out = BUF_INIT;
  char line[USERS_LINE_MAX], why[512];
  struct users *users;
  struct user old;
  bool is_there = passwd_find (passwd, change->name, &old, line);

  if (is_there && change->must_be_new)
    return cmd_fail (passwd->cmd, STATUS_FAILED, "user '%s' is in %s already;"
                     " passwd change gives a new password", change->name,
                     passwd->path);
  if (!is_there && !change->must_be_new)
    return cmd_fail (passwd->cmd, STATUS_FAILED, "there is no user '%s' in "
                     "%s", change->name, passwd->path);
  if (rewrite (passwd, change, is_there ? &old : NULL, &out) == -1)
    return -1;
  /* Never write what the daemon would refuse. */
  must_append (&out, "", 1);
  users = users_parse (buf_data (&out), buf_len (&out) - 1, passwd->path,
                       why, sizeof why);
  if (users == NULL)
    return cmd_fail (passwd->cmd, STATUS_FAILED, "%s; nothing was changed",
                     why);
  users_unref (users);
  free (passwd->text);
  passwd->len = buf_len (&out) - 1;
  passwd->text = steal_pointer (&out.base);
  return 0;
}

/* Writing ------------------------------------------------------------------ */

/* Owner and mode are those of the old file. */
static int
take_after (const struct passwd *p, int fd)
{
  struct stat old, fresh;

  if (p->fd == -1)
    return fchmod (fd, 0600);
  if (fstat (p->fd, &old) == -1 || fstat (fd, &fresh) == -1)
    return -1;
  if ((old.st_uid != fresh.st_uid || old.st_gid != fresh.st_gid)
      && fchown (fd, old.st_uid, old.st_gid) == -1)
    return -1;
  return fchmod (fd, old.st_mode & 07777);
}

static int
write_new (const struct passwd *p, const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                               0600);
  size_t at = 0;

  if (fd == -1 || take_after (p, fd) == -1)
    return -1;
  while (at < p->len) {
    ssize_t n = write (fd, p->text + at, p->len - at);

    if (n == -1 && errno != EINTR)
      return -1;
    at += n == -1 ? 0 : n;
  }
  return fsync (fd);
}

/* Its folder: made when it is not there, and synced. */
static int
open_folder (const struct passwd *p)
{
  CLEANUP_FREE char *path = must_strdup (p->path);
  char *slash = strrchr (path, '/');

  if (slash)
    *(slash == path ? slash + 1 : slash) = '\0';
  if (slash && mkdir (path, 0755) == -1 && errno != EEXIST)
    return -1;
  return open (slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
passwd_save (struct passwd *passwd)
{
  CLEANUP_FREE char *fresh = must_format ("%s.new-%ld", passwd->path,
                                          (long) getpid ());
  CLEANUP_CLOSE int folder = open_folder (passwd);
  bool is_new = passwd->fd == -1;

  if (folder == -1)
    return fail (passwd, "find the folder of");
  if (write_new (passwd, fresh) == 0
      && (is_new ? link (fresh, passwd->path)
                 : rename (fresh, passwd->path)) == 0) {
    if (is_new)
      unlink (fresh);
    return fsync (folder) == -1 ? fail (passwd, "sync the folder of") : 0;
  }
  fail (passwd, "write");
  unlink (fresh);
  return is_new && access (passwd->path, F_OK) == 0 ? 1 : -1;
}
