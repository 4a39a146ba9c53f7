/* Whether an object file is whole. The dynamic loader maps what the headers promise; a file that was cut off would end
 * the program by SIGBUS when that is touched. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/internal.h"

#if defined __has_include
#if __has_include(<elf.h>)
#include <elf.h>
#endif
#endif

#if defined EI_NIDENT && UINTPTR_MAX > 0xffffffffu

static int check_segments(int file, const Elf64_Ehdr *header, uint64_t size, struct iso_error *err)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        const uint64_t at = header->e_phoff + (uint64_t)i * sizeof segment;
        if (at < header->e_phoff || at > size || pread(file, &segment, sizeof segment, (off_t)at) != sizeof segment ||
            segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
            return iso_fail(err, "can not be loaded: the file is cut off (it has %llu bytes): build it again",
                            (unsigned long long)size);
    }
    return 0;
}

int plugin_check_object(const char *path, struct iso_error *err)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a pipe, which nobody may write to */
    Elf64_Ehdr header;
    struct stat facts;
    int status = 0;
    if (file < 0)
        return 0; /* the loader says why */
    if (fstat(file, &facts) || !S_ISREG(facts.st_mode))
        status = iso_fail(err, "can not be loaded: it is no file");
    else if (pread(file, &header, sizeof header, 0) == sizeof header && !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
             header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_phentsize == sizeof(Elf64_Phdr))
        status = check_segments(file, &header, (uint64_t)facts.st_size, err);
    close(file);
    return status;
}

#else

int plugin_check_object(const char *path, struct iso_error *err)
{
    (void)path;
    (void)err;
    return 0;
}

#endif
