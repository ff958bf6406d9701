/* inspect.c - layerfuse inspect: what a file holds, and which of its layers are comparable */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "json.h"
#include "text.h"
#include "types.h"

struct inspect {
    const char *file;
    int64_t max_header_bytes;
    int32_t rule;
    int json;
};

/* Of the whole file; stored: without aliases, which are other names of tensors. */
struct sums {
    int64_t tensors;
    int64_t parameters;
    int64_t bytes;
    int64_t aliases;
    int64_t stored_parameters;
    int64_t stored_bytes;
};

static int read_arguments(struct inspect *o, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"FILE", NULL};
    const struct lfc_argument table[] = {
        {"--type-rule", "RULE", lfc_types_rule_help, &o->rule, LFC_CHOICE,
         .choices = lfc_types_rules},
        {"--json", NULL, "as JSON: tensors, parameters, bytes, types", &o->json,
         .kind = LFC_FLAG},
        {"--max-header-bytes", "N", lfc_session_header_help, &o->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        .synopsis = "layerfuse inspect FILE [--type-rule component|digits] [--json]",
        .about = LFC_FILE_HELP
        "Says what it holds, and which of its tensors are layers of one type: those of\n"
        "rank 2 or more whose names differ in numbers alone and whose shapes agree. "
        "Such\n"
        "layers can be compared, and share weights.\n",
        .operands = operands,
        .values = &o->file,
        .table = table,
        .count = sizeof(table) / sizeof(table[0]),
    };

    *o = (struct inspect){.rule = LFC_RULE_COMPONENT};
    return lfc_arguments_read(&arguments, argc, argv, help);
}

static struct sums add_up(const lfuse_checkpoint *checkpoint)
{
    struct sums s = {.tensors = lfuse_checkpoint_count(checkpoint)};
    int64_t i;

    for (i = 0; i < s.tensors; i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(checkpoint, i);
        int64_t elements = lfuse_tensor_elements(tensor);
        int64_t bytes = (int64_t)lfuse_tensor_bytes(tensor);

        s.parameters += elements;
        s.bytes += bytes;
        if (lfuse_checkpoint_owner(checkpoint, i) != i) {
            s.aliases++;
            continue;
        }
        s.stored_parameters += elements;
        s.stored_bytes += bytes;
    }
    return s;
}

/* ---- JSON ------------------------------------------------------------------------------ */

/* Tensors that are not of a type that could fuse; nothing else counts them. */
static json_t *skipped_names(const lfuse_checkpoint *checkpoint)
{
    json_t *array = lfc_json_array();
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_skipped_count(checkpoint); i++)
        lfc_json_append(array, lfc_json_text(lfuse_checkpoint_skipped(checkpoint, i)));
    return array;
}

static int print_json(const lfuse_checkpoint *checkpoint, const struct lfc_types *types)
{
    struct sums s = add_up(checkpoint);
    json_t *root = lfc_json_object(), *array = lfc_json_array();
    int64_t i;

    for (i = 0; i < types->count; i++)
        lfc_json_append(array, lfc_json_type(checkpoint, &types->items[i]));
    lfc_json_set(root, "tensors", json_integer(s.tensors));
    lfc_json_set(root, "parameters", json_integer(s.parameters));
    lfc_json_set(root, "bytes", json_integer(s.bytes));
    lfc_json_set(root, "aliases", json_integer(s.aliases));
    lfc_json_set(root, "stored_parameters", json_integer(s.stored_parameters));
    lfc_json_set(root, "stored_bytes", json_integer(s.stored_bytes));
    lfc_json_set(root, "types", array);
    if (lfuse_checkpoint_skipped_count(checkpoint) > 0)
        lfc_json_set(root, "skipped", skipped_names(checkpoint));
    return lfc_json_print(root);
}

/* ---- text ------------------------------------------------------------------------------ */

static void print_sums(const char *path, const struct sums *s)
{
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES], c[LFC_NUMBER_BYTES];

    lfc_put_text(stdout, lfc_file_name(path));
    printf(": %s tensors, %s parameters, %s\n", lfc_count(a, s->tensors),
           lfc_count(b, s->parameters), lfc_bytes(c, s->bytes));
    if (s->aliases > 0)
        printf(
            "%s of the tensors are other names of stored ones: %s parameters are stored, "
            "%s\n",
            lfc_count(a, s->aliases), lfc_count(b, s->stored_parameters),
            lfc_bytes(c, s->stored_bytes));
}

static void print_skipped(const lfuse_checkpoint *checkpoint)
{
    char a[LFC_NUMBER_BYTES];
    int64_t n = lfuse_checkpoint_skipped_count(checkpoint);

    if (n == 0)
        return;
    printf("%s more %s left out, of a type or rank that cannot fuse: ", lfc_count(a, n),
           n == 1 ? "is" : "are");
    lfc_put_text(stdout, lfuse_checkpoint_skipped(checkpoint, 0));
    fputs(n > 1 ? ", ...\n" : "\n", stdout);
}

static int64_t weights_of(const struct lfc_type *type)
{
    int64_t product = type->count;
    int32_t axis;

    for (axis = 0; axis < type->rank; axis++)
        product *= type->dims[axis]; /* all of it is in the file */
    return product;
}

/* The layers' labels, as many as fit in a line. */
static void print_labels(const struct lfc_type *type, int width)
{
    int used = 4, label;
    int64_t i;

    printf("   ");
    for (i = 0; i < type->count; i++) {
        label = lfc_text_width(type->labels[i]) + 1;
        if (used + label + (i + 1 < type->count ? 4 : 0) > width && i > 0) {
            printf(" ...");
            break;
        }
        putchar(' ');
        lfc_put_text(stdout, type->labels[i]);
        used += label;
    }
    putchar('\n');
}

static void print_type(const struct lfc_type *type, int width)
{
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];

    putchar('\n');
    lfc_put_text(stdout, type->pattern);
    putchar(' ');
    lfc_put_shape(stdout, type->rank, type->dims);
    printf(": %s layers, %s parameters\n", lfc_count(a, type->count),
           lfc_count(b, weights_of(type)));
    print_labels(type, width);
}

static int print_text(const lfuse_checkpoint *checkpoint, const struct lfc_types *types,
                      const char *path)
{
    struct sums s = add_up(checkpoint);
    char a[LFC_NUMBER_BYTES];
    int width = lfc_columns();
    int64_t alone = s.parameters, i;

    print_sums(path, &s);
    print_skipped(checkpoint);
    for (i = 0; i < types->count; i++) {
        print_type(&types->items[i], width);
        alone -= weights_of(&types->items[i]);
    }
    if (types->count == 0)
        printf("\nNo two tensors are layers of one type.\n");
    else if (alone > 0)
        printf("\n%s parameters are in no type: biases, norms, single layers.\n",
               lfc_count(a, alone));
    return lfc_finish_stdout();
}

int lfc_inspect(int argc, char **argv)
{
    struct lfc_session_options options = {.threads = 1};
    struct lfc_session session;
    struct lfc_types types;
    struct inspect o;
    int help, code = read_arguments(&o, argc, argv, &help);

    if (code != LFC_DONE || help)
        return code;
    options.max_header_bytes = o.max_header_bytes;
    code = lfc_session_open(&session, o.file, &options);
    if (code != LFC_DONE)
        return code;
    lfc_types_find(session.checkpoint, (enum lfc_rule)o.rule, 0, &types);
    code = o.json ? print_json(session.checkpoint, &types)
                  : print_text(session.checkpoint, &types, o.file);
    lfc_types_free(&types);
    lfc_session_close(&session);
    return code;
}
