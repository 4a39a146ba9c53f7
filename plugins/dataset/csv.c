/* csv: any table of numbers as text: one column of labels, or columns of targets; all others are inputs. */
#include "csv_table.h"

struct csv_state {
    const char *file, *test, *delimiter, *label, *targets;
    double test_fraction;
    bool header;
};

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    (void)host;
    const char *delimiter = ((struct csv_state *)state)->delimiter;
    if (strcmp(delimiter, "tab") && (strlen(delimiter) != 1 || *delimiter == '"' || *delimiter == '\n'))
        return iso_fail(err, "delimiter must be one character, or tab, not \"%s\"", delimiter);
    return 0;
}

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    const struct csv_state *csv = state;
    const struct csv_source source = { .train = csv->file, .test = csv->test, .test_fraction = csv->test_fraction,
                                       .header = csv->header, .label = csv->label, .targets = csv->targets,
                                       .delimiter = strcmp(csv->delimiter, "tab") ? *csv->delimiter : '\t' };
    return csv_open(&source, host, split, table, err);
}

static const struct iso_param params[] = {
    ISO_PATH(struct csv_state, file, NULL, "the table (.csv, or compressed: .csv.gz, .xz, .zst, .bz2)"),
    ISO_PATH(struct csv_state, test, "", "a table of test examples with the same columns; empty: a part of `file`"),
    ISO_REAL(struct csv_state, test_fraction, "0.2", 0, 1, "part of the rows of `file` that is for testing, where there "
             "is no `test`"),
    ISO_FLAG(struct csv_state, header, "true", "the first row names the columns"),
    ISO_TEXT(struct csv_state, delimiter, ",", "between columns: one character, or tab"),
    ISO_TEXT(struct csv_state, label, "label", "column of labels, by name, or number from 0; labels may be any texts"),
    ISO_TEXT(struct csv_state, targets, "", "columns of numbers to predict in place of labels, with commas between"),
    { 0 }
};
static const struct iso_dataset ops = { .open = open };
ISO_PLUGIN(ops, .name = "csv", .revision = 2, .summary = "a table of your own, as text: labels or targets, and inputs",
           .state_size = sizeof(struct csv_state), .params = params, .setup = setup);
