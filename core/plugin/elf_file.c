/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the ELF header (System V gABI, chapter 4), so that a wrong file gets a sentence of ours
 * instead of the dynamic linker's.
 */
#include <plugin/elf_file.h>

#include <base/error.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
static const char our_machine_name[] = "x86-64";
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
static const char our_machine_name[] = "aarch64";
#else
#error "name this machine's ELF number here"
#endif

static bool looks_like_text(const char *head, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)head[i];
        if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
            return false;
    }
    return true;
}

static tokperf_status check_header(const char *path, const char *head, size_t len,
                                   struct tokperf_error *error)
{
    if (len == 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s is empty, not a shared object", path);
    if (len < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s is %s, not a shared object (no ELF header)",
                        path, looks_like_text(head, len) ? "a text file" : "something else");
    Elf64_Ehdr header;
    if (len < sizeof header)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s ends within its ELF header", path);
    memcpy(&header, head, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != OUR_MACHINE)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s is built for another machine (ELF class %u, machine %u); this tokperf "
                        "is %s",
                        path, header.e_ident[EI_CLASS], header.e_machine, our_machine_name);
    if (header.e_type != ET_DYN)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s is an ELF file but no shared object (type %u); link it with -shared",
                        path, header.e_type);
    return TOKPERF_OK;
}

tokperf_status tkp_elf_check(const char *path, struct tokperf_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return tkp_fail_errno(error, errno == ENOENT ? TOKPERF_E_NOT_FOUND : TOKPERF_E_IO, errno,
                              "cannot open the module %s", path);
    struct stat info;
    char head[sizeof(Elf64_Ehdr)];
    ssize_t len = -1;
    bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    if (regular)
        len = pread(fd, head, sizeof head, 0);
    int saved = errno;
    close(fd);
    if (!regular)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s is not a regular file", path);
    if (len < 0)
        return tkp_fail_errno(error, TOKPERF_E_IO, saved, "cannot read the module %s", path);
    return check_header(path, head, (size_t)len, error);
}
