/* Tests of checkpoints and of models read back from them. */
#include <check.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/model.h"
#include "trial_tools.h"

static char *good_bytes;
static size_t good_length;

static void make_good(void)
{
    struct told *told = run_recipe("train: {steps: 1}\nmodel: {hidden: [5, 4]}\ncheckpoint: [final]\n");
    good_length = told->files[0].length;
    good_bytes = malloc(good_length);
    memcpy(good_bytes, told->files[0].bytes, good_length);
    forget(told);
}

static void drop_good(void)
{
    free(good_bytes);
}

/* A file with that header and data of so many bytes. */
static struct checkpoint *parse_header(const char *header, size_t data_length, struct iso_error *err)
{
    const size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data_length);
    for (int k = 0; k < 8; k++)
        bytes[k] = (char)(length >> 8 * k);
    memcpy(bytes + 8, header, length);
    struct checkpoint *checkpoint = checkpoint_parse("file", bytes, 8 + length + data_length, err);
    free(bytes);
    return checkpoint;
}

#define TENSOR(name, shape, begin, end)                                                                               \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

START_TEST(checkpoint_refused)
{
    static const struct {
        const char *header, *words;
        size_t length;
    } cases[] = {
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", NULL, 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.bias", "[2]", 24, 32) "}", NULL, 32 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "lie within", 23 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "follow the last", 25 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 20) "}", "its shape needs", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 24, 0) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", -24, 0) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0.0, 24) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[6]", 0, 24) "}", "two dimensions", 24 },
        { "{" TENSOR("layers.0.weight", "[0,3]", 0, 0) "}", "impossible shape", 0 },
        { "{" TENSOR("layers.0.weight", "[2147483647,2147483647]", 0, 24) "}", "its shape needs", 24 },
        { "{" TENSOR("layers.0.weight", "[4294967296,4294967296]", 0, 0) "}", "impossible shape", 0 },
        { "{" TENSOR("layers.1.weight", "[2,3]", 0, 24) "}", "no tensor layers.0.weight", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,3]", 24, 36) "}",
          "takes 3 inputs", 36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 16, 24) "}", "overlap",
          24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 28, 36) "}", "gap", 36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.bias", "[3]", 24, 36) "}", "3 elements",
          36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 24, 32) ","
          TENSOR("layers.1.bias", "[1]", 32, 36) "}", "some layers have a bias", 36 },
        { "{" TENSOR("layers.00.weight", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{" TENSOR("layers.99999999999999999999.weight", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{" TENSOR("layers.0.weights", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{\"layers.0.weight\":{\"dtype\":\"F64\",\"shape\":[1,3],\"data_offsets\":[0,24]}}", "F32", 24 },
        { "{\"layers.0.weight\":7}", "F32", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "no JSON",
          24 },
        { "{}", "no tensor layers.0.weight", 0 },
        { "[]", "no safetensors", 0 },
        { "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "nests deeper", 0 },
        { "{\"__metadata__\":{\"step\":7}," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "is no text", 24 },
        { "{\"__metadata__\":[]," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "no object", 24 },
        { "{\"__metadata__\":{\"classes\":\"[1]\"}," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "names 1 classes",
          24 },
        { "{\"__metadata__\":{\"normalisation\":\"{\\\"factor\\\":[1],\\\"shift\\\":0}\"},"
          TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "list of 3", 24 },
        { "{\"__metadata__\":{\"image\":\"{\\\"height\\\":1,\\\"width\\\":3,\\\"channels\\\":1,\\\"white\\\":255}\"},"
          TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", NULL, 24 },
        { "{\"__metadata__\":{\"image\":\"{\\\"height\\\":3,\\\"width\\\":3,\\\"channels\\\":1,\\\"white\\\":255}\"},"
          TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "3 inputs", 24 },
        { "{\"__metadata__\":{\"image\":\"{\\\"height\\\":1,\\\"width\\\":3,\\\"channels\\\":1}\"},"
          TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "3 inputs", 24 },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct iso_error err = ERROR_NONE;
        struct checkpoint *checkpoint = parse_header(cases[c].header, cases[c].length, &err);
        if (cases[c].words) {
            ck_assert_msg(!checkpoint && strstr(err.text, cases[c].words), "%s: %s", cases[c].header, err.text);
            ck_assert(strncmp(err.text, "file", 4) == 0);
        } else {
            ck_assert_msg(checkpoint != NULL, "%s", err.text);
        }
        checkpoint_free(checkpoint);
    }
}
END_TEST

START_TEST(checkpoint_layout)
{
    /* By the format's own rules: length of the header, a multiple of 8 with spaces; tensors fill the rest. */
    uint64_t header = 0;
    for (int k = 0; k < 8; k++)
        header |= (uint64_t)(unsigned char)good_bytes[k] << 8 * k;
    ck_assert_uint_eq(header % 8, 0);
    ck_assert_uint_eq(good_length - 8 - header, 4 * (784 * 5 + 5 + 5 * 4 + 4 + 4 * 10 + 10));
    ck_assert(good_bytes[8] == '{' && (good_bytes[8 + header - 1] == '}' || good_bytes[8 + header - 1] == ' '));
    struct iso_error err = ERROR_NONE;
    struct checkpoint *checkpoint = checkpoint_parse("good", good_bytes, good_length, &err);
    ck_assert_msg(checkpoint != NULL, "%s", err.text);
    ck_assert_uint_eq(checkpoint->count, 3);
    ck_assert(checkpoint->layers[2].inputs == 4 && checkpoint->layers[2].outputs == 10);
    ck_assert(checkpoint->recipe && strstr(checkpoint->recipe, "hidden"));
    ck_assert(checkpoint->factor && checkpoint->factor[783] == 1 / 255.0f && checkpoint->shift[0] == 0);
    ck_assert(checkpoint->class_names && strcmp(checkpoint->class_names[3], "3") == 0);
    checkpoint_free(checkpoint);
}
END_TEST

/* Files cut short at every length of the header, and with a byte changed at random: refused or read, never worse. */
START_TEST(checkpoint_damaged)
{
    char *bytes = malloc(good_length);
    uint32_t random = 12345;
    size_t refused = 0;
    for (int k = 0; k < 6000; k++) {
        struct iso_error err = ERROR_NONE;
        memcpy(bytes, good_bytes, good_length);
        size_t length = good_length;
        random = random * 1664525 + 1013904223;
        if (k < 1500)
            length = (size_t)k;
        else
            bytes[random / 256 % 1500] = (char)(random >> 24);
        struct checkpoint *checkpoint = checkpoint_parse("damaged", bytes, length, &err);
        refused += !checkpoint;
        ck_assert(checkpoint || err.text[0]);
        checkpoint_free(checkpoint);
    }
    ck_assert_uint_ge(refused, 1500);
    free(bytes);
}
END_TEST

START_TEST(warm_start)
{
    char folder[] = "/tmp/isoflop-train-XXXXXX";
    ck_assert(mkdtemp(folder) != NULL);
    char *path = file_join(folder, "model.safetensors");
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(file_replace(path, good_bytes, good_length, &err), 0);
    struct text recipe = { 0 };
    text_format(&recipe, "train: {steps: 1}\nmodel: {hidden: [5, 4], from: %s}\ncheckpoint: [init]\nseeds: 9\n", path);
    struct told *told = run_recipe(recipe.data);
    const struct told_file *init = &told->files[0];
    const size_t data = 4 * (784 * 5 + 5 + 5 * 4 + 4 + 4 * 10 + 10);
    ck_assert_mem_eq(init->bytes + init->length - data, good_bytes + good_length - data, data);

    /* A model trained from another evaluates without that file. */
    ck_assert_int_eq(file_replace(path, init->bytes, init->length, &err), 0);
    char *moved = file_join(folder, "moved.safetensors");
    ck_assert_int_eq(rename(path, moved), 0);
    struct model *model = model_load(moved, plugins, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    model_free(model);
    forget(told);

    ck_assert_int_eq(rename(moved, path), 0);
    text_free(&recipe);
    text_format(&recipe, "train: {steps: 1}\nmodel: {hidden: [5, 3], from: %s}\n", path);
    struct settings *settings = settings_of(recipe.data);
    told = calloc(1, sizeof *told);
    ck_assert_int_eq(run_into(told, settings, 0, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "layer 1"));
    settings_free(settings);
    forget(told);
    unlink(path);
    rmdir(folder);
    free(moved);
    free(path);
    text_free(&recipe);
}
END_TEST

/* A model takes inputs as they were normalised in training, whatever the data set at hand does. */
START_TEST(model_normalises)
{
    char folder[] = "/tmp/isoflop-train-XXXXXX";
    ck_assert(mkdtemp(folder) != NULL);
    char *path = file_join(folder, "model.safetensors");
    struct iso_error err = ERROR_NONE;
    struct measured measured[2];
    struct told *told = run_recipe("dataset: {digits: {train_size: 100, test_size: 200, normalise: standard}}\n"
                                   "train: {epochs: 5, batch: 10}\ncheckpoint: [final]\n");
    ck_assert_int_eq(file_replace(path, told->files[0].bytes, told->files[0].length, &err), 0);
    struct model *model = model_load(path, plugins, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    for (int k = 0; k < 2; k++) {
        struct data *data = model_open_data(model, k ? "{digits: {train_size: 70, test_size: 200}}" : NULL, &err);
        ck_assert_msg(data != NULL, "%s", err.text);
        ck_assert_int_eq(model_evaluate(model, data, DATA_TEST, &measured[k], &err), 0);
        ck_assert_int_eq(model_evaluate(model, data, DATA_VALIDATION, &measured[k], &err), -1);
        err = ERROR_NONE;
        data_close(data);
    }
    ck_assert(measured[0].loss == told->result.final_test.loss);
    ck_assert(fabs(measured[1].loss - measured[0].loss) < 1e-4);
    model_free(model);
    unlink(path);
    rmdir(folder);
    free(path);
    forget(told);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *files = tcase_create("files");
    tcase_add_unchecked_fixture(files, make_good, drop_good);
    tcase_add_test(files, checkpoint_refused);
    tcase_add_test(files, checkpoint_layout);
    tcase_add_test(files, checkpoint_damaged);
    tcase_add_test(files, warm_start);
    tcase_add_test(files, model_normalises);
    tcase_set_timeout(files, 300);
    suite_add_tcase(suite, files);
    return trial_tools_main(suite);
}
