/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading ssh_config(5): blocks, files that files include, and the first
 * value of each option that is known here.  Options that are not known are
 * passed over, for most of them do not concern a connection like ours; what
 * cannot be decided without running something ends the reading with an error.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "sshconf.h"

#define SYSTEM_FILE "/etc/ssh/ssh_config"

/* One look into the files. */
struct reading {
  struct sshconf *conf;
  const struct sshconf_query *query;
  int files;                    /* read so far */
  char *why;
  size_t size;
};

/* One file, and where in it we are. */
struct place {
  struct reading *reading;
  const char *name, *folder;
  unsigned line;
  int depth;
  bool is_active;               /* the block is about our host */
  bool is_users;                /* not the system's */
};

/* The words of one line, after its keyword. */
struct args {
  char *word[SSHCONF_ARGS_MAX];
  int count;
};

static int fail (const struct place *place, const char *fmt, ...)
  __attribute__ ((format (printf, 2, 3)));

static int
fail (const struct place *place, const char *fmt, ...)
{
  struct reading *r = place->reading;
  va_list args;
  int len;

  len = snprintf (r->why, r->size, "%s:%u: ", place->name, place->line);
  if (len < 0 || (size_t) len >= r->size)
    return -1;
  va_start (args, fmt);
  vsnprintf (r->why + len, r->size - len, fmt, args);
  va_end (args);
  return -1;
}

/* Values ------------------------------------------------------------------- */

static const struct {
  const char *keyword;
  enum sshconf_option option;
  bool is_list;                 /* takes all the words of its line */
} keywords[] = {
  { "hostname", CONF_HOSTNAME },
  { "port", CONF_PORT },
  { "user", CONF_USER },
  { "identitiesonly", CONF_IDENTITIES_ONLY },
  { "identityagent", CONF_IDENTITY_AGENT },
  { "userknownhostsfile", CONF_USER_KNOWN, true },
  { "globalknownhostsfile", CONF_GLOBAL_KNOWN, true },
  { "stricthostkeychecking", CONF_STRICT },
  { "hostkeyalias", CONF_HOST_KEY_ALIAS },
  { "proxyjump", CONF_PROXY_JUMP },
  { "proxycommand", CONF_PROXY_COMMAND, true },
  { "connecttimeout", CONF_CONNECT_TIMEOUT },
  { "serveraliveinterval", CONF_ALIVE_INTERVAL },
  { "serveralivecountmax", CONF_ALIVE_COUNT },
};

static char *
join (const struct args *args)
{
  size_t len = 1;
  char *text, *to;

  for (int i = 0; i < args->count; i++)
    len += strlen (args->word[i]) + 1;
  text = to = malloc (len);
  if (text == NULL)
    return NULL;
  *to = '\0';
  for (int i = 0; i < args->count; i++)
    to = stpcpy (stpcpy (to, i > 0 ? " " : ""), args->word[i]);
  return text;
}

static int
set_option (struct place *place, enum sshconf_option option, bool is_list,
            const struct args *args)
{
  char **value = &place->reading->conf->value[option];

  if (args->count > 1 && !is_list)
    return fail (place, "one word is expected, not %d", args->count);
  if (!place->is_active || *value)
    return 0;
  /* ProxyJump and ProxyCommand exclude each other: the first one counts. */
  if ((option == CONF_PROXY_JUMP
       && place->reading->conf->value[CONF_PROXY_COMMAND])
      || (option == CONF_PROXY_COMMAND
          && place->reading->conf->value[CONF_PROXY_JUMP]))
    return 0;
  *value = join (args);
  return *value ? 0 : fail (place, "out of memory");
}

static int
add_identity (struct place *place, const struct args *args)
{
  struct sshconf *conf = place->reading->conf;

  if (!place->is_active)
    return 0;
  if (args->count != 1)
    return fail (place, "one word is expected, not %d", args->count);
  if (conf->identities == SSHCONF_IDENTITIES_MAX)
    return 0;
  conf->identity[conf->identities] = strdup (args->word[0]);
  if (conf->identity[conf->identities] == NULL)
    return fail (place, "out of memory");
  conf->identities++;
  return 0;
}

/* Blocks ------------------------------------------------------------------- */

static int
begin_host (struct place *place, const struct args *args)
{
  const char *host = place->reading->query->host;

  place->is_active = false;
  for (int i = 0; i < args->count; i++) {
    int verdict = pattern_list (args->word[i], strlen (args->word[i]), host);

    if (verdict == -1) {
      place->is_active = false;
      return 0;
    }
    place->is_active |= verdict == 1;
  }
  return 0;
}

/* The host that would be connected to, as far as has been read. */
static const char *
host_so_far (const struct reading *r, char *memory, size_t size)
{
  const char *host = r->conf->value[CONF_HOSTNAME];
  const char *token = host ? strstr (host, "%h") : NULL;

  if (host == NULL)
    return r->query->host;
  if (token == NULL)
    return host;
  snprintf (memory, size, "%.*s%s%s", (int) (token - host), host,
            r->query->host, token + 2);
  return memory;
}

static const char *
user_so_far (const struct reading *r)
{
  if (r->query->user)
    return r->query->user;
  return r->conf->value[CONF_USER] ? r->conf->value[CONF_USER]
                                   : r->query->local_user;
}

/* One criterion of Match that takes a list.  1, 0, or -1 for one that is not
 * understood.
 */
static int
judge (const struct reading *r, const char *criterion, const char *list)
{
  char memory[512];
  const struct {
    const char *criterion, *name;
  } table[] = {
    { "host", host_so_far (r, memory, sizeof memory) },
    { "originalhost", r->query->host },
    { "user", user_so_far (r) },
    { "localuser", r->query->local_user },
  };

  for (size_t i = 0; i < COUNT_OF (table); i++)
    if (strcasecmp (criterion, table[i].criterion) == 0)
      return table[i].name
             && pattern_list (list, strlen (list), table[i].name) == 1;
  return -1;
}

static int
begin_match (struct place *place, const struct args *args)
{
  bool holds = args->count > 0;

  place->is_active = false;
  for (int i = 0; i < args->count; i++) {
    const char *word = args->word[i];
    bool negated = *word == '!';
    int verdict;

    word += negated;
    if (strcasecmp (word, "all") == 0) {
      holds &= !negated;
      continue;
    }
    /* Names are not made canonical here. */
    if (strcasecmp (word, "canonical") == 0) {
      holds &= negated;
      continue;
    }
    verdict = i + 1 < args->count
              ? judge (place->reading, word, args->word[i + 1]) : -1;
    if (verdict == -1 && holds)
      return fail (place, "'Match %s' cannot be decided here; write "
                   "backend=openssh to leave it to ssh", word);
    holds &= (verdict == 1) != negated;
    i++;
  }
  place->is_active = holds;
  return 0;
}

/* Files -------------------------------------------------------------------- */

static int read_file (struct place *place);

static int
include_pattern (const struct place *from, const char *pattern)
{
  glob_t found = { 0 };
  int result = 0;

  if (glob (pattern, 0, NULL, &found) != 0)
    return 0;
  for (size_t i = 0; i < found.gl_pathc && result == 0; i++) {
    struct place place = {
      .reading = from->reading, .name = found.gl_pathv[i],
      .folder = from->folder, .depth = from->depth + 1, .is_active = true,
      .is_users = from->is_users,
    };

    result = read_file (&place) == -1 ? -1 : 0;
  }
  globfree (&found);
  return result;
}

static int
include (struct place *place, const struct args *args)
{
  const char *home = place->reading->query->home;

  if (!place->is_active)
    return 0;
  if (place->depth >= SSHCONF_DEPTH_MAX)
    return fail (place, "Include goes deeper than %d files",
                 SSHCONF_DEPTH_MAX);
  for (int i = 0; i < args->count; i++) {
    const char *word = args->word[i];
    CLEANUP_FREE char *path = NULL;
    int len;

    if (word[0] == '~' && word[1] == '/')
      len = asprintf (&path, "%s%s", home ? home : "", word + 1);
    else if (word[0] == '/')
      len = asprintf (&path, "%s", word);
    else
      len = asprintf (&path, "%s/%s", place->folder, word);
    if (len == -1) {
      path = NULL;
      return fail (place, "out of memory");
    }
    if (include_pattern (place, path) == -1)
      return -1;
  }
  return 0;
}

/* Lines -------------------------------------------------------------------- */

/* Take the next word off a line, in place.  Quotes keep blanks in it. */
static int
next_word (struct place *place, char **line, char **word)
{
  char *from = *line + strspn (*line, " \t\r"), *to = from;
  char quote = '\0';

  *word = from;
  if (*from == '\0' || *from == '#') {
    *line = from;
    return 0;
  }
  for (; *from && (quote || !strchr (" \t\r", *from)); from++) {
    if (*from == quote && quote)
      quote = '\0';
    else if (quote == '\0' && (*from == '"' || *from == '\''))
      quote = *from;
    else if (*from == '\\' && from[1] && strchr ("\"'\\ ", from[1]))
      *to++ = *++from;
    else
      *to++ = *from;
  }
  if (quote)
    return fail (place, "a quote is not closed");
  *line = from + (*from != '\0');
  *to = '\0';
  return 1;
}

static int
run_line (struct place *place, const char *keyword, const struct args *args)
{
  static const struct {
    const char *keyword;
    int (*run) (struct place *place, const struct args *args);
  } special[] = {
    { "host", begin_host }, { "match", begin_match },
    { "include", include }, { "identityfile", add_identity },
  };

  if (args->count == 0)
    return fail (place, "%.60s has no value", keyword);
  for (size_t i = 0; i < COUNT_OF (special); i++)
    if (strcasecmp (keyword, special[i].keyword) == 0)
      return special[i].run (place, args);
  for (size_t i = 0; i < COUNT_OF (keywords); i++)
    if (strcasecmp (keyword, keywords[i].keyword) == 0)
      return set_option (place, keywords[i].option, keywords[i].is_list,
                         args);
  return 0;
}

static int
read_line (struct place *place, char *line)
{
  struct args args = { .count = 0 };
  char *keyword, *end, *word;
  bool has_value;
  int result;

  line += strspn (line, " \t\r");
  if (*line == '\0' || *line == '#')
    return 0;
  keyword = line;
  end = line + strcspn (line, " \t\r=");
  line = end + strspn (end, " \t\r");
  line += *line == '=';
  has_value = *end != '\0';
  *end = '\0';
  if (!has_value)
    line = end;
  while ((result = next_word (place, &line, &word)) == 1) {
    if (args.count == SSHCONF_ARGS_MAX)
      return fail (place, "more than %d words", SSHCONF_ARGS_MAX);
    args.word[args.count++] = word;
  }
  return result == -1 ? -1 : run_line (place, keyword, &args);
}

static int
read_text (struct place *place, const char *text, size_t len)
{
  const char *end = text + len;

  while (text < end) {
    const char *stop = memchr (text, '\n', end - text);
    CLEANUP_FREE char *line = NULL;

    if (stop == NULL)
      stop = end;
    line = strndup (text, stop - text);
    place->line++;
    if (line == NULL)
      return fail (place, "out of memory");
    if (read_line (place, line) == -1)
      return -1;
    text = stop + 1;
  }
  return 0;
}

/* A file that others could write is not the user's word. */
static int
check_file (const struct place *place, const struct stat *st)
{
  if (!S_ISREG (st->st_mode))
    return fail (place, "it is no regular file");
  if (place->is_users && ((st->st_uid != 0 && st->st_uid != geteuid ())
                          || (st->st_mode & 022)))
    return fail (place, "others may write it: chmod 0600 it");
  if (st->st_size > SSHCONF_FILE_MAX)
    return fail (place, "it is longer than %d bytes", SSHCONF_FILE_MAX);
  if (++place->reading->files > SSHCONF_FILES_MAX)
    return fail (place, "these are more than %d files", SSHCONF_FILES_MAX);
  return 0;
}

/* Returns 1 when there is none. */
static int
read_file (struct place *place)
{
  CLEANUP_CLOSE int fd = open (place->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  CLEANUP_FREE char *text = NULL;
  struct stat st;
  ssize_t len, n;

  if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
    return 1;
  if (fd == -1 || fstat (fd, &st) == -1)
    return fail (place, "%s", strerror (errno));
  if (check_file (place, &st) == -1)
    return -1;
  text = malloc (st.st_size + 1);
  if (text == NULL)
    return fail (place, "out of memory");
  for (len = 0; len < st.st_size; len += n) {
    n = read (fd, text + len, st.st_size - len);
    if (n == -1)
      return fail (place, "%s", strerror (errno));
    if (n == 0)
      break;
  }
  return read_text (place, text, len);
}

int
sshconf_parse (struct sshconf *conf, const struct sshconf_query *query,
               const char *text, size_t len, const char *name,
               const char *folder, char *why, size_t size)
{
  struct reading reading = { conf, query, 0, why, size };
  struct place place = {
    .reading = &reading, .name = name, .folder = folder, .is_active = true,
  };

  return read_text (&place, text, len);
}

/* The user's own file. */
static int
read_users (struct reading *reading)
{
  CLEANUP_FREE char *folder = NULL;
  CLEANUP_FREE char *path = NULL;
  struct place place = {
    .reading = reading, .is_active = true, .is_users = true,
  };

  if (reading->query->home == NULL)
    return 0;
  if (asprintf (&folder, "%s/.ssh", reading->query->home) == -1)
    folder = NULL;
  else if (asprintf (&path, "%s/config", folder) == -1)
    path = NULL;
  place.name = path ? path : "";
  place.folder = folder;
  return path ? read_file (&place) : fail (&place, "out of memory");
}

int
sshconf_read (struct sshconf *conf, const struct sshconf_query *query,
              const char *file, char *why, size_t size)
{
  struct reading reading = { conf, query, 0, why, size };
  struct place system = {
    .reading = &reading, .name = SYSTEM_FILE, .folder = "/etc/ssh",
    .is_active = true,
  };
  int result;

  if (file && strcmp (file, "none") == 0)
    return 0;
  if (file) {
    system.name = file;
    system.is_users = true;
    result = read_file (&system);
    return result == 1 ? fail (&system, "there is no such file") : result;
  }
  if (read_users (&reading) == -1 || read_file (&system) == -1)
    return -1;
  return 0;
}

void
sshconf_free (struct sshconf *conf)
{
  for (int i = 0; i < CONF_OPTIONS; i++)
    free (conf->value[i]);
  while (conf->identities > 0)
    free (conf->identity[--conf->identities]);
  memset (conf, 0, sizeof *conf);
}
