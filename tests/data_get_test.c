/* Tests of fetching data sets, from a server on this machine (tests/http_server.py). */
#include "config.h"

#include "data_files.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "data/get.h"
#include "suite.h"

enum { LENGTH = 5000 };
static unsigned char content[2][LENGTH];
static struct iso_data_file files[3];
static const char *const folders[] = { "greek", NULL };
static const char *mirrors[] = { NULL, NULL, NULL };
static struct plugin greek = {
    .descriptor = { .abi = ISO_ABI, .kind = ISO_DATASET, .name = "greek", .revision = 1, .summary = "letters" },
    .ops.dataset = { .files = files, .folders = folders, .mirrors = mirrors }
};
static int port;

static const char *address(const char *manner)
{
    static char urls[4][80];
    static int next;
    char *url = urls[next++ % 4];
    snprintf(url, 80, "http://127.0.0.1:%d/%s/", port, manner);
    return url;
}

static void make_greek(bool archive)
{
    static char sums[2][HASH_TEXT];
    static const char *const names[] = { "alpha", "beta" }, *const urls[] = { "alpha.gz", "beta.gz" },
                      *const members[] = { "letters/alpha", "letters/beta" };
    const unsigned char *const data[] = { content[0], content[1] };
    const size_t lengths[] = { LENGTH, LENGTH };
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < LENGTH; k++)
            content[i][k] = (unsigned char)((k * k * 31 + k * (i + 3)) >> 3);
        hash_of(content[i], LENGTH, sums[i]);
        files[i] = (struct iso_data_file){ .name = names[i], .url = archive ? "greek.tar.gz" : urls[i],
                                           .sha256 = sums[i], .length = LENGTH, .split = (int)i };
        if (archive) {
            files[i].archive = "greek.tar.gz";
            files[i].member = members[i];
        }
    }
    pack_one(at("served/alpha.gz"), ARCHIVE_FILTER_GZIP, content[0], LENGTH);
    pack_one(at("served/beta.gz"), ARCHIVE_FILTER_GZIP, content[1], LENGTH);
    pack(at("served/greek.tar.gz"), ARCHIVE_FILTER_GZIP, true, 2, members, data, lengths);
}

static void start(bool archive)
{
    clean("home"), clean("cache"), clean("served/requests");
    make_greek(archive);
}

static bool complete(void)
{
    bool whole = true;
    for (size_t k = 0; k < 2; k++) {
        char *path;
        whole = data_file_where(&greek, k, true, &path) == DATA_FILE_CHECKED && whole;
        free(path);
    }
    return whole;
}

static void fetched(const char *manner)
{
    struct iso_error err = ERROR_NONE;
    ck_assert_msg(!data_fetch(&greek, address(manner), NULL, &err), "%s", err.text);
    ck_assert(complete());
    ck_assert_int_ne(system("ls $XDG_DATA_HOME/isoflop/greek | grep -q part"), 0);
}

static void refused(const char *manner, const char *words)
{
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(data_fetch(&greek, address(manner), NULL, &err), -1);
    ck_assert_msg(strstr(err.text, words) != NULL, "expected \"%s\" in: %s", words, err.text);
    ck_assert(!complete());
    ck_assert_int_ne(access(at("home/isoflop/greek/alpha.gz"), F_OK), 0);
}

/* What the server was asked for. */
static bool asked(const char *line)
{
    size_t length;
    struct iso_error err = ERROR_NONE;
    char *log = file_read(at("served/requests"), 1 << 20, &length, &err);
    const bool found = log && strstr(log, line);
    free(log);
    return found;
}

START_TEST(files_are_fetched)
{
    start(false);
    fetched("range");
    ck_assert(asked("/range/greek/alpha.gz None") && asked("/range/alpha.gz None"));
    clean("served/requests");
    fetched("range"); /* what is here is not fetched again */
    ck_assert(!asked("alpha"));
    clean("home/isoflop/greek/beta.gz");
    fetched("hop"); /* only what is missing, over a redirect */
    ck_assert(asked("/hop/beta.gz") && !asked("alpha"));
}
END_TEST

START_TEST(archives_are_fetched)
{
    start(true);
    fetched("range");
    ck_assert_int_eq(access(at("home/isoflop/greek/greek.tar.gz"), F_OK), 0);
}
END_TEST

START_TEST(mirrors_are_tried_in_turn)
{
    start(false);
    mirrors[0] = address("nowhere/x");
    mirrors[1] = address("range");
    struct iso_error err = ERROR_NONE;
    ck_assert_msg(!data_fetch(&greek, NULL, NULL, &err), "%s", err.text);
    ck_assert(complete());
    ck_assert(asked("/nowhere/x/alpha.gz"));
}
END_TEST

START_TEST(transfers_are_gone_on_with)
{
    start(false);
    refused("cut", "isoflop data get greek --from PATH");
    ck_assert(asked("/cut/alpha.gz None"));
    size_t half;
    struct iso_error err = ERROR_NONE;
    char *part = file_read(at("home/isoflop/greek/alpha.gz.part"), LENGTH, &half, &err), line[80];
    ck_assert_msg(part && half > 0, "%s", err.text);
    free(part);
    fetched("range");
    snprintf(line, sizeof line, "/range/alpha.gz bytes=%zu-", half);
    ck_assert_msg(asked(line), "not asked for %s", line);
}
END_TEST

START_TEST(servers_without_ranges)
{
    start(false);
    refused("cut", "alpha.gz");
    fetched("plain");
    start(false); /* a range that is not the one asked for is no reason to glue it on */
    refused("cut", "alpha.gz");
    refused("liar", "with a part");
    fetched("plain");
}
END_TEST

START_TEST(parts_of_something_else)
{
    /* another file's bytes, fewer and more than the file has */
    for (size_t length = 100; length <= 100000; length *= 10) {
        start(false);
        unsigned char *other = calloc(length, 1);
        write_file(at("home/isoflop/greek/alpha.gz.part"), other, length);
        free(other);
        fetched("range");
    }
    /* all of it came, but it was not checked any more */
    start(false);
    size_t length;
    char *whole = file_read(at("served/alpha.gz"), LENGTH * 2, &length, NULL);
    write_file(at("home/isoflop/greek/alpha.gz.part"), whole, length);
    free(whole);
    fetched("range");
}
END_TEST

START_TEST(bad_servers)
{
    start(false);
    refused("wrong", "alpha.gz");
    refused("gone/x", "404");
    refused("loop", "redirect");
    refused("away", "rotocol");
    refused("large", "larger than");
    struct iso_error err = ERROR_NONE;
    char path[300];
    snprintf(path, sizeof path, "file://%s/served", root);
    ck_assert_int_eq(data_fetch(&greek, path, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "rotocol"));
    ck_assert(!complete());
    err = ERROR_NONE;
    ck_assert_int_eq(data_fetch(&greek, "http://127.0.0.1:1/", NULL, &err), -1); /* nobody there */
    ck_assert_ptr_nonnull(strstr(err.text, "onnect"));
    ck_assert_ptr_nonnull(strstr(err.text, "--from PATH"));
}
END_TEST

static bool stop(void *context, const char *name, uint64_t done, uint64_t total)
{
    (void)name, (void)done, (void)total;
    ++*(int *)context;
    return true;
}

START_TEST(progress_can_stop_it)
{
    start(false);
    int calls = 0;
    const struct data_watch watch = { .context = &calls, .progress = stop };
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(data_fetch(&greek, address("range"), &watch, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "interrupted"));
    ck_assert_int_eq(calls, 1);
}
END_TEST

/* Starts the server; its standard input is our pipe, so that it ends with us. */
static pid_t serve(int *in)
{
    int to[2], from[2];
    char folder[256], script[512], line[32] = "";
    const char *source = getenv("srcdir");
    snprintf(folder, sizeof folder, "%s", at("served"));
    snprintf(script, sizeof script, "%s/tests/http_server.py", source ? source : ".");
    if (file_make_folder(folder, NULL) || pipe(to) || pipe(from))
        return -1;
    const pid_t child = fork();
    if (!child) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execlp("python3", "python3", script, folder, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    for (size_t length = 0; length < sizeof line - 1 && !strchr(line, '\n'); length++)
        if (read(from[0], line + length, 1) != 1)
            break;
    port = atoi(line);
    close(from[0]);
    *in = to[1];
    return child;
}

int main(void)
{
#ifndef HAVE_CURL
    puts("skipped: this isoflop was built without libcurl");
    return 77;
#endif
    int in = -1;
    if (!mkdtemp(root))
        return 1;
    signal(SIGPIPE, SIG_IGN);
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    setenv("XDG_DATA_HOME", at("home"), 1);
    setenv("no_proxy", "127.0.0.1", 1);
    unsetenv("ISOFLOP_DATA");
    const pid_t server = serve(&in);
    int failed = 0;
    if (server < 0 || !port) {
        puts("skipped: there is no python3 to run a server with");
    } else {
        Suite *suite = suite_create("fetching");
        TCase *tests = tcase_create("fetching");
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, files_are_fetched);
        tcase_add_test(tests, archives_are_fetched);
        tcase_add_test(tests, mirrors_are_tried_in_turn);
        tcase_add_test(tests, transfers_are_gone_on_with);
        tcase_add_test(tests, servers_without_ranges);
        tcase_add_test(tests, parts_of_something_else);
        tcase_add_test(tests, bad_servers);
        tcase_add_test(tests, progress_can_stop_it);
        suite_add_tcase(suite, tests);
        failed = suite_failed(suite);
    }
    if (in >= 0)
        close(in);
    if (server > 0)
        waitpid(server, NULL, 0);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) || failed ? 1 : port ? 0 : 77;
}
