/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changing a log while others write to it: another level, levels for some of
 * its writers, another place.  Words are libvirt's: 1 is debug, 2 info, 3
 * notice and warning, 4 error.
 */
#ifndef VIRGATE_CORE_LOGRULES_H
#define VIRGATE_CORE_LOGRULES_H

#include <stdbool.h>

#include <virgate/error.h>

struct log;
struct log_rules;

/* NULL without memory.  The log has it from then on, and log_rules_free takes
 * it away; nobody writes any more then.
 */
struct log_rules *log_rules_new (struct log *log);
void log_rules_free (struct log *log);

/* Would a line of this level and writer be written?  Any thread. */
bool log_rules_want (struct log_rules *rules, int level, const char *who);

/* The level of those for whom there is no filter. */
void log_rules_set_level (struct log *log, int level);

/* "LEVEL:PART LEVEL:PART": levels for those whose name has PART in it, or
 * matches it as a pattern; the last one counts.  NULL: none.  0, or -1 with
 * err set and nothing changed.
 */
int log_rules_set_filters (struct log *log, const char *text,
                           struct virgate_error *err);

/* "LEVEL:stderr" or "LEVEL:file:/PATH". */
int log_rules_set_output (struct log *log, const char *text,
                          struct virgate_error *err);

/* What would set them again, malloc'ed; NULL without memory.  *count says how
 * many parts it has.
 */
char *log_rules_filters (const struct log *log, unsigned *count);
char *log_rules_output (const struct log *log);

#endif /* VIRGATE_CORE_LOGRULES_H */
