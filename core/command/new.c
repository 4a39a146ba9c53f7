/* isoflop new KIND|recipe NAME: writes a plugin that builds and conforms, or a recipe, to start from. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "command/command.h"
#include "command/options.h"
#include "plugin/plugin.h"

/* The files of templates/, made into texts by the Makefile; @NAME@ stands for the name. */
static const struct {
    const char *name;
    const char *text;
} templates[] = {
#include "command/templates.inc"
};
enum { TEMPLATES = sizeof templates / sizeof *templates };

static const char *find_template(const char *name, struct iso_error *err)
{
    const char *names[TEMPLATES];
    struct text text = { 0 };
    for (size_t i = 0; i < TEMPLATES; i++) {
        if (!strcmp(templates[i].name, name))
            return templates[i].text;
        names[i] = templates[i].name;
    }
    text_format(&text, "nothing of the kind \"%.100s\" can be written; there are ", name);
    for (size_t i = 0; i < TEMPLATES; i++)
        text_format(&text, "%s%s", i ? ", " : "", names[i]);
    text_suggest(&text, name, names, TEMPLATES);
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    return NULL;
}

/* Plugins: [a-z0-9_]+. Recipes: [a-z0-9][a-z0-9_-]*, which becomes a folder. */
static int check_name(const char *name, bool recipe, struct iso_error *err)
{
    const char *allowed = recipe ? "abcdefghijklmnopqrstuvwxyz0123456789_-" : "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (!*name || strlen(name) > 60 || name[strspn(name, allowed)] || (recipe && strchr("_-", name[0])))
        return iso_fail(err, "the name of a %s is made of a-z, 0-9%s: not \"%.100s\"", recipe ? "recipe" : "plugin",
                        recipe ? ", _ and - (a letter or digit first)" : " and _", name);
    return 0;
}

static void fill_template(const char *template, const char *name, struct text *out)
{
    static const char mark[] = "@NAME@";
    for (const char *found; (found = strstr(template, mark)); template = found + sizeof mark - 1) {
        text_add(out, template, (size_t)(found - template));
        text_add_string(out, name);
    }
    text_add_string(out, template);
}

/* A file that was there is never overwritten. */
static int write_new(const char *path, const struct text *content, struct iso_error *err)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (file < 0)
        return errno == EEXIST ? iso_fail(err, "%s is there already: it is left as it is", path)
                               : error_system(err, "can not write", path);
    FILE *stream = fdopen(file, "w");
    if (!stream) {
        close(file);
        return error_memory(err);
    }
    const bool written = fwrite(content->data, 1, content->length, stream) == content->length;
    const bool closed = !fclose(stream);
    return written && closed ? 0 : error_system(err, "can not write", path);
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const struct option options[] = { { 0 } };
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    struct iso_error *err = &outcome->error;
    struct text content = { 0 }, path = { 0 };
    int status = STATUS_WRONG;
    size_t count;
    if (!rest) {
        error_memory(err);
        goto out;
    }
    if (options_read(argc, argv, options, rest, &count, 2, 2, command_new.arguments, err))
        goto out;
    const char *kind = rest[0], *name = rest[1], *template = find_template(kind, err);
    const bool recipe = !strcmp(kind, "recipe");
    if (!template || check_name(name, recipe, err))
        goto out;
    status = STATUS_FAILED;
    fill_template(template, name, &content);
    text_format(&path, "%s.%s", name, recipe ? "yaml" : "c");
    if (content.failed || path.failed) {
        error_memory(err);
        goto out;
    }
    if (write_new(path.data, &content, err))
        goto out;
    status = STATUS_DONE;
    if (recipe)
        printf("wrote %s; check and run it with\n  isoflop check %s\n  isoflop run %s\n", path.data, path.data,
               path.data);
    else
        printf("wrote %s; build and check it with\n"
               "  cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o %s.so %s -lm\n"
               "  isoflop check ./%s.so\n", path.data, name, path.data, name);
out:
    text_free(&content);
    text_free(&path);
    free(rest);
    return status;
}

const struct command command_new = {
    .name = "new",
    .arguments = "KIND|recipe NAME",
    .summary = "write a plugin, or a recipe, to start from",
    .help = "  KIND    activation, loss, initializer, schedule, optimizer, dataset, backend or law: writes NAME.c, which\n"
            "          builds, conforms, and says where to put the formula\n"
            "  recipe  writes NAME.yaml, with comments\n",
    .run = run,
};
