/*
 * couplings_presets.c - the hidden spaces of families of networks, by the names of their tensors
 *
 * A pattern is the tensors of one hidden space in one block, less what comes before their names:
 * its first one anchors it, its last one reads the space, and without either there is none. What
 * is between may be missing. Axes are said as what they count, outputs or inputs, and found by
 * the weight's output_axis: Conv1D of GPT-2 is [in, out], Linear [out, in].
 *
 * Attention: the heads of one block are one space. Rotary positions tie the rows within a head
 * to each other, so heads move whole everywhere; with grouped queries a unit is a key and value
 * head with all of its query heads, which lie side by side.
 */
#include "fusion/couplings.h"

#include <stdio.h>
#include <string.h>

enum what { OUT, IN };
enum unit { ONE, HEAD, QUERIES };

struct part {
    const char *name;
    enum what what;
    enum unit unit;
    int third; /* of the axis, from 1; 0: all of it */
};

enum { PARTS = 9 };

struct pattern {
    const char *preset;
    struct part parts[PARTS]; /* without a name: the end */
};

/* clang-format off */
static const struct pattern patterns[] = {
    {"resnet-basic",
     {{"conv1.weight", OUT, ONE, 0}, {"conv1.bias", OUT, ONE, 0}, {"bn1.weight", OUT, ONE, 0},
      {"bn1.bias", OUT, ONE, 0}, {"bn1.running_mean", OUT, ONE, 0},
      {"bn1.running_var", OUT, ONE, 0}, {"conv2.weight", IN, ONE, 0}}},
    {"resnet-bottleneck",
     {{"conv1.weight", OUT, ONE, 0}, {"conv1.bias", OUT, ONE, 0}, {"bn1.weight", OUT, ONE, 0},
      {"bn1.bias", OUT, ONE, 0}, {"bn1.running_mean", OUT, ONE, 0},
      {"bn1.running_var", OUT, ONE, 0}, {"conv2.weight", IN, ONE, 0}}},
    {"resnet-bottleneck",
     {{"conv2.weight", OUT, ONE, 0}, {"conv2.bias", OUT, ONE, 0}, {"bn2.weight", OUT, ONE, 0},
      {"bn2.bias", OUT, ONE, 0}, {"bn2.running_mean", OUT, ONE, 0},
      {"bn2.running_var", OUT, ONE, 0}, {"conv3.weight", IN, ONE, 0}}},
    {"gpt2",
     {{"mlp.c_fc.weight", OUT, ONE, 0}, {"mlp.c_fc.bias", OUT, ONE, 0},
      {"mlp.c_proj.weight", IN, ONE, 0}}},
    {"gpt2",
     {{"attn.c_attn.weight", OUT, HEAD, 1}, {"attn.c_attn.weight", OUT, HEAD, 2},
      {"attn.c_attn.weight", OUT, HEAD, 3}, {"attn.c_attn.bias", OUT, HEAD, 1},
      {"attn.c_attn.bias", OUT, HEAD, 2}, {"attn.c_attn.bias", OUT, HEAD, 3},
      {"attn.c_proj.weight", IN, HEAD, 0}}},
    {"llama",
     {{"mlp.up_proj.weight", OUT, ONE, 0}, {"mlp.up_proj.bias", OUT, ONE, 0},
      {"mlp.gate_proj.weight", OUT, ONE, 0}, {"mlp.gate_proj.bias", OUT, ONE, 0},
      {"mlp.down_proj.weight", IN, ONE, 0}}},
    {"llama",
     {{"self_attn.q_proj.weight", OUT, QUERIES, 0}, {"self_attn.q_proj.bias", OUT, QUERIES, 0},
      {"self_attn.k_proj.weight", OUT, HEAD, 0}, {"self_attn.k_proj.bias", OUT, HEAD, 0},
      {"self_attn.v_proj.weight", OUT, HEAD, 0}, {"self_attn.v_proj.bias", OUT, HEAD, 0},
      {"self_attn.o_proj.weight", IN, QUERIES, 0}}},
    {"llama",
     {{"feed_forward.w1.weight", OUT, ONE, 0}, {"feed_forward.w3.weight", OUT, ONE, 0},
      {"feed_forward.w2.weight", IN, ONE, 0}}},
    {"llama",
     {{"attention.wq.weight", OUT, QUERIES, 0}, {"attention.wk.weight", OUT, HEAD, 0},
      {"attention.wv.weight", OUT, HEAD, 0}, {"attention.wo.weight", IN, QUERIES, 0}}},
};
/* clang-format on */

enum { PATTERNS = sizeof(patterns) / sizeof(patterns[0]) };

enum { NAME = 512 }; /* longer names are no block's */

/* A tensor of a block. */
struct tensor {
    const struct lfi_layer *layer;
    const struct lfi_parameter *parameter;
};

struct search {
    const struct lfi_layer *const *layers;
    int64_t count;
    int64_t heads;
    char prefix[NAME]; /* of the block's tensors; ends with a dot, or is empty */
};

static bool find(const struct search *s, const char *name, struct tensor *found)
{
    char text[2 * NAME];
    int64_t i;
    int32_t k;
    const int n = snprintf(text, sizeof(text), "%s%s", s->prefix, name);

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->layers[i]->parameter_count; k++)
            if (lfi_tensor_has_name(s->layers[i], &s->layers[i]->parameters[k], text,
                                    (size_t)n)) {
                found->layer = s->layers[i];
                found->parameter = &s->layers[i]->parameters[k];
                return true;
            }
    return false;
}

static const struct part *last_part(const struct pattern *pattern)
{
    const struct part *part = pattern->parts;

    while (part + 1 < pattern->parts + PARTS && part[1].name != NULL)
        part++;
    return part;
}

/* ---- sizes -------------------------------------------------------------------------------- */

static lfuse_status find_axis(const struct tensor *t, enum what what, int32_t *axis,
                              lfuse_error *err)
{
    const int32_t out = t->parameter->output_axis;

    if (what == IN && (t->parameter->value->view.rank < 2 || out > 1))
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "%s of layer %s has no axis of inputs beside its output_axis %d",
                        t->parameter->name, t->layer->name, (int)out);
    *axis = what == OUT ? out : 1 - out;
    return LFUSE_OK;
}

static lfuse_status divide(const struct tensor *t, int64_t entries, int64_t by,
                           const char *what, int64_t *out, lfuse_error *err)
{
    if (entries % by != 0)
        return lfi_fail(
            err, LFUSE_ERR_SHAPE, "%s of layer %s: %lld %s do not divide %lld entries",
            t->parameter->name, t->layer->name, (long long)by, what, (long long)entries);
    *out = entries / by;
    return LFUSE_OK;
}

/* Entries of a head: those of the anchor, which has all query heads, over their number. The
 * query heads of a key and value head follow from the part that has only these. */
static lfuse_status head_sizes(const struct search *s, const struct pattern *pattern,
                               int64_t *size, int64_t *queries, lfuse_error *err)
{
    const struct part *part = pattern->parts;
    lfuse_status status;
    struct tensor t;
    int64_t entries;
    int32_t axis = 0;

    (void)find(s, part->name, &t);
    *queries = 1;
    status = find_axis(&t, part->what, &axis, err);
    if (status != LFUSE_OK)
        return status;
    entries = t.parameter->value->view.dims[axis];
    if (part->third != 0)
        status = divide(&t, entries, 3, "parts", &entries, err);
    if (status == LFUSE_OK)
        status = divide(&t, entries, s->heads, "heads", size, err);
    for (; part->name != NULL && status == LFUSE_OK; part++) {
        int64_t groups = s->heads;

        if (pattern->parts[0].unit != QUERIES || part->unit != HEAD ||
            !find(s, part->name, &t))
            continue;
        status = find_axis(&t, part->what, &axis, err);
        if (status == LFUSE_OK)
            status = divide(&t, t.parameter->value->view.dims[axis], *size,
                            "entries of a head", &groups, err);
        if (status == LFUSE_OK)
            status = divide(&t, s->heads, groups, "key and value heads", queries, err);
        break;
    }
    return status;
}

/* ---- spaces ------------------------------------------------------------------------------- */

static lfuse_status add_part(const struct lfi_env *env, struct lfi_couplings *couplings,
                             const struct tensor *t, const struct part *part,
                             int64_t head_size, int64_t queries, lfuse_error *err)
{
    struct lfi_coupling member = {.layer = t->layer->name,
                                  .parameter = t->parameter->name,
                                  .head_group = part->unit == ONE ? 1 : head_size,
                                  .repeat = part->unit == QUERIES ? queries : 1};
    lfuse_status status = find_axis(t, part->what, &member.axis, err);

    if (status == LFUSE_OK && part->third != 0)
        status = divide(t, t->parameter->value->view.dims[member.axis], 3, "parts",
                        &member.extent, err);
    if (status != LFUSE_OK)
        return status;
    member.offset = part->third != 0 ? (part->third - 1) * member.extent : 0;
    return lfi_couplings_add_member(env, couplings, couplings->count - 1, &member, err);
}

static lfuse_status add_block(const struct lfi_env *env, struct lfi_couplings *couplings,
                              const struct search *s, const struct pattern *pattern,
                              lfuse_error *err)
{
    const struct part *part = pattern->parts;
    int64_t head_size = 1, queries = 1;
    lfuse_status status;
    struct tensor t;

    if (!find(s, last_part(pattern)->name, &t) || (part->unit != ONE && s->heads == 0))
        return LFUSE_OK;
    status = lfi_couplings_add_space(env, couplings, err);
    if (status == LFUSE_OK && part->unit != ONE)
        status = head_sizes(s, pattern, &head_size, &queries, err);
    for (; status == LFUSE_OK && part < pattern->parts + PARTS && part->name != NULL;
         part++)
        if (find(s, part->name, &t))
            status = add_part(env, couplings, &t, part, head_size, queries, err);
    return status;
}

/* Whether this tensor is a block's first one, of this name but for the block's prefix. */
static bool is_anchor(const struct tensor *t, const char *name, struct search *s)
{
    const char *layer = t->layer->name;
    const bool is_whole =
        lfi_tensor_has_name(t->layer, t->parameter, layer, strlen(layer));
    const size_t n = strlen(name);
    const int length = snprintf(s->prefix, sizeof(s->prefix), "%s%s%s", layer,
                                is_whole ? "" : ".", is_whole ? "" : t->parameter->name);
    char *tail;

    if (length < (int)n || length >= (int)sizeof(s->prefix))
        return false;
    tail = s->prefix + (size_t)length - n;
    if (strcmp(tail, name) != 0)
        return false;
    *tail = '\0';
    return tail == s->prefix || tail[-1] == '.';
}

static lfuse_status add_pattern(const struct lfi_env *env,
                                struct lfi_couplings *couplings, struct search *s,
                                const struct pattern *pattern, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;
    int32_t k;

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->layers[i]->parameter_count && status == LFUSE_OK; k++) {
            const struct tensor t = {s->layers[i], &s->layers[i]->parameters[k]};

            if (is_anchor(&t, pattern->parts[0].name, s))
                status = add_block(env, couplings, s, pattern, err);
        }
    return status;
}

static lfuse_status fail_unknown(const char *name, lfuse_error *err)
{
    char known[128] = "";
    size_t used = 0;
    int i;

    for (i = 0; i < PATTERNS && used < sizeof(known); i++)
        if (i == 0 || strcmp(patterns[i].preset, patterns[i - 1].preset) != 0)
            used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
                                     i == 0 ? "" : ", ", patterns[i].preset);
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "preset %.64s is unknown; known are %s",
                    name, known);
}

lfuse_status lfi_couplings_add_preset(const struct lfi_env *env,
                                      struct lfi_couplings *couplings, const char *name,
                                      const struct lfi_layer *const *layers,
                                      int64_t count, int64_t heads, lfuse_error *err)
{
    struct search search = {.layers = layers, .count = count, .heads = heads};
    const int64_t before = couplings->count;
    lfuse_status status = LFUSE_OK;
    bool is_known = false;
    int i;

    for (i = 0; i < PATTERNS && status == LFUSE_OK; i++)
        if (strcmp(patterns[i].preset, name) == 0) {
            is_known = true;
            status = add_pattern(env, couplings, &search, &patterns[i], err);
        }
    if (!is_known)
        return fail_unknown(name, err);
    if (status == LFUSE_OK && couplings->count == before)
        status = lfi_fail(err, LFUSE_ERR_NAME,
                          "none of the %lld layers is of a block that preset %s knows",
                          (long long)count, name);
    if (status != LFUSE_OK)
        lfi_couplings_truncate(env, couplings, before);
    return status;
}
