/* A listener that keeps what a trial tells, and the two last states that it saved. */
#include "keeper.h"

#include <check.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_point(void *context, const struct point *point, struct iso_error *err)
{
    struct told *told = ((struct keeper *)context)->told;
    (void)err;
    ck_assert_uint_lt(told->count, POINTS_MAX);
    memcpy(told->extras[told->count], point->extras, point->extra_count * sizeof(struct extra));
    told->points[told->count] = *point;
    told->points[told->count].extras = NULL;
    told->count++;
    return 0;
}

static int on_checkpoint(void *context, const char *name, const void *data, size_t length, struct iso_error *err)
{
    struct told *told = ((struct keeper *)context)->told;
    (void)err;
    struct told_file *file = (struct told_file *)file_named(told, name);
    if (!file) {
        ck_assert_uint_lt(told->file_count, FILES_MAX);
        file = &told->files[told->file_count++];
        snprintf(file->name, sizeof file->name, "%s", name);
    }
    free(file->bytes);
    file->bytes = malloc(length);
    file->length = length;
    memcpy(file->bytes, data, length);
    return 0;
}

static bool on_interrupted(void *context)
{
    struct told *told = ((struct keeper *)context)->told;
    return ++told->asked == told->interrupt_at;
}

static int on_save(void *context, const void *data, size_t length, struct iso_error *err)
{
    struct keeper *keeper = context;
    if (keeper->full)
        return iso_fail(err, "no space left");
    free(keeper->states[1]);
    keeper->states[1] = keeper->states[0];
    keeper->lengths[1] = keeper->lengths[0];
    keeper->states[0] = malloc(length);
    keeper->lengths[0] = length;
    memcpy(keeper->states[0], data, length);
    return 0;
}

static void *on_load(void *context, unsigned age, size_t *length)
{
    const struct keeper *keeper = context;
    if (!keeper->states[age])
        return NULL;
    void *copy = malloc(keeper->lengths[age] + 1);
    memcpy(copy, keeper->states[age], keeper->lengths[age]);
    *length = keeper->lengths[age];
    return copy;
}

static const char *on_numerics(void *context)
{
    return ((struct keeper *)context)->numerics;
}

static void on_note(void *context, const char *text);

static void on_resumed(void *context, uint64_t step, uint64_t steps)
{
    char text[64];
    snprintf(text, sizeof text, "goes on from step %llu of %llu", (unsigned long long)step, (unsigned long long)steps);
    on_note(context, text);
}

static void on_note(void *context, const char *text)
{
    struct keeper *keeper = context;
    const size_t used = strlen(keeper->notes);
    snprintf(keeper->notes + used, sizeof keeper->notes - used, "%s\n", text);
}

struct trial_listener keeper_listener(struct keeper *keeper, uint64_t interrupt_at)
{
    keeper->told->count = 0;
    keeper->told->asked = 0;
    keeper->told->interrupt_at = interrupt_at;
    keeper->notes[0] = '\0';
    return (struct trial_listener){
        .context = keeper, .point = on_point, .checkpoint = on_checkpoint, .interrupted = on_interrupted,
        .save_seconds = 1e-9, .save = on_save, .load = on_load, .numerics = on_numerics, .note = on_note,
        .resumed = on_resumed };
}

void keeper_begin(struct keeper *keeper)
{
    *keeper = (struct keeper){ .told = calloc(1, sizeof *keeper->told), .numerics = "build 1 x86-64-v3" };
}

void keeper_end(struct keeper *keeper)
{
    free(keeper->states[0]);
    free(keeper->states[1]);
    forget(keeper->told);
}

static bool same_number(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void check_measured(const struct measured *a, const struct measured *b)
{
    ck_assert(same_number(a->loss, b->loss));
    ck_assert(same_number(a->accuracy, b->accuracy));
    ck_assert(same_number(a->cross_entropy, b->cross_entropy));
}

void check_point(const struct point *a, const struct point *b)
{
    ck_assert_uint_eq(a->step, b->step);
    ck_assert_uint_eq(a->examples, b->examples);
    ck_assert(same_number(a->epoch, b->epoch));
    ck_assert(same_number(a->rate, b->rate));
    ck_assert_mem_eq(&a->flops, &b->flops, sizeof a->flops);
    check_measured(&a->train, &b->train);
    check_measured(&a->train_eval, &b->train_eval);
    check_measured(&a->validation, &b->validation);
    check_measured(&a->test, &b->test);
    ck_assert_uint_eq(a->extra_count, b->extra_count);
}

void check_same(const struct told *a, const struct told *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        check_point(&a->points[i], &b->points[i]);
        for (size_t k = 0; k < a->points[i].extra_count; k++)
            ck_assert(same_number(a->extras[i][k].value, b->extras[i][k].value));
    }
    ck_assert_uint_eq(a->file_count, b->file_count);
    for (size_t i = 0; i < a->file_count; i++) {
        const struct told_file *file = file_named(b, a->files[i].name);
        ck_assert_msg(file != NULL, "no checkpoint %s", a->files[i].name);
        ck_assert_uint_eq(a->files[i].length, file->length);
        ck_assert_msg(memcmp(a->files[i].bytes, file->bytes, file->length) == 0, "checkpoint %s differs", file->name);
    }
    const struct trial_result *x = &a->result, *y = &b->result;
    ck_assert_int_eq(x->status, y->status);
    ck_assert_str_eq(x->stop_reason, y->stop_reason);
    ck_assert_uint_eq(x->diverged_step, y->diverged_step);
    ck_assert_int_eq(x->has_best, y->has_best);
    ck_assert_uint_eq(x->best_step, y->best_step);
    ck_assert_uint_eq(x->last.step, y->last.step);
    check_measured(&x->last.train, &y->last.train);
    check_measured(&x->last.validation, &y->last.validation);
    check_measured(&x->final_test, &y->final_test);
    check_measured(&x->best_validation, &y->best_validation);
    check_measured(&x->best_test, &y->best_test);
}
