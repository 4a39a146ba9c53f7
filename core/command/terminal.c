/* What the terminal on standard output can show. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "command/terminal.h"

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Asks for the primary device attributes (ESC [ c), of which 4 is sixel: "ESC [ ? 62 ; 4 ; 22 c". A terminal that does
 * not answer within a fifth of a second has none. */
static bool answers_sixel(void)
{
    struct termios before, raw;
    char answer[128];
    size_t used = 0;
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY);
    bool sixel = false;
    if (tty < 0)
        return false;
    /* Of a process in the background nothing is asked: it would be stopped. */
    if (tcgetpgrp(tty) != getpgrp() || tcgetattr(tty, &before))
        goto out;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &raw))
        goto out;
    const long until = milliseconds() + 200;
    if (write(tty, "\033[c", 3) == 3)
        while (used + 1 < sizeof answer && milliseconds() < until) {
            struct pollfd wait = { .fd = tty, .events = POLLIN };
            if (poll(&wait, 1, (int)(until - milliseconds() > 0 ? until - milliseconds() : 0)) <= 0)
                break;
            ssize_t got = read(tty, answer + used, 1);
            if (got <= 0)
                break;
            used += (size_t)got;
            if (answer[used - 1] == 'c')
                break;
        }
    answer[used] = 0;
    tcsetattr(tty, TCSAFLUSH, &before);
    const char *at = strstr(answer, "\033[?");
    for (at = at ? at + 3 : ""; *at && *at != 'c'; at += strcspn(at, ";c"), at += *at == ';')
        sixel = sixel || (at[0] == '4' && (at[1] == ';' || at[1] == 'c'));
out:
    close(tty);
    return sixel;
}

static bool is_kitty(void)
{
    const char *term = getenv("TERM"), *program = getenv("TERM_PROGRAM");
    return getenv("KITTY_WINDOW_ID") || (term && (!strcmp(term, "xterm-kitty") || !strcmp(term, "xterm-ghostty"))) ||
           (program && (!strcmp(program, "WezTerm") || !strcmp(program, "ghostty")));
}

struct figure_screen terminal_screen(void)
{
    struct figure_screen screen = { .way = SCREEN_CHARACTERS, .columns = 80, .rows = 24 };
    const char *wish = getenv("ISOFLOP_TERMINAL"), *none = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;
    if (!isatty(STDOUT_FILENO)) /* into a file or pipe: plain characters */
        return screen;
    screen.colours = !(none && *none) && !(term && !strcmp(term, "dumb"));
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 40 && size.ws_row >= 12) {
        screen.columns = size.ws_col < 160 ? size.ws_col : 160;
        screen.rows = size.ws_row - 2 < 50 ? size.ws_row - 2u : 50;
    }
    if (wish && !strcmp(wish, "braille"))
        return screen;
    if ((wish && !strcmp(wish, "kitty")) || (!wish && is_kitty()))
        screen.way = SCREEN_KITTY;
    else if ((wish && !strcmp(wish, "sixel")) || (!wish && !(term && !strcmp(term, "dumb")) && answers_sixel()))
        screen.way = SCREEN_SIXEL;
    return screen;
}
