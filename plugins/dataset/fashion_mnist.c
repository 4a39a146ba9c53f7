/* fashion_mnist: articles of clothing, 28 x 28 grey, 60,000 for training and 10,000 for testing. */
#include "idx.h"

static const struct iso_data_file files[] = {
    { .name = "train-images-idx3-ubyte", .url = "train-images-idx3-ubyte.gz", .length = 47040016,
      .sha256 = "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", .split = ISO_SPLIT_TRAIN },
    { .name = "train-labels-idx1-ubyte", .url = "train-labels-idx1-ubyte.gz", .length = 60008,
      .sha256 = "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", .split = ISO_SPLIT_TRAIN },
    { .name = "t10k-images-idx3-ubyte", .url = "t10k-images-idx3-ubyte.gz", .length = 7840016,
      .sha256 = "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", .split = ISO_SPLIT_TEST },
    { .name = "t10k-labels-idx1-ubyte", .url = "t10k-labels-idx1-ubyte.gz", .length = 10008,
      .sha256 = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", .split = ISO_SPLIT_TEST },
    { 0 }
};
static const char *const folders[] = { "fashion_mnist", "fashion-mnist", "FashionMNIST/raw", "FashionMNIST", NULL };
static const char *const mirrors[] = { "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                                       "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                                       NULL };
static const char *const classes[] = { "T-shirt/top", "trouser", "pullover", "dress", "coat",
                                       "sandal", "shirt", "sneaker", "bag", "ankle boot" };

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    return idx_open(state, host, split, 10, classes, table, err);
}

static const struct iso_dataset ops = {
    .open = open, .files = files, .folders = folders, .mirrors = mirrors, .package = "dataset-fashion-mnist",
    .package_folder = "/usr/share/datasets/fashion-mnist", .license = "(c) 2017 Zalando SE; MIT license"
};
ISO_PLUGIN(ops, .name = "fashion_mnist", .revision = 1,
           .summary = "articles of clothing, 28 x 28 grey, 60,000 + 10,000",
           .state_size = sizeof(struct idx_state), .params = idx_params);
