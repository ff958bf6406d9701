/* torch.c - see torch.h */
#include "torch.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker {
    pid_t pid;
    FILE *to, *from;
};

struct torch {
    struct worker workers[TORCH_WORKERS];
};

static const struct kind {
    const char *name, *layout;
    int tuned;
} kinds[TORCH_WORKERS] = {
    {"torch-nchw", "nchw", 0},
    {"torch-nhwc", "nhwc", 0},
    {"torch-tuned-nchw", "nchw", 1},
    {"torch-tuned-nhwc", "nhwc", 1},
};

/* In the child, up to exec: 77 is what the worker exits with when there is no PyTorch. */
static void become(const struct kind *kind, const char *python, const char *threads)
{
    setenv("OMP_NUM_THREADS", threads, 1);
    setenv("OPENBLAS_NUM_THREADS", threads, 1);
    if (kind->tuned) {
        setenv("MALLOC_MMAP_THRESHOLD_", "4000000000", 1);
        setenv("MALLOC_TRIM_THRESHOLD_", "16000000000", 1);
        setenv("MALLOC_TOP_PAD_", "67108864", 1);
        setenv("ATEN_CPU_CAPABILITY", "avx512", 1);
    }
    execlp(python, python, BENCH_TORCH_WORKER, threads, kind->layout, (char *)NULL);
    _exit(77);
}

static int start(struct worker *w, const struct kind *kind, const char *python,
                 const char *threads)
{
    int in[2], out[2];

    if (pipe(in) != 0 || pipe(out) != 0)
        return 0;
    w->pid = fork();
    if (w->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        become(kind, python, threads);
    }
    close(in[0]);
    close(out[1]);
    w->to = fdopen(in[1], "w");
    w->from = fdopen(out[0], "r");
    return w->pid > 0 && w->to != NULL && w->from != NULL;
}

static int ask(struct worker *w, const char *command, char *answer, int size)
{
    return fprintf(w->to, "%s\n", command) > 0 && fflush(w->to) == 0 &&
           fgets(answer, size, w->from) != NULL;
}

struct torch *torch_open(const char *python, int threads)
{
    struct torch *torch = calloc(1, sizeof(*torch));
    char text[16], answer[64];
    int i;

    if (torch == NULL)
        return NULL;
    signal(SIGPIPE, SIG_IGN); /* a worker that is gone is a failed write */
    snprintf(text, sizeof(text), "%d", threads);
    for (i = 0; i < TORCH_WORKERS; i++)
        if (!start(&torch->workers[i], &kinds[i], python, text) ||
            !ask(&torch->workers[i], "conv forward 1 16 4 16 3 1", answer, 64)) {
            fprintf(stderr, "bench_peers: %s has no PyTorch: done without\n", python);
            torch_close(torch);
            return NULL;
        }
    return torch;
}

void torch_close(struct torch *torch)
{
    int i;

    for (i = 0; torch != NULL && i < TORCH_WORKERS; i++) {
        struct worker *w = &torch->workers[i];

        if (w->to != NULL)
            fclose(w->to); /* the end of its input ends it */
        if (w->from != NULL)
            fclose(w->from);
        if (w->pid > 0)
            waitpid(w->pid, NULL, 0);
    }
    free(torch);
}

static void run_round(void *arg, double seconds, double *median, double *least)
{
    char command[32], answer[128];

    snprintf(command, sizeof(command), "round %g", seconds);
    if (!ask(arg, command, answer, sizeof(answer)) ||
        sscanf(answer, "%lf %lf", median, least) != 2) {
        fprintf(stderr, "bench_peers: a PyTorch worker is gone\n");
        exit(1);
    }
}

int torch_contend(struct torch *torch, const char *command, struct contender *out)
{
    char answer[64];
    int count = 0, i;

    for (i = 0; torch != NULL && i < TORCH_WORKERS; i++)
        if (ask(&torch->workers[i], command, answer, sizeof(answer)) &&
            strcmp(answer, "ok\n") == 0)
            out[count++] = (struct contender){.name = kinds[i].name,
                                              .round = run_round,
                                              .arg = &torch->workers[i],
                                              .error = NAN};
    return count;
}
