/* couplings.c - spaces of members, by name */
#include "fusion/couplings.h"

#include "base/files.h"

#include <string.h>

static void member_free(const struct lfi_env *env, struct lfi_coupling *member)
{
    lfi_string_free(env, member->parameter);
    lfi_string_free(env, member->layer);
}

void lfi_couplings_truncate(const struct lfi_env *env, struct lfi_couplings *couplings,
                            int64_t count)
{
    while (couplings->count > count) {
        struct lfi_space *space = &couplings->spaces[--couplings->count];

        while (space->count > 0)
            member_free(env, &space->members[--space->count]);
        lfi_free(env, space->members, (size_t)space->capacity, sizeof(*space->members));
    }
}

void lfi_couplings_destroy(const struct lfi_env *env, struct lfi_couplings *couplings)
{
    lfi_couplings_truncate(env, couplings, 0);
    lfi_free(env, couplings->spaces, (size_t)couplings->capacity,
             sizeof(*couplings->spaces));
    *couplings = (struct lfi_couplings){0};
}

/* Room for one item more. */
static lfuse_status reserve(const struct lfi_env *env, void *items, int64_t count,
                            int64_t *capacity, size_t size, lfuse_error *err)
{
    const int64_t more = *capacity == 0 ? 8 : 2 * *capacity;
    void *grown, *old;
    lfuse_status status;

    if (count < *capacity)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)more, size, "couplings", &grown, err);
    if (status != LFUSE_OK)
        return status;
    memcpy(&old, items, sizeof(old));
    if (count > 0)
        memcpy(grown, old, (size_t)count * size);
    lfi_free(env, old, (size_t)*capacity, size);
    memcpy(items, &grown, sizeof(grown));
    *capacity = more;
    return LFUSE_OK;
}

lfuse_status lfi_couplings_add_space(const struct lfi_env *env,
                                     struct lfi_couplings *couplings, lfuse_error *err)
{
    lfuse_status status = reserve(env, &couplings->spaces, couplings->count,
                                  &couplings->capacity, sizeof(*couplings->spaces), err);

    if (status == LFUSE_OK)
        couplings->spaces[couplings->count++] = (struct lfi_space){0};
    return status;
}

static lfuse_status check_numbers(struct lfi_coupling *m, lfuse_error *err)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"axis", m->axis},
                   {"head_group", m->head_group},
                   {"repeat", m->repeat},
                   {"offset", m->offset},
                   {"extent", m->extent}};
    int64_t block;
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i].value < 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "member.%s of %s is %lld",
                            numbers[i].name, lfi_quote(m->parameter).text,
                            (long long)numbers[i].value);
    m->head_group = m->head_group != 0 ? m->head_group : 1;
    m->repeat = m->repeat != 0 ? m->repeat : 1;
    if (!lfi_mul_int64(m->head_group, m->repeat, &block))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "member.head_group of %s is %lld, times repeat %lld does not fit",
                        lfi_quote(m->parameter).text, (long long)m->head_group,
                        (long long)m->repeat);
    return LFUSE_OK;
}

lfuse_status lfi_couplings_add_member(const struct lfi_env *env,
                                      struct lfi_couplings *couplings, int64_t space,
                                      const struct lfi_coupling *member, lfuse_error *err)
{
    struct lfi_space *s = &couplings->spaces[space];
    struct lfi_coupling copy = *member;
    lfuse_status status = check_numbers(&copy, err);

    copy.layer = copy.parameter = NULL;
    if (status == LFUSE_OK)
        status =
            reserve(env, &s->members, s->count, &s->capacity, sizeof(*s->members), err);
    if (status == LFUSE_OK && member->layer != NULL)
        status = lfi_string_copy(env, member->layer, &copy.layer, err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(env, member->parameter, &copy.parameter, err);
    if (status == LFUSE_OK)
        s->members[s->count++] = copy;
    else
        member_free(env, &copy);
    return status;
}

bool lfi_tensor_has_name(const struct lfi_layer *layer,
                         const struct lfi_parameter *parameter, const char *text,
                         size_t length)
{
    const size_t l = strlen(layer->name), p = strlen(parameter->name);

    if (length == l + 1 + p && memcmp(text, layer->name, l) == 0 && text[l] == '.' &&
        memcmp(text + l + 1, parameter->name, p) == 0)
        return true;
    return length == l && l > p && layer->name[l - p - 1] == '.' &&
           memcmp(text, layer->name, l) == 0 &&
           memcmp(layer->name + l - p, parameter->name, p) == 0;
}
