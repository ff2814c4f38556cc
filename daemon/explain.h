/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * --explain: would this peer be let in, and what decides?  Asked of the
 * configuration as it would be used, with the code that sessions go through.
 * No socket is opened and nothing is run.
 */
#ifndef VIRGATE_DAEMON_EXPLAIN_H
#define VIRGATE_DAEMON_EXPLAIN_H

struct server;

enum explain_status {
  EXPLAIN_IN = 0,
  EXPLAIN_REFUSED = 1,
  EXPLAIN_USAGE = 2
};

/* Answer on standard output.
 *
 * server    prepared, not started
 * question  words KEY=VALUE; see virgated(8)
 *
 * Returns enum explain_status, after a line on standard error for
 * EXPLAIN_USAGE.
 */
int explain (struct server *server, const char *question);

#endif /* VIRGATE_DAEMON_EXPLAIN_H */
