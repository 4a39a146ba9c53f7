/* Frames in pipes: kind, length, CRC-32C, content. */
#include "lab/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

struct head {
    uint32_t kind, length, crc;
};

/* ---- Writing and reading values ---- */

void message_put_text(struct text *out, const char *text)
{
    const uint32_t length = text ? (uint32_t)strlen(text) : 0;
    text_add(out, (const char *)&length, sizeof length);
    text_add(out, text ? text : "", (size_t)length + 1);
}

void message_put_number(struct text *out, uint64_t number)
{
    text_add(out, (const char *)&number, sizeof number);
}

void message_get(struct message_cursor *cursor, void *into, size_t length)
{
    if (cursor->left < length) {
        cursor->damaged = true;
        memset(into, 0, length);
        return;
    }
    memcpy(into, cursor->at, length);
    cursor->at += length;
    cursor->left -= length;
}

const char *message_get_text(struct message_cursor *cursor)
{
    uint32_t length = 0;
    message_get(cursor, &length, sizeof length);
    if (cursor->damaged || cursor->left <= length || cursor->at[length] != '\0') {
        cursor->damaged = true;
        return "";
    }
    const char *text = cursor->at;
    cursor->at += (size_t)length + 1;
    cursor->left -= (size_t)length + 1;
    return text;
}

uint64_t message_get_number(struct message_cursor *cursor)
{
    uint64_t number;
    message_get(cursor, &number, sizeof number);
    return number;
}

int message_ended(const struct message_cursor *cursor)
{
    return cursor->damaged || cursor->left ? -1 : 0;
}

void message_put_trial(struct text *out, const struct message_trial *trial)
{
    text_add(out, (const char *)&trial->threads, sizeof trial->threads);
    text_add(out, (const char *)&trial->max_steps, sizeof trial->max_steps);
    text_add(out, (const char *)&trial->save_seconds, sizeof trial->save_seconds);
    text_add(out, (const char *)&trial->together, sizeof trial->together);
    message_put_text(out, trial->recipe);
    message_put_text(out, trial->folder);
    message_put_text(out, trial->checkpoints);
    message_put_text(out, trial->key);
}

int message_get_trial(const char *data, size_t length, struct message_trial *trial)
{
    struct message_cursor cursor = { data, length, false };
    message_get(&cursor, &trial->threads, sizeof trial->threads);
    message_get(&cursor, &trial->max_steps, sizeof trial->max_steps);
    message_get(&cursor, &trial->save_seconds, sizeof trial->save_seconds);
    message_get(&cursor, &trial->together, sizeof trial->together);
    trial->recipe = message_get_text(&cursor);
    trial->folder = message_get_text(&cursor);
    trial->checkpoints = message_get_text(&cursor);
    trial->key = message_get_text(&cursor);
    return message_ended(&cursor);
}

/* The pointers inside a point are replaced by its extras, one by one. */
static void put_point(struct text *out, const struct point *point)
{
    struct point copy = *point;
    copy.extras = NULL;
    text_add(out, (const char *)&copy, sizeof copy);
    for (size_t i = 0; i < point->extra_count; i++) {
        message_put_text(out, point->extras[i].name);
        text_add(out, (const char *)&point->extras[i].value, sizeof(double));
    }
}

static void get_point(struct message_cursor *cursor, struct point *point, struct arena *arena)
{
    message_get(cursor, point, sizeof *point);
    if (cursor->damaged || point->extra_count > cursor->left / (sizeof(uint32_t) + 1 + sizeof(double))) {
        cursor->damaged = true;
        point->extra_count = 0;
    }
    struct extra *extras = point->extra_count ? arena_zero(arena, point->extra_count, sizeof *extras) : NULL;
    if (point->extra_count && !extras) {
        cursor->damaged = true;
        point->extra_count = 0;
    }
    for (size_t i = 0; i < point->extra_count; i++) {
        extras[i].name = message_get_text(cursor);
        message_get(cursor, &extras[i].value, sizeof(double));
    }
    point->extras = extras;
}

void message_put_point(struct text *out, const struct point *point)
{
    put_point(out, point);
}

int message_get_point(const char *data, size_t length, struct point *point, struct arena *arena)
{
    struct message_cursor cursor = { data, length, false };
    get_point(&cursor, point, arena);
    return message_ended(&cursor);
}

void message_put_result(struct text *out, const struct trial_result *result)
{
    struct trial_result copy = *result;
    copy.stop_reason = copy.backend = copy.kernel = NULL;
    copy.last.extras = NULL;
    copy.last.extra_count = 0;
    text_add(out, (const char *)&copy, sizeof copy);
    message_put_text(out, result->stop_reason);
    message_put_text(out, result->backend);
    message_put_text(out, result->kernel);
    put_point(out, &result->last);
}

int message_get_result(const char *data, size_t length, struct trial_result *result, struct arena *arena)
{
    struct message_cursor cursor = { data, length, false };
    message_get(&cursor, result, sizeof *result);
    result->stop_reason = message_get_text(&cursor);
    result->backend = message_get_text(&cursor);
    result->kernel = message_get_text(&cursor);
    get_point(&cursor, &result->last, arena);
    if (result->status != TRIAL_DONE && result->status != TRIAL_DIVERGED)
        return -1;
    return message_ended(&cursor);
}

/* ---- Frames ---- */

void message_frame(struct text *out, enum message_kind kind, const void *data, size_t length)
{
    struct head head = { .kind = (uint32_t)kind, .length = (uint32_t)length };
    if (length > MESSAGE_LIMIT) {
        out->failed = true;
        return;
    }
    head.crc = hash_crc32c(hash_crc32c(0, &head, offsetof(struct head, crc)), data, length);
    text_add(out, (const char *)&head, sizeof head);
    if (length)
        text_add(out, data, length);
}

int message_send(int file, enum message_kind kind, const void *data, size_t length, struct iso_error *err)
{
    struct text frame = { 0 };
    if (length > MESSAGE_LIMIT)
        return iso_fail(err, "a message of %zu bytes is too long", length);
    message_frame(&frame, kind, data, length);
    int status = frame.failed ? error_memory(err) : 0;
    if (!status && file_write(file, frame.data, frame.length))
        status = error_system(err, "cannot write to", "the pipe between isoflop and its worker");
    text_free(&frame);
    return status;
}

/* Room for `more` bytes after those that are not taken yet. */
static int make_room(struct message_inbox *inbox, size_t more)
{
    if (inbox->taken) {
        memmove(inbox->data, inbox->data + inbox->taken, inbox->used - inbox->taken);
        inbox->used -= inbox->taken;
        inbox->taken = 0;
    }
    return memory_grow(&inbox->data, &inbox->capacity, inbox->used + more, 1);
}

int message_fill(struct message_inbox *inbox, int file, struct iso_error *err)
{
    if (make_room(inbox, 65536))
        return error_memory(err);
    ssize_t got = read(file, inbox->data + inbox->used, inbox->capacity - inbox->used);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (got < 0)
        return error_system(err, "cannot read from", "the pipe between isoflop and its worker");
    inbox->used += (size_t)got;
    return got > 0;
}

int message_add(struct message_inbox *inbox, const void *data, size_t length)
{
    if (make_room(inbox, length))
        return -1;
    if (length)
        memcpy(inbox->data + inbox->used, data, length);
    inbox->used += length;
    return 0;
}

int message_next(struct message_inbox *inbox, enum message_kind *kind, const char **data, size_t *length)
{
    struct head head;
    const size_t left = inbox->used - inbox->taken;
    if (left < sizeof head)
        return 0;
    char *at = inbox->data + inbox->taken;
    memcpy(&head, at, sizeof head);
    if (head.length > MESSAGE_LIMIT)
        return -1;
    if (left - sizeof head < head.length)
        return 0;
    if (hash_crc32c(hash_crc32c(0, &head, offsetof(struct head, crc)), at + sizeof head, head.length) != head.crc)
        return -1;
    /* Texts in the content end with their own 0. */
    *kind = (enum message_kind)head.kind;
    *data = at + sizeof head;
    *length = head.length;
    inbox->taken += sizeof head + head.length;
    return 1;
}

void message_inbox_free(struct message_inbox *inbox)
{
    free(inbox->data);
    *inbox = (struct message_inbox){ 0 };
}
