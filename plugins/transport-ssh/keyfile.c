/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of private keys: OpenSSH's own format has the public half in clear,
 * the older ones say at least what kind of key it is.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "keyfile.h"
#include "known.h"

#define FILE_MAX (64 * 1024)
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1"

/* Take a string off the front of a binary key. */
static bool
take_string (const uint8_t **at, const uint8_t *end, const uint8_t **out,
             size_t *len)
{
  uint32_t n;

  if (end - *at < 4)
    return false;
  n = (uint32_t) (*at)[0] << 24 | (*at)[1] << 16 | (*at)[2] << 8 | (*at)[3];
  if (n > (size_t) (end - *at - 4))
    return false;
  *out = *at + 4;
  *len = n;
  *at += 4 + n;
  return true;
}

void
keyfile_blob_type (const uint8_t *blob, size_t len, char *type, size_t size)
{
  const uint8_t *at = blob, *name;
  size_t name_len;

  *type = '\0';
  if (!take_string (&at, blob + len, &name, &name_len) || name_len >= size)
    return;
  for (size_t i = 0; i < name_len; i++)
    if (name[i] < 0x21 || name[i] > 0x7e)
      return;
  memcpy (type, name, name_len);
  type[name_len] = '\0';
}

/* cipher, kdf, its options, how many keys, the public key, ... */
static void
parse_binary (struct keyfile *key, const uint8_t *data, size_t size)
{
  const uint8_t *at = data + sizeof OPENSSH_MAGIC, *end = data + size, *part;
  size_t n;

  if (size < sizeof OPENSSH_MAGIC
      || memcmp (data, OPENSSH_MAGIC, sizeof OPENSSH_MAGIC) != 0
      || !take_string (&at, end, &part, &n))
    return;
  key->is_encrypted = n != 4 || memcmp (part, "none", 4) != 0;
  if (!take_string (&at, end, &part, &n) || !take_string (&at, end, &part, &n)
      || end - at < 4)
    return;
  at += 4;
  if (!take_string (&at, end, &part, &n) || n > sizeof key->blob)
    return;
  memcpy (key->blob, part, n);
  key->blob_len = n;
  keyfile_blob_type (key->blob, n, key->type, sizeof key->type);
}

static void
parse_openssh (struct keyfile *key, const char *text, size_t len)
{
  uint8_t *data = malloc (len + 1);

  if (data == NULL)
    return;
  parse_binary (key, data, base64_decode (text, len, data, len));
  wipe (data, len);
  free (data);
}

void
keyfile_parse (struct keyfile *key, const char *text, size_t len)
{
  static const struct {
    const char *begin, *type;
  } table[] = {
    { "-----BEGIN RSA PRIVATE KEY-----", "ssh-rsa" },
    { "-----BEGIN DSA PRIVATE KEY-----", "ssh-dss" },
  };
  const char *begin = memmem (text, len, OPENSSH_BEGIN,
                              strlen (OPENSSH_BEGIN));

  if (begin) {
    const char *body = begin + strlen (OPENSSH_BEGIN);
    const char *end = memmem (body, len - (body - text), "-----", 5);

    parse_openssh (key, body, (end ? end : text + len) - body);
    return;
  }
  for (size_t i = 0; i < COUNT_OF (table); i++)
    if (memmem (text, len, table[i].begin, strlen (table[i].begin)))
      snprintf (key->type, sizeof key->type, "%s", table[i].type);
  key->is_encrypted = memmem (text, len, "ENCRYPTED", 9) != NULL;
}

/* The public half from beside it: "ssh-ed25519 AAAA... comment". */
static void
read_public (struct keyfile *key)
{
  CLEANUP_FREE char *path = NULL;
  CLEANUP_FCLOSE FILE *f = NULL;
  char line[BASE64_LEN (KEYFILE_BLOB_MAX) + 100], *blank;

  if (asprintf (&path, "%s.pub", key->path) == -1) {
    path = NULL;
    return;
  }
  f = fopen (path, "re");
  if (f == NULL || fgets (line, sizeof line, f) == NULL
      || (blank = strchr (line, ' ')) == NULL)
    return;
  key->blob_len = base64_decode (blank + 1, strcspn (blank + 1, " \n"),
                                 key->blob, sizeof key->blob);
  keyfile_blob_type (key->blob, key->blob_len, key->type, sizeof key->type);
  if (key->type[0] == '\0')
    key->blob_len = 0;
}

static int
say (char *why, size_t size, const char *what)
{
  snprintf (why, size, "%s", what);
  return -1;
}

int
keyfile_read (struct keyfile *key, const char *path, char *why, size_t size)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  CLEANUP_FREE char *text = NULL;
  struct stat st;
  ssize_t len;

  memset (key, 0, sizeof *key);
  key->path = path;
  if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
    return 1;
  if (fd == -1 || fstat (fd, &st) == -1)
    return say (why, size, strerror (errno));
  if (!S_ISREG (st.st_mode))
    return say (why, size, "is no file");
  if (st.st_uid == geteuid () && (st.st_mode & 077)) {
    snprintf (why, size, "others may read it (mode %04o): chmod 0600 it",
              st.st_mode & 07777);
    return -1;
  }
  text = malloc (FILE_MAX);
  len = text ? read (fd, text, FILE_MAX) : -1;
  if (len == -1)
    return say (why, size, strerror (errno));
  if (memmem (text, len, "PRIVATE KEY-----", 16) == NULL)
    return say (why, size, "is no private key");
  keyfile_parse (key, text, len);
  wipe (text, len);
  if (key->blob_len == 0)
    read_public (key);
  return 0;
}
