/* Fetching a file over HTTP. */
#include "config.h"

#include "data/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_CURL

#include <curl/curl.h>

#define REDIRECTS 5L
#define CONNECT_SECONDS 20L
#define STALL_SECONDS 30L /* without a byte */

struct transfer {
    CURL *curl;
    int file;
    const char *part;
    uint64_t had;   /* bytes of a former attempt */
    uint64_t at;    /* where the next byte goes */
    uint64_t limit;
    uint64_t range_start; /* of Content-Range, UINT64_MAX: none came */
    bool started, resumed;
    const struct fetch_watch *watch;
    struct iso_error why; /* of our own refusals */
};

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const size_t length = size * count;
    static const char name[] = "Content-Range: bytes ";
    char text[64];
    if (length > 5 && !strncasecmp(line, "HTTP/", 5)) {
        transfer->range_start = UINT64_MAX; /* a further answer, after a redirect */
    } else if (length > sizeof name && length - sizeof name < sizeof text && !strncasecmp(line, name, sizeof name - 1)) {
        memcpy(text, line + sizeof name - 1, length - sizeof name);
        text[length - sizeof name] = 0;
        if (text[0] >= '0' && text[0] <= '9')
            transfer->range_start = strtoull(text, NULL, 10);
    }
    return length;
}

/* What the answer's first bytes mean: the rest of the file, or all of it. */
static int start(struct transfer *transfer)
{
    long code = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &code);
    transfer->started = true;
    if (code == 206 && transfer->had && transfer->range_start == transfer->had) {
        transfer->at = transfer->had;
        transfer->resumed = true;
        return 0;
    }
    if (code != 200)
        return iso_fail(&transfer->why, "the server answered a request for all bytes with a part (%ld)", code);
    transfer->at = 0;
    if (ftruncate(transfer->file, 0))
        return error_system(&transfer->why, "cannot write", transfer->part);
    return 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const size_t length = size * count;
    if (!transfer->started && start(transfer))
        return 0;
    if (length > transfer->limit || transfer->at > transfer->limit - length) {
        iso_fail(&transfer->why, "it is larger than the %" PRIu64 " bytes that it can have", transfer->limit);
        return 0;
    }
    for (size_t done = 0; done < length;) {
        const ssize_t put = pwrite(transfer->file, data + done, length - done, (off_t)(transfer->at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            error_system(&transfer->why, "cannot write", transfer->part);
            return 0;
        }
        done += (size_t)put;
    }
    transfer->at += length;
    return length;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    (void)up_total;
    (void)up;
    const struct transfer *transfer = context;
    const uint64_t base = transfer->resumed ? transfer->had : 0;
    if (!transfer->watch || !transfer->watch->progress || total < 0 || now < 0)
        return 0;
    return transfer->watch->progress(transfer->watch->context, base + (uint64_t)now,
                                     total ? base + (uint64_t)total : 0);
}

static bool set_up(struct transfer *transfer, const char *url, char message[CURL_ERROR_SIZE])
{
    CURL *curl = transfer->curl;
    char range[40];
    bool good = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "isoflop/" PACKAGE_VERSION);
#if LIBCURL_VERSION_NUM >= 0x075500
    good = good && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    good = good && curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK;
#endif
    good = good && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->limit) == CURLE_OK;
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    good = good && curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    /* Not CURLOPT_RESUME_FROM: that fails with servers that know no ranges, which then send all. */
    if (transfer->had) {
        snprintf(range, sizeof range, "%" PRIu64 "-", transfer->had);
        good = good && curl_easy_setopt(curl, CURLOPT_RANGE, range) == CURLE_OK;
    }
    return good;
}

static int perform(struct transfer *transfer, const char *url, struct iso_error *err)
{
    char message[CURL_ERROR_SIZE] = "";
    long code = 0;
    transfer->curl = curl_easy_init();
    if (!transfer->curl || !set_up(transfer, url, message)) {
        curl_easy_cleanup(transfer->curl);
        return iso_fail(err, "libcurl can't fetch it%s%s", message[0] ? ": " : "", message);
    }
    const CURLcode result = curl_easy_perform(transfer->curl);
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(transfer->curl);
    if (transfer->had && code == 416) { /* nothing is left to send: the part may be whole */
        transfer->resumed = true;
        transfer->at = transfer->had;
        return 0;
    }
    if (result == CURLE_OK && !transfer->started) /* an empty file */
        return iso_fail(err, "the server sent nothing (%ld)", code);
    if (result == CURLE_OK)
        return 0;
    if (transfer->why.text[0])
        return iso_fail(err, "%s", transfer->why.text);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return iso_fail(err, "interrupted");
    return iso_fail(err, "%s", message[0] ? message : curl_easy_strerror(result));
}

int fetch_file(const char *url, const char *part, uint64_t limit, const struct fetch_watch *watch, bool *resumed,
               struct iso_error *err)
{
    struct stat status;
    struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    *resumed = false;
    const int file = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0)
        return error_system(err, "cannot write", part);
    int result = -1;
    if (fcntl(file, F_SETLK, &range) && (errno == EACCES || errno == EAGAIN)) {
        iso_fail(err, "another isoflop is fetching %s", part);
    } else if (fstat(file, &status) || !S_ISREG(status.st_mode)) {
        error_system(err, "cannot write", part);
    } else if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        iso_fail(err, "libcurl can't start");
    } else {
        struct transfer transfer = { .file = file, .part = part, .had = (uint64_t)status.st_size, .limit = limit,
                                     .range_start = UINT64_MAX, .watch = watch, .why = ERROR_NONE };
        if (transfer.had > limit)
            transfer.had = 0;
        result = perform(&transfer, url, err);
        *resumed = transfer.resumed;
        curl_global_cleanup();
        if (!result && (ftruncate(file, (off_t)transfer.at) || fsync(file)))
            result = error_system(err, "cannot write", part);
    }
    close(file);
    return result;
}

#else

int fetch_file(const char *url, const char *part, uint64_t limit, const struct fetch_watch *watch, bool *resumed,
               struct iso_error *err)
{
    (void)part;
    (void)limit;
    (void)watch;
    *resumed = false;
    return iso_fail(err, "this isoflop was built without libcurl; fetch %s by other means (curl -LO) and hand it over "
                    "with --from, or build isoflop with libcurl4-openssl-dev installed", url);
}

#endif
