/* digits: 28 x 28 grey images of the ten digits, drawn by strokes, without end (0 background, 255 ink).
 *
 * An example is a pure function of (seed, index). One of several glyphs of its digit is taken: points, and strokes that
 * run through them as Catmull-Rom splines (uniform, tension 1/2). The points are jittered, rotated, slanted, scaled and
 * moved; the splines are cut into short pieces, whose ends follow an elastic field (a quadratic B-spline of random
 * displacements on a coarse grid); the pieces are drawn by distance, with a pen whose radius changes with direction (a
 * broad nib) and along the stroke (pressure); the image is blurred a little and gets normal noise.
 *
 * The same bits on every machine: only + - * /, comparisons and integers. */
#include <isoflop/plugin.h>

#include <string.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE };

struct digits {
    double distortion, noise;
    float noise_of[256]; /* equally likely values of the pixel noise: normal quantiles at (i + 1/2) / 256 */
};

/* ---- Glyphs ---- */

/* Points on a grid 60 wide and 100 high, y downwards, and strokes that name them by letters: a space lifts the pen, a
 * stroke that ends where it began is a smooth loop, and a point named by two strokes is a corner. */
enum { POINTS = 14 };
struct glyph {
    int points; /* how many it has */
    signed char at[POINTS][2];
    const char *strokes;
};

static const struct glyph zeros[] = {
    { 6, { { 30, 0 }, { 4, 27 }, { 4, 73 }, { 30, 100 }, { 56, 73 }, { 56, 27 } }, "abcdefa" },
    { 8, { { 40, 4 }, { 14, 10 }, { 0, 52 }, { 22, 99 }, { 54, 77 }, { 55, 24 }, { 31, -1 }, { 15, 8 } }, "abcdefgh" },
    { 8, { { 44, 10 }, { 24, 0 }, { 1, 40 }, { 11, 91 }, { 42, 97 }, { 59, 52 }, { 46, 12 }, { 32, 12 } }, "abcdefgh" },
};
static const struct glyph ones[] = {
    { 2, { { 30, 0 }, { 30, 100 } }, "ab" },
    { 3, { { 12, 23 }, { 33, 0 }, { 32, 100 } }, "ab bc" },
    { 5, { { 11, 22 }, { 32, 0 }, { 32, 100 }, { 9, 100 }, { 54, 99 } }, "ab bc de" },
    { 4, { { 33, 0 }, { 31, 50 }, { 32, 92 }, { 44, 97 } }, "abcd" },
};
static const struct glyph twos[] = {
    { 8, { { 3, 22 }, { 13, 5 }, { 33, 0 }, { 53, 12 }, { 52, 33 }, { 32, 64 }, { 0, 100 }, { 60, 98 } },
      "abcdefg gh" },
    { 11, { { 3, 20 }, { 15, 3 }, { 36, 0 }, { 54, 15 }, { 49, 40 }, { 27, 74 }, { 8, 95 }, { 0, 88 }, { 12, 80 },
        { 34, 93 }, { 62, 97 } }, "abcdefghijk" },
    { 9, { { 5, 12 }, { 28, 0 }, { 51, 14 }, { 46, 42 }, { 22, 80 }, { 2, 98 }, { 28, 90 }, { 46, 100 }, { 62, 92 } },
      "abcdef fghi" },
};
static const struct glyph threes[] = {
    { 9, { { 4, 14 }, { 25, 0 }, { 49, 9 }, { 46, 34 }, { 21, 46 }, { 50, 56 }, { 57, 79 }, { 34, 100 }, { 1, 88 } },
      "abcde efghi" },
    { 7, { { 4, 2 }, { 54, 0 }, { 24, 40 }, { 50, 50 }, { 56, 76 }, { 32, 100 }, { 1, 90 } }, "ab bc cdefg" },
    { 11, { { 5, 10 }, { 28, 0 }, { 50, 14 }, { 40, 38 }, { 20, 48 }, { 18, 42 }, { 32, 44 }, { 54, 60 }, { 53, 84 },
        { 30, 100 }, { 3, 92 } }, "abcdefghijk" },
};
static const struct glyph fours[] = {
    { 5, { { 13, 2 }, { 1, 56 }, { 61, 56 }, { 45, 20 }, { 42, 100 } }, "ab bc de" },
    { 4, { { 43, 0 }, { 0, 66 }, { 62, 65 }, { 43, 100 } }, "ab bc ad" },
    { 7, { { 9, 2 }, { 3, 30 }, { 12, 51 }, { 33, 53 }, { 52, 45 }, { 53, 2 }, { 45, 100 } }, "abcde fg" },
    { 5, { { 8, 0 }, { 4, 46 }, { 48, 47 }, { 49, 0 }, { 46, 100 } }, "ab bc de" },
};
static const struct glyph fives[] = {
    { 8, { { 55, 0 }, { 12, 2 }, { 6, 44 }, { 32, 37 }, { 56, 56 }, { 50, 86 }, { 26, 100 }, { 0, 90 } },
      "ab bc cdefgh" },
    { 8, { { 56, 3 }, { 27, 2 }, { 11, 16 }, { 16, 38 }, { 42, 50 }, { 56, 73 }, { 36, 99 }, { 3, 92 } }, "abcdefgh" },
    { 8, { { 14, 4 }, { 8, 42 }, { 36, 42 }, { 53, 62 }, { 46, 90 }, { 20, 100 }, { 1, 92 }, { 62, -2 } },
      "ab bcdefg ah" },
};
static const struct glyph sixes[] = {
    { 9, { { 46, 0 }, { 20, 20 }, { 3, 58 }, { 8, 88 }, { 30, 100 }, { 52, 86 }, { 50, 62 }, { 29, 52 }, { 7, 68 } },
      "abcdefghi" },
    { 8, { { 34, 0 }, { 14, 36 }, { 3, 72 }, { 18, 98 }, { 44, 95 }, { 54, 74 }, { 36, 57 }, { 8, 74 } }, "abcdefgh" },
    { 10, { { 54, 10 }, { 38, 0 }, { 14, 18 }, { 2, 54 }, { 7, 86 }, { 30, 100 }, { 53, 84 }, { 46, 58 }, { 22, 56 },
        { 8, 78 } }, "abcdefghij" },
};
static const struct glyph sevens[] = {
    { 3, { { 1, 4 }, { 58, 2 }, { 23, 100 } }, "ab bc" },
    { 5, { { 1, 4 }, { 58, 2 }, { 23, 100 }, { 14, 53 }, { 54, 49 } }, "ab bc de" },
    { 5, { { 1, 18 }, { 5, 3 }, { 58, 2 }, { 37, 40 }, { 29, 100 } }, "ab bc cde" },
    { 8, { { 0, 8 }, { 18, 2 }, { 38, 8 }, { 60, 1 }, { 38, 44 }, { 24, 100 }, { 18, 50 }, { 52, 47 } },
      "abcd def gh" },
};
static const struct glyph eights[] = {
    { 10, { { 51, 14 }, { 30, 0 }, { 9, 15 }, { 19, 39 }, { 42, 57 }, { 55, 80 }, { 30, 100 }, { 5, 82 }, { 16, 59 },
        { 41, 40 } }, "abcdefghija" },
    { 11, { { 30, 0 }, { 11, 10 }, { 11, 34 }, { 30, 45 }, { 49, 34 }, { 49, 10 }, { 6, 59 }, { 6, 88 }, { 30, 100 },
        { 54, 88 }, { 54, 59 } }, "abcdefa dghijkd" },
    { 12, { { 53, 8 }, { 33, 0 }, { 10, 12 }, { 17, 36 }, { 44, 58 }, { 53, 82 }, { 30, 100 }, { 6, 84 }, { 14, 60 },
        { 42, 38 }, { 54, 14 }, { 44, 2 } }, "abcdefghijkl" },
};
static const struct glyph nines[] = {
    { 9, { { 50, 22 }, { 44, 5 }, { 25, 0 }, { 5, 15 }, { 7, 40 }, { 27, 50 }, { 46, 38 }, { 52, 4 }, { 45, 100 } },
      "abcdefga hi" },
    { 10, { { 52, 24 }, { 45, 5 }, { 25, 0 }, { 5, 17 }, { 9, 42 }, { 31, 50 }, { 49, 34 }, { 53, 54 }, { 41, 90 },
        { 8, 97 } }, "abcdefga ahij" },
    { 9, { { 48, 10 }, { 27, 0 }, { 5, 16 }, { 8, 42 }, { 30, 49 }, { 48, 34 }, { 52, 8 }, { 50, 52 }, { 34, 100 } },
      "abcdefg ghi" },
};

#define GLYPHS(list) { list, sizeof (list) / sizeof (list)[0] }
static const struct { const struct glyph *list; uint32_t count; } glyphs_of[10] = {
    GLYPHS(zeros), GLYPHS(ones), GLYPHS(twos), GLYPHS(threes), GLYPHS(fours),
    GLYPHS(fives), GLYPHS(sixes), GLYPHS(sevens), GLYPHS(eights), GLYPHS(nines),
};
static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL };

/* ---- Random numbers ---- */

/* The first words of an example are its shape's; the bytes of those from 4 * NOISE_QUAD on are its pixel noise. */
enum { SHAPE_WORDS = 64, NOISE_QUAD = 32, GRID = 5 };
enum { WORD_DIGIT, WORD_GLYPH, WORD_TURN, WORD_SLANT, WORD_HEIGHT, WORD_ASPECT, WORD_X, WORD_Y, WORD_RADIUS, WORD_NIB,
       WORD_NIB_ANGLE, WORD_PRESSURE, WORD_INK, WORD_BLUR, WORD_POINTS = 16, WORD_FIELD = WORD_POINTS + POINTS,
       WORD_USED = WORD_FIELD + GRID * GRID };
_Static_assert((int)WORD_USED <= (int)SHAPE_WORDS, "an example's shape needs more words");

/* Even in [-1, 1). */
static inline float even(uint32_t word)
{
    return (float)(int32_t)word * 0x1p-31f;
}

/* The two halves of a word, each even in [-1, 1). */
static inline float low_half(uint32_t word)
{
    return (float)(int16_t)(word & 0xffff) * 0x1p-15f;
}

static inline float high_half(uint32_t word)
{
    return (float)(int16_t)(word >> 16) * 0x1p-15f;
}

/* Triangular in [-1, 1): the mean of two even numbers, standard deviation 0.41. */
static inline float triangular(uint32_t word)
{
    return 0.5f * (low_half(word) + high_half(word));
}

/* ---- Shape ---- */

struct vertex { float x, y; };

/* The pen of an example: its radius in pixels, and how it changes. */
struct pen {
    float radius;
    float nib, nib_x, nib_y;     /* radius * (1 + nib * cos 2a) where a is the angle between stroke and nib */
    float pressure_0, pressure_1; /* factor at the start and at the end of a stroke */
};

/* Four neighbouring pixels. The select is written out because compilers leave a loop with one of floats scalar. */
enum { LANES = 4, CHUNKS = SIDE / LANES };
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));

static inline lanes lesser(lanes a, lanes b)
{
    const mask less = a < b;
    return (lanes)((less & (mask)a) | (~less & (mask)b));
}

/* From 0 to 1. */
static inline lanes clamp(lanes a)
{
    const mask positive = a > 0;
    return lesser((lanes)(positive & (mask)a), (lanes){ 1, 1, 1, 1 });
}

struct raster {
    lanes near[SIDE][CHUNKS]; /* (distance / radius)^2 to the nearest piece, at most FAR */
};
#define FAR 16.0f
#define FADE 0.8f /* ink reaches so far beyond a piece's radius, in pixels, where the pen is broadest */

static inline int clamp_int(float value, int low, int high)
{
    return value <= (float)low ? low : value >= (float)high ? high : (int)value;
}

/* Lowers `near` around the piece from a to b. */
static void draw_piece(struct raster *raster, struct vertex a, struct vertex b, float radius)
{
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float length2 = dx * dx + dy * dy, over_length2 = 1 / (length2 + 1e-6f), over_radius2 = 1 / (radius * radius);
    const float margin = radius + FADE; /* a pixel's centre is half a pixel from its edge */
    const int top = clamp_int((a.y < b.y ? a.y : b.y) - margin + 0.5f, 0, SIDE - 1);
    const int bottom = clamp_int((a.y < b.y ? b.y : a.y) + margin - 0.5f, 0, SIDE - 1);
    const int left = clamp_int((a.x < b.x ? a.x : b.x) - margin + 0.5f, 0, SIDE - 1) / LANES;
    const int right = clamp_int((a.x < b.x ? b.x : a.x) + margin - 0.5f, 0, SIDE - 1) / LANES;
    const lanes centres = { 0.5f, 1.5f, 2.5f, 3.5f };
    for (int row = top; row <= bottom; row++) {
        const float y = (float)row + 0.5f - a.y, start = y * dy * over_length2;
        for (int chunk = left; chunk <= right; chunk++) {
            const lanes x = centres + ((float)(chunk * LANES) - a.x);
            const lanes t = clamp(x * (dx * over_length2) + start);
            const lanes ex = x - t * dx, ey = y - t * dy;
            raster->near[row][chunk] = lesser((ex * ex + ey * ey) * over_radius2, raster->near[row][chunk]);
        }
    }
}

/* Displaces a vertex by the elastic field: a quadratic B-spline over GRID x GRID displacements, of which GRID - 2 cells
 * a side cover the image. */
static struct vertex bend(struct vertex v, const struct vertex field[GRID * GRID])
{
    const float scale = (float)(GRID - 2) / SIDE;
    const float x = v.x * scale, y = v.y * scale;
    const int column = clamp_int(x, 0, GRID - 3), row = clamp_int(y, 0, GRID - 3);
    float fx = x - (float)column, fy = y - (float)row;
    fx = fx < 0 ? 0 : fx > 1 ? 1 : fx;
    fy = fy < 0 ? 0 : fy > 1 ? 1 : fy;
    const float across[3] = { 0.5f * (1 - fx) * (1 - fx), 0.5f + fx - fx * fx, 0.5f * fx * fx };
    const float down[3] = { 0.5f * (1 - fy) * (1 - fy), 0.5f + fy - fy * fy, 0.5f * fy * fy };
    struct vertex sum = v;
    for (int i = 0; i < 3; i++) {
        const struct vertex *line = field + (row + i) * GRID + column;
        sum.x += down[i] * (across[0] * line[0].x + across[1] * line[1].x + across[2] * line[2].x);
        sum.y += down[i] * (across[0] * line[0].y + across[1] * line[1].y + across[2] * line[2].y);
    }
    return sum;
}

/* Draws one stroke: count letters, each a point. */
static void draw_stroke(struct raster *raster, const char *letters, int count, const struct vertex *points,
                        const struct vertex *field, const struct pen *pen)
{
    const bool loop = count > 2 && letters[0] == letters[count - 1];
    const float over_count = 1 / (float)(count - 1);
    struct vertex from = bend(points[letters[0] - 'a'], field);
    for (int i = 0; i + 1 < count; i++) {
        const struct vertex p1 = points[letters[i] - 'a'], p2 = points[letters[i + 1] - 'a'];
        struct vertex p0 = { 2 * p1.x - p2.x, 2 * p1.y - p2.y }, p3 = { 2 * p2.x - p1.x, 2 * p2.y - p1.y };
        if (i > 0 || loop)
            p0 = points[letters[i > 0 ? i - 1 : count - 2] - 'a'];
        if (i + 2 < count || loop)
            p3 = points[letters[i + 2 < count ? i + 2 : 1] - 'a'];
        const float span2 = (p2.x - p1.x) * (p2.x - p1.x) + (p2.y - p1.y) * (p2.y - p1.y);
        const int pieces = span2 < 6 ? 1 : span2 < 30 ? 2 : span2 < 80 ? 3 : 4;
        const float step = 1 / (float)pieces;
        for (int piece = 1; piece <= pieces; piece++) {
            const float t = (float)piece * step, t2 = t * t, t3 = t2 * t;
            const float w0 = -t3 + 2 * t2 - t, w1 = 3 * t3 - 5 * t2 + 2, w2 = -3 * t3 + 4 * t2 + t, w3 = t3 - t2;
            struct vertex to = { 0.5f * (w0 * p0.x + w1 * p1.x + w2 * p2.x + w3 * p3.x),
                                 0.5f * (w0 * p0.y + w1 * p1.y + w2 * p2.y + w3 * p3.y) };
            to = bend(to, field);
            const float dx = to.x - from.x, dy = to.y - from.y;
            const float along = dx * pen->nib_x + dy * pen->nib_y;
            const float cosine2 = 2 * along * along / (dx * dx + dy * dy + 1e-6f) - 1;
            const float position = ((float)i + t) * over_count;
            const float pressure = pen->pressure_0 + (pen->pressure_1 - pen->pressure_0) * position;
            draw_piece(raster, from, to, pen->radius * pressure * (1 + pen->nib * cosine2));
            from = to;
        }
    }
}

/* How far to move what spans from low to high, for it to lie between `edge` and SIDE - edge. */
static float fit(float low, float high, float edge)
{
    return low < edge ? edge - low : high > SIDE - edge ? SIDE - edge - high : 0;
}

/* Draws a glyph as the words of an example say; gives the pen's radius. */
static float draw_glyph(struct raster *raster, const struct glyph *glyph, const uint32_t *word, float distortion)
{
    /* Turn by the half-angle formulas: cos = (1 - h^2) / (1 + h^2), sin = 2 h / (1 + h^2). */
    const float half = 0.16f * distortion * triangular(word[WORD_TURN]);
    const float cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);
    const float slant = (0.12f + 0.6f * triangular(word[WORD_SLANT])) * distortion;
    const float height = 18 + 3 * distortion * even(word[WORD_HEIGHT]);
    const float width = height * (1 + 0.4f * distortion * triangular(word[WORD_ASPECT]));
    const float nib_half = even(word[WORD_NIB_ANGLE]);
    const struct pen pen = {
        .radius = (0.08f + 0.04f * triangular(word[WORD_RADIUS])) * height,
        .nib = 0.15f + 0.15f * even(word[WORD_NIB]),
        .nib_x = (1 - nib_half * nib_half) / (1 + nib_half * nib_half),
        .nib_y = 2 * nib_half / (1 + nib_half * nib_half),
        .pressure_0 = 1 + 0.2f * low_half(word[WORD_PRESSURE]),
        .pressure_1 = 0.9f + 0.25f * high_half(word[WORD_PRESSURE]),
    };

    struct vertex points[POINTS], low = { SIDE, SIDE }, high = { 0, 0 };
    const int used = glyph->points;
    for (int i = 0; i < used; i++) {
        const uint32_t jitter = word[WORD_POINTS + i];
        const float across = ((float)glyph->at[i][0] - 30) * 0.01f + 0.045f * distortion * low_half(jitter);
        const float down = ((float)glyph->at[i][1] - 50) * 0.01f + 0.045f * distortion * high_half(jitter);
        const float u = width * (across - slant * down), v = height * down;
        const struct vertex point = { 0.5f * SIDE + cosine * u - sine * v, 0.5f * SIDE + sine * u + cosine * v };
        points[i] = point;
        low = (struct vertex){ point.x < low.x ? point.x : low.x, point.y < low.y ? point.y : low.y };
        high = (struct vertex){ point.x > high.x ? point.x : high.x, point.y > high.y ? point.y : high.y };
    }
    float x = 5 * distortion * triangular(word[WORD_X]), y = 4 * distortion * triangular(word[WORD_Y]);
    x += fit(low.x + x, high.x + x, 2.5f);
    y += fit(low.y + y, high.y + y, 2.5f);
    for (int i = 0; i < used; i++)
        points[i] = (struct vertex){ points[i].x + x, points[i].y + y };

    struct vertex field[GRID * GRID];
    for (int i = 0; i < GRID * GRID; i++)
        field[i] = (struct vertex){ 3.6f * distortion * low_half(word[WORD_FIELD + i]),
                                    3.6f * distortion * high_half(word[WORD_FIELD + i]) };

    for (const char *stroke = glyph->strokes; *stroke;) {
        const int count = (int)strcspn(stroke, " ");
        draw_stroke(raster, stroke, count, points, field, &pen);
        stroke += count + (stroke[count] == ' ');
    }
    return pen.radius;
}

/* ---- Image ---- */

/* Ink where the pen went: full inside its radius, fading to none over a pixel across its edge. The distance in radii is
 * sqrt(near), by two of Heron's steps from 1: near its edge, where it matters, within 0.1 %. */
static void ink(const struct raster *raster, float full, float radius, float shade[SIDE][SIDE])
{
    for (int row = 0; row < SIDE; row++)
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            const lanes near = raster->near[row][chunk], first = 0.5f + 0.5f * near;
            const lanes cover = full * clamp(0.5f + radius - 0.5f * radius * (first + near / first));
            memcpy(shade[row] + chunk * LANES, &cover, sizeof cover);
        }
}

/* Convolves with [side, 1 - 2 side, side] both ways; what lies outside of the image is blank. */
static void blur(float side, float shade[SIDE][SIDE], float image[PIXELS])
{
    const float middle = 1 - 2 * side;
    float lines[SIDE + 2][SIDE + 2] = { { 0 } }, sums[SIDE + 2][SIDE];
    for (int row = 0; row < SIDE; row++)
        memcpy(lines[row + 1] + 1, shade[row], sizeof shade[row]);
    for (int row = 0; row < SIDE + 2; row++)
        for (int column = 0; column < SIDE; column++)
            sums[row][column] = side * (lines[row][column] + lines[row][column + 2]) + middle * lines[row][column + 1];
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            image[row * SIDE + column] = side * (sums[row][column] + sums[row + 2][column]) +
                                         middle * sums[row + 1][column];
}

/* Adds noise and rounds to 8 bits, 16 pixels at a time: as many as a block of random numbers has bytes. */
static void round_pixels(const struct digits *digits, const struct iso_rng *rng, uint64_t index, const float *image,
                         uint8_t *pixels)
{
    for (int i = 0; i < PIXELS; i += 16) {
        float value[16];
        if (digits->noise > 0) {
            uint32_t bits[4];
            iso_rng_bits_block(rng, index, NOISE_QUAD + (uint32_t)i / 16, bits);
            for (int k = 0; k < 16; k++)
                value[k] = image[i + k] + digits->noise_of[bits[k / 4] >> 8 * (k % 4) & 255];
        } else {
            memcpy(value, image + i, sizeof value);
        }
        for (int k = 0; k < 16; k++) {
            const int32_t whole = (int32_t)(value[k] + 0.5f), floored = whole < 0 ? 0 : whole;
            pixels[i + k] = (uint8_t)(floored > 255 ? 255 : floored);
        }
    }
}

static void draw_one(const struct digits *digits, const struct iso_rng *rng, uint64_t index, uint8_t *pixels,
                     int32_t *label)
{
    uint32_t word[SHAPE_WORDS];
    for (uint32_t quad = 0; quad < SHAPE_WORDS / 4; quad++)
        iso_rng_bits_block(rng, index, quad, word + 4 * quad);
    const uint32_t digit = (uint32_t)((uint64_t)word[WORD_DIGIT] * 10 >> 32);
    const uint32_t which = (uint32_t)((uint64_t)word[WORD_GLYPH] * glyphs_of[digit].count >> 32);
    *label = (int32_t)digit;

    struct raster raster;
    for (int row = 0; row < SIDE; row++)
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            raster.near[row][chunk] = (lanes){ FAR, FAR, FAR, FAR };
    const float radius = draw_glyph(&raster, &glyphs_of[digit].list[which], word, (float)digits->distortion);

    float shade[SIDE][SIDE], image[PIXELS];
    ink(&raster, 255 * (0.86f + 0.14f * even(word[WORD_INK])), radius, shade);
    blur(0.12f + 0.1f * even(word[WORD_BLUR]), shade, image);
    round_pixels(digits, rng, index, image, pixels);
}

static void draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out)
{
    for (size_t k = 0; k < n; k++)
        draw_one(state, rng, index[k], out->bytes + k * PIXELS, out->labels + k);
}

/* ---- Plugin ---- */

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    struct digits *digits = state;
    (void)host;
    (void)err;
    for (uint32_t i = 0; i < 256; i++)
        digits->noise_of[i] = (float)(255 * digits->noise * iso_normal_of(i << 24 | 1u << 23));
    return 0;
}

static int open_split(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                      struct iso_error *err)
{
    (void)state;
    (void)host;
    (void)split;
    (void)err;
    table->inputs = PIXELS;
    table->outputs = 10;
    table->row_stride = PIXELS;
    table->scale = 1.0 / 255;
    table->class_names = names;
    table->height = table->width = SIDE;
    table->channels = 1;
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct digits, distortion, "1", 0, 2,
             "strength of what moves strokes: jitter, turn, slant, size, place, elastic field"),
    ISO_REAL(struct digits, noise, "0.05", 0, 1,
             "standard deviation of the pixel noise, as a fraction of the range of grey"),
    { 0 }
};
static const struct iso_dataset ops = {
    .open = open_split, .draw = draw, .storage = ISO_STORED_BYTES,
    .license = "drawn by isoflop itself"
};
ISO_PLUGIN(ops, .name = "digits", .revision = 1,
           .summary = "28 x 28 grey images of handwritten-looking digits, drawn without end",
           .state_size = sizeof(struct digits), .params = params, .setup = setup);
