/* Strokes over a picture: drawn, erased, undone, done again. */
#include "window/canvas.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define AREA ((size_t)CANVAS_SIDE * CANVAS_SIDE)

static struct canvas canvas;

static void setup(void) { ck_assert_int_eq(canvas_make(&canvas, 1), 0); }
static void teardown(void) { canvas_free(&canvas); }

static float at(size_t x, size_t y) { return canvas.drawing[y * CANVAS_SIDE + x]; }

static void line(float y, bool erase)
{
    canvas_begin(&canvas, 100, y, 10, erase);
    canvas_extend(&canvas, 200, y);
    canvas_extend(&canvas, 300, y);
}

START_TEST(a_stroke_is_smooth)
{
    ck_assert(canvas_empty(&canvas));
    line(50, false);
    ck_assert(!canvas_empty(&canvas));
    ck_assert_float_eq(at(150, 50), 1);
    ck_assert_float_eq(at(299, 50), 1);
    ck_assert_float_eq(at(150, 70), 0);
    const float edge = at(150, 57); /* 7.5 from the middle of a radius of 10 */
    ck_assert(edge > 0.5f && edge < 0.75f);
    for (size_t y = 50; y < 62; y++)
        ck_assert(at(150, y) >= at(150, y + 1));
    ck_assert_float_eq(at(320, 50), 0);
}
END_TEST

START_TEST(undo_and_redo)
{
    static float first[AREA], second[AREA];
    line(50, false);
    memcpy(first, canvas.drawing, sizeof first);
    line(60, false);
    memcpy(second, canvas.drawing, sizeof second);
    canvas_undo(&canvas);
    ck_assert_mem_eq(canvas.drawing, first, sizeof first);
    canvas_redo(&canvas);
    ck_assert_mem_eq(canvas.drawing, second, sizeof second);
    canvas_redo(&canvas); /* nothing to do again */
    ck_assert_mem_eq(canvas.drawing, second, sizeof second);
    canvas_undo(&canvas);
    canvas_undo(&canvas);
    canvas_undo(&canvas); /* nothing to undo */
    ck_assert(canvas_empty(&canvas));
    line(50, false); /* what was undone is forgotten */
    canvas_redo(&canvas);
    ck_assert_mem_eq(canvas.drawing, first, sizeof first);
}
END_TEST

START_TEST(erasing_and_clearing_are_strokes)
{
    line(50, false);
    line(50, true);
    ck_assert_float_eq(at(200, 50), 0);
    canvas_undo(&canvas);
    ck_assert_float_eq(at(200, 50), 1);
    canvas_clear(&canvas);
    ck_assert(canvas_empty(&canvas));
    canvas_undo(&canvas);
    ck_assert_float_eq(at(200, 50), 1);
}
END_TEST

START_TEST(a_picture_lies_below)
{
    float *picture = calloc(AREA, sizeof *picture);
    ck_assert_ptr_nonnull(picture);
    picture[5 * CANVAS_SIDE + 7] = 0.25f;
    line(300, false);
    canvas_ground(&canvas, picture);
    ck_assert_float_eq(at(7, 5), 0.25f);
    ck_assert_float_eq(at(200, 300), 0);
    line(5, true);
    canvas_undo(&canvas);
    ck_assert_float_eq(at(7, 5), 0.25f);
    free(picture);
}
END_TEST

/* Thousands of points, and strokes that leave the canvas. */
START_TEST(many_points)
{
    for (int stroke = 0; stroke < 20; stroke++) {
        canvas_begin(&canvas, -50, (float)stroke * 20, 5, false);
        for (int i = 0; i < 500; i++)
            canvas_extend(&canvas, (float)i * 2 - 100, (float)(stroke * 20 + i % 7) - 50);
    }
    ck_assert(!canvas.failed);
    for (int stroke = 0; stroke < 20; stroke++)
        canvas_undo(&canvas);
    ck_assert(canvas_empty(&canvas));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("canvas");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_stroke_is_smooth);
    tcase_add_test(all, undo_and_redo);
    tcase_add_test(all, erasing_and_clearing_are_strokes);
    tcase_add_test(all, a_picture_lies_below);
    tcase_add_test(all, many_points);
    suite_add_tcase(suite, all);
    return suite_failed(suite) != 0;
}
