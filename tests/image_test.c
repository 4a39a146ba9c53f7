/* Pictures: reading PNG and netpbm, and bringing them to a network's size. */
#include "data/image.h"

#include <png.h>

#include "data_files.h"
#include "suite.h"

#define ERR_OK(call) ck_assert_msg(!(call), "%s", err.text)

static struct iso_error err;

static void setup(void)
{
    err = ERROR_NONE;
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
    clean("");
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
}

static struct image black(size_t width, size_t height)
{
    struct image image;
    ERR_OK(image_make(width, height, 1, &image, &err));
    return image;
}

static void box(struct image *image, size_t left, size_t top, size_t width, size_t height, float value)
{
    for (size_t y = top; y < top + height; y++)
        for (size_t x = left; x < left + width; x++)
            image->values[y * image->width + x] = value;
}

static double sum_at(const struct image *image, double *x, double *y)
{
    double sum = 0;
    *x = *y = 0;
    for (size_t j = 0; j < image->height; j++)
        for (size_t i = 0; i < image->width; i++) {
            const double value = (double)image->values[j * image->width + i];
            sum += value;
            *x += value * ((double)i + 0.5);
            *y += value * ((double)j + 0.5);
        }
    *x /= sum;
    *y /= sum;
    return sum;
}

static void expect_text(const char *text, size_t length, const char *words)
{
    struct image image;
    write_file(at("bad.pgm"), text, length);
    err = ERROR_NONE;
    ck_assert_int_eq(image_read(at("bad.pgm"), 1, &image, &err), -1);
    ck_assert_msg(strstr(err.text, words), "%s", err.text);
    ck_assert_ptr_null(image.values);
}

START_TEST(netpbm)
{
    struct image image;
    static const char plain[] = "P2 # a comment\n3 # 2\n 2\n10\n0 5 10\n1 2 3\n";
    write_file(at("a.pgm"), plain, sizeof plain - 1);
    ERR_OK(image_read(at("a.pgm"), 1, &image, &err));
    ck_assert_uint_eq(image.width, 3);
    ck_assert_uint_eq(image.height, 2);
    ck_assert_float_eq(image.values[1], 0.5f);
    ck_assert_float_eq(image.values[5], 0.3f);
    image_free(&image);

    static const char wide[] = "P5 2 1 65535\n\x80\x00\xff\xff";
    write_file(at("b.pgm"), wide, sizeof wide - 1);
    ERR_OK(image_read(at("b.pgm"), 1, &image, &err));
    ck_assert_float_eq_tol(image.values[0], 32768.0f / 65535.0f, 1e-6f);
    ck_assert_float_eq(image.values[1], 1);
    image_free(&image);

    static const char colour[] = "P6\n1 2\n255\n\xff\x00\x00\x00\xff\x00";
    write_file(at("c.ppm"), colour, sizeof colour - 1);
    ERR_OK(image_read(at("c.ppm"), 3, &image, &err));
    ck_assert_float_eq(image.values[0], 1); /* red plane, upper pixel */
    ck_assert_float_eq(image.values[3], 1); /* green plane, lower pixel */
    image_free(&image);
    ERR_OK(image_read(at("c.ppm"), 1, &image, &err));
    ck_assert_float_eq_tol(image.values[1], 0.587f, 1e-6f);
    image_free(&image);
}
END_TEST

START_TEST(damaged)
{
    static const char tall[] = "P5 99999 99999 255\n", none[] = "P5 0 3 255\n", cut[] = "P5 4 4 255\nabc";
    static const char large[] = "P2 1 1 3\n4\n", words[] = "P2 1 1 x\n", text[] = "hello, world", no_data[] = "P5 2 2 255";
    expect_text(tall, sizeof tall - 1, "pixels");
    expect_text(none, sizeof none - 1, "header");
    expect_text(cut, sizeof cut - 1, "cut short");
    expect_text(large, sizeof large - 1, "damaged");
    expect_text(words, sizeof words - 1, "header");
    expect_text(text, sizeof text - 1, "neither PNG");
    expect_text(no_data, sizeof no_data - 1, "cut short");
    expect_text("", 0, "neither PNG");
    expect_text("\x89PNG\r\n\x1a\n garbage", 16, "bad.pgm");
}
END_TEST

START_TEST(transparency)
{
    const unsigned char pixels[] = { 0, 0, 0, 0, 0, 0, 0, 255 }; /* RGBA: clear, black */
    png_image png = { .version = PNG_IMAGE_VERSION, .width = 2, .height = 1, .format = PNG_FORMAT_RGBA };
    ck_assert(png_image_write_to_file(&png, at("a.png"), 0, pixels, 0, NULL));
    struct image image;
    ERR_OK(image_read(at("a.png"), 1, &image, &err));
    ck_assert_float_eq_tol(image.values[0], 1, 1e-6f);
    ck_assert_float_eq(image.values[1], 0);
    image_free(&image);
    /* Half transparent is half way; white ink lies on black. */
    const unsigned char half[] = { 0, 0, 0, 51, 0, 0, 0, 255 }, light[] = { 255, 255, 255, 51, 255, 255, 255, 0 };
    ck_assert(png_image_write_to_file(&png, at("a.png"), 0, half, 0, NULL));
    ERR_OK(image_read(at("a.png"), 1, &image, &err));
    ck_assert_float_eq_tol(image.values[0], 0.8f, 1e-6f);
    image_free(&image);
    ck_assert(png_image_write_to_file(&png, at("a.png"), 0, light, 0, NULL));
    ERR_OK(image_read(at("a.png"), 3, &image, &err));
    ck_assert_float_eq_tol(image.values[0], 0.2f, 1e-6f);
    ck_assert_float_eq(image.values[1], 0);
    image_free(&image);
}
END_TEST

/* 2 x 1 grey pixels of 16 bits, 0x4000 and 0xffff, without a gamma: a quarter and white, as they would be in 8 bits. */
START_TEST(sixteen_bits)
{
    static const unsigned char png[] = {
        0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 2, 0, 0, 0, 1, 16, 0,
        0, 0, 0, 0x81, 0xd9, 0xfc, 0x15, 0, 0, 0, 16, 'I', 'D', 'A', 'T', 0x78, 1, 1, 5, 0, 0xfa, 0xff, 0, 0x40, 0,
        0xff, 0xff, 4, 2, 2, 0x3f, 0x1a, 0x3f, 0xc5, 0x6e, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82
    };
    struct image image;
    write_file(at("d.png"), (const char *)png, sizeof png);
    ERR_OK(image_read(at("d.png"), 1, &image, &err));
    ck_assert_float_eq_tol(image.values[0], 64 / 255.0f, 1e-6f);
    ck_assert_float_eq_tol(image.values[1], 1, 1e-6f);
    image_free(&image);
}
END_TEST

/* A bar of any size, anywhere, dark on light: 20 pixels high, its mass in the middle. */
START_TEST(digit_fit)
{
    struct image to = black(28, 28);
    bool blank;
    for (size_t side = 10; side <= 400; side += 78) {
        struct image from = black(side + 40, side + 21);
        box(&from, 0, 0, from.width, from.height, 0.9f);
        box(&from, 7, 3, side / 5, side, 0.1f);
        ERR_OK(image_prepare(&from, IMAGE_DIGIT, IMAGE_INVERT_AUTO, &to, &blank, &err));
        ck_assert(!blank);
        double x, y;
        const double mass = sum_at(&to, &x, &y);
        ck_assert_double_eq_tol(x, 14, 0.01);
        ck_assert_double_eq_tol(y, 14, 0.01);
        ck_assert_double_eq_tol(mass, 20 * 4, 4);
        image_free(&from);
    }
    image_free(&to);
}
END_TEST

START_TEST(digit_fit_by_mass)
{
    /* A heavy top: the centre of mass, not that of the box, is in the middle. */
    struct image from = black(28, 28), to = black(28, 28);
    bool blank;
    box(&from, 4, 2, 10, 5, 1);
    box(&from, 8, 7, 2, 15, 1);
    ERR_OK(image_prepare(&from, IMAGE_DIGIT, IMAGE_INVERT_NO, &to, &blank, &err));
    double x, y;
    sum_at(&to, &x, &y);
    ck_assert_double_eq_tol(x, 14, 0.01);
    ck_assert_double_eq_tol(y, 14, 0.01);
    ck_assert(to.values[14 * 28 + 14] > 0);
    image_free(&from);
    image_free(&to);
}
END_TEST

START_TEST(box_fit)
{
    struct image to = black(28, 28);
    bool blank;
    for (size_t left = 0; left <= 22; left += 11)
        for (size_t top = 0; top <= 22; top += 11) {
            struct image from = black(28, 28);
            box(&from, left, top, 5, 6, 1);
            from.values[top * 28 + left] = 0.5f; /* a corner that tells one end from the other */
            ERR_OK(image_prepare(&from, IMAGE_BOX, IMAGE_INVERT_NO, &to, &blank, &err));
            ck_assert(!blank);
            for (size_t y = 0; y < 28; y++)
                for (size_t x = 0; x < 28; x++) {
                    const bool in = x >= 11 && x < 16 && y >= 11 && y < 17;
                    ck_assert_float_eq(to.values[y * 28 + x], (!in ? 0 : x == 11 && y == 11 ? 0.5f : 1));
                }
            image_free(&from);
        }
    image_free(&to);
}
END_TEST

START_TEST(whole_fit)
{
    struct image from = black(56, 28), to = black(28, 28);
    bool blank;
    box(&from, 40, 0, 16, 28, 1);
    ERR_OK(image_prepare(&from, IMAGE_WHOLE, IMAGE_INVERT_NO, &to, &blank, &err));
    for (size_t y = 0; y < 28; y++)
        for (size_t x = 0; x < 28; x++)
            ck_assert_float_eq_tol(to.values[y * 28 + x], (x >= 20 && y >= 7 && y < 21 ? 1 : 0), 1e-6f);
    image_free(&from);
    image_free(&to);

    /* Colours: cut, not framed. */
    ERR_OK(image_make(8, 4, 3, &from, &err));
    ERR_OK(image_make(2, 2, 3, &to, &err));
    for (size_t i = 0; i < 96; i++)
        from.values[i] = i % 8 >= 2 && i % 8 < 6 ? 0.75f : 0;
    ERR_OK(image_prepare(&from, IMAGE_WHOLE, IMAGE_INVERT_AUTO, &to, &blank, &err));
    for (size_t i = 0; i < 12; i++)
        ck_assert_float_eq_tol(to.values[i], 0.75f, 1e-6f);
    image_free(&from);
    image_free(&to);

    /* Grown: what is of one shade stays so to its edge. */
    ERR_OK(image_make(4, 4, 3, &from, &err));
    ERR_OK(image_make(32, 32, 3, &to, &err));
    for (size_t i = 0; i < 48; i++)
        from.values[i] = 0.5f;
    ERR_OK(image_prepare(&from, IMAGE_WHOLE, IMAGE_INVERT_AUTO, &to, &blank, &err));
    for (size_t i = 0; i < 3 * 32 * 32; i++)
        ck_assert_float_eq_tol(to.values[i], 0.5f, 1e-6f);
    image_free(&from);
    image_free(&to);
}
END_TEST

/* What a picture becomes on a larger canvas and then for the network is the picture. */
START_TEST(squares_and_back)
{
    for (size_t channels = 1; channels <= 3; channels += 2) {
        struct image from, canvas, back;
        bool blank;
        ERR_OK(image_make(28, 28, channels, &from, &err));
        ERR_OK(image_make(448, 448, channels, &canvas, &err));
        ERR_OK(image_make(28, 28, channels, &back, &err));
        for (size_t i = 0; i < channels * 784; i++)
            from.values[i] = (i % 784 > 100 && i % 28 > 2 && i % 28 < 25) || channels == 3 ? (float)(i * 37 % 101) / 100
                                                                                          : 0;
        ERR_OK(image_prepare(&from, IMAGE_SQUARES, IMAGE_INVERT_AUTO, &canvas, &blank, &err));
        ERR_OK(image_prepare(&canvas, IMAGE_WHOLE, IMAGE_INVERT_NO, &back, &blank, &err));
        for (size_t i = 0; i < channels * 784; i++)
            ck_assert_float_eq_tol(back.values[i], from.values[i], 1e-6f);
        image_free(&from);
        image_free(&canvas);
        image_free(&back);
    }
}
END_TEST

START_TEST(inversion_and_blank)
{
    struct image from = black(28, 28), to = black(28, 28);
    bool blank;
    ERR_OK(image_prepare(&from, IMAGE_DIGIT, IMAGE_INVERT_AUTO, &to, &blank, &err));
    ck_assert(blank);
    box(&from, 0, 0, 28, 28, 1); /* white paper */
    ERR_OK(image_prepare(&from, IMAGE_BOX, IMAGE_INVERT_AUTO, &to, &blank, &err));
    ck_assert(blank);
    from.values[400] = 0.25f;
    ERR_OK(image_prepare(&from, IMAGE_AS_IS, IMAGE_INVERT_AUTO, &to, &blank, &err));
    ck_assert(!blank);
    ck_assert_float_eq(to.values[400], 0.75f);
    ck_assert_float_eq(to.values[0], 0);
    ERR_OK(image_prepare(&from, IMAGE_AS_IS, IMAGE_INVERT_NO, &to, &blank, &err));
    ck_assert_float_eq(to.values[0], 1);
    image_free(&from);
    image_free(&to);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, netpbm);
    tcase_add_test(all, damaged);
    tcase_add_test(all, transparency);
    tcase_add_test(all, sixteen_bits);
    tcase_add_test(all, digit_fit);
    tcase_add_test(all, digit_fit_by_mass);
    tcase_add_test(all, box_fit);
    tcase_add_test(all, whole_fit);
    tcase_add_test(all, squares_and_back);
    tcase_add_test(all, inversion_and_blank);
    suite_add_tcase(suite, all);
    return suite_failed(suite) != 0;
}
