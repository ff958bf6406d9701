/* main.c - layerfuse: which subcommand, and what is true of all of them */
#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include <unistd.h>

static const struct subcommand {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"inspect", "what a file holds, and which of its layers are of one type",
     lfc_inspect},
    {"similarity", "how alike the layers of each type are", lfc_similarity},
    {"plan", "which layers shall share weights", lfc_plan},
    {"apply", "the file that a plan makes of another", lfc_apply},
    {"verify", "whether a file is what a plan makes of another", lfc_verify},
    {"report", "a page of how alike layers are, and of what a plan makes of them",
     lfc_report},
    {"expand", "a file with shared weights under every name", lfc_expand},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

/* What is opened must not become stdout: a closed one refuses what is written to it. */
static void hold_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int print_help(void)
{
    int i;

    printf(
        "usage: layerfuse SUBCOMMAND ...\n\nFinds layers of a trained network that "
        "resemble each other, in safetensors files, and makes them\nshare weights.\n\n");
    for (i = 0; i < SUBCOMMANDS; i++)
        printf("  %-12s %s\n", subcommands[i].name, subcommands[i].help);
    printf("\n  --help       this, or after a subcommand what it takes\n"
           "  --version    of the library\n\n"
           "Results go to stdout, errors to stderr as one line. Exit status: 0 done, 1 "
           "failed,\n"
           "2 wrong usage.\n");
    return lfc_finish_stdout();
}

int main(int argc, char **argv)
{
    int i;

    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a reader that has gone is an error like any other */
    if (argc < 2)
        return lfc_fail(LFC_USAGE, "no subcommand; see layerfuse --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("layerfuse %s\n", lfuse_version_string());
        return lfc_finish_stdout();
    }
    for (i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    return lfc_fail(LFC_USAGE, "there is no subcommand '%s'; see layerfuse --help",
                    argv[1]);
}
