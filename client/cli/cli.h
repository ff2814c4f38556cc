/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The map of the virgate command.  A command is a row of a table (name, help,
 * options, handler); a handler turns arguments into calls and puts what came
 * back into a result; output.c alone decides how a result looks.  Handlers
 * run once for each host, each in a thread of its own, and share nothing.
 */
#ifndef VIRGATE_CLI_H
#define VIRGATE_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <virgate/calls.h>
#include <virgate/client.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/uuid.h"

#define CLI_PRINTF(fmt, args) __attribute__ ((format (printf, fmt, args)))

/* Exit codes; virgate(1) promises them. */
enum status {
  STATUS_OK = 0,
  STATUS_FAILED = 1,            /* the call failed */
  STATUS_USAGE = 2,
  STATUS_NO_CONNECTION = 3,
  STATUS_TIMEOUT = 4,
  STATUS_SOME_FAILED = 5        /* of several hosts */
};

/* The table: commands-*.c and commands.c -----------------------------------*/

enum option_type {
  OPT_BOOL = 1,
  OPT_STRING = 2,
  OPT_INT = 3,                  /* a whole number, not below 0 */
  OPT_SIZE = 4,                 /* "4GiB"; without a unit KiB */
  OPT_ARGS = 5                  /* all words that are left */
};

enum option_flags {
  OPT_REQUIRED = 1,
  OPT_NAMED = 2                 /* never taken by position */
};

/* What the shell offers for a value. */
enum completes {
  COMPLETE_NOTHING = 0,
  COMPLETE_DOMAIN = 1,
  COMPLETE_NETWORK = 2,
  COMPLETE_FILE = 3,
  COMPLETE_COMMAND = 4,
  COMPLETE_PROCEDURE = 5,
  COMPLETE_EVENT = 6
};

struct cli_option {
  const char *name;
  uint8_t type;                 /* enum option_type */
  uint8_t flags;                /* enum option_flags */
  uint8_t completes;            /* enum completes */
  uint32_t bits;                /* or-ed into the call's flags when given */
  const char *without;          /* "live,config": may not be given as well */
  const char *help;
};

#define OPTIONS_MAX 40          /* rows in one command's table */

enum command_flags {
  COMMAND_LOCAL = 1,            /* needs no connection; runs once */
  COMMAND_WATCHES = 2,          /* runs until SIGINT; sees it as app->stop_fd */
  COMMAND_ONE_HOST = 4,         /* talks to the terminal */
  COMMAND_SECRET = 8,           /* its line is kept out of the history */
  COMMAND_HIDDEN = 16           /* for programs; not in the help */
};

struct cmd;

struct command {
  const char *name;
  const char *help;
  const struct cli_option *options; /* ends with a NULL name; may be NULL */
  int (*run) (struct cmd *cmd);
  uint32_t flags;               /* enum command_flags */
  /* For handlers that serve many commands: the procedure without flags (0 if
   * it takes them), the one with flags, and what to say when it worked, with
   * the object's name for %s.
   */
  int32_t proc, proc_flags;
  const char *done;
};

struct command_group {
  const char *name;             /* "domain" */
  const char *title;
  const struct command *commands; /* ends with a NULL name */
};

extern const struct command_group command_groups[]; /* ends with a NULL name */
extern const struct command domain_commands[], monitor_commands[];
extern const struct command host_commands[], event_commands[];
extern const struct command network_commands[], shell_commands[];

const struct command *command_find (const char *name);
void command_usage (FILE *out, const struct command *def);
void command_help (FILE *out, const struct command *def);

/* Parsing: options.c, line.c -----------------------------------------------*/

/* One command as it was typed; everything points into argv. */
struct parsed {
  const struct command *def;
  const char *values[OPTIONS_MAX]; /* NULL: not given; bools: "" */
  char **args;                  /* of OPT_ARGS */
  int nargs;
};

/* Match words with a command's table; argv[0] is the command's name.
 * Returns 0, or -1 with one line about what is wrong in why.
 */
int options_parse (struct parsed *parsed, int argc, char **argv,
                   char *why, size_t size);

/* The row of an option, by name or as the n-th one to be taken by position;
 * NULL if there is none.
 */
const struct cli_option *option_find (const struct command *def,
                                      const char *name);
const struct cli_option *option_at (const struct command *def, int n);

/* "4GiB" in bytes; without a unit, as many times scale.  0 or -1. */
int parse_size (const char *text, uint64_t scale, uint64_t *bytes);

/* Split a line into words as a shell does: quotes, backslash, # to the end;
 * ';' ends a command.  Parses one command and moves *line behind it.
 *
 * words  out; NULL-terminated, one allocation, free
 *
 * Returns the number of words, 0 for an empty command, -1 with *why set.
 */
int line_split (const char **line, char ***words, const char **why);

/* Results: result.c ---------------------------------------------------------*/

enum result_kind {
  RESULT_NONE = 0,
  RESULT_TEXT = 1,              /* a document, or one value */
  RESULT_MESSAGE = 2,           /* what was done */
  RESULT_TABLE = 3,
  RESULT_RECORD = 4,            /* label and value, one to a line */
  RESULT_RECORDS = 5            /* any number of those */
};

/* Labels and values of records: how virsh lines them up. */
struct record_style {
  const char *before;           /* each line */
  int width;                    /* of the label */
  const char *between;          /* label and value */
  const char *apart;            /* records */
};

extern const struct record_style style_info, style_node, style_plain;
extern const struct record_style style_param, style_stats;

struct column {
  const char *key;              /* in JSON */
  const char *heading;          /* NULL: the whole table has none */
};

struct field {
  char *key;                    /* in JSON; NULL: the column's */
  char *label;                  /* of records */
  char *text;
  char *json;                   /* NULL: text as a string */
  uint32_t record;              /* number of its record */
};

struct result {
  enum result_kind kind;
  const char *key;              /* of RESULT_TEXT */
  const struct column *columns; /* of RESULT_TABLE */
  uint32_t ncolumns;
  const struct record_style *style;
  uint32_t nrecords;
  struct field *fields;
  size_t count, size;
  void *owned;
};

void result_free (struct result *result);

/* Free this with the result: columns that were made for it. */
void result_own (struct result *result, void *ptr);

/* Say what the result is; once, before anything is put in. */
void result_table (struct result *result, const struct column *columns,
                   uint32_t count);
void result_record (struct result *result, const struct record_style *style);
/* Begin the next of several records. */
void result_next (struct result *result, const struct record_style *style);

/* A whole result in one go.  message ends without newline. */
void result_text (struct result *result, const char *key, const char *text);
void result_raw (struct result *result, const char *key, const char *text,
                 const char *json);
void result_message (struct result *result, const char *fmt, ...)
  CLI_PRINTF (2, 3);

/* A command's done text, with what and from in the places of its %s. */
void result_done (struct result *result, const struct command *def,
                  const char *what, const char *from);

/* One field more.  key and label are NULL in tables.  put_str: NULL shows as
 * "-", null in JSON.  put_num: the number, then unit, if any.
 */
void put_str (struct result *result, const char *key, const char *label,
              const char *text);
void put_fmt (struct result *result, const char *key, const char *label,
              const char *fmt, ...) CLI_PRINTF (4, 5);
void put_num (struct result *result, const char *key, const char *label,
              int64_t number, const char *unit);
void put_unum (struct result *result, const char *key, const char *label,
               uint64_t number, const char *unit);
void put_bool (struct result *result, const char *key, const char *label,
               bool value, const char *yes, const char *no);
/* text for people, json for programs. */
void put_both (struct result *result, const char *key, const char *label,
               const char *text, const char *json);
void put_uuid (struct result *result, const char *key, const char *label,
               const uint8_t *uuid);
void put_param (struct result *result, const char *label,
                const struct virgate_typed_param *param);

/* Output: output.c, json.c --------------------------------------------------*/

struct app;
struct host;
struct hosts;

/* A table for people: all cells are borrowed. */
struct grid {
  const char **headings;        /* NULL: none are shown */
  const char **cells;           /* row by row; NULL is an empty cell */
  size_t ncolumns, ncells, size;
};
void grid_add (struct grid *grid, const char *cell);
void grid_print (const struct grid *grid, FILE *out);

void json_results (const struct hosts *hosts, FILE *out);

/* Show what all hosts answered.  Returns the exit code. */
enum status output_results (struct app *app, const struct hosts *hosts);

/* One thing that happened, shown at once: text for people, json for programs
 * (an object).  Any thread.
 */
void output_event (struct app *app, struct host *host, const char *text,
                   const char *json);

/* "virgate: error: ..." on stderr, and an object with --json. */
void output_error (struct app *app, const char *text,
                   const struct virgate_error *error);

void json_string (FILE *out, const char *text);
void json_error (FILE *out, const char *text,
                 const struct virgate_error *error);

/* Allocation that cannot fail: the command says so and ends. */
void *must_alloc (void *ptr, size_t count, size_t size);
char *must_strdup (const char *text);
char *must_format (const char *fmt, ...) CLI_PRINTF (1, 2);
/* open_memstream, which the caller closes before it reads *text. */
FILE *must_memstream (char **text, size_t *len);

/* A growing list of strings that it owns. */
struct found {
  char **words;
  size_t count;
};
void found_take (struct found *found, char *word);
void found_free (struct found *found);

/* Hosts: hosts.c ------------------------------------------------------------*/

#define HOSTS_AT_ONCE 64        /* threads */

struct host {
  const char *name;             /* as it was asked for; NULL: the default */
  struct virgate_conn *conn;    /* NULL until needed */
  bool was_connected;
  struct virgate_error *lost;   /* why the connection ended, or NULL */
  struct result result;
  enum status status;
  char *failure;                /* what to tell the user; NULL: nothing */
  struct virgate_error *error;  /* the server's or the library's, or NULL */
  bool is_silent;               /* has said everything itself */
};

struct hosts {
  struct host *host;
  int count;
};

struct app {
  bool json, read_only, quit;
  bool asks_nothing;            /* no questions on the terminal now */
  int32_t timeout_ms;           /* 0: none was given */
  const char *module_dir, *config_file;
  char ***names;                /* of virgate_expand_alias, for each -c */
  int nnames;
  struct hosts hosts;
  int stop_fd;                  /* readable once SIGINT or SIGTERM came; -1 */
  pthread_mutex_t output_lock;  /* stdout and stderr */
  pthread_mutex_t ask_lock;     /* the terminal, when questions are asked */
};

/* Take the hosts behind a URI or alias; NULL: the default.  0 or -1, reported.
 */
int hosts_add (struct app *app, const char *uri);
/* The same with names that virgate_expand_alias gave; takes them over. */
void hosts_take (struct app *app, char **names, int count);
void hosts_free (struct app *app);

/* Wait until fd can be read, or a watched signal came; answer and send
 * keepalives meanwhile.
 */
void hosts_wait (struct app *app, int fd);

/* From signals_watch to signals_unwatch SIGINT and SIGTERM make stop_fd
 * readable and do nothing else.  signals_take gives the next one, or 0.
 */
void signals_watch (struct app *app, sigset_t *before);
int signals_take (struct app *app);
void signals_unwatch (struct app *app, const sigset_t *before);

/* Run one command on all hosts and show the outcome. */
enum status hosts_run (struct app *app, const struct parsed *parsed);

/* Connect a host if it is not.  0, or -1 with its failure set. */
int host_connect (struct app *app, struct host *host);
void host_forget (struct host *host);
/* Note an error of the library as this host's; running out of time has a
 * status of its own.
 */
void host_failed (struct host *host, const struct virgate_error *error,
                  enum status status);

/* Run the commands of one line.  Returns the last one's exit code. */
enum status run_line (struct app *app, const char *line);
enum status run_words (struct app *app, int argc, char **argv);

/* What handlers use: cmd.c --------------------------------------------------*/

struct cmd {
  struct app *app;
  struct host *host;
  const struct parsed *parsed;
  struct result *out;           /* of the host */
  int64_t deadline_ns;          /* 0: none */
  void **kept;                  /* replies, freed when the command ends */
  size_t nkept;
};

const char *opt_str (struct cmd *cmd, const char *name);
bool opt_bool (struct cmd *cmd, const char *name);
/* The number, or fallback when the option was not given. */
int64_t opt_int (struct cmd *cmd, const char *name, int64_t fallback);
uint64_t opt_kib (struct cmd *cmd, const char *name);
/* The bits of all options that were given. */
uint32_t opt_bits (struct cmd *cmd);

/* Begin the time that --timeout allows.  Commands that watch do so again when
 * they have watched: the limit is for their calls only, and there always is
 * one, since signals do not end them.
 */
void cmd_begin (struct cmd *cmd);

/* The connection, with what is left of --timeout as its next call's limit. */
struct virgate_conn *cmd_conn (struct cmd *cmd);

/* What is left of --timeout in milliseconds; -1: there is no limit. */
int32_t cmd_left_ms (const struct cmd *cmd);

/* Take a call's outcome: keep the reply until the command ends, or remember
 * the error.  Returns rc.
 */
int cmd_result (struct cmd *cmd, int rc, void *ret);

/* CALL (cmd, domain_get_info, &args, &ret): 0, or -1 with the error noted. */
#define CALL(cmd, name, args, ret)                                      \
  ({                                                                    \
    int rc_ = virgate_remote_##name (cmd_conn (cmd), args, ret);        \
    cmd_result (cmd, rc_, *(ret));                                      \
  })
#define CALL_GET(cmd, name, ret)                                        \
  ({                                                                    \
    int rc_ = virgate_remote_##name (cmd_conn (cmd), ret);              \
    cmd_result (cmd, rc_, *(ret));                                      \
  })
#define CALL_SET(cmd, name, args)                                       \
  cmd_result (cmd, virgate_remote_##name (cmd_conn (cmd), args), NULL)

/* Any remote procedure by number; ret may be NULL. */
int cmd_call (struct cmd *cmd, int32_t proc, const void *args, void **ret);

/* Fail because the connection has ended; returns -1. */
int cmd_lost (struct cmd *cmd);

/* Fail with a reason of our own, or put words before the server's.  Both
 * return -1.
 */
int cmd_fail (struct cmd *cmd, enum status status, const char *fmt, ...)
  CLI_PRINTF (3, 4);
int cmd_context (struct cmd *cmd, const char *fmt, ...) CLI_PRINTF (2, 3);
/* The error of the last call does not matter; returns its code. */
int32_t cmd_forgive (struct cmd *cmd);
void cmd_keep (struct cmd *cmd, void *ret);
void cmd_end (struct cmd *cmd);

enum lookup { BY_ID = 1, BY_NAME = 2, BY_UUID = 4, BY_ANY = 7 };

/* The domain or network of this option; kept.  NULL after an error. */
const struct virgate_domain *opt_domain (struct cmd *cmd, enum lookup by);
const struct virgate_domain *domain_lookup (struct cmd *cmd,
                                            const char *text, enum lookup by);
const struct virgate_network *opt_network (struct cmd *cmd, enum lookup by);

/* A file's content, at most FILE_MAX_LEN bytes; kept by the caller, free. */
#define FILE_MAX_LEN (4 * 1024 * 1024) /* longest string on the wire */
char *read_file (struct cmd *cmd, const char *path);

/* qsort for lists from the wire, which are NULL when they are empty. */
void sort (void *list, size_t count, size_t size,
           int (*order) (const void *one, const void *other));

/* 0, or -1: a name, not a uuid; text of another length is never one. */
int uuid_read (const char *text, uint8_t *uuid);
const char *name_of (const char *const *names, size_t count, int32_t value);
#define NAME_OF(names, value) name_of (names, COUNT_OF (names), value)
const char *domain_state_name (int32_t state);

/* A set of CPUs: the map that begins at byte start of map, for cpus CPUs.
 * "0-3,8"; "yy-y"; a field with one or the other.  free.
 */
char *cpulist_format (const uint8_t *map, uint32_t len, uint32_t start,
                      int cpus);
char *cpumap_letters (const uint8_t *map, uint32_t len, uint32_t start,
                      int cpus);
void put_affinity (struct cmd *cmd, const uint8_t *map, uint32_t len,
                   uint32_t start, int cpus);

/* The shell: shell.c; shell-edit.c or shell-plain.c; complete.c -------------*/

enum status shell_run (struct app *app);

/* Lines from standard input, with connections kept alive while it waits. */
struct line_reader {
  struct buf buf;
  size_t used;                  /* bytes of the line that was handed out */
  bool at_end;
};

struct editor;
/* NULL when there is nothing to edit with. */
struct editor *editor_open (struct app *app);
/* The next line without its newline, valid until the next call; NULL: end. */
const char *line_read (struct line_reader *reader, struct app *app);
const char *editor_read (struct editor *editor, const char *prompt);
/* Keep a line for the next time. */
void editor_remember (struct editor *editor, const char *line);
void editor_close (struct editor *editor);
extern const char editor_name[]; /* for --version */

/* "$XDG_STATE_HOME/virgate/history", its folder made; NULL: none.  free. */
char *history_path (void);

/* What could stand where the last of these words is (it may be empty).
 * Calls fn for each; the words before decide.
 */
void complete_words (struct app *app, int count, char **words,
                     void (*fn) (void *opaque, const char *word),
                     void *opaque);

/* cmd-connect.c: a connection on standard input and output; uri NULL: the
 * default.
 */
enum status connect_stdio (struct app *app, const char *uri);
/* Was the program called virgate-connect?  Then *alias is what follows behind
 * a dash, or NULL.
 */
bool connect_is_meant (const char *program, const char **alias);

/* --list-modules and --module-help. */
enum status modules_list (struct app *app);
enum status modules_help (struct app *app, const char *name);

/* Ask for a user name or a password on the terminal; opaque is the app. */
int ask_credential (void *opaque, int kind, const char *prompt,
                    const char *challenge, char **result);

#endif /* VIRGATE_CLI_H */
