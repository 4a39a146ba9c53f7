/* cifar10: photographs of ten kinds of things, 32 x 32 RGB, 50,000 for training and 10,000 for testing; the binary
 * version. A file holds 10,000 records of 1 label byte and 3,072 pixel bytes: red, green, blue, each row-major
 * (https://www.cs.toronto.edu/~kriz/cifar.html). */
#include <isoflop/plugin.h>

#include <string.h>

#define RECORD 3073
#define RECORDS ((size_t)10000)
#define BATCHES 5

#define FILE_OF(name_, sha256_, split_)                                                                                \
    { .name = name_, .archive = "cifar-10-binary.tar.gz", .member = "cifar-10-batches-bin/" name_,                     \
      .url = "cifar-10-binary.tar.gz", .sha256 = sha256_, .length = RECORD * RECORDS, .split = split_ }
static const struct iso_data_file files[] = {
    FILE_OF("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", ISO_SPLIT_TRAIN),
    FILE_OF("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", ISO_SPLIT_TRAIN),
    FILE_OF("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", ISO_SPLIT_TRAIN),
    FILE_OF("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", ISO_SPLIT_TRAIN),
    FILE_OF("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", ISO_SPLIT_TRAIN),
    FILE_OF("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", ISO_SPLIT_TEST),
    { 0 }
};
static const char *const folders[] = { "cifar10", "cifar-10", "cifar-10-batches-bin", NULL };
static const char *const mirrors[] = { "https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/", NULL };
static const char *const classes[] = { "airplane", "automobile", "bird", "cat", "deer",
                                       "dog", "frog", "horse", "ship", "truck" };

/* The training batches, one after the other. */
static int join(void *context, unsigned char *data, size_t length, struct iso_error *err)
{
    const struct iso_host *host = context;
    for (size_t batch = 0; batch < BATCHES; batch++) {
        struct iso_bytes bytes = { .size = sizeof bytes };
        if (host->file(host, files[batch].name, RECORD * RECORDS, &bytes, err))
            return -1;
        if (bytes.length != RECORD * RECORDS || length < (batch + 1) * bytes.length)
            return iso_fail(err, "%s: %zu bytes are not 10,000 records", files[batch].name, bytes.length);
        memcpy(data + batch * bytes.length, bytes.data, bytes.length);
    }
    return 0;
}

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    (void)state;
    const bool test = split == ISO_SPLIT_TEST;
    struct iso_bytes bytes = { .size = sizeof bytes };
    /* All files are read before the block is asked for: their content is what it is cached by. */
    for (size_t batch = 0; batch < (test ? 0 : BATCHES); batch++)
        if (host->file(host, files[batch].name, RECORD * RECORDS, &bytes, err))
            return -1;
    if (test ? host->file(host, "test_batch.bin", RECORD * RECORDS, &bytes, err)
             : host->block(host, "train", BATCHES * RECORD * RECORDS, join, (void *)(uintptr_t)host, &bytes, err))
        return -1;
    table->examples = test ? RECORDS : BATCHES * RECORDS;
    if (bytes.length != table->examples * RECORD)
        return iso_fail(err, "cifar10: %zu bytes are not %zu records", bytes.length, table->examples);
    for (size_t i = 0; i < table->examples; i++)
        if (bytes.data[i * RECORD] > 9)
            return iso_fail(err, "cifar10: label %zu is %d, but there are 10 classes", i, bytes.data[i * RECORD]);
    table->inputs = 3072;
    table->outputs = 10;
    table->bytes = bytes.data + 1;
    table->row_stride = RECORD;
    table->scale = 1 / 255.0;
    table->labels = bytes.data;
    table->label_stride = RECORD;
    table->label_width = 1;
    table->class_names = classes;
    table->height = table->width = 32;
    table->channels = 3;
    return 0;
}

static const struct iso_dataset ops = {
    .open = open, .files = files, .folders = folders, .mirrors = mirrors,
    .license = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009 (please cite)"
};
ISO_PLUGIN(ops, .name = "cifar10", .revision = 1, .summary = "photographs of 10 things, 32 x 32 RGB, 50,000 + 10,000");
