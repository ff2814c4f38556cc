/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The password file in memory; see users.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "users.h"

/* All that is kept of a file. */
#define USERS_MEMORY_MAX (4 * (size_t) USERS_FILE_MAX)

/* Lines -------------------------------------------------------------------- */

const char *
user_check_name (const char *name)
{
  char prepared[USER_NAME_MAX + 1];
  size_t len = strlen (name);
  int got = text_prepare (name, len, prepared, sizeof prepared);

  if (len == 0)
    return "a user needs a name";
  if (got < 0)
    return "a user's name is UTF-8 of at most 255 bytes, without control "
           "characters";
  if ((size_t) got != len || memcmp (name, prepared, len) != 0)
    return "a user's name is written with composed characters and plain "
           "spaces";
  if (strchr (name, ':') || *name == '#' || *name == ' '
      || name[len - 1] == ' ')
    return "a user's name has no ':' in it, no '#' in front and no space at "
           "its ends";
  return NULL;
}

static const char *
user_check_group (const char *group, size_t len)
{
  if (len == 0 || len > USER_NAME_MAX)
    return "a group's name has from 1 to 255 bytes";
  for (size_t i = 0; i < len; i++)
    if ((unsigned char) group[i] <= ' ' || group[i] == 0x7f
        || strchr (":,", group[i]))
      return "a group's name has no spaces, control characters, ':' or ',' "
             "in it";
  return NULL;
}

static const char *
check_groups (const char *groups)
{
  size_t count = 0;

  while (*groups) {
    size_t len = strcspn (groups, ",");
    const char *wrong = user_check_group (groups, len);

    if (wrong)
      return wrong;
    if (++count > USER_GROUPS_MAX)
      return "a user is in at most 64 groups";
    groups += len;
    if (*groups == ',' && *++groups == '\0')
      return "the groups end in a comma";
  }
  return NULL;
}

/* Cut the line after the third colon of the verifier; what follows. */
static char *
split_groups (char *verifier)
{
  char *at = verifier;

  for (int colons = 0; *at; at++)
    if (*at == ':' && ++colons == 3) {
      *at = '\0';
      return at + 1;
    }
  return at;
}

const char *
user_parse (char *line, struct user *user)
{
  char *verifier;
  const char *wrong;

  user->name = NULL;
  line[strcspn (line, "\r\n")] = '\0';
  if (line[strspn (line, " \t")] == '\0' || *line == '#')
    return NULL;
  verifier = strchr (line, ':');
  if (verifier == NULL)
    return "is not USER:VERIFIER:GROUPS";
  *verifier++ = '\0';
  wrong = user_check_name (line);
  if (wrong)
    return wrong;
  user->groups = split_groups (verifier);
  wrong = check_groups (user->groups);
  if (wrong == NULL)
    wrong = verifier_parse (&user->verifier, verifier);
  if (wrong == NULL)
    user->name = line;
  return wrong;
}

/* Files -------------------------------------------------------------------- */

struct reading {
  struct users *users;
  const char *name;
  unsigned line;
  char *why;
  size_t size;
};

static int __attribute__ ((format (printf, 2, 3)))
complain (struct reading *r, const char *fmt, ...)
{
  int len = r->line ? snprintf (r->why, r->size, "%s:%u: ", r->name, r->line)
                    : snprintf (r->why, r->size, "%s: ", r->name);
  va_list args;

  if (len > 0 && (size_t) len < r->size) {
    va_start (args, fmt);
    vsnprintf (r->why + len, r->size - len, fmt, args);
    va_end (args);
  }
  return -1;
}

static int
add_user (struct reading *r, const struct user *user)
{
  struct users *users = r->users;
  struct user *to = &users->list[users->count];

  if (strcmp (user->name, USER_NOBODY) == 0) {
    memcpy (users->secret, user->verifier.server_key, SCRAM_KEY);
    return 0;
  }
  *to = *user;
  to->name = arena_strndup (&users->arena, user->name, strlen (user->name));
  to->groups = arena_strndup (&users->arena, user->groups,
                              strlen (user->groups));
  if (to->name == NULL || to->groups == NULL)
    return complain (r, "out of memory");
  users->count++;
  return 0;
}

static int
read_line (struct reading *r, const char *text, size_t len)
{
  char line[USERS_LINE_MAX];
  struct user user;
  const char *wrong;

  r->line++;
  if (len >= sizeof line)
    return complain (r, "the line is longer than %d bytes",
                     USERS_LINE_MAX - 1);
  memcpy (line, text, len);
  line[len] = '\0';
  if (strlen (line) != len)
    return complain (r, "there is a NUL in the line");
  wrong = user_parse (line, &user);
  if (wrong)
    return complain (r, "%s", wrong);
  return user.name ? add_user (r, &user) : 0;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (((const struct user *) a)->name,
                 ((const struct user *) b)->name);
}

static int
sort (struct reading *r)
{
  struct users *users = r->users;

  if (users->count > 0)
    qsort (users->list, users->count, sizeof *users->list, by_name);
  r->line = 0;
  for (size_t i = 1; i < users->count; i++)
    if (by_name (&users->list[i - 1], &users->list[i]) == 0)
      return complain (r, "user '%s' is there twice", users->list[i].name);
  return 0;
}

static size_t
count_lines (const char *text, size_t len)
{
  size_t count = 1;

  for (const char *at = text; (at = memchr (at, '\n', text + len - at)); at++)
    count++;
  return count;
}

static int
read_all (struct reading *r, const char *text, size_t len)
{
  struct users *users = r->users;
  const char *end = text + len;

  users->list = arena_array (&users->arena, count_lines (text, len),
                             sizeof *users->list);
  if (users->list == NULL)
    return complain (r, "more lines than there is memory for");
  while (text < end) {
    const char *stop = memchr (text, '\n', end - text);

    if (stop == NULL)
      stop = end;
    if (read_line (r, text, stop - text) == -1)
      return -1;
    text = stop + 1;
  }
  return sort (r);
}

struct users *
users_parse (const char *text, size_t len, const char *name, char *why,
             size_t size)
{
  struct users *users = calloc (1, sizeof *users);
  struct reading r = { .users = users, .name = name, .why = why,
                       .size = size };

  if (users == NULL) {
    complain (&r, "out of memory");
    return NULL;
  }
  users->refs = 1;
  arena_init (&users->arena, USERS_MEMORY_MAX);
  if (scram_random (users->secret, sizeof users->secret) == -1
      ? complain (&r, "no random numbers") == 0
      : read_all (&r, text, len) == 0)
    return users;
  users_unref (users);
  return NULL;
}

/* Nobody but root and we may be able to read or write it. */
static int
check_file (struct reading *r, int fd, size_t *len)
{
  struct stat st;

  if (fstat (fd, &st) == -1)
    return complain (r, "%m");
  if (!S_ISREG (st.st_mode))
    return complain (r, "is not a file");
  if (st.st_uid != 0 && st.st_uid != geteuid ())
    return complain (r, "belongs to user %u, neither root nor who runs this",
                     (unsigned) st.st_uid);
  if ((st.st_mode & 0037)
      || ((st.st_mode & 0040) && st.st_gid != getegid ()))
    return complain (r, "others can read or write it (mode %04o): chmod 0600",
                     (unsigned) st.st_mode & 07777);
  if (st.st_size > USERS_FILE_MAX)
    return complain (r, "is larger than %d bytes", USERS_FILE_MAX);
  *len = (size_t) st.st_size;
  return 0;
}

static char *
read_text (struct reading *r, int fd, size_t *len)
{
  char *text = malloc (*len + 1);
  size_t got = 0;
  ssize_t n = 1;

  if (text == NULL)
    complain (r, "out of memory");
  while (text && got < *len && n > 0) {
    n = read (fd, text + got, *len - got);
    if (n == -1 && errno == EINTR)
      n = 1;
    else if (n > 0)
      got += n;
  }
  if (text && n == -1) {
    complain (r, "%m");
    free (steal_pointer (&text));
  }
  *len = got;
  return text;
}

struct users *
users_load (const char *path, char *why, size_t size)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                               | O_NOCTTY);
  struct reading r = { .name = path, .why = why, .size = size };
  struct users *users = NULL;
  size_t len = 0;
  char *text;

  if (fd == -1) {
    complain (&r, "%m%s", errno == ENOENT
              ? ": make it with `virgate passwd add USER`" : "");
    return NULL;
  }
  if (check_file (&r, fd, &len) == -1)
    return NULL;
  text = read_text (&r, fd, &len);
  if (text) {
    users = users_parse (text, len, path, why, size);
    wipe (text, len);
  }
  free (text);
  return users;
}

struct users *
users_ref (struct users *users)
{
  __atomic_fetch_add (&users->refs, 1, __ATOMIC_RELAXED);
  return users;
}

void
users_unref (struct users *users)
{
  if (users == NULL
      || __atomic_sub_fetch (&users->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (users->list)
    wipe (users->list, users->count * sizeof *users->list);
  wipe (users->secret, sizeof users->secret);
  arena_free (&users->arena);
  free (users);
}

/* Looking up --------------------------------------------------------------- */

/* Where the name is, or would be; as many steps in any case. */
static size_t
place_of (const struct users *users, const char *name)
{
  size_t low = 0;

  for (size_t left = users->count; left > 0; left /= 2) {
    size_t half = left - left / 2;
    size_t next = low + half;

    if (strcmp (users->list[next - 1].name, name) < 0)
      low = next;
  }
  return low;
}

/* Somebody whom no password fits.  Iterations and the salt's length are those
 * of one of the users, by the name: where all have the same, so has nobody.
 */
static void
make_up (const struct users *users, const char *name, struct user *nobody)
{
  struct verifier *v = &nobody->verifier;
  uint8_t made[4][SCRAM_KEY];
  uint64_t pick;

  scram_hmac (users->secret, SCRAM_KEY, name, strlen (name), made[0]);
  for (int i = 1; i < 4; i++)
    scram_hmac (users->secret, SCRAM_KEY, made[i - 1], SCRAM_KEY, made[i]);
  *nobody = (struct user) { .name = name, .groups = "" };
  v->iterations = ITERATIONS_DEFAULT;
  v->salt_len = SALT_LEN;
  memcpy (&pick, made[3], sizeof pick);
  if (users->count > 0) {
    const struct user *like = &users->list[pick % users->count];

    v->iterations = like->verifier.iterations;
    v->salt_len = like->verifier.salt_len;
  }
  memcpy (v->salt, made, v->salt_len);
  memcpy (v->stored_key, made[2], SCRAM_KEY);
  memcpy (v->server_key, made[2], SCRAM_KEY);
  wipe (made, sizeof made);
}

bool
users_find (const struct users *users, const char *name, struct user *found)
{
  size_t place = place_of (users, name);
  const struct user *user = place < users->count ? &users->list[place] : NULL;
  bool is_there = user && strcmp (user->name, name) == 0;
  struct user nobody;

  make_up (users, name, &nobody);
  *found = is_there ? *user : nobody;
  wipe (&nobody, sizeof nobody);
  return is_there;
}
