/* mnist1d: digits as curves of 40 values, 4,000 for training and 1,000 for testing; small, and unlike MNIST far from
 * solved by a linear model (S. Greydanus, "Scaling down deep learning", 2020). Two tables as text: label, x0 ... x39. */
#include "csv_table.h"

static const struct iso_data_file files[] = {
    { .name = "mnist1d_train.csv", .length = 1647039,
      .sha256 = "3e52629740168b08318eff00463ee16e8d0999d8b1941e0f0e0b359d084646c1", .split = ISO_SPLIT_TRAIN },
    { .name = "mnist1d_test.csv", .length = 411455,
      .sha256 = "906ec1c152f4d292df720b0d9a9f32cd38dee1a0e2603d852fa41822e330d0a8", .split = ISO_SPLIT_TEST },
    { 0 }
};
static const char *const folders[] = { "mnist1d", "mnist-1d", NULL };

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    (void)state;
    static const struct csv_source source = { .train = "mnist1d_train.csv", .test = "mnist1d_test.csv", .header = true,
                                              .delimiter = ',', .label = "label", .targets = "" };
    return csv_open(&source, host, split, table, err);
}

static const struct iso_dataset ops = {
    .open = open, .files = files, .folders = folders,
    .license = "S. Greydanus, MNIST-1D; Apache-2.0 (https://github.com/greydanus/mnist1d)"
};
ISO_PLUGIN(ops, .name = "mnist1d", .revision = 1, .summary = "digits as curves of 40 values, 4,000 + 1,000");
