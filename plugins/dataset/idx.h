/* idx.h: data sets in the IDX format of MNIST, for the plugins that read them.
 *
 * Images: big-endian 32-bit magic 2051, count, height, width, then count x height x width bytes, row-major.
 * Labels: magic 2049, count, then count bytes. Nothing may follow. (http://yann.lecun.com/exdb/mnist)
 */
#ifndef DATASET_IDX_H
#define DATASET_IDX_H

#include <isoflop/plugin.h>

#define IDX_SIDE_MAX 4096
#define IDX_FILE_MAX ((size_t)1 << 31)

struct idx_state {
    const char *folder;
};

static const struct iso_param idx_params[] = {
    ISO_PATH(struct idx_state, folder, "", "folder of your own files with the same names and format, in place of the "
                                           "published data set; empty: the published one"),
    { 0 }
};

static inline uint32_t idx_word(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

/* Where the images start: count x height x width bytes. */
static inline int idx_images(const struct iso_bytes *bytes, const char *name, size_t *count, size_t *height,
                             size_t *width, const unsigned char **pixels, struct iso_error *err)
{
    if (bytes->length < 16)
        return iso_fail(err, "%s: %zu bytes are too few for a file of images (IDX)", name, bytes->length);
    if (idx_word(bytes->data) != 2051)
        return iso_fail(err, "%s: it starts with %lu, not with 2051 as images in the IDX format do", name,
                        (unsigned long)idx_word(bytes->data));
    *count = idx_word(bytes->data + 4);
    *height = idx_word(bytes->data + 8);
    *width = idx_word(bytes->data + 12);
    if (!*count || !*height || !*width || *height > IDX_SIDE_MAX || *width > IDX_SIDE_MAX)
        return iso_fail(err, "%s: %zu images of %zu x %zu pixels", name, *count, *height, *width);
    const size_t size = *height * *width; /* at most 2^24 */
    if ((bytes->length - 16) / size != *count || (bytes->length - 16) % size)
        return iso_fail(err, "%s: %zu images of %zu x %zu pixels do not go with its %zu bytes", name, *count, *height,
                        *width, bytes->length);
    *pixels = bytes->data + 16;
    return 0;
}

static inline int idx_labels(const struct iso_bytes *bytes, const char *name, size_t *count,
                             const unsigned char **labels, struct iso_error *err)
{
    if (bytes->length < 8)
        return iso_fail(err, "%s: %zu bytes are too few for a file of labels (IDX)", name, bytes->length);
    if (idx_word(bytes->data) != 2049)
        return iso_fail(err, "%s: it starts with %lu, not with 2049 as labels in the IDX format do", name,
                        (unsigned long)idx_word(bytes->data));
    *count = idx_word(bytes->data + 4);
    if (*count != bytes->length - 8)
        return iso_fail(err, "%s: %zu labels do not go with its %zu bytes", name, *count, bytes->length);
    *labels = bytes->data + 8;
    return 0;
}

static inline int idx_file(const struct idx_state *state, const struct iso_host *host, const char *name,
                           struct iso_bytes *bytes, struct iso_error *err)
{
    char path[4400];
    if (!state->folder[0])
        return host->file(host, name, IDX_FILE_MAX, bytes, err);
    snprintf(path, sizeof path, "%s/%s", state->folder, name);
    return host->file(host, path, IDX_FILE_MAX, bytes, err);
}

/* Number of classes: of the published data as stated; of one's own files as many as the labels of both splits need. */
static inline int idx_classes(const struct idx_state *state, const struct iso_host *host, size_t published,
                              size_t *classes, struct iso_error *err)
{
    static const char *const names[] = { "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte" };
    *classes = published;
    if (!state->folder[0])
        return 0;
    *classes = 2;
    for (int split = 0; split < 2; split++) {
        struct iso_bytes bytes = { .size = sizeof bytes };
        const unsigned char *labels = NULL;
        size_t count = 0;
        if (idx_file(state, host, names[split], &bytes, err) || idx_labels(&bytes, names[split], &count, &labels, err))
            return -1;
        for (size_t i = 0; i < count; i++)
            if (labels[i] >= *classes)
                *classes = (size_t)labels[i] + 1;
    }
    return 0;
}

/* A split from the files {train,t10k}-{images-idx3,labels-idx1}-ubyte. */
static inline int idx_open(const struct idx_state *state, const struct iso_host *host, enum iso_split split,
                           size_t published_classes, const char *const *class_names, struct iso_table *table,
                           struct iso_error *err)
{
    const bool test = split == ISO_SPLIT_TEST;
    const char *image_name = test ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte";
    const char *label_name = test ? "t10k-labels-idx1-ubyte" : "train-labels-idx1-ubyte";
    struct iso_bytes images = { .size = sizeof images }, labels = { .size = sizeof labels };
    size_t count = 0, label_count = 0, height = 0, width = 0, classes = 0;
    const unsigned char *pixels = NULL, *label = NULL;
    if (idx_file(state, host, image_name, &images, err) || idx_file(state, host, label_name, &labels, err) ||
        idx_images(&images, image_name, &count, &height, &width, &pixels, err) ||
        idx_labels(&labels, label_name, &label_count, &label, err) ||
        idx_classes(state, host, published_classes, &classes, err))
        return -1;
    if (label_count != count)
        return iso_fail(err, "%s has %zu images, but %s has %zu labels", image_name, count, label_name, label_count);
    for (size_t i = 0; i < count; i++)
        if (label[i] >= classes)
            return iso_fail(err, "%s: label %zu is %d, but there are %zu classes", label_name, i, label[i], classes);
    table->examples = count;
    table->inputs = table->row_stride = height * width;
    table->outputs = classes;
    table->bytes = pixels;
    table->scale = 1 / 255.0;
    table->labels = label;
    table->label_stride = 1;
    table->label_width = 1;
    table->class_names = classes == published_classes && !state->folder[0] ? class_names : NULL;
    table->height = height;
    table->width = width;
    table->channels = 1;
    return 0;
}

#endif
