/* The database under the store: schema, opening, journal mode by file system; the folder's lock. */
#include "lab/database.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

#include "base/file.h"

static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT NOT NULL, title TEXT NOT NULL, recipe TEXT NOT NULL,"
    " resolved TEXT NOT NULL, overrides TEXT NOT NULL, folder TEXT NOT NULL, paths TEXT NOT NULL,"
    " trials INTEGER NOT NULL, fingerprint TEXT NOT NULL UNIQUE, created TEXT NOT NULL);"
    "CREATE TABLE numerics (id INTEGER PRIMARY KEY, version TEXT NOT NULL, build TEXT NOT NULL,"
    " backend TEXT NOT NULL, kernel TEXT NOT NULL, instruction_set TEXT NOT NULL, libm TEXT NOT NULL,"
    " UNIQUE (version, build, backend, kernel, instruction_set, libm));"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, experiment INTEGER NOT NULL REFERENCES experiments,"
    " started TEXT NOT NULL, ended TEXT, outcome TEXT, command TEXT NOT NULL, jobs INTEGER NOT NULL,"
    " threads INTEGER NOT NULL, host TEXT NOT NULL, system TEXT NOT NULL, cpu TEXT NOT NULL, process INTEGER NOT NULL,"
    " version TEXT NOT NULL, build TEXT NOT NULL, compiler TEXT NOT NULL, flags TEXT NOT NULL);"
    /* Plugins and data sets that a run used. The primary key's columns come first: of others, SQLite 3.40's
     * integrity_check says that they are NULL. */
    "CREATE TABLE parts (run INTEGER NOT NULL REFERENCES runs, kind TEXT NOT NULL, name TEXT NOT NULL,"
    " checksum TEXT NOT NULL, revision INTEGER, file TEXT NOT NULL, PRIMARY KEY (run, kind, name, checksum))"
    " WITHOUT ROWID;"
    "CREATE TABLE trials (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, status TEXT NOT NULL, recipe TEXT NOT NULL,"
    " wanted TEXT NOT NULL, folder TEXT NOT NULL, run INTEGER REFERENCES runs, numerics INTEGER REFERENCES numerics,"
    " attempts INTEGER NOT NULL DEFAULT 0, started TEXT, ended TEXT, error TEXT,"
    " params INTEGER NOT NULL, params_weights INTEGER NOT NULL, params_hidden INTEGER NOT NULL,"
    " steps INTEGER, epochs REAL, examples INTEGER, flops INTEGER, flops_matmul INTEGER, flops_6nd INTEGER,"
    " flops_report INTEGER, flops_executed INTEGER, "
    DATABASE_MEASURED("train") DATABASE_MEASURED("train_eval") DATABASE_MEASURED("validation")
    DATABASE_MEASURED("test") DATABASE_MEASURED("best_validation") DATABASE_MEASURED("best_test")
    " best_step INTEGER, diverged_step INTEGER, stop_reason TEXT, seconds REAL);"
    "CREATE TABLE places (experiment INTEGER NOT NULL REFERENCES experiments, place INTEGER NOT NULL,"
    " trial INTEGER NOT NULL REFERENCES trials, seed INTEGER NOT NULL, swept TEXT NOT NULL,"
    " PRIMARY KEY (experiment, place)) WITHOUT ROWID;"
    "CREATE TABLE points (trial INTEGER NOT NULL REFERENCES trials, number INTEGER NOT NULL, step INTEGER NOT NULL,"
    " epoch REAL, examples INTEGER NOT NULL, flops INTEGER NOT NULL, flops_matmul INTEGER NOT NULL,"
    " flops_6nd INTEGER NOT NULL, flops_report INTEGER NOT NULL, rate REAL, seconds REAL, "
    DATABASE_MEASURED("train") DATABASE_MEASURED("train_eval") DATABASE_MEASURED("validation")
    DATABASE_MEASURED("test")
    " extras TEXT, PRIMARY KEY (trial, number)) WITHOUT ROWID;"
    "CREATE TABLE laws (experiment INTEGER NOT NULL REFERENCES experiments, name TEXT NOT NULL, result TEXT NOT NULL,"
    " PRIMARY KEY (experiment, name)) WITHOUT ROWID;";

/* What to do about an extended result code of SQLite and the system's error number below it. */
static const char *advice_for(int extended, int number)
{
    const int code = extended & 0xff;
    const bool system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
    if (code == SQLITE_FULL || (system && (number == ENOSPC || number == EDQUOT)))
        return "; make room on this disk, then run the same command again";
    if (extended == SQLITE_READONLY_DBMOVED)
        return "; it was moved or deleted while it was written";
    if (code == SQLITE_READONLY || (system && (number == EROFS || number == EACCES || number == EPERM)))
        return "; nothing can be written there: give the folder back its permissions, or take another with --out";
    if (system) /* SQLite does not always say why */
        return "; its disk is full, fails or can't be written: what was committed before is kept; run the same command "
               "again when it works";
    return code == SQLITE_BUSY      ? "; another program is using it"
           : code == SQLITE_CORRUPT ? "; the file is damaged: move the folder away and run again"
           : code == SQLITE_NOTADB  ? "; this is no results store of isoflop" : "";
}

int database_fail(sqlite3 *database, struct iso_error *err)
{
    const char *file = database ? sqlite3_db_filename(database, "main") : NULL;
    const int extended = database ? sqlite3_extended_errcode(database) : SQLITE_NOMEM, code = extended & 0xff;
    const int number = database ? sqlite3_system_errno(database) : 0;
    const char *reason = number && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) ? strerror(number) : NULL;
    return iso_fail(err, "%s: %s%s%s%s", file ? file : DATABASE_FILE,
                    database ? sqlite3_errmsg(database) : "out of memory", reason ? ": " : "", reason ? reason : "",
                    advice_for(extended, number));
}

int database_run(sqlite3 *database, const char *sql, struct iso_error *err)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : database_fail(database, err);
}

sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, struct iso_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        database_fail(database, err);
    return statement;
}

int database_do(sqlite3 *database, sqlite3_stmt *statement, struct iso_error *err)
{
    int status = sqlite3_step(statement) == SQLITE_DONE ? 0 : database_fail(database, err);
    sqlite3_reset(statement);
    return status;
}

void database_bind_real(sqlite3_stmt *statement, int index, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(statement, index, value);
    else
        sqlite3_bind_null(statement, index);
}

void database_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

double database_real(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

const char *database_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

struct tree *database_recipe(sqlite3_stmt *statement, int column, struct iso_error *err)
{
    const char *recipe = database_text(statement, column);
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? tree_parse("recipe", recipe, strlen(recipe), found) : NULL;
    if (!found) {
        error_memory(err);
    } else if (!tree || !tree->root || tree->root->kind != NODE_MAP || diagnostics_count(found, SEVERITY_ERROR)) {
        iso_fail(err, "the stored recipe is damaged");
        tree_free(tree);
        tree = NULL;
    }
    diagnostics_free(found);
    return tree;
}

/* One number that a statement gives. -1 and an error. */
static int64_t number_of(sqlite3 *database, const char *sql, struct iso_error *err)
{
    int64_t number = -1;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    else
        database_fail(database, err);
    sqlite3_finalize(statement);
    return number;
}

bool database_wal_fits(unsigned long magic)
{
    static const unsigned long remote[] = { 0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x0bd00bd0, 0x65735546, 0x00c36400,
                                            0x47504653, 0x5346414f, 0x01021997, 0x19830326, 0x7461636f, 0x20030528,
                                            0x01161970, 0x6b414653, 0x73757245 };
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((magic & 0xffffffff) == remote[i])
            return false;
    return true;
}

static bool is_local(const char *folder)
{
#ifdef __linux__
    struct statfs system;
    return !statfs(folder, &system) && database_wal_fits((unsigned long)system.f_type);
#else
    (void)folder;
    return false;
#endif
}

static int check_version(sqlite3 *database, const char *path, bool write, struct iso_error *err)
{
    int64_t tables = number_of(database, "SELECT count(*) FROM sqlite_master", err);
    int64_t application = tables < 0 ? -1 : number_of(database, "PRAGMA application_id", err);
    int64_t version = application < 0 ? -1 : number_of(database, "PRAGMA user_version", err);
    if (version < 0)
        return -1;
    if (tables == 0 && write) {
        char head[128];
        snprintf(head, sizeof head, "PRAGMA application_id = %d; PRAGMA user_version = %d;", DATABASE_APPLICATION,
                 DATABASE_VERSION);
        if (database_run(database, "BEGIN IMMEDIATE", err) || database_run(database, schema, err)
            || database_run(database, head, err) || database_run(database, "COMMIT", err))
            return -1;
        return 0;
    }
    if (application != DATABASE_APPLICATION)
        return iso_fail(err, "%s is no results store of isoflop", path);
    if (version != DATABASE_VERSION)
        return iso_fail(err, "%s has schema version %lld, this isoflop writes %d: %s", path, (long long)version,
                        DATABASE_VERSION, version > DATABASE_VERSION ? "use the newer isoflop that wrote it"
                                                                     : "export its tables with the isoflop that wrote it");
    return 0;
}

bool database_is_there(const char *folder)
{
    char *path = file_join(folder, DATABASE_FILE);
    struct stat facts;
    bool there = path && !stat(path, &facts);
    free(path);
    return there;
}

sqlite3 *database_open(const char *folder, bool write, struct iso_error *err)
{
    sqlite3 *database = NULL;
    char *path = file_join(folder, DATABASE_FILE);
    int status = -1;
    if (!path) {
        error_memory(err);
        return NULL;
    }
    struct stat facts;
    if (!write && stat(path, &facts)) {
        if (errno == ENOENT)
            iso_fail(err, "%s holds no experiment (there is no %s in it); `isoflop run RECIPE --out %s` makes one",
                     folder, DATABASE_FILE, folder);
        else
            error_system(err, "cannot read", path);
        goto out;
    }
    int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        database_fail(database, err);
        goto out;
    }
    sqlite3_busy_timeout(database, 10000);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* The version first: what another program wrote stays as it is, to the byte. */
    if (database_run(database, "PRAGMA trusted_schema = OFF", err)
        || database_run(database, "PRAGMA synchronous = FULL", err) || check_version(database, path, write, err))
        goto out;
    status = write ? database_run(database, is_local(folder) ? "PRAGMA journal_mode = WAL"
                                                             : "PRAGMA journal_mode = DELETE", err) : 0;
out:
    free(path);
    if (status) {
        sqlite3_close(database);
        return NULL;
    }
    return database;
}

int database_check_place(sqlite3 *database, struct iso_error *err)
{
    int moved = 0;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return 0;
    return iso_fail(err, "%s was moved or deleted while it was written; what was measured until then is where it was "
                    "moved to", sqlite3_db_filename(database, "main"));
}

int database_close(sqlite3 *database, bool written, struct iso_error *err)
{
    if (!database)
        return 0;
    int status = 0;
    if (written) {
        /* A reader that has it open keeps the journal as it is; the last to close then takes the -wal file in. */
        sqlite3_busy_timeout(database, 200);
        int code = sqlite3_exec(database, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
        if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED)
            status = database_fail(database, err);
    }
    if (sqlite3_close(database) != SQLITE_OK)
        status = database_fail(database, err);
    return status;
}

/* ---- The lock: OUT/lock, held by an advisory lock that ends with its process; its text is for people ---- */

static int lock_region(int file, int command, short type, struct flock *region)
{
    *region = (struct flock){ .l_type = type, .l_whence = SEEK_SET };
    return fcntl(file, command, region);
}

static void read_holder(int file, char *holder, size_t size)
{
    ssize_t got = pread(file, holder, size - 1, 0);
    holder[got > 0 ? got : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
}

void lock_words(char *text, size_t size)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    snprintf(text, size, "host %s, process %ld", host, (long)getpid());
}

bool lock_says(const char *folder, const char *words)
{
    char *path = file_join(folder, "lock"), holder[LOCK_HOLDER] = "";
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        read_holder(file, holder, sizeof holder);
        close(file);
    }
    free(path);
    return strcmp(holder, words) == 0;
}

/* Whether the open file is still the one of that name. */
static bool is_named(int file, const char *path)
{
    struct stat held, named;
    return !fstat(file, &held) && !stat(path, &named) && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

int lock_take(const char *folder, struct iso_error *err)
{
    char *path = file_join(folder, "lock");
    int file = -1;
    if (!path) {
        error_memory(err);
        return -1;
    }
    for (;;) {
        struct flock region;
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) {
            error_system(err, "cannot write", path);
            break;
        }
        if (lock_region(file, F_SETLK, F_WRLCK, &region) && errno != EACCES && errno != EAGAIN) {
            error_system(err, "cannot lock", path);
            close(file);
            file = -1;
            break;
        }
        if (lock_region(file, F_SETLK, F_WRLCK, &region)) {
            char holder[400];
            read_holder(file, holder, sizeof holder);
            iso_fail(err, "%s is being written by another isoflop (%s); wait for it, or choose another folder with "
                     "--out", folder, holder[0] ? holder : "unknown");
            close(file);
            file = -1;
            break;
        }
        /* The one before us may have removed the file between our open and our lock. */
        if (is_named(file, path)) {
            char text[LOCK_HOLDER];
            lock_words(text, sizeof text - 1);
            const size_t length = strlen(strcat(text, "\n"));
            if (ftruncate(file, 0) || pwrite(file, text, length, 0) != (ssize_t)length) {
                error_system(err, "cannot write", path);
                close(file);
                file = -1;
            }
            break;
        }
        close(file);
    }
    free(path);
    return file;
}

void lock_release(const char *folder, int lock)
{
    char *path = file_join(folder, "lock");
    if (path && lock >= 0 && is_named(lock, path)) /* not that of another run, where our folder was moved away */
        unlink(path);
    if (lock >= 0)
        close(lock);
    free(path);
}

bool lock_held(const char *folder, char *holder, size_t size)
{
    char *path = file_join(folder, "lock");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct flock region;
    bool held = file >= 0 && lock_region(file, F_GETLK, F_RDLCK, &region) == 0 && region.l_type != F_UNLCK;
    if (held)
        read_holder(file, holder, size);
    if (file >= 0)
        close(file);
    free(path);
    return held;
}
