/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the dynamic symbol table of the file (System V gABI, chapter 4): every section, offset and
 * string is checked against the file's length before it is followed.
 */
#include <cli/plugins_check_symbols.h>

#include <base/files.h>
#include <elf.h>
#include <string.h>

enum { MODULE_MAX_BYTES = 512 * 1024 * 1024 };

/* Names that linkers and compilers add by themselves: nobody's interface. */
static bool is_of_the_toolchain(const char *name)
{
    return name[0] == '_' || strcmp(name, "") == 0;
}

static bool read_at(struct tokperf_span file, uint64_t offset, void *out, size_t len)
{
    if (offset > file.len || len > file.len - offset)
        return false;
    memcpy(out, file.data + offset, len);
    return true;
}

static const char *string_at(struct tokperf_span file, const Elf64_Shdr *strings, uint32_t offset)
{
    if (strings->sh_offset > file.len || strings->sh_size > file.len - strings->sh_offset ||
        offset >= strings->sh_size)
        return NULL;
    const char *text = file.data + strings->sh_offset + offset;
    return memchr(text, 0, strings->sh_size - offset) != NULL ? text : NULL;
}

static void check_symbol(struct tkp_check *check, struct tokperf_span file,
                         const Elf64_Shdr *strings, const Elf64_Sym *symbol)
{
    unsigned binding = ELF64_ST_BIND(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF || binding == STB_LOCAL)
        return;
    const char *name = string_at(file, strings, symbol->st_name);
    if (name == NULL || is_of_the_toolchain(name) || strcmp(name, TOKPERF_PLUGIN_ENTRY) == 0)
        return;
    tkp_check_finding(check,
                      "it exports %s; hide every symbol but " TOKPERF_PLUGIN_ENTRY
                      " (-fvisibility=hidden, version script)",
                      name);
}

static void check_table(struct tkp_check *check, struct tokperf_span file, const Elf64_Ehdr *header,
                        const Elf64_Shdr *table)
{
    Elf64_Shdr strings;
    if (table->sh_link >= header->e_shnum ||
        !read_at(file, header->e_shoff + table->sh_link * (uint64_t)sizeof strings, &strings,
                 sizeof strings))
        return;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        if (!read_at(file, table->sh_offset + at, &symbol, sizeof symbol))
            return;
        check_symbol(check, file, &strings, &symbol);
    }
}

void tkp_check_symbols(struct tkp_check *check)
{
    struct tkp_buffer buffer;
    struct tokperf_error error;
    tkp_check_step(check, "symbols");
    tkp_buffer_init(&buffer, MODULE_MAX_BYTES);
    if (tkp_files_read(check->args->operand, MODULE_MAX_BYTES, 0, &buffer, &error) != TOKPERF_OK) {
        tkp_check_finding(check, "%s", error.message);
        tkp_buffer_finish(&buffer);
        return;
    }
    struct tokperf_span file = tkp_buffer_span(&buffer);
    Elf64_Ehdr header;
    if (read_at(file, 0, &header, sizeof header))
        for (uint32_t i = 0; i < header.e_shnum; i++) {
            Elf64_Shdr section;
            if (read_at(file, header.e_shoff + i * (uint64_t)sizeof section, &section,
                        sizeof section) &&
                section.sh_type == SHT_DYNSYM)
                check_table(check, file, &header, &section);
        }
    tkp_buffer_finish(&buffer);
}
