/* What the parts of the store share: the open database and small helpers over SQLite. */
#ifndef LAB_DATABASE_H
#define LAB_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "recipe/tree.h"

#define DATABASE_FILE "results.db"
#define DATABASE_VERSION 2
#define DATABASE_APPLICATION 0x69736f66 /* "isof" */

/* Opens FOLDER/results.db, checks that it is a store of this version and, where `write`, makes it if there is none. */
sqlite3 *database_open(const char *folder, bool write, struct iso_error *err);
/* WAL needs memory shared between processes, which network file systems don't give; `magic` is that of statfs(2). What is
 * not known to have it (FUSE, 9P) counts as one. */
bool database_wal_fits(unsigned long magic);
bool database_is_there(const char *folder);
/* Leaves one plain file where it was written. */
int database_close(sqlite3 *database, bool written, struct iso_error *err);
/* -1: the file is not where it was any more; SQLite itself would write on, to a file that nobody may find. */
int database_check_place(sqlite3 *database, struct iso_error *err);

int database_fail(sqlite3 *database, struct iso_error *err); /* SQLite's message; -1 */
int database_run(sqlite3 *database, const char *sql, struct iso_error *err);
/* Prepares a statement that is kept. NULL and an error. */
sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, struct iso_error *err);
/* Runs a statement that gives no rows, and resets it. */
int database_do(sqlite3 *database, sqlite3_stmt *statement, struct iso_error *err);
/* NaN and infinities become NULL. */
void database_bind_real(sqlite3_stmt *statement, int index, double value);
void database_bind_text(sqlite3_stmt *statement, int index, const char *text); /* copied */
double database_real(sqlite3_stmt *statement, int column); /* NULL: NaN */
const char *database_text(sqlite3_stmt *statement, int column); /* NULL: "" */
/* A resolved recipe that the store holds, a mapping. NULL and an error. */
struct tree *database_recipe(sqlite3_stmt *statement, int column, struct iso_error *err);

/* The measurements of a point or a trial's end, as columns PREFIX_loss, PREFIX_accuracy, PREFIX_cross_entropy. */
#define DATABASE_MEASURED(prefix) prefix "_loss REAL, " prefix "_accuracy REAL, " prefix "_cross_entropy REAL, "

/* ---- The folder's lock ---- */

#define LOCK_HOLDER 400
/* What this process writes into a lock: "host H, process P". */
void lock_words(char *text, size_t size);
/* Whether a folder's lock says just that: it is the folder of that process, not another of the same name. Not for the
 * process that holds the lock, which would lose it. */
bool lock_says(const char *folder, const char *words);
/* Takes the lock of a folder for this process. The descriptor, or -1 and an error that says who holds it. */
int lock_take(const char *folder, struct iso_error *err);
void lock_release(const char *folder, int lock);
/* Who holds it, "host, process 123" in `holder`; false: nobody. */
bool lock_held(const char *folder, char *holder, size_t size);

#endif
