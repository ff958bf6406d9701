/* apply.c - layerfuse apply and expand: files in which layers share weights, and the way back */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "text.h"
#include "writing.h"

struct apply {
    const char *operands[2]; /* FILE, PLAN.json */
    const char *output;
    int32_t mode;
    int64_t threads;
    int64_t max_header_bytes;
};

/* ---- arguments ------------------------------------------------------------------------------ */

static int check_output(const struct apply *o, int operands)
{
    int i;

    if (o->output == NULL)
        return lfc_fail(LFC_USAGE, "-o is not given");
    for (i = 0; i < operands; i++)
        if (lfc_is_same_file(o->output, o->operands[i]))
            return lfc_fail(LFC_USAGE, "-o: %s is a file to read", o->output);
    return LFC_DONE;
}

static int read_apply(struct apply *o, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"FILE", "PLAN.json", NULL};
    static const char *const modes[] = {"dedup", "expand", NULL};
    const struct lfc_argument table[] = {
        {"--mode", "MODE",
         "dedup: shared weights once, with a list of aliases; expand:\n"
         "under every name, for readers that know of none (dedup)",
         &o->mode, LFC_CHOICE, .choices = modes},
        {"-o", "OUT", "the file to write, whole or not at all", &o->output, LFC_TEXT,
         .choices = NULL},
        {"--threads", "N", "that work at once (one for each processor)", &o->threads,
         LFC_INTEGER, 1, 1024, NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &o->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        .synopsis =
            "layerfuse apply FILE PLAN.json [--mode dedup|expand] -o OUT.safetensors",
        .about = LFC_FILE_HELP
        "Writes FILE anew, with the layers sharing weights as the plan says; all else "
        "in it,\nmetadata too, stays as it is. Memory does not grow with FILE. A model "
        "of several\nfiles becomes a new folder OUT of as many; named *.safetensors it "
        "is one file. The\nmetadata of several is the first one's; rows that FILE has "
        "in a bank and the plan does\nnot join are stored in full.\n",
        .operands = operands,
        .values = o->operands,
        .table = table,
        .count = sizeof(table) / sizeof(table[0]),
    };
    int code;

    *o = (struct apply){.mode = LFUSE_SAVE_DEDUP};
    code = lfc_arguments_read(&arguments, argc, argv, help);
    return code == LFC_DONE && !*help ? check_output(o, 2) : code;
}

static int read_expand(struct apply *o, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"DEDUP", NULL};
    const struct lfc_argument table[] = {
        {"-o", "FULL", "the file to write, whole or not at all", &o->output, LFC_TEXT,
         .choices = NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &o->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        .synopsis = "layerfuse expand DEDUP.safetensors -o FULL.safetensors",
        .about =
            "Writes a file that layerfuse apply made anew, with shared weights under "
            "every name:\nso it loads anywhere.\n",
        .operands = operands,
        .values = o->operands,
        .table = table,
        .count = sizeof(table) / sizeof(table[0]),
    };
    int code;

    *o = (struct apply){.mode = LFUSE_SAVE_EXPAND, .threads = 1};
    code = lfc_arguments_read(&arguments, argc, argv, help);
    return code == LFC_DONE && !*help ? check_output(o, 1) : code;
}

/* ---- results ------------------------------------------------------------------------------- */

static int print_sizes(const struct lfc_writing *w, const char *output)
{
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];
    int64_t before = 0, i;
    size_t bytes = 0;

    for (i = 0; i < lfuse_checkpoint_skipped_count(w->checkpoint); i++)
        if (lfuse_checkpoint_skipped_data(w->checkpoint, i, &bytes) != NULL)
            before += (int64_t)bytes; /* they are carried along */
    for (i = 0; i < lfuse_checkpoint_count(w->checkpoint); i++)
        if (lfuse_checkpoint_owner(w->checkpoint, i) == i)
            before +=
                (int64_t)lfuse_tensor_bytes(lfuse_checkpoint_tensor(w->checkpoint, i));
    lfc_put_text(stdout, lfc_file_name(output));
    printf(": %s of tensors, of %s before\n", lfc_bytes(a, w->bytes),
           lfc_bytes(b, before));
    return lfc_finish_stdout();
}

int lfc_apply(int argc, char **argv)
{
    struct lfc_session_options options = {0};
    struct lfc_writing writing = {0};
    struct lfc_applied applied;
    struct apply o;
    int help, code = read_apply(&o, argc, argv, &help);

    if (code != LFC_DONE || help)
        return code;
    options.threads = o.threads;
    options.max_header_bytes = o.max_header_bytes;
    code = lfc_applied_open(&applied, o.operands[0], o.operands[1], &options);
    if (code != LFC_DONE)
        return code;
    writing.checkpoint = applied.session.checkpoint;
    writing.applied = &applied;
    writing.mode = o.mode;
    code = lfc_check_output(&applied.session, o.operands[0], o.output);
    if (code == LFC_DONE)
        code = lfc_write(applied.session.ctx, &writing, o.output);
    if (code == LFC_DONE)
        code = print_sizes(&writing, o.output);
    lfc_applied_close(&applied);
    return code;
}

int lfc_expand(int argc, char **argv)
{
    struct lfc_session_options options = {.threads = 1};
    struct lfc_writing writing = {.mode = LFUSE_SAVE_EXPAND};
    struct lfc_session session;
    struct apply o;
    int help, code = read_expand(&o, argc, argv, &help);

    if (code != LFC_DONE || help)
        return code;
    options.max_header_bytes = o.max_header_bytes;
    code = lfc_session_open(&session, o.operands[0], &options);
    if (code != LFC_DONE)
        return code;
    writing.checkpoint = session.checkpoint;
    code = lfc_check_output(&session, o.operands[0], o.output);
    if (code == LFC_DONE)
        code = lfc_write(session.ctx, &writing, o.output);
    if (code == LFC_DONE)
        code = print_sizes(&writing, o.output);
    lfc_session_close(&session);
    return code;
}
