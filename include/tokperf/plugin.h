/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK: what a plugin module is. A shared object exports one function that returns constant
 * data: a descriptor that lists components. Loading runs no plugin code but that function.
 *
 *     static const struct tokperf_component chat = {
 *         sizeof chat, 0, TOKPERF_KIND_ENDPOINT, "acme_chat", "Acme chat API", options, &vtable};
 *     static const struct tokperf_component *const components[] = {&chat, NULL};
 *     static const struct tokperf_plugin plugin = {sizeof plugin, TOKPERF_ABI_MINOR, 0, 0,
 *         "com.acme.tokperf", "1.2.0", "MIT", "Acme endpoints", components, NULL};
 *     TOKPERF_PLUGIN(plugin)
 *
 * A plugin does not call setlocale, signal, fork, chdir, setenv, exit or curl_global_*, does not
 * write to stdout or stderr, and lets no exception, panic or longjmp cross. A module that was once
 * instantiated is never unloaded.
 */
#ifndef TOKPERF_PLUGIN_H
#define TOKPERF_PLUGIN_H

#include <tokperf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOKPERF_ABI_MAJOR 1
#define TOKPERF_ABI_MINOR 0

/* Kinds. A draft must match exactly; after the first tagged release it freezes as "/1". */
#define TOKPERF_KIND_ENDPOINT "tokperf.endpoint/1-draft"
#define TOKPERF_KIND_DATASET  "tokperf.dataset/1-draft"
#define TOKPERF_KIND_EXPORTER "tokperf.exporter/1-draft"

/* One option of a component. Rows are constant data. */
enum {
    TOKPERF_OPTION_STRING = 1,
    TOKPERF_OPTION_INT = 2,
    TOKPERF_OPTION_DOUBLE = 3,
    TOKPERF_OPTION_BOOL = 4,
    TOKPERF_OPTION_ENUM = 5,     /* one of choices */
    TOKPERF_OPTION_DURATION = 6, /* seconds, or a number with ns us ms s m h */
    TOKPERF_OPTION_BYTES = 7,    /* a number, or with KiB MiB GiB */
    TOKPERF_OPTION_PATH = 8,
    TOKPERF_OPTION_LIST = 9 /* strings; implies REPEATABLE */
};
enum {
    TOKPERF_OPTION_REQUIRED = 1u << 0,
    TOKPERF_OPTION_REPEATABLE = 1u << 1,
    TOKPERF_OPTION_SECRET = 1u << 2, /* never written to an artifact or a log */
    TOKPERF_OPTION_RANGE = 1u << 3   /* minimum and maximum hold (both inclusive) */
};
struct tokperf_option {
    uint32_t struct_size;
    uint32_t type;  /* TOKPERF_OPTION_STRING ... */
    uint32_t flags; /* TOKPERF_OPTION_REQUIRED ... */
    uint32_t reserved;
    const char *key;            /* [a-z][a-z0-9_]* */
    const char *unit;           /* "ms", "tokens", ... or NULL */
    const char *default_value;  /* as a user would write it, or NULL: not set */
    double minimum, maximum;    /* for INT, DOUBLE, DURATION (seconds), BYTES */
    const char *const *choices; /* NULL-ended, for ENUM */
    const char *help;           /* one sentence */
};

/* A value, already typed, checked and defaulted. */
struct tokperf_value {
    uint32_t type;                    /* of its row */
    uint32_t is_set;                  /* 0: neither given nor defaulted; the rest is zero */
    int64_t integer;                  /* INT, BOOL (0, 1), DURATION (ns), BYTES, ENUM (index) */
    double number;                    /* DOUBLE */
    struct tokperf_span text;         /* STRING, PATH, ENUM; NUL-terminated behind its end */
    const struct tokperf_span *items; /* LIST */
    uint64_t item_count;
};

/* The values of one instance, in row order; they live as long as the instance. */
struct tokperf_config {
    uint32_t struct_size;
    uint32_t value_count;
    const struct tokperf_value *const *values;
    struct tokperf_span instance_name;
};

/* What the host offers. A service is a constant table; NULL when this host lacks it. */
struct tokperf_host {
    uint32_t struct_size;
    uint32_t abi_minor;
    void *context; /* the host's own */
    /* [any] Returns the table behind a service id of host.h, or NULL. Never blocks. */
    const void *(*service)(const struct tokperf_host *host, const char *id);
};

/* The members that begin every kind's vtable. */
#define TOKPERF_VTABLE_HEAD                                                                        \
    uint32_t struct_size;                                                                          \
    uint32_t reserved;                                                                             \
    /* [main] Makes one immutable instance; *self may stay NULL if there is nothing to keep.    */ \
    /* May block and allocate. config and host outlive the instance.                            */ \
    tokperf_status (*create)(const struct tokperf_host *host, const struct tokperf_config *config, \
                             void **self, struct tokperf_error *error);                            \
    /* [main] Releases it; called once for each create that succeeded. */                          \
    void (*destroy)(void *self);

struct tokperf_vtable {
    TOKPERF_VTABLE_HEAD
};

struct tokperf_component {
    uint32_t struct_size;
    uint32_t flags;                              /* 0 */
    const char *kind;                            /* TOKPERF_KIND_* */
    const char *name;                            /* [a-z][a-z0-9_]*: what a user types */
    const char *summary;                         /* one line */
    const struct tokperf_option *const *options; /* NULL-ended, or NULL */
    const void *vtable;                          /* of the kind; begins with TOKPERF_VTABLE_HEAD */
};

struct tokperf_plugin {
    uint32_t struct_size;
    uint32_t abi_minor;      /* TOKPERF_ABI_MINOR of the headers it was built with */
    uint32_t min_host_minor; /* the oldest host it works with */
    uint32_t reserved;
    const char *id;      /* reverse domain: "org.tokperf.openai" */
    const char *version; /* "1.2.0" */
    const char *license; /* SPDX expression */
    const char *summary;
    const struct tokperf_component *const *components; /* NULL-ended */
    const char *const *requires_services;              /* NULL-ended ids, or NULL */
};

/* The one exported symbol; the ABI major is in its name. */
#define TOKPERF_PLUGIN_ENTRY "tokperf_plugin_entry_v1"
typedef const struct tokperf_plugin *(*tokperf_plugin_entry_fn)(void);

#ifdef __cplusplus
#define TOKPERF_EXTERN_C extern "C"
#else
#define TOKPERF_EXTERN_C
#endif

/* Defines the entry. With TOKPERF_PLUGIN_STATIC_NAME defined the function takes that name instead,
 * so that several plugins can be linked into one program, a fuzzer for example. */
#ifdef TOKPERF_PLUGIN_STATIC_NAME
#define TOKPERF_PLUGIN(descriptor)                                                  \
    TOKPERF_EXTERN_C const struct tokperf_plugin *TOKPERF_PLUGIN_STATIC_NAME(void); \
    const struct tokperf_plugin *TOKPERF_PLUGIN_STATIC_NAME(void)                   \
    {                                                                               \
        return &(descriptor);                                                       \
    }
#else
#define TOKPERF_PLUGIN(descriptor)                                                              \
    TOKPERF_EXTERN_C TOKPERF_EXPORT const struct tokperf_plugin *tokperf_plugin_entry_v1(void); \
    const struct tokperf_plugin *tokperf_plugin_entry_v1(void)                                  \
    {                                                                                           \
        return &(descriptor);                                                                   \
    }
#endif

#ifdef __cplusplus
}
#endif
#endif
