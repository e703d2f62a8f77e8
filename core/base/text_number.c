/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, durations and sizes from text and back. Independent of the process's locale: every
 * conversion names the C locale, which in glibc is a static object.
 */
#include <base/text.h>

#include <base/clock.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t the_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

static const char *skip_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of [+-] digits [. digits] [e [+-] digits] at text, or NULL. ".5" is one, "5." is not. */
static const char *number_end(const char *text)
{
    const char *p = text + (*text == '+' || *text == '-');
    const char *whole = p;
    p = skip_digits(p);
    bool any = p > whole;
    if (*p == '.') {
        const char *end = skip_digits(p + 1);
        if (end == p + 1)
            return NULL;
        p = end;
        any = true;
    }
    if (!any)
        return NULL;
    if (*p == 'e' || *p == 'E') {
        const char *digits = p + 1 + (p[1] == '+' || p[1] == '-');
        const char *end = skip_digits(digits);
        if (end > digits)
            p = end;
    }
    return p;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static bool find_unit(const struct unit *units, size_t count, const char *name, uint64_t *factor)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(units[i].name, name)) {
            *factor = units[i].factor;
            return true;
        }
    return false;
}

bool tkp_text_to_int(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    const char *p = text + (*text == '-' || *text == '+');
    if (!*p)
        return false;
    uint64_t limit = (uint64_t)INT64_MAX + negative, sum = 0;
    for (; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (sum > (limit - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

bool tkp_text_to_double(const char *text, double *value)
{
    const char *end = number_end(text);
    if (!end || *end)
        return false;
    double read = strtod_l(text, NULL, the_c_locale());
    if (!isfinite(read))
        return false;
    *value = read;
    return true;
}

bool tkp_text_to_duration(const char *text, uint64_t *value_ns)
{
    static const struct unit units[] = {{"", TKP_NS_PER_S},        {"ns", 1},
                                        {"us", TKP_NS_PER_US},     {"ms", TKP_NS_PER_MS},
                                        {"s", TKP_NS_PER_S},       {"m", 60 * TKP_NS_PER_S},
                                        {"h", 3600 * TKP_NS_PER_S}};
    const char *end = number_end(text);
    uint64_t factor;
    if (!end || *text == '-' || !find_unit(units, sizeof units / sizeof units[0], end, &factor))
        return false;
    /* The 64-bit mantissa of the x86 long double keeps decimal fractions exact to the ns. */
    long double ns = roundl(strtold_l(text, NULL, the_c_locale()) * (long double)factor);
    if (!(ns < 18446744073709551615.0L)) /* UINT64_MAX is TKP_NEVER_NS */
        return false;
    *value_ns = (uint64_t)ns;
    return true;
}

bool tkp_text_to_bytes(const char *text, uint64_t *value_bytes)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"kB", 1000},
                                        {"KB", 1000},
                                        {"MB", 1000000},
                                        {"GB", 1000000000},
                                        {"KiB", 1024},
                                        {"MiB", UINT64_C(1024) * 1024},
                                        {"GiB", UINT64_C(1024) * 1024 * 1024}};
    const char *end = skip_digits(text);
    uint64_t factor, sum = 0;
    if (end == text || !find_unit(units, sizeof units / sizeof units[0], end, &factor))
        return false;
    for (const char *p = text; p < end; p++)
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
            return false;
    return !__builtin_mul_overflow(sum, factor, value_bytes);
}

size_t tkp_text_from_double(char *out, size_t capacity, double value)
{
    int n = 0;
    locale_t old = uselocale(the_c_locale());
    if (fabs(value) < 1e15 && value == trunc(value)) { /* an integer below 2^53: no exponent */
        n = snprintf(out, capacity, "%lld", (long long)value);
    } else {
        /* 15 digits survive from any decimal, 17 carry any double (IEEE 754). */
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(out, capacity, "%.*g", digits, value);
            if (strtod_l(out, NULL, the_c_locale()) == value)
                break;
        }
    }
    uselocale(old);
    return n > 0 ? (size_t)n : 0;
}
