/* SPDX-License-Identifier: Apache-2.0 */
/* See added_trie.h. */
#include <token/added_trie.h>

#include <stdlib.h>

enum { MAX_NODES = 1 << 22 };

static uint32_t child_of(const struct tkp_added_set *set, uint32_t node, uint8_t byte)
{
    uint32_t child = set->nodes[node].child;
    while (child && set->nodes[child].byte != byte)
        child = set->nodes[child].sibling;
    return child;
}

/* A new node's place, or 0. */
static uint32_t new_node(struct tkp_added_set *set, uint8_t byte)
{
    if (set->node_count == set->node_capacity) {
        uint32_t capacity = set->node_capacity ? 2 * set->node_capacity : 256;
        struct tkp_trie_node *nodes =
            capacity <= MAX_NODES ? realloc(set->nodes, capacity * sizeof *nodes) : NULL;
        if (!nodes)
            return 0;
        set->nodes = nodes;
        set->node_capacity = capacity;
    }
    set->nodes[set->node_count] = (struct tkp_trie_node){.token = TKP_NO_ID, .byte = byte};
    return set->node_count++;
}

static void note_first(struct tkp_added_set *set, uint8_t byte)
{
    if (set->first_bytes[byte])
        return;
    set->first_bytes[byte] = 1;
    if (set->first_count < 4) {
        /* all four slots hold a byte to look for */
        for (uint32_t i = set->first_count; i < 4; i++)
            set->firsts[i] = byte;
    }
    if (set->first_count < 5)
        set->first_count++;
}

bool tkp_added_trie_put(struct tkp_added_set *set, const char *text, size_t len, uint32_t index)
{
    if (!set->node_count) {
        (void)new_node(set, 0);
        if (!set->node_count)
            return false;
    }
    uint32_t node = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[i];
        uint32_t child = child_of(set, node, byte);
        if (!child) {
            child = new_node(set, byte);
            if (!child)
                return false;
            set->nodes[child].sibling = set->nodes[node].child;
            set->nodes[node].child = child;
        }
        node = child;
    }
    if (set->nodes[node].token == TKP_NO_ID)
        set->nodes[node].token = index;
    note_first(set, (uint8_t)text[0]);
    return true;
}

uint32_t tkp_added_trie_longest(const struct tkp_added_set *set, const char *p, const char *end)
{
    uint32_t node = 0, found = TKP_NO_ID;
    for (; p < end; p++) {
        node = child_of(set, node, (uint8_t)*p);
        if (!node)
            break;
        if (set->nodes[node].token != TKP_NO_ID)
            found = set->nodes[node].token;
    }
    return found;
}
