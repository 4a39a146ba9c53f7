/* Saving a trial's state, and going on from it. */
#include "train/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CHECKSUM = HASH_TEXT - 1, COST = 50 };

static const char head[] = "{\"__metadata__\":{\"format\":\"isoflop state 1\",\"points\":\"";

enum type { U8, F32, F64, U64 };
static const char *const type_names[] = { "U8", "F32", "F64", "U64" };
static const size_t type_sizes[] = { 1, sizeof(float), sizeof(double), sizeof(uint64_t) };

/* What is done with each array of a state: the same walk describes, writes and reads them. */
struct walk {
    void (*visit)(struct walk *walk, const char *name, enum type type, void *data, size_t count);
    struct text *header;  /* describing */
    size_t offset;        /* of the next array in the data */
    unsigned char *to;    /* writing */
    const unsigned char *from; /* reading */
};

static void visit_network(void *context, const char *name, void *data, size_t count, size_t size)
{
    struct walk *walk = context;
    walk->visit(walk, name, size == sizeof(float) ? F32 : U8, data, count);
}

/* All that a state holds. The step comes first and the points next: reading looks at them before it takes the rest. */
static void walk_run(struct walk *walk, struct run *run)
{
    walk->visit(walk, "step", U64, &run->step, 1);
    walk->visit(walk, "points", F64, run->rows, run->row_count * run->row_width);
    walk->visit(walk, "seconds", F64, &run->watch.total, 1);
    walk->visit(walk, "points.last_seconds", F64, &run->points.last_seconds, 1);
    walk->visit(walk, "checkpoints.last_seconds", F64, &run->checkpoints.last_seconds, 1);
    walk->visit(walk, "diverged_step", U64, &run->result->diverged_step, 1);
    walk->visit(walk, "flops_skipped", U64, &run->flops_skipped, 1);
    walk->visit(walk, "flops_executed", U64, &run->result->flops_executed, 1);
    walk->visit(walk, "since.examples", U64, &run->since.examples, 1);
    walk->visit(walk, "since.correct", U64, &run->since.correct, 1);
    walk->visit(walk, "since.loss", F64, &run->since.loss, 1);
    walk->visit(walk, "since.cross_entropy", F64, &run->since.cross_entropy, 1);
    network_visit(run->network, visit_network, walk);
    if (run->best_state)
        walk->visit(walk, "best", F32, run->best_state, network_state_length(run->network));
}

static void describe(struct walk *walk, const char *name, enum type type, void *data, size_t count)
{
    (void)data;
    const size_t end = walk->offset + count * type_sizes[type];
    text_format(walk->header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}", name,
                type_names[type], count, walk->offset, end);
    walk->offset = end;
}

static void put(struct walk *walk, const char *name, enum type type, void *data, size_t count)
{
    (void)name;
    if (count)
        memcpy(walk->to, data, count * type_sizes[type]);
    walk->to += count * type_sizes[type];
}

static void get(struct walk *walk, const char *name, enum type type, void *data, size_t count)
{
    (void)name;
    if (count)
        memcpy(data, walk->from, count * type_sizes[type]);
    walk->from += count * type_sizes[type];
}

/* ---- The header ---- */

static void add_numerics(const struct run *run, struct text *out)
{
    const struct trial_listener *listener = run->listener;
    struct text text = { 0 };
    text_format(&text, "%s %s", run->settings->backend->plugin->descriptor.name, run->result->kernel);
    if (listener->numerics)
        text_format(&text, " %s", listener->numerics(listener->context));
    char *numerics = text_take(&text);
    text_add_string(out, "\"numerics\":");
    text_add_json(out, numerics ? numerics : "");
    out->failed = out->failed || !numerics;
    free(numerics);
}

/* SHA-256 over the trial's key and what it measures and keeps. */
static int identify(const struct run *run, char out[HASH_TEXT])
{
    static const char *const sections[] = { "measure", "checkpoint" };
    struct text text = { 0 };
    settings_key_json(run->settings, data_checksum(run->data), &text);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct node *section = node_get(run->settings->tree->root, sections[i]);
        text_format(&text, "\n%s ", sections[i]);
        if (section)
            node_json(section, &text);
    }
    const int status = text.failed ? -1 : hash_of(text.data, text.length, out);
    text_free(&text);
    return status;
}

/* The header of the run's state, its length before it; *data_length takes that of the data, checksum included. */
static int make_header(struct run *run, struct text *out, size_t *data_length, struct iso_error *err)
{
    char trial[HASH_TEXT];
    static const char length_comes_here[8];
    struct walk walk = { .visit = describe, .header = out };
    if (identify(run, trial))
        return error_memory(err);
    text_add(out, length_comes_here, sizeof length_comes_here);
    text_format(out, "%s%zu\",", head, run->row_count);
    add_numerics(run, out);
    text_format(out, ",\"trial\":\"%s\"}", trial);
    walk_run(&walk, run);
    describe(&walk, "checksum", U8, NULL, CHECKSUM);
    text_add_string(out, "}");
    while (out->length % 8 && !out->failed)
        text_add_string(out, " ");
    if (out->failed)
        return error_memory(err);
    for (int k = 0; k < 8; k++)
        out->data[k] = (char)((uint64_t)(out->length - 8) >> 8 * k);
    *data_length = walk.offset;
    return 0;
}

/* ---- Writing ---- */

void *state_write(struct run *run, size_t *length, struct iso_error *err)
{
    struct text header = { 0 };
    size_t data_length;
    unsigned char *bytes = NULL;
    char checksum[HASH_TEXT];
    if (make_header(run, &header, &data_length, err))
        goto out;
    *length = header.length + data_length;
    if (!(bytes = malloc(*length))) {
        error_memory(err);
        goto out;
    }
    memcpy(bytes, header.data, header.length);
    struct walk walk = { .visit = put, .to = bytes + header.length };
    walk_run(&walk, run);
    hash_of(bytes, *length - CHECKSUM, checksum);
    memcpy(bytes + *length - CHECKSUM, checksum, CHECKSUM);
out:
    text_free(&header);
    return bytes;
}

/* ---- Reading ---- */

static bool is_whole(const unsigned char *bytes, size_t length)
{
    char checksum[HASH_TEXT];
    return length >= 8 + sizeof head + CHECKSUM && !hash_of(bytes, length - CHECKSUM, checksum) &&
           memcmp(bytes + length - CHECKSUM, checksum, CHECKSUM) == 0;
}

/* The number of points that the header states; SIZE_MAX: it is no header of a state. */
static size_t count_points(const unsigned char *bytes, size_t length)
{
    enum { MOST = 1000000000 };
    const size_t begin = 8 + sizeof head - 1;
    size_t count = 0, at = begin;
    if (length < begin || memcmp(bytes + 8, head, sizeof head - 1) != 0)
        return SIZE_MAX;
    for (; at < length && bytes[at] >= '0' && bytes[at] <= '9' && count < MOST; at++)
        count = 10 * count + (size_t)(bytes[at] - '0');
    return at == begin || at == length || bytes[at] != '"' ? SIZE_MAX : count;
}

/* What differs, in words. */
static int refuse_header(const struct run *run, const unsigned char *bytes, size_t length, struct iso_error *err)
{
    enum { SHOWN = 65536 };
    struct text numerics = { 0 }, start = { 0 };
    add_numerics(run, &numerics);
    text_add(&start, (const char *)bytes + 8, length - 8 < SHOWN ? length - 8 : SHOWN);
    const bool same = !numerics.failed && !start.failed && strstr(start.data, numerics.data);
    text_free(&numerics);
    text_free(&start);
    return iso_fail(err, same ? "it was made for other measurements or checkpoints"
                              : "it was made with other numerics (another build of isoflop, backend, kernel, processor or "
                                "libm)");
}

/* Points come in the order of their steps, the last at most at the run's step. */
static bool are_rows_sane(const struct run *run)
{
    double before = -1;
    for (size_t i = 0; i < run->row_count; i++) {
        const double step = run->rows[i * run->row_width];
        if (!(step > before && step <= (double)run->step && step == (double)(uint64_t)step))
            return false;
        before = step;
    }
    return run->step > 0 && run->step < run->end;
}

int state_read(struct run *run, const void *data, size_t length, struct iso_error *err)
{
    const unsigned char *bytes = data;
    struct text header = { 0 };
    size_t data_length;
    int status = -1;
    if (!is_whole(bytes, length))
        return iso_fail(err, "it is damaged: its checksum is wrong");
    const size_t points = count_points(bytes, length);
    if (points > length / sizeof(double) / run->row_width)
        return iso_fail(err, "it is no state of a trial that this isoflop can read");
    if (memory_grow(&run->rows, &run->row_capacity, (points + 1) * run->row_width, sizeof *run->rows))
        return error_memory(err);
    run->row_count = points;
    if (make_header(run, &header, &data_length, err))
        goto out;
    if (length < header.length || memcmp(bytes, header.data, header.length) != 0) {
        refuse_header(run, bytes, length, err);
        goto out;
    }
    if (length - header.length != data_length) {
        iso_fail(err, "it has %zu bytes of data, not %zu", length - header.length, data_length);
        goto out;
    }
    /* Step and points first: what hangs on the points comes from going over them again. */
    struct walk walk = { .visit = get, .from = bytes + header.length };
    get(&walk, "step", U64, &run->step, 1);
    get(&walk, "points", F64, run->rows, run->row_count * run->row_width);
    if (are_rows_sane(run))
        run_replay(run);
    else
        run->ended = true;
    if (run->ended) {
        iso_fail(err, "its points contradict each other");
        goto out;
    }
    walk = (struct walk){ .visit = get, .from = bytes + header.length };
    walk_run(&walk, run);
    agenda_go_on(&run->points, run->step);
    agenda_go_on(&run->checkpoints, run->step);
    status = 0;
out:
    text_free(&header);
    return status;
}

/* ---- When ---- */

static void note(const struct run *run, const char *what, const char *text)
{
    const struct trial_listener *listener = run->listener;
    struct text words = { 0 };
    text_format(&words, "%s%s", what, text);
    if (listener->note && words.data)
        listener->note(listener->context, words.data);
    text_free(&words);
}

void state_save_due(struct run *run, bool stop)
{
    const struct trial_listener *listener = run->listener;
    if (!listener || !listener->save || !(listener->save_seconds > 0))
        return;
    const double now = stopwatch_now(), waited = now - run->saved;
    const double worth = listener->save_seconds < 1 ? listener->save_seconds : 1; /* less is not worth keeping */
    if (waited < (stop ? worth : run->save_after))
        return;
    struct iso_error failure = ERROR_NONE;
    size_t length;
    stopwatch_stop(&run->watch);
    void *bytes = state_write(run, &length, &failure);
    const bool failed = !bytes || listener->save(listener->context, bytes, length, &failure);
    if (failed && !run->unsaved)
        note(run, "its state could not be saved, and it goes on without: ", failure.text);
    run->unsaved = failed;
    free(bytes);
    stopwatch_start(&run->watch);
    run->saved = stopwatch_now();
    run->save_after = listener->save_seconds;
    const double cost = COST * (double)run->company * (run->saved - now);
    if (cost > run->save_after)
        run->save_after = cost;
}

int state_go_on(struct run *run, unsigned age)
{
    const struct trial_listener *listener = run->listener;
    size_t length;
    if (!listener || !listener->load)
        return 0;
    void *bytes = listener->load(listener->context, age, &length);
    if (!bytes)
        return 0;
    struct iso_error failure = ERROR_NONE;
    const int status = state_read(run, bytes, length, &failure);
    free(bytes);
    if (status) {
        note(run, age ? "the state before can't be used: " : "its saved state can't be used: ", failure.text);
        return -1;
    }
    if (listener->resumed)
        listener->resumed(listener->context, run->step, run->end);
    return 1;
}
