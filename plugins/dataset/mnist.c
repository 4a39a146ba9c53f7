/* mnist: handwritten digits, 28 x 28 grey, 60,000 for training and 10,000 for testing. */
#include "idx.h"

static const struct iso_data_file files[] = {
    { .name = "train-images-idx3-ubyte", .url = "train-images-idx3-ubyte.gz", .length = 47040016,
      .sha256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", .split = ISO_SPLIT_TRAIN },
    { .name = "train-labels-idx1-ubyte", .url = "train-labels-idx1-ubyte.gz", .length = 60008,
      .sha256 = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", .split = ISO_SPLIT_TRAIN },
    { .name = "t10k-images-idx3-ubyte", .url = "t10k-images-idx3-ubyte.gz", .length = 7840016,
      .sha256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", .split = ISO_SPLIT_TEST },
    { .name = "t10k-labels-idx1-ubyte", .url = "t10k-labels-idx1-ubyte.gz", .length = 10008,
      .sha256 = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", .split = ISO_SPLIT_TEST },
    { 0 }
};
static const char *const folders[] = { "mnist", "MNIST/raw", "MNIST", NULL };
static const char *const mirrors[] = { "https://ossci-datasets.s3.amazonaws.com/mnist/",
                                       "https://storage.googleapis.com/cvdf-datasets/mnist/",
                                       "http://yann.lecun.com/exdb/mnist/", NULL };
static const char *const classes[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    return idx_open(state, host, split, 10, classes, table, err);
}

static const struct iso_dataset ops = {
    .open = open, .files = files, .folders = folders, .mirrors = mirrors,
    .license = "LeCun, Cortes, Burges; CC BY-SA 3.0"
};
ISO_PLUGIN(ops, .name = "mnist", .revision = 1, .summary = "handwritten digits, 28 x 28 grey, 60,000 + 10,000",
           .state_size = sizeof(struct idx_state), .params = idx_params);
