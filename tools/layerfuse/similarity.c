/* similarity.c - layerfuse similarity: how alike the layers of each type are */
#include "similarity.h"

#include <math.h>
#include <stdlib.h>

static int print(const struct lfc_measures *measures)
{
    const struct lfc_similarity *asked = measures->asked;

    return asked->json           ? lfc_similarity_json(measures)
           : asked->csv          ? lfc_similarity_csv(measures)
           : asked->html != NULL ? lfc_page(measures, NULL)
                                 : lfc_similarity_text(measures);
}

/* There are pairs, and not one of them has a value. */
static int all_failed(const struct lfc_measures *measures)
{
    int64_t k, i, j, n;

    for (k = 0; k < measures->count; k++) {
        n = measures->items[k].type->count;
        for (i = 0; i < n; i++)
            for (j = 0; j < n; j++)
                if (i != j && isfinite(measures->items[k].values[i * n + j]))
                    return 0;
    }
    return measures->count > 0;
}

static int run(const struct lfc_similarity *asked)
{
    struct lfc_measures measures = {.asked = asked};
    const struct lfc_session_options options = {
        .threads = asked->threads,
        .seed = asked->seed,
        .max_header_bytes = asked->max_header_bytes,
        .progress = lfc_similarity_progress,
        .progress_user = &measures,
    };
    struct lfc_session session;
    struct lfc_types types;
    int code = lfc_session_open(&session, asked->file, &options);

    if (code != LFC_DONE)
        return code;
    measures.checkpoint = session.checkpoint;
    lfc_types_find(session.checkpoint, (enum lfc_rule)asked->rule, asked->unequal != 0,
                   &types);
    code = lfc_types_select(&types, asked->types.items, asked->types.count);
    if (code == LFC_DONE)
        code = lfc_similarity_measure(session.ctx, &types, &measures);
    if (code == LFC_DONE)
        code = print(&measures);
    if (code == LFC_DONE && all_failed(&measures))
        code = lfc_fail(LFC_FAILED, "no pair of layers could be compared");
    lfc_similarity_free(&measures);
    lfc_types_free(&types);
    lfc_session_close(&session);
    return code;
}

int lfc_similarity(int argc, char **argv)
{
    struct lfc_similarity asked;
    int help, code = lfc_similarity_arguments(&asked, argc, argv, &help);

    if (code == LFC_DONE && !help)
        code = run(&asked);
    free(asked.types.items);
    free(asked.axes.items);
    return code;
}
