/* network_blocks.c - the numbered blocks of a file as layers, each with all its weights */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "layers.h"
#include "network.h"

struct member {
    const char *name; /* of the tensor: "h.3.attn.weight" */
    size_t block;     /* characters of it that name its block: "h.3" */
    int64_t tensor;
};

static int by_name(const void *a, const void *b)
{
    return lfc_types_natural_order(((const struct member *)a)->name,
                                   ((const struct member *)b)->name);
}

/* Characters of "PREFIX.NUMBER" that a "PREFIX.NUMBER.REST" begins with; 0: it does not. */
static size_t block_length(const char *name, const char *prefix)
{
    const size_t length = strlen(prefix);
    size_t digits;

    if (strncmp(name, prefix, length) != 0 || name[length] != '.')
        return 0;
    digits = strspn(name + length + 1, "0123456789");
    if (digits == 0 || name[length + 1 + digits] != '.' ||
        name[length + digits + 2] == '\0')
        return 0;
    return length + 1 + digits;
}

/* Matrices and more of every block, in natural order; their number. */
static int64_t list(const lfuse_checkpoint *checkpoint,
                    const struct lfc_network_rules *rules, struct member *members)
{
    int64_t count = 0, i;

    for (i = 0; i < lfuse_checkpoint_count(checkpoint); i++) {
        const char *name = lfuse_checkpoint_name(checkpoint, i);
        const size_t block = block_length(name, rules->block);

        if (block > 0 && lfuse_checkpoint_owner(checkpoint, i) == i &&
            lfuse_tensor_rank(lfuse_checkpoint_tensor(checkpoint, i)) >= 2 &&
            !lfc_network_matches(rules->exclude, name))
            members[count++] = (struct member){name, block, i};
    }
    qsort(members, (size_t)count, sizeof(*members), by_name);
    return count;
}

static int same_block(const struct member *a, const struct member *b)
{
    return a->block == b->block && memcmp(a->name, b->name, a->block) == 0;
}

static int add_block(lfuse_context *ctx, struct lfc_network *network,
                     const struct member *first, const char *param_type)
{
    char *name = lfc_copy(first->name, first->block);
    int code = lfc_network_add_layer(ctx, network, name, param_type, network->count);

    free(name);
    return code;
}

static int add_members(lfuse_context *ctx, const struct lfc_network_rules *rules,
                       const struct member *members, int64_t count,
                       const char *param_type, struct lfc_network *network)
{
    int code = LFC_DONE;
    int64_t i;

    for (i = 0; i < count && code == LFC_DONE; i++) {
        if (i == 0 || !same_block(&members[i], &members[i - 1]))
            code = add_block(ctx, network, &members[i], param_type);
        if (code == LFC_DONE)
            code = lfc_network_add_parameter(
                network, members[i].name + members[i].block + 1, LFUSE_ROLE_WEIGHT,
                members[i].tensor, lfc_axes_of(rules->axes, members[i].name));
    }
    return code;
}

int lfc_network_find_blocks(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                            const struct lfc_network_rules *rules,
                            struct lfc_network *network)
{
    const int64_t all = lfuse_checkpoint_count(checkpoint);
    struct member *members = lfc_alloc((size_t)all, sizeof(*members));
    const int64_t count = list(checkpoint, rules, members);
    const size_t length = strlen(rules->block);
    char *param_type = lfc_alloc(length + sizeof(".*"), 1);
    int code;

    memcpy(param_type, rules->block, length);
    memcpy(param_type + length, ".*", sizeof(".*"));
    memset(network, 0, sizeof(*network));
    lfc_network_reserve(network, checkpoint, all, all);
    code = add_members(ctx, rules, members, count, param_type, network);
    if (code == LFC_DONE && network->count < 2)
        code = lfc_fail(LFC_FAILED,
                        count == 0
                            ? "--block: no tensor of rank 2 or more is named %s.NUMBER.*"
                            : "--block: there is only one block %s.NUMBER",
                        rules->block);
    free(param_type);
    free(members);
    if (code != LFC_DONE)
        lfc_network_free(network);
    return code;
}
