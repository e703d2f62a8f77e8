/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only atomics of the program. Each kind of sharing has its type, and each its memory order
 * with the reason beside it. [any]
 */
#ifndef TKP_BASE_ATOMIC_H
#define TKP_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A number several threads draw from: the next ordinal of a phase. */
struct tkp_ticket {
    _Alignas(64) _Atomic uint64_t next;
};
/* Relaxed: only uniqueness matters, nothing is published through it. */
static inline uint64_t tkp_ticket_take(struct tkp_ticket *t)
{
    return atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed);
}
static inline uint64_t tkp_ticket_peek(const struct tkp_ticket *t)
{
    return atomic_load_explicit(&t->next, memory_order_relaxed);
}

/* A bounded count that several threads raise and lower: requests in flight under a cap. */
struct tkp_slots {
    _Alignas(64) _Atomic uint64_t used;
};
/* Takes one if fewer than cap are used. Sequentially consistent, as are flags: a waiter raises its
 * flag and then reads `used`, a releaser lowers `used` and then reads flags; with one total order
 * at least one of them sees the other (load/phase.c). */
static inline bool tkp_slots_try_take(struct tkp_slots *s, uint64_t cap)
{
    uint64_t used = atomic_load_explicit(&s->used, memory_order_seq_cst);
    while (used < cap)
        if (atomic_compare_exchange_weak_explicit(&s->used, &used, used + 1, memory_order_seq_cst,
                                                  memory_order_seq_cst))
            return true;
    return false;
}
static inline void tkp_slots_release(struct tkp_slots *s)
{
    atomic_fetch_sub_explicit(&s->used, 1, memory_order_seq_cst);
}
static inline uint64_t tkp_slots_used(const struct tkp_slots *s)
{
    return atomic_load_explicit(&s->used, memory_order_seq_cst);
}

/* A flag that is raised once (stop, cancel) and read often. */
struct tkp_flag {
    _Atomic uint32_t raised;
};
/* What was written before raising is visible to who sees it raised; sequentially consistent for the
 * waiters of tkp_slots_try_take(). */
static inline void tkp_flag_raise(struct tkp_flag *f)
{
    atomic_store_explicit(&f->raised, 1, memory_order_seq_cst);
}
static inline void tkp_flag_lower(struct tkp_flag *f)
{
    atomic_store_explicit(&f->raised, 0, memory_order_seq_cst);
}
/* Lowers the flag; true for exactly one of those who take it while it is raised. */
static inline bool tkp_flag_take(struct tkp_flag *f)
{
    return atomic_exchange_explicit(&f->raised, 0, memory_order_seq_cst) != 0;
}
static inline bool tkp_flag_is_raised(const struct tkp_flag *f)
{
    return atomic_load_explicit(&f->raised, memory_order_seq_cst) != 0;
}
/* Relaxed: for who only asks whether somebody wants something, and reads nothing that was written
 * before; the answer may be a moment old. */
static inline bool tkp_flag_peek(const struct tkp_flag *f)
{
    return atomic_load_explicit(&f->raised, memory_order_relaxed) != 0;
}

/* A number with one writer and any readers: counters of a worker, its state. */
struct tkp_gauge {
    _Atomic uint64_t value;
};
/* Writer only. Release, so that a reader of a count sees what was counted. */
static inline void tkp_gauge_set(struct tkp_gauge *g, uint64_t value)
{
    atomic_store_explicit(&g->value, value, memory_order_release);
}
static inline void tkp_gauge_add(struct tkp_gauge *g, uint64_t delta)
{
    uint64_t value = atomic_load_explicit(&g->value, memory_order_relaxed);
    atomic_store_explicit(&g->value, value + delta, memory_order_release);
}
static inline uint64_t tkp_gauge_get(const struct tkp_gauge *g)
{
    return atomic_load_explicit(&g->value, memory_order_acquire);
}

#endif
