/* Tests of core/data: published files found, checked, imported; the cache. */
#include "data_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "data/get.h"
#include "suite.h"

/* ---- Published files: a data set of two small ones, in an archive as well ---- */

static const unsigned char alpha[] = "contents of alpha, 30 bytes long", beta[] = "contents of beta";
static struct iso_data_file files[3];
static const char *const folders[] = { "greek", "greek-letters", NULL };
static const char *const mirrors[] = { "https://example.org/greek/", NULL };

static int greek_open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                      struct iso_error *err)
{
    (void)state;
    struct iso_bytes bytes = { .size = sizeof bytes };
    if (host->file(host, split == ISO_SPLIT_TEST ? "beta" : "alpha", 1000, &bytes, err))
        return -1;
    static const uint8_t labels[64];
    table->examples = bytes.length / 4;
    table->inputs = table->row_stride = 4;
    table->outputs = 1;
    table->bytes = bytes.data;
    table->scale = 1;
    table->labels = labels;
    table->label_stride = 1;
    table->label_width = 1;
    return 0;
}

static struct plugin greek = {
    .descriptor = { .abi = ISO_ABI, .kind = ISO_DATASET, .name = "greek", .revision = 1, .summary = "letters" },
    .ops.dataset = { .open = greek_open, .files = files, .folders = folders, .mirrors = mirrors,
                     .package = "dataset-greek" }
};

static void make_greek(void)
{
    static char sums[2][HASH_TEXT];
    hash_of(alpha, sizeof alpha, sums[0]);
    hash_of(beta, sizeof beta, sums[1]);
    files[0] = (struct iso_data_file){ .name = "alpha", .archive = "greek.tar.gz", .member = "letters/alpha",
                                       .url = "greek.tar.gz", .sha256 = sums[0], .length = sizeof alpha };
    files[1] = (struct iso_data_file){ .name = "beta", .archive = "greek.tar.gz", .member = "letters/beta",
                                       .url = "greek.tar.gz", .sha256 = sums[1], .length = sizeof beta, .split = 1 };
}

static struct opened open_greek(void)
{
    struct opened opened = { .err = ERROR_NONE };
    const struct data_options options = { 0 };
    opened.host = data_host_new(&opened.err);
    opened.instance = instance_new(&greek, NULL, opened.host, &opened.err);
    ck_assert_ptr_nonnull(opened.instance);
    opened.data = data_open(opened.instance, &options, 0, &opened.err);
    return opened;
}

static void greek_is_here(bool here)
{
    struct opened opened = open_greek();
    ck_assert_msg(!opened.data == !here, "%s", opened.err.text);
    if (here) {
        const uint32_t position = 2;
        float x[4];
        int32_t label;
        data_gather(opened.data, DATA_TRAIN, 0, 0, &position, 1, x, 4, &label, NULL);
        ck_assert_float_eq(x[1], (float)alpha[9]);
    }
    shut(&opened);
}

static void put_greek(void)
{
    write_file(at("data/greek/alpha"), alpha, sizeof alpha);
    write_file(at("data/greek/beta"), beta, sizeof beta);
}

START_TEST(missing_data_set_is_explained)
{
    clean("data");
    struct opened opened = open_greek();
    ck_assert_ptr_null(opened.data);
    const char *const words[] = { "alpha", "beta", "https://example.org/greek/greek.tar.gz", "/data/greek",
                                  "/home/isoflop/greek", "dataset-greek", "isoflop data get greek", "--from" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(opened.err.text, words[i]) != NULL, "no \"%s\" in: %s", words[i], opened.err.text);
    shut(&opened);
}
END_TEST

START_TEST(published_files_are_found)
{
    const char *const members[] = { "letters/readme", "letters/alpha", "letters/beta" };
    const unsigned char *const data[] = { beta, alpha, beta };
    const size_t lengths[] = { 5, sizeof alpha, sizeof beta };
    static const char *const places[] = { "data/greek", "data/greek-letters", "home/isoflop/greek" };
    for (size_t i = 0; i < 3; i++) {
        clean("data"), clean("home");
        char path[300];
        snprintf(path, sizeof path, "%s/%s/alpha", root, places[i]);
        write_file(path, alpha, sizeof alpha);
        greek_is_here(false);
        snprintf(path, sizeof path, "%s/%s/beta.xz", root, places[i]);
        pack_one(path, ARCHIVE_FILTER_XZ, beta, sizeof beta);
        greek_is_here(true);
    }
    clean("data"), clean("home");
    ck_assert_int_eq(file_make_folder(at("data/greek"), NULL), 0);
    pack(at("data/greek/greek.tar.gz"), ARCHIVE_FILTER_GZIP, true, 3, members, data, lengths);
    greek_is_here(true);
    greek_is_here(true);
    pack(at("data/greek/greek.tar.gz"), ARCHIVE_FILTER_GZIP, true, 2, members, data, lengths);
    greek_is_here(false);
    /* a folder of the data set's name in the search path itself */
    clean("data");
    put_greek();
    setenv("ISOFLOP_DATA", at("data/greek"), 1);
    greek_is_here(true);
    setenv("ISOFLOP_DATA", at("data"), 1);
}
END_TEST

START_TEST(other_content_is_refused)
{
    clean("data"), clean("home");
    unsigned char wrong[sizeof alpha];
    memcpy(wrong, alpha, sizeof alpha);
    wrong[7] ^= 1;
    write_file(at("data/greek/beta"), beta, sizeof beta);
    write_file(at("data/greek/alpha"), wrong, sizeof wrong);
    struct opened opened = open_greek();
    ck_assert_ptr_null(opened.data);
    ck_assert_ptr_nonnull(strstr(opened.err.text, "is not that of the published alpha"));
    shut(&opened);
    char *path;
    ck_assert_int_eq(data_file_where(&greek, 0, true, &path), DATA_FILE_WRONG);
    free(path);
    write_file(at("data/greek/alpha"), wrong, sizeof wrong - 1);
    greek_is_here(false);
    /* a good one further on is taken */
    write_file(at("home/isoflop/greek/alpha"), alpha, sizeof alpha);
    greek_is_here(true);
    ck_assert_int_eq(data_file_where(&greek, 0, true, &path), DATA_FILE_CHECKED);
    ck_assert_ptr_nonnull(strstr(path, "/home/"));
    free(path);
    /* a larger one is not read to its end */
    unsigned char *large = calloc(1 << 20, 1);
    clean("home");
    write_file(at("data/greek/alpha"), large, 1 << 20);
    opened = open_greek();
    ck_assert_ptr_null(opened.data);
    ck_assert_ptr_nonnull(strstr(opened.err.text, "more than the"));
    shut(&opened);
    free(large);
}
END_TEST

START_TEST(files_given_by_hand)
{
    struct iso_error err = ERROR_NONE;
    clean("data"), clean("home"), clean("given");
    /* under any name: the content tells */
    ck_assert_int_eq(file_make_folder(at("given"), NULL), 0);
    pack_one(at("given/download(1)"), ARCHIVE_FILTER_GZIP, alpha, sizeof alpha);
    ck_assert_msg(!data_import(&greek, at("given/download(1)"), NULL, &err), "%s", err.text);
    greek_is_here(false);
    ck_assert_int_eq(access(at("home/isoflop/greek/alpha.gz"), F_OK), 0);
    write_file(at("given/beta"), alpha, sizeof alpha); /* named wrongly */
    ck_assert_int_eq(data_import(&greek, at("given"), NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "no published beta found"));
    err = ERROR_NONE;
    write_file(at("given/beta"), "neither", 7);
    ck_assert_int_eq(data_import(&greek, at("given/beta"), NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is not that of a published file"));
    /* a folder and an archive */
    clean("home"), clean("given");
    err = ERROR_NONE;
    write_file(at("given/greek-letters/alpha"), alpha, sizeof alpha);
    write_file(at("given/greek-letters/beta"), beta, sizeof beta);
    ck_assert_msg(!data_import(&greek, at("given"), NULL, &err), "%s", err.text);
    greek_is_here(true);
    clean("home");
    const char *const members[] = { "x/one", "x/two" };
    const unsigned char *const data[] = { beta, alpha };
    const size_t lengths[] = { sizeof beta, sizeof alpha };
    pack(at("given/any.tar"), ARCHIVE_FILTER_NONE, true, 2, members, data, lengths);
    ck_assert_msg(!data_import(&greek, at("given/any.tar"), NULL, &err), "%s", err.text);
    greek_is_here(true);
    ck_assert_int_eq(data_import(&greek, at("nothing"), NULL, &err), -1);
}
END_TEST

/* ---- The cache ---- */

static size_t fills;

static int fill(void *context, unsigned char *data, size_t length, struct iso_error *err)
{
    (void)err;
    fills++;
    for (size_t i = 0; i < length; i++)
        data[i] = (unsigned char)(i * *(size_t *)context);
    return 0;
}

static void block_is_right(const struct opened *opened, const char *name, size_t length, size_t factor)
{
    struct iso_bytes bytes = { .size = sizeof bytes };
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(opened->instance->host.block(&opened->instance->host, name, length, fill, &factor, &bytes, &err), 0);
    ck_assert_uint_eq(bytes.length, length);
    for (size_t i = 0; i < length; i++)
        ck_assert_uint_eq(bytes.data[i], (unsigned char)(i * factor));
}

/* The one entry of blocks/ that is no record. */
static void first_block(char path[400])
{
    char command[300];
    snprintf(command, sizeof command, "ls -d '%s'/cache/isoflop/blocks/* | grep -v sum | head -n 1", root);
    FILE *list = popen(command, "r");
    ck_assert_ptr_nonnull(fgets(path, 400, list));
    path[strcspn(path, "\n")] = 0;
    pclose(list);
}

START_TEST(blocks_are_kept_and_checked)
{
    clean("cache"), clean("data"), clean("home");
    put_greek();
    fills = 0;
    for (int round = 0; round < 3; round++) {
        struct opened opened = open_greek();
        block_is_right(&opened, "one", 100000, 3);
        ck_assert_uint_eq(fills, 1);
        shut(&opened);
    }
    char path[400];
    first_block(path);
    /* damaged in each way: another byte, cut, a record that is gone */
    for (int damage = 0; damage < 3; damage++) {
        char record[410];
        snprintf(record, sizeof record, "%s.sum", path);
        ck_assert_int_eq(chmod(path, 0644), 0);
        if (damage == 0) {
            const int file = open(path, O_RDWR);
            ck_assert_int_eq((int)pwrite(file, "x", 1, 500), 1);
            close(file);
        } else if (damage == 1) {
            ck_assert_int_eq(truncate(path, 5000), 0);
        } else {
            ck_assert_int_eq(unlink(record), 0);
        }
        struct opened opened = open_greek();
        block_is_right(&opened, "one", 100000, 3);
        ck_assert_uint_eq(fills, (size_t)damage + 2);
        shut(&opened);
    }
    /* copied elsewhere and back: another inode and time, the same content */
    char command[2000];
    snprintf(command, sizeof command, "cp '%s' '%s.copy' && mv -f '%s.copy' '%s'", path, path, path, path);
    ck_assert_int_eq(system(command), 0);
    struct opened opened = open_greek();
    block_is_right(&opened, "one", 100000, 3);
    ck_assert_uint_eq(fills, 4);
    block_is_right(&opened, "two", 100000, 5); /* another name, another block */
    ck_assert_uint_eq(fills, 5);
    shut(&opened);
}
END_TEST

START_TEST(several_processes_at_once)
{
    clean("cache");
    put_greek();
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (!children[i]) {
            struct opened opened = open_greek();
            fills = 0;
            struct iso_bytes bytes = { .size = sizeof bytes };
            size_t factor = 9;
            const bool good = opened.data && !opened.instance->host.block(&opened.instance->host, "many", 3000000, fill,
                                                                          &factor, &bytes, NULL);
            bool same = good;
            for (size_t k = 0; same && k < 3000000; k++)
                same = bytes.data[k] == (unsigned char)(k * 9);
            shut(&opened);
            _exit(same ? (int)fills : 77);
        }
    }
    int made = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        made += WEXITSTATUS(status);
    }
    ck_assert_int_eq(made, 1); /* one process made it, the others waited */
}
END_TEST

START_TEST(without_a_cache)
{
    put_greek();
    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1);
    struct opened opened = open_greek();
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    block_is_right(&opened, "private", 5000, 2);
    shut(&opened);
    setenv("XDG_CACHE_HOME", at("cache"), 1);
}
END_TEST

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    setenv("XDG_DATA_HOME", at("home"), 1);
    setenv("ISOFLOP_DATA", at("data"), 1);
    make_greek();
    Suite *suite = suite_create("published data");
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, missing_data_set_is_explained);
    tcase_add_test(tests, published_files_are_found);
    tcase_add_test(tests, other_content_is_refused);
    tcase_add_test(tests, files_given_by_hand);
    tcase_add_test(tests, blocks_are_kept_and_checked);
    tcase_add_test(tests, several_processes_at_once);
    tcase_add_test(tests, without_a_cache);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) || failed;
}
